/* From a history file to a verdict: each rule by a hand-made history, what is not checked,
 * evidence, tool errors. */
#include "tests/t.h"

#include <unistd.h>

#include "core/digest.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/make.h"

#define NO_PLAN "{}"
#define NO_MD5 "{\"etag_is_md5\":false}"

/* Judges the attempts of one key and expects exactly one violation, of this rule and guess; NULL:
 * none. */
static void expect_rule(const struct s3p_attempt *r, size_t n, const char *rule, const char *guess)
{
    struct t_make m;
    t_make_begin(&m, NO_PLAN, NO_MD5);
    for (size_t i = 0; i < n; i++)
        t_add(&m, r[i]);
    json_t *v = t_make_judge(&m, NULL);
    char *text = t_dump(v);
    if (rule == NULL) {
        if (strcmp(t_text(v, "consistency"), "held") != 0)
            t_fail(__FILE__, __LINE__, "expected held: %s", text);
    } else {
        if (t_rule(v, rule) != 1 || json_integer_value(json_object_get(v, "violations")) != 1)
            t_fail(__FILE__, __LINE__, "expected one %s: %s", rule, text);
        const json_t *w = t_witness(v, 0);
        T_STR(t_text(v, "consistency"), "violated");
        T_STR(t_text(w, "rule"), rule);
        T_STR(t_text(w, "bucket"), "main");
        T_STR(t_text(w, "key"), "keys/00000003");
        T_STR(t_text(w, "guess"), guess);
        T_TRUE(strlen(t_text(w, "sentence")) > 30 && strchr(t_text(w, "sentence"), '$') == NULL);
        size_t attempts = json_array_size(json_object_get(w, "attempts"));
        T_TRUE(attempts >= 1 && attempts <= 4);
        fprintf(stderr, "  %s: %s\n", rule, t_text(w, "sentence"));
    }
    s3p_free(text);
    json_decref(v);
}

#define EXPECT(rule, guess, ...)                                                                   \
    do {                                                                                           \
        const struct s3p_attempt r_[] = {__VA_ARGS__};                                             \
        expect_rule(r_, sizeof r_ / sizeof *r_, rule, guess);                                      \
    } while (0)

T_TEST(check_held)
{
    EXPECT(NULL, "", t_get(0, 3, 1, 2), t_put(1, 3, 3, 9), t_get(0, 3, 4, 6), t_get(1, 3, 5, 7),
           t_put(2, 3, 10, 12), t_get(2, 3, 13, 14));
    EXPECT(NULL, "", t_cas(1, 0, 3, 1, 2), t_refused(t_cas(2, 0, 3, 1, 3)), t_cas(3, 1, 3, 4, 5),
           t_refused(t_cas(4, 1, 3, 4, 6)), t_get(3, 3, 7, 8));
    EXPECT(NULL, "", t_lost(t_put(1, 3, 1, 2)), t_get(0, 3, 5, 6),
           t_get(1, 3, 7, 8));                                      /* it landed late */
    EXPECT(NULL, "", t_lost(t_put(1, 3, 1, 2)), t_get(0, 3, 5, 6)); /* or never */
}

T_TEST(check_register_rules)
{
    EXPECT("stale-read", "lost-ack-write", t_put(1, 3, 1, 2), t_put(2, 3, 3, 4), t_get(1, 3, 5, 6));
    EXPECT("stale-read", "nonmonotonic-reads", t_put(1, 3, 1, 20), t_put(2, 3, 1, 20),
           t_get(1, 3, 2, 3), t_get(2, 3, 4, 5), t_get(1, 3, 6, 7));
    EXPECT("zone-overlap", "nonmonotonic-reads",
           t_put(1, 3, 1, 20), t_put(2, 3, 1, 20), t_get(1, 3, 2, 3),
           t_get(2, 3, 4, 5), t_get(1, 3, 6, 7), t_get(2, 3, 8, 9));
    EXPECT("absent-after-ack", "overwrite-404-gap", t_put(1, 3, 1, 2), t_get(0, 3, 3, 4));
    EXPECT("future-read", "read-uncommitted", t_get(1, 3, 1, 2), t_put(1, 3, 3, 4));
    EXPECT("unwritten-value", "cross-key-body", t_put(1, 3, 1, 2), t_get(9, 3, 3, 4));
    EXPECT("failed-but-visible", "cond-failed-but-applied", t_cas(1, 0, 3, 1, 2),
           t_refused(t_cas(2, 1, 3, 3, 4)), t_get(2, 3, 5, 6));
    EXPECT("failed-but-visible", "cond-failed-but-applied", t_cas(1, 0, 3, 1, 2),
           t_refused(t_cas(2, 1, 3, 3, 5)), t_cas(3, 1, 3, 4, 6),
           t_get(2, 3, 7, 8)); /* and not a split brain as well */
    struct s3p_attempt late = t_get(1, 3, 5, 6);
    late.endpoint = 1;
    EXPECT("stale-read", "stale-read-replica", t_put(1, 3, 1, 2), t_put(2, 3, 3, 4), late);
}

