/* What single answers must not be: each rule on the smallest history that breaks it, and the legal
 * neighbour of that. */
#include "tests/t.h"

#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/make.h"

static void begin(struct t_make *m, const char *profile)
{
    t_make_begin(m, "{}", profile);
    t_add(m, t_put(1, 3, 20, 21)); /* something that is judged */
}

static void expect(struct t_make *m, const char *rule)
{
    json_t *v = t_make_judge(m, NULL);
    T_EQ(json_integer_value(json_object_get(v, "violations")), rule != NULL);
    if (rule != NULL)
        T_EQ(t_rule(v, rule), 1);
    json_decref(v);
}

static void add_coded(struct t_make *m, struct s3p_attempt r, const char *code)
{
    s3p_append_begin(m->a, 64, 0);
    r.code_text = s3p_append_text(m->a, code, strlen(code));
    s3p_append(m->a, &r);
}

static struct s3p_attempt of_bucket(int op, int64_t call, int64_t ret, uint16_t status)
{
    struct s3p_attempt r = t_attempt(op, 1, S3P_NO_INDEX, call, ret);
    r.status = status;
    r.outcome = status / 100 == 2 ? S3P_OK_OUTCOME : S3P_FAILED;
    return r;
}

#define STRONG "{\"etag_is_md5\":false}"
#define READY "{\"etag_is_md5\":false,\"bucket_ready_s\":0.005}"

/* The bucket is made in [2, 4] and its deletion called at 30; a page is refused in [call, ret]. */
static void expect_refused(const char *rule, const char *profile, int64_t call, int64_t ret)
{
    struct t_make m;
    begin(&m, profile);
    t_add(&m, of_bucket(S3P_OP_CREATE_BUCKET, 2, 4, 200));
    add_coded(&m, of_bucket(S3P_OP_LIST, call, ret, 404), "NoSuchBucket");
    t_add(&m, of_bucket(S3P_OP_DELETE_BUCKET, 30, 31, 204));
    expect(&m, rule);
}

T_TEST(answers_bucket_unready)
{
    expect_refused("bucket-unready", STRONG, 5, 6);
    expect_refused(NULL, STRONG, 4, 6);   /* perhaps it had not been answered yet */
    expect_refused(NULL, STRONG, 29, 30); /* perhaps deleted */
    expect_refused(NULL, STRONG, 1, 3);
    expect_refused(NULL, READY, 9, 10); /* within what the profile allows */
    expect_refused("bucket-unready", READY, 10, 11);
}

T_TEST(answers_bucket_lives)
{
    struct t_make m;
    begin(&m, STRONG); /* nobody is known to have made it */
    add_coded(&m, of_bucket(S3P_OP_LIST, 5, 6, 404), "NoSuchBucket");
    expect(&m, NULL);
    begin(&m, READY);
    add_coded(&m, of_bucket(S3P_OP_LIST, 5, 6, 404), "NoSuchBucket");
    expect(&m, NULL);
    begin(&m, STRONG); /* another error */
    t_add(&m, of_bucket(S3P_OP_CREATE_BUCKET, 2, 4, 200));
    add_coded(&m, of_bucket(S3P_OP_LIST, 5, 6, 404), "NoSuchUpload");
    expect(&m, NULL);
    begin(&m, STRONG); /* a deletion that was refused deleted nothing */
    t_add(&m, of_bucket(S3P_OP_CREATE_BUCKET, 2, 4, 200));
    t_add(&m, of_bucket(S3P_OP_DELETE_BUCKET, 4, 5, 409));
    t_add(&m, of_bucket(S3P_OP_HEAD_BUCKET, 6, 7, 404));
    expect(&m, "bucket-unready");
}

