/* How uploads end, and what may come of them afterwards: each rule beside its legal neighbours. */
#include "tests/t.h"

#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

#define NO_MD5 "{\"etag_is_md5\":false}"

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", NO_MD5);
    t_add(m, t_put(70, 9, 0, 1)); /* something that is judged */
}

static struct s3p_attempt of(int op, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, 1, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static struct s3p_attempt unclear(struct s3p_attempt r)
{
    r.outcome = S3P_UNKNOWN;
    r.evidence = S3P_EV_NONE;
    r.status = 503;
    return r;
}

static struct s3p_attempt refused(struct s3p_attempt r)
{
    r.outcome = S3P_FAILED;
    r.evidence = S3P_EV_NONE;
    r.status = 403;
    r.etag_form = S3P_ETAG_NONE;
    return r;
}

static void add(struct t_make *m, struct s3p_attempt r)
{
    t_add_texts(m, r, (struct t_texts){.upload = "u"});
}

static void add_create(struct t_make *m)
{
    struct s3p_attempt r = of(S3P_OP_CREATE_UPLOAD, 1, 2);
    r.meta_id = t_nth(1, 1);
    add(m, r);
}

static struct s3p_attempt part(uint32_t number, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = of(S3P_OP_UPLOAD_PART, call_ms, return_ms);
    r.part_number = number;
    r.body_id = t_nth(1, 20 + number);
    r.size = 64;
    r.etag = t_etag(number);
    r.etag_form = S3P_ETAG_DIGEST;
    return r;
}

static struct s3p_attempt complete(uint64_t list, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = of(S3P_OP_COMPLETE_UPLOAD, call_ms, return_ms);
    r.meta_id = t_nth(1, 1);
    r.body_id = t_nth(1, 1 + list);
    r.evidence = S3P_EV_VALUE;
    return r;
}

static struct s3p_attempt seen(uint64_t list, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = complete(list, call_ms, return_ms);
    r.op = S3P_OP_GET;
    r.client = 9;
    r.body_verdict = S3P_BODY_PARTS;
    r.etag = t_etag(66);
    r.etag_form = S3P_ETAG_DIGEST;
    return r;
}

#define EXPECT(m, rule) t_expect_one(__FILE__, __LINE__, m, rule)

/* ---- parts that come too late ---- */

static void expect_part(int line, struct s3p_attempt end, struct s3p_attempt late,
                        const char *rule)
{
    struct t_make m;
    begin(&m);
    add_create(&m);
    add(&m, end);
    add(&m, late);
    t_expect_one(__FILE__, line, &m, rule);
}
#define PART(end, late, rule) expect_part(__LINE__, end, late, rule)

T_TEST(objects_ends_late_parts)
{
    const struct s3p_attempt aborted = of(S3P_OP_ABORT_UPLOAD, 5, 6), late = part(1, 7, 8);
    struct s3p_attempt touched = late;
    touched.flags = S3P_FLAG_MULTI_DELIVERY;
    PART(aborted, late, "upload-undead");
    PART(aborted, unclear(late), NULL);
    PART(aborted, touched, NULL);
    PART(aborted, part(1, 6, 8), NULL); /* equal times are concurrent */
    PART(unclear(aborted), late, NULL);
    PART(complete(1, 5, 6), late, "upload-undead");
    PART(unclear(complete(1, 5, 6)), late, NULL);
    struct t_make m;
    begin(&m); /* the first acknowledgement counts */
    add_create(&m);
    add(&m, complete(1, 5, 6));
    add(&m, complete(1, 9, 20));
    add(&m, late);
    EXPECT(&m, "upload-undead");
}

/* ---- Completes of one list ---- */

T_TEST(objects_ends_repeated_completes)
{
    struct t_make m;
    struct s3p_attempt gone = refused(complete(1, 7, 8)), old = t_get(2, 3, 12, 13);
    begin(&m); /* one without a clear answer says not when another took effect */
    t_add(&m, t_put(2, 3, 0, 0));
    add_create(&m);
    add(&m, unclear(complete(1, 5, 6)));
    add(&m, complete(1, 10, 20));
    t_add(&m, old);
    EXPECT(&m, NULL);
    gone.status = 404;
    begin(&m); /* a 404 to one that is repeated takes nothing back */
    add_create(&m);
    add(&m, complete(1, 5, 6));
    add(&m, gone);
    t_add(&m, t_get(0, 3, 9, 10));
    EXPECT(&m, "absent-after-ack");
}

/* ---- pages of parts ---- */

/* A page with one entry: part `number`, with the ETag of part `etag` (0: none). */
static void add_page(struct t_make *m, uint32_t number, uint32_t etag, uint8_t flags,
                     int64_t call_ms)
{
    struct s3p_attempt r = of(S3P_OP_LIST_PARTS, call_ms, call_ms + 1);
    struct s3p_entry e = {.key_index = number, .size = 64};
    s3p_etag_bytes bytes = t_etag(etag);
    e.etag_form = etag != 0 ? S3P_ETAG_DIGEST : S3P_ETAG_NONE;
    memcpy(e.etag, bytes.b, sizeof e.etag);
    r.client = 8;
    r.flags = flags;
    r.meta_id = (struct s3p_id){{0}};
    s3p_append_begin(m->a, 512, 1);
    if (number != 0) {
        r.entries_first = s3p_append_entry(m->a, &e);
        r.entries_count = 1;
    }
    r.upload_id = s3p_append_text(m->a, "u", 1);
    s3p_append(m->a, &r);
}

T_TEST(objects_ends_entries)
{
    struct t_make m;
    struct s3p_attempt p = part(1, 3, 4);
    begin(&m);
    add_create(&m);
    add(&m, p);
    add_page(&m, 1, 9, 0, 5);
    EXPECT(&m, "list-part-entry");
    begin(&m); /* a copy that was refused explains nothing */
    add_create(&m);
    add(&m, p);
    add(&m, refused(part(1, 3, 4)));
    add_page(&m, 1, 9, 0, 5);
    EXPECT(&m, "list-part-entry");
    begin(&m); /* and neither does another part */
    add_create(&m);
    add(&m, p);
    add(&m, part(2, 3, 4));
    add_page(&m, 1, 2, 0, 5);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "list-part-entry"), 1);
    json_decref(v);
    begin(&m); /* a proxy changed the page */
    add_create(&m);
    add(&m, p);
    add_page(&m, 1, 9, S3P_FLAG_ALTERED, 5);
    EXPECT(&m, NULL);
    p.flags = S3P_FLAG_ALTERED;
    begin(&m); /* or the part */
    add_create(&m);
    add(&m, p);
    add_page(&m, 1, 9, 0, 5);
    EXPECT(&m, NULL);
    p.flags = 0;
    p.etag_form = S3P_ETAG_NONE;
    begin(&m); /* nobody told its ETag */
    add_create(&m);
    add(&m, p);
    add_page(&m, 1, 9, 0, 5);
    EXPECT(&m, NULL);
    p = part(1, 3, 4);
    p.size = 0;
    begin(&m); /* or its size */
    add_create(&m);
    add(&m, p);
    add_page(&m, 1, 1, 0, 5);
    EXPECT(&m, NULL);
    begin(&m); /* or the page tells no ETag */
    add_create(&m);
    add(&m, part(1, 3, 4));
    add_page(&m, 1, 0, 0, 5);
    EXPECT(&m, NULL);
    begin(&m); /* a part of another upload */
    add_create(&m);
    add(&m, part(1, 3, 4));
    p = of(S3P_OP_CREATE_UPLOAD, 1, 2);
    p.meta_id = t_nth(1, 9);
    t_add_texts(&m, p, (struct t_texts){.upload = "w"});
    p = part(1, 3, 4);
    p.etag = t_etag(9);
    t_add_texts(&m, p, (struct t_texts){.upload = "w"});
    add_page(&m, 1, 9, 0, 5);
    json_t *of_two = t_make_judge(&m, NULL);
    T_EQ(t_rule(of_two, "list-part-entry"), 1);
    json_decref(of_two);
}

