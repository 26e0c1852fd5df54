#include "check/versions.h"

#include <string.h>

#include "check/bucket_rules.h"
#include "check/keymap.h"
#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/op.h"
#include "s3/outcome.h"

enum { HITS_PER_KEY = 16 };

static struct s3p_str text(const struct s3p_at *at, enum s3p_column column)
{
    return s3p_segment_text(at->s, ((const uint32_t *)at->s->column[column])[at->i]);
}

static bool is_id(struct s3p_str id)
{
    return id.len != 0 && !s3p_str_eq(id, "null");
}

static bool writes(uint8_t op)
{
    return op == S3P_OP_PUT || op == S3P_OP_COPY || op == S3P_OP_COMPLETE_UPLOAD;
}

static bool deletes(uint8_t op)
{
    return op == S3P_OP_DELETE || op == S3P_OP_DELETE_CHILD;
}

bool s3p_version_tags(const struct s3p_at *at)
{
    uint8_t op = S3P_COLUMN(at, uint8_t, op);
    return (op == S3P_OP_GET_TAGS || op == S3P_OP_PUT_TAGS || op == S3P_OP_DELETE_TAGS) &&
           text(at, S3P_COL_version_asked).len != 0;
}

static bool holds(const struct s3p_segment_view *s)
{
    return (s->texts & S3P_BIT(S3P_COL_version_id)) != 0;
}

static bool wants(const struct s3p_at *at)
{
    uint8_t op = S3P_COLUMN(at, uint8_t, op);
    return (writes(op) || deletes(op)) && is_id(text(at, S3P_COL_version_id));
}

static bool takes(const struct s3p_at *at)
{
    uint8_t op = S3P_COLUMN(at, uint8_t, op);
    return writes(op) || deletes(op) || op == S3P_OP_GET || op == S3P_OP_HEAD ||
           s3p_version_tags(at) ||
           (op == S3P_OP_LIST_VERSIONS && S3P_COLUMN(at, uint8_t, outcome) == S3P_OK_OUTCOME);
}

bool s3p_version_newer(const struct s3p_version *a, const struct s3p_version *b)
{
    if (a->rank != S3P_NO_RANK && b->rank != S3P_NO_RANK)
        return S3P_MUT(S3P_MUT_VERSION_RANK_FLIPPED, a->rank < b->rank, a->rank > b->rank);
    return S3P_MUT(S3P_MUT_VERSION_NEWER_LE, b->res < a->inv, b->res <= a->inv);
}

struct s3p_version *s3p_version_find(const struct s3p_history_of_key *k, struct s3p_str id)
{
    const uint32_t *at = s3p_idmap_find(&k->by_id, s3p_idmap_text(id, 0));
    return at != NULL ? &k->version[*at] : NULL;
}

int s3p_version_hit(struct s3p_history_of_key *k, enum s3p_rule rule, uint32_t first,
                    uint32_t second, struct s3p_err *err)
{
    if (k->hits++ >= HITS_PER_KEY)
        return 0;
    return s3p_bench_hit(k->b, rule, S3P_ASPECT_VERSIONS, k->key, first, second, err);
}

/* ---- the versions of a key ---- */

static struct s3p_version made_by(const struct s3p_history_of_key *k, const struct s3p_at *at)
{
    struct s3p_version v = {.meta = S3P_COLUMN(at, struct s3p_id, meta_id),
                            .made = at,
                            .inv = S3P_COLUMN(at, int64_t, t_call),
                            .res = S3P_COLUMN(at, int64_t, t_return),
                            .del_inv = INT64_MAX,
                            .del_res = INT64_MAX,
                            .hide_inv = INT64_MAX,
                            .record = s3p_at_record(at),
                            .deleted = S3P_NO_RECORD,
                            .rank = S3P_NO_RANK};
    v.kind = deletes(S3P_COLUMN(at, uint8_t, op)) ? S3P_VERSION_MARKER : S3P_VERSION_WRITE;
    if (S3P_COLUMN(at, uint8_t, op) == S3P_OP_COMPLETE_UPLOAD) {
        const struct s3p_upload *up;
        const struct s3p_part_list *l = s3p_objects_list(k->b->objects, at->s, at->i, &up);
        v.inv = l != NULL ? l->inv : up != NULL && up->complete_inv < v.inv ? up->complete_inv
                                                                            : v.inv;
    }
    return v;
}

