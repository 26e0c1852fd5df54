/* GetObjectAttributes. */
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "server/lists.h"
#include "server/ops.h"
#include "server/versions.h"
#include "server/xml_write.h"

enum { ETAG = 1, CHECKSUM = 2, PARTS = 4, STORAGE_CLASS = 8, SIZE = 16 };

static const char *const names[] = {"ETag", "Checksum", "ObjectParts", "StorageClass",
                                    "ObjectSize"};

/* Adds the names of one field, which have commas between; false at a wrong one. */
static bool add_names(struct s3p_str rest, unsigned *asked)
{
    while (rest.len > 0) {
        const char *comma = memchr(rest.p, ',', rest.len);
        size_t n = comma != NULL ? (size_t)(comma - rest.p) : rest.len;
        struct s3p_str one = s3p_srv_trim((struct s3p_str){rest.p, n});
        unsigned i = 0, count = sizeof names / sizeof names[0];
        while (i < count && !s3p_str_eq(one, names[i]))
            i++;
        if (i == count)
            return false;
        *asked |= 1u << i;
        n += comma != NULL;
        rest = (struct s3p_str){rest.p + n, rest.len - n};
    }
    return true;
}

/* x-amz-object-attributes, which some clients send once a name; 0: none, or a wrong one. */
static unsigned asked_for(const struct s3p_srv_head *h)
{
    unsigned asked = 0;
    for (size_t i = 0; i < h->n_fields; i++)
        if (s3p_srv_same_nocase(h->fields[i].name, "x-amz-object-attributes") &&
            !add_names(h->fields[i].value, &asked))
            return 0;
    return asked;
}

struct page {
    unsigned marker, max;
};

static bool read_page(const struct s3p_srv_head *h, struct page *p)
{
    struct s3p_str marker = s3p_srv_head_get(h, "x-amz-part-number-marker");
    p->marker = 0;
    return s3p_srv_list_max(s3p_srv_head_get(h, "x-amz-max-parts"), 1000, &p->max) &&
           (marker.p == NULL || s3p_srv_list_max(marker, S3P_SRV_PARTS_MAX, &p->marker));
}

enum s3p_srv_error s3p_srv_attributes_check(struct s3p_srv_req *req)
{
    struct page page;
    if (asked_for(&req->head) == 0 || !read_page(&req->head, &page))
        return S3P_SE_ARGUMENT;
    return s3p_srv_conditions_none(&req->conditions);
}

/* Parts are listed one by one only when a checksum was asked for beyond the one that every object
 * has, as on AWS. */
static void add_parts(struct s3p_buf *b, const struct s3p_srv_record *r, const struct page *page)
{
    uint32_t from = page->marker < r->n_parts ? page->marker : r->n_parts;
    uint32_t to = page->max < r->n_parts - from ? from + page->max : r->n_parts;
    bool listed = r->sum_kind != S3P_SRV_SUM_CRC64NVME;
    s3p_srv_xml_open(b, "ObjectParts");
    s3p_srv_xml_u64(b, "PartsCount", r->n_parts);
    if (listed) {
        s3p_srv_xml_u64(b, "PartNumberMarker", page->marker);
        s3p_srv_xml_u64(b, "NextPartNumberMarker", to);
        s3p_srv_xml_u64(b, "MaxParts", page->max);
        s3p_srv_xml_bool(b, "IsTruncated", to < r->n_parts);
    }
    for (uint32_t i = from; listed && i < to; i++) {
        struct s3p_srv_part p = s3p_srv_part_at(r->parts, i);
        struct s3p_srv_record one = {.sum_kind = r->sum_kind, .sum_len = r->sum_len};
        memcpy(one.sum, p.sum, sizeof one.sum);
        s3p_srv_xml_open(b, "Part");
        s3p_srv_xml_u64(b, "PartNumber", i + 1);
        s3p_srv_xml_u64(b, "Size", p.size);
        s3p_srv_xml_sum(b, &one);
        s3p_srv_xml_close(b, "Part");
    }
    s3p_srv_xml_close(b, "ObjectParts");
}

static void answer(struct s3p_srv_req *req, const struct s3p_srv_record *r)
{
    struct s3p_buf *b = &req->answer.body;
    unsigned asked = asked_for(&req->head);
    struct page page;
    char text[S3P_SRV_ETAG_MAX], date[29];
    (void)read_page(&req->head, &page);
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "GetObjectAttributesResponse");
    if (asked & ETAG) { /* here without its quotes, as S3 says it */
        size_t n = s3p_srv_etag_text(text, r->md5, r->n_parts);
        s3p_srv_xml_text(b, "ETag", (struct s3p_str){text + 1, n - 2});
    }
    if ((asked & CHECKSUM) && r->sum_len > 0) {
        s3p_srv_xml_open(b, "Checksum");
        s3p_srv_xml_sum(b, r);
        s3p_srv_xml_text(b, "ChecksumType", s3p_srv_sum_type(r));
        s3p_srv_xml_close(b, "Checksum");
    }
    if ((asked & PARTS) && r->n_parts > 0)
        add_parts(b, r, &page);
    if (asked & STORAGE_CLASS)
        s3p_buf_str(b, "<StorageClass>STANDARD</StorageClass>");
    if (asked & SIZE)
        s3p_srv_xml_u64(b, "ObjectSize", r->size);
    s3p_srv_xml_close(b, "GetObjectAttributesResponse");
    s3p_http_date(date, r->mtime_wall_ns / S3P_S);
    s3p_srv_answer_field(req, "Last-Modified", (struct s3p_str){date, sizeof date});
    s3p_srv_answer_version(req, "x-amz-version-id", r);
    s3p_srv_answer_xml(req);
}

void s3p_srv_attributes(struct s3p_srv_req *req)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_srv_record r;
    bool current, given = req->wanted.given;
    if (!s3p_srv_view_begin(v)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    int rc = s3p_srv_version_find(v->txn, v->store, req->bucket.id, req->head.key, &req->wanted, &r,
                                  &current);
    if (rc == 0 && r.marker)
        s3p_srv_answer_marker(req, given ? S3P_SE_METHOD : S3P_SE_NO_KEY, &r);
    else if (rc == 0)
        answer(req, &r);
    else
        s3p_srv_answer_error(req, rc != MDB_NOTFOUND ? S3P_SE_INTERNAL
                                  : given            ? S3P_SE_NO_VERSION
                                                     : S3P_SE_NO_KEY);
    s3p_srv_view_end(v);
}
