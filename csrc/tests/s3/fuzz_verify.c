/* The body verifier: the same verdict however the answer is cut, and never clean unless the bytes
 * are those of a write. First bytes: whole or range, where it begins, how a right body is damaged;
 * the rest is the damage. */
#include <string.h>

#include "s3/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())
#define KEY_HASH 7

static const struct s3p_id id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

struct shape {
    bool whole;
    uint64_t first, expect_len, total_len;
    struct s3p_id meta;
};

static struct s3p_verify judge(const struct shape *s, const uint8_t *p, size_t n, size_t piece)
{
    struct s3p_verify v;
    s3p_verify_start(&v, KEY_HASH, s->whole, s->first, s->expect_len, s->total_len, s->meta);
    for (size_t at = 0; at < n; at += piece)
        s3p_verify_add(&v, p + at, piece < n - at ? piece : n - at);
    CHECK(s3p_verify_end(&v) == v.verdict);
    CHECK(v.verdict >= S3P_BODY_CLEAN && v.verdict <= S3P_BODY_PARTS && v.pos == n);
    CHECK(v.verdict != S3P_BODY_TORN || !s3p_id_none(v.id2));
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[8192], right[8192];
    if (size < 5 || size > 4096)
        return 0;
    size_t first = data[0] & 1 ? 0 : data[1], n = data[2] & 1 ? size - 5 : 3 * (size_t)data[2],
           piece = 1 + data[3] % 90;
    struct s3p_body b = {id, first + n + (data[0] & 2 ? 50 : 0), KEY_HASH};
    struct shape s = {data[0] & 1, first, n, b.len, data[0] & 4 ? id : (struct s3p_id){{0}}};
    if (s.whole)
        b.len = s.total_len = n;
    s3p_body_fill(&b, first, right, n);
    memcpy(bytes, right, n);
    for (size_t i = 0; i + 5 < size && i < n; i++)
        bytes[(i + 16 * (size_t)data[4]) % n] ^= data[i + 5];
    struct s3p_verify v = judge(&s, bytes, n, n + 1), cut = judge(&s, bytes, n, piece);
    CHECK(v.verdict == cut.verdict && v.bad_offset == cut.bad_offset && v.counter == cut.counter);
    CHECK(s3p_id_eq(v.id, cut.id) && s3p_id_eq(v.id2, cut.id2));
    bool same = memcmp(bytes, right, n) == 0;
    if (same)
        CHECK(v.verdict == S3P_BODY_CLEAN || v.verdict == S3P_BODY_OPAQUE);
    if (!same &&
        v.verdict ==
            S3P_BODY_CLEAN) /* only a piece too short for a checksum passes for another write's */
        CHECK(!s3p_id_eq(v.id, id) && (n < 64 || first % 64 != 0));
    return 0;
}
