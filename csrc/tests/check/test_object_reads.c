/* What uploads and copies make, and what reads show of it: each rule beside what says nothing. */
#include "tests/t.h"

#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

#define NO_MD5 "{\"etag_is_md5\":false}"
#define MD5 "{\"etag_is_md5\":true}"
#define SIDE 1 /* the second bucket */

static const struct s3p_id none;

static void begin(struct t_make *m, const char *profile)
{
    struct s3p_attempt put = t_put(70, 9, 0, 1); /* something that is judged */
    put.body_kind = S3P_KIND_NONE;
    t_make_begin(m, "{}", profile);
    t_add(m, put);
}

static struct s3p_attempt of(int op, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, 1, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static struct s3p_attempt refused(struct s3p_attempt r, uint8_t evidence)
{
    r.outcome = S3P_FAILED;
    r.evidence = evidence;
    r.status = 412;
    r.etag_form = S3P_ETAG_NONE;
    return r;
}

static void add(struct t_make *m, struct s3p_attempt r)
{
    t_add_texts(m, r, (struct t_texts){.upload = "u"});
}

static void add_parts(struct t_make *m)
{
    struct s3p_attempt r = of(S3P_OP_CREATE_UPLOAD, 1, 2);
    r.meta_id = t_nth(1, 1);
    add(m, r);
    for (uint32_t number = 1; number < 3; number++) {
        r = of(S3P_OP_UPLOAD_PART, 3, 4);
        r.part_number = number;
        r.body_id = t_nth(1, 20 + number);
        r.size = 64;
        r.etag = t_etag(number);
        r.etag_form = S3P_ETAG_DIGEST;
        add(m, r);
    }
}

static struct s3p_attempt complete(uint64_t list, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = of(S3P_OP_COMPLETE_UPLOAD, call_ms, return_ms);
    const s3p_etag_bytes part[] = {t_etag(1), t_etag(2)};
    r.meta_id = t_nth(1, 1);
    r.body_id = t_nth(1, 1 + list);
    r.evidence = S3P_EV_VALUE;
    r.size = 128;
    r.etag = t_etag_of(part, 2);
    r.etag_form = S3P_ETAG_HASHED;
    return r;
}

/* With the parts that it names. */
static void add_complete(struct t_make *m, struct s3p_attempt r)
{
    s3p_append_begin(m->a, 512, 2);
    for (uint32_t number = 1; number < 3; number++) {
        struct s3p_entry e = {.key_index = number, .size = 64, .etag_form = S3P_ETAG_DIGEST};
        s3p_etag_bytes etag = t_etag(number);
        memcpy(e.etag, etag.b, sizeof e.etag);
        uint32_t at = s3p_append_entry(m->a, &e);
        r.entries_first = number == 1 ? at : r.entries_first;
    }
    r.entries_count = 2;
    add(m, r);
}

static struct s3p_attempt seen(int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = complete(1, call_ms, return_ms);
    r.op = S3P_OP_GET;
    r.client = 9;
    r.body_verdict = S3P_BODY_PARTS;
    return r;
}

static void add_page(struct t_make *m, int64_t call_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_LIST, 90, S3P_NO_INDEX, call_ms, call_ms + 1);
    struct s3p_entry e = {.key_index = 9};
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    s3p_append_begin(m->a, 512, 1);
    r.entries_first = s3p_append_entry(m->a, &e);
    r.entries_count = 1;
    t_add_texts(m, r, (struct t_texts){.args = ""});
}

static void expect(int line, struct t_make *m, const char *rule)
{
    json_t *v = t_make_judge(m, NULL);
    char *text = t_dump(v);
    if (json_integer_value(json_object_get(v, "violations")) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1))
        t_fail(__FILE__, line, "expected %s: %.3000s", rule != NULL ? rule : "nothing", text);
    s3p_free(text);
    json_decref(v);
}
#define EXPECT(m, rule) expect(__LINE__, m, rule)

/* An upload that was completed with both parts, and one read. */
static void expect_read(int line, struct s3p_attempt done, struct s3p_attempt read,
                        const char *rule)
{
    struct t_make m;
    begin(&m, MD5);
    add_parts(&m);
    add_complete(&m, done);
    t_add(&m, read);
    expect(line, &m, rule);
}
#define READ(done, read, rule) expect_read(__LINE__, done, read, rule)

/* ---- bytes of an upload ---- */

