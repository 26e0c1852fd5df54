/* The faults of metadata and of copies. */
#include <string.h>

#include "server/copy.h"
#include "server/mutant_bodies.h"
#include "server/routes.h"
#include "server/tables.h"

S3P_SRV_JUDGE(copy_meta_judge)
{
    (void)now;
    if (e != S3P_SE_NONE || req->copy == NULL || req->upload != 0 ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_buf_clear(&req->meta);
    k->wrong_next = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

/* The tags are the key's: a set for an older version becomes that of the current one. */
S3P_SRV_BEGIN(shared_begin)
{
    const char *name = req->route->name;
    uint64_t seq;
    if (!req->wanted.given || req->wanted.null ||
        (strcmp(name, "PutObjectTagging") != 0 && strcmp(name, "DeleteObjectTagging") != 0) ||
        s3p_srv_mutant_look(req, &seq) != S3P_SE_NONE || seq == 0 || seq == req->wanted.seq ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return;
    req->wanted.given = false;
    s3p_srv_mutant_altered(m, a->spec.row, req);
}

/* Into req->meta: the names of one update, and by turns the new value and the old one. */
static bool mix_fields(struct s3p_srv_req *req, struct s3p_str then, struct s3p_str now)
{
    struct s3p_str name, value, other, old;
    struct s3p_buf mixed;
    unsigned n = 0;
    bool changed = false;
    s3p_buf_init(&mixed, then.len + now.len);
    for (size_t at = 0; s3p_srv_meta_next(then, &at, &name, &value); n++) {
        for (size_t k = 0; n % 2 != 0 && s3p_srv_meta_next(now, &k, &other, &old);)
            if (s3p_srv_compare(name, other) == 0 && s3p_srv_compare(value, old) != 0) {
                value = old;
                changed = true;
            }
        s3p_srv_meta_add(&mixed, name, value);
    }
    s3p_buf_clear(&req->meta);
    s3p_buf_add(&req->meta, mixed.data, mixed.len);
    s3p_buf_free(&mixed);
    return changed && s3p_buf_ok(&req->meta);
}

S3P_SRV_MADE(meta_made)
{
    if (now == NULL || then->meta.len == 0 || now->meta.len == 0 ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return;
    if (mix_fields(req, then->meta, now->meta))
        s3p_srv_mutant_made_wrong(m, a, req, k);
    then->meta = (struct s3p_str){req->meta.data, req->meta.len};
}

/* ---- copies ---- */

/* The source as it is when the copy is stored; false: it is gone. */
static bool source_now(const struct s3p_srv_txn *t, const struct s3p_srv_req *req,
                       struct s3p_srv_record *out)
{
    struct s3p_srv_copy_source from;
    struct s3p_srv_bucket b;
    struct s3p_str bytes;
    const struct s3p_srv_store *s = &t->srv->store;
    return s3p_srv_copy_source(req->copy, &from) && from.first == 0 &&
           s3p_srv_bucket_get(t->txn, s, from.bucket, &b) == 0 &&
           s3p_srv_table_get(t->txn, s->current, b.id, from.key, &bytes) == 0 &&
           s3p_srv_record_decode(out, bytes);
}

/* The bytes behind the middle are read when the source has been overwritten. */
S3P_SRV_MADE(torn_copy_made)
{
    struct s3p_srv_record source;
    struct s3p_buf *body = &req->intake.memory;
    (void)now;
    if (req->copy == NULL || then->in_file || !source_now(m->txn, req, &source) ||
        source.in_file || source.n_parts > 0 || source.marker)
        return;
    size_t half = then->body.len / 2 / 64 * 64;
    if (half == 0 || source.body.len <= half || s3p_srv_compare(then->body, source.body) == 0 ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return;
    body->len = half;
    s3p_buf_add(body, source.body.p + half, source.body.len - half);
    then->body = (struct s3p_str){body->data, body->len};
    then->size = body->len;
    then->sum_kind = then->sum_len = 0;
    s3p_md5(body->data, body->len, then->md5);
    s3p_srv_mutant_made_wrong(m, a, req, k);
}

S3P_SRV_SOURCE(copy_anyway_source)
{
    if (!s3p_srv_mutant_fires(m, a, req, k))
        return false;
    k->wrong_next = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_objects[] = {
    {
        .name = "meta-merge",
        .breaks = "the metadata of an overwrite has some of the old values",
        .section = "7",
        .needs = "overwrites",
        .made = meta_made,
    },
    {
        .name = "copy-torn-source",
        .breaks = "a copy has the end of what its source was overwritten with meanwhile",
        .section = "7",
        .needs = "concurrency",
        .made = torn_copy_made,
    },
    {
        .name = "copy-source-cond-ignored",
        .breaks = "the condition on the source of a copy is accepted and ignored",
        .section = "7",
        .needs = "",
        .source = copy_anyway_source,
    },
    {
        .name = "copy-drops-meta",
        .breaks = "a copy has no metadata",
        .section = "7",
        .needs = "",
        .judge = copy_meta_judge,
    },
    {
        .name = "version-tags-shared",
        .breaks = "tags for an older version become those of the current one",
        .section = "7",
        .needs = "versions",
        .begin = shared_begin,
    },
    {.name = NULL},
};
