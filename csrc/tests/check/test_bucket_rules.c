/* Rules of buckets: what the store may remove by itself, what it may not, and replicas; each
 * violation beside its legal neighbour. A day is 100 ms. */
#include "tests/t.h"

#include <stdio.h>
#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

#define PROFILE "{\"etag_is_md5\":false,\"lifecycle_day_ms\":100}"
#define SIDE 1 /* the second bucket */

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", PROFILE);
}

static void add_rules(struct t_make *m, int op, int64_t call_ms, const char *rules)
{
    struct s3p_attempt r = t_attempt(op, 60, S3P_NO_INDEX, call_ms, call_ms + 1);
    char text[256];
    snprintf(text, sizeof text, "rules=%s", rules);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    t_add_texts(m, r, (struct t_texts){.args = text});
}

static void expires(struct t_make *m, int64_t call_ms, const char *rule)
{
    add_rules(m, S3P_OP_PUT_LIFECYCLE, call_ms, rule);
}

static void expect(int line, struct t_make *m, const char *rule)
{
    json_t *v = t_make_judge(m, NULL);
    char *text = t_dump(v);
    if ((json_integer_value(json_object_get(v, "violations")) != 0) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) == 0))
        t_fail(__FILE__, line, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    if (rule != NULL)
        fprintf(stderr, "  %s: %s\n", rule, t_text(t_witness(v, 0), "sentence"));
    s3p_free(text);
    json_decref(v);
}
#define EXPECT(m, rule) expect(__LINE__, m, rule)

/* One object, written in [2, 3], and a read that finds nothing. */
static void expect_gone(int line, const char *rules, int64_t rules_ms, int64_t read_ms,
                        struct s3p_attempt put, const char *rule)
{
    struct t_make m;
    begin(&m);
    expires(&m, rules_ms, rules);
    t_add(&m, put);
    t_add(&m, t_get(0, 3, read_ms, read_ms + 1));
    expect(line, &m, rule);
}
#define GONE(rules, rules_ms, read_ms, put, rule)                                                  \
    expect_gone(__LINE__, rules, rules_ms, read_ms, put, rule)

static struct s3p_attempt tagged(struct s3p_attempt r)
{
    r.flags |= S3P_FLAG_TAGGED;
    return r;
}

T_TEST(bucket_rules_current)
{
    const struct s3p_attempt put = t_put(1, 3, 2, 3); /* of 1001 bytes */
    GONE("[{\"days\":1}]", 0, 101, put, NULL);
    GONE("[{\"days\":1}]", 0, 90, put, "absent-after-ack");
    GONE("[{\"days\":2}]", 0, 150, put, "absent-after-ack");
    GONE("[{\"days\":2},{\"days\":1}]", 0, 150, put, NULL);
    GONE("[{\"days\":1},{\"days\":2}]", 0, 150, put, NULL);
    GONE("[{\"days\":184467440738}]", 0, 150, put, "absent-after-ack"); /* past 2^64 ns */
    GONE("[{\"days\":1}]", 150, 149, put, NULL);
    GONE("[{\"days\":1}]", 150, 140, put, "absent-after-ack");
    GONE("[{\"days\":1,\"prefix\":\"keys/\"}]", 0, 200, put, NULL);
    GONE("[{\"days\":1,\"prefix\":\"other/\"}]", 0, 200, put, "absent-after-ack");
    GONE("[{\"days\":1,\"prefix\":\"keys/00000003\"}]", 0, 200, put, NULL);
    GONE("[{\"days\":1,\"prefix\":\"keys/000000030\"}]", 0, 200, put, "absent-after-ack");
    GONE("[{\"days\":1,\"above\":1000}]", 0, 200, put, NULL);
    GONE("[{\"days\":1,\"above\":1001}]", 0, 200, put, "absent-after-ack");
    GONE("[{\"days\":1,\"below\":1002}]", 0, 200, put, NULL);
    GONE("[{\"days\":1,\"below\":1001}]", 0, 200, put, "absent-after-ack");
    GONE("[{\"days\":1,\"tags\":3}]", 0, 200, tagged(put), NULL);
    GONE("[{\"days\":1,\"tags\":3}]", 0, 200, put, "absent-after-ack");
    GONE("[{\"noncurrent_days\":1}]", 0, 200, put, "absent-after-ack");
    GONE("[{\"abort_days\":1}]", 0, 200, put, "absent-after-ack");
    struct s3p_attempt empty = put;
    empty.size = 0;
    GONE("[{\"days\":1}]", 0, 200, empty, NULL);
    GONE("[{\"days\":1,\"above\":1}]", 0, 200, empty, "absent-after-ack");
}

