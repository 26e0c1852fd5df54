#include "engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "engine/run.h"

#define HEADER_BYTES_MAX (64u << 20)
#define BUCKET_RANDOM 12
/* loops, history, libcurl's own, and what the embedding program has open */
#define SPARE_DESCRIPTORS 128

/* ---- making ---- */

static void random_suffix(char *p)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t v = s3p_entropy_u64();
    for (int i = 0; i < BUCKET_RANDOM; i++, v /= 36)
        p[i] = digits[v % 36];
}

static int name_buckets(struct s3p_engine *e, struct s3p_err *err)
{
    struct s3p_str prefix = e->target.bucket_prefix;
    for (int i = 0; i < e->plan->nbuckets; i++) {
        struct s3p_str role = e->plan->bucket[i];
        char *p = e->bucket_name[i];
        if (prefix.len + role.len + BUCKET_RANDOM + 2 >= S3P_BUCKET_NAME_MAX)
            return s3p_fail(
                err, S3P_EINVAL, 0,
                "target.bucket_prefix: \"%s\", expected at most %zu characters before the "
                "role \"%s\"",
                prefix.p, S3P_BUCKET_NAME_MAX - BUCKET_RANDOM - 3 - role.len, role.p);
        memcpy(p, prefix.p, prefix.len);
        p += prefix.len;
        *p++ = '-';
        memcpy(p, role.p, role.len);
        p += role.len;
        *p++ = '-';
        random_suffix(p);
    }
    return 0;
}

/* One descriptor a client of the largest phase: the soft limit is raised when it is too low. */
static int raise_descriptors(const struct s3p_plan *plan, struct s3p_err *err)
{
    struct rlimit limit;
    rlim_t most = 0;
    for (int phase = 0; phase < S3P_PHASES; phase++) {
        rlim_t n = 0;
        for (int i = 0; i < plan->ngroups; i++)
            n += (int)plan->group[i].phase == phase ? (rlim_t)plan->group[i].clients : 0;
        most = n > most ? n : most;
    }
    most += SPARE_DESCRIPTORS + 2 * (rlim_t)plan->workers;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= most)
        return 0;
    limit.rlim_cur = most;
    if (most <= limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return 0;
    return s3p_fail(err, S3P_ELIMIT, 0,
                    "open files: %llu are allowed, the plan needs %llu (ulimit -n)",
                    (unsigned long long)limit.rlim_max, (unsigned long long)most);
}

static int open_history(struct s3p_engine *e, const struct s3p_engine_opts *o, struct s3p_err *err)
{
    if (o->history_path == NULL)
        return 0;
    struct s3p_buf header;
    s3p_buf_init(&header, HEADER_BYTES_MAX);
    int rc = s3p_header_json(e, o, &header, err);
    if (rc == 0)
        rc = s3p_history_create(&e->history, o->history_path, header.data, header.len,
                                e->plan->workers, err);
    s3p_buf_free(&header);
    return rc;
}

static bool counts_commits(const struct s3p_plan *plan)
{
    for (int i = 0; i < plan->ngroups; i++)
        if (plan->group[i].program.conditional_write)
            return true;
    return false;
}

static int make_workers(struct s3p_engine *e, struct s3p_err *err)
{
    int n = e->plan->workers;
    e->workers = s3p_calloc((size_t)n, sizeof *e->workers);
    if (counts_commits(e->plan))
        e->commits = s3p_calloc((size_t)e->plan->clients, sizeof *e->commits);
    if (e->workers == NULL || (counts_commits(e->plan) && e->commits == NULL))
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for %d workers", n);
    for (int i = 0; i < n; i++)
        e->workers[i].e = e;
    for (int i = 0; i < n; i++)
        S3P_TRY(s3p_worker_init(&e->workers[i], e, i, err));
    return 0;
}

static int make(struct s3p_engine *e, const struct s3p_engine_opts *o, struct s3p_err *err)
{
    S3P_TRY(s3p_net_check_library(err));
    S3P_TRY(s3p_plan_parse(&e->plan, o->plan_json, o->plan_len, err));
    S3P_TRY(s3p_target_parse(&e->target, o->target_json, o->target_len, err));
    S3P_TRY(raise_descriptors(e->plan, err));
    S3P_TRY(name_buckets(e, err));
    S3P_TRY(s3p_net_create(&e->net, &e->target.net, err));
    S3P_TRY(open_history(e, o, err));
    return make_workers(e, err);
}

