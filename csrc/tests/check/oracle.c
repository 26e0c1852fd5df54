#include "tests/check/oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "s3/outcome.h"

struct search {
    const struct s3p_reg_op *op[ORACLE_MAX];
    int n;
    uint32_t required;
    bool dead[1u << ORACLE_MAX][ORACLE_MAX + 2]; /* (taken, state) from which no end was reached */
};

static bool optional(const struct s3p_reg_op *o)
{
    return o->kind != S3P_REG_READ && o->kind != S3P_REG_NOT && o->outcome == S3P_UNKNOWN;
}

/* The state after `o`, or -1 when `o`'s answer would be wrong in `state`. */
static int64_t step(const struct s3p_reg_op *o, uint32_t state)
{
    switch (o->kind) {
    case S3P_REG_READ:
        return state == o->value ? (int64_t)state : -1;
    case S3P_REG_NOT:
        return state != o->value ? (int64_t)state : -1;
    case S3P_REG_WRITE:
        return o->value;
    case S3P_REG_CREATE:
        return state == 0 ? (int64_t)o->value : -1;
    case S3P_REG_REPLACE:
        return state != 0 ? (int64_t)o->value : -1;
    case S3P_REG_CAS:
    case S3P_REG_REMOVE:
        return state == o->pred || o->pred == S3P_NO_VALUE ? (int64_t)o->value : -1;
    default:
        return 0;
    }
}

static bool reach(struct search *s, uint32_t taken, uint32_t state)
{
    if ((taken & s->required) == s->required)
        return true;
    if (s->dead[taken][state])
        return false;
    for (int i = 0; i < s->n; i++) {
        if (taken >> i & 1)
            continue;
        bool next = true; /* nothing that is not taken had returned before i was called */
        for (int j = 0; j < s->n && next; j++)
            next =
                (taken >> j & 1) || j == i || optional(s->op[j]) || s->op[j]->res >= s->op[i]->inv;
        int64_t to = next ? step(s->op[i], state) : -1;
        if (to >= 0 && reach(s, taken | 1u << i, (uint32_t)to))
            return true;
    }
    s->dead[taken][state] = true;
    return false;
}

bool t_oracle_legal(const struct s3p_reg_op *ops, uint32_t n)
{
    static struct search s;
    s.n = 0;
    s.required = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool mutation = ops[i].kind != S3P_REG_READ && ops[i].kind != S3P_REG_NOT;
        if (mutation && ops[i].outcome == S3P_FAILED)
            continue;
        if (!optional(&ops[i]))
            s.required |= 1u << s.n;
        s.op[s.n++] = &ops[i];
    }
    memset(s.dead, 0, sizeof s.dead[0] << s.n);
    return reach(&s, 0, 0);
}

/* The generator. */

struct event {
    int64_t point; /* where it takes effect; INT64_MAX: never */
    uint64_t tie;
    struct s3p_reg_op op;
    uint32_t also; /* refusal or absence that came with a failed condition: kind + 1, else 0 */
    uint32_t also_value;
};