T_TEST(bucket_rules_that_do_not_apply)
{
    static const char days[] = "[{\"days\":1}]", tags[] = "[{\"days\":1,\"tags\":3}]";
    struct t_make m;
    struct s3p_attempt r = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 0, 1);
    begin(&m); /* refused */
    r.outcome = S3P_FAILED;
    t_add_texts(&m, r, (struct t_texts){.args = "rules=[{\"days\":1}]"});
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_get(0, 3, 200, 201));
    EXPECT(&m, "absent-after-ack");
    begin(&m); /* the second time it was delivered */
    r.flags = S3P_FLAG_MULTI_DELIVERY;
    t_add_texts(&m, r, (struct t_texts){.args = "rules=[{\"days\":1}]"});
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_get(0, 3, 200, 201));
    EXPECT(&m, NULL);
    r.flags = 0;
    begin(&m); /* another bucket's */
    r.outcome = S3P_OK_OUTCOME;
    r.bucket = SIDE;
    t_add_texts(&m, r, (struct t_texts){.args = "rules=[{\"days\":1}]"});
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_get(0, 3, 200, 201));
    EXPECT(&m, "absent-after-ack");
    static const struct {
        int op;
        uint8_t outcome;
        const char *rule;
    } later[] = {{S3P_OP_PUT_TAGS, S3P_OK_OUTCOME, NULL},
                 {S3P_OP_PUT_TAGS, S3P_FAILED, "absent-after-ack"},
                 {S3P_OP_DELETE_TAGS, S3P_OK_OUTCOME, "absent-after-ack"}};
    for (size_t k = 0; k < sizeof later / sizeof *later; k++) { /* tags that come later, or go */
        begin(&m);
        expires(&m, 0, tags);
        t_add(&m, t_put(1, 3, 2, 3));
        r = t_attempt(later[k].op, 5, 3, 4, 5);
        r.outcome = later[k].outcome;
        t_add(&m, r);
        t_add(&m, t_get(0, 3, 200, 201));
        EXPECT(&m, later[k].rule);
    }
    t_make_begin(&m, "{}", /* of servers whose clocks differ */
                 "{\"etag_is_md5\":false,\"lifecycle_day_ms\":100,\"max_clock_skew_ms\":20}");
    expires(&m, 0, days);
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_get(0, 3, 90, 91));
    EXPECT(&m, NULL);
}

/* An upload is as old as its beginning, which may have been long ago, and of a size that its record
 * does not say. */
T_TEST(bucket_rules_of_completed_uploads)
{
    static const struct {
        const char *rule, *profile;
    } of[] = {{"[{\"days\":1}]", PROFILE},
              {"[{\"days\":1,\"above\":5000}]", PROFILE},
              {"[{\"days\":1}]", "{\"etag_is_md5\":false,\"lifecycle_day_ms\":100,"
                                "\"max_clock_skew_ms\":200}"}};
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        struct t_make m;
        t_make_begin(&m, "{}", of[k].profile);
        expires(&m, 0, of[k].rule);
        struct s3p_attempt r = t_attempt(S3P_OP_COMPLETE_UPLOAD, 1, 3, 50, 51);
        r.outcome = S3P_OK_OUTCOME;
        r.evidence = S3P_EV_VALUE;
        r.meta_id = t_nth(1, 1);
        r.body_id = t_nth(1, 2);
        t_add_texts(&m, r, (struct t_texts){.upload = "u"});
        t_add(&m, t_get(0, 3, 60, 61));
        EXPECT(&m, NULL);
    }
}