T_TEST(objects_seen_in_pieces)
{
    const struct s3p_attempt done = complete(1, 5, 6);
    struct s3p_attempt r = seen(7, 8);
    r.range_len = 100; /* over the border of two parts */
    r.body_id = t_nth(9, 9);
    READ(done, r, NULL);
    r.range_len = 0;
    READ(done, r, "mpu-blend");
    r.range_len = 4; /* too few to tell anything */
    r.body_verdict = S3P_BODY_OPAQUE;
    r.body_id = none;
    READ(done, r, NULL);
    r = seen(7, 8);
    r.body_verdict = S3P_BODY_TORN;
    r.body_id = t_nth(1, 21);
    READ(done, r, "body-torn");
    r.range_len = 74; /* ten bytes of a part say no more than whose it is */
    READ(done, r, NULL);
    r.body_verdict = S3P_BODY_LONG;
    r.range_len = 65; /* and one byte not even that */
    READ(done, r, NULL);
    r.range_len = 0;
    READ(done, r, "body-length");
    r = seen(7, 8);
    r.part_number = 1;
    r.body_verdict = S3P_BODY_CLEAN;
    r.body_id = t_nth(1, 21);
    r.size = 64;
    READ(done, r, NULL);
    r.body_id = t_nth(9, 9);
    READ(done, r, "mpu-blend");
}

/* So few bytes that they fit what the metadata name. */
T_TEST(objects_seen_few_bytes)
{
    struct t_make m;
    struct s3p_attempt done = complete(1, 5, 6), few = seen(7, 8);
    few.body_verdict = S3P_BODY_CLEAN;
    few.body_id = few.meta_id;
    few.size = 5;
    READ(done, few, "body-length");
    done.size = 5;
    READ(done, few, NULL);
    done.size = 128;
    few.range_len = 4;
    READ(done, few, NULL);
    few.range_len = 0;
    few.part_number = 1;
    READ(done, few, NULL);
    few.part_number = 0;
    begin(&m, MD5); /* though two lists may have made it */
    add_parts(&m);
    add(&m, refused(complete(2, 5, 6), S3P_EV_NONE));
    add_complete(&m, complete(1, 5, 6));
    few.etag = t_etag(91); /* of neither */
    t_add(&m, few);
    EXPECT(&m, "body-length");
}

/* Bytes that came from elsewhere, by UploadPartCopy: nobody knows them. */
T_TEST(objects_seen_of_copied_parts)
{
    struct t_make m;
    struct s3p_attempt part = of(S3P_OP_UPLOAD_PART_COPY, 3, 4), torn = seen(7, 8);
    part.part_number = 3;
    torn.body_verdict = S3P_BODY_TORN;
    torn.size = 500;
    begin(&m, NO_MD5);
    add_parts(&m);
    t_add_texts(&m, part, (struct t_texts){.upload = "u", .source = "main/keys/00000009"});
    add(&m, complete(1, 5, 6));
    t_add(&m, torn);
    EXPECT(&m, NULL);
}

/* Where one came whole, the next begins anywhere; ranges of them end where a cell does. */
T_TEST(objects_seen_of_odd_parts)
{
    for (int ranged = 0; ranged < 2; ranged++) {
        struct t_make m;
        struct s3p_attempt part = of(S3P_OP_UPLOAD_PART_COPY, 3, 4), bad = seen(7, 8);
        part.part_number = 3;
        part.range_len = ranged ? 64 : 0;
        bad.body_verdict = S3P_BODY_CORRUPT;
        bad.bytes_in = bad.size;
        bad.bad_offset = 64;
        begin(&m, NO_MD5);
        add_parts(&m);
        t_add_texts(&m, part, (struct t_texts){.upload = "u", .source = "main/keys/00000009"});
        add(&m, complete(1, 5, 6));
        t_add(&m, bad);
        EXPECT(&m, ranged ? "body-corrupt" : NULL);
    }
}

/* A copy onto itself has no parts; it may keep the metadata, and so the name of the upload. */
T_TEST(objects_seen_copied_onto_itself)
{
    for (int renamed = 0; renamed < 2; renamed++) {
        struct t_make m;
        struct s3p_attempt copy = of(S3P_OP_COPY, 7, 8), read = seen(9, 10);
        copy.meta_id = renamed ? t_nth(5, 5) : none;
        read.etag = t_etag(55);
        read.etag_form = S3P_ETAG_DIGEST;
        begin(&m, MD5);
        add_parts(&m);
        add_complete(&m, complete(1, 5, 6));
        t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000003"});
        t_add(&m, read);
        EXPECT(&m, renamed ? "etag-mismatch" : NULL);
    }
}

