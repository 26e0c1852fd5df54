/* Versions: what each rule leaves alone, beside what it does not. */
#include "tests/t.h"

#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#define NO_MD5 "{\"etag_is_md5\":false}"
#define LATE "{\"etag_is_md5\":false,\"list\":\"eventual\",\"list_lag_ms\":5}"
#define WALK "{\"etag_is_md5\":false,\"list_interval\":\"listing\"}"
#define SHORT_DAYS "{\"etag_is_md5\":false,\"lifecycle_day_ms\":100}"

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", NO_MD5);
    t_add_version(m, t_put(1, 3, 1, 2), "v1");
    t_add_version(m, t_put(2, 3, 3, 4), "v2");
}

static struct s3p_attempt head(uint32_t value, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_get(value, 3, call_ms, return_ms);
    r.op = S3P_OP_HEAD;
    r.body_verdict = S3P_BODY_NONE;
    memset(&r.body_id, 0, sizeof r.body_id);
    return r;
}

static void add_coded(struct t_make *m, struct s3p_attempt r, const char *asked, const char *code)
{
    t_add_texts(m, r, (struct t_texts){.asked = asked, .code = code});
}

static void add_rule(struct t_make *m)
{
    struct s3p_attempt r = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 0, 1);
    r.outcome = S3P_OK_OUTCOME;
    t_add_texts(m, r, (struct t_texts){.args = "rules=[{\"days\":1}]"});
}

T_TEST(versions_without_metadata)
{
    struct t_make m;
    struct s3p_attempt r = head(1, 5, 6), nameless = t_put(7, 3, 5, 6);
    begin(&m); /* an answer that does not say whose it is */
    memset(&r.meta_id, 0, sizeof r.meta_id);
    t_add_asked(&m, r, "v1");
    t_expect_rule(&m, NULL);
    begin(&m); /* a write that did not say */
    memset(&nameless.meta_id, 0, sizeof nameless.meta_id);
    memset(&nameless.body_id, 0, sizeof nameless.body_id);
    nameless.body_kind = S3P_KIND_CONSTANT;
    t_add_version(&m, nameless, "v3");
    t_add_asked(&m, head(8, 7, 8), "v3");
    t_expect_rule(&m, NULL);
}

T_TEST(versions_that_are_lost)
{
    struct t_make m;
    struct s3p_attempt gone = t_gone(5, 6);
    begin(&m);
    add_coded(&m, gone, "v1", "NoSuchKey");
    t_expect_versions(&m, "version-lost");
    begin(&m); /* who says so, and of what? */
    add_coded(&m, gone, "v1", NULL);
    t_expect_rule(&m, NULL);
    gone.op = S3P_OP_HEAD;
    begin(&m);
    add_coded(&m, gone, "v1", NULL);
    t_expect_versions(&m, "version-lost");
    begin(&m); /* a marker is no object */
    t_add_version(&m, t_deleted(5, 6), "v3");
    t_add_asked(&m, t_gone(7, 8), "v3");
    t_expect_rule(&m, NULL);
    begin(&m); /* a deletion that was refused */
    t_add_asked(&m, t_denied(t_deleted(5, 6)), "v1");
    t_add_asked(&m, t_gone(7, 8), "v1");
    t_expect_versions(&m, "version-lost");
    begin(&m); /* the first deletion, and the first that was acknowledged */
    t_add_asked(&m, t_deleted(5, 6), "v1");
    t_add_asked(&m, t_gone(7, 8), "v1");
    t_add_asked(&m, t_deleted(9, 10), "v1");
    t_expect_rule(&m, NULL);
    begin(&m);
    t_add_asked(&m, t_deleted(5, 6), "v1");
    t_add_asked(&m, t_get(1, 3, 9, 10), "v1");
    t_add_asked(&m, t_deleted(15, 16), "v1");
    t_expect_versions(&m, "version-undead");
    begin(&m); /* equal times are concurrent */
    t_add_asked(&m, t_gone(5, 7), "v1");
    t_add_asked(&m, t_deleted(7, 8), "v1");
    t_add_asked(&m, t_get(1, 3, 8, 9), "v1");
    t_expect_rule(&m, NULL);
}

