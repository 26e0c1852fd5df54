/* The faults of deletes, and of what they leave. */
#include "core/clock.h"
#include "server/mutant_bodies.h"

S3P_SRV_JUDGE(s3p_srv_mutant_kept_judge)
{
    if (e != S3P_SE_NONE || now == NULL || !s3p_srv_mutant_is(req, "DELETE") ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    req->write.drop = true;
    k->wrong = (int)a->spec.row; /* until the next write that is applied */
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

S3P_SRV_JUDGE(s3p_srv_mutant_delete_judge)
{
    (void)now;
    if (!s3p_srv_refused(e) || !s3p_srv_mutant_is(req, "DELETE") ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    k->wrong_next = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_JUDGE(s3p_srv_mutant_marker_judge)
{
    (void)now;
    if (e != S3P_SE_NONE || !req->write.on_marker || req->conditions.if_none_match.p == NULL ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_PRECONDITION;
}

/* What was deleted delay_ms ago, or before, is there again. */
S3P_SRV_READ(s3p_srv_mutant_risen_read)
{
    const struct s3p_srv_version *v = k->versions;
    return r == NULL && v != NULL && v->present &&
           s3p_now_ns() - v->replaced_ns >= a->spec.delay_ns &&
           s3p_srv_mutant_fires(m, a, req, k) && s3p_srv_mutant_answer_version(m, a, req, v);
}

/* A marker that is half there: listings show the object, reads do not, until the next write. */
S3P_SRV_MADE(s3p_srv_mutant_ghost_made)
{
    (void)now;
    (void)then;
    if (s3p_srv_mutant_fires(m, a, req, k))
        k->wrong_next = (int)a->spec.row;
}

S3P_SRV_READ(s3p_srv_mutant_ghost_read)
{
    if (r == NULL || k->wrong != (int)a->spec.row)
        return false;
    s3p_srv_mutant_answer_absent(m, a, req);
    return true;
}
