/* Multipart uploads and copies: what each rule says on hand-made histories, and that it says
 * nothing on histories of a correct store. */
#include "tests/t.h"

#include <unistd.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

#define PROFILE "{\"etag_is_md5\":true,\"mpu_order\":\"completed\"}"
#define EITHER "{\"etag_is_md5\":true}"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { GROUPS = 500 };
#else
enum { GROUPS = 6000 };
#endif

/* One upload of key 3 by client 1: created at 1–2, parts 1 and 2 at 3–4. */
struct up {
    struct t_make m;
    struct s3p_id meta, part[3]; /* part[2]: part 1 sent again */
    s3p_etag_bytes etag[3];
};

static struct s3p_attempt ok(int op, uint32_t client, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, client, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static void add_part(struct up *u, int number, int k)
{
    struct s3p_attempt r = ok(S3P_OP_UPLOAD_PART, 1, 3, 4);
    u->part[k] = r.body_id = t_nth(1, 10 + (uint64_t)k);
    u->etag[k] = r.etag = t_etag(100 + (uint32_t)k);
    r.etag_form = S3P_ETAG_DIGEST;
    r.part_number = (uint32_t)number;
    r.size = 64;
    t_add_texts(&u->m, r, (struct t_texts){.upload = "u1"});
}

static void begin(struct up *u, const char *profile)
{
    t_make_begin(&u->m, "{}", profile);
    struct s3p_attempt r = ok(S3P_OP_CREATE_UPLOAD, 1, 1, 2);
    u->meta = r.meta_id = t_nth(1, 1);
    t_add_texts(&u->m, r, (struct t_texts){.upload = "u1"});
    add_part(u, 1, 0);
    add_part(u, 2, 1);
}

static struct s3p_attempt completed(const struct up *u, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = ok(S3P_OP_COMPLETE_UPLOAD, 1, call_ms, return_ms);
    r.evidence = S3P_EV_VALUE;
    r.meta_id = u->meta;
    r.body_id = t_composite(u->part, 2);
    r.etag = t_etag_of(u->etag, 2);
    r.etag_form = S3P_ETAG_HASHED;
    r.size = 128;
    return r;
}

static void add_complete(struct up *u, struct s3p_attempt r)
{
    s3p_append_begin(u->m.a, 64, 2);
    for (int k = 0; k < 2; k++) {
        struct s3p_entry e = {
            .key_index = (uint64_t)k + 1, .size = 64, .etag_form = S3P_ETAG_DIGEST};
        memcpy(e.etag, u->etag[k].b, 16);
        uint32_t at = s3p_append_entry(u->m.a, &e);
        r.entries_first = k == 0 ? at : r.entries_first;
    }
    r.entries_count = 2;
    t_add_texts(&u->m, r, (struct t_texts){.upload = "u1"});
}

static struct s3p_attempt seen(const struct up *u, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = completed(u, call_ms, return_ms);
    r.op = S3P_OP_GET;
    r.client = 9;
    r.body_verdict = S3P_BODY_PARTS;
    return r;
}

static void expect(struct t_make *m, const char *rule)
{
    json_t *v = t_make_judge(m, NULL);
    char *text = t_dump(v);
    int64_t all = json_integer_value(json_object_get(v, "violations"));
    if (all != (rule != NULL) || (rule != NULL && t_rule(v, rule) != 1))
        t_fail(__FILE__, __LINE__, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    if (rule == NULL && json_integer_value(json_object_get(v, "keys_checked")) != 1)
        t_fail(__FILE__, __LINE__, "expected a key that is checked: %s", text);
    if (rule != NULL)
        fprintf(stderr, "  %s: %s\n", rule, t_text(t_witness(v, 0), "sentence"));
    s3p_free(text);
    json_decref(v);
}

T_TEST(objects_upload_held)
{
    struct up u;
    begin(&u, PROFILE);
    add_complete(&u, completed(&u, 5, 8));
    add_complete(&u, completed(&u, 9, 10)); /* again */
    t_add(&u.m, t_get(0, 3, 4, 6));
    t_add(&u.m, seen(&u, 6, 7));
    struct s3p_attempt head = seen(&u, 11, 12);
    head.op = S3P_OP_HEAD;
    head.body_verdict = S3P_BODY_NONE;
    memset(&head.body_id, 0, sizeof head.body_id);
    t_add(&u.m, head);
    expect(&u.m, NULL);
}

T_TEST(objects_upload_stale)
{
    struct up u;
    begin(&u, PROFILE);
    add_complete(&u, completed(&u, 5, 6));
    t_add(&u.m, t_get(0, 3, 7, 8));
    expect(&u.m, "absent-after-ack");
    begin(&u, PROFILE);
    struct s3p_attempt put = t_put(2, 3, 1, 4);
    put.body_kind = S3P_KIND_NONE;
    t_add(&u.m, put);
    add_complete(&u, completed(&u, 5, 6));
    t_add(&u.m, t_get(2, 3, 7, 8));
    expect(&u.m, "stale-read");
    begin(&u, EITHER); /* there the upload may be older than the PUT */
    t_add(&u.m, put);
    add_complete(&u, completed(&u, 5, 6));
    t_add(&u.m, t_get(2, 3, 7, 8));
    expect(&u.m, NULL);
}

T_TEST(objects_upload_bytes)
{
    struct up u;
    begin(&u, PROFILE);
    add_complete(&u, completed(&u, 5, 6));
    struct s3p_attempt r = seen(&u, 7, 8);
    struct s3p_id swapped[] = {u.part[1], u.part[0]};
    r.body_id = t_composite(swapped, 2);
    t_add(&u.m, r);
    expect(&u.m, "mpu-blend");
    begin(&u, PROFILE);
    add_part(&u, 1, 2);
    struct s3p_id old[] = {u.part[0], u.part[1]};
    u.part[0] = u.part[2];
    u.etag[0] = u.etag[2];
    add_complete(&u, completed(&u, 5, 6));
    r = seen(&u, 7, 8);
    r.body_id = t_composite(old, 2);
    t_add(&u.m, r);
    expect(&u.m, "mpu-stale-part");
    begin(&u, PROFILE);
    add_complete(&u, completed(&u, 5, 6));
    r = seen(&u, 7, 8);
    r.body_verdict = S3P_BODY_TORN;
    t_add(&u.m, r);
    expect(&u.m, "body-torn");
    begin(&u, PROFILE);
    add_complete(&u, completed(&u, 5, 6));
    r = seen(&u, 7, 8);
    r.size = 127;
    t_add(&u.m, r);
    expect(&u.m, "body-length");
    begin(&u, PROFILE); /* one part, as if it were all */
    add_complete(&u, completed(&u, 5, 6));
    r = seen(&u, 7, 8);
    r.body_verdict = S3P_BODY_CLEAN;
    r.body_id = u.part[0];
    t_add(&u.m, r);
    expect(&u.m, "mpu-blend");
    begin(&u, PROFILE); /* a range of it */
    add_complete(&u, completed(&u, 5, 6));
    r.range_len = 64;
    t_add(&u.m, r);
    expect(&u.m, NULL);
}

T_TEST(objects_upload_too_early)
{
    struct up u;
    begin(&u, EITHER);
    t_add(&u.m, seen(&u, 4, 6));
    add_complete(&u, completed(&u, 7, 8));
    expect(&u.m, "future-read");
    begin(&u, EITHER); /* and without a Complete */
    t_add(&u.m, seen(&u, 4, 6));
    expect(&u.m, "future-read");
}

T_TEST(objects_upload_aborted)
{
    struct up u;
    begin(&u, PROFILE);
    struct s3p_attempt r = ok(S3P_OP_ABORT_UPLOAD, 1, 4, 5);
    t_add_texts(&u.m, r, (struct t_texts){.upload = "u1"});
    t_add(&u.m, seen(&u, 6, 7));
    expect(&u.m, "aborted-visible");
    begin(&u, PROFILE);
    add_complete(&u, completed(&u, 4, 8));
    t_add_texts(&u.m, r, (struct t_texts){.upload = "u1"});
    expect(&u.m, "complete-and-abort");
    begin(&u, PROFILE); /* once it is done, a store may answer like to a repeated Abort */
    add_complete(&u, completed(&u, 4, 8));
    r = ok(S3P_OP_ABORT_UPLOAD, 1, 9, 10);
    t_add_texts(&u.m, r, (struct t_texts){.upload = "u1"});
    expect(&u.m, NULL);
}

T_TEST(objects_upload_etags)
{
    struct up u;
    begin(&u, PROFILE);
    struct s3p_attempt r = completed(&u, 5, 6);
    r.etag = t_etag(55);
    add_complete(&u, r);
    expect(&u.m, "etag-mismatch");
    begin(&u, PROFILE); /* a Complete without an ETag is known to happen */
    r = completed(&u, 5, 6);
    r.etag_form = S3P_ETAG_NONE;
    add_complete(&u, r);
    r = seen(&u, 7, 8);
    r.etag = t_etag(55);
    t_add(&u.m, r);
    expect(&u.m, "etag-mismatch");
}

static struct s3p_attempt gone(struct s3p_attempt r)
{
    r.status = 404;
    r.outcome = S3P_FAILED;
    r.evidence = S3P_EV_NONE;
    r.etag_form = S3P_ETAG_NONE;
    return r;
}

/* NoSuchUpload is no failure while another Complete may have made it. */
/* A Complete of part 1 alone. */
static struct s3p_attempt completed_one(const struct up *u, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = completed(u, call_ms, return_ms);
    r.body_id = u->part[0];
    r.etag = t_etag_of(u->etag, 1);
    r.size = 64;
    return r;
}

static void add_complete_one(struct up *u, struct s3p_attempt r)
{
    struct s3p_entry e = {.key_index = 1, .size = 64, .etag_form = S3P_ETAG_DIGEST};
    memcpy(e.etag, u->etag[0].b, sizeof e.etag);
    s3p_append_begin(u->m.a, 64, 1);
    r.entries_first = s3p_append_entry(u->m.a, &e);
    r.entries_count = 1;
    t_add_texts(&u->m, r, (struct t_texts){.upload = "u1"});
}

T_TEST(objects_upload_two_lists)
{
    struct up u;
    begin(&u, EITHER);
    add_complete(&u, completed(&u, 5, 8));
    struct s3p_attempt refused = completed_one(&u, 9, 10);
    refused.outcome = S3P_FAILED;
    refused.status = 404;
    refused.evidence = S3P_EV_NONE;
    add_complete_one(&u, refused);
    expect(&u.m, NULL);
    begin(&u, EITHER);
    add_complete(&u, completed(&u, 5, 8));
    add_complete_one(&u, completed_one(&u, 9, 10));
    expect(&u.m, "completed-twice");
}

/* Both parts, the first one with the ETag of copy `k` (-1: of none) and this size. */
static void add_page(struct up *u, int k, uint64_t size)
{
    struct s3p_attempt r = ok(S3P_OP_LIST_PARTS, 9, 5, 6);
    s3p_append_begin(u->m.a, 64, 2);
    for (int part = 0; part < 2; part++) {
        struct s3p_entry e = {.key_index = (uint64_t)part + 1,
                              .size = part == 0 ? size : 64,
                              .etag_form = S3P_ETAG_DIGEST};
        s3p_etag_bytes etag = part == 1 ? u->etag[1] : k < 0 ? t_etag(999) : u->etag[k];
        memcpy(e.etag, etag.b, sizeof e.etag);
        uint32_t at = s3p_append_entry(u->m.a, &e);
        r.entries_first = part == 0 ? at : r.entries_first;
    }
    r.entries_count = 2;
    t_add_texts(&u->m, r, (struct t_texts){.upload = "u1"});
    add_complete(u, completed(u, 7, 8));
}

T_TEST(objects_upload_listed_part)
{
    struct up u;
    begin(&u, EITHER);
    add_page(&u, 0, 64);
    expect(&u.m, NULL);
    begin(&u, EITHER);
    add_page(&u, 0, 0);
    expect(&u.m, "list-part-entry");
    begin(&u, EITHER);
    add_page(&u, -1, 64);
    expect(&u.m, "list-part-entry");
    begin(&u, EITHER); /* the first copy, with its own ETag alone */
    add_part(&u, 1, 2);
    add_page(&u, 0, 64);
    expect(&u.m, NULL);
}

static void add_late(struct up *u, int op, int64_t call_ms)
{
    struct s3p_attempt r = ok(op, 9, call_ms, call_ms + 1);
    if (op == S3P_OP_UPLOAD_PART) {
        r.body_id = t_nth(9, 1);
        r.etag = t_etag(300);
        r.etag_form = S3P_ETAG_DIGEST;
        r.part_number = 3;
        r.size = 64;
    }
    t_add_texts(&u->m, r, (struct t_texts){.upload = "u1"});
}

T_TEST(objects_upload_undead)
{
    static const int ops[] = {S3P_OP_UPLOAD_PART, S3P_OP_LIST_PARTS};
    struct up u;
    for (int k = 0; k < 2; k++) {
        begin(&u, EITHER);
        add_complete(&u, completed(&u, 6, 8));
        add_late(&u, ops[k], 9);
        expect(&u.m, "upload-undead");
    }
    begin(&u, EITHER); /* at the same time */
    add_complete(&u, completed(&u, 6, 8));
    add_late(&u, S3P_OP_UPLOAD_PART, 7);
    expect(&u.m, NULL);
}

/* A byte or two may fit whoever the metadata names. */
T_TEST(objects_upload_few_bytes)
{
    struct up u;
    begin(&u, PROFILE);
    add_complete(&u, completed(&u, 5, 6));
    struct s3p_attempt range = seen(&u, 7, 8);
    range.body_id = u.meta;
    range.body_verdict = S3P_BODY_CLEAN;
    range.range_first = 127;
    range.range_len = 500;
    t_add(&u.m, range);
    expect(&u.m, NULL);
    begin(&u, PROFILE);
    add_complete(&u, completed(&u, 5, 6));
    struct s3p_attempt empty = seen(&u, 7, 8);
    empty.body_id = u.meta;
    empty.body_verdict = S3P_BODY_CLEAN;
    empty.size = 0;
    t_add(&u.m, empty);
    expect(&u.m, "body-length");
}

T_TEST(objects_upload_gone)
{
    struct up u;
    begin(&u, PROFILE);
    add_complete(&u, t_lost(completed(&u, 5, 6)));
    add_complete(&u, gone(completed(&u, 7, 8)));
    t_add(&u.m, seen(&u, 9, 10));
    expect(&u.m, NULL);
    begin(&u, PROFILE);
    add_complete(&u, gone(completed(&u, 7, 8)));
    t_add(&u.m, seen(&u, 9, 10));
    expect(&u.m, "failed-but-visible");
}

static struct s3p_attempt created_by(const struct up *u, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = completed(u, call_ms, return_ms);
    r.cond = S3P_COND_IF_NONE_MATCH_ANY;
    return r;
}

static struct s3p_attempt of_no_kind(struct s3p_attempt put)
{
    put.body_kind = S3P_KIND_NONE;
    return put;
}

T_TEST(objects_upload_creates)
{
    struct up u;
    begin(&u, EITHER);
    t_add(&u.m, of_no_kind(t_cas(2, 0, 3, 4, 9)));
    add_complete(&u, created_by(&u, 5, 8));
    expect(&u.m, "create-twice");
}

/* A refusal says what was there while it was asked, not ever after. */
T_TEST(objects_upload_refused)
{
    struct up u;
    begin(&u, EITHER);
    add_complete(&u, t_refused(created_by(&u, 5, 6)));
    t_add(&u.m, of_no_kind(t_put(2, 3, 7, 8)));
    expect(&u.m, "condition-false-negative");
    begin(&u, EITHER);
    add_complete(&u, t_refused(created_by(&u, 5, 7)));
    t_add(&u.m, of_no_kind(t_put(2, 3, 6, 8)));
    expect(&u.m, NULL);
    begin(&u, EITHER); /* a delete behind it does not hide two winners */
    t_add(&u.m, of_no_kind(t_cas(2, 0, 3, 4, 9)));
    t_add(&u.m, of_no_kind(t_cas(3, 0, 3, 4, 9)));
    add_complete(&u, t_refused(created_by(&u, 5, 8)));
    t_add(&u.m, ok(S3P_OP_DELETE, 4, 10, 11));
    expect(&u.m, "create-twice");
}

/* Nor is it said when it is repeated, and finds no upload, because another list was completed. */
T_TEST(objects_upload_refused_then_gone)
{
    struct up u;
    begin(&u, EITHER);
    struct s3p_attempt absent = t_refused(completed(&u, 5, 6));
    absent.cond = S3P_COND_IF_MATCH_ANY;
    absent.evidence = S3P_EV_ABSENT;
    add_complete(&u, absent);
    add_complete_one(&u, completed_one(&u, 7, 8));
    add_complete(&u, gone(completed(&u, 9, 10)));
    expect(&u.m, NULL);
}

T_TEST(objects_upload_borders)
{
    struct up u;
    begin(&u, PROFILE); /* the first acknowledgement counts */
    add_complete(&u, completed(&u, 5, 6));
    add_complete(&u, completed(&u, 9, 12));
    t_add(&u.m, t_get(0, 3, 7, 8));
    expect(&u.m, "absent-after-ack");
    begin(&u, PROFILE); /* and the best outcome */
    add_complete(&u, t_lost(completed(&u, 5, 6)));
    add_complete(&u, completed(&u, 7, 8));
    t_add(&u.m, t_get(0, 3, 9, 10));
    expect(&u.m, "absent-after-ack");
    begin(&u, EITHER); /* a condition is looked at when the upload is completed */
    struct s3p_attempt put = t_put(2, 3, 3, 4);
    put.body_kind = S3P_KIND_NONE;
    t_add(&u.m, put);
    add_complete(&u, created_by(&u, 5, 8));
    expect(&u.m, "cas-ignored");
    begin(&u, PROFILE); /* the first Abort counts */
    t_add_texts(&u.m, ok(S3P_OP_ABORT_UPLOAD, 1, 4, 5), (struct t_texts){.upload = "u1"});
    t_add_texts(&u.m, ok(S3P_OP_ABORT_UPLOAD, 1, 20, 21), (struct t_texts){.upload = "u1"});
    add_complete(&u, t_lost(completed(&u, 8, 9)));
    t_add(&u.m, seen(&u, 10, 11));
    expect(&u.m, "aborted-visible");
    begin(&u, EITHER); /* a 404 while another list may have made it */
    add_complete(&u, t_lost(completed(&u, 5, 6)));
    add_complete_one(&u, gone(completed_one(&u, 7, 8)));
    struct s3p_attempt r = seen(&u, 9, 10);
    r.body_verdict = S3P_BODY_CLEAN;
    r.body_id = u.part[0];
    r.size = 64;
    r.etag = t_etag_of(u.etag, 1);
    t_add(&u.m, r);
    expect(&u.m, NULL);
}

T_TEST(objects_upload_ranges)
{
    struct up u;
    begin(&u, PROFILE); /* bytes of no part */
    add_complete(&u, completed(&u, 5, 6));
    struct s3p_attempt r = seen(&u, 7, 8);
    r.range_len = 64;
    r.body_verdict = S3P_BODY_CLEAN;
    r.body_id = t_nth(7, 7);
    t_add(&u.m, r);
    expect(&u.m, "mpu-blend");
    begin(&u, PROFILE); /* a cell that is cut may be of a piece that is not seen */
    add_complete(&u, completed(&u, 5, 6));
    r.body_verdict = S3P_BODY_CORRUPT;
    r.bad_offset = 64;
    r.bytes_in = 70;
    t_add(&u.m, r);
    expect(&u.m, NULL);
}

/* ---- copies ---- */

static struct s3p_attempt copied(int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = ok(S3P_OP_COPY, 5, call_ms, return_ms);
    r.evidence = S3P_EV_VALUE;
    r.meta_id = t_nth(5, 7);
    r.etag = t_etag(1);
    r.etag_form = S3P_ETAG_DIGEST;
    return r;
}

static struct s3p_attempt seen_copy(uint32_t n, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_get(n, 3, call_ms, return_ms);
    r.meta_id = t_nth(5, 7);
    r.body_verdict = S3P_BODY_FOREIGN;
    return r;
}

/* Key 4 holds value 1, and is copied to key 3, which held value 2. */
static void begin_copy(struct t_make *m, struct s3p_attempt copy)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
    t_add(m, t_put(1, 4, 1, 2));
    t_add(m, t_put(2, 3, 1, 2));
    t_add_texts(m, copy, (struct t_texts){.source = "main/keys/00000004"});
}

static void expect_two(struct t_make *m, const char *rule)
{
    json_t *v = t_make_judge(m, NULL);
    char *text = t_dump(v);
    if (json_integer_value(json_object_get(v, "violations")) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1) ||
        json_integer_value(json_object_get(v, "keys_checked")) != 2)
        t_fail(__FILE__, __LINE__, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    if (rule != NULL)
        fprintf(stderr, "  %s: %s\n", rule, t_text(t_witness(v, 0), "sentence"));
    s3p_free(text);
    json_decref(v);
}

T_TEST(objects_copy_borders)
{
    struct t_make m;
    begin_copy(&m, copied(3, 6));
    struct s3p_attempt r = seen_copy(1, 7, 8);
    r.size++; /* the bytes of value 1, and one more */
    t_add(&m, r);
    expect_two(&m, "body-length");
    /* Bytes of an upload with a copied part have no id that anybody knows. */
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    struct s3p_attempt create = t_attempt(S3P_OP_CREATE_UPLOAD, 1, 4, 1, 2);
    create.outcome = S3P_OK_OUTCOME;
    create.meta_id = t_nth(1, 1);
    t_add_texts(&m, create, (struct t_texts){.upload = "u"});
    create.op = S3P_OP_UPLOAD_PART_COPY;
    create.meta_id = (struct s3p_id){{0}};
    create.part_number = 1;
    t_add_texts(&m, create, (struct t_texts){.upload = "u", .source = "main/keys/00000009"});
    struct s3p_attempt done = t_attempt(S3P_OP_COMPLETE_UPLOAD, 1, 4, 3, 4);
    done.outcome = S3P_OK_OUTCOME;
    done.evidence = S3P_EV_VALUE;
    done.meta_id = t_nth(1, 1);
    t_add_texts(&m, done, (struct t_texts){.upload = "u"});
    t_add_texts(&m, copied(5, 6), (struct t_texts){.source = "main/keys/00000004"});
    r = seen_copy(1, 7, 8);
    r.body_id = t_nth(77, 77);
    r.etag = t_etag(1);
    t_add(&m, r);
    expect_two(&m, NULL);
}

/* One without an answer may be carried out later, and then bring what was written since. */
T_TEST(objects_copy_of_unknown_fate)
{
    struct t_make m;
    struct s3p_attempt copy = copied(3, 6);
    copy.outcome = S3P_UNKNOWN;
    copy.status = 503;
    copy.evidence = S3P_EV_NONE;
    begin_copy(&m, copy);
    t_add(&m, t_put(6, 4, 8, 9));
    t_add(&m, seen_copy(6, 10, 11));
    expect_two(&m, NULL);
}

T_TEST(objects_copy)
{
    struct t_make m;
    begin_copy(&m, copied(3, 6));
    t_add(&m, t_get(2, 3, 3, 5));
    t_add(&m, seen_copy(1, 4, 7));
    expect_two(&m, NULL);
    begin_copy(&m, copied(3, 6));
    t_add(&m, t_get(2, 3, 7, 8));
    expect_two(&m, "stale-read");
    begin_copy(&m, copied(3, 6));
    struct s3p_attempt r = seen_copy(2, 7, 8); /* the new metadata, the old bytes */
    r.body_verdict = S3P_BODY_CLEAN;
    t_add(&m, r);
    expect_two(&m, "copy-wrong-body");
    begin_copy(&m, copied(3, 6));
    r = seen_copy(1, 7, 8);
    r.body_verdict = S3P_BODY_TORN;
    t_add(&m, r);
    expect_two(&m, "body-torn");
    begin_copy(&m, copied(3, 6)); /* bytes that were written to the source too late */
    t_add(&m, t_put(6, 4, 8, 9));
    t_add(&m, seen_copy(6, 10, 11));
    expect_two(&m, "copy-wrong-body");
}

T_TEST(objects_copy_keeps_metadata)
{
    struct t_make m;
    struct s3p_attempt copy = copied(3, 6);
    memset(&copy.meta_id, 0, sizeof copy.meta_id);
    for (int other = 0; other < 2; other++) {
        begin_copy(&m, copy);
        t_add(&m, t_put(6, 5, 1, 2));
        struct s3p_attempt r = t_get(other ? 6 : 1, 3, 7, 8);
        r.body_verdict = S3P_BODY_FOREIGN;
        t_add(&m, r);
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_skipped(v, "copy", "keys"), 1);
        T_EQ(t_rule(v, "body-foreign"), other);
        json_decref(v);
    }
}

