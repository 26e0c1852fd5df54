#include "check/gather.h"

#include <string.h>

#include "check/keymap.h"
#include "check/parallel.h"
#include "core/alloc.h"
#include "s3/op.h"

enum { KEYS_PER_UNIT = 64, THREADS_MAX = 64 };

struct chosen { /* a key */
    uint64_t key_index;
    uint64_t first; /* of its records, among all of the range */
    uint32_t count;
    uint16_t place;
};

struct work {
    const struct s3p_gather *g;
    const struct s3p_subject *what;
    struct s3p_idmap number; /* key to its place in `key` */
    struct chosen *key;
    uint32_t nkeys, cap;
    /* the range at hand */
    uint32_t from, to;
    struct s3p_at *at;
    struct s3p_bench bench[THREADS_MAX];
};

/* What a pass does with a record of a key. */
typedef int visit_fn(struct work *w, const struct s3p_at *at, uint16_t place, uint64_t key_index,
                     struct s3p_err *err);

static int touch(struct work *w, const struct s3p_at *at, uint16_t space, uint64_t key_index,
                 visit_fn *visit, struct s3p_err *err)
{
    const struct s3p_head *h = w->g->head;
    uint16_t bucket = S3P_COLUMN(at, uint16_t, bucket);
    if (key_index == S3P_NO_INDEX)
        return 0;
    uint16_t place = (uint16_t)(space * h->buckets + bucket);
    if (w->g->keys->aliased[place])
        s3p_keymap_canon(w->g->keys, &place, &key_index);
    return visit(w, at, place, key_index, err);
}

/* `holds` NULL: every segment may have one that fits. */
static int pass(struct work *w, bool (*holds)(const struct s3p_segment_view *s),
                bool (*fits)(const struct s3p_at *at), visit_fn *visit, struct s3p_err *err)
{
    for (uint32_t k = 0; k < s3p_histfile_segments(w->g->file); k++) {
        struct s3p_at at = {s3p_histfile_segment(w->g->file, k), 0, S3P_NO_ENTRY};
        if (holds != NULL && !holds(at.s))
            continue;
        for (; at.i < at.s->records; at.i++) {
            at.entry = S3P_NO_ENTRY;
            if (!fits(&at))
                continue;
            if (S3P_COLUMN(&at, uint8_t, op) != S3P_OP_LIST_VERSIONS) {
                S3P_TRY(touch(w, &at, S3P_COLUMN(&at, uint16_t, space),
                              S3P_COLUMN(&at, uint64_t, key_index), visit, err));
                continue;
            }
            uint32_t first = S3P_COLUMN(&at, uint32_t, entries_first);
            for (uint32_t e = 0; e < S3P_COLUMN(&at, uint32_t, entries_count); e++) {
                at.entry = first + e;
                S3P_TRY(touch(w, &at, at.s->entries[at.entry].space,
                              at.s->entries[at.entry].key_index, visit, err));
            }
        }
    }
    return 0;
}

static int choose(struct work *w, const struct s3p_at *at, uint16_t place, uint64_t key_index,
                  struct s3p_err *err)
{
    uint32_t *number;
    (void)at;
    S3P_TRY(s3p_idmap_put(&w->number, s3p_idmap_pair(place, key_index), w->nkeys, &number, err));
    if (*number < w->nkeys)
        return 0;
    if (w->nkeys == w->cap) {
        uint32_t cap = w->cap == 0 ? 256 : w->cap * 2;
        struct chosen *p = s3p_realloc(w->key, cap * sizeof *p);
        if (p == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "%u keys", cap);
        w->key = p;
        w->cap = cap;
    }
    w->key[w->nkeys++] = (struct chosen){.key_index = key_index, .place = place};
    return 0;
}

static int count(struct work *w, const struct s3p_at *at, uint16_t place, uint64_t key_index,
                 struct s3p_err *err)
{
    const uint32_t *number = s3p_idmap_find(&w->number, s3p_idmap_pair(place, key_index));
    (void)at;
    (void)err;
    if (number != NULL)
        w->key[*number].count++;
    return 0;
}

static int take(struct work *w, const struct s3p_at *at, uint16_t place, uint64_t key_index,
                struct s3p_err *err)
{
    const uint32_t *number = s3p_idmap_find(&w->number, s3p_idmap_pair(place, key_index));
    (void)err;
    if (number != NULL && *number >= w->from && *number < w->to)
        w->at[w->key[*number].first++] = *at;
    return 0;
}

static int judge_unit(void *ctx, int thread, uint64_t unit, struct s3p_err *err)
{
    struct work *w = ctx;
    struct s3p_bench *b = &w->bench[thread];
    uint32_t k = w->from + (uint32_t)unit * KEYS_PER_UNIT, end = k + KEYS_PER_UNIT;
    s3p_tally_unit(b->tally);
    for (; k < end && k < w->to; k++) {
        const struct chosen *c = &w->key[k];
        struct s3p_row key = {.key_index = c->key_index, .place = c->place};
        s3p_idmap_free(&b->values);
        b->nvalues = 0;
        S3P_TRY(w->what->judge(b, &key, w->at + c->first - c->count, c->count, err));
    }
    return 0;
}

