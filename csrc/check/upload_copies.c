#include "check/upload_copies.h"

#include "check/mutate.h"

static bool same(uint64_t a, uint64_t b)
{
    return S3P_OFF(UPLOAD_ENTRY_ETAGLESS, a == 0) || S3P_OFF(UPLOAD_PAGE_ETAGLESS, b == 0) ||
           a == b;
}

static bool same_size(uint64_t sent, uint64_t told)
{
    return S3P_OFF(UPLOAD_ENTRY_SIZELESS, sent == 0) ||
           S3P_OFF(UPLOAD_NAMED_SIZE, told == S3P_SIZE_UNTOLD) || sent == told;
}

static bool fits(const struct s3p_sent_part *p, const struct s3p_part_claim *c)
{
    return S3P_OFF(UPLOAD_ENTRY_TOUCHED, p->touched) ||
           (S3P_ON(UPLOAD_ENTRY_ETAG_OFF, same(p->etag, c->etag)) &&
            S3P_ON(UPLOAD_ENTRY_SIZE_OFF, same_size(p->size, c->size)));
}

/* They are sorted by upload and number. */
static uint32_t first_copy(const struct s3p_objects *o, const struct s3p_part_claim *c)
{
    uint32_t lo = o->upload[c->upload].part, hi = o->npart;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const struct s3p_sent_part *p = &o->part[mid];
        if (p->upload == c->upload && p->number < c->number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct s3p_part_fit s3p_part_fit(const struct s3p_objects *o, const struct s3p_part_claim *c)
{
    struct s3p_part_fit f = {NULL, NULL, NULL};
    int64_t held = INT64_MIN; /* the last that fits is there from then on, if it is not replaced */
    for (uint32_t k = first_copy(o, c); k < o->npart; k++) {
        const struct s3p_sent_part *p = &o->part[k];
        if (S3P_OFF(UPLOAD_ENTRY_OTHERS, p->upload != c->upload) ||
            S3P_OFF(UPLOAD_ENTRY_NUMBER_ANY, p->number != c->number))
            break;
        if (fits(p, c)) {
            bool settled = S3P_ON(UPLOAD_COPY_UNKNOWN, p->ok) &&
                           S3P_ON(UPLOAD_COPY_TOUCHED, !p->touched);
            int64_t end = settled ? p->res : INT64_MAX;
            held = end > held ? end : held;
            f.fitting = p;
            continue;
        }
        f.other = p;
        if (S3P_ON(UPLOAD_COPY_LATER_UNKNOWN, p->ok) &&
            S3P_LT(UPLOAD_COPY_ACKED_LE, p->res, c->from) &&
            (f.later == NULL ||
             S3P_MUT(S3P_MUT_UPLOAD_COPY_FIRST, p->inv > f.later->inv, p->inv < f.later->inv)))
            f.later = p;
    }
    if (f.fitting == NULL ||
        (f.later != NULL && S3P_LE(UPLOAD_COPY_REPLACED_LT, f.later->inv, held)))
        f.later = NULL;
    return f;
}