/* Bytes of another key behind a cell that the range cuts. */
T_TEST(objects_seen_of_cut_copies)
{
    for (int cut = 0; cut < 2; cut++) {
        struct t_make m;
        struct s3p_attempt copy = of(S3P_OP_COPY, 7, 8), bad = seen(9, 10);
        bad.body_verdict = S3P_BODY_CORRUPT;
        bad.range_first = cut ? 100 : 64;
        bad.range_len = bad.bytes_in = 192 - bad.range_first;
        bad.bad_offset = 128;
        begin(&m, NO_MD5);
        t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000009"});
        t_add(&m, bad);
        EXPECT(&m, cut ? NULL : "body-corrupt");
    }
}

/* Lists with copied parts have no ids: which one was joined, a HEAD does not say. */
T_TEST(objects_seen_of_unnamed_lists)
{
    struct t_make m;
    struct s3p_attempt done = complete(1, 5, 6), read = seen(9, 10), other;
    struct s3p_entry e = {.key_index = 1, .size = 64, .etag_form = S3P_ETAG_DIGEST};
    done.body_id = read.body_id = none;
    read.op = S3P_OP_HEAD;
    read.body_verdict = S3P_BODY_NONE;
    other = refused(done, S3P_EV_NONE);
    other.status = 404;
    begin(&m, MD5);
    add_parts(&m);
    add_complete(&m, done);
    s3p_append_begin(m.a, 512, 1);
    other.entries_first = s3p_append_entry(m.a, &e);
    other.entries_count = 1;
    add(&m, other);
    t_add(&m, read);
    EXPECT(&m, NULL);
}

T_TEST(objects_seen_etags)
{
    struct s3p_attempt done = complete(1, 5, 6), read = seen(7, 8);
    read.etag_form = S3P_ETAG_NONE;
    READ(done, read, "etag-mismatch"); /* none */
    for (int known = 0; known < 3; known++) { /* it must be that of the parts, where it is MD5 */
        struct t_make m;
        done.etag = read.etag = t_etag(55);
        read.etag_form = S3P_ETAG_HASHED;
        begin(&m, known == 1 ? NO_MD5 : MD5);
        add_parts(&m);
        if (known == 0)
            add(&m, done);
        else
            add_complete(&m, done);
        if (known < 2)
            t_add(&m, read);
        EXPECT(&m, known == 2 ? "etag-mismatch" : NULL);
    }
}

/* ---- what a Complete writes ---- */

T_TEST(objects_completed_sizes)
{
    struct s3p_attempt done = complete(1, 5, 6), read = seen(7, 8);
    read.size = 127;
    READ(done, read, "body-length");
    done.size = 0;
    READ(done, read, NULL);
}

T_TEST(objects_completed_if_match)
{
    for (int cond = 0; cond < 2; cond++) {
        struct t_make m;
        struct s3p_attempt done = complete(1, 5, 8);
        begin(&m, NO_MD5);
        add_parts(&m);
        t_add(&m, t_put(2, 3, 1, 2));
        t_add(&m, t_cas(8, 2, 3, 5, 8));
        if (cond) {
            done.cond = S3P_COND_IF_MATCH;
            done.expect_etag = t_etag(2);
            done.expect_form = S3P_ETAG_DIGEST;
        }
        add(&m, done);
        EXPECT(&m, cond ? "cas-split-brain" : NULL);
    }
}

/* Of Completes of one list one writes; another one that was refused shows what its condition met,
 * one that was repeated shows nothing of its own time. */
T_TEST(objects_completed_again)
{
    struct t_make m;
    struct s3p_attempt create = complete(1, 5, 6), gone = of(S3P_OP_DELETE, 7, 8);
    create.cond = S3P_COND_IF_NONE_MATCH_ANY;
    begin(&m, NO_MD5);
    add_parts(&m);
    t_add(&m, t_lost(t_put(2, 3, 1, 2)));
    add(&m, refused(create, S3P_EV_PRESENT));
    add(&m, t_lost(complete(1, 7, 8)));
    add_page(&m, 10);
    EXPECT(&m, "list-missing");
    begin(&m, NO_MD5);
    add_parts(&m);
    add(&m, complete(1, 5, 6));
    t_add(&m, gone);
    add(&m, complete(1, 9, 10));
    add_page(&m, 12);
    EXPECT(&m, NULL);
}

