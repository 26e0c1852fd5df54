/* Pages: conditions that few listings meet, each beside what they would hide or blame. */
#include "tests/t.h"

#include "s3/outcome.h"
#include "tests/check/of_pages.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#define OTHER "{\"etag_is_md5\":false,\"key_order\":\"other\"}"
#define EXPECT(rule, ...) T_EXPECT_PAGES(rule, __VA_ARGS__)

/* Where keys have another order nobody knows what is behind a marker. */
T_TEST(pages_of_another_order)
{
    EXPECT(NULL, {LIST, "start-after=keys%2F00000003", NULL, NULL, 15, 16, "#1", OTHER});
    EXPECT(NULL, {LIST, "continuation-token=t", NULL, NULL, 15, 16, "#1", OTHER});
    EXPECT(NULL, {LIST_V1, "max-keys=2", "marker=keys%2F00000001", NULL, 15, 16, "#1 #5", OTHER});
    EXPECT("list-missing", {LIST, "", NULL, NULL, 15, 16, "#5 #1 #4", OTHER});
}

/* What comes before the marker is out of range, and no repetition. */
T_TEST(pages_that_go_back)
{
    EXPECT("list-range",
           {LIST_V1, "delimiter=%2F&marker=keys%2F00000002", NULL, NULL, 5, 6, "-a/ -keys/", NULL});
    EXPECT("list-range", {LIST_V1, "", "marker=keys%2F00000003", NULL, 5, 6, "#1 #2 #3", NULL},
           {LIST_V1, "marker=keys%2F00000003", NULL, NULL, 7, 8, "#2 #5", NULL});
}

static struct s3p_attempt of_upload(int op, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, 60, 1, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static void add_upload(struct t_make *m, const char *id, int64_t created_ms)
{
    t_add_texts(m, of_upload(S3P_OP_CREATE_UPLOAD, created_ms, created_ms + 1),
                (struct t_texts){.upload = id});
}

static void add_part(struct t_make *m, const char *id, uint32_t number)
{
    struct s3p_attempt r = of_upload(S3P_OP_UPLOAD_PART, 5, 6);
    r.part_number = number;
    t_add_texts(m, r, (struct t_texts){.upload = id});
}

static void expect_parts(int line, const char *rule, const struct t_page *g, size_t n)
{
    struct t_make m;
    t_make_begin(&m, "{}", g->profile != NULL ? g->profile : NO_MD5);
    add_upload(&m, "u", 1);
    add_part(&m, "u", 1);
    add_part(&m, "u", 2);
    add_part(&m, "u", 10);
    for (size_t i = 0; i < n; i++)
        t_add_page(&m, &g[i]);
    t_expect_one(__FILE__, line, &m, rule);
}
#define PARTS(rule, ...)                                                                           \
    do {                                                                                           \
        const struct t_page g_[] = {__VA_ARGS__};                                                  \
        expect_parts(__LINE__, rule, g_, sizeof g_ / sizeof *g_);                                  \
    } while (0)

/* Parts are numbers, whatever order keys have. */
T_TEST(pages_of_parts_are_in_order)
{
    static const int op = S3P_OP_LIST_PARTS;
    PARTS("list-order", {op, "", NULL, "u", 8, 9, "2 1 10", OTHER});
    PARTS("list-missing", {op, "part-number-marker=1", NULL, "u", 8, 9, "10", OTHER});
    PARTS(NULL, {op, "part-number-marker=x", NULL, "u", 8, 9, "10", NULL});
    PARTS("list-missing", {op, "", "part-number-marker=10", "u", 8, 9, "1 2", NULL},
          {op, "part-number-marker=10", NULL, "u", 10, 11, "", NULL});
}

/* Of another upload of the key nothing follows. */
T_TEST(pages_of_parts_of_one_upload)
{
    static const char *const id[] = {"u", "w"};
    for (int i = 0; i < 2; i++) {
        struct t_make m;
        t_make_begin(&m, "{}", NO_MD5);
        add_upload(&m, id[0], 1);
        add_upload(&m, id[1], 3);
        add_part(&m, id[i], 10);
        for (uint32_t number = 1; number < 4; number++)
            add_part(&m, id[!i], number);
        t_add_page(&m, &(struct t_page){S3P_OP_LIST_PARTS, "part-number-marker=5", NULL, id[i], 8,
                                        9, "", NULL});
        t_expect_one(__FILE__, __LINE__, &m, "list-missing");
    }
}

T_TEST(pages_of_uploads)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    add_upload(&m, "u", 1);
    t_add_page(&m, &(struct t_page){S3P_OP_LIST_UPLOADS, "delimiter=%2F", NULL, NULL, 5, 6,
                                    "-keys/ -keys/", NULL});
    t_expect_one(__FILE__, __LINE__, &m, "list-duplicate");
    t_make_begin(&m, "{}", NO_MD5); /* oldest first: later ones have later times */
    add_upload(&m, "u", 1);
    add_upload(&m, "w", 3);
    const struct t_listed e[] = {{"u", 0, 1, 1, 0, 0}, {"w", 0, 1, 100, 0, 0}};
    struct s3p_attempt page = of_upload(S3P_OP_LIST_UPLOADS, 8, 9);
    page.key_index = S3P_NO_INDEX;
    t_add_listed(&m, page, e, 2);
    t_expect_one(__FILE__, __LINE__, &m, NULL);
}