T_TEST(versions_by_register_or_not)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5); /* the register's alone */
    t_add_version(&m, t_put(1, 3, 1, 2), "v1");
    t_add(&m, t_gone(5, 6));
    t_expect_rule(&m, "absent-after-ack");
    begin(&m); /* it ends as the first version is deleted: not the register's */
    t_add(&m, t_get(1, 3, 9, 10));
    t_add_asked(&m, t_deleted(10, 11), "v1");
    t_expect_versions(&m, "stale-read");
    t_make_begin(&m, "{}", NO_MD5); /* what the register cannot order */
    t_add_version(&m, t_put(1, 3, 1, 4), "v1");
    t_add_version(&m, t_put(2, 3, 4, 5), "v2");
    T_PAGE(&m, 6, 7, T_V("v2", S3P_ENTRY_LATEST), T_V("v1", 0));
    t_add(&m, t_get(1, 3, 8, 9));
    t_expect_versions(&m, "stale-read");
    t_make_begin(&m, "{}", NO_MD5); /* equal times are concurrent */
    t_add_version(&m, t_put(1, 3, 1, 3), "v1");
    t_add_version(&m, t_put(2, 3, 3, 5), "v2");
    t_add_version(&m, t_put(7, 3, 6, 7), "v3");
    t_add_asked(&m, t_deleted(8, 9), "v3");
    t_add(&m, t_get(1, 3, 10, 11));
    t_expect_rule(&m, NULL);
    begin(&m); /* as the newer one is written, and as it is deleted */
    t_add(&m, t_get(1, 3, 4, 5));
    t_add(&m, t_get(1, 3, 5, 6));
    t_add_asked(&m, t_deleted(6, 7), "v2");
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "stale-read"), 0);
    json_decref(v);
    t_make_begin(&m, "{}", NO_MD5); /* a marker that comes as the answer does */
    t_add_version(&m, t_put(1, 3, 1, 2), "v1");
    t_add_version(&m, t_put(2, 3, 3, 4), "v2");
    t_add_asked(&m, t_deleted(5, 6), "v2");
    t_add(&m, t_gone(7, 8));
    t_add_version(&m, t_deleted(8, 9), "v3");
    t_expect_rule(&m, NULL);
    begin(&m); /* and one that goes as it is asked */
    t_add_version(&m, t_deleted(5, 6), "v3");
    t_add_asked(&m, t_deleted(7, 8), "v3");
    t_add(&m, t_gone(8, 9));
    t_expect_rule(&m, NULL);
}

T_TEST(versions_hidden_by_a_rule)
{
    struct t_make m;
    t_make_begin(&m, "{}", SHORT_DAYS); /* v1 may be hidden from 101 on */
    add_rule(&m);
    t_add_version(&m, t_put(1, 3, 1, 2), "v1");
    t_add_version(&m, t_put(2, 3, 3, 4), "v2");
    t_add_asked(&m, t_deleted(6, 7), "v2");
    t_add(&m, t_gone(100, 101));
    t_expect_rule(&m, NULL);
}

T_TEST(versions_of_an_upload_that_is_repeated)
{
    static const int64_t end_ms[] = {20, 7};
    struct t_make m;
    struct s3p_attempt r = t_attempt(S3P_OP_COMPLETE_UPLOAD, 1, 3, 0, 0);
    t_make_begin(&m, "{}", NO_MD5);
    for (int k = 0; k < 2; k++) {
        r = t_attempt(S3P_OP_COMPLETE_UPLOAD, 1, 3, 5 + k, end_ms[k]);
        r.outcome = S3P_OK_OUTCOME;
        r.meta_id = t_nth(1, 1);
        r.body_id = t_nth(1, 2);
        r.evidence = S3P_EV_VALUE;
        t_add_texts(&m, r, (struct t_texts){.upload = "u", .version = "v9"});
    }
    t_add_asked(&m, t_gone(9, 10), "v9");
    t_expect_versions(&m, "version-lost");
}

