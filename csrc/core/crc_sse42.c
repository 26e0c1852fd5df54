/* CRC32C by the processor's instruction. It takes three cycles to answer and starts one every
 * cycle, so long inputs run as three interleaved streams, whose registers are joined by moving
 * them over the bytes of the streams behind. */
#include "core/crc_kind.h"

#ifdef __x86_64__
#include <nmmintrin.h>
#include <string.h>

#define LONG_BYTES 4096
#define SHORT_BYTES 256

/* A register moved over a fixed number of bytes is linear in its four bytes. */
struct shift {
    uint32_t of[4][256];
};
/* Written once, before the first call: see choose() in crc.c. */
static struct shift over_long, over_short;

static void shift_init(struct shift *s, const struct s3p_crc_kind *k, uint64_t bytes)
{
    uint64_t over = s3p_crc_x_power(k, 8 * bytes);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned byte = 0; byte < 256; byte++)
            s->of[i][byte] = (uint32_t)s3p_crc_multiply(k, (uint64_t)byte << (8 * i), over);
}

void s3p_crc32c_sse42_init(const struct s3p_crc_kind *crc32c)
{
    shift_init(&over_long, crc32c, LONG_BYTES);
    shift_init(&over_short, crc32c, SHORT_BYTES);
}

static uint64_t moved(const struct shift *s, uint64_t reg)
{
    return s->of[0][reg & 255] ^ s->of[1][reg >> 8 & 255] ^ s->of[2][reg >> 16 & 255] ^
           s->of[3][reg >> 24 & 255];
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t three_streams(uint64_t reg, const uint8_t *p, size_t stream_bytes,
                                     const struct shift *over_stream)
{
    uint64_t a = reg, b = 0, c = 0;
    for (const uint8_t *end = p + stream_bytes; p < end; p += 8) {
        a = _mm_crc32_u64(a, load64(p));
        b = _mm_crc32_u64(b, load64(p + stream_bytes));
        c = _mm_crc32_u64(c, load64(p + 2 * stream_bytes));
    }
    return moved(over_stream, moved(over_stream, a) ^ b) ^ c;
}

uint32_t s3p_crc32c_sse42(uint32_t reg, const uint8_t *p, size_t len)
{
    uint64_t r = reg;
    for (; len >= 3 * LONG_BYTES; p += 3 * LONG_BYTES, len -= 3 * LONG_BYTES)
        r = three_streams(r, p, LONG_BYTES, &over_long);
    for (; len >= 3 * SHORT_BYTES; p += 3 * SHORT_BYTES, len -= 3 * SHORT_BYTES)
        r = three_streams(r, p, SHORT_BYTES, &over_short);
    for (; len >= 8; p += 8, len -= 8)
        r = _mm_crc32_u64(r, load64(p));
    uint32_t last = (uint32_t)r;
    if (len & 4) {
        uint32_t v;
        memcpy(&v, p, sizeof v);
        last = _mm_crc32_u32(last, v);
        p += 4;
    }
    for (len &= 3; len > 0; p++, len--)
        last = _mm_crc32_u8(last, *p);
    return last;
}
#endif
