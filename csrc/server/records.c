#include "server/records.h"

#include <string.h>

#include "core/text.h"

#define FORMAT 1

enum {
    FILE_BODY = 1,
    PARTS = 2,
    COMPOSITE = 4,
    TAGS = 8,
    VERSIONED = 16,
    MARKER = 32,
    NULL_SEQ = 64,
    HISTORY = 128,
    LOCK = 256 /* stands in the upper half of the algorithm's byte */
};
#define MORE_SHIFT 4 /* there, of the flags from 256 on */

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

static unsigned flags_of(const struct s3p_srv_record *r)
{
    return (r->in_file ? FILE_BODY : 0u) | (r->n_parts > 0 ? PARTS : 0u) |
           (r->composite ? COMPOSITE : 0u) | (r->tags.len > 0 ? TAGS : 0u) |
           (r->versioned ? VERSIONED : 0u) | (r->marker ? MARKER : 0u) |
           (r->null_seq != 0 ? NULL_SEQ : 0u) |
           (r->noncurrent_wall_ns != 0 || r->replication != 0 ? HISTORY : 0u) |
           (r->lock.mode != S3P_SRV_LOCK_NONE || r->lock.hold != S3P_SRV_HOLD_UNSET ? LOCK : 0u);
}

static void add_le(struct s3p_buf *out, uint64_t v, unsigned bytes)
{
    char text[8];
    put_le(text, v, bytes);
    s3p_buf_add(out, text, bytes);
}

void s3p_srv_record_encode(struct s3p_buf *out, const struct s3p_srv_record *r)
{
    char *p = s3p_buf_grow(out, S3P_SRV_RECORD_HEAD);
    if (p == NULL)
        return;
    memset(p, 0, S3P_SRV_RECORD_HEAD);
    p[0] = FORMAT;
    p[1] = (char)flags_of(r);
    p[2] = (char)(r->sum_kind | flags_of(r) >> 8 << MORE_SHIFT);
    p[3] = (char)r->sum_len;
    put_le(p + 4, r->meta.len, 4);
    put_le(p + 8, r->seq, 8);
    put_le(p + 16, (uint64_t)r->mtime_wall_ns, 8);
    put_le(p + 24, r->size, 8);
    put_le(p + 32, r->body_id, 8);
    memcpy(p + 40, r->md5, S3P_MD5_BYTES);
    memcpy(p + 56, r->sum, S3P_SRV_SUM_MAX);
    s3p_buf_view(out, r->meta);
    if ((flags_of(r) & LOCK) != 0) {
        add_le(out, r->lock.mode, 1);
        add_le(out, r->lock.hold, 1);
        add_le(out, (uint64_t)r->lock.until_wall_ns, 8);
    }
    if ((flags_of(r) & HISTORY) != 0) {
        add_le(out, r->replication, 1);
        add_le(out, (uint64_t)r->noncurrent_wall_ns, 8);
        add_le(out, r->outbox, 8);
    }
    if (r->null_seq != 0)
        add_le(out, r->null_seq, 8);
    if (r->tags.len > 0) {
        add_le(out, r->tags.len, 4);
        s3p_buf_view(out, r->tags);
    }
    if (r->n_parts > 0) {
        add_le(out, r->n_parts, 4);
        s3p_buf_view(out, r->parts);
    }
    s3p_buf_view(out, r->body);
}

/* Cuts `n` bytes off the front; false when there are fewer. */
static bool cut(struct s3p_str *rest, uint64_t n, struct s3p_str *out)
{
    if (n > rest->len)
        return false;
    *out = (struct s3p_str){rest->p, n};
    *rest = (struct s3p_str){rest->p + n, rest->len - n};
    return true;
}

static bool cut_number(struct s3p_str *rest, unsigned bytes, uint64_t *out)
{
    struct s3p_str text;
    if (!cut(rest, bytes, &text))
        return false;
    *out = get_le(text.p, bytes);
    return true;
}

static bool decode_history(struct s3p_srv_record *r, struct s3p_str *rest)
{
    uint64_t state, since;
    if (!cut_number(rest, 1, &state) || !cut_number(rest, 8, &since) ||
        !cut_number(rest, 8, &r->outbox) || state > S3P_SRV_REPLICA)
        return false;
    r->replication = (uint8_t)state;
    r->noncurrent_wall_ns = (int64_t)since;
    return true;
}

