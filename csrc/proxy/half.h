/* One direction of an exchange: received bytes, how far they are understood, how far they were sent
 * on. A fault may stop it at a byte of the body, or flip a bit of one. */
#ifndef S3P_PROXY_HALF_H
#define S3P_PROXY_HALF_H

#include <sys/types.h>

#include "http/http1.h"
#include "proxy/peer.h"

#define S3P_PX_BUFFER_BYTES (128u * 1024u) /* twice a head */

struct s3p_px_half {
    struct s3p_http1 h;
    char *buf; /* S3P_PX_BUFFER_BYTES */
    size_t off, parsed, len; /* sent on, understood, received */
    size_t head_len;         /* 0: not complete yet */
    int64_t body;            /* bytes of the body understood */
    int64_t cut_at, flip_at; /* of the body; -1: nowhere */
    bool flipped;
};

/* The next message: bytes that came behind the last one move to the front. */
void s3p_px_half_start(struct s3p_px_half *x);
/* Understands what is there; S3P_HTTP1_BAD when it is no HTTP. */
int s3p_px_half_parse(struct s3p_px_half *x);
/* Makes room: what was sent on goes where nothing is left behind it, or the buffer is full. */
void s3p_px_half_compact(struct s3p_px_half *x);
/* Receives into the buffer: bytes, 0 at the end of the stream, -1 with errno; ENOBUFS when full. */
ssize_t s3p_px_half_fill(struct s3p_px_half *x, struct s3p_px_peer *from);
bool s3p_px_half_at_cut(const struct s3p_px_half *x);
static inline bool s3p_px_half_pending(const struct s3p_px_half *x)
{
    return x->off < x->parsed;
}
static inline bool s3p_px_half_done(const struct s3p_px_half *x) /* and sent on */
{
    return x->h.done && x->off == x->parsed;
}

#endif