T_TEST(check_conditional_rules)
{
    EXPECT("cas-split-brain", "im-check-then-act", t_cas(1, 0, 3, 1, 2), t_cas(2, 1, 3, 3, 5),
           t_cas(3, 1, 3, 4, 6));
    EXPECT("cas-split-brain", "cond-ignored", t_cas(1, 0, 3, 1, 2), t_cas(2, 1, 3, 3, 5),
           t_cas(3, 1, 3, 6, 7));
    EXPECT("create-twice", "inm-check-then-act", t_cas(1, 0, 3, 1, 3), t_cas(2, 0, 3, 2, 4));
    EXPECT("cas-ignored", "cond-ignored", t_put(1, 3, 1, 2), t_put(2, 3, 3, 4),
           t_cas(3, 1, 3, 5, 6));
    EXPECT("cas-ignored", "cond-ignored", t_put(1, 3, 1, 2), t_cas(2, 0, 3, 3, 4));
    EXPECT("cas-ignored", "cond-ignored", t_put(1, 3, 1, 2),
           t_cas(2, 9, 3, 3, 4)); /* an ETag that nobody had */
    EXPECT("stale-read", "lost-ack-write", t_cas(1, 0, 3, 1, 2), t_cas(2, 1, 3, 3, 4),
           t_get(1, 3, 5, 6));
    EXPECT("chain-infeasible", "cond-stale-eval", t_cas(1, 0, 3, 5, 9), t_cas(2, 1, 3, 1, 2));
    EXPECT("condition-false-negative", "cond-always-412", t_cas(1, 0, 3, 1, 2),
           t_refused(t_cas(2, 1, 3, 3, 4)), t_cas(3, 1, 3, 5, 6));
    EXPECT("condition-false-negative", "cond-always-412", t_cas(1, 0, 3, 1, 2),
           t_refused(t_cas(2, 1, 3, 3, 4)), t_get(1, 3, 5, 6));
    EXPECT("condition-false-negative", "cond-always-412", t_refused(t_cas(2, 0, 3, 1, 2)),
           t_cas(1, 0, 3, 3, 4));
    EXPECT("lost-update", "im-check-then-act", t_cas(1, 0, 3, 1, 20), t_put(2, 3, 3, 4),
           t_get(1, 3, 21, 22));
    EXPECT(NULL, "", t_cas(1, 0, 3, 1, 2), t_refused(t_cas(2, 1, 3, 3, 4)),
           t_lost(t_cas(3, 1, 3, 3, 4)));
}

static struct s3p_attempt body(struct s3p_attempt r, int verdict)
{
    r.body_verdict = (uint8_t)verdict;
    return r;
}

T_TEST(check_body_rules)
{
    struct s3p_attempt mixed = t_get(1, 3, 3, 4), head = t_get(1, 3, 3, 4), size = head;
    mixed.meta_id = t_value(2);
    EXPECT("body-torn", "torn-blocks", t_put(1, 3, 1, 2), body(t_get(1, 3, 3, 4), S3P_BODY_TORN));
    EXPECT("body-foreign", "cross-key-body", t_put(1, 3, 1, 2),
           body(t_get(9, 3, 3, 4), S3P_BODY_FOREIGN));
    EXPECT("body-corrupt", "zero-filled-tail", t_put(1, 3, 1, 2),
           body(t_get(1, 3, 3, 4), S3P_BODY_CORRUPT));
    EXPECT("body-length", "torn-get", t_put(1, 3, 1, 2), body(t_get(1, 3, 3, 4), S3P_BODY_SHORT));
    EXPECT("etag-mismatch", "torn-get", t_put(1, 3, 1, 2), mixed, t_put(2, 3, 5, 6));
    head.op = S3P_OP_HEAD;
    head.body_id = (struct s3p_id){{0}};
    head.body_verdict = S3P_BODY_NONE;
    EXPECT(NULL, "", t_put(1, 3, 1, 2), head);
    size = head;
    size.size++;
    EXPECT("body-length", "stale-head-fresh-get", t_put(1, 3, 1, 2), size);
    struct s3p_attempt cut = body(t_get(1, 3, 3, 4), S3P_BODY_SHORT);
    cut.outcome = S3P_UNKNOWN; /* the connection broke */
    EXPECT(NULL, "", t_put(1, 3, 1, 2), cut);
}