/* What expired stays away, and what was written since has an age of its own. */
T_TEST(bucket_rules_one_way)
{
    struct t_make m;
    for (int back = 0; back < 2; back++) {
        begin(&m);
        expires(&m, 0, "[{\"days\":1}]");
        t_add(&m, t_put(1, 3, 2, 3));
        t_add(&m, t_get(0, 3, 110, 111));
        t_add(&m, t_get(back != 0, 3, 120, 121));
        EXPECT(&m, back ? "present-after-delete" : NULL);
    }
    for (int old = 0; old < 2; old++) {
        begin(&m);
        expires(&m, 0, "[{\"days\":1}]");
        t_add(&m, t_put(1, 3, 2, 3));
        t_add(&m, t_put(2, 3, 80, 81));
        t_add(&m, t_get(0, 3, old ? 190 : 150, old ? 191 : 151));
        EXPECT(&m, old ? NULL : "zone-overlap");
    }
}

static void add_version(struct t_make *m, struct s3p_attempt r, const char *version)
{
    t_add_texts(m, r, (struct t_texts){.version = version});
}

static void add_asked(struct t_make *m, struct s3p_attempt r, const char *asked)
{
    t_add_texts(m, r,
                (struct t_texts){.asked = asked, .code = r.status == 404 ? "NoSuchVersion" : NULL});
}

/* v1 and, at 50, v2 in its place; then v1 or v2 is asked for. */
static void expect_version(int line, const char *rules, int64_t read_ms, const char *asked,
                           const char *rule)
{
    struct t_make m;
    begin(&m);
    expires(&m, 0, rules);
    add_version(&m, t_put(1, 3, 2, 3), "v1");
    add_version(&m, t_put(2, 3, 50, 51), "v2");
    add_asked(&m, t_get(0, 3, read_ms, read_ms + 1), asked);
    expect(line, &m, rule);
}
#define VERSION(rules, read_ms, asked, rule) expect_version(__LINE__, rules, read_ms, asked, rule)

T_TEST(bucket_rules_noncurrent)
{
    VERSION("[{\"noncurrent_days\":1}]", 150, "v1", NULL);
    VERSION("[{\"noncurrent_days\":1}]", 140, "v1", "version-lost");
    VERSION("[{\"noncurrent_days\":1}]", 400, "v2", "version-lost"); /* it is current */
    VERSION("[{\"noncurrent_days\":1,\"tags\":2}]", 400, "v1", "version-lost");
    VERSION("[{\"noncurrent_days\":1},{\"noncurrent_days\":2}]", 150, "v1", NULL);
    VERSION("[{\"noncurrent_days\":2},{\"noncurrent_days\":1}]", 150, "v1", NULL);
    VERSION("[{\"days\":1}]", 400, "v2", "version-lost"); /* a marker hides it */
    VERSION("[{\"days\":1,\"noncurrent_days\":1}]", 260, "v2", NULL);
    VERSION("[{\"days\":1,\"noncurrent_days\":1}]", 240, "v2", "version-lost");
}

/* What may have come in the place of v1. */
T_TEST(bucket_rules_replaced)
{
    static const char days[] = "[{\"noncurrent_days\":1}]";
    for (int k = 0; k < 4; k++) {
        struct t_make m;
        struct s3p_attempt other = k == 0   ? t_put(2, 3, 50, 51) /* refused */
                                   : k == 1 ? t_put(2, 3, 1, 2)   /* before it */
                                   : k == 2 ? t_put(2, 3, 1, 3)   /* at its time */
                                            : t_put(2, 3, 1, 2);  /* perhaps later */
        other.outcome = k == 0 ? S3P_FAILED : k == 3 ? S3P_UNKNOWN : S3P_OK_OUTCOME;
        other.evidence = other.outcome == S3P_OK_OUTCOME ? S3P_EV_VALUE : S3P_EV_NONE;
        begin(&m);
        expires(&m, 0, days);
        if (other.outcome == S3P_OK_OUTCOME)
            add_version(&m, other, "v0");
        else
            t_add(&m, other);
        add_version(&m, t_put(1, 3, 3, 4), "v1");
        add_asked(&m, t_get(0, 3, 400, 401), "v1");
        EXPECT(&m, k < 2 ? "version-lost" : NULL);
    }
}

