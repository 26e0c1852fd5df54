/* Reads of a key that has versions (check/versions.h). */
#include "check/versions.h"

#include <string.h>

#include "check/mutate.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"

enum { STEPS_MAX = 100000000 };

struct reading {
    const struct s3p_at *at;
    int64_t inv, res;
    uint32_t record;
    struct s3p_id meta;
    bool ok, absent;
    bool listed; /* as the latest, by a page */
};

static struct s3p_str text(const struct s3p_at *at, enum s3p_column column)
{
    return s3p_segment_text(at->s, ((const uint32_t *)at->s->column[column])[at->i]);
}

/* Whether the read showed another value than this version's. */
static bool differs(const struct reading *g, const struct s3p_version *v)
{
    return S3P_ON(VERSION_WRONG_READ, !s3p_id_none(g->meta)) &&
           S3P_ON(VERSION_WRONG_WRITE, !s3p_id_none(v->meta)) && !s3p_id_eq(g->meta, v->meta);
}

static int judge_shown(struct s3p_history_of_key *k, const struct reading *g,
                       const struct s3p_version *v, struct s3p_err *err)
{
    if (S3P_OFF(VERSION_WRONG_OFF, differs(g, v)))
        return s3p_version_hit(k, S3P_RULE_VERSION_WRONG_BODY, g->record, v->record, err);
    if (S3P_MUT(S3P_MUT_VERSION_FUTURE_LE, g->res < v->inv, g->res <= v->inv))
        return s3p_version_hit(k, S3P_RULE_FUTURE_READ, g->record, v->record, err);
    if (S3P_MUT(S3P_MUT_VERSION_UNDEAD_LE, v->del_res < g->inv, v->del_res <= g->inv))
        return s3p_version_hit(k, S3P_RULE_VERSION_UNDEAD, g->record, v->deleted, err);
    return 0;
}

/* A 404 of the version, not of the bucket or of somebody on the way: a HEAD alone has no code. */
static bool is_gone(const struct s3p_at *at)
{
    struct s3p_str code = text(at, S3P_COL_code_text);
    bool untold = S3P_ON(VERSION_GONE_CODELESS, S3P_COLUMN(at, uint8_t, op) == S3P_OP_HEAD) &&
                  code.len == 0;
    return S3P_COLUMN(at, uint16_t, status) == 404 &&
           (S3P_OFF(VERSION_GONE_HEAD_OFF, untold) ||
            S3P_OFF(VERSION_GONE_VERSION_OFF, s3p_str_eq(code, "NoSuchVersion")) ||
            S3P_OFF(VERSION_GONE_KEY_OFF, s3p_str_eq(code, "NoSuchKey")));
}

static int judge_by_id(struct s3p_history_of_key *k, const struct reading *g, struct s3p_str asked,
                       struct s3p_err *err)
{
    const struct s3p_version *v = s3p_version_find(k, asked);
    if (v == NULL)
        return 0;
    if (g->ok)
        return judge_shown(k, g, v, err);
    if (S3P_ON(VERSION_LOST_MARKER, v->kind == S3P_VERSION_WRITE) &&
        S3P_ON(VERSION_GONE_ANY, is_gone(g->at)) &&
        S3P_MUT(S3P_MUT_VERSION_LOST_CALL_LE, v->res < g->inv, v->res <= g->inv) &&
        S3P_MUT(S3P_MUT_VERSION_LOST_DELETE_GE, v->del_inv > g->res, v->del_inv >= g->res))
        return s3p_version_hit(k, S3P_RULE_VERSION_LOST, g->record, v->record, err);
    return 0;
}

/* What was there throughout the read. */
static bool stands(const struct s3p_version *v, const struct reading *g)
{
    return S3P_MUT(S3P_MUT_VERSION_STANDS_LE, v->res < g->inv, v->res <= g->inv) &&
           S3P_MUT(S3P_MUT_VERSION_STANDS_GE, v->del_inv > g->res, v->del_inv >= g->res);
}

