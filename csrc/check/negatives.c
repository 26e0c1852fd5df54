/* Rules for what is not there, and for what is there without a value: claims of absence, of
 * presence, and of a state other than e. Each rule looks only at operations that are definitely
 * before the claim or definitely on both sides of it, so an alarm is a violation at any
 * concurrency, whatever else is unknown; what they do not find may still be one.
 *
 * Of a claim in [a, b], with evidence P that had returned before a:
 *   absent        P showed the key present, and no delete returned after P's call and was called
 *                 by b;
 *   present       P showed it absent, and no write did so (a refused If-None-Match: *), or no other
 *                 write (an acknowledged If-Match: *);
 *   other than e  P showed e, and no mutator but e's own write did so; or e is seen after b too
 *                 (a value is written once, so it was there all the time);
 *   and no absence and no delete can lie inside the time that a value is known to have held.
 * Presence of a value that was superseded is a matter of zones (zone.c), deletes or not: a value
 * holds for one stretch of time. In the manner of Lee and Mathur's log-linear monitoring of
 * unambiguous histories (OOPSLA 2025): one sweep in the order of calls, evidence joins in the order
 * of returns, a binary search a claim. */
#include "check/cluster.h"
#include "check/mutate.h"
#include "s3/outcome.h"

/* What had returned by now: of each kind the evidence that was called last. */
struct evidence {
    uint32_t present, absent;
};

static void keep_later(const struct s3p_reg *r, uint32_t *best, uint32_t i)
{
    if (*best == S3P_NO_OP || r->ops[i].inv > r->ops[*best].inv)
        *best = i;
}

static void join(struct s3p_reg *r, struct evidence *e, uint32_t i)
{
    const struct s3p_reg_op *op = &r->ops[i];
    switch (op->kind) {
    case S3P_REG_DELETE:
    case S3P_REG_REMOVE:
        keep_later(r, &e->absent, i);
        return;
    case S3P_REG_NOT:
        if (op->value == S3P_REG_ABSENT)
            keep_later(r, &e->present, i);
        return;
    default:
        keep_later(r, op->value == S3P_REG_ABSENT ? &e->absent : &e->present, i);
        if (op->value != S3P_REG_ABSENT)
            keep_later(r, &r->line.known[op->value], i);
    }
}

static void judge_absent(struct s3p_reg *r, const struct evidence *e, uint32_t i)
{
    const struct s3p_reg_op *op = &r->ops[i];
    const struct s3p_timeline *t = &r->line;
    if (e->present == S3P_NO_OP || S3P_MUT(S3P_MUT_ABSENT_RULE_OFF, false, true) ||
        s3p_timeline_any(t->removals, t->nremovals, op->res, r->ops[e->present].inv, S3P_NO_OP))
        return;
    enum s3p_rule rule = S3P_RULE_ABSENT_AFTER_ACK;
    if (op->kind == S3P_REG_CREATE)
        rule = r->ops[e->present].kind == S3P_REG_CREATE ? S3P_RULE_CREATE_TWICE
                                                         : S3P_RULE_CAS_IGNORED;
    s3p_reg_blame(r, rule, i, e->present, S3P_NO_OP, S3P_NO_OP);
}

static void judge_present(struct s3p_reg *r, const struct evidence *e, uint32_t i)
{
    const struct s3p_timeline *t = &r->line;
    bool replaces = r->ops[i].kind == S3P_REG_REPLACE;
    int64_t t0 = e->absent != S3P_NO_OP ? r->ops[e->absent].inv : INT64_MIN;
    uint32_t but = replaces ? i : S3P_NO_OP; /* it is none that it could find */
    if (S3P_MUT(S3P_MUT_PRESENT_RULE_OFF, true, replaces) &&
        S3P_MUT(S3P_MUT_REPLACE_RULE_OFF, true, !replaces) &&
        !s3p_timeline_any(t->writes, t->nwrites, r->ops[i].res, t0, but))
        s3p_reg_blame(r, replaces ? S3P_RULE_CAS_IGNORED : s3p_reg_refusal(&r->ops[i]), i,
                      e->absent, S3P_NO_OP, S3P_NO_OP);
}