T_TEST(check_etag_rules)
{
    struct s3p_attempt wrong = t_put(1, 3, 1, 2), same = t_put(2, 3, 3, 4),
                       tagged = t_get(1, 3, 3, 4);
    wrong.etag = t_etag(50);
    EXPECT("etag-mismatch", "wrong-put-etag", wrong, t_get(1, 3, 3, 4));
    same.etag = t_etag(1);
    EXPECT("etag-mismatch", "im-fingerprint-aba", t_put(1, 3, 1, 2), same);
    tagged.etag = t_etag(51);
    EXPECT("etag-mismatch", "wrong-put-etag", t_put(1, 3, 1, 2), t_get(1, 3, 3, 4), tagged);
    same.size = 8; /* too short to differ */
    struct s3p_attempt tiny = t_put(1, 3, 1, 2);
    tiny.size = 8;
    EXPECT(NULL, "", tiny, same);
}

T_TEST(check_etag_md5)
{
    struct t_make m;
    struct s3p_body b = {t_value(1), 1001, s3p_key_hash("main", 4, "keys/00000003", 13)};
    struct s3p_attempt good = t_put(1, 3, 1, 2), bad = t_put(2, 3, 3, 4),
                       counter = t_put(3, 4, 1, 2);
    char json[S3P_COUNTER_BODY_MAX];
    s3p_body_md5(&b, good.etag.b);
    counter.body_kind = S3P_KIND_COUNTER;
    counter.counter = 17;
    counter.size = s3p_counter_body(json, t_value(3), 17);
    s3p_md5(json, counter.size, counter.etag.b);
    for (int required = 0; required < 2; required++) {
        t_make_begin(&m, NO_PLAN,
                     required ? "{\"etag_is_md5\":\"required\"}"
                              : "{\"etag_is_md5\":\"optional\"}");
        t_add(&m, good);
        t_add(&m, bad);
        t_add(&m, counter);
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_rule(v, "etag-mismatch"), required);
        if (required)
            T_STR(t_text(t_witness(v, 0), "guess"), "wrong-put-etag");
        json_decref(v);
    }
}

/* What another run wrote; the size of a range. */
T_TEST(check_load_borders)
{
    struct t_make m;
    struct s3p_attempt other = t_put(1, 3, 1, 2), range = t_get(2, 4, 3, 4);
    other.body_id.b[0] ^= 1;
    range.range_len = 10;
    range.size = 10;
    t_make_begin(&m, NO_PLAN, NO_MD5);
    t_add(&m, other);
    t_add(&m, t_get(0, 3, 3, 4)); /* would be a violation */
    t_add(&m, t_put(2, 4, 1, 2));
    t_add(&m, range);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(json_integer_value(json_object_get(v, "violations")), 0);
    T_EQ(t_skipped(v, "foreign-run", "keys"), 1);
    json_decref(v);
}

/* An ETag of another form is none of these bytes'; what is too much to be made again is said. */
T_TEST(check_etag_md5_bounds)
{
    static const char required[] = "{\"etag_is_md5\":\"required\"}";
    struct t_make m;
    struct s3p_body b = {t_value(1), 1001, s3p_key_hash("main", 4, "keys/00000003", 13)};
    struct s3p_attempt form = t_put(1, 3, 1, 2), large = t_put(2, 3, 3, 4),
                       after = t_put(3, 3, 5, 6);
    s3p_body_md5(&b, form.etag.b);
    form.etag_form = S3P_ETAG_HASHED;
    large.size = UINT64_C(1) << 40;
    t_make_begin(&m, NO_PLAN, required);
    t_add(&m, form);
    t_add(&m, large);
    t_add(&m, after);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "etag-mismatch"), 1);
    T_EQ(t_skipped(v, "etag-md5", "attempts"), 2);
    json_decref(v);
}

