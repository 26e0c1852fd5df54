#include "core/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef S3P_ALLOC_TEST
static _Atomic int64_t live_blocks;
static _Atomic int64_t calls_to_failure; /* 0: off */

static bool must_fail(void)
{
    return atomic_load_explicit(&calls_to_failure, memory_order_relaxed) != 0 &&
           atomic_fetch_sub_explicit(&calls_to_failure, 1, memory_order_relaxed) == 1;
}

static void *counted(void *p)
{
    if (p != NULL)
        atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
    return p;
}

static void uncount(const void *p)
{
    if (p != NULL)
        atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
}

int64_t s3p_alloc_live(void)
{
    return atomic_load_explicit(&live_blocks, memory_order_relaxed);
}

void s3p_alloc_fail_at(int64_t nth)
{
    atomic_store_explicit(&calls_to_failure, nth, memory_order_relaxed);
}
#else
static bool must_fail(void)
{
    return false;
}

static void *counted(void *p)
{
    return p;
}

static void uncount(const void *p)
{
    (void)p;
}

int64_t s3p_alloc_live(void)
{
    return 0;
}

void s3p_alloc_fail_at(int64_t nth)
{
    (void)nth;
}
#endif

/* The C standard lets malloc(0) return NULL, which would read as "out of memory". */
static size_t at_least_one(size_t bytes)
{
    return bytes != 0 ? bytes : 1;
}

void *s3p_alloc(size_t bytes)
{
    if (must_fail() || bytes > PTRDIFF_MAX)
        return NULL;
    return counted(malloc(at_least_one(bytes)));
}

void *s3p_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (must_fail() || __builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return NULL;
    return counted(calloc(1, at_least_one(bytes)));
}

void *s3p_realloc(void *p, size_t bytes)
{
    if (must_fail() || bytes > PTRDIFF_MAX)
        return NULL;
    void *moved = realloc(p, at_least_one(bytes));
    return p == NULL ? counted(moved) : moved;
}

void *s3p_alloc_aligned(size_t align, size_t bytes)
{
    void *p = NULL;
    if (must_fail() || bytes > PTRDIFF_MAX || posix_memalign(&p, align, at_least_one(bytes)) != 0)
        return NULL;
    return counted(p);
}

char *s3p_strndup(const char *s, size_t len)
{
    if (len >= PTRDIFF_MAX)
        return NULL;
    char *copy = s3p_alloc(len + 1);
    if (copy == NULL)
        return NULL;
    if (len != 0)
        memcpy(copy, s, len);
    copy[len] = 0;
    return copy;
}

void s3p_free(void *p)
{
    uncount(p);
    free(p);
}
