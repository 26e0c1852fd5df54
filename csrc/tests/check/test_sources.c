/* What copies read of their sources: a read like any other. */
#include "tests/t.h"

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/make.h"
#include "tests/check/store.h"

#define SOURCE "main/keys/00000004"
#define ANY_ETAG "{\"etag_is_md5\":false}"
#define expect(m, rule) t_expect_one(__FILE__, __LINE__, m, rule)

static struct s3p_attempt put(uint32_t n, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_put(n, 4, call_ms, return_ms);
    r.body_kind = S3P_KIND_NONE; /* its ETag is none of an MD5 */
    return r;
}

/* To key 3, answered with the ETag of value n; 0: with one of nobody. */
static struct s3p_attempt copy(uint32_t n, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_COPY, 5, 3, call_ms, return_ms);
    r.status = 200;
    r.outcome = S3P_OK_OUTCOME;
    r.evidence = S3P_EV_VALUE;
    r.meta_id = s3p_id_make(T_RUN, 5, 7);
    r.etag = t_etag(n != 0 ? n : 77);
    r.etag_form = S3P_ETAG_DIGEST;
    return r;
}

static struct s3p_attempt removed(int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_DELETE, 50, 4, call_ms, return_ms);
    r.status = 204;
    r.outcome = S3P_OK_OUTCOME;
    return r;
}

/* The copy, with the bytes of value n. */
static struct s3p_attempt shown(uint32_t n, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_get(n, 3, call_ms, return_ms);
    r.meta_id = s3p_id_make(T_RUN, 5, 7);
    r.body_verdict = S3P_BODY_FOREIGN;
    return r;
}

static void add_copy(struct t_make *m, struct s3p_attempt r)
{
    t_add_texts(m, r, (struct t_texts){.source = SOURCE});
}

/* Key 4 held value 1, and then value 2. */
static void begin(struct t_make *m, const char *profile)
{
    t_make_begin(m, "{}", profile);
    t_add(m, put(1, 1, 2));
    t_add(m, put(2, 3, 5));
}

T_TEST(sources_by_bytes)
{
    struct t_make m;
    for (int old = 0; old < 2; old++) {
        begin(&m, ANY_ETAG);
        add_copy(&m, copy(0, 6, 7));
        t_add(&m, shown(old ? 1 : 2, 8, 9));
        expect(&m, old ? "stale-read" : NULL);
    }
    begin(&m, ANY_ETAG); /* equal times are concurrent */
    add_copy(&m, copy(0, 5, 7));
    t_add(&m, shown(1, 8, 9));
    expect(&m, NULL);
    t_make_begin(&m, "{}", ANY_ETAG);
    t_add(&m, put(1, 1, 2));
    t_add(&m, removed(3, 4));
    add_copy(&m, copy(0, 6, 7));
    t_add(&m, shown(1, 8, 9));
    expect(&m, "present-after-delete");
}

T_TEST(sources_by_etag)
{
    struct t_make m;
    for (int keeps = 0; keeps < 2; keeps++) { /* with and without an identity of its own */
        struct s3p_attempt r = copy(1, 6, 7);
        if (keeps)
            memset(&r.meta_id, 0, sizeof r.meta_id);
        begin(&m, "{}");
        add_copy(&m, r);
        expect(&m, "stale-read");
    }
    begin(&m, "{}");
    add_copy(&m, copy(2, 6, 7));
    expect(&m, NULL);
    begin(&m, "{}"); /* of what it was made, nobody knows */
    add_copy(&m, copy(0, 6, 7));
    expect(&m, NULL);
    begin(&m, ANY_ETAG); /* it may be made of anything */
    add_copy(&m, copy(1, 6, 7));
    expect(&m, NULL);
    t_make_begin(&m, "{}", "{}");
    t_add(&m, put(1, 1, 2));
    t_add(&m, removed(3, 4));
    add_copy(&m, copy(1, 6, 7));
    expect(&m, "present-after-delete");
}

