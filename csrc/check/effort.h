/* How much was seen of a key, so that "nothing was found" can be told from "nothing was tried".
 * Threads: one owner. */
#ifndef S3P_CHECK_EFFORT_H
#define S3P_CHECK_EFFORT_H

#include "check/tally.h"

struct s3p_zone;
struct s3p_effort {                /* workspace */
    struct s3p_zone *span, *spare; /* mutations of the main phase: call, return, client */
    struct s3p_zone *end;          /* their returns */
    uint32_t n, cap;
    struct s3p_evidence_sum sum;
};
/* The evidence of one key, whose rows are row[order[0 … n)]: into e->sum. */
int s3p_effort_measure(struct s3p_effort *e, const struct s3p_row *row, const uint32_t *order,
                       uint32_t n, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_effort_free(struct s3p_effort *e);

#endif
