#include "check/grade.h"

#include <stdlib.h>
#include <string.h>

#include "check/idmap.h"
#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/outcome.h"

enum { ROUNDS = 64 }; /* of removing what is left of offending reads */

const char *const s3p_session_name[S3P_SESSIONS] = {
    [S3P_READ_YOUR_WRITES] = "read_your_writes",
    [S3P_MONOTONIC_READS] = "monotonic_reads",
    [S3P_MONOTONIC_WRITES] = "monotonic_writes",
    [S3P_WRITES_FOLLOW_READS] = "writes_follow_reads",
};

struct value {
    int64_t inv, acked, known; /* call; return of an acknowledged write, else INT64_MAX; f */
    uint32_t writer;           /* operation, S3P_NO_OP: nobody wrote it */
};

struct later { /* a mutation that is known to have happened */
    int64_t inv, known;
    int64_t first; /* the earliest `known` of this and all that were called after it */
    bool value;    /* no delete */
};

struct removal { /* a delete that may have happened */
    int64_t inv, known; /* INT64_MAX: at any time */
};

struct session { /* what a client knows, as the sweep goes */
    int64_t own;     /* the latest call of its acknowledged mutations; INT64_MIN */
    uint32_t newest; /* value that it read; 0: none */
};

struct s3p_grader {
    struct value *value;
    struct later *later;
    struct removal *removal;
    struct session *session;
    int64_t *first_read; /* of a (client, value): its earliest return */
    uint32_t *read, *done, *by_known, *tree, *who;
    bool *stale;
    struct s3p_reg_op *kept;
    uint32_t *kept_of; /* operations of `kept` */
    struct s3p_idmap clients, readers;
    uint32_t cap;
    /* the key at hand */
    const struct s3p_reg_op *ops;
    const uint32_t *client;
    uint32_t n, values, nlater, nremovals, nreads, ndone;
    struct s3p_grade *out;
    uint32_t oldest;
};

void s3p_grade_add(struct s3p_grade *a, const struct s3p_grade *b)
{
    a->keys += b->keys;
    a->broken_keys += b->broken_keys;
    a->ungraded_keys += b->ungraded_keys;
    a->reads += b->reads;
    a->stale_reads += b->stale_reads;
    a->undated_reads += b->undated_reads;
    a->versions = a->versions > b->versions ? a->versions : b->versions;
    a->late_ns = a->late_ns > b->late_ns ? a->late_ns : b->late_ns;
    for (int i = 0; i < S3P_SESSIONS; i++)
        a->session[i] += b->session[i];
}

int s3p_grader_create(struct s3p_grader **out, struct s3p_err *err)
{
    *out = s3p_calloc(1, sizeof **out);
    return *out != NULL ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "grader workspace");
}

static void release(struct s3p_grader *g)
{
    s3p_free(g->value);
    s3p_free(g->later);
    s3p_free(g->removal);
    s3p_free(g->session);
    s3p_free(g->first_read);
    s3p_free(g->read);
    s3p_free(g->done);
    s3p_free(g->by_known);
    s3p_free(g->tree);
    s3p_free(g->who);
    s3p_free(g->stale);
    s3p_free(g->kept);
    s3p_free(g->kept_of);
    s3p_idmap_free(&g->clients);
    s3p_idmap_free(&g->readers);
    memset(g, 0, sizeof *g);
}

void s3p_grader_free(struct s3p_grader *g)
{
    if (g == NULL)
        return;
    release(g);
    s3p_free(g);
}

