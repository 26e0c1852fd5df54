/* CreateMultipartUpload, UploadPart, AbortMultipartUpload. */
#include "server/multipart.h"

#include <string.h>

#include "core/text.h"
#include "server/ids.h"
#include "server/lock.h"
#include "server/mutants.h"
#include "server/ops.h"
#include "server/tags.h"
#include "server/writes.h"
#include "server/xml_write.h"

bool s3p_srv_part_number(struct s3p_str text, uint32_t *out)
{
    uint64_t v;
    bool ok = s3p_parse_u64(text.p, text.len, &v) && v >= 1 && v <= S3P_SRV_PARTS_MAX;
    *out = ok ? (uint32_t)v : 0;
    return ok;
}

/* The declared algorithm and type; without one CRC64NVME of the whole, as S3 does. */
static enum s3p_srv_error read_sums(const struct s3p_srv_head *h, struct s3p_srv_record *out)
{
    struct s3p_str name = s3p_srv_head_get(h, "x-amz-checksum-algorithm");
    struct s3p_str type = s3p_srv_head_get(h, "x-amz-checksum-type");
    enum s3p_srv_sum_kind kind = name.p != NULL ? s3p_srv_sum_named(name) : S3P_SRV_SUM_CRC64NVME;
    bool composite = s3p_str_eq(type, "COMPOSITE"), full = s3p_str_eq(type, "FULL_OBJECT");
    if (type.p == NULL) {
        composite = s3p_srv_sum_allows(kind, true);
        full = !composite;
    }
    if (kind == S3P_SRV_SUM_NONE || (!composite && !full) || (type.p != NULL && name.p == NULL) ||
        !s3p_srv_sum_allows(kind, composite))
        return S3P_SE_SUM_TYPE;
    out->sum_kind = (uint8_t)kind;
    out->sum_len = name.p != NULL;
    out->composite = composite;
    return S3P_SE_NONE;
}

enum s3p_srv_error s3p_srv_create_upload_check(struct s3p_srv_req *req)
{
    struct s3p_srv_record sums;
    enum s3p_srv_error e = s3p_srv_conditions_none(&req->conditions);
    if (e == S3P_SE_NONE)
        e = read_sums(&req->head, &sums);
    if (e == S3P_SE_NONE)
        e = s3p_srv_collect_meta(req);
    if (e == S3P_SE_NONE)
        e = s3p_srv_collect_tags(req);
    return e == S3P_SE_NONE ? s3p_srv_lock_collect(req) : e;
}

static enum s3p_srv_error apply_create(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    char pair[S3P_SRV_PAIR_MAX];
    struct s3p_srv_record u = {.mtime_wall_ns = t->wall_ns,
                               .meta = {req->meta.data, req->meta.len},
                               .tags = {req->tags.data, req->tags.len},
                               .lock = req->lock};
    if (!s3p_srv_txn_bucket(t, req))
        return S3P_SE_NO_BUCKET;
    enum s3p_srv_error e = read_sums(&req->head, &u);
    if (e == S3P_SE_NONE)
        e = s3p_srv_lock_asked(t, req);
    if (e != S3P_SE_NONE)
        return e;
    u.seq = s3p_srv_txn_seq(t);
    s3p_buf_clear(&t->scratch);
    s3p_srv_record_encode(&t->scratch, &u);
    s3p_srv_txn_edited(t,
                       !s3p_buf_ok(&t->scratch)
                           ? MDB_MAP_FULL
                           : s3p_srv_table_put(t->txn, t->srv->store.uploads, req->bucket.id,
                                               s3p_srv_pair(pair, req->head.key, u.seq),
                                               (struct s3p_str){t->scratch.data, t->scratch.len}));
    req->made = u;
    return S3P_SE_NONE;
}

static void reply_create(struct s3p_srv_req *req)
{
    struct s3p_buf *b = &req->answer.body;
    char id[S3P_SRV_ID_BYTES];
    s3p_srv_id_text(id, req->made.seq);
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "InitiateMultipartUploadResult");
    s3p_srv_xml_text(b, "Bucket", req->head.bucket);
    s3p_srv_xml_text(b, "Key", req->head.key);
    s3p_srv_xml_text(b, "UploadId", (struct s3p_str){id, sizeof id});
    s3p_srv_xml_close(b, "InitiateMultipartUploadResult");
    if (req->made.sum_len > 0) {
        const char *kind = s3p_srv_sum_element((enum s3p_srv_sum_kind)req->made.sum_kind);
        s3p_srv_answer_field(req, "x-amz-checksum-algorithm", (struct s3p_str){kind, strlen(kind)});
        s3p_srv_answer_field(req, "x-amz-checksum-type", s3p_srv_sum_type(&req->made));
    }
    s3p_srv_answer_xml(req);
}

