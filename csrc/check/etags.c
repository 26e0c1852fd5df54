#include "check/etags.h"

#include <string.h>

#include "core/alloc.h"
#include "s3/outcome.h"

enum { HITS_PER_KEY = 16, TABLE_MIN = 64, KEYS_MIN = 64, VALUES_MIN = 64, LITTLE = 1 << 13 };
#define SHARED (UINT32_C(1) << 31) /* of an entry of x->etags: two values showed it */

void s3p_index_free(struct s3p_index *x)
{
    s3p_free(x->order);
    s3p_free(x->number_of);
    s3p_free(x->key);
    s3p_free(x->value);
    s3p_free(x->keys.at);
    s3p_free(x->tokens.at);
    s3p_free(x->etags.at);
    memset(x, 0, sizeof *x);
}

/* ---- tables ---- */

static uint64_t hash(uint64_t a)
{
    return a * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t hash_key(uint64_t key_index, uint16_t place)
{
    return hash(key_index + ((uint64_t)place << 32) + 1);
}

static uint32_t first_place(const struct s3p_table *t, uint64_t h)
{
    return (uint32_t)((h >> 32) * t->size >> 32);
}

static uint32_t next_place(const struct s3p_table *t, uint32_t i)
{
    return i + 1 < t->size ? i + 1 : 0;
}

/* Empties the table, with room for `n`: in an eighth of it, for speed, while that is little. */
static int clear(struct s3p_table *t, uint64_t n, struct s3p_err *err)
{
    uint64_t size = (n < LITTLE ? 8 * n : n + n / 2) + TABLE_MIN;
    if (size > UINT32_MAX)
        return s3p_fail(err, S3P_ELIMIT, 0, "index of %llu entries", (unsigned long long)n);
    if (size > t->cap) {
        s3p_free(t->at);
        t->at = s3p_alloc(size * sizeof *t->at);
        t->cap = t->at != NULL ? (uint32_t)size : 0;
        if (t->at == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "index of %llu entries", (unsigned long long)n);
    }
    t->size = (uint32_t)size;
    t->used = 0;
    memset(t->at, 0xff, size * sizeof *t->at);
    return 0;
}

static bool is_full(const struct s3p_table *t)
{
    return t->used >= t->size / 3 * 2;
}

static void insert(struct s3p_table *t, uint64_t h, uint32_t entry)
{
    uint32_t i = first_place(t, h);
    while (t->at[i] != S3P_NO_ROW)
        i = next_place(t, i);
    t->at[i] = entry;
    t->used++;
}

/* ---- keys ---- */

static int reserve(struct s3p_index *x, uint32_t n, struct s3p_err *err)
{
    if (n <= x->cap)
        return 0;
    uint32_t cap = n + n / 8;
    s3p_free(x->order);
    s3p_free(x->number_of);
    x->order = s3p_alloc(cap * sizeof *x->order);
    x->number_of = s3p_alloc(cap * sizeof *x->number_of);
    x->cap = x->order != NULL && x->number_of != NULL ? cap : 0;
    return x->cap != 0 ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "index of %u attempts", n);
}

int s3p_index_open(struct s3p_index *x, struct s3p_err *err)
{
    x->n = x->nkeys = x->nmixed = x->last = 0;
    return clear(&x->keys, x->key_cap, err);
}

static int more_keys(struct s3p_index *x, struct s3p_err *err)
{
    uint32_t cap = x->key_cap == 0 ? KEYS_MIN : 2 * x->key_cap;
    struct s3p_key *p = s3p_realloc(x->key, (size_t)cap * sizeof *p);
    if (p == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "index of %u keys", cap);
    x->key = p;
    x->key_cap = cap;
    S3P_TRY(clear(&x->keys, cap, err));
    for (uint32_t k = 0; k < x->nkeys; k++)
        insert(&x->keys, hash_key(p[k].key_index, p[k].place), k);
    return 0;
}

/* Looks for the key in the table, and puts it there. */
static __attribute__((noinline)) int seek_key(struct s3p_index *x, const struct s3p_kept *r,
                                              uint32_t *out, struct s3p_err *err)
{
    uint64_t h = hash_key(r->key_index, r->place);
    for (uint32_t i = first_place(&x->keys, h); x->keys.at[i] != S3P_NO_ROW;
         i = next_place(&x->keys, i)) {
        const struct s3p_key *k = &x->key[x->keys.at[i]];
        if (k->key_index == r->key_index && k->place == r->place) {
            *out = x->last = x->keys.at[i];
            return 0;
        }
    }
    if (x->nkeys == x->key_cap)
        S3P_TRY(more_keys(x, err));
    insert(&x->keys, h, x->nkeys);
    x->key[x->nkeys] = (struct s3p_key){.key_index = r->key_index, .place = r->place};
    *out = x->last = x->nkeys++;
    return 0;
}

