/* Members of listings that meet: of several spaces and buckets, with several ids; and what makes
 * and ends versions, uploads and parts. */
#include "tests/t.h"

#include <stdio.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#define NO_MD5 "{\"etag_is_md5\":false}"
#define LATEST S3P_ENTRY_LATEST
enum { MAIN, SIDE, ENTRIES_MAX = 16 };
enum { KEYS, FIXED }; /* spaces: keys/…; "hot", "keys/00000007", "per%63ent" */

struct listed {
    uint16_t space;
    uint64_t key;
    const char *id;
    uint8_t flags;
};

static void add_page(struct t_make *m, int op, uint16_t bucket, int64_t call_ms,
                     const struct listed *e, int n)
{
    struct s3p_attempt r = t_attempt(op, 90, S3P_NO_INDEX, call_ms, call_ms + 1);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    r.bucket = bucket;
    s3p_append_begin(m->a, 4096, ENTRIES_MAX);
    r.list_args = s3p_append_text(m->a, "", 0);
    if (op == S3P_OP_LIST_PARTS) {
        r.upload_id = s3p_append_text(m->a, "u", 1);
        r.key_index = 3;
    }
    for (int k = 0; k < n; k++) {
        struct s3p_entry entry = {.key_index = e[k].key, .space = e[k].space, .flags = e[k].flags};
        if (e[k].id != NULL)
            entry.version_id = s3p_append_text(m->a, e[k].id, strlen(e[k].id));
        uint32_t at = s3p_append_entry(m->a, &entry);
        r.entries_first = k == 0 ? at : r.entries_first;
    }
    r.entries_count = (uint32_t)n;
    s3p_append(m->a, &r);
}
#define PAGE(m, op, bucket, call_ms, ...)                                                          \
    do {                                                                                           \
        const struct listed e_[] = {__VA_ARGS__};                                                  \
        add_page(m, op, bucket, call_ms, e_, (int)(sizeof e_ / sizeof *e_));                       \
    } while (0)

static struct s3p_attempt in(struct s3p_attempt r, uint16_t space, uint16_t bucket)
{
    r.space = space;
    r.bucket = bucket;
    return r;
}

/* Each of these entries was written at 1 ms; a page with all but number `drop`. */
static void expect_all_but(const char *spaces, int op, const struct listed *e, int n, int drop)
{
    struct listed shown[ENTRIES_MAX];
    struct t_make m;
    int k = 0;
    if (spaces != NULL)
        t_make_spaces(&m, "{}", NO_MD5, spaces);
    else
        t_make_begin(&m, "{}", NO_MD5);
    for (int i = n - 1; i >= 0; i--) { /* of each key the last one first */
        struct s3p_attempt put = in(t_put((uint32_t)i + 1, e[i].key, 2 * (n - i), 2 * (n - i) + 1),
                                    e[i].space, MAIN);
        t_add_texts(&m, put, (struct t_texts){.version = e[i].id});
        if (e[i].id == NULL) { /* others have their own keys */
            put = in(t_put((uint32_t)i + 101, 100 + e[i].key % 3, 50 + i, 50 + i), KEYS, SIDE);
            t_add(&m, put);
        }
    }
    for (int i = 0; i < n; i++)
        if (i != drop)
            shown[k++] = e[i];
    add_page(&m, op, MAIN, 100, shown, k);
    if (op == S3P_OP_LIST)
        PAGE(&m, op, SIDE, 100, {KEYS, 100, NULL, 0}, {KEYS, 101, NULL, 0}, {KEYS, 102, NULL, 0});
    json_t *v = t_make_judge(&m, NULL);
    char *text = t_dump(v);
    int64_t missing = t_rule(v, "list-missing") + t_rule(v, "list-truncated-end");
    if (json_integer_value(json_object_get(v, "violations")) != (drop >= 0) ||
        missing != (drop >= 0))
        t_fail(__FILE__, __LINE__, "without %d: %s", drop, text);
    s3p_free(text);
    json_decref(v);
}

T_TEST(pages_over_spaces)
{
    static const struct listed e[] = {{FIXED, 0, NULL, 0}, {KEYS, 0, NULL, 0}, {KEYS, 1, NULL, 0},
                                      {KEYS, 2, NULL, 0},  {KEYS, 7, NULL, 0}, {FIXED, 2, NULL, 0}};
    for (int drop = -1; drop < 6; drop++)
        expect_all_but(NULL, S3P_OP_LIST, e, 6, drop);
}

