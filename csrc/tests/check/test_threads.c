/* One history with all that is judged in parallel, right and wrong: the verdict is the same at any
 * number of threads and in any memory, to the letter. */
#include "tests/t.h"

#include <stdio.h>
#include <unistd.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { GROUPS = 100, WRONG = 40 };
#else
enum { GROUPS = 1000, WRONG = 400 };
#endif
enum { FIRST = 100000, PAGES = 50 }; /* keys that are wrong, behind those of the groups */

static struct s3p_attempt tags(int op, uint64_t key, uint32_t n, int64_t call_ms)
{
    struct s3p_attempt r = t_attempt(op, n, key, call_ms, call_ms + 1);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    r.body_kind = S3P_KIND_TAGS;
    r.body_verdict = op == S3P_OP_GET_TAGS ? S3P_BODY_CLEAN : S3P_BODY_NONE;
    r.size = 3;
    r.body_id = t_value(n);
    return r;
}

/* A stale read, a version with another's body, a stale tag set. */
static void add_wrong(struct t_make *m, uint64_t key, uint32_t n)
{
    char id[2][24];
    snprintf(id[0], sizeof id[0], "v%u", n);
    snprintf(id[1], sizeof id[1], "v%u", n + 1);
    t_add_version(m, t_put(n, key, 1, 2), id[0]);
    t_add_version(m, t_put(n + 1, key, 3, 4), id[1]);
    t_add(m, t_get(n, key, 5 + n % 7, 20));
    t_add_asked(m, t_get(n, key, 5, 6), id[1]);
    t_add(m, tags(S3P_OP_PUT_TAGS, key, n + 2, 7));
    t_add(m, tags(S3P_OP_PUT_TAGS, key, n + 3, 9));
    t_add(m, tags(S3P_OP_GET_TAGS, key, n + 2, 11));
}

/* Without any of the keys that are there. */
static void add_empty_page(struct t_make *m, int64_t call_ms)
{
    static const char args[] = "start-after=keys%2F00100000";
    struct s3p_attempt r =
        t_attempt(S3P_OP_LIST, 99, S3P_NO_INDEX, call_ms, call_ms + 1);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    t_add_texts(m, r, (struct t_texts){.args = args});
}

T_TEST_LIMIT(threads_same_verdict, 120)
{
    static const struct s3p_check_opts opts[] = {
        {.threads = 1}, {.threads = 2}, {.threads = 3}, {.threads = 8},
        {.threads = 5, .memory_bytes = 4 << 20},
    };
    enum { RUNS = sizeof opts / sizeof *opts };
    struct t_make m;
    char *text[RUNS];
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    for (uint64_t g = 0; g < GROUPS; g++)
        t_store_run(&m, 3, g, T_UPLOADS | T_COPIES | T_TAGS | T_UNKNOWN);
    for (uint32_t k = 0; k < WRONG; k++)
        add_wrong(&m, FIRST + k, 200000 + 10 * k);
    for (int64_t p = 0; p < PAGES; p++)
        add_empty_page(&m, 2000 + 2 * p);
    t_make_close(&m);
    for (int i = 0; i < RUNS; i++) {
        json_t *v = t_judge(m.path, &opts[i]);
        T_TRUE(t_rule(v, "stale-read") >= 2 * WRONG && t_rule(v, "version-wrong-body") == WRONG);
        T_TRUE(t_rule(v, "list-truncated-end") + t_rule(v, "list-missing") >= PAGES);
        T_STR(t_text(json_object_get(v, "grade"), "level"), "session");
        json_object_del(v, "checker");
        text[i] = t_dump(v);
        json_decref(v);
        T_STR(text[i], text[0]);
    }
    for (int i = 0; i < RUNS; i++)
        s3p_free(text[i]);
    unlink(m.path);
}