void s3p_srv_create_upload(struct s3p_srv_req *req)
{
    s3p_srv_submit(req, apply_create, reply_create);
}

enum s3p_srv_error s3p_srv_upload_check(struct s3p_srv_req *req)
{
    const struct s3p_srv_arg *id = s3p_srv_head_arg(&req->head, "uploadId");
    enum s3p_srv_error e = s3p_srv_conditions_none(&req->conditions);
    if (e != S3P_SE_NONE)
        return e;
    return id != NULL && s3p_srv_id_parse(id->value, &req->upload) ? S3P_SE_NONE : S3P_SE_NO_UPLOAD;
}

enum s3p_srv_error s3p_srv_upload_look(struct s3p_srv_req *req, struct s3p_srv_record *upload)
{
    struct s3p_srv_view *v = &req->loop->view;
    if (!s3p_srv_view_begin(v))
        return S3P_SE_INTERNAL;
    int rc =
        s3p_srv_upload_get(v->txn, v->store, req->bucket.id, req->head.key, req->upload, upload);
    s3p_srv_view_end(v);
    upload->meta = upload->tags = upload->body = S3P_STR("");
    return rc == 0 ? S3P_SE_NONE : rc == MDB_NOTFOUND ? S3P_SE_NO_UPLOAD : S3P_SE_INTERNAL;
}

/* Refuses early what is already wrong, and learns which checksum the upload wants. */
enum s3p_srv_error s3p_srv_upload_part_check(struct s3p_srv_req *req)
{
    const struct s3p_srv_arg *number = s3p_srv_head_arg(&req->head, "partNumber");
    enum s3p_srv_sum_kind given;
    uint8_t value[S3P_SRV_SUM_MAX];
    struct s3p_srv_record upload;
    if (number == NULL || !s3p_srv_part_number(number->value, &req->part_number))
        return S3P_SE_PART_NUMBER;
    enum s3p_srv_error e = s3p_srv_upload_check(req);
    if (e == S3P_SE_NONE)
        e = s3p_srv_upload_look(req, &upload);
    if (e == S3P_SE_NONE)
        e = s3p_srv_sum_parse(&req->head, &given, value);
    if (e != S3P_SE_NONE)
        return e;
    if (given == S3P_SRV_SUM_NONE)
        given = s3p_srv_sum_announced(&req->head);
    req->intake.sum_wanted = (enum s3p_srv_sum_kind)upload.sum_kind;
    return given != S3P_SRV_SUM_NONE && upload.sum_len > 0 && given != req->intake.sum_wanted
               ? S3P_SE_SUM_TYPE
               : S3P_SE_NONE;
}

/* The upload of the request, inside the transaction. */
enum s3p_srv_error s3p_srv_upload_judge(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                        struct s3p_srv_record *upload)
{
    if (!s3p_srv_txn_bucket(t, req))
        return S3P_SE_NO_BUCKET;
    int rc = s3p_srv_upload_get(t->txn, &t->srv->store, req->bucket.id, req->head.key, req->upload,
                                upload);
    if (rc == 0)
        return S3P_SE_NONE;
    if (rc != MDB_NOTFOUND)
        t->rc = rc;
    return S3P_SE_NO_UPLOAD;
}

/* In place of the part that had its number. */
static void store_part(struct s3p_srv_txn *t, struct s3p_srv_req *req, struct s3p_srv_record *part)
{
    const struct s3p_srv_store *s = &t->srv->store;
    struct s3p_srv_record before;
    int rc = s3p_srv_part_get(t->txn, s, req->upload, req->part_number, &before);
    if (rc == 0 && S3P_SRV_UNLIKELY(t->srv->mutants != NULL))
        s3p_srv_mutants_parted(t, req, &before, part);
    if (rc == 0)
        s3p_srv_txn_replaced(t, &before);
    else if (rc != MDB_NOTFOUND)
        t->rc = rc;
    s3p_buf_clear(&t->scratch);
    s3p_srv_record_encode(&t->scratch, part);
    s3p_srv_txn_edited(t, s3p_buf_ok(&t->scratch)
                              ? s3p_srv_part_put(t->txn, s, req->upload, req->part_number,
                                                 (struct s3p_str){t->scratch.data, t->scratch.len})
                              : MDB_MAP_FULL);
    req->made = *part;
}

