/* The only file that calls malloc. Sizes are checked for overflow here. In test builds
 * (-DS3P_ALLOC_TEST) it counts live blocks and fails the n-th call on request, so that every unit
 * test is a leak test and every init path can be run with each allocation failing in turn.
 *
 * Threads: all functions may be called from any thread. */
#ifndef S3P_CORE_ALLOC_H
#define S3P_CORE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* NULL when out of memory; a pointer to be released with s3p_free even for 0 bytes. */
void *s3p_alloc(size_t bytes);
void *s3p_calloc(size_t count, size_t size); /* zeroed; NULL on overflow too */
void *s3p_realloc(void *p, size_t bytes);    /* p stays valid on failure */
void *s3p_alloc_aligned(size_t align, size_t bytes); /* a power of two >= sizeof(void *) */
char *s3p_strndup(const char *s, size_t len); /* NUL-terminated copy of len bytes */
void s3p_free(void *p);                       /* NULL is a no-op */

/* Test builds only; in release builds live is 0 and fail_at does nothing. */
int64_t s3p_alloc_live(void);
void s3p_alloc_fail_at(int64_t nth); /* the nth call from now fails (1: the next); 0: none does */

#endif
