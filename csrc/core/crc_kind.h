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
    uint64_t by_16[2], by_64[2], by_256[2];
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
/* The callers have asked the processor: SSE4.2 for the first, PCLMULQDQ for the second, VPCLMULQDQ
 * and AVX-512 for the third. */
void s3p_crc32c_sse42_init(const struct s3p_crc_kind *crc32c);
uint32_t s3p_crc32c_sse42(uint32_t reg, const uint8_t *p, size_t len);
uint64_t s3p_crc_folded(const struct s3p_crc_kind *k, uint64_t reg, const uint8_t *p, size_t len);
/* Folds the first bytes of a long message (S3P_CRC_LONG at least), and `reg`, into a few that take
 * their place, behind a register of zero. Returns how many it took: fewer than S3P_CRC_LONG are
 * left. */
enum { S3P_CRC_LONG = 256, S3P_CRC_SHORTENED = 64 };
size_t s3p_crc_shorten(const struct s3p_crc_kind *k, uint64_t reg, const uint8_t *p, size_t len,
                       uint8_t same_remainder[S3P_CRC_SHORTENED]);
#endif

#endif
