#include "server/lists.h"

#include <string.h>

#include "core/text.h"
#include "server/xml_write.h"

struct s3p_str s3p_srv_arg_value(const struct s3p_srv_req *req, const char *name)
{
    const struct s3p_srv_arg *a = s3p_srv_head_arg(&req->head, name);
    return a != NULL ? a->value : (struct s3p_str){NULL, 0};
}

struct s3p_str s3p_srv_arg_or_empty(const struct s3p_srv_req *req, const char *name)
{
    struct s3p_str s = s3p_srv_arg_value(req, name);
    return s.p != NULL ? s : S3P_STR("");
}

bool s3p_srv_list_max(struct s3p_str text, unsigned max, unsigned *out)
{
    uint64_t v = max;
    if (text.p != NULL && !s3p_parse_u64(text.p, text.len, &v))
        return false;
    *out = v < max ? (unsigned)v : max;
    return true;
}

bool s3p_srv_list_encoding(const struct s3p_srv_req *req, bool *url)
{
    struct s3p_str encoding = s3p_srv_arg_value(req, "encoding-type");
    *url = encoding.p != NULL;
    return !*url || s3p_str_eq(encoding, "url");
}

void s3p_srv_xml_name(struct s3p_buf *out, const char *tag, struct s3p_str text, bool url)
{
    if (url)
        s3p_srv_xml_url(out, tag, text);
    else
        s3p_srv_xml_text(out, tag, text);
}

void s3p_srv_xml_common(struct s3p_buf *out, struct s3p_str prefix, bool url)
{
    s3p_srv_xml_open(out, "CommonPrefixes");
    s3p_srv_xml_name(out, "Prefix", prefix, url);
    s3p_srv_xml_close(out, "CommonPrefixes");
}

void s3p_srv_xml_owner(struct s3p_buf *out, const char *tag)
{
    s3p_srv_xml_open(out, tag);
    s3p_buf_str(out, "<ID>s3prod</ID><DisplayName>s3prod</DisplayName>");
    s3p_srv_xml_close(out, tag);
}

void s3p_srv_xml_etag(struct s3p_buf *out, const struct s3p_srv_record *r)
{
    char etag[S3P_SRV_ETAG_MAX];
    size_t n = s3p_srv_etag_text(etag, r->md5, r->n_parts);
    s3p_srv_xml_text(out, "ETag", (struct s3p_str){etag, n});
}

void s3p_srv_xml_sum(struct s3p_buf *out, const struct s3p_srv_record *r)
{
    char value[S3P_SRV_SUM_TEXT_MAX], tag[32] = "Checksum";
    size_t n = s3p_srv_sum_text(value, r);
    if (n == 0)
        return;
    const char *kind = s3p_srv_sum_element((enum s3p_srv_sum_kind)r->sum_kind);
    memcpy(tag + 8, kind, strlen(kind) + 1);
    s3p_srv_xml_text(out, tag, (struct s3p_str){value, n});
}

void s3p_srv_xml_sum_kind(struct s3p_buf *out, const struct s3p_srv_record *r)
{
    if (r->sum_len == 0 || r->sum_kind >= S3P_SRV_SUM_KINDS)
        return;
    const char *kind = s3p_srv_sum_element((enum s3p_srv_sum_kind)r->sum_kind);
    s3p_srv_xml_text(out, "ChecksumAlgorithm", (struct s3p_str){kind, strlen(kind)});
    s3p_srv_xml_text(out, "ChecksumType", s3p_srv_sum_type(r));
}
