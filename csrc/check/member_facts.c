/* What attempts say of versions, uploads and parts. Their number is that of the writes, so the
 * facts of a kind are kept together and sorted. What the loader says of objects goes through
 * partitions (partition.c). */
#include <stdlib.h>
#include <string.h>

#include "check/bucket_rules.h"
#include "check/flights.h"
#include "check/members.h"
#include "check/mutate.h"
#include "check/walks.h"
#include "core/alloc.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])
#define TOUCHED (S3P_FLAG_MULTI_DELIVERY | S3P_FLAG_ALTERED) /* by a proxy: it may be otherwise */
#define WHOLE_UPLOAD UINT64_MAX /* index of a fact about every part of an upload */

struct named {
    struct s3p_fact fact;
    uint64_t index, id;
    uint16_t place;
};

struct facts {
    const struct s3p_keymap *map;
    const struct s3p_walks *walks;
    uint64_t null; /* the id of the version `null` */
    struct named *fact;
    size_t n, cap;
    struct s3p_flights flights;
    /* the attempt at hand */
    const struct s3p_segment_view *s;
    uint32_t i;
    uint16_t place;
    uint64_t index;
    bool ok;
};

static int add(struct facts *x, struct named f, struct s3p_err *err)
{
    if (x->n == x->cap) {
        size_t cap = x->cap == 0 ? 1024 : x->cap * 2;
        void *p = s3p_realloc(x->fact, cap * sizeof *x->fact);
        if (p == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "%zu facts about listings", cap);
        x->fact = p;
        x->cap = cap;
    }
    x->fact[x->n++] = f;
    return 0;
}

/* The attempt did `what` to (place, index, id): what is left unknown may still take effect. */
static int say(struct facts *x, uint16_t place, uint64_t index, uint64_t id, unsigned what,
               struct s3p_err *err)
{
    unsigned evidence = x->ok ? S3P_FACT_THERE | S3P_FACT_GONE : 0;
    struct named f = {
        .fact = {COL(x->s, int64_t, t_call)[x->i], COL(x->s, int64_t, t_return)[x->i],
                 (uint32_t)(x->s->first_record + x->i), 0, 0},
        .index = index,
        .id = id,
        .place = place,
    };
    f.fact.what = (uint8_t)(what & (evidence | S3P_FACT_MAKES | S3P_FACT_REMOVES));
    f.fact.res = S3P_ON(FACT_UNKNOWN_RETURNS, x->ok) ? f.fact.res : INT64_MAX;
    bool of_upload = (what & S3P_FACT_MAKES) != 0 &&
                     COL(x->s, uint8_t, op)[x->i] == S3P_OP_COMPLETE_UPLOAD; /* as old as it? */
    f.fact.loose = of_upload ? S3P_MEMBER_LOOSE : 0;
    return add(x, f, err);
}

static struct s3p_str text(const struct facts *x, const uint32_t *column)
{
    return s3p_segment_text(x->s, column[x->i]);
}

/* From `due` on the store may do that by itself. */
static int may_become(struct facts *x, uint16_t place, uint64_t index, uint64_t id, unsigned what,
                      int64_t due, struct s3p_err *err)
{
    if (due == INT64_MAX)
        return 0;
    S3P_TRY(say(x, place, index, id, what, err));
    struct s3p_fact *f = &x->fact[x->n - 1].fact;
    f->inv = due;
    f->res = INT64_MAX;
    return 0;
}

/* A Complete or an Abort ends all of an upload; an Abort that races a part, perhaps. */
static int say_ended(struct facts *x, uint16_t place, uint64_t index, uint64_t id,
                     struct s3p_err *err)
{
    bool ok = x->ok;
    if (COL(x->s, uint8_t, op)[x->i] == S3P_OP_ABORT_UPLOAD)
        x->ok = ok && !s3p_flights_race(&x->flights, id, COL(x->s, int64_t, t_call)[x->i],
                                        COL(x->s, int64_t, t_return)[x->i]);
    int rc = say(x, place, index, id, S3P_FACT_REMOVES | S3P_FACT_GONE, err);
    x->ok = ok;
    return rc;
}

/* ---- what is said of each kind ---- */

