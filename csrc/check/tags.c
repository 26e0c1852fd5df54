/* The tag set of a key as a register of its own. A set names the write that made it, so it is a
 * value; no tags is "absent". Writers: PUT_TAGS, and PUT, Complete and copy that bring a set. The
 * same without a set, DELETE_TAGS and DELETE take the tags away: deletes of the register. Leading
 * ones change nothing and are left out.
 *
 * Requests that name versions make a register of each version (its creator writes the first set,
 * who deletes `null` takes them away; what tells no id may have), where all requests for tags of
 * the key name one. Not checked: keys with both, with deletes of single versions before the end
 * (but in registers of versions), with copies that keep the source's tags (onto itself and beside
 * no other writer that is no change), with objects that a rule of the bucket may remove, with an
 * upload that was completed with several lists; keys of a bucket that a replication writes to. That
 * a request for tags found the key, or did not, is evidence of the key's own register (load.c), or
 * of the version (version_reads.c).
 *
 * Threads: s3p_gather's. Source: docs/semantics.md, "Tag sets". */
#include <string.h>

#include "check/bucket_rules.h"
#include "check/gather.h"
#include "check/mutate.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"

enum {
    STEPS_MAX = 200000000, /* of a key with many versions */
    NAMED_MAX = 16,        /* torn sets of a key whose writes are looked for */
};

static bool is_tags(uint8_t op)
{
    return op == S3P_OP_PUT_TAGS || op == S3P_OP_GET_TAGS ||
           S3P_OFF(TAGS_DELETE_NAMED, op == S3P_OP_DELETE_TAGS);
}

static bool holds(const struct s3p_segment_view *s)
{
    return (s->ops & S3P_BIT(S3P_OP_GET_TAGS)) != 0;
}

static bool wants(const struct s3p_at *at)
{
    return S3P_COLUMN(at, uint8_t, op) == S3P_OP_GET_TAGS;
}

static bool takes(const struct s3p_at *at)
{
    switch (S3P_COLUMN(at, uint8_t, op)) {
    case S3P_OP_PUT:
    case S3P_OP_COPY:
    case S3P_OP_COMPLETE_UPLOAD:
    case S3P_OP_DELETE:
    case S3P_OP_DELETE_CHILD:
    case S3P_OP_PUT_TAGS:
    case S3P_OP_GET_TAGS:
    case S3P_OP_DELETE_TAGS:
        return true;
    default:
        return false;
    }
}

struct tags { /* of the key at hand */
    struct s3p_bench *b;
    const struct s3p_row *key;
    const struct s3p_at *at;
    uint32_t n, named;
    struct s3p_str version; /* whose tags; {NULL, 0}: the key's */
    bool unclear;
};

static struct s3p_str asked(const struct s3p_at *at)
{
    return s3p_segment_text(at->s, S3P_COLUMN(at, uint32_t, version_asked));
}

/* The record sets the tags to those of `id`; none: to no tags. */
static int add_write(struct tags *t, uint32_t i, struct s3p_id id, struct s3p_reg_op **out,
                     struct s3p_err *err)
{
    uint32_t value;
    if (s3p_id_none(id)) {
        *out = s3p_bench_add(t->b, &t->at[i], S3P_REG_DELETE, S3P_REG_ABSENT);
        return 0;
    }
    S3P_TRY(s3p_bench_value(t->b, id, &value, err));
    *out = s3p_bench_add(t->b, &t->at[i], S3P_REG_WRITE, value);
    return 0;
}

static struct s3p_id brought(const struct s3p_at *at)
{
    static const struct s3p_id none;
    if (S3P_COLUMN(at, uint8_t, op) == S3P_OP_COPY)
        return S3P_COLUMN(at, struct s3p_id, body_id);
    return S3P_OFF(TAGS_BROUGHT_OFF, (S3P_COLUMN(at, uint8_t, flags) & S3P_FLAG_TAGGED) != 0)
               ? S3P_COLUMN(at, struct s3p_id, meta_id)
               : none;
}

