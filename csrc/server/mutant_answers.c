/* The faults of answers: what goes out is not what the request came to, or does not go out. */
#include <string.h>

#include "server/mutant_bodies.h"

/* A refusal looks like a success until somebody reads its document. */
S3P_SRV_SEND(refused_as_200)
{
    struct s3p_srv_answer *answer = &req->answer;
    if (answer->error != S3P_SE_PRECONDITION || !s3p_srv_conditional(req) ||
        !s3p_srv_mutant_is(req, "PUT") || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    answer->status = 200;
    s3p_srv_mutant_altered(m, a->spec.row, req);
}

/* The rest of a longer body that stood there before follows on the connection. */
S3P_SRV_SEND(torn_tail)
{
    struct s3p_srv_answer *answer = &req->answer;
    struct s3p_srv_record old;
    struct s3p_buf body;
    if (!s3p_srv_mutant_is(req, "GET") || answer->status != 200 || answer->fd >= 0 ||
        answer->parts != NULL || answer->body.len == 0 || k->versions == NULL)
        return;
    s3p_buf_init(&body, S3P_SRV_MUTANT_BODY_MAX);
    size_t sent = answer->body.len;
    if (s3p_srv_mutant_load_version(k->versions, &old, &body) && body.len > sent &&
        s3p_srv_mutant_fires(m, a, req, k)) {
        s3p_buf_add(&answer->body, body.data + sent, body.len - sent);
        answer->surplus = answer->body.len - sent;
        s3p_srv_mutant_altered(m, a->spec.row, req);
    }
    s3p_buf_free(&body);
}

/* ---- cond-put-blocks-reads ---- */

S3P_SRV_BEGIN(lock)
{
    if (!s3p_srv_conditional(req) || !s3p_srv_mutant_is(req, "PUT") ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return;
    req->write.locks = 1;
    k->locks++;
}

S3P_SRV_TAKEN(unlock)
{
    (void)m;
    (void)a;
    k->locks -= req->write.locks;
    req->write.locks = 0;
    return e;
}

S3P_SRV_READ(locked_out)
{
    (void)r;
    if (k->locks == 0)
        return false;
    s3p_srv_answer_error(req, S3P_SE_SLOW);
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_answers[] = {
    {
        .name = "cond-fail-in-200-body",
        .breaks = "a write that its precondition refuses is answered 200, with the error inside",
        .section = "1",
        .needs = "",
        .send = refused_as_200,
    },
    {
        .name = "cond-put-blocks-reads",
        .breaks = "reads of a key are answered 503 while the body of a conditional PUT comes in",
        .section = "1",
        .needs = "concurrency",
        .begin = lock,
        .taken = unlock,
        .read = locked_out,
    },
    {
        .name = "poisoned-keepalive",
        .breaks = "behind a body come the last bytes of a longer one that it has replaced",
        .section = "2",
        .needs = "overwrites",
        .old_versions = true,
        .send = torn_tail,
    },
    {.name = NULL},
};
