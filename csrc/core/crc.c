#include "core/crc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "core/crc_kind.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are loaded as they lie");

static struct s3p_crc_kind kinds[S3P_CRC_NAMES] = {
    [S3P_CRC32] = {.poly = 0xedb88320, .ones = UINT32_MAX},
    [S3P_CRC32C] = {.poly = 0x82f63b78, .ones = UINT32_MAX},
    [S3P_CRC64NVME] = {.poly = UINT64_C(0x9a6c9329ac4bc9b5), .ones = UINT64_MAX},
};

static uint64_t times_x(const struct s3p_crc_kind *k, uint64_t a)
{
    return (a >> 1) ^ (a & 1 ? k->poly : 0);
}

uint64_t s3p_crc_multiply(const struct s3p_crc_kind *k, uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    for (uint64_t term = k->ones ^ (k->ones >> 1); term != 0; term >>= 1) {
        product ^= a & term ? b : 0;
        b = times_x(k, b);
    }
    return product;
}

uint64_t s3p_crc_x_power(const struct s3p_crc_kind *k, uint64_t n)
{
    uint64_t one = k->ones ^ (k->ones >> 1), result = one, square = one >> 1;
    for (; n != 0; n >>= 1) {
        if (n & 1)
            result = s3p_crc_multiply(k, result, square);
        square = s3p_crc_multiply(k, square, square);
    }
    return result;
}

/* The multiplier for folding over n bits, as a 64-bit reflected word whatever the width of the
 * CRC. One power less, because the carry-less product of two reflected words comes out one place
 * too high. */
static uint64_t fold_multiplier(const struct s3p_crc_kind *k, uint64_t n)
{
    return s3p_crc_x_power(k, n - 1) << (k->ones == UINT64_MAX ? 0 : 32);
}

static void kind_init(struct s3p_crc_kind *k)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t reg = byte;
        for (int zeros = 0; zeros < 8; zeros++) {
            for (int bit = 0; bit < 8; bit++)
                reg = times_x(k, reg);
            k->slice[zeros][byte] = reg;
        }
    }
    for (unsigned half = 0; half < 2; half++) {
        k->fold.by_16[half] = fold_multiplier(k, 128 + 64 * (1 - half));
        k->fold.by_64[half] = fold_multiplier(k, 512 + 64 * (1 - half));
        k->fold.by_256[half] = fold_multiplier(k, 2048 + 64 * (1 - half));
    }
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

uint64_t s3p_crc_sliced(const struct s3p_crc_kind *k, uint64_t reg, const uint8_t *p, size_t len)
{
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t v = load64(p) ^ reg;
        reg = k->slice[7][v & 255] ^ k->slice[6][v >> 8 & 255] ^ k->slice[5][v >> 16 & 255] ^
              k->slice[4][v >> 24 & 255] ^ k->slice[3][v >> 32 & 255] ^
              k->slice[2][v >> 40 & 255] ^ k->slice[1][v >> 48 & 255] ^ k->slice[0][v >> 56];
    }
    for (; len > 0; p++, len--)
        reg = k->slice[0][(reg ^ *p) & 255] ^ (reg >> 8);
    return reg;
}

static uint32_t crc32_sliced(uint32_t reg, const uint8_t *p, size_t len)
{
    return (uint32_t)s3p_crc_sliced(&kinds[S3P_CRC32], reg, p, len);
}

static uint32_t crc32c_sliced(uint32_t reg, const uint8_t *p, size_t len)
{
    return (uint32_t)s3p_crc_sliced(&kinds[S3P_CRC32C], reg, p, len);
}

static uint64_t crc64nvme_sliced(uint64_t reg, const uint8_t *p, size_t len)
{
    return s3p_crc_sliced(&kinds[S3P_CRC64NVME], reg, p, len);
}

#ifdef __x86_64__
static uint32_t crc32_folded(uint32_t reg, const uint8_t *p, size_t len)
{
    return (uint32_t)s3p_crc_folded(&kinds[S3P_CRC32], reg, p, len);
}

static uint64_t crc64nvme_folded(uint64_t reg, const uint8_t *p, size_t len)
{
    return s3p_crc_folded(&kinds[S3P_CRC64NVME], reg, p, len);
}

static uint64_t narrow(enum s3p_crc_name name, uint64_t reg, const uint8_t *p, size_t len)
{
    return name == S3P_CRC32C ? s3p_crc32c_sse42((uint32_t)reg, p, len)
                              : s3p_crc_folded(&kinds[name], reg, p, len);
}

static uint64_t wide(enum s3p_crc_name name, uint64_t reg, const uint8_t *p, size_t len)
{
    uint8_t few[S3P_CRC_SHORTENED];
    if (len < S3P_CRC_LONG)
        return narrow(name, reg, p, len);
    size_t used = s3p_crc_shorten(&kinds[name], reg, p, len, few);
    return narrow(name, narrow(name, 0, few, sizeof few), p + used, len - used);
}

