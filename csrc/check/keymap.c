#include "check/keymap.h"

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"

static int add(struct s3p_keymap *m, struct s3p_alias a, uint32_t *cap, struct s3p_err *err)
{
    if (m->naliases == *cap) {
        *cap = *cap == 0 ? 16 : *cap * 2;
        struct s3p_alias *p = s3p_realloc(m->alias, *cap * sizeof *p);
        if (p == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "%u aliases of keys", *cap);
        m->alias = p;
    }
    m->alias[m->naliases++] = a;
    m->aliased[a.place] = true;
    return 0;
}

/* Where the text of (place, index) belongs, if a generated space has it. False: where it is. */
static bool lookup(const struct s3p_keymap *m, const struct s3p_head *h, struct s3p_alias *a)
{
    struct s3p_buf text;
    uint16_t space = 0;
    uint64_t index = 0;
    s3p_buf_init(&text, 4096);
    s3p_keynames_text(h->names, (uint16_t)(a->place / m->buckets), a->key_index, &text);
    bool found = s3p_buf_ok(&text) &&
                 s3p_keynames_anywhere(h->names, (uint16_t)(a->place % m->buckets),
                                       (struct s3p_str){text.data, text.len}, true, &space,
                                       &index);
    s3p_buf_free(&text);
    a->to_place = (uint16_t)(space * m->buckets + a->place % m->buckets);
    a->to_index = index;
    return found && a->to_place != a->place;
}

/* Fixed keys by their text: the first place that has a text is the canonical one. */
struct texts {
    uint64_t *hash; /* open addressing; 0: empty */
    struct s3p_alias *at;
    uint64_t mask;
};

static uint64_t text_hash(uint32_t bucket, struct s3p_str t)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ bucket;
    for (size_t i = 0; i < t.len; i++)
        h = (h ^ (uint8_t)t.p[i]) * UINT64_C(0x100000001b3);
    return h | 1;
}

static bool same_text(const struct s3p_head *h, const struct s3p_keymap *m,
                      const struct s3p_alias *a, const struct s3p_alias *b)
{
    if (a->place % m->buckets != b->place % m->buckets)
        return false;
    struct s3p_str s = s3p_head_key(h, a->place / m->buckets, a->key_index);
    struct s3p_str t = s3p_head_key(h, b->place / m->buckets, b->key_index);
    return s.len == t.len && memcmp(s.p, t.p, s.len) == 0;
}

/* Fills a->to_… and returns true when the text was there before; else puts it there. */
static bool find_or_put(struct texts *x, const struct s3p_head *h, const struct s3p_keymap *m,
                        struct s3p_alias *a)
{
    uint64_t hash =
        text_hash(a->place % m->buckets, s3p_head_key(h, a->place / m->buckets, a->key_index));
    uint64_t i = hash & x->mask;
    for (; x->hash[i] != 0; i = (i + 1) & x->mask)
        if (x->hash[i] == hash && same_text(h, m, a, &x->at[i])) {
            a->to_place = x->at[i].place;
            a->to_index = x->at[i].key_index;
            return true;
        }
    x->hash[i] = hash;
    x->at[i] = *a;
    return false;
}

static int map_place(struct s3p_keymap *m, const struct s3p_head *h, uint16_t place,
                     struct texts *x, uint32_t *cap, struct s3p_err *err)
{
    uint32_t space = place / m->buckets;
    uint64_t count = s3p_head_space_count(h, space);
    if (s3p_head_space_fixed(h, space)) {
        for (uint64_t i = 0; i < count; i++) {
            struct s3p_alias a = {.key_index = i, .place = place};
            if (lookup(m, h, &a) || find_or_put(x, h, m, &a))
                S3P_TRY(add(m, a, cap, err));
        }
        return 0;
    }
    struct s3p_alias first = {.key_index = 0, .place = place},
                     last = {.key_index = count - 1, .place = place};
    if (count > 0 && (lookup(m, h, &first) || lookup(m, h, &last))) {
        struct s3p_alias all = {S3P_NO_INDEX, S3P_NO_INDEX, place,
                                first.to_place != place ? first.to_place : last.to_place};
        S3P_TRY(add(m, all, cap, err));
    }
    return 0;
}

