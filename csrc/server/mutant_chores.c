/* The faults of what the store does by itself: lifecycle rules that remove what is not theirs, or
 * not yet; replicas that come in another order. */
#include <string.h>

#include "core/clock.h"
#include "server/lock.h"
#include "server/mutant_bodies.h"

#define RULES_BYTES_MAX (8 * 1024 * 1024)
#define FAR_DAYS 100000

/* Whatever a rule is about is due, however young it is. */
S3P_SRV_LIFE(overdelete)
{
    int64_t then_ns;
    if (act != S3P_SRV_LIFE_KEEP ||
        __builtin_mul_overflow((int64_t)FAR_DAYS, c->day_ns, &then_ns) ||
        __builtin_add_overflow(then_ns, c->now_wall_ns, &then_ns))
        return act;
    return s3p_srv_life_judge(c->stored, c->entry, c->day_ns, then_ns);
}

/* Every rule is about everything. */
S3P_SRV_LIFE(ignores_filter)
{
    struct s3p_srv_rule_set s;
    struct s3p_srv_life_rule rule;
    struct s3p_buf rows, texts, all;
    if (act != S3P_SRV_LIFE_KEEP || !s3p_srv_rule_set_open(&s, c->stored, sizeof rule))
        return act;
    s3p_buf_init(&rows, RULES_BYTES_MAX);
    s3p_buf_init(&texts, RULES_BYTES_MAX);
    s3p_buf_init(&all, RULES_BYTES_MAX);
    for (size_t i = 0; i < s.n; i++) {
        s3p_srv_rule_set_row(&s, i, &rule);
        memset(&rule.filter, 0, sizeof rule.filter);
        s3p_buf_add(&rows, &rule, sizeof rule);
    }
    s3p_srv_rule_set_store(&all, &rows, &texts, sizeof rule);
    if (s3p_buf_ok(&all))
        act = s3p_srv_life_judge((struct s3p_str){all.data, all.len}, c->entry, c->day_ns,
                                 c->now_wall_ns);
    s3p_buf_free(&rows);
    s3p_buf_free(&texts);
    s3p_buf_free(&all);
    return act;
}

/* A rule about noncurrent versions takes the current one for one of them, by its own age. */
S3P_SRV_LIFE(expires_current)
{
    struct s3p_srv_life_entry e = *c->entry;
    struct s3p_srv_record r = *e.r;
    if (act != S3P_SRV_LIFE_KEEP || !e.current || r.marker)
        return act;
    e.current = false;
    e.newer = UINT32_MAX;
    e.r = &r;
    r.noncurrent_wall_ns = r.mtime_wall_ns;
    return s3p_srv_life_judge(c->stored, &e, c->day_ns, c->now_wall_ns);
}

/* A lock is no reason to keep a version. */
S3P_SRV_LIFE(ignores_locks)
{
    struct s3p_srv_life_entry e = *c->entry;
    struct s3p_srv_record r = *e.r;
    if (act != S3P_SRV_LIFE_KEEP || !s3p_srv_lock_given(&r.lock))
        return act;
    r.lock = (struct s3p_srv_lock){.mode = S3P_SRV_LOCK_NONE};
    e.r = &r;
    return s3p_srv_life_judge(c->stored, &e, c->day_ns, c->now_wall_ns);
}

/* The replica of a version comes before that of the one before it, which then takes its place. */
S3P_SRV_READ(reordered_read)
{
    const struct s3p_srv_version *v = k->versions;
    struct s3p_str key = {k->key, k->len};
    if (r == NULL || r->replication != S3P_SRV_REPLICA || v == NULL || !v->present ||
        s3p_now_ns() - v->replaced_ns < a->spec.delay_ns ||
        !s3p_srv_mutant_draws(m, a, key, r->seq))
        return false;
    m->counts[a->spec.row].fired++;
    return s3p_srv_mutant_answer_version(m, a, req, v);
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_chores[] = {
    {
        .name = "lifecycle-overdelete",
        .breaks = "what a lifecycle rule is about is removed, however young it is",
        .section = "9",
        .needs = "lifecycle",
        .life = overdelete,
    },
    {
        .name = "lifecycle-ignores-filter",
        .breaks = "a lifecycle rule is about every object of its bucket",
        .section = "9",
        .needs = "lifecycle",
        .life = ignores_filter,
    },
    {
        .name = "lifecycle-expires-current",
        .breaks = "a rule about noncurrent versions removes current ones",
        .section = "9",
        .needs = "lifecycle, versions",
        .life = expires_current,
    },
    {
        .name = "lifecycle-ignores-locks",
        .breaks = "a lifecycle rule removes a version that is locked",
        .section = "9",
        .needs = "lifecycle, versions",
        .life = ignores_locks,
    },
    {
        .name = "replication-reorders",
        .breaks = "the replica of an older version comes delay_ms later, and is current",
        .section = "9",
        .needs = "replication",
        .delay_ms = 15,
        .old_versions = true,
        .read = reordered_read,
    },
    {.name = NULL},
};
