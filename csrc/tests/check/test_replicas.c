/* Replicas: what is compared with what, on histories of several keys, kinds of write and rules. */
#include "tests/t.h"

#include <stdio.h>
#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

#define SIDE 1 /* the second bucket */

static void add_rules(struct t_make *m, int op, uint16_t bucket, const char *rules)
{
    struct s3p_attempt r = t_attempt(op, 60, S3P_NO_INDEX, 0, 1);
    char text[256];
    snprintf(text, sizeof text, "rules=%s", rules);
    r.bucket = bucket;
    r.outcome = S3P_OK_OUTCOME;
    t_add_texts(m, r, (struct t_texts){.args = text});
}

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
    add_rules(m, S3P_OP_PUT_REPLICATION, 0, "[{\"to\":\"side\"}]");
}

/* Key 3 twice. */
static void begin_writes(struct t_make *m)
{
    begin(m);
    t_add(m, t_put(1, 3, 2, 3));
    t_add(m, t_put(2, 3, 4, 5));
}

#define EXPECT(m, rule) t_expect_one(__FILE__, __LINE__, m, rule)

static struct s3p_attempt seen(uint32_t value, uint64_t key, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_get(value, key, call_ms, return_ms);
    r.bucket = SIDE;
    r.body_verdict = S3P_BODY_FOREIGN; /* its cells name the source */
    return r;
}

static struct s3p_attempt in(struct s3p_attempt r, uint16_t space, uint16_t bucket)
{
    r.space = space;
    r.bucket = bucket;
    return r;
}

T_TEST(bucket_rules_replicas_in_any_order_of_the_file)
{
    struct t_make m;
    begin_writes(&m);
    t_add(&m, seen(2, 3, 20, 21));
    t_add(&m, seen(1, 3, 10, 12));
    t_add(&m, seen(2, 3, 13, 14));
    EXPECT(&m, NULL);
    begin_writes(&m); /* one that takes long */
    t_add(&m, seen(2, 3, 10, 40));
    t_add(&m, seen(2, 3, 11, 12));
    t_add(&m, seen(1, 3, 20, 21));
    EXPECT(&m, "replica-order");
    begin_writes(&m); /* back again */
    t_add(&m, seen(1, 3, 10, 11));
    t_add(&m, seen(2, 3, 12, 13));
    t_add(&m, seen(1, 3, 14, 15));
    EXPECT(&m, "replica-order");
}

T_TEST(bucket_rules_replicas_of_several_keys)
{
    struct t_make m;
    begin_writes(&m);
    t_add(&m, t_put(7, 4, 2, 3));
    t_add(&m, t_put(8, 4, 4, 5));
    t_add(&m, seen(8, 4, 10, 11));
    t_add(&m, seen(2, 3, 12, 13));
    t_add(&m, seen(7, 4, 14, 15));
    EXPECT(&m, "replica-order");
    begin(&m); /* no order between two */
    t_add(&m, t_put(1, 3, 2, 3));
    t_add(&m, t_put(7, 4, 4, 5));
    t_add(&m, seen(7, 4, 10, 11));
    t_add(&m, seen(1, 3, 12, 13));
    EXPECT(&m, NULL);
    begin(&m); /* nor between two of one number */
    t_add(&m, t_put(1, 0, 2, 3));
    t_add(&m, in(t_put(7, 0, 4, 5), 1, 0));
    t_add(&m, in(seen(7, 0, 10, 11), 1, SIDE));
    t_add(&m, seen(1, 0, 12, 13));
    EXPECT(&m, NULL);
    begin(&m); /* one key of two names */
    t_add(&m, in(t_put(1, 0, 2, 3), 1, 0));
    t_add(&m, in(t_put(2, 0, 4, 5), 2, 0));
    t_add(&m, in(seen(2, 0, 10, 11), 1, SIDE));
    t_add(&m, in(seen(1, 0, 12, 13), 2, SIDE));
    EXPECT(&m, "replica-order");
}

