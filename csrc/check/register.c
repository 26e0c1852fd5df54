#include "check/register.h"

#include <string.h>

#include "check/cluster.h"
#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/outcome.h"

#ifdef S3P_CHECK_MUTANTS
int s3p_check_mutant;
#endif

int s3p_reg_create(struct s3p_reg **out, struct s3p_err *err)
{
    *out = s3p_calloc(1, sizeof **out);
    return *out != NULL ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "register workspace");
}

static void release(struct s3p_reg *r)
{
    s3p_free(r->cluster);
    s3p_free(r->forward);
    s3p_free(r->backward);
    s3p_free(r->spare);
    s3p_free(r->seq);
    s3p_free(r->position);
    s3p_free(r->bound);
    s3p_free(r->upper);
    s3p_free(r->bound_by);
    r->cluster = NULL;
    r->forward = r->backward = r->spare = NULL;
    r->seq = r->position = r->bound_by = NULL;
    r->bound = r->upper = NULL;
    r->cap = 0;
}

void s3p_reg_free(struct s3p_reg *r)
{
    if (r == NULL)
        return;
    release(r);
    s3p_free(r->epoch);
    s3p_timeline_free(&r->line);
    s3p_search_free(&r->search);
    s3p_free(r);
}

static int reserve(struct s3p_reg *r, uint32_t values, struct s3p_err *err)
{
    size_t want = (size_t)values + 3; /* absent, and two for a total order's end */
    if (want <= r->cap)
        return 0;
    want += want / 2;
    if (want > UINT32_MAX)
        return s3p_fail(err, S3P_ELIMIT, 0, "more than 2^32 values of one key");
    release(r);
    r->cluster = s3p_alloc(want * sizeof *r->cluster);
    r->forward = s3p_alloc(want * sizeof *r->forward);
    r->backward = s3p_alloc(want * sizeof *r->backward);
    r->spare = s3p_alloc(want * sizeof *r->spare);
    r->seq = s3p_alloc(want * sizeof *r->seq);
    r->position = s3p_alloc(want * sizeof *r->position);
    r->bound = s3p_alloc(want * sizeof *r->bound);
    r->upper = s3p_alloc(want * sizeof *r->upper);
    r->bound_by = s3p_alloc(want * sizeof *r->bound_by);
    if (r->cluster == NULL || r->forward == NULL || r->backward == NULL || r->spare == NULL ||
        r->seq == NULL || r->position == NULL || r->bound == NULL || r->upper == NULL ||
        r->bound_by == NULL) {
        release(r);
        return s3p_fail(err, S3P_ENOMEM, 0, "register workspace of %zu values", want);
    }
    r->cap = (uint32_t)want;
    return 0;
}

static bool enough(const struct s3p_reg *r)
{
    return r->out->nviolations == S3P_REG_VIOLATIONS;
}

void s3p_reg_blame(struct s3p_reg *r, enum s3p_rule rule, uint32_t a, uint32_t b, uint32_t c,
                   uint32_t d)
{
    struct s3p_reg_result *out = r->out;
    if (enough(r))
        return;
    struct s3p_reg_violation *v = &out->violation[out->nviolations++];
    const uint32_t op[S3P_REG_WITNESS] = {a, b, c, d};
    v->rule = (uint8_t)rule;
    v->n = 0;
    for (int i = 0; i < S3P_REG_WITNESS; i++) {
        bool wanted = op[i] != S3P_NO_OP;
        for (int j = 0; j < v->n && wanted; j++)
            wanted = v->op[j] != op[i];
        if (wanted)
            v->op[v->n++] = op[i];
    }
}

static bool reads(const struct s3p_reg_op *op, uint32_t v)
{
    return (op->kind == S3P_REG_READ || op->kind == S3P_REG_REMOVE) && s3p_reg_block(op) == v;
}

uint32_t s3p_reg_latest_read(const struct s3p_reg *r, uint32_t v)
{
    for (uint32_t i = 0; i < r->n && !enough(r); i++)
        if (reads(&r->ops[i], v) && r->ops[i].inv == r->cluster[v].r_inv)
            return i;
    return S3P_NO_OP;
}

uint32_t s3p_reg_earliest_read(const struct s3p_reg *r, uint32_t v)
{
    for (uint32_t i = 0; i < r->n && !enough(r); i++)
        if (reads(&r->ops[i], v) && r->ops[i].res == r->cluster[v].r_res)
            return i;
    return S3P_NO_OP;
}

