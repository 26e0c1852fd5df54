/* The pure core: shapes at the edges, and changes of a history that must not change the verdict. */
#include "tests/t.h"

#include "check/cluster.h"
#include "s3/outcome.h"
#include "tests/check/oracle.h"

static struct s3p_reg_op op(int kind, uint32_t value, int64_t inv, int64_t res)
{
    return (struct s3p_reg_op){
        .inv = inv, .res = res, .value = value, .kind = (uint8_t)kind, .outcome = S3P_OK_OUTCOME};
}

static uint32_t violations(const struct s3p_reg_op *ops, uint32_t n, uint32_t values)
{
    struct s3p_reg *r = NULL;
    struct s3p_reg_result res;
    T_OK(s3p_reg_create(&r, err));
    T_OK(s3p_reg_check(r, ops, n, values, &res, err));
    s3p_reg_free(r);
    return res.nviolations;
}

/* Runs of 16 that are merged, at lengths around their multiples, in any order. */
T_TEST(register_sorts_zones)
{
    enum { MOST = 200 };
    struct s3p_zone z[MOST], spare[MOST];
    uint32_t random = 1;
    for (uint32_t n = 0; n <= MOST; n++) {
        uint32_t count[64] = {0};
        for (uint32_t i = 0; i < n; i++) {
            random = random * 1664525 + 1013904223;
            z[i] = (struct s3p_zone){.f = random >> 26, .s = random >> 26, .head = i};
            count[random >> 26]++;
        }
        s3p_zone_sort(z, spare, n);
        for (uint32_t i = 0; i < n; i++) {
            T_TRUE(i == 0 || z[i - 1].f < z[i].f ||
                   (z[i - 1].f == z[i].f && z[i - 1].head < z[i].head)); /* stable */
            T_EQ(z[i].s, z[i].f);
            count[z[i].f]--;
        }
        for (int i = 0; i < 64; i++)
            T_EQ(count[i], 0);
    }
}

T_TEST(register_equal_times)
{
    const struct s3p_reg_op touch[] = {op(S3P_REG_WRITE, 1, 1, 2), op(S3P_REG_READ, 0, 2, 3)};
    const struct s3p_reg_op apart[] = {op(S3P_REG_WRITE, 1, 1, 2), op(S3P_REG_READ, 0, 3, 3)};
    const struct s3p_reg_op point[] = {op(S3P_REG_WRITE, 1, 5, 5), op(S3P_REG_WRITE, 2, 5, 5),
                                       op(S3P_REG_READ, 1, 5, 5), op(S3P_REG_READ, 2, 5, 5),
                                       op(S3P_REG_READ, 0, 5, 5)};
    T_EQ(violations(touch, 2, 1), 0);
    T_EQ(violations(apart, 2, 1), 1);
    T_EQ(violations(point, 5, 2), 0);
}

T_TEST(register_time_extremes)
{
    const struct s3p_reg_op far[] = {op(S3P_REG_WRITE, 1, INT64_MIN + 1, INT64_MIN + 1),
                                     op(S3P_REG_READ, 1, INT64_MAX - 1, INT64_MAX - 1)};
    const struct s3p_reg_op stale[] = {op(S3P_REG_WRITE, 1, INT64_MIN + 1, INT64_MIN + 1),
                                       op(S3P_REG_READ, 0, INT64_MAX - 1, INT64_MAX)};
    const struct s3p_reg_op open[] = {op(S3P_REG_WRITE, 1, 5, INT64_MAX),
                                      op(S3P_REG_READ, 0, 100, 101),
                                      op(S3P_REG_READ, 1, 102, INT64_MAX)};
    T_EQ(violations(far, 2, 1), 0);
    T_EQ(violations(stale, 2, 1), 1);
    T_EQ(violations(open, 3, 1), 0);
    T_EQ(violations(NULL, 0, 0), 0);
}

T_TEST(register_refuses)
{
    static const struct {
        struct s3p_reg_op op[2];
        uint32_t n;
    } bad[] = {
        {{{.inv = 5, .res = 4, .kind = S3P_REG_READ}}, 1},
        {{{.inv = INT64_MIN, .res = 4, .kind = S3P_REG_READ}}, 1},
        {{{.inv = 1, .res = 4, .kind = S3P_REG_READ, .value = 9}}, 1},
        {{{.inv = 1, .res = 4, .kind = S3P_REG_WRITE, .value = 0}}, 1},
        {{{.inv = 1, .res = 4, .kind = S3P_REG_CAS, .value = 1, .pred = 8}}, 1},
        {{{.inv = 1, .res = 4, .kind = S3P_REG_WRITE, .value = 1},
          {.inv = 5, .res = 6, .kind = S3P_REG_WRITE, .value = 1}},
         2},
        {{{.inv = 1, .res = 4, .kind = S3P_REG_DELETE, .value = 1}}, 1},
        {{{.inv = 1, .res = 4, .kind = S3P_REG_REMOVE, .pred = 8}}, 1},
        {{{.inv = 1, .res = 4, .kind = S3P_REG_REMOVE, .pred = S3P_REG_ABSENT}}, 1},
    };
    struct s3p_reg *r = NULL;
    struct s3p_reg_result res;
    struct s3p_err e;
    T_OK(s3p_reg_create(&r, err));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        T_EQ(s3p_reg_check(r, bad[i].op, bad[i].n, 2, &res, &e), S3P_EFORMAT);
    T_STR(e.msg, "operation 0: a delete of value 0");
    s3p_reg_free(r);
}

