/* Walks through versions in several pages: which pages are of one, and what must stand in it. Key 3
 * has a version "a", and then "b" and "c", whose order nobody knows: no page alone tells that one
 * of them is missing. */
#include "tests/t.h"

#include <string.h>

#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#define NO_MD5 "{\"etag_is_md5\":false}"
#define BEHIND_C "key-marker=keys%2F00000003&version-id-marker=c"
#define BEHIND_9 "key-marker=keys%2F00000009"

enum { TRUNCATED = S3P_FLAG_TRUNCATED };

struct page {
    const char *args, *next, *versions; /* a letter each */
    uint8_t flags, outcome;             /* outcome: S3P_OK_OUTCOME + 1 if not 0 */
    uint32_t client;                    /* beyond 50 */
    uint16_t bucket;
};

static void add_page(struct t_make *m, const struct page *p, int64_t call_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_LIST_VERSIONS, 50 + p->client, S3P_NO_INDEX, call_ms,
                                     call_ms + 1);
    size_t n = p->versions != NULL ? strlen(p->versions) : 0;
    r.outcome = p->outcome != 0 ? p->outcome - 1 : S3P_OK_OUTCOME;
    r.status = r.outcome == S3P_OK_OUTCOME ? 200 : 503;
    r.flags = p->flags;
    r.bucket = p->bucket;
    s3p_append_begin(m->a, 1024, n);
    for (size_t k = 0; k < n; k++) {
        struct s3p_entry e = {.key_index = 3};
        e.version_id = s3p_append_text(m->a, p->versions + k, 1);
        uint32_t at = s3p_append_entry(m->a, &e);
        r.entries_first = k == 0 ? at : r.entries_first;
    }
    r.entries_count = (uint32_t)n;
    r.list_args = s3p_append_text(m->a, p->args, strlen(p->args));
    if (p->next != NULL)
        r.list_next = s3p_append_text(m->a, p->next, strlen(p->next));
    s3p_append(m->a, &r);
}

static void add_versions(struct t_make *m)
{
    t_add_version(m, t_put(1, 3, 1, 2), "a");
    t_add_version(m, t_put(2, 3, 3, 9), "b");
    t_add_version(m, t_put(7, 3, 3, 9), "c");
}

static void expect_missing(int line, const char *profile, const struct page *pages, size_t n,
                           int64_t missing)
{
    struct t_make m;
    t_make_begin(&m, "{}", profile);
    add_versions(&m);
    for (size_t i = 0; i < n; i++)
        add_page(&m, &pages[i], 10 + 2 * (int64_t)i);
    json_t *v = t_make_judge(&m, NULL);
    char *text = t_dump(v);
    if (t_rule(v, "list-missing") != missing)
        t_fail(__FILE__, line, "expected %lld: %.3000s", (long long)missing, text);
    s3p_free(text);
    json_decref(v);
}

#define MISSING(profile, missing, ...)                                                             \
    do {                                                                                           \
        const struct page p_[] = {__VA_ARGS__};                                                    \
        expect_missing(__LINE__, profile, p_, sizeof p_ / sizeof *p_, missing);                    \
    } while (0)

static const struct page one = {"max-keys=1", BEHIND_C, "c", TRUNCATED, 0, 0, 0};

