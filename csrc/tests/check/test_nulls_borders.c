/* The version `null`: what is known of it and what is not, each case beside the one where a
 * neighbouring answer would be wrong. */
#include "tests/t.h"

#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#define NO_MD5 "{\"etag_is_md5\":false}"
#define BY_COMPLETE "{\"etag_is_md5\":false,\"mpu_order\":\"completed\"}"
#define DAYS "rules=[{\"days\":1}]"

static void begin_empty(struct t_make *m)
{
    t_make_begin(m, "{}", NO_MD5);
}

/* Values 1 and 2 were written before the bucket kept versions. */
static void begin(struct t_make *m)
{
    begin_empty(m);
    t_add(m, t_put(1, 3, 1, 2));
    t_add(m, t_put(2, 3, 3, 4));
    t_add_versioning(m, "status=Enabled", 5, 6);
}

/* An absence breaks a rule for each write before it: one. */
static void begin_one(struct t_make *m)
{
    begin_empty(m);
    t_add(m, t_put(2, 3, 3, 4));
    t_add_versioning(m, "status=Enabled", 5, 6);
}

static void begin_suspended(struct t_make *m)
{
    begin_empty(m);
    t_add_versioning(m, "status=Suspended", 7, 8);
    t_add_version(m, t_put(7, 3, 9, 10), "null");
}

static void add_null(struct t_make *m, struct s3p_attempt r)
{
    t_add_asked(m, r, "null");
}

static void add_coded(struct t_make *m, struct s3p_attempt r, const char *code)
{
    t_add_texts(m, r, (struct t_texts){.asked = "null", .code = code});
}

static struct s3p_attempt child(int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_deleted(call_ms, return_ms);
    r.op = S3P_OP_DELETE_CHILD;
    return r;
}

/* Of the object of this metadata id alone. */
static struct s3p_attempt head(struct s3p_id meta, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_get(1, 3, call_ms, return_ms);
    r.op = S3P_OP_HEAD;
    r.body_verdict = S3P_BODY_NONE;
    memset(&r.body_id, 0, sizeof r.body_id);
    r.meta_id = meta;
    memcpy(r.etag.b, meta.b, sizeof meta);
    r.size = 0;
    return r;
}

/* ---- which changes are of `null` ---- */

T_TEST(nulls_of_changes_without_an_id)
{
    struct t_make m;
    begin_empty(&m); /* whoever set the state of the bucket did so before the history */
    t_add_version(&m, t_put(1, 3, 1, 2), "null");
    t_add(&m, child(3, 4));
    add_null(&m, t_get(1, 3, 5, 6));
    t_expect_rule(&m, NULL);
    begin_empty(&m); /* answered as the state was set */
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 5));
    t_add_versioning(&m, "status=Enabled", 5, 6);
    add_null(&m, t_get(1, 3, 7, 8));
    t_expect_rule(&m, NULL);
    begin_empty(&m); /* and a page need not name it */
    t_add(&m, t_put(1, 3, 3, 5));
    t_add_versioning(&m, "status=Enabled", 5, 6);
    t_add_versions(&m, 7, 8, NULL, 0);
    t_expect_rule(&m, NULL);
    begin_empty(&m);
    t_add(&m, t_put(1, 3, 3, 4));
    t_add_versioning(&m, "status=Enabled", 5, 6);
    t_add_versions(&m, 7, 8, NULL, 0);
    t_expect_rule(&m, "list-missing");
    begin(&m); /* between the first request that set it and the last one */
    t_add(&m, child(7, 8));
    t_add_versioning(&m, "status=Suspended", 9, 10);
    add_null(&m, t_get(2, 3, 11, 12));
    t_expect_rule(&m, NULL);
    begin_empty(&m); /* a refused request sets nothing */
    struct s3p_attempt denied =
        t_denied(t_attempt(S3P_OP_PUT_VERSIONING, 1, S3P_NO_INDEX, 1, 2));
    t_add_texts(&m, denied, (struct t_texts){.args = "status=Suspended"});
    t_add(&m, t_put(1, 3, 3, 4));
    t_add(&m, t_put(2, 3, 5, 6));
    t_add_versioning(&m, "status=Enabled", 7, 8);
    add_null(&m, t_get(1, 3, 9, 10));
    t_expect_versions(&m, "stale-read");
}