static int fold_write(struct s3p_reg *r, const struct s3p_reg_op *op, uint32_t i,
                      struct s3p_err *err)
{
    struct s3p_cluster *c = &r->cluster[op->value];
    if (op->value == S3P_REG_ABSENT || c->write != S3P_NO_OP)
        return s3p_fail(err, S3P_EFORMAT, 0, "operation %u: value %u is written twice", i,
                        op->value);
    if (op->kind == S3P_REG_CAS && op->pred != S3P_NO_VALUE && op->pred > r->values)
        return s3p_fail(err, S3P_EFORMAT, 0, "operation %u: expected value %u out of range", i,
                        op->pred);
    c->write = i;
    c->kind = op->kind;
    c->outcome = op->outcome;
    c->w_inv = op->inv;
    c->w_res = op->res;
    c->pred = op->kind == S3P_REG_CAS      ? op->pred
              : op->kind == S3P_REG_CREATE ? S3P_REG_ABSENT
                                           : S3P_NO_VALUE;
    if (op->outcome == S3P_UNKNOWN) {
        c->w_res = S3P_MUT(S3P_MUT_UNKNOWN_KEEPS_RETURN, INT64_MAX, op->res);
        r->nunknown++;
    }
    return 0;
}

static void add_read(struct s3p_cluster *c, const struct s3p_reg_op *op)
{
    c->r_inv = op->inv > c->r_inv ? op->inv : c->r_inv;
    c->r_res = op->res < c->r_res ? op->res : c->r_res;
}

static int fold_delete(struct s3p_reg *r, const struct s3p_reg_op *op, uint32_t i,
                       struct s3p_err *err)
{
    struct s3p_deletes *d = &r->deletes;
    bool conditional = op->kind == S3P_REG_REMOVE;
    if (op->value != S3P_REG_ABSENT ||
        (conditional && op->pred != S3P_NO_VALUE && (op->pred > r->values || op->pred == 0)))
        return s3p_fail(err, S3P_EFORMAT, 0, "operation %u: a delete of value %u", i,
                        conditional ? op->pred : op->value);
    if (op->outcome == S3P_FAILED)
        return 0;
    d->count++;
    d->op = i;
    d->first_call = op->inv < d->first_call ? op->inv : d->first_call;
    if (op->outcome != S3P_OK_OUTCOME)
        return 0;
    d->first_return = op->res < d->first_return ? op->res : d->first_return;
    d->conditional |= conditional;
    if (conditional && op->pred != S3P_NO_VALUE) /* it saw what it removed */
        add_read(&r->cluster[op->pred], op);
    r->out->unresolved += conditional && op->pred == S3P_NO_VALUE;
    return 0;
}

/* What is no read. */
static int fold_other(struct s3p_reg *r, const struct s3p_reg_op *op, uint32_t i,
                      struct s3p_err *err)
{
    bool replaces = op->kind == S3P_REG_REPLACE && op->outcome != S3P_FAILED;
    r->nreplace += replaces;
    r->nnegative += replaces || op->kind == S3P_REG_NOT;
    if (op->kind == S3P_REG_NOT)
        return 0;
    bool deletes = op->kind == S3P_REG_DELETE || op->kind == S3P_REG_REMOVE;
    return deletes ? fold_delete(r, op, i, err) : fold_write(r, op, i, err);
}

/* Adds operation `i` to its cluster. */
static inline int fold(struct s3p_reg *r, const struct s3p_reg_op *op, uint32_t i,
                       struct s3p_err *err)
{
    if (op->value > r->values)
        return s3p_fail(err, S3P_EFORMAT, 0, "operation %u: value %u out of range", i, op->value);
    if (op->inv == INT64_MIN || op->inv > op->res)
        return s3p_fail(err, S3P_EFORMAT, 0, "operation %u returns before its call", i);
    if (op->kind == S3P_REG_READ) {
        add_read(&r->cluster[op->value], op);
        return 0;
    }
    return fold_other(r, op, i, err);
}

/* Can `op`, which may be ordered behind a delete, be judged as if there had been none? A legal
 * order stays legal without its deletes, unless it needs one for an absence, a refusal or a
 * creation. */
static bool stands_alone(const struct s3p_reg *r, const struct s3p_reg_op *op, int64_t first_delete)
{
    switch (op->kind) {
    case S3P_REG_READ:
        return op->value != S3P_REG_ABSENT;
    case S3P_REG_NOT:
        return false;
    case S3P_REG_CREATE: /* one that was read before is ordered before */
        return op->outcome == S3P_UNKNOWN &&
               S3P_LT(TRAIL_CREATE_LE, r->cluster[op->value].r_res, first_delete);
    default:
        return true;
    }
}

/* Deletes at the end of a key's history constrain nothing before them: what had returned before the
 * first of them is ordered before it. What overlaps them must stand alone, and must have been
 * called before the first one returned, so that all deletes can be ordered behind it. */