enum { MANY = 10000 };

/* Writes that all overlap, each read once while all are open: legal in any order of the reads that
 * do not return to a value. */
T_TEST(register_overlapping_writes)
{
    struct s3p_reg_op *o = s3p_alloc((2 * MANY + 2) * sizeof *o);
    for (uint32_t i = 0; i < MANY; i++) {
        o[2 * i] = op(S3P_REG_WRITE, i + 1, 1, 10 * MANY);
        o[2 * i + 1] = op(S3P_REG_READ, i + 1, 2 + 2 * i, 3 + 2 * i);
    }
    T_EQ(violations(o, 2 * MANY, MANY), 0);
    o[2 * MANY] = op(S3P_REG_READ, MANY / 2, 10 * MANY - 2, 10 * MANY - 1); /* back to an old one */
    struct s3p_reg *r = NULL;
    struct s3p_reg_result res;
    T_OK(s3p_reg_create(&r, err));
    T_OK(s3p_reg_check(r, o, 2 * MANY + 1, MANY, &res, err));
    T_EQ(res.nviolations, S3P_REG_VIOLATIONS);
    T_EQ(res.violation[0].op[0], 2 * MANY);
    T_EQ(res.violation[0].rule, S3P_RULE_STALE_READ);
    s3p_reg_free(r);
    s3p_free(o);
}

/* A chain of compare-and-sets in the worst order of the records, with a refusal at every link. */
T_TEST(register_long_chain)
{
    enum { LINKS = 100 * MANY };
    struct s3p_reg_op *o = s3p_alloc((2 * (size_t)LINKS + 1) * sizeof *o);
    for (uint32_t i = 0; i < LINKS; i++) {
        int64_t t = 10 * (int64_t)i;
        uint32_t at = LINKS - 1 - i;
        o[at] = op(i == 0 ? S3P_REG_CREATE : S3P_REG_CAS, i + 1, t + 1, t + 3);
        o[at].pred = i;
        o[LINKS + at] = op(S3P_REG_NOT, i, t + 2, t + 4); /* the loser of the race */
    }
    T_EQ(violations(o, 2 * LINKS, LINKS), 0);
    o[2 * LINKS] = op(S3P_REG_NOT, LINKS, 10 * (int64_t)LINKS,
                      10 * (int64_t)LINKS + 1); /* nobody came after the last one */
    T_EQ(violations(o, 2 * LINKS + 1, LINKS), 1);
    o[LINKS - 1].pred = 0;
    o[LINKS / 2].pred = LINKS; /* and a link from the future */
    T_TRUE(violations(o, 2 * LINKS, LINKS) >= 1);
    s3p_free(o);
}

T_TEST(register_all_absent)
{
    struct s3p_reg_op *o = s3p_alloc((MANY + 1) * sizeof *o);
    for (uint32_t i = 0; i < MANY; i++)
        o[i] = op(S3P_REG_READ, 0, i + 1, i + 100);
    T_EQ(violations(o, MANY, 0), 0);
    o[MANY] = op(S3P_REG_WRITE, 1, MANY, MANY + 1);
    T_EQ(violations(o, MANY + 1, 1), 0);
    o[MANY] = op(S3P_REG_WRITE, 1, MANY - 500, MANY - 400);
    T_EQ(violations(o, MANY + 1, 1), 1);
    s3p_free(o);
}

T_TEST(register_cycle)
{
    struct s3p_reg_op o[] = {op(S3P_REG_CAS, 1, 1, 10), op(S3P_REG_CAS, 2, 1, 10),
                             op(S3P_REG_CAS, 3, 1, 10)};
    o[0].pred = 3;
    o[1].pred = 1;
    o[2].pred = 2;
    T_EQ(violations(o, 3, 3), 1);
    o[0].pred = 1; /* itself */
    T_EQ(violations(o, 1, 3), 1);
}

/* What weakens a history never makes a legal one illegal; what says the same again changes nothing.
 */

enum change { WIDEN, DROP_READ, SHIFT, REVERSE, DOUBLE_READ, RENUMBER, CHANGES };

