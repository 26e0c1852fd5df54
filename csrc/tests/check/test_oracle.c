/* The checker's pure core against the oracle: equal where exactness is claimed, sound elsewhere;
 * and each switch that breaks the core must be noticed by the same comparison. */
#include "tests/t.h"

#include "check/mutate.h"
#include "tests/check/mutated.h"
#include "tests/check/oracle.h"

/* A nightly run: make … EXTRA_CFLAGS=-DORACLE_HISTORIES=4000000 */
#if defined(ORACLE_HISTORIES)
enum { HISTORIES = ORACLE_HISTORIES, HUNT = 400000 };
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HISTORIES = 10000, HUNT = 5000 };
#elif defined(S3P_DEBUG)
enum { HISTORIES = 100000, HUNT = 200000 };
#else
enum { HISTORIES = 400000, HUNT = 400000 };
#endif

struct tally {
    uint32_t total, illegal, exact, alarms, missed, refusals_judged, not_checked;
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
    return !r->not_checked && r->negatives == 0 && r->unresolved == 0;
}

/* Is the result what the oracle allows? */
static bool agrees(const struct s3p_reg_result *r, bool legal)
{
    if (r->nviolations != 0)
        return !legal && !r->not_checked;
    return legal || !exact(r);
}

static void compare(uint64_t seed, enum t_shape shape, struct tally *t)
{
    struct s3p_reg *reg = NULL;
    struct s3p_reg_result res;
    struct t_history h;
    T_OK(s3p_reg_create(&reg, err));
    memset(t, 0, sizeof *t);
    for (uint64_t i = 0; i < HISTORIES; i++) {
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
        t->total++;
        t->illegal += !legal;
        t->alarms += res.nviolations != 0;
        t->exact += exact(&res);
        t->missed += !legal && res.nviolations == 0;
        t->not_checked += res.not_checked;
        t->refusals_judged += has_refusal(&h) && exact(&res);
    }
    fprintf(stderr,
            "  seed %llu shape %d: %u histories, %u illegal, %u alarms, %u missed but said so, %u "
            "exact, "
            "%u with judged refusals, %u not checked\n",
            (unsigned long long)seed, shape, t->total, t->illegal, t->alarms, t->missed, t->exact,
            t->refusals_judged, t->not_checked);
    T_TRUE(t->illegal * 10 >= t->total);
    s3p_reg_free(reg);
}

#define COMPARE(name, seed, shape)                                                                 \
    T_TEST(name)                                                                                   \
    {                                                                                              \
        struct tally t;                                                                            \
        compare(seed, shape, &t);                                                                  \
        compare_##shape(&t);                                                                       \
    }

static void compare_SHAPE_REGISTER(const struct tally *t)
{
    T_EQ(t->exact, t->total);
    T_EQ(t->alarms, t->illegal);
}
static void compare_SHAPE_MIXED(const struct tally *t)
{
    T_TRUE(t->exact * 2 > t->total);
}
static void compare_SHAPE_CAS(const struct tally *t)
{
    T_TRUE(t->refusals_judged * 4 > t->total);
    T_TRUE(t->missed * 40 < t->illegal);
}
static void compare_SHAPE_SEEDED(const struct tally *t)
{
    T_TRUE(t->refusals_judged * 8 > t->total);
}
static void compare_SHAPE_DELETES(const struct tally *t)
{
    T_TRUE(t->exact * 4 > t->total);
    T_TRUE(t->not_checked * 10 > t->total);
}

COMPARE(oracle_register, 11, SHAPE_REGISTER)
COMPARE(oracle_mixed_1, 12, SHAPE_MIXED)
COMPARE(oracle_mixed_2, 13, SHAPE_MIXED)
COMPARE(oracle_cas_1, 14, SHAPE_CAS)
COMPARE(oracle_cas_2, 15, SHAPE_CAS)
COMPARE(oracle_seeded, 16, SHAPE_SEEDED)
COMPARE(oracle_deletes, 17, SHAPE_DELETES)
COMPARE(oracle_mixed_3, 18, SHAPE_MIXED)

/* Number of histories until the broken core disagrees with the oracle; 0: never. */
static uint64_t hunt(struct s3p_reg *reg)
{
    struct s3p_reg_result res;
    struct t_history h;
    for (uint64_t i = 0; i < HUNT; i++) {
        draw(&h, 99, i, (enum t_shape)(i / 2 % SHAPE_COUNT));
        T_OK(t_mutated_check(reg, h.op, h.n, h.values, &res, err));
        if (!agrees(&res, t_oracle_legal(h.op, h.n)))
            return i + 1;
    }
    return 0;
}

T_TEST_LIMIT(oracle_mutants, 120)
{
    struct s3p_reg *reg = NULL;
    T_OK(t_mutated_create(&reg, err));
    for (t_mutant = S3P_MUT_NONE + 1; t_mutant < S3P_MUT_COUNT; t_mutant++) {
        uint64_t found = hunt(reg);
        fprintf(stderr, "  mutant %d noticed by history %llu\n", t_mutant,
                (unsigned long long)found);
        if (found == 0)
            t_fail(__FILE__, __LINE__, "mutant %d of the checker survives %d histories", t_mutant,
                   HUNT);
    }
    t_mutated_free(reg);
}
