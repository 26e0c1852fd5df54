/* The faults of parts: what of an upload goes into its object, and what does not. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/multipart.h"
#include "server/mutant_bodies.h"
#include "server/pair_page.h"

#define PART_MAX 4096 /* of a part's record */

static bool sends_part(const struct s3p_srv_req *req)
{
    return req->upload != 0 && req->copy == NULL && s3p_srv_mutant_is(req, "PUT");
}

/* ---- the list of parts ---- */

static bool is_named(const struct s3p_srv_req *req, uint32_t number)
{
    const struct s3p_srv_named_part *named = (const void *)req->meta.data;
    for (size_t i = 0; i < req->meta.len / sizeof *named; i++)
        if (named[i].number == number)
            return true;
    return false;
}

static int by_number(const void *a, const void *b)
{
    const struct s3p_srv_named_part *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* Names the parts as well that are there and were left out. */
S3P_SRV_NAMED(unlisted_named)
{
    struct s3p_srv_parts_walk w;
    size_t before = req->meta.len;
    if (s3p_srv_parts_walk_open(&w, t->txn, &t->srv->store, req->upload) != 0)
        return;
    for (int rc = s3p_srv_parts_walk_seek(&w, 0); rc == 0; rc = s3p_srv_parts_walk_next(&w)) {
        struct s3p_srv_named_part part = {.number = w.number, .etag_ok = true};
        if (is_named(req, w.number))
            continue;
        if (req->meta.len == before && !s3p_srv_mutant_fires(m, a, req, k))
            break;
        memcpy(part.md5, w.part.md5, sizeof part.md5);
        s3p_buf_add(&req->meta, &part, sizeof part);
    }
    s3p_srv_parts_walk_close(&w);
    if (req->meta.len == before || !s3p_buf_ok(&req->meta))
        return;
    struct s3p_srv_named_part *all = (void *)req->meta.data;
    qsort(all, req->meta.len / sizeof *all, sizeof *all, by_number);
    s3p_srv_mutant_spoil(m, a, req->upload);
}

/* Another upload of the key that has a part of this number; 0: there is none. */
static uint64_t rival(struct s3p_srv_txn *t, const struct s3p_srv_req *req, uint32_t number,
                      struct s3p_srv_record *part)
{
    const struct s3p_srv_store *s = &t->srv->store;
    struct s3p_srv_table_pairs p;
    uint64_t found = 0;
    if (s3p_srv_table_pairs_open(&p, t->txn, s->uploads, req->bucket.id) != 0)
        return 0;
    for (int rc = p.base.seek(&p.base, req->head.key, 0); rc == 0 && found == 0;
         rc = p.base.next(&p.base)) {
        if (p.base.key.len != req->head.key.len ||
            memcmp(p.base.key.p, req->head.key.p, p.base.key.len) != 0)
            break;
        if (p.base.number != req->upload &&
            s3p_srv_part_get(t->txn, s, p.base.number, number, part) == 0 && part->in_file)
            found = p.base.number;
    }
    s3p_srv_table_pairs_close(&p);
    return found;
}

/* `part` with the body of another one. */
static bool encode_with(struct s3p_buf *out, struct s3p_srv_record part,
                        const struct s3p_srv_record *other)
{
    part.body_id = other->body_id;
    part.size = other->size;
    s3p_buf_init(out, PART_MAX);
    s3p_srv_record_encode(out, &part);
    return s3p_buf_ok(out);
}

/* Two uploads of one key write their parts of one number to one place each: they change places. */
S3P_SRV_NAMED(blend_named)
{
    const struct s3p_srv_named_part *named = (const void *)req->meta.data;
    const struct s3p_srv_store *s = &t->srv->store;
    struct s3p_srv_record mine, theirs;
    struct s3p_buf here, there;
    if (req->meta.len < 2 * sizeof *named)
        return;
    uint32_t number = named[1].number;
    uint64_t other = rival(t, req, number, &theirs);
    if (other == 0 || s3p_srv_part_get(t->txn, s, req->upload, number, &mine) != 0 ||
        !mine.in_file || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    bool ok = encode_with(&here, mine, &theirs);
    ok = encode_with(&there, theirs, &mine) && ok;
    if (ok) {
        struct s3p_str one = {here.data, here.len}, two = {there.data, there.len};
        s3p_srv_txn_edited(t, s3p_srv_part_put(t->txn, s, req->upload, number, one));
        s3p_srv_txn_edited(t, s3p_srv_part_put(t->txn, s, other, number, two));
        s3p_srv_mutant_spoil(m, a, req->upload);
        s3p_srv_mutant_spoil(m, a, other);
    }
    s3p_buf_free(&here);
    s3p_buf_free(&there);
}

/* ---- the object that they make ---- */

S3P_SRV_JOINED(order_joined)
{
    char one[S3P_SRV_PART_BYTES], *parts = req->intake.memory.data;
    bool sorted = true;
    (void)t;
    for (uint32_t i = 1; e == S3P_SE_NONE && object != NULL && i < object->n_parts; i++)
        sorted &= s3p_srv_part_at(object->parts, i - 1).body_id <
                  s3p_srv_part_at(object->parts, i).body_id;
    if (sorted || !s3p_srv_mutant_fires(m, a, req, req->key_state))
        return e;
    for (uint32_t i = 1; i < object->n_parts; i++)
        for (uint32_t at = i; at > 0 && s3p_srv_part_at(object->parts, at - 1).body_id >
                                            s3p_srv_part_at(object->parts, at).body_id;
             at--) {
            char *p = parts + (size_t)at * sizeof one;
            memcpy(one, p, sizeof one);
            memcpy(p, p - sizeof one, sizeof one);
            memcpy(p - sizeof one, one, sizeof one);
        }
    s3p_srv_mutant_spoil(m, a, req->upload);
    return e;
}

/* The part that is sent again meanwhile is empty in the object. */
S3P_SRV_JOINED(resend_joined)
{
    const struct s3p_srv_upload_state *up = s3p_srv_mutant_upload(m, req->upload);
    const struct s3p_srv_named_part *named = (const void *)req->meta.data;
    if (e != S3P_SE_NONE || object == NULL || up->sending == 0)
        return e;
    for (uint32_t i = 0; i < object->n_parts; i++) {
        struct s3p_srv_part p = s3p_srv_part_at(object->parts, i);
        if (named[i].number != up->part || p.size == 0 || p.size == object->size ||
            !s3p_srv_mutant_fires(m, a, req, req->key_state))
            continue;
        memset(req->intake.memory.data + (size_t)i * S3P_SRV_PART_BYTES, 0,
               sizeof p.body_id + sizeof p.size);
        object->size -= p.size;
        s3p_srv_txn_replaced(t, &(struct s3p_srv_record){.in_file = true, .body_id = p.body_id});
        s3p_srv_mutant_spoil(m, a, req->upload);
    }
    return e;
}

S3P_SRV_JOINED(etag_joined)
{
    (void)t;
    if (e != S3P_SE_NONE || object == NULL || !s3p_srv_mutant_fires(m, a, req, req->key_state))
        return e;
    object->md5[0] ^= 0x5a;
    s3p_srv_mutant_spoil(m, a, req->upload);
    return e;
}

S3P_SRV_JOINED(small_joined)
{
    (void)t;
    (void)object;
    if (e != S3P_SE_PART_SMALL || !s3p_srv_mutant_fires(m, a, req, req->key_state))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_JOINED(empty_joined)
{
    (void)t;
    if (e != S3P_SE_NONE || object == NULL || object->size != 0 ||
        !s3p_srv_mutant_fires(m, a, req, req->key_state))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_PART_SMALL;
}

/* ---- a part on its way ---- */

/* Acknowledged, and the body stays that of the part before it. */
S3P_SRV_PARTED(stale_parted)
{
    if (!before->in_file || !part->in_file || before->size != part->size ||
        memcmp(before->md5, part->md5, sizeof part->md5) == 0 ||
        !s3p_srv_mutant_fires(m, a, req, req->key_state))
        return;
    uint64_t old = before->body_id;
    before->body_id = part->body_id;
    part->body_id = old;
    s3p_srv_mutant_spoil(m, a, req->upload);
}

/* An upload that was resumed, once its parts had been listed. */
S3P_SRV_TAKEN(zero_taken)
{
    const struct s3p_srv_intake *in = &req->intake;
    if (e != S3P_SE_NONE || !sends_part(req) || req->part_number < 2 || !in->staged ||
        in->got == 0 || !s3p_srv_mutant_upload(m, req->upload)->listed ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    if (ftruncate(in->fd, 0) == 0 && ftruncate(in->fd, (off_t)in->got) == 0)
        s3p_srv_mutant_spoil(m, a, req->upload);
    return e;
}

/* ---- the object that is read ---- */

S3P_SRV_READ(empty_read)
{
    if (r == NULL || r->n_parts == 0 || r->size == 0 || !s3p_srv_mutant_is(req, "GET") ||
        req->part_number != 0 || s3p_srv_head_get(&req->head, "range").p != NULL ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    struct s3p_srv_record empty = *r;
    empty.size = 0;
    (void)s3p_srv_answer_object(req, &empty);
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_parts[] = {
    {
        .name = "mpu-part-resend-race",
        .breaks = "a part that is sent again while its upload is completed is lost in the object",
        .section = "5",
        .needs = "concurrency",
        .joined = resend_joined,
    },
    {
        .name = "mpu-blend",
        .breaks = "two uploads of one key get one part of each other",
        .section = "5",
        .needs = "concurrency",
        .named = blend_named,
    },
    {
        .name = "mpu-stale-part",
        .breaks = "a part that is sent again is acknowledged, and its earlier copy is used",
        .section = "5",
        .needs = "",
        .parted = stale_parted,
    },
    {
        .name = "mpu-tail-zeroed",
        .breaks = "later parts of an upload whose parts had been listed are stored as zeros",
        .section = "5",
        .needs = "",
        .taken = zero_taken,
    },
    {
        .name = "mpu-order-ignored",
        .breaks = "parts are joined in the order in which they arrived",
        .section = "5",
        .needs = "",
        .joined = order_joined,
    },
    {
        .name = "mpu-small-part-accepted",
        .breaks = "a part that is too small is accepted before the last one",
        .section = "5",
        .needs = "",
        .joined = small_joined,
    },
    {
        .name = "mpu-unlisted-part-included",
        .breaks = "parts that a Complete did not name are part of the object",
        .section = "5",
        .needs = "",
        .named = unlisted_named,
    },
    {
        .name = "mpu-etag-wrong",
        .breaks = "the ETag of an object is not that of its parts",
        .section = "5",
        .needs = "",
        .joined = etag_joined,
    },
    {
        .name = "mpu-empty-rejected",
        .breaks = "an upload of no bytes cannot be completed",
        .section = "5",
        .needs = "",
        .joined = empty_joined,
    },
    {
        .name = "mpu-head-ok-get-empty",
        .breaks = "HEAD says the size of an object of parts, GET gives no byte of it",
        .section = "5",
        .needs = "",
        .read = empty_read,
    },
    {.name = NULL},
};
