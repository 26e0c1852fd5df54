/* Pages of listings: every rule of theirs on the smallest history that breaks it, and the legal
 * neighbour of that. */
#include "tests/t.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/random.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_pages.h"

/* With a text. */
#define ADD_NAMED(m, record, field, text)                                                          \
    do {                                                                                           \
        struct s3p_attempt r_ = (record);                                                          \
        s3p_append_begin((m)->a, 256, 0);                                                          \
        r_.field = s3p_append_text((m)->a, text, strlen(text));                                    \
        s3p_append((m)->a, &r_);                                                                   \
    } while (0)

#define EXPECT T_EXPECT_PAGES

T_TEST(pages_membership)
{
    EXPECT(NULL, {LIST, "", NULL, NULL, 5, 6, "#1 #2 #3 #5", NULL});
    EXPECT(NULL, {LIST, "", NULL, NULL, 5, 6, "#1 #2 #3 #5 #6", NULL}); /* perhaps */
    EXPECT(NULL, {LIST, "", NULL, NULL, 11, 12, "#1 #2 #3 #5", NULL});  /* in between */
    EXPECT(NULL, {LIST, "", NULL, NULL, 11, 12, "#1 #3 #4 #5", NULL});
    EXPECT(NULL, {LIST, "", NULL, NULL, 9, 10, "#1 #3 #4 #5", NULL}); /* equal times */
    EXPECT("list-missing", {LIST, "", NULL, NULL, 8, 9, "#1 #3 #5", NULL});
    EXPECT("list-missing", {LIST, "", NULL, NULL, 13, 14, "#1 #3 #5", NULL});
    EXPECT("list-phantom", {LIST, "", NULL, NULL, 13, 14, "#1 #2 #3 #4 #5", NULL});
    EXPECT("list-phantom", {LIST, "", NULL, NULL, 8, 9, "#1 #2 #3 #4 #5", NULL});
    EXPECT("list-truncated-end", {LIST, "", NULL, NULL, 5, 6, "#1 #2 #3", NULL});
    EXPECT(NULL, {LIST, "", NULL, NULL, 5, 6, "#1 #2 #3 #5 zzz", NULL}); /* no key of the plan */
    EXPECT(NULL, {LIST, "prefix=other", NULL, NULL, 5, 6, "", NULL});
    EXPECT(NULL, {LIST, "prefix=keys%2F00000003", NULL, NULL, 5, 6, "#3", NULL});
    EXPECT("list-missing", {LIST, "prefix=keys%2F00000003", NULL, NULL, 5, 6, "", NULL});
    EXPECT(NULL, {LIST, "start-after=keys%2F00000002", NULL, NULL, 5, 6, "#3 #5", NULL});
    EXPECT("list-missing", {LIST, "start-after=keys%2F00000002", NULL, NULL, 5, 6, "#5", NULL});
}

/* Three walks: by tokens, by markers, and of a token that nobody gave. */
T_TEST(pages_walk)
{
    EXPECT(NULL, {LIST, "max-keys=2", "continuation-token=t", NULL, 3, 4, "#1 #2", NULL},
           {LIST, "continuation-token=t&max-keys=2", NULL, NULL, 5, 6, "#3 #5", NULL});
    EXPECT("list-missing", {LIST, "max-keys=2", "continuation-token=t", NULL, 3, 4, "#1 #2", NULL},
           {LIST, "continuation-token=t&max-keys=2", NULL, NULL, 5, 6, "#5", NULL});
    EXPECT("list-duplicate",
           {LIST, "max-keys=2", "continuation-token=t", NULL, 3, 4, "#1 #2", NULL},
           {LIST, "continuation-token=t&max-keys=3", NULL, NULL, 5, 6, "#2 #3 #5", NULL});
    EXPECT(NULL, {LIST, "", "continuation-token=t", NULL, 3, 4, "", NULL}, /* covers nothing */
           {LIST, "continuation-token=t", NULL, NULL, 5, 6, "#1 #2 #3 #5", NULL});
    EXPECT("list-missing", {LIST, "", "continuation-token=t", NULL, 3, 4, "", NULL},
           {LIST, "continuation-token=t", NULL, NULL, 5, 6, "#2 #3 #5", NULL});
    EXPECT(NULL, {LIST, "continuation-token=x", NULL, NULL, 5, 6, "#2 #3 #5", NULL});
    EXPECT("list-missing", {LIST, "continuation-token=x", NULL, NULL, 5, 6, "#2 #5", NULL});
    EXPECT("list-truncated-end", {LIST, "continuation-token=x", NULL, NULL, 5, 6, "#2 #3", NULL});
    EXPECT(NULL, {LIST_V1, "", "marker=keys%2F00000002", NULL, 3, 4, "#1 #2", NULL},
           {LIST_V1, "marker=keys%2F00000002", NULL, NULL, 5, 6, "#3 #5", NULL});
    EXPECT("list-duplicate", {LIST_V1, "", "marker=keys%2F00000002", NULL, 3, 4, "#1 #2", NULL},
           {LIST_V1, "marker=keys%2F00000002", NULL, NULL, 5, 6, "#2 #3 #5", NULL});
    EXPECT("list-range", {LIST_V1, "marker=keys%2F00000002", NULL, NULL, 5, 6, "#2 #3 #5", NULL});
}

