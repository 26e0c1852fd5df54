/* What the checker reads of a header, and of a profile: each promise at its bounds. */
#include "tests/t.h"

#include <stdio.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#define PROFILE(...) "{\"etag_is_md5\":false" __VA_ARGS__ "}"

/* ---- headers ---- */

T_TEST(head_run)
{
    static const char *const run[] = {"\"0102030405f\"", "\"0102030405ff0\"", "\"0102030405fg\"",
                                      "7", "\"0102030405ff\""};
    for (size_t i = 0; i < sizeof run / sizeof *run; i++) {
        struct t_make m;
        struct s3p_err err = {0};
        char header[256];
        bool good = i + 1 == sizeof run / sizeof *run;
        snprintf(header, sizeof header,
                 "{\"run\":%s,\"plan\":{},\"profile\":{},\"buckets\":[{\"role\":\"main\"}],"
                 "\"spaces\":[{\"name\":\"k\",\"prefix\":\"k\",\"count\":9}]}",
                 run[i]);
        t_make_header(&m, header);
        t_add(&m, t_put(1, 3, 1, 2));
        T_EQ(t_make_fail(&m, NULL, &err), good ? 0 : S3P_EFORMAT);
        T_STR(err.msg, good ? "" : "history: header: run is not 12 hex digits");
    }
}

T_TEST(head_places)
{
    static const struct {
        int buckets, spaces, code;
    } of[] = {{65535, 1, 0}, {65536, 1, S3P_ELIMIT}, {4, 16384, S3P_ELIMIT}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct t_make m;
        struct s3p_err err = {0};
        struct s3p_buf header;
        s3p_buf_init(&header, SIZE_MAX);
        s3p_buf_str(&header, "{\"run\":\"0102030405ff\",\"plan\":{},\"profile\":{},\"buckets\":[");
        for (int b = 0; b < of[i].buckets; b++)
            s3p_buf_str(&header, b == 0 ? "{\"role\":\"b\"}" : ",{\"role\":\"b\"}");
        s3p_buf_str(&header, "],\"spaces\":[");
        for (int s = 0; s < of[i].spaces; s++)
            s3p_buf_str(&header, s == 0 ? "{\"keys\":[\"k\"]}" : ",{\"keys\":[\"k\"]}");
        s3p_buf_str(&header, "]}");
        
        T_TRUE(s3p_buf_ok(&header));
        t_make_header(&m, s3p_buf_cstr(&header));
        s3p_buf_free(&header);
        t_add(&m, t_put(1, 0, 1, 2));
        T_EQ(t_make_fail(&m, NULL, &err), of[i].code);
        T_STR(err.msg, of[i].code == 0
                           ? ""
                           : "history: more than 65535 pairs of key space and bucket");
    }
}

T_TEST(head_own_profile)
{
    struct t_make m;
    struct s3p_err err = {0};
    t_make_begin(&m, "{}", "{}");
    t_add(&m, t_put(1, 3, 1, 2));
    T_EQ(t_make_fail(&m, &(struct s3p_check_opts){.profile_json = "{"}, &err), S3P_EINVAL);
    T_STR(err.msg, "profile: not a JSON object");
    static const struct s3p_check_opts bad[] = {{.threads = -1}, {.threads = 65}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        t_make_begin(&m, "{}", "{}");
        T_EQ(t_make_fail(&m, &bad[i], &err), S3P_EINVAL);
    }
    t_make_begin(&m, "{}", "{}");
    T_EQ(t_make_fail(&m, &(struct s3p_check_opts){.threads = 64}, &err), 0);
    t_make_begin(&m, "{}", "{}");
    T_EQ(t_make_fail(&m, &(struct s3p_check_opts){.max_witnesses = -1}, &err), S3P_EINVAL);
}

/* ---- profiles ---- */

