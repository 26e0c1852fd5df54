#include "check/etags.h"

#include <string.h>

#include "core/alloc.h"
#include "s3/outcome.h"

enum { HITS_PER_KEY = 16 };

void s3p_index_free(struct s3p_index *x)
{
    s3p_free(x->key_of);
    s3p_free(x->slot_of);
    s3p_free(x->order);
    s3p_free(x->key);
    s3p_free(x->slot);
    s3p_free(x->etag);
    s3p_free(x->key_table);
    s3p_free(x->slot_table);
    s3p_free(x->etag_table);
    memset(x, 0, sizeof *x);
}

static int reserve(struct s3p_index *x, uint32_t n, struct s3p_err *err)
{
    if (n > x->cap) {
        s3p_index_free(x);
        size_t cap = n + n / 8 + 64, table = 64;
        while (table < 2 * cap)
            table *= 2;
        x->key_of = s3p_alloc(cap * sizeof *x->key_of);
        x->slot_of = s3p_alloc(cap * sizeof *x->slot_of);
        x->order = s3p_alloc(cap * sizeof *x->order);
        x->key = s3p_alloc(cap * sizeof *x->key);
        x->slot = s3p_alloc(cap * sizeof *x->slot);
        x->etag = s3p_alloc(cap * sizeof *x->etag);
        x->key_table = s3p_alloc(table * sizeof *x->key_table);
        x->slot_table = s3p_alloc(table * sizeof *x->slot_table);
        x->etag_table = s3p_alloc(table * sizeof *x->etag_table);
        if (x->key_of == NULL || x->slot_of == NULL || x->order == NULL || x->key == NULL ||
            x->slot == NULL || x->etag == NULL || x->key_table == NULL || x->slot_table == NULL ||
            x->etag_table == NULL) {
            s3p_index_free(x);
            return s3p_fail(err, S3P_ENOMEM, 0, "index of %u attempts", n);
        }
        x->cap = (uint32_t)cap;
    }
    uint32_t size = 64;
    while (size < 2 * (uint64_t)n)
        size *= 2;
    x->mask = size - 1;
    memset(x->key_table, 0xff, size * sizeof *x->key_table);
    memset(x->slot_table, 0xff, size * sizeof *x->slot_table);
    memset(x->etag_table, 0xff, size * sizeof *x->etag_table);
    x->nkeys = x->nslots = x->netags = x->nmixed = x->last = 0;
    return 0;
}

static uint32_t hash(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b * UINT64_C(0x94d049bb133111eb))) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32) ^ (uint32_t)h;
}

static uint32_t find_key(struct s3p_index *x, uint64_t key_index, uint16_t place)
{
    if (x->nkeys != 0 && x->key[x->last].key_index == key_index && x->key[x->last].place == place)
        return x->last; /* attempts on one key come in clusters */
    uint32_t i = hash(key_index, place) & x->mask;
    for (; x->key_table[i] != S3P_NO_SLOT; i = (i + 1) & x->mask) {
        const struct s3p_key *k = &x->key[x->key_table[i]];
        if (k->key_index == key_index && k->place == place)
            return x->last = x->key_table[i];
    }
    x->key_table[i] = x->nkeys;
    x->key[x->nkeys] = (struct s3p_key){.key_index = key_index, .place = place};
    return x->last = x->nkeys++;
}

static uint32_t find_slot(struct s3p_index *x, uint32_t key, uint64_t token)
{
    uint32_t i = hash(token, key) & x->mask;
    for (; x->slot_table[i] != S3P_NO_SLOT; i = (i + 1) & x->mask) {
        const struct s3p_slot *s = &x->slot[x->slot_table[i]];
        if (s->token == token && s->key == key)
            return x->slot_table[i];
    }
    x->slot_table[i] = x->nslots;
    x->slot[x->nslots] = (struct s3p_slot){.token = token,
                                           .key = key,
                                           .number = ++x->key[key].values,
                                           .write = S3P_NO_SLOT,
                                           .etag_row = S3P_NO_SLOT};
    return x->nslots++;
}

/* The entry of an ETag, or the empty place for it. */
static uint32_t *etag_place(const struct s3p_index *x, uint32_t key, uint64_t token)
{
    uint32_t i = hash(token, key) & x->mask;
    for (; x->etag_table[i] != S3P_NO_SLOT; i = (i + 1) & x->mask) {
        const struct s3p_etag_slot *e = &x->etag[x->etag_table[i]];
        if (e->token == token && e->key == key)
            break;
    }
    return &x->etag_table[i];
}

uint32_t s3p_index_etag(const struct s3p_index *x, uint32_t key, uint64_t etag)
{
    uint32_t at = etag != 0 ? *etag_place(x, key, etag) : S3P_NO_SLOT;
    return at == S3P_NO_SLOT ? S3P_NO_SLOT : x->etag[at].slot;
}

static int mismatch(struct s3p_index *x, uint32_t a, uint32_t b, struct s3p_tally *t,
                    struct s3p_err *err)
{
    struct s3p_key *k = &x->key[x->key_of[a]];
    if (k->blended || k->hits++ >= HITS_PER_KEY)
        return 0;
    struct s3p_hit h = {.key_index = k->key_index,
                        .place = k->place,
                        .rule = S3P_RULE_ETAG_MISMATCH,
                        .n = 2,
                        .record = {x->row[a].record, x->row[b].record}};
    return s3p_tally_hit(t, &h, err);
}

