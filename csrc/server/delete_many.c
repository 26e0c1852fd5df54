/* DeleteObjects: not atomic over its keys, but each key is. */
#include <string.h>

#include "server/commit.h"
#include "server/ops.h"
#include "server/sums.h"
#include "server/xml_read.h"
#include "server/xml_write.h"

enum s3p_srv_error s3p_srv_delete_objects_check(struct s3p_srv_req *req)
{
    enum s3p_srv_error e = s3p_srv_conditions_none(&req->conditions);
    return e == S3P_SE_NONE ? s3p_srv_body_summed(&req->head) : e;
}

/* The next key of the list; false at its end. */
static bool next_key(const struct s3p_buf *keys, size_t *at, struct s3p_str *key)
{
    uint32_t len;
    if (keys->len - *at < sizeof len)
        return false;
    memcpy(&len, keys->data + *at, sizeof len);
    *key = (struct s3p_str){keys->data + *at + sizeof len, len};
    *at += sizeof len + len;
    return true;
}

static enum s3p_srv_error apply(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_bucket b;
    struct s3p_str key;
    int rc = s3p_srv_bucket_get(t->txn, &t->srv->store, req->head.bucket, &b);
    if (rc == MDB_NOTFOUND || (rc == 0 && b.id != req->bucket.id))
        return S3P_SE_NO_BUCKET;
    t->rc = rc;
    for (size_t at = 0; t->rc == 0 && next_key(&req->meta, &at, &key);) {
        struct s3p_srv_record now;
        if (s3p_srv_txn_current(t, req->bucket.id, key, &now))
            s3p_srv_txn_del(t, req->bucket.id, key, &now);
    }
    return S3P_SE_NONE;
}

static void reply(struct s3p_srv_req *req, bool quiet)
{
    struct s3p_buf *b = &req->answer.body;
    struct s3p_str key;
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "DeleteResult");
    for (size_t at = 0; !quiet && next_key(&req->meta, &at, &key);) {
        s3p_srv_xml_open(b, "Deleted");
        s3p_srv_xml_text(b, "Key", key);
        s3p_srv_xml_close(b, "Deleted");
    }
    s3p_srv_xml_close(b, "DeleteResult");
    s3p_srv_answer_xml(req);
}

static void reply_all(struct s3p_srv_req *req)
{
    reply(req, false);
}

static void reply_quiet(struct s3p_srv_req *req)
{
    reply(req, true);
}

void s3p_srv_delete_objects(struct s3p_srv_req *req)
{
    struct s3p_srv_delete_doc doc = {.keys = &req->meta};
    enum s3p_srv_error e =
        s3p_srv_xml_delete((struct s3p_str){req->intake.memory.data, req->intake.memory.len}, &doc);
    if (e == S3P_SE_NONE && (doc.versions || doc.etags))
        e = S3P_SE_NOT_IMPLEMENTED;
    if (e != S3P_SE_NONE)
        s3p_srv_answer_error(req, e);
    else
        s3p_srv_submit(req, apply, doc.quiet ? reply_quiet : reply_all);
}
