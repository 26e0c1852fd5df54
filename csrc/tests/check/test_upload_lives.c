/* Uploads that are there: who must find them, and what a refused Complete may have written. Each
 * rule beside its legal neighbours. */
#include "tests/t.h"

#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

#define STRONG "{\"etag_is_md5\":false,\"mpu_order\":\"completed\"}"
#define SETTLES "{\"etag_is_md5\":false,\"mpu_listing\":\"settles\",\"mpu_listing_lag_ms\":5}"

static struct s3p_attempt of(int op, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, 1, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    if (op == S3P_OP_CREATE_UPLOAD || op == S3P_OP_COMPLETE_UPLOAD)
        r.meta_id = t_nth(1, 1);
    if (op == S3P_OP_COMPLETE_UPLOAD) {
        r.body_id = t_nth(1, 2);
        r.evidence = S3P_EV_VALUE;
    }
    return r;
}

static struct s3p_attempt ended(struct s3p_attempt r, uint8_t outcome, uint16_t status)
{
    r.outcome = outcome;
    r.evidence = S3P_EV_NONE;
    r.status = status;
    return r;
}

static struct s3p_attempt touched(struct s3p_attempt r, uint8_t flags)
{
    r.flags = flags;
    return r;
}

static struct s3p_attempt missed(int op, int64_t call_ms, int64_t return_ms)
{
    return ended(of(op, call_ms, return_ms), S3P_FAILED, 404);
}

static void add(struct t_make *m, struct s3p_attempt r, const char *code)
{
    t_add_texts(m, r, (struct t_texts){.upload = "u", .code = code});
}

static void begin(struct t_make *m, const char *profile)
{
    t_make_begin(m, "{}", profile);
    t_add(m, t_put(70, 9, 0, 1)); /* something that is judged */
}

/* An upload, something beside it (`beside.op` 0: nothing), and a request that does not find it. */
static void expect_missed(int line, const char *profile, struct s3p_attempt create,
                          struct s3p_attempt beside, struct s3p_attempt r, const char *code,
                          const char *rule)
{
    struct t_make m;
    begin(&m, profile);
    add(&m, create, NULL);
    if (beside.op == S3P_OP_DELETE_BUCKET)
        t_add(&m, beside);
    else if (beside.op != 0)
        add(&m, beside, NULL);
    add(&m, r, code);
    t_expect_one(__FILE__, line, &m, rule);
}
#define MISSED(create, beside, r, rule)                                                            \
    expect_missed(__LINE__, STRONG, create, beside, r, "NoSuchUpload", rule)

static const struct s3p_attempt nothing;

T_TEST(objects_lives_of_each_request)
{
    static const int ops[] = {S3P_OP_UPLOAD_PART, S3P_OP_UPLOAD_PART_COPY, S3P_OP_LIST_PARTS,
                              S3P_OP_COMPLETE_UPLOAD, S3P_OP_ABORT_UPLOAD};
    const struct s3p_attempt create = of(S3P_OP_CREATE_UPLOAD, 1, 2);
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
        MISSED(create, nothing, missed(ops[k], 5, 6), "upload-lost");
    expect_missed(__LINE__, STRONG, create, nothing, missed(S3P_OP_UPLOAD_PART_COPY, 5, 6),
                  "NoSuchKey", NULL); /* of its source */
    expect_missed(__LINE__, SETTLES, create, nothing, missed(S3P_OP_LIST_PARTS, 7, 8),
                  "NoSuchUpload", NULL); /* as late as the profile allows */
    expect_missed(__LINE__, SETTLES, create, nothing, missed(S3P_OP_LIST_PARTS, 8, 9),
                  "NoSuchUpload", "upload-lost");
    expect_missed(__LINE__, SETTLES, create, nothing, missed(S3P_OP_UPLOAD_PART, 7, 8),
                  "NoSuchUpload", "upload-lost");
}

