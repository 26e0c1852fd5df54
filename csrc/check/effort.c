#include "check/effort.h"

#include <string.h>

#include "check/cluster.h"
#include "core/alloc.h"
#include "s3/outcome.h"

enum { KEPT_MAX = 1 << 16 }; /* of a larger key the workspace is not kept */

static void release(struct s3p_effort *e)
{
    s3p_free(e->span);
    s3p_free(e->spare);
    s3p_free(e->scratch);
    e->span = e->spare = NULL;
    e->scratch = NULL;
    e->cap = 0;
}

static int reserve(struct s3p_effort *e, uint32_t rows, struct s3p_err *err)
{
    if (rows <= e->cap)
        return 0;
    release(e);
    e->span = s3p_alloc(rows * sizeof *e->span);
    e->spare = s3p_alloc(rows * sizeof *e->spare);
    e->scratch = s3p_alloc((rows + (size_t)1) * sizeof *e->scratch);
    if (e->span == NULL || e->spare == NULL || e->scratch == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "evidence of %u attempts", rows);
    e->cap = rows;
    return 0;
}

void s3p_effort_free(struct s3p_effort *e)
{
    release(e);
}

static inline void add(struct s3p_effort *e, const struct s3p_kept *r)
{
    uint8_t kind = r->kind == S3P_ROW_SPOIL ? (uint8_t)r->etag : r->kind,
            outcome = s3p_kept_outcome(r);
    if (kind == S3P_ROW_NONE)
        return;
    if (kind == S3P_ROW_READ) {
        e->sum.reads += s3p_kept_answers(r);
        return;
    }
    e->sum.acked_writes += kind != S3P_ROW_DELETE && outcome == S3P_OK_OUTCOME;
    e->sum.cas_commits +=
        (kind == S3P_ROW_CREATE || kind == S3P_ROW_CAS) && outcome == S3P_OK_OUTCOME;
    e->sum.unknown += outcome == S3P_UNKNOWN;
    if (!(r->bits & S3P_ROW_MAIN))
        return;
    int64_t res = s3p_kept_res(r);
    int64_t end = res == INT64_MAX ? r->inv : res; /* only the call was in flight for sure */
    e->span[e->n++] = (struct s3p_zone){end, r->inv, (uint32_t)r->client};
}

/* Marks in e->scratch what overlaps a mutation of another client that returned before it: the last
 * one that did is the one to look at. */
static void mark_earlier(struct s3p_effort *e)
{
    uint32_t other = S3P_NO_OP;
    for (uint32_t i = 0; i < e->n; i++) {
        const struct s3p_zone *z = &e->span[i];
        if (i > 0 && z[-1].head != z->head)
            other = i - 1;
        e->scratch[i] = other != S3P_NO_OP && e->span[other].f >= z->s;
    }
}

/* Counts these and what overlaps one that returned after it. With selections rather than branches:
 * which way they go is a matter of chance. */
static void count_overlaps(struct s3p_effort *e)
{
    int64_t best = INT64_MAX, second = INT64_MAX; /* earliest call so far; of others than best's */
    uint32_t owner = 0;
    for (uint32_t i = e->n; i-- > 0;) {
        const struct s3p_zone *z = &e->span[i];
        bool same = z->head == owner || best == INT64_MAX;
        bool later = (same ? second : best) <= z->f;
        e->sum.overlapping += e->scratch[i] | later;
        int64_t greater = z->s > best ? z->s : best;
        second = !same && greater < second ? greater : second;
        owner = same || z->s < best ? z->head : owner;
        best = z->s < best ? z->s : best;
    }
}

/* Number of the first return that is not before the call of mutation `i`. It is near; how near is a
 * matter of chance, so that it is first looked for near by and without a branch. */
static uint32_t first_return(const struct s3p_effort *e, uint32_t i)
{
    enum { NEAR = 32 };
    const struct s3p_zone *z = e->span;
    int64_t call = z[i].s;
    uint32_t at = i, low = 0;
    if (i >= NEAR) {
        for (uint32_t step = NEAR / 2; step != 0; step /= 2)
            at -= z[at - step].f >= call ? step : 0;
        if (at > i - (NEAR - 1))
            return at;
    }
    while (low < at) {
        uint32_t mid = low + (at - low) / 2;
        if (z[mid].f < call)
            low = mid + 1;
        else
            at = mid;
    }
    return at;
}

/* Most are in flight at some return: all that were called by then, less what had returned before.
 */
static void count_in_flight(struct s3p_effort *e)
{
    uint32_t *calls = e->scratch, called = 0; /* calls[k]: behind return k - 1, up to return k */
    if (e->n == 0)
        return;
    memset(calls, 0, e->n * sizeof *calls);
    for (uint32_t i = 0; i < e->n; i++)
        calls[first_return(e, i)]++;
    for (uint32_t k = 0; k < e->n; k++) {
        called += calls[k];
        e->sum.max_in_flight =
            called - k > e->sum.max_in_flight ? called - k : e->sum.max_in_flight;
    }
}

int s3p_effort_measure(struct s3p_effort *e, const struct s3p_index *x, uint32_t key,
                       struct s3p_err *err)
{
    const struct s3p_key *k = &x->key[key];
    const uint32_t *order = x->order + k->first;
    uint32_t n = k->rows - k->reads;
    S3P_TRY(reserve(e, n, err));
    e->sum = (struct s3p_evidence_sum){.reads = k->answers};
    e->n = 0;
    for (uint32_t i = 0; i < n; i++)
        add(e, &x->row[order[i]]);
    e->sum.mutations = e->n;
    s3p_zone_sort(e->span, e->spare, e->n); /* records come by return: almost sorted */
    mark_earlier(e);
    count_overlaps(e);
    count_in_flight(e);
    if (e->cap > KEPT_MAX)
        release(e);
    return 0;
}