/* An object that replaces the key's, or that makes the version. */
static int add_object(struct tags *t, uint32_t i, struct s3p_err *err)
{
    const struct s3p_at *at = &t->at[i];
    struct s3p_id id = brought(at);
    struct s3p_reg_op *op;
    t->unclear |= S3P_ON(TAGS_EXPIRY_VERSION, t->version.len == 0) &&
                  S3P_OFF(TAGS_EXPIRY_OFF, s3p_expires_current(t->b->objects->head->rules, at->s,
                                                               at->i) != INT64_MAX);
    if (S3P_COLUMN(at, uint8_t, op) == S3P_OP_COMPLETE_UPLOAD) {
        const struct s3p_upload *up;
        const struct s3p_part_list *l = s3p_objects_list(t->b->objects, at->s, at->i, &up);
        t->unclear |= up == NULL || S3P_OFF(TAGS_LISTS_OFF, up->lists != 1) ||
                      up->create == S3P_NO_RECORD;
        if (l == NULL || t->unclear)
            return 0;
        id = up->tagged ? up->meta_id : (struct s3p_id){{0}};
        S3P_TRY(add_write(t, i, id, &op, err));
        op->inv = S3P_MUT(S3P_MUT_TAGS_COMPLETE_CALL, l->inv, op->inv);
        op->res = S3P_MUT(S3P_MUT_TAGS_COMPLETE_RETURN, l->res, op->res);
        return 0;
    }
    return add_write(t, i, id, &op, err);
}

static bool is_writer(const struct s3p_at *at)
{
    return S3P_COLUMN(at, uint8_t, op) != S3P_OP_GET_TAGS &&
           S3P_COLUMN(at, uint8_t, outcome) != S3P_FAILED;
}

static bool on_itself(const struct tags *t, const struct s3p_at *at)
{
    return s3p_objects_on_itself(t->b->objects, at->s, at->i, t->key);
}

/* A copy that keeps the tags; one of another key is not clear anyhow. */
static bool is_kept(const struct s3p_at *at)
{
    return S3P_COLUMN(at, uint8_t, op) == S3P_OP_COPY &&
           S3P_COLUMN(at, uint8_t, body_kind) != S3P_KIND_TAGS;
}

/* What nobody answered for may yet take effect. */
static int64_t last_effect(const struct s3p_at *at)
{
    bool known = S3P_COLUMN(at, uint8_t, outcome) != S3P_UNKNOWN;
    return S3P_ON(TAGS_KEPT_UNKNOWN, known) ? S3P_COLUMN(at, int64_t, t_return) : INT64_MAX;
}

/* A copy that keeps the tags: those of another key nobody knows here; its own, while nobody writes
 * them, stay: what others of its kind read and write then are the same. */
static void judge_kept(struct tags *t, uint32_t i)
{
    const struct s3p_at *at = &t->at[i];
    if (S3P_COLUMN(at, uint8_t, outcome) == S3P_FAILED)
        return;
    if (S3P_OFF(TAGS_KEPT_OFF, !on_itself(t, at))) {
        t->unclear = true;
        return;
    }
    int64_t until = last_effect(at);
    for (uint32_t k = 0; k < t->n && !t->unclear; k++)
        t->unclear = S3P_OFF(TAGS_KEPT_ALONE, is_writer(&t->at[k])) && !is_kept(&t->at[k]) &&
                     S3P_LE(TAGS_KEPT_CALL_LT, S3P_COLUMN(&t->at[k], int64_t, t_call), until) &&
                     S3P_LE(TAGS_KEPT_RETURN_LT, S3P_COLUMN(at, int64_t, t_call),
                            last_effect(&t->at[k]));
}

/* Of single versions: clear only where nothing comes after them. */
static void judge_version_delete(struct tags *t, uint32_t i)
{
    int64_t call = S3P_COLUMN(&t->at[i], int64_t, t_call);
    if (S3P_COLUMN(&t->at[i], uint8_t, outcome) == S3P_FAILED)
        return;
    for (uint32_t k = 0; k < t->n && !t->unclear; k++)
        t->unclear = asked(&t->at[k]).len == 0 &&
                     S3P_OFF(TAGS_VERSION_DELETE_OFF,
                             S3P_LE(TAGS_VERSION_DELETE_LT, call,
                                    S3P_COLUMN(&t->at[k], int64_t, t_return))) &&
                     S3P_ON(TAGS_VERSION_DELETE_FAILED,
                            S3P_COLUMN(&t->at[k], uint8_t, outcome) != S3P_FAILED);
}

/* The record that wrote the set with this id, for the witness. */
static uint32_t writer_of(struct tags *t, struct s3p_id id)
{
    for (uint32_t i = 0; i < t->n && t->named < NAMED_MAX && !s3p_id_none(id); i++) {
        const struct s3p_at *at = &t->at[i];
        bool tags = S3P_COLUMN(at, uint8_t, op) == S3P_OP_PUT_TAGS;
        struct s3p_id made = tags ? S3P_COLUMN(at, struct s3p_id, body_id) : brought(at);
        if (!s3p_id_eq(made, id))
            continue;
        t->named++;
        return s3p_at_record(at);
    }
    return S3P_NO_RECORD;
}

