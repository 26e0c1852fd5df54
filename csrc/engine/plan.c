#include "engine/plan.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "engine/engine.h"
#include "engine/plan_parse.h"
#include "history/writer.h"

#define PLAN_BYTES_MAX (64u << 20)
#define ARENA_BYTES_MAX (512u << 20)
#define HIST_BYTES (256u << 10)
#define ENTRY_XML_BYTES 4096u /* a key of 1,024 bytes, escaped, with its fields */

static int parse_buckets(struct s3p_parse *p, const struct s3p_node *root)
{
    struct s3p_plan *plan = p->plan;
    struct s3p_node list, n;
    if (!s3p_node_get(root, "buckets", &list)) {
        plan->bucket[plan->nbuckets++] = S3P_STR("main");
        p->implicit[0] = -1;
        return 0;
    }
    S3P_TRY(s3p_node_list(&p->r, &list, 1, S3P_BUCKETS_MAX, "bucket roles"));
    for (size_t i = 0; i < s3p_node_count(&list); i++) {
        s3p_node_item(&list, i, &n);
        S3P_TRY(s3p_node_name(&p->r, &n, &plan->bucket[i]));
        if (plan->bucket[i].len > 24)
            return s3p_node_bad(&p->r, &n, "a role of at most 24 characters");
        for (int k = 0; k < plan->nbuckets; k++)
            if (s3p_str_same(plan->bucket[k], plan->bucket[i]))
                return s3p_node_bad(&p->r, &n, "each role once");
        p->implicit[i] = -1;
        plan->nbuckets++;
    }
    return 0;
}

static int parse_stop(struct s3p_parse *p, const struct s3p_node *root)
{
    struct s3p_node stop;
    double seconds = 0;
    int64_t attempts = 0;
    if (!s3p_node_get(root, "stop", &stop))
        return 0;
    S3P_TRY(s3p_node_keys(&p->r, &stop, "seconds, attempts"));
    if (json_object_size(stop.value) == 0)
        return s3p_node_bad(&p->r, &stop, "seconds, attempts, or both");
    S3P_TRY(s3p_opt_real(&p->r, &stop, "seconds", 0, 1e7, &seconds));
    S3P_TRY(s3p_opt_int(&p->r, &stop, "attempts", 1, INT64_MAX, &attempts));
    p->plan->stop_ns = (int64_t)(seconds * (double)S3P_S);
    if (seconds > 0 && p->plan->stop_ns == 0)
        p->plan->stop_ns = 1;
    p->plan->stop_attempts = (uint64_t)attempts;
    return 0;
}

static int parse_scalars(struct s3p_parse *p, const struct s3p_node *root)
{
    static const char *const payloads[] = {"unsigned", "signed"};
    struct s3p_plan *plan = p->plan;
    struct s3p_node n;
    struct s3p_str scale;
    int64_t seed = 1, workers = 1, deadline_ms = 30000, memory_mb = 1024;
    int payload = 0;
    S3P_TRY(s3p_need(&p->r, root, "name", "a text of a-z, 0-9 and -", &n));
    S3P_TRY(s3p_node_name(&p->r, &n, &plan->name));
    S3P_TRY(s3p_opt_int(&p->r, root, "seed", 0, INT64_MAX, &seed));
    S3P_TRY(s3p_opt_text(&p->r, root, "scale", 0, 256, &scale));
    S3P_TRY(s3p_opt_int(&p->r, root, "workers", 1, S3P_WORKERS_MAX, &workers));
    S3P_TRY(s3p_opt_int(&p->r, root, "deadline_ms", 1, 3600000, &deadline_ms));
    S3P_TRY(s3p_opt_word(&p->r, root, "payload", payloads, 2, &payload));
    S3P_TRY(s3p_opt_int(&p->r, root, "memory_mb", 1, 1 << 20, &memory_mb));
    plan->seed = (uint64_t)seed;
    plan->workers = (int)workers;
    plan->deadline_ns = deadline_ms * S3P_MS;
    plan->payload_signed = payload == 1;
    plan->memory_mb = (uint64_t)memory_mb;
    return 0;
}

