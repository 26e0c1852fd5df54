#include "tests/t.h"

#include <time.h>

#include "core/clock.h"

T_TEST(clock_goes_forward)
{
    int64_t last = s3p_now_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t now = s3p_now_ns();
        T_TRUE(now >= last);
        last = now;
    }
}

T_TEST(clock_units_are_nanoseconds)
{
    int64_t wall_s = s3p_wall_ns() / S3P_S;
    T_TRUE(wall_s >= (int64_t)time(NULL) - 1 && wall_s <= (int64_t)time(NULL));
    int64_t process = s3p_process_cpu_ns(), thread = s3p_thread_cpu_ns(), start = s3p_now_ns();
    while (s3p_now_ns() - start < 5 * S3P_MS)
        continue;
    thread = s3p_thread_cpu_ns() - thread; /* read inside the process clock's interval */
    process = s3p_process_cpu_ns() - process;
    T_TRUE(thread > 0 && process >= thread);
    T_TRUE(thread < 5 * S3P_S);
}