/* A read of a key with too much of a past. */
static void note_steps(struct s3p_history_of_key *k)
{
    if (k->steps >= STEPS_MAX)
        s3p_tally_skip(k->b->tally, S3P_WHY_VERSIONS, 0, 1);
}

static int judge_current(struct s3p_history_of_key *k, const struct reading *g,
                         const struct s3p_version *v, struct s3p_err *err)
{
    for (uint32_t i = 0; i < k->nversions && k->steps < STEPS_MAX; i++) {
        const struct s3p_version *w = &k->version[i];
        k->steps++;
        bool seen_there = !g->listed && S3P_ON(VERSION_REGISTER_SEES, !k->by_version) &&
                          S3P_LT(VERSION_REGISTER_LE, v->res, w->inv); /* by the register */
        if (stands(w, g) && S3P_OFF(VERSION_STALE_OFF, s3p_version_newer(w, v)) &&
            S3P_ON(VERSION_SEEN_TWICE, !seen_there))
            return s3p_version_hit(k, S3P_RULE_STALE_READ, g->record, w->record, err);
    }
    note_steps(k);
    return 0;
}

/* Whether a marker may have hidden `v` from the read. */
static bool hidden(struct s3p_history_of_key *k, const struct reading *g,
                   const struct s3p_version *v)
{
    for (uint32_t i = 0; i < k->nversions; i++) {
        const struct s3p_version *d = &k->version[i];
        k->steps++;
        bool marked =
            d->kind == S3P_VERSION_MARKER &&
            S3P_MUT(S3P_MUT_VERSION_HIDDEN_CALL_LT, d->inv <= g->res, d->inv < g->res) &&
            S3P_MUT(S3P_MUT_VERSION_HIDDEN_GONE_GT, d->del_res >= g->inv, d->del_res > g->inv);
        if ((marked || S3P_LE(VERSION_HIDE_LT, d->hide_inv, g->res)) &&
            S3P_ON(VERSION_HIDDEN_ANY, !s3p_version_newer(v, d)))
            return true;
    }
    return false;
}

/* Of versions that stand, the one that is newest by its call is the hardest to hide. */
static int judge_absent(struct s3p_history_of_key *k, const struct reading *g, struct s3p_err *err)
{
    if (S3P_OFF(VERSION_ABSENT_TWICE, !k->by_version) ||
        S3P_MUT(S3P_MUT_VERSION_VAGUE_LT, k->vague <= g->res, k->vague < g->res))
        return 0;
    for (uint32_t i = k->nversions; i-- > 0 && k->steps < STEPS_MAX;) {
        const struct s3p_version *v = &k->version[i];
        k->steps++;
        if (stands(v, g) &&
            S3P_ON(VERSION_HIDDEN_OFF, !hidden(k, g, v)))
            return s3p_version_hit(k, S3P_RULE_ABSENT_AFTER_ACK, g->record, v->record, err);
    }
    note_steps(k);
    return 0;
}

static int judge_plain(struct s3p_history_of_key *k, const struct reading *g, struct s3p_err *err)
{
    if (g->absent)
        return judge_absent(k, g, err);
    if (!g->ok)
        return 0;
    struct s3p_str id = text(g->at, S3P_COL_version_id);
    const struct s3p_version *v = s3p_version_find(k, id);
    /* One that names a version of which nobody learned may show a copy of an older one. */
    const uint32_t *number = id.len == 0 ? s3p_idmap_find(&k->by_meta, g->meta) : NULL;
    v = number != NULL ? &k->version[*number] : v;
    uint32_t hits = k->hits;
    if (v != NULL)
        S3P_TRY(judge_shown(k, g, v, err));
    return v != NULL && k->hits == hits ? judge_current(k, g, v, err) : 0;
}

