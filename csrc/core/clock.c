#include "core/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * S3P_S + ts.tv_nsec;
}

int64_t s3p_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t s3p_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

int64_t s3p_thread_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t s3p_process_cpu_ns(void)
{
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}
