#include "tests/t.h"

#include <math.h>

#include "core/random.h"

/* The first outputs of SplitMix64 from state 0, as published with it; and draws that pin our
 * keying of streams: stored runs are repeated from these numbers, so they never change. */
T_TEST(random_golden_values)
{
    static const uint64_t published[] = {UINT64_C(0xe220a8397b1dcdaf), UINT64_C(0x6e789e6aa1b965f4),
                                         UINT64_C(0x06c45d188009454f)};
    for (uint64_t i = 0; i < 3; i++)
        T_EQ(s3p_mix64((i + 1) * UINT64_C(0x9e3779b97f4a7c15)), published[i]);
    static const uint64_t draws[][4] = {
        {0, 0, 0, UINT64_C(0x568a9b0b1a2c05ec)},
        {0, 0, 1, UINT64_C(0x44e5b8b147ef718b)},
        {0, 1, 0, UINT64_C(0x6ec85f1f8547bc0c)},
        {1, 0, 0, UINT64_C(0x85c61a300ec70fa1)},
        {42, 7, 1000000, UINT64_C(0xea2eed637050d15e)},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_C(0x8db4c6095b35a8ae)},
    };
    for (size_t i = 0; i < sizeof draws / sizeof draws[0]; i++)
        T_EQ(s3p_rng_at(draws[i][0], draws[i][1], draws[i][2]), draws[i][3]);
    struct s3p_rng r = {42, 7, 1000000};
    T_EQ(s3p_rng_u64(&r), draws[4][3]);
    T_EQ(r.counter, 1000001);
}

/* Sum over cells of (seen - expected)^2 / expected. */
static double chi_square(const int64_t *seen, const double *expected, int cells)
{
    double sum = 0;
    for (int i = 0; i < cells; i++)
        sum += ((double)seen[i] - expected[i]) * ((double)seen[i] - expected[i]) / expected[i];
    return sum;
}

/* All seeds are fixed, so these bounds (about 4.5 standard deviations) hold always or never. */
static void check_chi_square(const int64_t *seen, const double *expected, int cells)
{
    double freedom = cells - 1, x = chi_square(seen, expected, cells);
    double bound = 4.5 * sqrt(2 * freedom);
    if (fabs(x - freedom) > bound)
        t_fail(__FILE__, __LINE__, "chi-square %.1f is not %.0f +- %.1f", x, freedom, bound);
}

enum { DRAWS = 200000 };

T_TEST(random_below_is_uniform_along_and_across_streams)
{
    enum { CELLS = 100 };
    int64_t along[CELLS] = {0}, across[CELLS] = {0};
    double expected[CELLS];
    struct s3p_rng r = {1, 2, 0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        struct s3p_rng other = {1, i, 0};
        along[s3p_rng_below(&r, CELLS)]++;
        across[s3p_rng_below(&other, CELLS)]++;
    }
    for (int i = 0; i < CELLS; i++)
        expected[i] = (double)DRAWS / CELLS;
    check_chi_square(along, expected, CELLS);
    check_chi_square(across, expected, CELLS);
    T_EQ(s3p_rng_below(&r, 1), 0);
}

T_TEST(random_unit_and_exponential)
{
    enum { CELLS = 50 };
    int64_t unit[CELLS] = {0}, exponential[CELLS] = {0};
    double expected[CELLS], mean = 3.5;
    struct s3p_rng r = {5, 6, 0};
    for (int i = 0; i < DRAWS; i++) {
        double u = s3p_rng_unit(&r), e = s3p_rng_exponential(&r, mean);
        T_TRUE(u >= 0 && u < 1 && e > 0 && e < 40 * mean);
        unit[(int)(u * CELLS)]++;
        exponential[(int)((1 - exp(-e / mean)) * CELLS * 0.999999999)]++;
    }
    for (int i = 0; i < CELLS; i++)
        expected[i] = (double)DRAWS / CELLS;
    check_chi_square(unit, expected, CELLS);
    check_chi_square(exponential, expected, CELLS);
}

static void check_zipf(double theta)
{
    enum { RANKS = 1000, CELLS = 10 }; /* the last cell holds all ranks from 9 on */
    int64_t seen[CELLS] = {0};
    double expected[CELLS] = {0}, sum = 0;
    for (int k = 0; k < RANKS; k++)
        sum += pow(k + 1, -theta);
    for (int k = 0; k < RANKS; k++)
        expected[k < CELLS - 1 ? k : CELLS - 1] += DRAWS * pow(k + 1, -theta) / sum;
    struct s3p_zipf z;
    struct s3p_rng r = {7, 8, 0};
    s3p_zipf_init(&z, RANKS, theta);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t k = s3p_zipf_draw(&z, &r);
        T_TRUE(k < RANKS);
        seen[k < CELLS - 1 ? k : CELLS - 1]++;
    }
    check_chi_square(seen, expected, CELLS);
    T_TRUE(r.counter < DRAWS * 3 / 2); /* few rejections */
}

T_TEST(random_zipf_follows_the_law)
{
    static const double thetas[] = {0, 0.5, 0.99, 1, 1.00000001, 1.5, 3};
    for (size_t i = 0; i < sizeof thetas / sizeof thetas[0]; i++)
        check_zipf(thetas[i]);
}

T_TEST(random_zipf_extreme_sizes)
{
    struct s3p_rng r = {9, 10, 0};
    static const double thetas[] = {0, 0.99, 1, 3};
    for (size_t i = 0; i < sizeof thetas / sizeof thetas[0]; i++) {
        struct s3p_zipf one, huge;
        s3p_zipf_init(&one, 1, thetas[i]);
        s3p_zipf_init(&huge, UINT64_C(1) << 52, thetas[i]);
        for (int j = 0; j < 1000; j++) {
            T_EQ(s3p_zipf_draw(&one, &r), 0);
            T_TRUE(s3p_zipf_draw(&huge, &r) < UINT64_C(1) << 52);
        }
    }
}

T_TEST(random_entropy_differs)
{
    uint64_t a = s3p_entropy_u64(), b = s3p_entropy_u64();
    T_TRUE(a != b);
}
