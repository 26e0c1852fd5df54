#include "check/replicas.h"

#include <stdlib.h>
#include <string.h>

#include "check/bucket_rules.h"
#include "check/keymap.h"
#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define CMP(x, y) (((x) > (y)) - ((x) < (y)))
#define TOUCHED (S3P_FLAG_MULTI_DELIVERY | S3P_FLAG_ALTERED | S3P_FLAG_FOREIGN)

struct source_write {
    struct s3p_id key; /* of its text: the destination has key spaces of its own */
    int64_t inv, res;
    uint32_t record;
    uint16_t bucket;
    uint8_t outcome;
    bool plain;   /* a PUT: its bytes have the id of its metadata */
    bool touched; /* by a proxy: the bytes may be others */
};

struct shown {
    const struct source_write *write;
    struct s3p_row row; /* place, key, times, record */
};

struct replicas {
    const struct s3p_gather *g;
    const struct s3p_bucket_rules *rules;
    struct s3p_bench bench;
    struct source_write *write;
    struct shown *shown;
    uint32_t nwrites, nshown;
    struct s3p_idmap by_value;  /* metadata id: write */
    struct s3p_idmap by_target; /* (place, key): its number, of `changed` */
    int64_t *changed;           /* earliest call of a client's change, in any bucket */
    uint32_t ntargets;
    bool copies; /* values may stand under keys that they were not written to */
};

static bool is_write(uint8_t op)
{
    return op == S3P_OP_PUT || op == S3P_OP_COPY || op == S3P_OP_COMPLETE_UPLOAD;
}

static bool is_change(uint8_t op)
{
    return is_write(op) || op == S3P_OP_DELETE || op == S3P_OP_DELETE_CHILD;
}

static bool is_plain_read(const struct s3p_at *at)
{
    uint8_t op = S3P_COLUMN(at, uint8_t, op);
    return (op == S3P_OP_GET || op == S3P_OP_HEAD) &&
           S3P_COLUMN(at, uint8_t, outcome) == S3P_OK_OUTCOME &&
           S3P_ON(REPLICA_VERSION_ANY, S3P_COLUMN(at, uint32_t, version_asked) == 0) &&
           S3P_ON(REPLICA_TOUCHED, (S3P_COLUMN(at, uint8_t, flags) & TOUCHED) == 0) &&
           !s3p_id_none(S3P_COLUMN(at, struct s3p_id, meta_id));
}

static struct s3p_id text_id(const struct replicas *x, const struct s3p_at *at)
{
    struct s3p_buf key;
    s3p_buf_init(&key, 8192);
    s3p_keynames_text(x->g->head->names, S3P_COLUMN(at, uint16_t, space),
                      S3P_COLUMN(at, uint64_t, key_index), &key);
    struct s3p_id id = s3p_idmap_text((struct s3p_str){key.data, key.len}, 0);
    s3p_buf_free(&key);
    return id;
}

static struct s3p_row row_of(const struct replicas *x, const struct s3p_at *at)
{
    struct s3p_row row = {.inv = S3P_COLUMN(at, int64_t, t_call),
                          .res = S3P_COLUMN(at, int64_t, t_return),
                          .record = s3p_at_record(at),
                          .key_index = S3P_COLUMN(at, uint64_t, key_index)};
    row.place = (uint16_t)(S3P_COLUMN(at, uint16_t, space) * x->g->head->buckets +
                           S3P_COLUMN(at, uint16_t, bucket));
    if (x->g->keys->aliased[row.place])
        s3p_keymap_canon(x->g->keys, &row.place, &row.key_index);
    return row;
}

/* A write that is done again under one id (a Complete) may have happened before, and although it is
 * refused. */
static int add_write(struct replicas *x, const struct s3p_at *at, struct s3p_err *err)
{
    struct s3p_id meta = S3P_COLUMN(at, struct s3p_id, meta_id);
    uint8_t outcome = S3P_COLUMN(at, uint8_t, outcome);
    bool plain = S3P_COLUMN(at, uint8_t, op) == S3P_OP_PUT;
    struct source_write w = {
        .key = text_id(x, at),
        .inv = S3P_ON(REPLICA_UPLOAD_CALL, plain) ? S3P_COLUMN(at, int64_t, t_call) : INT64_MIN,
        .res = S3P_ON(REPLICA_UNKNOWN_RETURNS, outcome == S3P_OK_OUTCOME)
                   ? S3P_COLUMN(at, int64_t, t_return)
                   : INT64_MAX,
        .record = s3p_at_record(at),
        .bucket = S3P_COLUMN(at, uint16_t, bucket),
        .outcome = S3P_ON(REPLICA_UPLOAD_FAILS, plain) ? outcome : S3P_UNKNOWN,
        .plain = plain,
        .touched = (S3P_COLUMN(at, uint8_t, flags) & TOUCHED) != 0};
    uint32_t *number;
    x->copies |= S3P_OFF(REPLICA_COPIES_OFF,
                         S3P_COLUMN(at, uint8_t, op) == S3P_OP_COPY && s3p_id_none(meta));
    S3P_TRY(s3p_idmap_put(&x->by_value, meta, x->nwrites, &number, err));
    if (*number == x->nwrites)
        x->write[x->nwrites++] = w;
    return 0;
}

