/* The version `null` of a key as a register of its own.
 *
 * What was written before its bucket kept versions, or while that was suspended, is the version
 * `null`: each such write replaces the one before it, whatever other versions there are. Writers:
 * PUT and Complete. Deletes: of `null` by its id; one without a version that leaves a marker of
 * that name. A change that tells no id is one of `null` before the bucket's state was touched;
 * later it may have been of another version (a lost answer, a quiet batch), and counts as of
 * unknown outcome.
 * Readers: requests that name `null`, answers that do, entries of pages by their ETag; a marker is
 * "absent".
 *
 * Not checked: keys with copies, whose values are their sources'; uploads completed with several
 * lists; others' writes; buckets with rules of expiry. Exact and sound as register.h says.
 *
 * Threads: s3p_gather's. Source: docs/semantics.md, section 6. */
#include <string.h>

#include "check/gather.h"
#include "check/load.h"
#include "check/mutate.h"
#include "check/walks.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"

enum { METHOD_NOT_ALLOWED = 405, NOT_FOUND = 404, UNIQUE_BODY_BYTES = 16 };

struct nulls { /* of the key at hand */
    struct s3p_bench *b;
    const struct s3p_row *key;
    const struct s3p_at *at;
    uint32_t n;
    struct s3p_idmap by_etag; /* to values; 0: of several */
    bool unclear;
};

static struct s3p_str text(const struct s3p_at *at, enum s3p_column column)
{
    return s3p_segment_text(at->s, ((const uint32_t *)at->s->column[column])[at->i]);
}

static bool is_null(struct s3p_str id)
{
    return s3p_str_eq(id, "null");
}

static bool writes(uint8_t op)
{
    return op == S3P_OP_PUT || op == S3P_OP_COPY || op == S3P_OP_COMPLETE_UPLOAD;
}

static bool deletes(uint8_t op)
{
    return op == S3P_OP_DELETE || op == S3P_OP_DELETE_CHILD;
}

static bool reads(uint8_t op)
{
    return op == S3P_OP_GET || op == S3P_OP_HEAD;
}

static bool holds(const struct s3p_segment_view *s)
{
    return (s->texts & (S3P_BIT(S3P_COL_version_id) | S3P_BIT(S3P_COL_version_asked))) != 0;
}

static bool wants(const struct s3p_at *at)
{
    uint8_t op = S3P_COLUMN(at, uint8_t, op);
    return ((writes(op) || deletes(op) || reads(op)) && is_null(text(at, S3P_COL_version_id))) ||
           (reads(op) && is_null(text(at, S3P_COL_version_asked)));
}

static bool takes(const struct s3p_at *at)
{
    uint8_t op = S3P_COLUMN(at, uint8_t, op);
    return writes(op) || deletes(op) || reads(op) ||
           (op == S3P_OP_LIST_VERSIONS && S3P_COLUMN(at, uint8_t, outcome) == S3P_OK_OUTCOME);
}

/* The change of the key was one of `null`, if it was one. */
static bool is_certain(const struct nulls *x, const struct s3p_at *at)
{
    struct s3p_str made = text(at, S3P_COL_version_id);
    int64_t touched = x->b->walks->touched[S3P_COLUMN(at, uint16_t, bucket)];
    bool before = S3P_ON(NULL_UNTOUCHED_ANY, touched != INT64_MAX) &&
                  S3P_LT(NULL_BEFORE_LE, S3P_COLUMN(at, int64_t, t_return), touched);
    return S3P_OFF(NULL_NAMED_OFF, is_null(made)) ||
           (made.len == 0 && S3P_ON(NULL_CERTAIN_ANY, before));
}

static void doubt(struct s3p_reg_op *op)
{
    if (S3P_ON(NULL_DOUBT_ANY, op->outcome == S3P_OK_OUTCOME))
        op->outcome = S3P_UNKNOWN;
}

/* ETags as keys of a map. */
static struct s3p_id etag_key(const uint8_t bytes[16])
{
    struct s3p_id id;
    memcpy(id.b, bytes, sizeof id.b);
    return id;
}

static int note_etag(struct nulls *x, const struct s3p_at *at, uint32_t value, struct s3p_err *err)
{
    uint32_t *known;
    if (S3P_COLUMN(at, uint8_t, etag_form) == S3P_ETAG_NONE ||
        S3P_OFF(NULL_ETAG_REFUSED, S3P_COLUMN(at, uint8_t, outcome) != S3P_OK_OUTCOME) ||
        S3P_OFF(NULL_WEAK_OFF, S3P_LT(NULL_WEAK_LE, S3P_COLUMN(at, uint64_t, size),
                                      UNIQUE_BODY_BYTES)))
        return 0;
    S3P_TRY(s3p_idmap_put(&x->by_etag, etag_key(S3P_COLUMN(at, s3p_etag_bytes, etag).b), value,
                          &known, err));
    *known = S3P_ON(NULL_ETAG_LAST, *known == value) ? value : 0;
    return 0;
}

