#include "tests/t.h"

#include <pthread.h>

#include "core/crc.h"
#include "core/crc_kind.h"
#include "core/random.h"

static uint64_t one_bit_at_a_time(const struct s3p_crc_kind *k, uint64_t reg, uint8_t byte)
{
    reg ^= byte;
    for (int bit = 0; bit < 8; bit++)
        reg = (reg >> 1) ^ (reg & 1 ? k->poly : 0);
    return reg;
}

static void fill_random(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)s3p_rng_at(1, 2, i);
}

/* The public functions on one footing. */
static uint64_t crc32(uint64_t crc, const void *p, size_t len)
{
    return s3p_crc32((uint32_t)crc, p, len);
}
static uint64_t crc32c(uint64_t crc, const void *p, size_t len)
{
    return s3p_crc32c((uint32_t)crc, p, len);
}
static uint64_t crc32_combine(uint64_t a, uint64_t b, uint64_t len_b)
{
    return s3p_crc32_combine((uint32_t)a, (uint32_t)b, len_b);
}
static uint64_t crc32c_combine(uint64_t a, uint64_t b, uint64_t len_b)
{
    return s3p_crc32c_combine((uint32_t)a, (uint32_t)b, len_b);
}

static const struct {
    uint64_t (*crc)(uint64_t crc, const void *p, size_t len);
    uint64_t (*combine)(uint64_t a, uint64_t b, uint64_t len_b);
    uint64_t check;
} by_name[S3P_CRC_NAMES] = {
    [S3P_CRC32] = {crc32, crc32_combine, 0xcbf43926},
    [S3P_CRC32C] = {crc32c, crc32c_combine, 0xe3069283},
    [S3P_CRC64NVME] = {s3p_crc64nvme, s3p_crc64nvme_combine, UINT64_C(0xae8b14860a799888)},
};

T_TEST(crc_check_values)
{
    for (int i = 0; i < S3P_CRC_NAMES; i++) {
        T_EQ(by_name[i].crc(0, "123456789", 9), by_name[i].check);
        T_EQ(by_name[i].crc(by_name[i].crc(0, "1234", 4), "56789", 5), by_name[i].check);
        T_EQ(by_name[i].crc(0, NULL, 0), 0);
    }
}

/* Every variant that this processor has, on registers. */
static void check_variants(enum s3p_crc_name name, const uint8_t *p, size_t len, uint64_t reg,
                           uint64_t expected)
{
    const struct s3p_crc_kind *k = s3p_crc_kind(name);
    T_EQ(s3p_crc_sliced(k, reg, p, len), expected);
#ifdef __x86_64__
    if (__builtin_cpu_supports("pclmul"))
        T_EQ(s3p_crc_folded(k, reg, p, len), expected);
    if (name == S3P_CRC32C && __builtin_cpu_supports("sse4.2"))
        T_EQ(s3p_crc32c_sse42((uint32_t)reg, p, len), expected);
    uint8_t few[S3P_CRC_SHORTENED];
    if (len >= S3P_CRC_LONG && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("vpclmulqdq")) {
        size_t used = s3p_crc_shorten(k, reg, p, len, few);
        T_TRUE(used <= len && len - used < S3P_CRC_LONG);
        T_EQ(s3p_crc_sliced(k, s3p_crc_sliced(k, 0, few, sizeof few), p + used, len - used),
             expected);
    }
#endif
    T_EQ(by_name[name].crc(reg ^ k->ones, p, len), expected ^ k->ones);
}

T_TEST(crc_variants_at_all_lengths_and_alignments)
{
    enum { LENGTHS = 512, ALIGNMENTS = 64 };
    static _Alignas(64) uint8_t bytes[LENGTHS + ALIGNMENTS];
    fill_random(bytes, sizeof bytes);
    for (enum s3p_crc_name name = 0; name < S3P_CRC_NAMES; name++) {
        const struct s3p_crc_kind *k = s3p_crc_kind(name);
        for (size_t at = 0; at < ALIGNMENTS; at++) {
            uint64_t start = s3p_rng_at(3, 4, at) & k->ones, expected = start;
            for (size_t len = 0; len <= LENGTHS; len++) {
                check_variants(name, bytes + at, len, start, expected);
                if (len < LENGTHS)
                    expected = one_bit_at_a_time(k, expected, bytes[at + len]);
            }
        }
    }
}

/* Blocks of exactly the length, so that the address sanitizer sees a byte too many; and lengths
 * around the borders of the three streams. */
T_TEST(crc_variants_read_no_further)
{
    static const size_t around[] = {64, 768, 1536, 12288, 12288 + 768, 24576, 40000};
    for (enum s3p_crc_name name = 0; name < S3P_CRC_NAMES; name++) {
        const struct s3p_crc_kind *k = s3p_crc_kind(name);
        for (size_t i = 0; i < sizeof around / sizeof around[0] * 17; i++) {
            size_t len = around[i / 17] + i % 17 - 8;
            uint8_t *p = s3p_alloc(len);
            fill_random(p, len);
            uint64_t expected = k->ones;
            for (size_t j = 0; j < len; j++)
                expected = k->slice[0][(expected ^ p[j]) & 255] ^ (expected >> 8);
            check_variants(name, p, len, k->ones, expected);
            s3p_free(p);
        }
    }
}

T_TEST(crc_combine_equals_crc_of_the_whole)
{
    static uint8_t bytes[5000];
    fill_random(bytes, sizeof bytes);
    for (int i = 0; i < S3P_CRC_NAMES; i++) {
        for (size_t cut = 0; cut <= sizeof bytes; cut += cut < 100 ? 1 : 97) {
            uint64_t a = by_name[i].crc(0, bytes, cut);
            uint64_t b = by_name[i].crc(0, bytes + cut, sizeof bytes - cut);
            T_EQ(by_name[i].combine(a, b, sizeof bytes - cut),
                 by_name[i].crc(0, bytes, sizeof bytes));
        }
    }
}

/* Lengths that cannot be read: combining is associative, and 2^36 zero bytes are 36 doublings of
 * one. */
T_TEST(crc_combine_long_lengths)
{
    for (int i = 0; i < S3P_CRC_NAMES; i++) {
        uint64_t zeros = by_name[i].crc(0, "", 1), a = 0x1234567, b = 0x89abcde, c = 0x2468ace;
        for (int bit = 0; bit < 36; bit++)
            zeros = by_name[i].combine(zeros, zeros, UINT64_C(1) << bit);
        uint64_t left = by_name[i].combine(by_name[i].combine(a, zeros, UINT64_C(1) << 36), c, 3);
        uint64_t right = by_name[i].combine(a, by_name[i].combine(zeros, c, 3), (1ull << 36) + 3);
        T_EQ(left, right);
        left = by_name[i].combine(by_name[i].combine(a, b, UINT64_C(1) << 62), c, 12345);
        right = by_name[i].combine(a, by_name[i].combine(b, c, 12345), (1ull << 62) + 12345);
        T_EQ(left, right);
    }
}

static void *all_checks(void *barrier)
{
    pthread_barrier_wait(barrier);
    for (int i = 0; i < S3P_CRC_NAMES; i++)
        T_EQ(by_name[i].crc(0, "123456789", 9), by_name[i].check);
    return NULL;
}

/* The choice of the variant happens in whichever thread comes first. */
T_TEST(crc_first_calls_from_many_threads)
{
    pthread_t thread[4];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 4);
    for (int i = 0; i < 4; i++)
        T_EQ(pthread_create(&thread[i], NULL, all_checks, &barrier), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&barrier);
}