static void init_locks(struct s3p_engine *e)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&e->mu, NULL);
    pthread_cond_init(&e->cond, &attr);
    pthread_condattr_destroy(&attr);
    for (int i = 0; i < S3P_BARRIERS_MAX; i++)
        s3p_barrier_init(&e->barrier[i]);
}

int s3p_engine_create(struct s3p_engine **out, const struct s3p_engine_opts *o, struct s3p_err *err)
{
    *out = NULL;
    struct s3p_engine *e = s3p_calloc(1, sizeof *e);
    if (e == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for an engine");
    init_locks(e);
    e->histograms = o->histograms;
    e->stop_at_ns = S3P_NEVER;
    do
        e->run = s3p_entropy_u64() & ((UINT64_C(1) << S3P_RUN_BITS) - 1);
    while (e->run == 0);
    int rc = make(e, o, err);
    if (rc != 0) {
        s3p_engine_free(e);
        return rc;
    }
    *out = e;
    return 0;
}

/* ---- the workers' threads ---- */

static void cancel(struct s3p_engine *e)
{
    atomic_store_explicit(&e->cancelled, true, memory_order_relaxed);
    for (int i = 0; i < e->plan->workers; i++)
        s3p_loop_cancel(e->workers[i].loop);
}

static void finish_phase(struct s3p_engine *e, int64_t now)
{
    if (e->phase_runs)
        e->phase_end_ns[e->phase] = now;
    e->phase_runs = false;
}

/* A setup of which every attempt failed has made no bucket to work in: a wrong key, a store that
 * is not there. That is no run to be judged. */
static void check_setup_locked(struct s3p_engine *e)
{
    const char *why = "";
    for (int i = 0; i < e->plan->workers; i++) {
        const struct s3p_worker *w = &e->workers[i];
        if (atomic_load_explicit(&w->by_outcome[S3P_OK_OUTCOME], memory_order_relaxed) != 0 ||
            atomic_load_explicit(&w->by_outcome[S3P_UNKNOWN], memory_order_relaxed) != 0)
            return;
        why = why[0] == 0 ? w->setup_why : why;
    }
    if (why[0] == 0 || e->error.code != 0 ||
        atomic_load_explicit(&e->cancelled, memory_order_relaxed))
        return;
    (void)!s3p_fail(&e->error, S3P_EINVAL, 0, "setup: %s, expected a store that lets it begin",
                    why);
    cancel(e);
}

/* Runs in the last worker that comes, with the lock held; nobody runs a client meanwhile. */
static void begin_phase_locked(struct s3p_engine *e, enum s3p_run_phase phase)
{
    const struct s3p_plan *plan = e->plan;
    int64_t now = s3p_now_ns();
    int leaders = 0, parties[S3P_BARRIERS_MAX] = {0};
    bool any = false;
    finish_phase(e, now);
    if (phase == S3P_MAIN)
        check_setup_locked(e);
    for (int i = 0; i < plan->ngroups; i++) {
        const struct s3p_group *g = &plan->group[i];
        if (g->phase != phase)
            continue;
        any = true;
        leaders += g->arrival != S3P_UNTIL_OTHERS ? g->clients : 0;
        for (int b = 0; b < plan->nbarriers[phase]; b++)
            parties[b] += (g->program.barriers >> b & 1) != 0 ? g->clients : 0;
    }
    for (int b = 0; b < plan->nbarriers[phase]; b++)
        s3p_barrier_start(&e->barrier[b], parties[b]);
    e->phase = phase;
    e->phase_runs = any && !atomic_load_explicit(&e->cancelled, memory_order_relaxed);
    e->phase_start_ns[phase] = e->phase_end_ns[phase] = now;
    bool timed = phase == S3P_MAIN && plan->stop_ns != 0;
    e->stop_at_ns = timed ? now + plan->stop_ns : S3P_NEVER;
    atomic_store_explicit(&e->leaders, leaders, memory_order_relaxed);
    atomic_store_explicit(&e->phase_stop, false, memory_order_relaxed);
    atomic_store_explicit(&e->shown_phase, (int)phase, memory_order_relaxed);
}

static void end_run_locked(struct s3p_engine *e)
{
    int64_t now = s3p_now_ns();
    finish_phase(e, now);
    atomic_store_explicit(&e->end_ns, now, memory_order_relaxed);
    e->cpu_end_ns = s3p_process_cpu_ns();
    e->ended = true;
    atomic_store_explicit(&e->shown_phase, S3P_ENDED, memory_order_relaxed);
}

/* All workers meet; the last one prepares what comes next. */
static void rendezvous(struct s3p_engine *e, enum s3p_run_phase next)
{
    pthread_mutex_lock(&e->mu);
    uint64_t turn = e->turn;
    if (++e->arrived == e->threads) {
        e->arrived = 0;
        e->turn++;
        if (next == S3P_ENDED)
            end_run_locked(e);
        else
            begin_phase_locked(e, next);
        pthread_cond_broadcast(&e->cond);
    }
    while (e->turn == turn)
        pthread_cond_wait(&e->cond, &e->mu);
    pthread_mutex_unlock(&e->mu);
}

/* Until it is known how many workers there are. */
static void wait_for_all(struct s3p_engine *e)
{
    pthread_mutex_lock(&e->mu);
    while (e->threads == 0)
        pthread_cond_wait(&e->cond, &e->mu);
    pthread_mutex_unlock(&e->mu);
}

static void *worker_thread(void *arg)
{
    struct s3p_worker *w = arg;
    wait_for_all(w->e);
    for (int phase = 0; phase < S3P_PHASES; phase++) {
        rendezvous(w->e, (enum s3p_run_phase)phase);
        if (w->e->phase_runs)
            s3p_worker_phase(w);
    }
    w->cpu_ns = s3p_thread_cpu_ns();
    rendezvous(w->e, S3P_ENDED);
    return NULL;
}

/* The workers that could be started begin to meet. */
static void let_go(struct s3p_engine *e, int threads)
{
    pthread_mutex_lock(&e->mu);
    e->threads = threads;
    e->ended = threads == 0;
    pthread_cond_broadcast(&e->cond);
    pthread_mutex_unlock(&e->mu);
}

int s3p_engine_start(struct s3p_engine *e, struct s3p_err *err)
{
    sigset_t all, old;
    int sys = 0, n = 0;
    if (e->started)
        return s3p_fail(err, S3P_ESTATE, 0, "the engine was started before");
    e->started = true;
    atomic_store_explicit(&e->start_ns, s3p_now_ns(), memory_order_relaxed);
    e->cpu_start_ns = e->cpu_end_ns = s3p_process_cpu_ns();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* inherited by the workers */
    while (n < e->plan->workers && sys == 0) {
        sys = pthread_create(&e->workers[n].thread, NULL, worker_thread, &e->workers[n]);
        e->workers[n].thread_started = sys == 0;
        n += sys == 0;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (sys != 0)
        cancel(e);
    let_go(e, n);
    return sys == 0 ? 0 : s3p_fail(err, S3P_EIO, sys, "worker thread: %s", strerror(sys));
}

int s3p_engine_wait(struct s3p_engine *e, int64_t timeout_ns)
{
    int64_t until = s3p_now_ns();
    until = timeout_ns > S3P_NEVER - until ? S3P_NEVER : until + timeout_ns;
    struct timespec ts = {(time_t)(until / S3P_S), (long)(until % S3P_S)};
    int rc = 0;
    pthread_mutex_lock(&e->mu);
    while (e->started && !e->ended && rc == 0)
        rc = pthread_cond_timedwait(&e->cond, &e->mu, &ts);
    bool ended = e->ended || !e->started;
    pthread_mutex_unlock(&e->mu);
    return ended;
}

/* ---- stopping ---- */

void s3p_engine_stop(struct s3p_engine *e)
{
    pthread_mutex_lock(&e->mu);
    bool ended = e->ended;
    pthread_mutex_unlock(&e->mu);
    if (ended)
        return;
    atomic_store_explicit(&e->interrupted, true, memory_order_relaxed);
    cancel(e);
}

void s3p_engine_fail(struct s3p_engine *e, const struct s3p_err *err)
{
    pthread_mutex_lock(&e->mu);
    if (e->error.code == 0)
        e->error = *err;
    pthread_mutex_unlock(&e->mu);
    cancel(e);
}

void s3p_engine_stop_phase(struct s3p_engine *e)
{
    int64_t none = 0, now = s3p_now_ns();
    /* the rule's end, however late it is noticed */
    now = now < e->stop_at_ns ? now : e->stop_at_ns;
    atomic_compare_exchange_strong_explicit(&e->stopped_ns, &none, now, memory_order_relaxed,
                                            memory_order_relaxed);
    if (atomic_exchange_explicit(&e->phase_stop, true, memory_order_acq_rel))
        return;
    for (int i = 0; i < e->plan->workers; i++)
        s3p_loop_wake(e->workers[i].loop);
}

/* ---- looking and finishing ---- */

void s3p_engine_progress(const struct s3p_engine *e, struct s3p_progress *p)
{
    *p = (struct s3p_progress){0};
    uint64_t *const outcome[] = {&p->failed, &p->ok, &p->unknown};
    for (int i = 0; i < e->plan->workers; i++) {
        const struct s3p_worker *w = &e->workers[i];
        p->attempts += atomic_load_explicit(&w->attempts, memory_order_relaxed);
        for (int o = 0; o < 3; o++)
            *outcome[o] += atomic_load_explicit(&w->by_outcome[o], memory_order_relaxed);
        p->in_flight += atomic_load_explicit(&w->in_flight, memory_order_relaxed);
        p->bytes_out += atomic_load_explicit(&w->bytes_out, memory_order_relaxed);
        p->bytes_in += atomic_load_explicit(&w->bytes_in, memory_order_relaxed);
    }
    p->phase = atomic_load_explicit(&e->shown_phase, memory_order_relaxed);
    int64_t start = atomic_load_explicit(&e->start_ns, memory_order_relaxed);
    int64_t end = atomic_load_explicit(&e->end_ns, memory_order_relaxed);
    p->elapsed_ns = start == 0 ? 0 : (end != 0 ? end : s3p_now_ns()) - start;
}

static void join(struct s3p_engine *e)
{
    for (int i = 0; e->workers != NULL && i < e->plan->workers; i++)
        if (e->workers[i].thread_started)
            pthread_join(e->workers[i].thread, NULL);
    for (int i = 0; e->workers != NULL && i < e->plan->workers; i++)
        e->workers[i].thread_started = false;
}

static int close_history(struct s3p_engine *e, bool complete, struct s3p_err *err)
{
    struct s3p_history *h = e->history;
    e->history = NULL;
    if (h == NULL)
        return 0;
    e->stall_ns = s3p_history_stall_ns(h);
    return s3p_history_close(h, complete, err);
}

int s3p_engine_finish(struct s3p_engine *e, struct s3p_buf *metrics_json, struct s3p_err *err)
{
    if (!e->started || s3p_engine_wait(e, 0) == 0)
        return s3p_fail(err, S3P_ESTATE, 0, "the run has not ended");
    join(e);
    bool failed = e->error.code != 0;
    bool complete = !failed && !atomic_load_explicit(&e->interrupted, memory_order_relaxed);
    int rc = close_history(e, complete, err);
    if (failed)
        return s3p_fail(err, e->error.code, e->error.sys, "%s", e->error.msg);
    return rc != 0 ? rc : s3p_metrics_json(e, metrics_json, err);
}

void s3p_engine_free(struct s3p_engine *e)
{
    if (e == NULL)
        return;
    if (e->started)
        s3p_engine_stop(e);
    join(e);
    (void)!close_history(e, false, NULL);
    for (int i = 0; e->workers != NULL && i < e->plan->workers; i++)
        s3p_worker_free(&e->workers[i]);
    s3p_free(e->workers);
    s3p_free(e->commits);
    s3p_net_free(e->net);
    s3p_target_free(&e->target);
    s3p_plan_free(e->plan);
    for (int i = 0; i < S3P_BARRIERS_MAX; i++)
        s3p_barrier_destroy(&e->barrier[i]);
    pthread_cond_destroy(&e->cond);
    pthread_mutex_destroy(&e->mu);
    s3p_free(e);
}