static int reserve(struct s3p_grader *g, uint32_t ops, uint32_t values, struct s3p_err *err)
{
    size_t n = (size_t)(ops > values ? ops : values) + 2;
    if (n <= g->cap)
        return 0;
    release(g);
    g->value = s3p_alloc(n * sizeof *g->value);
    g->later = s3p_alloc(n * sizeof *g->later);
    g->removal = s3p_alloc(n * sizeof *g->removal);
    g->session = s3p_alloc(n * sizeof *g->session);
    g->first_read = s3p_alloc(n * sizeof *g->first_read);
    g->read = s3p_alloc(n * sizeof *g->read);
    g->done = s3p_alloc(n * sizeof *g->done);
    g->by_known = s3p_alloc(n * sizeof *g->by_known);
    g->tree = s3p_alloc(n * sizeof *g->tree);
    g->who = s3p_alloc(n * sizeof *g->who);
    g->stale = s3p_alloc(n * sizeof *g->stale);
    g->kept = s3p_alloc(n * sizeof *g->kept);
    g->kept_of = s3p_alloc(n * sizeof *g->kept_of);
    if (g->value == NULL || g->later == NULL || g->removal == NULL || g->session == NULL ||
        g->first_read == NULL || g->read == NULL || g->done == NULL || g->by_known == NULL ||
        g->tree == NULL || g->who == NULL || g->stale == NULL || g->kept == NULL ||
        g->kept_of == NULL) {
        release(g);
        return s3p_fail(err, S3P_ENOMEM, 0, "grade of %u operations of one key", ops);
    }
    g->cap = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    return 0;
}

/* ---- what is known of values and deletes ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_write(const struct s3p_reg_op *op)
{
    return s3p_reg_plain(op->kind) || op->kind == S3P_REG_CREATE || op->kind == S3P_REG_CAS;
}

static bool is_delete(const struct s3p_reg_op *op)
{
    return op->kind == S3P_REG_DELETE || op->kind == S3P_REG_REMOVE;
}

static bool is_read(const struct s3p_grader *g, uint32_t i)
{
    const struct s3p_reg_op *op = &g->ops[i];
    return op->kind == S3P_REG_READ &&
           (op->value == S3P_REG_ABSENT || g->value[op->value].writer != S3P_NO_OP);
}

static void know_values(struct s3p_grader *g)
{
    for (uint32_t v = 0; v <= g->values; v++)
        g->value[v] = (struct value){INT64_MIN, INT64_MAX, INT64_MAX, S3P_NO_OP};
    for (uint32_t i = 0; i < g->n; i++) {
        const struct s3p_reg_op *op = &g->ops[i];
        struct value *v = &g->value[op->value];
        if (op->kind == S3P_REG_READ)
            v->known = least(v->known, op->res);
        if (!is_write(op) || op->outcome == S3P_FAILED)
            continue;
        v->writer = i;
        v->inv = op->inv;
        if (op->outcome == S3P_OK_OUTCOME) {
            v->acked = op->res;
            v->known = least(v->known, op->res);
        }
    }
    for (uint32_t v = 1; v <= g->values; v++) /* whoever saw it before it was written was wrong */
        if (g->value[v].known < g->value[v].inv)
            g->value[v].known = g->value[v].inv;
}

static int by_call(const void *a, const void *b)
{
    const struct later *x = a, *y = b;
    return (x->inv > y->inv) - (x->inv < y->inv);
}

static int removal_by_call(const void *a, const void *b)
{
    const struct removal *x = a, *y = b;
    return (x->inv > y->inv) - (x->inv < y->inv);
}

static void know_mutations(struct s3p_grader *g)
{
    g->nlater = g->nremovals = 0;
    for (uint32_t v = 1; v <= g->values; v++)
        if (g->value[v].writer != S3P_NO_OP && g->value[v].known != INT64_MAX)
            g->later[g->nlater++] =
                (struct later){g->value[v].inv, g->value[v].known, INT64_MAX, true};
    for (uint32_t i = 0; i < g->n; i++) {
        const struct s3p_reg_op *op = &g->ops[i];
        if (!is_delete(op) || op->outcome == S3P_FAILED)
            continue;
        bool acked = op->outcome == S3P_OK_OUTCOME;
        g->removal[g->nremovals++] = (struct removal){op->inv, acked ? op->res : INT64_MAX};
        if (acked)
            g->later[g->nlater++] = (struct later){op->inv, op->res, INT64_MAX, false};
    }
    qsort(g->later, g->nlater, sizeof *g->later, by_call);
    qsort(g->removal, g->nremovals, sizeof *g->removal, removal_by_call);
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (uint32_t k = g->nlater; k-- > 0;)
        g->later[k].first = first = least(first, g->later[k].known);
    for (uint32_t k = 0; k < g->nremovals; k++) { /* the youngest absence up to here */
        last = g->removal[k].known > last ? g->removal[k].known : last;
        g->removal[k].known = last;
    }
}

