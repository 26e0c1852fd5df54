#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "s3/op.h"
#include "tests/engine/fake.h"
#include "tests/t.h"

#define TRIAL_WAIT_NS (50 * S3P_S)

char *trial_json(const char *text)
{
    char *json = s3p_strndup(text, strlen(text));
    for (char *p = json; *p != 0; p++)
        *p = *p == '\'' ? '"' : *p;
    return json;
}

void trial_create(struct trial *t, const struct fake *f, const char *plan, bool history)
{
    char target[400], *json = trial_json(plan);
    memset(t, 0, sizeof *t);
    if (history) {
        snprintf(t->history, sizeof t->history, "/tmp/s3p-trial-%d-%d.s3ph", (int)getpid(),
                 f->port);
        unlink(t->history);
    }
    snprintf(
        target, sizeof target,
        "{\"endpoints\":[\"http://127.0.0.1:%d\"],\"access_key\":\"AKTEST\","
        "\"secret_key\":\"TOPSECRET\",\"session_token\":\"TOKENSECRET\",\"region\":\"us-east-1\","
        "\"addressing\":\"path\",\"verify_tls\":false,\"bucket_prefix\":\"t\",\"profile\":{\"b\":1,"
        "\"a\":2}}",
        f->port);
    struct s3p_engine_opts o = {.plan_json = json,
                                .plan_len = strlen(plan),
                                .target_json = target,
                                .target_len = strlen(target),
                                .history_path = history ? t->history : NULL,
                                .histograms = true};
    T_OK(s3p_engine_create(&t->engine, &o, err));
    s3p_free(json);
}

void trial_start(struct trial *t)
{
    T_OK(s3p_engine_start(t->engine, err));
}

void trial_finish(struct trial *t, int64_t wait_ns)
{
    struct s3p_buf metrics;
    if (s3p_engine_wait(t->engine, wait_ns) != 1)
        t_fail(__FILE__, __LINE__, "the run has not ended after %.1f s", (double)wait_ns / 1e9);
    s3p_buf_init(&metrics, 64u << 20);
    T_OK(s3p_engine_finish(t->engine, &metrics, err));
    t->metrics = json_loadb(metrics.data, metrics.len, 0, NULL);
    T_TRUE(t->metrics != NULL);
    T_TRUE(memmem(metrics.data, metrics.len, "SECRET", 6) == NULL);
    s3p_buf_free(&metrics);
    if (t->history[0] != 0)
        T_OK(s3p_histfile_open(&t->file, t->history, false, err));
}

void trial_free(struct trial *t)
{
    s3p_engine_free(t->engine);
    json_decref(t->metrics);
    if (t->file != NULL)
        s3p_histfile_close(t->file);
    if (t->history[0] != 0)
        unlink(t->history);
}

void trial_run(struct trial *t, const struct fake *f, const char *plan, bool history)
{
    trial_create(t, f, plan, history);
    trial_start(t);
    trial_finish(t, TRIAL_WAIT_NS);
}

static const json_t *look_up(const struct trial *t, const char *path)
{
    const json_t *at = t->metrics;
    char copy[128], *save;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *name = strtok_r(copy, "/", &save); name != NULL; name = strtok_r(NULL, "/", &save))
        at = json_object_get(at, name);
    if (at == NULL)
        t_fail(__FILE__, __LINE__, "metrics have no %s", path);
    return at;
}

double trial_number(const struct trial *t, const char *path)
{
    return json_number_value(look_up(t, path));
}

const char *trial_text(const struct trial *t, const char *path)
{
    return json_string_value(look_up(t, path));
}

uint64_t trial_records(const struct trial *t)
{
    return s3p_histfile_records(t->file);
}

struct s3p_attempt trial_record(const struct trial *t, uint64_t i)
{
    struct s3p_attempt r;
    for (uint32_t s = 0; s < s3p_histfile_segments(t->file); s++) {
        const struct s3p_segment_view *v = s3p_histfile_segment(t->file, s);
        if (i >= v->first_record + v->records)
            continue;
        s3p_segment_get(v, (uint32_t)(i - v->first_record), &r);
        return r;
    }
    t_fail(__FILE__, __LINE__, "no record %llu", (unsigned long long)i);
}

int trial_count(const struct trial *t, const char *op, int outcome)
{
    int n = 0;
    for (uint64_t i = 0; i < trial_records(t); i++) {
        struct s3p_attempt r = trial_record(t, i);
        n += r.op == s3p_op_find(op, strlen(op)) && (outcome < 0 || r.outcome == outcome);
    }
    return n;
}