static inline int find_key(struct s3p_index *x, const struct s3p_kept *r, uint32_t *out,
                           struct s3p_err *err)
{
    const struct s3p_key *k = &x->key[x->last];
    if (x->nkeys == 0 || k->key_index != r->key_index || k->place != r->place)
        return seek_key(x, r, out, err);
    *out = x->last; /* attempts on one key come in clusters */
    return 0;
}

/* Finds the row's key, S3P_NO_VALUE when it says nothing, and counts it there. */
static inline int note_key(struct s3p_index *x, const struct s3p_kept *r, uint32_t *key,
                           struct s3p_err *err)
{
    *key = S3P_NO_VALUE;
    if (r->kind == S3P_ROW_NONE)
        return 0;
    S3P_TRY(find_key(x, r, key, err));
    struct s3p_key *k = &x->key[*key];
    if (r->kind == S3P_ROW_MIXED) {
        x->nmixed++;
        return 0;
    }
    uint8_t read = r->kind == S3P_ROW_READ;
    k->rows++;
    k->reads += read;
    k->answers += read & s3p_kept_answers(r);
    if (r->kind == S3P_ROW_SPOIL) {
        uint8_t why = (uint8_t)(r->value + 1);
        k->spoiled = k->spoiled == 0 || why < k->spoiled ? why : k->spoiled;
        k->blended |= r->value == S3P_WHY_COPY || r->value == S3P_WHY_MULTIPART;
        return 0;
    }
    k->refuses |= (r->bits & S3P_ROW_EVIDENCE) == S3P_EV_NOT_MATCH;
    k->claimed |= (r->bits & S3P_ROW_EVIDENCE) == S3P_EV_PRESENT;
    k->weak |= (r->bits & S3P_ROW_WEAK) != 0;
    if (r->kind == S3P_ROW_DELETE) {
        k->refuses = true;
        k->by_version |= r->size == S3P_ROW_BY_VERSION;
    }
    return 0;
}

static void group(struct s3p_index *x)
{
    uint32_t at = 0;
    for (uint32_t k = 0; k < x->nkeys; k++) {
        x->key[k].first = at;
        at += s3p_key_kept(&x->key[k]);
        x->key[k].next[0] = x->key[k].first;
        x->key[k].next[1] = x->key[k].first + x->key[k].rows - x->key[k].reads;
    }
    for (uint32_t i = 0; i < x->n; i++)
        if (x->number_of[i] != S3P_NO_VALUE && x->row[i].kind != S3P_ROW_MIXED)
            x->order[x->key[x->number_of[i]].next[x->row[i].kind == S3P_ROW_READ]++] = i;
}

int s3p_index_build(struct s3p_index *x, const struct s3p_kept *rows, uint32_t n,
                    struct s3p_err *err)
{
    S3P_TRY(s3p_index_open(x, err));
    S3P_TRY(reserve(x, n, err));
    x->row = rows;
    x->n = n;
    for (uint32_t i = 0; i < n; i++)
        S3P_TRY(note_key(x, &rows[i], &x->number_of[i], err));
    group(x);
    return 0;
}

int s3p_index_see(struct s3p_index *x, const struct s3p_kept *r, uint32_t *key, struct s3p_err *err)
{
    return note_key(x, r, key, err);
}

int s3p_index_find(struct s3p_index *x, const struct s3p_kept *r, uint32_t *key,
                   struct s3p_err *err)
{
    return find_key(x, r, key, err);
}

int s3p_index_group(struct s3p_index *x, struct s3p_err *err)
{
    S3P_TRY(reserve(x, x->n + 1, err)); /* one for a read that is not kept */
    for (uint32_t i = 0; i < x->n; i++) {
        x->number_of[i] = S3P_NO_VALUE;
        if (x->row[i].kind != S3P_ROW_NONE)
            S3P_TRY(find_key(x, &x->row[i], &x->number_of[i], err));
    }
    group(x);
    return 0;
}

/* ---- values of one key ---- */

static int more_values(struct s3p_index *x, uint32_t cap, struct s3p_err *err)
{
    struct s3p_value *p = s3p_realloc(x->value, ((size_t)cap + 1) * sizeof *p);
    if (p == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "index of %u values", cap);
    x->value = p;
    x->value_cap = cap;
    return 0;
}

static int more_tokens(struct s3p_index *x, struct s3p_err *err)
{
    S3P_TRY(clear(&x->tokens, 2 * (uint64_t)x->values, err));
    for (uint32_t v = 1; v <= x->values; v++)
        insert(&x->tokens, hash(x->value[v].token), v);
    return 0;
}

