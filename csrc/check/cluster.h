/* What register.c, chain.c, zone.c and blame.c share: the clusters of one key and the blocks made
 * of them. */
#ifndef S3P_CHECK_CLUSTER_H
#define S3P_CHECK_CLUSTER_H

#include "check/register.h"

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

struct s3p_reg {
    struct s3p_cluster *cluster;
    struct s3p_zone *forward, *backward, *spare;
    uint32_t *seq, *position; /* for negatives: the order of clusters, a cluster's place in it */
    int64_t *bound, *upper;   /* per position of seq */
    uint32_t *bound_by;       /* the negative that set bound, S3P_NO_OP */
    uint32_t cap;             /* clusters that fit */

    const struct s3p_reg_op *ops;
    uint32_t n, values;
    uint32_t nforward, nbackward;
    uint32_t ncas, nplain;        /* live compare-and-sets, live plain writes */
    uint32_t nunknown, nnegative; /* unknown writes, refused conditions: operations */
    struct s3p_reg_result *out;
};

static inline bool s3p_cluster_seen(const struct s3p_cluster *c)
{
    return c->r_inv != INT64_MIN;
}

/* Adds a violation; S3P_NO_OP and repeated operations are left out of the witness. */
void s3p_reg_blame(struct s3p_reg *r, enum s3p_rule rule, uint32_t a, uint32_t b, uint32_t c,
                   uint32_t d);
/* An operation of cluster `v`: the read with the latest call, or with the earliest return. */
uint32_t s3p_reg_latest_read(const struct s3p_reg *r, uint32_t v);
uint32_t s3p_reg_earliest_read(const struct s3p_reg *r, uint32_t v);

/* chain.c */
void s3p_chain_link(struct s3p_reg *r);
/* The block's zone; false when the chain is infeasible, which is then blamed. */
bool s3p_chain_walk(struct s3p_reg *r, uint32_t head, struct s3p_zone *z);
void s3p_chain_cycles(struct s3p_reg *r);
void s3p_chain_negatives(struct s3p_reg *r); /* after linking, when no violation was found */
/* zone.c */
void s3p_zone_build(struct s3p_reg *r);
void s3p_zone_check(struct s3p_reg *r);
/* By f; spare has room for n / 2 + 1. */
void s3p_zone_sort(struct s3p_zone *a, struct s3p_zone *spare, uint32_t n);
/* blame.c */
void s3p_blame_zones(struct s3p_reg *r, uint32_t forward_head, uint32_t other_head);

#endif
