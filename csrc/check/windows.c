#include "check/windows.h"

#include <stdlib.h>
#include <string.h>

#include "check/mutate.h"
#include "core/alloc.h"

struct s3p_change {
    int64_t res;
    int64_t inv; /* after sorting: the earliest of this and all later ones */
};

static int by_return(const void *a, const void *b)
{
    const struct s3p_change *x = a, *y = b;
    return (x->res > y->res) - (x->res < y->res);
}

/* Changes of one direction by return, each with the earliest call of it and its successors; one
 * more that never comes. */
static uint32_t sort_changes(struct s3p_change *c, const struct s3p_fact *f, uint32_t n,
                             uint8_t what)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++)
        if (f[i].what & what)
            c[k++] = (struct s3p_change){f[i].res, f[i].inv};
    if (k > 1)
        qsort(c, k, sizeof *c, by_return);
    c[k] = (struct s3p_change){INT64_MAX, INT64_MAX};
    for (uint32_t i = k; i-- > 0;)
        c[i].inv = c[i].inv < c[i + 1].inv ? c[i].inv : c[i + 1].inv;
    return k;
}

/* The first change that had not returned when `inv` was called. */
static uint32_t first_open(const struct s3p_change *c, uint32_t k, int64_t inv)
{
    uint32_t lo = 0, hi = k;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (S3P_MUT(S3P_MUT_WINDOW_OPEN_LE, c[mid].res < inv, c[mid].res <= inv))
            lo = mid + 1;
        else
            hi = mid;
    }
    return S3P_MUT(S3P_MUT_WINDOW_IGNORES_CHANGES, lo, k);
}

static void note_earlier(struct s3p_span *best, int64_t res, uint32_t record)
{
    if (res < best->from || (res == best->from && record < best->record)) {
        best->from = res;
        best->record = record;
    }
}

/* The windows that end at each change, those of one end as one. Two of different ends lie apart:
 * the change that ends the first had returned before the evidence of the second was called. */
static uint32_t join_spans(struct s3p_span *out, const struct s3p_span *best,
                           const struct s3p_change *c, uint32_t k)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i <= k; i++) {
        struct s3p_span w = {best[i].from, c[i].inv, best[i].record};
        if (S3P_LE(FACT_EMPTY_LT, w.to, w.from))
            continue;
        if (n > 0 && out[n - 1].to == w.to)
            note_earlier(&out[n - 1], w.from, w.record);
        else
            out[n++] = w;
    }
    return n;
}

static uint32_t make_spans(struct s3p_windows *w, struct s3p_span *out, const struct s3p_fact *f,
                           uint32_t n, uint8_t evidence, uint8_t change)
{
    uint32_t k = sort_changes(w->change, f, n, change);
    for (uint32_t i = 0; i <= k; i++)
        w->best[i] = (struct s3p_span){INT64_MAX, 0, S3P_NO_RECORD};
    if (evidence == S3P_FACT_GONE && S3P_MUT(S3P_MUT_WINDOW_FRESH_OFF, true, false))
        w->best[0].from = INT64_MIN;
    for (uint32_t i = 0; i < n; i++)
        if (f[i].what & evidence)
            note_earlier(&w->best[first_open(w->change, k, f[i].inv)],
                         S3P_MUT(S3P_MUT_WINDOW_FROM_CALL, f[i].res, f[i].inv), f[i].record);
    return join_spans(out, w->best, w->change, k);
}

static int reserve_facts(struct s3p_windows *w, uint32_t n, struct s3p_err *err)
{
    if (n <= w->cap && w->change != NULL)
        return 0;
    s3p_windows_free(w);
    w->change = s3p_alloc(((size_t)n + 1) * sizeof *w->change);
    w->best = s3p_alloc(((size_t)n + 1) * sizeof *w->best);
    w->window = s3p_alloc(2 * ((size_t)n + 1) * sizeof *w->window);
    w->cap = n;
    if (w->change != NULL && w->best != NULL && w->window != NULL)
        return 0;
    s3p_windows_free(w);
    return s3p_fail(err, S3P_ENOMEM, 0, "%u facts of one name", n);
}

int s3p_windows_make(struct s3p_windows *w, const struct s3p_fact *f, uint32_t n,
                     struct s3p_err *err)
{
    S3P_TRY(reserve_facts(w, n, err));
    w->there = make_spans(w, w->window, f, n, S3P_FACT_THERE, S3P_FACT_REMOVES);
    w->gone = make_spans(w, w->window + w->there, f, n, S3P_FACT_GONE, S3P_FACT_MAKES);
    return 0;
}

void s3p_windows_free(struct s3p_windows *w)
{
    s3p_free(w->change);
    s3p_free(w->best);
    s3p_free(w->window);
    memset(w, 0, sizeof *w);
}

uint32_t s3p_borders_pack(const struct s3p_span *w, uint32_t n, bool since, int64_t *at,
                          uint32_t *record)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        at[k] = w[i].from;
        record[k] = w[i].record;
        k += !since || i > 0;
        at[k] = w[i].to;
        record[k] = S3P_NO_RECORD;
        k += w[i].to != INT64_MAX;
    }
    return k;
}

struct s3p_span s3p_borders_window(const struct s3p_borders *b, uint32_t i)
{
    uint32_t end = 2 * i + 1 - b->since;
    struct s3p_span w = {INT64_MIN, end < b->n ? b->at[end] : INT64_MAX, S3P_NO_RECORD};
    if (end > 0) {
        w.from = b->at[end - 1];
        w.record = b->record[end - 1];
    }
    return w;
}

bool s3p_borders_find(const struct s3p_borders *b, int64_t from, int64_t to, struct s3p_span *held)
{
    uint32_t lo = 0, hi = b->n; /* borders that are passed */
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (S3P_MUT(S3P_MUT_WINDOW_LEFT_LE, b->at[mid] < from, b->at[mid] <= from))
            lo = mid + 1;
        else
            hi = mid;
    }
    uint32_t begun = (lo + b->since + 1) / 2;
    if (begun == 0)
        return false;
    *held = s3p_borders_window(b, begun - 1);
    return S3P_MUT(S3P_MUT_WINDOW_RIGHT_LE, to < held->to, to <= held->to);
}
