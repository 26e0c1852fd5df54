/* The faults of bodies: bytes that are not those of the version in the headers. */
#include "server/mutant_bodies.h"

#include <string.h>

/* Bodies are checked in cells of this size: a mix has whole ones of both writers. */
#define CELL 64

/* Answers with the fields of `r`, and bytes of the version before it from `from` on. */
static bool answer_mixed(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                         struct s3p_srv_req *req, struct s3p_srv_key_state *k,
                         const struct s3p_srv_record *r, uint64_t from)
{
    struct s3p_srv_record old;
    struct s3p_buf body, other;
    s3p_buf_init(&body, S3P_SRV_MUTANT_BODY_MAX);
    s3p_buf_init(&other, S3P_SRV_MUTANT_BODY_MAX);
    bool mixed = false;
    if (s3p_srv_mutant_load(req, r, &body) &&
        s3p_srv_mutant_load_version(k->versions, &old, &other) && other.len > from) {
        size_t n = (other.len < body.len ? other.len : body.len) - from;
        mixed = body.len > from && memcmp(body.data + from, other.data + from, n) != 0;
        if (mixed && s3p_srv_mutant_fires(m, a, req, k)) {
            memcpy(body.data + from, other.data + from, n);
            s3p_srv_mutant_answer(req, *r, &body);
            s3p_srv_mutant_altered(m, a->spec.row, req);
        } else {
            mixed = false;
        }
    }
    s3p_buf_free(&body);
    s3p_buf_free(&other);
    return mixed;
}

S3P_SRV_READ(torn_get)
{
    if (!s3p_srv_mutant_is(req, "GET") || r == NULL || k->versions == NULL)
        return false;
    return answer_mixed(m, a, req, k, r, 0);
}

S3P_SRV_READ(torn_blocks)
{
    if (!s3p_srv_mutant_is(req, "GET") || r == NULL || k->versions == NULL)
        return false;
    return answer_mixed(m, a, req, k, r, r->size / 2 / CELL * CELL);
}

S3P_SRV_READ(zero_tail)
{
    if (!s3p_srv_mutant_is(req, "GET") || r == NULL || r->size < (uint64_t)2 * CELL ||
        s3p_srv_head_get(&req->head, "range").p != NULL)
        return false;
    struct s3p_buf body;
    s3p_buf_init(&body, S3P_SRV_MUTANT_BODY_MAX);
    bool zero = s3p_srv_mutant_load(req, r, &body) && s3p_srv_mutant_fires(m, a, req, k);
    if (zero) {
        size_t from = body.len / 2 / CELL * CELL;
        memset(body.data + from, 0, body.len - from);
        s3p_srv_mutant_answer(req, *r, &body);
        s3p_srv_mutant_altered(m, a->spec.row, req);
    }
    s3p_buf_free(&body);
    return zero;
}

static bool is_shown(const struct s3p_srv_mutants *m, const struct s3p_srv_key_state *k)
{
    return m->shown_len == k->len && memcmp(m->shown_key, k->key, k->len) == 0;
}

/* The bytes that the last GET of another key has shown, under the headers of this one. */
S3P_SRV_READ(foreign_body)
{
    if (!s3p_srv_mutant_is(req, "GET") || r == NULL || r->in_file || r->n_parts > 0 ||
        k->len > sizeof m->shown_key)
        return false;
    struct s3p_srv_record other, mixed = *r;
    struct s3p_buf body;
    s3p_buf_init(&body, S3P_SRV_MUTANT_BODY_MAX);
    bool foreign = m->shown != NULL && !is_shown(m, k) &&
                   s3p_srv_mutant_load_version(m->shown, &other, &body) &&
                   s3p_srv_mutant_fires(m, a, req, k);
    if (foreign) {
        mixed.size = other.size;
        s3p_srv_mutant_answer(req, mixed, &body);
        s3p_srv_mutant_altered(m, a->spec.row, req);
    }
    s3p_buf_free(&body);
    s3p_srv_mutant_forget(&m->shown);
    m->shown = s3p_srv_mutant_keep(r);
    m->shown_len = k->len;
    memcpy(m->shown_key, k->key, k->len);
    return foreign;
}

/* Takes a field out of the answer that stands. */
static bool strip(struct s3p_buf *fields, const char *name)
{
    size_t len = strlen(name) + 1;
    char *at = fields->data, *end = fields->data + fields->len;
    while (at != NULL && at < end) {
        char *next = at + strlen(at) + 1;
        next += strlen(next) + 1;
        if (strncmp(at, name, len) == 0) {
            memmove(at, next, (size_t)(end - next));
            fields->len -= (size_t)(next - at);
            return true;
        }
        at = next;
    }
    return false;
}

S3P_SRV_READ(bare_head)
{
    if (!s3p_srv_mutant_is(req, "HEAD") || r == NULL || !s3p_srv_mutant_fires(m, a, req, k) ||
        s3p_srv_answer_object(req, r) != S3P_SRV_READ_DONE)
        return false;
    if (strip(&req->answer.fields, "ETag"))
        s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_reads[] = {
    {
        .name = "torn-get",
        .breaks = "length and ETag of one version, bytes of another",
        .section = "2",
        .needs = "overwrites",
        .old_versions = true,
        .read = torn_get,
    },
    {
        .name = "torn-blocks",
        .breaks = "a body mixes blocks of two writers",
        .section = "2",
        .needs = "overwrites",
        .old_versions = true,
        .read = torn_blocks,
    },
    {
        .name = "head-missing-etag",
        .breaks = "HEAD leaves the ETag out",
        .section = "2",
        .needs = "",
        .read = bare_head,
    },
    {
        .name = "zero-filled-tail",
        .breaks = "the second half of a body reads as zeros",
        .section = "2",
        .needs = "",
        .read = zero_tail,
    },
    {
        .name = "cross-key-body",
        .breaks = "a GET gets the bytes of another key",
        .section = "2",
        .needs = "concurrency",
        .read = foreign_body,
    },
    {.name = NULL},
};
