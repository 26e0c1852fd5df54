/* The search: just-in-time linearization, one pass over the operations in the order of time. A
 * configuration is what may be true now: which pending operations have taken effect, and the state.
 * When an operation returns, every configuration in which it has not been taken is extended by
 * pending mutators until it is; what cannot be extended so is dropped, and when nothing is left, no
 * order explains the history. (Wing and Gong, Testing and verifying concurrent objects, 1993; Lowe,
 * Testing for linearizability, 2017; taken only when a return forces it, and forgetting what is the
 * same from now on, it needs no history.) What keeps configurations few:
 *   - reads and refusals are taken at once where the state satisfies them: nothing is lost by it;
 *   - a value holds for one stretch of time, so a state whose value is read or expected by a call
 *     that is still to come cannot be left, and a state that a success was conditional on can only
 *     be left by that success;
 *   - a write that nobody reads is taken together with the next unconditional mutator, if no
 *     refusal of the key could need its state;
 *   - an optional mutator (one with an unknown outcome) need not be taken, so that a configuration
 *     is of no use beside one that differs only in not having taken it.
 * A delete that finds nothing is not taken early: it may be needed to undo a later write.
 *
 * Between two instants with no definite operation in flight lies a window. A window in which a
 * bound is met is given up and its verdict unknown; the search goes on behind it from every state
 * that could be left, so that what it finds later is still certain. */
#include "check/search.h"

#include <string.h>

#include "check/cluster.h"
#include "check/mutate.h"
#include "s3/outcome.h"

enum { STEPS = 1 << 20, LOST = 1 }; /* LOST: beside error codes, a bound was met */

void s3p_search_free(struct s3p_search *s)
{
    s3p_configs_free(&s->now);
    s3p_configs_free(&s->next);
    s3p_configs_free(&s->todo);
    s3p_configs_free(&s->start);
    memset(s, 0, sizeof *s);
}

static bool satisfied(const struct s3p_reg_op *op, uint32_t state)
{
    return op->kind == S3P_REG_READ
               ? state == op->value
               : S3P_MUT(S3P_MUT_SEARCH_NOT_OFF, state != op->value, true);
}

/* Bits of pending reads that `state` satisfies. */
static uint64_t readable(const struct s3p_reg *r, uint32_t state)
{
    const struct s3p_search *s = &r->search;
    uint64_t bits = 0;
    for (uint64_t left = s->used & ~s->mutators; left != 0; left &= left - 1) {
        int b = __builtin_ctzll(left);
        if (satisfied(&r->ops[s->pending[b].op], state))
            bits |= UINT64_C(1) << b;
    }
    return bits;
}

/* The state after mutator `i`; false when it cannot come next. `now`: what was called later is
 * still to come. */
static bool leads(const struct s3p_reg *r, uint32_t i, uint32_t state, int64_t now, uint32_t *to)
{
    const struct s3p_reg_op *op = &r->ops[i];
    if (state != S3P_REG_ABSENT) {
        uint32_t next = r->line.follower[state];
        bool other = S3P_MUT(S3P_MUT_SEARCH_FOLLOWER_ANY, next != i, true);
        if ((next != S3P_NO_OP && other) ||
             S3P_MUT(S3P_MUT_SEARCH_LEAVE_LE, r->cluster[state].r_inv > now,
                                                            r->cluster[state].r_inv >= now))
            return false;
    }
    *to = op->value;
    switch (op->kind) {
    case S3P_REG_CREATE:
        return S3P_MUT(S3P_MUT_SEARCH_CREATE_ANYWHERE, state == S3P_REG_ABSENT, true);
    case S3P_REG_REPLACE:
        return S3P_ON(SEARCH_REPLACE_ANYWHERE, state != S3P_REG_ABSENT);
    case S3P_REG_CAS:
    case S3P_REG_REMOVE:
        return op->pred == S3P_NO_VALUE ||
               S3P_MUT(S3P_MUT_SEARCH_CONDITION_OFF, state == op->pred, true);
    default:
        return true;
    }
}

static bool full(const struct s3p_search *s, const struct s3p_configs *set)
{
    return set->n > (s->max_configs != 0 ? s->max_configs : S3P_SEARCH_CONFIGS);
}

/* Is there one that has taken the same but one optional mutator? */
static bool dominated(const struct s3p_search *s, const struct s3p_configs *set, uint64_t taken,
                      uint32_t state)
{
    uint64_t spare = S3P_MUT(S3P_MUT_SEARCH_DOMINATES_ANY, s->optional, s->mutators);
    for (uint64_t left = taken & spare; left != 0; left &= left - 1)
        if (s3p_configs_has(set, taken & ~(left & -left), state))
            return true;
    return false;
}