T_TEST(nulls_of_changes_with_an_id)
{
    struct t_make m;
    begin(&m); /* an id without an answer: who knows */
    t_add_version(&m, t_lost(t_put(7, 3, 7, 8)), "v1");
    add_null(&m, t_get(7, 3, 9, 10));
    t_expect_rule(&m, NULL);
    begin(&m);
    t_add_version(&m, t_lost(t_deleted(7, 8)), "v1");
    add_null(&m, t_gone(9, 10));
    t_expect_rule(&m, NULL);
    begin_one(&m); /* a marker beside it */
    t_add_version(&m, t_deleted(7, 8), "v1");
    add_null(&m, t_gone(9, 10));
    t_expect_versions(&m, "absent-after-ack");
    begin(&m); /* another version is removed */
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    t_add_asked(&m, t_deleted(9, 10), "v1");
    add_null(&m, t_get(2, 3, 11, 12));
    t_expect_rule(&m, NULL);
    begin(&m); /* what was refused is not doubted */
    t_add(&m, t_denied(t_put(7, 3, 7, 8)));
    add_null(&m, t_get(7, 3, 9, 10));
    t_expect_versions(&m, "failed-but-visible");
}

/* ---- ETags of entries ---- */

T_TEST(nulls_by_etag)
{
    struct t_make m;
    struct s3p_attempt one = t_put(1, 3, 1, 2), two = t_put(2, 3, 3, 4);
    begin(&m); /* a refusal may show any */
    struct s3p_attempt denied = t_denied(t_put(7, 3, 7, 8));
    denied.etag = t_etag(1);
    t_add(&m, denied);
    T_PAGE(&m, 9, 10, T_VALUE("null", S3P_ENTRY_LATEST, 1));
    add_null(&m, t_get(2, 3, 11, 12));
    t_expect_versions(&m, "stale-read");
    begin_empty(&m); /* just long enough to hold their whole ids */
    one.size = two.size = 16;
    t_add(&m, one);
    t_add(&m, two);
    t_add_versioning(&m, "status=Enabled", 5, 6);
    T_PAGE(&m, 9, 10, T_VALUE("null", S3P_ENTRY_LATEST, 1));
    add_null(&m, t_gone(11, 12));
    json_t *v = t_make_judge(&m, NULL);
    T_TRUE(json_integer_value(json_object_get(v, "violations")) >= 1);
    T_EQ(t_rule(v, "stale-read"), 1);
    json_decref(v);
    begin_empty(&m); /* of two values it names neither */
    t_add(&m, t_put(1, 3, 1, 2));
    T_PAGE(&m, 3, 4, T_VALUE("null", S3P_ENTRY_LATEST, 1));
    two = t_put(2, 3, 5, 6);
    two.etag = t_etag(1);
    t_add(&m, two);
    t_add_versioning(&m, "status=Enabled", 7, 8);
    add_null(&m, t_get(2, 3, 9, 10));
    v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "future-read"), 0);
    T_EQ(t_rule(v, "etag-mismatch"), 1);
    json_decref(v);
}

T_TEST(nulls_in_entries)
{
    static const struct t_listed old = T_VALUE("null", S3P_ENTRY_LATEST, 1);
    struct t_make m;
    for (int altered = 0; altered < 2; altered++) { /* a proxy changed the page */
        begin(&m);
        struct s3p_attempt page = t_attempt(S3P_OP_LIST_VERSIONS, 50, S3P_NO_INDEX, 7, 8);
        page.outcome = S3P_OK_OUTCOME;
        page.flags = altered ? S3P_FLAG_ALTERED : 0;
        t_add_listed(&m, page, &old, 1);
        add_null(&m, t_get(2, 3, 9, 10));
        t_expect_rule(&m, altered ? NULL : "stale-read");
    }
    begin(&m); /* a page that broke off */
    struct s3p_attempt lost = t_attempt(S3P_OP_LIST_VERSIONS, 50, S3P_NO_INDEX, 7, 8);
    lost.outcome = S3P_UNKNOWN;
    t_add_listed(&m, lost, &old, 1);
    add_null(&m, t_get(2, 3, 9, 10));
    t_expect_rule(&m, NULL);
    begin_suspended(&m); /* a marker that nobody set */
    T_PAGE(&m, 11, 12, T_V("null", S3P_ENTRY_LATEST | S3P_ENTRY_MARKER));
    t_expect_versions(&m, "absent-after-ack");
}

