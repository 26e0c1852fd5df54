#include "tests/check/of_versions.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"
#include "tests/t.h"

void t_add_version(struct t_make *m, struct s3p_attempt r, const char *version)
{
    t_add_texts(m, r, (struct t_texts){.version = version});
}

void t_add_asked(struct t_make *m, struct s3p_attempt r, const char *asked)
{
    t_add_texts(m, r,
                (struct t_texts){.asked = asked, .code = r.status == 404 ? "NoSuchVersion" : NULL});
}

struct s3p_attempt t_deleted(int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_DELETE, 40, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 204;
    return r;
}

void t_add_versioning(struct t_make *m, const char *args, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r =
        t_attempt(S3P_OP_PUT_VERSIONING, 1, S3P_NO_INDEX, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    t_add_texts(m, r, (struct t_texts){.args = args});
}

struct s3p_attempt t_denied(struct s3p_attempt r)
{
    r.status = 403;
    r.outcome = S3P_FAILED;
    r.evidence = S3P_EV_NONE;
    return r;
}

void t_add_versions(struct t_make *m, int64_t call_ms, int64_t return_ms,
                    const struct t_listed *e, int n)
{
    struct s3p_attempt r =
        t_attempt(S3P_OP_LIST_VERSIONS, 50, S3P_NO_INDEX, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    t_add_listed(m, r, e, n);
}

void t_add_listed(struct t_make *m, struct s3p_attempt r, const struct t_listed *e, int n)
{
    s3p_append_begin(m->a, (size_t)n * 32 + 512, (size_t)n);
    for (int k = 0; k < n; k++) {
        struct s3p_entry entry = {.key_index = e[k].key,
                                  .flags = e[k].flags,
                                  .size = e[k].size,
                                  .last_modified_ns = e[k].last_modified_s * 1000000000};
        s3p_etag_bytes etag = t_etag(e[k].value);
        entry.etag_form = e[k].value != 0 ? S3P_ETAG_DIGEST : S3P_ETAG_NONE;
        memcpy(entry.etag, etag.b, sizeof entry.etag);
        entry.version_id = s3p_append_text(m->a, e[k].version, strlen(e[k].version));
        uint32_t at = s3p_append_entry(m->a, &entry);
        r.entries_first = k == 0 ? at : r.entries_first;
    }
    r.entries_count = (uint32_t)n;
    s3p_append(m->a, &r);
}

static json_t *judge(struct t_make *m, const char *rule)
{
    json_t *v = t_make_judge(m, NULL);
    char *text = t_dump(v);
    if (json_integer_value(json_object_get(v, "violations")) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1))
        t_fail(__FILE__, __LINE__, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    s3p_free(text);
    return v;
}

void t_expect_rule(struct t_make *m, const char *rule)
{
    json_decref(judge(m, rule));
}

void t_expect_versions(struct t_make *m, const char *rule)
{
    json_t *v = judge(m, rule);
    if (rule != NULL) {
        T_STR(t_text(t_witness(v, 0), "aspect"), "versions");
        fprintf(stderr, "  %s: %s\n", rule, t_text(t_witness(v, 0), "sentence"));
    }
    json_decref(v);
}

struct s3p_attempt t_gone(int64_t call_ms, int64_t return_ms)
{
    return t_get(0, 3, call_ms, return_ms);
}
