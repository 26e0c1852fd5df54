#include "s3/body.h"

#include "core/random.h"
#include "tests/s3/vec.h"

static struct s3p_body body_of(const json_t *v)
{
    struct s3p_str role = vec_str(v, "role"), key = vec_str(v, "key");
    return (struct s3p_body){
        .id = vec_id(v, "id"),
        .len = (uint64_t)vec_int(v, "len"),
        .key_hash = s3p_key_hash(role.p, role.len, key.p, key.len),
    };
}

static void check_range(const struct s3p_body *b, const json_t *r)
{
    size_t n = (size_t)vec_int(r, "len");
    uint8_t *bytes = s3p_alloc(n), hash[S3P_SHA256_BYTES];
    char *hex = s3p_alloc(2 * n + 64);
    struct s3p_str want = vec_str(r, "hex");
    s3p_body_fill(b, (uint64_t)vec_int(r, "first"), bytes, n);
    if (json_object_get(r, "hex") != NULL) {
        s3p_hex(hex, bytes, n);
        vec_expect(r, hex, 2 * n, want);
    } else {
        s3p_sha256(bytes, n, hash);
        s3p_hex(hex, hash, sizeof hash);
        vec_expect(r, hex, 64, vec_str(r, "sha256"));
    }
    s3p_free(bytes);
    s3p_free(hex);
}

T_TEST(body_vectors)
{
    json_t *root = vec_load(t_vectors("body.json")), *v, *r;
    size_t i, j;
    json_array_foreach (vec_list(root, "bodies", 15), i, v) {
        struct s3p_body b = body_of(v);
        uint8_t md5[S3P_MD5_BYTES];
        char hex[32];
        json_array_foreach (vec_list(v, "ranges", 1), j, r)
            check_range(&b, r);
        s3p_body_md5(&b, md5);
        s3p_hex(hex, md5, sizeof md5);
        vec_expect(v, hex, 32, vec_str(v, "md5"));
    }
    json_array_foreach (vec_list(root, "key_hashes", 4), i, v) {
        char hex[17];
        snprintf(hex, sizeof hex, "%016llx", (unsigned long long)body_of(v).key_hash);
        vec_expect(v, hex, 16, vec_str(v, "hash"));
    }
    json_array_foreach (vec_list(root, "counters", 7), i, v) {
        char text[S3P_COUNTER_BODY_MAX];
        size_t len = s3p_counter_body(text, vec_id(v, "id"), vec_int(v, "counter"));
        vec_expect(v, text, len, vec_str(v, "text"));
    }
    json_decref(root);
}

T_TEST(body_any_range_is_a_slice)
{
    struct s3p_body b = {s3p_id_make(9, 8, 7), 5000, 6};
    uint8_t whole[5000], part[5000];
    struct s3p_rng rng = {1, 2, 0};
    s3p_body_fill(&b, 0, whole, sizeof whole);
    for (int i = 0; i < 20000; i++) {
        size_t first = s3p_rng_below(&rng, sizeof whole + 1);
        size_t n = s3p_rng_below(&rng, sizeof whole - first + 1);
        if (i % 2 == 0 && n > 200)
            n = n % 200;
        memset(part, 0xee, n + (n < sizeof part));
        s3p_body_fill(&b, first, part, n);
        T_MEM(part, whole + first, n);
        T_TRUE(n == sizeof part || part[n] == 0xee);
    }
}

T_TEST(body_far_offsets)
{
    struct s3p_body b = {s3p_id_make(1, 2, 3), UINT64_MAX, 4};
    uint8_t cell[64], piece[64];
    uint64_t at = UINT64_C(1) << 40;
    s3p_body_fill(&b, at, cell, 64);
    s3p_body_fill(&b, at + 3, piece, 61);
    T_MEM(cell + 3, piece, 61);
    T_EQ(cell[16 + 5], 1); /* 2^40, little endian */
}
