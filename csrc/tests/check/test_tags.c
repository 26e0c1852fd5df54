/* Tag sets as registers. */
#include "tests/t.h"

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { GROUPS = 500 };
#else
enum { GROUPS = 6000 };
#endif

/* Value n: client n's set; 0: none. */
static struct s3p_attempt tags(int op, uint32_t n, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, n, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    r.body_kind = S3P_KIND_TAGS;
    r.body_verdict = op == S3P_OP_GET_TAGS ? S3P_BODY_CLEAN : S3P_BODY_NONE;
    r.size = n != 0 ? 3 : 0;
    if (n != 0)
        r.body_id = t_value(n);
    return r;
}

static struct s3p_attempt put(uint32_t n, bool tagged, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_put(n, 3, call_ms, return_ms);
    r.flags |= tagged ? S3P_FLAG_TAGGED : 0;
    return r;
}

static void expect(const struct s3p_attempt *r, size_t n, const char *rule, int64_t unclear)
{
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    for (size_t i = 0; i < n; i++)
        t_add(&m, r[i]);
    json_t *v = t_make_judge(&m, NULL);
    char *text = t_dump(v);
    if (json_integer_value(json_object_get(v, "violations")) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1) || t_skipped(v, "tags", "keys") != unclear)
        t_fail(__FILE__, __LINE__, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    if (rule != NULL) {
        T_STR(t_text(t_witness(v, 0), "aspect"), "tags");
        fprintf(stderr, "  %s: %s\n", rule, t_text(t_witness(v, 0), "sentence"));
    }
    s3p_free(text);
    json_decref(v);
}

#define EXPECT(rule, ...)                                                                          \
    do {                                                                                           \
        const struct s3p_attempt r_[] = {__VA_ARGS__};                                             \
        expect(r_, sizeof r_ / sizeof *r_, rule, 0);                                               \
    } while (0)
#define PUT_TAGS S3P_OP_PUT_TAGS
#define GET_TAGS S3P_OP_GET_TAGS

/* Keys that are gathered one after the other, since memory is short, and one that does not fit. */
T_TEST(tags_memory)
{
    enum { KEYS = 3, READS = 9000 };
    static const uint64_t memory[] = {0, 1 << 20, 140 << 10};
    for (int i = 0; i < 3; i++) {
        struct s3p_check_opts o = {.memory_bytes = memory[i]};
        struct s3p_err err = {0};
        struct t_make m;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        for (uint64_t key = 0; key < KEYS; key++) {
            t_add(&m, t_put(11 + (uint32_t)key, key, 0, 0));
            struct s3p_attempt r = tags(PUT_TAGS, 1 + (uint32_t)key, 1, 2);
            r.key_index = key;
            t_add(&m, r);
            r = tags(GET_TAGS, 1 + (uint32_t)key, 3, 4);
            r.key_index = key;
            for (int k = 0; k < READS; k++)
                t_add(&m, r);
            r.size = 0; /* none */
            memset(&r.body_id, 0, sizeof r.body_id);
            t_add(&m, r);
        }
        if (i == 2) {
            T_EQ(t_make_fail(&m, &o, &err), S3P_ELIMIT);
            T_TRUE(strstr(err.msg, "one key has 9003 attempts") != NULL);
            continue;
        }
        json_t *v = t_make_judge(&m, &o);
        T_EQ(t_rule(v, "absent-after-ack"), KEYS);
        json_decref(v);
    }
}

