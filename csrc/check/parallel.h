/* Runs n units of work on up to `threads` threads, each unit once. Returns the error of the lowest
 * unit that failed, so that the message does not depend on the schedule. */
#ifndef S3P_CHECK_PARALLEL_H
#define S3P_CHECK_PARALLEL_H

#include <stdint.h>

#include "core/err.h"

/* `thread` is 0 … threads-1: the index of the caller's per-thread state. */
typedef int s3p_unit_fn(void *ctx, int thread, uint64_t unit, struct s3p_err *err);
int s3p_parallel(int threads, uint64_t n, s3p_unit_fn *fn, void *ctx,
                 struct s3p_err *err) S3P_MUST_CHECK;

#endif
