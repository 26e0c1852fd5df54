/* ListParts and ListMultipartUploads. */
#include "core/text.h"
#include "server/ids.h"
#include "server/lists.h"
#include "server/multipart.h"
#include "server/ops.h"
#include "server/pair_page.h"
#include "server/xml_write.h"

static void add_id(struct s3p_buf *b, const char *tag, uint64_t seq)
{
    char id[S3P_SRV_ID_BYTES];
    s3p_srv_id_text(id, seq);
    s3p_srv_xml_text(b, tag, (struct s3p_str){id, sizeof id});
}

static void add_part(struct s3p_buf *b, const struct s3p_srv_parts_walk *w)
{
    s3p_srv_xml_open(b, "Part");
    s3p_srv_xml_u64(b, "PartNumber", w->number);
    s3p_srv_xml_time(b, "LastModified", w->part.mtime_wall_ns);
    s3p_srv_xml_etag(b, &w->part);
    s3p_srv_xml_u64(b, "Size", w->part.size);
    s3p_srv_xml_sum(b, &w->part);
    s3p_srv_xml_close(b, "Part");
}

/* Parts behind `marker`, at most `max`, into req->meta; the last number. */
static int collect_parts(struct s3p_srv_req *req, MDB_txn *txn, uint32_t marker, unsigned max,
                         uint32_t *last, bool *truncated)
{
    struct s3p_srv_parts_walk w;
    unsigned n = 0;
    *last = marker;
    *truncated = false;
    int rc = s3p_srv_parts_walk_open(&w, txn, &req->loop->srv->store, req->upload);
    if (rc != 0)
        return rc;
    rc = max > 0 ? s3p_srv_parts_walk_seek(&w, marker + 1) : MDB_NOTFOUND;
    for (; rc == 0; rc = s3p_srv_parts_walk_next(&w)) {
        *truncated = n == max;
        if (n++ == max)
            break;
        *last = w.number;
        add_part(&req->meta, &w);
    }
    s3p_srv_parts_walk_close(&w);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool parse_parts(const struct s3p_srv_req *req, unsigned *marker, unsigned *max, bool *url)
{
    struct s3p_str after = s3p_srv_arg_value(req, "part-number-marker");
    if (!s3p_srv_list_encoding(req, url) ||
        !s3p_srv_list_max(s3p_srv_arg_value(req, "max-parts"), S3P_SRV_LIST_MAX, max))
        return false;
    *marker = 0;
    return after.p == NULL || s3p_srv_list_max(after, UINT32_MAX - 1, marker);
}

void s3p_srv_list_parts(struct s3p_srv_req *req)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_buf *b = &req->answer.body;
    struct s3p_srv_record upload;
    unsigned marker, max;
    uint32_t last;
    bool url, truncated;
    if (!parse_parts(req, &marker, &max, &url)) {
        s3p_srv_answer_error(req, S3P_SE_ARGUMENT);
        return;
    }
    if (!s3p_srv_view_begin(v)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    int rc =
        s3p_srv_upload_get(v->txn, v->store, req->bucket.id, req->head.key, req->upload, &upload);
    if (rc == 0)
        rc = collect_parts(req, v->txn, marker, max, &last, &truncated);
    s3p_srv_view_end(v);
    if (rc != 0 || !s3p_buf_ok(&req->meta)) {
        s3p_srv_answer_error(req, rc == MDB_NOTFOUND ? S3P_SE_NO_UPLOAD : S3P_SE_INTERNAL);
        return;
    }
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "ListPartsResult");
    s3p_srv_xml_text(b, "Bucket", req->head.bucket);
    s3p_srv_xml_name(b, "Key", req->head.key, url);
    add_id(b, "UploadId", req->upload);
    s3p_srv_xml_owner(b, "Initiator");
    s3p_srv_xml_owner(b, "Owner");
    s3p_buf_str(b, "<StorageClass>STANDARD</StorageClass>");
    s3p_srv_xml_sum_kind(b, &upload);
    s3p_srv_xml_u64(b, "PartNumberMarker", marker);
    s3p_srv_xml_u64(b, "NextPartNumberMarker", last);
    s3p_srv_xml_u64(b, "MaxParts", max);
    s3p_srv_xml_bool(b, "IsTruncated", truncated);
    s3p_buf_add(b, req->meta.data, req->meta.len);
    s3p_srv_xml_close(b, "ListPartsResult");
    s3p_srv_answer_xml(req);
}