T_TEST(versions_missing_from_what_makes_none)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    t_add_versioning(&m, "status=Enabled", 1, 2);
    t_add_version(&m, t_put(1, 3, 3, 4), "v1");
    t_add_asked(&m, t_deleted(5, 6), "v1");
    t_add(&m, t_lost(t_put(2, 3, 7, 8)));
    t_expect_rule(&m, NULL);
}

/* ---- pages ---- */

T_TEST(versions_latest_of_late_pages)
{
    static const struct t_listed wrong[] = {T_V("v2", 0), T_V("v1", S3P_ENTRY_LATEST)};
    static const struct {
        const char *profile, *rule;
        uint8_t flags;
    } of[] = {{NO_MD5, "stale-read", 0}, {LATE, NULL, 0}, {WALK, NULL, 0},
              {NO_MD5, NULL, S3P_FLAG_ALTERED}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct t_make m;
        struct s3p_attempt page = t_attempt(S3P_OP_LIST_VERSIONS, 50, S3P_NO_INDEX, 5, 6);
        page.outcome = S3P_OK_OUTCOME;
        page.flags = of[i].flags;
        t_make_begin(&m, "{}", of[i].profile);
        t_add_version(&m, t_put(1, 3, 1, 2), "v1");
        t_add_version(&m, t_put(2, 3, 3, 4), "v2");
        t_add_version(&m, t_put(7, 3, 1, 20), "long"); /* still under way */
        t_add_listed(&m, page, wrong, 2);
        t_expect_rule(&m, of[i].rule);
    }
}

/* The order is that of one walk, not of all that a client listed. */
T_TEST(versions_ranked_by_one_walk)
{
    struct t_make m;
    begin(&m);
    T_PAGE(&m, 5, 6, T_V("v2", S3P_ENTRY_LATEST), T_V("v1", 0));
    t_add_version(&m, t_put(7, 3, 7, 8), "v3");
    T_PAGE(&m, 9, 10, T_V("v3", S3P_ENTRY_LATEST), T_V("v2", 0), T_V("v1", 0));
    t_add(&m, t_get(7, 3, 11, 12));
    t_expect_rule(&m, NULL);
}

/* A marker that came later, or was gone before, hides nothing from a read. */
T_TEST(versions_hidden_by_no_marker)
{
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add_version(&m, t_put(1, 3, 1, 2), "v0");
    t_add_version(&m, t_put(2, 3, 3, 4), "v1");
    t_add_asked(&m, t_deleted(5, 6), "v0");
    t_add(&m, t_gone(7, 8));
    t_add_version(&m, t_deleted(9, 10), "m1");
    t_expect_versions(&m, "absent-after-ack");
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add_version(&m, t_put(2, 3, 1, 2), "v1");
    t_add_version(&m, t_deleted(3, 4), "m1");
    t_add_asked(&m, t_deleted(5, 6), "m1");
    t_add(&m, t_gone(7, 8));
    t_expect_versions(&m, "absent-after-ack");
}

/* To suspend versioning in vain changes nothing. */
T_TEST(versions_missing_beside_a_refusal)
{
    for (int refused = 0; refused < 2; refused++) {
        struct t_make m;
        struct s3p_attempt r = t_attempt(S3P_OP_PUT_VERSIONING, 1, S3P_NO_INDEX, 3, 4);
        r.outcome = S3P_OK_OUTCOME;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add_versioning(&m, "status=Enabled", 1, 2);
        t_add_texts(&m, refused ? t_denied(r) : r, (struct t_texts){.args = "status=Suspended"});
        t_add(&m, t_put(1, 3, 5, 6));
        t_expect_rule(&m, refused ? "version-missing" : NULL);
    }
}