static int note_change(struct replicas *x, const struct s3p_at *at, struct s3p_err *err)
{
    struct s3p_row row = row_of(x, at);
    uint32_t *number;
    if (S3P_OFF(REPLICA_CHANGE_REFUSED, S3P_COLUMN(at, uint8_t, outcome) == S3P_FAILED))
        return 0;
    S3P_TRY(s3p_idmap_put(&x->by_target, s3p_idmap_pair(row.place, row.key_index), x->ntargets,
                          &number, err));
    if (*number == x->ntargets)
        x->changed[x->ntargets++] = INT64_MAX;
    x->changed[*number] =
        S3P_MUT(S3P_MUT_REPLICA_CHANGE_LAST, row.inv < x->changed[*number], true)
            ? row.inv
            : x->changed[*number];
    return 0;
}

static bool leads(const struct replicas *x, uint16_t from, uint16_t to)
{
    for (uint32_t i = 0; i < x->rules->n; i++)
        if (x->rules->rule[i].replicates &&
            S3P_ON(REPLICA_FROM_ANY, x->rules->rule[i].bucket == from) &&
            x->rules->rule[i].to == to)
            return true;
    return false;
}

static int blame(struct replicas *x, enum s3p_rule rule, const struct s3p_row *row, uint32_t other,
                 struct s3p_err *err)
{
    return s3p_bench_hit(&x->bench, rule, S3P_ASPECT_OBJECT, row, row->record, other, err);
}

/* What the bytes of a read of this write break: they have the source's key in them, so they are
 * foreign, and whose they are is said by their id. S3P_RULE_COUNT: nothing. */
static enum s3p_rule body_rule(const struct replicas *x, const struct s3p_at *at,
                               const struct source_write *w)
{
    struct s3p_id body = S3P_COLUMN(at, struct s3p_id, body_id);
    uint8_t verdict = S3P_COLUMN(at, uint8_t, body_verdict);
    bool whole = verdict == S3P_BODY_CLEAN || verdict == S3P_BODY_FOREIGN;
    if (S3P_OFF(REPLICA_TOUCHED_WRITE, w->touched))
        return S3P_RULE_COUNT;
    /* a range may end in a few bytes of another piece */
    bool few = !w->plain && S3P_COLUMN(at, uint64_t, range_len) != 0;
    if (verdict == S3P_BODY_TORN && S3P_ON(REPLICA_TORN_RANGE, !few) &&
        S3P_ON(REPLICA_COPIED_PARTS, !x->g->objects->copied_parts))
        return S3P_RULE_BODY_TORN;
    if (S3P_OFF(REPLICA_BODY_OF_PARTS, !w->plain) || !whole || s3p_id_none(body) ||
        s3p_id_eq(body, S3P_COLUMN(at, struct s3p_id, meta_id)))
        return S3P_RULE_COUNT;
    const uint32_t *number = s3p_idmap_find(&x->by_value, body);
    return number != NULL && S3P_ON(REPLICA_BODY_ANY, s3p_id_eq(x->write[*number].key, w->key))
               ? S3P_RULE_ETAG_MISMATCH
               : S3P_RULE_BODY_FOREIGN;
}

/* Which write it showed; what is no write to this key is judged here. */
static int add_read(struct replicas *x, const struct s3p_at *at, struct s3p_err *err)
{
    struct s3p_row row = row_of(x, at);
    const uint32_t *target =
        s3p_idmap_find(&x->by_target, s3p_idmap_pair(row.place, row.key_index));
    const uint32_t *number = s3p_idmap_find(&x->by_value, S3P_COLUMN(at, struct s3p_id, meta_id));
    const struct source_write *w = number != NULL ? &x->write[*number] : NULL;
    struct s3p_id key = text_id(x, at);
    if (x->copies || (target != NULL && S3P_LE(REPLICA_CHANGED_LT, x->changed[*target], row.res)))
        return 0;
    if (w == NULL || S3P_OFF(REPLICA_KEY_ANY, !s3p_id_eq(w->key, key)) ||
        !leads(x, w->bucket, S3P_COLUMN(at, uint16_t, bucket)))
        return blame(x, S3P_RULE_UNWRITTEN_VALUE, &row, S3P_NO_RECORD, err);
    if (w->outcome == S3P_FAILED)
        return blame(x, S3P_RULE_FAILED_BUT_VISIBLE, &row, w->record, err);
    if (S3P_LT(REPLICA_FUTURE_LE, row.res, w->inv))
        return blame(x, S3P_RULE_FUTURE_READ, &row, w->record, err);
    enum s3p_rule wrong = body_rule(x, at, w);
    if (wrong != S3P_RULE_COUNT)
        return blame(x, wrong, &row, w->record, err);
    x->shown[x->nshown++] = (struct shown){w, row};
    return 0;
}