static uint8_t draw_kind(struct s3p_rng *g, enum t_shape shape, uint32_t i)
{
    static const uint8_t mix[SHAPE_COUNT][8] = {
        [SHAPE_MIXED] = {S3P_REG_READ, S3P_REG_READ, S3P_REG_READ, S3P_REG_WRITE, S3P_REG_WRITE,
                         S3P_REG_CREATE, S3P_REG_CAS, S3P_REG_CAS},
        [SHAPE_REGISTER] = {S3P_REG_READ, S3P_REG_READ, S3P_REG_READ, S3P_REG_READ, S3P_REG_WRITE,
                            S3P_REG_WRITE, S3P_REG_WRITE, S3P_REG_WRITE},
        [SHAPE_CAS] = {S3P_REG_READ, S3P_REG_READ, S3P_REG_CREATE, S3P_REG_CREATE, S3P_REG_CAS,
                       S3P_REG_CAS, S3P_REG_CAS, S3P_REG_CAS},
        [SHAPE_SEEDED] = {S3P_REG_READ, S3P_REG_READ, S3P_REG_READ, S3P_REG_CREATE, S3P_REG_CAS,
                          S3P_REG_CAS, S3P_REG_CAS, S3P_REG_CAS},
        [SHAPE_DELETES] = {S3P_REG_READ, S3P_REG_READ, S3P_REG_READ, S3P_REG_WRITE, S3P_REG_WRITE,
                           S3P_REG_CAS, S3P_REG_CREATE, S3P_REG_DELETE},
        [SHAPE_EPOCH] = {S3P_REG_READ, S3P_REG_READ, S3P_REG_READ, S3P_REG_READ, S3P_REG_WRITE,
                         S3P_REG_WRITE, S3P_REG_CAS, S3P_REG_CREATE},
        [SHAPE_ALL] = {S3P_REG_READ, S3P_REG_READ, S3P_REG_WRITE, S3P_REG_CAS, S3P_REG_CREATE,
                       S3P_REG_DELETE, S3P_REG_REMOVE, S3P_REG_REPLACE},
        [SHAPE_REPLACE] = {S3P_REG_READ, S3P_REG_READ, S3P_REG_WRITE, S3P_REG_WRITE,
                           S3P_REG_REPLACE, S3P_REG_REPLACE, S3P_REG_CREATE, S3P_REG_CAS},
    };
    if (shape == SHAPE_SEEDED && i == 0)
        return S3P_REG_WRITE;
    return mix[shape][s3p_rng_below(g, 8)];
}

/* Intervals on a small grid, so that equal times are common. */
static void draw_events(struct event *e, uint32_t n, struct s3p_rng *g, enum t_shape shape)
{
    int64_t clock[8] = {0};
    uint32_t clients = 1 + (uint32_t)s3p_rng_below(g, n < 10 ? 5 : 8);
    int64_t span = 1 + (int64_t)s3p_rng_below(g, 12);
    uint32_t values = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = (uint32_t)s3p_rng_below(g, clients);
        memset(&e[i], 0, sizeof e[i]);
        struct s3p_reg_op *o = &e[i].op;
        o->kind = draw_kind(g, shape, i);
        o->inv = clock[c] + (int64_t)s3p_rng_below(g, 4);
        o->res = o->inv + (int64_t)s3p_rng_below(g, (uint64_t)span);
        clock[c] = o->res;
        o->outcome = S3P_OK_OUTCOME;
        e[i].point = o->inv + (int64_t)s3p_rng_below(g, (uint64_t)(o->res - o->inv) + 1);
        e[i].tie = s3p_rng_u64(g);
        if (o->kind == S3P_REG_READ)
            continue;
        if (o->kind != S3P_REG_DELETE && o->kind != S3P_REG_REMOVE)
            o->value = ++values;
        uint64_t luck = s3p_rng_below(g, 20);
        if (luck < 4) { /* an answer was lost: it may land late, or never */
            o->outcome = S3P_UNKNOWN;
            e[i].point =
                luck == 0 ? INT64_MAX : o->inv + (int64_t)s3p_rng_below(g, 3 * (uint64_t)span);
            if (s3p_rng_below(g, 2))
                o->res = INT64_MAX;
        } else if (luck == 4) {
            o->outcome = S3P_FAILED;
            e[i].point = INT64_MAX;
        }
    }
}

static bool earlier(const struct event *a, const struct event *b)
{
    return a->point != b->point ? a->point < b->point : a->tie < b->tie;
}

static bool conditional(const struct s3p_reg_op *o)
{
    return o->kind == S3P_REG_CAS || o->kind == S3P_REG_REMOVE;
}

static void refuse(struct event *e, uint32_t state, uint32_t expected)
{
    if (e->op.outcome != S3P_OK_OUTCOME)
        return;
    e->op.outcome = S3P_FAILED;
    e->also = 1 + (state == S3P_REG_ABSENT ? S3P_REG_READ : S3P_REG_NOT);
    e->also_value = state == S3P_REG_ABSENT ? S3P_REG_ABSENT : expected;
}

