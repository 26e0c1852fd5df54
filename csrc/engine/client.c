#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "engine/attempt.h"
#include "engine/slots.h"

#define HEAD_BYTES 2048
#define HEAD_BYTES_MAX (64u << 10)
#define BATCH_BYTES_MAX (8u << 20) /* a body of delete_objects: 1,000 keys, escaped */
#define NO_KEY_PAUSE_NS S3P_MS

static int init_buffers(struct s3p_client *c, struct s3p_err *err)
{
    const struct s3p_program *prog = &c->g->program;
    size_t page = s3p_page_bytes(prog->page_keys);
    s3p_buf_init(&c->head, HEAD_BYTES_MAX);
    s3p_buf_init(&c->request, BATCH_BYTES_MAX);
    s3p_buf_init(&c->answer, page > S3P_ERROR_BYTES ? page : S3P_ERROR_BYTES);
    if (s3p_buf_reserve(&c->head, HEAD_BYTES) != 0 ||
        s3p_buf_reserve(&c->answer, S3P_ERROR_BYTES) != 0)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the buffers of client %u", c->index);
    S3P_TRY(s3p_slots_create(&c->slots, prog, err));
    if (prog->extra && (c->extra = s3p_calloc(1, sizeof *c->extra)) == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the requests of client %u",
                        c->index);
    if (!prog->own)
        return 0;
    c->own_next = s3p_calloc((size_t)c->w->e->plan->spaces.n, sizeof *c->own_next);
    return c->own_next != NULL
               ? 0
               : s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the keys of client %u", c->index);
}

int s3p_client_init(struct s3p_client *c, struct s3p_worker *w, int group, int member,
                    struct s3p_err *err)
{
    struct s3p_engine *e = w->e;
    memset(c, 0, sizeof *c);
    c->w = w;
    c->g = &e->plan->group[group];
    c->stat = &w->group[group];
    c->group_index = (uint16_t)group;
    c->index = (uint32_t)(c->g->first_client + member);
    c->endpoint = (uint16_t)(c->index % (uint32_t)e->target.nendpoints);
    c->ctx = &w->ctx[c->endpoint];
    c->rng = (struct s3p_rng){.seed = e->plan->seed, .stream = c->index};
    c->ambiguous_step = -1;
    int rc = init_buffers(c, err);
    if (rc == 0)
        rc = s3p_conn_create(&c->conn, w->loop, e->net, &e->target.url[c->endpoint], err);
    if (rc != 0)
        s3p_client_free(c);
    return rc;
}

void s3p_client_free(struct s3p_client *c)
{
    s3p_conn_free(c->conn);
    s3p_slots_free(c->slots, c->g->program.nslots);
    s3p_free(c->own_next);
    if (c->extra != NULL)
        explicit_bzero(c->extra, sizeof *c->extra); /* it held a signer */
    s3p_free(c->extra);
    s3p_buf_free(&c->head);
    s3p_buf_free(&c->request);
    s3p_buf_free(&c->answer);
    c->conn = NULL;
    c->slots = NULL;
    c->own_next = NULL;
    c->extra = NULL;
}

void s3p_client_connect(struct s3p_client *c)
{
    int64_t deadline_ns = s3p_loop_now(c->w->loop) + c->w->e->plan->deadline_ns;
    (void)!s3p_conn_open(c->conn, deadline_ns, NULL);
}

bool s3p_client_pause(struct s3p_client *c, int64_t until_ns)
{
    struct s3p_worker *w = c->w;
    c->paused = true;
    while (!s3p_client_ended(c) && s3p_loop_now(w->loop) < until_ns)
        if (s3p_waitq_wait(w->loop, &w->sleepers, until_ns) == S3P_ECANCEL)
            return false;
    return !s3p_client_ended(c);
}

/* Whether the client runs its program again. */
static bool again(struct s3p_client *c, uint64_t runs)
{
    if (s3p_client_ended(c))
        return false;
    switch (c->g->arrival) {
    case S3P_TIMES:
        return runs < c->g->times;
    case S3P_UNTIL_STOP:
        return true;
    case S3P_UNTIL_OTHERS:
        return runs == 0 || atomic_load_explicit(&c->w->e->leaders, memory_order_acquire) > 0;
    default:
        return s3p_arrivals_next(&c->w->arrivals[c->group_index], &c->t_sched);
    }
}

static void leave_phase(struct s3p_client *c)
{
    struct s3p_worker *w = c->w;
    for (int i = 0; i < w->e->plan->nbarriers[w->e->phase]; i++)
        if ((c->g->program.barriers >> i & 1) != 0 && s3p_barrier_leave(&w->e->barrier[i]))
            s3p_worker_opened(w, i);
    if (c->g->arrival != S3P_UNTIL_OTHERS)
        atomic_fetch_sub_explicit(&w->e->leaders, 1, memory_order_release);
    if (--w->live_clients == 0)
        s3p_waitq_wake(w->loop, &w->stopper, -1);
}

void s3p_client_main(void *client)
{
    struct s3p_client *c = client;
    if (c->g->arrival == S3P_OPEN)
        s3p_client_connect(c); /* latencies of a rate are those of requests */
    for (uint64_t runs = 0; again(c, runs); runs++) {
        c->paused = false;
        enum s3p_run_end end = s3p_client_run(c);
        if (end == S3P_RUN_STOPPED)
            break;
        bool goes_on = c->paused               ? true
                       : end == S3P_RUN_NO_KEY ? s3p_client_pause(c, s3p_now_ns() + NO_KEY_PAUSE_NS)
                                               : s3p_yield(c->w->loop) == 0;
        if (!goes_on)
            break;
    }
    leave_phase(c);
}