static bool deletes_trail(const struct s3p_reg *r)
{
    const struct s3p_deletes *d = &r->deletes;
    if (S3P_MUT(S3P_MUT_TRAIL_CONDITIONAL, d->conditional, false))
        return false; /* is what it expected the last value? */
    for (uint32_t i = 0; i < r->n; i++) {
        const struct s3p_reg_op *op = &r->ops[i];
        bool unknown = s3p_reg_optional(op);
        if (op->kind >= S3P_REG_DELETE || (s3p_reg_mutates(op) && op->outcome == S3P_FAILED))
            continue;
        if ((unknown ? INT64_MAX : op->res) < d->first_call)
            continue;
        bool late = S3P_LT(TRAIL_LATE_LE, d->first_return, op->inv) &&
                    !(unknown && !s3p_cluster_seen(&r->cluster[op->value]));
        if (!stands_alone(r, op, d->first_call) || late)
            return S3P_MUT(S3P_MUT_DELETE_ALWAYS_TRAILING, false, true);
    }
    return true;
}

/* A value that was seen, by operation `witness` (S3P_NO_OP: its earliest read, which is looked for
 * only when it is blamed): it took effect, and so did what it was built on. */
static void mark_live(struct s3p_reg *r, uint32_t v, uint32_t witness)
{
    while (v != S3P_REG_ABSENT && v != S3P_NO_VALUE && !r->cluster[v].live) {
        struct s3p_cluster *c = &r->cluster[v];
        c->live = 1;
        if (witness == S3P_NO_OP && (c->write == S3P_NO_OP || c->outcome == S3P_FAILED))
            witness = s3p_reg_earliest_read(r, v);
        if (c->write == S3P_NO_OP) {
            if (S3P_MUT(S3P_MUT_UNWRITTEN_OFF, true, false))
                s3p_reg_blame(r, S3P_RULE_UNWRITTEN_VALUE, witness, S3P_NO_OP, S3P_NO_OP,
                              S3P_NO_OP);
            return;
        }
        if (c->outcome == S3P_FAILED) {
            if (S3P_MUT(S3P_MUT_FAILED_VISIBLE_OFF, true, false))
                s3p_reg_blame(r, S3P_RULE_FAILED_BUT_VISIBLE, witness, c->write, S3P_NO_OP,
                              S3P_NO_OP);
            c->w_res = INT64_MAX;
        }
        if (S3P_MUT(S3P_MUT_UNKNOWN_PREDECESSOR_DEAD, false, true))
            return;
        witness = c->write;
        v = c->pred;
    }
}

/* Which values took effect: acknowledged ones and seen ones; also the rules that one cluster
 * decides. */
static void classify(struct s3p_reg *r)
{
    for (uint32_t v = 1; v <= r->values; v++) {
        const struct s3p_cluster *c = &r->cluster[v];
        bool seen = s3p_cluster_seen(c);
        if (S3P_MUT(S3P_MUT_UNKNOWN_NEVER_LIVE, seen, seen && c->outcome != S3P_UNKNOWN))
            mark_live(r, v, S3P_NO_OP);
        else if (c->write != S3P_NO_OP &&
                 (c->outcome == S3P_OK_OUTCOME ||
                  S3P_MUT(S3P_MUT_UNKNOWN_IS_OK, false, c->outcome == S3P_UNKNOWN)))
            mark_live(r, v, c->write);
        if (seen && c->write != S3P_NO_OP &&
            S3P_MUT(S3P_MUT_FUTURE_READ_OFF,
                    S3P_MUT(S3P_MUT_FUTURE_READ_LE, c->r_res < c->w_inv, c->r_res <= c->w_inv),
                    false))
            s3p_reg_blame(r, S3P_RULE_FUTURE_READ, s3p_reg_earliest_read(r, v), c->write, S3P_NO_OP,
                          S3P_NO_OP);
    }
    for (uint32_t v = 1; v <= r->values; v++) {
        const struct s3p_cluster *c = &r->cluster[v];
        if (!c->live || c->write == S3P_NO_OP)
            continue;
        r->ncas += !s3p_reg_plain(c->kind);
        r->nplain += s3p_reg_plain(c->kind);
        r->out->unresolved += c->kind == S3P_REG_CAS && c->pred == S3P_NO_VALUE;
    }
}

static int start(struct s3p_reg *r, uint32_t values, struct s3p_err *err)
{
    static const struct s3p_cluster empty = {
        .w_inv = INT64_MIN,
        .w_res = INT64_MAX,
        .r_inv = INT64_MIN,
        .r_res = INT64_MAX,
        .write = S3P_NO_OP,
        .pred = S3P_NO_VALUE,
        .succ = S3P_NO_VALUE,
    };
    S3P_TRY(reserve(r, values, err));
    r->values = values;
    for (uint32_t v = 0; v <= values; v++)
        r->cluster[v] = empty;
    r->cluster[S3P_REG_ABSENT].w_res = INT64_MIN;
    r->cluster[S3P_REG_ABSENT].live = 1;
    r->ncas = r->nplain = r->nunknown = r->nnegative = r->nreplace = 0;
    r->nforward = r->nbackward = 0;
    r->deletes = (struct s3p_deletes){.first_call = INT64_MAX, .first_return = INT64_MAX};
    return 0;
}

