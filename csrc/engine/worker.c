#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "engine/run.h"

static int init_stats(struct s3p_worker *w, struct s3p_err *err)
{
    const struct s3p_plan *plan = w->e->plan;
    bool hist = w->e->histograms;
    uint32_t ops = 0, main_ops = 0;
    for (int i = 0; i < plan->ngroups; i++) {
        ops |= plan->group[i].program.ops;
        main_ops |= plan->group[i].phase == S3P_MAIN ? plan->group[i].program.ops : 0;
    }
    w->group = s3p_calloc((size_t)plan->ngroups, sizeof *w->group);
    if (w->group == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for %d groups", plan->ngroups);
    for (int op = 0; op < S3P_OP_COUNT; op++) {
        if ((ops >> op & 1) == 0)
            continue;
        w->op[op] = s3p_calloc(1, sizeof *w->op[op]);
        if (w->op[op] == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for counters");
        if (hist && (main_ops >> op & 1) != 0)
            S3P_TRY(s3p_hist_create(&w->op[op]->latency, err));
    }
    for (int i = 0; i < plan->ngroups; i++)
        if (plan->group[i].arrival == S3P_OPEN)
            S3P_TRY(s3p_hist_create(&w->group[i].lateness, err));
    return 0;
}

static int init_targets(struct s3p_worker *w, struct s3p_err *err)
{
    const struct s3p_target *t = &w->e->target;
    for (int i = 0; i < t->nendpoints; i++) {
        struct s3p_str authority = {t->url[i].authority, strlen(t->url[i].authority)};
        S3P_TRY(s3p_request_ctx_init(&w->ctx[i], &t->cred, authority, t->virtual_host, err));
        w->nctx++;
    }
    return 0;
}

static int init_state(struct s3p_worker *w, struct s3p_err *err)
{
    const struct s3p_plan *plan = w->e->plan;
    bool sizes = false;
    S3P_TRY(init_stats(w, err));
    S3P_TRY(init_targets(w, err));
    S3P_TRY(s3p_chooser_create(&w->chooser, &plan->spaces, w->index, plan->workers, err));
    w->arrivals = s3p_calloc((size_t)plan->ngroups, sizeof *w->arrivals);
    if (w->arrivals == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for %d groups", plan->ngroups);
    for (int i = 0; i < plan->ngroups; i++) {
        S3P_TRY(s3p_arrivals_init(&w->arrivals[i], w, i, err));
        sizes |= plan->group[i].program.random_range;
    }
    if (sizes && (w->sizes = s3p_calloc(S3P_SIZES_KNOWN, sizeof *w->sizes)) == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for object sizes");
    return s3p_loop_create(&w->loop, err);
}

/* What was made before a failure is released by s3p_worker_free, which the engine calls for all its
 * workers. */
int s3p_worker_init(struct s3p_worker *w, struct s3p_engine *e, int index, struct s3p_err *err)
{
    w->e = e;
    w->index = index;
    w->appender = e->history != NULL ? s3p_history_appender(e->history, index) : NULL;
    return init_state(w, err);
}

void s3p_worker_free(struct s3p_worker *w)
{
    for (int op = 0; op < S3P_OP_COUNT; op++) {
        if (w->op[op] != NULL)
            s3p_hist_free(w->op[op]->latency);
        s3p_free(w->op[op]);
    }
    for (int i = 0; i < w->e->plan->ngroups; i++) {
        if (w->group != NULL)
            s3p_hist_free(w->group[i].lateness);
        if (w->arrivals != NULL)
            s3p_free(w->arrivals[i].queue);
    }
    for (int i = 0; i < w->nctx; i++)
        s3p_request_ctx_free(&w->ctx[i]);
    s3p_free(w->group);
    s3p_free(w->arrivals);
    s3p_free(w->sizes);
    s3p_chooser_free(w->chooser);
    s3p_loop_free(w->loop);
}

static void wake_barrier(struct s3p_worker *w, int at)
{
    uint64_t turn = s3p_barrier_turn(&w->e->barrier[at]);
    if (turn == w->barrier_seen[at])
        return;
    w->barrier_seen[at] = turn;
    s3p_waitq_wake(w->loop, &w->barrier_q[at], -1);
}

void s3p_worker_opened(struct s3p_worker *w, int barrier)
{
    wake_barrier(w, barrier);
    for (int i = 0; i < w->e->plan->workers; i++)
        if (i != w->index)
            s3p_loop_wake(w->e->workers[i].loop);
}

/* Runs on the loop's thread after another worker, or this one, has said that something is new. */
static void on_wake(void *arg)
{
    struct s3p_worker *w = arg;
    bool all = s3p_phase_ended(w);
    for (int i = 0; i < w->e->plan->nbarriers[w->e->phase]; i++) {
        wake_barrier(w, i);
        if (all)
            s3p_waitq_wake(w->loop, &w->barrier_q[i], -1);
    }
    if (!all)
        return;
    s3p_waitq_wake(w->loop, &w->sleepers, -1);
    s3p_waitq_wake(w->loop, &w->stopper, -1);
    for (int i = 0; i < w->e->plan->ngroups; i++)
        s3p_waitq_wake(w->loop, &w->arrivals[i].free, -1);
}

/* A coroutine: the stop rule by time. It ends with the last client, so that the loop can. */
static void stopper_main(void *arg)
{
    struct s3p_worker *w = arg;
    while (w->live_clients > 0 && !s3p_phase_ended(w))
        if (s3p_waitq_wait(w->loop, &w->stopper, w->e->stop_at_ns) == S3P_ETIMEOUT)
            s3p_engine_stop_phase(w->e);
}

static bool runs_here(const struct s3p_worker *w, const struct s3p_group *g, int member)
{
    return s3p_plan_worker(w->e->plan, g, g->first_client + member) == w->index;
}

static int add_clients(struct s3p_worker *w, int group, struct s3p_err *err)
{
    const struct s3p_group *g = &w->e->plan->group[group];
    int before = w->nclients;
    for (int i = 0; i < g->clients; i++) {
        if (!runs_here(w, g, i))
            continue;
        struct s3p_client *c = &w->clients[w->nclients];
        S3P_TRY(s3p_client_init(c, w, group, i, err));
        w->nclients++;
        S3P_TRY(s3p_loop_spawn(w->loop, s3p_client_main, c, err));
        w->live_clients++;
    }
    if (g->arrival == S3P_OPEN && w->nclients > before)
        return s3p_loop_spawn(w->loop, s3p_arrivals_main, &w->arrivals[group], err);
    return 0;
}

static int begin_phase(struct s3p_worker *w, struct s3p_err *err)
{
    const struct s3p_engine *e = w->e;
    size_t n = 0;
    for (int i = 0; i < e->plan->ngroups; i++)
        for (int k = 0; e->plan->group[i].phase == e->phase && k < e->plan->group[i].clients; k++)
            n += runs_here(w, &e->plan->group[i], k);
    w->nclients = w->live_clients = 0;
    w->clients = s3p_calloc(n, sizeof *w->clients);
    if (w->clients == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for %zu clients", n);
    for (int i = 0; i < e->plan->nbarriers[e->phase]; i++)
        w->barrier_seen[i] = s3p_barrier_turn(&e->barrier[i]);
    for (int i = 0; i < e->plan->ngroups; i++)
        if (e->plan->group[i].phase == e->phase)
            S3P_TRY(add_clients(w, i, err));
    if (e->stop_at_ns != S3P_NEVER && n > 0)
        return s3p_loop_spawn(w->loop, stopper_main, w, err);
    return 0;
}

void s3p_worker_phase(struct s3p_worker *w)
{
    struct s3p_err err;
    if (begin_phase(w, &err) != 0)
        s3p_engine_fail(w->e, &err); /* the clients that began end at once */
    int64_t cpu_ns = s3p_thread_cpu_ns();
    s3p_loop_run(w->loop, on_wake, w);
    if (w->e->phase == S3P_MAIN)
        w->cpu_main_ns = s3p_thread_cpu_ns() - cpu_ns;
    for (int i = 0; i < w->nclients; i++)
        s3p_client_free(&w->clients[i]);
    s3p_free(w->clients);
    w->clients = NULL;
    w->nclients = 0;
}
