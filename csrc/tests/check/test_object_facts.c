/* What the attempts on a key say of its object where a page is judged: each beside what says
 * nothing. A page of the bucket shows nothing at all. */
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"
#include "tests/t.h"

#define NO_MD5 "{\"etag_is_md5\":false}"

static void add_page(struct t_make *m, int64_t call_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_LIST, 90, S3P_NO_INDEX, call_ms, call_ms + 1);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    t_add_texts(m, r, (struct t_texts){.args = ""});
}

static int64_t missing(struct t_make *m)
{
    json_t *v = t_make_judge(m, NULL);
    int64_t n = t_rule(v, "list-missing");
    json_decref(v);
    return n;
}

/* An object that was put, a page without it at 5 ms, and what happened to the key later. */
static int64_t missing_beside(struct s3p_attempt later)
{
    struct t_make m;
    t_make_begin(&m, "{}", NO_MD5);
    t_add(&m, t_put(1, 3, 1, 2));
    add_page(&m, 5);
    t_add(&m, later);
    return missing(&m);
}

/* Where others have a hand in it the key may have changed at any time. */
T_TEST(pages_facts_touched)
{
    struct s3p_attempt r = t_put(2, 3, 30, 31);
    T_EQ(missing_beside(r), 1);
    r.flags = S3P_FLAG_FOREIGN;
    T_EQ(missing_beside(r), 0);
    r.flags = S3P_FLAG_MULTI_DELIVERY;
    T_EQ(missing_beside(r), 0);
    r = t_get(1, 3, 30, 31);
    r.flags = S3P_FLAG_ALTERED;
    T_EQ(missing_beside(r), 0);
    r.flags = 0;
    r.body_id = r.meta_id = s3p_id_make(T_RUN + 1, 1, 1);
    T_EQ(missing_beside(r), 0);
    struct t_make m; /* the first values of client 0 are numbers as small as reasons are */
    t_make_begin(&m, "{}", NO_MD5);
    t_add(&m, t_put(0, 3, 1, 2));
    add_page(&m, 5);
    T_EQ(missing(&m), 1);
}

/* A refused create shows that something is there, whoever made it. */
T_TEST(pages_facts_of_refusals)
{
    for (int refused = 0; refused < 2; refused++) {
        struct t_make m;
        struct s3p_attempt create = t_refused(t_cas(8, 0, 3, 3, 4));
        create.evidence = refused ? S3P_EV_PRESENT : S3P_EV_NONE;
        t_make_begin(&m, "{}", NO_MD5);
        t_add(&m, t_lost(t_put(1, 3, 1, 2)));
        t_add(&m, create);
        add_page(&m, 10);
        T_EQ(missing(&m), refused);
    }
}

/* A read whose bytes cannot be told says nothing, not even that something was there. */
T_TEST(pages_facts_of_reads)
{
    struct t_make m;
    struct s3p_attempt r = t_attempt(S3P_OP_CREATE_UPLOAD, 1, 3, 1, 2);
    r.outcome = S3P_OK_OUTCOME;
    r.meta_id = t_nth(1, 1);
    t_make_begin(&m, "{}", NO_MD5);
    t_add_texts(&m, r, (struct t_texts){.upload = "u"});
    r = t_attempt(S3P_OP_COMPLETE_UPLOAD, 1, 3, 3, 4);
    r.outcome = S3P_OK_OUTCOME;
    r.evidence = S3P_EV_VALUE;
    r.meta_id = t_nth(1, 1);
    r.body_id = t_nth(1, 2);
    t_add_texts(&m, r, (struct t_texts){.upload = "u"});
    r = t_attempt(S3P_OP_DELETE, 5, 3, 5, 6);
    r.outcome = S3P_OK_OUTCOME;
    t_add(&m, r);
    r = t_get(1, 3, 7, 8);
    r.meta_id = t_nth(1, 1);
    r.body_verdict = S3P_BODY_CORRUPT;
    r.range_len = 64;
    r.bad_offset = 64;
    r.bytes_in = 70;
    t_add(&m, r);
    add_page(&m, 10);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(json_integer_value(json_object_get(v, "violations")), 0);
    json_decref(v);
}