static int each(struct replicas *x, bool (*fits)(const struct replicas *x, const struct s3p_at *at),
                int (*visit)(struct replicas *x, const struct s3p_at *at, struct s3p_err *err),
                struct s3p_err *err)
{
    for (uint32_t k = 0; k < s3p_histfile_segments(x->g->file); k++) {
        struct s3p_at at = {s3p_histfile_segment(x->g->file, k), 0, S3P_NO_ENTRY};
        for (; at.i < at.s->records; at.i++)
            if (S3P_COLUMN(&at, uint64_t, key_index) != S3P_NO_INDEX && fits(x, &at))
                S3P_TRY(visit(x, &at, err));
    }
    return 0;
}

static bool writes(const struct replicas *x, const struct s3p_at *at)
{
    (void)x;
    return is_write(S3P_COLUMN(at, uint8_t, op));
}

static bool changes(const struct replicas *x, const struct s3p_at *at)
{
    (void)x;
    return is_change(S3P_COLUMN(at, uint8_t, op));
}

static bool reads_target(const struct replicas *x, const struct s3p_at *at)
{
    return is_plain_read(at) && s3p_is_replicated(x->rules, S3P_COLUMN(at, uint16_t, bucket));
}

/* ---- the order ---- */

static int by_key(const struct s3p_row *a, const struct s3p_row *b)
{
    int c = CMP(a->place, b->place);
    return c != 0 ? c : CMP(a->key_index, b->key_index);
}

static int by_call(const void *va, const void *vb)
{
    const struct shown *a = va, *b = vb;
    int c = by_key(&a->row, &b->row);
    c = c != 0 ? c : CMP(a->row.inv, b->row.inv);
    return c != 0 ? c : CMP(a->row.record, b->row.record);
}

static int by_return(const void *va, const void *vb)
{
    const struct shown *const *a = va, *const *b = vb;
    int c = by_key(&(*a)->row, &(*b)->row);
    c = c != 0 ? c : CMP((*a)->row.res, (*b)->row.res);
    return c != 0 ? c : CMP((*a)->row.record, (*b)->row.record);
}

/* In the order of calls; what had returned by then joins in the order of returns. */
static int judge_order(struct replicas *x, const struct shown **returned, struct s3p_err *err)
{
    const struct shown *newest = NULL;
    uint32_t joined = 0;
    for (uint32_t i = 0; i < x->nshown; i++) {
        const struct shown *now = &x->shown[i];
        if (i == 0 || by_key(&now[-1].row, &now->row) != 0) {
            newest = NULL;
            joined = i; /* both orders have the keys in the same places */
        }
        while (joined < x->nshown && by_key(&returned[joined]->row, &now->row) == 0 &&
               S3P_LT(REPLICA_RETURNED_LE, returned[joined]->row.res, now->row.inv)) {
            const struct shown *r = returned[joined++];
            newest = newest == NULL || S3P_ON(REPLICA_NEWEST_LAST,
                                               r->write->inv > newest->write->inv)
                         ? r
                         : newest;
        }
        if (newest != NULL && S3P_LT(REPLICA_ORDER_LE, now->write->res, newest->write->inv))
            S3P_TRY(blame(x, S3P_RULE_REPLICA_ORDER, &now->row, newest->row.record, err));
    }
    return 0;
}

static int sort_and_judge(struct replicas *x, struct s3p_err *err)
{
    const struct shown **returned = s3p_alloc(((size_t)x->nshown + 1) * sizeof *returned);
    if (returned == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%u reads of replicas", x->nshown);
    qsort(x->shown, x->nshown, sizeof *x->shown, by_call);
    for (uint32_t i = 0; i < x->nshown; i++)
        returned[i] = &x->shown[i];
    qsort(returned, x->nshown, sizeof *returned, by_return);
    int rc = judge_order(x, returned, err);
    s3p_free(returned);
    return rc;
}

static int run(struct replicas *x, struct s3p_err *err)
{
    uint64_t records = s3p_histfile_records(x->g->file);
    x->write = s3p_alloc((records + 1) * sizeof *x->write);
    x->shown = s3p_alloc((records + 1) * sizeof *x->shown);
    x->changed = s3p_alloc((records + 1) * sizeof *x->changed);
    if (x->write == NULL || x->shown == NULL || x->changed == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%llu attempts and their replicas",
                        (unsigned long long)records);
    S3P_TRY(each(x, writes, add_write, err));
    S3P_TRY(each(x, changes, note_change, err));
    S3P_TRY(each(x, reads_target, add_read, err));
    return sort_and_judge(x, err);
}

int s3p_replicas(const struct s3p_gather *g, struct s3p_err *err)
{
    struct replicas x = {.g = g, .rules = g->head->rules, .bench = {.tally = g->tally}};
    bool any = false;
    for (uint32_t b = 0; x.rules != NULL && b < g->head->buckets; b++)
        any |= x.rules->replicated[b];
    if (!any)
        return 0;
    s3p_tally_unit(g->tally);
    int rc = run(&x, err);
    s3p_free(x.write);
    s3p_free(x.shown);
    s3p_free(x.changed);
    s3p_idmap_free(&x.by_value);
    s3p_idmap_free(&x.by_target);
    return rc;
}