/* A page without the key. */
static void expect_page(int line, const char *rules, int64_t read_ms, const char *rule)
{
    struct t_make m;
    begin(&m);
    expires(&m, 0, rules);
    t_add(&m, t_put(1, 3, 2, 3));
    struct s3p_attempt page =
        t_attempt(S3P_OP_LIST, 90, S3P_NO_INDEX, read_ms, read_ms + 1);
    page.outcome = S3P_OK_OUTCOME;
    page.status = 200;
    t_add_texts(&m, page, (struct t_texts){.args = ""});
    expect(line, &m, rule);
}

/* Neither reads nor deletes are what expires. */
T_TEST(bucket_rules_pages_of_what_expires)
{
    for (int put_again = 0; put_again < 2; put_again++) {
        struct t_make m;
        struct s3p_attempt del = t_attempt(S3P_OP_DELETE, 5, 3, 4, 5);
        struct s3p_attempt page = t_attempt(S3P_OP_LIST, 90, S3P_NO_INDEX, 250, 251);
        del.outcome = page.outcome = S3P_OK_OUTCOME;
        page.status = 200;
        begin(&m);
        expires(&m, 0, put_again ? "[{\"days\":1}]" : "[{\"days\":1,\"above\":5000}]");
        t_add(&m, put_again ? del : t_put(1, 3, 2, 3));
        t_add(&m, put_again ? t_put(1, 3, 190, 191) : t_get(1, 3, 4, 5));
        t_add_texts(&m, page, (struct t_texts){.args = ""});
        EXPECT(&m, "list-missing");
    }
}

/* A marker that a delete made, perhaps of a version "a", and a page of versions with those that are
 * shown. */
static void expect_marker(int line, int op, const char *rules, bool hides, const char *shown,
                          const char *rule)
{
    struct t_make m;
    struct s3p_attempt del = t_attempt(op, 5, 3, 4, 5);
    struct s3p_attempt page = t_attempt(S3P_OP_LIST_VERSIONS, 90, S3P_NO_INDEX, 200, 200);
    uint32_t n = 0;
    del.outcome = page.outcome = S3P_OK_OUTCOME;
    del.flags = S3P_FLAG_DELETE_MARKER;
    begin(&m);
    expires(&m, 0, rules);
    if (hides)
        add_version(&m, t_put(1, 3, 2, 3), "a");
    add_version(&m, del, "m");
    s3p_append_begin(m.a, 256, 4);
    for (const char *p = shown; *p != 0; p++, n++) {
        struct s3p_entry e = {.key_index = 3};
        e.version_id = s3p_append_text(m.a, p, 1);
        e.flags = (uint8_t)((n == 0 ? S3P_ENTRY_LATEST : 0) | (*p == 'm' ? S3P_ENTRY_MARKER : 0));
        uint32_t at = s3p_append_entry(m.a, &e);
        page.entries_first = n == 0 ? at : page.entries_first;
    }
    page.entries_count = n;
    page.list_args = s3p_append_text(m.a, "", 0);
    s3p_append(m.a, &page);
    expect(line, &m, rule);
}

