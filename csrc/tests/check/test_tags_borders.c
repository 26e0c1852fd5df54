/* Tag sets as registers: what must not count, each on the smallest history where it would. */
#include "tests/t.h"

#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

struct told {
    struct s3p_attempt r;
    struct t_texts texts;
};

static struct told with(struct s3p_attempt r, struct t_texts texts)
{
    return (struct told){r, texts};
}

static struct told says(struct s3p_attempt r)
{
    return with(r, (struct t_texts){0});
}

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

static struct s3p_attempt read_of(uint32_t n, int64_t call_ms, int64_t return_ms)
{
    return tags(S3P_OP_GET_TAGS, n, call_ms, return_ms);
}

static struct s3p_attempt put(uint32_t n, bool tagged, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_put(n, 3, call_ms, return_ms);
    r.flags |= tagged ? S3P_FLAG_TAGGED : 0;
    return r;
}

static struct s3p_attempt ok(int op, uint32_t n, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, n, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    if (op == S3P_OP_COPY || op == S3P_OP_CREATE_UPLOAD || op == S3P_OP_COMPLETE_UPLOAD)
        r.meta_id = t_value(n);
    return r;
}

static struct s3p_attempt denied(struct s3p_attempt r, uint16_t status, uint8_t evidence)
{
    r.outcome = S3P_FAILED;
    r.status = status;
    r.evidence = evidence;
    return r;
}

static struct s3p_attempt with_flag(struct s3p_attempt r, uint8_t flag)
{
    r.flags |= flag;
    return r;
}

/* The copy with a set of its own. */
static struct s3p_attempt bringing(struct s3p_attempt copy, uint32_t n)
{
    copy.flags |= S3P_FLAG_TAGGED;
    copy.body_kind = S3P_KIND_TAGS;
    copy.body_id = t_value(n);
    copy.size = 3;
    return copy;
}

/* `rule` alone is broken (NULL: none), and its sentence says so; `unclear` registers are not
 * judged. */
static void expect(int line, const struct told *t, size_t n, const char *rule,
                   const char *sentence, int64_t unclear)
{
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    for (size_t i = 0; i < n; i++)
        t_add_texts(&m, t[i].r, t[i].texts);
    json_t *v = t_make_judge(&m, NULL);
    char *text = t_dump(v);
    if (json_integer_value(json_object_get(v, "violations")) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1) || t_skipped(v, "tags", "keys") != unclear)
        t_fail(__FILE__, line, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    if (rule != NULL && strstr(t_text(t_witness(v, 0), "sentence"), sentence) == NULL)
        t_fail(__FILE__, line, "expected %s: %s", sentence, text);
    s3p_free(text);
    json_decref(v);
}

#define JUDGE(rule, sentence, unclear, ...)                                                        \
    do {                                                                                           \
        const struct told t_[] = {__VA_ARGS__};                                                    \
        expect(__LINE__, t_, sizeof t_ / sizeof *t_, rule, sentence, unclear);                     \
    } while (0)
#define LEGAL(...) JUDGE(NULL, "", 0, __VA_ARGS__)
#define BREAKS(rule, sentence, ...) JUDGE(rule, sentence, 0, __VA_ARGS__)
#define UNCLEAR(...) JUDGE(NULL, "", 1, __VA_ARGS__)

static const struct t_texts v1 = {.version = "v1"}, v2 = {.version = "v2"}, of_v1 = {.asked = "v1"},
                            of_v2 = {.asked = "v2"}, self = {.source = "main/keys/00000003"},
                            self_as_v2 = {.source = "main/keys/00000003", .version = "v2"},
                            other = {.source = "main/keys/00000004"}, up = {.upload = "u"};

T_TEST(tags_and_deletes)
{
    struct told none = says(denied(read_of(0, 7, 8), 404, S3P_EV_ABSENT));
    LEGAL(says(put(1, true, 1, 2)), says(ok(S3P_OP_DELETE, 5, 3, 4)), none);
    LEGAL(says(put(1, true, 1, 2)), says(ok(S3P_OP_DELETE_CHILD, 5, 3, 4)), none);
    BREAKS("absent-after-ack", "although PUT by client 1", says(put(1, true, 1, 2)),
           says(denied(ok(S3P_OP_DELETE, 5, 3, 4), 403, S3P_EV_NONE)), none);
}