T_TEST(pages_structure)
{
    EXPECT("list-order", {LIST, "", NULL, NULL, 5, 6, "#1 #3 #2 #5", NULL});
    EXPECT("list-duplicate", {LIST, "", NULL, NULL, 5, 6, "#1 #2 #2 #3 #5", NULL});
    EXPECT("list-range", {LIST, "prefix=keys%2F00000003", NULL, NULL, 5, 6, "#3 #5", NULL});
    EXPECT("list-over-limit",
           {LIST, "max-keys=2", "continuation-token=t", NULL, 5, 6, "#1 #2 #3", NULL});
    EXPECT("list-no-progress", {LIST, "max-keys=2", "", NULL, 5, 6, "#1 #2", NULL});
    EXPECT("list-no-progress",
           {LIST, "continuation-token=t", "continuation-token=t", NULL, 5, 6, "#1 #2", NULL});
    EXPECT(NULL, {LIST, "", NULL, NULL, 5, 6, "#5 #3 #1 #2",
                  "{\"etag_is_md5\":false,\"key_order\":\"other\"}"});
}

T_TEST(pages_consistent)
{
    const char *rule = "list-inconsistent", *all = "#1 #2 #3 #5";
    t_says.count = 4;
    EXPECT(NULL, {LIST, "", NULL, NULL, 5, 6, all, NULL});
    EXPECT(rule, {LIST, "prefix=keys%2F00000003", NULL, NULL, 5, 6, "#3", NULL});
    EXPECT(rule, {LIST, "prefix=keys%2F9", NULL, NULL, 5, 6, "", NULL});
    t_says.count = 3;
    EXPECT(rule, {LIST, "", NULL, NULL, 5, 6, all, NULL});
    t_says.count = 1; /* common prefixes are counted */
    EXPECT(NULL, {LIST, "delimiter=%2F", NULL, NULL, 5, 6, "-keys/", NULL});
    t_says.count = 0;
    t_says.last = "continuation-token=t";
    EXPECT(rule, {LIST, "", NULL, NULL, 5, 6, all, NULL});
    t_says.last = "marker=keys%2F00000005"; /* that is no token */
    EXPECT(NULL, {LIST_V1, "", NULL, NULL, 5, 6, all, NULL});
    t_says.last = NULL;
}

T_TEST(pages_delimiter)
{
    EXPECT(NULL, {LIST, "delimiter=%2F", NULL, NULL, 5, 6, "-keys/", NULL});
    EXPECT("list-missing", {LIST, "delimiter=%2F", NULL, NULL, 5, 6, "", NULL});
    EXPECT("list-phantom", {LIST, "delimiter=%2F", NULL, NULL, 0, 0, "-keys/", NULL});
    EXPECT(NULL, {LIST, "delimiter=%2F", NULL, NULL, 1, 1, "-keys/", NULL});
    EXPECT("list-range", {LIST, "", NULL, NULL, 5, 6, "-keys/ #1 #2 #3 #5", NULL});
    EXPECT("list-range", {LIST, "delimiter=%2F", NULL, NULL, 5, 6, "-keys -keys/", NULL});
    EXPECT(NULL, {LIST, "delimiter=3", NULL, NULL, 5, 6, "#1 #2 #5 -keys/00000003", NULL});
    EXPECT("list-missing", {LIST, "delimiter=3", NULL, NULL, 5, 6, "#1 #2 #5", NULL});
    EXPECT(NULL, {LIST_V1, "delimiter=3", "marker=keys%2F00000003", NULL, 5, 6,
                  "#1 #2 -keys/00000003", NULL},
           {LIST_V1, "delimiter=3&marker=keys%2F00000003", NULL, NULL, 5, 6, "#5", NULL});
    EXPECT("list-duplicate", {LIST_V1, "delimiter=3", "marker=keys%2F00000003", NULL, 5, 6,
                              "#1 #2 -keys/00000003", NULL},
           {LIST_V1, "delimiter=3&marker=keys%2F00000003", NULL, NULL, 5, 6,
            "#5 -keys/00000003", NULL});
}

T_TEST(pages_profile)
{
    EXPECT(NULL, {LIST, "", NULL, NULL, 15, 16, "#1 #2 #3 #5",
                  "{\"etag_is_md5\":false,\"list\":\"eventual\",\"list_lag_ms\":5}"});
    EXPECT(NULL, {LIST, "", NULL, NULL, 17, 18, "#1 #2 #3 #5", /* as late as it may be */
                  "{\"etag_is_md5\":false,\"list\":\"eventual\",\"list_lag_ms\":5}"});
    EXPECT("list-phantom", {LIST, "", NULL, NULL, 18, 19, "#1 #2 #3 #4 #5",
                            "{\"etag_is_md5\":false,\"list\":\"eventual\",\"list_lag_ms\":5}"});
    static const char walk[] = "{\"etag_is_md5\":false,\"list_interval\":\"listing\"}";
    EXPECT(NULL, {LIST, "", "continuation-token=t", NULL, 9, 9, "#1", walk},
           {LIST, "continuation-token=t", NULL, NULL, 14, 15, "#2 #3 #5", walk});
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false,\"list\":\"eventual\",\"list_lag_ms\":50}");
    t_add_keys(&m);
    t_add_page(&m, &(struct t_page){LIST, "", NULL, NULL, 20, 21, "#1 #2 #3 #5", NULL});
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_violations(v), 0);
    const json_t *lists = json_object_get(v, "lists");
    T_EQ((int)json_number_value(json_object_get(lists, "lag_ms")), 8); /* since 12 */
    T_EQ(json_integer_value(json_object_get(lists, "pages")), 1);
    T_EQ(json_integer_value(json_object_get(lists, "entries")), 4);
    T_EQ(t_skipped(v, "list-negatives", "keys"), 1); /* the lost write's */
    json_decref(v);
}

