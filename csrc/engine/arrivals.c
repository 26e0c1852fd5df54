#include "core/alloc.h"
#include "core/clock.h"
#include "engine/run.h"

/* random streams of schedules lie above those of clients */
#define SCHEDULE_STREAM (UINT64_C(1) << 40)

/* An absolute schedule: what is late does not move what comes after it. */
struct schedule {
    struct s3p_rng rng;
    int64_t start_ns;
    double at_s; /* of the next arrival, from the start */
    uint64_t n;
    const struct s3p_group *g;
};

static void schedule_step(struct schedule *s)
{
    s->n++;
    if (s->g->poisson)
        s->at_s += s3p_rng_exponential(&s->rng, 1 / s->g->per_s);
    else
        s->at_s = (double)s->n / s->g->per_s;
}

static void schedule_start(struct schedule *s, const struct s3p_arrivals *a)
{
    const struct s3p_engine *e = a->w->e;
    *s = (struct schedule){
        .rng = {.seed = e->plan->seed, .stream = SCHEDULE_STREAM + (uint64_t)a->group_index},
        .start_ns = e->phase_start_ns[e->phase],
        .g = a->g,
    };
    if (s->g->poisson)
        s->at_s = s3p_rng_exponential(&s->rng, 1 / s->g->per_s);
}

/* The next arrival that is this worker's. All workers compute the whole schedule; each takes its
 * share of it. */
static int64_t schedule_next(struct schedule *s, const struct s3p_arrivals *a)
{
    while (s->n % (uint64_t)a->shares != (uint64_t)a->share)
        schedule_step(s);
    int64_t t = s->start_ns + (int64_t)(s->at_s * (double)S3P_S);
    schedule_step(s);
    return t;
}

/* The workers that have clients of the group, and which of them this one is. */
static void find_share(struct s3p_arrivals *a, int *clients)
{
    const struct s3p_plan *plan = a->w->e->plan;
    int count[S3P_WORKERS_MAX] = {0};
    for (int i = 0; i < a->g->clients; i++)
        count[s3p_plan_worker(plan, a->g, a->g->first_client + i)]++;
    for (int i = 0; i < plan->workers; i++) {
        a->share += i < a->w->index && count[i] > 0;
        a->shares += count[i] > 0;
    }
    *clients = count[a->w->index];
}

int s3p_arrivals_init(struct s3p_arrivals *a, struct s3p_worker *w, int group, struct s3p_err *err)
{
    int clients;
    *a = (struct s3p_arrivals){.g = &w->e->plan->group[group], .w = w, .group_index = group};
    if (a->g->arrival != S3P_OPEN)
        return 0;
    find_share(a, &clients);
    a->max_waiting = (a->g->queue + a->shares - 1) / a->shares;
    a->cap = a->max_waiting + clients;
    a->queue = clients == 0 ? NULL : s3p_calloc((size_t)a->cap, sizeof *a->queue);
    if (clients != 0 && a->queue == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the arrivals of a group");
    return 0;
}

/* Queued arrivals beyond the clients that are free wait for one; more than max_waiting of them are
 * not sent. */
static void arrive(struct s3p_arrivals *a, int64_t t_sched)
{
    if (a->len >= a->nfree + a->max_waiting) {
        a->w->group[a->group_index].unsent++;
        return;
    }
    bool waits = a->len >= a->nfree;
    a->queue[(a->first + a->len) % a->cap] =
        (struct s3p_arrival_due){t_sched, waits ? s3p_now_ns() : 0};
    a->len++;
    if (!waits)
        s3p_waitq_wake(a->w->loop, &a->free, 1);
}

void s3p_arrivals_main(void *arrivals)
{
    struct s3p_arrivals *a = arrivals;
    struct s3p_worker *w = a->w;
    struct schedule s;
    schedule_start(&s, a);
    int64_t end = w->e->stop_at_ns, t = schedule_next(&s, a);
    while (!s3p_phase_ended(w)) {
        if (t < end && t <= s3p_loop_now(w->loop)) {
            arrive(a, t);
            t = schedule_next(&s, a);
        } else if (s3p_waitq_wait(w->loop, &w->sleepers, t < end ? t : S3P_NEVER) == S3P_ECANCEL) {
            break;
        }
    }
    /* what was due before the end and never began */
    int64_t stopped = atomic_load_explicit(&w->e->stopped_ns, memory_order_relaxed);
    for (end = stopped != 0 ? stopped : s3p_now_ns(); t < end; t = schedule_next(&s, a))
        w->group[a->group_index].unsent++;
    w->group[a->group_index].unsent += (uint64_t)a->len;
    a->len = 0;
}

/* How late the generator was: up to the start when a client was free, else up to when the arrival
 * was noticed; waiting for a client is the store's time, and part of the latency. */
static void record_lateness(struct s3p_arrivals *a, const struct s3p_arrival_due *due)
{
    struct s3p_hist *h = a->w->group[a->group_index].lateness;
    if (h != NULL)
        s3p_hist_record(h, (due->t_late != 0 ? due->t_late : s3p_now_ns()) - due->t_sched);
}

bool s3p_arrivals_next(struct s3p_arrivals *a, int64_t *t_sched)
{
    for (;;) {
        if (s3p_phase_ended(a->w))
            return false;
        if (a->len > 0)
            break;
        a->nfree++;
        (void)!s3p_waitq_wait(a->w->loop, &a->free, S3P_NEVER);
        a->nfree--;
    }
    const struct s3p_arrival_due due = a->queue[a->first];
    a->first = (a->first + 1) % a->cap;
    a->len--;
    record_lateness(a, &due);
    *t_sched = due.t_sched;
    return true;
}