T_TEST(answers_bucket_first_life)
{
    struct t_make m;
    struct s3p_attempt made = of_bucket(S3P_OP_CREATE_BUCKET, 2, 4, 200);
    struct s3p_attempt refused = of_bucket(S3P_OP_LIST, 7, 8, 404);
    begin(&m, STRONG); /* made twice, the second time later */
    t_add(&m, made);
    add_coded(&m, refused, "NoSuchBucket");
    t_add(&m, of_bucket(S3P_OP_CREATE_BUCKET, 10, 12, 200));
    expect(&m, "bucket-unready");
    begin(&m, STRONG); /* deleted twice */
    t_add(&m, made);
    t_add(&m, of_bucket(S3P_OP_DELETE_BUCKET, 5, 6, 204));
    add_coded(&m, refused, "NoSuchBucket");
    t_add(&m, of_bucket(S3P_OP_DELETE_BUCKET, 30, 31, 204));
    expect(&m, NULL);
    begin(&m, STRONG); /* perhaps not made */
    made.status = 503;
    made.outcome = S3P_UNKNOWN;
    t_add(&m, made);
    add_coded(&m, refused, "NoSuchBucket");
    expect(&m, NULL);
}

/* Deleted by the first delivery, and refused the second time. */
T_TEST(answers_bucket_deleted_twice)
{
    struct t_make m;
    struct s3p_attempt gone = of_bucket(S3P_OP_DELETE_BUCKET, 5, 6, 404);
    gone.flags = S3P_FLAG_MULTI_DELIVERY;
    begin(&m, STRONG);
    t_add(&m, of_bucket(S3P_OP_CREATE_BUCKET, 2, 4, 200));
    add_coded(&m, gone, "NoSuchBucket");
    add_coded(&m, of_bucket(S3P_OP_LIST, 7, 8, 404), "NoSuchBucket");
    expect(&m, NULL);
}

T_TEST(answers_bucket_of_two)
{
    static const int ops[] = {S3P_OP_COPY, S3P_OP_UPLOAD_PART_COPY, S3P_OP_PUT_REPLICATION};
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
        struct t_make m;
        begin(&m, STRONG);
        t_add(&m, of_bucket(S3P_OP_CREATE_BUCKET, 2, 4, 200));
        add_coded(&m, of_bucket(ops[k], 7, 8, 404), "NoSuchBucket");
        expect(&m, NULL);
    }
}

T_TEST(answers_error_as_success)
{
    struct t_make m;
    struct s3p_attempt r = t_refused(t_cas(2, 5, 3, 25, 26));
    begin(&m, STRONG);
    add_coded(&m, r, "PreconditionFailed");
    expect(&m, NULL);
    r.status = 200;
    begin(&m, STRONG);
    add_coded(&m, r, "PreconditionFailed");
    expect(&m, "error-as-success");
    r.wire = 1; /* the answer is not all there */
    begin(&m, STRONG);
    add_coded(&m, r, "PreconditionFailed");
    expect(&m, NULL);
    r.wire = 0;
    begin(&m, STRONG); /* no error is named, but by another answer */
    t_add(&m, r);
    add_coded(&m, of_bucket(S3P_OP_LIST, 27, 28, 403), "AccessDenied");
    expect(&m, NULL);
    r.op = S3P_OP_COPY; /* may begin before it is done */
    begin(&m, STRONG);
    add_coded(&m, r, "PreconditionFailed");
    expect(&m, NULL);
}

T_TEST(answers_surplus)
{
    struct t_make m;
    struct s3p_attempt r = t_get(1, 3, 25, 26);
    r.flags = S3P_FLAG_SURPLUS;
    begin(&m, STRONG);
    t_add(&m, r);
    expect(&m, "surplus-bytes");
    r.key_index = S3P_NO_INDEX; /* a request without a key */
    begin(&m, STRONG);
    t_add(&m, r);
    expect(&m, "surplus-bytes");
    r.flags |= S3P_FLAG_ALTERED;
    begin(&m, STRONG);
    t_add(&m, r);
    expect(&m, NULL);
}