static bool is_read(const struct s3p_reg_op *o)
{
    return o->kind == S3P_REG_READ || o->kind == S3P_REG_NOT;
}

static void apply(struct t_history *h, enum change c, struct s3p_rng *g)
{
    uint32_t i = (uint32_t)s3p_rng_below(g, h->n);
    switch (c) {
    case WIDEN:
        h->op[i].inv -= (int64_t)s3p_rng_below(g, 5);
        h->op[i].res += h->op[i].res == INT64_MAX ? 0 : (int64_t)s3p_rng_below(g, 5);
        return;
    case DROP_READ:
        if (is_read(&h->op[i]))
            h->op[i] = h->op[--h->n];
        return;
    case SHIFT:
        for (uint32_t k = 0; k < h->n; k++) {
            h->op[k].inv += 1000003;
            h->op[k].res += h->op[k].res == INT64_MAX ? 0 : 1000003;
        }
        return;
    case REVERSE:
        for (uint32_t k = 0; k < h->n / 2; k++) {
            struct s3p_reg_op t = h->op[k];
            h->op[k] = h->op[h->n - 1 - k];
            h->op[h->n - 1 - k] = t;
        }
        return;
    case DOUBLE_READ:
        if (is_read(&h->op[i]) && h->n < ORACLE_MAX)
            h->op[h->n++] = h->op[i];
        return;
    default:
        for (uint32_t k = 0; k < h->n; k++) {
            h->op[k].value = h->op[k].value == 0 ? 0 : h->values + 1 - h->op[k].value;
            bool conditional = h->op[k].kind == S3P_REG_CAS || h->op[k].kind == S3P_REG_REMOVE;
            if (conditional && h->op[k].pred != 0)
                h->op[k].pred = h->values + 1 - h->op[k].pred;
        }
    }
}

T_TEST(register_metamorphic)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    enum { ROUNDS = 5000 };
#else
    enum { ROUNDS = 120000 };
#endif
    struct s3p_reg *r = NULL;
    struct s3p_reg_result a, b;
    T_OK(s3p_reg_create(&r, err));
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct s3p_rng g = {77, i, 0};
        struct t_history h;
        enum change c = (enum change)(i % CHANGES);
        t_history_make(&h, &g, (enum t_shape)(i / CHANGES % SHAPE_COUNT));
        if (i / CHANGES / SHAPE_COUNT & 1)
            t_history_corrupt(&h, &g);
        T_OK(s3p_reg_check(r, h.op, h.n, h.values, &a, err));
        apply(&h, c, &g);
        T_OK(s3p_reg_check(r, h.op, h.n, h.values, &b, err));
        bool weaker = c == WIDEN || c == DROP_READ;
        if (weaker ? b.nviolations != 0 && a.nviolations == 0 && a.negatives == 0
                   : (a.nviolations != 0) != (b.nviolations != 0)) {
            t_history_print(&h);
            t_fail(__FILE__, __LINE__, "history %llu, change %d: %u violations became %u",
                   (unsigned long long)i, c, a.nviolations, b.nviolations);
        }
    }
    s3p_reg_free(r);
}

/* One life and ten thousand readers of it at once: decided, and a read that comes back is named. */
T_TEST(register_epoch_readers)
{
    struct s3p_reg *r = NULL;
    struct s3p_reg_result res;
    struct s3p_reg_op *o = s3p_alloc((MANY + 3) * sizeof *o);
    T_OK(s3p_reg_create(&r, err));
    for (uint32_t i = 0; i < MANY; i++)
        o[i] = op(S3P_REG_READ, i < MANY / 2 ? 1 : 0, 10 + i, 10 + 2 * MANY + i);
    o[MANY] = op(S3P_REG_WRITE, 1, 1, 2);
    o[MANY + 1] = op(S3P_REG_DELETE, 0, MANY, MANY + 10);
    T_OK(s3p_reg_check(r, o, MANY + 2, 1, &res, err));
    T_TRUE(res.nviolations == 0 && res.windows == 1 && res.unknown_windows == 0);
    o[MANY + 2] = op(S3P_REG_READ, 1, MANY + 11, MANY + 12);
    T_OK(s3p_reg_check(r, o, MANY + 3, 1, &res, err));
    T_EQ(res.nviolations, 1);
    T_EQ(res.violation[0].rule, S3P_RULE_PRESENT_AFTER_DELETE);
    T_EQ(res.violation[0].op[0], MANY + 2);
    s3p_reg_free(r);
    s3p_free(o);
}

