/* What an entry of a page says of its object is a read of the key, in the interval that the profile
 * gives to pages. */
#include "tests/t.h"

#include <string.h>

#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/make.h"

#define STRONG "{\"etag_is_md5\":false}"
#define LATE "{\"etag_is_md5\":false,\"list\":\"eventual\",\"list_lag_ms\":5}"
#define LATE_AT_WILL "{\"etag_is_md5\":false,\"list\":\"eventual\"}"
#define WALK "{\"etag_is_md5\":false,\"list_interval\":\"listing\"}"

/* Value 2 was there from 4 on; a page from `call_ms` on shows value 1. */
static void expect_old(const char *profile, int64_t call_ms, uint8_t flags, const char *args,
                       bool wrong)
{
    struct t_make m;
    struct s3p_attempt r = t_attempt(S3P_OP_LIST, 50, S3P_NO_INDEX, call_ms, call_ms + 1);
    struct s3p_entry e = {.key_index = 3, .size = 1001, .etag_form = S3P_ETAG_DIGEST};
    s3p_etag_bytes etag = t_etag(1);
    t_make_begin(&m, "{}", profile);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    r.flags = flags;
    memcpy(e.etag, etag.b, sizeof e.etag);
    s3p_append_begin(m.a, 512, 1);
    r.list_args = s3p_append_text(m.a, args, strlen(args));
    r.entries_first = s3p_append_entry(m.a, &e);
    r.entries_count = 1;
    s3p_append(m.a, &r);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(json_integer_value(json_object_get(v, "violations")), wrong);
    T_EQ(t_rule(v, "stale-read"), wrong);
    json_decref(v);
}

T_TEST(entries_that_are_old)
{
    expect_old(STRONG, 5, 0, "", true);
    expect_old(STRONG, 5, S3P_FLAG_ALTERED, "", false); /* by a proxy */
    expect_old(LATE, 8, 0, "", false);
    expect_old(LATE, 10, 0, "", true);
    expect_old(LATE_AT_WILL, 1000, 0, "", false);
    expect_old(WALK, 5, 0, "", true);
    expect_old(WALK, 5, 0, "marker=keys%2F00000001", false); /* the walk may have begun before */
    expect_old(STRONG, 5, 0, "marker=keys%2F00000001", true);
}
