/* Parts that are sent again: what a Complete may name, and a page show, once a copy was replaced.
 * Each rule beside its legal neighbours. */
#include "tests/t.h"

#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

#define STRONG "{\"etag_is_md5\":false}"
#define SETTLES "{\"etag_is_md5\":false,\"mpu_listing\":\"settles\",\"mpu_listing_lag_ms\":5}"
#define WALK "{\"etag_is_md5\":false,\"list_interval\":\"listing\"}"

static struct s3p_attempt of(int op, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, 1, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static struct s3p_attempt ended(struct s3p_attempt r, uint8_t outcome, uint8_t flags)
{
    r.outcome = outcome;
    r.flags = flags;
    r.evidence = S3P_EV_NONE;
    r.status = outcome == S3P_UNKNOWN ? 503 : 400;
    r.etag_form = S3P_ETAG_NONE;
    return r;
}

static void add(struct t_make *m, struct s3p_attempt r)
{
    t_add_texts(m, r, (struct t_texts){.upload = "u"});
}

static void begin(struct t_make *m, const char *profile)
{
    t_make_begin(m, "{}", profile);
    t_add(m, t_put(70, 9, 0, 1)); /* something that is judged */
    struct s3p_attempt r = of(S3P_OP_CREATE_UPLOAD, 1, 2);
    r.meta_id = t_nth(1, 1);
    add(m, r);
}

/* A copy of part `number` with ETag `etag`. */
static struct s3p_attempt copy(uint32_t number, uint32_t etag, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = of(S3P_OP_UPLOAD_PART, call_ms, return_ms);
    r.part_number = number;
    r.body_id = t_nth(1, 20 + etag);
    r.size = 64;
    r.etag = t_etag(etag);
    r.etag_form = S3P_ETAG_DIGEST;
    return r;
}

static uint32_t add_entry(struct t_make *m, uint32_t number, uint32_t etag)
{
    struct s3p_entry e = {.key_index = number, .size = 64};
    s3p_etag_bytes bytes = t_etag(etag);
    e.etag_form = etag != 0 ? S3P_ETAG_DIGEST : S3P_ETAG_NONE;
    memcpy(e.etag, bytes.b, sizeof e.etag);
    return s3p_append_entry(m->a, &e);
}

/* Of parts 1 and 2. */
static struct s3p_attempt complete(int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = of(S3P_OP_COMPLETE_UPLOAD, call_ms, return_ms);
    r.meta_id = t_nth(1, 1);
    r.body_id = t_nth(1, 2);
    r.evidence = S3P_EV_VALUE;
    return r;
}

static void add_complete(struct t_make *m, struct s3p_attempt r, uint32_t one, uint32_t two)
{
    s3p_append_begin(m->a, 512, 2);
    r.entries_first = add_entry(m, 1, one);
    (void)add_entry(m, 2, two);
    r.entries_count = 2;
    add(m, r);
}

static void add_page(struct t_make *m, uint32_t etag, const char *args, int64_t call_ms)
{
    struct s3p_attempt r = of(S3P_OP_LIST_PARTS, call_ms, call_ms + 1);
    r.client = 8;
    s3p_append_begin(m->a, 512, 1);
    r.entries_first = add_entry(m, 1, etag);
    r.entries_count = 1;
    t_add_texts(m, r, (struct t_texts){.upload = "u", .args = args});
}

#define EXPECT(m, rule) t_expect_one(__FILE__, __LINE__, m, rule)

/* Part 1 is sent at 3-4, and again, as `second`; then a Complete at 10-11 names the first copy. */
static void expect_named(int line, struct s3p_attempt first, struct s3p_attempt second,
                         struct s3p_attempt end, const char *rule)
{
    struct t_make m;
    begin(&m, STRONG);
    add(&m, first);
    add(&m, second);
    add(&m, copy(2, 5, 3, 4));
    add_complete(&m, end, 1, 5);
    t_expect_one(__FILE__, line, &m, rule);
}
#define NAMED(first, second, end, rule) expect_named(__LINE__, first, second, end, rule)

T_TEST(objects_copies_named)
{
    const struct s3p_attempt first = copy(1, 1, 3, 4), second = copy(1, 2, 5, 6),
                             end = complete(10, 11);
    struct s3p_attempt touched = first, other = second, altered = end;
    NAMED(first, second, end, "mpu-stale-part");
    NAMED(first, copy(1, 2, 4, 6), end, NULL);  /* equal times are concurrent */
    NAMED(first, copy(1, 2, 5, 10), end, NULL);
    NAMED(first, ended(second, S3P_UNKNOWN, 0), end, NULL);
    NAMED(first, ended(second, S3P_FAILED, 0), end, NULL);
    NAMED(ended(first, S3P_UNKNOWN, 0), second, end, NULL); /* it may come at any time */
    NAMED(first, second, ended(end, S3P_UNKNOWN, 0), NULL);
    NAMED(first, second, ended(end, S3P_FAILED, 0), NULL);
    touched.flags = other.flags = S3P_FLAG_MULTI_DELIVERY;
    altered.flags = S3P_FLAG_ALTERED;
    NAMED(touched, second, end, NULL); /* once more later, perhaps */
    NAMED(first, other, end, NULL);
    NAMED(first, second, altered, NULL);
    NAMED(first, copy(1, 1, 5, 6), end, NULL); /* the same bytes */
    other = copy(1, 2, 5, 6);
    other.etag_form = S3P_ETAG_NONE;
    NAMED(first, other, end, NULL);
    other = ended(copy(1, 2, 5, 6), S3P_UNKNOWN, 0); /* an ETag, but no acknowledgement */
    other.etag = t_etag(2);
    other.etag_form = S3P_ETAG_DIGEST;
    NAMED(first, other, end, NULL);
}

T_TEST(objects_copies_named_among_several)
{
    const struct s3p_attempt end = complete(10, 11);
    struct t_make m;
    begin(&m, STRONG); /* an older and a younger one beside the copy: the younger counts */
    add(&m, copy(1, 2, 5, 6));
    add(&m, copy(1, 3, 2, 3));
    add(&m, copy(1, 1, 3, 4));
    add(&m, copy(2, 5, 3, 4));
    add_complete(&m, end, 1, 5);
    EXPECT(&m, "mpu-stale-part");
    begin(&m, STRONG); /* sent a third time, as at first */
    add(&m, copy(1, 1, 3, 4));
    add(&m, copy(1, 2, 5, 6));
    add(&m, copy(1, 1, 7, 8));
    add(&m, copy(2, 5, 3, 4));
    add_complete(&m, end, 1, 5);
    EXPECT(&m, NULL);
    begin(&m, STRONG); /* a copy whose size is not what the Complete says of it */
    struct s3p_attempt p = copy(1, 1, 7, 8);
    p.size = 65;
    add(&m, copy(1, 1, 3, 4));
    add(&m, copy(1, 2, 5, 6));
    add(&m, p);
    add(&m, copy(2, 5, 3, 4));
    add_complete(&m, end, 1, 5);
    EXPECT(&m, NULL);
    begin(&m, STRONG); /* refused, and touched on its way: who knows what arrived */
    add(&m, copy(1, 1, 3, 4));
    add(&m, copy(1, 2, 5, 6));
    add(&m, ended(copy(1, 1, 7, 8), S3P_FAILED, S3P_FLAG_MULTI_DELIVERY));
    add(&m, copy(2, 5, 3, 4));
    add_complete(&m, end, 1, 5);
    EXPECT(&m, NULL);
    begin(&m, STRONG); /* another Complete was under way before */
    add(&m, copy(1, 1, 3, 4));
    add(&m, copy(1, 2, 5, 6));
    add(&m, copy(2, 5, 3, 4));
    add_complete(&m, ended(complete(4, 5), S3P_UNKNOWN, 0), 1, 5);
    add_complete(&m, end, 1, 5);
    EXPECT(&m, NULL);
    begin(&m, STRONG); /* parts are named without ETags that make one */
    add(&m, copy(1, 1, 3, 4));
    add(&m, copy(1, 2, 5, 6));
    add(&m, copy(2, 5, 3, 4));
    add_complete(&m, end, 1, 0);
    EXPECT(&m, NULL);
}

/* A page at `call_ms` shows the first copy, of 3-4; the second is `second`. */
static void expect_shown(int line, const char *profile, struct s3p_attempt second, int64_t call_ms,
                         const char *args, const char *rule)
{
    struct t_make m;
    begin(&m, profile);
    add(&m, copy(1, 1, 3, 4));
    add(&m, second);
    add_page(&m, 1, args, call_ms);
    t_expect_one(__FILE__, line, &m, rule);
}
#define SHOWN(profile, second, call_ms, args, rule)                                                \
    expect_shown(__LINE__, profile, second, call_ms, args, rule)

T_TEST(objects_copies_shown)
{
    const struct s3p_attempt second = copy(1, 2, 5, 6);
    SHOWN(STRONG, second, 7, "", "list-part-entry");
    SHOWN(STRONG, second, 6, "", NULL); /* equal times are concurrent */
    SHOWN(STRONG, copy(1, 2, 4, 5), 7, "", NULL);
    SHOWN(STRONG, ended(second, S3P_UNKNOWN, 0), 7, "", NULL);
    SHOWN(SETTLES, second, 11, "", NULL); /* as late as the profile allows */
    SHOWN(SETTLES, second, 12, "", "list-part-entry");
    SHOWN(WALK, second, 7, "", "list-part-entry");
    SHOWN(WALK, second, 7, "part-number-marker=0", NULL); /* the walk may have begun before */
}
