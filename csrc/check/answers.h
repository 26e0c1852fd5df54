/* What single answers must not be, whatever the state:
 *
 *   error-as-success  a 2xx to a PUT with an error document: only what takes long (copies,
 *                     Completes) may begin its answer before it is done
 *   surplus-bytes     more bytes behind the complete answer of a key's request: they would be
 *                     taken for the beginning of the next one (RFC 9112, 6.3)
 *   bucket-unready    NoSuchBucket, called later than the profile's `bucket_ready_s` after the
 *                     bucket's creation was acknowledged, and answered before anybody deleted it
 *
 * Answers that a proxy touched are left out. Threads: one. */
#ifndef S3P_CHECK_ANSWERS_H
#define S3P_CHECK_ANSWERS_H

#include "check/head.h"
#include "check/tally.h"

int s3p_answers(const struct s3p_histfile *f, const struct s3p_head *h, struct s3p_tally *t,
                struct s3p_err *err) S3P_MUST_CHECK;

#endif