/* What rules of other things leave alone, and what they may do to a marker and what it hides. */
T_TEST(bucket_rules_markers)
{
    static const int ops[] = {S3P_OP_DELETE, S3P_OP_DELETE_CHILD};
    for (int k = 0; k < 2; k++) {
#define MARKER(rules, hides, shown, rule)                                                          \
    expect_marker(__LINE__, ops[k], rules, hides, shown, rule)
        MARKER("[{\"days\":1}]", true, "ma", NULL);
        MARKER("[{\"days\":1}]", true, "m", "list-missing"); /* what is hidden is not gone */
        MARKER("[{\"days\":1}]", false, "", NULL);
        MARKER("[{\"days\":1,\"above\":10}]", false, "", "list-missing");
        MARKER("[{\"days\":1,\"below\":9999}]", false, "", "list-missing");
        MARKER("[{\"days\":1,\"tags\":3}]", false, "", "list-missing");
        MARKER("[{\"markers\":true}]", false, "", NULL);
        MARKER("[{\"abort_days\":1}]", false, "", "list-missing");
        MARKER("[{\"days\":1}]", false, "mx", "list-phantom"); /* none hides a marker */
    }
    GONE("[{\"markers\":true}]", 0, 200, t_put(1, 3, 2, 3), "absent-after-ack");
}

T_TEST(bucket_rules_pages)
{
    expect_page(__LINE__, "[{\"days\":1}]", 102, NULL);
    expect_page(__LINE__, "[{\"days\":1}]", 90, "list-missing");
    expect_page(__LINE__, "[{\"days\":1,\"prefix\":\"other/\"}]", 200, "list-missing");
}

/* An upload that was begun in [2, 3] and has a part since 5, and a page without it, or without the
 * part. */
static void expect_upload(int line, int op, const char *rules, int64_t rules_ms, int64_t read_ms,
                          const char *rule)
{
    static const int sends[] = {S3P_OP_CREATE_UPLOAD, S3P_OP_UPLOAD_PART};
    struct t_make m;
    begin(&m);
    expires(&m, rules_ms, rules);
    for (int k = 0; k < 2; k++) {
        struct s3p_attempt r = t_attempt(sends[k], 5, 3, 2 + 2 * k, 3 + 2 * k);
        r.outcome = S3P_OK_OUTCOME;
        r.part_number = (uint32_t)k;
        t_add_texts(&m, r, (struct t_texts){.upload = "u"});
    }
    struct s3p_attempt page = t_attempt(op, 90, op == S3P_OP_LIST_PARTS ? 3 : S3P_NO_INDEX, read_ms,
                                        read_ms + 1);
    page.outcome = S3P_OK_OUTCOME;
    page.status = 200;
    t_add_texts(&m, page, (struct t_texts){.args = "",
                                           .upload = op == S3P_OP_LIST_PARTS ? "u" : NULL});
    expect(line, &m, rule);
}

/* What was not completed goes, with its parts, when it is old. */
T_TEST(bucket_rules_uploads)
{
    static const int ops[] = {S3P_OP_LIST_UPLOADS, S3P_OP_LIST_PARTS};
    for (int k = 0; k < 2; k++) {
        const char *missing = "list-missing";
#define UPLOAD(rules, rules_ms, read_ms, rule)                                                     \
    expect_upload(__LINE__, ops[k], rules, rules_ms, read_ms, rule)
        UPLOAD("[{\"abort_days\":1}]", 0, 101, NULL);
        UPLOAD("[{\"abort_days\":1}]", 0, 90, missing);
        UPLOAD("[{\"abort_days\":1}]", 150, 149, NULL);
        UPLOAD("[{\"abort_days\":1}]", 150, 140, missing);
        UPLOAD("[{\"abort_days\":2}]", 0, 150, missing);
        UPLOAD("[{\"abort_days\":2},{\"abort_days\":1}]", 0, 150, NULL);
        UPLOAD("[{\"abort_days\":1},{\"abort_days\":2}]", 0, 150, NULL);
        UPLOAD("[{\"abort_days\":1,\"prefix\":\"keys/\"}]", 0, 200, NULL);
        UPLOAD("[{\"abort_days\":1,\"prefix\":\"other/\"}]", 0, 200, missing);
        UPLOAD("[{\"days\":1,\"noncurrent_days\":1}]", 0, 200, missing);
    }
}

