#include "server/records.h"

#include <string.h>

#include "core/text.h"

#define FORMAT 1
#define FLAG_FILE 1

static void put_le(char *at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (char)(unsigned char)(v >> (8 * i));
}

static uint64_t get_le(const char *at, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return v;
}

void s3p_srv_record_encode(struct s3p_buf *out, const struct s3p_srv_record *r)
{
    char *p = s3p_buf_grow(out, S3P_SRV_RECORD_HEAD);
    if (p == NULL)
        return;
    memset(p, 0, S3P_SRV_RECORD_HEAD);
    p[0] = FORMAT;
    p[1] = r->in_file ? FLAG_FILE : 0;
    p[2] = (char)r->sum_kind;
    p[3] = (char)r->sum_len;
    put_le(p + 4, r->meta.len, 4);
    put_le(p + 8, r->seq, 8);
    put_le(p + 16, (uint64_t)r->mtime_wall_ns, 8);
    put_le(p + 24, r->size, 8);
    put_le(p + 32, r->body_id, 8);
    memcpy(p + 40, r->md5, S3P_MD5_BYTES);
    memcpy(p + 56, r->sum, S3P_SRV_SUM_MAX);
    s3p_buf_view(out, r->meta);
    s3p_buf_view(out, r->body);
}

bool s3p_srv_record_decode(struct s3p_srv_record *r, struct s3p_str bytes)
{
    const char *p = bytes.p;
    if (bytes.len < S3P_SRV_RECORD_HEAD || p[0] != FORMAT || (unsigned char)p[3] > S3P_SRV_SUM_MAX)
        return false;
    uint64_t meta = get_le(p + 4, 4);
    if (meta > bytes.len - S3P_SRV_RECORD_HEAD)
        return false;
    r->in_file = (p[1] & FLAG_FILE) != 0;
    r->sum_kind = (uint8_t)p[2];
    r->sum_len = (uint8_t)p[3];
    r->seq = get_le(p + 8, 8);
    r->mtime_wall_ns = (int64_t)get_le(p + 16, 8);
    r->size = get_le(p + 24, 8);
    r->body_id = get_le(p + 32, 8);
    memcpy(r->md5, p + 40, S3P_MD5_BYTES);
    memcpy(r->sum, p + 56, S3P_SRV_SUM_MAX);
    r->meta = (struct s3p_str){p + S3P_SRV_RECORD_HEAD, meta};
    r->body = (struct s3p_str){r->meta.p + meta, bytes.len - S3P_SRV_RECORD_HEAD - meta};
    return r->in_file ? r->body.len == 0 : r->body.len == r->size;
}

void s3p_srv_etag_text(char text[S3P_SRV_ETAG_BYTES], const uint8_t md5[S3P_MD5_BYTES])
{
    text[0] = text[S3P_SRV_ETAG_BYTES - 1] = '"';
    s3p_hex(text + 1, md5, S3P_MD5_BYTES);
}

void s3p_srv_meta_add(struct s3p_buf *meta, struct s3p_str name, struct s3p_str value)
{
    char lengths[4];
    put_le(lengths, name.len, 2);
    put_le(lengths + 2, value.len, 2);
    s3p_buf_add(meta, lengths, sizeof lengths);
    s3p_buf_view(meta, name);
    s3p_buf_view(meta, value);
}

bool s3p_srv_meta_next(struct s3p_str meta, size_t *at, struct s3p_str *name, struct s3p_str *value)
{
    if (meta.len - *at < 4)
        return false;
    size_t n = get_le(meta.p + *at, 2), v = get_le(meta.p + *at + 2, 2);
    if (meta.len - *at - 4 < n + v)
        return false;
    *name = (struct s3p_str){meta.p + *at + 4, n};
    *value = (struct s3p_str){name->p + n, v};
    *at += 4 + n + v;
    return true;
}