/* Keys of three spaces, by turns. */
T_TEST(pages_of_mixed_spaces)
{
    static const char spaces[] = "{\"name\":\"a\",\"prefix\":\"keys/\",\"count\":200},"
                                 "{\"name\":\"b\",\"keys\":[\"keys/00000001-\",\"keys/00000002-\","
                                 "\"keys/00000002-a\",\"zz\"]},"
                                 "{\"name\":\"c\",\"keys\":[\"keys/00000001.\",\"a\"]}";
    static const struct listed e[] = {{2, 1, NULL, 0}, {0, 0, NULL, 0}, {0, 1, NULL, 0},
                                      {1, 0, NULL, 0}, {2, 0, NULL, 0}, {0, 2, NULL, 0},
                                      {1, 1, NULL, 0}, {1, 2, NULL, 0}, {0, 3, NULL, 0},
                                      {0, 4, NULL, 0}, {1, 3, NULL, 0}};
    for (int drop = -1; drop < 11; drop++)
        expect_all_but(spaces, S3P_OP_LIST, e, 11, drop);
}

/* Two spaces that make the same keys: one of them has them. */
T_TEST(pages_of_equal_spaces)
{
    static const char *const spaces[] = {
        "{\"name\":\"a\",\"prefix\":\"keys/\",\"count\":200},"
        "{\"name\":\"b\",\"prefix\":\"keys/\",\"count\":150}",
        "{\"name\":\"a\",\"prefix\":\"other/\",\"count\":200},"
        "{\"name\":\"b\",\"prefix\":\"keys/\",\"count\":150}"};
    for (int equal = 0; equal < 2; equal++)
        for (int again = 0; again < 2; again++) {
            struct t_make m;
            t_make_spaces(&m, "{}", NO_MD5, spaces[!equal]);
            t_add(&m, in(t_put(1, 3, 1, 2), 0, MAIN));
            t_add(&m, in(t_get(again ? 1 : 0, 3, 3, 4), 1, MAIN));
            t_expect_rule(&m, equal != again ? (equal ? "absent-after-ack" : "unwritten-value")
                                             : NULL);
        }
}

/* Fixed keys that are there twice, in any order. */
T_TEST(pages_of_equal_keys)
{
    static const char spaces[] = "{\"name\":\"a\",\"keys\":[\"x\",\"y\",\"z\"]},"
                                 "{\"name\":\"b\",\"keys\":[\"w\",\"z\",\"x\",\"x\"]},"
                                 "{\"name\":\"c\",\"keys\":[\"z\",\"v\",\"w\"]}";
    static const struct listed e[] = {{2, 1, NULL, 0}, /* v */
                                      {1, 0, NULL, 0}, /* w */
                                      {0, 0, NULL, 0}, /* x */
                                      {0, 1, NULL, 0}, /* y */
                                      {0, 2, NULL, 0}} /* z */;
    static const struct {
        struct listed one, other;
    } same[] = {{{0, 0, NULL, 0}, {1, 2, NULL, 0}}, {{0, 0, NULL, 0}, {1, 3, NULL, 0}},
                {{0, 2, NULL, 0}, {1, 1, NULL, 0}}, {{0, 2, NULL, 0}, {2, 0, NULL, 0}},
                {{1, 0, NULL, 0}, {2, 2, NULL, 0}}};
    for (int drop = -1; drop < 5; drop++)
        expect_all_but(spaces, S3P_OP_LIST, e, 5, drop);
    for (size_t k = 0; k < sizeof same / sizeof *same; k++)
        for (int other = 0; other < 2; other++)
            for (uint16_t bucket = 0; bucket < 2; bucket++) {
                const struct listed *at = &same[k].other, *by = &same[k].one;
                struct t_make m;
                t_make_spaces(&m, "{}", NO_MD5, spaces);
                t_add(&m, in(t_put(1, at->key, 1, 2), at->space, MAIN));
                t_add(&m, in(t_get(0, by->key, 3, 4), by->space, bucket));
                t_expect_rule(&m, bucket == MAIN ? "absent-after-ack" : NULL);
            }
}