/* ---- reads ---- */

T_TEST(nulls_that_are_gone)
{
    struct t_make m;
    struct s3p_attempt marker = t_gone(11, 12), none = t_gone(7, 8);
    marker.status = 405;
    marker.evidence = S3P_EV_NONE;
    begin_suspended(&m);
    add_coded(&m, marker, "MethodNotAllowed");
    t_expect_versions(&m, "absent-after-ack");
    begin_one(&m);
    add_coded(&m, none, "NoSuchKey");
    t_expect_versions(&m, "absent-after-ack");
    begin_one(&m); /* the bucket is gone, not the version */
    add_coded(&m, none, "NoSuchBucket");
    t_expect_rule(&m, NULL);
    begin_one(&m); /* who says so, and of what? */
    add_coded(&m, none, NULL);
    t_expect_rule(&m, NULL);
    none.op = S3P_OP_HEAD;
    begin_one(&m);
    add_coded(&m, none, NULL);
    t_expect_versions(&m, "absent-after-ack");
    none.status = 403; /* to who may not see it */
    begin_one(&m);
    add_coded(&m, none, NULL);
    t_expect_rule(&m, NULL);
    begin_suspended(&m); /* to who does not ask for it */
    add_null(&m, t_deleted(11, 12));
    t_add_version(&m, t_put(8, 3, 13, 14), "null");
    t_add_version(&m, t_gone(15, 16), "null");
    t_expect_versions(&m, "absent-after-ack");
}

T_TEST(nulls_beside_others)
{
    static const struct s3p_id none;
    struct t_make m;
    begin(&m);
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    t_add_asked(&m, t_get(7, 3, 9, 10), "v1");
    t_add_version(&m, t_get(7, 3, 9, 10), "v1");
    add_null(&m, t_get(2, 3, 9, 10));
    t_expect_rule(&m, NULL);
    begin(&m); /* an answer that does not say whose it is says nothing, and spoils nothing */
    add_null(&m, head(none, 7, 8));
    add_null(&m, t_get(1, 3, 9, 10));
    t_expect_versions(&m, "stale-read");
    begin(&m); /* another run's object */
    add_null(&m, head(s3p_id_make(T_RUN + 1, 9, 1), 7, 8));
    t_expect_rule(&m, NULL);
}

/* ---- what is not judged ---- */

T_TEST(nulls_not_judged)
{
    struct t_make m;
    struct s3p_attempt put = t_put(1, 3, 1, 2);
    put.flags = S3P_FLAG_MULTI_DELIVERY;
    begin_empty(&m);
    t_add(&m, put);
    t_add(&m, t_put(2, 3, 3, 4));
    t_add_versioning(&m, "status=Enabled", 5, 6);
    add_null(&m, t_get(1, 3, 7, 8));
    t_expect_rule(&m, NULL);
    begin_empty(&m); /* objects without identity */
    put = t_put(1, 3, 1, 2);
    memset(&put.meta_id, 0, sizeof put.meta_id);
    memset(&put.body_id, 0, sizeof put.body_id);
    put.body_kind = S3P_KIND_CONSTANT;
    t_add(&m, put);
    t_add(&m, put);
    t_add_versioning(&m, "status=Enabled", 5, 6);
    add_null(&m, t_get(9, 3, 7, 8));
    t_expect_rule(&m, NULL);
    begin(&m); /* a rule of the bucket */
    struct s3p_attempt rule = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 1, 2);
    rule.outcome = S3P_OK_OUTCOME;
    t_add_texts(&m, rule, (struct t_texts){.args = DAYS});
    add_null(&m, t_gone(7, 8));
    t_expect_rule(&m, NULL);
}

/* More writes at once than the search takes. */
T_TEST(nulls_given_up)
{
    struct t_make m;
    begin_empty(&m);
    for (uint32_t n = 1; n <= 70; n++)
        t_add(&m, t_put(n, 3, 100, 200));
    t_add(&m, t_deleted(100, 200));
    for (uint32_t n = 1; n <= 70; n++)
        add_null(&m, t_get(n, 3, 100, 200));
    add_coded(&m, t_gone(300, 310), "NoSuchVersion");
    t_add_versioning(&m, "status=Enabled", 320, 330);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(json_integer_value(json_object_get(v, "violations")), 0);
    T_EQ(t_skipped(v, "versions", "keys"), 1);
    json_decref(v);
}