T_TEST(check_not_checked)
{
    static const struct {
        const char *reason;
        int flag, kind, op;
    } row[] = {
        {"constant-body", 0, S3P_KIND_CONSTANT, S3P_OP_PUT},
        {"multi-delivery", S3P_FLAG_MULTI_DELIVERY, S3P_KIND_CELLS, S3P_OP_PUT},
        {"foreign-writer", S3P_FLAG_FOREIGN, S3P_KIND_CELLS, S3P_OP_PUT},
        {"copy", 0, S3P_KIND_CELLS, S3P_OP_COPY},
        {"multipart", 0, S3P_KIND_CELLS, S3P_OP_COMPLETE_UPLOAD},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct t_make m;
        struct s3p_attempt r = t_put(1, 3, 1, 2);
        r.flags = (uint8_t)row[i].flag;
        r.body_kind = (uint8_t)row[i].kind;
        r.op = (uint8_t)row[i].op;
        t_make_begin(&m, NO_PLAN, NO_MD5);
        t_add(&m, r);
        t_add(&m, t_put(2, 3, 3, 4));
        t_add(&m, t_get(0, 3, 5, 6)); /* would be a violation */
        t_add(&m, t_put(3, 4, 1, 2));
        json_t *v = t_make_judge(&m, NULL);
        T_STR(t_text(v, "consistency"), "held");
        T_EQ(t_skipped(v, row[i].reason, "keys"), 1);
        T_EQ(t_skipped(v, row[i].reason, "attempts"), 3);
        T_EQ(json_integer_value(json_object_get(v, "keys")), 2);
        T_EQ(json_integer_value(json_object_get(v, "keys_checked")), 1);
        json_decref(v);
    }
}

T_TEST(check_foreign_run)
{
    struct t_make m;
    struct s3p_attempt r = t_get(1, 3, 3, 4);
    r.body_id = r.meta_id = s3p_id_make(0x999999, 1, 1);
    t_make_begin(&m, NO_PLAN, NO_MD5);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, r);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_skipped(v, "foreign-run", "keys"), 1);
    T_EQ(json_integer_value(json_object_get(v, "violations")), 0);
    T_STR(t_text(v, "consistency"), "inconclusive"); /* no key could be checked */
    json_decref(v);
}

/* A wrong key or a store that is not there: every attempt fails, and that is no promise kept. */
T_TEST(check_nothing_seen)
{
    struct s3p_attempt refused = t_put(1, 3, 1, 2), unread = t_get(0, 3, 3, 4);
    refused.outcome = unread.outcome = S3P_FAILED;
    refused.evidence = unread.evidence = S3P_EV_NONE;
    for (int seen = 0; seen < 2; seen++) {
        struct t_make m;
        t_make_begin(&m, NO_PLAN, NO_MD5);
        t_add(&m, refused);
        t_add(&m, unread);
        t_add(&m, t_lost(t_put(2, 3, 5, 6)));
        if (seen == 1)
            t_add(&m, t_get(0, 3, 7, 8));
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(json_integer_value(json_object_get(v, "violations")), 0);
        T_STR(t_text(v, "consistency"), seen == 1 ? "held" : "inconclusive");
        json_decref(v);
    }
}

/* Deletes at the end of a run constrain nothing before them. */
T_TEST(check_trailing_delete)
{
    struct s3p_attempt d = t_attempt(S3P_OP_DELETE_CHILD, 1, 3, 10, 11), early = d;
    d.outcome = S3P_OK_OUTCOME;
    early = d;
    early.t_call = t_put(1, 3, 4, 5).t_call;
    EXPECT("stale-read", "lost-ack-write", t_put(1, 3, 1, 2), t_put(2, 3, 3, 4), t_get(1, 3, 5, 6),
           d);
    EXPECT(NULL, "", t_put(1, 3, 1, 2), t_get(1, 3, 5, 6), d, t_lost(t_put(2, 3, 7, 8)));
    EXPECT(NULL, "", t_put(1, 3, 1, 2), early, t_get(0, 3, 5, 6));
}