static int map_places(struct s3p_keymap *m, const struct s3p_head *h, struct s3p_err *err)
{
    uint64_t keys = 0, size = 16;
    for (uint32_t s = 0; s < h->spaces; s++)
        keys += s3p_head_space_fixed(h, s) ? s3p_head_space_count(h, s) * h->buckets : 0;
    while (size < 2 * keys)
        size *= 2;
    struct texts x = {s3p_calloc(size, sizeof *x.hash), s3p_calloc(size, sizeof *x.at), size - 1};
    uint32_t cap = 0;
    int rc = x.hash != NULL && x.at != NULL
                 ? 0
                 : s3p_fail(err, S3P_ENOMEM, 0, "key map of %llu keys", (unsigned long long)keys);
    for (uint32_t place = 0; place < m->places && rc == 0; place++)
        rc = map_place(m, h, (uint16_t)place, &x, &cap, err);
    s3p_free(x.hash);
    s3p_free(x.at);
    return rc;
}

static int compare_target(const void *va, const void *vb)
{
    const struct s3p_alias *a = va, *b = vb;
    int c = (a->to_place > b->to_place) - (a->to_place < b->to_place);
    if (c == 0)
        c = (a->to_index > b->to_index) - (a->to_index < b->to_index);
    return c != 0 ? c : (a->place > b->place) - (a->place < b->place);
}

static int turn_round(struct s3p_keymap *m, struct s3p_err *err)
{
    if (m->naliases == 0)
        return 0;
    m->back = s3p_alloc(m->naliases * sizeof *m->back);
    if (m->back == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%u aliases of keys", m->naliases);
    memcpy(m->back, m->alias, m->naliases * sizeof *m->back);
    qsort(m->back, m->naliases, sizeof *m->back, compare_target);
    return 0;
}

int s3p_keymap_create(struct s3p_keymap *m, const struct s3p_head *h, struct s3p_err *err)
{
    memset(m, 0, sizeof *m);
    m->head = h;
    m->buckets = h->buckets;
    m->places = h->spaces * h->buckets;
    m->aliased = s3p_calloc(m->places + 1, sizeof *m->aliased);
    if (m->aliased == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "key map of %u places", m->places);
    int rc = map_places(m, h, err);
    if (rc == 0)
        rc = turn_round(m, err);
    if (rc != 0)
        s3p_keymap_free(m);
    return rc;
}

void s3p_keymap_free(struct s3p_keymap *m)
{
    s3p_free(m->aliased);
    s3p_free(m->alias);
    s3p_free(m->back);
    memset(m, 0, sizeof *m);
}

void s3p_keymap_canon(const struct s3p_keymap *m, uint16_t *place, uint64_t *key_index)
{
    uint32_t lo = 0, hi = m->naliases;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const struct s3p_alias *a = &m->alias[mid];
        if (a->place < *place || (a->place == *place && a->key_index < *key_index))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == m->naliases || m->alias[lo].place != *place)
        return;
    const struct s3p_alias *a = &m->alias[lo];
    if (a->key_index == S3P_NO_INDEX)
        *place = a->to_place;
    else if (a->key_index == *key_index) {
        *place = a->to_place;
        *key_index = a->to_index;
    }
}

bool s3p_keymap_find(const struct s3p_keymap *m, uint16_t bucket, struct s3p_str key,
                     uint16_t *place, uint64_t *key_index)
{
    const struct s3p_keynames *names = m->head->names;
    uint16_t space;
    if (!s3p_keynames_anywhere(names, bucket, key, true, &space, key_index) &&
        !s3p_keynames_anywhere(names, bucket, key, false, &space, key_index))
        return false;
    *place = (uint16_t)(space * m->buckets + bucket);
    if (m->aliased[*place])
        s3p_keymap_canon(m, place, key_index);
    return true;
}

static void visit_target(const struct s3p_keymap *m, uint16_t place, uint64_t key_index,
                         void (*visit)(void *ctx, uint16_t place), void *ctx)
{
    uint32_t lo = 0, hi = m->naliases;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const struct s3p_alias *a = &m->back[mid];
        if (a->to_place < place || (a->to_place == place && a->to_index < key_index))
            lo = mid + 1;
        else
            hi = mid;
    }
    for (const struct s3p_alias *a = m->back + lo; a < m->back + m->naliases; a++) {
        if (a->to_place != place || a->to_index != key_index)
            return;
        visit(ctx, a->place);
    }
}

void s3p_keymap_others(const struct s3p_keymap *m, uint16_t place, uint64_t key_index,
                       void (*visit)(void *ctx, uint16_t place), void *ctx)
{
    visit_target(m, place, key_index, visit, ctx);
    visit_target(m, place, S3P_NO_INDEX, visit, ctx);
}