/* What writers outside the plan did is not decided; deletes by version let older ones show. */
T_TEST(pages_undecided)
{
    struct t_make m;
    struct s3p_attempt foreign = t_put(1, 1, 1, 2), twice = t_put(2, 2, 1, 2);
    foreign.flags = S3P_FLAG_FOREIGN;
    twice.flags = S3P_FLAG_MULTI_DELIVERY;
    t_make_begin(&m, "{}", NO_MD5);
    t_add(&m, foreign);
    t_add(&m, twice);
    t_add(&m, t_removed(2, 3, 4));
    ADD_NAMED(&m, t_removed(3, 3, 4), version_asked, "v1");
    t_add_page(&m, &(struct t_page){LIST, "", NULL, NULL, 0, 0, "#1", NULL});
    t_add_page(&m, &(struct t_page){LIST, "", NULL, NULL, 5, 6, "#2", NULL});
    t_add_page(&m, &(struct t_page){LIST, "", NULL, NULL, 5, 6, "#1 #3", NULL});
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_violations(v), 0);
    T_EQ(t_skipped(v, "list-negatives", "keys"), 2);
    json_decref(v);
}

/* ---- versions ---- */

static void add_version(struct t_make *m, uint32_t n, uint64_t key, int64_t call, int64_t ret,
                        const char *id)
{
    ADD_NAMED(m, t_put(n, key, call, ret), version_id, id);
}

static void expect_versions(int line, const char *rule, struct t_page g)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    add_version(&m, 1, 1, 1, 2, "a");
    add_version(&m, 2, 1, 3, 4, "b");
    add_version(&m, 3, 1, 5, 6, "c");
    add_version(&m, 4, 2, 1, 2, "d");
    ADD_NAMED(&m, t_removed(1, 20, 21), version_asked, "b");
    t_add(&m, t_lost(t_put(9, 5, 1, 2)));
    g.op = S3P_OP_LIST_VERSIONS;
    t_add_page(&m, &g);
    json_t *v = t_make_judge(&m, NULL);
    char *text = t_dump(v);
    /* a wrong latest one is a stale read of its key, too */
    if (t_violations(v) - t_rule(v, "stale-read") != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1))
        t_fail(__FILE__, line, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    s3p_free(text);
    json_decref(v);
}
#define VERSIONS(rule, args, next, call, entries)                                                  \
    expect_versions(__LINE__, rule,                                                                \
                    (struct t_page){0, args, next, NULL, call, (call) + 1, entries, NULL})

T_TEST(pages_versions)
{
    VERSIONS(NULL, "", NULL, 8, "#1@c* #1@b #1@a #2@d*");
    VERSIONS(NULL, "", NULL, 22, "#1@c* #1@a #2@d*");
    VERSIONS("list-missing", "", NULL, 8, "#1@c* #1@a #2@d*");
    VERSIONS("list-phantom", "", NULL, 22, "#1@c* #1@b #1@a #2@d*");
    VERSIONS("list-phantom", "", NULL, 8, "#1@c* #1@b #1@a #2@d* #2@x");
    VERSIONS("list-phantom", "", NULL, 8, "#1@c* #1@b #1@a #2@d* #3@x*");
    VERSIONS(NULL, "", NULL, 8, "#1@c* #1@b #1@a #2@d* #5@x*"); /* the lost write's */
    VERSIONS("list-truncated-end", "", NULL, 8, "#1@c* #1@b #1@a");
    VERSIONS("list-latest", "", NULL, 8, "#1@c* #1@b* #1@a #2@d*");
    VERSIONS("list-latest", "", NULL, 8, "#1@c #1@b #1@a #2@d*");
    VERSIONS("list-order", "", NULL, 8, "#1@c* #1@a #1@b #2@d*");
    VERSIONS("list-duplicate", "", NULL, 8, "#1@c* #1@b #1@b #1@a #2@d*");
    static const char next[] = "key-marker=keys%2F00000001&version-id-marker=b";
    VERSIONS(NULL, "", next, 8, "#1@c* #1@b");
    VERSIONS("list-missing", "", next, 8, "#1@b*"); /* c is newer, and had to come before it */
    static const char behind[] = "key-marker=keys%2F00000001"; /* the rest of the key is skipped */
    VERSIONS("list-missing", "", behind, 8, "#1@c* #1@b");
    VERSIONS(NULL, "", behind, 8, "#1@c* #1@b #1@a");
    VERSIONS(NULL, next, NULL, 8, "#1@a #2@d*");
    VERSIONS("list-missing", next, NULL, 8, "#2@d*");
    VERSIONS(NULL, behind, NULL, 8, "#2@d*");
}

