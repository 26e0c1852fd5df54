/* From what was found to the verdict: held, violated or inconclusive, why, and the machine form
 * (check/check.h). */
#ifndef S3P_CHECK_VERDICT_H
#define S3P_CHECK_VERDICT_H

#include "check/check.h"
#include "check/head.h"
#include "check/tally.h"

struct s3p_verdict_facts {
    const struct s3p_histfile *file;
    const struct s3p_head *head;
    const struct s3p_tally *tally; /* merged and sorted */
    int max_witnesses, threads;
    double seconds;
};
int s3p_verdict_create(struct s3p_verdict **out, const struct s3p_verdict_facts *f,
                       struct s3p_err *err) S3P_MUST_CHECK;

/* grade_json.c: the member "grade" of the machine form, a comma before it. */
void s3p_grade_json(const struct s3p_tally *t, const struct s3p_head *h,
                    enum s3p_consistency consistency, struct s3p_buf *out);

#endif
