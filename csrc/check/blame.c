/* From two blocks that exclude each other to the operations that show it, and the most telling name
 * for it. Runs only on violations, so it may scan the key's operations again. */
#include "check/cluster.h"

/* Block `a` owned an interval in which block `b` had to happen. Of a: `early`, an operation that
 * returned before b's latest call, at the last possible place of the chain; `late`, one that was
 * called after b's earliest return, at the first possible place. Of b: the earliest return and the
 * latest call. */
struct quarrel {
    uint32_t early, late, first, last;
    uint32_t early_place, late_place;
    int64_t b_f, b_s;
};

/* cluster.mark: 0 elsewhere; place in the chain of a plus 1; b gets UINT8_MAX. Places above 250 are
 * not told apart, which costs precision of the name only. */
enum { PLACE_MAX = 250, OTHER = 255 };

static void mark_block(struct s3p_reg *r, uint32_t head, uint32_t mark)
{
    for (uint32_t v = head; v != S3P_NO_VALUE; v = r->cluster[v].succ) {
        r->cluster[v].mark = (uint8_t)mark;
        if (mark != 0 && mark < PLACE_MAX)
            mark++;
    }
}

static bool took_part(const struct s3p_reg *r, uint32_t i)
{
    const struct s3p_reg_op *op = &r->ops[i];
    return op->kind == S3P_REG_READ || s3p_reg_block(op) != op->value ||
           r->cluster[op->value].write == i;
}

static int64_t effective_return(const struct s3p_reg *r, uint32_t i)
{
    const struct s3p_reg_op *op = &r->ops[i];
    return op->kind == S3P_REG_READ || op->kind == S3P_REG_REMOVE ? op->res
                                                                  : r->cluster[op->value].w_res;
}

/* Of equals the one that stands first in the history, whatever the order of operations here. */
static bool stands_before(const struct s3p_reg *r, uint32_t i, uint32_t other)
{
    return other == S3P_NO_OP || r->ops[i].ref < r->ops[other].ref;
}

static void find_other(struct s3p_reg *r, struct quarrel *q)
{
    q->first = q->last = S3P_NO_OP;
    q->b_f = INT64_MAX;
    q->b_s = INT64_MIN;
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->cluster[s3p_reg_block(&r->ops[i])].mark != OTHER || !took_part(r, i))
            continue;
        int64_t f = effective_return(r, i), s = r->ops[i].inv;
        if (f < q->b_f || (f == q->b_f && stands_before(r, i, q->first))) {
            q->b_f = f;
            q->first = i;
        }
        if (s > q->b_s || (s == q->b_s && stands_before(r, i, q->last))) {
            q->b_s = s;
            q->last = i;
        }
    }
}

static void find_owner(struct s3p_reg *r, struct quarrel *q)
{
    q->early = q->late = S3P_NO_OP;
    q->early_place = 0;
    q->late_place = UINT32_MAX;
    if (r->cluster[S3P_REG_ABSENT].mark == 1)
        q->early_place = 1; /* absent since minus infinity, by no operation */
    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t place = r->cluster[s3p_reg_block(&r->ops[i])].mark;
        if (place == 0 || place == OTHER || !took_part(r, i))
            continue;
        if (effective_return(r, i) < q->b_s &&
            (place > q->early_place ||
             (place == q->early_place && q->early != S3P_NO_OP && stands_before(r, i, q->early)))) {
            q->early_place = place;
            q->early = i;
        }
        if (r->ops[i].inv > q->b_f &&
            (place < q->late_place || (place == q->late_place && stands_before(r, i, q->late)))) {
            q->late_place = place;
            q->late = i;
        }
    }
}

/* A late operation of the owner that reads is the damage that a user sees: prefer it to a write of
 * the same place. */
static enum s3p_rule name_of(const struct s3p_reg *r, const struct quarrel *q, bool inside)
{
    const struct s3p_reg_op *late = &r->ops[q->late];
    bool read = late->kind == S3P_REG_READ || late->kind == S3P_REG_REMOVE;
    if (read && s3p_reg_block(late) == S3P_REG_ABSENT)
        return S3P_RULE_ABSENT_AFTER_ACK;
    if (read && q->early_place >= q->late_place)
        return inside ? S3P_RULE_STALE_READ : S3P_RULE_ZONE_OVERLAP;
    if (!read && !s3p_reg_plain(late->kind) && q->late_place <= q->early_place + 1)
        return S3P_RULE_CAS_IGNORED;
    return q->early_place < q->late_place ? S3P_RULE_LOST_UPDATE : S3P_RULE_ZONE_OVERLAP;
}

void s3p_blame_zones(struct s3p_reg *r, uint32_t forward_head, uint32_t other_head)
{
    if (r->out->nviolations == S3P_REG_VIOLATIONS)
        return;
    for (uint32_t v = 0; v <= r->values; v++)
        r->cluster[v].mark = 0;
    struct quarrel q;
    mark_block(r, forward_head, 1);
    mark_block(r, other_head, OTHER);
    find_other(r, &q);
    find_owner(r, &q);
    if (q.late == S3P_NO_OP || q.first == S3P_NO_OP) {
        s3p_reg_blame(r, S3P_RULE_ZONE_OVERLAP, q.first, q.last, q.early, q.late);
        return;
    }
    /* The other block is inside when its last call is its only one that matters: it had returned
     * before `late` was called, and began after `early` had returned. */
    bool inside =
        q.b_f >= q.b_s || r->cluster[s3p_reg_block(&r->ops[q.first])].w_inv >
                              (q.early == S3P_NO_OP ? INT64_MIN : effective_return(r, q.early));
    enum s3p_rule rule = name_of(r, &q, inside);
    uint32_t passed =
        rule == S3P_RULE_LOST_UPDATE ? r->cluster[r->ops[q.late].value].write : q.early;
    s3p_reg_blame(r, rule, q.late, q.first, passed, q.last);
}

void s3p_blame_gap(struct s3p_reg *r, uint32_t head, uint32_t i)
{
    const struct s3p_reg_op *gap = &r->ops[i];
    uint32_t early = S3P_NO_OP, late = S3P_NO_OP;
    if (r->out->nviolations == S3P_REG_VIOLATIONS)
        return;
    for (uint32_t v = 0; v <= r->values; v++)
        r->cluster[v].mark = 0;
    mark_block(r, head, 1);
    for (uint32_t k = 0; k < r->n; k++) {
        if (k == i || r->cluster[s3p_reg_block(&r->ops[k])].mark == 0 || !took_part(r, k))
            continue;
        if (effective_return(r, k) < gap->inv &&
            (early == S3P_NO_OP || effective_return(r, k) < effective_return(r, early)))
            early = k;
        if (r->ops[k].inv > gap->res && (late == S3P_NO_OP || r->ops[k].inv > r->ops[late].inv))
            late = k;
    }
    bool wrote = late != S3P_NO_OP && r->ops[late].kind != S3P_REG_READ;
    s3p_reg_blame(r, wrote ? S3P_RULE_CAS_IGNORED : S3P_RULE_PRESENT_AFTER_DELETE, late, i, early,
                  S3P_NO_OP);
}