static struct s3p_attempt delete_of(uint32_t expect, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_DELETE, 8, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 204;
    if (expect != 0) {
        r.cond = S3P_COND_IF_MATCH;
        r.expect_form = S3P_ETAG_DIGEST;
        r.expect_etag = t_etag(expect);
    }
    return r;
}

T_TEST(check_delete_rules)
{
    struct s3p_attempt refused = delete_of(1, 5, 6), lost = delete_of(0, 3, T_NEVER);
    refused.status = 412;
    refused.outcome = S3P_FAILED;
    refused.evidence = S3P_EV_NOT_MATCH;
    lost.status = 0;
    lost.outcome = S3P_UNKNOWN;
    lost.phase = 2;
    /* one delete behind all writes */
    EXPECT(NULL, "", t_put(1, 3, 1, 2), delete_of(0, 3, 6), t_get(1, 3, 4, 5), t_get(0, 3, 4, 7));
    EXPECT("present-after-delete", "delete-acked-not-applied",
           t_put(1, 3, 1, 2), delete_of(0, 3, 4),
           t_get(1, 3, 5, 6));
    EXPECT("absent-after-ack", "overwrite-404-gap", t_put(1, 3, 1, 2), t_get(0, 3, 3, 4),
           delete_of(0, 5, 6));
    EXPECT("cas-ignored", "cond-delete-ignored", t_put(1, 3, 1, 2), t_put(2, 3, 3, 4),
           delete_of(1, 5, 6),
           t_get(0, 3, 7, 8));
    /* written again */
    EXPECT(NULL, "", t_put(1, 3, 1, 2), delete_of(0, 3, 4), t_get(0, 3, 5, 6), t_put(2, 3, 7, 8),
           t_get(2, 3, 9, 10), delete_of(2, 11, 12), t_get(0, 3, 13, 14));
    EXPECT("absent-after-ack", "overwrite-404-gap", delete_of(0, 1, 2), t_put(1, 3, 3, 4),
           t_get(0, 3, 5, 6));
    EXPECT("present-after-delete", "delete-acked-not-applied",
           t_put(1, 3, 1, 2), delete_of(0, 3, 4),
           t_get(1, 3, 5, 6), t_put(2, 3, 7, 8));
    EXPECT("create-twice", "cond-ignored", delete_of(0, 1, 2), t_cas(1, 0, 3, 3, 4),
           t_cas(2, 0, 3, 5, 6), t_get(2, 3, 7, 8));
    EXPECT("condition-false-negative", "inm-marker-as-present", t_put(1, 3, 1, 2),
           delete_of(0, 3, 4),
           t_refused(t_cas(2, 0, 3, 5, 6)));
    EXPECT("condition-false-negative", "cond-always-412", t_put(1, 3, 1, 2), refused,
           t_get(1, 3, 7, 8), delete_of(0, 9, 10), t_put(2, 3, 11, 12));
    /* a lost delete may explain an absence, at any time, but once */
    EXPECT(NULL, "", t_put(1, 3, 1, 2), lost, t_get(1, 3, 4, 5), t_get(0, 3, 6, 7));
    EXPECT("zone-overlap", "nonmonotonic-reads",
           t_put(1, 3, 1, 2), lost, t_get(0, 3, 6, 7), t_put(2, 3, 8, 9),
           t_get(2, 3, 10, 11), t_get(0, 3, 12, 13));
}

static struct s3p_attempt asks(struct s3p_attempt get, int cond, uint32_t n)
{
    get.cond = (uint8_t)cond;
    get.expect_form = n != 0 ? S3P_ETAG_DIGEST : S3P_ETAG_NONE;
    get.expect_etag = t_etag(n);
    if (n == 0)
        memset(&get.expect_etag, 0, sizeof get.expect_etag);
    return get;
}