T_TEST(tags_register)
{
    EXPECT(NULL, put(1, false, 1, 2), tags(PUT_TAGS, 2, 3, 5), tags(GET_TAGS, 0, 3, 4),
           tags(GET_TAGS, 2, 4, 6));
    EXPECT("stale-read", put(1, false, 1, 2), tags(PUT_TAGS, 2, 3, 4), tags(PUT_TAGS, 3, 5, 6),
           tags(GET_TAGS, 2, 7, 8));
    EXPECT("absent-after-ack", put(1, false, 1, 2), tags(PUT_TAGS, 2, 3, 4),
           tags(GET_TAGS, 0, 7, 8));
    EXPECT("absent-after-ack", put(1, true, 1, 2), tags(GET_TAGS, 0, 7, 8));
    EXPECT("absent-after-ack", put(1, false, 0, 0), tags(S3P_OP_DELETE_TAGS, 0, 1, 2),
           tags(PUT_TAGS, 2, 3, 4), tags(GET_TAGS, 0, 7, 8));
    EXPECT(NULL, put(1, false, 0, 0), tags(S3P_OP_DELETE_TAGS, 0, 1, 3), /* equal times */
           tags(PUT_TAGS, 2, 3, 4), tags(GET_TAGS, 0, 7, 8));
    EXPECT("unwritten-value", put(1, false, 1, 2), tags(GET_TAGS, 9, 7, 8));
    EXPECT("unwritten-value", put(1, false, 1, 2), tags(GET_TAGS, 1, 7, 8)); /* it brought none */
    struct s3p_attempt broken = tags(GET_TAGS, 2, 7, 8);
    broken.body_verdict = S3P_BODY_TORN;
    EXPECT("tags-torn", put(1, false, 1, 2), tags(PUT_TAGS, 2, 3, 4), broken);
    broken.body_verdict = S3P_BODY_CORRUPT;
    EXPECT("tags-corrupt", put(1, false, 1, 2), tags(PUT_TAGS, 2, 3, 4), broken);
}

T_TEST(tags_of_an_upload)
{
    for (int tagged = 0; tagged < 2; tagged++) {
        struct t_make m;
        struct s3p_attempt r = t_attempt(S3P_OP_CREATE_UPLOAD, 1, 3, 1, 2);
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        r.outcome = S3P_OK_OUTCOME;
        r.meta_id = t_value(1);
        r.flags = tagged ? S3P_FLAG_TAGGED : 0;
        t_add_texts(&m, r, (struct t_texts){.upload = "u"});
        r.op = S3P_OP_COMPLETE_UPLOAD;
        r.flags = 0;
        r.t_call += 1000000;
        r.t_return += 2000000;
        r.body_id = t_value(5);
        r.evidence = S3P_EV_VALUE;
        t_add_texts(&m, r, (struct t_texts){.upload = "u"});
        t_add(&m, tags(GET_TAGS, 1, 5, 6));
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_rule(v, "unwritten-value"), !tagged);
        T_EQ(json_integer_value(json_object_get(v, "violations")), !tagged);
        json_decref(v);
    }
}

static void add_of(struct t_make *m, struct s3p_attempt r, const char *version)
{
    struct t_texts texts = {.asked = version};
    if (r.op == S3P_OP_PUT)
        texts = (struct t_texts){.version = version};
    t_add_texts(m, r, texts);
}

T_TEST(tags_of_versions)
{
    for (int shared = 0; shared < 2; shared++) {
        struct t_make m;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        add_of(&m, put(1, true, 1, 2), "v1");
        add_of(&m, put(2, false, 3, 4), "v2");
        add_of(&m, tags(PUT_TAGS, 3, 5, 6), "v1");
        add_of(&m, tags(GET_TAGS, 3, 7, 8), "v1");
        add_of(&m, tags(GET_TAGS, shared ? 3 : 0, 7, 8), "v2");
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_rule(v, "unwritten-value"), shared);
        T_EQ(json_integer_value(json_object_get(v, "violations")), shared);
        T_EQ(t_skipped(v, "tags", "keys"), 0);
        json_decref(v);
    }
}

#define UNCLEAR(...)                                                                               \
    do {                                                                                           \
        const struct s3p_attempt r_[] = {__VA_ARGS__};                                             \
        expect(r_, sizeof r_ / sizeof *r_, NULL, 1);                                               \
    } while (0)

T_TEST(tags_borders)
{
    struct s3p_attempt foreign = tags(GET_TAGS, 9, 7, 8), outside = put(1, true, 1, 2);
    foreign.body_id = s3p_id_make(T_RUN + 1, 9, 1);
    UNCLEAR(put(1, true, 1, 2), foreign);
    outside.flags |= S3P_FLAG_FOREIGN;
    UNCLEAR(outside, tags(GET_TAGS, 9, 7, 8));
}

