/* What walks through the versions of a bucket say of the order of one key's (check/versions.h).
 * Whether they name what they must, and in what order, is judged with all pages (check/pages.h). */
#include <string.h>

#include "check/mutate.h"
#include "check/versions.h"
#include "core/alloc.h"
#include "s3/op.h"
#include "s3/outcome.h"

static const struct s3p_entry *entry_of(const struct s3p_at *at)
{
    return at->entry != S3P_NO_ENTRY ? &at->s->entries[at->entry] : NULL;
}

static struct s3p_version *listed(const struct s3p_history_of_key *k, const struct s3p_at *at)
{
    return s3p_version_find(k, s3p_segment_text(at->s, entry_of(at)->version_id));
}

static bool of_walk(const struct s3p_at *at, const struct s3p_walk *w)
{
    uint32_t record = s3p_at_record(at);
    return at->entry != S3P_NO_ENTRY &&
           S3P_ON(VERSION_WALK_LATER, S3P_LE(VERSION_WALK_FIRST_LT, w->first, record) &&
                                          S3P_LE(VERSION_WALK_LAST_LT, record, w->last)) &&
           S3P_ON(VERSION_WALK_CLIENT, S3P_COLUMN(at, uint32_t, client) == w->client);
}

static bool covers(const struct s3p_history_of_key *k, const struct s3p_walk *w)
{
    struct s3p_buf key;
    const struct s3p_head *h = k->b->objects->head;
    if (S3P_OFF(VERSION_WALK_PART, !w->complete) ||
        S3P_OFF(VERSION_WALK_BUCKET, w->bucket != k->key->place % h->buckets))
        return false;
    if (w->prefix.len == 0)
        return true;
    s3p_buf_init(&key, 8192);
    s3p_keynames_text(h->names, (uint16_t)(k->key->place / h->buckets), k->key->key_index, &key);
    bool inside = s3p_buf_ok(&key) && key.len >= w->prefix.len &&
                  memcmp(key.data, w->prefix.p, w->prefix.len) == 0;
    s3p_buf_free(&key);
    return S3P_ON(VERSION_WALK_PREFIX, inside);
}

/* Whether it may have taken effect during the walk. */
static bool overlaps(const struct s3p_at *at, const struct s3p_walk *w)
{
    uint8_t outcome = S3P_COLUMN(at, uint8_t, outcome);
    int64_t end = S3P_ON(VERSION_QUIET_UNKNOWN, outcome != S3P_UNKNOWN)
                      ? S3P_COLUMN(at, int64_t, t_return)
                      : INT64_MAX;
    return S3P_ON(VERSION_QUIET_REFUSED, outcome != S3P_FAILED) &&
           S3P_LE(VERSION_QUIET_CALL_LT, S3P_COLUMN(at, int64_t, t_call), w->end) &&
           S3P_LE(VERSION_QUIET_RETURN_LT, w->begin, end);
}

/* No change of the key may have been under way. */
static bool quiet(const struct s3p_history_of_key *k, const struct s3p_walk *w)
{
    for (uint32_t i = 0; i < k->n; i++) {
        uint8_t op = S3P_COLUMN(&k->at[i], uint8_t, op);
        if (S3P_ON(VERSION_QUIET_ANY, s3p_op_table[op].cls == S3P_CLASS_MUTATION) &&
            overlaps(&k->at[i], w))
            return false;
    }
    return true;
}

/* No version of the key was deleted: where a page goes on behind one that is gone is the store's
 * choice. */
static bool keeps(const struct s3p_history_of_key *k, const struct s3p_walk *w)
{
    for (uint32_t i = 0; i < k->n; i++) {
        const struct s3p_at *at = &k->at[i];
        uint8_t op = S3P_COLUMN(at, uint8_t, op);
        bool asked = ((const uint32_t *)at->s->column[S3P_COL_version_asked])[at->i] != 0;
        if (asked && (op == S3P_OP_DELETE || op == S3P_OP_DELETE_CHILD) && overlaps(at, w))
            return false;
    }
    return true;
}

