/* CompleteMultipartUpload: the object is made of the parts' own files, by reference. */
#include <string.h>

#include "core/text.h"
#include "server/lifecycle.h"
#include "server/lists.h"
#include "server/multipart.h"
#include "server/mutants.h"
#include "server/ops.h"
#include "server/versions.h"
#include "server/writes.h"
#include "server/xml_write.h"

enum s3p_srv_error s3p_srv_complete_check(struct s3p_srv_req *req)
{
    struct s3p_srv_conditions none = {0}, given = req->conditions;
    req->conditions = none;
    enum s3p_srv_error e = s3p_srv_upload_check(req);
    req->conditions = given;
    return e == S3P_SE_NONE ? s3p_srv_conditions_writable(&given, true) : e;
}

/* The bucket, the key and the parts that were named: what a repetition must name again. */
static void named_digest(const struct s3p_srv_req *req, uint8_t out[S3P_SHA256_BYTES])
{
    const struct s3p_srv_named_part *named = (const void *)req->meta.data;
    struct s3p_sha256 c;
    s3p_sha256_init(&c);
    s3p_sha256_add(&c, &req->bucket.id, sizeof req->bucket.id);
    s3p_sha256_add(&c, req->head.key.p, req->head.key.len);
    for (size_t i = 0; i < req->meta.len / sizeof *named; i++) {
        s3p_sha256_add(&c, &named[i].number, sizeof named[i].number);
        s3p_sha256_add(&c, named[i].md5, sizeof named[i].md5);
    }
    s3p_sha256_end(&c, out);
}

/* The upload is gone: completed before, with the same parts? */
static enum s3p_srv_error repeat(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_finished f;
    uint8_t digest[S3P_SHA256_BYTES];
    int rc = s3p_srv_finished_get(t->txn, &t->srv->store, req->upload, &f);
    if (rc != 0 && rc != MDB_NOTFOUND)
        t->rc = rc;
    req->made = (struct s3p_srv_record){.n_parts = 0};
    if (rc != 0)
        return S3P_SE_NO_UPLOAD;
    req->made = (struct s3p_srv_record){.seq = f.seq,
                                        .n_parts = f.n_parts,
                                        .sum_kind = f.sum_kind,
                                        .sum_len = f.sum_len,
                                        .composite = f.composite != 0,
                                        .versioned = f.versioned != 0};
    memcpy(req->made.md5, f.md5, sizeof f.md5);
    memcpy(req->made.sum, f.sum, sizeof f.sum);
    named_digest(req, digest);
    return memcmp(digest, f.digest, sizeof digest) == 0 ? S3P_SE_NONE : S3P_SE_NO_UPLOAD;
}

/* The object in the making. */
struct assembly {
    struct s3p_srv_record *object;
    struct s3p_buf *parts;
    struct s3p_md5 md5;
    struct s3p_srv_sum composite;
    uint64_t min_part_bytes;
    bool small;     /* the last one so far is smaller than a part must be, */
    bool too_small; /* and one that is not the last */
};

static enum s3p_srv_error add_part(struct assembly *a, const struct s3p_srv_named_part *named,
                                   const struct s3p_srv_record *part)
{
    struct s3p_srv_record *o = a->object;
    struct s3p_srv_part entry = {.body_id = part->body_id, .size = part->size};
    uint8_t sum[S3P_SRV_SUM_MAX];
    if (!named->etag_ok || memcmp(named->md5, part->md5, sizeof part->md5) != 0)
        return S3P_SE_PART;
    if (named->sum_kind == S3P_SRV_SUM_NONE && o->composite)
        return S3P_SE_PART_SUM_MISSING;
    if (named->sum_kind != S3P_SRV_SUM_NONE) {
        size_t n = s3p_srv_part_sum(part, (enum s3p_srv_sum_kind)named->sum_kind, sum);
        if (n == 0 || memcmp(sum, named->sum, n) != 0)
            return S3P_SE_PART;
    }
    a->too_small |= a->small;
    a->small = part->size < a->min_part_bytes;
    memcpy(entry.sum, part->sum, sizeof entry.sum);
    s3p_srv_part_add(a->parts, &entry);
    s3p_md5_add(&a->md5, part->md5, sizeof part->md5);
    if (o->composite)
        s3p_srv_sum_add(&a->composite, part->sum, part->sum_len);
    else if (o->n_parts == 0)
        memcpy(o->sum, part->sum, sizeof o->sum);
    else
        s3p_srv_sum_combine((enum s3p_srv_sum_kind)o->sum_kind, o->sum, part->sum, part->size);
    o->sum_len = part->sum_len;
    o->size += part->size;
    o->n_parts++;
    return S3P_SE_NONE;
}