struct listing {
    struct s3p_srv_req *req;
    struct s3p_srv_pair_page page;
};

static void add_upload(void *cls, const struct s3p_srv_pairs *p, const struct s3p_srv_record *r)
{
    const struct listing *l = cls;
    struct s3p_buf *b = &l->req->meta;
    s3p_srv_xml_open(b, "Upload");
    s3p_srv_xml_name(b, "Key", p->key, l->page.url);
    add_id(b, "UploadId", p->number);
    s3p_srv_xml_owner(b, "Initiator");
    s3p_srv_xml_owner(b, "Owner");
    s3p_buf_str(b, "<StorageClass>STANDARD</StorageClass>");
    s3p_srv_xml_time(b, "Initiated", r->mtime_wall_ns);
    s3p_srv_xml_sum_kind(b, r);
    s3p_srv_xml_close(b, "Upload");
}

static bool parse(struct listing *l)
{
    struct s3p_srv_req *req = l->req;
    struct s3p_str id = s3p_srv_arg_or_empty(req, "upload-id-marker");
    l->page.prefix = s3p_srv_arg_or_empty(req, "prefix");
    l->page.delimiter = s3p_srv_arg_or_empty(req, "delimiter");
    l->page.after = s3p_srv_arg_or_empty(req, "key-marker");
    /* without a key-marker the other one means nothing, as on AWS */
    l->page.inside = id.len > 0 && l->page.after.len > 0;
    if (l->page.inside && !s3p_srv_id_parse(id, &l->page.number))
        return false;
    return s3p_srv_list_encoding(req, &l->page.url) && l->page.after.len <= S3P_SRV_KEY_MAX &&
           l->page.prefix.len <= S3P_SRV_KEY_MAX &&
           s3p_srv_list_max(s3p_srv_arg_value(req, "max-uploads"), S3P_SRV_LIST_MAX, &l->page.max);
}

static void answer(const struct listing *l)
{
    struct s3p_buf *b = &l->req->answer.body;
    const struct s3p_srv_pair_page *page = &l->page;
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "ListMultipartUploadsResult");
    s3p_srv_xml_text(b, "Bucket", l->req->head.bucket);
    s3p_srv_xml_name(b, "KeyMarker", page->after, page->url);
    s3p_srv_xml_text(b, "UploadIdMarker", s3p_srv_arg_or_empty(l->req, "upload-id-marker"));
    if (page->truncated) {
        s3p_srv_xml_name(b, "NextKeyMarker", (struct s3p_str){page->last, page->last_len},
                         page->url);
        if (!page->at_prefix)
            add_id(b, "NextUploadIdMarker", page->last_number);
    }
    s3p_srv_xml_name(b, "Prefix", page->prefix, page->url);
    if (page->delimiter.len > 0)
        s3p_srv_xml_name(b, "Delimiter", page->delimiter, page->url);
    if (page->url)
        s3p_srv_xml_text(b, "EncodingType", S3P_STR("url"));
    s3p_srv_xml_u64(b, "MaxUploads", page->max);
    s3p_srv_xml_bool(b, "IsTruncated", page->truncated);
    s3p_buf_add(b, l->req->meta.data, l->req->meta.len);
    s3p_buf_add(b, l->req->intake.memory.data, l->req->intake.memory.len);
    s3p_srv_xml_close(b, "ListMultipartUploadsResult");
    s3p_srv_answer_xml(l->req);
}

void s3p_srv_list_uploads(struct s3p_srv_req *req)
{
    /* the common prefixes stand behind the entries */
    struct listing l = {.req = req, .page.common = &req->intake.memory};
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_srv_table_pairs pairs;
    s3p_buf_clear(&req->intake.memory);
    if (!parse(&l)) {
        s3p_srv_answer_error(req, S3P_SE_ARGUMENT);
        return;
    }
    if (!s3p_srv_view_begin(v)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    int rc = s3p_srv_table_pairs_open(&pairs, v->txn, v->store->uploads, req->bucket.id);
    if (rc == 0) {
        rc = s3p_srv_pair_page_walk(&l.page, &pairs.base, add_upload, &l);
        s3p_srv_table_pairs_close(&pairs);
    }
    s3p_srv_view_end(v);
    if (rc != 0 || !s3p_buf_ok(&req->meta) || !s3p_buf_ok(&req->intake.memory))
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
    else
        answer(&l);
}
