#include "engine/keyspace.h"

#include <string.h>

#include "core/alloc.h"
#include "core/text.h"
#include "s3/body.h"

const char *const s3p_space_kind_name[S3P_SPACE_KINDS] = {
    [S3P_SPACE_FIXED] = "fixed",     [S3P_SPACE_SEQUENCE] = "sequence",
    [S3P_SPACE_UNIFORM] = "uniform", [S3P_SPACE_ZIPF] = "zipf",
    [S3P_SPACE_OWN] = "own",         [S3P_SPACE_LIFECYCLE] = "lifecycle",
};

struct s3p_fixed_key {
    struct s3p_str text;
    struct s3p_keyref ref;
    uint16_t bucket;
};

static uint32_t slot_of(const struct s3p_spaces *s, uint16_t bucket, struct s3p_str key)
{
    char role[2] = {(char)('a' + bucket % 26), (char)('a' + bucket / 26)};
    uint64_t h = s3p_mix64(s3p_key_hash(role, sizeof role, key.p, key.len));
    uint32_t at = (uint32_t)h & s->table_mask;
    for (; s->table[at] != 0; at = (at + 1) & s->table_mask) {
        const struct s3p_fixed_key *k = &s->fixed[s->table[at] - 1];
        if (k->bucket == bucket && k->text.len == key.len && memcmp(k->text.p, key.p, key.len) == 0)
            break;
    }
    return at;
}

int s3p_spaces_index(struct s3p_spaces *s, struct s3p_arena *arena, struct s3p_str *clash)
{
    uint64_t keys = 0, size = 8;
    for (int i = 0; i < s->n; i++)
        keys += s->space[i].kind == S3P_SPACE_FIXED ? s->space[i].count : 0;
    while (size < keys * 2)
        size *= 2;
    s->fixed = s3p_arena_alloc(arena, keys * sizeof *s->fixed);
    s->table = s3p_arena_alloc(arena, size * sizeof *s->table);
    if (s->fixed == NULL || s->table == NULL)
        return S3P_ENOMEM;
    s->table_mask = (uint32_t)size - 1;
    s->nfixed = 0;
    for (int i = 0; i < s->n; i++) {
        const struct s3p_space *sp = &s->space[i];
        for (uint64_t k = 0; sp->kind == S3P_SPACE_FIXED && k < sp->count; k++) {
            uint32_t at = slot_of(s, sp->bucket, sp->keys[k]);
            if (s->table[at] != 0) {
                *clash = sp->keys[k];
                return S3P_EINVAL;
            }
            s->fixed[s->nfixed] = (struct s3p_fixed_key){
                .text = sp->keys[k], .ref = {k, (uint16_t)i}, .bucket = sp->bucket};
            s->table[at] = ++s->nfixed;
        }
    }
    return 0;
}

static bool parse_digits(struct s3p_str text, size_t from, size_t digits, uint64_t *out)
{
    return from + digits <= text.len && s3p_parse_u64(text.p + from, digits, out);
}

static bool generated_index(const struct s3p_space *s, struct s3p_str key, uint64_t *index)
{
    if (s->kind == S3P_SPACE_FIXED || key.len < s->prefix.len + S3P_INDEX_DIGITS ||
        (s->prefix.len != 0 && memcmp(key.p, s->prefix.p, s->prefix.len) != 0))
        return false;
    size_t at = key.len - S3P_INDEX_DIGITS;
    if (!parse_digits(key, at, S3P_INDEX_DIGITS, index) || *index >= s->count)
        return false;
    if (s->kind != S3P_SPACE_OWN)
        return at == s->prefix.len;
    uint64_t client;
    if (at != s->prefix.len + S3P_OWN_CLIENT_DIGITS + 1 || key.p[at - 1] != '/' ||
        !parse_digits(key, s->prefix.len, S3P_OWN_CLIENT_DIGITS, &client))
        return false;
    *index += client * s->count;
    return true;
}

bool s3p_spaces_find_generated(const struct s3p_spaces *s, uint16_t bucket, struct s3p_str key,
                               struct s3p_keyref *out)
{
    for (int i = 0; i < s->n; i++) {
        if (s->space[i].bucket == bucket && generated_index(&s->space[i], key, &out->index)) {
            out->space = (uint16_t)i;
            return true;
        }
    }
    return false;
}

bool s3p_spaces_find(const struct s3p_spaces *s, uint16_t bucket, struct s3p_str key,
                     struct s3p_keyref *out)
{
    uint32_t entry = s->table != NULL ? s->table[slot_of(s, bucket, key)] : 0;
    if (entry == 0)
        return s3p_spaces_find_generated(s, bucket, key, out);
    *out = s->fixed[entry - 1].ref;
    return true;
}

