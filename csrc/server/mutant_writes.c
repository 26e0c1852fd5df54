/* The faults of writes. */
#include <string.h>

#include "core/text.h"
#include "server/mutant_state.h"
#include "server/tables.h"

enum s3p_srv_error s3p_srv_mutant_look(struct s3p_srv_req *req, uint64_t *seq)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_str bytes;
    struct s3p_srv_record now;
    *seq = 0;
    if (!s3p_srv_view_begin(v))
        return S3P_SE_INTERNAL;
    bool present =
        s3p_srv_table_get(v->txn, v->store->current, req->bucket.id, req->head.key, &bytes) == 0 &&
        s3p_srv_record_decode(&now, bytes) && !now.marker;
    enum s3p_srv_error e = s3p_srv_conditions_write(&req->conditions, present ? &now : NULL);
    if (present)
        *seq = now.seq;
    s3p_srv_view_end(v);
    return e;
}

/* Judged now, written later: the one that fails now is refused honestly. */
static bool check_then_act(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                           struct s3p_srv_req *req, struct s3p_srv_key_state *k,
                           struct s3p_str condition)
{
    uint64_t seq;
    if (condition.p == NULL || s3p_srv_mutant_look(req, &seq) != S3P_SE_NONE ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    req->write.judged = a->spec.row + 1;
    return true;
}

S3P_SRV_HOLD(im_hold)
{
    return check_then_act(m, a, req, k, req->conditions.if_match);
}

S3P_SRV_HOLD(inm_hold)
{
    return check_then_act(m, a, req, k, req->conditions.if_none_match);
}

static bool is_put(const struct s3p_srv_req *req)
{
    return s3p_str_eq(req->head.method, "PUT");
}

S3P_SRV_HOLD(gap_hold)
{
    uint64_t seq;
    if (!is_put(req) || s3p_srv_mutant_look(req, &seq) != S3P_SE_NONE || seq == 0 ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    req->write.gap = true;
    k->gaps++;
    k->gap_row = a->spec.row;
    return true;
}

S3P_SRV_JUDGE(ignored_judge)
{
    (void)now;
    if (!s3p_srv_conditional(req) || !s3p_srv_mutant_fires(m, a, req, k) || !s3p_srv_refused(e))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_JUDGE(always_412_judge)
{
    (void)now;
    if (!s3p_srv_conditional(req) || !s3p_srv_mutant_fires(m, a, req, k) || e != S3P_SE_NONE)
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_PRECONDITION;
}

S3P_SRV_JUDGE(applied_judge)
{
    if (e != S3P_SE_PRECONDITION || now == NULL || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    req->write.apply_anyway = true;
    k->wrong_next = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

/* Lets pass what was refused. */
static enum s3p_srv_error pass(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                               struct s3p_srv_req *req, struct s3p_srv_key_state *k,
                               enum s3p_srv_error e)
{
    if (!s3p_srv_refused(e) || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

/* Refuses what was to pass. */
static enum s3p_srv_error refuse(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                                 struct s3p_srv_req *req, struct s3p_srv_key_state *k,
                                 enum s3p_srv_error e, enum s3p_srv_error with)
{
    if (e != S3P_SE_NONE || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return with;
}

S3P_SRV_JUDGE(missing_judge)
{
    bool missing = is_put(req) && now == NULL && req->conditions.if_match.p != NULL;
    return missing ? pass(m, a, req, k, e) : e;
}

S3P_SRV_JUDGE(one_path_judge)
{
    (void)now;
    bool chunked = req->auth.payload >= S3P_SRV_PAYLOAD_SIGNED_CHUNKS;
    return chunked ? pass(m, a, req, k, e) : e;
}

S3P_SRV_JUDGE(rejected_judge)
{
    (void)now;
    return s3p_srv_conditional(req) ? refuse(m, a, req, k, e, S3P_SE_NOT_IMPLEMENTED) : e;
}

/* A tag without its quotes is another one. */
S3P_SRV_JUDGE(quotes_judge)
{
    (void)now;
    struct s3p_str tag = s3p_srv_trim(req->conditions.if_match);
    bool bare = tag.len > 0 && tag.p[0] != '"' && !s3p_str_eq(tag, "*");
    return bare ? refuse(m, a, req, k, e, S3P_SE_PRECONDITION) : e;
}

/* Acknowledged and dropped: what the key says is wrong until the next write that is applied. */
static enum s3p_srv_error lose(struct s3p_srv_mutants *m, const struct s3p_srv_mutant *a,
                               struct s3p_srv_req *req, struct s3p_srv_key_state *k,
                               enum s3p_srv_error e)
{
    req->write.drop = true;
    k->wrong = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

S3P_SRV_JUDGE(lost_judge)
{
    (void)now;
    if (e != S3P_SE_NONE || !is_put(req) || req->write.drop || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    return lose(m, a, req, k, e);
}

S3P_SRV_JUDGE(first_judge)
{
    if (e != S3P_SE_NONE || !is_put(req) || req->write.drop || now == NULL ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    return lose(m, a, req, k, e);
}

S3P_SRV_REPLY(etag_reply)
{
    if (!s3p_srv_mutant_fires(m, a, req, req->key_state))
        return;
    uint8_t other[S3P_MD5_BYTES];
    char etag[S3P_SRV_ETAG_MAX], *at;
    memcpy(other, req->intake.md5, sizeof other);
    other[0] ^= 0x5a;
    size_t len = s3p_srv_etag_text(etag, other, 0);
    /* the fields begin with the ETag: name, NUL, value */
    at = memmem(req->answer.fields.data, req->answer.fields.len, "ETag", sizeof "ETag");
    if (at == NULL)
        return;
    memcpy(at + sizeof "ETag", etag, len);
    s3p_srv_mutant_altered(m, a->spec.row, req);
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_writes[] = {
    {
        .name = "inm-check-then-act",
        .breaks = "If-None-Match: * is judged, then written without a lock: several creators win",
        .section = "1",
        .needs = "concurrency",
        .delay_ms = 2,
        .hold = inm_hold,
    },
    {
        .name = "im-check-then-act",
        .breaks = "If-Match is judged, then written without a lock: two writers win on one ETag",
        .section = "1",
        .needs = "concurrency",
        .delay_ms = 2,
        .hold = im_hold,
    },
    {
        .name = "cond-ignored",
        .breaks = "the precondition of a write is accepted and ignored",
        .section = "1",
        .needs = "",
        .judge = ignored_judge,
    },
    {
        .name = "cond-always-412",
        .breaks = "a conditional write never succeeds",
        .section = "1",
        .needs = "",
        .judge = always_412_judge,
    },
    {
        .name = "cond-failed-but-applied",
        .breaks = "412 is answered, and the write is applied all the same",
        .section = "1",
        .needs = "concurrency",
        .judge = applied_judge,
    },
    {
        .name = "im-missing-creates",
        .breaks = "If-Match on an absent key creates the object",
        .section = "1",
        .needs = "",
        .judge = missing_judge,
    },
    {
        .name = "cond-ignored-one-path",
        .breaks = "the precondition of a PUT with an aws-chunked body is ignored",
        .section = "1",
        .needs = "",
        .judge = one_path_judge,
    },
    {
        .name = "cond-rejected",
        .breaks = "a conditional write is refused as not implemented",
        .section = "1",
        .needs = "",
        .judge = rejected_judge,
    },
    {
        .name = "etag-quote-mismatch",
        .breaks = "an ETag in If-Match without its quotes is another one",
        .section = "1",
        .needs = "",
        .judge = quotes_judge,
    },
    {
        .name = "first-writer-wins",
        .breaks = "a PUT over an existing key is acknowledged, then dropped",
        .section = "2",
        .needs = "concurrency",
        .judge = first_judge,
    },
    {
        .name = "lost-ack-write",
        .breaks = "an acknowledged PUT vanishes",
        .section = "2",
        .needs = "",
        .judge = lost_judge,
    },
    {
        .name = "overwrite-404-gap",
        .breaks = "during an overwrite the key is absent for a moment",
        .section = "2",
        .needs = "concurrency",
        .delay_ms = 5,
        .hold = gap_hold,
    },
    {
        .name = "wrong-put-etag",
        .breaks = "PUT answers an ETag that is not this body's",
        .section = "2",
        .needs = "",
        .reply = etag_reply,
    },
    {.name = NULL},
};
