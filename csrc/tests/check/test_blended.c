/* Keys whose objects copies, multipart uploads or single versions made: what is no violation there,
 * what is one everywhere. */
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/make.h"
#include "tests/t.h"

#define NO_MD5 "{\"etag_is_md5\":false}"

static struct s3p_attempt made(int op)
{
    struct s3p_attempt r = t_attempt(op, 50, 3, 3, 4);
    r.outcome = S3P_OK_OUTCOME;
    r.evidence = S3P_EV_VALUE;
    r.status = 200;
    r.phase = 3;
    return r;
}

static struct s3p_attempt body(int verdict, uint64_t bytes_in, uint64_t bad_offset)
{
    struct s3p_attempt r = t_get(1, 3, 5, 6);
    r.body_verdict = (uint8_t)verdict;
    r.bytes_in = bytes_in;
    r.bad_offset = bad_offset;
    return r;
}

/* Violations of a rule on a key that was put, perhaps also made by `op`, and read so. */
static int64_t violations(int op, struct s3p_attempt read, const char *rule)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    t_add(&m, t_put(1, 3, 1, 2));
    if (op != S3P_OP_NONE)
        t_add(&m, made(op));
    t_add(&m, read);
    json_t *v = t_make_judge(&m, NULL);
    int64_t all = json_integer_value(json_object_get(v, "violations"));
    T_EQ(all, rule != NULL ? t_rule(v, rule) : 0);
    json_decref(v);
    return all;
}

T_TEST(blended_bodies)
{
    static const struct {
        int verdict;
        const char *rule;
    } row[] = {
        {S3P_BODY_TORN, "body-torn"},    {S3P_BODY_PARTS, "body-torn"},
        {S3P_BODY_SHORT, "body-length"}, {S3P_BODY_FOREIGN, "body-foreign"},
        {S3P_BODY_LONG, "body-length"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct s3p_attempt read = body(row[i].verdict, 1001, 0);
        T_EQ(violations(S3P_OP_NONE, read, row[i].rule), 1);
        T_EQ(violations(S3P_OP_UPLOAD_PART, read, row[i].rule), 1); /* a part alone makes nothing */
        T_EQ(violations(S3P_OP_COPY, read, NULL), 0);
        T_EQ(violations(S3P_OP_COMPLETE_UPLOAD, read, NULL), 0);
    }
    struct s3p_attempt read = body(S3P_BODY_CLEAN, 1001, 0);
    read.meta_id = t_value(2);
    T_EQ(violations(S3P_OP_NONE, read, "etag-mismatch"), 1);
    T_EQ(violations(S3P_OP_COPY, read, NULL), 0);
}

T_TEST(blended_corrupt_cells)
{
    struct s3p_attempt whole = body(S3P_BODY_CORRUPT, 1001, 128);
    struct s3p_attempt cut = body(S3P_BODY_CORRUPT, 40, 64);
    cut.range_first = 70;
    cut.range_len = 40;
    T_EQ(violations(S3P_OP_NONE, whole, "body-corrupt"), 1);
    T_EQ(violations(S3P_OP_COPY, whole, "body-corrupt"), 1); /* nobody's bytes, everywhere */
    T_EQ(violations(S3P_OP_COMPLETE_UPLOAD, whole, "body-corrupt"), 1);
    T_EQ(violations(S3P_OP_NONE, cut, "body-corrupt"), 1);
    T_EQ(violations(S3P_OP_COPY, cut, NULL), 0); /* it was held against the metadata alone */
    cut.bytes_in = cut.range_len = 200; /* its begin is not there */
    T_EQ(violations(S3P_OP_COPY, cut, NULL), 0);
    cut.range_first = 64; /* all of it is, from the first byte on */
    T_EQ(violations(S3P_OP_COPY, cut, "body-corrupt"), 1);
    cut = body(S3P_BODY_CORRUPT, 128, 64); /* and up to the last one */
    T_EQ(violations(S3P_OP_COPY, cut, "body-corrupt"), 1);
    cut = body(S3P_BODY_CORRUPT, 100, 64);       /* and one that the end cuts */
    T_EQ(violations(S3P_OP_NONE, cut, "body-corrupt"), 1);
    T_EQ(violations(S3P_OP_COPY, cut, NULL), 0);
}

/* One value id with two ETags: a self-copy keeps the id. */
T_TEST(blended_etags)
{
    struct s3p_attempt read = t_get(1, 3, 5, 6);
    read.etag = t_etag(9);
    T_EQ(violations(S3P_OP_NONE, read, "etag-mismatch"), 1);
    T_EQ(violations(S3P_OP_COPY, read, NULL), 0);
}

T_TEST(blended_part_reads_say_nothing)
{
    struct s3p_attempt read = t_get(9, 3, 5, 6);
    T_EQ(violations(S3P_OP_NONE, read, "unwritten-value"), 1);
    read.part_number = 1;
    T_EQ(violations(S3P_OP_NONE, read, NULL), 0);
}

static void add_of_version(struct t_make *m, struct s3p_attempt r)
{
    r.op_seq = ++m->seq;
    s3p_append_begin(m->a, 8, 0);
    r.version_asked = s3p_append_text(m->a, "v1", 2);
    s3p_append(m->a, &r);
}

T_TEST(blended_version_reads_say_nothing)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    add_of_version(&m, t_get(1, 3, 5, 6)); /* stale, if it were of the key */
    json_t *v = t_make_judge(&m, NULL);
    T_STR(t_text(v, "consistency"), "held");
    T_EQ(t_skipped(v, "versions", "attempts"), 1);
    T_EQ(t_skipped(v, "versions", "keys"), 0);
    json_decref(v);
}

static struct s3p_attempt deleted(int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_DELETE_CHILD, 1, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

/* At the end they hide nothing of what was before. */
T_TEST(blended_versions_deleted_at_the_end)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    t_add(&m, t_get(1, 3, 5, 6)); /* stale */
    add_of_version(&m, deleted(7, 8));
    add_of_version(&m, deleted(7, 9));
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "stale-read"), 1);
    T_EQ(json_integer_value(json_object_get(v, "keys_checked")), 1);
    json_decref(v);
}

/* In between they make older values show, and a read at the same time may see one. */
T_TEST(blended_versions_deleted_in_between)
{
    for (int64_t call_ms = 5; call_ms <= 8; call_ms += 3) {
        struct t_make m;
        t_make_begin(&m, "{}", NO_MD5);
        t_add(&m, t_put(1, 3, 1, 2));
        t_add(&m, t_put(2, 3, 3, 4));
        add_of_version(&m, deleted(call_ms, 9));
        t_add(&m, t_get(1, 3, 6, 8));
        t_add(&m, t_put(3, 4, 1, 2));
        json_t *v = t_make_judge(&m, NULL);
        T_STR(t_text(v, "consistency"), "held");
        T_EQ(t_skipped(v, "versions", "keys"), 1);
        json_decref(v);
    }
}
