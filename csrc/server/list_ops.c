/* ListObjects and ListObjectsV2. */
#include <string.h>

#include "server/list_page.h"
#include "server/lists.h"
#include "server/mutants.h"
#include "server/ops.h"
#include "server/xml_write.h"

struct listing {
    struct s3p_srv_req *req;
    struct s3p_srv_page page;
    struct s3p_str position; /* marker or start-after, as asked */
    struct s3p_str token;    /* as asked; .p NULL without */
    bool v2, url, owner;
};

static bool parse(struct listing *l)
{
    struct s3p_srv_req *req = l->req;
    l->page.prefix = s3p_srv_arg_or_empty(req, "prefix");
    l->page.delimiter = s3p_srv_arg_or_empty(req, "delimiter");
    l->position = s3p_srv_arg_or_empty(req, l->v2 ? "start-after" : "marker");
    l->page.after = l->position;
    l->owner = !l->v2 || s3p_str_eq(s3p_srv_arg_or_empty(req, "fetch-owner"), "true");
    if (!s3p_srv_list_max(s3p_srv_arg_value(req, "max-keys"), S3P_SRV_LIST_MAX,
                          &l->page.max_keys) ||
        !s3p_srv_list_encoding(req, &l->url))
        return false;
    if (!l->v2)
        return true;
    if (!s3p_str_eq(s3p_srv_arg_value(req, "list-type"), "2"))
        return false;
    l->token = s3p_srv_arg_value(req, "continuation-token");
    if (l->token.p == NULL)
        return true;
    /* a token wins over start-after */
    if (!s3p_srv_token_read(l->token, req->loop->srv->keys.secret_key, &req->intake.memory))
        return false;
    l->page.after = (struct s3p_str){req->intake.memory.data, req->intake.memory.len};
    return true;
}

static void add_name(const struct listing *l, struct s3p_buf *out, const char *tag,
                     struct s3p_str text)
{
    s3p_srv_xml_name(out, tag, text, l->url);
}

static void add_key(void *cls, struct s3p_str key, const struct s3p_srv_record *r)
{
    const struct listing *l = cls;
    struct s3p_buf *b = &l->req->answer.body;
    s3p_srv_xml_open(b, "Contents");
    add_name(l, b, "Key", key);
    s3p_srv_xml_time(b, "LastModified", r->mtime_wall_ns);
    s3p_srv_xml_etag(b, r);
    s3p_srv_xml_sum_kind(b, r);
    s3p_srv_xml_u64(b, "Size", r->size);
    if (l->owner)
        s3p_srv_xml_owner(b, "Owner");
    s3p_buf_str(b, "<StorageClass>STANDARD</StorageClass></Contents>");
}

static void add_common(void *cls, struct s3p_str prefix)
{
    const struct listing *l = cls;
    struct s3p_buf *b = &l->req->meta; /* they stand behind the keys */
    s3p_srv_xml_common(b, prefix, l->url);
}

static void add_question(const struct listing *l)
{
    struct s3p_buf *b = &l->req->answer.body;
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "ListBucketResult");
    s3p_srv_xml_text(b, "Name", l->req->head.bucket);
    add_name(l, b, "Prefix", l->page.prefix);
    if (!l->v2)
        add_name(l, b, "Marker", l->position);
    else if (l->position.len > 0)
        add_name(l, b, "StartAfter", l->position);
    if (l->token.p != NULL)
        s3p_srv_xml_text(b, "ContinuationToken", l->token);
    s3p_srv_xml_u64(b, "MaxKeys", l->page.max_keys);
    if (l->page.delimiter.len > 0)
        add_name(l, b, "Delimiter", l->page.delimiter);
    if (l->url)
        s3p_srv_xml_text(b, "EncodingType", S3P_STR("url"));
}

static void add_result(const struct listing *l)
{
    struct s3p_buf *b = &l->req->answer.body;
    struct s3p_str last = {l->page.last, l->page.last_len};
    s3p_buf_add(b, l->req->meta.data, l->req->meta.len);
    if (l->v2)
        s3p_srv_xml_u64(b, "KeyCount", l->page.count);
    s3p_srv_xml_bool(b, "IsTruncated", l->page.truncated);
    if (l->page.truncated && l->v2) {
        s3p_srv_xml_open(b, "NextContinuationToken");
        s3p_srv_token_make(b, last, l->req->loop->srv->keys.secret_key);
        s3p_srv_xml_close(b, "NextContinuationToken");
    } else if (l->page.truncated && l->page.delimiter.len > 0) {
        add_name(l, b, "NextMarker", last);
    }
    s3p_srv_xml_close(b, "ListBucketResult");
}

/* An empty page that is not the last: behind `after` no key stands before the one of a NUL more. */
static void go_on(struct s3p_srv_page *p)
{
    p->truncated = p->after.len < sizeof p->last;
    p->last_len = p->after.len + p->truncated;
    if (p->after.len > 0)
        memcpy(p->last, p->after.p, p->after.len);
    if (p->truncated)
        p->last[p->after.len] = 0;
}

static void list(struct s3p_srv_req *req, bool v2)
{
    struct listing l = {.req = req, .v2 = v2};
    struct s3p_srv_view *v = &req->loop->view;
    if (!parse(&l)) {
        s3p_srv_answer_error(req, S3P_SE_ARGUMENT);
        return;
    }
    add_question(&l);
    if (!s3p_srv_view_begin(v)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    unsigned asked = l.page.max_keys;
    if (S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL)) {
        enum s3p_srv_error e = s3p_srv_mutants_start(req, &l.page, v->txn);
        if (e != S3P_SE_NONE) {
            s3p_srv_view_end(v);
            s3p_srv_answer_error(req, e);
            return;
        }
    }
    int rc = s3p_srv_page_walk(&l.page, v->txn, v->store, req->bucket.id, add_key, add_common, &l);
    s3p_srv_view_end(v);
    if (S3P_SRV_UNLIKELY(l.page.max_keys == 0 && asked > 0))
        go_on(&l.page);
    if (rc != 0 || !s3p_buf_ok(&req->meta)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    add_result(&l);
    s3p_srv_answer_xml(req);
}

void s3p_srv_list_objects(struct s3p_srv_req *req)
{
    list(req, false);
}

void s3p_srv_list_objects_v2(struct s3p_srv_req *req)
{
    list(req, true);
}
