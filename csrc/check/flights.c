#include "check/flights.h"

#include <stdlib.h>

#include "check/members.h"
#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])
#define CMP(x, y) (((x) > (y)) - ((x) < (y)))

static int by_upload(const void *va, const void *vb)
{
    const struct s3p_flight *a = va, *b = vb;
    return CMP(a->upload, b->upload);
}

static bool sends_part(uint8_t op)
{
    return op == S3P_OP_UPLOAD_PART || op == S3P_OP_UPLOAD_PART_COPY;
}

static size_t count(const struct s3p_segment_view *s)
{
    size_t n = 0;
    for (uint32_t i = 0; i < s->records; i++)
        n += sends_part(COL(s, uint8_t, op)[i]);
    return n;
}

/* What nobody answered for may be on its way for ever. */
static int64_t end_of(const struct s3p_segment_view *s, uint32_t i)
{
    bool known = COL(s, uint8_t, outcome)[i] != S3P_UNKNOWN;
    return S3P_ON(FLIGHT_UNKNOWN_RETURNS, known) ? COL(s, int64_t, t_return)[i] : INT64_MAX;
}

static void add(struct s3p_flights *f, const struct s3p_segment_view *s)
{
    for (uint32_t i = 0; i < s->records; i++)
        if (sends_part(COL(s, uint8_t, op)[i]))
            f->part[f->n++] = (struct s3p_flight){
                s3p_id_token(s3p_segment_text(s, COL(s, uint32_t, upload_id)[i])),
                COL(s, int64_t, t_call)[i], end_of(s, i)};
}

int s3p_flights_find(struct s3p_flights *f, const struct s3p_histfile *file, struct s3p_err *err)
{
    uint32_t segments = s3p_histfile_segments(file);
    uint64_t ops = 0;
    size_t n = 0;
    *f = (struct s3p_flights){.part = NULL};
    for (uint32_t s = 0; s < segments; s++)
        ops |= s3p_histfile_segment(file, s)->ops;
    if ((ops & S3P_BIT(S3P_OP_ABORT_UPLOAD)) == 0)
        return 0;
    for (uint32_t s = 0; s < segments; s++)
        n += count(s3p_histfile_segment(file, s));
    f->part = s3p_alloc((n + 1) * sizeof *f->part);
    if (f->part == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%zu parts", n);
    for (uint32_t s = 0; s < segments; s++)
        add(f, s3p_histfile_segment(file, s));
    qsort(f->part, f->n, sizeof *f->part, by_upload);
    return 0;
}

void s3p_flights_free(struct s3p_flights *f)
{
    s3p_free(f->part);
    *f = (struct s3p_flights){.part = NULL};
}

bool s3p_flights_race(const struct s3p_flights *f, uint64_t upload, int64_t inv, int64_t res)
{
    size_t lo = 0, hi = f->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (f->part[mid].upload < upload)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < f->n && f->part[lo].upload == upload; lo++)
        if (S3P_LT(FLIGHT_CALL_LE, f->part[lo].inv, res) &&
            S3P_ON(FLIGHT_RETURN_ANY, S3P_LT(FLIGHT_RETURN_LE, inv, f->part[lo].res)))
            return true;
    return false;
}