/* ---- uploads and parts ---- */

static void add_upload(struct t_make *m, int op, uint64_t key, int64_t call, int64_t ret,
                       const char *id, uint32_t part)
{
    struct s3p_attempt r = t_attempt(op, 60, key, call, ret);
    r.status = 200;
    r.outcome = S3P_OK_OUTCOME;
    r.part_number = part;
    ADD_NAMED(m, r, upload_id, id);
}

static void expect_walk(int line, const char *rule, const struct t_page *g, int pages)
{
    struct t_make m;
    t_make_begin(&m, "{}", g->profile != NULL ? g->profile : NO_MD5);
    add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, 1, 2, "u", 0);
    add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, 3, 4, "w", 0);
    add_upload(&m, S3P_OP_CREATE_UPLOAD, 2, 3, 4, "x", 0);
    add_upload(&m, S3P_OP_UPLOAD_PART, 1, 5, 6, "u", 1);
    add_upload(&m, S3P_OP_UPLOAD_PART, 1, 5, 6, "u", 2);
    add_upload(&m, S3P_OP_UPLOAD_PART, 1, 5, 6, "u", 10);
    add_upload(&m, S3P_OP_UPLOAD_PART, 1, 5, 6, "w", 3);
    add_upload(&m, S3P_OP_ABORT_UPLOAD, 1, 20, 21, "w", 0);
    for (int i = 0; i < pages; i++)
        t_add_page(&m, &g[i]);
    t_expect_one(__FILE__, line, &m, rule);
}

static void expect_uploads(int line, const char *rule, struct t_page g)
{
    expect_walk(line, rule, &g, 1);
}
#define UPLOADS(rule, args, next, call, entries)                                                   \
    expect_uploads(__LINE__, rule,                                                                 \
                   (struct t_page){S3P_OP_LIST_UPLOADS, args, next, NULL, call, (call) + 1,        \
                                 entries, NULL})
#define PARTS(rule, args, next, call, entries)                                                     \
    expect_uploads(__LINE__, rule,                                                                 \
                   (struct t_page){S3P_OP_LIST_PARTS, args, next, "u", call, (call) + 1, entries,  \
                                 NULL})

T_TEST(pages_uploads)
{
    UPLOADS(NULL, "", NULL, 8, "#1@u #1@w #2@x");
    UPLOADS("list-missing", "", NULL, 8, "#1@u #2@x");
    UPLOADS("list-phantom", "", NULL, 22, "#1@u #1@w #2@x");
    UPLOADS("list-order", "", NULL, 8, "#1@w #1@u #2@x");
    UPLOADS("list-phantom", "", NULL, 8, "#1@u #1@w #2@x #2@y");
    UPLOADS(NULL, "", "key-marker=keys%2F00000001&upload-id-marker=u", 8, "#1@u");
    UPLOADS("list-missing", "", "key-marker=keys%2F00000001&upload-id-marker=w", 8, "#1@w");
    UPLOADS("list-missing", "key-marker=keys%2F00000001&upload-id-marker=u", NULL, 8, "#2@x");
    UPLOADS(NULL, "delimiter=%2F", NULL, 8, "-keys/");
    UPLOADS("list-missing", "delimiter=%2F", NULL, 8, "");
}

T_TEST(pages_parts)
{
    PARTS(NULL, "", NULL, 8, "1 2 10");
    PARTS("list-missing", "", NULL, 8, "1 10");
    PARTS("list-truncated-end", "", NULL, 8, "1 2");
    PARTS("list-phantom", "", NULL, 8, "1 2 3 10");
    PARTS("list-order", "", NULL, 8, "2 1 10");
    PARTS(NULL, "part-number-marker=2", NULL, 8, "10");
    PARTS("list-range", "part-number-marker=2", NULL, 8, "2 10");
    PARTS(NULL, "max-parts=2", "part-number-marker=2", 8, "1 2");
    PARTS("list-over-limit", "max-parts=1", "part-number-marker=2", 8, "1 2");
}

/* What a marker jumps over is missing. */
T_TEST(pages_parts_that_jump)
{
    static const struct t_page jumps[] = {
        {S3P_OP_LIST_PARTS, "", "part-number-marker=2", "u", 8, 9, "1", NULL},
        {S3P_OP_LIST_PARTS, "part-number-marker=2", NULL, "u", 10, 11, "10", NULL}};
    static const struct t_page right[] = {
        {S3P_OP_LIST_PARTS, "", "part-number-marker=2", "u", 8, 9, "1 2", NULL},
        {S3P_OP_LIST_PARTS, "part-number-marker=2", NULL, "u", 10, 11, "10", NULL}};
    static const struct t_page uploads[] = {
        {S3P_OP_LIST_UPLOADS, "", "key-marker=keys%2F00000001&upload-id-marker=w", NULL, 8, 9, "",
         NULL},
        {S3P_OP_LIST_UPLOADS, "key-marker=keys%2F00000001&upload-id-marker=w", NULL, NULL, 10, 11,
         "#2@x", NULL}};
    expect_walk(__LINE__, "list-missing", jumps, 2);
    expect_walk(__LINE__, NULL, right, 2);
    expect_walk(__LINE__, NULL, uploads, 2); /* an empty page covers nothing */
    PARTS("list-no-progress", "max-parts=2", "part-number-marker=1", 8, "1 2");
    PARTS("list-no-progress", "max-parts=3", "part-number-marker=9", 8, "1 2 10");
}

