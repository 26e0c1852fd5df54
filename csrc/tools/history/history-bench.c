/* What the history costs: nanoseconds an append of the worker, of the writer thread's CPU, and of
 * the reader, a record. Usage: history-bench [RECORDS] [FILE] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "history/reader.h"
#include "history/writer.h"
#include "s3/op.h"

static int run(uint32_t n, const char *path, struct s3p_err *err)
{
    static const char header[] = "{\"format\":1}";
    static uint8_t other[256 << 10]; /* what a request touches between two records */
    struct s3p_history *h;
    struct s3p_attempt r;
    S3P_TRY(s3p_history_create(&h, path, header, sizeof header - 1, 1, err));
    struct s3p_appender *a = s3p_history_appender(h, 0);
    s3p_attempt_clear(&r);
    r.op = S3P_OP_PUT;
    int64_t worker_ns = 0, begin_ns = s3p_now_ns(), cpu_ns = s3p_process_cpu_ns(),
            own_ns = s3p_thread_cpu_ns();
    for (uint32_t i = 0; i < n; i += 64) {
        for (size_t k = 0; k < sizeof other; k += 64)
            other[k]++;
        int64_t t0 = s3p_thread_cpu_ns();
        for (uint32_t k = 0; k < 64; k++) {
            r.op_seq = i + k;
            s3p_append_begin(a, 16, 0);
            r.request_id = s3p_append_text(a, "0123456789abcdef", 16);
            s3p_append(a, &r);
        }
        worker_ns += s3p_thread_cpu_ns() - t0;
    }
    int64_t stall_ns = s3p_history_stall_ns(h);
    own_ns = s3p_thread_cpu_ns() - own_ns;
    S3P_TRY(s3p_history_close(h, true, err));
    int64_t wall_ns = s3p_now_ns() - begin_ns;
    cpu_ns = s3p_process_cpu_ns() - cpu_ns - own_ns;
    struct s3p_histfile *f;
    int64_t t0 = s3p_now_ns();
    S3P_TRY(s3p_histfile_open(&f, path, false, err));
    int64_t read_ns = s3p_now_ns() - t0;
    printf("records %llu segments %u\n", (unsigned long long)s3p_histfile_records(f),
           s3p_histfile_segments(f));
    printf("append %.1f ns, writer thread %.1f ns, stall %.1f ns, wall %.1f ns a record; open %.1f "
           "M records/s\n",
           (double)worker_ns / n, (double)cpu_ns / n, (double)stall_ns / n, (double)wall_ns / n,
           1e3 * n / (double)read_ns);
    s3p_histfile_close(f);
    return 0;
}

int main(int argc, char **argv)
{
    uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    const char *path = argc > 2 ? argv[2] : "history-bench.s3ph";
    struct s3p_err err = {0};
    int rc = run(n, path, &err);
    if (rc != 0)
        fprintf(stderr, "history-bench: %s\n", err.msg);
    unlink(path);
    return rc == 0 ? 0 : 2;
}