static uint32_t crc32_wide(uint32_t reg, const uint8_t *p, size_t len)
{
    return (uint32_t)wide(S3P_CRC32, reg, p, len);
}

static uint32_t crc32c_wide(uint32_t reg, const uint8_t *p, size_t len)
{
    return (uint32_t)wide(S3P_CRC32C, reg, p, len);
}

static uint64_t crc64nvme_wide(uint64_t reg, const uint8_t *p, size_t len)
{
    return wide(S3P_CRC64NVME, reg, p, len);
}
#endif

typedef uint32_t crc32_fn(uint32_t reg, const uint8_t *p, size_t len);
typedef uint64_t crc64_fn(uint64_t reg, const uint8_t *p, size_t len);

static crc32_fn crc32_first, crc32c_first;
static crc64_fn crc64nvme_first;

/* Each starts at a function that makes the choice. The store in choose() releases the tables, the
 * load before a call acquires them; on x86 both are plain moves. */
static crc32_fn *_Atomic crc32_now = crc32_first;
static crc32_fn *_Atomic crc32c_now = crc32c_first;
static crc64_fn *_Atomic crc64nvme_now = crc64nvme_first;

static void choose(void)
{
    crc32_fn *crc32 = crc32_sliced, *crc32c = crc32c_sliced;
    crc64_fn *crc64nvme = crc64nvme_sliced;
    for (int i = 0; i < S3P_CRC_NAMES; i++)
        kind_init(&kinds[i]);
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2")) {
        s3p_crc32c_sse42_init(&kinds[S3P_CRC32C]);
        crc32c = s3p_crc32c_sse42;
    }
    if (__builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.2")) {
        crc32 = crc32_folded;
        crc64nvme = crc64nvme_folded;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq")) {
            crc32 = crc32_wide;
            crc32c = crc32c_wide;
            crc64nvme = crc64nvme_wide;
        }
    }
#endif
    atomic_store_explicit(&crc32_now, crc32, memory_order_release);
    atomic_store_explicit(&crc32c_now, crc32c, memory_order_release);
    atomic_store_explicit(&crc64nvme_now, crc64nvme, memory_order_release);
}

static void choose_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, choose);
}

const struct s3p_crc_kind *s3p_crc_kind(enum s3p_crc_name name)
{
    choose_once();
    return &kinds[name];
}

static uint32_t crc32_first(uint32_t reg, const uint8_t *p, size_t len)
{
    choose_once();
    return atomic_load_explicit(&crc32_now, memory_order_acquire)(reg, p, len);
}

static uint32_t crc32c_first(uint32_t reg, const uint8_t *p, size_t len)
{
    choose_once();
    return atomic_load_explicit(&crc32c_now, memory_order_acquire)(reg, p, len);
}

static uint64_t crc64nvme_first(uint64_t reg, const uint8_t *p, size_t len)
{
    choose_once();
    return atomic_load_explicit(&crc64nvme_now, memory_order_acquire)(reg, p, len);
}

uint32_t s3p_crc32(uint32_t crc, const void *p, size_t len)
{
    return ~atomic_load_explicit(&crc32_now, memory_order_acquire)(~crc, p, len);
}

uint32_t s3p_crc32c(uint32_t crc, const void *p, size_t len)
{
    return ~atomic_load_explicit(&crc32c_now, memory_order_acquire)(~crc, p, len);
}

uint64_t s3p_crc64nvme(uint64_t crc, const void *p, size_t len)
{
    return ~atomic_load_explicit(&crc64nvme_now, memory_order_acquire)(~crc, p, len);
}

/* The ones that start and end every CRC cancel out, which leaves A's remainder moved over B's
 * bits. */
static uint64_t combine(enum s3p_crc_name name, uint64_t a, uint64_t b, uint64_t len_b)
{
    const struct s3p_crc_kind *k = s3p_crc_kind(name);
    uint64_t over = s3p_crc_x_power(k, len_b);
    for (int i = 0; i < 3; i++) /* x^(8n) = (((x^n)^2)^2)^2, without the overflow of 8n */
        over = s3p_crc_multiply(k, over, over);
    return s3p_crc_multiply(k, a, over) ^ b;
}

uint32_t s3p_crc32_combine(uint32_t a, uint32_t b, uint64_t len_b)
{
    return (uint32_t)combine(S3P_CRC32, a, b, len_b);
}

uint32_t s3p_crc32c_combine(uint32_t a, uint32_t b, uint64_t len_b)
{
    return (uint32_t)combine(S3P_CRC32C, a, b, len_b);
}

uint64_t s3p_crc64nvme_combine(uint64_t a, uint64_t b, uint64_t len_b)
{
    return combine(S3P_CRC64NVME, a, b, len_b);
}