/* The first mutation that was called after t. */
static uint32_t called_after(const struct s3p_grader *g, int64_t t)
{
    uint32_t lo = 0, hi = g->nlater;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (S3P_MUT(S3P_MUT_GRADE_LATER_LE, g->later[mid].inv <= t, g->later[mid].inv < t))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* f of what the read saw: of "absent" that of the youngest delete that it may have seen. */
static int64_t known_by(const struct s3p_grader *g, const struct s3p_reg_op *op)
{
    if (op->value != S3P_REG_ABSENT)
        return g->value[op->value].known;
    uint32_t lo = 0, hi = g->nremovals;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (S3P_MUT(S3P_MUT_GRADE_ABSENT_LT, g->removal[mid].inv <= op->res,
                    g->removal[mid].inv < op->res))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo != 0 && S3P_OFF(GRADE_ABSENT_OFF, true) ? g->removal[lo - 1].known
                                                                      : INT64_MIN;
}

/* ---- staleness ---- */

struct by_time { /* for sorting */
    const struct s3p_grader *g;
    bool end;
};

static int compare_ops(const void *a, const void *b, void *arg)
{
    const struct by_time *o = arg;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    int64_t s = o->end ? o->g->ops[i].res : o->g->ops[i].inv;
    int64_t t = o->end ? o->g->ops[j].res : o->g->ops[j].inv;
    return s != t ? (s > t) - (s < t) : (i > j) - (i < j);
}

static int compare_known(const void *a, const void *b, void *arg)
{
    const struct s3p_grader *g = arg;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    int64_t s = g->later[i].known, t = g->later[j].known;
    return s != t ? (s > t) - (s < t) : (i > j) - (i < j);
}

static void collect(struct s3p_grader *g)
{
    struct by_time call = {g, false}, end = {g, true};
    g->nreads = g->ndone = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        const struct s3p_reg_op *op = &g->ops[i];
        bool read = is_read(g, i);
        g->stale[i] = false;
        if (read)
            g->read[g->nreads++] = i;
        bool acked = (is_write(op) || is_delete(op)) && op->outcome == S3P_OK_OUTCOME;
        if (acked || (read && op->value != S3P_REG_ABSENT))
            g->done[g->ndone++] = i;
    }
    qsort_r(g->read, g->nreads, sizeof *g->read, compare_ops, &call);
    qsort_r(g->done, g->ndone, sizeof *g->done, compare_ops, &end);
    for (uint32_t k = 0; k < g->nlater; k++) {
        g->by_known[k] = k;
        g->tree[k] = 0;
    }
    g->tree[g->nlater] = 0;
    qsort_r(g->by_known, g->nlater, sizeof *g->by_known, compare_known, g);
}

/* A Fenwick tree over the order of calls: values that are known. */
static void tree_add(struct s3p_grader *g, uint32_t at)
{
    for (uint32_t i = at + 1; i <= g->nlater; i += i & -i)
        g->tree[i]++;
}

static uint32_t tree_before(const struct s3p_grader *g, uint32_t at)
{
    uint32_t n = 0;
    for (uint32_t i = at; i != 0; i -= i & -i)
        n += g->tree[i];
    return n;
}

static void note_stale(struct s3p_grader *g, uint32_t i, uint64_t versions, uint64_t late_ns)
{
    struct s3p_grade *out = g->out;
    bool older = g->oldest == S3P_NO_OP || late_ns > out->late_ns ||
                 (late_ns == out->late_ns && g->ops[i].ref < g->ops[g->oldest].ref);
    g->stale[i] = true;
    out->stale_reads++;
    out->versions = versions > out->versions ? versions : out->versions;
    out->late_ns = late_ns > out->late_ns ? late_ns : out->late_ns;
    g->oldest = older ? i : g->oldest;
}

