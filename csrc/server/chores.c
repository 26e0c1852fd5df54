#include "server/chores.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "core/alloc.h"
#include "core/clock.h"

#define FOUND_MAX (16 * 1024 * 1024)
#define COPY_MAX (64 * 1024 * 1024)
#define SHARE 9 /* of the time of a pass, that the next one waits at least */

struct s3p_srv_chores {
    /* immutable after start */
    pthread_t thread;
    /* the thread of the chores only, but for `stop`, `mu` and `end` */
    struct s3p_srv_chore chore;
};

/* A pass that comes again and again. */
struct turn {
    bool (*pass)(struct s3p_srv_chore *c);
    int64_t every_ns, next_ns;
};

static int64_t between(int64_t v, int64_t min, int64_t max)
{
    return v < min ? min : v > max ? max : v;
}

static int64_t take_turn(struct turn *t, struct s3p_srv_chore *c)
{
    int64_t start = s3p_now_ns();
    if (start >= t->next_ns) {
        (void)t->pass(c); /* what failed is still due */
        int64_t now = s3p_now_ns(), rest = SHARE * (now - start);
        t->next_ns = now + (rest > t->every_ns ? rest : t->every_ns);
    }
    return t->next_ns;
}

static bool ends(struct s3p_srv_chore *c)
{
    return atomic_load_explicit(&c->stop, memory_order_relaxed) != 0;
}

bool s3p_srv_chore_wait(struct s3p_srv_chore *c, int64_t until_ns)
{
    struct timespec at = {until_ns / S3P_S, until_ns % S3P_S};
    int rc = 0;
    pthread_mutex_lock(&c->mu);
    while (!ends(c) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&c->end, &c->mu, &at);
    pthread_mutex_unlock(&c->mu);
    return !ends(c);
}

static void *chores_main(void *arg)
{
    struct s3p_srv_chore *c = arg;
    const struct s3p_srv_options *o = &c->srv->options;
    struct turn turns[2];
    size_t n = 0;
    if (o->lifecycle_day_ns > 0)
        turns[n++] = (struct turn){s3p_srv_lifecycle_pass,
                                   between(o->lifecycle_day_ns / 10, 10 * S3P_MS, S3P_S), 0};
    if (o->replication_lag_ns >= 0)
        turns[n++] =
            (struct turn){s3p_srv_replication_pass,
                          between(o->replication_lag_ns / 8, 10 * S3P_MS, 100 * S3P_MS), 0};
    int64_t next = 0;
    while (s3p_srv_chore_wait(c, next)) {
        next = S3P_NEVER;
        for (size_t i = 0; i < n; i++) {
            int64_t at = take_turn(&turns[i], c);
            next = at < next ? at : next;
        }
    }
    return NULL;
}

static int start_thread(struct s3p_srv_chores *c, struct s3p_err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&c->thread, NULL, chores_main, &c->chore);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? 0
                   : s3p_fail(err, S3P_EIO, rc, "cannot start the chores: %s", strerror(rc));
}

static void release(struct s3p_srv_chores *c)
{
    s3p_srv_txn_free(c->chore.txn);
    s3p_srv_view_free(&c->chore.view);
    s3p_buf_free(&c->chore.found);
    s3p_buf_free(&c->chore.copy);
    pthread_cond_destroy(&c->chore.end);
    pthread_mutex_destroy(&c->chore.mu);
    s3p_free(c);
}

int s3p_srv_chores_start(struct s3p_srv *srv, struct s3p_err *err)
{
    pthread_condattr_t attr;
    if (srv->options.lifecycle_day_ns == 0 && srv->options.replication_lag_ns < 0)
        return 0;
    struct s3p_srv_chores *c = s3p_calloc(1, sizeof *c);
    if (c == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "no memory for the chores");
    c->chore.srv = srv;
    s3p_srv_view_init(&c->chore.view, &srv->store);
    s3p_buf_init(&c->chore.found, FOUND_MAX);
    s3p_buf_init(&c->chore.copy, COPY_MAX);
    pthread_mutex_init(&c->chore.mu, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->chore.end, &attr);
    pthread_condattr_destroy(&attr);
    int rc = s3p_srv_txn_create(&c->chore.txn, srv, err);
    if (rc == 0)
        rc = start_thread(c, err);
    if (rc < 0)
        release(c);
    else
        srv->chores = c;
    return rc;
}

void s3p_srv_chores_stop(struct s3p_srv *srv)
{
    struct s3p_srv_chores *c = srv->chores;
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->chore.mu);
    atomic_store_explicit(&c->chore.stop, 1, memory_order_relaxed); /* ends a long pass too */
    pthread_cond_signal(&c->chore.end);
    pthread_mutex_unlock(&c->chore.mu);
    pthread_join(c->thread, NULL);
    release(c);
    srv->chores = NULL;
}
