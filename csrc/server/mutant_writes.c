/* The faults of writes. */
#include <string.h>

#include "core/text.h"
#include "server/mutant_state.h"
#include "server/tables.h"

/* The record that a check without a lock sees, as the answer it gives. */
static enum s3p_srv_error look(struct s3p_srv_req *req, bool *present)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_str bytes;
    struct s3p_srv_record now;
    if (!s3p_srv_view_begin(v))
        return S3P_SE_INTERNAL;
    *present =
        s3p_srv_table_get(v->txn, v->store->current, req->bucket.id, req->head.key, &bytes) == 0 &&
        s3p_srv_record_decode(&now, bytes) && !now.marker;
    enum s3p_srv_error e = s3p_srv_conditions_write(&req->conditions, *present ? &now : NULL);
    s3p_srv_view_end(v);
    return e;
}

/* Judged now, written later: the one that fails now is refused honestly. */
static bool check_then_act(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                           struct s3p_srv_req *req, struct s3p_srv_key_state *k,
                           struct s3p_str condition)
{
    bool present;
    if (condition.p == NULL || look(req, &present) != S3P_SE_NONE ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    req->write.judged = a->spec.row + 1;
    return true;
}

S3P_SRV_HOLD(s3p_srv_mutant_im_hold)
{
    return check_then_act(m, a, req, k, req->conditions.if_match);
}

S3P_SRV_HOLD(s3p_srv_mutant_inm_hold)
{
    return check_then_act(m, a, req, k, req->conditions.if_none_match);
}

static bool is_put(const struct s3p_srv_req *req)
{
    return s3p_str_eq(req->head.method, "PUT");
}

S3P_SRV_HOLD(s3p_srv_mutant_gap_hold)
{
    bool present = false;
    if (!is_put(req) || look(req, &present) != S3P_SE_NONE || !present ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    req->write.gap = true;
    k->gaps++;
    k->gap_row = a->spec.row;
    return true;
}

static bool is_refusal(enum s3p_srv_error e)
{
    return e == S3P_SE_PRECONDITION || e == S3P_SE_NO_KEY;
}

S3P_SRV_JUDGE(s3p_srv_mutant_ignored_judge)
{
    (void)now;
    if (!s3p_srv_conditional(req) || !s3p_srv_mutant_fires(m, a, req, k) || !is_refusal(e))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_JUDGE(s3p_srv_mutant_412_judge)
{
    (void)now;
    if (!s3p_srv_conditional(req) || !s3p_srv_mutant_fires(m, a, req, k) || e != S3P_SE_NONE)
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_PRECONDITION;
}

S3P_SRV_JUDGE(s3p_srv_mutant_applied_judge)
{
    if (e != S3P_SE_PRECONDITION || now == NULL || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    req->write.apply_anyway = true;
    k->wrong_next = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
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

S3P_SRV_JUDGE(s3p_srv_mutant_lost_judge)
{
    (void)now;
    if (e != S3P_SE_NONE || !is_put(req) || req->write.drop || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    return lose(m, a, req, k, e);
}

S3P_SRV_JUDGE(s3p_srv_mutant_first_judge)
{
    if (e != S3P_SE_NONE || !is_put(req) || req->write.drop || now == NULL ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    return lose(m, a, req, k, e);
}

void s3p_srv_mutant_etag_reply(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                               struct s3p_srv_req *req)
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