/* A key that was written long ago is on no page. */
T_TEST(head_lags)
{
#define EVENTUAL(lag) PROFILE(",\"list\":\"eventual\"" lag)
#define SETTLES(lag) PROFILE(",\"mpu_listing\":\"settles\"" lag)
    static const struct {
        int op;
        const char *profile;
        const char *rule;
    } of[] = {
        {S3P_OP_LIST, PROFILE(""), "list-missing"},
        {S3P_OP_LIST, EVENTUAL(",\"list_lag_ms\":90"), "list-missing"},
        {S3P_OP_LIST, EVENTUAL(",\"list_lag_ms\":99"), NULL},
        {S3P_OP_LIST, EVENTUAL(",\"list_lag_ms\":1e12"), NULL},
        {S3P_OP_LIST, EVENTUAL(",\"list_lag_ms\":1e300"), NULL},
        {S3P_OP_LIST, EVENTUAL(",\"list_lag_ms\":0"), NULL},
        {S3P_OP_LIST, EVENTUAL(",\"list_lag_ms\":-5"), NULL},
        {S3P_OP_LIST, EVENTUAL(""), NULL},
        {S3P_OP_LIST, PROFILE(",\"list\":\"strong\",\"list_lag_ms\":99"), "list-missing"},
        {S3P_OP_LIST_UPLOADS, PROFILE(""), "list-missing"},
        {S3P_OP_LIST_UPLOADS, SETTLES(",\"mpu_listing_lag_ms\":90"), "list-missing"},
        {S3P_OP_LIST_UPLOADS, SETTLES(",\"mpu_listing_lag_ms\":1e300"), NULL},
        {S3P_OP_LIST_UPLOADS, SETTLES(""), NULL},
        {S3P_OP_LIST_UPLOADS, EVENTUAL(",\"list_lag_ms\":99"), NULL},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct t_make m;
        struct s3p_attempt page = t_attempt(of[i].op, 90, S3P_NO_INDEX, 100, 101);
        struct s3p_attempt upload = t_attempt(S3P_OP_CREATE_UPLOAD, 5, 4, 1, 2);
        upload.outcome = page.outcome = S3P_OK_OUTCOME;
        t_make_begin(&m, "{}", of[i].profile);
        t_add(&m, t_put(1, 3, 1, 2));
        t_add_texts(&m, upload, (struct t_texts){.upload = "u"});
        t_add_texts(&m, page, (struct t_texts){.args = ""});
        t_expect_rule(&m, of[i].rule);
    }
}

T_TEST(head_bucket_ready)
{
    static const struct {
        const char *profile, *rule;
        bool made;
    } of[] = {{PROFILE(""), "bucket-unready", true},
              {PROFILE(",\"bucket_ready_s\":-1"), "bucket-unready", true},
              {PROFILE(",\"bucket_ready_s\":4999"), "bucket-unready", true},
              {PROFILE(",\"bucket_ready_s\":5000"), NULL, true},
              {PROFILE(",\"bucket_ready_s\":1e300"), NULL, true},
              {PROFILE(""), NULL, false},
              {PROFILE(",\"bucket_ready_s\":1"), NULL, false}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct t_make m;
        struct s3p_attempt made = t_attempt(S3P_OP_CREATE_BUCKET, 1, S3P_NO_INDEX, 1, 2);
        struct s3p_attempt put = t_lost(t_put(1, 3, 5000000, 5000001));
        made.outcome = of[i].made ? S3P_OK_OUTCOME : S3P_FAILED;
        put.status = 404;
        put.outcome = S3P_FAILED;
        put.t_return = put.t_call + 1;
        t_make_begin(&m, "{}", of[i].profile);
        t_add(&m, made);
        t_add_texts(&m, put, (struct t_texts){.code = "NoSuchBucket"});
        t_expect_rule(&m, of[i].rule);
    }
}

