/* The grade of a register against its definition, computed pair by pair, and against the oracle: a
 * history that has an order breaks nothing. Then the machine form, on histories by hand. */
#include "tests/t.h"

#include "check/cluster.h"
#include "check/grade.h"
#include "s3/body.h"
#include "s3/outcome.h"
#include "tests/check/make.h"
#include "tests/check/oracle.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HISTORIES = 10000 };
#else
enum { HISTORIES = 60000 };
#endif
enum { CLIENTS = 3 };

/* ---- the definition ---- */

static bool writes(const struct s3p_reg_op *o)
{
    return o->kind >= S3P_REG_WRITE && o->kind <= S3P_REG_REPLACE && o->outcome != S3P_FAILED;
}

static bool removes(const struct s3p_reg_op *o)
{
    return o->kind >= S3P_REG_DELETE && o->outcome != S3P_FAILED;
}

static const struct s3p_reg_op *writer(const struct t_history *h, uint32_t value)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (writes(&h->op[i]) && h->op[i].value == value)
            return &h->op[i];
    return NULL;
}

/* When the mutation was known to have happened; INT64_MAX: it never was. */
static int64_t known(const struct t_history *h, const struct s3p_reg_op *m)
{
    int64_t t = m->outcome == S3P_OK_OUTCOME ? m->res : INT64_MAX;
    for (uint32_t i = 0; writes(m) && i < h->n; i++)
        if (h->op[i].kind == S3P_REG_READ && h->op[i].value == m->value && h->op[i].res < t)
            t = h->op[i].res;
    return t < m->inv ? m->inv : t;
}

/* When the state that the read saw was known, at the latest. */
static int64_t seen_known(const struct t_history *h, const struct s3p_reg_op *r)
{
    int64_t t = INT64_MIN;
    if (r->value != S3P_REG_ABSENT)
        return known(h, writer(h, r->value));
    for (uint32_t i = 0; i < h->n; i++)
        if (removes(&h->op[i]) && h->op[i].inv <= r->res && known(h, &h->op[i]) > t)
            t = known(h, &h->op[i]);
    return t;
}

/* Is `m` later than what the read saw, in every order? */
static bool later(const struct t_history *h, const struct s3p_reg_op *m, const struct s3p_reg_op *r)
{
    return m->inv > seen_known(h, r);
}

static bool is_read(const struct t_history *h, const struct s3p_reg_op *o)
{
    return o->kind == S3P_REG_READ && (o->value == S3P_REG_ABSENT || writer(h, o->value) != NULL);
}

static void judge_age(const struct t_history *h, const struct s3p_reg_op *r, struct s3p_grade *g)
{
    int64_t first = INT64_MAX;
    uint64_t versions = 0;
    for (uint32_t i = 0; i < h->n; i++) {
        const struct s3p_reg_op *m = &h->op[i];
        bool mutates = writes(m) || removes(m);
        if (!mutates || !later(h, m, r) || known(h, m) >= r->inv)
            continue;
        first = known(h, m) < first ? known(h, m) : first;
        versions += writes(m);
    }
    if (first == INT64_MAX)
        return;
    versions = versions == 0 ? 1 : versions;
    uint64_t late = (uint64_t)(r->inv - first);
    g->stale_reads++;
    g->versions = versions > g->versions ? versions : g->versions;
    g->late_ns = late > g->late_ns ? late : g->late_ns;
}

static void judge_session(const struct t_history *h, const uint32_t *client, uint32_t i,
                          struct s3p_grade *g)
{
    const struct s3p_reg_op *r = &h->op[i], *newest = NULL;
    bool own = false, wrote = false, read = false;
    for (uint32_t k = 0; k < h->n; k++) {
        const struct s3p_reg_op *o = &h->op[k];
        if (client[k] != client[i] || o->res >= r->inv)
            continue;
        own |= (writes(o) || removes(o)) && o->outcome == S3P_OK_OUTCOME && later(h, o, r);
        if (!is_read(h, o) || o->value == S3P_REG_ABSENT)
            continue;
        const struct s3p_reg_op *w = writer(h, o->value);
        if (newest == NULL || w->inv > newest->inv ||
            (w->inv == newest->inv && w->value > newest->value))
            newest = w;
    }
    g->session[S3P_READ_YOUR_WRITES] += own;
    if (newest == NULL || !later(h, newest, r))
        return;
    g->session[S3P_MONOTONIC_READS]++;
    uint32_t by = client[newest - h->op];
    for (uint32_t k = 0; k < h->n && r->value != S3P_REG_ABSENT; k++) {
        const struct s3p_reg_op *o = &h->op[k];
        if (client[k] != by || o->value != r->value || o->res >= newest->inv)
            continue;
        wrote |= writes(o) && o->outcome == S3P_OK_OUTCOME;
        read |= o->kind == S3P_REG_READ;
    }
    g->session[S3P_MONOTONIC_WRITES] += wrote;
    g->session[S3P_WRITES_FOLLOW_READS] += read;
}

