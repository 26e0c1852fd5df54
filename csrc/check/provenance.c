/* Where the bytes of a copy may come from: the copies are edges between keys, from destination to
 * source. A body that was written to a key within reach may have been brought here. Walks over few
 * keys only; what is further away is believed. */
#include "check/keymap.h"
#include "check/mutate.h"
#include "check/objects.h"

enum { REACH_MAX = 64 };

struct reach {
    struct s3p_id key[REACH_MAX];
    uint32_t n;
    bool full;
};

static void add(struct reach *r, struct s3p_id key)
{
    for (uint32_t k = 0; k < r->n; k++)
        if (s3p_id_eq(r->key[k], key))
            return;
    if (r->n == REACH_MAX)
        r->full = true;
    else
        r->key[r->n++] = key;
}

/* The sources of the copies to a key. */
static void add_sources(const struct s3p_objects *o, struct reach *r, struct s3p_id key)
{
    const uint32_t *first = s3p_idmap_find(&o->copied_to, key);
    if (first == NULL)
        return;
    const struct s3p_copied *to = &o->copy[*first];
    for (uint32_t k = *first; k < o->ncopy && !r->full; k++) {
        if (o->copy[k].place != to->place || o->copy[k].key_index != to->key_index)
            return;
        add(r, o->copy[k].source);
    }
}

/* Whether parts were copied to one of the keys: a body of it may have any pieces of others. */
static bool nameless(const struct s3p_objects *o, const struct reach *r)
{
    for (uint32_t k = 0; k < r->n; k++) {
        const uint32_t *by = s3p_idmap_find(&o->brought_to, r->key[k]);
        if (by != NULL && (*by & S3P_BROUGHT_IN_PARTS) != 0)
            return true;
    }
    return false;
}

bool s3p_objects_brought(const struct s3p_objects *o, const struct s3p_row *key, uint32_t copy,
                         struct s3p_id body, int64_t by, const struct s3p_origin **known)
{
    struct reach r = {.n = 0};
    const uint32_t *at = s3p_idmap_find(&o->by_body, body);
    *known = at != NULL ? &o->origin[*at] : NULL;
    if (copy != S3P_NO_RECORD)
        add(&r, o->copy[copy].source);
    else
        add_sources(o, &r, s3p_idmap_pair(key->place, key->key_index));
    for (uint32_t k = 0; S3P_OFF(COPY_ONE_STEP, k < r.n && !r.full); k++)
        add_sources(o, &r, r.key[k]);
    bool any = r.full || S3P_OFF(COPY_NAMELESS_OFF, nameless(o, &r));
    if (any)
        *known = NULL;
    if (*known == NULL)
        return any;
    struct s3p_id from = s3p_idmap_pair((*known)->place, (*known)->key_index);
    bool reached = false;
    for (uint32_t k = 0; k < r.n; k++)
        reached |= s3p_id_eq(r.key[k], from);
    return S3P_ON(COPY_REACH_ANY, reached) &&
           S3P_MUT(S3P_MUT_COPY_TIME_LT, (*known)->inv <= by, (*known)->inv < by);
}
