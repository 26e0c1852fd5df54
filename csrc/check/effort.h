/* How much was seen of a key, so that "nothing was found" can be told from "nothing was tried".
 * Threads: one owner. */
#ifndef S3P_CHECK_EFFORT_H
#define S3P_CHECK_EFFORT_H

#include "check/etags.h"

struct s3p_zone;
struct s3p_effort { /* workspace */
    /* Mutations of the main phase, by return: f is the return, s the call, head the client. */
    struct s3p_zone *span, *spare;
    uint32_t *scratch; /* cap + 1 */
    uint32_t n, cap;
    struct s3p_evidence_sum sum;
};
/* The evidence of one key of an index: into e->sum. */
int s3p_effort_measure(struct s3p_effort *e, const struct s3p_index *x, uint32_t key,
                       struct s3p_err *err) S3P_MUST_CHECK;
void s3p_effort_free(struct s3p_effort *e);

#endif
