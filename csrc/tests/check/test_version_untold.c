/* Versions, uploads and pages of which nobody was told: what then nobody may conclude. */
#include "tests/t.h"

#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_pages.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#define SHORT_DAYS "{\"etag_is_md5\":false,\"lifecycle_day_ms\":100}"

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", NO_MD5);
    t_add_version(m, t_put(1, 3, 1, 2), "v1");
    t_add_version(m, t_put(2, 3, 3, 4), "v2");
}

static struct s3p_attempt ok(int op, uint64_t key, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, 60, key, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static struct s3p_attempt flagged(struct s3p_attempt r, uint8_t flags)
{
    r.flags |= flags;
    return r;
}

static void add_uploads(struct t_make *m, int64_t call_ms, int64_t return_ms)
{
    t_add_page(m, &(struct t_page){S3P_OP_LIST_UPLOADS, "", NULL, NULL, call_ms, return_ms, "",
                                   NULL});
}

static void add_bucket_again(struct t_make *m)
{
    t_add(m, ok(S3P_OP_DELETE_BUCKET, S3P_NO_INDEX, 7, 8));
    t_add(m, ok(S3P_OP_CREATE_BUCKET, S3P_NO_INDEX, 9, 10));
}

T_TEST(versions_restored_by_a_copy_that_was_lost)
{
    struct t_make m;
    struct s3p_attempt copy = t_lost(ok(S3P_OP_COPY, 3, 5, 6));
    begin(&m);
    t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000003", .asked = "v1"});
    t_add_asked(&m, t_deleted(7, 8), "v1");
    t_add_version(&m, t_get(1, 3, 9, 10), "v3");
    t_expect_rule(&m, NULL);
}

T_TEST(versions_that_were_made_twice)
{
    struct t_make m;
    begin(&m); /* the other one is v4 */
    t_add_version(&m, flagged(t_put(3, 3, 5, 6), S3P_FLAG_MULTI_DELIVERY), "v3");
    t_add_asked(&m, t_deleted(7, 8), "v3");
    t_add(&m, t_get(3, 3, 9, 10));
    t_expect_rule(&m, NULL);
    begin(&m); /* a marker */
    t_add_version(&m, flagged(t_deleted(5, 6), S3P_FLAG_MULTI_DELIVERY), "d1");
    t_add_asked(&m, t_deleted(7, 8), "d1");
    t_add(&m, t_gone(9, 10));
    t_expect_rule(&m, NULL);
    begin(&m); /* a read changes nothing */
    t_add(&m, flagged(t_get(2, 3, 5, 6), S3P_FLAG_MULTI_DELIVERY));
    t_add_asked(&m, t_gone(9, 10), "v1");
    t_expect_versions(&m, "version-lost");
}

T_TEST(versions_altered_on_the_way)
{
    struct t_make m;
    struct s3p_attempt refused = flagged(t_denied(t_deleted(5, 6)), S3P_FLAG_ALTERED);
    begin(&m); /* a deletion, with its answer */
    t_add_asked(&m, refused, "v1");
    t_add_asked(&m, t_gone(9, 10), "v1");
    t_expect_rule(&m, NULL);
    begin(&m); /* a read */
    t_add_asked(&m, flagged(t_gone(9, 10), S3P_FLAG_ALTERED), "v1");
    t_expect_rule(&m, NULL);
}

T_TEST(versions_of_replicas)
{
    struct t_make m;
    struct s3p_attempt r = ok(S3P_OP_PUT_REPLICATION, S3P_NO_INDEX, 0, 1);
    begin(&m);
    r.bucket = 1;
    t_add_texts(&m, r, (struct t_texts){.args = "rules=[{\"markers\":true,\"to\":\"main\"}]"});
    t_add_asked(&m, t_deleted(5, 6), "v1");
    t_add(&m, t_gone(9, 10)); /* hidden by a marker from there */
    t_expect_rule(&m, NULL);
}

T_TEST(versions_whose_marker_expires)
{
    struct t_make m;
    t_make_begin(&m, "{}", SHORT_DAYS);
    t_add_texts(&m, ok(S3P_OP_PUT_LIFECYCLE, S3P_NO_INDEX, 0, 1),
                (struct t_texts){.args = "rules=[{\"noncurrent_days\":1}]"});
    t_add_version(&m, t_put(1, 3, 1, 2), "v1");
    t_add_version(&m, t_deleted(3, 4), "d1");
    t_add_version(&m, t_put(2, 3, 5, 6), "v2");
    t_add_asked(&m, t_deleted(200, 201), "v2");
    t_add_version(&m, t_get(1, 3, 300, 301), "v1");
    t_expect_rule(&m, NULL);
}

T_TEST(versions_of_a_bucket_that_was_made_again)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    t_add_versioning(&m, "status=Enabled", 1, 2);
    t_add_version(&m, t_put(1, 3, 3, 4), "v1");
    t_add_asked(&m, t_deleted(5, 6), "v1");
    add_bucket_again(&m);
    t_add(&m, t_put(2, 3, 11, 12));
    t_expect_rule(&m, NULL);
}