static int add_version(struct s3p_history_of_key *k, const struct s3p_at *at, struct s3p_str id,
                       struct s3p_err *err)
{
    struct s3p_version v = made_by(k, at);
    uint32_t *number;
    S3P_TRY(s3p_idmap_put(&k->by_id, s3p_idmap_text(id, 0), k->nversions, &number, err));
    if (*number < k->nversions) {
        struct s3p_version *old = &k->version[*number];
        bool again = S3P_OFF(VERSION_AGAIN_OFF,
                             S3P_COLUMN(at, uint8_t, op) == S3P_OP_COMPLETE_UPLOAD) &&
                     s3p_id_eq(old->meta, v.meta);
        if (S3P_OFF(VERSION_REUSED_OFF, !again))
            return s3p_version_hit(k, S3P_RULE_VERSION_ID_REUSED, v.record, old->record, err);
        old->inv = v.inv < old->inv ? v.inv : old->inv;
        old->res = S3P_OFF(VERSION_AGAIN_RETURN, v.res < old->res) ? v.res : old->res;
        return 0;
    }
    k->version[k->nversions++] = v;
    return 0;
}

/* What was called between a first delete of a version and its return, or later. */
static void note_by_version(struct s3p_history_of_key *k)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (uint32_t i = 0; i < k->n; i++) {
        const struct s3p_at *at = &k->at[i];
        int64_t call = S3P_COLUMN(at, int64_t, t_call), end = S3P_COLUMN(at, int64_t, t_return);
        bool del = deletes(S3P_COLUMN(at, uint8_t, op));
        if (del && text(at, S3P_COL_version_asked).len != 0 && call < first)
            first = call;
        if (!del && at->entry == S3P_NO_ENTRY && !s3p_version_tags(at) && end > last)
            last = end;
    }
    k->by_version = S3P_OFF(VERSION_BY_VERSION_OFF, S3P_LE(VERSION_BY_VERSION_LT, first, last));
}

static int add_versions(struct s3p_history_of_key *k, struct s3p_err *err)
{
    for (uint32_t i = 0; i < k->n; i++) {
        const struct s3p_at *at = &k->at[i];
        uint8_t op = S3P_COLUMN(at, uint8_t, op), outcome = S3P_COLUMN(at, uint8_t, outcome);
        bool asked = text(at, S3P_COL_version_asked).len != 0;
        struct s3p_str id = text(at, S3P_COL_version_id);
        if (!(writes(op) || (deletes(op) && !asked)) || outcome == S3P_FAILED)
            continue;
        if (outcome == S3P_OK_OUTCOME && is_id(id))
            S3P_TRY(add_version(k, at, id, err));
        else if (deletes(op) &&
                 S3P_OFF(VERSION_VAGUE_OFF, S3P_COLUMN(at, int64_t, t_call) < k->vague))
            k->vague = S3P_COLUMN(at, int64_t, t_call);
    }
    return 0;
}

static void add_deletes(struct s3p_history_of_key *k)
{
    for (uint32_t i = 0; i < k->n; i++) {
        const struct s3p_at *at = &k->at[i];
        uint8_t outcome = S3P_COLUMN(at, uint8_t, outcome);
        struct s3p_version *v = deletes(S3P_COLUMN(at, uint8_t, op))
                                    ? s3p_version_find(k, text(at, S3P_COL_version_asked))
                                    : NULL;
        if (v == NULL || S3P_OFF(VERSION_FAILED_DELETES, outcome == S3P_FAILED))
            continue;
        int64_t call = S3P_COLUMN(at, int64_t, t_call), end = S3P_COLUMN(at, int64_t, t_return);
        v->del_inv = S3P_MUT(S3P_MUT_VERSION_DELETE_LAST, call < v->del_inv, true) ? call
                                                                                   : v->del_inv;
        if (S3P_ON(VERSION_UNKNOWN_DELETES, outcome == S3P_OK_OUTCOME) &&
            S3P_MUT(S3P_MUT_VERSION_DELETED_LAST, end < v->del_res, true)) {
            v->del_res = end;
            v->deleted = s3p_at_record(at);
        }
    }
}