/* ---- no false alarm ---- */

static void run_store(const char *profile, uint64_t seed, unsigned programs)
{
    struct t_make m;
    t_make_begin(&m, "{}", profile);
    for (uint64_t group = 0; group < GROUPS; group++)
        t_store_run(&m, seed, group, programs);
    json_t *v = t_make_judge(&m, NULL);
    if (json_integer_value(json_object_get(v, "violations")) != 0) {
        char *text = t_dump(v);
        t_fail(__FILE__, __LINE__, "seed %llu: %.4000s", (unsigned long long)seed, text);
    }
    int64_t checked = json_integer_value(json_object_get(v, "keys_checked"));
    fprintf(stderr, "  %d histories of programs %u: %lld keys checked\n", GROUPS, programs,
            (long long)checked);
    T_TRUE(checked > GROUPS / 2);
    json_decref(v);
}

T_TEST_LIMIT(objects_correct_store, 300)
{
    static const unsigned programs[] = {T_UPLOADS, T_UPLOADS | T_UNKNOWN, T_COPIES | T_UNKNOWN,
                                        T_UPLOADS | T_COPIES, T_UPLOADS | T_COPIES | T_UNKNOWN};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        run_store(PROFILE, 10 + i, programs[i]);
        run_store(EITHER, 20 + i, programs[i]);
    }
}

/* The same with conditions and deletes. */
T_TEST_LIMIT(objects_conditional_store, 300)
{
    static const unsigned programs[] = {T_UNKNOWN | T_DELETES, T_UPLOADS, T_UPLOADS | T_UNKNOWN,
                                        T_UPLOADS | T_COPIES | T_UNKNOWN | T_DELETES};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        run_store(i % 2 == 0 ? PROFILE : EITHER, 30 + i, programs[i] | T_CONDITIONS);
}
