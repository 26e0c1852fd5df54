/* The bookkeeping of batch deletes. */
#include "tests/t.h"

#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

static struct s3p_attempt request(void)
{
    struct s3p_attempt r = t_attempt(S3P_OP_DELETE_OBJECTS, 1, S3P_NO_INDEX, 5, 6);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static struct s3p_attempt child(uint64_t key, uint8_t outcome)
{
    struct s3p_attempt r = t_attempt(S3P_OP_DELETE_CHILD, 1, key, 5, 6);
    r.outcome = outcome;
    r.status = 200;
    r.parent = 3; /* behind two PUTs */
    return r;
}

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
    t_add(m, t_put(1, 3, 1, 2));
    t_add(m, t_put(2, 4, 1, 2));
}

static void expect(struct t_make *m, const char *rule, const char *key)
{
    json_t *v = t_make_judge(m, NULL);
    T_EQ(json_integer_value(json_object_get(v, "violations")), rule != NULL);
    if (rule != NULL) {
        T_EQ(t_rule(v, rule), 1);
        T_STR(t_text(t_witness(v, 0), "key"), key);
        fprintf(stderr, "  %s: %s\n", rule, t_text(t_witness(v, 0), "sentence"));
    }
    json_decref(v);
}

T_TEST(batches_accounted)
{
    struct t_make m;
    begin(&m);
    t_add(&m, request());
    t_add(&m, child(3, S3P_OK_OUTCOME));
    t_add(&m, child(4, S3P_FAILED));
    expect(&m, NULL, "");
}

T_TEST(batches_missing)
{
    struct t_make m;
    begin(&m);
    t_add(&m, request());
    t_add(&m, child(3, S3P_OK_OUTCOME));
    t_add(&m, child(4, S3P_UNKNOWN));
    expect(&m, "batch-missing-key", "keys/00000004");
    begin(&m); /* of a request without an answer nothing is missing */
    struct s3p_attempt lost = request();
    lost.outcome = S3P_UNKNOWN;
    t_add(&m, lost);
    t_add(&m, child(4, S3P_UNKNOWN));
    expect(&m, NULL, "");
    begin(&m); /* nor where the answer has a code */
    t_add(&m, request());
    struct s3p_attempt r = child(4, S3P_UNKNOWN);
    s3p_append_begin(m.a, 64, 0);
    r.code_text = s3p_append_text(m.a, "SlowDown", 8);
    s3p_append(m.a, &r);
    expect(&m, NULL, "");
}

/* A store may take a name that is there twice for one. */
T_TEST(batches_named_twice)
{
    struct t_make m;
    begin(&m);
    t_add(&m, request());
    t_add(&m, child(4, S3P_OK_OUTCOME));
    t_add(&m, child(3, S3P_OK_OUTCOME));
    t_add(&m, child(4, S3P_UNKNOWN));
    expect(&m, NULL, "");
    begin(&m); /* of another version it says nothing */
    t_add(&m, request());
    t_add_texts(&m, child(4, S3P_OK_OUTCOME), (struct t_texts){.asked = "v1"});
    t_add_texts(&m, child(4, S3P_UNKNOWN), (struct t_texts){.asked = "v2"});
    expect(&m, "batch-missing-key", "keys/00000004");
    begin(&m); /* nor of the key in another space */
    struct s3p_attempt other = child(4, S3P_OK_OUTCOME);
    other.space = 1;
    t_add(&m, request());
    t_add(&m, other);
    t_add(&m, child(4, S3P_UNKNOWN));
    expect(&m, "batch-missing-key", "keys/00000004");
    begin(&m); /* nor of a key that has no number */
    t_add(&m, request());
    t_add(&m, child(S3P_NO_INDEX, S3P_OK_OUTCOME));
    t_add(&m, child(S3P_NO_INDEX, S3P_UNKNOWN));
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "batch-missing-key"), 1);
    json_decref(v);
}

T_TEST(batches_extra)
{
    struct t_make m;
    begin(&m);
    struct s3p_attempt r = request();
    struct s3p_entry e = {.key_index = 4, .flags = S3P_ENTRY_DELETED};
    s3p_append_begin(m.a, 64, 1);
    r.entries_first = s3p_append_entry(m.a, &e);
    r.entries_count = 1;
    s3p_append(m.a, &r);
    t_add(&m, child(3, S3P_OK_OUTCOME));
    expect(&m, "batch-extra-key", "keys/00000004");
}

static void add_coded(struct t_make *m, struct s3p_attempt r, const char *code)
{
    s3p_append_begin(m->a, 64, 0);
    r.code_text = s3p_append_text(m->a, code, strlen(code));
    s3p_append(m->a, &r);
}

T_TEST(batches_absent)
{
    struct t_make m;
    begin(&m);
    t_add(&m, request());
    add_coded(&m, child(5, S3P_FAILED), "NoSuchKey");
    expect(&m, "batch-absent-error", "keys/00000005");
    begin(&m); /* another reason will do */
    t_add(&m, request());
    add_coded(&m, child(5, S3P_FAILED), "AccessDenied");
    expect(&m, NULL, "");
    begin(&m); /* and so will a condition, which an absent key does not meet */
    struct s3p_attempt r = child(5, S3P_FAILED);
    r.cond = S3P_COND_IF_MATCH;
    t_add(&m, request());
    add_coded(&m, r, "NoSuchKey");
    expect(&m, NULL, "");
    begin(&m); /* or a version that is asked for */
    t_add(&m, request());
    t_add_texts(&m, child(5, S3P_FAILED), (struct t_texts){.asked = "v1", .code = "NoSuchKey"});
    expect(&m, NULL, "");
}

T_TEST(batches_over_limit)
{
    struct t_make m;
    for (int n = 1000; n <= 1002; n++) {
        begin(&m);
        t_add(&m, request());
        for (int i = 0; i < n; i++)
            t_add(&m, child(5, S3P_OK_OUTCOME));
        expect(&m, n > 1000 ? "batch-over-limit" : NULL, "");
    }
    begin(&m); /* two of them that fit */
    for (uint32_t k = 0; k < 2; k++) {
        struct s3p_attempt r = child(5, S3P_OK_OUTCOME);
        r.parent = 3 + k * 601;
        t_add(&m, request());
        for (int i = 0; i < 600; i++)
            t_add(&m, r);
    }
    expect(&m, NULL, "");
    begin(&m); /* in the other bucket */
    struct s3p_attempt side = request(), of = child(5, S3P_OK_OUTCOME);
    side.bucket = of.bucket = 1;
    t_add(&m, side);
    for (int i = 0; i < 1001; i++)
        t_add(&m, of);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "batch-over-limit"), 1);
    T_STR(t_text(t_witness(v, 0), "bucket"), "side");
    json_decref(v);
    begin(&m); /* refused, as it must be */
    struct s3p_attempt refused = request();
    refused.outcome = S3P_FAILED;
    t_add(&m, refused);
    for (int i = 0; i < 1001; i++)
        t_add(&m, child(3, S3P_FAILED));
    expect(&m, NULL, "");
}
