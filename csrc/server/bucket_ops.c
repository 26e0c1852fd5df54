#include <string.h>

#include "core/text.h"
#include "server/lock.h"
#include "server/multipart.h"
#include "server/ops.h"
#include "server/settings.h"
#include "server/tables.h"
#include "server/xml_read.h"
#include "server/xml_write.h"

static void list_names(struct s3p_srv_req *req, MDB_txn *txn)
{
    struct s3p_buf *b = &req->answer.body;
    MDB_cursor *cursor;
    MDB_val k, v;
    if (mdb_cursor_open(txn, req->loop->srv->store.buckets, &cursor) != 0) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "ListAllMyBucketsResult");
    s3p_buf_str(b, "<Owner><ID>s3prod</ID><DisplayName>s3prod</DisplayName></Owner><Buckets>");
    while (mdb_cursor_get(cursor, &k, &v, MDB_NEXT) == 0) {
        struct s3p_srv_bucket bucket;
        if (s3p_srv_bucket_decode(&bucket, &v) != 0)
            continue;
        s3p_srv_xml_open(b, "Bucket");
        s3p_srv_xml_text(b, "Name", (struct s3p_str){k.mv_data, k.mv_size});
        s3p_srv_xml_time(b, "CreationDate", bucket.created_wall_ns);
        s3p_srv_xml_close(b, "Bucket");
    }
    mdb_cursor_close(cursor);
    s3p_buf_str(b, "</Buckets></ListAllMyBucketsResult>");
    s3p_srv_answer_xml(req);
}

void s3p_srv_list_buckets(struct s3p_srv_req *req)
{
    struct s3p_srv_view *v = &req->loop->view;
    if (!s3p_srv_view_begin(v)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    list_names(req, v->txn);
    s3p_srv_view_end(v);
}

static enum s3p_srv_error apply_create(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_bucket b = {.id = s3p_srv_txn_seq(t),
                               .created_wall_ns = t->wall_ns,
                               .location = {req->meta.data, req->meta.len}};
    bool lock;
    enum s3p_srv_error e = s3p_srv_lock_wanted(&req->head, &lock);
    if (e != S3P_SE_NONE)
        return e;
    if (lock)
        b.versioning = S3P_SRV_VERSIONED;
    int rc = s3p_srv_bucket_put(t->txn, &t->srv->store, req->head.bucket, &b);
    if (rc == MDB_KEYEXIST)
        return S3P_SE_BUCKET_EXISTS;
    t->rc = rc;
    t->changed = true;
    if (lock && rc == 0)
        s3p_srv_lock_begin(t, b.id);
    return S3P_SE_NONE;
}

static void reply_create(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 200);
    s3p_srv_answer_field(req, "Location", req->head.path);
}

void s3p_srv_create_bucket(struct s3p_srv_req *req)
{
    struct s3p_buf *body = &req->intake.memory;
    enum s3p_srv_error e = S3P_SE_NONE;
    if (body->len > 0)
        e = s3p_srv_xml_create_bucket((struct s3p_str){body->data, body->len}, &req->meta);
    if (e != S3P_SE_NONE)
        s3p_srv_answer_error(req, e);
    else
        s3p_srv_submit(req, apply_create, reply_create);
}

void s3p_srv_head_bucket(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 200);
    s3p_srv_answer_field(req, "x-amz-bucket-region", S3P_STR("us-east-1"));
}

void s3p_srv_bucket_location(struct s3p_srv_req *req)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_srv_bucket bucket;
    struct s3p_buf *b = &req->answer.body;
    if (!s3p_srv_view_begin(v)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    int rc = s3p_srv_bucket_get(v->txn, v->store, req->head.bucket, &bucket);
    if (rc == 0) {
        s3p_buf_str(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        s3p_srv_xml_text(b, "LocationConstraint", bucket.location);
    }
    s3p_srv_view_end(v);
    if (rc != 0)
        s3p_srv_answer_error(req, rc == MDB_NOTFOUND ? S3P_SE_NO_BUCKET : S3P_SE_INTERNAL);
    else
        s3p_srv_answer_xml(req);
}

static enum s3p_srv_error apply_delete(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_bucket b;
    bool empty = false;
    int rc = s3p_srv_bucket_get(t->txn, &t->srv->store, req->head.bucket, &b);
    if (rc == MDB_NOTFOUND)
        return S3P_SE_NO_BUCKET;
    if (rc == 0)
        rc = s3p_srv_table_empty(t->txn, t->srv->store.current, b.id, &empty);
    if (rc == 0 && !empty)
        return S3P_SE_BUCKET_NOT_EMPTY;
    if (rc == 0) {
        MDB_val k = {req->head.bucket.len, (void *)(uintptr_t)req->head.bucket.p};
        s3p_srv_uploads_drop(t, b.id); /* no id leads to them any more */
        s3p_srv_txn_edited(t, s3p_srv_settings_drop(t->txn, &t->srv->store, b.id));
        s3p_srv_txn_edited(t, mdb_del(t->txn, t->srv->store.buckets, &k, NULL));
    } else {
        t->rc = rc;
    }
    return S3P_SE_NONE;
}

static void reply_delete(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 204);
}

void s3p_srv_delete_bucket(struct s3p_srv_req *req)
{
    s3p_srv_submit(req, apply_delete, reply_delete);
}