/* Whether an entry says another ETag or size than the write of its version. */
static bool misstates(const struct s3p_entry *e, const struct s3p_at *made)
{
    uint64_t size = S3P_COLUMN(made, uint64_t, size);
    uint8_t form = S3P_COLUMN(made, uint8_t, etag_form);
    bool told = S3P_ON(VERSION_ENTRY_NO_ETAG, form != S3P_ETAG_NONE) &&
                S3P_ON(VERSION_ENTRY_FORM, e->etag_form == form);
    /* of a copy `size` is how many fields or tags it sets */
    bool sized = S3P_ON(VERSION_ENTRY_OWN, S3P_COLUMN(made, uint8_t, op) == S3P_OP_PUT) &&
                 S3P_ON(VERSION_ENTRY_NO_SIZE, e->size != 0) &&
                 S3P_ON(VERSION_ENTRY_UNTOLD, size != 0);
    bool other = memcmp(e->etag, S3P_COLUMN(made, s3p_etag_bytes, etag).b, sizeof e->etag) != 0;
    return S3P_OFF(VERSION_ENTRY_ETAG, told && other) ||
           S3P_OFF(VERSION_ENTRY_SIZE, sized && e->size != size);
}

/* What a page says of a version is what was written. The one that it calls the latest is what a
 * HEAD would show. */
static int judge_entry(struct s3p_history_of_key *k, const struct s3p_at *at, struct s3p_err *err)
{
    const struct s3p_head *h = k->b->objects->head;
    const struct s3p_entry *e = &at->s->entries[at->entry];
    const struct s3p_version *v = s3p_version_find(k, s3p_segment_text(at->s, e->version_id));
    if (v == NULL || S3P_OFF(VERSION_LATEST_ALTERED,
                             (S3P_COLUMN(at, uint8_t, flags) & S3P_FLAG_ALTERED) != 0))
        return 0;
    if (misstates(e, v->made))
        return s3p_version_hit(k, S3P_RULE_VERSION_WRONG_BODY, s3p_at_record(at), v->record, err);
    bool judged = S3P_ON(VERSION_LATEST_ANY, (e->flags & S3P_ENTRY_LATEST) != 0) &&
                  S3P_ON(VERSION_LATEST_LAG, h->list_lag_ns == 0) &&
                  S3P_ON(VERSION_LATEST_WALK, !h->list_interval_listing);
    if (S3P_ON(VERSION_LATEST_OFF, !judged))
        return 0;
    struct reading g = {.at = at,
                        .inv = S3P_COLUMN(at, int64_t, t_call),
                        .res = S3P_COLUMN(at, int64_t, t_return),
                        .record = s3p_at_record(at),
                        .listed = true};
    return judge_current(k, &g, v, err);
}

int s3p_version_reads(struct s3p_history_of_key *k, struct s3p_err *err)
{
    for (uint32_t i = 0; i < k->n; i++) {
        const struct s3p_at *at = &k->at[i];
        uint8_t op = S3P_COLUMN(at, uint8_t, op), outcome = S3P_COLUMN(at, uint8_t, outcome);
        if (at->entry != S3P_NO_ENTRY)
            S3P_TRY(judge_entry(k, at, err));
        if (op != S3P_OP_GET && op != S3P_OP_HEAD && !s3p_version_tags(at))
            continue;
        struct reading g = {
            .at = at,
            .inv = S3P_COLUMN(at, int64_t, t_call),
            .res = S3P_COLUMN(at, int64_t, t_return),
            .record = s3p_at_record(at),
            .meta = S3P_COLUMN(at, struct s3p_id, meta_id),
            .ok = outcome == S3P_OK_OUTCOME,
            .absent = outcome != S3P_OK_OUTCOME &&
                      S3P_COLUMN(at, uint8_t, evidence) == S3P_EV_ABSENT,
        };
        struct s3p_str asked = text(at, S3P_COL_version_asked);
        S3P_TRY(asked.len != 0 ? judge_by_id(k, &g, asked, err) : judge_plain(k, &g, err));
    }
    return 0;
}