static int add_read(struct tags *t, uint32_t i, struct s3p_err *err)
{
    const struct s3p_at *at = &t->at[i];
    uint8_t verdict = S3P_COLUMN(at, uint8_t, body_verdict);
    struct s3p_id id = S3P_COLUMN(at, struct s3p_id, body_id);
    uint32_t value = S3P_REG_ABSENT;
    if (S3P_COLUMN(at, uint8_t, outcome) != S3P_OK_OUTCOME) /* that the key is absent: load.c */
        return 0;
    if (S3P_OFF(TAGS_BYTES_OFF, verdict == S3P_BODY_TORN || verdict == S3P_BODY_CORRUPT))
        return s3p_bench_hit(t->b,
                             verdict == S3P_BODY_TORN ? S3P_RULE_TAGS_TORN : S3P_RULE_TAGS_CORRUPT,
                             S3P_ASPECT_TAGS, t->key, s3p_at_record(at), writer_of(t, id), err);
    if (!s3p_id_none(id)) {
        t->unclear |= S3P_OFF(TAGS_RUN_OFF, s3p_id_run(id) != t->b->objects->head->run);
        S3P_TRY(s3p_bench_value(t->b, id, &value, err));
    }
    s3p_bench_add(t->b, &t->at[i], S3P_REG_READ, value);
    return 0;
}

static bool deletes(const struct s3p_at *at)
{
    uint8_t op = S3P_COLUMN(at, uint8_t, op);
    return op == S3P_OP_DELETE || op == S3P_OP_DELETE_CHILD;
}

/* Is the record about this register? A change that tells no id may have been: a write of any
 * version, a DELETE of `null`, whose place its marker takes where versions are suspended. */
enum bearing { NONE, PERHAPS, CERTAIN };
static enum bearing bearing_of(const struct tags *t, const struct s3p_at *at)
{
    struct s3p_str made = s3p_segment_text(at->s, S3P_COLUMN(at, uint32_t, version_id));
    struct s3p_str named = asked(at).len != 0 ? asked(at) : made;
    if (t->version.len == 0)
        return CERTAIN;
    if (named.len != 0)
        return s3p_str_same(t->version, named) ? CERTAIN : NONE;
    if (S3P_OFF(TAGS_PERHAPS_FAILED, S3P_COLUMN(at, uint8_t, outcome) == S3P_FAILED))
        return NONE;
    bool other = deletes(at) && !s3p_str_eq(t->version, "null");
    return S3P_OFF(TAGS_PERHAPS_DELETE, other) ? NONE : PERHAPS;
}

static int add_record(struct tags *t, uint32_t i, struct s3p_err *err)
{
    const struct s3p_at *at = &t->at[i];
    struct s3p_reg_op *op;
    uint8_t flags = S3P_COLUMN(at, uint8_t, flags);
    t->unclear |= (flags & (S3P_FLAG_FOREIGN | S3P_FLAG_MULTI_DELIVERY)) != 0 &&
                  S3P_OFF(TAGS_FOREIGN_OFF, is_writer(at));
    switch (S3P_COLUMN(at, uint8_t, op)) {
    case S3P_OP_GET_TAGS:
        return add_read(t, i, err);
    case S3P_OP_PUT_TAGS:
    case S3P_OP_DELETE_TAGS:
        return add_write(t, i, S3P_COLUMN(at, struct s3p_id, body_id), &op, err);
    case S3P_OP_DELETE:
    case S3P_OP_DELETE_CHILD:
        if (asked(at).len == 0 || S3P_OFF(TAGS_VERSION_GONE, s3p_str_eq(t->version, "null")))
            return add_write(t, i, (struct s3p_id){{0}}, &op, err);
        if (t->version.len == 0) /* else nothing comes after it: version_reads.c */
            judge_version_delete(t, i);
        return 0;
    case S3P_OP_COPY:
        if (S3P_COLUMN(at, uint8_t, body_kind) != S3P_KIND_TAGS) {
            t->unclear |= t->version.len != 0;
            judge_kept(t, i);
            return 0;
        }
        return add_object(t, i, err);
    default:
        return add_object(t, i, err);
    }
}

