/* How fast is the checker? s3p_checkbench [-t THREADS] [-r REPEATS] FILE prints one JSON line:
 * attempts a second from the file (best of the repeats, the file in the page cache), and operations
 * a second of the pure core on one thread, for register histories of one key with 4, 16 and 60
 * operations in flight; the same with deletes and refused creates anywhere, which need the search,
 * with 4, 8 and 16 in flight, and the share of windows that it gave up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/check.h"
#include "check/register.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/random.h"
#include "s3/outcome.h"

enum { OPS = 1 << 20, KEY_OPS = 10000 };

struct made {
    struct s3p_reg_op op;
    int64_t point;
};

static int by_point(const void *a, const void *b)
{
    const struct made *x = a, *y = b;
    return (x->point > y->point) - (x->point < y->point);
}

static int by_return(const void *a, const void *b)
{
    const struct made *x = a, *y = b;
    return (x->op.res > y->op.res) - (x->op.res < y->op.res);
}

/* One key: `flight` clients, 40 % writes, effects at random points; values are numbered as the
 * loader does, by return. */
static uint32_t make_key(struct made *m, struct s3p_reg_op *op, uint32_t flight, bool deletes,
                         struct s3p_rng *g)
{
    uint32_t state = 0, values = 0;
    static int64_t clock[64];
    for (uint32_t c = 0; c < flight; c++)
        clock[c] = (int64_t)s3p_rng_below(g, 1000) + 1;
    for (uint32_t i = 0; i < KEY_OPS; i++) {
        int64_t *t = &clock[i % flight], span = 100 + (int64_t)s3p_rng_below(g, 2000);
        m[i].op = (struct s3p_reg_op){.inv = *t, .res = *t + span, .outcome = S3P_OK_OUTCOME};
        m[i].op.kind = s3p_rng_below(g, 5) < 2 ? S3P_REG_WRITE : S3P_REG_READ;
        if (deletes && s3p_rng_below(g, 6) == 0)
            m[i].op.kind = s3p_rng_below(g, 2) ? S3P_REG_DELETE : S3P_REG_NOT;
        m[i].point = *t + (int64_t)s3p_rng_below(g, (uint64_t)span + 1);
        *t += span + 1;
    }
    qsort(m, KEY_OPS, sizeof *m, by_return);
    for (uint32_t i = 0; i < KEY_OPS; i++)
        if (m[i].op.kind == S3P_REG_WRITE)
            m[i].op.value = ++values;
    qsort(m, KEY_OPS, sizeof *m, by_point);
    for (uint32_t i = 0; i < KEY_OPS; i++) {
        if (m[i].op.kind == S3P_REG_WRITE || m[i].op.kind == S3P_REG_DELETE)
            state = m[i].op.value;
        else if (m[i].op.kind == S3P_REG_NOT && state == S3P_REG_ABSENT)
            m[i].op.kind = S3P_REG_READ; /* a create would have succeeded */
        else if (m[i].op.kind == S3P_REG_READ)
            m[i].op.value = state;
    }
    qsort(m, KEY_OPS, sizeof *m, by_return);
    for (uint32_t i = 0; i < KEY_OPS; i++)
        op[i] = m[i].op;
    return values;
}

static double core_ops_per_s(uint32_t flight, bool deletes, double *unknown)
{
    uint64_t windows = 0, given_up = 0;
    struct made *m = s3p_alloc(KEY_OPS * sizeof *m);
    struct s3p_reg_op *op = s3p_alloc((size_t)OPS * sizeof *op);
    uint32_t values[OPS / KEY_OPS];
    struct s3p_reg *reg = NULL;
    struct s3p_reg_result res;
    struct s3p_rng g = {7, flight, 0};
    double best = 0;
    if (m == NULL || op == NULL || s3p_reg_create(&reg, NULL) != 0)
        exit(2);
    for (uint32_t k = 0; k < OPS / KEY_OPS; k++)
        values[k] = make_key(m, op + (size_t)k * KEY_OPS, flight, deletes, &g);
    for (int round = 0; round < (deletes ? 1 : 5); round++) {
        int64_t t = s3p_thread_cpu_ns();
        for (uint32_t k = 0; k < OPS / KEY_OPS; k++) {
            if (s3p_reg_check(reg, op + (size_t)k * KEY_OPS, KEY_OPS, values[k], &res, NULL) != 0 ||
                res.nviolations != 0)
                exit(2);
            windows += res.windows;
            given_up += res.unknown_windows;
        }
        double per_s =
            (double)(OPS / KEY_OPS * KEY_OPS) / ((double)(s3p_thread_cpu_ns() - t) / 1e9);
        best = per_s > best ? per_s : best;
    }
    *unknown = (double)given_up / (double)windows;
    s3p_reg_free(reg);
    s3p_free(m);
    s3p_free(op);
    return best;
}

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

static void print_core(const uint32_t *flight, int n, bool deletes)
{
    double unknown;
    for (int i = 0; i < n; i++) {
        printf("%s\"%u\":%.0f", i == 0 ? "{" : ",", flight[i],
               core_ops_per_s(flight[i], deletes, &unknown));
        if (deletes)
            printf(",\"%u-unknown\":%.4f", flight[i], unknown);
    }
    printf("}");
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
           "\"attempts_per_cpu_s\":%.0f,\"core_ops_per_s\":",
           (unsigned long long)attempts, threads, wall, (double)attempts / wall,
           (double)attempts / cpu);
    print_core((const uint32_t[]){4, 16, 60}, 3, false);
    printf(",\"search_ops_per_s\":");
    print_core((const uint32_t[]){4, 8, 16}, 3, true);
    printf("}\n");
    return 0;
}