/* Whoever looks, in whatever order of the file. */
T_TEST(bucket_rules_objects_looked_at_twice)
{
    struct t_make m;
    begin(&m); /* it may be gone by the later look, and is there at the earlier one */
    expires(&m, 0, "[{\"days\":1}]");
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_get(0, 3, 150, 151));
    t_add(&m, t_get(1, 3, 50, 51));
    EXPECT(&m, NULL);
    begin(&m); /* gone before its day, although it may be by the later look */
    expires(&m, 0, "[{\"days\":1}]");
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_get(0, 3, 50, 51));
    t_add(&m, t_get(0, 3, 150, 151));
    EXPECT(&m, "absent-after-ack");
}

/* ---- replicas ---- */

static struct s3p_attempt copy_of(struct s3p_attempt get)
{
    get.bucket = SIDE;
    get.body_verdict = S3P_BODY_FOREIGN; /* its cells name the source */
    return get;
}

/* Two writes, one after the other, and two reads of the copy. */
static void expect_copies(int line, uint32_t first, uint32_t second, int64_t again_ms,
                          const char *rule)
{
    struct t_make m;
    begin(&m);
    add_rules(&m, S3P_OP_PUT_REPLICATION, 0, "[{\"to\":\"side\"}]");
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_put(2, 3, 4, 5));
    t_add(&m, t_put(3, 4, 4, 5)); /* another key */
    t_add(&m, copy_of(t_get(first, 3, 10, 12)));
    t_add(&m, copy_of(t_get(second, 3, again_ms, again_ms + 1)));
    expect(line, &m, rule);
}

T_TEST(bucket_rules_replicas)
{
    expect_copies(__LINE__, 1, 2, 20, NULL);
    expect_copies(__LINE__, 1, 1, 20, NULL);
    expect_copies(__LINE__, 2, 1, 20, "replica-order");
    expect_copies(__LINE__, 2, 1, 11, NULL); /* at once */
    expect_copies(__LINE__, 2, 0, 20, NULL); /* of absences nothing is known */
    expect_copies(__LINE__, 3, 3, 20, "unwritten-value");
    expect_copies(__LINE__, 9, 9, 20, "unwritten-value");
}

T_TEST(bucket_rules_replicas_of_the_future_and_of_nothing)
{
    struct t_make m;
    for (int early = 0; early < 2; early++) {
        begin(&m);
        add_rules(&m, S3P_OP_PUT_REPLICATION, 0, "[{\"to\":\"side\"}]");
        t_add(&m, t_put(1, 3, 20, 30));
        t_add(&m, copy_of(t_get(1, 3, 10, early ? 15 : 25)));
        EXPECT(&m, early ? "future-read" : NULL);
    }
    begin(&m);
    add_rules(&m, S3P_OP_PUT_REPLICATION, 0, "[{\"to\":\"side\"}]");
    t_add(&m, t_refused(t_cas(1, 0, 3, 2, 3)));
    t_add(&m, copy_of(t_get(1, 3, 10, 11)));
    EXPECT(&m, "failed-but-visible");
}

/* A client that removes a version of the copy lets an older one show. */
T_TEST(bucket_rules_replicas_that_clients_change)
{
    struct t_make m;
    begin(&m);
    add_rules(&m, S3P_OP_PUT_REPLICATION, 0, "[{\"to\":\"side\"}]");
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_put(2, 3, 4, 5));
    t_add(&m, copy_of(t_get(2, 3, 10, 12)));
    struct s3p_attempt removed = t_attempt(S3P_OP_DELETE, 40, 3, 14, 15);
    removed.bucket = SIDE;
    removed.outcome = S3P_OK_OUTCOME;
    add_asked(&m, removed, "v2");
    t_add(&m, copy_of(t_get(1, 3, 20, 21)));
    EXPECT(&m, NULL);
}

static void begin_copies(struct t_make *m)
{
    begin(m);
    add_rules(m, S3P_OP_PUT_REPLICATION, 0, "[{\"to\":\"side\"}]");
}

