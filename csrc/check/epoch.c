/* Epoch keys: one delete, called after every write of the key had returned. Then a read of absent
 * lies either before everything else or behind the delete, and which of the two can be told:
 * before, if it was called by F, the earliest return of all operations that are no reads of absent;
 * else behind. With that the delete is the write of one more value, whose reads are the absences
 * behind it; conditional on e, it is a compare-and-set. What is left is a history without deletes,
 * which chains and zones decide exactly.
 *
 * Why F: an absence called by F can be placed before F, hence before all others, and one behind the
 * delete asks for more. One called after F follows an operation that found or made the key present,
 * or the delete itself.
 *
 * (A write in flight across the delete may land behind it: such keys are search.c's. The rule, with
 * and without its barrier, is held against the exhaustive oracle; zones: Gibbons and Korach,
 * Testing Shared Memories, SIAM J. Comput. 26, 1997.) */
#include "check/cluster.h"
#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/outcome.h"

bool s3p_epoch_applies(const struct s3p_reg *r)
{
    if (r->deletes.count != 1 || r->nnegative != 0)
        return false;
    const struct s3p_reg_op *d = &r->ops[r->deletes.op];
    if (d->outcome != S3P_OK_OUTCOME || (d->kind == S3P_REG_REMOVE && d->pred == S3P_NO_VALUE))
        return false;
    for (uint32_t v = 1; v <= r->values; v++) {
        const struct s3p_cluster *c = &r->cluster[v];
        if (c->write == S3P_NO_OP || c->outcome == S3P_FAILED)
            continue;
        if (S3P_MUT(S3P_MUT_EPOCH_NO_BARRIER,
                    S3P_MUT(S3P_MUT_EPOCH_BARRIER_LE, c->w_res >= d->inv, c->w_res > d->inv),
                    false))
            return false;
    }
    return true;
}

static int reserve_epoch(struct s3p_reg *r, struct s3p_err *err)
{
    if (r->n <= r->epoch_cap)
        return 0;
    size_t want = (size_t)r->n + r->n / 2;
    s3p_free(r->epoch);
    r->epoch = s3p_alloc(want * sizeof *r->epoch);
    r->epoch_cap = r->epoch != NULL && want < UINT32_MAX ? (uint32_t)want : 0;
    return r->epoch_cap != 0 ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "%u operations of one key", r->n);
}

/* The operation that returned first, beside reads of absent. */
static uint32_t first_returned(const struct s3p_reg *r)
{
    uint32_t first = r->deletes.op;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct s3p_reg_op *op = &r->ops[i];
        bool absent = op->kind == S3P_REG_READ && op->value == S3P_REG_ABSENT;
        bool failed = s3p_reg_mutates(op) && op->outcome == S3P_FAILED;
        if (!absent && !failed && op->res < r->ops[first].res)
            first = i;
    }
    return first;
}

/* The history without its delete: value `gone` stands for the absence behind it. */
static void rewrite(struct s3p_reg *r, uint32_t first, uint32_t gone)
{
    int64_t by = r->ops[first].res;
    for (uint32_t i = 0; i < r->n; i++) {
        struct s3p_reg_op *to = &r->epoch[i];
        *to = r->ops[i];
        bool absent = to->kind == S3P_REG_READ && to->value == S3P_REG_ABSENT;
        if (i == r->deletes.op)
            to->kind = to->kind == S3P_REG_REMOVE ? S3P_REG_CAS : S3P_REG_WRITE;
        if (i == r->deletes.op ||
            (absent && S3P_MUT(S3P_MUT_EPOCH_BEFORE_LT, to->inv > by, to->inv >= by)))
            to->value = gone;
    }
}

/* The rules speak of values: of the last one they mean the delete, or that it had not come yet. */
static void rename_rules(struct s3p_reg_result *out, const struct s3p_reg_op *ops, uint32_t deleted,
                         uint32_t first)
{
    for (uint32_t k = 0; k < out->nviolations; k++) {
        struct s3p_reg_violation *v = &out->violation[k];
        const struct s3p_reg_op *bad = &ops[v->op[0]];
        bool with_delete = false, read = bad->kind == S3P_REG_READ;
        for (uint8_t i = 1; i < v->n; i++)
            with_delete |= v->op[i] == deleted;
        if (!read || !with_delete)
            continue;
        v->rule = bad->value == S3P_REG_ABSENT ? S3P_RULE_ABSENT_AFTER_ACK
                                               : S3P_RULE_PRESENT_AFTER_DELETE;
        if (bad->value == S3P_REG_ABSENT) { /* the delete does not explain it: name what speaks
                                               against it first */
            v->op[1] = first;
            v->op[2] = deleted;
            v->n = 3;
        }
    }
}

int s3p_epoch_check(struct s3p_reg *r, struct s3p_err *err)
{
    const struct s3p_reg_op *ops = r->ops;
    uint32_t deleted = r->deletes.op, first = first_returned(r), gone = r->values + 1;
    S3P_TRY(reserve_epoch(r, err));
    rewrite(r, first, gone);
    S3P_TRY(s3p_reg_begin(r, r->epoch, r->n, gone, err));
    S3P_TRY(s3p_reg_judge(r, err));
    rename_rules(r->out, ops, deleted, first);
    return 0;
}
