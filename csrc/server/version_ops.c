/* PutBucketVersioning, GetBucketVersioning, ListObjectVersions. */
#include <string.h>

#include "server/commit.h"
#include "server/ids.h"
#include "server/lists.h"
#include "server/lock.h"
#include "server/ops.h"
#include "server/settings.h"
#include "server/versions.h"
#include "server/xml_read.h"
#include "server/xml_write.h"

static enum s3p_srv_error apply(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    enum s3p_srv_versioning wanted = (enum s3p_srv_versioning)req->meta.data[0];
    char location[S3P_SRV_LOCATION_MAX];
    if (!s3p_srv_txn_bucket(t, req))
        return S3P_SE_NO_BUCKET;
    struct s3p_str rules;
    if (wanted != S3P_SRV_VERSIONED &&
        s3p_srv_setting_get(t->txn, &t->srv->store, t->bucket.id, S3P_SRV_SET_REPLICATION,
                            &rules) == 0)
        return S3P_SE_BUCKET_STATE;
    struct s3p_srv_lock_rule rule;
    if (wanted != S3P_SRV_VERSIONED && s3p_srv_lock_of_bucket(t, &rule))
        return S3P_SE_LOCK_STATE;
    struct s3p_srv_bucket b = t->bucket;
    memcpy(location, b.location.p, b.location.len);
    b.location.p = location; /* it stood in the record that is written now */
    b.versioning = wanted;
    s3p_srv_txn_edited(t, s3p_srv_bucket_set(t->txn, &t->srv->store, req->head.bucket, &b));
    return S3P_SE_NONE;
}

static void reply(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 200);
}

void s3p_srv_put_versioning(struct s3p_srv_req *req)
{
    struct s3p_str body = {req->intake.memory.data, req->intake.memory.len};
    enum s3p_srv_versioning state;
    enum s3p_srv_error e = s3p_srv_xml_versioning(body, &state);
    s3p_buf_clear(&req->meta);
    s3p_buf_char(&req->meta, (char)state);
    if (e == S3P_SE_NONE && !s3p_buf_ok(&req->meta))
        e = S3P_SE_INTERNAL;
    if (e != S3P_SE_NONE)
        s3p_srv_answer_error(req, e);
    else
        s3p_srv_submit(req, apply, reply);
}

void s3p_srv_get_versioning(struct s3p_srv_req *req)
{
    static const char *const words[] = {NULL, "Enabled", "Suspended"};
    const char *word = words[req->bucket.versioning];
    struct s3p_buf *b = &req->answer.body;
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "VersioningConfiguration");
    if (word != NULL)
        s3p_srv_xml_text(b, "Status", (struct s3p_str){word, strlen(word)});
    s3p_srv_xml_close(b, "VersioningConfiguration");
    s3p_srv_answer_xml(req);
}

struct listing {
    struct s3p_srv_req *req;
    struct s3p_srv_pair_page page;
    struct s3p_srv_wanted marker;
};

static void add_entry(void *cls, const struct s3p_srv_pairs *pairs, const struct s3p_srv_record *r)
{
    const struct listing *l = cls;
    const struct s3p_srv_version_pairs *p = (const struct s3p_srv_version_pairs *)pairs;
    struct s3p_buf *b = &l->req->meta;
    const char *tag = r->marker ? "DeleteMarker" : "Version";
    char id[S3P_SRV_ID_BYTES];
    s3p_srv_xml_open(b, tag);
    s3p_srv_xml_name(b, "Key", pairs->key, l->page.url);
    s3p_srv_xml_text(b, "VersionId", (struct s3p_str){id, s3p_srv_version_text(id, r)});
    s3p_srv_xml_bool(b, "IsLatest", p->latest);
    s3p_srv_xml_time(b, "LastModified", r->mtime_wall_ns);
    if (!r->marker) {
        s3p_srv_xml_etag(b, r);
        s3p_srv_xml_sum_kind(b, r);
        s3p_srv_xml_u64(b, "Size", r->size);
        s3p_buf_str(b, "<StorageClass>STANDARD</StorageClass>");
    }
    s3p_srv_xml_owner(b, "Owner");
    s3p_srv_xml_close(b, tag);
}

