#include "tests/check/make.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/random.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/t.h"

void t_make_header(struct t_make *m, const char *header)
{
    memset(m, 0, sizeof *m);
    snprintf(m->path, sizeof m->path, "/tmp/s3p-check-XXXXXX");
    int fd = mkstemp(m->path);
    T_TRUE(fd >= 0);
    close(fd);
    unlink(m->path);
    T_OK(s3p_history_create(&m->h, m->path, header, strlen(header), 1, err));
    m->a = s3p_history_appender(m->h, 0);
}

void t_make_spaces(struct t_make *m, const char *plan, const char *profile, const char *spaces)
{
    char header[2048];
    int len = snprintf(
        header, sizeof header,
        "{\"format\":1,\"run\":\"0102030405ff\",\"seed\":1,\"plan\":%s,\"profile\":%s,"
        "\"endpoints\":[\"a\",\"b\"],"
        "\"buckets\":[{\"role\":\"main\",\"name\":\"m\"},{\"role\":\"side\",\"name\":\"s\"}],"
        "\"spaces\":[%s],\"groups\":[\"g\"],\"clock\":{\"mono_ns\":5000000000,\"wall_ns\":1}}",
        plan, profile, spaces);
    T_TRUE(len > 0 && (size_t)len < sizeof header);
    t_make_header(m, header);
}

void t_make_begin(struct t_make *m, const char *plan, const char *profile)
{
    t_make_spaces(m, plan, profile,
                  "{\"name\":\"keys\",\"bucket\":0,\"kind\":\"uniform\",\"prefix\":\"keys/"
                  "\",\"count\":1000000},"
                  "{\"name\":\"\",\"bucket\":0,\"kind\":\"fixed\",\"keys\":[\"hot\","
                  "\"keys/00000007\",\"per%63ent\"]},"
                  "{\"name\":\"hot\",\"bucket\":0,\"kind\":\"fixed\",\"keys\":[\"hot\"]}");
}

struct s3p_id t_value(uint32_t n)
{
    return s3p_id_make(T_RUN, n, 1);
}

s3p_etag_bytes t_etag(uint32_t n)
{
    s3p_etag_bytes e;
    uint64_t a = s3p_mix64(n + 1), b = s3p_mix64(a);
    memcpy(e.b, &a, 8);
    memcpy(e.b + 8, &b, 8);
    return e;
}

static int64_t time_of(int64_t ms)
{
    return ms == T_NEVER ? INT64_MAX : T_START_NS + ms * 1000000;
}

struct s3p_attempt t_attempt(int op, uint32_t client, uint64_t key, int64_t call_ms,
                             int64_t return_ms)
{
    struct s3p_attempt r;
    s3p_attempt_clear(&r);
    r.op = (uint8_t)op;
    r.client = client;
    r.key_index = key;
    r.t_call = time_of(call_ms);
    r.t_return = time_of(return_ms);
    r.run_phase = 1;
    r.phase = 3;
    return r;
}

struct s3p_attempt t_put(uint32_t n, uint64_t key, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_PUT, n, key, call_ms, return_ms);
    r.body_id = r.meta_id = t_value(n);
    r.body_kind = S3P_KIND_CELLS;
    r.size = 1000 + n;
    r.status = 200;
    r.outcome = S3P_OK_OUTCOME;
    r.evidence = S3P_EV_VALUE;
    r.etag = t_etag(n);
    r.etag_form = S3P_ETAG_DIGEST;
    return r;
}

struct s3p_attempt t_cas(uint32_t n, uint32_t expect, uint64_t key, int64_t call_ms,
                         int64_t return_ms)
{
    struct s3p_attempt r = t_put(n, key, call_ms, return_ms);
    r.cond = expect == 0 ? S3P_COND_IF_NONE_MATCH_ANY : S3P_COND_IF_MATCH;
    r.expect_form = expect == 0 ? S3P_ETAG_NONE : S3P_ETAG_DIGEST;
    if (expect != 0)
        r.expect_etag = t_etag(expect);
    return r;
}

struct s3p_attempt t_refused(struct s3p_attempt r)
{
    r.status = 412;
    r.outcome = S3P_FAILED;
    r.evidence = r.cond == S3P_COND_IF_MATCH ? S3P_EV_NOT_MATCH : S3P_EV_PRESENT;
    r.etag_form = S3P_ETAG_NONE;
    return r;
}