static void judge_other(struct s3p_reg *r, uint32_t i)
{
    const struct s3p_reg_op *op = &r->ops[i];
    const struct s3p_timeline *t = &r->line;
    const struct s3p_cluster *c = &r->cluster[op->value];
    uint32_t known = t->known[op->value];
    if (known == S3P_NO_OP)
        return;
    if (s3p_cluster_seen(c) && S3P_MUT(S3P_MUT_OTHER_BETWEEN_OFF, c->r_inv > op->res, false)) {
        s3p_reg_blame(r, S3P_RULE_CONDITION_FALSE_NEGATIVE, i, known,
                      s3p_reg_latest_read(r, op->value), S3P_NO_OP);
        return;
    }
    int64_t t0 = r->ops[known].inv;
    if (S3P_MUT(S3P_MUT_OTHER_RULE_OFF, true, false) &&
        !s3p_timeline_any(t->writes, t->nwrites, op->res, t0, c->write) &&
        !s3p_timeline_any(t->removals, t->nremovals, op->res, t0, S3P_NO_OP))
        s3p_reg_blame(r, S3P_RULE_CONDITION_FALSE_NEGATIVE, i, known, S3P_NO_OP, S3P_NO_OP);
}

/* An absence or a delete inside the time that a block owned. Forward zones are sorted and disjoint
 * here. */
static void judge_gap(struct s3p_reg *r, uint32_t i)
{
    const struct s3p_reg_op *op = &r->ops[i];
    uint32_t lo = 0, hi = r->nforward; /* the first that begins at the call or later */
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (S3P_MUT(S3P_MUT_GAP_LEFT_LE, r->forward[mid].f < op->inv, r->forward[mid].f <= op->inv))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0 || S3P_MUT(S3P_MUT_GAP_OFF, false, true))
        return;
    const struct s3p_zone *z = &r->forward[lo - 1];
    if (S3P_MUT(S3P_MUT_GAP_RIGHT_LE, z->s > op->res, z->s >= op->res))
        s3p_blame_gap(r, z->head, i);
}

static void judge_claim(struct s3p_reg *r, const struct evidence *e, uint32_t i)
{
    const struct s3p_reg_op *op = &r->ops[i];
    if (s3p_reg_optional(op))
        return;
    uint32_t before = r->out->nviolations;
    switch (op->kind) {
    case S3P_REG_READ:
        if (op->value == S3P_REG_ABSENT)
            judge_absent(r, e, i);
        break;
    case S3P_REG_CREATE:
        judge_absent(r, e, i);
        return;
    case S3P_REG_REPLACE:
        judge_present(r, e, i);
        return;
    case S3P_REG_NOT:
        if (op->value == S3P_REG_ABSENT)
            judge_present(r, e, i);
        else
            judge_other(r, i);
        return;
    case S3P_REG_DELETE:
    case S3P_REG_REMOVE:
        break;
    default:
        return;
    }
    if (r->returns_from_absence && op->value == S3P_REG_ABSENT && r->out->nviolations == before)
        judge_gap(r, i);
}

void s3p_negatives_check(struct s3p_reg *r)
{
    const struct s3p_timeline *t = &r->line;
    struct evidence e = {S3P_NO_OP, S3P_NO_OP};
    uint32_t j = 0;
    for (uint32_t k = 0; k < t->ncalls; k++) {
        int64_t a = r->ops[t->calls[k]].inv;
        while (j < t->nreturns &&
               S3P_MUT(S3P_MUT_EVIDENCE_LE, r->ops[t->returns[j]].res < a,
                       r->ops[t->returns[j]].res <= a))
            join(r, &e, t->returns[j++]);
        judge_claim(r, &e, t->calls[k]);
    }
}
