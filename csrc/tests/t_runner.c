/* Runs every registered test in a process of its own: s3p-test [-l] [-j N] [NAME-PREFIX…].
 * Status 0 when all passed. */
#include "tests/t.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern const struct t_case *const __start_t_cases[];
extern const struct t_case *const __stop_t_cases[];

void t_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "  %s:%d: ", file, line);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    fflush(NULL);
    _exit(1);
}

const char *t_vectors(const char *name)
{
    static char path[512];
    const char *root = getenv("S3PROD_VECTORS");
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : "csrc/tests/vectors", name);
    return path;
}

char *t_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        t_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *p = s3p_alloc((size_t)size + 1);
    if (p == NULL || fread(p, 1, (size_t)size, f) != (size_t)size)
        t_fail(__FILE__, __LINE__, "%s: cannot read", path);
    p[size] = 0;
    fclose(f);
    *len = (size_t)size;
    return p;
}

static int run_child(const struct t_case *t)
{
    int64_t before = s3p_alloc_live();
    alarm((unsigned)t->limit_s);
    t->fn();
    int64_t left = s3p_alloc_live() - before;
    if (left != 0)
        t_fail(t->name, 0, "%lld allocations left over", (long long)left);
    return 0;
}

struct running {
    pid_t pid;
    const struct t_case *t;
    struct timespec start;
};

static bool report(const struct running *r, int status)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double s = (double)(now.tv_sec - r->start.tv_sec);
    s += 1e-9 * (double)(now.tv_nsec - r->start.tv_nsec);
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ok && s > 1.0)
        printf("ok    %s (%.1f s)\n", r->t->name, s);
    else if (WIFSIGNALED(status))
        printf("FAIL  %s: %s\n", r->t->name,
               WTERMSIG(status) == SIGALRM ? "time limit" : strsignal(WTERMSIG(status)));
    else if (!ok)
        printf("FAIL  %s: status %d\n", r->t->name, WEXITSTATUS(status));
    fflush(stdout);
    return ok;
}

static bool wanted(const struct t_case *t, char **names, int n)
{
    for (int i = 0; i < n; i++)
        if (strncmp(t->name, names[i], strlen(names[i])) == 0)
            return true;
    return n == 0;
}

static void reap(struct running *slots, int jobs, int *live, int *passed, int *failed)
{
    int status;
    pid_t pid = wait(&status);
    for (int i = 0; i < jobs; i++) {
        if (slots[i].pid != pid)
            continue;
        slots[i].pid = 0;
        (*live)--;
        *(report(&slots[i], status) ? passed : failed) += 1;
    }
}

int main(int argc, char **argv)
{
    int jobs = 2, opt;
    bool list = false;
    while ((opt = getopt(argc, argv, "lj:")) != -1) {
        if (opt == 'l')
            list = true;
        else if (opt == 'j')
            jobs = (int)strtol(optarg, NULL, 10);
        else
            return 2;
    }
    if (jobs < 1 || jobs > 64)
        return 2;
    struct running slots[64] = {{0}};
    int live = 0, passed = 0, failed = 0;
    for (const struct t_case *const *p = __start_t_cases; p < __stop_t_cases; p++) {
        if (!wanted(*p, argv + optind, argc - optind))
            continue;
        if (list) {
            printf("%s\n", (*p)->name);
            continue;
        }
        if (live == jobs)
            reap(slots, jobs, &live, &passed, &failed);
        int i = 0;
        while (slots[i].pid != 0)
            i++;
        slots[i].t = *p;
        clock_gettime(CLOCK_MONOTONIC, &slots[i].start);
        fflush(NULL);
        slots[i].pid = fork();
        if (slots[i].pid == 0)
            exit(run_child(*p));
        live++;
    }
    while (live > 0)
        reap(slots, jobs, &live, &passed, &failed);
    if (!list)
        printf("%d passed, %d failed\n", passed, failed);
    return failed != 0 || (!list && passed == 0);
}