static struct s3p_attempt changed(int64_t call_ms, uint8_t outcome)
{
    struct s3p_attempt r = t_attempt(S3P_OP_DELETE, 40, 3, call_ms, call_ms + 1);
    r.bucket = SIDE;
    r.outcome = outcome;
    return r;
}

/* Equal times are concurrent. */
T_TEST(bucket_rules_replicas_borders)
{
    struct t_make m;
    begin_copies(&m);
    t_add(&m, t_put(1, 3, 2, 4));
    t_add(&m, t_put(2, 3, 4, 5)); /* called as the other returned */
    t_add(&m, copy_of(t_get(2, 3, 10, 12)));
    t_add(&m, copy_of(t_get(1, 3, 20, 21)));
    EXPECT(&m, NULL);
    begin_copies(&m);
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_put(2, 3, 4, 5));
    t_add(&m, copy_of(t_get(2, 3, 10, 12)));
    t_add(&m, copy_of(t_get(1, 3, 12, 13))); /* read as the other returned */
    t_add(&m, t_put(7, 3, 15, 20));
    t_add(&m, copy_of(t_get(7, 3, 14, 15))); /* shown as it was written */
    EXPECT(&m, NULL);
    begin_copies(&m); /* perhaps written later */
    struct s3p_attempt lost = t_put(1, 3, 2, 3);
    lost.outcome = S3P_UNKNOWN;
    t_add(&m, lost);
    t_add(&m, t_put(2, 3, 4, 5));
    t_add(&m, copy_of(t_get(2, 3, 10, 12)));
    t_add(&m, copy_of(t_get(1, 3, 20, 21)));
    EXPECT(&m, NULL);
    begin_copies(&m); /* the newest of what was shown, not the last */
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_put(2, 3, 4, 5));
    t_add(&m, t_put(7, 3, 2, 9));
    t_add(&m, copy_of(t_get(2, 3, 10, 12)));
    t_add(&m, copy_of(t_get(7, 3, 14, 15)));
    t_add(&m, copy_of(t_get(1, 3, 20, 21)));
    EXPECT(&m, "replica-order");
}

/* Clients change the copy: refused, for the first time, as it is read. */
T_TEST(bucket_rules_replicas_changed)
{
    for (int k = 0; k < 3; k++) {
        struct t_make m;
        begin_copies(&m);
        t_add(&m, t_put(1, 3, 2, 3));
        t_add(&m, t_put(2, 3, 4, 5));
        t_add(&m, copy_of(t_get(2, 3, 10, 12)));
        t_add(&m, copy_of(t_get(1, 3, 20, 21)));
        t_add(&m, changed(k == 1 ? 14 : k == 2 ? 21 : 1, k == 0 ? S3P_FAILED : S3P_OK_OUTCOME));
        if (k == 1)
            t_add(&m, changed(40, S3P_OK_OUTCOME));
        EXPECT(&m, k == 0 ? "replica-order" : NULL);
    }
}

T_TEST(bucket_rules_replicas_not_judged)
{
    struct t_make m;
    struct s3p_attempt r = copy_of(t_get(9, 3, 10, 12));
    begin_copies(&m); /* one version */
    t_add(&m, t_put(1, 3, 2, 3));
    add_asked(&m, r, "v1");
    EXPECT(&m, NULL);
    begin_copies(&m); /* changed on the way */
    r.flags = S3P_FLAG_ALTERED;
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, r);
    EXPECT(&m, NULL);
    begin_copies(&m); /* written to the copy itself, later */
    struct s3p_attempt own = t_put(1, 3, 20, 21);
    own.bucket = SIDE;
    t_add(&m, t_put(2, 3, 2, 3));
    t_add(&m, own);
    t_add(&m, copy_of(t_get(1, 3, 10, 12)));
    EXPECT(&m, "unwritten-value");
    begin_copies(&m); /* values may stand under other keys */
    struct s3p_attempt copy = t_attempt(S3P_OP_COPY, 5, 3, 3, 4);
    copy.outcome = S3P_OK_OUTCOME;
    t_add(&m, t_put(9, 4, 1, 2));
    t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000004"});
    t_add(&m, t_put(1, 5, 2, 3));
    t_add(&m, copy_of(t_get(9, 3, 10, 12)));
    EXPECT(&m, NULL);
    for (int refused = 0; refused < 2; refused++) { /* an upload may have been done before */
        begin_copies(&m);
        r = t_attempt(S3P_OP_COMPLETE_UPLOAD, 1, 3, 20, 21);
        r.outcome = refused ? S3P_FAILED : S3P_OK_OUTCOME;
        r.evidence = refused ? S3P_EV_NONE : S3P_EV_VALUE;
        r.meta_id = t_value(6);
        r.body_id = t_nth(1, 2);
        t_add(&m, t_put(1, 5, 2, 3));
        t_add_texts(&m, r, (struct t_texts){.upload = "u"});
        t_add(&m, copy_of(t_get(6, 3, 10, 12)));
        EXPECT(&m, NULL);
    }
}