static __attribute__((noinline)) int add_value(struct s3p_index *x, uint64_t token,
                                               struct s3p_err *err)
{
    if (is_full(&x->tokens))
        S3P_TRY(more_tokens(x, err));
    if (x->values == x->value_cap)
        S3P_TRY(more_values(x, 2 * x->value_cap + VALUES_MIN, err));
    x->value[++x->values] = (struct s3p_value){token, 0, S3P_NO_ROW, S3P_NO_ROW};
    insert(&x->tokens, hash(token), x->values);
    return 0;
}

static inline int find_value(struct s3p_index *x, uint64_t token, uint32_t *out,
                             struct s3p_err *err)
{
    const struct s3p_table *t = &x->tokens;
    for (uint32_t i = first_place(t, hash(token)); t->at[i] != S3P_NO_ROW; i = next_place(t, i)) {
        *out = t->at[i];
        if (x->value[*out].token == token)
            return 0;
    }
    S3P_TRY(add_value(x, token, err));
    *out = x->values;
    return 0;
}

/* The entry of an ETag, or the empty place for it. */
static uint32_t *etag_place(const struct s3p_index *x, uint64_t etag)
{
    uint32_t i = first_place(&x->etags, hash(etag));
    while (x->etags.at[i] != S3P_NO_ROW && x->row[x->etags.at[i] & ~SHARED].etag != etag)
        i = next_place(&x->etags, i);
    return &x->etags.at[i];
}

uint32_t s3p_index_etag(const struct s3p_index *x, uint64_t etag)
{
    uint32_t entry = etag != 0 ? *etag_place(x, etag) : S3P_NO_ROW;
    if (entry == S3P_NO_ROW)
        return S3P_NO_VALUE;
    return (entry & SHARED) != 0 ? S3P_AMBIGUOUS : x->number_of[entry];
}

uint32_t s3p_index_size(const struct s3p_index *x, uint32_t value)
{
    uint32_t write = x->value[value].write;
    return write != S3P_NO_ROW ? x->row[write].size : 0;
}

static int add_etag(struct s3p_index *x, uint32_t i, struct s3p_err *err)
{
    if (is_full(&x->etags)) {
        struct s3p_table old = x->etags;
        x->etags = (struct s3p_table){.at = NULL};
        int rc = clear(&x->etags, 2 * (uint64_t)old.used, err);
        for (uint32_t k = 0; rc == 0 && k < old.size; k++)
            if (old.at[k] != S3P_NO_ROW)
                insert(&x->etags, hash(x->row[old.at[k] & ~SHARED].etag), old.at[k]);
        s3p_free(old.at);
        S3P_TRY(rc);
    }
    insert(&x->etags, hash(x->row[i].etag), i);
    return 0;
}

static int mismatch(struct s3p_index *x, uint32_t a, uint32_t b, struct s3p_tally *t,
                    struct s3p_err *err)
{
    struct s3p_key *k = &x->key[x->current];
    if (k->blended || k->hits++ >= HITS_PER_KEY)
        return 0;
    struct s3p_hit h = {.key_index = k->key_index,
                        .place = k->place,
                        .rule = S3P_RULE_ETAG_MISMATCH,
                        .n = 2,
                        .record = {x->row[a].record, x->row[b].record}};
    return s3p_tally_hit(t, &h, err);
}

/* Row i showed value `v` with an ETag that it was not known to have. */
static __attribute__((noinline)) int note_etag(struct s3p_index *x, uint32_t i, uint32_t v,
                                               struct s3p_tally *t, struct s3p_err *err)
{
    struct s3p_value *s = &x->value[v];
    const struct s3p_kept *r = &x->row[i];
    if (s->etag != 0)
        S3P_TRY(mismatch(x, i, s->etag_row, t, err)); /* one value, two ETags */
    uint32_t *at = etag_place(x, r->etag);
    if (*at == S3P_NO_ROW) {
        S3P_TRY(add_etag(x, i, err));
    } else if ((*at & SHARED) == 0 && x->number_of[*at] != v) {
        *at |= SHARED; /* judged when all bodies of the key are known to be long enough */
        x->shared = true;
    }
    if (s->etag == 0) {
        s->etag = r->etag;
        s->etag_row = i;
    }
    return 0;
}

/* Of reads that are kept after all. */
static int more_numbers(struct s3p_index *x, uint32_t n, struct s3p_err *err)
{
    if (n <= x->cap)
        return 0;
    uint32_t cap = n + n / 8;
    uint32_t *p = s3p_realloc(x->number_of, cap * sizeof *p);
    if (p != NULL)
        x->number_of = p;
    uint32_t *o = p != NULL ? s3p_realloc(x->order, cap * sizeof *o) : NULL;
    if (o == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "index of %u attempts", n);
    x->order = o;
    x->cap = cap;
    return 0;
}

