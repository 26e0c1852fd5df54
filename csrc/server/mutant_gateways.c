/* The faults of preconditions that depend on who judges them, and when. */
#include "core/clock.h"
#include "server/mutant_bodies.h"
#include "server/writes.h"

/* Judged now and written later, like check-then-act; but what comes through one gateway is judged
 * against what went through it. */
S3P_SRV_HOLD(gateway_hold)
{
    uint64_t seq;
    if (!s3p_srv_conditional(req) || s3p_srv_mutant_look(req, &seq) != S3P_SE_NONE ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    req->write.by_gateway = true;
    req->write.judged_seq = seq;
    return true;
}

S3P_SRV_JUDGE(gateway_judge)
{
    (void)now;
    if (!req->write.by_gateway || !s3p_srv_refused(e) ||
        k->gateway_seq[req->endpoint] > req->write.judged_seq)
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_MADE(gateway_made)
{
    (void)m;
    (void)a;
    (void)now;
    k->gateway_seq[req->endpoint] = then->seq;
    k->keep = true;
}

/* Takes its time, and gives up when somebody else uses the key by then. */
S3P_SRV_HOLD(storm_hold)
{
    req->write.gives_way = s3p_srv_conditional(req) && s3p_srv_mutant_fires(m, a, req, k);
    return req->write.gives_way;
}

S3P_SRV_JUDGE(storm_judge)
{
    (void)now;
    if (!req->write.gives_way || k->inflight < 2 || (e != S3P_SE_NONE && !s3p_srv_refused(e)))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_CONFLICT;
}

/* Judged against what was current delay_ms ago. */
S3P_SRV_JUDGE(stale_judge)
{
    (void)now;
    struct s3p_srv_record old;
    struct s3p_srv_version *v = s3p_srv_mutant_version_at(k, s3p_now_ns() - a->spec.delay_ns);
    if (v == NULL || !s3p_srv_conditional(req) || (e != S3P_SE_NONE && !s3p_srv_refused(e)) ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    bool present = v->present &&
                   s3p_srv_record_decode(&old, (struct s3p_str){v->bytes.data, v->bytes.len});
    enum s3p_srv_error then = s3p_srv_conditions_write(&req->conditions, present ? &old : NULL);
    if (then != e)
        s3p_srv_mutant_altered(m, a->spec.row, req);
    return then;
}

/* A write that its condition will refuse: the readers see it until the answer has left. */
S3P_SRV_HOLD(uncommitted_hold)
{
    uint64_t seq;
    struct s3p_srv_record then;
    if (!s3p_srv_mutant_is(req, "PUT") || req->intake.staged || req->copy != NULL ||
        k->uncommitted != NULL || !s3p_srv_refused(s3p_srv_mutant_look(req, &seq)) ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    s3p_srv_put_record(req, &then);
    k->uncommitted = s3p_srv_mutant_keep(&then);
    k->uncommitted_by = req;
    return true;
}

S3P_SRV_READ(uncommitted_read)
{
    (void)r;
    return k->uncommitted != NULL &&
           s3p_srv_mutant_answer_version(m, a, req, k->uncommitted);
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_gateways[] = {
    {
        .name = "cond-atomic-per-gateway",
        .breaks = "a precondition is atomic inside one gateway, and racy across gateways",
        .section = "1",
        .needs = "endpoints",
        .delay_ms = 2,
        .hold = gateway_hold,
        .judge = gateway_judge,
        .made = gateway_made,
    },
    {
        .name = "cond-stale-eval",
        .breaks = "a precondition is judged against what was current delay_ms ago",
        .section = "1",
        .needs = "concurrency",
        .delay_ms = 2,
        .old_versions = true,
        .judge = stale_judge,
    },
    {
        .name = "cond-409-storm",
        .breaks = "409 for every conditional write that overlaps another request, and no winner",
        .section = "1",
        .needs = "concurrency",
        .delay_ms = 5,
        .hold = storm_hold,
        .judge = storm_judge,
    },
    {
        .name = "read-uncommitted",
        .breaks = "a PUT that its precondition refuses is visible until it is refused",
        .section = "2",
        .needs = "concurrency",
        .delay_ms = 2,
        .hold = uncommitted_hold,
        .read = uncommitted_read,
    },
    {.name = NULL},
};
