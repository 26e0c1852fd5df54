/* Records that no recorder makes: each is refused, or says nothing; none is an alarm. */
#include "tests/t.h"

#include <string.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

static struct s3p_attempt bare(int op, int64_t call_ms)
{
    struct s3p_attempt r = t_attempt(op, 1, 3, call_ms, call_ms + 1);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    return r;
}

static int judge(struct t_make *m)
{
    struct s3p_err e = {0};
    t_make_close(m);
    int rc = t_make_fail(m, NULL, &e);
    T_TRUE(rc == 0 || rc == S3P_EFORMAT);
    if (rc != 0 && strstr(e.msg, "header") == NULL)
        t_fail(__FILE__, __LINE__, "%s", e.msg);
    return rc;
}

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
    t_add(m, t_put(70, 9, 1, 2));
}

/* A space or a bucket that the header does not have, in any operation. */
T_TEST(check_places_that_are_none)
{
    for (int op = 0; op < S3P_OP_COUNT; op++)
        for (int bucket = 0; bucket < 2; bucket++) {
            struct t_make m;
            struct s3p_attempt r = bare(op, 3);
            *(bucket ? &r.bucket : &r.space) = bucket ? 2 : 3;
            r.meta_id = r.body_id = t_value(1);
            begin(&m);
            t_add_texts(&m, r,
                        (struct t_texts){.upload = "u",
                                         .source = "main/hot",
                                         .version = "v1",
                                         .args = "rules=[]"});
            int rc = judge(&m);
            T_TRUE(rc != 0 || (op != S3P_OP_PUT && op != S3P_OP_GET && op != S3P_OP_DELETE));
        }
}

static int list_of_nowhere(int op)
{
    struct t_make m;
    struct s3p_attempt r = bare(op, 3);
    struct s3p_entry e = {.space = 3, .key_index = 0};
    begin(&m);
    r.key_index = S3P_NO_INDEX;
    s3p_append_begin(m.a, 512, 1);
    e.version_id = s3p_append_text(m.a, "v", 1);
    r.entries_first = s3p_append_entry(m.a, &e);
    r.entries_count = 1;
    r.list_args = s3p_append_text(m.a, "", 0);
    s3p_append(m.a, &r);
    return judge(&m);
}

T_TEST(check_entries_of_places_that_are_none)
{
    T_EQ(list_of_nowhere(S3P_OP_LIST), S3P_EFORMAT);
    T_EQ(list_of_nowhere(S3P_OP_LIST_VERSIONS), S3P_EFORMAT);
    T_EQ(list_of_nowhere(S3P_OP_LIST_UPLOADS), S3P_EFORMAT);
}

/* Without the texts that they go by: ids of uploads, sources, versions; and sources that are
 * nowhere. */
T_TEST(check_attempts_without_texts)
{
    static const char *const sources[] = {NULL, "", "main", "nowhere/hot", "main/cold",
                                          "main/cold?versionId=1"};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct t_make m;
        begin(&m);
        for (int op = 0; op < S3P_OP_COUNT; op++) {
            struct s3p_attempt r = bare(op, 3 + 2 * op);
            if (op == S3P_OP_COPY || op == S3P_OP_COMPLETE_UPLOAD || op == S3P_OP_CREATE_UPLOAD)
                r.meta_id = t_nth(9, (uint64_t)op + 1);
            if (s3p_op_table[op].cls == S3P_CLASS_MUTATION)
                t_add_texts(&m, r, (struct t_texts){.source = sources[i]});
        }
        json_t *v = t_make_judge(&m, NULL);
        char *text = t_dump(v);
        if (json_integer_value(json_object_get(v, "violations")) != 0)
            t_fail(__FILE__, __LINE__, "source %zu: %.3000s", i, text);
        s3p_free(text);
        json_decref(v);
    }
}
