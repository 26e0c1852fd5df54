/* The bookkeeping of batch deletes: an answer has one result for each key of its request, in a
 * quiet one for those that were not deleted. A key without one is a child that an answered request
 * left without a code (`batch-missing-key`); results that were not called for are entries of the
 * request's record (`batch-extra-key`). To delete what is not there is no error
 * (`batch-absent-error`), and a request of more than 1,000 keys is refused (`batch-over-limit`).
 * Source: the S3 API reference, DeleteObjects.
 *
 * Threads: one. */
#ifndef S3P_CHECK_BATCHES_H
#define S3P_CHECK_BATCHES_H

#include "check/head.h"
#include "check/tally.h"

int s3p_batches(const struct s3p_histfile *f, const struct s3p_head *h, struct s3p_tally *t,
                struct s3p_err *err) S3P_MUST_CHECK;

#endif
