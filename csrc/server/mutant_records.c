/* The faults of what is stored. */
#include <string.h>

#include "server/mutant_bodies.h"

/* An ETag of size and time repeats when a body of the same length follows within a tick. */
S3P_SRV_MADE(aba_made)
{
    if (now == NULL || now->size != then->size || now->n_parts > 0 ||
        memcmp(now->md5, then->md5, sizeof now->md5) == 0 ||
        then->mtime_wall_ns - now->mtime_wall_ns > a->spec.delay_ns ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return;
    memcpy(then->md5, now->md5, sizeof then->md5);
    s3p_srv_mutant_made_wrong(m, a, req, k);
}

S3P_SRV_MADE(stat_made)
{
    (void)now;
    if (!s3p_srv_mutant_fires(m, a, req, k))
        return;
    const uint64_t stat[] = {then->size, (uint64_t)then->mtime_wall_ns};
    s3p_md5(stat, sizeof stat, then->md5);
    s3p_srv_mutant_made_wrong(m, a, req, k);
}

/* The connection was lost after the first half of the body, which is kept. */
S3P_SRV_MADE(partial_made)
{
    (void)now;
    if (then->in_file || then->n_parts > 0 || then->size < 2 || req->copy != NULL ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return;
    then->size = then->body.len = then->body.len / 2;
    then->sum_kind = then->sum_len = 0;
    s3p_md5(then->body.p, then->body.len, then->md5);
    req->write.cut_off = true;
    s3p_srv_mutant_made_wrong(m, a, req, k);
}

S3P_SRV_REPLY(partial_reply)
{
    (void)m;
    (void)a;
    if (req->write.cut_off)
        req->answer.status = S3P_SRV_NO_ANSWER;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_records[] = {
    {
        .name = "im-fingerprint-aba",
        .breaks = "the ETag is kept when a body of the same length follows within delay_ms",
        .section = "1",
        .needs = "concurrency",
        .delay_ms = 10,
        .made = aba_made,
    },
    {
        .name = "etag-not-content",
        .breaks = "the ETag is made of size and time",
        .section = "2",
        .needs = "",
        .made = stat_made,
    },
    {
        .name = "partial-body-committed",
        .breaks = "a connection is lost in the middle of a PUT, and the half is stored",
        .section = "8",
        .needs = "",
        .made = partial_made,
        .reply = partial_reply,
    },
    {.name = NULL},
};