/* Listings of uploads settle by a time of their own; what those of objects take, they may take. */
#define PROFILE(...) "{\"etag_is_md5\":false," __VA_ARGS__ "}"
#define SETTLES(ms) "\"mpu_listing\":\"settles\",\"mpu_listing_lag_ms\":" ms

T_TEST(pages_uploads_settle)
{
    static const struct {
        const char *profile, *rule;
    } of[] = {
        {PROFILE(SETTLES("5")), NULL},
        {PROFILE(SETTLES("3")), "list-missing"},
        {PROFILE("\"mpu_listing\":\"settles\""), NULL},
        {PROFILE("\"mpu_listing\":\"strong\",\"mpu_listing_lag_ms\":5"), "list-missing"},
        {PROFILE(SETTLES("3") ",\"list\":\"eventual\",\"list_lag_ms\":5"), NULL},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        expect_uploads(__LINE__, of[i].rule, (struct t_page){S3P_OP_LIST_UPLOADS, "", NULL, NULL, 8,
                                                           9, "#1@u #2@x", of[i].profile});
        expect_uploads(__LINE__, of[i].rule,
                       (struct t_page){S3P_OP_LIST_PARTS, "", NULL, "u", 10, 11, "1 10",
                                       of[i].profile});
    }
    EXPECT("list-missing", {LIST, "", NULL, NULL, 15, 16, "#1 #3 #5", PROFILE(SETTLES("50"))});
}

/* ---- borders: each is a step away from an alarm, or from none ---- */

#define OTHER "{\"etag_is_md5\":false,\"key_order\":\"other\"}"

T_TEST(pages_borders)
{
    EXPECT(NULL, {LIST_V1, "delimiter=%2F&marker=keys%2F00000002", NULL, NULL, 5, 6, "-keys/",
                  NULL}); /* the marker lies in it: as the store likes */
    EXPECT(NULL, {LIST_V1, "delimiter=%2F&marker=keys%2F", NULL, NULL, 5, 6, "", NULL});
    EXPECT("list-range", {LIST, "delimiter=%2F", NULL, NULL, 5, 6, "- -keys/", NULL});
    EXPECT("list-no-progress", {LIST, "max-keys=2&start-after=keys%2F00000001", "", NULL, 5, 6,
                                "#2 #3", NULL});
    EXPECT(NULL, {LIST, "max-keys=2", "continuation-token=t", NULL, 5, 6, "#5 #1", OTHER});
}

T_TEST(pages_links)
{
    EXPECT(NULL, {LIST, "continuation-token=x", "continuation-token=t", NULL, 3, 4, "", NULL},
           {LIST, "continuation-token=t", NULL, NULL, 5, 6, "#3 #5", NULL});
    EXPECT(NULL,
           {LIST, "delimiter=3", "continuation-token=t", NULL, 3, 4, "#1 #2 -keys/00000003", NULL},
           {LIST, "delimiter=3&continuation-token=t", NULL, NULL, 5, 6, "#5", NULL});
    EXPECT(NULL, {LIST, "max-keys=1", "continuation-token=t", NULL, 3, 4, "#1", NULL},
           {LIST, "max-keys=1&start-after=keys%2F00000002", "continuation-token=u", NULL, 3, 4,
            "#3", NULL},
           {LIST, "continuation-token=t", NULL, NULL, 5, 6, "#2 #3 #5", NULL});
    EXPECT(NULL, {LIST, "max-keys=1", "continuation-token=t", NULL, 3, 4, "#1", NULL},
           {LIST, "prefix=keys%2F00000003&continuation-token=t", NULL, NULL, 5, 6, "", NULL});
    EXPECT("list-range", {LIST_V1, "", "marker=keys%2F00000002", NULL, 3, 4, "#1 #2", NULL},
           {LIST_V1, "marker=keys%2F00000003", NULL, NULL, 5, 6, "#3 #5", NULL});
}