static bool broken(const struct t_history *h)
{
    struct s3p_reg_op left[HISTORY_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->n; i++) {
        const struct s3p_reg_op *o = &h->op[i];
        if (o->kind != S3P_REG_READ) {
            left[n++] = *o;
            continue;
        }
        const struct s3p_reg_op *w = writer(h, o->value);
        if (o->value != S3P_REG_ABSENT && (w == NULL || o->res < w->inv))
            return true;
    }
    return !t_oracle_legal(left, n);
}

static void define(const struct t_history *h, const uint32_t *client, struct s3p_grade *g)
{
    *g = (struct s3p_grade){.keys = 1, .broken_keys = broken(h)};
    for (uint32_t i = 0; i < h->n; i++) {
        if (!is_read(h, &h->op[i]))
            continue;
        g->reads++;
        judge_age(h, &h->op[i], g);
        judge_session(h, client, i, g);
    }
}

/* ---- random histories ---- */

static bool same(struct s3p_grade a, struct s3p_grade b)
{
    a.undated_reads = b.undated_reads = 0;
    return memcmp(&a, &b, sizeof a) == 0;
}

static void show(const char *who, const struct s3p_grade *g)
{
    fprintf(stderr, "  %s: broken %llu stale %llu versions %llu late %llu sessions %llu %llu %llu "
            "%llu undated %llu\n", who, (unsigned long long)g->broken_keys,
            (unsigned long long)g->stale_reads, (unsigned long long)g->versions,
            (unsigned long long)g->late_ns, (unsigned long long)g->session[0],
            (unsigned long long)g->session[1], (unsigned long long)g->session[2],
            (unsigned long long)g->session[3], (unsigned long long)g->undated_reads);
}

T_TEST_LIMIT(grade_oracle, 300)
{
    struct s3p_reg *reg = NULL;
    struct s3p_grader *grader = NULL;
    struct s3p_grade sum = {0};
    struct t_history h;
    T_OK(s3p_reg_create(&reg, err));
    T_OK(s3p_grader_create(&grader, err));
    for (uint64_t i = 0; i < HISTORIES; i++) {
        struct s3p_rng g = {71, i, 0};
        struct s3p_grade want, got;
        uint32_t client[HISTORY_MAX], oldest;
        t_history_make(&h, &g, (enum t_shape)(i / 2 % SHAPE_COUNT));
        if (i & 1)
            t_history_corrupt(&h, &g);
        for (uint32_t k = 0; k < h.n; k++) {
            h.op[k].ref = k;
            client[k] = 7 + (uint32_t)s3p_rng_below(&g, CLIENTS);
        }
        T_OK(s3p_grade_key(grader, reg, h.op, client, h.n, h.values, &got, &oldest, err));
        define(&h, client, &want);
        bool legal = t_oracle_legal(h.op, h.n);
        bool nothing = got.broken_keys + got.stale_reads + got.undated_reads + got.session[0] +
                           got.session[1] + got.session[2] + got.session[3] == 0;
        bool right = same(want, got) && (oldest != S3P_NO_OP) == (got.stale_reads != 0);
        if (!right || (legal && !nothing)) {
            t_history_print(&h);
            show("want", &want);
            show("got", &got);
            t_fail(__FILE__, __LINE__, "history %llu, %s", (unsigned long long)i,
                   legal ? "legal" : "illegal");
        }
        s3p_grade_add(&sum, &got);
    }
    show("sum", &sum);
    for (int k = 0; k < S3P_SESSIONS; k++)
        T_TRUE(sum.session[k] > HISTORIES / 4000);
    T_TRUE(sum.stale_reads > HISTORIES / 40 && sum.undated_reads > HISTORIES / 500);
    s3p_reg_free(reg);
    s3p_grader_free(grader);
}

/* ---- by hand ---- */

static struct s3p_attempt by(struct s3p_attempt r, uint32_t client)
{
    r.client = client;
    return r;
}

static json_t *grade_of(struct t_make *m, const char *level)
{
    json_t *v = t_make_judge(m, NULL), *g = json_incref(json_object_get(v, "grade"));
    T_STR(t_text(g, "level"), level);
    json_decref(v);
    return g;
}

static int64_t number(const json_t *g, const char *name)
{
    return json_integer_value(json_object_get(g, name));
}

static int64_t session(const json_t *g, const char *name)
{
    return number(json_object_get(g, "sessions"), name);
}

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
}

T_TEST(grade_levels)
{
    struct t_make m;
    begin(&m);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_get(1, 3, 3, 4));
    json_decref(grade_of(&m, "linearizable"));
    begin(&m);
    t_add(&m, t_attempt(0, 1, 3, 1, 2));
    json_decref(grade_of(&m, "not-judged"));
    begin(&m); /* a stale read by somebody who cannot know better */
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    t_add(&m, t_put(3, 3, 5, 10));
    t_add(&m, t_put(4, 3, 20, 40));
    t_add(&m, t_get(1, 3, 30, 31));
    json_t *g = grade_of(&m, "session");
    T_EQ(number(g, "keys"), 1);
    T_EQ(number(g, "stale_reads"), 1);
    T_EQ(number(g, "versions"), 2);
    T_EQ(json_real_value(json_object_get(g, "ms")), 26); /* since value 2 was acknowledged */
    const json_t *oldest = json_object_get(g, "oldest");
    T_STR(t_text(oldest, "key"), "keys/00000003");
    T_EQ(number(oldest, "record"), 4);
    T_EQ(number(oldest, "client"), 71);
    json_decref(g);
    begin(&m); /* two winners: no question of age */
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_cas(2, 1, 3, 3, 4));
    t_add(&m, t_cas(3, 1, 3, 3, 4));
    json_decref(grade_of(&m, "none"));
    begin(&m); /* bytes that nobody wrote are no order's */
    t_add(&m, t_put(1, 3, 1, 2));
    struct s3p_attempt r = t_get(1, 3, 3, 4);
    r.body_verdict = S3P_BODY_TORN;
    t_add(&m, r);
    json_decref(grade_of(&m, "none"));
}

