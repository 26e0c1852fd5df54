/* Zones: a history of blocks is linearizable exactly when no two forward zones overlap and no
 * backward zone lies strictly inside a forward one. Why: a placement of a block can be clamped into
 * its zone without leaving an operation's interval, and a backward zone that is not strictly inside
 * a forward zone has a border point where the whole block can sit. Source: Gibbons and Korach,
 * Testing Shared Memories, SIAM J. Comput. 26 (1997), section 4; blocks: docs/internals/checker.md.
 */
#include <string.h>

#include "check/cluster.h"
#include "check/mutate.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void add_zone(struct s3p_reg *r, struct s3p_zone z)
{
    if (S3P_LT(ZONE_POINT_LE, z.f, z.s))
        r->forward[r->nforward++] = z;
    else
        r->backward[r->nbackward++] = z;
}

/* Does `c` continue a chain, or start one? Sets by s3p_chain_link: `pred` of an accepted link
 * points to a cluster whose `succ` points back. */
static bool is_linked(const struct s3p_reg *r, uint32_t v)
{
    uint32_t p = r->cluster[v].pred;
    return p != S3P_NO_VALUE && r->cluster[p].succ == v;
}

void s3p_zone_build(struct s3p_reg *r)
{
    struct s3p_zone z;
    if (!r->returns_from_absence && s3p_chain_walk(r, S3P_REG_ABSENT, &z) &&
        S3P_MUT(S3P_MUT_INITIAL_BLOCK_OFF, true, false))
        add_zone(r, z);
    for (uint32_t v = 1; v <= r->values; v++) {
        const struct s3p_cluster *c = &r->cluster[v];
        if (!c->live || is_linked(r, v))
            continue;
        if (c->succ == S3P_NO_VALUE)
            add_zone(r, (struct s3p_zone){least(c->w_res, c->r_res), most(c->w_inv, c->r_inv), v});
        else if (s3p_chain_walk(r, v, &z))
            add_zone(r, z);
    }
}

/* Index of the first of a[from … n) with f > key. */
static uint32_t first_after(const struct s3p_zone *a, uint32_t from, uint32_t n, int64_t key)
{
    while (from < n) {
        uint32_t mid = from + (n - from) / 2;
        if (a[mid].f <= key)
            from = mid + 1;
        else
            n = mid;
    }
    return from;
}

/* Merges a[lo … mid) and a[mid … hi) by f. Values are numbered by their writes' returns, so zones
 * come almost sorted: only the part that is out of order is moved. */
static void merge(struct s3p_zone *a, struct s3p_zone *spare, uint32_t lo, uint32_t mid,
                  uint32_t hi)
{
    if (a[mid - 1].f <= a[mid].f)
        return;
    lo = first_after(a, lo, mid, a[mid].f);
    hi = first_after(a, mid, hi, a[mid - 1].f);
    uint32_t left = mid - lo, i = 0, j = mid, k = lo;
    memcpy(spare, a + lo, left * sizeof *a);
    while (i < left && j < hi)
        a[k++] = a[j].f < spare[i].f ? a[j++] : spare[i++];
    memcpy(a + k, spare + i, (left - i) * sizeof *a);
}

void s3p_zone_sort(struct s3p_zone *a, struct s3p_zone *spare, uint32_t n)
{
    enum { RUN = 16 };
    for (uint32_t lo = 0; lo < n; lo += RUN) {
        uint32_t hi = n - lo < RUN ? n : lo + RUN;
        for (uint32_t i = lo + 1; i < hi; i++) {
            struct s3p_zone z = a[i];
            uint32_t j = i;
            for (; j > lo && a[j - 1].f > z.f; j--)
                a[j] = a[j - 1];
            a[j] = z;
        }
    }
    for (uint64_t width = RUN; width < n; width *= 2)
        for (uint64_t lo = 0; lo + width < n; lo += 2 * width)
            merge(a, spare, (uint32_t)lo, (uint32_t)(lo + width),
                  (uint32_t)(lo + 2 * width < n ? lo + 2 * width : n));
}

/* Forward zones sorted by f: two overlap exactly when one begins before an earlier one has ended.
 */
static void check_forward(struct s3p_reg *r)
{
    const struct s3p_zone *z = r->forward;
    uint32_t top = 0; /* the zone that reaches furthest so far */
    for (uint32_t i = 1; i < r->nforward; i++) {
        if (S3P_MUT(S3P_MUT_FORWARD_OVERLAP_OFF,
                    S3P_MUT(S3P_MUT_FORWARD_OVERLAP_LE, z[i].f < z[top].s, z[i].f <= z[top].s),
                    false))
            s3p_blame_zones(r, z[top].head, z[i].head);
        if (z[i].s > z[top].s)
            top = i;
    }
}

/* The forward zones that begin before s are a prefix; of the disjoint ones the last of it reaches
 * furthest. The prefix's end is looked for around the previous one, because backward zones come
 * almost sorted too. */
static void check_backward(struct s3p_reg *r)
{
    const struct s3p_zone *fw = r->forward;
    uint32_t k = 0;
    for (uint32_t i = 0; i < r->nbackward; i++) {
        const struct s3p_zone *b = &r->backward[i];
        while (k > 0 && S3P_MUT(S3P_MUT_BACKWARD_LEFT_LE, fw[k - 1].f >= b->s, fw[k - 1].f > b->s))
            k--;
        while (k < r->nforward &&
               S3P_MUT(S3P_MUT_BACKWARD_LEFT_LE, fw[k].f < b->s, fw[k].f <= b->s))
            k++;
        if (k > 0 &&
            S3P_MUT(S3P_MUT_BACKWARD_INSIDE_OFF,
                    S3P_MUT(S3P_MUT_BACKWARD_RIGHT_LE, b->f < fw[k - 1].s, b->f <= fw[k - 1].s),
                    false))
            s3p_blame_zones(r, fw[k - 1].head, b->head);
    }
}

void s3p_zone_check(struct s3p_reg *r)
{
    s3p_zone_sort(r->forward, r->spare, r->nforward);
    check_forward(r);
    check_backward(r);
}