/* What spoils a key of a replica, and what does not. */
T_TEST(bucket_rules_reasons_of_replicas)
{
    struct t_make m;
    struct s3p_attempt put = t_put(1, 3, 2, 3);
    put.bucket = SIDE;
    put.flags = S3P_FLAG_FOREIGN;
    begin_copies(&m);
    t_add(&m, put);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_skipped(v, "foreign-writer", "keys"), 1);
    T_EQ(json_integer_value(json_object_get(
             json_object_get(json_object_get(v, "evidence"), "*"), "acked_writes")),
         1);
    json_decref(v);
    for (int own = 0; own < 2; own++) { /* reads do not, a client's own write does */
        struct s3p_attempt clean = t_get(1, 3, 10, 12);
        clean.bucket = SIDE;
        put.flags = 0;
        begin_copies(&m);
        t_add(&m, t_put(2, 3, 2, 3));
        t_add(&m, copy_of(t_get(2, 3, 10, 12)));
        t_add(&m, clean);
        add_asked(&m, copy_of(t_get(2, 3, 10, 12)), "v1");
        if (own)
            t_add(&m, put);
        v = t_make_judge(&m, NULL);
        T_EQ(t_skipped(v, "copy", "keys"), own);
        json_decref(v);
    }
}

T_TEST(bucket_rules_tags_of_replicas)
{
    struct t_make m;
    for (int replicated = 0; replicated < 2; replicated++) { /* the set is of the source's write */
        struct s3p_attempt read = t_attempt(S3P_OP_GET_TAGS, 1, 3, 10, 11);
        read.bucket = SIDE;
        read.outcome = S3P_OK_OUTCOME;
        read.status = 200;
        read.body_kind = S3P_KIND_TAGS;
        read.body_verdict = S3P_BODY_CLEAN;
        read.size = 3;
        read.body_id = t_value(1);
        begin(&m);
        if (replicated)
            add_rules(&m, S3P_OP_PUT_REPLICATION, 0, "[{\"to\":\"side\"}]");
        t_add(&m, t_put(1, 3, 2, 3));
        t_add(&m, read);
        EXPECT(&m, replicated ? NULL : "unwritten-value");
    }
}

T_TEST(bucket_rules_that_are_none)
{
    struct t_make m;
    struct s3p_err e = {0};
    static const char *const bad[] = {"rules=[{", "rules={}", "rule", "roles=[]", "rules=", NULL};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        begin(&m);
        struct s3p_attempt r = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 0, 1);
        r.outcome = S3P_OK_OUTCOME;
        t_add_texts(&m, r, (struct t_texts){.args = bad[k]});
        T_EQ(t_make_fail(&m, NULL, &e), S3P_EFORMAT);
        T_STR(e.msg, "record 0: rules are not a JSON list");
    }
    begin(&m);
    add_rules(&m, S3P_OP_PUT_REPLICATION, 0, "[{\"to\":\"nowhere\"}]");
    T_EQ(t_make_fail(&m, NULL, &e), S3P_EFORMAT);
}