static int add_row(struct tags *t, uint32_t i, struct s3p_err *err)
{
    enum bearing bearing = bearing_of(t, &t->at[i]);
    struct s3p_reg_op *op = &t->b->op[t->b->nops];
    if (S3P_OFF(TAGS_VERSION_ANY, bearing == NONE))
        return 0;
    S3P_TRY(add_record(t, i, err));
    if (S3P_OFF(TAGS_PERHAPS_SURE, bearing == PERHAPS))
        op->outcome = S3P_UNKNOWN; /* of what it added, if anything */
    return 0;
}

/* Before any set is written the tags are absent anyhow. */
static void drop_leading(struct tags *t)
{
    int64_t first = INT64_MAX;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->b->nops; i++)
        if (t->b->op[i].kind == S3P_REG_WRITE && t->b->op[i].inv < first)
            first = t->b->op[i].inv;
    for (uint32_t i = 0; i < t->b->nops; i++) {
        const struct s3p_reg_op *op = &t->b->op[i];
        bool idle = op->kind == S3P_REG_DELETE && op->outcome == S3P_OK_OUTCOME &&
                    S3P_ON(TAGS_LEADING_OFF, S3P_LT(TAGS_LEADING_LE, op->res, first));
        if (!idle)
            t->b->op[kept++] = *op;
    }
    t->b->nops = kept;
}

/* One register: of the key, or of a version. */
static int judge_register(struct tags *t, struct s3p_err *err)
{
    struct s3p_reg_result res;
    t->b->nops = 0;
    t->unclear = false;
    s3p_idmap_free(&t->b->values);
    t->b->nvalues = 0;
    for (uint32_t i = 0; i < t->n; i++)
        S3P_TRY(add_row(t, i, err));
    if (!t->unclear) {
        drop_leading(t);
        S3P_TRY(s3p_reg_check(t->b->reg, t->b->op, t->b->nops, t->b->nvalues, &res, err));
        S3P_TRY(s3p_bench_report(t->b, S3P_ASPECT_TAGS, t->key, &res, err));
        if (res.unknown_windows != 0)
            s3p_tally_skip(t->b->tally, S3P_WHY_TAGS, 1, res.unknown_ops);
    }
    if (t->unclear)
        s3p_tally_skip(t->b->tally, S3P_WHY_TAGS, 1, t->b->nops);
    return 0;
}

static int judge_versions(struct tags *t, struct s3p_err *err)
{
    struct s3p_idmap seen = {.slot = NULL};
    uint32_t *at, versions = 0;
    int rc = 0;
    for (uint32_t i = 0; i < t->n && rc == 0; i++) {
        if (!is_tags(S3P_COLUMN(&t->at[i], uint8_t, op)))
            continue;
        t->version = asked(&t->at[i]);
        rc = s3p_idmap_put(&seen, s3p_idmap_text(t->version, 0), versions, &at, err);
        if (rc != 0 || *at < versions)
            continue;
        if ((uint64_t)++versions * t->n <= STEPS_MAX)
            rc = judge_register(t, err);
        else
            s3p_tally_skip(t->b->tally, S3P_WHY_TAGS, 0, 1);
    }
    s3p_idmap_free(&seen);
    return rc;
}

static int judge(struct s3p_bench *b, const struct s3p_row *key, const struct s3p_at *at,
                 uint32_t n, struct s3p_err *err)
{
    struct tags t = {.b = b, .key = key, .at = at, .n = n};
    uint32_t plain = 0, narrow = 0;
    S3P_TRY(s3p_bench_reserve(b, n, err));
    if (S3P_OFF(TAGS_REPLICA_OFF,
                s3p_is_replicated(b->objects->head->rules, S3P_COLUMN(&at[0], uint16_t, bucket)))) {
        s3p_tally_skip(b->tally, S3P_WHY_COPY, 0, n); /* written elsewhere (replicas.h) */
        return 0;
    }
    for (uint32_t i = 0; i < n; i++)
        if (is_tags(S3P_COLUMN(&at[i], uint8_t, op)))
            *(asked(&at[i]).len == 0 ? &plain : &narrow) += 1;
    if (S3P_OFF(TAGS_BOTH_OFF, plain != 0 && narrow != 0)) {
        s3p_tally_skip(b->tally, S3P_WHY_TAGS, 1, plain + narrow);
        return 0;
    }
    return judge_versions(&t, err);
}

const struct s3p_subject s3p_tags_subject = {holds, wants, takes, judge};