T_TEST(versions_of_a_walk)
{
    MISSING(NO_MD5, 1, one, {BEHIND_C, NULL, "a", 0, 0, 0, 0});
    MISSING(NO_MD5, 0, one, {BEHIND_C, NULL, "ba", 0, 0, 0, 0});
    MISSING(NO_MD5, 0, one, {BEHIND_C, NULL, "a", 0, 0, 1, 0}); /* another client's */
    MISSING(NO_MD5, 0, one, {BEHIND_C, NULL, NULL, 0, 0, 0, 1}); /* of another bucket */
    MISSING(NO_MD5, 0, one, {BEHIND_9 "&version-id-marker=c", NULL, NULL, 0, 0, 0, 0});
    MISSING(NO_MD5, 0, one, {BEHIND_C "&prefix=zoo", NULL, NULL, 0, 0, 0, 0});
    MISSING(NO_MD5, 0, one, {BEHIND_C "&delimiter=%2F", NULL, NULL, 0, 0, 0, 0});
    MISSING(NO_MD5, 0, one, {BEHIND_C, NULL, NULL, 0, S3P_FAILED + 1, 0, 0});
    MISSING(NO_MD5, 0, one, {BEHIND_C, NULL, "a", S3P_FLAG_ALTERED, 0, 0, 0});
    MISSING(NO_MD5, 0, {"delimiter=0000", BEHIND_9, NULL, TRUNCATED, 0, 0, 0},
            {BEHIND_9, NULL, NULL, 0, 0, 0, 0}); /* rolled up */
}

/* One that comes, or goes, as the walk begins, or ends; what another client saw meanwhile. */
T_TEST(versions_that_stay)
{
    static const struct page two = {BEHIND_C, NULL, "a", 0, 0, 0, 0};
    for (int late = 0; late < 3; late++) {
        struct t_make m;
        t_make_begin(&m, "{}", NO_MD5);
        t_add_version(&m, t_put(1, 3, 1, 2), "a");
        t_add_version(&m, t_put(2, 3, 3, late == 1 ? 10 : 9), "b");
        t_add_version(&m, t_put(7, 3, 3, 9), "c");
        add_page(&m, &one, 10);
        add_page(&m, &two, 12);
        if (late == 2)
            t_add_asked(&m, t_deleted(13, 14), "b");
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_rule(v, "list-missing"), late == 0);
        json_decref(v);
    }
    MISSING(NO_MD5, 1, one, {"", NULL, "cba", 0, 0, 1, 0}, two);
    MISSING("{\"etag_is_md5\":false,\"list\":\"eventual\",\"list_lag_ms\":50}", 0, one, two);
    struct t_make m;
    struct s3p_attempt rule = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 0, 1);
    rule.outcome = S3P_OK_OUTCOME;
    t_make_begin(&m, "{}", NO_MD5); /* a rule of the bucket may have removed it */
    t_add_texts(&m, rule, (struct t_texts){.args = "rules=[{\"noncurrent_days\":1}]"});
    add_versions(&m);
    add_page(&m, &one, 10);
    add_page(&m, &two, 12);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "list-missing"), 0);
    json_decref(v);
    t_make_begin(&m, "{}", NO_MD5); /* a page alone is judged alone */
    t_add_version(&m, t_put(1, 3, 1, 2), "a");
    t_add_version(&m, t_put(2, 3, 3, 4), "b");
    add_page(&m, &(struct page){"", NULL, "b", 0, 0, 0, 0}, 5);
    v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "list-missing"), 1);
    json_decref(v);
}

/* Versions of keys that the walk does not cover. */
T_TEST(versions_outside_a_walk)
{
    MISSING(NO_MD5, 0, {"prefix=hot", "key-marker=hot", NULL, TRUNCATED, 0, 0, 0},
            {"prefix=hot&key-marker=hot", NULL, NULL, 0, 0, 0, 0});
    MISSING(NO_MD5, 0, {"", "key-marker=hot", NULL, TRUNCATED, 0, 0, 1},
            {"key-marker=hot", NULL, NULL, 0, 0, 0, 1});
    struct t_make m; /* a prefix that is written with a '%' is not that text */
    struct s3p_attempt put = t_put(1, 2, 1, 2);
    put.space = 1;
    t_make_begin(&m, "{}", NO_MD5);
    t_add_version(&m, put, "a");
    add_page(&m, &(struct page){"prefix=per%63", "key-marker=percy", NULL, TRUNCATED, 0, 0, 0}, 5);
    add_page(&m, &(struct page){"prefix=per%63&key-marker=percy", NULL, NULL, 0, 0, 0, 0}, 7);
    t_expect_rule(&m, NULL);
}

/* ---- the order that a walk shows ---- */

