/* The operations of one key in the order of their calls and in the order of their returns, with
 * what only keys with deletes or refusals need to know of a value. Built once a key, for
 * negatives.c and search.c. Threads: part of a struct s3p_reg. */
#ifndef S3P_CHECK_TIMELINE_H
#define S3P_CHECK_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct s3p_reg;

/* Mutators by their calls: of all up to here the latest return and, for a question that leaves one
 * operation out, the latest return of the others. */
struct s3p_reach {
    int64_t inv, last, next; /* last >= next; INT64_MIN: none */
    uint32_t op;             /* the one that returns last */
};

struct s3p_timeline {
    /* Operations that may have taken effect, without unknown writes that nothing can depend on.
     * returns: those that did for certain. */
    uint32_t *calls, *returns;
    uint32_t ncalls, nreturns;
    struct s3p_reach *writes, *removals;
    uint32_t nwrites, nremovals;
    uint32_t *ticket;   /* per operation: of search.c */
    uint32_t *follower; /* per value: the mutator that came right after it; S3P_NO_OP */
    uint32_t *known;    /* per value: of negatives.c */
    uint8_t *wanted;    /* per value: a condition names it */
    uint32_t op_cap, value_cap;
};

int s3p_timeline_build(struct s3p_reg *r, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_timeline_free(struct s3p_timeline *t);
/* Has a mutator other than `but` been called by b that returns at t0 or later? O(log n). */
bool s3p_timeline_any(const struct s3p_reach *reach, uint32_t n, int64_t b, int64_t t0,
                      uint32_t but);

#endif
