/* Lifecycle, replication, throttle and policy: the rules without a store. */
#include "core/clock.h"
#include "server/lifecycle.h"
#include "server/policy.h"
#include "server/replication.h"
#include "server/throttle.h"

#include "tests/t.h"

#define DAY (24 * 3600 * S3P_S)
#define NOON (DAY / 2)

static struct s3p_str text(const char *s)
{
    return (struct s3p_str){s, strlen(s)};
}

static struct s3p_str view(const struct s3p_buf *b)
{
    return (struct s3p_str){b->data, b->len};
}

T_TEST(server_lifecycle_due_is_the_next_midnight)
{
    T_EQ(s3p_srv_life_due_ns(0, 1, DAY), DAY);
    T_EQ(s3p_srv_life_due_ns(1, 1, DAY), 2 * DAY);
    T_EQ(s3p_srv_life_due_ns(DAY - 1, 1, DAY), 2 * DAY);
    T_EQ(s3p_srv_life_due_ns(NOON, 3, DAY), 4 * DAY);
    T_EQ(s3p_srv_life_due_ns(1000, 2, 300), 1800);
    T_EQ(s3p_srv_life_due_ns(S3P_S, INT32_MAX, DAY), S3P_NEVER);
    T_EQ(s3p_srv_life_due_ns(INT64_MAX - 1, 1, S3P_S), S3P_NEVER);
}

static enum s3p_srv_error lifecycle(struct s3p_buf *out, const char *rules)
{
    char doc[4096];
    snprintf(doc, sizeof doc, "<LifecycleConfiguration>%s</LifecycleConfiguration>", rules);
    s3p_buf_init(out, 1 << 20);
    return s3p_srv_lifecycle_parse(text(doc), DAY, out);
}

#define RULE(inside) "<Rule><Status>Enabled</Status>" inside "</Rule>"
#define ALL "<Filter><Prefix></Prefix></Filter>"
#define TAG "<Tag><Key>a</Key><Value>b</Value></Tag>"
#define DAYS(n) "<Expiration><Days>" #n "</Days></Expiration>"
#define MARKERS                                                                                    \
    "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"
#define OLD(inside) "<NoncurrentVersionExpiration>" inside "</NoncurrentVersionExpiration>"
#define ABORT                                                                                      \
    "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"                 \
    "</AbortIncompleteMultipartUpload>"