/* Reads in the order of their calls; values come into the tree when they are known. */
static void measure(struct s3p_grader *g)
{
    uint32_t next = 0, known = 0;
    for (uint32_t k = 0; k < g->nreads; k++) {
        const struct s3p_reg_op *op = &g->ops[g->read[k]];
        uint32_t from = called_after(g, known_by(g, op));
        for (; next < g->nlater; next++) {
            const struct later *m = &g->later[g->by_known[next]];
            if (S3P_MUT(S3P_MUT_GRADE_KNOWN_LE, m->known >= op->inv, m->known > op->inv))
                break;
            if (m->value) {
                tree_add(g, g->by_known[next]);
                known++;
            }
        }
        if (from == g->nlater ||
            S3P_MUT(S3P_MUT_GRADE_STALE_LE, g->later[from].first >= op->inv,
                    g->later[from].first > op->inv))
            continue;
        uint32_t versions = known - tree_before(g, from);
        note_stale(g, g->read[k], versions != 0 ? versions : 1,
                   (uint64_t)op->inv - (uint64_t)g->later[from].first);
    }
    g->out->reads = g->nreads;
}

/* ---- sessions ---- */

static int name_clients(struct s3p_grader *g, struct s3p_err *err)
{
    uint32_t nclients = 0, npairs = 0, *at;
    s3p_idmap_free(&g->clients);
    s3p_idmap_free(&g->readers);
    for (uint32_t i = 0; i < g->n; i++) {
        S3P_TRY(s3p_idmap_put(&g->clients, s3p_idmap_pair(g->client[i], 0), nclients, &at, err));
        g->who[i] = *at;
        if (*at == nclients)
            g->session[nclients++] = (struct session){INT64_MIN, 0};
        if (!is_read(g, i) || g->ops[i].value == S3P_REG_ABSENT)
            continue;
        S3P_TRY(s3p_idmap_put(&g->readers, s3p_idmap_pair(g->who[i], g->ops[i].value), npairs, &at,
                              err));
        if (*at == npairs)
            g->first_read[npairs++] = INT64_MAX;
        g->first_read[*at] = least(g->first_read[*at], g->ops[i].res);
    }
    return 0;
}

/* A session learns what an operation of its own told it. */
static void learn(struct s3p_grader *g, uint32_t i)
{
    const struct s3p_reg_op *op = &g->ops[i];
    struct session *s = &g->session[g->who[i]];
    if (op->kind != S3P_REG_READ) {
        s->own = op->inv > s->own ? op->inv : s->own;
        return;
    }
    int64_t old = g->value[s->newest].inv, inv = g->value[op->value].inv; /* of 0: INT64_MIN */
    if (inv > old || (inv == old && op->value > s->newest))
        s->newest = op->value;
}

/* The writer of `newest` had written, or read, `seen` before. */
static void judge_writer(struct s3p_grader *g, uint32_t newest, uint32_t seen)
{
    const struct value *n = &g->value[newest], *v = &g->value[seen];
    uint32_t writer = g->who[n->writer];
    if (seen == S3P_REG_ABSENT)
        return;
    if (g->who[v->writer] == writer && S3P_LT(GRADE_ACKED_LE, v->acked, n->inv))
        g->out->session[S3P_MONOTONIC_WRITES]++;
    const uint32_t *at = s3p_idmap_find(&g->readers, s3p_idmap_pair(writer, seen));
    if (at != NULL && S3P_ON(GRADE_FOLLOW_ALWAYS,
                             S3P_LT(GRADE_FOLLOW_LE, g->first_read[*at], n->inv)))
        g->out->session[S3P_WRITES_FOLLOW_READS]++;
}

