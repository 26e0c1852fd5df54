/* Runs a plan with the native engine and prints its metrics.
 * Usage: s3p_run [--no-history] [--no-histograms] PLAN.json TARGET.json [HISTORY]
 * Without HISTORY nothing is recorded, as with --no-history. SIGINT and SIGTERM stop the run.
 * Status 0, or 2 when the plan, the target or the run failed. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "engine/engine.h"

#define METRICS_BYTES_MAX (256u << 20)

static volatile sig_atomic_t stop_asked;

static void on_signal(int sig)
{
    (void)sig;
    stop_asked = 1;
}

static int read_file(const char *path, struct s3p_buf *out)
{
    char piece[65536];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return -1;
    }
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        s3p_buf_add(out, piece, n);
    bool ok = ferror(f) == 0 && s3p_buf_ok(out);
    fclose(f);
    return ok ? 0 : -1;
}

static int run(const struct s3p_engine_opts *o, struct s3p_buf *metrics, struct s3p_err *err)
{
    struct s3p_engine *e;
    bool told = false;
    S3P_TRY(s3p_engine_create(&e, o, err));
    int rc = s3p_engine_start(e, err);
    while (rc == 0 && s3p_engine_wait(e, 20 * S3P_MS) == 0) {
        if (stop_asked && !told)
            s3p_engine_stop(e);
        told = stop_asked;
    }
    if (rc == 0)
        rc = s3p_engine_finish(e, metrics, err);
    s3p_engine_free(e);
    return rc;
}

int main(int argc, char **argv)
{
    const char *files[3] = {NULL, NULL, NULL};
    int n = 0;
    bool history = true;
    struct s3p_engine_opts o = {.histograms = true};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--no-history") == 0)
            history = false;
        else if (strcmp(argv[i], "--no-histograms") == 0)
            o.histograms = false;
        else if (n < 3 && argv[i][0] != '-')
            files[n++] = argv[i];
        else
            n = 4;
    }
    if (n < 2 || n > 3) {
        fprintf(stderr, "usage: s3p_run [--no-history] [--no-histograms] PLAN TARGET [HISTORY]\n");
        return 2;
    }
    struct s3p_buf plan, target, metrics;
    struct s3p_err err = {0};
    s3p_buf_init(&plan, METRICS_BYTES_MAX);
    s3p_buf_init(&target, METRICS_BYTES_MAX);
    s3p_buf_init(&metrics, METRICS_BYTES_MAX);
    int rc = read_file(files[0], &plan) != 0 || read_file(files[1], &target) != 0 ? -1 : 0;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (rc == 0) {
        o.plan_json = plan.data;
        o.plan_len = plan.len;
        o.target_json = target.data;
        o.target_len = target.len;
        o.history_path = history ? files[2] : NULL;
        rc = run(&o, &metrics, &err);
        if (rc != 0)
            fprintf(stderr, "s3p_run: %s\n", err.msg);
        else
            printf("%s\n", s3p_buf_cstr(&metrics));
    }
    s3p_buf_free(&plan);
    s3p_buf_free(&target);
    s3p_buf_free(&metrics);
    return rc == 0 ? 0 : 2;
}
