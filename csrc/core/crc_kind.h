/* What the CRC implementations share, and what their tests reach: not for users of core/crc.h.
 *
 * All CRCs here are reflected, start and end with all ones, and are worked on as raw registers in
 * the low bits of a uint64_t: a polynomial's x^0 is the register's highest bit. */
#ifndef S3P_CORE_CRC_KIND_H
#define S3P_CORE_CRC_KIND_H

#include <stddef.h>
#include <stdint.h>

/* Multipliers that move a 128-bit remainder over `distance` bytes of message: [0] for its first
 * eight bytes. */
struct s3p_crc_fold {
    uint64_t by_16[2], by_64[2];
};

struct s3p_crc_kind {
    uint64_t poly, ones; /* reflected, without its highest term; the register's width in ones */
    uint64_t slice[8][256]; /* slice[k][b]: what byte b becomes after k zero bytes */
    struct s3p_crc_fold fold;
};

enum s3p_crc_name { S3P_CRC32, S3P_CRC32C, S3P_CRC64NVME, S3P_CRC_NAMES };

/* Tables filled; the same pointer for ever. */
const struct s3p_crc_kind *s3p_crc_kind(enum s3p_crc_name name);

/* a * b and x^n modulo the polynomial. */
uint64_t s3p_crc_multiply(const struct s3p_crc_kind *k, uint64_t a, uint64_t b);
uint64_t s3p_crc_x_power(const struct s3p_crc_kind *k, uint64_t n);

/* Register after `len` bytes, eight at a time, on any processor. */
uint64_t s3p_crc_sliced(const struct s3p_crc_kind *k, uint64_t reg, const uint8_t *p, size_t len);

#ifdef __x86_64__
/* The callers have asked the processor: SSE4.2 for the first, PCLMULQDQ for the second. */
void s3p_crc32c_sse42_init(const struct s3p_crc_kind *crc32c);
uint32_t s3p_crc32c_sse42(uint32_t reg, const uint8_t *p, size_t len);
uint64_t s3p_crc_folded(const struct s3p_crc_kind *k, uint64_t reg, const uint8_t *p, size_t len);
#endif

#endif