/* A page, with that entry or none, of an upload that has ended; `beside`: a part, meanwhile. */
static void expect_page(int line, struct s3p_attempt end, struct s3p_attempt beside,
                        uint32_t number, int64_t call_ms, const char *rule)
{
    struct t_make m;
    begin(&m);
    add_create(&m);
    add(&m, beside);
    add(&m, end);
    add_page(&m, number, number, 0, call_ms);
    t_expect_one(__FILE__, line, &m, rule);
}
#define PAGE(end, beside, number, call_ms, rule)                                                   \
    expect_page(__LINE__, end, beside, number, call_ms, rule)

T_TEST(objects_ends_pages)
{
    const struct s3p_attempt done = complete(1, 5, 8), aborted = of(S3P_OP_ABORT_UPLOAD, 5, 8);
    PAGE(done, part(1, 3, 4), 0, 10, "upload-undead");
    PAGE(aborted, part(1, 3, 4), 0, 10, "upload-undead");
    PAGE(aborted, part(1, 3, 4), 1, 8, NULL); /* equal times are concurrent */
    PAGE(done, part(1, 6, 7), 0, 10, NULL);
    PAGE(done, part(1, 8, 9), 0, 10, NULL);
    PAGE(done, part(1, 3, 5), 0, 10, NULL);
    PAGE(done, unclear(part(1, 3, 4)), 0, 10, NULL);
    PAGE(aborted, refused(part(1, 6, 7)), 0, 10, NULL); /* it may have left something */
}

/* ---- what the object shows ---- */

T_TEST(objects_ends_and_reads)
{
    struct t_make m;
    begin(&m); /* aborted as the Complete was called */
    add_create(&m);
    add(&m, of(S3P_OP_ABORT_UPLOAD, 3, 5));
    add(&m, unclear(complete(1, 5, 9)));
    t_add(&m, seen(1, 10, 11));
    EXPECT(&m, NULL);
    begin(&m); /* and as it is read */
    add_create(&m);
    add(&m, of(S3P_OP_ABORT_UPLOAD, 3, 5));
    add(&m, unclear(complete(1, 7, 9)));
    t_add(&m, seen(1, 5, 6));
    EXPECT(&m, "future-read");
    begin(&m); /* read as it is completed */
    add_create(&m);
    add(&m, complete(1, 5, 9));
    t_add(&m, seen(1, 4, 5));
    EXPECT(&m, NULL);
    begin(&m); /* an Abort that was called as the Complete was answered */
    add_create(&m);
    add(&m, complete(1, 3, 5));
    add(&m, of(S3P_OP_ABORT_UPLOAD, 5, 6));
    EXPECT(&m, NULL);
    begin(&m);
    add_create(&m);
    add(&m, complete(1, 3, 6));
    add(&m, of(S3P_OP_ABORT_UPLOAD, 5, 7));
    EXPECT(&m, "complete-and-abort");
    begin(&m); /* refused, not gone, though another list may have been completed */
    add_create(&m);
    add(&m, refused(complete(1, 3, 4)));
    add(&m, unclear(complete(2, 5, 6)));
    t_add(&m, seen(1, 8, 9));
    EXPECT(&m, "failed-but-visible");
}
