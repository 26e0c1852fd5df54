/* CRC by folding with carry-less multiplication (Gopal et al., "Fast CRC Computation for Generic
 * Polynomials Using PCLMULQDQ", 2009), for any reflected polynomial up to 64 bits. Folding
 * shortens the message to 16 bytes that have the same remainder; the tables do the rest. */
#include "core/crc_kind.h"

#ifdef __x86_64__
#include <smmintrin.h>
#include <wmmintrin.h>

#define LANES 4

static __m128i load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static __m128i multipliers(const uint64_t by[2])
{
    return _mm_set_epi64x((long long)by[1], (long long)by[0]);
}

/* `x` moved over a distance, plus the 16 bytes found there. */
static inline __m128i fold(__m128i x, __m128i by, __m128i there)
{
    __m128i lo = _mm_clmulepi64_si128(x, by, 0x00), hi = _mm_clmulepi64_si128(x, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(lo, hi), there);
}

uint64_t s3p_crc_folded(const struct s3p_crc_kind *k, uint64_t reg, const uint8_t *p, size_t len)
{
    if (len < 16 * LANES)
        return s3p_crc_sliced(k, reg, p, len);
    __m128i x[LANES], by_64 = multipliers(k->fold.by_64), by_16 = multipliers(k->fold.by_16);
    for (int i = 0; i < LANES; i++)
        x[i] = load(p + 16 * i);
    x[0] = _mm_xor_si128(x[0], _mm_set_epi64x(0, (long long)reg));
    for (p += 64, len -= 64; len >= 64; p += 64, len -= 64)
        for (int i = 0; i < LANES; i++)
            x[i] = fold(x[i], by_64, load(p + 16 * i));
    __m128i all = x[0];
    for (int i = 1; i < LANES; i++)
        all = fold(all, by_16, x[i]);
    for (; len >= 16; p += 16, len -= 16)
        all = fold(all, by_16, load(p));
    uint8_t same_remainder[16];
    _mm_storeu_si128((__m128i *)(void *)same_remainder, all);
    return s3p_crc_sliced(k, s3p_crc_sliced(k, 0, same_remainder, 16), p, len);
}
#endif
