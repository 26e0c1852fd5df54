/* Writes with `If-Match: *`: they must find something there. */
#include "tests/t.h"

#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/make.h"
#include "tests/check/store.h"

#define PROFILE "{\"etag_is_md5\":false}"
#define EXPECT(rule, ...)                                                                          \
    do {                                                                                           \
        const struct s3p_attempt all[] = {__VA_ARGS__};                                            \
        expect(__LINE__, rule, all, (int)(sizeof all / sizeof *all));                              \
    } while (0)

static void expect(int line, const char *rule, const struct s3p_attempt *all, int n)
{
    struct t_make m;
    t_make_begin(&m, "{}", PROFILE);
    for (int i = 0; i < n; i++)
        t_add(&m, all[i]);
    t_expect_one(__FILE__, line, &m, rule);
}

static struct s3p_attempt replace(uint32_t n, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_put(n, 3, call_ms, return_ms);
    r.cond = S3P_COND_IF_MATCH_ANY;
    return r;
}

static struct s3p_attempt removed(int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_DELETE, 50, 3, call_ms, return_ms);
    r.status = 204;
    r.outcome = S3P_OK_OUTCOME;
    return r;
}

T_TEST(check_replace_of_nothing)
{
    EXPECT("cas-ignored", replace(1, 1, 2)); /* never written */
    EXPECT("cas-ignored", replace(1, 1, 3), t_put(2, 3, 4, 5), t_get(2, 3, 6, 7));
    EXPECT("cas-ignored", t_put(1, 3, 1, 2), removed(3, 4), replace(2, 5, 6));
    EXPECT("cas-ignored", t_put(1, 3, 1, 2), removed(3, 4), replace(2, 5, 6), t_get(2, 3, 7, 8),
           removed(9, 10), t_get(0, 3, 11, 12));
    EXPECT("cas-ignored", t_get(0, 3, 1, 2), replace(1, 3, 4), t_get(1, 3, 5, 6));
    EXPECT("cas-ignored", t_refused(t_cas(1, 0, 3, 8, 9)), replace(2, 1, 3));
    EXPECT("cas-ignored", replace(1, 1, 4), replace(2, 2, 3)); /* one of them was the first */
    struct s3p_attempt lost = t_lost(replace(1, 1, 2));
    EXPECT("cas-ignored", lost, replace(2, 3, 4)); /* whatever became of the first */
}

T_TEST(check_replace_of_something)
{
    EXPECT(NULL, t_put(1, 3, 1, 2), replace(2, 3, 4), replace(3, 5, 6), t_get(3, 3, 7, 8));
    EXPECT(NULL, t_put(1, 3, 1, 3), replace(2, 3, 4)); /* equal times are concurrent */
    EXPECT(NULL, replace(2, 1, 5), t_cas(1, 0, 3, 2, 3), t_get(2, 3, 6, 7));
    EXPECT(NULL, t_lost(t_put(1, 3, 1, 2)), replace(2, 3, 4)); /* it may have happened */
    EXPECT(NULL, t_put(1, 3, 1, 2), removed(3, 4), t_lost(t_put(3, 3, 3, 4)), replace(2, 5, 6));
    EXPECT(NULL, t_put(1, 3, 1, 2), removed(3, 5), replace(2, 5, 6)); /* before the delete */
    EXPECT(NULL, t_put(1, 3, 1, 2), t_lost(removed(3, 4)), replace(2, 5, 6));
    struct s3p_attempt refused = t_refused(replace(1, 1, 2)), altered = replace(1, 1, 2);
    refused.evidence = S3P_EV_ABSENT;
    EXPECT(NULL, refused, t_put(2, 3, 3, 4), replace(3, 5, 6));
    EXPECT(NULL, t_lost(replace(1, 1, 2)), t_get(0, 3, 5, 6));
    altered.flags = S3P_FLAG_ALTERED;
    EXPECT(NULL, altered, t_put(2, 3, 3, 4));
    altered.flags = S3P_FLAG_MULTI_DELIVERY;
    EXPECT(NULL, altered, t_put(2, 3, 3, 4));
}

T_TEST(objects_copy_replaces)
{
    for (int there = 0; there < 2; there++) {
        struct t_make m;
        t_make_begin(&m, "{}", PROFILE);
        t_add(&m, t_put(1, 4, 1, 2));
        if (there)
            t_add(&m, t_put(2, 3, 1, 2));
        struct s3p_attempt copy = replace(3, 3, 4);
        copy.op = S3P_OP_COPY;
        copy.etag = t_etag(1);
        memset(&copy.body_id, 0, sizeof copy.body_id);
        t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000004"});
        t_expect_one(__FILE__, __LINE__, &m, there ? NULL : "cas-ignored");
    }
}

T_TEST(check_replace_that_was_lost)
{
    /* Its value was seen: it took effect, and there was nothing to replace. */
    EXPECT("zone-overlap", t_lost(replace(1, 1, 2)), t_get(1, 3, 5, 6));
    EXPECT(NULL, t_lost(replace(1, 1, 2)), t_put(2, 3, 3, 4), t_get(1, 3, 5, 6));
}
