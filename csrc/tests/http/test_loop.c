#include "http/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/random.h"
#include "http/timers.h"
#include "tests/t.h"

static struct s3p_loop *loop;
static int logged[4096], nlogged;

static void run_loop(void)
{
    s3p_loop_run(loop, NULL, NULL);
    T_EQ(s3p_loop_live(loop), 0);
    s3p_loop_free(loop);
}

static void spawn(s3p_coro_fn *fn, void *arg)
{
    T_OK(s3p_loop_spawn(loop, fn, arg, err));
}

static void make_loop(void)
{
    nlogged = 0;
    T_OK(s3p_loop_create(&loop, err));
}

/* ---- timers ---- */

T_TEST(timers_in_order)
{
    enum { N = 500 };
    static struct s3p_timer t[N];
    static int64_t due[N];
    struct s3p_timers h = {0};
    struct s3p_rng rng = {.seed = 7};
    T_TRUE(s3p_timers_reserve(&h, N));
    for (int round = 0; round < 20000; round++) {
        int i = (int)s3p_rng_below(&rng, N);
        switch (s3p_rng_below(&rng, 4)) {
        case 0:
            t[i].deadline_ns = due[i] = S3P_NEVER;
            break;
        case 1:
            s3p_timers_remove(&h, &t[i]);
            due[i] = S3P_NEVER;
            break;
        default:
            due[i] = 1 + (int64_t)s3p_rng_below(&rng, 1000);
            s3p_timers_arm(&h, &t[i], due[i]);
        }
    }
    int64_t last = 0;
    for (int64_t now = 0; now <= 1001; now++) {
        struct s3p_timer *e;
        while ((e = s3p_timers_expired(&h, now)) != NULL) {
            int i = (int)(e - t);
            T_EQ(due[i], now);
            T_TRUE(now >= last);
            last = now;
            due[i] = S3P_NEVER;
        }
        T_TRUE(s3p_timers_next(&h) > now);
    }
    for (int i = 0; i < N; i++)
        T_TRUE(due[i] == 0 || due[i] == S3P_NEVER);
    T_EQ(s3p_timers_next(&h), S3P_NEVER);
    s3p_timers_free(&h);
}

/* A deadline that only moves later leaves the heap alone. */
T_TEST(timers_move_lazily)
{
    struct s3p_timers h = {0};
    struct s3p_timer t = {0};
    T_TRUE(s3p_timers_reserve(&h, 1));
    for (int64_t now = 0; now < 1000; now++) {
        s3p_timers_arm(&h, &t, now + 5000);
        T_EQ(s3p_timers_next(&h), 5000);
        t.deadline_ns = S3P_NEVER;
    }
    s3p_timers_arm(&h, &t, 6000);
    T_TRUE(s3p_timers_expired(&h, 5999) == NULL);
    T_EQ(s3p_timers_next(&h), 6000);
    T_TRUE(s3p_timers_expired(&h, 6000) == &t);
    s3p_timers_free(&h);
}

static int64_t base_ns;

static void sleeper(void *arg)
{
    int i = (int)(intptr_t)arg;
    int64_t due = base_ns + (i * 7 % 20) * S3P_MS;
    T_EQ(s3p_sleep_until(loop, due), 0);
    T_TRUE(s3p_now_ns() >= due && s3p_loop_now(loop) >= due);
    logged[nlogged++] = i * 7 % 20;
}

T_TEST(loop_sleeps_in_order)
{
    make_loop();
    base_ns = s3p_now_ns() + 200 * S3P_MS;
    for (intptr_t i = 0; i < 20; i++)
        spawn(sleeper, (void *)i);
    run_loop();
    T_EQ(nlogged, 20);
    for (int i = 1; i < 20; i++)
        T_TRUE(logged[i - 1] < logged[i]);
}

static void punctual(void *arg)
{
    int64_t *best = arg;
    for (int i = 0; i < 10 || (i < 400 && *best >= 500 * S3P_US); i++) {
        int64_t due = s3p_now_ns() + 25 * S3P_MS;
        T_EQ(s3p_sleep_until(loop, due), 0);
        int64_t late = s3p_now_ns() - due;
        *best = late < *best ? late : *best;
    }
}

T_TEST(loop_sleep_is_punctual)
{
    int64_t best = S3P_NEVER;
    make_loop();
    spawn(punctual, &best);
    run_loop();
    T_TRUE(best >= 0 && best < 500 * S3P_US);
}

/* ---- turns and queues ---- */

static void yielder(void *arg)
{
    int i = (int)(intptr_t)arg;
    for (int turn = 0; turn < 3; turn++) {
        logged[nlogged++] = turn * 10 + i;
        T_EQ(s3p_yield(loop), 0);
    }
}

