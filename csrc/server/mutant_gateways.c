/* The faults of preconditions that depend on who judges them, and when. */
#include "core/clock.h"
#include "server/mutant_bodies.h"
#include "server/writes.h"

/* Judged now and written later, like check-then-act; but what comes through one gateway is judged
 * against what went through it. */
S3P_SRV_HOLD(s3p_srv_mutant_gateway_hold)
{
    uint64_t seq;
    if (!s3p_srv_conditional(req) || s3p_srv_mutant_look(req, &seq) != S3P_SE_NONE ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    req->write.by_gateway = true;
    req->write.judged_seq = seq;
    return true;
}

S3P_SRV_JUDGE(s3p_srv_mutant_gateway_judge)
{
    (void)now;
    if (!req->write.by_gateway || !s3p_srv_refused(e) ||
        k->gateway_seq[req->endpoint] > req->write.judged_seq)
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_MADE(s3p_srv_mutant_gateway_made)
{
    (void)m;
    (void)a;
    (void)now;
    k->gateway_seq[req->endpoint] = then->seq;
    k->keep = true;
}

/* Takes its time, and gives up when somebody else uses the key by then. */
S3P_SRV_HOLD(s3p_srv_mutant_storm_hold)
{
    req->write.gives_way = s3p_srv_conditional(req) && s3p_srv_mutant_fires(m, a, req, k);
    return req->write.gives_way;
}

S3P_SRV_JUDGE(s3p_srv_mutant_storm_judge)
{
    (void)now;
    if (!req->write.gives_way || k->inflight < 2 || (e != S3P_SE_NONE && !s3p_srv_refused(e)))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_CONFLICT;
}

/* Judged against what was current delay_ms ago. */
S3P_SRV_JUDGE(s3p_srv_mutant_stale_judge)
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
S3P_SRV_HOLD(s3p_srv_mutant_uncommitted_hold)
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

S3P_SRV_READ(s3p_srv_mutant_uncommitted_read)
{
    (void)r;
    return k->uncommitted != NULL &&
           s3p_srv_mutant_answer_version(m, a, req, k->uncommitted);
}