/* A key of a space is the same key by whatever name a bucket knows it: of a space of its own, of
 * another one's, of whatever order in the header. */
T_TEST(pages_of_equal_texts)
{
#define GENERATED(bucket) "{\"bucket\":" bucket ",\"prefix\":\"keys/\",\"count\":200}"
#define LITERAL(bucket) "{\"bucket\":" bucket ",\"keys\":[\"x\",\"keys/00000007\",\"keys/x\"]}"
    static const char *const spaces[] = {
        GENERATED("0") "," LITERAL("0"), GENERATED("0") "," LITERAL("1"),
        GENERATED("1") "," LITERAL("0"), LITERAL("0") "," GENERATED("0"),
        LITERAL("1") "," GENERATED("0"), LITERAL("0") "," GENERATED("1")};
    for (size_t k = 0; k < sizeof spaces / sizeof *spaces; k++)
        for (uint16_t bucket = 0; bucket < 2; bucket++)
            for (int same = 0; same < 2; same++) {
                uint16_t generated = k < 3 ? 0 : 1, literal = k < 3 ? 1 : 0;
                struct t_make m;
                t_make_spaces(&m, "{}", NO_MD5, spaces[k]);
                t_add(&m, in(t_put(1, same ? 7 : 8, 1, 2), generated, bucket));
                t_add(&m, in(t_get(0, 1, 3, 4), literal, bucket));
                t_expect_rule(&m, same ? "absent-after-ack" : NULL);
            }
    for (uint16_t bucket = 0; bucket < 2; bucket++) { /* what it could make, but does not */
        struct t_make m;
        t_make_spaces(&m, "{}", NO_MD5,
                      GENERATED("0") "," LITERAL("0") ",{\"bucket\":1,\"keys\":[\"keys/x\"]}");
        t_add(&m, in(t_put(1, 2, 1, 2), 1, bucket));
        t_add(&m, in(t_get(0, 0, 3, 4), 2, bucket));
        t_expect_rule(&m, "absent-after-ack");
    }
}

/* What a copy brings from there was written there. */
T_TEST(objects_copied_between_equal_texts)
{
    static const char *const spaces[] = {
        GENERATED("0") "," LITERAL("0"), LITERAL("0") "," GENERATED("0"),
        LITERAL("1") "," GENERATED("0"), LITERAL("0") "," GENERATED("1")};
    for (size_t k = 0; k < sizeof spaces / sizeof *spaces; k++)
        for (uint16_t bucket = 0; bucket < 2; bucket++)
            for (uint16_t space = 0; space < 2; space++) {
                bool literal = (k == 0) == (space == 1);
                struct s3p_attempt copy = t_attempt(S3P_OP_COPY, 5, 3, 3, 4);
                struct s3p_attempt get = t_get(1, 3, 5, 6);
                struct t_make m;
                copy.outcome = S3P_OK_OUTCOME;
                copy.evidence = S3P_EV_VALUE;
                copy.meta_id = get.meta_id = t_nth(5, 7);
                get.body_verdict = S3P_BODY_FOREIGN;
                t_make_spaces(&m, "{}", NO_MD5, spaces[k]);
                t_add(&m, in(t_put(1, literal ? 1 : 7, 1, 2), space, bucket));
                t_add_texts(&m, in(copy, k == 0 ? 0 : 1, MAIN),
                            (struct t_texts){.source = bucket == MAIN ? "main/keys/00000007"
                                                                      : "side/keys/00000007"});
                t_add(&m, in(get, k == 0 ? 0 : 1, MAIN));
                t_expect_rule(&m, NULL);
            }
}

/* A page names a key by its text where no space of its bucket has it. */
T_TEST(pages_of_other_buckets_spaces)
{
    for (int named = 0; named < 2; named++) {
        struct t_make m;
        struct s3p_attempt r = t_attempt(S3P_OP_LIST, 90, S3P_NO_INDEX, 5, 6);
        struct s3p_entry e = {.key_index = S3P_NO_INDEX};
        r.outcome = S3P_OK_OUTCOME;
        r.bucket = SIDE;
        t_make_begin(&m, "{}", NO_MD5);
        t_add(&m, in(t_put(1, 4, 1, 2), KEYS, SIDE));
        s3p_append_begin(m.a, 256, 1);
        r.list_args = s3p_append_text(m.a, "", 0);
        e.key_text = s3p_append_text(m.a, named ? "keys/00000004" : "keys/00000005", 13);
        r.entries_first = s3p_append_entry(m.a, &e);
        r.entries_count = 1;
        s3p_append(m.a, &r);
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(json_integer_value(json_object_get(v, "violations")), !named);
        json_decref(v);
    }
}

