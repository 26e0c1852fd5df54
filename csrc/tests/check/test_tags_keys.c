/* Requests for tags as evidence of their key: whoever reads or changes tags found the object. */
#include "tests/t.h"

#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

static const int ops[] = {S3P_OP_GET_TAGS, S3P_OP_PUT_TAGS, S3P_OP_DELETE_TAGS};
enum { OPS = sizeof ops / sizeof *ops };

static struct s3p_attempt done(int op, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, 9, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static struct s3p_attempt gone(struct s3p_attempt r)
{
    r.outcome = S3P_FAILED;
    r.status = 404;
    r.evidence = S3P_EV_ABSENT;
    return r;
}

static struct s3p_attempt flagged(struct s3p_attempt r, uint8_t flag)
{
    r.flags |= flag;
    return r;
}

/* One violation, and of this rule; NULL: none. */
static void expect(int line, const struct s3p_attempt *r, size_t n, const char *rule)
{
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    for (size_t i = 0; i < n; i++)
        t_add(&m, r[i]);
    t_expect_one(__FILE__, line, &m, rule);
}

#define EXPECT(rule, ...)                                                                          \
    do {                                                                                           \
        const struct s3p_attempt r_[] = {__VA_ARGS__};                                             \
        expect(__LINE__, r_, sizeof r_ / sizeof *r_, rule);                                        \
    } while (0)

T_TEST(tags_of_a_key_that_is_there)
{
    struct s3p_attempt put = t_put(1, 3, 1, 2), del = done(S3P_OP_DELETE, 5, 6), late = del;
    late.t_return = done(S3P_OP_DELETE, 5, 20).t_return;
    for (int i = 0; i < OPS; i++) {
        struct s3p_attempt none = gone(done(ops[i], 7, 8)), refused = none, old = none;
        refused.evidence = S3P_EV_NONE; /* of a version */
        old.t_call = t_put(1, 3, 2, 2).t_call;
        EXPECT("absent-after-ack", put, none);
        EXPECT("absent-after-ack", put, done(S3P_OP_GET_TAGS, 3, 4), none);
        EXPECT(NULL, put, refused);
        EXPECT(NULL, put, old); /* equal times */
        EXPECT(NULL, t_lost(put), none);
        EXPECT(NULL, put, del, none);
        EXPECT(NULL, put, late, none);
        EXPECT(NULL, put, t_lost(del), none);
        EXPECT(NULL, put, flagged(none, S3P_FLAG_ALTERED));
        EXPECT("absent-after-ack", put, flagged(none, S3P_FLAG_MULTI_DELIVERY));
    }
}

T_TEST(tags_of_a_key_that_is_not_there)
{
    struct s3p_attempt put = t_put(1, 3, 1, 2), del = done(S3P_OP_DELETE, 5, 6);
    for (int i = 0; i < OPS; i++) {
        struct s3p_attempt found = done(ops[i], 7, 8), during = done(ops[i], 6, 8), lost = found;
        struct s3p_attempt refused = gone(put);
        lost.outcome = S3P_UNKNOWN;
        refused.evidence = S3P_EV_NONE;
        EXPECT("present-after-delete", found);
        EXPECT("present-after-delete", refused, found);
        EXPECT("present-after-delete", found, t_put(1, 3, 9, 10));
        EXPECT("present-after-delete", t_refused(t_cas(1, 2, 3, 1, 2)), found);
        EXPECT("present-after-delete", put, del, found);
        EXPECT("present-after-delete", put, done(ops[i], 3, 4), t_put(2, 3, 3, 4), del, found);
        EXPECT("present-after-delete", put, del, gone(done(ops[i], 6, 6)), found);
        EXPECT(NULL, put, done(ops[i], 3, 4), del); /* it was there then */
        EXPECT(NULL, put, del, during);             /* equal times */
        EXPECT(NULL, put, t_lost(del), found);
        EXPECT(NULL, put, del, t_put(2, 3, 8, 9), found);
        EXPECT(NULL, t_lost(put), found);
        EXPECT(NULL, put, del, lost);
        EXPECT(NULL, put, del, flagged(found, S3P_FLAG_ALTERED));
    }
}

/* A refusal that says the same keeps its name. */
T_TEST(tags_and_refused_creates)
{
    struct s3p_attempt put = t_put(1, 3, 1, 2), del = done(S3P_OP_DELETE, 5, 6);
    EXPECT("condition-false-negative", put, del, t_refused(t_cas(2, 0, 3, 7, 8)));
    EXPECT("condition-false-negative", t_refused(t_cas(2, 0, 3, 7, 8)));
    EXPECT(NULL, put, t_refused(t_cas(2, 0, 3, 7, 8)), done(S3P_OP_GET_TAGS, 9, 10));
}

/* Who asks for a version learns nothing of the key; what another run wrote was there before. */
T_TEST(tags_of_others)
{
    for (int i = 0; i < OPS; i++) {
        struct t_make m;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add_texts(&m, done(ops[i], 7, 8), (struct t_texts){.asked = "v1"});
        t_expect_one(__FILE__, __LINE__, &m, NULL);
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add(&m, t_put(1, 3, 1, 2));
        t_add_texts(&m, gone(done(ops[i], 7, 8)), (struct t_texts){.asked = "v1"});
        t_expect_one(__FILE__, __LINE__, &m, NULL);
    }
    struct s3p_attempt foreign = done(S3P_OP_GET_TAGS, 1, 2);
    foreign.body_id = s3p_id_make(T_RUN + 1, 9, 1);
    EXPECT(NULL, foreign, done(S3P_OP_PUT_TAGS, 3, 4));
    struct t_make m; /* those of a version say nothing of that either */
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, t_put(1, 3, 1, 2));
    t_add_texts(&m, foreign, (struct t_texts){.asked = "v1"});
    t_add(&m, t_get(0, 3, 3, 4));
    t_expect_one(__FILE__, __LINE__, &m, "absent-after-ack");
}