/* A list of parts that nobody knows leaves open what the object is. */
T_TEST(objects_completed_nameless)
{
    struct t_make m;
    struct s3p_attempt done = complete(1, 5, 6);
    done.body_id = none;
    begin(&m, NO_MD5);
    add_parts(&m);
    add(&m, refused(complete(2, 3, 4), S3P_EV_NONE));
    add(&m, done);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_skipped(v, "multipart", "keys"), 1);
    json_decref(v);
}

/* An answer's ETag is the object's, and that of a refusal another's. */
T_TEST(objects_completed_etags)
{
    struct t_make m;
    struct s3p_attempt head = seen(9, 10), denied = refused(complete(1, 5, 6), S3P_EV_PRESENT);
    head.op = S3P_OP_HEAD;
    head.body_verdict = S3P_BODY_NONE;
    head.meta_id = head.body_id = none;
    begin(&m, NO_MD5);
    add_parts(&m);
    add(&m, complete(1, 5, 6));
    t_add(&m, t_put(2, 3, 7, 8));
    t_add(&m, head);
    EXPECT(&m, "stale-read");
    begin(&m, NO_MD5);
    add_parts(&m);
    denied.cond = S3P_COND_IF_NONE_MATCH_ANY;
    denied.etag = t_etag(2);
    denied.etag_form = S3P_ETAG_DIGEST;
    t_add(&m, t_put(2, 3, 1, 2));
    add(&m, denied);
    t_add(&m, t_put(8, 3, 7, 8));
    head.etag = t_etag(2);
    head.etag_form = S3P_ETAG_DIGEST;
    head.size = 1002;
    t_add(&m, head);
    EXPECT(&m, "stale-read");
}

/* Two uploads of one part each, of `size` bytes, sent or copied: perhaps of the same bytes. */
static void add_twin(struct t_make *m, uint32_t twin, int op, uint64_t size)
{
    const char *upload = twin == 0 ? "u" : "w";
    const s3p_etag_bytes part[] = {t_etag(1)};
    struct s3p_attempt r = of(S3P_OP_CREATE_UPLOAD, 1, 2);
    r.meta_id = t_nth(1, 1 + 10 * twin);
    t_add_texts(m, r, (struct t_texts){.upload = upload});
    struct s3p_attempt sent = of(op, 3, 4);
    sent.part_number = 1;
    sent.body_id = op == S3P_OP_UPLOAD_PART ? t_nth(1, 2 + 10 * twin) : none;
    sent.size = op == S3P_OP_UPLOAD_PART ? size : 0;
    sent.etag = t_etag(1);
    sent.etag_form = S3P_ETAG_DIGEST;
    t_add_texts(m, sent, (struct t_texts){.upload = upload,
                                          .source = op == S3P_OP_UPLOAD_PART
                                                        ? NULL
                                                        : "main/keys/00000004"});
    struct s3p_attempt done = of(S3P_OP_COMPLETE_UPLOAD, 5 + 2 * twin, 6 + 2 * twin);
    struct s3p_entry e = {.key_index = 1, .size = sent.size, .etag_form = S3P_ETAG_DIGEST};
    memcpy(e.etag, t_etag(1).b, sizeof e.etag);
    done.meta_id = r.meta_id;
    done.body_id = t_nth(1, 3 + 10 * twin);
    done.evidence = S3P_EV_VALUE;
    done.size = op == S3P_OP_UPLOAD_PART ? size : 64;
    done.etag = t_etag_of(part, 1);
    done.etag_form = S3P_ETAG_HASHED;
    s3p_append_begin(m->a, 512, 1);
    done.entries_first = s3p_append_entry(m->a, &e);
    done.entries_count = 1;
    t_add_texts(m, done, (struct t_texts){.upload = upload});
}

T_TEST(objects_completed_alike)
{
    struct t_make m;
    for (int k = 0; k < 3; k++) {
        begin(&m, NO_MD5);
        for (uint32_t twin = 0; twin < 2; twin++)
            add_twin(&m, twin, k == 0 ? S3P_OP_UPLOAD_PART_COPY : S3P_OP_UPLOAD_PART,
                     k == 1 ? 15 : 16);
        EXPECT(&m, k == 2 ? "etag-mismatch" : NULL);
    }
}

/* ---- which reads ---- */

T_TEST(objects_seen_elsewhere)
{
    struct t_make m;
    struct s3p_attempt read = seen(3, 4);
    read.bucket = SIDE;
    read.body_id = read.meta_id;
    read.body_verdict = S3P_BODY_CLEAN;
    begin(&m, NO_MD5);
    add_parts(&m);
    add(&m, complete(1, 5, 6));
    t_add(&m, read);
    EXPECT(&m, "unwritten-value");
}

