#include "engine/keyspace.h"
#include "tests/t.h"

static struct s3p_space space(enum s3p_space_kind kind, const char *prefix, uint64_t count)
{
    struct s3p_space s = {.name = S3P_STR("s"), .kind = kind, .count = count, .theta = 0.99};
    s.prefix = (struct s3p_str){prefix, strlen(prefix)};
    s.chosen = true;
    s3p_zipf_init(&s.zipf, count, s.theta);
    return s;
}

static const char *text(const struct s3p_space *s, uint64_t index)
{
    static char cstr[S3P_KEY_MAX + 1];
    char scratch[S3P_KEY_MAX];
    struct s3p_str key = s3p_space_text(s, index, scratch);
    memcpy(cstr, key.p, key.len);
    cstr[key.len] = 0;
    return cstr;
}

T_TEST(keyspace_texts)
{
    struct s3p_space u = space(S3P_SPACE_UNIFORM, "objs/", 1000);
    struct s3p_space o = space(S3P_SPACE_OWN, "own/", 3);
    T_STR(text(&u, 0), "objs/00000000");
    T_STR(text(&u, 999), "objs/00000999");
    T_STR(text(&o, 0), "own/00000/00000000");
    T_STR(text(&o, 3 * 41 + 2), "own/00041/00000002");
}

