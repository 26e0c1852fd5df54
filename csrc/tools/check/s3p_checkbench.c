/* How fast is the checker? s3p_checkbench [-t THREADS] [-r REPEATS] FILE prints one JSON line:
 * attempts a second from the file, best of the repeats, the file in the page cache. The register
 * alone: s3p_registerbench. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/check.h"
#include "core/clock.h"

static int file_rate(const char *path, int threads, int repeats, double *wall, double *cpu,
                     uint64_t *attempts)
{
    struct s3p_err err = {0};
    *wall = *cpu = 1e9;
    for (int i = 0; i < repeats; i++) {
        struct s3p_verdict *v = NULL;
        struct s3p_check_opts o = {.threads = threads};
        struct s3p_buf json;
        int64_t w = s3p_now_ns(), c = s3p_process_cpu_ns();
        if (s3p_check_file(&v, path, &o, &err) != 0) {
            fprintf(stderr, "s3p_checkbench: %s\n", err.msg);
            return 2;
        }
        double dw = (double)(s3p_now_ns() - w) / 1e9, dc = (double)(s3p_process_cpu_ns() - c) / 1e9;
        *wall = dw < *wall ? dw : *wall;
        *cpu = dc < *cpu ? dc : *cpu;
        s3p_buf_init(&json, SIZE_MAX);
        s3p_verdict_json(v, &json);
        const char *at = strstr(s3p_buf_cstr(&json), "\"attempts\":");
        *attempts = at != NULL ? strtoull(at + 11, NULL, 10) : 0;
        s3p_buf_free(&json);
        s3p_verdict_free(v);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int threads = 1, repeats = 3, opt;
    double wall, cpu;
    uint64_t attempts = 0;
    while ((opt = getopt(argc, argv, "t:r:")) != -1) {
        if (opt == 't')
            threads = (int)strtol(optarg, NULL, 10);
        else if (opt == 'r')
            repeats = (int)strtol(optarg, NULL, 10);
        else
            return 2;
    }
    if (optind + 1 != argc ||
        file_rate(argv[optind], threads, repeats, &wall, &cpu, &attempts) != 0)
        return 2;
    printf("{\"attempts\":%llu,\"threads\":%d,\"seconds\":%.4f,\"attempts_per_s\":%.0f,"
           "\"attempts_per_cpu_s\":%.0f}\n",
           (unsigned long long)attempts, threads, wall, (double)attempts / wall,
           (double)attempts / cpu);
    return 0;
}
