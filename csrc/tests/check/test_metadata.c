/* Metadata of reads, and the conditions on the sources of copies. */
#include "tests/t.h"

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

static const struct s3p_id nobody;

static void expect(struct t_make *m, const char *rule)
{
    json_t *v = t_make_judge(m, NULL);
    char *text = t_dump(v);
    if (json_integer_value(json_object_get(v, "violations")) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1))
        t_fail(__FILE__, __LINE__, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    if (rule != NULL)
        fprintf(stderr, "  %s: %s\n", rule, t_text(t_witness(v, 0), "sentence"));
    s3p_free(text);
    json_decref(v);
}

/* A PUT of value 1, and a read of it as given. */
static void read_as(struct s3p_id meta, uint8_t op, const char *args, const char *rule)
{
    struct t_make m;
    struct s3p_attempt r = t_get(1, 3, 3, 4);
    r.op = op;
    r.meta_id = meta;
    r.body_verdict = op == S3P_OP_GET ? S3P_BODY_CLEAN : S3P_BODY_NONE;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, t_put(1, 3, 1, 2));
    t_add_texts(&m, r, (struct t_texts){.args = args});
    expect(&m, rule);
}

T_TEST(metadata_of_reads)
{
    read_as(t_value(1), S3P_OP_GET, NULL, NULL);
    read_as(t_value(1), S3P_OP_GET, "fields=4", NULL);
    read_as(nobody, S3P_OP_GET, "fields=torn", "meta-torn");
    read_as(nobody, S3P_OP_HEAD, "fields=torn", "meta-torn");
    read_as(nobody, S3P_OP_GET, NULL, "meta-lost");
    read_as(nobody, S3P_OP_HEAD, NULL, NULL); /* of whatever is there nobody knows */
}

static void read_bytes(struct s3p_attempt r, const char *rule)
{
    struct t_make m;
    r.meta_id = nobody;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, r);
    expect(&m, rule);
}

/* What is no whole body of this run's clients may come without metadata. */
T_TEST(metadata_of_other_writers)
{
    struct s3p_attempt r = t_get(1, 3, 3, 4);
    read_bytes(r, "meta-lost");
    r.flags = S3P_FLAG_FOREIGN;
    read_bytes(r, NULL);
    r.flags = 0;
    r.body_verdict = S3P_BODY_TORN;
    read_bytes(r, "body-torn");
    r.body_verdict = S3P_BODY_CLEAN;
    r.body_id.b[0] ^= 1;
    read_bytes(r, NULL);
}

/* Key 4 is copied to key 3 with five fields, and read with what is given. */
static void copy_read_with(const char *args, const char *rule)
{
    struct t_make m;
    struct s3p_attempt copy = t_attempt(S3P_OP_COPY, 5, 3, 3, 6), r = t_get(1, 3, 7, 8);
    copy.outcome = S3P_OK_OUTCOME;
    copy.evidence = S3P_EV_VALUE;
    copy.meta_id = r.meta_id = t_nth(5, 7);
    r.body_verdict = S3P_BODY_FOREIGN;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, t_put(1, 4, 1, 2));
    t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000004", .args = "fields=5"});
    t_add_texts(&m, r, (struct t_texts){.args = args});
    expect(&m, rule);
}

/* A body that a proxy altered may have been copied. */
static void copy_of(uint8_t flags, const char *rule)
{
    struct t_make m;
    struct s3p_attempt put = t_put(1, 4, 1, 2), copy = t_attempt(S3P_OP_COPY, 5, 3, 3, 6),
                       r = t_get(1, 3, 7, 8);
    put.flags = flags;
    copy.outcome = S3P_OK_OUTCOME;
    copy.evidence = S3P_EV_VALUE;
    copy.meta_id = r.meta_id = t_nth(5, 7);
    r.body_verdict = S3P_BODY_CORRUPT;
    r.bytes_in = 1001;
    r.bad_offset = 128;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, put);
    t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000004", .args = "fields=5"});
    t_add_texts(&m, r, (struct t_texts){.args = "fields=5"});
    expect(&m, rule);
}

T_TEST(metadata_of_altered_copies)
{
    copy_of(0, "body-corrupt");
    copy_of(S3P_FLAG_ALTERED, NULL);
}

T_TEST(metadata_of_copies)
{
    copy_read_with("fields=5", NULL);
    copy_read_with("fields=4", "meta-lost");
    copy_read_with("fields=261", "meta-lost"); /* that is no number of fields */
    copy_read_with("fields=5x", "meta-lost");
    copy_read_with(NULL, "meta-lost");
}