/* Versions, a page by each client from 50 on, what else happens to version "z" of the key, and then
 * "b" is read: how often that is stale. */
static int64_t stale(const char *first, const char *second, const struct s3p_attempt *beside)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    add_versions(&m);
    if (beside != NULL)
        t_add_asked(&m, *beside, "z");
    add_page(&m, &(struct page){"", NULL, first, 0, 0, 0, 0}, 10);
    if (second != NULL)
        add_page(&m, &(struct page){"", NULL, second, 0, 0, 1, 0}, 10);
    t_add(&m, t_get(2, 3, 20, 21));
    json_t *v = t_make_judge(&m, NULL);
    int64_t n = t_rule(v, "stale-read");
    json_decref(v);
    return n;
}

/* Only that of a walk that no change of the key overlaps. */
T_TEST(versions_ranked_in_quiet)
{
    struct s3p_attempt lost = t_deleted(3, 4), beside[] = {
        t_deleted(10, 11), t_deleted(11, 12), t_deleted(8, 10), /* equal times are concurrent */
        t_deleted(8, 9), t_deleted(12, 13), t_denied(t_deleted(10, 11)), t_get(0, 3, 10, 11),
    };
    lost.outcome = S3P_UNKNOWN;
    lost.status = 503;
    T_EQ(stale("cba", NULL, NULL), 1);
    T_EQ(stale("bca", NULL, NULL), 0);
    for (int k = 0; k < 7; k++)
        T_EQ(stale("cba", NULL, &beside[k]), k > 2);
    T_EQ(stale("cba", NULL, &lost), 0);
}

/* Of walks that disagree the first one that shows most counts, and what it shows first; where one
 * version id was given twice there is no order. */
T_TEST(versions_ranked_once)
{
    T_EQ(stale("cba", "bca", NULL), 1);
    T_EQ(stale("bca", "cba", NULL), 0);
    T_EQ(stale("bca", "cbaa", NULL), 1);
    T_EQ(stale("cbac", NULL, NULL), 1);
    for (int reused = 0; reused < 2; reused++) {
        struct t_make m;
        t_make_begin(&m, "{}", NO_MD5);
        add_versions(&m);
        if (reused)
            t_add_version(&m, t_put(9, 3, 1, 2), "a");
        else /* it does not go to the end */
            add_page(&m, &(struct page){"", BEHIND_9, "bca", TRUNCATED, 0, 1, 0}, 10);
        add_page(&m, &(struct page){"", NULL, "cba", 0, 0, 0, 0}, 10);
        t_add(&m, t_get(2, 3, 20, 21));
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_rule(v, "stale-read"), !reused);
        json_decref(v);
    }
}

/* ---- the state of a bucket ---- */

T_TEST(versions_missing_and_the_state)
{
    struct t_make m;
    struct s3p_attempt set = t_attempt(S3P_OP_PUT_VERSIONING, 1, S3P_NO_INDEX, 1, 2);
    set.outcome = S3P_UNKNOWN;
    set.status = 503;
    t_make_begin(&m, "{}", NO_MD5); /* perhaps it does not keep versions */
    t_add_texts(&m, set, (struct t_texts){.args = "status=Enabled"});
    t_add(&m, t_put(1, 3, 3, 4));
    t_expect_rule(&m, NULL);
    t_make_begin(&m, "{}", NO_MD5); /* it was told to once more */
    t_add_versioning(&m, "status=Enabled", 1, 2);
    t_add(&m, t_put(1, 3, 3, 4));
    t_add_versioning(&m, "status=Enabled", 9, 10);
    t_expect_rule(&m, "version-missing");
    t_make_begin(&m, "{}", NO_MD5);
    t_add_versioning(&m, "status=Enabled", 1, 2);
    t_add_versioning(&m, "status=Suspended", 3, 4);
    t_add(&m, t_put(1, 3, 5, 6));
    t_add_versioning(&m, "status=Suspended", 9, 10);
    t_expect_rule(&m, NULL);
}