T_TEST(versions_over_spaces)
{
    static const struct listed e[] = {
        {FIXED, 0, "a", LATEST}, {FIXED, 0, "null", 0}, {KEYS, 0, "b", LATEST},
        {KEYS, 0, "null", 0},    {KEYS, 2, "c", LATEST}, {FIXED, 2, "e", LATEST},
        {FIXED, 2, "d", 0},      {FIXED, 2, "null", 0}};
    for (int drop = -1; drop < 8; drop++)
        if (drop < 0 || e[drop].flags == 0) /* else the next one is not marked as the latest */
            expect_all_but(NULL, S3P_OP_LIST_VERSIONS, e, 8, drop);
}

/* Ids that differ in their ends alone. */
T_TEST(versions_of_long_ids)
{
    static const struct listed e[] = {{KEYS, 3, "0123456789abcdef0123456789abcdef3", LATEST},
                                      {KEYS, 3, "0123456789abcdef0123456789abcdef2", 0},
                                      {KEYS, 3, "0123456789abcdef0123456789abcdef1", 0}};
    for (int drop = -1; drop < 3; drop++)
        if (drop != 0)
            expect_all_but(NULL, S3P_OP_LIST_VERSIONS, e, 3, drop);
}

/* ---- what makes and ends them ---- */

static struct s3p_attempt ok(int op, int64_t call_ms)
{
    struct s3p_attempt r = t_attempt(op, 5, 3, call_ms, call_ms + 1);
    r.outcome = S3P_OK_OUTCOME;
    return r;
}

T_TEST(versions_of_copies_in_pages)
{
    for (int shown = 0; shown < 2; shown++) {
        struct t_make m;
        t_make_begin(&m, "{}", NO_MD5);
        t_add_version(&m, t_put(1, 4, 1, 2), "a");
        t_add_texts(&m, ok(S3P_OP_COPY, 3),
                    (struct t_texts){.source = "main/keys/00000004", .version = "c"});
        if (shown)
            PAGE(&m, S3P_OP_LIST_VERSIONS, MAIN, 5, {KEYS, 3, "c", LATEST}, {KEYS, 4, "a", LATEST});
        else
            PAGE(&m, S3P_OP_LIST_VERSIONS, MAIN, 5, {KEYS, 4, "a", LATEST});
        t_expect_rule(&m, shown ? NULL : "list-missing");
    }
}

/* Others than the plan's clients write the key: any version may be theirs. */
T_TEST(versions_of_other_writers)
{
    struct t_make m;
    struct s3p_attempt put = t_put(1, 3, 7, 8);
    put.flags = S3P_FLAG_FOREIGN;
    t_make_begin(&m, "{}", NO_MD5);
    t_add_version(&m, t_put(2, 3, 3, 4), "a");
    t_add_version(&m, put, "f");
    PAGE(&m, S3P_OP_LIST_VERSIONS, MAIN, 5, {KEYS, 3, "x", LATEST}, {KEYS, 3, "a", 0},
         {KEYS, 3, "null", 0});
    t_expect_rule(&m, NULL);
}

/* What was refused is nothing, unless a proxy had its hands in it. */
T_TEST(versions_of_refused_writes)
{
    for (int touched = 0; touched < 2; touched++) {
        struct t_make m;
        struct s3p_attempt put = t_denied(t_put(1, 3, 1, 2));
        put.flags = touched ? S3P_FLAG_MULTI_DELIVERY : 0;
        t_make_begin(&m, "{}", NO_MD5);
        t_add(&m, put);
        PAGE(&m, S3P_OP_LIST_VERSIONS, MAIN, 5, {KEYS, 3, "x", LATEST});
        t_expect_rule(&m, touched ? NULL : "list-phantom");
    }
}