/* Row i showed value `slot` with this ETag. */
static int note_etag(struct s3p_index *x, uint32_t i, uint32_t slot, struct s3p_tally *t,
                     struct s3p_err *err)
{
    struct s3p_slot *s = &x->slot[slot];
    const struct s3p_row *r = &x->row[i];
    if (s->etag == r->etag)
        return 0;
    if (s->etag != 0)
        S3P_TRY(mismatch(x, i, s->etag_row, t, err)); /* one value, two ETags */
    uint32_t *at = etag_place(x, s->key, r->etag);
    if (*at == S3P_NO_SLOT) {
        *at = x->netags;
        x->etag[x->netags++] = (struct s3p_etag_slot){r->etag, s->key, slot};
    } else if (x->etag[*at].slot != slot) { /* one ETag, two values: judged when the key's bodies
                                               are known to be long enough */
        x->etag[*at].slot = S3P_AMBIGUOUS;
    }
    if (s->etag == 0) {
        s->etag = r->etag;
        s->etag_row = i;
    }
    return 0;
}

/* Finds the row's key. */
static void note_key(struct s3p_index *x, uint32_t i)
{
    const struct s3p_row *r = &x->row[i];
    x->slot_of[i] = x->key_of[i] = S3P_NO_SLOT;
    if (r->kind == S3P_ROW_NONE)
        return;
    uint32_t key = find_key(x, r->key_index, r->place);
    struct s3p_key *k = &x->key[key];
    x->key_of[i] = key;
    if (r->kind == S3P_ROW_MIXED) {
        x->nmixed++;
        return;
    }
    k->rows++;
    k->reads += r->kind == S3P_ROW_READ;
    k->answers += r->kind == S3P_ROW_READ && s3p_row_answers(r);
    if (r->kind == S3P_ROW_SPOIL) {
        uint8_t why = (uint8_t)(r->value + 1);
        k->spoiled = k->spoiled == 0 || why < k->spoiled ? why : k->spoiled;
        k->blended |= r->value == S3P_WHY_COPY || r->value == S3P_WHY_MULTIPART;
    } else {
        k->by_version |= r->kind == S3P_ROW_DELETE && r->size == S3P_ROW_BY_VERSION;
        k->weak |= (r->bits & S3P_ROW_WEAK) != 0;
    }
}

static void group(struct s3p_index *x)
{
    uint32_t at = 0;
    for (uint32_t k = 0; k < x->nkeys; k++) {
        x->key[k].first = at;
        at += x->key[k].rows;
        x->key[k].next[0] = x->key[k].first;
        x->key[k].next[1] = at - x->key[k].reads;
    }
    for (uint32_t i = 0; i < x->n; i++)
        if (x->key_of[i] != S3P_NO_SLOT && x->row[i].kind != S3P_ROW_MIXED)
            x->order[x->key[x->key_of[i]].next[x->row[i].kind == S3P_ROW_READ]++] = i;
}

/* Finds the row's value. */
static int note_value(struct s3p_index *x, uint32_t key, uint32_t i, struct s3p_tally *t,
                      struct s3p_err *err)
{
    const struct s3p_row *r = &x->row[i];
    if (r->kind == S3P_ROW_SPOIL || r->value == 0)
        return 0;
    uint32_t slot = find_slot(x, key, r->value);
    struct s3p_slot *s = &x->slot[slot];
    x->slot_of[i] = slot;
    if (r->kind != S3P_ROW_READ) {
        if (s->write != S3P_NO_SLOT)
            return s3p_fail(err, S3P_EFORMAT, 0,
                            "record %u: its value id was written before, by record %u", r->record,
                            x->row[s->write].record);
        s->write = i;
        s->size = r->size;
        s->written = s3p_row_outcome(r) != S3P_FAILED;
    }
    return r->etag != 0 ? note_etag(x, i, slot, t, err) : 0;
}

static void note_hidden(struct s3p_index *x)
{
    for (uint32_t i = 0; i < x->nslots; i++)
        if (x->slot[i].etag == 0 && x->slot[i].written)
            x->key[x->slot[i].key].hides_etag = true;
}

/* Two values under one ETag, on keys whose bodies cannot be equal. */
static int judge_shared(struct s3p_index *x, struct s3p_tally *t, struct s3p_err *err)
{
    for (uint32_t i = 0; i < x->nslots; i++) {
        const struct s3p_slot *s = &x->slot[i];
        if (s->etag == 0 || x->key[s->key].weak || x->key[s->key].spoiled ||
            x->key[s->key].hits >= HITS_PER_KEY)
            continue;
        if (s3p_index_etag(x, s->key, s->etag) != S3P_AMBIGUOUS)
            continue;
        for (uint32_t j = 0; j < i; j++)
            if (x->slot[j].key == s->key && x->slot[j].etag == s->etag) {
                S3P_TRY(mismatch(x, s->etag_row, x->slot[j].etag_row, t, err));
                break;
            }
    }
    return 0;
}

int s3p_index_build(struct s3p_index *x, const struct s3p_row *rows, uint32_t n,
                    struct s3p_tally *t, struct s3p_err *err)
{
    S3P_TRY(reserve(x, n, err));
    x->row = rows;
    x->n = n;
    bool shared = false;
    for (uint32_t i = 0; i < n; i++)
        note_key(x, i);
    group(x);
    for (uint32_t k = 0; k < x->nkeys; k++)
        for (uint32_t j = 0; j < x->key[k].rows; j++)
            S3P_TRY(note_value(x, k, x->order[x->key[k].first + j], t, err));
    for (uint32_t i = 0; i < x->netags && !shared; i++)
        shared = x->etag[i].slot == S3P_AMBIGUOUS;
    note_hidden(x);
    return shared ? judge_shared(x, t, err) : 0;
}
