#include "http/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "http/timers.h"

#define EVENTS_A_TURN 256

struct s3p_task {
    struct s3p_coro *coro;
    struct s3p_timer timer;
    int result; /* of the wait, once it is over */
    bool waiting;
    struct s3p_watch *watch, *other; /* while waiting: watches (other: a second one), or q */
    struct s3p_waitq *q;
    struct s3p_task *next, *prev;         /* in q, or (next only) in the ready list */
    struct s3p_task *all_next, *all_prev; /* of the loop */
};

struct task_list {
    struct s3p_task *first, *last;
};

struct s3p_loop {
    /* immutable after creation */
    int epoll_fd, door_fd;
    struct s3p_watch door;
    /* loop thread only */
    int64_t now_ns, live;
    struct s3p_task *current, *all;
    struct task_list ready;
    struct s3p_timers timers;
    void *shared;
    bool cancel_done;
    struct epoll_event events[EVENTS_A_TURN];
    /* shared: atomics */
    _Atomic bool cancelled; /* release in s3p_loop_cancel, acquire in s3p_loop_cancelled */
};

int s3p_loop_create(struct s3p_loop **out, struct s3p_err *err)
{
    struct s3p_loop *l = s3p_calloc(1, sizeof *l);
    if (l == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for a loop");
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->door_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->now_ns = s3p_now_ns();
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &l->door};
    if (l->epoll_fd < 0 || l->door_fd < 0 ||
        epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->door_fd, &ev) != 0) {
        int sys = errno;
        s3p_loop_free(l);
        return s3p_fail(err, S3P_EIO, sys, "cannot create an event loop: %s", strerror(sys));
    }
    *out = l;
    return 0;
}

void s3p_loop_free(struct s3p_loop *l)
{
    if (l == NULL)
        return;
    S3P_ASSERT(l->live == 0 && l->shared == NULL);
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    if (l->door_fd >= 0)
        close(l->door_fd);
    s3p_timers_free(&l->timers);
    s3p_free(l);
    s3p_coro_trim();
}

static void ready_add(struct s3p_loop *l, struct s3p_task *t, int result)
{
    t->waiting = false;
    t->result = result;
    t->timer.deadline_ns = S3P_NEVER;
    t->next = NULL;
    if (l->ready.last != NULL)
        l->ready.last->next = t;
    else
        l->ready.first = t;
    l->ready.last = t;
}

int s3p_loop_spawn(struct s3p_loop *l, s3p_coro_fn *fn, void *arg, struct s3p_err *err)
{
    struct s3p_task *t = s3p_calloc(1, sizeof *t);
    if (t == NULL || !s3p_timers_reserve(&l->timers, l->live + 1)) {
        s3p_free(t);
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for a coroutine");
    }
    int rc = s3p_coro_create(&t->coro, fn, arg, err);
    if (rc != 0) {
        s3p_free(t);
        return rc;
    }
    t->all_next = l->all;
    if (l->all != NULL)
        l->all->all_prev = t;
    l->all = t;
    l->live++;
    ready_add(l, t, 0);
    return 0;
}

static void task_end(struct s3p_loop *l, struct s3p_task *t)
{
    s3p_timers_remove(&l->timers, &t->timer);
    if (t->all_prev != NULL)
        t->all_prev->all_next = t->all_next;
    else
        l->all = t->all_next;
    if (t->all_next != NULL)
        t->all_next->all_prev = t->all_prev;
    l->live--;
    s3p_coro_free(t->coro);
    s3p_free(t);
}

static void waitq_unlink(struct s3p_task *t)
{
    struct s3p_waitq *q = t->q;
    *(t->prev != NULL ? &t->prev->next : &q->first) = t->next;
    *(t->next != NULL ? &t->next->prev : &q->last) = t->prev;
    t->next = t->prev = NULL;
    t->q = NULL;
}

/* Ends the wait of a task: it runs in the next turn. */
static void wait_end(struct s3p_loop *l, struct s3p_task *t, int result)
{
    if (t->watch != NULL) {
        t->watch->waiter = NULL;
        t->watch = NULL;
    }
    if (t->other != NULL) {
        t->other->waiter = NULL;
        t->other = NULL;
    }
    if (t->q != NULL)
        waitq_unlink(t);
    ready_add(l, t, result);
}

/* Suspends the running task; returns the result that wait_end gave. */
static int wait_begin(struct s3p_loop *l, int64_t deadline_ns)
{
    struct s3p_task *t = l->current;
    t->waiting = true;
    if (deadline_ns != S3P_NEVER)
        s3p_timers_arm(&l->timers, &t->timer, deadline_ns);
    s3p_coro_suspend();
    return t->result;
}