T_TEST(versions_of_uploads_that_are_completed_again)
{
    struct t_make m;
    struct s3p_attempt c = ok(S3P_OP_COMPLETE_UPLOAD, 3, 8, 9), lost = t_lost(c);
    c.meta_id = lost.meta_id = t_nth(60, 1);
    c.body_id = lost.body_id = t_nth(60, 2);
    lost.t_call -= 2000000;
    for (int again = 0; again < 2; again++) {
        t_make_begin(&m, "{}", NO_MD5);
        t_add_versioning(&m, "status=Enabled", 1, 2);
        t_add_texts(&m, ok(S3P_OP_CREATE_UPLOAD, 3, 3, 4), (struct t_texts){.upload = "u"});
        if (again)
            t_add_texts(&m, lost, (struct t_texts){.upload = "u"});
        t_add_texts(&m, c, (struct t_texts){.upload = "u"});
        t_expect_rule(&m, again ? NULL : "version-missing");
    }
}

T_TEST(pages_behind_a_version_that_is_gone)
{
    struct t_make m;
    static const char marker[] = "key-marker=keys%2F00000003&version-id-marker=v2";
    begin(&m);
    t_add_page(&m, &(struct t_page){S3P_OP_LIST_VERSIONS, "max-keys=1", marker, NULL, 10, 11,
                                    "#3@v2*", NULL});
    t_add_asked(&m, t_deleted(12, 13), "v2");
    t_add_page(&m, &(struct t_page){S3P_OP_LIST_VERSIONS, marker, NULL, NULL, 14, 15, "", NULL});
    t_expect_rule(&m, NULL);
}

T_TEST(pages_of_uploads_that_may_have_ended)
{
    struct t_make m;
    struct s3p_attempt c = ok(S3P_OP_COMPLETE_UPLOAD, 1, 5, 6);
    t_make_begin(&m, "{}", NO_MD5);
    t_add_texts(&m, ok(S3P_OP_CREATE_UPLOAD, 1, 1, 2), (struct t_texts){.upload = "u"});
    add_bucket_again(&m);
    add_uploads(&m, 20, 21);
    t_expect_rule(&m, NULL);
    c.outcome = S3P_FAILED;
    c.status = 412;
    for (int conditional = 0; conditional < 2; conditional++) {
        c.cond = conditional ? S3P_COND_IF_NONE_MATCH_ANY : S3P_COND_NONE;
        t_make_begin(&m, "{}", NO_MD5);
        t_add(&m, t_put(9, 1, 1, 2));
        t_add_texts(&m, ok(S3P_OP_CREATE_UPLOAD, 1, 1, 2), (struct t_texts){.upload = "u"});
        t_add_texts(&m, c, (struct t_texts){.upload = "u", .code = "PreconditionFailed"});
        add_uploads(&m, 20, 21);
        t_expect_rule(&m, conditional ? NULL : "list-missing");
    }
}