int s3p_reg_begin(struct s3p_reg *r, const struct s3p_reg_op *ops, uint32_t n, uint32_t values,
                  struct s3p_err *err)
{
    S3P_TRY(start(r, values, err));
    r->ops = ops;
    r->n = n;
    for (uint32_t i = 0; i < n; i++) /* everything later looks at clusters only */
        S3P_TRY(fold(r, &ops[i], i, err));
    return 0;
}

/* What chains and zones leave open: absences, and refusals where the order of writes is not known.
 */
static int judge_rest(struct s3p_reg *r, struct s3p_err *err)
{
    struct s3p_reg_result *out = r->out;
    S3P_TRY(s3p_timeline_build(r, err));
    if (out->nviolations == 0 && r->engine != S3P_ENGINE_SEARCH)
        s3p_negatives_check(r);
    if (out->nviolations != 0)
        return 0;
    if (r->engine == S3P_ENGINE_RULES)
        out->windows = out->unknown_windows = 1;
    else
        S3P_TRY(s3p_search_run(r, err));
    if (r->returns_from_absence || r->engine == S3P_ENGINE_SEARCH) {
        out->negatives = 0;
        return 0;
    }
    if (out->unknown_windows == 0) /* else only the refusals were not judged, and that is said */
        out->negatives = 0;
    out->windows = 1;
    out->unknown_windows = out->unknown_ops = 0;
    return 0;
}

int s3p_reg_judge(struct s3p_reg *r, struct s3p_err *err)
{
    struct s3p_reg_result *out = r->out;
    classify(r);
    if (r->ncas != 0)
        s3p_chain_link(r);
    if (out->nviolations != 0) { /* what follows would only repeat it */
        out->negatives = r->nnegative;
        return 0;
    }
    if (r->engine == S3P_ENGINE_SEARCH)
        return judge_rest(r, err);
    s3p_zone_build(r);
    if (r->ncas != 0)
        s3p_chain_cycles(r);
    s3p_zone_check(r);
    if (r->nnegative != 0 && !r->returns_from_absence)
        s3p_chain_negatives(r);
    if ((r->returns_from_absence || out->negatives != 0) && out->nviolations == 0)
        return judge_rest(r, err);
    return 0;
}

static void empty_result(struct s3p_reg *r, struct s3p_reg_result *out)
{
    out->nviolations = out->negatives = out->unresolved = 0;
    out->windows = out->unknown_windows = out->unknown_ops = 0;
    out->unknown_from = out->unknown_to = 0;
    r->out = out;
    r->returns_from_absence = false;
}

int s3p_reg_open(struct s3p_reg *r, uint32_t values, struct s3p_reg_result *out,
                 struct s3p_err *err)
{
    empty_result(r, out);
    r->ops = NULL;
    r->n = r->told = 0;
    return start(r, values, err);
}

int s3p_reg_tell(struct s3p_reg *r, const struct s3p_reg_op *ops, uint32_t n, struct s3p_err *err)
{
    for (uint32_t i = 0; i < n; i++)
        S3P_TRY(fold(r, &ops[i], r->told + i, err));
    r->told += n;
    return 0;
}

int s3p_reg_settle(struct s3p_reg *r, bool *settled, struct s3p_err *err)
{
    *settled = false;
    if (r->deletes.count != 0 || r->nnegative != 0 || r->engine != S3P_ENGINE_ALL)
        return 0;
    S3P_TRY(s3p_reg_judge(r, err));
    r->out->windows = 1;
    *settled = r->out->nviolations == 0;
    return 0;
}

int s3p_reg_check(struct s3p_reg *r, const struct s3p_reg_op *ops, uint32_t n, uint32_t values,
                  struct s3p_reg_result *out, struct s3p_err *err)
{
    empty_result(r, out);
    S3P_TRY(s3p_reg_begin(r, ops, n, values, err));
    bool search = r->engine == S3P_ENGINE_SEARCH;
    if (r->deletes.count != 0 && !search && s3p_epoch_applies(r) && !deletes_trail(r)) {
        S3P_TRY(s3p_epoch_check(r, err));
    } else {
        r->returns_from_absence = r->deletes.count != 0 && (search || !deletes_trail(r));
        S3P_TRY(s3p_reg_judge(r, err));
    }
    out->windows = out->windows == 0 ? 1 : out->windows;
    return 0;
}