/* In a bucket that never kept versions a DELETE removes the only one. */
T_TEST(versions_of_plain_buckets_in_pages)
{
    for (int lost = 0; lost < 2; lost++) {
        struct t_make m;
        struct s3p_attempt r = ok(S3P_OP_DELETE, 3);
        t_make_begin(&m, "{}", NO_MD5);
        t_add(&m, t_put(1, 3, 1, 2));
        t_add(&m, lost ? t_lost(r) : r);
        PAGE(&m, S3P_OP_LIST_VERSIONS, MAIN, 5, {KEYS, 3, "null", LATEST});
        t_expect_rule(&m, lost ? NULL : "list-phantom");
    }
}

static void add_upload(struct t_make *m, int op, int64_t call_ms, const char *id, uint32_t part)
{
    struct s3p_attempt r = ok(op, call_ms);
    r.part_number = part;
    if (op == S3P_OP_COMPLETE_UPLOAD) {
        r.meta_id = t_nth(1, 1);
        r.body_id = t_nth(1, 2);
        r.evidence = S3P_EV_VALUE;
    }
    t_add_texts(m, r, (struct t_texts){.upload = id});
}

/* A Complete or an Abort of one upload leaves the other. */
T_TEST(pages_of_ended_uploads)
{
    static const int ends[] = {S3P_OP_COMPLETE_UPLOAD, S3P_OP_ABORT_UPLOAD};
    for (int k = 0; k < 2; k++)
        for (int shown = 0; shown < 2; shown++) {
            struct t_make m;
            t_make_begin(&m, "{}", NO_MD5);
            add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, "u", 0);
            add_upload(&m, S3P_OP_CREATE_UPLOAD, 3, "w", 0);
            add_upload(&m, ends[k], 5, "u", 0);
            if (shown)
                PAGE(&m, S3P_OP_LIST_UPLOADS, MAIN, 7, {KEYS, 3, "u", 0}, {KEYS, 3, "w", 0});
            else
                PAGE(&m, S3P_OP_LIST_UPLOADS, MAIN, 7, {KEYS, 3, "w", 0});
            t_expect_rule(&m, shown ? "list-phantom" : NULL);
        }
}

/* Copied parts are parts. */
T_TEST(pages_of_copied_parts)
{
    for (int shown = 0; shown < 2; shown++) {
        struct t_make m;
        t_make_begin(&m, "{}", NO_MD5);
        add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, "u", 0);
        add_upload(&m, S3P_OP_UPLOAD_PART, 3, "u", 2);
        add_upload(&m, S3P_OP_UPLOAD_PART_COPY, 3, "u", 1);
        if (shown)
            PAGE(&m, S3P_OP_LIST_PARTS, MAIN, 7, {0, 1, NULL, 0}, {0, 2, NULL, 0});
        else
            PAGE(&m, S3P_OP_LIST_PARTS, MAIN, 7, {0, 2, NULL, 0});
        t_expect_rule(&m, shown ? NULL : "list-missing");
    }
}

/* An Abort that races a part, sent or copied, of the same upload may leave something. */
T_TEST(pages_of_aborts_that_race)
{
    static const struct {
        int op;
        const char *of;
        const char *rule;
    } parts[] = {{S3P_OP_UPLOAD_PART, "u", NULL},
                 {S3P_OP_UPLOAD_PART_COPY, "u", NULL},
                 {S3P_OP_UPLOAD_PART, "t", "list-phantom"},
                 {S3P_OP_UPLOAD_PART_COPY, "w", "list-phantom"}};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        struct t_make m;
        t_make_begin(&m, "{}", NO_MD5);
        for (const char *const *id = (const char *const[]){"t", "u", "w", NULL}; *id != NULL; id++)
            add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, *id, 0);
        add_upload(&m, parts[k].op, 5, parts[k].of, 1);
        add_upload(&m, S3P_OP_ABORT_UPLOAD, 5, "u", 0);
        PAGE(&m, S3P_OP_LIST_UPLOADS, MAIN, 9, {KEYS, 3, "t", 0}, {KEYS, 3, "u", 0},
             {KEYS, 3, "w", 0});
        t_expect_rule(&m, parts[k].rule);
    }
}