T_TEST(nulls_beside_copies)
{
    for (int refused = 0; refused < 2; refused++) { /* it shows its source's metadata */
        struct t_make m;
        struct s3p_attempt copy = t_attempt(S3P_OP_COPY, 5, 3, 3, 4);
        begin_empty(&m);
        t_add(&m, t_put(1, 3, 1, 2));
        t_add(&m, t_put(9, 8, 1, 2));
        copy.outcome = refused ? S3P_FAILED : S3P_OK_OUTCOME;
        t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000008"});
        t_add_versioning(&m, "status=Enabled", 5, 6);
        add_null(&m, head(t_value(9), 7, 8));
        t_expect_rule(&m, refused ? "unwritten-value" : NULL);
    }
}

/* ---- uploads ---- */

static void add_upload(struct t_make *m, int op, uint64_t list, uint8_t outcome, int64_t call_ms,
                       int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, 1, 3, call_ms, return_ms);
    r.outcome = outcome;
    r.meta_id = t_nth(1, 1);
    if (list != 0)
        r.body_id = t_nth(1, 1 + list);
    r.evidence = list != 0 && outcome == S3P_OK_OUTCOME ? S3P_EV_VALUE : S3P_EV_NONE;
    t_add_texts(m, r, (struct t_texts){.upload = "u"});
}

static void add_create(struct t_make *m)
{
    add_upload(m, S3P_OP_CREATE_UPLOAD, 0, S3P_OK_OUTCOME, 1, 2);
}

static void add_complete(struct t_make *m, uint64_t list, int64_t call_ms, int64_t return_ms)
{
    add_upload(m, S3P_OP_COMPLETE_UPLOAD, list, S3P_OK_OUTCOME, call_ms, return_ms);
}

T_TEST(nulls_of_uploads)
{
    struct t_make m;
    begin_empty(&m); /* it may be as old as its Create */
    add_create(&m);
    t_add(&m, t_put(2, 3, 3, 4));
    add_complete(&m, 1, 5, 6);
    t_add_versioning(&m, "status=Enabled", 7, 8);
    add_null(&m, t_get(2, 3, 9, 10));
    t_expect_rule(&m, NULL);
    t_make_begin(&m, "{}", BY_COMPLETE); /* a Complete that is repeated had been answered */
    t_add(&m, t_put(2, 3, 3, 4));
    add_create(&m);
    add_complete(&m, 1, 10, 20);
    add_complete(&m, 1, 11, 13);
    add_null(&m, t_get(2, 3, 15, 16));
    t_add_versioning(&m, "status=Enabled", 21, 22);
    t_expect_versions(&m, "stale-read");
    begin_empty(&m); /* with two lists */
    add_create(&m);
    add_upload(&m, S3P_OP_COMPLETE_UPLOAD, 1, S3P_UNKNOWN, 5, 6);
    add_complete(&m, 2, 7, 8);
    t_add_versioning(&m, "status=Enabled", 9, 10);
    add_null(&m, head(t_nth(1, 1), 11, 12));
    t_expect_rule(&m, NULL);
}

/* ---- the state of the bucket ---- */

/* What a DELETE of `null` leaves: in a bucket that never kept versions nothing. */
T_TEST(nulls_where_versions_are_kept)
{
    struct t_make m;
    begin_empty(&m); /* nobody told an id */
    t_add(&m, t_put(1, 3, 1, 2));
    t_add_versioning(&m, "status=Enabled", 3, 4);
    t_add(&m, t_lost(t_put(8, 3, 5, 6)));
    t_add(&m, t_get(8, 3, 9, 10));
    add_null(&m, t_deleted(11, 12));
    t_add(&m, t_get(8, 3, 13, 14));
    t_expect_rule(&m, NULL);
    begin_empty(&m); /* answers alone */
    t_add_version(&m, t_put(1, 3, 1, 2), "v1");
    add_null(&m, t_deleted(5, 6));
    t_add(&m, t_get(1, 3, 7, 8));
    t_expect_rule(&m, NULL);
}
