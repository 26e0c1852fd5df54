/* A partition that does not fit: of a key that is read often only what is no read is kept. Its
 * reads are read from the file again, once for the values that they show and once for the register,
 * so that the memory is that of the writes. A read that is the first to show an ETag is kept, since
 * the index refers to it. */
#include "check/mutate.h"
#include "check/part.h"
#include "core/alloc.h"

static int grow(struct s3p_kept **rows, uint32_t *cap, uint64_t want, struct s3p_err *err)
{
    if (want <= *cap)
        return 0;
    uint64_t to = want + want / 2;
    void *p = to < UINT32_MAX ? s3p_realloc(*rows, to * sizeof **rows) : NULL;
    if (p == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%llu rows", (unsigned long long)want);
    *rows = p;
    *cap = (uint32_t)to;
    return 0;
}

/* Room for one row more, and what belongs to it. */
static int more_rows(struct s3p_part *p, struct s3p_err *err)
{
    struct s3p_stream *s = &p->stream;
    uint64_t want = (uint64_t)p->index.n + 2, bytes = want * sizeof *s->row;
    if (bytes > p->bound_bytes)
        return s3p_fail(err, S3P_ELIMIT, 0,
                        "the checker's memory bound of %llu MiB is too small: the writes of one "
                        "partition of keys need more",
                        (unsigned long long)(p->bound_bytes >> 20));
    S3P_TRY(grow(&s->row, &s->cap, want, err));
    p->index.row = s->row;
    return 0;
}

/* All rows of the partition, in file order. */
static int sweep(struct s3p_part *p, bool judge,
                 int (*fn)(struct s3p_part *p, const struct s3p_kept *r, void *ctx,
                           struct s3p_err *err),
                 void *ctx, struct s3p_err *err)
{
    struct s3p_stream *s = &p->stream;
    for (uint32_t k = 0; k < s->load->segments; k++) {
        uint32_t n = s3p_load_part_rows(s->load, k, s->partition);
        if (n == 0 && !judge)
            continue;
        if (judge)
            s3p_tally_unit(p->tally);
        S3P_TRY(grow(&s->chunk, &s->chunk_cap, (uint64_t)n + 1, err));
        S3P_TRY(s3p_load_part(s->load, k, s->partition, s->chunk, judge, p->tally, err));
        for (uint32_t i = 0; i < n; i++)
            if (s->chunk[i].kind != S3P_ROW_NONE)
                S3P_TRY(fn(p, &s->chunk[i], ctx, err));
    }
    return 0;
}

static int keep(struct s3p_part *p, const struct s3p_kept *r, void *ctx, struct s3p_err *err)
{
    struct s3p_index *x = &p->index;
    uint32_t key;
    (void)ctx;
    S3P_TRY(s3p_index_see(x, r, &key, err));
    if (r->kind == S3P_ROW_READ && x->key[key].reads > p->stream.reads) {
        x->key[key].streamed = true;
        return 0;
    }
    S3P_TRY(more_rows(p, err));
    p->stream.row[x->n++] = r[0];
    if (r->etag_is == S3P_KEPT_BOTH)
        p->stream.row[x->n++] = r[1];
    return 0;
}

/* Drops the first reads of keys that turned out to have many. */
static int drop_reads(struct s3p_part *p, struct s3p_err *err)
{
    struct s3p_index *x = &p->index;
    struct s3p_kept *row = p->stream.row;
    uint32_t n = 0, key;
    for (uint32_t i = 0; i < x->n; i++) {
        if (row[i].kind == S3P_ROW_READ) {
            S3P_TRY(s3p_index_find(x, &row[i], &key, err));
            if (x->key[key].streamed)
                continue;
        }
        row[n++] = row[i];
    }
    x->n = n;
    return 0;
}

int s3p_stream_gather(struct s3p_part *p, bool judge, struct s3p_err *err)
{
    S3P_TRY(s3p_index_open(&p->index, err));
    S3P_TRY(more_rows(p, err));
    S3P_TRY(sweep(p, judge, keep, NULL, err));
    S3P_TRY(drop_reads(p, err));
    return s3p_index_group(&p->index, err);
}

static int pass_on(struct s3p_part *p, const struct s3p_kept *r, void *ctx, struct s3p_err *err)
{
    const struct s3p_key *k = &p->index.key[p->key];
    bool other = r->key_index != k->key_index || r->place != k->place;
    if (r->kind != S3P_ROW_READ || S3P_OFF(STREAM_ANY_KEY, other))
        return 0;
    p->stream.row[p->index.n] = *r;
    return (*(s3p_read_fn *const *)ctx)(p, p->index.n, err);
}

int s3p_stream_reads(struct s3p_part *p, s3p_read_fn *fn, struct s3p_err *err)
{
    return p->index.key[p->key].streamed ? sweep(p, false, pass_on, &fn, err) : 0;
}

static int index_read(struct s3p_part *p, uint32_t row, struct s3p_err *err)
{
    bool first;
    S3P_TRY(s3p_index_read(&p->index, row, &first, p->tally, err));
    first = S3P_OFF(STREAM_FIRST_OFF, first);
    p->index.n += first;
    return first ? more_rows(p, err) : 0;
}

int s3p_stream_index(struct s3p_part *p, struct s3p_err *err)
{
    return s3p_stream_reads(p, index_read, err);
}

void s3p_stream_free(struct s3p_stream *s)
{
    s3p_free(s->chunk);
    s3p_free(s->row);
    *s = (struct s3p_stream){.load = NULL};
}