/* A hundred thousand lives, one after the other, with readers across each: as many windows. */
T_TEST(register_many_lives)
{
    enum { LIVES = 10 * MANY, EACH = 4 };
    struct s3p_reg *r = NULL;
    struct s3p_reg_result res;
    struct s3p_reg_op *o = s3p_alloc((size_t)EACH * LIVES * sizeof *o);
    T_OK(s3p_reg_create(&r, err));
    for (uint32_t i = 0; i < LIVES; i++) {
        int64_t t = 100 * (int64_t)i;
        o[EACH * i] = op(S3P_REG_CREATE, i + 1, t, t + 20);
        o[EACH * i + 1] = op(S3P_REG_NOT, S3P_REG_ABSENT, t + 10, t + 30);
        o[EACH * i + 2] = op(S3P_REG_REMOVE, S3P_REG_ABSENT, t + 25, t + 50);
        o[EACH * i + 2].pred = i + 1;
        o[EACH * i + 3] = op(S3P_REG_READ, S3P_REG_ABSENT, t + 40, t + 60);
    }
    T_OK(s3p_reg_check(r, o, EACH * LIVES, LIVES, &res, err));
    T_TRUE(res.nviolations == 0 && res.windows == LIVES && res.unknown_windows == 0);
    o[EACH * (LIVES / 2) + 3].value = LIVES / 2; /* the life before */
    T_OK(s3p_reg_check(r, o, EACH * LIVES, LIVES, &res, err));
    T_TRUE(res.nviolations >= 1);
    s3p_reg_free(r);
    s3p_free(o);
}

/* Windows with more in flight than the bound are given up one by one; what stands between them is
 * still decided. */
T_TEST(register_gives_up)
{
    enum { WRITES = 80, ROUNDS = 20, EACH = 2 * WRITES + 4 };
    struct s3p_reg *r = NULL;
    struct s3p_reg_result res;
    struct s3p_reg_op *o = s3p_alloc((size_t)EACH * ROUNDS * sizeof *o);
    uint32_t n = 0, value = 0;
    T_OK(s3p_reg_create(&r, err));
    for (uint32_t i = 0; i < ROUNDS; i++) {
        int64_t t = 1000 * (int64_t)i;
        for (uint32_t k = 0; k < WRITES; k++) {
            o[n++] = op(S3P_REG_WRITE, ++value, t, t + 100);
            o[n++] = op(S3P_REG_READ, value, t, t + 100);
        }
        o[n++] = op(S3P_REG_DELETE, 0, t, t + 100);
        o[n++] = op(S3P_REG_READ, 0, t + 200, t + 210);
        o[n++] = op(S3P_REG_WRITE, ++value, t + 300, t + 310);
        o[n++] = op(S3P_REG_READ, value, t + 320, t + 330);
    }
    T_OK(s3p_reg_check(r, o, n, value, &res, err));
    T_TRUE(res.nviolations == 0 && res.unknown_windows == ROUNDS && res.windows == 4 * ROUNDS);
    T_EQ(res.unknown_ops, ROUNDS * (2 * WRITES + 1));
    T_TRUE(res.unknown_from == 0 && res.unknown_to == 100);
    o[n - 1].value = 0; /* absent after the last write, far behind the unknown windows */
    T_OK(s3p_reg_check(r, o, n, value, &res, err));
    T_EQ(res.nviolations, 1);
    s3p_reg_free(r);
    s3p_free(o);
}

static void expect_no_leak(const struct s3p_reg_op *o, uint32_t n, uint32_t values)
{
    int rc = S3P_ENOMEM;
    for (int64_t k = 1; rc == S3P_ENOMEM && k < 100; k++) {
        struct s3p_reg *r = NULL;
        struct s3p_reg_result res;
        s3p_alloc_fail_at(k);
        rc = s3p_reg_create(&r, NULL);
        if (rc == 0)
            rc = s3p_reg_check(r, o, n, values, &res, NULL);
        if (rc != 0 && r != NULL) { /* and it can be used again */
            s3p_alloc_fail_at(0);
            T_OK(s3p_reg_check(r, o, n, values, &res, err));
        }
        s3p_alloc_fail_at(0);
        s3p_reg_free(r);
    }
    T_EQ(rc, 0);
}

T_TEST(register_memory_fails)
{
    const struct s3p_reg_op plain[] = {op(S3P_REG_WRITE, 1, 1, 2), op(S3P_REG_READ, 0, 3, 4)};
    const struct s3p_reg_op epoch[] = {op(S3P_REG_WRITE, 1, 1, 2), op(S3P_REG_DELETE, 0, 3, 6),
                                       op(S3P_REG_READ, 0, 4, 5)};
    const struct s3p_reg_op lives[] = {op(S3P_REG_WRITE, 1, 1, 2), op(S3P_REG_DELETE, 0, 3, 6),
                                       op(S3P_REG_NOT, 0, 4, 5), op(S3P_REG_WRITE, 2, 4, 8),
                                       op(S3P_REG_READ, 0, 6, 7)};
    expect_no_leak(plain, 2, 1);
    expect_no_leak(epoch, 3, 1);
    expect_no_leak(lives, 5, 2);
}
