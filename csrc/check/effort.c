#include "check/effort.h"

#include <string.h>

#include "check/cluster.h"
#include "core/alloc.h"
#include "s3/outcome.h"

static int reserve(struct s3p_effort *e, uint32_t rows, struct s3p_err *err)
{
    if (rows <= e->cap)
        return 0;
    s3p_free(e->span);
    s3p_free(e->spare);
    s3p_free(e->end);
    e->cap = 0;
    e->span = s3p_alloc(rows * sizeof *e->span);
    e->spare = s3p_alloc(rows * sizeof *e->spare);
    e->end = s3p_alloc(rows * sizeof *e->end);
    if (e->span == NULL || e->spare == NULL || e->end == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "evidence of %u attempts", rows);
    e->cap = rows;
    return 0;
}

void s3p_effort_free(struct s3p_effort *e)
{
    s3p_free(e->span);
    s3p_free(e->spare);
    s3p_free(e->end);
    memset(e, 0, sizeof *e);
}

static inline void add(struct s3p_effort *e, const struct s3p_row *r)
{
    uint8_t kind = r->kind == S3P_ROW_SPOIL ? (uint8_t)r->etag : r->kind,
            outcome = s3p_row_outcome(r);
    if (kind == S3P_ROW_NONE || kind == S3P_ROW_SPOIL)
        return;
    if (kind == S3P_ROW_READ) {
        e->sum.reads += !(r->bits & S3P_ROW_ENTRY) && (r->bits & S3P_ROW_EVIDENCE) != S3P_EV_NONE;
        return;
    }
    e->sum.acked_writes += kind != S3P_ROW_DELETE && outcome == S3P_OK_OUTCOME;
    e->sum.cas_commits +=
        (kind == S3P_ROW_CREATE || kind == S3P_ROW_CAS) && outcome == S3P_OK_OUTCOME;
    e->sum.unknown += outcome == S3P_UNKNOWN;
    if (!(r->bits & S3P_ROW_MAIN))
        return;
    int64_t end =
        r->res == INT64_MAX
            ? r->inv
            : r->res; /* of one that never returned, only the call was in flight for sure */
    e->span[e->n] = (struct s3p_zone){r->inv, end, r->client};
    e->end[e->n++].f = end; /* records come by return: almost sorted */
}

/* Marks in e->spare[i].head what overlaps a mutation of another client that was called before it.
 * With selections rather than branches: which way they go is a matter of chance. */
static void mark_earlier(struct s3p_effort *e)
{
    int64_t best = INT64_MIN,
            second =
                INT64_MIN; /* latest return so far, and the latest of another client than best's */
    uint32_t owner = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        const struct s3p_zone *z = &e->span[i];
        e->spare[i].head = (z->head != owner || best == INT64_MIN ? best : second) >= z->f;
        bool same = z->head == owner || best == INT64_MIN;
        int64_t lesser = z->s < best ? z->s : best, runner_up = lesser > second ? lesser : second;
        second = same ? second : runner_up;
        owner = same || z->s > best ? z->head : owner;
        best = z->s > best ? z->s : best;
    }
}

static void count_overlaps(struct s3p_effort *e)
{
    uint32_t other = e->n; /* the next mutation of another client */
    for (uint32_t i = e->n; i-- > 0;) {
        if (i + 1 < e->n && e->span[i + 1].head != e->span[i].head)
            other = i + 1;
        bool later = other < e->n && e->span[other].f <= e->span[i].s;
        e->sum.overlapping += e->spare[i].head || later;
    }
}

static void count_in_flight(struct s3p_effort *e)
{
    s3p_zone_sort(e->end, e->spare, e->n);
    for (uint32_t i = 0, ended = 0; i < e->n; i++) {
        while (e->end[ended].f < e->span[i].f)
            ended++;
        uint32_t now = i + 1 - ended;
        e->sum.max_in_flight = now > e->sum.max_in_flight ? now : e->sum.max_in_flight;
    }
}

int s3p_effort_measure(struct s3p_effort *e, const struct s3p_row *row, const uint32_t *order,
                       uint32_t n, struct s3p_err *err)
{
    S3P_TRY(reserve(e, n, err));
    memset(&e->sum, 0, sizeof e->sum);
    e->n = 0;
    for (uint32_t i = 0; i < n; i++)
        add(e, &row[order[i]]);
    e->sum.mutations = e->n;
    s3p_zone_sort(e->span, e->spare, e->n);
    mark_earlier(e);
    count_overlaps(e);
    count_in_flight(e);
    return 0;
}