static bool parse(struct listing *l)
{
    struct s3p_srv_req *req = l->req;
    struct s3p_str id = s3p_srv_arg_value(req, "version-id-marker");
    l->page.prefix = s3p_srv_arg_or_empty(req, "prefix");
    l->page.delimiter = s3p_srv_arg_or_empty(req, "delimiter");
    l->page.after = s3p_srv_arg_or_empty(req, "key-marker");
    if (id.p != NULL && id.len == 0)
        id.p = NULL;
    if (!s3p_srv_wanted_parse(id, &l->marker) || (id.p != NULL && l->page.after.len == 0))
        return false;
    l->page.inside = l->marker.given;
    l->page.number = ~l->marker.seq;
    return s3p_srv_list_encoding(req, &l->page.url) && l->page.after.len <= S3P_SRV_KEY_MAX &&
           l->page.prefix.len <= S3P_SRV_KEY_MAX &&
           s3p_srv_list_max(s3p_srv_arg_value(req, "max-keys"), S3P_SRV_LIST_MAX, &l->page.max);
}

/* Where the null version of the marker's key is; gone, the key is listed anew: twice is better than
 * never. Pages of this store name places by ids, which never go. */
static int place_null(struct listing *l, MDB_txn *txn, const struct s3p_srv_store *s)
{
    struct s3p_srv_record r;
    bool current;
    if (!l->marker.null)
        return 0;
    int rc =
        s3p_srv_version_find(txn, s, l->req->bucket.id, l->page.after, &l->marker, &r, &current);
    l->page.number = rc == 0 ? ~r.seq : 0;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int walk(struct listing *l, MDB_txn *txn, const struct s3p_srv_store *s)
{
    struct s3p_srv_version_pairs pairs;
    int rc = place_null(l, txn, s);
    if (rc == 0)
        rc = s3p_srv_version_pairs_open(&pairs, txn, s, l->req->bucket.id);
    if (rc != 0)
        return rc;
    rc = s3p_srv_pair_page_walk(&l->page, &pairs.base, add_entry, l);
    s3p_srv_version_pairs_close(&pairs);
    return rc;
}

static void answer(const struct listing *l)
{
    struct s3p_buf *b = &l->req->answer.body;
    const struct s3p_srv_pair_page *page = &l->page;
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "ListVersionsResult");
    s3p_srv_xml_text(b, "Name", l->req->head.bucket);
    s3p_srv_xml_name(b, "Prefix", page->prefix, page->url);
    s3p_srv_xml_name(b, "KeyMarker", page->after, page->url);
    s3p_srv_xml_text(b, "VersionIdMarker", s3p_srv_arg_or_empty(l->req, "version-id-marker"));
    if (page->truncated) {
        s3p_srv_xml_name(b, "NextKeyMarker", (struct s3p_str){page->last, page->last_len},
                         page->url);
        if (!page->at_prefix) {
            char id[S3P_SRV_ID_BYTES];
            s3p_srv_id_text(id, ~page->last_number);
            s3p_srv_xml_text(b, "NextVersionIdMarker", (struct s3p_str){id, sizeof id});
        }
    }
    if (page->delimiter.len > 0)
        s3p_srv_xml_name(b, "Delimiter", page->delimiter, page->url);
    if (page->url)
        s3p_srv_xml_text(b, "EncodingType", S3P_STR("url"));
    s3p_srv_xml_u64(b, "MaxKeys", page->max);
    s3p_srv_xml_bool(b, "IsTruncated", page->truncated);
    s3p_buf_add(b, l->req->meta.data, l->req->meta.len);
    s3p_buf_add(b, l->req->intake.memory.data, l->req->intake.memory.len);
    s3p_srv_xml_close(b, "ListVersionsResult");
    s3p_srv_answer_xml(l->req);
}

void s3p_srv_list_versions(struct s3p_srv_req *req)
{
    /* the common prefixes stand behind the entries */
    struct listing l = {.req = req, .page.common = &req->intake.memory};
    struct s3p_srv_view *v = &req->loop->view;
    s3p_buf_clear(&req->intake.memory);
    if (!parse(&l)) {
        s3p_srv_answer_error(req, S3P_SE_ARGUMENT);
        return;
    }
    if (!s3p_srv_view_begin(v)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    int rc = walk(&l, v->txn, v->store);
    s3p_srv_view_end(v);
    if (rc != 0 || !s3p_buf_ok(&req->meta) || !s3p_buf_ok(&req->intake.memory))
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
    else
        answer(&l);
}