T_TEST(objects_seen_by_others)
{
    struct t_make m;
    struct s3p_attempt read = seen(7, 8);
    read.flags = S3P_FLAG_ALTERED; /* a proxy changed it */
    read.body_id = t_nth(9, 9);
    READ(complete(1, 5, 6), read, NULL);
    begin(&m, NO_MD5); /* a refusal is no read, whatever it holds */
    add_parts(&m);
    add(&m, complete(1, 5, 6));
    t_add(&m, t_put(2, 3, 7, 8));
    t_add(&m, refused(seen(9, 10), S3P_EV_VALUE));
    EXPECT(&m, NULL);
    begin(&m, NO_MD5); /* and one of a version none of the key */
    add_parts(&m);
    t_add_texts(&m, complete(1, 5, 6), (struct t_texts){.upload = "u", .version = "v1"});
    t_add_texts(&m, t_put(2, 3, 7, 8), (struct t_texts){.version = "v2"});
    t_add_texts(&m, seen(9, 10), (struct t_texts){.asked = "v1"});
    EXPECT(&m, NULL);
}

/* ---- copies ---- */

static struct s3p_attempt copied(bool keeps_metadata)
{
    struct s3p_attempt r = t_attempt(S3P_OP_COPY, 5, 3, 3, 6);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    r.evidence = S3P_EV_VALUE;
    r.meta_id = keeps_metadata ? none : t_nth(5, 7);
    r.etag = t_etag(1);
    r.etag_form = S3P_ETAG_DIGEST;
    return r;
}

/* Key 4 holds value 1, and is copied to key 3; elsewhere perhaps an upload with a copied part. */
static void begin_copy(struct t_make *m, struct s3p_attempt copy, bool parts)
{
    begin(m, NO_MD5);
    t_add(m, t_put(1, 4, 1, 2));
    t_add_texts(m, copy, (struct t_texts){.source = "main/keys/00000004", .version = "v1"});
    if (!parts)
        return;
    struct s3p_attempt r = t_attempt(S3P_OP_CREATE_UPLOAD, 1, 8, 1, 2);
    r.outcome = S3P_OK_OUTCOME;
    r.meta_id = t_nth(1, 1);
    add(m, r);
    r.op = S3P_OP_UPLOAD_PART_COPY;
    r.meta_id = none;
    r.part_number = 1;
    t_add_texts(m, r, (struct t_texts){.upload = "u", .source = "main/keys/00000009"});
}

static struct s3p_attempt seen_copy(int verdict, struct s3p_id body)
{
    struct s3p_attempt r = t_get(1, 3, 7, 8);
    r.meta_id = t_nth(5, 7);
    r.body_id = body;
    r.body_verdict = (uint8_t)verdict;
    return r;
}

static void expect_copy(int line, bool parts, struct s3p_attempt read, const char *rule)
{
    struct t_make m;
    begin_copy(&m, copied(false), parts);
    t_add(&m, read);
    expect(line, &m, rule);
}
#define COPY(parts, read, rule) expect_copy(__LINE__, parts, read, rule)

T_TEST(objects_seen_copies)
{
    struct s3p_attempt r = seen_copy(S3P_BODY_FOREIGN, t_nth(77, 77));
    COPY(false, r, "copy-wrong-body");
    r.range_len = 16;
    COPY(false, r, NULL);
    r.range_len = 0;
    r.part_number = 1; /* it may have kept the parts of its source */
    COPY(false, r, NULL);
    r = seen_copy(S3P_BODY_TORN, t_nth(77, 77));
    COPY(false, r, "body-torn");
    COPY(true, r, NULL);
    r = seen_copy(S3P_BODY_CLEAN, t_nth(5, 7)); /* so short that its client alone is told */
    COPY(false, r, NULL);
    r = seen_copy(S3P_BODY_FOREIGN, t_value(1));
    r.size = 1002;
    COPY(false, r, "body-length");
    r.size = 0; /* it was not told */
    COPY(false, r, NULL);
    r = seen_copy(S3P_BODY_NONE, none);
    r.op = S3P_OP_HEAD;
    COPY(false, r, NULL);
    r = seen_copy(S3P_BODY_FOREIGN, t_nth(77, 77));
    r.bucket = SIDE;
    COPY(false, r, "body-foreign");
}