static uint32_t execute(struct event *e, struct s3p_rng *g, uint32_t state, uint32_t values)
{
    struct s3p_reg_op *o = &e->op;
    if (o->kind == S3P_REG_REMOVE && values == 0)
        o->kind = S3P_REG_DELETE; /* no ETag to expect */
    if (conditional(o))           /* the expected ETag: mostly the current one */
        o->pred =
            state != 0 && s3p_rng_below(g, 4) ? state : 1 + (uint32_t)s3p_rng_below(g, values);
    if (e->point == INT64_MAX)
        return state;
    switch (o->kind) {
    case S3P_REG_READ:
        o->value = state;
        return state;
    case S3P_REG_CREATE:
        if (state == 0)
            return o->value;
        refuse(e, state, 0);
        return state;
    case S3P_REG_REPLACE:
        if (state != 0)
            return o->value;
        refuse(e, state, 0);
        return state;
    case S3P_REG_CAS:
        if (state == o->pred)
            return o->value;
        refuse(e, state, o->pred);
        return state;
    case S3P_REG_REMOVE:
        if (state == o->pred)
            return 0;
        refuse(e, state, o->pred);
        return state;
    case S3P_REG_DELETE:
        return 0;
    default:
        return o->value;
    }
}

/* One delete, of either kind, mostly definite, with mostly a barrier before it. */
static uint32_t add_epoch_end(struct event *e, uint32_t n, struct s3p_rng *g)
{
    int64_t last = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct s3p_reg_op *o = &e[i].op;
        if (o->kind != S3P_REG_READ && o->outcome == S3P_OK_OUTCOME && o->res > last)
            last = o->res;
    }
    memset(&e[n], 0, sizeof e[n]);
    struct s3p_reg_op *o = &e[n].op;
    o->kind = s3p_rng_below(g, 4) ? S3P_REG_DELETE : S3P_REG_REMOVE;
    o->outcome = s3p_rng_below(g, 12) ? S3P_OK_OUTCOME : S3P_UNKNOWN;
    o->inv = s3p_rng_below(g, 4) ? last + 1 : last > 6 ? last - 6 : 0;
    o->res = o->inv + 1 + (int64_t)s3p_rng_below(g, 8);
    e[n].point = o->inv + (int64_t)s3p_rng_below(g, (uint64_t)(o->res - o->inv) + 1);
    for (uint32_t i = 0; i < n; i++) /* reads about it, before and behind */
        if (e[i].op.kind == S3P_REG_READ && s3p_rng_below(g, 2)) {
            int64_t at = (o->inv > 4 ? o->inv - 4 : 0) + (int64_t)s3p_rng_below(g, 12);
            e[i].op.res += at - e[i].op.inv;
            e[i].point += at - e[i].op.inv;
            e[i].op.inv = at;
        }
    return n + 1;
}