T_TEST(server_lifecycle_documents)
{
    static const struct {
        const char *rules;
        enum s3p_srv_error want;
    } rows[] = {
        {RULE(ALL DAYS(1)), S3P_SE_NONE},
        {RULE("<Filter/>" DAYS(1)), S3P_SE_NONE},
        {RULE("<Prefix>x</Prefix>" DAYS(1)), S3P_SE_NONE},
        {RULE("<Filter>" TAG "</Filter>" DAYS(1)), S3P_SE_NONE},
        {RULE("<Filter><And><Prefix>p</Prefix>" TAG "</And></Filter>" DAYS(1)), S3P_SE_NONE},
        {RULE(ALL MARKERS), S3P_SE_NONE},
        {RULE(ALL ABORT), S3P_SE_NONE},
        {RULE(ALL OLD("<NoncurrentDays>1</NoncurrentDays>")), S3P_SE_NONE},
        {RULE(ALL "<Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>"), S3P_SE_NONE},
        {"<Rule><ID>a</ID><Status>Disabled</Status>" ALL DAYS(1) "</Rule>", S3P_SE_NONE},
        /* form */
        {"", S3P_SE_XML},
        {RULE(DAYS(1)), S3P_SE_XML},
        {"<Rule>" ALL DAYS(1) "</Rule>", S3P_SE_XML},
        {"<Rule><Status>enabled</Status>" ALL DAYS(1) "</Rule>", S3P_SE_XML},
        {RULE(ALL "<Prefix>x</Prefix>" DAYS(1)), S3P_SE_XML},
        {RULE("<Filter><Prefix>p</Prefix>" TAG "</Filter>" DAYS(1)), S3P_SE_XML},
        {RULE("<Filter><And><Prefix>p</Prefix></And></Filter>" DAYS(1)), S3P_SE_XML},
        {RULE("<Filter><Tag><Key>a</Key></Tag></Filter>" DAYS(1)), S3P_SE_XML},
        {RULE(ALL DAYS(1) DAYS(2)), S3P_SE_XML},
        {RULE(ALL DAYS(x)), S3P_SE_XML},
        {RULE(ALL "<Expiration/>"), S3P_SE_XML},
        {RULE(ALL OLD("<NewerNoncurrentVersions>1</NewerNoncurrentVersions>")), S3P_SE_XML},
        {RULE(ALL "<Expiration><Date>tomorrow</Date></Expiration>"), S3P_SE_XML},
        /* numbers */
        {RULE(ALL DAYS(0)), S3P_SE_RULE_ARGUMENT},
        {RULE(ALL DAYS(-1)), S3P_SE_RULE_ARGUMENT},
        {RULE(ALL DAYS(2147483648)), S3P_SE_RULE_ARGUMENT},
        {RULE(ALL "<Expiration><Date>2030-01-01T00:00:01Z</Date></Expiration>"),
         S3P_SE_RULE_ARGUMENT},
        {RULE(ALL OLD("<NoncurrentDays>1</NoncurrentDays>"
                      "<NewerNoncurrentVersions>101</NewerNoncurrentVersions>")),
         S3P_SE_RULE_ARGUMENT},
        {RULE("<ID>a</ID>" ALL DAYS(1)) RULE("<ID>a</ID>" ALL DAYS(1)), S3P_SE_RULE_ARGUMENT},
        /* sense */
        {RULE(ALL), S3P_SE_RULE},
        {RULE("<Filter>" TAG "</Filter>" MARKERS), S3P_SE_RULE},
        {RULE("<Filter>" TAG "</Filter>" ABORT), S3P_SE_RULE},
        {RULE("<Filter><And>" TAG TAG "</And></Filter>" DAYS(1)), S3P_SE_RULE},
        {RULE("<Filter><And><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan>"
              "<ObjectSizeLessThan>5</ObjectSizeLessThan></And></Filter>" DAYS(1)),
         S3P_SE_RULE},
        /* not offered */
        {RULE(ALL DAYS(1) "<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass>"
                          "</Transition>"),
         S3P_SE_NOT_IMPLEMENTED},
        {RULE(ALL DAYS(1) "<Anything/>"), S3P_SE_NOT_IMPLEMENTED},
        {"<Other/>", S3P_SE_NOT_IMPLEMENTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_buf set;
        enum s3p_srv_error e = lifecycle(&set, rows[i].rules);
        if (e != rows[i].want)
            t_fail(__FILE__, __LINE__, "%s: %d, expected %d", rows[i].rules, e, rows[i].want);
        s3p_buf_free(&set);
    }
}

/* What becomes of a version that was made at 0, at a time. */
static enum s3p_srv_life_act judge(const char *rules, struct s3p_srv_life_entry e, int64_t now)
{
    struct s3p_buf set;
    T_EQ(lifecycle(&set, rules), S3P_SE_NONE);
    enum s3p_srv_life_act act = s3p_srv_life_judge(view(&set), &e, DAY, now);
    s3p_buf_free(&set);
    return act;
}

T_TEST(server_lifecycle_judges_current_versions)
{
    struct s3p_srv_record r = {.size = 10};
    struct s3p_srv_life_entry e = {text("log/1"), &r, true, true, 0};
    T_EQ(judge(RULE(ALL DAYS(2)), e, 2 * DAY - 1), S3P_SRV_LIFE_KEEP);
    T_EQ(judge(RULE(ALL DAYS(2)), e, 2 * DAY), S3P_SRV_LIFE_EXPIRE);
    T_EQ(judge(RULE("<Filter><Prefix>log/</Prefix></Filter>" DAYS(1)), e, DAY),
         S3P_SRV_LIFE_EXPIRE);
    T_EQ(judge(RULE("<Filter><Prefix>log/1/</Prefix></Filter>" DAYS(1)), e, DAY),
         S3P_SRV_LIFE_KEEP);
    T_EQ(judge("<Rule><Status>Disabled</Status>" ALL DAYS(1) "</Rule>", e, DAY),
         S3P_SRV_LIFE_KEEP);
    T_EQ(judge(RULE(ALL MARKERS), e, 9 * DAY), S3P_SRV_LIFE_KEEP);
    T_EQ(judge(RULE(ALL OLD("<NoncurrentDays>1</NoncurrentDays>")), e, 9 * DAY),
         S3P_SRV_LIFE_KEEP);
    const char *date = RULE(ALL "<Expiration><Date>1970-01-04T00:00:00Z</Date></Expiration>");
    T_EQ(judge(date, e, 3 * DAY - 1), S3P_SRV_LIFE_KEEP);
    T_EQ(judge(date, e, 3 * DAY), S3P_SRV_LIFE_EXPIRE);
    /* sizes are exclusive on both sides */
    T_EQ(judge(RULE("<Filter><ObjectSizeGreaterThan>10</ObjectSizeGreaterThan></Filter>" DAYS(1)),
               e, DAY),
         S3P_SRV_LIFE_KEEP);
    T_EQ(judge(RULE("<Filter><ObjectSizeLessThan>11</ObjectSizeLessThan></Filter>" DAYS(1)), e,
               DAY),
         S3P_SRV_LIFE_EXPIRE);
}

T_TEST(server_lifecycle_judges_by_tags)
{
    struct s3p_buf tags;
    s3p_buf_init(&tags, 1024);
    s3p_srv_meta_add(&tags, S3P_STR("a"), S3P_STR("b"));
    s3p_srv_meta_add(&tags, S3P_STR("c"), S3P_STR("d"));
    struct s3p_srv_record r = {.tags = view(&tags)}, bare = {.size = 0};
    struct s3p_srv_life_entry e = {text("k"), &r, true, true, 0};
    T_EQ(judge(RULE("<Filter>" TAG "</Filter>" DAYS(1)), e, DAY), S3P_SRV_LIFE_EXPIRE);
    const char *two =
        RULE("<Filter><And>" TAG "<Tag><Key>c</Key><Value>x</Value></Tag></And></Filter>" DAYS(1));
    T_EQ(judge(two, e, DAY), S3P_SRV_LIFE_KEEP);
    e.r = &bare;
    T_EQ(judge(RULE("<Filter>" TAG "</Filter>" DAYS(1)), e, DAY), S3P_SRV_LIFE_KEEP);
    s3p_buf_free(&tags);
}

T_TEST(server_lifecycle_judges_older_versions_and_markers)
{
    struct s3p_srv_record r = {.noncurrent_wall_ns = 5 * DAY};
    struct s3p_srv_life_entry e = {text("k"), &r, false, false, 2};
    const char *old = RULE(ALL OLD("<NoncurrentDays>1</NoncurrentDays>"));
    const char *keep3 = RULE(ALL OLD("<NewerNoncurrentVersions>3</NewerNoncurrentVersions>"
                                     "<NoncurrentDays>1</NoncurrentDays>"));
    T_EQ(judge(old, e, 6 * DAY - 1), S3P_SRV_LIFE_KEEP); /* not counted from when it was made */
    T_EQ(judge(old, e, 6 * DAY), S3P_SRV_LIFE_REMOVE);
    T_EQ(judge(RULE(ALL DAYS(1)), e, 9 * DAY), S3P_SRV_LIFE_KEEP);
    T_EQ(judge(keep3, e, 9 * DAY), S3P_SRV_LIFE_KEEP);
    e.newer = 3;
    T_EQ(judge(keep3, e, 9 * DAY), S3P_SRV_LIFE_REMOVE);
    r.noncurrent_wall_ns = 0; /* not known */
    T_EQ(judge(old, e, 99 * DAY), S3P_SRV_LIFE_KEEP);

    struct s3p_srv_record marker = {.marker = true};
    struct s3p_srv_life_entry m = {text("k"), &marker, true, true, 0};
    T_EQ(judge(RULE(ALL MARKERS), m, 1), S3P_SRV_LIFE_REMOVE);
    T_EQ(judge(RULE(ALL DAYS(1)), m, DAY - 1), S3P_SRV_LIFE_KEEP);
    T_EQ(judge(RULE(ALL DAYS(1)), m, DAY), S3P_SRV_LIFE_REMOVE);
    T_EQ(judge(RULE("<Filter>" TAG "</Filter>" DAYS(1)), m, 9 * DAY), S3P_SRV_LIFE_KEEP);
    m.alone = false;
    T_EQ(judge(RULE(ALL MARKERS) RULE(ALL DAYS(1)), m, 9 * DAY), S3P_SRV_LIFE_KEEP);
}

T_TEST(server_lifecycle_names_the_first_rule_that_is_due)
{
    struct s3p_buf set;
    struct s3p_srv_record r = {.mtime_wall_ns = NOON};
    struct s3p_str id = S3P_STR("");
    T_EQ(lifecycle(&set, RULE("<ID>late</ID>" ALL DAYS(5)) RULE("<ID>soon</ID>" ALL DAYS(1))),
         S3P_SE_NONE);
    T_EQ(s3p_srv_life_expiry_ns(view(&set), text("k"), &r, DAY, &id), 2 * DAY);
    T_TRUE(s3p_str_eq(id, "soon"));
    s3p_buf_free(&set);
}

#define TO(bucket) "<Destination><Bucket>arn:aws:s3:::" bucket "</Bucket></Destination>"
#define PRIORITY(n) "<Priority>" #n "</Priority>"
#define NO_MARKERS "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>"
#define WITH_MARKERS "<DeleteMarkerReplication><Status>Enabled</Status></DeleteMarkerReplication>"

static enum s3p_srv_error replication(struct s3p_buf *out, const char *rules)
{
    char doc[4096];
    snprintf(doc, sizeof doc,
             "<ReplicationConfiguration><Role>r</Role>%s</ReplicationConfiguration>", rules);
    s3p_buf_init(out, 1 << 20);
    return s3p_srv_replication_parse(text(doc), out);
}

T_TEST(server_replication_documents)
{
    static const struct {
        const char *rules;
        enum s3p_srv_error want;
    } rows[] = {
        {RULE(ALL PRIORITY(1) TO("dst") NO_MARKERS), S3P_SE_NONE},
        {RULE("<Filter/>" PRIORITY(0) TO("dst") WITH_MARKERS), S3P_SE_NONE},
        {"", S3P_SE_XML},
        {RULE(ALL PRIORITY(1) NO_MARKERS), S3P_SE_XML},
        {RULE(ALL PRIORITY(x) TO("dst") NO_MARKERS), S3P_SE_XML},
        {RULE(PRIORITY(1) TO("dst") NO_MARKERS), S3P_SE_XML},
        {RULE(ALL TO("dst") NO_MARKERS), S3P_SE_RULE},
        {RULE(ALL PRIORITY(1) TO("dst")), S3P_SE_RULE},
        {RULE("<Filter>" TAG "</Filter>" PRIORITY(1) TO("dst") WITH_MARKERS), S3P_SE_RULE},
        {RULE(ALL PRIORITY(1) TO("dst") NO_MARKERS) RULE(ALL PRIORITY(1) TO("other") NO_MARKERS),
         S3P_SE_RULE},
        {RULE(ALL PRIORITY(1) "<Destination><Bucket>dst</Bucket></Destination>" NO_MARKERS),
         S3P_SE_RULE_ARGUMENT},
        {RULE("<Prefix>x</Prefix>" TO("dst")), S3P_SE_NOT_IMPLEMENTED},
        {RULE(ALL PRIORITY(1) TO("dst") NO_MARKERS "<SourceSelectionCriteria/>"),
         S3P_SE_NOT_IMPLEMENTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_buf set;
        enum s3p_srv_error e = replication(&set, rows[i].rules);
        if (e != rows[i].want)
            t_fail(__FILE__, __LINE__, "%s: %d, expected %d", rows[i].rules, e, rows[i].want);
        s3p_buf_free(&set);
    }
}

/* The destinations of a key, with a slash behind each. */
static void targets(const struct s3p_buf *set, const char *key, bool marker, const char *want)
{
    struct s3p_srv_record r = {.marker = marker};
    struct s3p_buf out;
    struct s3p_str name, none;
    char got[256] = "";
    s3p_buf_init(&out, 4096);
    s3p_srv_replication_targets(view(set), text(key), &r, &out);
    for (size_t at = 0; s3p_srv_meta_next(view(&out), &at, &name, &none);) {
        strncat(got, name.p, name.len);
        strncat(got, "/", 2);
    }
    s3p_buf_free(&out);
    if (strcmp(got, want) != 0)
        t_fail(__FILE__, __LINE__, "%s: %s, expected %s", key, got, want);
}

T_TEST(server_replication_targets_follow_priority)
{
    struct s3p_buf set;
    static const char rules[] =
        RULE(ALL PRIORITY(1) TO("one") WITH_MARKERS)
        RULE("<Filter><Prefix>a/</Prefix></Filter>" PRIORITY(2) TO("one") NO_MARKERS)
        RULE("<Filter><Prefix>a/b</Prefix></Filter>" PRIORITY(3) TO("two") WITH_MARKERS);
    T_EQ(replication(&set, rules), S3P_SE_NONE);
    targets(&set, "x", false, "one/");
    targets(&set, "x", true, "one/");
    targets(&set, "a/x", false, "one/");
    targets(&set, "a/x", true, ""); /* the higher rule is without markers */
    targets(&set, "a/b", false, "one/two/");
    targets(&set, "a/b", true, "two/");
    s3p_buf_free(&set);
}

T_TEST(server_throttle_rules)
{
    static const char *const bad[] = {
        "",        "b/p*",     "b/p*=1",       "b/p*=0/s", "b/p*=x/s",
        "b*=1/s",  "/p*=1/s",  "b/p=1/s",      "b/p*=1/d", "b/p*=1/s,x=1",
        "b/p*=/s", "b/p*=-1/s", "b/p*=1/s,burst=", "b/p*=1/s,burst=0", "b/p*=1000001/s"};
    struct s3p_err err = {0};
    struct s3p_srv_throttle t;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        T_EQ(s3p_srv_throttle_parse(&t, bad[i], &err), S3P_EINVAL);
    T_EQ(s3p_srv_throttle_parse(&t, "bkt/a*=b/*=120/m,burst=3", &err), 0);
    T_EQ(t.token_ns, S3P_S / 2);
    T_EQ(t.burst, 3);
    T_TRUE(s3p_srv_throttle_matches(&t, text("bkt"), text("a*=b/")));
    T_TRUE(s3p_srv_throttle_matches(&t, text("bkt"), text("a*=b/c")));
    T_TRUE(!s3p_srv_throttle_matches(&t, text("bkt"), text("a*=b")));
    T_TRUE(!s3p_srv_throttle_matches(&t, text("bkt2"), text("a*=b/c")));
    T_EQ(s3p_srv_throttle_parse(&t, "bkt/*=5/s", &err), 0);
    T_EQ(t.burst, 5);
    T_TRUE(s3p_srv_throttle_matches(&t, text("bkt"), text("")));
    T_TRUE(!s3p_srv_throttle_matches(&t, text("bk"), text("")));
    T_TRUE(!s3p_srv_throttle_matches(&t, text(""), text("")));
}

T_TEST(server_throttle_tokens)
{
    const struct s3p_srv_throttle t = {.burst = 3, .token_ns = 100};
    _Atomic int64_t full = 0;
    for (int i = 0; i < 3; i++)
        T_EQ(s3p_srv_throttle_take(&t, &full, 1000), 0);
    T_EQ(s3p_srv_throttle_take(&t, &full, 1000), 100);
    T_EQ(s3p_srv_throttle_take(&t, &full, 1040), 60); /* a refusal takes nothing */
    T_EQ(s3p_srv_throttle_take(&t, &full, 1100), 0);
    T_EQ(s3p_srv_throttle_take(&t, &full, 1100), 100);
    for (int i = 0; i < 3; i++) /* never fuller than full */
        T_EQ(s3p_srv_throttle_take(&t, &full, 9000), 0);
    T_EQ(s3p_srv_throttle_take(&t, &full, 9000), 100);
}

#define POLICY(inside) "{\"Version\":\"2012-10-17\",\"Statement\":[{" inside "}]}"
#define ALLOW "\"Effect\":\"Allow\","
#define ANYONE "\"Principal\":\"*\","
#define GET "\"Action\":\"s3:GetObject\","
#define OBJECTS "\"Resource\":\"arn:aws:s3:::bkt/*\""

T_TEST(server_policies)
{
    static const struct {
        const char *document;
        enum s3p_srv_error want;
        unsigned bits;
    } rows[] = {
        {POLICY(ALLOW ANYONE GET OBJECTS), S3P_SE_NONE, S3P_SRV_PUBLIC_READ},
        {POLICY(ALLOW "\"Principal\":{\"AWS\":[\"*\"]}," GET OBJECTS), S3P_SE_NONE, 1},
        {POLICY(ALLOW ANYONE "\"Action\":[\"s3:GetObject\",\"s3:ListBucket\"],"
                             "\"Resource\":[\"arn:aws:s3:::bkt/*\",\"arn:aws:s3:::bkt\"]"),
         S3P_SE_NONE, S3P_SRV_PUBLIC_READ | S3P_SRV_PUBLIC_LIST},
        {"", S3P_SE_POLICY, 0},
        {"{", S3P_SE_POLICY, 0},
        {"[]", S3P_SE_POLICY, 0},
        {"{\"Statement\":[]}", S3P_SE_POLICY, 0},
        {"{\"Statement\":1}", S3P_SE_POLICY, 0},
        {"{\"Version\":\"1\",\"Statement\":[{" ALLOW ANYONE GET OBJECTS "}]}", S3P_SE_POLICY, 0},
        {POLICY(ALLOW ANYONE GET "\"Resource\":\"arn:aws:s3:::other/*\""), S3P_SE_POLICY, 0},
        {POLICY(ALLOW ANYONE GET "\"Resource\":\"arn:aws:s3:::bkt\""), S3P_SE_POLICY, 0},
        {POLICY(ALLOW ANYONE OBJECTS), S3P_SE_POLICY, 0},
        {POLICY("\"Effect\":\"Maybe\"," ANYONE GET OBJECTS), S3P_SE_POLICY, 0},
        {POLICY("\"Effect\":\"Deny\"," ANYONE GET OBJECTS), S3P_SE_NOT_IMPLEMENTED, 0},
        {POLICY(ALLOW ANYONE "\"Action\":\"s3:*\"," OBJECTS), S3P_SE_NOT_IMPLEMENTED, 0},
        {POLICY(ALLOW ANYONE GET "\"Resource\":\"arn:aws:s3:::bkt/p/*\""), S3P_SE_NOT_IMPLEMENTED,
         0},
        {POLICY(ALLOW "\"Principal\":{\"AWS\":\"arn:aws:iam::1:root\"}," GET OBJECTS),
         S3P_SE_NOT_IMPLEMENTED, 0},
        {POLICY(ALLOW ANYONE GET OBJECTS ",\"Condition\":{}"), S3P_SE_NOT_IMPLEMENTED, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned bits;
        enum s3p_srv_error e = s3p_srv_policy_parse(text(rows[i].document), S3P_STR("bkt"), &bits);
        if (e != rows[i].want || (e == S3P_SE_NONE && bits != rows[i].bits))
            t_fail(__FILE__, __LINE__, "%s: %d and %u, expected %d", rows[i].document, e, bits,
                   rows[i].want);
    }
}