/* A version may go when it is not current any more, at once in the worst case; in the place of a
 * current one a marker may come of which nobody learns the id, or that is `null`, and then the
 * `null` before it goes. A marker may go when it hides nothing. */
static int say_version_expiry(struct facts *x, uint64_t id, bool marker, struct s3p_err *err)
{
    const struct s3p_bucket_rules *rules = x->map->head->rules;
    int64_t call = COL(x->s, int64_t, t_call)[x->i],
            current = s3p_expires_current(rules, x->s, x->i),
            noncurrent = s3p_expires_noncurrent(rules, x->s, x->i, call);
    if (S3P_ON(FACT_MARKER_HIDES, !marker)) {
        S3P_TRY(may_become(x, x->place, x->index, 0, S3P_FACT_MAKES, current, err));
        S3P_TRY(may_become(x, x->place, x->index, x->null, S3P_FACT_MAKES | S3P_FACT_REMOVES,
                           current, err));
    }
    if (S3P_MUT(S3P_MUT_FACT_MARKER_STAYS, marker, false) && current < noncurrent)
        noncurrent = current;
    return may_become(x, x->place, x->index, id, S3P_FACT_REMOVES, noncurrent, err);
}

/* Whether an answer without a version id is about the version `null`: a bucket that never kept
 * versions, or not yet. */
static bool knows_null_only(const struct facts *x)
{
    uint16_t bucket = COL(x->s, uint16_t, bucket)[x->i];
    int64_t touched = x->walks->touched[bucket];
    bool before = touched != INT64_MAX &&
                  S3P_LT(FACT_NULL_SURE_LE, COL(x->s, int64_t, t_return)[x->i], touched);
    return S3P_OFF(FACT_NULL_SURE_OFF, !x->walks->kept[bucket] || before);
}

/* What a change that makes a version says of it. A Complete may repeat the answer of an earlier
 * one, whose version is gone. */
static unsigned of_made(const struct facts *x)
{
    bool again = COL(x->s, uint8_t, op)[x->i] == S3P_OP_COMPLETE_UPLOAD;
    return S3P_OFF(FACT_AGAIN_OFF, again) ? S3P_FACT_MAKES : S3P_FACT_MAKES | S3P_FACT_THERE;
}

/* A change whose answer names no other version, or that had none. */
static int say_null(struct facts *x, bool deletes, struct s3p_str made, struct s3p_err *err)
{
    bool named = s3p_str_eq(made, "null"), sure = x->ok && (named || knows_null_only(x));
    unsigned what = of_made(x); /* a marker is an entry, too */
    if (deletes && !named)
        what = sure ? S3P_FACT_REMOVES | S3P_FACT_GONE : S3P_FACT_MAKES | S3P_FACT_REMOVES;
    if (!sure)
        what &= S3P_FACT_MAKES | S3P_FACT_REMOVES;
    return say(x, x->place, x->index, x->null, what, err);
}

static int say_version(struct facts *x, struct s3p_err *err)
{
    uint8_t op = COL(x->s, uint8_t, op)[x->i], flags = COL(x->s, uint8_t, flags)[x->i];
    bool deletes = op == S3P_OP_DELETE || op == S3P_OP_DELETE_CHILD;
    struct s3p_str made = text(x, COL(x->s, uint32_t, version_id));
    struct s3p_str asked = text(x, COL(x->s, uint32_t, version_asked));
    if (deletes && asked.len != 0)
        return say(x, x->place, x->index, s3p_id_token(asked), S3P_FACT_REMOVES | S3P_FACT_GONE,
                   err);
    if (!deletes && op != S3P_OP_PUT && op != S3P_OP_COPY && op != S3P_OP_COMPLETE_UPLOAD)
        return 0;
    bool foreign = (flags & S3P_FLAG_FOREIGN) != 0, null = s3p_str_eq(made, "null");
    bool learned = x->ok && made.len != 0 && !null &&
                   (!deletes || S3P_ON(FACT_MARKER_ANY, (flags & S3P_FLAG_DELETE_MARKER) != 0));
    bool any = !(x->ok && (null || knows_null_only(x))); /* perhaps one of an id nobody learned */
    bool unlearned = S3P_OFF(FACT_UNLEARNED_OFF, !learned);
    if (unlearned || foreign)
        S3P_TRY(say_null(x, deletes, made, err));
    if (foreign)
        x->fact[x->n - 1].fact = (struct s3p_fact){
            INT64_MIN, INT64_MAX, (uint32_t)(x->s->first_record + x->i),
            S3P_FACT_MAKES | S3P_FACT_REMOVES, S3P_MEMBER_LOOSE};
    if ((unlearned && any) || foreign)
        S3P_TRY(say(x, x->place, x->index, 0, S3P_FACT_MAKES, err));
    if (foreign)
        x->fact[x->n - 1].fact.inv = INT64_MIN;
    if (learned)
        S3P_TRY(say(x, x->place, x->index, s3p_id_token(made), of_made(x), err));
    return say_version_expiry(x, learned ? s3p_id_token(made) : x->null, deletes, err);
}

