/* What is no evidence of a key: short bodies' ETags, parts, other versions, refusals; and what a
 * verdict is worth without any. */
#include "tests/t.h"

#include <string.h>
#include <unistd.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#define NO_MD5 "{\"etag_is_md5\":false}"

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", NO_MD5);
}

static struct s3p_attempt sized(struct s3p_attempt put, uint64_t size)
{
    put.size = size;
    return put;
}

/* By its ETag alone. */
static struct s3p_attempt head(uint32_t n, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_get(n, 3, call_ms, return_ms);
    r.op = S3P_OP_HEAD;
    r.body_verdict = S3P_BODY_NONE;
    memset(&r.body_id, 0, sizeof r.body_id);
    memset(&r.meta_id, 0, sizeof r.meta_id);
    r.size = 0;
    return r;
}

T_TEST(check_etags_of_short_bodies)
{
    struct t_make m;
    for (uint32_t size = 15; size <= 16; size++) { /* these may be equal, those are not */
        struct s3p_attempt two = sized(t_put(2, 3, 3, 4), size);
        two.etag = t_etag(1);
        begin(&m);
        t_add(&m, sized(t_put(1, 3, 1, 2), size));
        t_add(&m, two);
        t_expect_rule(&m, size == 15 ? NULL : "etag-mismatch");
    }
    begin(&m);
    t_add(&m, sized(t_put(1, 3, 1, 2), 8));
    t_add(&m, sized(t_put(2, 3, 3, 4), 8));
    t_add(&m, head(1, 5, 6)); /* names no value */
    t_add(&m, head(9, 7, 8)); /* and may be anybody's */
    t_expect_rule(&m, NULL);
}

T_TEST(check_conditions_on_nobodys_etag)
{
    struct t_make m;
    struct s3p_attempt del = t_deleted(3, 4);
    begin(&m);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_refused(t_cas(2, 9, 3, 3, 4)));
    t_expect_rule(&m, NULL);
    del.cond = S3P_COND_IF_MATCH;
    del.expect_etag = t_etag(9);
    del.expect_form = S3P_ETAG_DIGEST;
    begin(&m);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, del);
    t_expect_rule(&m, "cas-ignored");
}

T_TEST(check_what_is_of_a_part_or_a_version)
{
    struct t_make m;
    struct s3p_attempt r = t_get(1, 3, 5, 6);
    r.part_number = 1;
    begin(&m); /* of which object that part is nobody says */
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    t_add(&m, r);
    t_expect_rule(&m, NULL);
    begin(&m); /* a version that the bucket, which keeps none, does not have */
    t_add(&m, t_put(1, 3, 1, 2));
    t_add_asked(&m, t_deleted(3, 4), "v7");
    t_add(&m, t_get(1, 3, 5, 6));
    t_expect_rule(&m, NULL);
    begin(&m); /* a refused deletion of a version leaves the key to be judged */
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    t_add_asked(&m, t_denied(t_deleted(5, 6)), "v7");
    t_add(&m, t_get(1, 3, 7, 8));
    t_expect_rule(&m, "stale-read");
}

static void expect_word(int line, struct t_make *m, bool complete, const char *word)
{
    T_OK(s3p_history_close(m->h, complete, err));
    json_t *v = t_judge(m->path, NULL);
    unlink(m->path);
    if (strcmp(t_text(v, "consistency"), word) != 0)
        t_fail(__FILE__, line, "expected %s, got %s", word, t_text(v, "consistency"));
    json_decref(v);
}
#define EXPECT(m, complete, word) expect_word(__LINE__, m, complete, word)

T_TEST(check_verdicts_on_little)
{
    struct t_make m;
    struct s3p_attempt page = t_attempt(S3P_OP_LIST, 1, S3P_NO_INDEX, 1, 2);
    page.outcome = S3P_OK_OUTCOME;
    page.status = 200;
    begin(&m);
    t_add(&m, t_put(1, 3, 1, 2));
    EXPECT(&m, true, "held");
    begin(&m); /* the run was interrupted */
    t_add(&m, t_put(1, 3, 1, 2));
    EXPECT(&m, false, "inconclusive");
    begin(&m); /* nothing that could be judged */
    struct s3p_attempt bucket = t_attempt(S3P_OP_CREATE_BUCKET, 1, S3P_NO_INDEX, 1, 2);
    bucket.outcome = S3P_OK_OUTCOME;
    t_add(&m, bucket);
    EXPECT(&m, true, "inconclusive");
    begin(&m); /* a page of an empty bucket is something */
    t_add(&m, page);
    EXPECT(&m, true, "held");
    begin(&m); /* its versions were judged, if not the key */
    t_add_version(&m, t_put(1, 3, 1, 2), "v1");
    t_add_version(&m, t_put(2, 3, 3, 4), "v2");
    t_add_asked(&m, t_deleted(5, 6), "v2");
    t_add(&m, t_get(1, 3, 7, 8));
    EXPECT(&m, true, "held");
}

/* A verdict says what it was made by, and how often. */
T_TEST(check_reasons)
{
    for (int n = 0; n < 3; n++) {
        struct t_make m;
        begin(&m);
        t_add(&m, t_put(1, 3, 1, 2));
        t_add(&m, t_get(1, 3, 3, 4));
        for (int i = 0; i < n; i++)
            t_add(&m, t_get(9, 3, 5, 6));
        for (int i = 0; i < n; i++)
            t_add(&m, t_get(8, 4, 5, 6));
        json_t *v = t_make_judge(&m, NULL);
        const json_t *because = json_object_get(v, "because");
        T_EQ(json_array_size(because), n != 0);
        if (n != 0)
            T_STR(json_string_value(json_array_get(because, 0)), "unwritten-value: 2 violations");
        json_decref(v);
    }
    struct t_make m;
    begin(&m);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_get(9, 3, 5, 6));
    json_t *v = t_make_judge(&m, NULL);
    T_STR(json_string_value(json_array_get(json_object_get(v, "because"), 0)),
          "unwritten-value: 1 violation");
    json_decref(v);
}
