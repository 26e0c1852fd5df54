/* Clocks. Times are CLOCK_MONOTONIC int64 nanoseconds unless a name says `wall` (CLOCK_REALTIME,
 * since 1970). Threads: any. */
#ifndef S3P_CORE_CLOCK_H
#define S3P_CORE_CLOCK_H

#include <stdint.h>

#define S3P_US INT64_C(1000)
#define S3P_MS INT64_C(1000000)
#define S3P_S INT64_C(1000000000)
#define S3P_NEVER INT64_MAX /* "+infinity": no answer, or no deadline */

int64_t s3p_now_ns(void);
int64_t s3p_wall_ns(void);
int64_t s3p_thread_cpu_ns(void);  /* CPU time of the calling thread */
int64_t s3p_process_cpu_ns(void); /* CPU time of the process */

#endif
