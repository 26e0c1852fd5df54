#include <jansson.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/text.h"
#include "engine/run.h"

static json_t *text(struct s3p_str s)
{
    return json_stringn(s.p, s.len);
}

static json_t *run_text(uint64_t run)
{
    uint8_t bytes[6];
    char hex[S3P_RUN_DIGITS];
    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(run >> (40 - 8 * i));
    s3p_hex(hex, bytes, sizeof bytes);
    return json_stringn(hex, sizeof hex);
}

static json_t *space_json(const struct s3p_space *s)
{
    json_t *keys = NULL, *out;
    out = json_pack("{s:o, s:i, s:s, s:I}", "name", text(s->name), "bucket", (int)s->bucket, "kind",
                    s3p_space_kind_name[s->kind], "count", (json_int_t)s->count);
    if (s->kind != S3P_SPACE_FIXED) {
        json_object_set_new(out, "prefix", text(s->prefix));
        return out;
    }
    keys = json_array();
    for (uint64_t i = 0; i < s->count; i++)
        json_array_append_new(keys, text(s->keys[i]));
    json_object_set_new(out, "keys", keys);
    return out;
}

static json_t *buckets_json(const struct s3p_engine *e)
{
    json_t *out = json_array();
    for (int i = 0; i < e->plan->nbuckets; i++)
        json_array_append_new(out, json_pack("{s:o, s:s}", "role", text(e->plan->bucket[i]), "name",
                                             e->bucket_name[i]));
    return out;
}

static json_t *groups_json(const struct s3p_plan *plan)
{
    json_t *out = json_array();
    for (int i = 0; i < plan->ngroups; i++) {
        const struct s3p_group *g = &plan->group[i];
        json_array_append_new(out, json_pack("{s:o, s:s, s:i, s:i}", "name", text(g->name), "phase",
                                             s3p_run_phase_name[g->phase], "clients", g->clients,
                                             "first_client", g->first_client));
    }
    return out;
}

static json_t *profile_hash(const struct s3p_target *t)
{
    uint8_t sha[S3P_SHA256_BYTES];
    char hex[2 * S3P_SHA256_BYTES];
    s3p_sha256(t->profile.p, t->profile.len, sha);
    s3p_hex(hex, sha, sizeof sha);
    return json_stringn(hex, sizeof hex);
}

static int add(const char *p, size_t len, void *arg)
{
    s3p_buf_add(arg, p, len);
    return 0;
}

int s3p_header_json(const struct s3p_engine *e, const struct s3p_engine_opts *o,
                    struct s3p_buf *out, struct s3p_err *err)
{
    const struct s3p_target *t = &e->target;
    json_t *endpoints = json_array(), *spaces = json_array();
    for (int i = 0; i < t->nendpoints; i++)
        json_array_append_new(endpoints, text(t->endpoint[i]));
    for (int i = 0; i < e->plan->spaces.n; i++)
        json_array_append_new(spaces, space_json(&e->plan->spaces.space[i]));
    json_t *clock = json_pack("{s:I, s:I}", "mono_ns", (json_int_t)s3p_now_ns(), "wall_ns",
                              (json_int_t)s3p_wall_ns());
    json_t *header =
        json_pack("{s:i, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:{s:s}}", "format",
                  (int)S3P_HISTORY_VERSION, "run", run_text(e->run), "seed",
                  (json_int_t)e->plan->seed, "plan", json_loadb(o->plan_json, o->plan_len, 0, NULL),
                  "profile", json_loadb(t->profile.p, t->profile.len, 0, NULL), "profile_hash",
                  profile_hash(t), "endpoints", endpoints, "buckets", buckets_json(e), "spaces",
                  spaces, "groups", groups_json(e->plan), "clock", clock, "runner", "native",
                  "versions", "transport", s3p_net_version());
    bool ok = header != NULL && json_dump_callback(header, add, out, JSON_COMPACT) == 0;
    json_decref(header);
    return ok && s3p_buf_ok(out)
               ? 0
               : s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the history's header");
}