T_TEST(loop_yield_takes_turns)
{
    make_loop();
    for (intptr_t i = 0; i < 3; i++)
        spawn(yielder, (void *)i);
    run_loop();
    for (int i = 0; i < 9; i++)
        T_EQ(logged[i], i / 3 * 10 + i % 3);
}

static struct s3p_waitq queue;

static void queuer(void *arg)
{
    T_EQ(s3p_waitq_wait(loop, &queue, S3P_NEVER), 0);
    logged[nlogged++] = (int)(intptr_t)arg;
}

static void impatient(void *arg)
{
    (void)arg;
    T_EQ(s3p_waitq_wait(loop, &queue, s3p_now_ns() + 5 * S3P_MS), S3P_ETIMEOUT);
    T_EQ(s3p_waitq_wait(loop, &queue, s3p_loop_now(loop)), S3P_ETIMEOUT); /* passed already */
    logged[nlogged++] = 100;
}

static void waker(void *arg)
{
    (void)arg;
    T_EQ(s3p_yield(loop), 0);
    T_EQ(s3p_waitq_wake(loop, &queue, 2), 2);
    T_EQ(s3p_yield(loop), 0);
    T_EQ(nlogged, 2);
    T_EQ(s3p_sleep_until(loop, s3p_now_ns() + 20 * S3P_MS), 0);
    T_EQ(nlogged, 3); /* the impatient one, from the middle of the queue */
    T_EQ(s3p_waitq_wake(loop, &queue, -1), 4);
    T_EQ(s3p_waitq_wake(loop, &queue, -1), 0);
}

T_TEST(loop_waitq_first_in_first_out)
{
    static const int expected[] = {0, 1, 100, 2, 3, 4, 5};
    make_loop();
    for (intptr_t i = 0; i < 6; i++) {
        if (i == 4)
            spawn(impatient, NULL);
        spawn(queuer, (void *)i);
    }
    spawn(waker, NULL);
    run_loop();
    T_EQ(nlogged, 7);
    for (int i = 0; i < 7; i++)
        T_EQ(logged[i], expected[i]);
    T_TRUE(queue.first == NULL && queue.last == NULL);
}

static void spawn_more(void *arg)
{
    int n = (int)(intptr_t)arg;
    logged[nlogged++] = n;
    if (n > 0)
        spawn(spawn_more, (void *)(intptr_t)(n - 1));
}

T_TEST(loop_spawn_from_inside)
{
    make_loop();
    spawn(spawn_more, (void *)(intptr_t)1000);
    run_loop();
    T_EQ(nlogged, 1001);
}

static void nothing(void *arg)
{
    (*(int *)arg)++;
}

T_TEST(loop_many_coroutines)
{
    int n = 0;
    make_loop();
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < 100; i++)
            spawn(nothing, &n);
    run_loop();
    T_EQ(n, 1000);
}

/* ---- descriptors ---- */

static int pair[2];
static struct s3p_watch watch;

static void reader(void *arg)
{
    (void)arg;
    char b[16];
    watch = (struct s3p_watch){.fd = pair[0]};
    for (int i = 0; i < 3; i++) {
        T_EQ(s3p_wait_io(loop, &watch, EPOLLIN, s3p_now_ns() + S3P_S), 0);
        T_TRUE((watch.seen & EPOLLIN) != 0);
        T_EQ(read(pair[0], b, sizeof b), 1);
    }
    T_EQ(s3p_wait_io(loop, &watch, EPOLLIN, s3p_now_ns() + 5 * S3P_MS), S3P_ETIMEOUT);
    /* Data that nobody waits for must not keep the loop busy, and is there when it is asked for. */
    T_EQ(write(pair[1], "x", 1), 1);
    int64_t cpu = s3p_thread_cpu_ns();
    T_EQ(s3p_sleep_until(loop, s3p_now_ns() + 50 * S3P_MS), 0);
    T_TRUE(s3p_thread_cpu_ns() - cpu < 20 * S3P_MS);
    T_TRUE(!watch.added);
    T_EQ(s3p_wait_io(loop, &watch, EPOLLIN, s3p_now_ns() + S3P_S), 0);
    T_EQ(read(pair[0], b, sizeof b), 1);
    T_EQ(s3p_wait_io(loop, &watch, EPOLLIN | EPOLLOUT, s3p_now_ns() + S3P_S), 0);
    T_TRUE((watch.seen & EPOLLOUT) != 0 && (watch.seen & EPOLLIN) == 0);
    close(pair[1]);
    T_EQ(s3p_wait_io(loop, &watch, EPOLLIN, s3p_now_ns() + S3P_S), 0);
    T_EQ(read(pair[0], b, sizeof b), 0);
    T_EQ(s3p_wait_io(loop, &watch, EPOLLIN, s3p_loop_now(loop)), S3P_ETIMEOUT);
    s3p_watch_forget(loop, &watch);
    close(pair[0]);
    watch = (struct s3p_watch){.fd = pair[0]}; /* closed: "ready", and the next call tells */
    T_EQ(s3p_wait_io(loop, &watch, EPOLLIN, S3P_NEVER), 0);
    T_EQ(watch.seen, EPOLLERR);
}