/* The earliest time at which something else may have become current in the place of `v`. */
static int64_t superseded(const struct s3p_history_of_key *k, const struct s3p_version *v)
{
    int64_t first = S3P_MUT(S3P_MUT_RULES_HIDE_OFF, v->hide_inv, INT64_MAX);
    for (uint32_t i = 0; i < k->n; i++) {
        const struct s3p_at *at = &k->at[i];
        uint8_t op = S3P_COLUMN(at, uint8_t, op), outcome = S3P_COLUMN(at, uint8_t, outcome);
        bool changes = writes(op) || (deletes(op) && text(at, S3P_COL_version_asked).len == 0);
        int64_t call = S3P_COLUMN(at, int64_t, t_call),
                end = S3P_ON(RULES_REPLACED_UNKNOWN, outcome == S3P_OK_OUTCOME)
                          ? S3P_COLUMN(at, int64_t, t_return)
                          : INT64_MAX;
        if (!changes || S3P_OFF(RULES_REPLACED_REFUSED, outcome == S3P_FAILED) ||
            S3P_OFF(RULES_REPLACED_ITSELF, s3p_at_record(at) == v->record) ||
            S3P_OFF(RULES_REPLACED_OLDER, S3P_LT(RULES_REPLACED_LE, end, v->inv)))
            continue;
        call = call > v->inv ? call : v->inv;
        first = call < first ? call : first;
    }
    return first;
}

/* Rules of the bucket: a current version may be hidden, one that is not may go. */
static void add_expiries(struct s3p_history_of_key *k)
{
    const struct s3p_bucket_rules *rules = k->b->objects->head->rules;
    for (uint32_t i = 0; rules != NULL && i < k->n; i++) {
        const struct s3p_at *at = &k->at[i];
        struct s3p_version *v = s3p_version_find(k, text(at, S3P_COL_version_id));
        if (v == NULL || v->record != s3p_at_record(at))
            continue;
        int64_t current = s3p_expires_current(rules, at->s, at->i);
        if (v->kind == S3P_VERSION_WRITE)
            v->hide_inv = current;
        else /* a marker that hides nothing goes */
            v->del_inv = current < v->del_inv ? current : v->del_inv;
        int64_t gone = s3p_expires_noncurrent(rules, at->s, at->i, superseded(k, v));
        v->del_inv = gone < v->del_inv ? gone : v->del_inv;
    }
}

static int index_metas(struct s3p_history_of_key *k, struct s3p_err *err)
{
    uint32_t *at;
    for (uint32_t i = 0; i < k->nversions; i++)
        if (k->version[i].kind == S3P_VERSION_WRITE && !s3p_id_none(k->version[i].meta))
            S3P_TRY(s3p_idmap_put(&k->by_meta, k->version[i].meta, i, &at, err));
    return 0;
}

static int judge_key(struct s3p_history_of_key *k, struct s3p_err *err)
{
    k->version = s3p_alloc((k->n + 1) * sizeof *k->version);
    if (k->version == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%u versions of one key", k->n);
    note_by_version(k);
    S3P_TRY(add_versions(k, err));
    add_deletes(k);
    add_expiries(k);
    S3P_TRY(index_metas(k, err));
    s3p_version_walks(k);
    S3P_TRY(s3p_version_reads(k, err));
    return s3p_version_walks_judge(k, err);
}

/* A proxy altered an attempt on the key, or delivered a change twice: it may have versions that no
 * answer told. Those of replicas come from elsewhere. */
static bool has_others(const struct s3p_bench *b, const struct s3p_at *at, uint32_t n)
{
    if (s3p_is_replicated(b->objects->head->rules, S3P_COLUMN(at, uint16_t, bucket)))
        return true;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t op = S3P_COLUMN(&at[i], uint8_t, op), flags = S3P_COLUMN(&at[i], uint8_t, flags);
        bool twice = (flags & S3P_FLAG_MULTI_DELIVERY) != 0 && (writes(op) || deletes(op));
        bool altered = (flags & S3P_FLAG_ALTERED) != 0 && at[i].entry == S3P_NO_ENTRY;
        if (twice || altered)
            return true;
    }
    return false;
}