static void expect_versions(int line, const char *rule, struct t_page g)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    t_add_version(&m, t_put(1, 1, 1, 2), "a");
    t_add_version(&m, t_put(2, 1, 3, 4), "b");
    t_add_version(&m, t_put(3, 2, 1, 2), "d");
    t_add_version(&m, t_put(4, 2, 3, 4), "e");
    g.op = S3P_OP_LIST_VERSIONS;
    t_add_page(&m, &g);
    t_expect_one(__FILE__, line, &m, rule);
}
#define VERSIONS(rule, args, next, entries)                                                        \
    expect_versions(__LINE__, rule, (struct t_page){0, args, next, NULL, 8, 9, entries, NULL})
#define AT(key, id) "key-marker=keys%2F0000000" key "&version-id-marker=" id

T_TEST(pages_of_versions)
{
    VERSIONS("list-range", AT("2", "e"), NULL, "#1@b* #2@d"); /* before the marker */
    VERSIONS(NULL, AT("1", "x"), AT("1", "b"), "#1@b");       /* the same key, another version */
    VERSIONS("list-missing", "", AT("2", "e"), "#1@b* #2@e*"); /* of a key that is done with */
    VERSIONS(NULL, "", AT("2", "e"), "#1@b* #1@a #2@e*");
}

/* Another bucket, another kind of listing: no page goes on there, whatever marker it names. */
T_TEST(pages_of_other_walks)
{
    static const char marker[] = "marker=keys%2F00000003", at[] = "key-marker=keys%2F00000003";
    for (int kind = 0; kind < 2; kind++) {
        struct t_make m;
        struct s3p_attempt side = t_put(3, 3, 1, 2),
                           page = t_attempt(kind ? S3P_OP_LIST_VERSIONS : LIST_V1, 90, S3P_NO_INDEX,
                                            7, 8);
        t_make_begin(&m, "{}", NO_MD5);
        t_add(&m, t_put(1, 1, 1, 2));
        side.bucket = page.bucket = !kind;
        t_add_version(&m, side, "v");
        t_add_page(&m, &(struct t_page){LIST_V1, "max-keys=1", marker, NULL, 5, 6, "#1", NULL});
        page.outcome = S3P_OK_OUTCOME;
        t_add_texts(&m, page, (struct t_texts){.args = kind ? at : marker});
        t_expect_one(__FILE__, __LINE__, &m, NULL);
    }
}
