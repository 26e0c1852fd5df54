#include "core/arena.h"

#include <stdint.h>
#include <string.h>

#include "core/alloc.h"

#define ALIGN 16
#define BLOCK_BYTES 4064 /* with the header and malloc's own, one page */

struct s3p_arena_block {
    struct s3p_arena_block *next;
    size_t len, cap;
    _Alignas(ALIGN) unsigned char data[];
};

void s3p_arena_init(struct s3p_arena *a, size_t max)
{
    *a = (struct s3p_arena){.max = max};
}

void s3p_arena_free(struct s3p_arena *a)
{
    while (a->head != NULL) {
        struct s3p_arena_block *block = a->head;
        a->head = block->next;
        s3p_free(block);
    }
    a->used = 0;
}

/* A block for one big piece goes behind the head, whose free tail stays in use. */
static struct s3p_arena_block *block_add(struct s3p_arena *a, size_t bytes)
{
    bool big = bytes > BLOCK_BYTES / 4 && a->head != NULL;
    size_t cap = big || bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    struct s3p_arena_block *block = s3p_calloc(1, sizeof *block + cap);
    if (block == NULL)
        return NULL;
    block->cap = cap;
    struct s3p_arena_block **at = big ? &a->head->next : &a->head;
    block->next = *at;
    *at = block;
    return block;
}

void *s3p_arena_alloc(struct s3p_arena *a, size_t bytes)
{
    if (bytes > a->max)
        return NULL;
    bytes = bytes == 0 ? ALIGN : bytes;
    if (bytes > PTRDIFF_MAX - sizeof(struct s3p_arena_block) - ALIGN)
        return NULL;
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (bytes > a->max - a->used)
        return NULL;
    struct s3p_arena_block *block = a->head;
    if (block == NULL || bytes > block->cap - block->len)
        block = block_add(a, bytes);
    if (block == NULL)
        return NULL;
    void *p = block->data + block->len; /* zero since s3p_calloc: handed out once */
    block->len += bytes;
    a->used += bytes;
    return p;
}

char *s3p_arena_strndup(struct s3p_arena *a, const char *s, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = s3p_arena_alloc(a, len + 1);
    if (copy != NULL && len != 0)
        memcpy(copy, s, len);
    return copy;
}