static char *put_digits(char *p, uint64_t v, int width)
{
    for (int i = width - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + width;
}

struct s3p_str s3p_space_text(const struct s3p_space *s, uint64_t index, char scratch[S3P_KEY_MAX])
{
    if (s->kind == S3P_SPACE_FIXED)
        return index < s->count ? s->keys[index] : (struct s3p_str){"", 0};
    memcpy(scratch, s->prefix.p, s->prefix.len);
    char *p = scratch + s->prefix.len;
    if (s->kind == S3P_SPACE_OWN) {
        p = put_digits(p, index / s->count, S3P_OWN_CLIENT_DIGITS);
        *p++ = '/';
        index %= s->count;
    }
    p = put_digits(p, index, S3P_INDEX_DIGITS);
    return (struct s3p_str){scratch, (size_t)(p - scratch)};
}

bool s3p_space_constant(const struct s3p_space *s, uint64_t index)
{
    return s->constant || (s->constant_key != NULL && index < s->count && s->constant_key[index]);
}

/* State of one space in one worker. A lifecycle space keeps the acked keys as an unordered list, so
 * that a draw and a removal are O(1); keys that were given back unwritten are taken again before
 * new ones. */
struct pool {
    uint64_t next; /* sequence and fresh keys: the next index that was never given out */
    uint32_t *acked, *back;
    uint64_t nacked, nback;
};
struct s3p_chooser {
    const struct s3p_spaces *spaces;
    uint64_t step; /* workers: the residue classes of a sequence */
    struct pool pool[];
};

static bool owns_lifecycle(const struct s3p_space *s, int worker)
{
    return s->kind == S3P_SPACE_LIFECYCLE && s->chosen && worker == 0;
}

size_t s3p_chooser_bytes(const struct s3p_spaces *spaces, int worker)
{
    size_t bytes = sizeof(struct s3p_chooser) + (size_t)spaces->n * sizeof(struct pool);
    for (int i = 0; i < spaces->n; i++)
        if (owns_lifecycle(&spaces->space[i], worker))
            bytes += 2 * spaces->space[i].count * sizeof(uint32_t);
    return bytes;
}

int s3p_chooser_create(struct s3p_chooser **out, const struct s3p_spaces *spaces, int worker,
                       int workers, struct s3p_err *err)
{
    size_t bytes = sizeof(struct s3p_chooser) + (size_t)spaces->n * sizeof(struct pool);
    struct s3p_chooser *c = s3p_calloc(1, bytes);
    if (c == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for %d key spaces", spaces->n);
    c->spaces = spaces;
    c->step = (uint64_t)workers;
    for (int i = 0; i < spaces->n; i++) {
        const struct s3p_space *s = &spaces->space[i];
        struct pool *p = &c->pool[i];
        p->next = s->kind == S3P_SPACE_SEQUENCE ? (uint64_t)worker : 0;
        if (!owns_lifecycle(s, worker))
            continue;
        p->acked = s3p_calloc(s->count, sizeof *p->acked);
        p->back = s3p_calloc(s->count, sizeof *p->back);
        if (p->acked == NULL || p->back == NULL) {
            s3p_chooser_free(c);
            return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for key space %.*s",
                            (int)s->name.len, s->name.p);
        }
    }
    *out = c;
    return 0;
}

void s3p_chooser_free(struct s3p_chooser *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < c->spaces->n; i++) {
        s3p_free(c->pool[i].acked);
        s3p_free(c->pool[i].back);
    }
    s3p_free(c);
}

static bool next_below(struct pool *p, uint64_t count, uint64_t step, uint64_t *index)
{
    if (p->next >= count)
        return false;
    *index = p->next;
    p->next += step;
    return true;
}

static bool choose_acked(struct pool *p, bool take, struct s3p_rng *rng, uint64_t *index)
{
    if (p->nacked == 0)
        return false;
    uint64_t at = s3p_rng_below(rng, p->nacked);
    *index = p->acked[at];
    if (take)
        p->acked[at] = p->acked[--p->nacked];
    return true;
}

static bool choose_lifecycle(struct pool *p, uint64_t count, enum s3p_take take,
                             struct s3p_rng *rng, uint64_t *index)
{
    if (p->acked == NULL)
        return false;
    if (take != S3P_TAKE_FRESH)
        return choose_acked(p, take == S3P_TAKE_ACKED, rng, index);
    if (p->nback == 0)
        return next_below(p, count, 1, index);
    *index = p->back[--p->nback];
    return true;
}

bool s3p_choose(struct s3p_chooser *c, uint16_t space, enum s3p_take take,
                const struct s3p_draw *who, uint64_t *index)
{
    const struct s3p_space *s = &c->spaces->space[space];
    struct pool *p = &c->pool[space];
    switch (s->kind) {
    case S3P_SPACE_FIXED:
    case S3P_SPACE_UNIFORM:
        *index = s3p_rng_below(who->rng, s->count);
        return true;
    case S3P_SPACE_ZIPF:
        *index = s3p_zipf_draw(&s->zipf, who->rng);
        return true;
    case S3P_SPACE_SEQUENCE:
        return next_below(p, s->count, c->step, index);
    case S3P_SPACE_OWN:
        *index = who->client * s->count + who->own_next[space];
        who->own_next[space] = (who->own_next[space] + 1) % s->count;
        return true;
    case S3P_SPACE_LIFECYCLE:
        return choose_lifecycle(p, s->count, take, who->rng, index);
    default:
        return false;
    }
}

void s3p_hold_release(struct s3p_chooser *c, struct s3p_hold *h)
{
    if (!h->held)
        return;
    struct pool *p = &c->pool[h->key.space];
    uint32_t index = (uint32_t)h->key.index;
    bool retired = h->deleted || h->unknown;
    if (!retired && (h->written || h->was_acked))
        p->acked[p->nacked++] = index;
    else if (!retired)
        p->back[p->nback++] = index;
    *h = (struct s3p_hold){0};
}
