/* The folding of crc_pclmul.c, 64 bytes at a time. */
#include "core/crc_kind.h"

#ifdef __x86_64__
#include <immintrin.h>

#define LANES 4

static __m512i load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

static __m512i multipliers(const uint64_t by[2])
{
    return _mm512_broadcast_i32x4(_mm_set_epi64x((long long)by[1], (long long)by[0]));
}

/* `x` moved over a distance, plus the 64 bytes found there. */
static inline __m512i fold(__m512i x, __m512i by, __m512i there)
{
    enum { XOR_OF_THREE = 0x96 };
    __m512i lo = _mm512_clmulepi64_epi128(x, by, 0x00), hi = _mm512_clmulepi64_epi128(x, by, 0x11);
    return _mm512_ternarylogic_epi64(lo, hi, there, XOR_OF_THREE);
}

size_t s3p_crc_shorten(const struct s3p_crc_kind *k, uint64_t reg, const uint8_t *p, size_t len,
                       uint8_t same_remainder[S3P_CRC_SHORTENED])
{
    size_t used = sizeof(__m512i) * LANES;
    __m512i x[LANES], by_256 = multipliers(k->fold.by_256), by_64 = multipliers(k->fold.by_64);
    for (size_t i = 0; i < LANES; i++)
        x[i] = load(p + sizeof *x * i);
    x[0] = _mm512_xor_si512(x[0], _mm512_zextsi128_si512(_mm_set_epi64x(0, (long long)reg)));
    for (; len - used >= sizeof x; used += sizeof x)
        for (size_t i = 0; i < LANES; i++)
            x[i] = fold(x[i], by_256, load(p + used + sizeof *x * i));
    __m512i all = x[0];
    for (size_t i = 1; i < LANES; i++)
        all = fold(all, by_64, x[i]);
    _mm512_storeu_si512(same_remainder, all);
    return used;
}
#endif
