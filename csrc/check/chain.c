/* Chains: successful compare-and-sets tie clusters together, in order, with nothing between them. A
 * chain is feasible when the earliest possible time of each write, given all before it, is not past
 * that write's return or a read's return. */
#include "check/cluster.h"
#include "check/mutate.h"
#include "s3/outcome.h"

void s3p_chain_link(struct s3p_reg *r)
{
    for (uint32_t v = 1; v <= r->values; v++) {
        struct s3p_cluster *c = &r->cluster[v];
        if (!c->live || c->pred == S3P_NO_VALUE || c->outcome == S3P_FAILED)
            continue; /* that a failed write was seen is blamed already */
        if (c->pred == S3P_REG_ABSENT && r->returns_from_absence)
            continue; /* absent since when? */
        struct s3p_cluster *p = &r->cluster[c->pred];
        if (p->succ == S3P_NO_VALUE)
            p->succ = v;
        else if (S3P_MUT(S3P_MUT_TWO_SUCCESSORS_OFF, true, false))
            s3p_reg_blame(
                r, c->pred == S3P_REG_ABSENT ? S3P_RULE_CREATE_TWICE : S3P_RULE_CAS_SPLIT_BRAIN,
                c->write, r->cluster[p->succ].write, p->write, S3P_NO_OP);
    }
}

/* Which operation pushed the earliest time up. */
struct push {
    int64_t tau;
    uint32_t value;
    bool by_read;
};

static uint32_t write_of(const struct s3p_reg *r, uint32_t v)
{
    return v == S3P_NO_VALUE ? S3P_NO_OP : r->cluster[v].write;
}

static void blame_walk(struct s3p_reg *r, const struct push *by, uint32_t v, bool read)
{
    uint32_t late = by->by_read ? s3p_reg_latest_read(r, by->value) : r->cluster[by->value].write;
    uint32_t early = read ? s3p_reg_earliest_read(r, v) : r->cluster[v].write;
    enum s3p_rule rule = !by->by_read                  ? S3P_RULE_CHAIN_INFEASIBLE
                         : by->value == S3P_REG_ABSENT ? S3P_RULE_ABSENT_AFTER_ACK
                                                       : S3P_RULE_STALE_READ;
    s3p_reg_blame(r, rule, late, early, write_of(r, r->cluster[by->value].succ),
                  r->cluster[v].write);
}

bool s3p_chain_walk(struct s3p_reg *r, uint32_t head, struct s3p_zone *z)
{
    struct push by = {INT64_MIN, head, false};
    *z = (struct s3p_zone){INT64_MAX, INT64_MIN, head};
    for (uint32_t v = head; v != S3P_NO_VALUE; v = r->cluster[v].succ) {
        struct s3p_cluster *c = &r->cluster[v];
        c->mark = 1;
        if (c->w_inv > by.tau)
            by = (struct push){c->w_inv, v, false};
        bool late_write = S3P_MUT(S3P_MUT_CHAIN_WRITE_OFF,
                                  S3P_MUT(S3P_MUT_CHAIN_WRITE_LE, by.tau > c->w_res,
                                          by.tau >= c->w_res && v != S3P_REG_ABSENT),
                                  false);
        bool late_read = S3P_MUT(S3P_MUT_CHAIN_READ_OFF, c->r_res < by.tau, false);
        if (late_write || late_read) {
            blame_walk(r, &by, v, !late_write);
            return false;
        }
        if (c->r_inv > by.tau && S3P_MUT(S3P_MUT_CHAIN_READ_TAU_OFF, true, false))
            by = (struct push){c->r_inv, v, true};
        z->f = c->w_res < z->f ? c->w_res : z->f;
        z->f = c->r_res < z->f ? c->r_res : z->f;
        z->s = c->w_inv > z->s ? c->w_inv : z->s;
        z->s = c->r_inv > z->s ? c->r_inv : z->s;
    }
    return true;
}