/* Where a rule of the bucket may remove the key, it is not there for ever. */
T_TEST(tags_of_a_key_that_expires)
{
    struct t_make m;
    struct s3p_attempt rule = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 0, 1);
    rule.outcome = S3P_OK_OUTCOME;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false,\"lifecycle_day_ms\":10}");
    t_add_texts(&m, rule, (struct t_texts){.args = "rules=[{\"days\":1}]"});
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_get(0, 3, 100, 101));
    t_add(&m, done(S3P_OP_GET_TAGS, 103, 104));
    t_expect_one(__FILE__, __LINE__, &m, "present-after-delete");
}

/* `r` asks for version "v1", which is written in [1, 2], beside "v2", and deleted in [5, 6]. */
static void expect_of_version(int line, bool removed, struct s3p_attempt r, const char *rule)
{
    struct t_make m;
    struct s3p_attempt del = done(S3P_OP_DELETE, 5, 6);
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add_version(&m, t_put(1, 3, 1, 2), "v1");
    t_add_version(&m, t_put(2, 3, 3, 4), "v2");
    if (removed)
        t_add_asked(&m, del, "v1");
    t_add_texts(&m, r, (struct t_texts){.asked = "v1", .code = "NoSuchVersion"});
    t_expect_one(__FILE__, line, &m, rule);
}
#define OF_VERSION(removed, r, rule) expect_of_version(__LINE__, removed, r, rule)

/* The prefix of the name says that switches of versions are hunted here, too. */
T_TEST(versions_asked_for_tags)
{
    for (int i = 0; i < OPS; i++) {
        struct s3p_attempt found = done(ops[i], 7, 8), none = gone(done(ops[i], 7, 8)),
                           lost = found;
        none.evidence = S3P_EV_NONE; /* of the key */
        lost.outcome = S3P_UNKNOWN;
        OF_VERSION(false, found, NULL);
        OF_VERSION(true, found, "version-undead");
        OF_VERSION(true, lost, NULL);
        OF_VERSION(true, flagged(found, S3P_FLAG_ALTERED), NULL);
        OF_VERSION(true, done(ops[i], 6, 8), NULL); /* equal times */
        OF_VERSION(true, none, NULL);
        OF_VERSION(false, none, "version-lost");
        OF_VERSION(false, flagged(none, S3P_FLAG_ALTERED), NULL);
    }
}

/* They are no reads of the key: no evidence that a plan may ask for. */
T_TEST(tags_are_no_reads)
{
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_get(1, 3, 3, 4));
    t_add(&m, done(S3P_OP_GET_TAGS, 3, 4));
    json_t *v = t_make_judge(&m, NULL);
    const json_t *all = json_object_get(json_object_get(v, "evidence"), "*");
    T_EQ(json_integer_value(json_object_get(all, "reads")), 1);
    json_decref(v);
}
