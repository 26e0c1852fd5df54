/* Seeded, counter-based random numbers: the n-th draw of stream s under seed x is a pure function
 * of (x, s, n), so client i draws the same numbers at any thread count. Source: the SplitMix64
 * finaliser (Steele, Lea, Flood 2014).
 *
 * Threads: a struct s3p_rng belongs to its caller; a struct s3p_zipf is read-only after init. */
#ifndef S3P_CORE_RANDOM_H
#define S3P_CORE_RANDOM_H

#include <stdint.h>

struct s3p_rng {
    uint64_t seed, stream, counter;
};

static inline uint64_t s3p_mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t s3p_rng_at(uint64_t seed, uint64_t stream, uint64_t n)
{
    uint64_t key = s3p_mix64(seed ^ s3p_mix64(stream + UINT64_C(0x9e3779b97f4a7c15)));
    return s3p_mix64(key + (n + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t s3p_rng_u64(struct s3p_rng *r)
{
    return s3p_rng_at(r->seed, r->stream, r->counter++);
}

/* Uniform in [0, n), n > 0, by multiplication (bias below 2^-32 for n < 2^32). */
static inline uint64_t s3p_rng_below(struct s3p_rng *r, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)s3p_rng_u64(r) * n) >> 64);
}

/* Uniform in [0, 1) with 53 bits. */
static inline double s3p_rng_unit(struct s3p_rng *r)
{
    return (double)(s3p_rng_u64(r) >> 11) * 0x1.0p-53;
}

double s3p_rng_exponential(struct s3p_rng *r, double mean); /* > 0 */

/* Zipf over ranks 0..n-1, 0 < n <= 2^52, with exponent theta >= 0 (0: uniform):
 * rejection-inversion, O(1) a draw (Hörmann, Derflinger 1996). */
struct s3p_zipf {
    uint64_t n;
    double theta, h_x1, h_n, s;
};
void s3p_zipf_init(struct s3p_zipf *z, uint64_t n, double theta);
uint64_t s3p_zipf_draw(const struct s3p_zipf *z, struct s3p_rng *r);

/* 64 random bits from the system, for run ids. */
uint64_t s3p_entropy_u64(void);

#endif
