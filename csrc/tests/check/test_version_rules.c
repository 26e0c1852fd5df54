/* Versions: who makes them, who only tells of them, and what nobody may conclude. */
#include "tests/t.h"

#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#define NO_MD5 "{\"etag_is_md5\":false}"
#define SHORT_DAYS "{\"etag_is_md5\":false,\"lifecycle_day_ms\":100}"

static void begin_empty(struct t_make *m)
{
    t_make_begin(m, "{}", NO_MD5);
}

static void begin(struct t_make *m)
{
    begin_empty(m);
    t_add_version(m, t_put(1, 3, 1, 2), "v1");
    t_add_version(m, t_put(2, 3, 3, 4), "v2");
}

static struct s3p_attempt ok(int op, uint32_t client, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, client, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static struct s3p_attempt upload(int op, uint32_t n, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = ok(op, n, call_ms, return_ms);
    r.meta_id = t_nth(n, 1);
    if (op == S3P_OP_COMPLETE_UPLOAD) {
        r.body_id = t_nth(n, 2);
        r.evidence = S3P_EV_VALUE;
    }
    return r;
}

static void add_upload(struct t_make *m, struct s3p_attempt r, const char *id, const char *version)
{
    t_add_texts(m, r, (struct t_texts){.upload = id, .version = version});
}

static int64_t checked(struct t_make *m)
{
    json_t *v = t_make_judge(m, NULL);
    T_EQ(json_integer_value(json_object_get(v, "violations")), 0);
    int64_t n = json_integer_value(json_object_get(v, "versions_checked"));
    json_decref(v);
    return n;
}

T_TEST(versions_that_an_id_names_twice)
{
    struct t_make m;
    struct s3p_attempt copy = ok(S3P_OP_COPY, 7, 5, 6);
    copy.meta_id = t_value(7);
    begin(&m);
    t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000003", .version = "v2"});
    t_expect_versions(&m, "version-id-reused");
    begin_empty(&m); /* markers alone */
    t_add_version(&m, t_deleted(1, 2), "d1");
    t_add_version(&m, t_deleted(3, 4), "d1");
    t_expect_versions(&m, "version-id-reused");
    begin_empty(&m); /* two uploads */
    for (uint32_t n = 1; n < 3; n++) {
        const char *id = n == 1 ? "u" : "w";
        add_upload(&m, upload(S3P_OP_CREATE_UPLOAD, n, 1, 2), id, NULL);
        add_upload(&m, upload(S3P_OP_COMPLETE_UPLOAD, n, 1 + 2 * n, 2 + 2 * n), id, "v9");
    }
    t_expect_versions(&m, "version-id-reused");
}

T_TEST(versions_that_a_batch_deletes)
{
    struct t_make m;
    struct s3p_attempt child = ok(S3P_OP_DELETE_CHILD, 40, 5, 6);
    begin(&m);
    t_add_asked(&m, child, "v1");
    t_add_asked(&m, t_get(1, 3, 7, 8), "v1");
    t_expect_versions(&m, "version-undead");
}

/* Only writes and deletions that were given an id make versions. */
T_TEST(versions_checked_or_not)
{
    struct t_make m;
    begin(&m);
    T_EQ(checked(&m), 1);
    begin_empty(&m);
    t_add_version(&m, t_deleted(1, 2), "d1");
    t_add(&m, t_put(2, 4, 3, 4));
    T_EQ(checked(&m), 1);
    begin_empty(&m);
    t_add_version(&m, t_put(1, 3, 1, 2), "null"); /* a register, and no more */
    T_EQ(checked(&m), 1);
    begin_empty(&m);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add_version(&m, t_get(1, 3, 3, 4), "v1");
    T_EQ(checked(&m), 0);
}

/* A store may order an object by its Create. */
T_TEST(versions_of_uploads_begin_with_the_create)
{
    for (int again = 0; again < 2; again++) {
        struct t_make m;
        begin_empty(&m);
        add_upload(&m, upload(S3P_OP_CREATE_UPLOAD, 5, 1, 2), "u", NULL);
        t_add_version(&m, t_put(1, 3, 5, 6), "v1");
        add_upload(&m, upload(S3P_OP_COMPLETE_UPLOAD, 5, 7, 8), "u", "v9");
        if (again)
            add_upload(&m, upload(S3P_OP_COMPLETE_UPLOAD, 5, 9, 10), "u", "v9");
        T_PAGE(&m, 12, 13, T_V("v1", S3P_ENTRY_LATEST), T_V("v9", 0));
        t_expect_rule(&m, NULL);
    }
}

/* The register's own: neither a plain deletion nor a read makes it the versions' as well. */
T_TEST(versions_seen_by_the_register_alone)
{
    struct t_make m;
    begin(&m);
    t_add_asked(&m, t_get(1, 3, 5, 6), "v1");
    t_add(&m, t_get(1, 3, 7, 8));
    t_expect_rule(&m, "stale-read");
    begin(&m);
    t_add_version(&m, t_deleted(5, 6), "d1");
    t_add_version(&m, t_put(7, 3, 7, 8), "v4");
    t_add(&m, t_get(2, 3, 9, 10));
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(json_integer_value(json_object_get(v, "violations")), 1);
    json_decref(v);
}

/* What came after the walk that tells the order is newer than all that it names. */
T_TEST(versions_later_than_the_walk)
{
    struct t_make m;
    begin(&m);
    T_PAGE(&m, 5, 6, T_V("v2", S3P_ENTRY_LATEST), T_V("v1", 0));
    t_add_version(&m, t_put(7, 3, 7, 8), "v3");
    T_PAGE(&m, 9, 10, T_V("v2", S3P_ENTRY_LATEST));
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "stale-read"), 1);
    json_decref(v);
}