static void expect_made(int line, struct t_make *m, const char *rule)
{
    json_t *v = t_make_judge(m, NULL);
    char *text = t_dump(v);
    if (t_violations(v) != (rule != NULL) || (rule != NULL && t_rule(v, rule) != 1))
        t_fail(__FILE__, line, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    s3p_free(text);
    json_decref(v);
}
#define PAGE(...) t_add_page(&m, &(struct t_page){__VA_ARGS__})
#define MADE(rule) expect_made(__LINE__, &m, rule)

/* An answer that says that the attempt may have taken effect. */
static struct s3p_attempt failing(struct s3p_attempt r)
{
    int64_t end = r.t_return;
    r = t_lost(r);
    r.status = 503;
    r.t_return = end;
    return r;
}

T_TEST(pages_late_changes)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5); /* a write that failed so may land behind a 404 */
    t_add(&m, failing(t_put(1, 1, 3, 4)));
    t_add(&m, t_get(0, 1, 7, 8));
    PAGE(LIST, "", NULL, NULL, 10, 11, "#1", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* one that was refused may not */
    struct s3p_attempt refused = t_put(2, 1, 13, 14);
    refused.outcome = S3P_FAILED;
    refused.status = 403;
    refused.evidence = S3P_EV_NONE;
    t_add(&m, t_put(1, 1, 1, 2));
    t_add(&m, t_removed(1, 10, 12));
    t_add(&m, refused);
    PAGE(LIST, "", NULL, NULL, 15, 16, "#1", NULL);
    MADE("list-phantom");
    t_make_begin(&m, "{}", NO_MD5); /* a part that failed so, behind the abort */
    add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, 1, 2, "u", 0);
    struct s3p_attempt part = failing(t_attempt(S3P_OP_UPLOAD_PART, 60, 1, 3, 4));
    part.part_number = 1;
    ADD_NAMED(&m, part, upload_id, "u");
    add_upload(&m, S3P_OP_ABORT_UPLOAD, 1, 7, 8, "u", 0);
    PAGE(S3P_OP_LIST_PARTS, "", NULL, "u", 10, 11, "1", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* an abort that failed so, behind a part */
    add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, 1, 2, "u", 0);
    ADD_NAMED(&m, failing(t_attempt(S3P_OP_ABORT_UPLOAD, 60, 1, 3, 4)), upload_id, "u");
    add_upload(&m, S3P_OP_UPLOAD_PART, 1, 5, 6, "u", 1);
    PAGE(S3P_OP_LIST_PARTS, "", NULL, "u", 10, 11, "", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* and the upload with it */
    add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, 1, 2, "u", 0);
    ADD_NAMED(&m, part, upload_id, "u");
    add_upload(&m, S3P_OP_ABORT_UPLOAD, 1, 7, 8, "u", 0);
    PAGE(S3P_OP_LIST_UPLOADS, "", NULL, NULL, 10, 11, "#1@u", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* parts go with their upload */
    add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, 1, 2, "u", 0);
    add_upload(&m, S3P_OP_UPLOAD_PART, 1, 3, 4, "u", 1);
    add_upload(&m, S3P_OP_ABORT_UPLOAD, 1, 7, 8, "u", 0);
    PAGE(S3P_OP_LIST_PARTS, "", NULL, "u", 10, 11, "1", NULL);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "list-phantom"), 1);
    T_EQ(t_rule(v, "upload-undead"), 1);
    json_decref(v);
    t_make_begin(&m, "{}", NO_MD5); /* a prefix is there with any of its keys */
    t_add(&m, t_put(1, 1, 1, 2));
    t_add(&m, t_put(2, 2, 1, 2));
    t_add(&m, t_removed(1, 3, 4));
    PAGE(LIST, "delimiter=%2F", NULL, NULL, 5, 6, "-keys/", NULL);
    MADE(NULL);
}

T_TEST(pages_touched)
{
    struct t_make m;
    struct s3p_attempt twice = t_put(1, 1, 1, 2);
    t_make_begin(&m, "{}", NO_MD5); /* nobody knows what became of it */
    twice.flags = S3P_FLAG_MULTI_DELIVERY;
    ADD_NAMED(&m, twice, version_id, "a");
    add_version(&m, 2, 2, 1, 2, "b");
    PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 5, 6, "#2@b*", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* a page whose bytes a proxy changed */
    t_add(&m, t_put(1, 1, 1, 2));
    struct s3p_attempt page = t_attempt(LIST, 90, S3P_NO_INDEX, 5, 6);
    page.outcome = S3P_OK_OUTCOME;
    page.flags = S3P_FLAG_ALTERED;
    t_add(&m, page);
    MADE(NULL);
}