T_TEST(objects_lives_begin)
{
    const struct s3p_attempt create = of(S3P_OP_CREATE_UPLOAD, 1, 4),
                             r = missed(S3P_OP_UPLOAD_PART, 5, 6);
    struct s3p_attempt other = r;
    MISSED(create, nothing, missed(S3P_OP_UPLOAD_PART, 4, 6), NULL); /* not answered, perhaps */
    MISSED(ended(create, S3P_UNKNOWN, 503), nothing, r, NULL);
    MISSED(touched(create, S3P_FLAG_ALTERED), nothing, r, NULL);
    MISSED(create, nothing, touched(r, S3P_FLAG_MULTI_DELIVERY), NULL);
    other.key_index = 4; /* the upload is that of another key */
    MISSED(create, nothing, other, NULL);
    struct t_make m;
    begin(&m, STRONG); /* the Create that tells its key comes later in the file */
    add(&m, other, "NoSuchUpload");
    add(&m, create, NULL);
    add(&m, r, "NoSuchUpload");
    t_expect_one(__FILE__, __LINE__, &m, "upload-lost");
    begin(&m, STRONG); /* nobody is known to have begun it */
    add(&m, r, "NoSuchUpload");
    t_expect_one(__FILE__, __LINE__, &m, NULL);
}

T_TEST(objects_lives_end)
{
    static const int ends[] = {S3P_OP_COMPLETE_UPLOAD, S3P_OP_ABORT_UPLOAD};
    const struct s3p_attempt create = of(S3P_OP_CREATE_UPLOAD, 1, 2),
                             r = missed(S3P_OP_UPLOAD_PART, 5, 7);
    for (int k = 0; k < 2; k++) {
        MISSED(create, of(ends[k], 3, 4), r, NULL);
        MISSED(create, of(ends[k], 7, 8), r, NULL); /* equal times are concurrent */
        MISSED(create, of(ends[k], 8, 9), r, "upload-lost");
        MISSED(create, ended(of(ends[k], 3, 4), S3P_UNKNOWN, 503), r, NULL);
        MISSED(create, ended(of(ends[k], 3, 4), S3P_FAILED, 403), r, "upload-lost");
        MISSED(create, touched(ended(of(ends[k], 3, 4), S3P_FAILED, 403), S3P_FLAG_MULTI_DELIVERY),
               r, NULL);
    }
}

/* Where a condition did not hold the upload may have to be begun anew. */
T_TEST(objects_lives_end_by_conditions)
{
    const struct s3p_attempt create = of(S3P_OP_CREATE_UPLOAD, 1, 2),
                             r = missed(S3P_OP_ABORT_UPLOAD, 5, 7);
    struct s3p_attempt end = of(S3P_OP_COMPLETE_UPLOAD, 3, 4);
    end.cond = S3P_COND_IF_NONE_MATCH_ANY;
    MISSED(create, ended(end, S3P_FAILED, 409), r, NULL);
    MISSED(create, nothing, ended(end, S3P_FAILED, 404), "upload-lost"); /* it missed it itself */
}

T_TEST(objects_lives_of_buckets)
{
    const struct s3p_attempt create = of(S3P_OP_CREATE_UPLOAD, 1, 2),
                             r = missed(S3P_OP_UPLOAD_PART, 5, 7);
    struct s3p_attempt gone = t_attempt(S3P_OP_DELETE_BUCKET, 9, S3P_NO_INDEX, 7, 8);
    MISSED(create, ended(gone, S3P_OK_OUTCOME, 204), r, NULL);
    MISSED(create, ended(gone, S3P_UNKNOWN, 503), r, NULL);
    MISSED(create, ended(gone, S3P_FAILED, 409), r, "upload-lost");
    MISSED(create, touched(ended(gone, S3P_FAILED, 404), S3P_FLAG_MULTI_DELIVERY), r, NULL);
    gone.t_call++;
    MISSED(create, ended(gone, S3P_OK_OUTCOME, 204), r, "upload-lost");
    gone.t_call = 0;
    gone.bucket = 1;
    MISSED(create, ended(gone, S3P_OK_OUTCOME, 204), r, "upload-lost");
}

