/* The checker's pure core against the oracle: equal where exactness is claimed, sound elsewhere;
 * and each switch that breaks the core must be noticed by the same comparison. */
#include "tests/t.h"

#include <stdlib.h>

#include "check/cluster.h"
#include "check/mutate.h"
#include "tests/check/mutated.h"
#include "tests/check/oracle.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HISTORIES = 10000, HUNT = 200000 };
#elif defined(S3P_DEBUG)
enum { HISTORIES = 100000, HUNT = 200000 };
#else
enum { HISTORIES = 400000, HUNT = 400000 };
#endif

/* Histories a test; S3PROD_ORACLE_HISTORIES sets another number, for a campaign. */
static uint64_t histories(void)
{
    const char *asked = getenv("S3PROD_ORACLE_HISTORIES");
    return asked != NULL ? strtoull(asked, NULL, 10) : HISTORIES;
}

struct tally {
    uint32_t total, illegal, exact, alarms, missed, refusals_judged;
};

/* Draws history `i` of stream `seed`; half of them corrupted. */
static void draw(struct t_history *h, uint64_t seed, uint64_t i, enum t_shape shape)
{
    struct s3p_rng g = {seed, i, 0};
    t_history_make(h, &g, shape);
    if (i & 1)
        t_history_corrupt(h, &g);
}

static bool has_refusal(const struct t_history *h)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (h->op[i].kind == S3P_REG_NOT)
            return true;
    return false;
}

static bool exact(const struct s3p_reg_result *r)
{
    return r->negatives == 0 && r->unresolved == 0 && r->unknown_windows == 0;
}

/* Is the result what the oracle allows? */
static bool agrees(const struct s3p_reg_result *r, bool legal)
{
    if (r->nviolations != 0)
        return !legal;
    return legal || !exact(r);
}

/* Told one by one the operations are settled exactly when clusters decide them and nothing is
 * wrong, and then the answer is the same. */
static void compare_told(struct s3p_reg *reg, const struct t_history *h,
                         const struct s3p_reg_result *res)
{
    struct s3p_reg_result told;
    bool settled, clusters = true;
    T_OK(s3p_reg_open(reg, h->values, &told, err));
    for (uint32_t i = 0; i < h->n; i++) {
        const struct s3p_reg_op *op = &h->op[i];
        T_OK(s3p_reg_tell(reg, op, 1, err));
        clusters &= op->kind < S3P_REG_REPLACE ||
                    (op->kind != S3P_REG_NOT && op->outcome == S3P_FAILED);
    }
    T_OK(s3p_reg_settle(reg, &settled, err));
    T_EQ(settled, clusters && res->nviolations == 0);
    if (!settled)
        return;
    T_EQ(told.unresolved, res->unresolved);
    T_EQ(told.windows, res->windows);
    T_EQ(told.negatives + told.unknown_windows, 0);
}

static void compare(uint64_t seed, enum t_shape shape, struct tally *t)
{
    struct s3p_reg *reg = NULL;
    struct s3p_reg_result res;
    struct t_history h;
    T_OK(s3p_reg_create(&reg, err));
    memset(t, 0, sizeof *t);
    for (uint64_t i = 0; i < histories(); i++) {
        draw(&h, seed, i, shape);
        bool legal = t_oracle_legal(h.op, h.n);
        T_OK(s3p_reg_check(reg, h.op, h.n, h.values, &res, err));
        if (!agrees(&res, legal)) {
            t_history_print(&h);
            t_fail(__FILE__, __LINE__,
                   "seed %llu history %llu: oracle says %s, checker %u violations (first %s), "
                   "%u refusals and %u successes unjudged",
                   (unsigned long long)seed, (unsigned long long)i, legal ? "legal" : "illegal",
                   res.nviolations,
                   res.nviolations ? s3p_rule_table[res.violation[0].rule].name : "none",
                   res.negatives, res.unresolved);
        }
        T_TRUE((i & 1) || legal); /* honest histories are legal: a test of generator and oracle */
        for (uint32_t k = 0; k < res.nviolations; k++)
            for (uint32_t w = 0; w < res.violation[k].n; w++)
                T_TRUE(res.violation[k].op[w] < h.n);
        compare_told(reg, &h, &res);
        t->total++;
        t->illegal += !legal;
        t->alarms += res.nviolations != 0;
        t->exact += exact(&res);
        t->missed += !legal && res.nviolations == 0;
        t->refusals_judged += has_refusal(&h) && exact(&res);
    }
    fprintf(stderr,
            "  seed %llu shape %d: %u histories, %u illegal, %u alarms, %u missed but said so, %u "
            "exact, "
            "%u with judged refusals\n",
            (unsigned long long)seed, shape, t->total, t->illegal, t->alarms, t->missed, t->exact,
            t->refusals_judged);
    T_TRUE(t->illegal * 10 >= t->total);
    s3p_reg_free(reg);
}