/* The next keys whose records fit into a quarter of the memory; one key at least. */
static uint64_t choose_range(struct work *w)
{
    uint64_t room = w->g->memory_bytes / 4 / sizeof *w->at, n = 0;
    for (w->to = w->from; w->to < w->nkeys; w->to++) {
        struct chosen *c = &w->key[w->to];
        if (w->to != w->from && n + c->count > room)
            break;
        c->first = n;
        n += c->count;
    }
    return n;
}

static int judge_range(struct work *w, struct s3p_err *err)
{
    uint64_t n = choose_range(w);
    if (n * sizeof *w->at > w->g->memory_bytes)
        return s3p_fail(err, S3P_ELIMIT, 0,
                        "the checker's memory bound of %llu MiB is too small: one key has %llu "
                        "attempts",
                        (unsigned long long)(w->g->memory_bytes >> 20), (unsigned long long)n);
    s3p_free(w->at);
    w->at = s3p_alloc((n + 1) * sizeof *w->at);
    if (w->at == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%llu attempts", (unsigned long long)n);
    S3P_TRY(pass(w, NULL, w->what->takes, take, err));
    uint64_t units = (w->to - w->from + KEYS_PER_UNIT - 1) / KEYS_PER_UNIT;
    return s3p_parallel(w->g->threads, units, judge_unit, w, err);
}

static int run(struct work *w, struct s3p_err *err)
{
    S3P_TRY(pass(w, w->what->holds, w->what->wants, choose, err));
    if (w->nkeys == 0)
        return 0;
    S3P_TRY(pass(w, NULL, w->what->takes, count, err));
    for (int t = 0; t < w->g->threads; t++) {
        w->bench[t].objects = w->g->objects;
        w->bench[t].walks = w->g->walks;
        w->bench[t].tally = &w->g->tally[t];
        S3P_TRY(s3p_reg_create(&w->bench[t].reg, err));
    }
    for (w->from = 0; w->from < w->nkeys; w->from = w->to)
        S3P_TRY(judge_range(w, err));
    return 0;
}

int s3p_gather(const struct s3p_gather *g, const struct s3p_subject *what, struct s3p_err *err)
{
    struct work *w = s3p_calloc(1, sizeof *w);
    if (w == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "aspects of keys");
    w->g = g;
    w->what = what;
    int rc = run(w, err);
    for (int t = 0; t < g->threads; t++) {
        s3p_reg_free(w->bench[t].reg);
        s3p_free(w->bench[t].op);
        s3p_idmap_free(&w->bench[t].values);
    }
    s3p_idmap_free(&w->number);
    s3p_free(w->key);
    s3p_free(w->at);
    s3p_free(w);
    return rc;
}

int s3p_bench_value(struct s3p_bench *b, struct s3p_id id, uint32_t *out, struct s3p_err *err)
{
    uint32_t *at;
    S3P_TRY(s3p_idmap_put(&b->values, id, b->nvalues + 1, &at, err));
    b->nvalues = *at > b->nvalues ? *at : b->nvalues;
    *out = *at;
    return 0;
}

int s3p_bench_reserve(struct s3p_bench *b, uint32_t ops, struct s3p_err *err)
{
    b->nops = 0;
    if (ops <= b->cap)
        return 0;
    s3p_free(b->op);
    b->op = s3p_alloc(ops * sizeof *b->op);
    b->cap = b->op != NULL ? ops : 0;
    return b->op != NULL ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "%u operations of one key", ops);
}

struct s3p_reg_op *s3p_bench_add(struct s3p_bench *b, const struct s3p_at *at,
                                 enum s3p_reg_kind kind, uint32_t value)
{
    struct s3p_reg_op *op = &b->op[b->nops++];
    *op = (struct s3p_reg_op){.inv = S3P_COLUMN(at, int64_t, t_call),
                              .res = S3P_COLUMN(at, int64_t, t_return),
                              .value = value,
                              .pred = S3P_NO_VALUE,
                              .ref = s3p_at_record(at),
                              .kind = (uint8_t)kind,
                              .outcome = S3P_COLUMN(at, uint8_t, outcome)};
    return op;
}

int s3p_bench_hit(struct s3p_bench *b, enum s3p_rule rule, enum s3p_aspect aspect,
                  const struct s3p_row *key, uint32_t first, uint32_t second, struct s3p_err *err)
{
    struct s3p_hit h = {.key_index = key->key_index,
                        .place = key->place,
                        .rule = (uint8_t)rule,
                        .aspect = (uint8_t)aspect,
                        .n = second != S3P_NO_RECORD ? 2 : 1,
                        .record = {first, second != S3P_NO_RECORD ? second : 0}};
    return s3p_tally_hit(b->tally, &h, err);
}

int s3p_bench_report(struct s3p_bench *b, enum s3p_aspect aspect, const struct s3p_row *key,
                     const struct s3p_reg_result *res, struct s3p_err *err)
{
    for (uint32_t i = 0; i < res->nviolations; i++) {
        const struct s3p_reg_violation *v = &res->violation[i];
        struct s3p_hit h = {.key_index = key->key_index,
                            .place = key->place,
                            .rule = v->rule,
                            .aspect = (uint8_t)aspect,
                            .n = v->n};
        for (uint32_t k = 0; k < v->n; k++)
            h.record[k] = b->op[v->op[k]].ref;
        S3P_TRY(s3p_tally_hit(b->tally, &h, err));
    }
    return 0;
}
