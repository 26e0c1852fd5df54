/* Coroutines: plain sequential code on a small stack of its own. A coroutine suspends itself;
 * whoever owns it resumes it. The switch is assembly on x86-64 and ucontext elsewhere (or with
 * -DS3P_CORO_UCONTEXT); stacks are mmap'ed with a guard page below and are reused from a free list
 * of the thread. The sanitizers' fiber annotations are part of the switch.
 *
 * Threads: a coroutine runs on the thread that resumes it, and stays there once it has started.
 * Caveats: no fork while coroutines exist; a coroutine must return from its function before it is
 * freed. */
#ifndef S3P_HTTP_CORO_H
#define S3P_HTTP_CORO_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct s3p_coro;
typedef void s3p_coro_fn(void *arg);

#define S3P_CORO_STACK_BYTES (64u * 1024u) /* more in sanitizer builds */

int s3p_coro_create(struct s3p_coro **out, s3p_coro_fn *fn, void *arg,
                    struct s3p_err *err) S3P_MUST_CHECK;
void s3p_coro_resume(struct s3p_coro *c); /* runs c until it suspends or ends; not from inside c */
void s3p_coro_suspend(void);              /* back to whoever resumed the running coroutine */
struct s3p_coro *s3p_coro_self(void);     /* the running one, NULL outside */
bool s3p_coro_done(const struct s3p_coro *c);
void s3p_coro_free(struct s3p_coro *c); /* NULL is a no-op; c must not have started, or be done */
/* Gives the free stacks of this thread back to the system; the end of a thread does it too. */
void s3p_coro_trim(void);

#endif