static int judge(struct s3p_bench *b, const struct s3p_row *key, const struct s3p_at *at,
                 uint32_t n, struct s3p_err *err)
{
    if (has_others(b, at, n)) {
        s3p_tally_skip(b->tally, S3P_WHY_VERSIONS, 1, n);
        return 0;
    }
    struct s3p_history_of_key k = {.b = b, .key = key, .at = at, .n = n, .vague = INT64_MAX};
    int rc = judge_key(&k, err);
    b->tally->versions_checked++;
    s3p_free(k.version);
    s3p_idmap_free(&k.by_id);
    s3p_idmap_free(&k.by_meta);
    return rc;
}

const struct s3p_subject s3p_versions_subject = {holds, wants, takes, judge};

/* ---- versions that are not there ---- */

/* A Complete that repeats another one, perhaps of an answer that was lost, makes no version. */
static bool makes_one(const struct s3p_gather *g, const struct s3p_at *at)
{
    const struct s3p_upload *up;
    uint8_t op = S3P_COLUMN(at, uint8_t, op);
    if (S3P_COLUMN(at, uint8_t, outcome) != S3P_OK_OUTCOME)
        return false;
    if (op == S3P_OP_COMPLETE_UPLOAD)
        return S3P_ON(VERSION_MISSING_REPEATED,
                      s3p_objects_list(g->objects, at->s, at->i, &up) != NULL &&
                          up->first_complete == s3p_at_record(at));
    return writes(op) || (op == S3P_OP_DELETE &&
                          S3P_ON(VERSION_MISSING_ASKED, text(at, S3P_COL_version_asked).len == 0));
}

int s3p_versions_missing(const struct s3p_gather *g, struct s3p_err *err)
{
    const struct s3p_row none = {.place = 0};
    bool any = false;
    for (uint32_t k = 0; k < g->head->buckets && !any; k++)
        any = g->walks->enabled[k] != INT64_MAX;
    struct s3p_bench b = {.tally = g->tally};
    for (uint32_t k = 0; k < s3p_histfile_segments(g->file) && any; k++) {
        struct s3p_at at = {s3p_histfile_segment(g->file, k), 0, S3P_NO_ENTRY};
        s3p_tally_unit(g->tally);
        for (; at.i < at.s->records; at.i++) {
            uint16_t bucket = S3P_COLUMN(&at, uint16_t, bucket),
                     space = S3P_COLUMN(&at, uint16_t, space);
            if (!makes_one(g, &at) || is_id(text(&at, S3P_COL_version_id)) ||
                S3P_MUT(S3P_MUT_VERSION_ENABLED_LT,
                        S3P_COLUMN(&at, int64_t, t_call) <= g->walks->enabled[bucket],
                        S3P_COLUMN(&at, int64_t, t_call) < g->walks->enabled[bucket]) ||
                S3P_MUT(S3P_MUT_VERSION_CHANGED_GT,
                        S3P_COLUMN(&at, int64_t, t_return) >= g->walks->changed[bucket],
                        S3P_COLUMN(&at, int64_t, t_return) > g->walks->changed[bucket]))
                continue;
            struct s3p_row key = none;
            key.key_index = S3P_COLUMN(&at, uint64_t, key_index);
            key.place = (uint16_t)(space * g->head->buckets + bucket);
            if (key.key_index != S3P_NO_INDEX && g->keys->aliased[key.place])
                s3p_keymap_canon(g->keys, &key.place, &key.key_index);
            S3P_TRY(s3p_bench_hit(&b, S3P_RULE_VERSION_MISSING, S3P_ASPECT_VERSIONS, &key,
                                  s3p_at_record(&at), S3P_NO_RECORD, err));
        }
    }
    return 0;
}
