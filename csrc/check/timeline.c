#include "check/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "check/cluster.h"
#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/outcome.h"

void s3p_timeline_free(struct s3p_timeline *t)
{
    s3p_free(t->calls);
    s3p_free(t->returns);
    s3p_free(t->ticket);
    s3p_free(t->writes);
    s3p_free(t->removals);
    s3p_free(t->follower);
    s3p_free(t->known);
    s3p_free(t->wanted);
    memset(t, 0, sizeof *t);
}

static int reserve_line(struct s3p_timeline *t, uint32_t ops, uint32_t values, struct s3p_err *err)
{
    if (ops <= t->op_cap && values <= t->value_cap)
        return 0;
    size_t n = ops > t->op_cap ? (size_t)ops + ops / 2 + 64 : t->op_cap;
    size_t v = values > t->value_cap ? (size_t)values + values / 2 + 64 : t->value_cap;
    s3p_timeline_free(t);
    t->calls = s3p_alloc(n * sizeof *t->calls);
    t->returns = s3p_alloc(n * sizeof *t->returns);
    t->ticket = s3p_alloc(n * sizeof *t->ticket);
    t->writes = s3p_alloc(v * sizeof *t->writes); /* a value is written once */
    t->removals = s3p_alloc(n * sizeof *t->removals);
    t->follower = s3p_alloc(v * sizeof *t->follower);
    t->known = s3p_alloc(v * sizeof *t->known);
    t->wanted = s3p_alloc(v * sizeof *t->wanted);
    if (t->calls == NULL || t->returns == NULL || t->ticket == NULL || t->writes == NULL ||
        t->removals == NULL || t->follower == NULL || t->known == NULL || t->wanted == NULL) {
        s3p_timeline_free(t);
        return s3p_fail(err, S3P_ENOMEM, 0, "order of %u operations of one key", ops);
    }
    t->op_cap = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    t->value_cap = v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
    return 0;
}

static int by_call(const void *a, const void *b, void *ops)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct s3p_reg_op *op = ops;
    int c = (op[i].inv > op[j].inv) - (op[i].inv < op[j].inv);
    if (c == 0) /* mutators first: a read may see what was called at its own time */
        c = s3p_reg_mutates(&op[j]) - s3p_reg_mutates(&op[i]);
    return c != 0 ? c : (i > j) - (i < j);
}

static int by_end(const void *a, const void *b, void *ops)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct s3p_reg_op *op = ops;
    int c = (op[i].res > op[j].res) - (op[i].res < op[j].res);
    return c != 0 ? c : (i > j) - (i < j);
}

/* Which values conditions name, and which mutator must have come right after a value. */
static void note_followers(struct s3p_reg *r)
{
    struct s3p_timeline *t = &r->line;
    memset(t->wanted, 0, r->values + 1);
    for (uint32_t v = 0; v <= r->values; v++) {
        uint32_t next = v != S3P_REG_ABSENT ? r->cluster[v].succ : S3P_NO_VALUE;
        t->follower[v] = next == S3P_NO_VALUE ? S3P_NO_OP : r->cluster[next].write;
        t->known[v] = S3P_NO_OP;
    }
    for (uint32_t i = 0; i < r->n; i++) {
        const struct s3p_reg_op *op = &r->ops[i];
        if ((op->kind != S3P_REG_CAS && op->kind != S3P_REG_REMOVE) ||
            op->outcome == S3P_FAILED || op->pred == S3P_NO_VALUE)
            continue;
        t->wanted[op->pred] = 1;
        if (op->kind != S3P_REG_REMOVE || op->outcome != S3P_OK_OUTCOME)
            continue;
        uint32_t other = t->follower[op->pred];
        if (other == S3P_NO_OP)
            t->follower[op->pred] = i;
        else if (S3P_MUT(S3P_MUT_TWO_FOLLOWERS_OFF, true, false))
            s3p_reg_blame(r, S3P_RULE_CAS_SPLIT_BRAIN, i, other, r->cluster[op->pred].write,
                          S3P_NO_OP);
    }
}

/* An unknown write that nobody saw and no condition names explains nothing but refusals. */
static bool explains_nothing(const struct s3p_reg *r, const struct s3p_reg_op *op)
{
    return s3p_reg_optional(op) && op->value != S3P_REG_ABSENT && !r->cluster[op->value].live &&
           S3P_MUT(S3P_MUT_UNSEEN_DROPPED, r->nnegative == 0, true) &&
           S3P_MUT(S3P_MUT_WANTED_OFF, !r->line.wanted[op->value], true);
}

static void add_reach(struct s3p_reach *reach, uint32_t *n, const struct s3p_reg *r, uint32_t i)
{
    const struct s3p_reg_op *op = &r->ops[i];
    struct s3p_reach *at = &reach[*n];
    *at = *n != 0 ? reach[*n - 1] : (struct s3p_reach){0, INT64_MIN, INT64_MIN, S3P_NO_OP};
    int64_t res = s3p_reg_optional(op) ? INT64_MAX : op->res;
    at->inv = op->inv;
    if (at->op == S3P_NO_OP || res > at->last) {
        at->next = at->last;
        at->last = res;
        at->op = i;
    } else if (res > at->next) {
        at->next = res;
    }
    (*n)++;
}

int s3p_timeline_build(struct s3p_reg *r, struct s3p_err *err)
{
    struct s3p_timeline *t = &r->line;
    S3P_TRY(reserve_line(t, r->n, r->values + 1, err));
    note_followers(r);
    t->ncalls = t->nreturns = t->nwrites = t->nremovals = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct s3p_reg_op *op = &r->ops[i];
        if ((s3p_reg_mutates(op) && op->outcome == S3P_FAILED) || explains_nothing(r, op))
            continue;
        t->calls[t->ncalls++] = i;
        if (!s3p_reg_optional(op))
            t->returns[t->nreturns++] = i;
    }
    void *ops = (void *)(uintptr_t)r->ops;
    qsort_r(t->calls, t->ncalls, sizeof *t->calls, by_call, ops);
    qsort_r(t->returns, t->nreturns, sizeof *t->returns, by_end, ops);
    for (uint32_t k = 0; k < t->ncalls; k++) {
        const struct s3p_reg_op *op = &r->ops[t->calls[k]];
        if (op->kind == S3P_REG_DELETE || op->kind == S3P_REG_REMOVE)
            add_reach(t->removals, &t->nremovals, r, t->calls[k]);
        else if (s3p_reg_mutates(op))
            add_reach(t->writes, &t->nwrites, r, t->calls[k]);
    }
    return 0;
}

bool s3p_timeline_any(const struct s3p_reach *reach, uint32_t n, int64_t b, int64_t t0,
                      uint32_t but)
{
    uint32_t lo = 0, hi = n; /* the first that was called after b */
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (S3P_MUT(S3P_MUT_REACH_CALL_LT, reach[mid].inv <= b, reach[mid].inv < b))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return false;
    const struct s3p_reach *at = &reach[lo - 1];
    int64_t last = S3P_MUT(S3P_MUT_REACH_RUNNER_UP_OFF, at->op == but, false) ? at->next : at->last;
    bool there = at->op != but || lo > 1; /* one beside `but` */
    return there && S3P_MUT(S3P_MUT_REACH_RETURN_LT, last >= t0, last > t0);
}