T_TEST(tags_kept_by_copies)
{
    for (int other = 0; other < 2; other++) { /* beside another writer it is not clear */
        struct t_make m;
        struct s3p_attempt copy = t_attempt(S3P_OP_COPY, 5, 3, 4, 6);
        copy.outcome = S3P_OK_OUTCOME;
        copy.meta_id = t_value(5);
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add(&m, put(1, true, 1, 2));
        t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000003"});
        t_add(&m, tags(PUT_TAGS, 2, other ? 5 : 7, 8));
        t_add(&m, tags(GET_TAGS, 2, 9, 10));
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_skipped(v, "tags", "keys"), other);
        json_decref(v);
    }
}

T_TEST(tags_kept_by_copies_together)
{
    for (int stale = 0; stale < 2; stale++) { /* copies that overlap leave the tags as they were */
        struct t_make m;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add(&m, put(1, true, 1, 2));
        t_add(&m, tags(PUT_TAGS, 2, 3, 4));
        for (uint32_t n = 5; n < 7; n++) {
            struct s3p_attempt copy = t_attempt(S3P_OP_COPY, n, 3, n, n + 5);
            copy.outcome = S3P_OK_OUTCOME;
            copy.meta_id = t_value(n);
            t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000003"});
        }
        t_add(&m, tags(GET_TAGS, stale ? 1 : 2, 9, 14));
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_skipped(v, "tags", "keys"), 0);
        T_EQ(t_rule(v, "stale-read"), stale);
        json_decref(v);
    }
}

/* One without an answer may be carried out between what the copy reads and what it writes. */
T_TEST(tags_kept_by_copies_beside_the_unknown)
{
    struct t_make m;
    struct s3p_attempt lost = tags(PUT_TAGS, 2, 2, 3), copy = t_attempt(S3P_OP_COPY, 5, 3, 4, 9);
    lost.outcome = S3P_UNKNOWN;
    lost.status = 503;
    copy.outcome = S3P_OK_OUTCOME;
    copy.meta_id = t_value(5);
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, put(1, true, 1, 2));
    t_add(&m, lost);
    t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000003"});
    t_add(&m, tags(GET_TAGS, 2, 5, 6));
    t_add(&m, tags(GET_TAGS, 1, 10, 11));
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_skipped(v, "tags", "keys"), 1);
    T_EQ(json_integer_value(json_object_get(v, "violations")), 0);
    json_decref(v);
}

/* Equal times are concurrent. */
T_TEST(tags_kept_by_copies_borders)
{
    for (int before = 0; before < 2; before++) {
        struct t_make m;
        struct s3p_attempt copy = t_attempt(S3P_OP_COPY, 5, 3, 4, 6);
        copy.outcome = S3P_OK_OUTCOME;
        copy.meta_id = t_value(5);
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add(&m, put(1, true, 1, 2));
        t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000003"});
        t_add(&m, tags(PUT_TAGS, 2, before ? 3 : 6, before ? 4 : 7));
        t_add(&m, tags(GET_TAGS, 2, 9, 10));
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_skipped(v, "tags", "keys"), 1);
        json_decref(v);
    }
}

T_TEST(tags_of_an_upload_that_is_repeated)
{
    static const int64_t end_ms[] = {20, 13};
    struct t_make m;
    struct s3p_attempt r = t_attempt(S3P_OP_CREATE_UPLOAD, 6, 3, 3, 4);
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false,\"mpu_order\":\"completed\"}");
    t_add(&m, put(1, true, 1, 2));
    r.outcome = S3P_OK_OUTCOME;
    r.meta_id = t_value(6);
    r.flags = S3P_FLAG_TAGGED;
    t_add_texts(&m, r, (struct t_texts){.upload = "u"});
    for (int k = 0; k < 2; k++) {
        r = t_attempt(S3P_OP_COMPLETE_UPLOAD, 6, 3, 10 + k, end_ms[k]);
        r.outcome = S3P_OK_OUTCOME;
        r.meta_id = t_value(6);
        r.body_id = t_nth(6, 9);
        r.evidence = S3P_EV_VALUE;
        t_add_texts(&m, r, (struct t_texts){.upload = "u"});
    }
    t_add(&m, tags(GET_TAGS, 1, 15, 16)); /* the second answer was there by then */
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "stale-read"), 1);
    json_decref(v);
}

T_TEST(tags_under_a_rule)
{
    struct t_make m;
    struct s3p_attempt rule = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 0, 1);
    rule.outcome = S3P_OK_OUTCOME;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add_texts(&m, rule, (struct t_texts){.args = "rules=[{\"days\":1}]"});
    t_add(&m, put(1, true, 1, 2));
    t_add(&m, tags(GET_TAGS, 9, 7, 8));
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_skipped(v, "tags", "keys"), 1);
    json_decref(v);
}