/* A rule takes uploads that are older than 100 ms: this one from 101 on. */
static void expect_expired(int line, int64_t return_ms, const char *rule)
{
    struct t_make m;
    struct s3p_attempt r = t_attempt(S3P_OP_PUT_LIFECYCLE, 60, S3P_NO_INDEX, 0, 1);
    begin(&m, "{\"etag_is_md5\":false,\"lifecycle_day_ms\":100}");
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    t_add_texts(&m, r, (struct t_texts){.args = "rules=[{\"abort_days\":1}]"});
    add(&m, of(S3P_OP_CREATE_UPLOAD, 1, 2), NULL);
    add(&m, missed(S3P_OP_UPLOAD_PART, 90, return_ms), "NoSuchUpload");
    t_expect_one(__FILE__, line, &m, rule);
}

T_TEST(objects_lives_expire)
{
    expect_expired(__LINE__, 100, "upload-lost");
    expect_expired(__LINE__, 101, NULL);
}

/* ---- a Complete that was refused, and taken when it was repeated ---- */

static struct s3p_attempt creating(struct s3p_attempt r)
{
    r.cond = S3P_COND_IF_NONE_MATCH_ANY;
    return r;
}

/* The first Complete, at 5-6; the key was absent at 3-4 and 7-8; then it is repeated. */
static void expect_repeated(int line, struct s3p_attempt first, const char *rule)
{
    struct t_make m;
    begin(&m, STRONG);
    add(&m, of(S3P_OP_CREATE_UPLOAD, 1, 2), NULL);
    t_add(&m, t_get(0, 3, 3, 4));
    add(&m, first, NULL);
    t_add(&m, t_get(0, 3, 7, 8));
    add(&m, creating(of(S3P_OP_COMPLETE_UPLOAD, 10, 11)), NULL);
    t_expect_one(__FILE__, line, &m, rule);
}

T_TEST(objects_lives_refused_creates)
{
    struct s3p_attempt r = creating(of(S3P_OP_COMPLETE_UPLOAD, 5, 6));
    expect_repeated(__LINE__, t_refused(r), "condition-false-negative");
    expect_repeated(__LINE__, ended(r, S3P_FAILED, 409), NULL);
    expect_repeated(__LINE__, ended(r, S3P_UNKNOWN, 503), NULL);
}

/* Of what the upload made. */
static struct s3p_attempt seen(int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = of(S3P_OP_COMPLETE_UPLOAD, call_ms, return_ms);
    r.op = S3P_OP_HEAD;
    r.etag = t_etag(61);
    r.etag_form = S3P_ETAG_DIGEST;
    r.client = 9;
    r.body_id = (struct s3p_id){{0}};
    return r;
}

/* A read at 7-8 between a Complete at 5-6 and its repetition at 10-11. */
static void expect_early(int line, struct s3p_attempt first, const char *rule)
{
    struct t_make m;
    begin(&m, STRONG);
    add(&m, of(S3P_OP_CREATE_UPLOAD, 1, 2), NULL);
    add(&m, first, NULL);
    t_add(&m, seen(7, 8));
    add(&m, of(S3P_OP_COMPLETE_UPLOAD, 10, 11), NULL);
    t_expect_one(__FILE__, line, &m, rule);
}

T_TEST(objects_lives_refused_writes)
{
    const struct s3p_attempt r = of(S3P_OP_COMPLETE_UPLOAD, 5, 6);
    expect_early(__LINE__, ended(r, S3P_FAILED, 400), "future-read");
    expect_early(__LINE__, ended(r, S3P_UNKNOWN, 503), NULL);
    expect_early(__LINE__, ended(r, S3P_FAILED, 404), NULL);
    struct t_make m;
    begin(&m, STRONG); /* of one that was delivered twice, or its version */
    add(&m, of(S3P_OP_CREATE_UPLOAD, 1, 2), NULL);
    add(&m, touched(ended(r, S3P_FAILED, 400), S3P_FLAG_MULTI_DELIVERY), NULL);
    t_add_texts(&m, seen(7, 8), (struct t_texts){.version = "v1"});
    t_add_texts(&m, of(S3P_OP_COMPLETE_UPLOAD, 10, 11),
                (struct t_texts){.upload = "u", .version = "v1"});
    t_expect_one(__FILE__, __LINE__, &m, NULL);
}