T_TEST(pages_ids)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5); /* only its delete names it: the lost write made it */
    t_add(&m, t_lost(t_put(1, 1, 1, 2)));
    ADD_NAMED(&m, t_removed(1, 9, 10), version_asked, "z");
    PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 5, 6, "#1@z*", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* an id without the flag is not that of a marker */
    ADD_NAMED(&m, t_removed(1, 1, 2), version_id, "z");
    add_version(&m, 2, 2, 1, 2, "b");
    PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 5, 6, "#2@b*", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* a lost Create: any id may be its */
    ADD_NAMED(&m, t_lost(t_attempt(S3P_OP_CREATE_UPLOAD, 60, 1, 1, 2)), upload_id, "q");
    PAGE(S3P_OP_LIST_UPLOADS, "", NULL, NULL, 5, 6, "#1@y", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* equal times are concurrent */
    add_version(&m, 1, 1, 1, 2, "a");
    add_version(&m, 2, 1, 2, 3, "b");
    PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 5, 6, "#1@a* #1@b", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5);
    add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, 1, 2, "u", 0);
    add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, 2, 3, "w", 0);
    PAGE(S3P_OP_LIST_UPLOADS, "", NULL, NULL, 5, 6, "#1@w #1@u", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* which is the latest changes during the page */
    add_version(&m, 1, 1, 1, 2, "a");
    add_version(&m, 2, 1, 5, 8, "b");
    PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 6, 7, "#1@b #1@a*", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* `null` again: it is as young as its last write */
    add_version(&m, 1, 1, 1, 2, "null");
    add_version(&m, 2, 1, 3, 4, "a");
    add_version(&m, 3, 1, 5, 6, "null");
    PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 7, 8, "#1@null* #1@a", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* written again, it moves during the page */
    add_version(&m, 1, 1, 1, 2, "null");
    add_version(&m, 2, 1, 3, 4, "a");
    add_version(&m, 3, 1, 5, 8, "null");
    PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 6, 7, "#1@a #1@null*", NULL);
    MADE(NULL);
    t_make_begin(&m, "{}", NO_MD5); /* one of an upload may be as old as that */
    add_version(&m, 1, 1, 5, 6, "a");
    struct s3p_attempt done = t_attempt(S3P_OP_COMPLETE_UPLOAD, 60, 1, 10, 11);
    done.outcome = S3P_OK_OUTCOME;
    ADD_NAMED(&m, done, version_id, "m");
    PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 15, 16, "#1@a* #1@m", NULL);
    MADE(NULL);
}

/* The upload is aborted in [7, 8], and in [call, ret] a part of it refused: are the others gone? */
static int64_t phantoms_beside(int64_t call, int64_t ret)
{
    struct t_make m;
    struct s3p_attempt refused = t_attempt(S3P_OP_UPLOAD_PART, 61, 1, call, ret);
    refused.status = 404;
    refused.outcome = S3P_FAILED;
    refused.part_number = 2;
    t_make_begin(&m, "{}", NO_MD5);
    add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, 1, 2, "u", 0);
    add_upload(&m, S3P_OP_UPLOAD_PART, 1, 3, 4, "u", 1);
    ADD_NAMED(&m, refused, upload_id, "u");
    add_upload(&m, S3P_OP_ABORT_UPLOAD, 1, 7, 8, "u", 0);
    PAGE(S3P_OP_LIST_PARTS, "", NULL, "u", 15, 16, "1", NULL);
    json_t *v = t_make_judge(&m, NULL);
    int64_t n = t_rule(v, "list-phantom");
    json_decref(v);
    return n;
}

T_TEST(pages_aborts_that_race_a_part)
{
    T_EQ(phantoms_beside(5, 7), 1); /* answered before */
    T_EQ(phantoms_beside(5, 8), 0);
    T_EQ(phantoms_beside(7, 9), 0);
    T_EQ(phantoms_beside(8, 9), 1); /* called later */
}

T_TEST(pages_null_written_once)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5); /* it does not move */
    add_version(&m, 1, 1, 1, 2, "null");
    add_version(&m, 2, 1, 3, 4, "a");
    PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 6, 7, "#1@a #1@null*", NULL);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "list-latest"), 1);
    json_decref(v);
}

/* Its place is that of its write, when nothing else may have made it. */
T_TEST(pages_place_of_null)
{
    static const struct {
        int64_t call, ret; /* of `null`; of version a it is [3, 4] */
        int more;          /* 1: a marker, perhaps; 2: of an upload; 3: delivered twice */
        const char *listed, *rule;
    } row[] = {
        {1, 2, 0, "#1@null* #1@a", "list-order"}, {1, 2, 0, "#1@a* #1@null", NULL},
        {5, 6, 0, "#1@a* #1@null", "list-order"}, {5, 6, 0, "#1@null* #1@a", NULL},
        {4, 6, 0, "#1@a* #1@null", NULL},         {5, 6, 1, "#1@a* #1@null", NULL},
        {5, 6, 2, "#1@a* #1@null", NULL},         {1, 2, 3, "#1@null* #1@a", NULL},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct t_make m;
        struct s3p_attempt null = t_put(1, 1, row[i].call, row[i].ret),
                           lost = t_attempt(S3P_OP_DELETE, 60, 1, 1, 2);
        lost.outcome = S3P_UNKNOWN;
        null.op = row[i].more == 2 ? S3P_OP_COMPLETE_UPLOAD : S3P_OP_PUT;
        null.flags = row[i].more == 3 ? S3P_FLAG_MULTI_DELIVERY : 0;
        t_make_begin(&m, "{}", NO_MD5);
        ADD_NAMED(&m, null, version_id, "null");
        add_version(&m, 2, 1, 3, 4, "a");
        if (row[i].more == 1)
            t_add(&m, lost);
        PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 10, 11, row[i].listed, NULL);
        MADE(row[i].rule);
    }
}

/* Perhaps deleted as it came: there is no time at which it surely was there. */
T_TEST(pages_gone_at_once)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    add_version(&m, 1, 1, 1, 2, "a");
    ADD_NAMED(&m, t_lost(t_removed(1, 2, 3)), version_asked, "a");
    add_version(&m, 2, 1, 5, 6, "b");
    PAGE(S3P_OP_LIST_VERSIONS, "", NULL, NULL, 8, 9, "#1@a #1@b*", NULL);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "list-order"), 0);
    json_decref(v);
}