/* Finds the row's value. */
static inline __attribute__((always_inline)) int
note_value(struct s3p_index *x, uint32_t i, struct s3p_tally *t, struct s3p_err *err)
{
    const struct s3p_kept *r = &x->row[i];
    uint32_t v;
    x->number_of[i] = S3P_NO_VALUE;
    if (r->kind == S3P_ROW_SPOIL || r->value == 0)
        return 0;
    S3P_TRY(find_value(x, r->value, &v, err));
    x->number_of[i] = v;
    if (r->kind != S3P_ROW_READ) {
        struct s3p_value *s = &x->value[v];
        if (s->write != S3P_NO_ROW)
            return s3p_fail(err, S3P_EFORMAT, 0,
                            "record %u: its value id was written before, by record %u", r->record,
                            x->row[s->write].record);
        s->write = i;
    }
    bool known = r->etag == 0 || r->etag_is == S3P_KEPT_EXPECT || r->etag == x->value[v].etag;
    return known ? 0 : note_etag(x, i, v, t, err);
}

static bool hides_etag(const struct s3p_index *x)
{
    for (uint32_t v = 1; v <= x->values; v++) {
        const struct s3p_value *s = &x->value[v];
        if (s->etag == 0 && s->write != S3P_NO_ROW &&
            s3p_kept_outcome(&x->row[s->write]) != S3P_FAILED)
            return true;
    }
    return false;
}

/* Two values under one ETag, on a key whose bodies cannot be equal. */
static int judge_shared(struct s3p_index *x, struct s3p_tally *t, struct s3p_err *err)
{
    const struct s3p_key *k = &x->key[x->current];
    for (uint32_t v = 1; v <= x->values; v++) {
        const struct s3p_value *s = &x->value[v];
        if (k->weak || k->spoiled || s3p_index_etag(x, s->etag) != S3P_AMBIGUOUS)
            continue;
        for (uint32_t j = 1; j < v; j++)
            if (x->value[j].etag == s->etag) {
                S3P_TRY(mismatch(x, s->etag_row, x->value[j].etag_row, t, err));
                break;
            }
    }
    return 0;
}

int s3p_index_key(struct s3p_index *x, uint32_t key, struct s3p_tally *t, struct s3p_err *err)
{
    struct s3p_key *k = &x->key[key];
    uint32_t writes = k->rows - k->reads; /* what others read was never written: it may be more */
    x->current = key;
    x->values = 0;
    x->shared = false;
    if (writes > x->value_cap)
        S3P_TRY(more_values(x, writes, err));
    S3P_TRY(clear(&x->tokens, writes, err));
    S3P_TRY(clear(&x->etags, writes, err));
    for (uint32_t j = 0; j < s3p_key_kept(k); j++)
        S3P_TRY(note_value(x, x->order[k->first + j], t, err));
    return 0;
}

int s3p_index_read(struct s3p_index *x, uint32_t i, bool *first, struct s3p_tally *t,
                   struct s3p_err *err)
{
    uint32_t etags = x->etags.used;
    S3P_TRY(note_value(x, i, t, err));
    uint32_t v = x->number_of[i];
    *first = etags != x->etags.used || (v != S3P_NO_VALUE && x->value[v].etag_row == i);
    return *first ? more_numbers(x, i + 2, err) : 0;
}

int s3p_index_settle(struct s3p_index *x, struct s3p_tally *t, struct s3p_err *err)
{
    x->key[x->current].hides_etag = hides_etag(x);
    return x->shared ? judge_shared(x, t, err) : 0;
}

int s3p_index_number(struct s3p_index *x, uint32_t i, struct s3p_err *err)
{
    x->number_of[i] = S3P_NO_VALUE;
    return x->row[i].value != 0 ? find_value(x, x->row[i].value, &x->number_of[i], err) : 0;
}

void s3p_index_forget(struct s3p_index *x)
{
    s3p_free(x->tokens.at);
    s3p_free(x->etags.at);
    s3p_free(x->value);
    x->tokens = x->etags = (struct s3p_table){.at = NULL};
    x->value = NULL;
    x->values = x->value_cap = 0;
    x->key[x->current].hits = HITS_PER_KEY;
}

uint64_t s3p_index_bytes(uint64_t rows, uint64_t values)
{
    uint64_t table = sizeof(uint32_t) * 3 / 2;
    return rows * 2 * sizeof(uint32_t) + values * (sizeof(struct s3p_value) + 2 * table) +
           (1 << 16);
}
