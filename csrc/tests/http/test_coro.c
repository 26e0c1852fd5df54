#include "http/coro.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/t.h"

#if defined(__SANITIZE_THREAD__)
#define ALIVE 1000 /* ThreadSanitizer knows at most some 8,000 fibers at once */
#else
#define ALIVE 10000
#endif

static void count_three(void *arg)
{
    int *n = arg;
    for (int i = 0; i < 3; i++) {
        (*n)++;
        s3p_coro_suspend();
    }
}

T_TEST(coro_suspends_and_ends)
{
    struct s3p_coro *c;
    int n = 0;
    T_OK(s3p_coro_create(&c, count_three, &n, err));
    T_EQ(n, 0);
    for (int i = 1; i <= 3; i++) {
        s3p_coro_resume(c);
        T_EQ(n, i);
        T_TRUE(!s3p_coro_done(c) && s3p_coro_self() == NULL);
    }
    s3p_coro_resume(c);
    T_TRUE(s3p_coro_done(c));
    s3p_coro_free(c);
    s3p_coro_free(NULL);
    T_OK(s3p_coro_create(&c, count_three, &n, err)); /* never started */
    s3p_coro_free(c);
    s3p_coro_trim();
}

/* All alive at once, then again on reused stacks. */
T_TEST(coro_many)
{
    struct s3p_coro **all = s3p_calloc(ALIVE, sizeof *all);
    int n = 0;
    for (int round = 0; round < 2; round++) {
        n = 0;
        for (int i = 0; i < ALIVE; i++)
            T_OK(s3p_coro_create(&all[i], count_three, &n, err));
        for (int turn = 0; turn < 4; turn++)
            for (int i = 0; i < ALIVE; i++)
                s3p_coro_resume(all[i]);
        for (int i = 0; i < ALIVE; i++) {
            T_TRUE(s3p_coro_done(all[i]));
            s3p_coro_free(all[i]);
        }
        T_EQ(n, 3 * ALIVE);
    }
    s3p_coro_trim();
    s3p_free(all);
}

T_TEST(coro_one_after_the_other)
{
    int n = 0;
    for (int i = 0; i < 10000; i++) {
        struct s3p_coro *c;
        T_OK(s3p_coro_create(&c, count_three, &n, err));
        while (!s3p_coro_done(c))
            s3p_coro_resume(c);
        s3p_coro_free(c);
    }
    T_EQ(n, 30000);
    s3p_coro_trim();
}

/* About 100 bytes a call, with something alive in each frame across a switch at the bottom. */
static int64_t deep(int depth, int64_t seed)
{
    volatile int64_t kept[8];
    for (int i = 0; i < 8; i++)
        kept[i] = seed + i;
    int64_t below = 0;
    if (depth > 0)
        below = deep(depth - 1, seed + 1);
    else
        s3p_coro_suspend();
    for (int i = 0; i < 8; i++)
        below += kept[i] - i;
    return below;
}

static void go_deep(void *arg)
{
    int64_t *seed = arg;
    *seed = deep(200, *seed);
}

T_TEST(coro_deep_calls)
{
    struct s3p_coro *c[2];
    int64_t v[2] = {1, 1000};
    for (int i = 0; i < 2; i++)
        T_OK(s3p_coro_create(&c[i], go_deep, &v[i], err));
    s3p_coro_resume(c[0]);
    s3p_coro_resume(c[1]);
    s3p_coro_resume(c[0]);
    s3p_coro_resume(c[1]);
    T_EQ(v[0], 8 * (201 * 1 + 200 * 201 / 2));
    T_EQ(v[1], 8 * (201 * 1000 + 200 * 201 / 2));
    for (int i = 0; i < 2; i++)
        s3p_coro_free(c[i]);
    s3p_coro_trim();
}

struct nest {
    struct s3p_coro *self, *inner;
    int log[8], n;
};

static void inner_main(void *arg)
{
    struct nest *s = arg;
    T_TRUE(s3p_coro_self() == s->inner);
    s->log[s->n++] = 2;
    s3p_coro_suspend(); /* to outer_main */
    s->log[s->n++] = 4;
}

