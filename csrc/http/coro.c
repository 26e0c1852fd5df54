#include "http/coro.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CORO_ASAN 1
#elif __has_feature(thread_sanitizer)
#define CORO_TSAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CORO_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define CORO_TSAN 1
#endif

#ifdef CORO_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef CORO_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#if defined(CORO_ASAN) || defined(CORO_TSAN)
#define STACK_BYTES ((size_t)S3P_CORO_STACK_BYTES * 4)
#else
#define STACK_BYTES ((size_t)S3P_CORO_STACK_BYTES)
#endif

/* What one side of a switch leaves behind so that the other can come back to it. */
#if defined(__x86_64__) && !defined(S3P_CORO_UCONTEXT)
struct place {
    void *sp;
};
void s3p_coro_switch(void **save_sp, void *load_sp);

static inline __attribute__((always_inline)) void place_switch(struct place *from,
                                                               const struct place *to)
{
    s3p_coro_switch(&from->sp, to->sp);
}

/* The first switch pops six registers and returns into `entry`, which sees the alignment that a
 * call leaves. */
static void place_start(struct place *p, void *low, void *high, void (*entry)(void))
{
    (void)low;
    uintptr_t *top = high;
    *--top = 0; /* ends backtraces */
    *--top = (uintptr_t)entry;
    top -= 6;
    memset(top, 0, 6 * sizeof *top);
    p->sp = top;
}
#else
#include <ucontext.h>
struct place {
    ucontext_t uc;
};

static inline __attribute__((always_inline)) void place_switch(struct place *from,
                                                               const struct place *to)
{
    swapcontext(&from->uc, &to->uc);
}

static void place_start(struct place *p, void *low, void *high, void (*entry)(void))
{
    getcontext(&p->uc);
    p->uc.uc_stack.ss_sp = low;
    p->uc.uc_stack.ss_size = (size_t)((char *)high - (char *)low);
    p->uc.uc_link = NULL;
    makecontext(&p->uc, entry, 0);
}
#endif

/* Lives at the top of its own mapping: guard page, stack (growing down from here), this. */
struct s3p_coro {
    struct place here, resumer;
    struct s3p_coro *outer; /* the coroutine that resumed this one; next in the free list */
    s3p_coro_fn *fn;
    void *arg;
    bool started, done;
#ifdef CORO_ASAN
    void *fake_stack, *outer_fake_stack; /* of the side that is switched away from */
    const void *outer_low;
    size_t outer_bytes;
#endif
#ifdef CORO_TSAN
    void *fiber, *outer_fiber;
#endif
};

static _Thread_local struct s3p_coro *self;
static _Thread_local struct s3p_coro *free_list;
static pthread_key_t exit_key; /* its destructor trims the free list of an ending thread */
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

static char *stack_low(const struct s3p_coro *c)
{
    return (char *)c + sizeof *c - STACK_BYTES;
}

static void at_thread_exit(void *unused)
{
    (void)unused;
    s3p_coro_trim();
}

static void make_exit_key(void)
{
    pthread_key_create(&exit_key, at_thread_exit);
}

/* The annotations: each goes right before or right after a switch, inlined, because ThreadSanitizer
 * keeps a call stack of its own for each fiber. */
static inline __attribute__((always_inline)) void leave_for_coro(struct s3p_coro *c)
{
#if defined(CORO_ASAN)
    __sanitizer_start_switch_fiber(&c->outer_fake_stack, stack_low(c),
                                   (size_t)((char *)c - stack_low(c)));
#elif defined(CORO_TSAN)
    c->outer_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(c->fiber, 0);
#else
    (void)c;
#endif
}

static inline __attribute__((always_inline)) void back_from_coro(struct s3p_coro *c)
{
#if defined(CORO_ASAN)
    __sanitizer_finish_switch_fiber(c->outer_fake_stack, NULL, NULL);
#else
    (void)c;
#endif
}

static inline __attribute__((always_inline)) void leave_for_outer(struct s3p_coro *c)
{
#if defined(CORO_ASAN)
    __sanitizer_start_switch_fiber(c->done ? NULL : &c->fake_stack, c->outer_low, c->outer_bytes);
#elif defined(CORO_TSAN)
    __tsan_switch_to_fiber(c->outer_fiber, 0);
#else
    (void)c;
#endif
}

static inline __attribute__((always_inline)) void back_in_coro(struct s3p_coro *c)
{
#if defined(CORO_ASAN)
    __sanitizer_finish_switch_fiber(c->fake_stack, &c->outer_low, &c->outer_bytes);
#else
    (void)c;
#endif
}

static void entry(void)
{
    struct s3p_coro *c = self;
    back_in_coro(c);
    c->fn(c->arg);
    c->done = true;
    leave_for_outer(c);
    place_switch(&c->here, &c->resumer);
    __builtin_trap(); /* a coroutine that has ended was resumed */
}

static struct s3p_coro *map_stack(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, page + STACK_BYTES, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    if (mprotect(map + page, STACK_BYTES, PROT_READ | PROT_WRITE) != 0) {
        int saved = errno;
        munmap(map, page + STACK_BYTES);
        errno = saved;
        return NULL;
    }
    return (struct s3p_coro *)(map + page + STACK_BYTES - sizeof(struct s3p_coro));
}

static void unmap_stack(struct s3p_coro *c)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(stack_low(c) - page, page + STACK_BYTES);
}

int s3p_coro_create(struct s3p_coro **out, s3p_coro_fn *fn, void *arg, struct s3p_err *err)
{
    struct s3p_coro *c = free_list;
    if (c != NULL)
        free_list = c->outer;
    else if ((c = map_stack()) == NULL)
        return s3p_fail(err, S3P_ENOMEM, errno,
                        "cannot map a coroutine stack: %s (vm.max_map_count?)", strerror(errno));
    memset(c, 0, sizeof *c);
    c->fn = fn;
    c->arg = arg;
    place_start(&c->here, stack_low(c), (void *)((uintptr_t)c & ~(uintptr_t)15), entry);
#ifdef CORO_TSAN
    c->fiber = __tsan_create_fiber(0);
#endif
    *out = c;
    return 0;
}

void s3p_coro_resume(struct s3p_coro *c)
{
    S3P_ASSERT(c != self && !c->done);
    c->started = true;
    c->outer = self;
    self = c;
    leave_for_coro(c);
    place_switch(&c->resumer, &c->here);
    back_from_coro(c);
    self = c->outer;
}

void s3p_coro_suspend(void)
{
    struct s3p_coro *c = self;
    S3P_ASSERT(c != NULL);
    leave_for_outer(c);
    place_switch(&c->here, &c->resumer);
    back_in_coro(c);
}

struct s3p_coro *s3p_coro_self(void)
{
    return self;
}

bool s3p_coro_done(const struct s3p_coro *c)
{
    return c->done;
}

void s3p_coro_free(struct s3p_coro *c)
{
    if (c == NULL)
        return;
    S3P_ASSERT(!c->started || c->done);
#ifdef CORO_TSAN
    __tsan_destroy_fiber(c->fiber);
#endif
#ifdef CORO_ASAN
    __asan_unpoison_memory_region(stack_low(c), STACK_BYTES - sizeof *c);
#endif
    if (free_list == NULL) {
        pthread_once(&exit_once, make_exit_key);
        pthread_setspecific(exit_key, c); /* any value but NULL calls the destructor */
    }
    c->outer = free_list;
    free_list = c;
}

void s3p_coro_trim(void)
{
    while (free_list != NULL) {
        struct s3p_coro *c = free_list;
        free_list = c->outer;
        unmap_stack(c);
    }
}