/* What every wait looks at first. Also checks, in debug builds, that the caller is a coroutine of
 * this loop and (the running coroutine is thread-local) on the loop's thread. */
static int wait_refused(const struct s3p_loop *l, int64_t deadline_ns)
{
    S3P_ASSERT(l->current != NULL && l->current->coro == s3p_coro_self());
    if (s3p_loop_cancelled(l))
        return S3P_ECANCEL;
    return deadline_ns <= l->now_ns ? S3P_ETIMEOUT : 0;
}

static void run_ready(struct s3p_loop *l)
{
    struct s3p_task *t = l->ready.first;
    l->ready = (struct task_list){NULL, NULL};
    while (t != NULL) {
        struct s3p_task *next = t->next;
        t->next = NULL;
        l->current = t;
        s3p_coro_resume(t->coro);
        if (s3p_coro_done(t->coro))
            task_end(l, t);
        t = next;
    }
    l->current = NULL;
}

static void watch_remove(struct s3p_loop *l, struct s3p_watch *w)
{
    if (w->added)
        epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    w->added = false;
}

/* The kernel's nanosecond wait (Linux 5.11), else milliseconds rounded up: a sleep never ends
 * early. */
static int poll_events(struct s3p_loop *l, int64_t timeout_ns)
{
#ifdef SYS_epoll_pwait2
    static _Atomic bool missing;
    if (!atomic_load_explicit(&missing, memory_order_relaxed)) {
        struct timespec ts = {(time_t)(timeout_ns / S3P_S), (long)(timeout_ns % S3P_S)};
        long n = syscall(SYS_epoll_pwait2, l->epoll_fd, l->events, EVENTS_A_TURN,
                         timeout_ns == S3P_NEVER ? NULL : &ts, NULL, 0);
        if (n >= 0 || errno != ENOSYS)
            return (int)n;
        atomic_store_explicit(&missing, true, memory_order_relaxed);
    }
#endif
    int64_t ms = timeout_ns / S3P_MS + (timeout_ns % S3P_MS != 0);
    if (timeout_ns == S3P_NEVER)
        ms = -1;
    else if (ms > INT32_MAX)
        ms = INT32_MAX;
    return epoll_wait(l->epoll_fd, l->events, EVENTS_A_TURN, (int)ms);
}

static bool door_drain(struct s3p_loop *l)
{
    uint64_t count;
    return read(l->door_fd, &count, sizeof count) == (ssize_t)sizeof count;
}

static void cancel_all(struct s3p_loop *l)
{
    if (l->cancel_done || !s3p_loop_cancelled(l))
        return;
    l->cancel_done = true;
    for (struct s3p_task *t = l->all; t != NULL; t = t->all_next)
        if (t->waiting)
            wait_end(l, t, S3P_ECANCEL);
}

/* Hands the events of a turn to their watches; true when another thread used the door. */
static bool deliver(struct s3p_loop *l, int n)
{
    bool woken = false;
    for (int i = 0; i < n; i++) {
        struct s3p_watch *w = l->events[i].data.ptr;
        if (w == &l->door) {
            woken = door_drain(l);
            continue;
        }
        w->seen |= l->events[i].events;
        if (w->waiter != NULL)
            wait_end(l, w->waiter, 0);
        else
            watch_remove(l, w); /* level-triggered and not wanted now: it would come every turn */
    }
    return woken;
}

static void expire(struct s3p_loop *l)
{
    for (;;) {
        struct s3p_timer *timer = s3p_timers_expired(&l->timers, l->now_ns);
        if (timer == NULL)
            return;
        struct s3p_task *t = (struct s3p_task *)((char *)timer - offsetof(struct s3p_task, timer));
        wait_end(l, t, S3P_ETIMEOUT);
    }
}

/* How long the kernel may wait. It lets a wait be late by a thousandth of its length, so a long one
 * is cut shorter and the rest is waited for again; with the timer slack of s3p_loop_run that leaves
 * 10 us. */
static int64_t next_timeout(const struct s3p_loop *l)
{
    if (l->ready.first != NULL)
        return 0;
    int64_t next_ns = s3p_timers_next(&l->timers);
    if (next_ns == S3P_NEVER)
        return S3P_NEVER;
    int64_t left_ns = next_ns - s3p_now_ns();
    if (left_ns <= 0)
        return 0;
    return left_ns > 10 * S3P_MS ? left_ns - left_ns / 64 : left_ns;
}