static void writer(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        T_EQ(s3p_sleep_until(loop, s3p_now_ns() + 2 * S3P_MS), 0);
        T_EQ(write(pair[1], "x", 1), 1);
    }
}

T_TEST(loop_descriptors)
{
    T_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    make_loop();
    spawn(reader, NULL);
    spawn(writer, NULL);
    run_loop();
}

/* ---- other threads ---- */

static int wakes;
static _Atomic bool ready;

static void on_wake(void *arg)
{
    T_TRUE(arg == &wakes);
    wakes++;
    s3p_waitq_wake(loop, &queue, -1);
}

static void *wake_main(void *arg)
{
    (void)arg;
    while (!atomic_load(&ready))
        usleep(1000);
    s3p_loop_wake(loop);
    return NULL;
}

static void wait_for_wake(void *arg)
{
    (void)arg;
    atomic_store(&ready, true);
    T_EQ(s3p_waitq_wait(loop, &queue, s3p_now_ns() + 5 * S3P_S), 0);
}

T_TEST(loop_wake_from_another_thread)
{
    pthread_t thread;
    make_loop();
    spawn(wait_for_wake, NULL);
    T_EQ(pthread_create(&thread, NULL, wake_main, NULL), 0);
    s3p_loop_run(loop, on_wake, &wakes);
    pthread_join(thread, NULL);
    T_TRUE(wakes >= 1);
    s3p_loop_free(loop);
}

static void sleep_forever(void *arg)
{
    (void)arg;
    T_EQ(s3p_sleep_until(loop, s3p_now_ns() + 100 * S3P_S), S3P_ECANCEL);
    logged[nlogged++] = 1;
}

static void queue_forever(void *arg)
{
    (void)arg;
    T_EQ(s3p_waitq_wait(loop, &queue, S3P_NEVER), S3P_ECANCEL);
    T_EQ(s3p_yield(loop), S3P_ECANCEL);
    T_EQ(s3p_sleep_until(loop, 0), S3P_ECANCEL);
    logged[nlogged++] = 2;
}

static void read_forever(void *arg)
{
    (void)arg;
    watch = (struct s3p_watch){.fd = pair[0]};
    T_EQ(s3p_wait_io(loop, &watch, EPOLLIN, S3P_NEVER), S3P_ECANCEL);
    T_EQ(s3p_wait_io(loop, &watch, EPOLLIN, S3P_NEVER), S3P_ECANCEL);
    s3p_watch_forget(loop, &watch);
    logged[nlogged++] = 3;
}

static void *cancel_main(void *arg)
{
    (void)arg;
    usleep(20000);
    s3p_loop_cancel(loop);
    s3p_loop_cancel(loop);
    return NULL;
}

T_TEST(loop_cancel)
{
    pthread_t thread;
    T_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    make_loop();
    spawn(sleep_forever, NULL);
    spawn(queue_forever, NULL);
    spawn(read_forever, NULL);
    T_EQ(pthread_create(&thread, NULL, cancel_main, NULL), 0);
    int64_t start = s3p_now_ns();
    s3p_loop_run(loop, NULL, NULL);
    T_TRUE(s3p_now_ns() - start < 30 * S3P_S);
    pthread_join(thread, NULL);
    T_TRUE(s3p_loop_cancelled(loop));
    T_EQ(nlogged, 3);
    T_TRUE(queue.first == NULL);
    s3p_loop_free(loop);
}

/* ---- memory ---- */

#ifdef S3P_ALLOC_TEST
static void count_up(void *arg)
{
    (*(int *)arg)++;
}

static int start_two(int *n)
{
    struct s3p_loop *l;
    int rc = s3p_loop_create(&l, NULL);
    if (rc != 0)
        return rc;
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = s3p_loop_spawn(l, count_up, n, NULL);
    s3p_loop_run(l, NULL, NULL);
    s3p_loop_free(l);
    return rc;
}

T_TEST(loop_every_allocation_fails_once)
{
    int64_t before = s3p_alloc_live();
    int rc = S3P_ENOMEM, tries = 0, n = 0;
    while (rc != 0) {
        s3p_alloc_fail_at(++tries);
        rc = start_two(&n);
        s3p_alloc_fail_at(0);
        T_TRUE(rc == 0 || rc == S3P_ENOMEM);
        T_EQ(s3p_alloc_live(), before);
    }
    T_TRUE(tries > 3);
    s3p_loop_free(NULL);
}
#endif
