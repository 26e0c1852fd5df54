#include "check/parallel.h"

#include <pthread.h>
#include <stdatomic.h>

struct job {
    /* immutable after start */
    s3p_unit_fn *fn;
    void *ctx;
    uint64_t n;
    /* shared: atomics */
    _Atomic uint64_t next; /* relaxed: only hands out numbers, results are joined */
    /* guarded by mu */
    pthread_mutex_t mu;
    uint64_t failed; /* lowest unit that failed; n: none */
    struct s3p_err err;
};

struct runner {
    struct job *job;
    int thread;
};

static void *run(void *arg)
{
    const struct runner *r = arg;
    struct job *j = r->job;
    for (;;) {
        uint64_t unit = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);
        if (unit >= j->n)
            return NULL;
        struct s3p_err e = {0};
        if (j->fn(j->ctx, r->thread, unit, &e) == 0)
            continue;
        pthread_mutex_lock(&j->mu);
        if (unit < j->failed) {
            j->failed = unit;
            j->err = e;
        }
        pthread_mutex_unlock(&j->mu);
    }
}

int s3p_parallel(int threads, uint64_t n, s3p_unit_fn *fn, void *ctx, struct s3p_err *err)
{
    enum { MAX = 64 };
    struct job j = {.fn = fn, .ctx = ctx, .n = n, .mu = PTHREAD_MUTEX_INITIALIZER, .failed = n};
    struct runner r[MAX];
    pthread_t id[MAX];
    int started = 0;
    threads = threads > MAX ? MAX : threads;
    for (int t = 1; t < threads && (uint64_t)t < n;
         t++) { /* without a thread the others do its share */
        r[t] = (struct runner){&j, t};
        if (pthread_create(&id[started], NULL, run, &r[t]) != 0)
            break;
        started++;
    }
    r[0] = (struct runner){&j, 0};
    run(&r[0]);
    for (int t = 0; t < started; t++)
        pthread_join(id[t], NULL);
    pthread_mutex_destroy(&j.mu);
    if (j.failed == n)
        return 0;
    return s3p_fail(err, j.err.code, j.err.sys, "%s", j.err.msg);
}
