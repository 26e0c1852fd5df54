/* What register.c, chain.c, zone.c and blame.c share: the clusters of one key and the blocks made
 * of them. */
#ifndef S3P_CHECK_CLUSTER_H
#define S3P_CHECK_CLUSTER_H

#include "check/register.h"
#include "check/search.h"
#include "check/timeline.h"
#include "s3/outcome.h"

/* A value: its write and the reads that saw it. Cluster 0 is "absent", written long ago. */
struct s3p_cluster {
    int64_t w_inv, w_res; /* w_res of an unknown write is INT64_MAX */
    int64_t r_inv, r_res; /* of its reads the latest call (INT64_MIN) and earliest return (MAX) */
    uint32_t write;       /* operation, S3P_NO_OP when nobody wrote it */
    uint32_t pred, succ; /* chain links, S3P_NO_VALUE without */
    uint8_t kind, outcome;
    uint8_t live; /* took effect: acknowledged, or seen */
    uint8_t mark; /* scratch */
};

/* Of a block: f = earliest return, s = latest call over all its operations. f < s: a forward zone,
 * the block owns the open interval (f, s). Else a backward zone [s, f]: the block fits into a
 * point. */
struct s3p_zone {
    int64_t f, s;
    uint32_t head; /* first cluster of the block */
};

/* For tests that compare the engines. */
enum s3p_reg_engine {
    S3P_ENGINE_ALL,
    S3P_ENGINE_SEARCH, /* no chains, no zones, no epochs */
    S3P_ENGINE_RULES,  /* no search */
};

/* Of the deletes that may have taken effect. */
struct s3p_deletes {
    int64_t first_call, first_return; /* of any; of an acknowledged one. INT64_MAX: none */
    uint32_t count, op;               /* op: the last of them here */
    bool conditional;                 /* an acknowledged one expected a value */
};

struct s3p_reg {
    struct s3p_cluster *cluster;
    struct s3p_zone *forward, *backward, *spare;
    uint32_t *seq, *position; /* for negatives: the order of clusters, a cluster's place in it */
    int64_t *bound, *upper;   /* per position of seq */
    uint32_t *bound_by;       /* the negative that set bound, S3P_NO_OP */
    uint32_t cap;             /* clusters that fit */

    const struct s3p_reg_op *ops;
    uint32_t n, values;
    uint32_t told; /* operations that were told and not kept */
    uint32_t nforward, nbackward;
    uint32_t ncas, nplain;        /* live compare-and-sets, live plain writes */
    uint32_t nunknown, nnegative; /* unknown writes; refused conditions and nreplace: operations */
    uint32_t nreplace;            /* that may have replaced what was there */
    struct s3p_deletes deletes;
    bool returns_from_absence; /* absent before the first write and after deletes: no one cluster */
    enum s3p_reg_engine engine;
    struct s3p_reg_op *epoch;  /* operations without the delete (epoch.c) */
    uint32_t epoch_cap;
    struct s3p_timeline line;
    struct s3p_search search;
    struct s3p_reg_result *out;
};

static inline bool s3p_reg_mutates(const struct s3p_reg_op *op)
{
    return op->kind != S3P_REG_READ && op->kind != S3P_REG_NOT;
}

/* May have taken effect, need not. */
static inline bool s3p_reg_optional(const struct s3p_reg_op *op)
{
    return s3p_reg_mutates(op) && op->outcome == S3P_UNKNOWN;
}

/* The value whose stretch of time the operation lies in: a removal reads what it removes. */
static inline uint32_t s3p_reg_block(const struct s3p_reg_op *op)
{
    bool removal = op->kind == S3P_REG_REMOVE && op->outcome == S3P_OK_OUTCOME;
    return removal && op->pred != S3P_NO_VALUE ? op->pred : op->value;
}

/* What a claim breaks that the state is another one: it refused a condition, or is an answer that
 * only a key that is there gives. */
static inline enum s3p_rule s3p_reg_refusal(const struct s3p_reg_op *op)
{
    return op->outcome == S3P_OK_OUTCOME ? S3P_RULE_PRESENT_AFTER_DELETE
                                         : S3P_RULE_CONDITION_FALSE_NEGATIVE;
}

static inline bool s3p_cluster_seen(const struct s3p_cluster *c)
{
    return c->r_inv != INT64_MIN;
}

/* Adds a violation; S3P_NO_OP and repeated operations are left out of the witness. */
void s3p_reg_blame(struct s3p_reg *r, enum s3p_rule rule, uint32_t a, uint32_t b, uint32_t c,
                   uint32_t d);
/* An operation of cluster `v`: the read with the latest call, or with the earliest return. For
 * witnesses: looks at all operations, and S3P_NO_OP where no more violations are taken. */
uint32_t s3p_reg_latest_read(const struct s3p_reg *r, uint32_t v);
uint32_t s3p_reg_earliest_read(const struct s3p_reg *r, uint32_t v);

/* register.c */
int s3p_reg_begin(struct s3p_reg *r, const struct s3p_reg_op *ops, uint32_t n, uint32_t values,
                  struct s3p_err *err) S3P_MUST_CHECK;
int s3p_reg_judge(struct s3p_reg *r, struct s3p_err *err) S3P_MUST_CHECK;
/* epoch.c: between begin and judge */
bool s3p_epoch_applies(const struct s3p_reg *r);
int s3p_epoch_check(struct s3p_reg *r, struct s3p_err *err) S3P_MUST_CHECK;
/* negatives.c, search.c: on a timeline, when no violation was found */
void s3p_negatives_check(struct s3p_reg *r);
int s3p_search_run(struct s3p_reg *r, struct s3p_err *err) S3P_MUST_CHECK;
/* chain.c */
void s3p_chain_link(struct s3p_reg *r);
/* The block's zone; false when the chain is infeasible, which is then blamed. */
bool s3p_chain_walk(struct s3p_reg *r, uint32_t head, struct s3p_zone *z);
void s3p_chain_cycles(struct s3p_reg *r);
void s3p_chain_negatives(struct s3p_reg *r); /* after linking, when no violation was found */
/* zone.c */
void s3p_zone_build(struct s3p_reg *r);
void s3p_zone_check(struct s3p_reg *r);
/* By f; spare has room for n. */
void s3p_zone_sort(struct s3p_zone *a, struct s3p_zone *spare, uint32_t n);
/* blame.c */
void s3p_blame_zones(struct s3p_reg *r, uint32_t forward_head, uint32_t other_head);
/* Operation `i`, an absence or a delete, lies inside the forward zone of this block. */
void s3p_blame_gap(struct s3p_reg *r, uint32_t head, uint32_t i);

#endif