/* The list that a Complete wrote; NULL: it repeats another one, and says nothing new. */
static const struct s3p_part_list *list_of(struct nulls *x, const struct s3p_at *at,
                                           struct s3p_id *id)
{
    const struct s3p_upload *up;
    const struct s3p_part_list *l = s3p_objects_list(x->b->objects, at->s, at->i, &up);
    x->unclear |= up == NULL || S3P_OFF(NULL_LISTS_OFF, up->lists != 1);
    *id = up != NULL ? up->meta_id : *id;
    return l;
}

static int add_write(struct nulls *x, const struct s3p_at *at, struct s3p_err *err)
{
    struct s3p_id id = S3P_COLUMN(at, struct s3p_id, meta_id);
    uint8_t op = S3P_COLUMN(at, uint8_t, op), outcome = S3P_COLUMN(at, uint8_t, outcome);
    struct s3p_str version = text(at, S3P_COL_version_id);
    const struct s3p_part_list *l = NULL;
    bool other = S3P_ON(NULL_OTHER_UNKNOWN, outcome == S3P_OK_OUTCOME) &&
                 S3P_ON(NULL_OTHER_NAMELESS, version.len != 0) &&
                 S3P_ON(NULL_OTHER_ANY, !is_null(version));
    uint32_t value;
    if (S3P_OFF(NULL_OTHER_OFF, other))
        return 0;
    if (op == S3P_OP_COPY) {
        x->unclear |= S3P_OFF(NULL_COPY_OFF, S3P_ON(NULL_COPY_FAILED, outcome != S3P_FAILED));
        return 0;
    }
    if (op == S3P_OP_COMPLETE_UPLOAD) {
        l = list_of(x, at, &id);
        if (S3P_OFF(NULL_REPEATED, l == NULL))
            return 0;
    }
    x->unclear |= S3P_OFF(NULL_NAMELESS_OFF, s3p_id_none(id));
    if (x->unclear)
        return 0;
    S3P_TRY(s3p_bench_value(x->b, id, &value, err));
    struct s3p_reg_op *made = s3p_bench_add(x->b, at, S3P_REG_WRITE, value);
    if (l != NULL) {
        made->inv = S3P_MUT(S3P_MUT_NULL_LIST_CALL, l->inv, made->inv);
        made->res = S3P_MUT(S3P_MUT_NULL_LIST_RETURN, l->res, made->res);
    }
    if (!is_certain(x, at))
        doubt(made);
    return note_etag(x, at, value, err);
}

static void add_delete(struct nulls *x, const struct s3p_at *at)
{
    struct s3p_str asked = text(at, S3P_COL_version_asked), made = text(at, S3P_COL_version_id);
    bool by_id = S3P_MUT(S3P_MUT_NULL_DELETE_PLAIN, asked.len != 0, false);
    bool marked = S3P_ON(NULL_MARKER_UNKNOWN,
                         S3P_COLUMN(at, uint8_t, outcome) == S3P_OK_OUTCOME) &&
                  S3P_ON(NULL_MARKER_NAMELESS, made.len != 0) &&
                  S3P_ON(NULL_MARKER_ANY, !is_null(made));
    if (by_id ? S3P_OFF(NULL_DELETE_OTHER, !is_null(asked)) : S3P_OFF(NULL_MARKER_OFF, marked))
        return;
    struct s3p_reg_op *op = s3p_bench_add(x->b, at, S3P_REG_DELETE, S3P_REG_ABSENT);
    if (!by_id && !is_certain(x, at))
        doubt(op);
}

/* Says the answer that there is no object of the version `null`: nothing, or a marker? */
static bool is_absent(const struct s3p_at *at)
{
    struct s3p_str code = text(at, S3P_COL_code_text);
    uint16_t status = S3P_COLUMN(at, uint16_t, status);
    bool untold = S3P_ON(NULL_GONE_CODELESS, S3P_COLUMN(at, uint8_t, op) == S3P_OP_HEAD) &&
                  code.len == 0;
    if (!is_null(text(at, S3P_COL_version_asked)))
        return S3P_OFF(NULL_HIDDEN_OFF,
                       S3P_COLUMN(at, uint8_t, evidence) == S3P_EV_ABSENT);
    return S3P_OFF(NULL_IS_MARKER_OFF, status == METHOD_NOT_ALLOWED) ||
           (status == NOT_FOUND &&
            S3P_ON(NULL_GONE_ANY, S3P_OFF(NULL_GONE_HEAD_OFF, untold) ||
                                      S3P_OFF(NULL_GONE_VERSION_OFF,
                                              s3p_str_eq(code, "NoSuchVersion")) ||
                                      S3P_OFF(NULL_GONE_KEY_OFF, s3p_str_eq(code, "NoSuchKey"))));
}