T_TEST(grade_sessions)
{
    struct t_make m;
    begin(&m);
    t_add(&m, by(t_put(1, 3, 1, 2), 1));
    t_add(&m, by(t_put(2, 3, 3, 4), 2));
    t_add(&m, by(t_get(1, 3, 5, 6), 2)); /* it wrote 2 */
    json_t *g = grade_of(&m, "eventual");
    T_EQ(session(g, "read_your_writes"), 1);
    T_EQ(session(g, "monotonic_reads"), 0);
    json_decref(g);
    begin(&m);
    t_add(&m, by(t_put(1, 3, 1, 2), 1));
    t_add(&m, by(t_put(2, 3, 3, 4), 1));
    t_add(&m, by(t_get(2, 3, 5, 6), 3));
    t_add(&m, by(t_get(1, 3, 7, 8), 3)); /* of one writer, the other way round */
    g = grade_of(&m, "eventual");
    T_EQ(session(g, "read_your_writes"), 0);
    T_EQ(session(g, "monotonic_reads"), 1);
    T_EQ(session(g, "monotonic_writes"), 1);
    T_EQ(session(g, "writes_follow_reads"), 0);
    json_decref(g);
    begin(&m);
    t_add(&m, by(t_put(1, 3, 1, 2), 1));
    t_add(&m, by(t_get(1, 3, 3, 4), 2));
    t_add(&m, by(t_put(2, 3, 5, 6), 2)); /* after it had read 1 */
    t_add(&m, by(t_get(2, 3, 7, 8), 3));
    t_add(&m, by(t_get(1, 3, 9, 10), 3));
    g = grade_of(&m, "eventual");
    T_EQ(session(g, "monotonic_reads"), 1);
    T_EQ(session(g, "monotonic_writes"), 0);
    T_EQ(session(g, "writes_follow_reads"), 1);
    json_decref(g);
}

/* What the writer of the newer value wrote or read as it began was not before. */
T_TEST(grade_equal_times)
{
    struct t_make m;
    begin(&m);
    t_add(&m, by(t_put(1, 3, 1, 5), 1));
    t_add(&m, by(t_get(1, 3, 2, 3), 4));
    t_add(&m, by(t_put(2, 3, 5, 6), 1));
    t_add(&m, by(t_get(2, 3, 7, 8), 3));
    t_add(&m, by(t_get(1, 3, 9, 10), 3));
    json_t *g = grade_of(&m, "eventual");
    T_EQ(session(g, "monotonic_reads"), 1);
    T_EQ(session(g, "monotonic_writes"), 0);
    json_decref(g);
    begin(&m);
    t_add(&m, by(t_put(1, 3, 1, 2), 1));
    t_add(&m, by(t_get(1, 3, 3, 5), 2));
    t_add(&m, by(t_put(2, 3, 5, 6), 2));
    t_add(&m, by(t_get(2, 3, 7, 8), 3));
    t_add(&m, by(t_get(1, 3, 9, 10), 3));
    g = grade_of(&m, "eventual");
    T_EQ(session(g, "monotonic_reads"), 1);
    T_EQ(session(g, "writes_follow_reads"), 0);
    json_decref(g);
}

T_TEST(grade_unknown)
{
    struct t_make m;
    begin(&m); /* the lost write was seen: it is later from then on */
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_lost(t_put(2, 3, 3, 4)));
    t_add(&m, t_get(2, 3, 5, 6));
    t_add(&m, t_get(1, 3, 16, 17));
    json_t *g = grade_of(&m, "session");
    T_EQ(number(g, "stale_reads"), 1);
    T_EQ(json_real_value(json_object_get(g, "ms")), 10);
    json_decref(g);
    begin(&m); /* nobody saw it */
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_lost(t_put(2, 3, 3, 4)));
    t_add(&m, t_get(1, 3, 16, 17));
    json_decref(grade_of(&m, "linearizable"));
}

T_TEST(grade_too_large)
{
    struct t_make m;
    begin(&m);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    for (uint32_t i = 0; i < S3P_GRADE_OPS; i++)
        t_add(&m, t_get(i == 7 ? 1 : 2, 3, 5, 6));
    json_t *g = grade_of(&m, "not-judged");
    T_EQ(number(g, "keys"), 0);
    T_EQ(number(g, "ungraded_keys"), 1);
    json_decref(g);
}