/* No violation of so small a history is missed: what chains and zones leave open is searched. */
#define COMPARE(name, seed, shape)                                                                 \
    T_TEST_LIMIT(name, 600)                                                                        \
    {                                                                                              \
        struct tally t;                                                                            \
        compare(seed, shape, &t);                                                                  \
        T_EQ(t.missed, 0);                                                                         \
        T_EQ(t.alarms, t.illegal);                                                                 \
        T_TRUE(t.exact * 10 > t.total * 9);                                                        \
    }

COMPARE(oracle_register, 11, SHAPE_REGISTER)
COMPARE(oracle_mixed_1, 12, SHAPE_MIXED)
COMPARE(oracle_mixed_2, 13, SHAPE_MIXED)
COMPARE(oracle_cas_1, 14, SHAPE_CAS)
COMPARE(oracle_cas_2, 15, SHAPE_CAS)
COMPARE(oracle_seeded, 16, SHAPE_SEEDED)
COMPARE(oracle_deletes, 17, SHAPE_DELETES)
COMPARE(oracle_mixed_3, 18, SHAPE_MIXED)
COMPARE(oracle_epoch, 19, SHAPE_EPOCH)
COMPARE(oracle_all_1, 20, SHAPE_ALL)
COMPARE(oracle_all_2, 21, SHAPE_ALL)
COMPARE(oracle_replace, 22, SHAPE_REPLACE)

/* With the search bounded so that most windows are given up, or without it: no false alarm, and
 * what was not decided is said. */
static void set_mode(struct s3p_reg *reg, uint64_t i)
{
    static const struct {
        enum s3p_reg_engine engine;
        uint32_t configs, pending;
    } mode[] = {{S3P_ENGINE_ALL, 0, 0},  {S3P_ENGINE_RULES, 0, 0}, {S3P_ENGINE_SEARCH, 0, 0},
                {S3P_ENGINE_SEARCH, 1, 0}, {S3P_ENGINE_SEARCH, 0, 2}, {S3P_ENGINE_SEARCH, 3, 3}};
    uint64_t m = i / 2 / SHAPE_COUNT % (sizeof mode / sizeof *mode);
    reg->engine = mode[m].engine;
    reg->search.max_configs = mode[m].configs;
    reg->search.max_pending = mode[m].pending;
}

T_TEST_LIMIT(oracle_bounded, 600)
{
    struct s3p_reg *reg = NULL;
    struct s3p_reg_result res;
    struct t_history h;
    uint32_t unknown = 0, late = 0;
    T_OK(s3p_reg_create(&reg, err));
    for (uint64_t i = 0; i < histories(); i++) {
        draw(&h, 31, i, (enum t_shape)(i / 2 % SHAPE_COUNT));
        set_mode(reg, i);
        T_OK(s3p_reg_check(reg, h.op, h.n, h.values, &res, err));
        bool legal = t_oracle_legal(h.op, h.n);
        if (!agrees(&res, legal)) {
            t_history_print(&h);
            t_fail(__FILE__, __LINE__, "history %llu: oracle says %s, checker %u violations",
                   (unsigned long long)i, legal ? "legal" : "illegal", res.nviolations);
        }
        unknown += res.unknown_windows != 0;
        late += res.unknown_windows != 0 && res.nviolations != 0;
        T_TRUE(res.unknown_windows <= res.windows);
    }
    fprintf(stderr, "  %u with unknown windows, %u violations found beside them\n", unknown, late);
    T_TRUE(unknown > histories() / 20 && late > histories() / 5000);
    s3p_reg_free(reg);
}