/* The upload replaces a PUT, in `first` or in a repetition that asks for an absent key. */
static void expect_mixed(int line, struct s3p_attempt first, const char *rule)
{
    struct t_make m;
    begin(&m, STRONG);
    add(&m, of(S3P_OP_CREATE_UPLOAD, 1, 2), NULL);
    t_add(&m, t_put(5, 3, 3, 4));
    add(&m, first, NULL);
    add(&m, creating(of(S3P_OP_COMPLETE_UPLOAD, 10, 11)), NULL);
    t_expect_one(__FILE__, line, &m, rule);
}

T_TEST(objects_lives_mixed_conditions)
{
    const struct s3p_attempt r = of(S3P_OP_COMPLETE_UPLOAD, 5, 6);
    expect_mixed(__LINE__, ended(r, S3P_UNKNOWN, 503), NULL); /* answered as the first was */
    expect_mixed(__LINE__, ended(r, S3P_FAILED, 400), "cas-ignored");
    expect_mixed(__LINE__, creating(ended(r, S3P_UNKNOWN, 503)), "cas-ignored");
}

static struct s3p_attempt matching(struct s3p_attempt r, uint32_t n)
{
    r.size = 1000; /* no bytes that others may have, too */
    r.cond = S3P_COND_IF_MATCH;
    r.expect_etag = t_etag(n);
    r.expect_form = S3P_ETAG_DIGEST;
    return r;
}

/* The upload replaces PUT 5, whatever was answered, and then PUT 6 replaces it; who asked again had
 * seen that. `shown`: when the upload's object is read. */
static void expect_rematched(int line, struct s3p_attempt again, int64_t shown, const char *rule)
{
    struct t_make m;
    struct s3p_attempt read = seen(shown, shown + 1);
    read.size = again.size;
    begin(&m, STRONG);
    add(&m, of(S3P_OP_CREATE_UPLOAD, 1, 2), NULL);
    t_add(&m, t_put(5, 3, 3, 4));
    add(&m, matching(ended(of(S3P_OP_COMPLETE_UPLOAD, 5, 6), S3P_UNKNOWN, 503), 5), NULL);
    t_add(&m, t_put(6, 3, 20, 21));
    add(&m, again, NULL);
    t_add(&m, read);
    t_expect_one(__FILE__, line, &m, rule);
}

T_TEST(objects_lives_matches_of_two_etags)
{
    const struct s3p_attempt r = of(S3P_OP_COMPLETE_UPLOAD, 30, 31);
    expect_rematched(__LINE__, matching(r, 6), 8, NULL); /* as the first was */
    expect_rematched(__LINE__, matching(ended(r, S3P_UNKNOWN, 503), 6), 40, NULL);
    expect_rematched(__LINE__, matching(r, 5), 40, "lost-update");
}

/* Delivered twice: the first has an effect, the second an answer; or both have one. */
T_TEST(objects_lives_delivered_twice)
{
    struct t_make m;
    struct s3p_attempt copied = of(S3P_OP_COPY, 3, 4), shown = seen(7, 8);
    begin(&m, STRONG);
    add(&m, of(S3P_OP_CREATE_UPLOAD, 1, 2), NULL);
    add(&m, touched(missed(S3P_OP_COMPLETE_UPLOAD, 5, 6), S3P_FLAG_MULTI_DELIVERY), "NoSuchUpload");
    t_add(&m, seen(7, 8));
    t_expect_one(__FILE__, __LINE__, &m, NULL);
    copied.meta_id = shown.meta_id = t_nth(1, 3);
    for (int twice = 1; twice >= 0; twice--) {
        begin(&m, STRONG);
        t_add(&m, t_put(4, 2, 1, 2));
        t_add_texts(&m, touched(copied, twice ? S3P_FLAG_MULTI_DELIVERY : 0),
                    (struct t_texts){.source = "main/keys/00000002"});
        t_add(&m, t_put(5, 3, 5, 6));
        t_add(&m, shown);
        t_expect_one(__FILE__, __LINE__, &m, twice ? NULL : "stale-read");
    }
}
