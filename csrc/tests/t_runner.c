/* Runs every registered test in a process of its own: s3p-test [-l] [-j N] [NAME-PREFIX…].
 * Status 0 when all passed. */
#include "tests/t.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
        if (slots[i].pid == 0) {
            t_run(*p);
            exit(0);
        }
        live++;
    }
    while (live > 0)
        reap(slots, jobs, &live, &passed, &failed);
    if (!list)
        printf("%d passed, %d failed\n", passed, failed);
    return failed != 0 || (!list && passed == 0);
}