static int say_upload(struct facts *x, struct s3p_err *err)
{
    uint8_t op = COL(x->s, uint8_t, op)[x->i];
    uint64_t id = s3p_id_token(text(x, COL(x->s, uint32_t, upload_id)));
    if (op == S3P_OP_CREATE_UPLOAD) {
        S3P_TRY(say(x, x->place, x->index, S3P_ON(FACT_CREATE_ID, x->ok) ? id : 0,
                    S3P_FACT_MAKES | S3P_FACT_THERE, err));
        S3P_TRY(may_become(x, x->place, x->index, id, S3P_FACT_REMOVES,
                           x->walks->gone[COL(x->s, uint16_t, bucket)[x->i]], err));
        return may_become(x, x->place, x->index, id, S3P_FACT_REMOVES,
                          id != 0 ? s3p_expires_upload(x->map->head->rules, x->s, x->i) : INT64_MAX,
                          err);
    }
    if ((op == S3P_OP_COMPLETE_UPLOAD || op == S3P_OP_ABORT_UPLOAD) && id != 0)
        return say_ended(x, x->place, x->index, id, err);
    return 0;
}

static int say_part(struct facts *x, struct s3p_err *err)
{
    uint8_t op = COL(x->s, uint8_t, op)[x->i];
    uint64_t id = s3p_id_token(text(x, COL(x->s, uint32_t, upload_id)));
    if (id == 0)
        return 0;
    if (op == S3P_OP_UPLOAD_PART || op == S3P_OP_UPLOAD_PART_COPY)
        return say(x, S3P_PART_PLACE, COL(x->s, uint32_t, part_number)[x->i], id,
                   S3P_FACT_MAKES | S3P_FACT_THERE, err);
    if (op == S3P_OP_CREATE_UPLOAD)
        return may_become(x, S3P_PART_PLACE, WHOLE_UPLOAD, id, S3P_FACT_REMOVES,
                          s3p_expires_upload(x->map->head->rules, x->s, x->i), err);
    if (op == S3P_OP_COMPLETE_UPLOAD || op == S3P_OP_ABORT_UPLOAD)
        return say_ended(x, S3P_PART_PLACE, WHOLE_UPLOAD, id, err);
    return 0;
}

static int (*const say_of[S3P_LISTINGS])(struct facts *x, struct s3p_err *err) = {
    [S3P_LIST_VERSIONS] = say_version,
    [S3P_LIST_UPLOADS] = say_upload,
    [S3P_LIST_PARTS] = say_part,
};

/* Whose condition did not hold may have ended its upload (objects.c). */
static bool may_begin_anew(const struct facts *x)
{
    return COL(x->s, uint8_t, op)[x->i] == S3P_OP_COMPLETE_UPLOAD &&
           COL(x->s, uint8_t, cond)[x->i] != S3P_COND_NONE;
}

static int read_segment(struct facts *x, enum s3p_listing kind, struct s3p_err *err)
{
    const struct s3p_segment_view *s = x->s;
    for (x->i = 0; x->i < s->records; x->i++) {
        uint8_t outcome = COL(s, uint8_t, outcome)[x->i];
        uint16_t space = COL(s, uint16_t, space)[x->i], bucket = COL(s, uint16_t, bucket)[x->i];
        x->index = COL(s, uint64_t, key_index)[x->i];
        bool touched = S3P_OFF(FACT_TOUCHED_OFF, COL(s, uint8_t, flags)[x->i] & TOUCHED);
        bool refused = outcome == S3P_FAILED && !touched;
        if (kind != S3P_LIST_VERSIONS && may_begin_anew(x))
            refused = false;
        if (refused || x->index == S3P_NO_INDEX)
            continue;
        x->place = (uint16_t)(space * x->map->buckets + bucket);
        x->ok = outcome == S3P_OK_OUTCOME && !touched;
        if (x->map->aliased[x->place])
            s3p_keymap_canon(x->map, &x->place, &x->index);
        S3P_TRY(say_of[kind](x, err));
    }
    return 0;
}