static int check_memory(const struct s3p_parse *p, const struct s3p_node *root)
{
    uint64_t mb = (s3p_plan_memory(p->plan) >> 20) + 1;
    struct s3p_node n;
    if (mb <= p->plan->memory_mb)
        return 0;
    if (s3p_node_get(root, "memory_mb", &n))
        return s3p_node_bad(&p->r, &n, "at least %llu, which the plan's clients and buffers need",
                            (unsigned long long)mb);
    return s3p_node_missing(&p->r, root, "memory_mb",
                            "more than its default of 1024 for this plan");
}

static int parse_document(struct s3p_parse *p, const struct s3p_node *root)
{
    S3P_TRY(s3p_node_keys(&p->r, root,
                          "name, seed, scale, buckets, spaces, workers, deadline_ms, payload, "
                          "memory_mb, stop, groups, require, load"));
    S3P_TRY(parse_scalars(p, root));
    S3P_TRY(parse_buckets(p, root));
    S3P_TRY(parse_stop(p, root));
    S3P_TRY(s3p_parse_spaces(p, root));
    S3P_TRY(s3p_parse_groups(p, root));
    S3P_TRY(s3p_parse_require(p, root));
    S3P_TRY(s3p_parse_load(p, root));
    return check_memory(p, root);
}

int s3p_plan_parse(struct s3p_plan **out, const char *json, size_t len, struct s3p_err *err)
{
    json_error_t why;
    *out = NULL;
    if (len > PLAN_BYTES_MAX)
        return s3p_fail(err, S3P_EINVAL, 0, "plan: %zu bytes, expected at most %u", len,
                        PLAN_BYTES_MAX);
    json_t *document = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    s3p_one_line(why.text);
    if (document == NULL)
        return s3p_fail(err, S3P_EINVAL, 0, "plan: line %d, column %d, expected JSON: %s", why.line,
                        why.column, why.text);
    struct s3p_plan *plan = s3p_calloc(1, sizeof *plan);
    if (plan == NULL) {
        json_decref(document);
        return s3p_fail(err, S3P_ENOMEM, 0, "plan: out of memory");
    }
    s3p_arena_init(&plan->arena, ARENA_BYTES_MAX);
    struct s3p_parse p = {.r = {.arena = &plan->arena, .err = err}, .plan = plan};
    struct s3p_node root = {.value = document};
    int rc = parse_document(&p, &root);
    json_decref(document);
    if (rc != 0) {
        s3p_plan_free(plan);
        return rc;
    }
    *out = plan;
    return 0;
}

void s3p_plan_free(struct s3p_plan *p)
{
    if (p == NULL)
        return;
    s3p_arena_free(&p->arena);
    s3p_free(p);
}

int s3p_plan_check(const char *plan_json, size_t len, struct s3p_err *err)
{
    struct s3p_plan *plan;
    S3P_TRY(s3p_plan_parse(&plan, plan_json, len, err));
    s3p_plan_free(plan);
    return 0;
}

int s3p_plan_worker(const struct s3p_plan *p, const struct s3p_group *g, int client)
{
    return g->program.lifecycle || g->program.shares ? 0 : client % p->workers;
}

size_t s3p_page_bytes(int page_keys)
{
    return page_keys == 0 ? 0 : ENTRY_XML_BYTES * ((size_t)page_keys + 2);
}

uint64_t s3p_plan_memory(const struct s3p_plan *p)
{
    uint64_t most = 0, ops = 0;
    for (int phase = 0; phase < S3P_PHASES; phase++) {
        uint64_t bytes = 0;
        for (int i = 0; i < p->ngroups; i++) {
            const struct s3p_group *g = &p->group[i];
            if ((int)g->phase != phase)
                continue;
            uint64_t each = S3P_CLIENT_BYTES + s3p_page_bytes(g->program.page_keys);
            for (int k = 0; k < g->program.nslots; k++)
                each += s3p_slot_bytes(&g->program.slots[k]);
            bytes += (uint64_t)g->clients * each + (uint64_t)g->queue * sizeof(int64_t) * 2;
            ops |= g->program.ops;
        }
        most = bytes > most ? bytes : most;
    }
    most += (uint64_t)p->workers *
            (s3p_history_bytes_per_worker() + (uint64_t)__builtin_popcountll(ops) * HIST_BYTES);
    return most + s3p_chooser_bytes(&p->spaces, 0) + p->arena.used;
}