/* A read does not show what its condition excludes. */
T_TEST(check_read_conditions)
{
    struct s3p_attempt bare = t_get(1, 3, 3, 4), other = asks(bare, S3P_COND_IF_MATCH, 2);
    bare.etag_form = S3P_ETAG_NONE;
    bare.part_number = 1; /* looked at anyhow */
    memset(&bare.etag, 0, sizeof bare.etag);
    other.expect_form = S3P_ETAG_HASHED;
    EXPECT(NULL, "", t_put(1, 3, 1, 2), asks(t_get(1, 3, 3, 4), S3P_COND_IF_MATCH, 1));
    EXPECT(NULL, "", t_put(1, 3, 1, 2), asks(t_get(1, 3, 3, 4), S3P_COND_IF_NONE_MATCH, 2));
    EXPECT("read-condition-ignored", "range-mixes-versions", t_put(1, 3, 1, 2),
           asks(t_get(1, 3, 3, 4), S3P_COND_IF_MATCH, 2));
    EXPECT("read-condition-ignored", "range-mixes-versions", t_put(1, 3, 1, 2),
           asks(t_get(1, 3, 3, 4), S3P_COND_IF_NONE_MATCH, 1));
    EXPECT("etag-mismatch", "torn-get", t_put(1, 3, 1, 2),
           asks(bare, S3P_COND_IF_NONE_MATCH, 0)); /* and nothing else */
    EXPECT(NULL, "", t_put(1, 3, 1, 2), other);
}

/* A lost create may explain a refusal, and then the key is there. */
T_TEST(check_unknown_explains)
{
    struct s3p_attempt gone = delete_of(0, 3, 4);
    EXPECT(NULL, "", t_put(1, 3, 1, 2), gone, t_lost(t_cas(2, 0, 3, 5, 6)),
           t_refused(t_cas(3, 0, 3, 7, 8)), t_get(2, 3, 9, 10));
    EXPECT("absent-after-ack", "overwrite-404-gap", t_put(1, 3, 1, 2), gone,
           t_lost(t_cas(2, 0, 3, 5, 6)), t_refused(t_cas(3, 0, 3, 7, 8)), t_get(0, 3, 9, 10));
}

/* More writes at once than the search can tell apart: the window is not decided, and that is said.
 */
T_TEST(check_search_gives_up)
{
    struct t_make m;
    t_make_begin(&m, NO_PLAN, NO_MD5);
    for (uint32_t n = 1; n <= 70; n++)
        t_add(&m, t_put(n, 3, 100, 200));
    t_add(&m, delete_of(0, 100, 200));
    for (uint32_t n = 1; n <= 70; n++)
        t_add(&m, t_get(n, 3, 100, 200));
    t_add(&m, t_get(0, 3, 300, 310));
    t_add(&m, t_put(71, 4, 1, 2));
    json_t *v = t_make_judge(&m, NULL);
    T_STR(t_text(v, "consistency"), "inconclusive");
    T_EQ(t_skipped(v, "search-gave-up", "keys"), 1);
    T_EQ(t_skipped(v, "search-gave-up", "attempts"), 141);
    T_EQ(json_integer_value(json_object_get(v, "windows")), 3);
    const json_t *unknown = json_object_get(v, "unknown_windows");
    T_EQ(json_integer_value(json_object_get(unknown, "count")), 1);
    const json_t *first = json_array_get(json_object_get(unknown, "first"), 0);
    T_STR(t_text(first, "key"), "keys/00000003");
    T_STR(t_text(first, "bucket"), "main");
    T_EQ(json_integer_value(json_object_get(first, "from_ns")), 100000000);
    T_EQ(json_integer_value(json_object_get(first, "to_ns")), 200000000);
    const char *why = json_string_value(json_array_get(json_object_get(v, "because"), 0));
    T_TRUE(why != NULL && strncmp(why, "search-gave-up: 1 of 3 windows", 30) == 0);
    json_decref(v);
}

/* Each refusal says when the next value came, if it is known when its own one did. */
T_TEST(check_chain_of_refusals)
{
    static const struct {
        uint32_t length;
        int64_t unjudged;
    } of[] = {{60, 0}, {70, 69}}; /* more than the checker goes through */
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        struct t_make m;
        t_make_begin(&m, NO_PLAN, NO_MD5);
        for (uint32_t n = 1; n <= of[k].length; n++)
            t_add(&m, t_cas(n, n - 1, 3, 1, 5000));
        t_add(&m, t_get(1, 3, 2, 10));
        for (uint32_t n = 1; n < of[k].length; n++)
            t_add(&m, t_refused(t_cas(1000 + n, n, 3, 10 * n + 1, 10 * n + 10)));
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(json_integer_value(json_object_get(v, "violations")), 0);
        T_EQ(t_skipped(v, "negatives", "attempts"), of[k].unjudged);
        json_decref(v);
    }
}

