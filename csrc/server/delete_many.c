/* DeleteObjects: not atomic over its keys, but each key is. */
#include "server/delete_many.h"

#include <string.h>

#include "server/lock.h"
#include "server/mutants.h"
#include "server/ops.h"
#include "server/sums.h"
#include "server/versions.h"
#include "server/xml_read.h"
#include "server/xml_write.h"

enum s3p_srv_error s3p_srv_delete_objects_check(struct s3p_srv_req *req)
{
    enum s3p_srv_error e = s3p_srv_conditions_none(&req->conditions);
    return e == S3P_SE_NONE ? s3p_srv_body_summed(&req->head) : e;
}

bool s3p_srv_batch_next(const struct s3p_buf *keys, size_t *at, struct s3p_srv_batch_key *out)
{
    struct s3p_srv_delete_entry e;
    if (keys->len - *at < sizeof e)
        return false;
    memcpy(&e, keys->data + *at, sizeof e);
    const char *p = keys->data + *at + sizeof e;
    out->key = (struct s3p_str){p, e.key_len};
    out->version = (struct s3p_str){e.has_version ? p + e.key_len : NULL, e.version_len};
    out->etag = (struct s3p_str){e.has_etag ? p + e.key_len + e.version_len : NULL, e.etag_len};
    *at += sizeof e + e.key_len + e.version_len + e.etag_len;
    return true;
}

/* Of a record that went, or the marker that came. */
static struct s3p_srv_batch_result of_record(const struct s3p_srv_record *r)
{
    return (struct s3p_srv_batch_result){
        .error = S3P_SE_NONE, .marker = r->marker, .versioned = r->versioned, .seq = r->seq};
}

static struct s3p_srv_batch_result delete_version(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                                  const struct s3p_srv_batch_key *e)
{
    struct s3p_srv_wanted wanted;
    struct s3p_srv_record gone;
    struct s3p_srv_batch_result r = {.error = S3P_SE_NONE};
    if (!s3p_srv_wanted_parse(e->version, &wanted))
        r.error = S3P_SE_VERSION_FORM;
    else if (e->etag.p != NULL)
        r.error = S3P_SE_NOT_IMPLEMENTED; /* the condition is on the current version only */
    else
        r.error = s3p_srv_lock_judge(t, req, e->key, &wanted);
    if (r.error != S3P_SE_NONE)
        return r;
    if ((t->srv->mutants == NULL || !s3p_srv_mutants_remove(t, req, e->key, &wanted)) &&
             s3p_srv_versions_remove(t, e->key, &wanted, &gone))
        r = of_record(&gone);
    return r;
}

struct s3p_srv_batch_result s3p_srv_batch_delete(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                                 const struct s3p_srv_batch_key *e)
{
    struct s3p_srv_conditions c = {.if_match = e->etag};
    struct s3p_srv_record now, made;
    if (e->version.p != NULL)
        return delete_version(t, req, e);
    bool present = s3p_srv_txn_current(t, t->bucket.id, e->key, &now);
    const struct s3p_srv_record *live = present && !now.marker ? &now : NULL;
    struct s3p_srv_batch_result r = {.error = s3p_srv_conditions_write(&c, live)};
    if (r.error != S3P_SE_NONE || t->rc != 0)
        return r;
    s3p_srv_txn_del(t, e->key, present ? &now : NULL, &made);
    return of_record(&made);
}

static enum s3p_srv_error apply(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_batch_key e;
    struct s3p_buf *results = &req->intake.memory; /* the document has been read */
    if (!s3p_srv_txn_bucket(t, req))
        return S3P_SE_NO_BUCKET;
    s3p_buf_clear(results);
    for (size_t at = 0; t->rc == 0 && s3p_srv_batch_next(&req->meta, &at, &e);) {
        struct s3p_srv_batch_result r;
        bool done = S3P_SRV_UNLIKELY(t->srv->mutants != NULL) &&
                    s3p_srv_mutants_of_batch(t, req, &e, &r);
        if (!done)
            r = s3p_srv_batch_delete(t, req, &e);
        s3p_buf_add(results, &r, sizeof r);
    }
    if (!s3p_buf_ok(results) && t->rc == 0)
        t->rc = MDB_MAP_FULL;
    return req->write.apply_anyway ? S3P_SE_XML : S3P_SE_NONE;
}

static void add_deleted(struct s3p_buf *b, const struct s3p_srv_batch_key *e,
                        const struct s3p_srv_batch_result *r)
{
    s3p_srv_xml_open(b, "Deleted");
    s3p_srv_xml_text(b, "Key", e->key);
    if (e->version.p != NULL)
        s3p_srv_xml_text(b, "VersionId", e->version);
    if (r->marker) {
        struct s3p_srv_record marker = {.seq = r->seq, .versioned = r->versioned};
        char id[32];
        s3p_srv_xml_bool(b, "DeleteMarker", true);
        s3p_srv_xml_text(b, "DeleteMarkerVersionId",
                         (struct s3p_str){id, s3p_srv_version_text(id, &marker)});
    }
    s3p_srv_xml_close(b, "Deleted");
}

static void add_error(struct s3p_buf *b, const struct s3p_srv_batch_key *e,
                      enum s3p_srv_error error)
{
    const struct s3p_srv_error_row *row = s3p_srv_error_row(error);
    s3p_srv_xml_open(b, "Error");
    s3p_srv_xml_text(b, "Key", e->key);
    if (e->version.p != NULL)
        s3p_srv_xml_text(b, "VersionId", e->version);
    s3p_srv_xml_text(b, "Code", (struct s3p_str){row->code, strlen(row->code)});
    s3p_srv_xml_text(b, "Message", (struct s3p_str){row->message, strlen(row->message)});
    s3p_srv_xml_close(b, "Error");
}

static void reply(struct s3p_srv_req *req)
{
    struct s3p_buf *b = &req->answer.body;
    struct s3p_srv_batch_key e;
    size_t n = 0;
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "DeleteResult");
    for (size_t at = 0; s3p_srv_batch_next(&req->meta, &at, &e); n++) {
        struct s3p_srv_batch_result r;
        memcpy(&r, req->intake.memory.data + n * sizeof r, sizeof r);
        if (r.unsaid)
            continue;
        if (r.error != S3P_SE_NONE)
            add_error(b, &e, r.error);
        else if (!req->write.quiet || r.said)
            add_deleted(b, &e, &r);
    }
    s3p_srv_xml_close(b, "DeleteResult");
    s3p_srv_answer_xml(req);
}

void s3p_srv_delete_objects(struct s3p_srv_req *req)
{
    struct s3p_srv_delete_doc doc = {.keys = &req->meta};
    enum s3p_srv_error e =
        s3p_srv_xml_delete((struct s3p_str){req->intake.memory.data, req->intake.memory.len}, &doc);
    if (e == S3P_SE_NONE && doc.conditions)
        e = S3P_SE_NOT_IMPLEMENTED;
    req->write.quiet = doc.quiet;
    if (e != S3P_SE_NONE && !req->write.apply_anyway)
        s3p_srv_answer_error(req, e);
    else
        s3p_srv_submit(req, apply, reply);
}