static int add_config(struct s3p_search *s, struct s3p_configs *set, uint64_t taken, uint32_t state,
                      struct s3p_err *err)
{
    if (dominated(s, set, taken, state))
        return 0;
    S3P_TRY(s3p_configs_add(set, taken, state, err));
    return full(s, set) ? LOST : 0;
}

/* All ways to go on from `c` by one mutator. */
static int extend(struct s3p_reg *r, struct s3p_config c, uint64_t wanted, int64_t now,
                  struct s3p_err *err)
{
    struct s3p_search *s = &r->search;
    for (uint64_t left = s->mutators & ~c.taken; left != 0; left &= left - 1) {
        int b = __builtin_ctzll(left);
        uint32_t i = s->pending[b].op, to;
        if (s->steps == 0)
            return LOST;
        s->steps--;
        if (!leads(r, i, c.state, now, &to))
            continue;
        uint64_t taken = c.taken | UINT64_C(1) << b;
        if (r->ops[i].kind == S3P_REG_WRITE || r->ops[i].kind == S3P_REG_DELETE)
            taken |= s->idle;
        taken |= readable(r, to);
        int rc = add_config(s, taken & wanted ? &s->next : &s->todo, taken, to, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* What every configuration has taken need not be told apart any more. */
static void settle(struct s3p_search *s)
{
    uint64_t common = UINT64_MAX;
    for (uint32_t k = 0; k < s->now.n; k++)
        common &= s->now.at[k].taken;
    common &= s->used;
    if (common == 0)
        return;
    for (uint32_t k = 0; k < s->now.n; k++)
        s->now.at[k].taken &= ~common;
    s->used &= ~common;
    s->mutators &= ~common;
    s->optional &= ~common;
    s->idle &= ~common;
    s->fresh &= ~common;
}

static int search_return(struct s3p_reg *r, uint32_t i, struct s3p_err *err)
{
    struct s3p_search *s = &r->search;
    uint64_t wanted = 0;
    for (uint64_t left = s->used; left != 0 && wanted == 0; left &= left - 1)
        if (s->pending[__builtin_ctzll(left)].ticket == r->line.ticket[i])
            wanted = left & -left;
    if (wanted == 0) /* taken everywhere */
        return 0;
    s->fresh = 0;
    s3p_configs_clear(&s->next);
    s3p_configs_clear(&s->todo);
    for (uint32_t k = 0; k < s->now.n; k++) {
        struct s3p_config c = s->now.at[k];
        int rc = add_config(s, c.taken & wanted ? &s->next : &s->todo, c.taken, c.state, err);
        if (rc != 0)
            return rc;
    }
    bool narrows = s->todo.n != 0;
    for (uint32_t k = 0; k < s->todo.n; k++) {
        int rc = extend(r, s->todo.at[k], wanted, r->ops[i].res, err);
        if (rc != 0)
            return rc;
    }
    struct s3p_configs t = s->now;
    s->now = s->next;
    s->next = t;
    if (s->now.n == 0)
        return 0;
    s->narrowed = narrows ? i : s->narrowed;
    settle(s);
    return 0;
}

static int take_bit(struct s3p_reg *r, uint32_t i, uint64_t *bit)
{
    struct s3p_search *s = &r->search;
    uint32_t max = s->max_pending != 0 ? s->max_pending : S3P_SEARCH_PENDING;
    if ((uint32_t)__builtin_popcountll(s->used) >= max)
        return LOST;
    int b = __builtin_ctzll(~s->used);
    *bit = UINT64_C(1) << b;
    s->used |= *bit;
    s->pending[b] = (struct s3p_pending){i, ++s->tickets};
    r->line.ticket[i] = s->tickets;
    return 0;
}

/* Nobody saw this write, no condition names it, and no refusal could have met it. */
static bool is_idle(const struct s3p_reg *r, const struct s3p_reg_op *op)
{
    return op->kind == S3P_REG_WRITE && !s3p_cluster_seen(&r->cluster[op->value]) &&
           !r->line.wanted[op->value] &&
           S3P_MUT(S3P_MUT_SEARCH_IDLE_ALWAYS, r->nnegative == 0, true);
}

static int call_mutator(struct s3p_reg *r, uint32_t i)
{
    struct s3p_search *s = &r->search;
    uint64_t bit;
    if (take_bit(r, i, &bit) != 0)
        return LOST;
    s->mutators |= bit;
    if (s3p_reg_optional(&r->ops[i]))
        s->optional |= bit;
    else if (is_idle(r, &r->ops[i]))
        s->idle |= bit;
    return 0;
}

/* In a configuration that has left the value, a new read of it cannot be satisfied any more. */
static bool has_left(const struct s3p_reg *r, const struct s3p_reg_op *op,
                     const struct s3p_config *c, int64_t now)
{
    const struct s3p_search *s = &r->search;
    uint32_t write = r->cluster[op->value].write;
    if (op->kind != S3P_REG_READ || write == S3P_NO_OP || r->ops[write].inv > now)
        return false; /* absence may come again; a value may still come */
    for (uint64_t left = s->mutators; left != 0; left &= left - 1)
        if (s->pending[__builtin_ctzll(left)].op == write)
            return (c->taken & (left & -left)) != 0;
    return true;
}

/* The group of pending reads that `op` may join: reads of one value always; others while no
 * configuration has moved since. */
static uint64_t group_of(const struct s3p_reg *r, const struct s3p_reg_op *op)
{
    const struct s3p_search *s = &r->search;
    bool once = S3P_MUT(S3P_MUT_SEARCH_GROUP_ALWAYS,
                        op->kind == S3P_REG_READ && op->value != S3P_REG_ABSENT, true);
    for (uint64_t left = once ? s->used & ~s->mutators : s->fresh; left != 0; left &= left - 1) {
        const struct s3p_reg_op *of = &r->ops[s->pending[__builtin_ctzll(left)].op];
        if (of->kind == op->kind && of->value == op->value)
            return left & -left;
    }
    return 0;
}

static int call_read(struct s3p_reg *r, uint32_t i)
{
    struct s3p_search *s = &r->search;
    const struct s3p_reg_op *op = &r->ops[i];
    uint32_t kept = 0, open = 0;
    r->line.ticket[i] = 0;
    for (uint32_t k = 0; k < s->now.n; k++) {
        struct s3p_config c = s->now.at[k];
        bool good = satisfied(op, c.state);
        if (!good && has_left(r, op, &c, op->inv))
            continue;
        open += !good;
        s->now.at[kept++] = c;
    }
    s->now.n = kept;
    if (open == 0)
        return 0;
    uint64_t bit = group_of(r, op);
    if (bit != 0) {
        r->line.ticket[i] = s->pending[__builtin_ctzll(bit)].ticket;
    } else {
        if (take_bit(r, i, &bit) != 0)
            return LOST;
        s->fresh |= bit;
    }
    for (uint32_t k = 0; k < s->now.n; k++)
        if (satisfied(op, s->now.at[k].state))
            s->now.at[k].taken |= bit;
    return 0;
}

static void forget_pending(struct s3p_search *s)
{
    s->used = s->mutators = s->optional = s->idle = s->fresh = 0;
}

/* The states and optional mutators that a window begins with, kept for when it is given up. */
static int begin_window(struct s3p_reg *r, uint32_t first_call, struct s3p_err *err)
{
    struct s3p_search *s = &r->search;
    s->first_call = first_call;
    uint32_t hopeless = r->out->unknown_windows / 8;
    s->steps = STEPS >> (hopeless < 8 ? hopeless : 8);
    s->ncarried = 0;
    for (uint64_t left = s->optional; left != 0; left &= left - 1)
        s->carried[s->ncarried++] = s->pending[__builtin_ctzll(left)].op;
    s3p_configs_clear(&s->start);
    for (uint32_t k = 0; k < s->now.n; k++)
        S3P_TRY(s3p_configs_add(&s->start, 0, s->now.at[k].state, err));
    return 0;
}

/* Begins anew behind a window that was given up: from each state that it may have left, with every
 * optional mutator still to take. LOST: too many. */
static int begin_anew(struct s3p_reg *r, uint32_t end, struct s3p_err *err)
{
    struct s3p_search *s = &r->search;
    const struct s3p_timeline *t = &r->line;
    int64_t last = INT64_MIN; /* call of a definite mutator of the window */
    forget_pending(s);
    for (uint32_t k = s->first_call; k < end; k++) {
        const struct s3p_reg_op *op = &r->ops[t->calls[k]];
        if (s3p_reg_mutates(op) && !s3p_reg_optional(op) && op->inv > last)
            last = op->inv;
    }
    s3p_configs_clear(&s->now);
    bool same = S3P_MUT(S3P_MUT_ANEW_START_OFF, last == INT64_MIN, false);
    for (uint32_t k = 0; k < s->start.n && same; k++)
        S3P_TRY(s3p_configs_add(&s->now, 0, s->start.at[k].state, err));
    uint32_t carried = S3P_MUT(S3P_MUT_ANEW_CARRIED_OFF, s->ncarried, 0);
    for (uint32_t k = 0; k < carried + (end - s->first_call); k++) {
        uint32_t i = k < carried ? s->carried[k] : t->calls[s->first_call + k - carried];
        const struct s3p_reg_op *op = &r->ops[i];
        bool open = s3p_reg_optional(op);
        bool passed = S3P_MUT(S3P_MUT_ANEW_LAST_LE, op->res < last, op->res <= last);
        if (!s3p_reg_mutates(op) || (!open && passed))
            continue;
        S3P_TRY(s3p_configs_add(&s->now, 0, op->value, err));
        if (full(s, &s->now) || (open && call_mutator(r, i) != 0))
            return LOST;
    }
    return 0;
}

static void note_window(struct s3p_reg *r, uint32_t end)
{
    struct s3p_search *s = &r->search;
    struct s3p_reg_result *out = r->out;
    const struct s3p_timeline *t = &r->line;
    out->windows++;
    if (!s->lost)
        return;
    out->unknown_windows++;
    out->unknown_ops += end - s->first_call;
    if (out->unknown_windows == 1) {
        out->unknown_from = r->ops[t->calls[s->first_call]].inv;
        out->unknown_to = out->unknown_from;
        for (uint32_t k = s->first_call; k < end; k++) {
            const struct s3p_reg_op *op = &r->ops[t->calls[k]];
            if (op->res > out->unknown_to && !s3p_reg_optional(op))
                out->unknown_to = op->res;
        }
    }
}

static void blame_search(struct s3p_reg *r, uint32_t i)
{
    const struct s3p_search *s = &r->search;
    const struct s3p_reg_op *op = &r->ops[i];
    uint32_t v = op->kind == S3P_REG_CAS || op->kind == S3P_REG_REMOVE ? op->pred : op->value;
    uint32_t write = v <= r->values ? r->cluster[v].write : S3P_NO_OP;
    enum s3p_rule rule = op->kind == S3P_REG_REPLACE ? S3P_RULE_CAS_IGNORED : S3P_RULE_ZONE_OVERLAP;
    if (s->narrowed == S3P_NO_OP || s->narrowed == i)
        s3p_reg_blame(r, rule, i, write, S3P_NO_OP, S3P_NO_OP);
    else
        s3p_reg_blame(r, rule, i, s->narrowed, write, S3P_NO_OP);
}

/* A call or a return. */
static int search_event(struct s3p_reg *r, uint32_t i, bool call, struct s3p_err *err)
{
    struct s3p_search *s = &r->search;
    const struct s3p_reg_op *op = &r->ops[i];
    int rc = 0;
    if (!s->lost)
        rc = !call                     ? search_return(r, i, err)
             : s3p_reg_mutates(op) ? call_mutator(r, i)
                                       : call_read(r, i);
    if (rc < 0)
        return rc;
    s->lost |= rc == LOST;
    if (!s->lost && s->now.n == 0)
        blame_search(r, i);
    if (!s3p_reg_optional(op))
        s->in_flight = call ? s->in_flight + 1 : s->in_flight - 1;
    return 0;
}

static int search_start(struct s3p_reg *r, struct s3p_err *err)
{
    struct s3p_search *s = &r->search;
    forget_pending(s);
    s->tickets = s->in_flight = 0;
    s->narrowed = S3P_NO_OP;
    s->lost = false;
    s3p_configs_clear(&s->now);
    S3P_TRY(s3p_configs_add(&s->now, 0, S3P_REG_ABSENT, err));
    return begin_window(r, 0, err);
}

int s3p_search_run(struct s3p_reg *r, struct s3p_err *err)
{
    struct s3p_search *s = &r->search;
    const struct s3p_timeline *t = &r->line;
    uint32_t i = 0, j = 0;
    S3P_TRY(search_start(r, err));
    while (j < t->nreturns) {
        bool call = i < t->ncalls && S3P_MUT(S3P_MUT_SEARCH_CALL_LT,
                                             r->ops[t->calls[i]].inv <= r->ops[t->returns[j]].res,
                                             r->ops[t->calls[i]].inv < r->ops[t->returns[j]].res);
        S3P_TRY(search_event(r, call ? t->calls[i++] : t->returns[j++], call, err));
        if (!s->lost && s->now.n == 0)
            return 0;
        if (call || s->in_flight != 0)
            continue;
        note_window(r, i);
        int rc = s->lost ? begin_anew(r, i, err) : 0;
        if (rc < 0)
            return rc;
        if (rc == LOST) { /* the rest of the key is one window */
            s->first_call = i;
            if (i < t->ncalls)
                note_window(r, t->ncalls);
            return 0;
        }
        s->lost = false;
        S3P_TRY(begin_window(r, i, err));
    }
    return 0;
}