static enum s3p_srv_error check_order(const struct s3p_srv_named_part *named, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (named[i].number <= named[i - 1].number)
            return S3P_SE_PART_ORDER;
    return S3P_SE_NONE;
}

static enum s3p_srv_error add_parts(struct s3p_srv_txn *t, const struct s3p_srv_req *req,
                                    struct assembly *a)
{
    const struct s3p_srv_named_part *named = (const void *)req->meta.data;
    size_t n = req->meta.len / sizeof *named;
    struct s3p_srv_parts_walk w;
    enum s3p_srv_error e = check_order(named, n);
    if (e != S3P_SE_NONE)
        return e;
    int rc = s3p_srv_parts_walk_open(&w, t->txn, &t->srv->store, req->upload);
    for (size_t i = 0; rc == 0 && e == S3P_SE_NONE && i < n; i++) {
        bool next = i > 0 && named[i].number == named[i - 1].number + 1;
        rc = next ? s3p_srv_parts_walk_next(&w) : s3p_srv_parts_walk_seek(&w, named[i].number);
        if (rc == 0)
            e = w.number == named[i].number ? add_part(a, &named[i], &w.part) : S3P_SE_PART;
    }
    s3p_srv_parts_walk_close(&w);
    if (rc == MDB_NOTFOUND)
        return S3P_SE_PART;
    t->rc = rc;
    return e == S3P_SE_NONE && a->too_small ? S3P_SE_PART_SMALL : e;
}

/* The checksum of the whole that the client gives, and the size. */
static enum s3p_srv_error check_whole(const struct s3p_srv_req *req, const struct s3p_srv_record *o)
{
    struct s3p_str type = s3p_srv_head_get(&req->head, "x-amz-checksum-type");
    struct s3p_str size = s3p_srv_head_get(&req->head, "x-amz-mp-object-size");
    uint64_t bytes;
    if (type.p != NULL && (type.len != s3p_srv_sum_type(o).len ||
                           memcmp(type.p, s3p_srv_sum_type(o).p, type.len) != 0))
        return S3P_SE_SUM_TYPE;
    if (size.p != NULL && (!s3p_parse_u64(size.p, size.len, &bytes) || bytes != o->size))
        return S3P_SE_OBJECT_SIZE;
    for (unsigned k = 1; k < S3P_SRV_SUM_KINDS; k++) {
        struct s3p_str text =
            s3p_srv_head_get(&req->head, s3p_srv_sum_header((enum s3p_srv_sum_kind)k));
        char want[S3P_SRV_SUM_TEXT_MAX];
        size_t n = s3p_srv_sum_text(want, o);
        if (text.p == NULL)
            continue;
        if (k != o->sum_kind)
            return S3P_SE_SUM_TYPE;
        if (text.len != n || memcmp(text.p, want, n) != 0)
            return S3P_SE_SUM;
    }
    return S3P_SE_NONE;
}

static enum s3p_srv_error assemble(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                   struct s3p_srv_record *object)
{
    struct assembly a = {.object = object,
                         .parts = &req->intake.memory,
                         .min_part_bytes = t->srv->options.min_part_bytes};
    s3p_buf_clear(a.parts);
    s3p_md5_init(&a.md5);
    if (!s3p_srv_sum_begin(&a.composite, (enum s3p_srv_sum_kind)object->sum_kind))
        return S3P_SE_INTERNAL;
    enum s3p_srv_error e = add_parts(t, req, &a);
    s3p_md5_end(&a.md5, object->md5);
    uint8_t sum[S3P_SRV_SUM_MAX];
    (void)s3p_srv_sum_end(&a.composite, sum);
    if (object->composite)
        memcpy(object->sum, sum, sizeof sum);
    if (t->rc != 0 || !s3p_buf_ok(a.parts))
        return S3P_SE_INTERNAL;
    object->parts = (struct s3p_str){a.parts->data, a.parts->len};
    return e == S3P_SE_NONE ? check_whole(req, object) : e;
}