/* Chains are walked from their heads, so a linked cluster that no walk reached lies on a cycle. */
void s3p_chain_cycles(struct s3p_reg *r)
{
    if (r->out->nviolations != 0) /* an infeasible walk ends early */
        return;
    for (uint32_t v = 1; v <= r->values; v++) {
        struct s3p_cluster *c = &r->cluster[v];
        if (!c->live || c->mark || c->succ == S3P_NO_VALUE)
            continue;
        uint32_t next = c->succ, last = r->cluster[next].succ;
        if (S3P_MUT(S3P_MUT_CYCLE_OFF, true, false))
            s3p_reg_blame(r, S3P_RULE_CHAIN_INFEASIBLE, c->write, r->cluster[next].write,
                          last == S3P_NO_VALUE ? S3P_NO_OP : r->cluster[last].write, S3P_NO_OP);
        return;
    }
}

/* The order of all mutations, when it is known: the chain from absent, then the chain of the one
 * plain write, if any; then the unknown compare-and-set on the last value that was called first, if
 * any, as an optional end. Returns the number of positions, 0 when the order is not known. */
static uint32_t total_order(struct s3p_reg *r)
{
    if (S3P_MUT(S3P_MUT_PLAIN_LINK_ALWAYS, r->nplain > 1, false) || r->out->unresolved != 0 ||
        S3P_OFF(REPLACE_LINK_ALWAYS, r->nreplace != 0)) /* whatever is there */
        return 0;
    uint32_t m = 0, plain = S3P_NO_VALUE;
    for (uint32_t v = 0; v != S3P_NO_VALUE; v = r->cluster[v].succ)
        r->seq[m++] = v;
    uint32_t middle = r->seq[m - 1];
    for (uint32_t v = 1; v <= r->values && r->nplain == 1; v++)
        if (r->cluster[v].live && r->cluster[v].kind == S3P_REG_WRITE)
            plain = v;
    for (uint32_t v = plain; v != S3P_NO_VALUE; v = r->cluster[v].succ)
        r->seq[m++] = v;
    uint32_t tail = r->seq[m - 1], optional = S3P_NO_VALUE;
    for (uint32_t v = 1; v <= r->values && r->nunknown != 0; v++) {
        const struct s3p_cluster *c = &r->cluster[v];
        if (c->live || c->write == S3P_NO_OP || c->outcome != S3P_UNKNOWN)
            continue;
        bool anywhere = c->pred == S3P_NO_VALUE || !r->cluster[c->pred].live ||
                        (c->pred == middle && middle != tail);
        if (S3P_MUT(S3P_MUT_OPTIONAL_ANYWHERE, anywhere, false))
            return 0;
        if (c->pred == tail &&
            (optional == S3P_NO_VALUE || c->w_inv < r->cluster[optional].w_inv) &&
            S3P_MUT(S3P_MUT_OPTIONAL_TAIL_OFF, true, false))
            optional = v;
    }
    if (optional != S3P_NO_VALUE)
        r->seq[m++] = optional;
    return m;
}

static void blame_negative(struct s3p_reg *r, uint32_t neg, uint32_t next)
{
    uint32_t u = r->ops[neg].value;
    uint32_t learned = r->cluster[u].r_res < r->cluster[u].w_res ? s3p_reg_earliest_read(r, u)
                                                                 : r->cluster[u].write;
    uint32_t late = s3p_cluster_seen(&r->cluster[u]) && r->cluster[u].r_inv > r->ops[neg].res
                        ? s3p_reg_latest_read(r, u)
                        : S3P_NO_OP;
    s3p_reg_blame(r, s3p_reg_refusal(&r->ops[neg]), neg, learned, late, write_of(r, next));
}

/* upper[i]: the latest time of position i's write that its own answers and all later writes allow.
 */
static void lower_uppers(struct s3p_reg *r, uint32_t m)
{
    int64_t u = INT64_MAX;
    for (uint32_t i = m; i > 0; i--) {
        u = r->bound[i] < u ? r->bound[i] : u;
        r->upper[i] = u;
    }
    r->upper[0] = INT64_MIN;
}