T_TEST(bucket_rules_replicas_read)
{
    struct t_make m;
    struct s3p_attempt r = seen(1, 3, 20, 21);
    begin_writes(&m);
    t_add(&m, seen(2, 3, 10, 12));
    r.op = S3P_OP_HEAD;
    r.body_id = (struct s3p_id){{0}};
    r.body_verdict = S3P_BODY_NONE;
    t_add(&m, r);
    EXPECT(&m, "replica-order");
    begin_writes(&m); /* nothing of these is a read of the copy */
    r = in(t_attempt(S3P_OP_CREATE_UPLOAD, 9, 3, 10, 12), 0, SIDE);
    r.outcome = S3P_OK_OUTCOME;
    r.meta_id = t_value(9);
    t_add_texts(&m, r, (struct t_texts){.upload = "u"});
    r = seen(9, 3, 10, 12);
    r.outcome = S3P_UNKNOWN;
    r.evidence = S3P_EV_NONE;
    t_add(&m, r);
    r = seen(9, 3, 10, 12);
    r.op = S3P_OP_HEAD;
    r.body_verdict = S3P_BODY_NONE;
    r.body_id = r.meta_id = (struct s3p_id){{0}};
    t_add(&m, r);
    t_add(&m, t_get(2, 3, 10, 12));
    EXPECT(&m, NULL);
}

T_TEST(bucket_rules_replicas_of_writes)
{
    struct t_make m;
    struct s3p_attempt r = t_attempt(S3P_OP_COMPLETE_UPLOAD, 6, 3, 1, 3);
    r.outcome = S3P_OK_OUTCOME;
    r.evidence = S3P_EV_VALUE;
    r.meta_id = t_value(6);
    r.body_id = t_nth(1, 2);
    begin(&m); /* an upload returns, too */
    t_add_texts(&m, r, (struct t_texts){.upload = "u"});
    t_add(&m, t_put(2, 3, 4, 5));
    t_add(&m, seen(2, 3, 10, 12));
    t_add(&m, seen(6, 3, 20, 21));
    EXPECT(&m, "replica-order");
    begin_writes(&m); /* beside a copy that has an id, and a write that has none */
    r = t_attempt(S3P_OP_COPY, 7, 5, 4, 6);
    r.outcome = S3P_OK_OUTCOME;
    r.meta_id = t_value(7);
    t_add_texts(&m, r, (struct t_texts){.source = "main/keys/00000003"});
    r = t_put(8, 6, 2, 3);
    r.body_id = r.meta_id = (struct s3p_id){{0}};
    r.body_kind = S3P_KIND_CONSTANT;
    t_add(&m, r);
    t_add(&m, seen(2, 3, 10, 12));
    t_add(&m, seen(1, 3, 20, 21));
    EXPECT(&m, "replica-order");
}

T_TEST(bucket_rules_replicas_changed_by_clients)
{
    struct t_make m;
    struct s3p_attempt child = in(t_attempt(S3P_OP_DELETE_CHILD, 40, 3, 5, 6), 0, SIDE);
    child.outcome = S3P_OK_OUTCOME;
    begin(&m); /* written to the copy itself */
    t_add(&m, in(t_put(1, 3, 2, 3), 0, SIDE));
    t_add(&m, seen(1, 3, 10, 12));
    EXPECT(&m, NULL);
    begin_writes(&m);
    t_add(&m, child);
    t_add(&m, seen(2, 3, 10, 12));
    t_add(&m, seen(1, 3, 20, 21));
    EXPECT(&m, NULL);
    begin_writes(&m); /* later, and elsewhere */
    child.t_call += 25000000;
    child.t_return += 25000000;
    t_add(&m, seen(2, 3, 10, 12));
    t_add(&m, seen(1, 3, 20, 21));
    t_add(&m, child);
    EXPECT(&m, "replica-order");
    begin_writes(&m);
    child.t_call = child.t_return = T_START_NS;
    child.key_index = 4;
    t_add(&m, child);
    t_add(&m, seen(2, 3, 10, 12));
    t_add(&m, seen(1, 3, 20, 21));
    EXPECT(&m, "replica-order");
}

