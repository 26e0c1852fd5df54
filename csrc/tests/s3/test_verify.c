#include "s3/body.h"

#include "core/random.h"
#include "tests/s3/vec.h"

#define UNKNOWN UINT64_MAX
#define KEY_HASH 0x1234567890abcdef

static const struct s3p_id none,
    id_a = {{0xa1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    id_b = {{0xa1, 2, 3, 4, 5, 6, 9, 9, 9, 9, 11, 12, 13, 14, 15, 17}};

/* One answer as the verifier gets it. */
struct answer {
    uint8_t bytes[4096];
    size_t n;
    bool whole;
    uint64_t range_start, expect_len, total_len;
    struct s3p_id meta_id;
};

static void start(struct s3p_verify *v, const struct answer *a)
{
    s3p_verify_start(v, KEY_HASH, a->whole, a->range_start, a->expect_len, a->total_len,
                     a->meta_id);
}

/* Judges the answer in one piece, and checks that every way to cut it gives the same. */
static struct s3p_verify judge(const struct answer *a)
{
    struct s3p_verify ref, v;
    start(&ref, a);
    s3p_verify_add(&ref, a->bytes, a->n);
    T_EQ(s3p_verify_end(&ref), ref.verdict);
    for (size_t cut = 0; cut <= 2 * a->n;
         cut++) { /* first all cuts in two, then all in equal pieces */
        start(&v, a);
        size_t piece = cut <= a->n ? cut : cut - a->n;
        for (size_t at = 0; at < a->n;) {
            size_t n = piece < a->n - at ? piece : a->n - at;
            s3p_verify_add(&v, a->bytes + at, n);
            at += n;
            piece = cut <= a->n ? a->n - at : piece;
        }
        s3p_verify_end(&v);
        T_EQ(v.verdict, ref.verdict);
        T_EQ(v.bad_offset, ref.bad_offset);
        T_EQ(v.counter, ref.counter);
        T_EQ(v.pos, a->n);
        T_TRUE(s3p_id_eq(v.id, ref.id) && s3p_id_eq(v.id2, ref.id2));
    }
    return ref;
}

static void fill(struct answer *a, struct s3p_id id, uint64_t key_hash, uint64_t len,
                 uint64_t first, size_t n)
{
    struct s3p_body b = {id, len, key_hash};
    s3p_body_fill(&b, first, a->bytes, n);
    a->n = n;
}

static struct answer whole_of(struct s3p_id id, size_t len)
{
    struct answer a = {.whole = true, .expect_len = len, .total_len = len, .meta_id = id};
    fill(&a, id, KEY_HASH, len, 0, len);
    return a;
}

static struct answer range_of(struct s3p_id id, size_t len, size_t first, size_t n)
{
    struct answer a = {.range_start = first, .expect_len = n, .total_len = len, .meta_id = id};
    fill(&a, id, KEY_HASH, len, first, n);
    return a;
}

#define EXPECT(answer, want)                                                                       \
    do {                                                                                           \
        struct s3p_verify e_ = judge(answer);                                                      \
        T_EQ(e_.verdict, want);                                                                    \
    } while (0)

T_TEST(verify_clean_whole)
{
    for (size_t len = 0; len < 300; len++) {
        struct answer a = whole_of(id_a, len);
        struct s3p_verify v = judge(&a);
        T_EQ(v.verdict, S3P_BODY_CLEAN);
        T_TRUE(s3p_id_eq(v.id, id_a) && s3p_id_none(v.id2));
        T_EQ(v.counter, INT64_MIN);
        a.meta_id = none; /* the bytes alone name the write, if there are enough of them */
        EXPECT(&a, len < 16 ? S3P_BODY_OPAQUE : S3P_BODY_CLEAN);
        a.expect_len = UNKNOWN;
        a.total_len = UNKNOWN;
        EXPECT(&a, len < 16 ? S3P_BODY_OPAQUE : S3P_BODY_CLEAN);
    }
}

T_TEST(verify_metadata_of_another_write)
{
    for (size_t len = 1; len < 200; len++) {
        struct answer a = whole_of(id_a, len);
        a.meta_id =
            id_b; /* the body's own id counts; the checker compares it with the metadata's */
        struct s3p_verify v = judge(&a);
        if (len >= 16) {
            T_EQ(v.verdict, S3P_BODY_CLEAN);
            T_TRUE(s3p_id_eq(v.id, id_a));
        } else if (len > 6) { /* up to 6 bytes the two are the same */
            T_EQ(v.verdict, S3P_BODY_CORRUPT);
        }
    }
}

T_TEST(verify_clean_ranges)
{
    for (size_t first = 0; first < 200; first += first % 3 + 1)
        for (size_t n = 0; first + n <= 200; n += n % 13 + 1) {
            struct answer a = range_of(id_a, 200, first, n);
            struct s3p_verify v = judge(&a);
            T_EQ(v.verdict, n > 0 ? S3P_BODY_CLEAN : S3P_BODY_OPAQUE);
            T_TRUE(n == 0 || s3p_id_eq(v.id, id_a));
            a.meta_id = none;
            size_t in_first = first % 64 == 0
                                  ? 0
                                  : 64 -
                                        first %
                                            64; /* bytes of the cell that the range begins inside */
            bool named = n >= in_first + 16;
            EXPECT(&a, named ? S3P_BODY_CLEAN : S3P_BODY_OPAQUE);
        }
}

T_TEST_LIMIT(verify_every_flipped_byte, 120)
{
    static const size_t cases[][2] = {{0, 200},  {0, 64},  {0, 100}, {64, 64}, {64, 136},
                                      {30, 100}, {70, 50}, {64, 40}, {100, 64}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t at = 0; at < cases[i][1]; at++)
            for (int bit = 0; bit < 8; bit += 7) {
                struct answer a = range_of(id_a, 200, cases[i][0], cases[i][1]);
                a.whole = cases[i][0] == 0 && cases[i][1] == 200;
                a.bytes[at] ^= (uint8_t)(1 << bit);
                struct s3p_verify v = judge(&a);
                T_EQ(v.verdict, S3P_BODY_CORRUPT);
                T_EQ(v.bad_offset, (cases[i][0] + at) / 64 * 64);
            }
}

/* Bodies too short to hold a checksum: a flipped byte gives at least another id than the
 * metadata's. */
T_TEST(verify_flipped_byte_of_short_bodies)
{
    for (size_t len = 1; len < 64; len++)
        for (size_t at = 0; at < len; at++) {
            struct answer a = whole_of(id_a, len);
            a.bytes[at] ^= 0x10;
            struct s3p_verify v = judge(&a);
            T_TRUE(v.verdict == S3P_BODY_CORRUPT || !s3p_id_eq(v.id, id_a));
            T_TRUE(len <= 28 || v.verdict == S3P_BODY_CORRUPT);
        }
}

T_TEST(verify_torn)
{
    for (size_t len = 65; len < 330; len += 13)
        for (size_t cell = 1; cell * 64 < len; cell++) {
            struct answer a = whole_of(id_a, len), b = whole_of(id_b, len);
            size_t tail = len - cell * 64;
            memcpy(a.bytes + cell * 64, b.bytes + cell * 64, tail);
            struct s3p_verify v = judge(&a);
            if (tail < 24) { /* a piece that cannot name its write */
                T_EQ(v.verdict, tail <= 6 ? S3P_BODY_CLEAN : S3P_BODY_CORRUPT); /* 6: the run */
                continue;
            }
            T_EQ(v.verdict, S3P_BODY_TORN);
            T_EQ(v.bad_offset, cell * 64);
            T_TRUE(s3p_id_eq(v.id, id_a) && s3p_id_eq(v.id2, id_b));
            a.bytes[50] ^= 1;
            EXPECT(&a, S3P_BODY_CORRUPT); /* the worse of the two */
        }
}

T_TEST(verify_torn_ranges)
{
    struct answer a = range_of(id_a, 400, 40, 300), b = range_of(id_b, 400, 40, 300);
    memcpy(a.bytes, b.bytes,
           24); /* the cell that the range begins inside; the metadata tells whose it is */
    EXPECT(&a, S3P_BODY_CORRUPT);
    a.meta_id = id_b;
    struct s3p_verify v = judge(&a);
    T_EQ(v.verdict, S3P_BODY_TORN);
    T_TRUE(s3p_id_eq(v.id2, id_b));
    a = range_of(id_a, 400, 64, 128);
    memcpy(a.bytes, b.bytes + 24, 64);
    EXPECT(&a, S3P_BODY_TORN);
}

/* A short write over a longer one, not truncated. */
T_TEST(verify_short_write_over_long)
{
    for (size_t len = 64; len < 256; len++) {
        struct answer a = whole_of(id_b, 500);
        struct s3p_body shorter = {id_a, len, KEY_HASH};
        s3p_body_fill(&shorter, 0, a.bytes, len);
        struct s3p_verify v = judge(&a);
        T_EQ(v.verdict, S3P_BODY_TORN);
        T_TRUE(s3p_id_eq(v.id, id_a) && s3p_id_eq(v.id2, id_b));
    }
}

T_TEST(verify_foreign)
{
    for (size_t len = 24; len < 300; len++) {
        struct answer a = {.whole = true, .expect_len = len, .total_len = len, .meta_id = id_a};
        fill(&a, id_a, KEY_HASH + 1, len, 0, len);
        struct s3p_verify v = judge(&a);
        T_EQ(v.verdict, len == 24  ? S3P_BODY_CLEAN
                        : len < 44 ? S3P_BODY_CORRUPT
                                   : S3P_BODY_FOREIGN);
    }
}

T_TEST(verify_lost_tail)
{
    for (size_t n = 0; n < 300; n++) { /* the connection broke: fewer bytes than announced */
        struct answer a = whole_of(id_a, 300);
        a.n = n;
        EXPECT(&a, S3P_BODY_SHORT);
        a.expect_len = n; /* the store cut the object: fewer bytes than the write had */
        a.total_len = n;
        EXPECT(&a, n < 25 ? S3P_BODY_CLEAN : n < 36 ? S3P_BODY_CORRUPT : S3P_BODY_SHORT);
        struct answer r = range_of(id_a, 300, 0, n); /* the same, told by Content-Range */
        r.total_len = 250;
        if (n >= 36)
            EXPECT(&r, S3P_BODY_SHORT);
    }
}

T_TEST(verify_more_than_written)
{
    for (size_t len = 64; len < 200; len += 7)
        for (size_t extra = 1; extra < 200; extra += 11) {
            struct answer a = whole_of(id_a, len);
            memset(a.bytes + len, 0, extra);
            a.n = len + extra;
            EXPECT(&a, S3P_BODY_LONG);
            a.expect_len = a.total_len = a.n;
            EXPECT(&a, S3P_BODY_LONG);
        }
}

/* Right cells in wrong places: bytes alone cannot tell them from parts of a multipart object. */
T_TEST(verify_misplaced_cell)
{
    struct answer a = whole_of(id_a, 400);
    uint8_t cell[64];
    memcpy(cell, a.bytes + 128, 64);
    memcpy(a.bytes + 128, a.bytes + 192, 64);
    memcpy(a.bytes + 192, cell, 64);
    EXPECT(&a, S3P_BODY_PARTS);
    a.bytes[150] ^= 1; /* and one that is nowhere right */
    struct s3p_verify v = judge(&a);
    T_EQ(v.verdict, S3P_BODY_CORRUPT);
    T_EQ(v.bad_offset, 128);
}

/* An object of parts: as the parts' ids, lengths and bytes. */
struct object {
    struct answer whole;
    struct s3p_composite ids;
};

static void add_part(struct object *o, struct s3p_id id, size_t len)
{
    struct s3p_body b = {id, len, KEY_HASH};
    s3p_body_fill(&b, 0, o->whole.bytes + o->whole.n, len);
    s3p_composite_add(&o->ids, id);
    o->whole.n += len;
    o->whole.expect_len = o->whole.total_len = o->whole.n;
}

static struct object three_parts(size_t tail)
{
    struct object o = {.whole = {.whole = true, .meta_id = {{0xee}}}};
    add_part(&o, id_a, 192);
    add_part(&o, id_b, 128);
    add_part(&o, id_a, tail);
    return o;
}

static struct answer piece_of(const struct object *o, size_t first, size_t n)
{
    struct answer a = {.range_start = first,
                       .expect_len = n,
                       .total_len = o->whole.n,
                       .meta_id = o->whole.meta_id,
                       .n = n};
    memcpy(a.bytes, o->whole.bytes + first, n);
    return a;
}

T_TEST(verify_parts_whole)
{
    for (size_t tail = 64; tail < 300; tail += 47) {
        struct object o = three_parts(tail);
        struct s3p_verify v = judge(&o.whole);
        T_EQ(v.verdict, S3P_BODY_PARTS);
        T_TRUE(s3p_id_eq(v.id, s3p_composite_id(&o.ids)));
        for (size_t at = 0; at < o.whole.n; at += 13) { /* every part is judged */
            struct answer a = o.whole;
            a.bytes[at] ^= 4;
            v = judge(&a);
            T_EQ(v.verdict, S3P_BODY_CORRUPT);
            T_EQ(v.bad_offset, at / 64 * 64);
        }
        struct answer cut = o.whole;
        cut.n -= tail > 73 ? 10 : 0; /* the last part still begins with a whole cell */
        EXPECT(&cut, tail > 73 ? S3P_BODY_SHORT : S3P_BODY_PARTS);
    }
}

/* Of another key they are told apart like those of this one. */
T_TEST(verify_parts_of_another_key)
{
    struct object o = three_parts(64);
    struct s3p_verify v;
    s3p_verify_start(&v, KEY_HASH + 1, true, 0, o.whole.n, o.whole.n, o.whole.meta_id);
    s3p_verify_add(&v, o.whole.bytes, o.whole.n);
    T_EQ(s3p_verify_end(&v), S3P_BODY_FOREIGN);
    T_TRUE(s3p_id_eq(v.id, s3p_composite_id(&o.ids)));
}

T_TEST(verify_parts_vectors)
{
    json_t *root = vec_load(t_vectors("parts.json")), *v, *part;
    size_t i, k;
    json_array_foreach (vec_list(root, "bodies", 3), i, v) {
        uint8_t bytes[1024], sha[S3P_SHA256_BYTES];
        char hex[64], id[32];
        size_t n = 0;
        struct s3p_verify found;
        struct s3p_str role = vec_str(v, "role"), key = vec_str(v, "key");
        uint64_t hash = s3p_key_hash(role.p, role.len, key.p, key.len);
        json_array_foreach (json_object_get(v, "parts"), k, part) {
            struct s3p_body b = {vec_id(part, "id"), (uint64_t)vec_int(part, "len"), hash};
            s3p_body_fill(&b, 0, bytes + n, b.len);
            n += b.len;
        }
        s3p_sha256(bytes, n, sha);
        s3p_hex(hex, sha, sizeof sha);
        vec_expect(v, hex, sizeof hex, vec_str(v, "sha256"));
        s3p_verify_start(&found, hash, true, 0, n, n, none);
        s3p_verify_add(&found, bytes, n);
        T_EQ(s3p_verify_end(&found), S3P_BODY_PARTS);
        s3p_id_text(id, found.id);
        vec_expect(v, id, sizeof id, vec_str(v, "id"));
    }
    json_decref(root);
}

T_TEST(verify_one_part_is_a_body)
{
    struct object o = {.whole = {.whole = true, .meta_id = id_b}};
    add_part(&o, id_a, 300);
    struct s3p_verify v = judge(&o.whole);
    T_EQ(v.verdict, S3P_BODY_CLEAN);
    T_TRUE(s3p_id_eq(v.id, id_a));
}

/* Ranges at cell borders name the parts that they touch; any other one is never clean under an id
 * that it does not hold, and damage of a whole cell is always seen. */
T_TEST(verify_parts_ranges)
{
    struct object o = three_parts(100);
    for (size_t first = 0; first < o.whole.n; first += 13)
        for (size_t n = 1; first + n <= o.whole.n; n += 17) {
            struct answer a = piece_of(&o, first, n);
            struct s3p_verify v = judge(&a);
            T_TRUE(v.verdict == S3P_BODY_PARTS || v.verdict == S3P_BODY_CLEAN ||
                   v.verdict == S3P_BODY_OPAQUE || v.verdict == S3P_BODY_CORRUPT ||
                   v.verdict == S3P_BODY_LONG);
            size_t bad = (size_t)v.bad_offset; /* only of a cell that is not all there */
            if (v.verdict == S3P_BODY_CORRUPT)
                T_TRUE(bad < first || bad + 64 > first + n);
        }
    struct answer a = piece_of(&o, 192, 128);
    struct s3p_verify v = judge(&a);
    T_EQ(v.verdict, S3P_BODY_PARTS);
    T_TRUE(s3p_id_eq(v.id, id_b));
    a = piece_of(&o, 128, 128); /* the end of one and the start of another */
    v = judge(&a);
    struct s3p_composite two = {.n = 0};
    s3p_composite_add(&two, id_a);
    s3p_composite_add(&two, id_b);
    T_EQ(v.verdict, S3P_BODY_PARTS);
    T_TRUE(s3p_id_eq(v.id, s3p_composite_id(&two)));
    a = piece_of(&o, 0, 64); /* its first cell says that the write was shorter */
    v = judge(&a);
    T_EQ(v.verdict, S3P_BODY_PARTS);
    T_TRUE(s3p_id_eq(v.id, id_a));
    a = piece_of(&o, 64, 64); /* nothing tells that there is more than one */
    EXPECT(&a, S3P_BODY_CLEAN);
}

/* Parts that were copied: ranges of other objects, whose cells keep their offsets. */
T_TEST(verify_parts_of_copied_ranges)
{
    struct answer a = {.whole = true, .n = 320, .expect_len = 320, .total_len = 320};
    struct s3p_body x = {id_a, 1000, KEY_HASH}, y = {id_b, 1000, KEY_HASH + 1};
    s3p_body_fill(&x, 640, a.bytes, 128);
    s3p_body_fill(&y, 64, a.bytes + 128, 192);
    EXPECT(&a, S3P_BODY_PARTS);
    a.bytes[200] ^= 1;
    EXPECT(&a, S3P_BODY_CORRUPT);
    s3p_body_fill(&y, 0, a.bytes + 128, 192); /* with the name of its own key */
    EXPECT(&a, S3P_BODY_FOREIGN);
}

T_TEST(verify_zeros)
{
    struct answer a = {
        .whole = true, .expect_len = 500, .total_len = 500, .meta_id = id_a, .n = 500};
    EXPECT(&a, S3P_BODY_CORRUPT);
    a.meta_id = none;
    EXPECT(&a, S3P_BODY_CORRUPT);
    a = whole_of(id_a, 500); /* a hole */
    memset(a.bytes + 130, 0, 200);
    struct s3p_verify v = judge(&a);
    T_EQ(v.verdict, S3P_BODY_CORRUPT);
    T_EQ(v.bad_offset, 128);
}

static struct answer counter_of(int64_t counter)
{
    struct answer a = {.whole = true, .meta_id = id_a};
    a.n = s3p_counter_body((char *)a.bytes, id_a, counter);
    a.expect_len = a.total_len = a.n;
    return a;
}

T_TEST(verify_counter)
{
    static const int64_t values[] = {0, 1, -1, 1234567, INT64_MAX, INT64_MIN + 1};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct answer a = counter_of(values[i]);
        struct s3p_verify v = judge(&a);
        T_EQ(v.verdict, S3P_BODY_CLEAN);
        T_EQ(v.counter, values[i]);
        T_TRUE(s3p_id_eq(v.id, id_a));
        a.whole = false; /* a range that covers it all */
        EXPECT(&a, S3P_BODY_CLEAN);
        a.whole = true;
        a.expect_len = UNKNOWN;
        a.total_len = UNKNOWN;
        EXPECT(&a, S3P_BODY_CLEAN);
        memset(a.bytes + a.n, '}', 50);
        a.n += 50;
        EXPECT(&a, S3P_BODY_LONG);
    }
}

T_TEST(verify_damaged_counter)
{
    struct answer good = counter_of(-4321);
    for (size_t at = 7; at < good.n; at++) {
        struct answer a = good;
        a.bytes[at] ^= 1;
        struct s3p_verify v = judge(&a);
        T_EQ(v.verdict, S3P_BODY_CORRUPT);
        T_EQ(v.counter, INT64_MIN);
    }
    for (size_t n = 7; n < good.n; n++) {
        struct answer a = good;
        a.n = n;
        EXPECT(&a, S3P_BODY_SHORT);
        a.whole = false; /* a piece of it, asked for */
        a.expect_len = n;
        EXPECT(&a, S3P_BODY_OPAQUE);
    }
    for (size_t first = 1; first < good.n; first++) {
        struct answer a = {.range_start = first,
                           .n = good.n - first,
                           .expect_len = good.n - first,
                           .total_len = good.n};
        memcpy(a.bytes, good.bytes + first, a.n);
        a.meta_id = id_a;
        EXPECT(&a, S3P_BODY_OPAQUE);
    }
    static const char *const odd[] = {
        "{\"id\":\"a1020304050607080909a0b0c0d0e0f10\",\"counter\":99999999999999999999,\"crc32c\":"
        "\"00000000\"}",
        "{\"id\":\"a102030405060708090a0b0c0d0e0f10\",\"counter\":9223372036854775808,"
        "\"crc32c\":\"00000000\"}",
        "{\"id\":\"a102030405060708090a0b0c0d0e0f10\",\"counter\":-9223372036854775809,"
        "\"crc32c\":\"00000000\"}",
        "{\"id\":\"A102030405060708090A0B0C0D0E0F10\",\"counter\":1,\"crc32c\":\"00000000\"}",
        "{\"id\":\"a102030405060708090a0b0c0d0e0f10\",\"counter\":,\"crc32c\":\"000000000\"}",
        "{\"id\":\"a102030405060708090a0b0c0d0e0f10\",\"counter\":"
        "0000000000000000000000000000000000000000000000001",
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct answer a = {
            .whole = true, .n = strlen(odd[i]), .expect_len = UNKNOWN, .total_len = UNKNOWN};
        memcpy(a.bytes, odd[i], a.n);
        EXPECT(&a, S3P_BODY_CORRUPT);
    }
}

/* Random answers, each made by one edit of a right one: never clean, unless the edit changed
 * nothing. */
T_TEST(verify_random_edits)
{
    struct s3p_rng rng = {3, 4, 0};
    for (int i = 0; i < 300; i++) {
        size_t len = 44 + s3p_rng_below(&rng, 1000);
        struct answer a = whole_of(id_a, len), b = whole_of(id_b, len);
        size_t at = s3p_rng_below(&rng, len), n = 1 + s3p_rng_below(&rng, len - at);
        uint8_t *from = i % 3 == 0   ? b.bytes + at
                        : i % 3 == 1 ? a.bytes + (at + 64) % len
                                     : b.bytes;
        if (from == a.bytes + (at + 64) % len && n > len - (at + 64) % len)
            n = len - (at + 64) % len;
        bool same = memcmp(a.bytes + at, from, n) == 0;
        memmove(a.bytes + at, from, n);
        struct s3p_verify v = judge(&a);
        T_TRUE(same || n >= len || v.verdict != S3P_BODY_CLEAN);
    }
}
