/* The faults of caches and of replicas that lag: reads that show what was. */
#include "core/clock.h"
#include "server/mutant_bodies.h"

/* Without an endpoint given, every one but the first is a replica. */
static bool is_replica(const struct s3p_srv_mutant *a, const struct s3p_srv_req *req)
{
    return a->spec.endpoint >= 0 || req->endpoint > 0;
}

S3P_SRV_READ(stale_read)
{
    (void)r;
    struct s3p_srv_version *v = s3p_srv_mutant_version_at(k, s3p_now_ns() - a->spec.delay_ns);
    return v != NULL && is_replica(a, req) && s3p_srv_mutant_fires(m, a, req, k) &&
           s3p_srv_mutant_answer_version(m, a, req, v);
}

S3P_SRV_READ(stale_head)
{
    (void)r;
    if (!s3p_srv_mutant_is(req, "HEAD"))
        return false;
    struct s3p_srv_version *v = s3p_srv_mutant_version_at(k, s3p_now_ns() - a->spec.delay_ns);
    return v != NULL && s3p_srv_mutant_fires(m, a, req, k) &&
           s3p_srv_mutant_answer_version(m, a, req, v);
}

/* Only what somebody has seen already is taken back. */
S3P_SRV_READ(nonmonotonic_read)
{
    if (r == NULL)
        return false;
    struct s3p_srv_version *v = s3p_srv_mutant_version_at(k, s3p_now_ns() - a->spec.delay_ns);
    if (v != NULL && k->shown_seq == r->seq && s3p_srv_mutant_fires(m, a, req, k))
        return s3p_srv_mutant_answer_version(m, a, req, v);
    k->shown_seq = r->seq;
    return false;
}

S3P_SRV_READ(foreign_404)
{
    if (r == NULL || !is_replica(a, req) || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    s3p_srv_mutant_answer_absent(m, a, req);
    return true;
}

/* A gateway remembers that it saw nothing, until something is written through it. */
S3P_SRV_READ(negative_read)
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

S3P_SRV_JUDGE(negative_judge)
{
    (void)m;
    (void)a;
    (void)now;
    if (e == S3P_SE_NONE)
        k->absent_ns[req->endpoint] = 0;
    return e;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_replicas[] = {
    {
        .name = "stale-read-replica",
        .breaks = "reads on an endpoint other than the first lag behind by delay_ms",
        .section = "2",
        .needs = "endpoints",
        .delay_ms = 200,
        .old_versions = true,
        .read = stale_read,
    },
    {
        .name = "cross-client-404",
        .breaks = "reads on an endpoint other than the first find no object",
        .section = "2",
        .needs = "endpoints",
        .read = foreign_404,
    },
    {
        .name = "negative-cache-404",
        .breaks = "a gateway that saw no object says so for delay_ms, unless it has "
                  "written it itself",
        .section = "2",
        .needs = "endpoints",
        .delay_ms = 100,
        .judge = negative_judge,
        .read = negative_read,
    },
    {
        .name = "stale-head-fresh-get",
        .breaks = "HEAD lags behind by delay_ms, GET does not",
        .section = "2",
        .needs = "overwrites",
        .delay_ms = 20,
        .old_versions = true,
        .read = stale_head,
    },
    {
        .name = "nonmonotonic-reads",
        .breaks = "a version that was shown before is followed by an older one",
        .section = "2",
        .needs = "overwrites",
        .delay_ms = 20,
        .old_versions = true,
        .read = nonmonotonic_read,
    },
    {.name = NULL},
};