T_TEST(keyspace_finds_its_own_texts)
{
    struct s3p_space list[] = {space(S3P_SPACE_UNIFORM, "objs/", 1000),
                               space(S3P_SPACE_OWN, "own/", 3), space(S3P_SPACE_FIXED, "", 2)};
    struct s3p_str keys[] = {S3P_STR("x"), S3P_STR("objs/zz")};
    struct s3p_spaces all = {.space = list, .n = 3};
    struct s3p_arena arena;
    struct s3p_str clash;
    struct s3p_keyref ref;
    list[2].keys = keys;
    s3p_arena_init(&arena, 1 << 20);
    T_EQ(s3p_spaces_index(&all, &arena, &clash), 0);
    for (uint16_t s = 0; s < 3; s++) {
        for (uint64_t i = 0; i < (s == 1 ? 30 : list[s].count); i++) {
            const char *key = text(&list[s], i);
            T_TRUE(s3p_spaces_find(&all, 0, (struct s3p_str){key, strlen(key)}, &ref));
            T_EQ(ref.space, s);
            T_EQ(ref.index, i);
        }
    }
    static const char *const strangers[] = {
        "",  "objs/00001000", "objs/0000001", "objs/000000010", "own/00000/00000003",
        "y", "objs/0000000x"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
        T_TRUE(
            !s3p_spaces_find(&all, 0, (struct s3p_str){strangers[i], strlen(strangers[i])}, &ref));
    T_TRUE(!s3p_spaces_find(&all, 1, S3P_STR("x"), &ref)); /* another bucket */
    s3p_arena_free(&arena);
}

static struct s3p_chooser *chooser(const struct s3p_spaces *all, int worker, int workers)
{
    struct s3p_chooser *c = NULL;
    T_OK(s3p_chooser_create(&c, all, worker, workers, err));
    return c;
}

/* The draws of a client are a function of seed and client, whatever worker it is on. */
T_TEST(keyspace_draws_do_not_depend_on_workers)
{
    static const enum s3p_space_kind kinds[] = {S3P_SPACE_UNIFORM, S3P_SPACE_ZIPF, S3P_SPACE_OWN};
    for (size_t k = 0; k < 3; k++) {
        struct s3p_space s = space(kinds[k], "p/", 100);
        struct s3p_spaces all = {.space = &s, .n = 1};
        struct s3p_chooser *one = chooser(&all, 0, 1), *four = chooser(&all, 3, 4);
        struct s3p_rng a = {.seed = 7, .stream = 11}, b = a;
        uint64_t walk_a = 0, walk_b = 0, x, y, seen = 0;
        struct s3p_draw p = {&a, 11, &walk_a}, q = {&b, 11, &walk_b};
        for (int i = 0; i < 1000; i++) {
            T_TRUE(s3p_choose(one, 0, S3P_TAKE_NONE, &p, &x));
            T_TRUE(s3p_choose(four, 0, S3P_TAKE_NONE, &q, &y));
            T_EQ(x, y);
            T_TRUE(kinds[k] == S3P_SPACE_OWN ? x / 100 == 11 : x < 100);
            seen |= UINT64_C(1) << (x % 64);
        }
        T_TRUE(__builtin_popcountll(seen) > 30);
        s3p_chooser_free(one);
        s3p_chooser_free(four);
    }
}

T_TEST(keyspace_zipf_is_skewed)
{
    struct s3p_space s = space(S3P_SPACE_ZIPF, "z/", 1000);
    struct s3p_spaces all = {.space = &s, .n = 1};
    struct s3p_chooser *c = chooser(&all, 0, 1);
    struct s3p_rng rng = {.seed = 1};
    struct s3p_draw who = {&rng, 0, NULL};
    int first = 0, n = 20000;
    for (int i = 0; i < n; i++) {
        uint64_t x;
        T_TRUE(s3p_choose(c, 0, S3P_TAKE_NONE, &who, &x));
        T_TRUE(x < 1000);
        first += x == 0;
    }
    T_TRUE(first > n / 10 && first < n / 5); /* 1 / H(1000, 0.99) = 0.13 */
    s3p_chooser_free(c);
}

T_TEST(keyspace_sequence_is_dealt_by_residue)
{
    struct s3p_space s = space(S3P_SPACE_SEQUENCE, "s/", 10);
    struct s3p_spaces all = {.space = &s, .n = 1};
    struct s3p_rng rng = {.seed = 1};
    struct s3p_draw who = {&rng, 0, NULL};
    bool seen[10] = {false};
    for (int w = 0; w < 3; w++) {
        struct s3p_chooser *c = chooser(&all, w, 3);
        uint64_t x, last = 0;
        for (int n = 0; s3p_choose(c, 0, S3P_TAKE_NONE, &who, &x); n++) {
            T_EQ(x % 3, w);
            T_TRUE(n == 0 || x > last);
            T_TRUE(x < 10 && !seen[x]);
            seen[x] = true;
            last = x;
        }
        s3p_chooser_free(c);
    }
    for (int i = 0; i < 10; i++)
        T_TRUE(seen[i]);
}

static struct s3p_hold hold(uint64_t index, bool was_acked)
{
    return (struct s3p_hold){.key = {index, 0}, .held = true, .was_acked = was_acked};
}

T_TEST(keyspace_lifecycle)
{
    struct s3p_space s = space(S3P_SPACE_LIFECYCLE, "l/", 3);
    struct s3p_spaces all = {.space = &s, .n = 1};
    struct s3p_chooser *c = chooser(&all, 0, 1), *other = chooser(&all, 1, 2);
    struct s3p_rng rng = {.seed = 1};
    struct s3p_draw who = {&rng, 0, NULL};
    uint64_t x, y;
    T_TRUE(!s3p_choose(other, 0, S3P_TAKE_FRESH, &who, &x)); /* the space is worker 0's */
    T_TRUE(!s3p_choose(c, 0, S3P_TAKE_ACKED, &who, &x));
    T_TRUE(!s3p_choose(c, 0, S3P_TAKE_ANY, &who, &x));
    T_TRUE(s3p_choose(c, 0, S3P_TAKE_FRESH, &who, &x));
    T_EQ(x, 0);
    T_TRUE(!s3p_choose(c, 0, S3P_TAKE_ACKED, &who, &y)); /* still held */

    /* never written: back to the fresh ones, and given out first */
    struct s3p_hold h = hold(x, false);
    s3p_hold_release(c, &h);
    T_TRUE(!h.held);
    T_TRUE(s3p_choose(c, 0, S3P_TAKE_FRESH, &who, &y));
    T_EQ(y, x);

    h = hold(y, false);
    h.written = true;
    s3p_hold_release(c, &h);
    T_TRUE(s3p_choose(c, 0, S3P_TAKE_ANY, &who, &x));
    T_TRUE(s3p_choose(c, 0, S3P_TAKE_ACKED, &who, &x));
    T_EQ(x, y);
    T_TRUE(!s3p_choose(c, 0, S3P_TAKE_ACKED, &who, &x)); /* taken */

    h = hold(y, true); /* its delete failed for certain: acked as before */
    s3p_hold_release(c, &h);
    T_TRUE(s3p_choose(c, 0, S3P_TAKE_ACKED, &who, &x));
    h = hold(x, true);
    h.deleted = true;
    s3p_hold_release(c, &h);
    T_TRUE(!s3p_choose(c, 0, S3P_TAKE_ANY, &who, &x)); /* retired */

    T_TRUE(s3p_choose(c, 0, S3P_TAKE_FRESH, &who, &x));
    T_EQ(x, 1);
    h = hold(x, false);
    h.written = h.unknown = true;
    s3p_hold_release(c, &h);
    T_TRUE(!s3p_choose(c, 0, S3P_TAKE_ACKED, &who, &x)); /* unknown retires */
    T_TRUE(s3p_choose(c, 0, S3P_TAKE_FRESH, &who, &x));
    T_EQ(x, 2);
    T_TRUE(!s3p_choose(c, 0, S3P_TAKE_FRESH, &who, &x));
    s3p_chooser_free(c);
    s3p_chooser_free(other);
}