/* A copy that answers the ETag of value 1. */
static struct s3p_attempt copied(void)
{
    struct s3p_attempt copy = t_attempt(S3P_OP_COPY, 5, 3, 3, 6);
    copy.outcome = S3P_OK_OUTCOME;
    copy.evidence = S3P_EV_VALUE;
    copy.meta_id = t_nth(5, 7);
    copy.etag = t_etag(1);
    copy.etag_form = S3P_ETAG_DIGEST;
    return copy;
}

/* Of `size` bytes, it was asked for with the ETag of value n; `tail` makes it one of another form.
 */
static void copy_of_size(uint64_t size, struct s3p_attempt copy, bool parts, const char *condition,
                         uint32_t n, const char *tail, const char *profile, const char *rule)
{
    struct t_make m;
    struct s3p_attempt put = t_put(1, 4, 1, 2);
    put.body_kind = S3P_KIND_NONE; /* its ETag is none of an MD5 */
    put.size = size;
    char args[128];
    int len = snprintf(args, sizeof args, "fields=2&%s=\"", condition);
    s3p_etag_bytes e = t_etag(n);
    for (int i = 0; i < 16; i++)
        len += snprintf(args + len, sizeof args - (size_t)len, "%02x", e.b[i]);
    snprintf(args + len, sizeof args - (size_t)len, "%s\"", tail);
    t_make_begin(&m, "{}", profile);
    t_add(&m, put);
    if (parts) {
        struct s3p_attempt part = t_attempt(S3P_OP_UPLOAD_PART_COPY, 6, 9, 1, 2);
        part.outcome = S3P_OK_OUTCOME;
        part.part_number = 1;
        t_add_texts(&m, part, (struct t_texts){.source = "main/keys/00000004", .upload = "u"});
    }
    t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000004", .args = args});
    expect(&m, rule);
}

static void copy_as(struct s3p_attempt copy, bool parts, const char *condition, uint32_t n,
                    const char *tail, const char *profile, const char *rule)
{
    copy_of_size(16, copy, parts, condition, n, tail, profile, rule);
}

static void copy_with(const char *condition, uint32_t n, const char *profile, const char *rule)
{
    copy_as(copied(), false, condition, n, "", profile, rule);
}

/* Where nothing can be said of the source. */
T_TEST(metadata_source_not_judged)
{
    static const char md5[] = "{\"etag_is_md5\":true}";
    struct s3p_attempt refused = copied(), hashed = copied();
    refused.outcome = S3P_FAILED;
    hashed.etag_form = S3P_ETAG_HASHED;
    copy_as(refused, false, "if-match", 2, "", md5, NULL);
    copy_as(hashed, false, "if-match", 2, "", md5, NULL);
    copy_as(copied(), false, "if-match", 2, "-2", md5, NULL);
    copy_as(copied(), true, "if-none-match", 1, "", md5, NULL);
    copy_of_size(15, copied(), false, "if-none-match", 1, "", md5, NULL);
    copy_of_size(15, copied(), false, "if-match", 2, "", md5, "copy-wrong-source");
    copy_as(copied(), true, "if-match", 2, "", md5, "copy-wrong-source");
}

T_TEST(metadata_source_conditions)
{
    static const char md5[] = "{\"etag_is_md5\":true}", other[] = "{\"etag_is_md5\":false}";
    copy_with("if-match", 1, md5, NULL);
    copy_with("if-match", 2, md5, "copy-wrong-source");
    copy_with("if-match", 2, other, NULL);
    copy_with("if-none-match", 1, md5, "copy-wrong-source");
    copy_with("if-none-match", 2, md5, NULL);
}

/* An answer that shows an object has its ETag. */
T_TEST(metadata_without_an_etag)
{
    for (int what = 0; what < 4; what++) {
        struct t_make m;
        struct s3p_attempt r = t_get(1, 3, 3, 4);
        r.etag_form = S3P_ETAG_NONE;
        memset(&r.etag, 0, sizeof r.etag);
        if (what == 1) {
            r.op = S3P_OP_HEAD;
            r.body_verdict = S3P_BODY_NONE;
            memset(&r.body_id, 0, sizeof r.body_id);
        } else if (what == 2) {
            r.flags = S3P_FLAG_ALTERED;
        } else if (what == 3) { /* cut short: it may have been behind that */
            r.outcome = S3P_UNKNOWN;
            r.evidence = S3P_EV_NONE;
        }
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add(&m, t_put(1, 3, 1, 2));
        t_add(&m, r);
        t_expect_one(__FILE__, __LINE__, &m, what < 2 ? "etag-mismatch" : NULL);
    }
}
