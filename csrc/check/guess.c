/* The fault class that a violation looks like: the first row whose rule and shape fit. A guess for
 * people; nothing depends on it. The names are those of the mutants. */
#include "check/witness.h"
#include "s3/op.h"
#include "s3/outcome.h"

enum shape {
    ANY = 0,
    TWO_ENDPOINTS = 1, /* the offending attempt and the next one went to different endpoints */
    OVERLAP = 2,       /* the two overlapped in time */
    LOOKED = 4,        /* the offending attempt is a HEAD or a page */
    WROTE = 8,         /* the offending attempt is a write */
    REFUSED = 16,      /* the second attempt is a write that was refused by its condition */
    RANGE = 32,        /* the offending attempt read a range */
    WRITTEN_BY = 64,   /* the second attempt is an acknowledged write */
    TOGETHER = 128,    /* two writes of the witness overlapped */
};

static const struct {
    enum s3p_rule rule;
    unsigned shape;
    const char *name;
} table[] = {
    {S3P_RULE_BODY_TORN, ANY, "torn-blocks"},
    {S3P_RULE_BODY_FOREIGN, ANY, "cross-key-body"},
    {S3P_RULE_BODY_CORRUPT, ANY, "zero-filled-tail"},
    {S3P_RULE_BODY_LENGTH, RANGE, "range-off-by-one"},
    {S3P_RULE_BODY_LENGTH, LOOKED, "stale-head-fresh-get"},
    {S3P_RULE_BODY_LENGTH, ANY, "torn-get"},
    {S3P_RULE_FAILED_BUT_VISIBLE, REFUSED, "cond-failed-but-applied"},
    {S3P_RULE_FAILED_BUT_VISIBLE, ANY, "read-uncommitted"},
    {S3P_RULE_ETAG_MISMATCH, WROTE, "wrong-put-etag"},
    {S3P_RULE_ETAG_MISMATCH, WRITTEN_BY, "wrong-put-etag"},
    {S3P_RULE_ETAG_MISMATCH, ANY, "torn-get"},
    {S3P_RULE_CAS_SPLIT_BRAIN, TWO_ENDPOINTS, "cond-atomic-per-gateway"},
    {S3P_RULE_CAS_SPLIT_BRAIN, OVERLAP, "im-check-then-act"},
    {S3P_RULE_CAS_SPLIT_BRAIN, ANY, "cond-ignored"},
    {S3P_RULE_CREATE_TWICE, TWO_ENDPOINTS, "cond-atomic-per-gateway"},
    {S3P_RULE_CREATE_TWICE, OVERLAP, "inm-check-then-act"},
    {S3P_RULE_CREATE_TWICE, ANY, "cond-ignored"},
    {S3P_RULE_CHAIN_INFEASIBLE, ANY, "cond-stale-eval"},
    {S3P_RULE_STALE_READ, TWO_ENDPOINTS, "stale-read-replica"},
    {S3P_RULE_STALE_READ, LOOKED, "stale-head-fresh-get"},
    {S3P_RULE_STALE_READ, TOGETHER, "first-writer-wins"},
    {S3P_RULE_STALE_READ, WRITTEN_BY, "lost-ack-write"},
    {S3P_RULE_STALE_READ, ANY, "nonmonotonic-reads"},
    {S3P_RULE_LOST_UPDATE, ANY, "im-check-then-act"},
    {S3P_RULE_ABSENT_AFTER_ACK, TWO_ENDPOINTS, "cross-client-404"},
    {S3P_RULE_ABSENT_AFTER_ACK, ANY, "overwrite-404-gap"},
    {S3P_RULE_PRESENT_AFTER_DELETE, LOOKED, "list-after-delete-lag"},
    {S3P_RULE_PRESENT_AFTER_DELETE, ANY, "delete-resurrects"},
    {S3P_RULE_CAS_IGNORED, ANY, "cond-ignored"},
    {S3P_RULE_CONDITION_FALSE_NEGATIVE, ANY, "cond-always-412"},
    {S3P_RULE_MPU_BLEND, ANY, "mpu-blend"},
    {S3P_RULE_MPU_STALE_PART, ANY, "mpu-stale-part"},
    {S3P_RULE_MPU_COMPLETED_TWICE, ANY, "mpu-double-complete-blend"},
    {S3P_RULE_ABORTED_VISIBLE, ANY, "mpu-abort-then-complete"},
    {S3P_RULE_COMPLETE_AND_ABORT, ANY, "mpu-abort-then-complete"},
    {S3P_RULE_FUTURE_READ, ANY, "mpu-visible-early"},
    {S3P_RULE_LIST_PART_ENTRY, ANY, "parts-size-zero"},
    {S3P_RULE_LIST_MISSING, ANY, "list-drops-fraction"},
    {S3P_RULE_LIST_TRUNCATED_END, ANY, "list-early-end"},
    {S3P_RULE_LIST_PHANTOM, ANY, "list-after-delete-lag"},
    {S3P_RULE_LIST_ORDER, ANY, "list-order-wrong"},
    {S3P_RULE_LIST_DUPLICATE, ANY, "list-dup-at-edge"},
    {S3P_RULE_LIST_RANGE, ANY, "list-start-inclusive"},
    {S3P_RULE_LIST_NO_PROGRESS, ANY, "list-token-missing"},
    {S3P_RULE_BUCKET_UNREADY, ANY, "bucket-create-lag"},
    {S3P_RULE_ERROR_AS_SUCCESS, ANY, "cond-fail-in-200-body"},
    {S3P_RULE_SURPLUS_BYTES, ANY, "poisoned-keepalive"},
};

static bool overlap(const struct s3p_attempt *a, const struct s3p_attempt *b)
{
    return a->t_call <= b->t_return && b->t_call <= a->t_return;
}

static bool is_put(const struct s3p_attempt *a)
{
    return a->op == S3P_OP_PUT;
}

static unsigned shape_of(const struct s3p_witness *w)
{
    const struct s3p_attempt *a = &w->attempt[0], *b = w->hit->n > 1 ? &w->attempt[1] : NULL;
    unsigned s = 0;
    s |= a->op == S3P_OP_HEAD || a->op == S3P_OP_LIST || a->op == S3P_OP_LIST_V1 ? LOOKED : 0;
    s |= is_put(a) ? WROTE : 0;
    s |= a->range_len != 0 ? RANGE : 0;
    if (b == NULL)
        return s;
    s |= a->endpoint != b->endpoint ? TWO_ENDPOINTS : 0;
    s |= overlap(a, b) ? OVERLAP : 0;
    s |= is_put(b) && b->outcome == S3P_FAILED && b->cond != S3P_COND_NONE ? REFUSED : 0;
    s |= is_put(b) && b->outcome == S3P_OK_OUTCOME ? WRITTEN_BY : 0;
    for (uint32_t i = 2; i < w->hit->n; i++)
        s |= is_put(b) && is_put(&w->attempt[i]) && overlap(b, &w->attempt[i]) ? TOGETHER : 0;
    return s;
}

const char *s3p_witness_guess(const struct s3p_witness *w)
{
    unsigned shape = shape_of(w);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].rule == w->hit->rule && (table[i].shape & shape) == table[i].shape)
            return table[i].name;
    return "";
}