static void add_page(struct t_make *m, const uint32_t *value, size_t n, int64_t call_ms,
                     int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_LIST, 60, S3P_NO_INDEX, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    s3p_append_begin(m->a, 64, n);
    for (size_t i = 0; i < n; i++) {
        struct s3p_entry e = {
            .key_index = i, .size = 1000 + value[i], .etag_form = S3P_ETAG_DIGEST};
        s3p_etag_bytes tag = t_etag(value[i]);
        memcpy(e.etag, tag.b, 16);
        uint32_t at = s3p_append_entry(m->a, &e);
        r.entries_first = i == 0 ? at : r.entries_first;
    }
    r.entries_count = (uint32_t)n;
    t_add(m, r);
}

T_TEST(check_list)
{
    struct t_make m;
    t_make_begin(&m, NO_PLAN, NO_MD5);
    t_add(&m, t_put(1, 0, 1, 2));
    t_add(&m, t_put(2, 0, 3, 4)); /* overwrites 1 */
    t_add(&m, t_put(3, 1, 1, 2));
    t_add(&m, t_put(4, 2, 1, 2));
    t_add(&m, t_put(5, 3, 1, 2));
    t_add(&m, t_lost(t_put(6, 3, 1, 2)));
    add_page(&m, (const uint32_t[]){1, 3, 99, 99}, 4, 5,
             6); /* stale, right, nobody's, perhaps the lost one's */
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "stale-read"), 1);
    T_EQ(t_rule(v, "unwritten-value"), 1);
    T_EQ(json_integer_value(json_object_get(v, "violations")), 2);
    T_EQ(t_skipped(v, "etag-unresolved", "attempts"), 1);
    T_EQ(t_skipped(v, "list-negatives", "attempts"), 0);
    T_EQ(t_rule(v, "list-missing"), 0);
    T_EQ(json_integer_value(json_object_get(v, "keys_checked")), 4);
    json_decref(v);
}

/* A teardown: the deletes carry a clock reading that is a little older than the end of the page
 * that caused them. */
T_TEST(check_teardown)
{
    for (uint32_t listed = 1; listed <= 2; listed++) {
        struct t_make m;
        struct s3p_attempt d = t_attempt(S3P_OP_DELETE_CHILD, 60, 0, 7, 9);
        d.outcome = S3P_OK_OUTCOME;
        t_make_begin(&m, NO_PLAN, NO_MD5);
        t_add(&m, t_put(1, 0, 1, 2));
        t_add(&m, t_put(2, 0, 3, 4));
        add_page(&m, &listed, 1, 6, 8);
        t_add(&m, d);
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(json_integer_value(json_object_get(v, "keys_checked")), 1);
        T_EQ(t_rule(v, "stale-read"), listed == 1);
        json_decref(v);
    }
}

T_TEST(check_not_modified)
{
    struct s3p_attempt same = t_attempt(S3P_OP_GET, 5, 3, 5, 6);
    same.cond = S3P_COND_IF_NONE_MATCH;
    same.status = 304;
    same.outcome = S3P_FAILED;
    same.evidence = S3P_EV_MATCH;
    same.expect_form = S3P_ETAG_DIGEST;
    same.expect_etag = t_etag(2);
    EXPECT(NULL, "", t_put(1, 3, 1, 2), t_put(2, 3, 3, 4), same);
    same.expect_etag = t_etag(1);
    EXPECT("stale-read", "lost-ack-write", t_put(1, 3, 1, 2), t_put(2, 3, 3, 4), same);
}

/* "hot" by space 2 and by the literal's space 1 is one key; "keys/00000007" too. */
T_TEST(check_aliases)
{
    struct t_make m;
    struct s3p_attempt a = t_put(1, 0, 1, 2), b = t_get(1, 0, 3, 4), c = t_put(2, 1, 1, 2);
    t_make_begin(&m, "{\"require\":{\"hot\":{\"acked_writes\":1,\"reads\":1}}}", NO_MD5);
    a.space = 1;
    b.space = 2;
    c.space = 1;
    t_add(&m, a);
    t_add(&m, b);
    t_add(&m, c);
    t_add(&m, t_get(2, 7, 3, 4));
    json_t *v = t_make_judge(&m, NULL);
    T_STR(t_text(v, "consistency"), "held");
    T_EQ(json_integer_value(json_object_get(v, "keys")), 2);
    const json_t *all = json_object_get(json_object_get(v, "evidence"), "*");
    T_EQ(json_integer_value(json_object_get(all, "acked_writes")), 2);
    T_EQ(json_integer_value(json_object_get(all, "reads")), 2);
    json_decref(v);
}