/* A refusal in [a, b] of expected position i says: its write is not before a, or the next write is
 * not after b. Solutions are closed under taking the later time at every position, so the latest
 * one exists; it is reached from above: whoever cannot be "not before a" any more binds the next
 * write to b. Position m stands for a write that never comes. */
static bool bind_next(struct s3p_reg *r, uint32_t m)
{
    bool changed = false;
    for (uint32_t k = 0; k < r->n; k++) {
        const struct s3p_reg_op *op = &r->ops[k];
        if (op->kind != S3P_REG_NOT)
            continue;
        uint32_t i = r->position[op->value];
        if (i >= m || S3P_MUT(S3P_MUT_NEGATIVE_OFF, false, true))
            continue;
        bool before = S3P_MUT(S3P_MUT_NEGATIVE_ALWAYS_LEARNED, r->upper[i] >= op->inv, false);
        int64_t last = S3P_MUT(S3P_MUT_NEGATIVE_LE, op->res, op->res - 1);
        if (!before && last < r->bound[i + 1]) {
            r->bound[i + 1] = last;
            r->bound_by[i + 1] = k;
            changed = true;
        }
    }
    return changed;
}

/* Looks for a position whose earliest time is past its latest; the refusal that made it so is the
 * violation. */
static void judge_order(struct s3p_reg *r, uint32_t m)
{
    int64_t lower = INT64_MIN;
    for (uint32_t i = 1; i <= m; i++) {
        const struct s3p_cluster *before = &r->cluster[r->seq[i - 1]];
        lower = before->r_inv > lower ? before->r_inv : lower;
        int64_t inv = i < m ? r->cluster[r->seq[i]].w_inv : INT64_MAX;
        lower = inv > lower ? inv : lower;
        if (S3P_LE(CHAIN_ORDER_LT, lower, r->upper[i]))
            continue;
        uint32_t j = i;
        while (j < m && r->bound[j] != r->upper[i])
            j++;
        if (r->bound_by[j] != S3P_NO_OP)
            blame_negative(r, r->bound_by[j], j < m ? r->seq[j] : S3P_NO_VALUE);
        return;
    }
}

/* Refusals of a value that an unseen unknown would have written are not judged: it may or may not
 * have been there. */
static void count_unjudged(struct s3p_reg *r)
{
    for (uint32_t k = 0; k < r->n; k++) {
        const struct s3p_reg_op *op = &r->ops[k];
        const struct s3p_cluster *c = &r->cluster[op->value];
        if (op->kind == S3P_REG_NOT && !c->live && c->write != S3P_NO_OP &&
            c->outcome == S3P_UNKNOWN)
            r->out->negatives++;
    }
}

void s3p_chain_negatives(struct s3p_reg *r)
{
    enum { ROUNDS = 64 };
    uint32_t m = r->out->nviolations == 0 ? total_order(r) : 0;
    if (m == 0) {
        r->out->negatives = r->nnegative;
        return;
    }
    for (uint32_t v = 0; v <= r->values; v++)
        r->position[v] = m;
    for (uint32_t i = 0; i < m; i++) {
        const struct s3p_cluster *c = &r->cluster[r->seq[i]];
        if (c->live) /* not the optional end */
            r->position[r->seq[i]] = i;
        r->bound[i] = c->w_res < c->r_res ? c->w_res : c->r_res;
        r->bound_by[i] = S3P_NO_OP;
    }
    r->bound[m] = INT64_MAX;
    r->bound_by[m] = S3P_NO_OP;
    bool changed = true;
    for (int round = 0; round < ROUNDS && changed; round++) {
        lower_uppers(r, m);
        changed = bind_next(r, m);
    }
    judge_order(r, m);
    if (changed && r->out->nviolations == 0) /* bounds are right, but not yet the tightest */
        r->out->negatives = r->nnegative;
    else
        count_unjudged(r);
}