/* ---- to members ---- */

#define CMP(x, y) (((x) > (y)) - ((x) < (y)))

/* Parts of an upload stand together, before what concerns all of them. */
static int by_name(const void *va, const void *vb)
{
    const struct named *a = va, *b = vb;
    bool parts = a->place == S3P_PART_PLACE;
    int c = CMP(a->place, b->place);
    c = c != 0 ? c : parts ? CMP(a->id, b->id) : CMP(a->index, b->index);
    c = c != 0 ? c : parts ? CMP(a->index, b->index) : CMP(a->id, b->id);
    c = c != 0 ? c : CMP(a->fact.record, b->fact.record);
    return c != 0 ? c : CMP(a->fact.what, b->fact.what);
}

static bool same_name(const struct named *a, const struct named *b)
{
    return a->place == b->place && a->index == b->index && a->id == b->id;
}

static int add_members(struct s3p_members *m, const struct facts *x, struct s3p_fact *f,
                       struct s3p_windows *w, struct s3p_err *err)
{
    size_t n;
    for (size_t at = 0; at < x->n; at += n) {
        const struct named *first = &x->fact[at];
        struct s3p_member name = {.index = first->index,
                                  .id = first->id,
                                  .place = first->place,
                                  .flags = first->id == 0 ? S3P_MEMBER_ANY_ID : 0};
        uint32_t made = 0;
        for (n = 0; at + n < x->n && same_name(first, first + n); n++) {
            f[n] = first[n].fact;
            made += (f[n].what & S3P_FACT_MAKES) != 0;
        }
        if (S3P_OFF(FACT_REPEATS_OFF, first->id == x->null && S3P_LT(FACT_REPEATS_ONCE, 1, made)))
            name.flags |= S3P_MEMBER_REPEATS | S3P_MEMBER_LOOSE;
        /* Removed only: one of those whose id nobody learned made it. */
        if (S3P_OFF(FACT_UNMADE_OFF, made == 0))
            continue;
        size_t facts = n;
        if (first->place == S3P_PART_PLACE) {
            size_t k = at + n;
            while (k < x->n && x->fact[k].id == first->id && x->fact[k].index != WHOLE_UPLOAD)
                k++;
            for (; k < x->n && S3P_OFF(FACT_WHOLE_OFF, x->fact[k].id == first->id); k++)
                f[facts++] = x->fact[k].fact;
        }
        S3P_TRY(s3p_members_add(m, w, &name, f, (uint32_t)facts, err));
    }
    return 0;
}

int s3p_members_collect(struct s3p_members *m, enum s3p_listing kind, const struct s3p_histfile *f,
                        const struct s3p_keymap *map, const struct s3p_walks *walks,
                        struct s3p_err *err)
{
    struct facts x = {.map = map, .walks = walks, .null = s3p_id_token(S3P_STR("null"))};
    struct s3p_windows w = {0};
    struct s3p_fact *one = NULL;
    int rc = kind != S3P_LIST_VERSIONS ? s3p_flights_find(&x.flights, f, err) : 0;
    for (uint32_t s = 0; s < s3p_histfile_segments(f) && rc == 0; s++) {
        x.s = s3p_histfile_segment(f, s);
        rc = read_segment(&x, kind, err);
    }
    if (rc == 0 && x.n != 0) {
        qsort(x.fact, x.n, sizeof *x.fact, by_name);
        one = s3p_alloc(x.n * sizeof *one);
        rc = one != NULL ? add_members(m, &x, one, &w, err)
                         : s3p_fail(err, S3P_ENOMEM, 0, "%zu facts about listings", x.n);
    }
    s3p_free(one);
    s3p_free(x.fact);
    s3p_flights_free(&x.flights);
    s3p_windows_free(&w);
    return rc;
}
