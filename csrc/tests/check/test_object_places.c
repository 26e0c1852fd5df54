/* Uploads and copies of keys with two names, beside other uploads, and from single versions. */
#include "tests/t.h"

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

enum { FIXED = 1, HOT }; /* spaces: key 0 of either is "hot" */

static struct s3p_attempt of(int op, uint32_t client, uint64_t key, int64_t call_ms)
{
    struct s3p_attempt r = t_attempt(op, client, key, call_ms, call_ms + 1);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

/* Client n's upload of one part, in [1, 6]. */
static void add_upload(struct t_make *m, uint32_t n, uint16_t space, uint64_t key)
{
    static const int ops[] = {S3P_OP_CREATE_UPLOAD, S3P_OP_UPLOAD_PART, S3P_OP_COMPLETE_UPLOAD};
    char id[] = {'u', (char)('0' + n), 0};
    for (int k = 0; k < 3; k++) {
        struct s3p_attempt r = of(ops[k], n, key, 1 + 2 * k);
        r.space = space;
        if (ops[k] == S3P_OP_UPLOAD_PART) {
            r.part_number = 1;
            r.body_id = t_nth(n, 20);
        } else {
            r.meta_id = t_nth(n, 1);
        }
        if (ops[k] == S3P_OP_COMPLETE_UPLOAD) {
            r.body_id = t_nth(n, 20);
            r.evidence = S3P_EV_VALUE;
        }
        t_add_texts(m, r, (struct t_texts){.upload = id});
    }
}

static struct s3p_attempt seen(uint32_t n, uint64_t key, struct s3p_id body)
{
    struct s3p_attempt r = of(S3P_OP_GET, 9, key, 10);
    r.evidence = S3P_EV_VALUE;
    r.meta_id = t_nth(n, 1);
    r.body_id = body;
    r.body_verdict = S3P_BODY_CLEAN;
    r.etag = t_etag(n);
    r.etag_form = S3P_ETAG_DIGEST;
    return r;
}

#define EXPECT(m, rule) t_expect_one(__FILE__, __LINE__, m, rule)

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
}

T_TEST(objects_of_keys_with_two_names)
{
    for (uint16_t space = FIXED; space <= HOT; space++)
        for (int wrong = 0; wrong < 2; wrong++) {
            struct t_make m;
            struct s3p_attempt r = seen(1, 0, t_nth(1, 20 + (uint64_t)wrong));
            begin(&m);
            add_upload(&m, 1, space, 0);
            r.space = FIXED + HOT - space;
            t_add(&m, r);
            EXPECT(&m, wrong ? "mpu-blend" : NULL);
        }
}

/* A range shows a part of the upload that made the object, and of no other. */
T_TEST(objects_ranges_beside_other_uploads)
{
    for (uint32_t n = 1; n < 3; n++) {
        struct t_make m;
        struct s3p_attempt r = seen(1, 3, t_nth(n, 20));
        begin(&m);
        add_upload(&m, 1, 0, 3);
        add_upload(&m, 2, 0, 4);
        r.range_len = 64;
        t_add(&m, r);
        EXPECT(&m, n == 1 ? NULL : "mpu-blend");
    }
}

T_TEST(objects_copied_from_a_version)
{
    for (int wrong = 0; wrong < 2; wrong++) {
        struct t_make m;
        struct s3p_attempt copy = of(S3P_OP_COPY, 5, 3, 5), r = seen(5, 3, t_value(1));
        begin(&m);
        t_add(&m, t_put(1, 4, 1, 2));
        t_add(&m, t_put(2, 6, 1, 2));
        copy.meta_id = t_nth(5, 1);
        t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000004?versionId=v1"});
        r.body_verdict = S3P_BODY_FOREIGN;
        r.body_id = t_value(wrong ? 2 : 1);
        t_add(&m, r);
        EXPECT(&m, wrong ? "copy-wrong-body" : NULL);
    }
}

/* Copies of copies: those to a key of the same number in another bucket are none of its. */
T_TEST(objects_copies_beside_those_of_another_bucket)
{
    static const char *const source[] = {"main/keys/00000005", "main/keys/00000006",
                                         "main/keys/00000004"};
    for (uint32_t from = 5; from < 7; from++) {
        struct t_make m;
        struct s3p_attempt r = seen(23, 3, t_value(from));
        begin(&m);
        for (uint32_t key = 5; key < 7; key++)
            t_add(&m, t_put(key, key, 1, 2));
        for (uint32_t k = 0; k < 3; k++) {
            struct s3p_attempt copy = of(S3P_OP_COPY, 21 + k, k < 2 ? 4 : 3, 3 + 2 * k);
            copy.bucket = k == 1;
            copy.meta_id = t_nth(21 + k, 1);
            t_add_texts(&m, copy, (struct t_texts){.source = source[k]});
        }
        r.body_verdict = S3P_BODY_FOREIGN;
        t_add(&m, r);
        EXPECT(&m, from == 5 ? NULL : "copy-wrong-body");
    }
}