enum s3p_srv_error s3p_srv_apply_part(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_intake *in = &req->intake;
    struct s3p_srv_record upload;
    enum s3p_srv_error e = s3p_srv_upload_judge(t, req, &upload);
    if (e != S3P_SE_NONE)
        return e;
    struct s3p_srv_record part = {
        .seq = req->upload,
        .mtime_wall_ns = t->wall_ns,
        .size = in->got,
        .in_file = in->staged,
        .body_id = in->staged ? in->body_id : 0,
        .sum_kind = (uint8_t)in->sum_state.kind,
        .sum_len = (uint8_t)in->sum_len,
    };
    memcpy(part.md5, in->md5, sizeof part.md5);
    memcpy(part.sum, in->sum, sizeof part.sum);
    s3p_buf_clear(&req->meta);
    if (in->two_sums) {
        char kind = (char)in->sum_given;
        s3p_srv_meta_add(&req->meta, (struct s3p_str){&kind, 1},
                         (struct s3p_str){(const char *)in->given, in->given_len});
        part.meta = (struct s3p_str){req->meta.data, req->meta.len};
    }
    store_part(t, req, &part);
    return S3P_SE_NONE;
}

static void reply_part(struct s3p_srv_req *req)
{
    const struct s3p_srv_intake *in = &req->intake;
    char text[4 * ((S3P_SRV_SUM_MAX + 2) / 3)];
    bool two = in->two_sums;
    size_t n = s3p_base64(text, two ? in->given : in->sum, two ? in->given_len : in->sum_len);
    s3p_srv_answer_status(req, 200);
    s3p_srv_answer_etag(req, req->made.md5, 0);
    s3p_srv_answer_field(req, s3p_srv_sum_header(two ? in->sum_given : in->sum_state.kind),
                         (struct s3p_str){text, n});
}

void s3p_srv_upload_part(struct s3p_srv_req *req)
{
    s3p_srv_submit(req, s3p_srv_apply_part, reply_part);
}

/* Removes the upload and its parts; the bodies of the parts in `keep` go on with the object. */
void s3p_srv_upload_remove(struct s3p_srv_txn *t, uint64_t bucket, struct s3p_str key, uint64_t seq,
                           const struct s3p_buf *keep)
{
    struct s3p_srv_parts_walk w;
    char pair[S3P_SRV_PAIR_MAX];
    const struct s3p_srv_named_part *kept = keep != NULL ? (const void *)keep->data : NULL;
    size_t i = 0, n = keep != NULL ? keep->len / sizeof *kept : 0;
    int rc = s3p_srv_parts_walk_open(&w, t->txn, &t->srv->store, seq);
    if (rc != 0) {
        s3p_srv_txn_edited(t, rc);
        return;
    }
    for (rc = s3p_srv_parts_walk_seek(&w, 0); rc == 0; rc = s3p_srv_parts_walk_seek(&w, 0)) {
        while (i < n && kept[i].number < w.number)
            i++;
        if (i == n || kept[i].number != w.number)
            s3p_srv_txn_replaced(t, &w.part);
        if ((rc = mdb_cursor_del(w.cursor, 0)) != 0)
            break;
    }
    s3p_srv_parts_walk_close(&w);
    if (rc == MDB_NOTFOUND)
        rc = s3p_srv_table_del(t->txn, t->srv->store.uploads, bucket, s3p_srv_pair(pair, key, seq));
    s3p_srv_txn_edited(t, rc);
}

static enum s3p_srv_error apply_abort(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_record upload;
    enum s3p_srv_error e = s3p_srv_upload_judge(t, req, &upload);
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL))
        e = s3p_srv_mutants_aborted(t, req, e);
    if (e == S3P_SE_NONE && !req->write.drop)
        s3p_srv_upload_remove(t, req->bucket.id, req->head.key, req->upload, NULL);
    t->leak = false;
    return e;
}

static void reply_abort(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 204);
}

void s3p_srv_abort_upload(struct s3p_srv_req *req)
{
    s3p_srv_submit(req, apply_abort, reply_abort);
}

/* One upload at a time: removing one ends the walk over them. */
void s3p_srv_uploads_drop(struct s3p_srv_txn *t, uint64_t bucket)
{
    for (int rc = 0; rc == 0 && t->rc == 0;) {
        struct s3p_srv_walk w;
        struct s3p_str key;
        char bytes[S3P_SRV_KEY_MAX];
        uint64_t seq;
        rc = s3p_srv_walk_open(&w, t->txn, t->srv->store.uploads, bucket);
        if (rc == 0) {
            rc = s3p_srv_walk_seek(&w, S3P_STR(""));
            if (rc == 0 && s3p_srv_pair_split(w.key, &key, &seq)) {
                memcpy(bytes, key.p, key.len);
                key.p = bytes;
            }
            s3p_srv_walk_close(&w);
        }
        if (rc == 0)
            s3p_srv_upload_remove(t, bucket, key, seq, NULL);
        else if (rc != MDB_NOTFOUND)
            t->rc = rc;
    }
}