static void make(struct t_history *h, uint32_t n, uint32_t max, struct s3p_rng *g,
                 enum t_shape shape)
{
    struct event e[HISTORY_MAX / 2];
    uint32_t state = 0;
    draw_events(e, n, g, shape);
    if (shape == SHAPE_EPOCH)
        n = add_epoch_end(e, n, g);
    if (shape == SHAPE_DELETES && s3p_rng_below(g, 2)) { /* deletes are the end of the run */
        int64_t start =
            s3p_rng_below(g, 2) ? 1000 : 12; /* behind everything, or across the last ones */
        for (uint32_t i = 0; i < n; i++)
            if (e[i].op.kind == S3P_REG_DELETE) {
                e[i].op.inv = start + (int64_t)s3p_rng_below(g, 9);
                e[i].op.res = e[i].op.outcome == S3P_UNKNOWN ? INT64_MAX : e[i].op.inv + 3;
                e[i].point = e[i].op.outcome == S3P_FAILED ? INT64_MAX : e[i].op.inv;
            }
    }
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t j = i; j > 0 && earlier(&e[j], &e[j - 1]); j--) {
            struct event t = e[j];
            e[j] = e[j - 1];
            e[j - 1] = t;
        }
    h->values = 0;
    for (uint32_t i = 0; i < n; i++)
        h->values = e[i].op.value > h->values ? e[i].op.value : h->values;
    for (uint32_t i = 0; i < n; i++)
        state = execute(&e[i], g, state, h->values);
    h->n = 0;
    for (uint32_t i = 0; i < n; i++)
        h->op[h->n++] = e[i].op;
    for (uint32_t i = 0; i < n && h->n < max; i++)
        if (e[i].also != 0)
            h->op[h->n++] = (struct s3p_reg_op){.inv = e[i].op.inv,
                                                .res = e[i].op.res,
                                                .kind = (uint8_t)(e[i].also - 1),
                                                .value = e[i].also_value};
    for (uint32_t i = h->n; i > 1; i--) { /* records come in any order */
        uint32_t j = (uint32_t)s3p_rng_below(g, i);
        struct s3p_reg_op t = h->op[i - 1];
        h->op[i - 1] = h->op[j];
        h->op[j] = t;
    }
}

void t_history_make(struct t_history *h, struct s3p_rng *g, enum t_shape shape)
{
    make(h, 3 + (uint32_t)s3p_rng_below(g, 7), ORACLE_MAX, g, shape);
}

void t_history_long(struct t_history *h, struct s3p_rng *g, enum t_shape shape)
{
    make(h, 10 + (uint32_t)s3p_rng_below(g, 51), HISTORY_MAX, g, shape);
}

static void corrupt_once(struct t_history *h, struct s3p_rng *g)
{
    struct s3p_reg_op *o = &h->op[s3p_rng_below(g, h->n)];
    int64_t shift = (int64_t)s3p_rng_below(g, 25) - 12;
    switch (s3p_rng_below(g, 4)) {
    case 0:
        if (o->kind == S3P_REG_READ || o->kind == S3P_REG_NOT)
            o->value = (uint32_t)s3p_rng_below(g, h->values + 1);
        if (conditional(o) && h->values != 0)
            o->pred = 1 + (uint32_t)s3p_rng_below(g, h->values);
        return;
    case 1:
        o->inv += shift;
        o->res = o->res == INT64_MAX ? o->res : o->res + shift;
        return;
    case 2:
        if (o->res != INT64_MAX)
            o->res = o->inv + (int64_t)s3p_rng_below(g, (uint64_t)(o->res - o->inv) + 1);
        return;
    default:
        if (o->kind == S3P_REG_READ || o->kind == S3P_REG_NOT)
            return;
        o->outcome = (uint8_t)s3p_rng_below(g, 3);
        if (o->res == INT64_MAX && o->outcome == S3P_OK_OUTCOME)
            o->res = o->inv + 2;
    }
}

void t_history_corrupt(struct t_history *h, struct s3p_rng *g)
{
    uint64_t times = 1 + s3p_rng_below(g, 4);
    if (s3p_rng_below(g, 8) == 0) /* a value that nobody wrote */
        h->values++;
    while (times-- > 0)
        corrupt_once(h, g);
}

void t_history_print(const struct t_history *h)
{
    static const char *const kind[] = {"read", "write", "create", "cas",
                                       "replace", "not", "delete", "remove"};
    static const char *const outcome[] = {"failed", "ok", "unknown"};
    for (uint32_t i = 0; i < h->n; i++) {
        const struct s3p_reg_op *o = &h->op[i];
        fprintf(stderr, "  %2u [%" PRId64 ", %" PRId64 "] %s %u pred %d %s\n", i, o->inv, o->res,
                kind[o->kind], o->value, conditional(o) ? (int)o->pred : -1,
                o->kind == S3P_REG_READ || o->kind == S3P_REG_NOT ? "" : outcome[o->outcome]);
    }
}
