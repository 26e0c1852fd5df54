#include "check/idmap.h"

#include "core/alloc.h"
#include "core/random.h"

static size_t place(const struct s3p_idmap *m, struct s3p_id key)
{
    uint64_t a, b;
    memcpy(&a, key.b, sizeof a);
    memcpy(&b, key.b + 8, sizeof b);
    size_t i = (size_t)s3p_mix64(a ^ s3p_mix64(b)) & (m->cap - 1);
    while (m->slot[i].used && !s3p_id_eq(m->slot[i].key, key))
        i = (i + 1) & (m->cap - 1);
    return i;
}

uint32_t *s3p_idmap_find(const struct s3p_idmap *m, struct s3p_id key)
{
    if (m->n == 0)
        return NULL;
    struct s3p_idmap_slot *s = &m->slot[place(m, key)];
    return s->used ? &s->value : NULL;
}

static int grow(struct s3p_idmap *m, struct s3p_err *err)
{
    struct s3p_idmap next = {.cap = m->cap == 0 ? 64 : m->cap * 2, .n = m->n};
    next.slot = s3p_calloc(next.cap, sizeof *next.slot);
    if (next.slot == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "map of %zu ids", next.cap);
    for (size_t i = 0; i < m->cap; i++)
        if (m->slot[i].used)
            next.slot[place(&next, m->slot[i].key)] = m->slot[i];
    s3p_free(m->slot);
    *m = next;
    return 0;
}

int s3p_idmap_put(struct s3p_idmap *m, struct s3p_id key, uint32_t fresh, uint32_t **out,
                  struct s3p_err *err)
{
    if (2 * (m->n + 1) > m->cap)
        S3P_TRY(grow(m, err));
    struct s3p_idmap_slot *s = &m->slot[place(m, key)];
    if (!s->used) {
        *s = (struct s3p_idmap_slot){key, fresh, 1};
        m->n++;
    }
    *out = &s->value;
    return 0;
}

void s3p_idmap_free(struct s3p_idmap *m)
{
    s3p_free(m->slot);
    memset(m, 0, sizeof *m);
}

struct s3p_id s3p_idmap_pair(uint64_t a, uint64_t b)
{
    struct s3p_id id;
    memcpy(id.b, &a, sizeof a);
    memcpy(id.b + 8, &b, sizeof b);
    return id;
}

struct s3p_id s3p_idmap_text(struct s3p_str text, uint64_t salt)
{
    uint64_t a = s3p_mix64(salt + 1), b = s3p_mix64(a + text.len);
    for (size_t i = 0; i < text.len; i++) {
        a = (a ^ (uint8_t)text.p[i]) * UINT64_C(0x100000001b3);
        b = s3p_mix64(b + a);
    }
    return s3p_idmap_pair(s3p_mix64(a), b);
}