static void remember(struct s3p_srv_txn *t, const struct s3p_srv_req *req)
{
    const struct s3p_srv_record *o = &req->made;
    struct s3p_srv_finished f;
    memset(&f, 0, sizeof f);
    named_digest(req, f.digest);
    f.seq = o->seq;
    f.n_parts = o->n_parts;
    memcpy(f.md5, o->md5, sizeof f.md5);
    memcpy(f.sum, o->sum, sizeof f.sum);
    f.sum_kind = o->sum_kind;
    f.sum_len = o->sum_len;
    f.composite = o->composite;
    f.versioned = o->versioned;
    s3p_srv_txn_edited(t, s3p_srv_finished_put(t->txn, &t->srv->store, req->upload, &f));
}

/* As the faults have it, where there are some. */
static enum s3p_srv_error joined(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                 struct s3p_srv_record *object, enum s3p_srv_error e)
{
    return S3P_SRV_UNLIKELY(t->srv->mutants != NULL) ? s3p_srv_mutants_joined(t, req, object, e)
                                                     : e;
}

/* Without an object when the faults drop it. */
static void store(struct s3p_srv_txn *t, struct s3p_srv_req *req, const struct s3p_srv_record *now,
                  struct s3p_srv_record *object)
{
    if (!req->write.drop)
        s3p_srv_txn_put(t, req->head.key, now, object);
    s3p_srv_upload_remove(t, req->bucket.id, req->head.key, req->upload,
                          req->write.drop ? NULL : &req->meta);
    remember(t, req);
}

static enum s3p_srv_error apply_complete(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_record upload, now;
    bool present;
    enum s3p_srv_error e = s3p_srv_upload_judge(t, req, &upload);
    if (e == S3P_SE_NO_UPLOAD && t->rc == 0)
        return joined(t, req, NULL, repeat(t, req));
    if (e != S3P_SE_NONE)
        return e;
    /* the first edit moves the record of the upload */
    struct s3p_buf *kept = &req->tags;
    s3p_buf_clear(kept);
    s3p_buf_view(kept, upload.meta);
    s3p_buf_view(kept, upload.tags);
    if (!s3p_buf_ok(kept))
        return S3P_SE_INTERNAL;
    struct s3p_srv_record object = {
        .sum_kind = upload.sum_kind,
        .composite = upload.composite,
        .meta = {kept->data, upload.meta.len},
        .tags = {kept->data + upload.meta.len, upload.tags.len},
        .lock = upload.lock,
    };
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL))
        s3p_srv_mutants_named(t, req);
    e = joined(t, req, &object, assemble(t, req, &object));
    if (e != S3P_SE_NONE)
        return e;
    e = s3p_srv_txn_judge(t, req, &now, &present);
    if (e != S3P_SE_NONE && !req->write.apply_anyway)
        return e;
    s3p_srv_txn_stamp(t, &object);
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL) && !req->write.drop)
        s3p_srv_mutants_made(t, req, present && !now.marker ? &now : NULL, &object);
    s3p_srv_lifecycle_made(t, req, &object);
    req->made = object;
    store(t, req, present ? &now : NULL, &object);
    return e;
}

static void reply_complete(struct s3p_srv_req *req)
{
    struct s3p_buf *b = &req->answer.body;
    char etag[S3P_SRV_ETAG_MAX];
    size_t n = s3p_srv_etag_text(etag, req->made.md5, req->made.n_parts);
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "CompleteMultipartUploadResult");
    s3p_srv_xml_text(b, "Location", req->head.path);
    s3p_srv_xml_text(b, "Bucket", req->head.bucket);
    s3p_srv_xml_text(b, "Key", req->head.key);
    s3p_srv_xml_text(b, "ETag", (struct s3p_str){etag, n});
    s3p_srv_xml_sum(b, &req->made);
    if (req->made.sum_len > 0)
        s3p_srv_xml_text(b, "ChecksumType", s3p_srv_sum_type(&req->made));
    s3p_srv_xml_close(b, "CompleteMultipartUploadResult");
    s3p_srv_answer_version(req, "x-amz-version-id", &req->made);
    s3p_srv_answer_xml(req);
}

void s3p_srv_complete_upload(struct s3p_srv_req *req)
{
    struct s3p_buf *body = &req->intake.memory;
    enum s3p_srv_error e =
        s3p_srv_xml_complete((struct s3p_str){body->data, body->len}, &req->meta);
    if (e != S3P_SE_NONE) {
        s3p_srv_answer_error(req, e);
        return;
    }
    if (S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL) &&
        s3p_srv_mutants_hold(req, apply_complete, reply_complete))
        return;
    s3p_srv_submit(req, apply_complete, reply_complete);
}
