/* The faults of nodes: writes that one of them misses for good, that it has only taken half, or
 * that something removes behind everybody's back. */
#include "core/clock.h"
#include "server/mutant_bodies.h"
#include "server/writes.h"

static bool is_plain_put(const struct s3p_srv_req *req)
{
    return s3p_srv_mutant_is(req, "PUT") && req->copy == NULL;
}

/* 503 for a PUT: every second one is carried out all the same. */
S3P_SRV_JUDGE(overload_judge)
{
    (void)now;
    if (e != S3P_SE_NONE || !is_plain_put(req) || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    req->write.unsure = m->counts[a->spec.row].fired % 2 == 0;
    return req->write.unsure ? S3P_SE_NONE : S3P_SE_SLOW;
}

S3P_SRV_REPLY(overload_reply)
{
    (void)m;
    (void)a;
    if (req->write.unsure)
        s3p_srv_answer_error(req, S3P_SE_SLOW);
}

/* What stood before the write that is current, when that one has the number `seq`. */
static bool shows_older(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                        struct s3p_srv_req *req, const struct s3p_srv_key_state *k,
                        const struct s3p_srv_record *r, uint64_t seq)
{
    return r != NULL && r->seq == seq && k->versions != NULL &&
           s3p_srv_mutant_answer_version(m, a, req, k->versions);
}

/* A write that only its own endpoint ever shows. */
S3P_SRV_MADE(apart_made)
{
    (void)now;
    if (m->srv->options.endpoints < 2 || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    k->apart_seq = then->seq;
    k->apart_endpoint = req->endpoint;
    k->keep = true;
}

S3P_SRV_READ(apart_read)
{
    return req->endpoint != k->apart_endpoint && shows_older(m, a, req, k, r, k->apart_seq);
}

/* The first endpoint was the leader: of what went through it lately the others know nothing, now
 * that one of them leads. */
static void lose_tail(struct s3p_srv_mutants *m, int64_t since_ns)
{
    for (unsigned i = 0; i < S3P_SRV_KEY_STATES; i++)
        for (struct s3p_srv_key_state *k = m->keys[i]; k != NULL; k = k->next)
            if (k->written_ns >= since_ns && k->written_endpoint == 0)
                k->lost_seq = k->written_seq;
}

S3P_SRV_MADE(failover_made)
{
    (void)now;
    int64_t now_ns = s3p_now_ns();
    if (m->srv->options.endpoints < 2)
        return;
    if (s3p_srv_mutant_fires(m, a, req, k))
        lose_tail(m, now_ns - a->spec.delay_ns);
    k->written_seq = then->seq;
    k->written_ns = now_ns;
    k->written_endpoint = req->endpoint;
    k->keep = true;
}

S3P_SRV_READ(failover_read)
{
    return req->endpoint != 0 && shows_older(m, a, req, k, r, k->lost_seq);
}

/* The only copy of an object is taken for debris, and goes delay_ms after it was written. */
S3P_SRV_MADE(repair_made)
{
    (void)now;
    if (!s3p_srv_mutant_fires(m, a, req, k))
        return;
    k->lost_seq = then->seq;
    k->written_ns = s3p_now_ns();
    k->keep = true;
}

S3P_SRV_READ(repair_read)
{
    if (r == NULL || r->seq != k->lost_seq || s3p_now_ns() - k->written_ns < a->spec.delay_ns)
        return false;
    s3p_srv_mutant_answer_absent(m, a, req);
    return true;
}

/* A DELETE that only the memory knows of: the next start brings the object back. */
S3P_SRV_JUDGE(forgotten_judge)
{
    bool hidden = now != NULL && now->seq == k->hidden_seq;
    if (hidden && (e == S3P_SE_NONE || s3p_srv_refused(e)))
        e = s3p_srv_conditions_write(&req->conditions, NULL);
    if (e != S3P_SE_NONE || now == NULL || !s3p_srv_mutant_is(req, "DELETE") ||
        req->bucket.versioning != S3P_SRV_NEVER_VERSIONED)
        return e;
    if (hidden || s3p_srv_mutant_fires(m, a, req, k)) {
        s3p_srv_mutant_altered(m, a->spec.row, req);
        req->write.drop = true;
        k->hidden_seq = now->seq;
        k->keep = true;
    }
    return e;
}

S3P_SRV_READ(forgotten_read)
{
    (void)m;
    (void)a;
    if (r == NULL || r->seq != k->hidden_seq)
        return false;
    s3p_srv_answer_error(req, S3P_SE_NO_KEY);
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_nodes[] = {
    {
        .name = "put-5xx-heavy",
        .breaks = "a PUT is answered 503; every second of these is carried out",
        .section = "9",
        .needs = "",
        .judge = overload_judge,
        .reply = overload_reply,
    },
    {
        .name = "replica-divergence",
        .breaks = "a PUT never reaches the other endpoints, which show what was there before",
        .section = "9",
        .needs = "endpoints",
        .old_versions = true,
        .made = apart_made,
        .read = apart_read,
    },
    {
        .name = "failover-loses-tail",
        .breaks = "another endpoint leads, and misses acks of the first from the last delay_ms",
        .section = "9",
        .needs = "endpoints",
        .delay_ms = 2,
        .old_versions = true,
        .made = failover_made,
        .read = failover_read,
    },
    {
        .name = "repair-deletes-survivors",
        .breaks = "the last good copy of an object is removed delay_ms after its PUT",
        .section = "9",
        .needs = "",
        .delay_ms = 50,
        .made = repair_made,
        .read = repair_read,
    },
    {
        .name = "restart-resurrects",
        .breaks = "a DELETE is forgotten when the store starts again",
        .section = "9",
        .needs = "restart",
        .judge = forgotten_judge,
        .read = forgotten_read,
    },
    {.name = NULL},
};