/* Of a key that is not behind the marker the first entry alone is out of the range. */
T_TEST(pages_versions_before_the_marker)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    add_version(&m, 1, 1, 1, 2, "a");
    add_version(&m, 2, 1, 3, 4, "b");
    PAGE(S3P_OP_LIST_VERSIONS, "key-marker=keys%2F00000002", NULL, NULL, 6, 7, "#1@b* #1@a", NULL);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "list-range"), 1);
    json_decref(v);
}

/* ---- many keys, many spaces, any number of threads ---- */

enum { MANY = 5000, HOSTILE = 300, LISTINGS = 200, RUN = 40 };

static void add_many(struct t_make *m, uint64_t seed, bool drop)
{
    struct s3p_rng g = {seed, 1, 0};
    for (uint64_t k = 0; k < MANY; k++)
        t_add(m, t_put((uint32_t)k + 1, k * 3, 1, 2));
    for (int i = 0; i < LISTINGS; i++) {
        char entries[RUN * 12 + 1] = "", args[64], next[64];
        uint64_t from = s3p_rng_below(&g, MANY - RUN - 1);
        size_t at = 0;
        for (uint64_t k = 1; k <= RUN; k++)
            if (!drop || k != 7)
                at += (size_t)snprintf(entries + at, sizeof entries - at, "%s#%u",
                                       at > 0 ? " " : "", (unsigned)((from + k) * 3));
        snprintf(args, sizeof args, "start-after=keys%%2F%08u", (unsigned)(from * 3));
        snprintf(next, sizeof next, "continuation-token=t%d", i);
        t_add_page(m, &(struct t_page){LIST, args, next, NULL, 5, 6, entries, NULL});
    }
}

T_TEST(pages_many)
{
    for (int drop = 0; drop < 2; drop++) {
        struct t_make m;
        char *text[3];
        t_make_begin(&m, "{}", NO_MD5);
        add_many(&m, 4, drop);
        t_make_close(&m);
        for (int i = 0; i < 3; i++) {
            struct s3p_check_opts o = {.threads = 1 + i, .memory_bytes = i == 2 ? 3 << 20 : 0};
            json_t *v = t_judge(m.path, &o);
            T_EQ(t_rule(v, "list-missing"), drop * LISTINGS);
            T_EQ(t_violations(v), drop * LISTINGS);
            json_object_del(v, "checker");
            text[i] = t_dump(v);
            json_decref(v);
        }
        T_STR(text[1], text[0]);
        T_STR(text[2], text[0]);
        for (int i = 0; i < 3; i++)
            s3p_free(text[i]);
        unlink(m.path);
    }
}

/* Hostile pages: whatever they hold, a verdict or a plain error. */
T_TEST_LIMIT(pages_hostile, 120)
{
    static const char *const args[] = {
        "", "%", "prefix=%zz", "max-keys=x", "max-keys=18446744073709551615", "start-after=&&&",
        "continuation-token=t", "delimiter=k", "part-number-marker=99999999999999999999",
        "key-marker=hot&version-id-marker=a", "prefix=%FF%FF", "key-marker=%00"};
    static const char *const entry[] = {
        "#0", "#1", "#999999", "#18446744073709551614", "-", "-a/", "zz", "#1@a", "#1@null",
        "#2@b*", "#7", "hot", "@", "#1@"};
    static const int op[] = {LIST, LIST_V1, S3P_OP_LIST_VERSIONS, S3P_OP_LIST_UPLOADS,
                             S3P_OP_LIST_PARTS};
    enum { NARGS = sizeof args / sizeof *args, NENTRIES = sizeof entry / sizeof *entry };
    for (uint64_t i = 0; i < HOSTILE; i++) {
        struct s3p_rng g = {77, i, 0};
        struct t_make m;
        t_make_begin(&m, "{}", i % 7 == 0 ? "{\"key_order\":\"other\"}" : NO_MD5);
        t_add_keys(&m);
        add_version(&m, 20, 1, 1, 2, "a");
        add_upload(&m, S3P_OP_CREATE_UPLOAD, 1, 1, 2, "u", 0);
        for (int p = 0; p < 4; p++) {
            char list[256] = "";
            for (uint64_t k = s3p_rng_below(&g, 8); k > 0; k--) {
                const char *e = entry[s3p_rng_below(&g, NENTRIES)];
                size_t len = strlen(list);
                snprintf(list + len, sizeof list - len, "%s%s", len > 0 ? " " : "", e);
            }
            struct t_page made = {.op = op[s3p_rng_below(&g, 5)],
                                .args = args[s3p_rng_below(&g, NARGS)],
                                .call = (int64_t)s3p_rng_below(&g, 30),
                                .entries = list};
            made.ret = made.call + 1;
            if (s3p_rng_below(&g, 2))
                made.next = args[s3p_rng_below(&g, NARGS)];
            if (s3p_rng_below(&g, 2))
                made.upload = "u";
            t_add_page(&m, &made);
        }
        struct s3p_err err;
        int rc = t_make_fail(&m, NULL, &err);
        T_TRUE(rc == 0 || rc == S3P_EFORMAT);
    }
}