/* Answers that say nothing of the key or the version. */
T_TEST(versions_and_refused_reads)
{
    struct t_make m;
    struct s3p_attempt cut = t_get(1, 3, 5, 6);
    begin(&m);
    t_add_asked(&m, t_denied(t_gone(5, 6)), "v1");
    t_expect_rule(&m, NULL);
    begin(&m); /* where the register does not look */
    t_add_asked(&m, t_deleted(5, 6), "v2");
    t_add(&m, t_denied(t_gone(7, 8)));
    t_expect_rule(&m, NULL);
    begin(&m); /* one that broke off */
    cut.outcome = S3P_UNKNOWN;
    cut.evidence = S3P_EV_NONE;
    t_add_version(&m, cut, "v1");
    t_add_asked(&m, t_deleted(7, 8), "v2");
    t_add_asked(&m, t_get(1, 3, 9, 10), "v1");
    t_expect_rule(&m, NULL);
}

/* A rule of the bucket goes by the write, whoever tells the version later. */
T_TEST(versions_under_a_rule_that_reads_tell)
{
    struct t_make m;
    struct s3p_attempt rule = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 0, 1);
    rule.outcome = S3P_OK_OUTCOME;
    t_make_begin(&m, "{}", SHORT_DAYS);
    t_add_texts(&m, rule, (struct t_texts){.args = "rules=[{\"days\":1}]"});
    t_add_version(&m, t_put(1, 3, 1, 2), "v1");
    t_add_version(&m, t_put(2, 3, 3, 4), "v2");
    t_add_asked(&m, t_deleted(5, 6), "v1");
    t_add_version(&m, t_get(2, 3, 7, 8), "v2");
    t_add(&m, t_gone(150, 151));
    t_expect_rule(&m, NULL);
}

