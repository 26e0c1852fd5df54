/* The faults of ranges. */
#include <string.h>

#include "server/mutant_bodies.h"

static struct s3p_str range_of(const struct s3p_srv_req *req)
{
    return s3p_srv_head_get(&req->head, "range");
}

static bool is_ranged(const struct s3p_srv_req *req)
{
    return s3p_srv_mutant_is(req, "GET") && range_of(req).p != NULL;
}

/* Answers, and counts it when the answer is a part. */
static void answer_part(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                        struct s3p_srv_req *req, const struct s3p_srv_record *r,
                        const struct s3p_buf *body)
{
    s3p_srv_mutant_answer(req, *r, body);
    if (req->answer.status == 206)
        s3p_srv_mutant_altered(m, a->spec.row, req);
}

/* The bytes one further on, under the range that was asked for. */
S3P_SRV_READ(off_by_one)
{
    if (r == NULL || !is_ranged(req))
        return false;
    struct s3p_buf body;
    s3p_buf_init(&body, S3P_SRV_MUTANT_BODY_MAX);
    bool shifted = s3p_srv_mutant_load(req, r, &body) && body.len > 0 &&
                   s3p_srv_mutant_fires(m, a, req, k);
    if (shifted) {
        memmove(body.data, body.data + 1, body.len - 1);
        body.data[body.len - 1] = 0;
        answer_part(m, a, req, r, &body);
    }
    s3p_buf_free(&body);
    return shifted;
}

/* The newest replaced version that the condition names, with its record; false: none. */
static bool named_version(const struct s3p_srv_req *req, const struct s3p_srv_key_state *k,
                          struct s3p_srv_record *out)
{
    for (const struct s3p_srv_version *v = k->versions; v != NULL; v = v->next)
        if (v->present &&
            s3p_srv_record_decode(out, (struct s3p_str){v->bytes.data, v->bytes.len}) &&
            s3p_srv_etag_listed(req->conditions.if_match, out->md5, out->n_parts, false))
            return true;
    return false;
}

/* A read that goes on with If-Match after an overwrite: the old headers, the new bytes. */
S3P_SRV_READ(mixed_ranges)
{
    struct s3p_srv_record old;
    if (r == NULL || !is_ranged(req) || req->conditions.if_match.p == NULL ||
        s3p_srv_etag_listed(req->conditions.if_match, r->md5, r->n_parts, false) ||
        !named_version(req, k, &old) || r->size < old.size)
        return false;
    struct s3p_buf body;
    s3p_buf_init(&body, S3P_SRV_MUTANT_BODY_MAX);
    bool mixed = s3p_srv_mutant_load(req, r, &body) && s3p_srv_mutant_fires(m, a, req, k);
    if (mixed)
        answer_part(m, a, req, &old, &body);
    s3p_buf_free(&body);
    return mixed;
}

/* Of several ranges the first, as if it had been the only one. */
S3P_SRV_READ(first_range)
{
    struct s3p_str range = range_of(req);
    const char *comma = range.p != NULL ? memchr(range.p, ',', range.len) : NULL;
    if (r == NULL || comma == NULL || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    for (size_t i = 0; i < req->head.n_fields; i++)
        if (req->head.fields[i].value.p == range.p)
            req->head.fields[i].value.len = (size_t)(comma - range.p);
    if (s3p_srv_answer_object(req, r) != S3P_SRV_READ_DONE)
        return false;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_ranges[] = {
    {
        .name = "range-off-by-one",
        .breaks = "a range is answered with the bytes one further on",
        .section = "2",
        .needs = "",
        .read = off_by_one,
    },
    {
        .name = "range-mixes-versions",
        .breaks = "a range with If-Match on a version that was replaced gets bytes of the new one",
        .section = "2",
        .needs = "overwrites",
        .delay_ms = 200,
        .old_versions = true,
        .read = mixed_ranges,
    },
    {
        .name = "multi-range-truncated",
        .breaks = "of several ranges the first is answered",
        .section = "2",
        .needs = "",
        .read = first_range,
    },
    {.name = NULL},
};
