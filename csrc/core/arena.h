/* Bump allocator for things that die together (a parsed plan, the text of a verdict).
 * Threads: one owner. Ownership: s3p_arena_free releases everything that came out; idempotent. */
#ifndef S3P_CORE_ARENA_H
#define S3P_CORE_ARENA_H

#include <stddef.h>

#include "core/buf.h"

struct s3p_arena_block;
struct s3p_arena {
    struct s3p_arena_block *head;
    size_t used, max; /* bytes handed out, bound on them */
};

void s3p_arena_init(struct s3p_arena *a, size_t max);
void s3p_arena_free(struct s3p_arena *a);
/* Zeroed, 16-byte aligned; NULL when over max or out of memory. Sizes count in steps of 16. */
void *s3p_arena_alloc(struct s3p_arena *a, size_t bytes);
char *s3p_arena_strndup(struct s3p_arena *a, const char *s, size_t len);

#endif