static void add_walk_page(struct t_make *m, const char *args, const char *next, int64_t call_ms,
                          const char *version)
{
    struct s3p_attempt r = t_attempt(S3P_OP_LIST_VERSIONS, 50, S3P_NO_INDEX, call_ms, call_ms + 1);
    struct s3p_entry e = {.key_index = 3};
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    s3p_append_begin(m->a, 1024, 1);
    e.version_id = s3p_append_text(m->a, version, strlen(version));
    r.list_args = s3p_append_text(m->a, args, strlen(args));
    if (next != NULL) {
        r.flags = S3P_FLAG_TRUNCATED;
        r.list_next = s3p_append_text(m->a, next, strlen(next));
    }
    r.entries_first = s3p_append_entry(m->a, &e);
    r.entries_count = 1;
    s3p_append(m->a, &r);
}

/* A walk through the keys of a prefix covers those that have it. */
T_TEST(versions_between_pages_of_a_prefix)
{
    struct t_make m;
    begin_empty(&m);
    t_add_version(&m, t_put(1, 3, 1, 2), "a");
    t_add_version(&m, t_put(2, 3, 3, 9), "b");
    t_add_version(&m, t_put(7, 3, 3, 9), "c");
    add_walk_page(&m, "prefix=keys/", "key-marker=keys%2F00000003&version-id-marker=c", 10, "c");
    add_walk_page(&m, "prefix=keys/&key-marker=keys%2F00000003&version-id-marker=c", NULL, 14, "a");
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "list-missing"), 1);
    json_decref(v);
}

/* Keys of one number in two key spaces. */
T_TEST(versions_of_neighbours)
{
    struct t_make m;
    struct s3p_attempt hot = t_put(1, 0, 1, 2), page = ok(S3P_OP_LIST_VERSIONS, 50, 5, 6);
    hot.space = 1;
    begin_empty(&m);
    t_add_version(&m, hot, "v1");
    t_add_version(&m, t_put(2, 0, 3, 4), "v2");
    page.key_index = S3P_NO_INDEX;
    s3p_append_begin(m.a, 512, 2);
    for (uint16_t k = 0; k < 2; k++) {
        struct s3p_entry e = {.space = (uint16_t)(1 - k), .flags = S3P_ENTRY_LATEST};
        e.version_id = s3p_append_text(m.a, k == 0 ? "v1" : "v2", 2);
        uint32_t at = s3p_append_entry(m.a, &e);
        page.entries_first = k == 0 ? at : page.entries_first;
    }
    page.entries_count = 2;
    s3p_append(m.a, &page);
    t_expect_rule(&m, NULL);
}

/* One version is deleted by its id, and the other is not found. */
static void begin_lost(struct t_make *m)
{
    begin(m);
    t_add_asked(m, t_deleted(5, 6), "v1");
    t_add(m, t_gone(20, 21));
}

T_TEST(versions_that_stand_although_others_go)
{
    struct t_make m;
    begin_lost(&m); /* whatever stands last in the file */
    t_add(&m, t_get(1, 3, 2, 3));
    t_expect_versions(&m, "absent-after-ack");
    begin_lost(&m);
    t_add_asked(&m, t_deleted(30, 31), "v1");
    t_expect_versions(&m, "absent-after-ack");
    begin_lost(&m); /* what hides nothing */
    t_add(&m, t_lost(t_put(7, 3, 7, 8)));
    t_expect_versions(&m, "absent-after-ack");
    begin_lost(&m);
    t_add(&m, t_denied(t_deleted(7, 8)));
    t_expect_versions(&m, "absent-after-ack");
}

/* Where single versions go at the end, the register has judged what was before. */
T_TEST(versions_that_go_in_the_end)
{
    for (int listed = 0; listed < 2; listed++) {
        struct t_make m;
        begin(&m);
        t_add(&m, t_get(1, 3, 5, 6));
        t_add_asked(&m, t_deleted(7, 8), "v1");
        if (listed)
            T_PAGE(&m, 9, 10, T_V("v2", S3P_ENTRY_LATEST));
        t_expect_rule(&m, "stale-read");
    }
}