static bool decode_lock(struct s3p_srv_lock *l, struct s3p_str *rest)
{
    uint64_t mode, hold, until;
    if (!cut_number(rest, 1, &mode) || !cut_number(rest, 1, &hold) ||
        !cut_number(rest, 8, &until) || mode > S3P_SRV_LOCK_COMPLIANCE || hold > S3P_SRV_HOLD_ON)
        return false;
    *l = (struct s3p_srv_lock){(int64_t)until, (uint8_t)mode, (uint8_t)hold};
    return true;
}

static bool decode_sections(struct s3p_srv_record *r, unsigned flags, struct s3p_str rest)
{
    uint64_t n = 0;
    r->null_seq = r->outbox = 0;
    r->noncurrent_wall_ns = 0;
    r->replication = S3P_SRV_NOT_REPLICATED;
    r->lock = (struct s3p_srv_lock){.mode = S3P_SRV_LOCK_NONE};
    r->n_parts = 0;
    r->tags = r->parts = S3P_STR("");
    if ((flags & LOCK) != 0 && !decode_lock(&r->lock, &rest))
        return false;
    if ((flags & HISTORY) != 0 && !decode_history(r, &rest))
        return false;
    if ((flags & NULL_SEQ) != 0 && !cut_number(&rest, 8, &r->null_seq))
        return false;
    if ((flags & TAGS) != 0 && (!cut_number(&rest, 4, &n) || !cut(&rest, n, &r->tags)))
        return false;
    if ((flags & PARTS) != 0) {
        if (!cut_number(&rest, 4, &n) || !cut(&rest, n * S3P_SRV_PART_BYTES, &r->parts))
            return false;
        r->n_parts = (uint32_t)n;
    }
    r->body = rest;
    return r->in_file || r->n_parts > 0 ? rest.len == 0 : rest.len == r->size;
}

bool s3p_srv_record_decode(struct s3p_srv_record *r, struct s3p_str bytes)
{
    const char *p = bytes.p;
    if (bytes.len < S3P_SRV_RECORD_HEAD || p[0] != FORMAT || (unsigned char)p[3] > S3P_SRV_SUM_MAX)
        return false;
    unsigned kind = (unsigned char)p[2], flags = (unsigned char)p[1] | kind >> MORE_SHIFT << 8;
    r->in_file = (flags & FILE_BODY) != 0;
    r->composite = (flags & COMPOSITE) != 0;
    r->versioned = (flags & VERSIONED) != 0;
    r->marker = (flags & MARKER) != 0;
    r->sum_kind = (uint8_t)(kind & ((1u << MORE_SHIFT) - 1));
    r->sum_len = (uint8_t)p[3];
    r->seq = get_le(p + 8, 8);
    r->mtime_wall_ns = (int64_t)get_le(p + 16, 8);
    r->size = get_le(p + 24, 8);
    r->body_id = get_le(p + 32, 8);
    memcpy(r->md5, p + 40, S3P_MD5_BYTES);
    memcpy(r->sum, p + 56, S3P_SRV_SUM_MAX);
    struct s3p_str rest = {p + S3P_SRV_RECORD_HEAD, bytes.len - S3P_SRV_RECORD_HEAD};
    return cut(&rest, get_le(p + 4, 4), &r->meta) && decode_sections(r, flags, rest);
}

bool s3p_srv_record_marker(struct s3p_str bytes)
{
    return bytes.len >= S3P_SRV_RECORD_HEAD && ((unsigned char)bytes.p[1] & MARKER) != 0;
}

void s3p_srv_part_add(struct s3p_buf *parts, const struct s3p_srv_part *p)
{
    add_le(parts, p->body_id, 8);
    add_le(parts, p->size, 8);
    s3p_buf_add(parts, p->sum, sizeof p->sum);
}

struct s3p_srv_part s3p_srv_part_at(struct s3p_str parts, uint32_t i)
{
    const char *at = parts.p + (size_t)i * S3P_SRV_PART_BYTES;
    struct s3p_srv_part p = {.body_id = get_le(at, 8), .size = get_le(at + 8, 8)};
    memcpy(p.sum, at + 16, sizeof p.sum);
    return p;
}

size_t s3p_srv_etag_text(char text[S3P_SRV_ETAG_MAX], const uint8_t md5[S3P_MD5_BYTES],
                         uint32_t n_parts)
{
    size_t n = 1 + 2 * S3P_MD5_BYTES;
    text[0] = '"';
    s3p_hex(text + 1, md5, S3P_MD5_BYTES);
    if (n_parts > 0) {
        text[n++] = '-';
        char digits[20];
        size_t k = s3p_u64_text(digits, n_parts <= S3P_SRV_PARTS_MAX ? n_parts : 0);
        memcpy(text + n, digits, k);
        n += k;
    }
    text[n++] = '"';
    return n;
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