T_TEST(tags_and_refusals)
{
    LEGAL(says(put(1, true, 1, 2)), says(denied(read_of(0, 7, 8), 403, S3P_EV_NONE)));
    /* of a version that is gone */
    LEGAL(with(put(1, true, 1, 2), v1), with(ok(S3P_OP_DELETE, 5, 3, 4), of_v1),
          with(denied(read_of(0, 7, 8), 404, S3P_EV_ABSENT), of_v1));
    LEGAL(says(put(1, true, 1, 2)),
          with(denied(ok(S3P_OP_DELETE, 5, 3, 4), 403, S3P_EV_NONE), of_v1),
          says(read_of(1, 7, 8)));
    LEGAL(says(put(1, true, 1, 2)), with(ok(S3P_OP_COPY, 5, 3, 6), self),
          says(denied(tags(S3P_OP_PUT_TAGS, 6, 4, 5), 403, S3P_EV_NONE)), says(read_of(1, 7, 8)));
    LEGAL(says(put(1, true, 1, 2)),
          with(denied(ok(S3P_OP_COPY, 5, 3, 6), 403, S3P_EV_NONE), other), says(read_of(1, 7, 8)));
}

T_TEST(tags_of_copies)
{
    struct s3p_attempt anonymous = bringing(ok(S3P_OP_COPY, 5, 3, 4), 5);
    anonymous.meta_id = (struct s3p_id){{0}};
    LEGAL(says(put(1, true, 1, 2)), with(anonymous, other), says(read_of(5, 7, 8)));
    /* one that keeps the tags, beside one that brings some, or a PUT */
    UNCLEAR(says(put(1, true, 1, 2)), with(ok(S3P_OP_COPY, 5, 3, 6), self),
            with(bringing(ok(S3P_OP_COPY, 6, 3, 6), 6), self), says(read_of(6, 7, 8)));
    UNCLEAR(says(put(1, true, 1, 2)), with(ok(S3P_OP_COPY, 5, 3, 6), self),
            says(put(6, true, 4, 5)), says(read_of(6, 7, 8)));
    /* what a new version keeps */
    UNCLEAR(with(put(1, true, 1, 2), v1), with(ok(S3P_OP_COPY, 5, 3, 6), self_as_v2),
            with(read_of(1, 7, 8), of_v2));
}

T_TEST(tags_of_uploads_that_nobody_knows)
{
    struct s3p_attempt done = ok(S3P_OP_COMPLETE_UPLOAD, 5, 5, 6);
    done.body_id = t_value(7);
    UNCLEAR(says(put(1, true, 1, 2)), with(done, up), says(read_of(5, 7, 8)));
    UNCLEAR(says(put(1, true, 1, 2)), says(done), says(read_of(5, 7, 8)));
}

T_TEST(tags_of_keys_that_nobody_asks_for)
{
    LEGAL(says(put(1, true, 1, 2)), with(ok(S3P_OP_COPY, 5, 3, 6), other),
          says(tags(S3P_OP_PUT_TAGS, 6, 7, 8)));
}

T_TEST(tags_read_twice)
{ /* a read that reached the store twice is one all the same */
    BREAKS("stale-read", "although PUT by client 2", says(put(1, true, 1, 2)),
           says(put(2, true, 3, 4)), says(with_flag(read_of(1, 7, 8), S3P_FLAG_MULTI_DELIVERY)));
}

T_TEST(tags_of_a_version_beside_others)
{
    BREAKS("absent-after-ack", "although PUT by client 2", with(put(1, true, 1, 2), v1),
           with(put(2, true, 3, 4), v2), with(ok(S3P_OP_DELETE, 5, 5, 6), of_v1),
           with(read_of(0, 7, 8), of_v2), with(read_of(2, 9, 10), of_v2),
           with(read_of(1, 3, 4), of_v1));
}

