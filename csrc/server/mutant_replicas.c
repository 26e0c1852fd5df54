/* The faults of caches and of replicas that lag: reads that show what was. */
#include "core/clock.h"
#include "server/mutant_bodies.h"

/* Without an endpoint given, every one but the first is a replica. */
static bool is_replica(const struct s3p_srv_mutant *a, const struct s3p_srv_req *req)
{
    return a->spec.endpoint >= 0 || req->endpoint > 0;
}

S3P_SRV_READ(s3p_srv_mutant_stale_read)
{
    (void)r;
    struct s3p_srv_version *v = s3p_srv_mutant_version_at(k, s3p_now_ns() - a->spec.delay_ns);
    return v != NULL && is_replica(a, req) && s3p_srv_mutant_fires(m, a, req, k) &&
           s3p_srv_mutant_answer_version(m, a, req, v);
}

S3P_SRV_READ(s3p_srv_mutant_stale_head)
{
    (void)r;
    if (!s3p_srv_mutant_is(req, "HEAD"))
        return false;
    struct s3p_srv_version *v = s3p_srv_mutant_version_at(k, s3p_now_ns() - a->spec.delay_ns);
    return v != NULL && s3p_srv_mutant_fires(m, a, req, k) &&
           s3p_srv_mutant_answer_version(m, a, req, v);
}

/* Only what somebody has seen already is taken back. */
S3P_SRV_READ(s3p_srv_mutant_nonmonotonic_read)
{
    if (r == NULL)
        return false;
    struct s3p_srv_version *v = s3p_srv_mutant_version_at(k, s3p_now_ns() - a->spec.delay_ns);
    if (v != NULL && k->shown_seq == r->seq && s3p_srv_mutant_fires(m, a, req, k))
        return s3p_srv_mutant_answer_version(m, a, req, v);
    k->shown_seq = r->seq;
    return false;
}

S3P_SRV_READ(s3p_srv_mutant_foreign_404)
{
    if (r == NULL || !is_replica(a, req) || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    s3p_srv_mutant_answer_absent(m, a, req);
    return true;
}

/* A gateway remembers that it saw nothing, until something is written through it. */
S3P_SRV_READ(s3p_srv_mutant_negative_read)
{
    int64_t now_ns = s3p_now_ns(), *absent_ns = &k->absent_ns[req->endpoint];
    if (r == NULL) {
        *absent_ns = now_ns;
        k->keep = true;
        return false;
    }
    if (*absent_ns == 0 || now_ns - *absent_ns > a->spec.delay_ns ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    s3p_srv_mutant_answer_absent(m, a, req);
    return true;
}

S3P_SRV_JUDGE(s3p_srv_mutant_negative_judge)
{
    (void)m;
    (void)a;
    (void)now;
    if (e == S3P_SE_NONE)
        k->absent_ns[req->endpoint] = 0;
    return e;
}
