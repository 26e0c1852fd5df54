/* The event loop of one worker thread: an epoll set, a timer heap, the coroutines that wait on
 * them, and one door for other threads (an eventfd).
 *
 * Everything but s3p_loop_wake and s3p_loop_cancel is for the loop's own thread, from inside a
 * coroutine where it says "waits". A wait ends with 0, S3P_ETIMEOUT (deadline passed) or
 * S3P_ECANCEL (the loop was cancelled; from then on every wait returns at once with it, so that all
 * coroutines run to their ends). One level-triggered registration per descriptor. The events of a
 * turn are handed to their watches before any coroutine runs, so a forgotten watch never meets a
 * stale event. A deadline that has passed already ends a wait without a look at the descriptor. */
#ifndef S3P_HTTP_LOOP_H
#define S3P_HTTP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "http/coro.h"

struct s3p_loop;
struct s3p_task; /* a coroutine of a loop, and what it waits for */

/* One descriptor's registration; plain data inside its owner (a connection). Zero-initialise, set
 * fd. */
struct s3p_watch {
    int fd;
    uint32_t asked; /* events registered now */
    uint32_t seen;  /* events delivered since the last wait began */
    struct s3p_task *waiter;
    bool added; /* false too after an event that nobody waited for: the next wait registers again */
};

/* A list of coroutines that wait for a condition (a barrier, a free client). Zero-initialise. */
struct s3p_waitq {
    struct s3p_task *first, *last;
};

int s3p_loop_create(struct s3p_loop **out, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_loop_free(struct s3p_loop *l); /* all coroutines must have ended; NULL is a no-op */

/* Starts fn(arg) as a coroutine of this loop, at the next turn. Before s3p_loop_run: any one
 * thread. */
int s3p_loop_spawn(struct s3p_loop *l, s3p_coro_fn *fn, void *arg,
                   struct s3p_err *err) S3P_MUST_CHECK;
/* Turns until no coroutine is left. `on_wake` (may be NULL) runs on the loop's thread after each
 * s3p_loop_wake (several wakes may be seen as one). */
void s3p_loop_run(struct s3p_loop *l, void (*on_wake)(void *), void *arg);
void s3p_loop_wake(struct s3p_loop *l);   /* any thread */
void s3p_loop_cancel(struct s3p_loop *l); /* any thread; sticky */
bool s3p_loop_cancelled(const struct s3p_loop *l);
int64_t s3p_loop_now(const struct s3p_loop *l);  /* clock read once a turn: never later than now */
int64_t s3p_loop_live(const struct s3p_loop *l); /* coroutines that have not ended */
/* One pointer for what the connections of a loop share (NULL at first); conn_connect.c owns it. */
void **s3p_loop_shared(struct s3p_loop *l);

/* Waits for `events` (EPOLLIN, EPOLLOUT) on w->fd; errors and hang-ups count as ready. Registers on
 * first use. */
int s3p_wait_io(struct s3p_loop *l, struct s3p_watch *w, uint32_t events,
                int64_t deadline_ns) S3P_MUST_CHECK;
/* The same for two descriptors, whichever is ready first; `seen` of each tells. Events 0: that one
 * is only told of errors. */
int s3p_wait_either(struct s3p_loop *l, struct s3p_watch *a, uint32_t a_events, struct s3p_watch *b,
                    uint32_t b_events, int64_t deadline_ns) S3P_MUST_CHECK;
/* Before the descriptor is closed. */
void s3p_watch_forget(struct s3p_loop *l, struct s3p_watch *w);
/* Waits until the clock is past t_ns: 0, or S3P_ECANCEL. Returns at once when it is. */
int s3p_sleep_until(struct s3p_loop *l, int64_t t_ns) S3P_MUST_CHECK;
/* Gives the other coroutines a turn. */
int s3p_yield(struct s3p_loop *l) S3P_MUST_CHECK;
/* Waits in q until s3p_waitq_wake, the deadline, or cancel. First in, first out. */
int s3p_waitq_wait(struct s3p_loop *l, struct s3p_waitq *q, int64_t deadline_ns) S3P_MUST_CHECK;
/* Makes up to n waiters of q runnable (n < 0: all); returns how many. Loop thread only. */
int s3p_waitq_wake(struct s3p_loop *l, struct s3p_waitq *q, int n);

#endif