static int add_read(struct nulls *x, const struct s3p_at *at, struct s3p_err *err)
{
    struct s3p_str asked = text(at, S3P_COL_version_asked), shown = text(at, S3P_COL_version_id);
    struct s3p_id id = S3P_COLUMN(at, struct s3p_id, meta_id);
    uint32_t value;
    if (asked.len != 0 ? S3P_OFF(NULL_READ_ASKED_ANY, !is_null(asked))
                       : S3P_MUT(S3P_MUT_NULL_READ_SHOWN_ANY, !is_null(shown), shown.len == 0))
        return 0;
    if (S3P_COLUMN(at, uint8_t, outcome) == S3P_OK_OUTCOME) {
        if (S3P_OFF(NULL_READ_NAMELESS, s3p_id_none(id)))
            return 0;
        x->unclear |= S3P_OFF(NULL_RUN_OFF, s3p_id_run(id) != x->b->objects->head->run);
        S3P_TRY(s3p_bench_value(x->b, id, &value, err));
        s3p_bench_add(x->b, at, S3P_REG_READ, value);
    } else if (S3P_OFF(NULL_GONE_OFF, is_absent(at))) {
        s3p_bench_add(x->b, at, S3P_REG_READ, S3P_REG_ABSENT);
    }
    return 0;
}

static void add_entry(struct nulls *x, const struct s3p_at *at)
{
    const struct s3p_entry *e = &at->s->entries[at->entry];
    bool altered = (S3P_COLUMN(at, uint8_t, flags) & S3P_FLAG_ALTERED) != 0;
    if (S3P_ON(NULL_ENTRY_OFF, !is_null(s3p_segment_text(at->s, e->version_id))) ||
        S3P_OFF(NULL_ENTRY_ALTERED, altered))
        return;
    const uint32_t *value = s3p_idmap_find(&x->by_etag, etag_key(e->etag));
    bool marker = S3P_OFF(NULL_ENTRY_MARKER_OFF, (e->flags & S3P_ENTRY_MARKER) != 0);
    if (!marker && (value == NULL || *value == 0))
        return;
    struct s3p_reg_op *op =
        s3p_bench_add(x->b, at, S3P_REG_READ, marker ? S3P_REG_ABSENT : *value);
    op->inv = s3p_load_listed_since(x->b->objects->head, at->s, at->i);
}

static int add_record(struct nulls *x, const struct s3p_at *at, struct s3p_err *err)
{
    enum { OTHERS = S3P_FLAG_FOREIGN | S3P_FLAG_MULTI_DELIVERY | S3P_FLAG_ALTERED };
    uint8_t op = S3P_COLUMN(at, uint8_t, op);
    x->unclear |= S3P_OFF(NULL_TOUCHED_OFF, (S3P_COLUMN(at, uint8_t, flags) & OTHERS) != 0);
    if (writes(op))
        return add_write(x, at, err);
    if (reads(op))
        return add_read(x, at, err);
    add_delete(x, at);
    return 0;
}

/* Entries when the ETags of all writes are known. */
static int add_all(struct nulls *x, struct s3p_err *err)
{
    for (uint32_t i = 0; i < x->n && !x->unclear; i++)
        if (x->at[i].entry == S3P_NO_ENTRY)
            S3P_TRY(add_record(x, &x->at[i], err));
    for (uint32_t i = 0; i < x->n && !x->unclear; i++)
        if (x->at[i].entry != S3P_NO_ENTRY)
            add_entry(x, &x->at[i]);
    return 0;
}

static int judge_register(struct nulls *x, struct s3p_err *err)
{
    struct s3p_reg_result res;
    S3P_TRY(add_all(x, err));
    if (x->unclear) {
        s3p_tally_skip(x->b->tally, S3P_WHY_VERSIONS, 1, x->b->nops);
        return 0;
    }
    S3P_TRY(s3p_reg_check(x->b->reg, x->b->op, x->b->nops, x->b->nvalues, &res, err));
    x->b->tally->versions_checked++;
    if (res.unknown_windows != 0)
        s3p_tally_skip(x->b->tally, S3P_WHY_VERSIONS, 1, res.unknown_ops);
    return s3p_bench_report(x->b, S3P_ASPECT_VERSIONS, x->key, &res, err);
}

static int judge(struct s3p_bench *b, const struct s3p_row *key, const struct s3p_at *at,
                 uint32_t n, struct s3p_err *err)
{
    struct nulls x = {.b = b, .key = key, .at = at, .n = n};
    x.unclear = S3P_OFF(NULL_RULES_OFF, b->objects->head->rules != NULL);
    S3P_TRY(s3p_bench_reserve(b, n, err));
    int rc = judge_register(&x, err);
    s3p_idmap_free(&x.by_etag);
    return rc;
}

const struct s3p_subject s3p_nulls_subject = {holds, wants, takes, judge};