/* A change that tells no id may have made the version, a DELETE may have removed `null`. */
T_TEST(tags_of_versions_that_nobody_told)
{
    static const struct t_texts null = {.version = "null"}, of_null = {.asked = "null"},
                                marker = {.version = "m1"};
    struct s3p_attempt del = ok(S3P_OP_DELETE, 5, 5, 6);
    LEGAL(says(t_lost(put(1, true, 1, 2))), with(read_of(1, 7, 8), of_v1));
    LEGAL(says(put(1, true, 1, 2)), with(read_of(1, 7, 8), of_null));
    LEGAL(with(put(1, true, 1, 2), v1), says(t_lost(put(2, true, 3, 4))),
          with(read_of(1, 7, 8), of_v1));
    BREAKS("unwritten-value", "nobody wrote", with(put(1, true, 1, 2), v1),
           says(denied(put(2, true, 3, 4), 403, S3P_EV_NONE)), with(read_of(2, 7, 8), of_v1));
    BREAKS("present-after-delete", "although DELETE by client 5", with(put(1, true, 1, 2), null),
           with(del, null), with(read_of(1, 7, 8), of_null));
    LEGAL(with(put(1, true, 1, 2), null), with(del, null), with(read_of(0, 7, 8), of_null));
    LEGAL(with(put(1, true, 1, 2), null), says(del), with(read_of(1, 7, 8), of_null));
    LEGAL(with(put(1, true, 1, 2), null), says(del), with(read_of(0, 7, 8), of_null));
    LEGAL(with(put(1, true, 1, 2), null), with(del, marker), with(read_of(1, 7, 8), of_null));
    BREAKS("absent-after-ack", "although PUT by client 1", with(put(1, true, 1, 2), v1), says(del),
           with(read_of(0, 7, 8), of_v1));
}

T_TEST(tags_of_a_version_that_is_gone)
{
    static const struct t_texts null = {.version = "null"}, of_null = {.asked = "null"};
    BREAKS("present-after-delete", "although DELETE by client 5", with(put(1, true, 1, 2), null),
           with(ok(S3P_OP_DELETE, 5, 5, 6), of_null), with(read_of(1, 7, 8), of_null));
    LEGAL(with(put(1, true, 1, 2), null), with(t_lost(ok(S3P_OP_DELETE, 5, 5, 6)), of_null),
          with(read_of(1, 7, 8), of_null));
    BREAKS("version-undead", "DELETE by client 5", with(put(1, true, 1, 2), v1),
           with(ok(S3P_OP_DELETE, 5, 5, 6), of_v1), with(read_of(1, 7, 8), of_v1));
}

T_TEST(tags_that_name_nobody)
{
    struct s3p_attempt corrupt = read_of(0, 7, 8), torn = read_of(2, 7, 8);
    corrupt.body_verdict = S3P_BODY_CORRUPT;
    torn.body_verdict = S3P_BODY_TORN;
    BREAKS("tags-corrupt", "and the set is none that was written", says(put(1, false, 1, 2)),
           says(corrupt));
    BREAKS("tags-torn", ": PUT of tags by client 2", says(put(1, true, 1, 2)),
           says(tags(S3P_OP_PUT_TAGS, 2, 3, 4)), says(torn));
    BREAKS("tags-torn", ": PUT by client 2", says(put(1, true, 1, 2)), says(put(2, true, 3, 4)),
           says(torn));
}

/* Many at once, more than the search takes. */
static json_t *judge_crowd(struct s3p_attempt first, bool emptied)
{
    enum { WRITES = 70 };
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, first);
    for (uint32_t n = 1; n <= WRITES; n++)
        t_add(&m, tags(S3P_OP_PUT_TAGS, n, 100, 200));
    for (uint32_t n = 1; n <= WRITES; n++)
        t_add(&m, read_of(n, 100, 200));
    t_add(&m, read_of(emptied ? 0 : 1, 300, 310));
    return t_make_judge(&m, NULL);
}

T_TEST(tags_that_the_search_gives_up)
{
    json_t *v = judge_crowd(tags(S3P_OP_DELETE_TAGS, 0, 100, 200), true);
    T_EQ(t_skipped(v, "tags", "keys"), 1);
    T_EQ(t_skipped(v, "tags", "attempts"), 141);
    json_decref(v);
}

T_TEST(tags_that_nobody_had_set)
{ /* to take them away changes nothing, unless it may yet come */
    json_t *v = judge_crowd(tags(S3P_OP_DELETE_TAGS, 0, 1, 2), false);
    T_EQ(t_skipped(v, "tags", "keys"), 0);
    json_decref(v);
    struct s3p_attempt lost = tags(S3P_OP_DELETE_TAGS, 0, 1, 2);
    lost.outcome = S3P_UNKNOWN;
    LEGAL(says(put(1, false, 0, 0)), says(lost), says(tags(S3P_OP_PUT_TAGS, 2, 3, 4)),
          says(read_of(0, 7, 8)));
}
