#include "proxy/half.h"

#include <errno.h>
#include <string.h>

void s3p_px_half_start(struct s3p_px_half *x)
{
    memmove(x->buf, x->buf + x->parsed, x->len - x->parsed);
    x->len -= x->parsed;
    x->off = x->parsed = x->head_len = 0;
    x->body = 0;
    x->cut_at = x->flip_at = -1;
    x->flipped = false;
}

static void flip(struct s3p_px_half *x, const char *data, size_t len)
{
    if (x->flip_at < x->body || x->flip_at >= x->body + (int64_t)len)
        return;
    x->buf[(data - x->buf) + (x->flip_at - x->body)] ^= 1;
    x->flip_at = -1;
    x->flipped = true;
}

int s3p_px_half_parse(struct s3p_px_half *x)
{
    if (x->head_len == 0) {
        int64_t n = s3p_http1_head(&x->h, x->buf, x->len);
        if (n < 0)
            return S3P_HTTP1_BAD;
        x->head_len = (size_t)n;
        x->parsed = n > 0 ? (size_t)n : x->h.interim;
        return 0; /* whoever looks at the head decides on cuts before the body is looked at */
    }
    while (x->parsed < x->len && !x->h.done && !s3p_px_half_at_cut(x)) {
        const char *data;
        size_t data_len, n = x->len - x->parsed;
        if (x->cut_at >= 0 && (int64_t)n > x->cut_at - x->body)
            n = (size_t)(x->cut_at - x->body);
        int64_t used = s3p_http1_body(&x->h, x->buf + x->parsed, n, &data, &data_len);
        if (used < 0)
            return S3P_HTTP1_BAD;
        flip(x, data, data_len);
        x->parsed += (size_t)used;
        x->body += (int64_t)data_len;
    }
    return 0;
}

void s3p_px_half_compact(struct s3p_px_half *x)
{
    if (x->head_len > 0 && x->off > 0 && (x->off == x->len || x->len == S3P_PX_BUFFER_BYTES)) {
        memmove(x->buf, x->buf + x->off, x->len - x->off);
        x->parsed -= x->off;
        x->len -= x->off;
        x->off = 0;
    }
}

ssize_t s3p_px_half_fill(struct s3p_px_half *x, struct s3p_px_peer *from)
{
    s3p_px_half_compact(x);
    if (x->len == S3P_PX_BUFFER_BYTES) {
        errno = ENOBUFS;
        return -1;
    }
    ssize_t n = s3p_px_recv(from, x->buf + x->len, S3P_PX_BUFFER_BYTES - x->len);
    if (n > 0)
        x->len += (size_t)n;
    return n;
}

bool s3p_px_half_at_cut(const struct s3p_px_half *x)
{
    return x->cut_at >= 0 && x->head_len > 0 && x->body >= x->cut_at && !x->h.done;
}