static void outer_main(void *arg)
{
    struct nest *s = arg;
    s->log[s->n++] = 1;
    s3p_coro_resume(s->inner);
    T_TRUE(s3p_coro_self() == s->self);
    s->log[s->n++] = 3;
    s3p_coro_suspend();
    s3p_coro_resume(s->inner);
    s->log[s->n++] = 5;
}

T_TEST(coro_nested)
{
    struct nest s = {0};
    T_OK(s3p_coro_create(&s.self, outer_main, &s, err));
    T_OK(s3p_coro_create(&s.inner, inner_main, &s, err));
    s3p_coro_resume(s.self);
    T_EQ(s.n, 3);
    s3p_coro_resume(s.self);
    T_EQ(s.n, 5);
    for (int i = 0; i < 5; i++)
        T_EQ(s.log[i], i + 1);
    T_TRUE(s3p_coro_done(s.self) && s3p_coro_done(s.inner));
    s3p_coro_free(s.self);
    s3p_coro_free(s.inner);
    s3p_coro_trim();
}

/* Registers and floating-point values survive a switch, whatever the other coroutine computes. */
static void compute(void *arg)
{
    double *out = arg;
    double a = *out, b = a * 1.5, c = a + 0.25;
    int64_t i1 = (int64_t)a, i2 = i1 * 3, i3 = i1 ^ 0x55, i4 = i1 + 7, i5 = i1 * i1;
    for (int i = 0; i < 1000; i++) {
        s3p_coro_suspend();
        a += 1;
        b += 2;
        c += 3;
        i1 += 1;
        i2 += 2;
        i3 += 3;
        i4 += 4;
        i5 += 5;
    }
    *out = a + b + c + (double)(i1 + i2 + i3 + i4 + i5);
}

static double computed(double v)
{
    int64_t i = (int64_t)v;
    return v + v * 1.5 + v + 0.25 + 6000 +
           (double)(i + i * 3 + (i ^ 0x55) + i + 7 + i * i + 15000);
}

T_TEST(coro_registers)
{
    struct s3p_coro *c[2];
    double v[2] = {10, 20};
    for (int i = 0; i < 2; i++)
        T_OK(s3p_coro_create(&c[i], compute, &v[i], err));
    while (!s3p_coro_done(c[1])) {
        s3p_coro_resume(c[0]);
        s3p_coro_resume(c[1]);
    }
    T_TRUE(v[0] == computed(10) && v[1] == computed(20));
    for (int i = 0; i < 2; i++)
        s3p_coro_free(c[i]);
    s3p_coro_trim();
}

static void *page_of(const void *p)
{
    return (void *)((uintptr_t)p & ~(uintptr_t)4095);
}

static void note_stack(void *arg)
{
    int here = 0;
    *(void **)arg = page_of(&here);
    s3p_coro_suspend();
}

static bool is_mapped(void *page)
{
    return msync(page, 4096, MS_ASYNC) == 0;
}

static void *thread_main(void *arg)
{
    void **page = arg;
    struct s3p_coro *c[8];
    for (int i = 0; i < 8; i++)
        T_OK(s3p_coro_create(&c[i], note_stack, &page[i], err));
    for (int i = 0; i < 8; i++) {
        while (!s3p_coro_done(c[i]))
            s3p_coro_resume(c[i]);
        s3p_coro_free(c[i]);
        T_TRUE(is_mapped(page[i])); /* kept for the next one */
    }
    return NULL; /* no trim: the end of the thread does it */
}

T_TEST(coro_stacks_go_with_the_thread)
{
    pthread_t thread;
    void *page[8];
    T_EQ(pthread_create(&thread, NULL, thread_main, page), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < 8; i++)
        T_TRUE(!is_mapped(page[i]));
}

static void too_deep(void *arg)
{
    *(int64_t *)arg = deep(1000000, 1);
}

/* A stack that is too small ends in the guard page, not in another coroutine's stack. */
T_TEST(coro_guard_page)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct s3p_coro *c;
        int64_t unused;
        close(STDERR_FILENO); /* a sanitizer's report */
        T_OK(s3p_coro_create(&c, too_deep, &unused, err));
        s3p_coro_resume(c);
        _exit(0);
    }
    int status;
    T_EQ(waitpid(pid, &status, 0), pid);
    T_TRUE(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}