struct s3p_attempt t_lost(struct s3p_attempt r)
{
    r.status = 0;
    r.outcome = S3P_UNKNOWN;
    r.evidence = S3P_EV_NONE;
    r.etag_form = S3P_ETAG_NONE;
    r.t_return = INT64_MAX;
    r.phase = 2;
    return r;
}

struct s3p_attempt t_get(uint32_t n, uint64_t key, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_GET, 70 + n, key, call_ms, return_ms);
    r.status = n == 0 ? 404 : 200;
    r.outcome = n == 0 ? S3P_FAILED : S3P_OK_OUTCOME;
    r.evidence = n == 0 ? S3P_EV_ABSENT : S3P_EV_VALUE;
    if (n == 0)
        return r;
    r.body_id = r.meta_id = t_value(n);
    r.body_verdict = S3P_BODY_CLEAN;
    r.size = 1000 + n;
    r.etag = t_etag(n);
    r.etag_form = S3P_ETAG_DIGEST;
    return r;
}

void t_add(struct t_make *m, struct s3p_attempt r)
{
    char request[24];
    int len = snprintf(request, sizeof request, "REQ%llu", (unsigned long long)++m->seq);
    r.op_seq = m->seq;
    if (r.entries_count == 0)
        s3p_append_begin(m->a, 64, 0);
    r.request_id = s3p_append_text(m->a, request, (size_t)len);
    s3p_append(m->a, &r);
}

void t_make_close(struct t_make *m)
{
    T_OK(s3p_history_close(m->h, true, err));
    m->h = NULL;
}

json_t *t_judge(const char *path, const struct s3p_check_opts *o)
{
    struct s3p_verdict *v = NULL;
    struct s3p_buf out;
    T_OK(s3p_check_file(&v, path, o, err));
    s3p_buf_init(&out, SIZE_MAX);
    s3p_verdict_json(v, &out);
    json_error_t e;
    json_t *doc = json_loadb(out.data, out.len, 0, &e);
    if (doc == NULL)
        t_fail(__FILE__, __LINE__, "%s at %d: %.*s", e.text, e.position, (int)out.len, out.data);
    static const char *const word[] = {"held", "violated", "", "inconclusive"};
    T_STR(t_text(doc, "consistency"), word[s3p_verdict_consistency(v)]);
    s3p_buf_free(&out);
    s3p_verdict_free(v);
    return doc;
}

json_t *t_make_judge(struct t_make *m, const struct s3p_check_opts *o)
{
    t_make_close(m);
    json_t *doc = t_judge(m->path, o);
    unlink(m->path);
    return doc;
}

int t_make_fail(struct t_make *m, const struct s3p_check_opts *o, struct s3p_err *err)
{
    struct s3p_verdict *v = NULL;
    if (m->h != NULL)
        t_make_close(m);
    int rc = s3p_check_file(&v, m->path, o, err);
    unlink(m->path);
    s3p_verdict_free(v);
    return rc;
}

int64_t t_rule(const json_t *verdict, const char *rule)
{
    return json_integer_value(json_object_get(json_object_get(verdict, "by_rule"), rule));
}

int64_t t_skipped(const json_t *verdict, const char *reason, const char *what)
{
    size_t i;
    json_t *row;
    json_array_foreach (json_object_get(verdict, "not_checked"), i, row) {
        if (strcmp(t_text(row, "reason"), reason) == 0)
            return json_integer_value(json_object_get(row, what));
    }
    return 0;
}

const char *t_text(const json_t *verdict, const char *name)
{
    const char *s = json_string_value(json_object_get(verdict, name));
    return s != NULL ? s : "";
}

const json_t *t_witness(const json_t *verdict, size_t i)
{
    return json_array_get(json_object_get(verdict, "witnesses"), i);
}

char *t_dump(const json_t *v)
{
    size_t len = json_dumpb(v, NULL, 0, 0);
    char *text = s3p_alloc(len + 1);
    T_TRUE(text != NULL && json_dumpb(v, text, len, 0) == len);
    text[len] = 0;
    return text;
}

void t_expect_one(const char *file, int line, struct t_make *m, const char *rule)
{
    json_t *v = t_make_judge(m, NULL);
    char *text = t_dump(v);
    if (json_integer_value(json_object_get(v, "violations")) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1))
        t_fail(file, line, "expected %s: %.3000s", rule != NULL ? rule : "nothing", text);
    s3p_free(text);
    json_decref(v);
}