/* A rule of one day, and when its objects are gone: no day is longer than one. */
T_TEST(head_days)
{
    enum { DAY_MS = 86400000 };
    static const struct {
        const char *profile;
        int64_t gone_ms;
        const char *rule;
    } of[] = {
        {PROFILE(""), DAY_MS, "absent-after-ack"},
        {PROFILE(""), DAY_MS + 1, NULL},
        {PROFILE(",\"lifecycle_day_ms\":0"), DAY_MS, "absent-after-ack"},
        {PROFILE(",\"lifecycle_day_ms\":-5"), DAY_MS, "absent-after-ack"},
        {PROFILE(",\"lifecycle_day_ms\":1e300"), DAY_MS, "absent-after-ack"},
        {PROFILE(",\"lifecycle_day_ms\":1e300"), DAY_MS + 1, NULL},
        {PROFILE(",\"lifecycle_day_ms\":99"), 99, "absent-after-ack"},
        {PROFILE(",\"lifecycle_day_ms\":99"), 100, NULL},
        {PROFILE(",\"max_clock_skew_ms\":-5"), DAY_MS, "absent-after-ack"},
        {PROFILE(",\"max_clock_skew_ms\":10"), DAY_MS - 10, "absent-after-ack"},
        {PROFILE(",\"max_clock_skew_ms\":10"), DAY_MS - 9, NULL},
        {PROFILE(",\"max_clock_skew_ms\":86400000"), 10, NULL}, /* all of a day */
        {PROFILE(",\"max_clock_skew_ms\":1e300"), 10, NULL},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct t_make m;
        struct s3p_attempt r = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 0, 1);
        r.outcome = S3P_OK_OUTCOME;
        t_make_begin(&m, "{}", of[i].profile);
        t_add_texts(&m, r, (struct t_texts){.args = "rules=[{\"days\":1}]"});
        t_add(&m, t_put(1, 3, 2, 3));
        t_add(&m, t_get(0, 3, of[i].gone_ms, of[i].gone_ms + 1));
        t_expect_rule(&m, of[i].rule);
    }
}

/* A newer version that says to be older by two seconds. */
T_TEST(head_clocks)
{
#define UNIT(s) ",\"last_modified_resolution_s\":" s
    static const struct {
        const char *profile, *rule;
    } of[] = {
        {PROFILE(""), "last-modified-backwards"},
        {PROFILE(UNIT("0")), "last-modified-backwards"},
        {PROFILE(UNIT("1")), "last-modified-backwards"},
        {PROFILE(UNIT("2")), NULL},
        {PROFILE(UNIT("1e300")), NULL},
        {PROFILE(UNIT("0") ",\"max_clock_skew_ms\":1999"), "last-modified-backwards"},
        {PROFILE(UNIT("0") ",\"max_clock_skew_ms\":2000"), NULL},
        {PROFILE(",\"max_clock_skew_ms\":1000"), NULL},
        {PROFILE(",\"max_clock_skew_ms\":1e300"), NULL},
        {PROFILE(UNIT("-9")), NULL}, /* that is no number of seconds: nothing is known */
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct t_make m;
        t_make_begin(&m, "{}", of[i].profile);
        t_add_version(&m, t_put(1, 3, 1, 2), "v1");
        t_add_version(&m, t_put(2, 3, 3, 4), "v2");
        T_PAGE(&m, 5, 6, T_TIMED("v2", S3P_ENTRY_LATEST, 98), T_TIMED("v1", 0, 100));
        t_expect_rule(&m, of[i].rule);
    }
}

/* An upload that was begun before another write and completed after it. */
T_TEST(head_order_of_uploads)
{
    static const struct {
        const char *profile, *rule;
    } of[] = {{PROFILE(",\"mpu_order\":\"completed\""), "stale-read"},
              {PROFILE(",\"mpu_order\":\"created\""), NULL},
              {PROFILE(""), NULL}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct t_make m;
        struct s3p_attempt create = t_attempt(S3P_OP_CREATE_UPLOAD, 5, 3, 1, 2), done;
        create.outcome = S3P_OK_OUTCOME;
        create.meta_id = t_nth(1, 1);
        done = t_attempt(S3P_OP_COMPLETE_UPLOAD, 5, 3, 5, 6);
        done.outcome = S3P_OK_OUTCOME;
        done.evidence = S3P_EV_VALUE;
        done.meta_id = t_nth(1, 1);
        done.body_id = t_nth(1, 2);
        t_make_begin(&m, "{}", of[i].profile);
        t_add_texts(&m, create, (struct t_texts){.upload = "u"});
        t_add(&m, t_put(7, 3, 3, 4));
        t_add_texts(&m, done, (struct t_texts){.upload = "u"});
        t_add(&m, t_get(7, 3, 7, 8));
        t_expect_rule(&m, of[i].rule);
    }
}
