/* The faults of deletes, and of what they leave. */
#include "core/clock.h"
#include "server/mutant_bodies.h"

S3P_SRV_JUDGE(kept_judge)
{
    if (e != S3P_SE_NONE || now == NULL || !s3p_srv_mutant_is(req, "DELETE") ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    req->write.drop = true;
    k->wrong = (int)a->spec.row; /* until the next write that is applied */
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

S3P_SRV_JUDGE(delete_judge)
{
    (void)now;
    if (!s3p_srv_refused(e) || !s3p_srv_mutant_is(req, "DELETE") ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    k->wrong_next = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_JUDGE(marker_judge)
{
    (void)now;
    if (e != S3P_SE_NONE || !req->write.on_marker || req->conditions.if_none_match.p == NULL ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_PRECONDITION;
}

/* What was deleted delay_ms ago, or before, is there again. */
S3P_SRV_READ(risen_read)
{
    const struct s3p_srv_version *v = k->versions;
    return r == NULL && v != NULL && v->present &&
           s3p_now_ns() - v->replaced_ns >= a->spec.delay_ns &&
           s3p_srv_mutant_fires(m, a, req, k) && s3p_srv_mutant_answer_version(m, a, req, v);
}

/* A marker that is half there: listings show the object, reads do not, until the next write. */
S3P_SRV_MADE(ghost_made)
{
    (void)now;
    (void)then;
    if (s3p_srv_mutant_fires(m, a, req, k))
        k->wrong_next = (int)a->spec.row;
}

S3P_SRV_READ(ghost_read)
{
    if (r == NULL || k->wrong != (int)a->spec.row)
        return false;
    s3p_srv_mutant_answer_absent(m, a, req);
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_deletes[] = {
    {
        .name = "cond-delete-ignored",
        .breaks = "the precondition of a DELETE is accepted and ignored",
        .section = "1",
        .needs = "",
        .judge = delete_judge,
    },
    {
        .name = "inm-marker-as-present",
        .breaks = "If-None-Match: * takes a delete marker for an object",
        .section = "1",
        .needs = "versions",
        .judge = marker_judge,
    },
    {
        .name = "delete-acked-not-applied",
        .breaks = "a DELETE is acknowledged, and the object stays",
        .section = "3",
        .needs = "",
        .judge = kept_judge,
    },
    {
        .name = "delete-resurrects",
        .breaks = "an object that was deleted is there again after delay_ms",
        .section = "3",
        .needs = "",
        .delay_ms = 20,
        .old_versions = true,
        .read = risen_read,
    },
    {
        .name = "ghost-key",
        .breaks = "a key is listed, and every read of it finds no object until it is written again",
        .section = "3",
        .needs = "",
        .made = ghost_made,
        .read = ghost_read,
    },
    {.name = NULL},
};