T_TEST(tags_and_deletes_by_version)
{
    for (int later = 0; later < 2; later++) { /* what comes behind it may be older tags */
        struct t_make m;
        struct s3p_attempt del = t_attempt(S3P_OP_DELETE, 5, 3, 5, 6);
        del.outcome = S3P_OK_OUTCOME;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add(&m, put(1, true, 1, 2));
        t_add(&m, tags(GET_TAGS, 1, later ? 7 : 3, later ? 8 : 4));
        t_add_texts(&m, del, (struct t_texts){.asked = "v1"});
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_skipped(v, "tags", "keys"), later);
        json_decref(v);
    }
}

T_TEST(tags_and_deletes_by_version_borders)
{
    for (int late = 0; late < 2; late++) { /* read as it is called; written to later, in vain */
        struct t_make m;
        struct s3p_attempt del = t_attempt(S3P_OP_DELETE, 5, 3, 5, 6), denied = put(2, true, 7, 8);
        del.outcome = S3P_OK_OUTCOME;
        denied.outcome = S3P_FAILED;
        denied.status = 403;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add(&m, put(1, true, 1, 2));
        t_add(&m, tags(GET_TAGS, 1, 3, late ? 4 : 5));
        t_add_texts(&m, del, (struct t_texts){.asked = "v1"});
        if (late)
            t_add(&m, denied);
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_skipped(v, "tags", "keys"), !late);
        json_decref(v);
    }
}

T_TEST(tags_of_versions_under_a_rule)
{
    struct t_make m;
    struct s3p_attempt rule = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 0, 1);
    rule.outcome = S3P_OK_OUTCOME;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add_texts(&m, rule, (struct t_texts){.args = "rules=[{\"days\":1}]"});
    add_of(&m, put(1, true, 1, 2), "v1");
    add_of(&m, tags(GET_TAGS, 9, 7, 8), "v1");
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "unwritten-value"), 1);
    json_decref(v);
}

T_TEST(tags_not_clear)
{
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, put(1, true, 1, 2));
    add_of(&m, tags(S3P_OP_DELETE_TAGS, 0, 3, 4), "v1"); /* of a version, and read of the key */
    t_add(&m, tags(GET_TAGS, 9, 7, 8));
    json_t *of_both = t_make_judge(&m, NULL);
    T_EQ(t_skipped(of_both, "tags", "keys"), 1);
    json_decref(of_both);
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, put(1, true, 1, 2));
    add_of(&m, tags(GET_TAGS, 9, 7, 8), "v1");
    t_add(&m, tags(GET_TAGS, 9, 7, 8)); /* of the key and of a version */
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(json_integer_value(json_object_get(v, "violations")), 0);
    T_EQ(t_skipped(v, "tags", "keys"), 1);
    json_decref(v);
}

T_TEST_LIMIT(tags_correct_store, 300)
{
    static const unsigned programs[] = {T_TAGS, T_TAGS | T_UNKNOWN, T_TAGS | T_COPIES | T_UNKNOWN,
                                        T_TAGS | T_UPLOADS | T_UNKNOWN,
                                        T_TAGS | T_UPLOADS | T_COPIES};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        for (int order = 0; order < 2; order++) {
            struct t_make m;
            t_make_begin(&m, "{}",
                         order ? "{\"mpu_order\":\"completed\"}" : "{\"etag_is_md5\":false}");
            for (uint64_t group = 0; group < GROUPS; group++)
                t_store_run(&m, 40 + 2 * i + (uint64_t)order, group, programs[i]);
            json_t *v = t_make_judge(&m, &(struct s3p_check_opts){.threads = 2});
            char *text = t_dump(v);
            if (json_integer_value(json_object_get(v, "violations")) != 0)
                t_fail(__FILE__, __LINE__, "programs %u: %.4000s", programs[i], text);
            fprintf(stderr, "  programs %u: %lld of %d keys with unclear tags\n", programs[i],
                    (long long)t_skipped(v, "tags", "keys"), 2 * GROUPS);
            s3p_free(text);
            json_decref(v);
        }
}
