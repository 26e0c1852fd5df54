/* A key whose reads are not kept, since memory is short: the same verdict as with all of them. */
#include "tests/t.h"

#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/make.h"

enum { HOT = 3, OTHERS = 200, WRITES = 300, READS = 9000, LOST = WRITES + 1, LAST = WRITES + 2 };
enum { SETTLED_BYTES = 300 << 10, KEPT_BYTES = 1200 << 10 }; /* all rows take 1,600 KiB */

enum {
    STALE = 1,
    TWO_ETAGS = 2,
    BY_ETAG_ALONE = 4,
    REFUSED = 8,
    BY_VERSION = 16,
    LISTED = 32,
    RULED = 64
};

/* By metadata and ETag, or by its ETag alone. */
static struct s3p_attempt head(uint32_t n, int64_t call_ms, bool by_etag)
{
    struct s3p_attempt r = t_get(n, HOT, call_ms, call_ms + 1);
    r.op = S3P_OP_HEAD;
    r.body_verdict = S3P_BODY_NONE;
    r.body_id = (struct s3p_id){{0}};
    r.meta_id = by_etag ? r.body_id : r.meta_id;
    return r;
}

static void fill(struct t_make *m, unsigned what)
{
    int64_t at = 1;
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
    for (uint32_t n = 1; n <= WRITES; n++) {
        t_add(m, n % 3 == 2 ? t_cas(n, n - 1, HOT, at, at + 1) : t_put(n, HOT, at, at + 1));
        if (n < OTHERS) {
            t_add(m, t_put(1000 + n, 100 + n, at, at + 1));
            t_add(m, t_get(1000 + n, 100 + n, at + 2, at + 3));
        }
        for (int i = 0; i < READS / WRITES; i++, at += 2)
            t_add(m, t_get(n, HOT, at + 2, at + 3));
        at += 3;
    }
    if (what & REFUSED)
        t_add(m, t_refused(t_cas(900, 1, HOT, at, at + 1)));
    t_add(m, t_lost(t_put(LOST, HOT, at, at + 1)));
    t_add(m, t_get(LOST, HOT, at + 2, at + 3)); /* the first to show its ETag */
    for (int i = 0; i < 50; i++)
        t_add(m, head(LOST, at + 4 + i, i % 2 != 0));
    t_add(m, t_cas(LAST, LOST, HOT, at + 60, at + 61));
    t_add(m, head(what & BY_ETAG_ALONE ? 950 : LAST, at + 62, true));
    if (what & STALE)
        t_add(m, head(LOST, at + 64, true));
    if (what & TWO_ETAGS) {
        struct s3p_attempt r = head(LAST, at + 66, false);
        r.etag = t_etag(960);
        t_add(m, r);
        t_add(m, head(960, at + 68, true));
    }
    if (what & (LISTED | RULED)) {
        struct s3p_attempt r = t_attempt(what & LISTED ? S3P_OP_LIST : S3P_OP_PUT_LIFECYCLE, 5,
                                         S3P_NO_INDEX, 1, 2);
        r.outcome = S3P_OK_OUTCOME;
        s3p_append_begin(m->a, 64, 0);
        r.list_args = what & LISTED ? s3p_append_text(m->a, "prefix=none", 11)
                                    : s3p_append_text(m->a, "rules=[{\"days\":1}]", 18);
        s3p_append(m->a, &r);
    }
    if (what & BY_VERSION) {
        struct s3p_attempt r = t_attempt(S3P_OP_DELETE, 5, HOT, at + 70, at + 71);
        r.outcome = S3P_OK_OUTCOME;
        r.status = 204;
        s3p_append_begin(m->a, 64, 0);
        r.version_asked = s3p_append_text(m->a, "v1", 2);
        s3p_append(m->a, &r);
        t_add(m, t_get(LAST, HOT, at + 72, at + 73));
    }
    t_make_close(m);
}

static char *verdict(const struct t_make *m, uint64_t memory)
{
    json_t *v = t_judge(m->path, &(struct s3p_check_opts){.memory_bytes = memory});
    json_object_del(v, "checker");
    char *text = t_dump(v);
    json_decref(v);
    return text;
}

static void compare(unsigned what, uint64_t memory, const char *expected)
{
    struct t_make m;
    fill(&m, what);
    char *all = verdict(&m, 0), *few = verdict(&m, memory);
    unlink(m.path);
    if (strstr(all, expected) == NULL)
        t_fail(__FILE__, __LINE__, "no %s in %.400s", expected, all);
    T_STR(few, all);
    s3p_free(all);
    s3p_free(few);
}

T_TEST_LIMIT(stream_same_verdict, 60)
{
    compare(0, SETTLED_BYTES, "\"not_checked\": [], \"violations\": 0");
    compare(BY_ETAG_ALONE, SETTLED_BYTES, "\"unwritten-value\": 1");
    compare(BY_VERSION, SETTLED_BYTES, "\"versions\"");
    compare(STALE, KEPT_BYTES, "\"stale-read\": 1");
    compare(REFUSED, KEPT_BYTES, "\"violations\": 0");
    compare(STALE | TWO_ETAGS, KEPT_BYTES, "\"etag-mismatch\": 1");
}

/* What needs its operations is refused when they do not fit, and so is what does not fit at all. */
T_TEST(stream_bound)
{
    struct t_make m;
    struct s3p_err err;
    fill(&m, STALE);
    T_EQ(t_make_fail(&m, &(struct s3p_check_opts){.memory_bytes = SETTLED_BYTES}, &err),
         S3P_ELIMIT);
    T_TRUE(strstr(err.msg, "one key needs") != NULL);
    static const unsigned needs_all[] = {LISTED, RULED};
    for (int k = 0; k < 2; k++) { /* pages and rules of buckets look at all rows */
        fill(&m, needs_all[k]);
        T_EQ(t_make_fail(&m, &(struct s3p_check_opts){.memory_bytes = SETTLED_BYTES}, &err),
             S3P_ELIMIT);
        T_TRUE(strstr(err.msg, "one partition of keys needs") != NULL);
    }
    fill(&m, 0);
    T_EQ(t_make_fail(&m, &(struct s3p_check_opts){.memory_bytes = 8 << 10}, &err), S3P_ELIMIT);
    T_TRUE(strstr(err.msg, "memory bound") != NULL);
}

T_TEST_LIMIT(stream_memory_fails, 60)
{
    struct t_make m;
    struct s3p_err err;
    int rc = S3P_ENOMEM;
    fill(&m, 0);
    for (int64_t n = 1; rc == S3P_ENOMEM && n < 1000; n++) {
        struct s3p_verdict *v = NULL;
        s3p_alloc_fail_at(n);
        rc = s3p_check_file(&v, m.path, &(struct s3p_check_opts){.memory_bytes = SETTLED_BYTES},
                            &err);
        s3p_alloc_fail_at(0);
        T_TRUE((v != NULL) == (rc == 0));
        s3p_verdict_free(v);
    }
    unlink(m.path);
    T_EQ(rc, 0);
}