/* What was written to the copy itself, later, was not brought there by another rule. */
T_TEST(bucket_rules_replicas_beside_other_rules)
{
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    add_rules(&m, S3P_OP_PUT_REPLICATION, SIDE, "[{\"to\":\"main\"}]");
    add_rules(&m, S3P_OP_PUT_LIFECYCLE, 0, "[{\"days\":1}]");
    t_add(&m, t_put(1, 3, 20, 21));
    t_add(&m, in(seen(1, 3, 10, 12), 0, 0));
    EXPECT(&m, "unwritten-value");
    begin(&m);
    add_rules(&m, S3P_OP_PUT_REPLICATION, SIDE, "[{\"to\":\"main\"}]");
    t_add(&m, t_put(1, 3, 20, 21));
    t_add(&m, in(seen(1, 3, 10, 12), 0, 0));
    EXPECT(&m, "unwritten-value");
}

/* The bytes of a replica are those of the write that its metadata name. */
T_TEST(bucket_rules_replicas_with_wrong_bytes)
{
    struct t_make m;
    struct s3p_attempt r = seen(2, 3, 10, 12);
    r.body_verdict = S3P_BODY_TORN;
    begin_writes(&m);
    t_add(&m, r);
    EXPECT(&m, "body-torn");
    r.flags = S3P_FLAG_ALTERED;
    begin_writes(&m);
    t_add(&m, r);
    EXPECT(&m, NULL);
    r = seen(2, 3, 10, 12);
    r.body_id = t_value(1); /* of the write before */
    begin_writes(&m);
    t_add(&m, r);
    EXPECT(&m, "etag-mismatch");
    r.body_id = t_value(7);
    begin_writes(&m);
    t_add(&m, t_put(7, 4, 2, 3));
    t_add(&m, r);
    EXPECT(&m, "body-foreign");
    r.body_id = t_value(9); /* of nobody */
    begin_writes(&m);
    t_add(&m, r);
    EXPECT(&m, "body-foreign");
}

T_TEST(bucket_rules_replicas_with_bytes_of_many)
{
    struct t_make m;
    struct s3p_attempt r = t_put(2, 3, 4, 5), torn = seen(2, 3, 10, 12);
    torn.body_verdict = S3P_BODY_TORN;
    r.flags = S3P_FLAG_ALTERED; /* on its way to the store */
    begin(&m);
    t_add(&m, r);
    t_add(&m, torn);
    EXPECT(&m, NULL);
    for (int range = 0; range < 2; range++) { /* which may end a few bytes behind a part */
        struct s3p_attempt read = seen(6, 3, 10, 12);
        read.body_verdict = S3P_BODY_TORN;
        read.range_len = range ? 74 : 0;
        r = t_attempt(S3P_OP_COMPLETE_UPLOAD, 6, 3, 1, 3);
        r.outcome = S3P_OK_OUTCOME;
        r.evidence = S3P_EV_VALUE;
        r.meta_id = t_value(6);
        r.body_id = t_nth(1, 2);
        begin(&m);
        t_add_texts(&m, r, (struct t_texts){.upload = "u"});
        t_add(&m, read);
        EXPECT(&m, range ? NULL : "body-torn");
    }
    begin_writes(&m); /* ranges that were copied, one behind the other, look like it */
    r = t_attempt(S3P_OP_UPLOAD_PART_COPY, 9, 5, 2, 3);
    r.outcome = S3P_OK_OUTCOME;
    t_add_texts(&m, r, (struct t_texts){.upload = "u", .source = "main/keys/00000003"});
    t_add(&m, torn);
    EXPECT(&m, NULL);
    r = t_attempt(S3P_OP_COMPLETE_UPLOAD, 6, 3, 1, 3);
    r.outcome = S3P_OK_OUTCOME;
    r.evidence = S3P_EV_VALUE;
    r.meta_id = t_value(6);
    r.body_id = t_nth(1, 2);
    begin(&m); /* parts have ids of their own */
    t_add_texts(&m, r, (struct t_texts){.upload = "u"});
    r = seen(6, 3, 10, 12);
    r.body_id = t_nth(1, 2);
    t_add(&m, r);
    EXPECT(&m, NULL);
}

T_TEST(bucket_rules_replicas_with_corrupt_bytes)
{
    for (int cut = 0; cut < 2; cut++) {
        struct t_make m;
        struct s3p_attempt r = seen(2, 3, 10, 12);
        r.body_verdict = S3P_BODY_CORRUPT;
        r.bytes_in = cut ? 40 : 64;
        begin_writes(&m);
        t_add(&m, r);
        EXPECT(&m, cut ? NULL : "body-corrupt");
    }
}