/* Chains, zones and epochs against the search, on histories that are too long for the oracle. */
T_TEST_LIMIT(oracle_engines, 600)
{
    struct s3p_reg *all = NULL, *search = NULL;
    struct s3p_reg_result a, b;
    struct t_history h;
    uint32_t illegal = 0, undecided = 0, rounds = (uint32_t)(histories() / 4);
    T_OK(s3p_reg_create(&all, err));
    T_OK(s3p_reg_create(&search, err));
    search->engine = S3P_ENGINE_SEARCH;
    for (uint32_t i = 0; i < rounds; i++) {
        struct s3p_rng g = {47, i, 0};
        t_history_long(&h, &g, (enum t_shape)(i / 2 % SHAPE_COUNT));
        if (i & 1)
            t_history_corrupt(&h, &g);
        T_OK(s3p_reg_check(all, h.op, h.n, h.values, &a, err));
        T_OK(s3p_reg_check(search, h.op, h.n, h.values, &b, err));
        bool decided = exact(&a) && exact(&b);
        undecided += a.nviolations == 0 && b.nviolations == 0 && !decided;
        illegal += a.nviolations != 0;
        bool bad = decided ? (a.nviolations != 0) != (b.nviolations != 0)
                           : (exact(&a) && a.nviolations == 0 && b.nviolations != 0) ||
                                 (exact(&b) && b.nviolations == 0 && a.nviolations != 0);
        if (bad || ((i & 1) == 0 && (a.nviolations != 0 || b.nviolations != 0))) {
            t_history_print(&h);
            t_fail(__FILE__, __LINE__, "history %u: %u violations, by search %u", i, a.nviolations,
                   b.nviolations);
        }
    }
    fprintf(stderr, "  %u histories, %u illegal, %u undecided\n", rounds, illegal, undecided);
    T_TRUE(illegal * 10 > rounds && undecided * 100 < rounds);
    s3p_reg_free(all);
    s3p_reg_free(search);
}

static bool same(const struct s3p_reg_result *a, const struct s3p_reg_result *b)
{
    return (a->nviolations != 0) == (b->nviolations != 0) &&
           a->unknown_windows == b->unknown_windows && exact(a) == exact(b);
}

/* Number of histories until the broken core disagrees with the oracle, or, where the oracle does
 * not decide what a rule alone must find, with the whole core; 0: never. */
static uint64_t hunt(struct s3p_reg *whole, struct s3p_reg *broken)
{
    struct s3p_reg_result res, ref;
    struct t_history h;
    for (uint64_t i = 0; i < HUNT; i++) {
        draw(&h, 99, i, (enum t_shape)(i / 2 % SHAPE_COUNT));
        set_mode(whole, i);
        set_mode(broken, i);
        T_OK(t_mutated_check(broken, h.op, h.n, h.values, &res, err));
        T_OK(s3p_reg_check(whole, h.op, h.n, h.values, &ref, err));
        if (!same(&res, &ref))
            return i + 1;
    }
    return 0;
}

T_TEST_LIMIT(oracle_mutants, 120)
{
    struct s3p_reg *whole = NULL, *broken = NULL;
    uint32_t survivors = 0;
    T_OK(s3p_reg_create(&whole, err));
    T_OK(t_mutated_create(&broken, err));
    for (t_mutant = S3P_MUT_NONE + 1; t_mutant < S3P_MUT_WINDOW_FIRST; t_mutant++) {
        uint64_t found = hunt(whole, broken);
        fprintf(stderr, "  mutant %d %s %llu histories\n", t_mutant,
                found != 0 ? "noticed by" : "survives",
                (unsigned long long)(found != 0 ? found : HUNT));
        survivors += found == 0;
    }
    T_EQ(survivors, 0);
    s3p_reg_free(whole);
    t_mutated_free(broken);
}
