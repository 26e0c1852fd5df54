/* Rows to operations: what is counted, once and for the right reason. */
#include "tests/t.h"

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

static json_t *judge(const struct s3p_attempt *r, size_t n)
{
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    for (size_t i = 0; i < n; i++)
        t_add(&m, r[i]);
    return t_make_judge(&m, NULL);
}
#define JUDGE(...)                                                                                 \
    judge((const struct s3p_attempt[]){__VA_ARGS__},                                               \
          sizeof((const struct s3p_attempt[]){__VA_ARGS__}) / sizeof(struct s3p_attempt))

static int64_t violations(const json_t *v)
{
    return json_integer_value(json_object_get(v, "violations"));
}

/* A key whose operations are looked at twice, for the register that is violated, says once what its
 * reads show. */
T_TEST(check_reads_are_told_once)
{
    struct s3p_attempt longer = t_get(2, 3, 5, 6);
    longer.size++;
    json_t *v = JUDGE(t_put(1, 3, 1, 2), t_put(2, 3, 3, 4), longer, t_get(1, 3, 7, 8));
    T_EQ(t_rule(v, "body-length"), 1);
    T_EQ(t_rule(v, "stale-read"), 1);
    T_EQ(violations(v), 2);
    json_decref(v);
}

/* To refuse an ETag that nobody had says nothing; one that a lost write may have, nobody knows. */
T_TEST(check_refusals_of_what_nobody_had)
{
    json_t *v = JUDGE(t_put(1, 3, 1, 2), t_put(2, 3, 1, 2), t_refused(t_cas(4, 9, 3, 5, 6)));
    T_EQ(t_skipped(v, "negatives", "attempts"), 0);
    T_EQ(violations(v), 0);
    json_decref(v);
    v = JUDGE(t_put(1, 3, 1, 2), t_lost(t_put(2, 3, 1, 2)), t_refused(t_cas(4, 9, 3, 5, 6)));
    T_EQ(t_skipped(v, "negatives", "attempts"), 1);
    T_EQ(violations(v), 0);
    json_decref(v);
}

/* The ETag of a short body may be another write's: that a condition named it is not judged. Nor is,
 * that what nobody had was asked for, where only a later read tells that the write took effect. */
T_TEST(check_conditions_that_name_nothing)
{
    struct s3p_attempt first = t_put(1, 3, 1, 2), second = t_put(2, 3, 3, 4),
                       del = t_attempt(S3P_OP_DELETE, 5, 3, 8, 9);
    first.size = 10;
    json_t *v = JUDGE(first, second, t_cas(4, 1, 3, 5, 6));
    T_EQ(t_skipped(v, "etag-unresolved", "attempts"), 1);
    T_EQ(violations(v), 0);
    json_decref(v);
    del.outcome = S3P_OK_OUTCOME;
    del.cond = S3P_COND_IF_MATCH;
    del.expect_etag = t_etag(1);
    del.expect_form = S3P_ETAG_DIGEST;
    v = JUDGE(first, second, del);
    T_EQ(t_skipped(v, "etag-unresolved", "attempts"), 1);
    T_EQ(violations(v), 0);
    json_decref(v);
    v = JUDGE(t_put(1, 3, 1, 2), t_lost(t_cas(4, 9, 3, 5, 6)), t_get(4, 3, 7, 8));
    T_EQ(t_skipped(v, "etag-unresolved", "attempts"), 1);
    T_EQ(violations(v), 0);
    json_decref(v);
    v = JUDGE(t_put(1, 3, 1, 2), t_cas(4, 9, 3, 5, 6)); /* that is */
    T_EQ(t_skipped(v, "etag-unresolved", "attempts"), 0);
    T_EQ(t_rule(v, "cas-ignored"), 1);
    json_decref(v);
}

/* A DELETE expects nothing. */
T_TEST(check_plain_deletes_expect_nothing)
{
    struct s3p_attempt del = t_attempt(S3P_OP_DELETE, 5, 3, 5, 6);
    del.outcome = S3P_OK_OUTCOME;
    json_t *v = JUDGE(t_put(1, 3, 1, 2), t_lost(t_put(2, 3, 3, 4)), del, t_get(0, 3, 7, 8));
    T_EQ(t_skipped(v, "etag-unresolved", "attempts"), 0);
    T_EQ(violations(v), 0);
    json_decref(v);
}

/* What a DELETE with a condition says of a key, whose single versions are deleted, is said of older
 * ones. */
T_TEST(check_conditional_deletes_of_older_versions)
{
    struct t_make m;
    struct s3p_attempt by_id = t_attempt(S3P_OP_DELETE, 5, 3, 5, 6), del = by_id;
    by_id.outcome = del.outcome = S3P_OK_OUTCOME;
    del.t_call += 2000000;
    del.t_return += 2000000;
    del.cond = S3P_COND_IF_MATCH;
    del.expect_etag = t_etag(1);
    del.expect_form = S3P_ETAG_DIGEST;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    t_add_texts(&m, by_id, (struct t_texts){.asked = "v2"});
    t_add(&m, del);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_skipped(v, "versions", "keys"), 1);
    T_EQ(violations(v), 0);
    json_decref(v);
}