/* A copy has the bytes of its own source, not of another copy's to the same key. */
T_TEST(objects_seen_copies_beside_others)
{
    for (int wrong = 0; wrong < 2; wrong++) {
        struct t_make m;
        struct s3p_attempt other = copied(false);
        other.meta_id = t_nth(5, 8);
        begin_copy(&m, copied(false), false);
        t_add(&m, t_put(6, 5, 1, 2));
        t_add_texts(&m, other, (struct t_texts){.source = "main/keys/00000005"});
        t_add(&m, seen_copy(S3P_BODY_FOREIGN, t_value(wrong ? 6 : 1)));
        EXPECT(&m, wrong ? "copy-wrong-body" : NULL);
    }
}

T_TEST(objects_seen_copies_of_versions)
{
    for (int asked = 0; asked < 2; asked++) {
        struct t_make m;
        struct s3p_attempt read = t_get(1, 3, 9, 10);
        read.meta_id = t_nth(5, 7);
        read.body_verdict = S3P_BODY_FOREIGN;
        begin_copy(&m, copied(false), false);
        t_add_texts(&m, t_put(2, 3, 7, 8), (struct t_texts){.version = "v2"});
        t_add_texts(&m, read, (struct t_texts){.asked = asked ? "v1" : NULL});
        EXPECT(&m, asked ? NULL : "stale-read");
    }
}

/* Of an object of one part, which was copied, with the bytes of a third key, or some of them. */
T_TEST(objects_seen_copies_of_copied_parts)
{
    for (int piece = 0; piece < 2; piece++) {
        struct t_make m;
        struct s3p_attempt read = seen_copy(S3P_BODY_FOREIGN, t_value(6));
        read.size = piece ? 64 : 1006;
        begin_copy(&m, copied(true), true);
        t_add(&m, t_put(6, 9, 0, 1));
        t_add_texts(&m, copied(false), (struct t_texts){.source = "main/keys/00000008"});
        t_add(&m, read);
        EXPECT(&m, NULL);
    }
}

/* A proxy delivered it twice: the second time it read what was newer. */
T_TEST(objects_seen_copies_delivered_twice)
{
    for (int twice = 0; twice < 2; twice++) {
        struct t_make m;
        struct s3p_attempt copy = copied(false), read = seen_copy(S3P_BODY_FOREIGN, t_value(2));
        copy.flags = twice ? S3P_FLAG_MULTI_DELIVERY : 0;
        read.size = 1002;
        begin_copy(&m, copy, false);
        t_add(&m, t_put(2, 4, 7, 8));
        t_add(&m, read);
        EXPECT(&m, twice ? NULL : "copy-wrong-body");
    }
}

/* Where copies keep the metadata, bytes may be those of their sources, but not of two writes. */
T_TEST(objects_seen_copies_that_keep_metadata)
{
    static const struct {
        int verdict;
        bool parts, range;
        const char *rule;
        uint32_t part;
    } row[] = {
        {S3P_BODY_FOREIGN, false, false, "body-foreign", 0},
        {S3P_BODY_FOREIGN, true, false, NULL, 0},
        {S3P_BODY_FOREIGN, false, true, NULL, 0},
        {S3P_BODY_FOREIGN, false, false, NULL, 1},
        {S3P_BODY_TORN, false, false, "body-torn", 0},
        {S3P_BODY_TORN, true, false, NULL, 0},
        {S3P_BODY_PARTS, false, false, NULL, 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct t_make m;
        struct s3p_attempt read = t_get(6, 3, 7, 8);
        read.body_verdict = (uint8_t)row[i].verdict;
        read.range_len = row[i].range ? 16 : 0;
        read.part_number = row[i].part;
        begin_copy(&m, copied(true), row[i].parts);
        t_add(&m, t_put(6, 5, 1, 2));
        t_add(&m, read);
        EXPECT(&m, row[i].rule);
    }
}

/* What shows no bytes is known by its ETag, and has the size of that list. */
T_TEST(objects_sizes_of_one_list_of_two)
{
    for (int longer = 0; longer < 2; longer++) {
        struct t_make m;
        struct s3p_attempt head = seen(10, 11);
        head.op = S3P_OP_HEAD;
        head.body_verdict = S3P_BODY_NONE;
        head.body_id = none;
        head.size = 128 + (uint64_t)longer;
        begin(&m, NO_MD5);
        add_parts(&m);
        add_complete(&m, complete(1, 5, 6));
        add_complete(&m, refused(complete(2, 7, 8), S3P_EV_NONE));
        add(&m, head);
        expect(__LINE__, &m, longer ? "body-length" : NULL);
    }
}