void s3p_loop_run(struct s3p_loop *l, void (*on_wake)(void *), void *arg)
{
    int slack_ns = prctl(PR_GET_TIMERSLACK);
    prctl(PR_SET_TIMERSLACK, 1);
    l->now_ns = s3p_now_ns();
    for (;;) {
        run_ready(l);
        if (l->live == 0)
            break;
        int n = poll_events(l, next_timeout(l));
        l->now_ns = s3p_now_ns();
        if (deliver(l, n) && on_wake != NULL)
            on_wake(arg);
        expire(l);
        cancel_all(l);
    }
    prctl(PR_SET_TIMERSLACK, slack_ns);
}

void s3p_loop_wake(struct s3p_loop *l)
{
    uint64_t one = 1;
    /* The only failure is a full counter, and then the loop is about to wake anyway. */
    ssize_t unused = write(l->door_fd, &one, sizeof one);
    (void)unused;
}

void s3p_loop_cancel(struct s3p_loop *l)
{
    atomic_store_explicit(&l->cancelled, true, memory_order_release);
    s3p_loop_wake(l);
}

bool s3p_loop_cancelled(const struct s3p_loop *l)
{
    return atomic_load_explicit(&l->cancelled, memory_order_acquire);
}

int64_t s3p_loop_now(const struct s3p_loop *l)
{
    return l->now_ns;
}

int64_t s3p_loop_live(const struct s3p_loop *l)
{
    return l->live;
}

void **s3p_loop_shared(struct s3p_loop *l)
{
    return &l->shared;
}

/* Registers what is asked for; false when the kernel refuses the descriptor: "ready", the next call
 * on it tells what is wrong. */
static bool watch_ask(struct s3p_loop *l, struct s3p_watch *w, uint32_t events)
{
    S3P_ASSERT(w->waiter == NULL);
    uint32_t wanted = events | (events & EPOLLIN ? EPOLLRDHUP : 0);
    if (!w->added || w->asked != wanted) {
        struct epoll_event ev = {.events = wanted, .data.ptr = w};
        int op = w->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
        if (epoll_ctl(l->epoll_fd, op, w->fd, &ev) != 0) {
            w->seen = EPOLLERR;
            return false;
        }
        w->added = true;
        w->asked = wanted;
    }
    w->seen = 0;
    return true;
}

int s3p_wait_io(struct s3p_loop *l, struct s3p_watch *w, uint32_t events, int64_t deadline_ns)
{
    S3P_TRY(wait_refused(l, deadline_ns));
    if (!watch_ask(l, w, events))
        return 0;
    w->waiter = l->current;
    l->current->watch = w;
    return wait_begin(l, deadline_ns);
}

int s3p_wait_either(struct s3p_loop *l, struct s3p_watch *a, uint32_t a_events, struct s3p_watch *b,
                    uint32_t b_events, int64_t deadline_ns)
{
    S3P_TRY(wait_refused(l, deadline_ns));
    if (!watch_ask(l, a, a_events) || !watch_ask(l, b, b_events))
        return 0;
    a->waiter = b->waiter = l->current;
    l->current->watch = a;
    l->current->other = b;
    return wait_begin(l, deadline_ns);
}

void s3p_watch_forget(struct s3p_loop *l, struct s3p_watch *w)
{
    S3P_ASSERT(w->waiter == NULL);
    watch_remove(l, w);
    *w = (struct s3p_watch){.fd = -1};
}

int s3p_sleep_until(struct s3p_loop *l, int64_t t_ns)
{
    int rc = wait_refused(l, t_ns);
    if (rc == 0)
        rc = wait_begin(l, t_ns);
    return rc == S3P_ETIMEOUT ? 0 : rc;
}

int s3p_yield(struct s3p_loop *l)
{
    S3P_TRY(wait_refused(l, S3P_NEVER));
    ready_add(l, l->current, 0);
    s3p_coro_suspend();
    return 0;
}

int s3p_waitq_wait(struct s3p_loop *l, struct s3p_waitq *q, int64_t deadline_ns)
{
    S3P_TRY(wait_refused(l, deadline_ns));
    struct s3p_task *t = l->current;
    t->q = q;
    t->prev = q->last;
    t->next = NULL;
    *(q->last != NULL ? &q->last->next : &q->first) = t;
    q->last = t;
    return wait_begin(l, deadline_ns);
}

int s3p_waitq_wake(struct s3p_loop *l, struct s3p_waitq *q, int n)
{
    int woken = 0;
    while (q->first != NULL && (n < 0 || woken < n)) {
        wait_end(l, q->first, 0);
        woken++;
    }
    return woken;
}
