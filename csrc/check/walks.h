/* What is known of the versions of buckets: whether they keep any, and walks through them, the
 * pages of one client from a page without a marker to one that is not truncated, each from where
 * the one before ended. What is there before such a walk and stays must be in it.
 *
 * Threads: read-only once they are built. */
#ifndef S3P_CHECK_WALKS_H
#define S3P_CHECK_WALKS_H

#include "check/head.h"
#include "check/row.h"

struct s3p_walk {
    int64_t begin, end;  /* first call, last return */
    struct s3p_str prefix, next; /* next: where the page after the last one so far begins */
    uint32_t client, first, last; /* records of its pages */
    uint16_t bucket;
    bool complete, open;
};

struct s3p_walks {
    struct s3p_walk *walk;
    uint32_t n, cap;
    /* Per bucket: the earliest return of an acknowledged "Enabled", the earliest call of anything
     * else that may have set the state. */
    int64_t *enabled, *changed;
    int64_t *touched; /* per bucket: the earliest call of what may have set the state */
    int64_t *gone; /* per bucket: the earliest call of what may have deleted it, with its uploads */
    bool *kept; /* per bucket: it may have kept versions, as requests or answers say */
};

int s3p_walks_build(struct s3p_walks *w, const struct s3p_histfile *f, const struct s3p_head *h,
                    struct s3p_err *err) S3P_MUST_CHECK;
void s3p_walks_free(struct s3p_walks *w);

#endif
