/* The faults of request bodies: what is not looked at. */
#include "server/mutant_state.h"

/* Takes a body that was to be refused with `unless`. */
static enum s3p_srv_error forgive(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                                  const struct s3p_srv_req *req, const struct s3p_srv_key_state *k,
                                  enum s3p_srv_error e, enum s3p_srv_error unless)
{
    if (e != unless || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_BEGIN(framing_begin)
{
    struct s3p_srv_intake *in = &req->intake;
    if (!in->chunks.on || in->staged || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    in->chunks.on = false;
    in->any_length = true;
    in->sum_given = S3P_SRV_SUM_NONE;
    in->announced = in->two_sums = false;
}

S3P_SRV_MADE(framing_made)
{
    (void)now;
    (void)then;
    if (req->intake.any_length)
        s3p_srv_mutant_made_wrong(m, a, req, k);
}

S3P_SRV_BEGIN(unsigned_begin)
{
    struct s3p_srv_chunks *c = &req->intake.chunks;
    c->unchecked = c->on && c->has_signatures && s3p_srv_mutant_fires(m, a, req, k);
}

S3P_SRV_TAKEN(unsigned_taken)
{
    (void)k;
    if (e == S3P_SE_NONE && req->intake.chunks.unchecked && req->intake.chunks.forged)
        s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

S3P_SRV_BEGIN(length_begin)
{
    req->intake.any_length = req->intake.chunks.on && s3p_srv_mutant_fires(m, a, req, k);
}

S3P_SRV_TAKEN(length_taken)
{
    (void)k;
    if (e == S3P_SE_NONE && req->intake.any_length && req->intake.got != req->intake.declared)
        s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

S3P_SRV_TAKEN(trailer_taken)
{
    return req->intake.announced ? forgive(m, a, req, k, e, S3P_SE_SUM) : e;
}

S3P_SRV_TAKEN(md5_taken)
{
    return forgive(m, a, req, k, e, S3P_SE_DIGEST);
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_intake[] = {
    {
        .name = "chunk-framing-stored",
        .breaks = "the framing of an aws-chunked body is stored with it",
        .section = "8",
        .needs = "",
        .begin = framing_begin,
        .made = framing_made,
    },
    {
        .name = "chunk-signature-unchecked",
        .breaks = "signatures of chunks and trailers are not compared",
        .section = "8",
        .needs = "",
        .begin = unsigned_begin,
        .taken = unsigned_taken,
    },
    {
        .name = "trailer-checksum-ignored",
        .breaks = "a checksum in a trailer is not compared",
        .section = "8",
        .needs = "",
        .taken = trailer_taken,
    },
    {
        .name = "content-md5-ignored",
        .breaks = "Content-MD5 is not compared",
        .section = "8",
        .needs = "",
        .taken = md5_taken,
    },
    {
        .name = "decoded-length-unchecked",
        .breaks = "an aws-chunked body may be shorter or longer than it says",
        .section = "8",
        .needs = "",
        .begin = length_begin,
        .taken = length_taken,
    },
    {.name = NULL},
};