T_TEST(check_evidence)
{
    struct t_make m;
    t_make_begin(
        &m,
        "{\"require\":{\"keys\":{\"acked_writes\":4,\"reads\":2,\"cas_commits\":1,\"overlap\":0.5,"
        "\"max_in_flight\":3},\"*\":{\"reads\":5}}}",
        NO_MD5);
    t_add(&m, t_put(1, 3, 1, 10));
    t_add(&m, t_put(2, 3, 2, 9));
    t_add(&m, t_put(3, 3, 3, 4));
    t_add(&m, t_put(4, 3, 12, 13));
    t_add(&m, t_lost(t_put(5, 3, 20, 21)));
    t_add(&m, t_get(4, 3, 14, 15));
    t_add(&m, t_get(4, 3, 16, 17));
    json_t *v = t_make_judge(&m, NULL);
    const json_t *e = json_object_get(json_object_get(v, "evidence"), "keys");
    T_EQ(json_integer_value(json_object_get(e, "acked_writes")), 4);
    T_EQ(json_integer_value(json_object_get(e, "reads")), 2);
    T_EQ(json_integer_value(json_object_get(e, "unknown")), 1);
    T_EQ(json_integer_value(json_object_get(e, "max_in_flight")), 3);
    T_EQ((int64_t)(json_real_value(json_object_get(e, "overlap")) * 100 + 0.5), 60);
    T_STR(t_text(v, "consistency"), "inconclusive");
    T_EQ(json_array_size(json_object_get(v, "require")), 6);
    T_EQ(json_array_size(json_object_get(v, "because")), 2); /* cas_commits, and reads of all */
    json_decref(v);
}

T_TEST(check_own_rules)
{
    struct t_make m;
    struct s3p_err err;
    struct s3p_attempt r = t_put(1, 3, 1, 2);
    t_make_begin(&m, NO_PLAN, NO_MD5);
    r.t_return = r.t_call - 1;
    t_add(&m, t_put(2, 3, 1, 2));
    t_add(&m, r);
    T_EQ(t_make_fail(&m, NULL, &err), S3P_EFORMAT);
    T_TRUE(strstr(err.msg, "record 1") != NULL);
    t_make_begin(&m, NO_PLAN, NO_MD5);
    t_add(&m, t_put(2, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    T_EQ(t_make_fail(&m, NULL, &err), S3P_EFORMAT);
    T_TRUE(strstr(err.msg, "record 1") != NULL && strstr(err.msg, "record 0") != NULL);
    t_make_begin(&m, NO_PLAN, NO_MD5);
    r = t_put(2, 3, 1, 2);
    r.space = 9;
    t_add(&m, r);
    T_EQ(t_make_fail(&m, NULL, &err), S3P_EFORMAT);
    t_make_begin(&m, NO_PLAN, NO_MD5);
    T_EQ(t_make_fail(&m, &(struct s3p_check_opts){.threads = 65}, &err), S3P_EINVAL);
}

T_TEST(check_memory_fails)
{
    struct t_make m;
    struct s3p_err err;
    int rc = S3P_ENOMEM;
    t_make_begin(&m, "{\"require\":{\"keys\":{\"reads\":5}}}", NO_MD5);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    t_add(&m, t_get(1, 3, 5, 6));
    t_make_close(&m);
    for (int64_t n = 1; rc == S3P_ENOMEM && n < 1000; n++) {
        struct s3p_verdict *v = NULL;
        s3p_alloc_fail_at(n);
        rc = s3p_check_file(&v, m.path, NULL, &err);
        s3p_alloc_fail_at(0);
        T_TRUE((v != NULL) == (rc == 0));
        s3p_verdict_free(v);
    }
    unlink(m.path);
    T_EQ(rc, 0);
}