static void take_order(struct s3p_history_of_key *k, const struct s3p_walk *w)
{
    for (uint32_t v = 0; v < k->nversions; v++)
        k->version[v].rank = S3P_NO_RANK;
    k->nranked = 0;
    for (uint32_t i = 0; i < k->n; i++) {
        struct s3p_version *v = of_walk(&k->at[i], w) ? listed(k, &k->at[i]) : NULL;
        if (v == NULL || S3P_OFF(VERSION_RANK_AGAIN, v->rank != S3P_NO_RANK))
            continue;
        v->rank = k->nranked++;
    }
}

/* The first record of the key that is not before this one, or an entry of it. */
static uint32_t first_at(const struct s3p_history_of_key *k, uint32_t record)
{
    uint32_t lo = 0, hi = k->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s3p_at_record(&k->at[mid]) < record)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* A version that was there throughout the walk stands on one of its pages, whatever its place is:
 * where real time leaves that open, no page alone tells that it is missing. */
static int judge_walk(struct s3p_history_of_key *k, const struct s3p_walk *w, uint32_t *seen,
                      uint32_t stamp, struct s3p_err *err)
{
    for (uint32_t i = first_at(k, w->first); i < k->n && s3p_at_record(&k->at[i]) <= w->last; i++) {
        const struct s3p_version *v = of_walk(&k->at[i], w) ? listed(k, &k->at[i]) : NULL;
        if (v != NULL)
            seen[v - k->version] = stamp;
    }
    for (uint32_t i = 0; i < k->nversions; i++) {
        const struct s3p_version *v = &k->version[i];
        bool stays = S3P_LT(VERSION_STAYS_LE, v->res, w->begin) &&
                     w->end < v->del_inv;
        if (S3P_OFF(VERSION_WALK_MISSING_OFF, stays && seen[i] != stamp))
            S3P_TRY(s3p_version_hit(k, S3P_RULE_LIST_MISSING, w->last, v->record, err));
    }
    return 0;
}

/* Pages by themselves are judged elsewhere: here, walks of several. */
int s3p_version_walks_judge(struct s3p_history_of_key *k, struct s3p_err *err)
{
    const struct s3p_walks *walks = k->b->walks;
    const struct s3p_head *h = k->b->objects->head;
    if (S3P_OFF(VERSION_WALK_RULES, h->rules != NULL) ||
        S3P_OFF(VERSION_WALK_LAG, h->list_lag_ns != 0))
        return 0;
    uint32_t *seen = s3p_calloc((size_t)k->nversions + 1, sizeof *seen);
    if (seen == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%u versions of one key", k->nversions);
    int rc = 0;
    for (uint32_t i = 0; i < walks->n && rc == 0; i++)
        if (S3P_ON(VERSION_WALK_SINGLE, walks->walk[i].first != walks->walk[i].last) &&
            covers(k, &walks->walk[i]) && keeps(k, &walks->walk[i]))
            rc = judge_walk(k, &walks->walk[i], seen, i + 1, err);
    s3p_free(seen);
    return rc;
}

void s3p_version_walks(struct s3p_history_of_key *k)
{
    const struct s3p_walks *walks = k->b->walks;
    const struct s3p_walk *best = NULL;
    uint32_t most = 0;
    for (uint32_t i = 0; i < walks->n; i++) {
        const struct s3p_walk *w = &walks->walk[i];
        if (S3P_OFF(VERSION_BEST_ELSEWHERE, !covers(k, w)) ||
            S3P_OFF(VERSION_QUIET_OFF, !quiet(k, w)))
            continue;
        uint32_t entries = 0;
        for (uint32_t e = 0; e < k->n; e++)
            entries += of_walk(&k->at[e], w);
        if (S3P_MUT(S3P_MUT_VERSION_BEST_LAST, entries > most, entries >= most)) {
            most = entries;
            best = w;
        }
    }
    if (S3P_OFF(VERSION_WALK_OFF, best != NULL) && S3P_ON(VERSION_REUSED_RANKS, k->hits == 0))
        take_order(k, best);
}
