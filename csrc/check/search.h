/* The bounded search for keys that no rule decides exactly: deletes anywhere, refusals among plain
 * writes. The workspace; the search itself is s3p_search_run in cluster.h. */
#ifndef S3P_CHECK_SEARCH_H
#define S3P_CHECK_SEARCH_H

#include "check/configs.h"

#define S3P_SEARCH_CONFIGS 30000u /* more at once, and the window is given up */
#define S3P_SEARCH_PENDING 64u

/* What a bit of a configuration stands for: a mutator, or reads that are satisfied together. */
struct s3p_pending {
    uint32_t op;     /* mutator, or the first of the reads */
    uint32_t ticket; /* of the operations that wait for this bit */
};

struct s3p_search {
    uint32_t max_configs, max_pending; /* 0: the bounds above; tests lower them */
    struct s3p_configs now, next, todo;
    struct s3p_configs start; /* states at the beginning of the window */
    struct s3p_pending pending[S3P_SEARCH_PENDING];
    uint64_t used, mutators, optional, idle; /* bits; idle: definite writes that nobody reads */
    uint64_t fresh;                          /* groups of reads that may still be joined */
    uint32_t tickets;
    uint32_t carried[S3P_SEARCH_PENDING]; /* optional mutators open at the window's beginning */
    uint32_t ncarried;
    uint64_t steps;      /* left in this window */
    uint32_t first_call; /* of the window, in the timeline */
    uint32_t in_flight;
    uint32_t narrowed; /* the operation whose return last ruled something out */
    bool lost;         /* this window was given up */
};

void s3p_search_free(struct s3p_search *s);

#endif