T_TEST(sources_of_parts)
{
    struct t_make m;
    struct s3p_attempt r = copy(1, 6, 7);
    r.op = S3P_OP_UPLOAD_PART_COPY;
    r.evidence = S3P_EV_NONE;
    r.part_number = 1;
    memset(&r.meta_id, 0, sizeof r.meta_id);
    for (int old = 0; old < 2; old++) {
        begin(&m, "{}");
        r.etag = t_etag(old ? 1 : 2);
        t_add_texts(&m, r, (struct t_texts){.source = SOURCE, .upload = "u"});
        expect(&m, old ? "stale-read" : NULL);
    }
}

/* What says nothing of the source. */
T_TEST(sources_that_do_not_tell)
{
    struct t_make m;
    static const char *const other[] = {SOURCE "?versionId=v1", "main/hot", "nowhere/x", "x"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        begin(&m, "{}");
        t_add_texts(&m, copy(1, 6, 7), (struct t_texts){.source = other[i]});
        expect(&m, NULL);
    }
    static const uint8_t flag[] = {S3P_FLAG_ALTERED, S3P_FLAG_MULTI_DELIVERY, S3P_FLAG_FOREIGN};
    for (size_t i = 0; i < sizeof flag; i++) {
        struct s3p_attempt r = copy(1, 6, 7);
        r.flags = flag[i];
        begin(&m, "{}");
        add_copy(&m, r);
        expect(&m, NULL);
        r = shown(1, 8, 9);
        r.flags = flag[i];
        begin(&m, ANY_ETAG);
        add_copy(&m, copy(0, 6, 7));
        t_add(&m, r);
        expect(&m, NULL);
    }
    struct s3p_attempt refused = copy(1, 6, 7), touched = t_get(3, 9, 1, 2);
    refused.outcome = S3P_FAILED;
    refused.evidence = S3P_EV_NONE;
    begin(&m, "{}");
    add_copy(&m, refused);
    expect(&m, NULL);
    touched.flags = S3P_FLAG_ALTERED; /* somewhere: a copy may have brought what was altered */
    begin(&m, "{}");
    t_add(&m, touched);
    add_copy(&m, copy(1, 6, 7));
    expect(&m, NULL);
    for (int part = 0; part < 2; part++) { /* of a part of it */
        struct s3p_attempt r = shown(1, 8, 9);
        r.range_len = part ? 0 : 64;
        r.part_number = part;
        begin(&m, ANY_ETAG);
        add_copy(&m, copy(0, 6, 7));
        t_add(&m, r);
        expect(&m, NULL);
    }
}

/* Refused by the condition on its source, perhaps: then its own may have held. */
T_TEST(sources_that_refuse)
{
    static const char *const args[] = {"if-match=\"e\"", "if-none-match=\"e\"", NULL};
    struct s3p_attempt refused = copy(1, 6, 7);
    struct t_make m;
    refused.cond = S3P_COND_IF_NONE_MATCH_ANY;
    for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
        struct s3p_attempt r = refused;
        r.outcome = S3P_FAILED;
        r.evidence = S3P_EV_PRESENT;
        r.status = 412;
        r.etag_form = S3P_ETAG_NONE;
        begin(&m, "{}");
        t_add_texts(&m, r, (struct t_texts){.source = SOURCE, .args = args[i]});
        expect(&m, args[i] != NULL ? NULL : "condition-false-negative");
    }
    begin(&m, ANY_ETAG); /* one that succeeded has met it */
    t_add(&m, t_put(9, 3, 1, 2));
    t_add_texts(&m, refused, (struct t_texts){.source = SOURCE, .args = args[0]});
    expect(&m, "cas-ignored");
}

