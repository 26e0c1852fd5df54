#include "check/configs.h"

#include <string.h>

#include "core/alloc.h"
#include "core/random.h"

void s3p_configs_free(struct s3p_configs *s)
{
    s3p_free(s->at);
    s3p_free(s->slot);
    memset(s, 0, sizeof *s);
}

void s3p_configs_clear(struct s3p_configs *s)
{
    s->n = 0;
    if (++s->stamp == 0) { /* old slots would look new */
        s->stamp = 1;
        if (s->slot != NULL)
            memset(s->slot, 0, ((size_t)s->mask + 1) * sizeof *s->slot);
    }
}

/* The slot of this configuration, or the free one where it belongs. */
static uint32_t slot_for(const struct s3p_configs *s, uint64_t taken, uint32_t state)
{
    uint32_t i = (uint32_t)s3p_mix64(taken ^ ((uint64_t)state << 40) ^ state) & s->mask;
    for (; s->slot[i] >> 32 == s->stamp; i = (i + 1) & s->mask) {
        const struct s3p_config *c = &s->at[(uint32_t)s->slot[i]];
        if (c->taken == taken && c->state == state)
            break;
    }
    return i;
}

static int grow_configs(struct s3p_configs *s, struct s3p_err *err)
{
    uint32_t cap = s->cap == 0 ? 64 : 2 * s->cap;
    struct s3p_config *at = s3p_realloc(s->at, cap * sizeof *at);
    if (at != NULL)
        s->at = at;
    uint64_t *slot = at != NULL ? s3p_calloc(2 * (size_t)cap, sizeof *slot) : NULL;
    if (slot == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%u configurations of a search", cap);
    s3p_free(s->slot);
    s->slot = slot;
    s->cap = cap;
    s->mask = 2 * cap - 1;
    s->stamp = s->stamp == 0 ? 1 : s->stamp;
    for (uint32_t k = 0; k < s->n; k++)
        s->slot[slot_for(s, s->at[k].taken, s->at[k].state)] = (uint64_t)s->stamp << 32 | k;
    return 0;
}

bool s3p_configs_has(const struct s3p_configs *s, uint64_t taken, uint32_t state)
{
    return s->n != 0 && s->slot[slot_for(s, taken, state)] >> 32 == s->stamp;
}

int s3p_configs_add(struct s3p_configs *s, uint64_t taken, uint32_t state, struct s3p_err *err)
{
    if (s->n == s->cap)
        S3P_TRY(grow_configs(s, err));
    uint32_t i = slot_for(s, taken, state);
    if (s->slot[i] >> 32 == s->stamp)
        return 0;
    s->slot[i] = (uint64_t)s->stamp << 32 | s->n;
    s->at[s->n++] = (struct s3p_config){taken, state};
    return 0;
}