static int judge_sessions(struct s3p_grader *g, struct s3p_err *err)
{
    uint32_t next = 0;
    S3P_TRY(name_clients(g, err));
    for (uint32_t k = 0; k < g->nreads; k++) {
        const struct s3p_reg_op *op = &g->ops[g->read[k]];
        const struct session *s = &g->session[g->who[g->read[k]]];
        int64_t known = known_by(g, op);
        for (; next < g->ndone; next++) {
            if (S3P_MUT(S3P_MUT_GRADE_BEFORE_LE, g->ops[g->done[next]].res >= op->inv,
                        g->ops[g->done[next]].res > op->inv))
                break;
            learn(g, g->done[next]);
        }
        g->out->session[S3P_READ_YOUR_WRITES] +=
            S3P_MUT(S3P_MUT_GRADE_OWN_LE, s->own > known, s->own >= known && known != INT64_MIN);
        if (s->newest == 0 ||
            S3P_MUT(S3P_MUT_GRADE_SEEN_LE, g->value[s->newest].inv <= known,
                    g->value[s->newest].inv < known))
            continue;
        g->out->session[S3P_MONOTONIC_READS]++;
        judge_writer(g, s->newest, op->value);
    }
    return 0;
}

/* ---- what is left without reads ---- */

static bool reads_nonsense(const struct s3p_grader *g)
{
    bool bad = false;
    for (uint32_t i = 0; i < g->n; i++) {
        const struct s3p_reg_op *op = &g->ops[i];
        if (op->kind == S3P_REG_READ && op->value != S3P_REG_ABSENT)
            bad |= g->value[op->value].writer == S3P_NO_OP ||
                   S3P_LT(GRADE_FUTURE_LE, op->res, g->value[op->value].inv);
    }
    return bad;
}

/* Judges the operations without reads, or without those that are stale. */
static int judge_kept(struct s3p_grader *g, struct s3p_reg *r, bool reads,
                      struct s3p_reg_result *res, struct s3p_err *err)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        if (g->stale[i] || (!reads && g->ops[i].kind == S3P_REG_READ))
            continue;
        g->kept[n] = g->ops[i];
        g->kept_of[n++] = i;
    }
    return s3p_reg_check(r, g->kept, n, g->values, res, err);
}

/* The reads that are named as the offending ones of `res`. */
static uint32_t remove_offending(struct s3p_grader *g, const struct s3p_reg_result *res)
{
    uint32_t removed = 0;
    for (uint32_t k = 0; k < res->nviolations; k++) {
        uint32_t i = g->kept_of[res->violation[k].op[0]];
        if (res->violation[k].n == 0 || g->stale[i] || g->ops[i].kind != S3P_REG_READ)
            continue;
        g->stale[i] = true;
        removed++;
    }
    return removed;
}

static int judge_rest(struct s3p_grader *g, struct s3p_reg *r, struct s3p_err *err)
{
    struct s3p_reg_result res;
    S3P_TRY(judge_kept(g, r, false, &res, err));
    g->out->broken_keys = reads_nonsense(g) || res.nviolations != 0;
    for (int round = 0; round < ROUNDS && g->out->broken_keys == 0; round++) {
        S3P_TRY(judge_kept(g, r, true, &res, err));
        uint32_t removed = remove_offending(g, &res);
        g->out->undated_reads += removed;
        if (removed == 0)
            break;
    }
    return 0;
}

int s3p_grade_key(struct s3p_grader *g, struct s3p_reg *r, const struct s3p_reg_op *ops,
                  const uint32_t *client, uint32_t n, uint32_t values, struct s3p_grade *out,
                  uint32_t *oldest, struct s3p_err *err)
{
    S3P_TRY(reserve(g, n, values, err));
    *out = (struct s3p_grade){.keys = 1};
    g->ops = ops;
    g->client = client;
    g->n = n;
    g->values = values;
    g->out = out;
    g->oldest = S3P_NO_OP;
    know_values(g);
    know_mutations(g);
    collect(g);
    measure(g);
    S3P_TRY(judge_sessions(g, err));
    *oldest = g->oldest;
    return judge_rest(g, r, err);
}