/* Bytes of value 1 may be there again, under another name. */
T_TEST(sources_with_bytes_of_others)
{
    struct t_make m;
    for (int parts = 0; parts < 2; parts++) {
        struct s3p_attempt back = t_attempt(S3P_OP_COPY, 6, 4, 1, 9);
        back.outcome = S3P_OK_OUTCOME;
        back.evidence = S3P_EV_VALUE;
        back.meta_id = s3p_id_make(T_RUN, 6, 1);
        back.etag = t_etag(1);
        back.etag_form = S3P_ETAG_DIGEST;
        if (parts) {
            back.op = S3P_OP_UPLOAD_PART_COPY;
            back.part_number = 1;
            back.meta_id = (struct s3p_id){{0}};
        }
        begin(&m, "{}");
        t_add_texts(&m, back,
                    (struct t_texts){.source = SOURCE, .upload = parts ? "u" : NULL});
        add_copy(&m, copy(1, 6, 7));
        expect(&m, NULL);
    }
    begin(&m, "{}"); /* of another key: that is judged with what shows it */
    struct s3p_attempt far = t_put(8, 6, 1, 2);
    far.body_kind = S3P_KIND_NONE;
    t_add(&m, far);
    add_copy(&m, copy(8, 6, 7));
    expect(&m, NULL);
    begin(&m, "{}"); /* too short to be told from others */
    struct s3p_attempt brief = put(3, 6, 7);
    brief.size = 15;
    t_add(&m, brief);
    t_add(&m, put(4, 8, 9));
    add_copy(&m, copy(3, 10, 11));
    expect(&m, NULL);
    begin(&m, "{}");
    brief.size = 16;
    t_add(&m, brief);
    t_add(&m, put(4, 8, 9));
    add_copy(&m, copy(3, 10, 11));
    expect(&m, "stale-read");
}

T_TEST(sources_of_unknown_fate)
{
    struct t_make m;
    struct s3p_attempt lost = copy(1, 6, 7);
    lost.outcome = S3P_UNKNOWN;
    lost.evidence = S3P_EV_NONE;
    lost.status = 503;
    begin(&m, "{}"); /* the ETag of a failure is nobody's */
    add_copy(&m, lost);
    expect(&m, NULL);
    begin(&m, ANY_ETAG);
    add_copy(&m, lost);
    t_add(&m, shown(1, 8, 9));
    expect(&m, "stale-read");
    begin(&m, ANY_ETAG); /* it may be carried out later */
    add_copy(&m, lost);
    t_add(&m, put(3, 8, 9));
    t_add(&m, shown(3, 10, 11));
    expect(&m, NULL);
    begin(&m, ANY_ETAG); /* so that it need not have seen this before it returned */
    add_copy(&m, lost);
    t_add(&m, put(3, 7, 20));
    t_add(&m, t_get(2, 4, 9, 10));
    t_add(&m, shown(3, 11, 12));
    expect(&m, NULL);
    lost.outcome = S3P_FAILED; /* what a refused one took is no other matter */
    begin(&m, ANY_ETAG);
    add_copy(&m, lost);
    t_add(&m, shown(1, 8, 9));
    expect(&m, "failed-but-visible");
}

T_TEST(sources_made_of_parts)
{
    struct t_make m;
    for (int old = 0; old < 2; old++) {
        struct s3p_attempt r = t_attempt(S3P_OP_CREATE_UPLOAD, 1, 4, 1, 2);
        struct t_texts of = {.upload = "u"};
        t_make_begin(&m, "{}", ANY_ETAG);
        r.outcome = S3P_OK_OUTCOME;
        r.meta_id = s3p_id_make(T_RUN, 9, 1);
        t_add_texts(&m, r, of);
        r = t_attempt(S3P_OP_COMPLETE_UPLOAD, 1, 4, 3, 4);
        r.outcome = S3P_OK_OUTCOME;
        r.evidence = S3P_EV_VALUE;
        r.meta_id = s3p_id_make(T_RUN, 9, 1);
        r.body_id = s3p_id_make(T_RUN, 9, 5);
        r.size = 1001;
        t_add_texts(&m, r, of);
        if (old)
            t_add(&m, put(2, 5, 6));
        add_copy(&m, copy(0, 7, 8));
        r = shown(1, 9, 10);
        r.body_id = s3p_id_make(T_RUN, 9, 5);
        t_add(&m, r);
        expect(&m, old ? "stale-read" : NULL);
    }
}

/* What was written after the copy is the matter of another rule. */
T_TEST(sources_from_the_future)
{
    struct t_make m;
    begin(&m, ANY_ETAG);
    add_copy(&m, copy(0, 6, 7));
    t_add(&m, put(3, 8, 9));
    t_add(&m, shown(3, 10, 11));
    expect(&m, "copy-wrong-body");
    begin(&m, ANY_ETAG);
    add_copy(&m, copy(0, 6, 8)); /* at the last moment */
    t_add(&m, put(3, 8, 20));
    t_add(&m, t_get(2, 4, 9, 10));
    t_add(&m, shown(3, 10, 11));
    expect(&m, "stale-read");
}
