#include "tests/check/of_pages.h"

#include <stdlib.h>

#include "s3/outcome.h"
#include "tests/t.h"

struct t_page_says t_says;

static struct s3p_entry entry_of(struct t_make *m, const char *p, size_t len, bool part)
{
    struct s3p_entry e = {.key_index = S3P_NO_INDEX};
    const char *at = memchr(p, '@', len);
    size_t name = at != NULL ? (size_t)(at - p) : len, id = len - name;
    if (p[0] == '#' || part)
        e.key_index = strtoull(p + !part, NULL, 10);
    else if (p[0] == '-')
        e.flags = S3P_ENTRY_PREFIX;
    if (e.key_index == S3P_NO_INDEX)
        e.key_text = s3p_append_text(m->a, p + (p[0] == '-'), name - (p[0] == '-'));
    if (id > 0 && p[len - 1] == '*') {
        e.flags |= S3P_ENTRY_LATEST;
        id--;
    }
    if (id > 1)
        e.version_id = s3p_append_text(m->a, at + 1, id - 1);
    return e;
}

void t_add_page(struct t_make *m, const struct t_page *g)
{
    struct s3p_attempt r = t_attempt(g->op, 90, S3P_NO_INDEX, g->call, g->ret);
    uint32_t n = 0;
    r.status = 200;
    r.outcome = S3P_OK_OUTCOME;
    r.evidence = S3P_EV_VALUE;
    s3p_append_begin(m->a, 4096, 64);
    r.list_args = s3p_append_text(m->a, g->args, strlen(g->args));
    if (g->next != NULL) {
        r.flags = S3P_FLAG_TRUNCATED;
        r.list_next = s3p_append_text(m->a, g->next, strlen(g->next));
    }
    if (t_says.last != NULL)
        r.list_next = s3p_append_text(m->a, t_says.last, strlen(t_says.last));
    if (t_says.count != 0)
        r.counter = t_says.count;
    if (g->upload != NULL) {
        r.upload_id = s3p_append_text(m->a, g->upload, strlen(g->upload));
        r.key_index = 1;
    }
    for (const char *p = g->entries; *p != 0; n++) {
        size_t len = strcspn(p, " ");
        struct s3p_entry e = entry_of(m, p, len, g->op == S3P_OP_LIST_PARTS);
        uint32_t at = s3p_append_entry(m->a, &e);
        r.entries_first = n == 0 ? at : r.entries_first;
        p += len + (p[len] == ' ');
    }
    r.entries_count = n;
    s3p_append(m->a, &r);
}

struct s3p_attempt t_removed(uint64_t key, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_DELETE, 80, key, call_ms, return_ms);
    r.status = 204;
    r.outcome = S3P_OK_OUTCOME;
    return r;
}

void t_add_keys(struct t_make *m)
{
    t_add(m, t_put(1, 1, 1, 2));
    t_add(m, t_put(2, 2, 1, 2));
    t_add(m, t_put(3, 3, 1, 2));
    t_add(m, t_put(5, 5, 1, 2));
    t_add(m, t_lost(t_put(6, 6, 1, 2)));
    t_add(m, t_removed(2, 10, 12));
    t_add(m, t_put(4, 4, 10, 12));
}

int64_t t_violations(const json_t *v)
{
    return json_integer_value(json_object_get(v, "violations"));
}

void t_expect_pages(int line, const char *rule, const struct t_page *g, size_t n)
{
    struct t_make m;
    t_make_begin(&m, "{}", g->profile != NULL ? g->profile : NO_MD5);
    t_add_keys(&m);
    for (size_t i = 0; i < n; i++)
        t_add_page(&m, &g[i]);
    t_expect_one(__FILE__, line, &m, rule);
}
