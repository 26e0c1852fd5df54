/* One socket of the proxy, plain or, to a store that speaks https, under TLS. Private to the layer.
 * Threads: the proxy's loop. */
#ifndef S3P_PROXY_PEER_H
#define S3P_PROXY_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "http/loop.h"

struct s3p_px_peer {
    struct s3p_watch w;
    bool open;
    unsigned upstream; /* of a store: which endpoint */
    void *tls;         /* SSL; NULL: plain */
    size_t owed;       /* of TLS: bytes whose sending was begun and refused */
};

/* Once, as recv and send do without waiting: bytes, 0 at the end of the stream, -1 with errno. */
ssize_t s3p_px_recv(struct s3p_px_peer *p, void *to, size_t len);
ssize_t s3p_px_write(struct s3p_px_peer *p, const void *data, size_t len);
int s3p_px_send(struct s3p_loop *l, struct s3p_px_peer *p, const void *data,
                size_t len) S3P_MUST_CHECK; /* all of it */
void s3p_px_shut(struct s3p_px_peer *p);    /* nothing more will be sent */
void s3p_px_close(struct s3p_loop *l, struct s3p_px_peer *p);
void s3p_px_reset(struct s3p_loop *l, struct s3p_px_peer *p); /* RST */
/* FIN, then reads on for a while, so that what was sent is not lost to a reset. */
void s3p_px_leave(struct s3p_loop *l, struct s3p_px_peer *p);
void s3p_px_await_end(struct s3p_loop *l, struct s3p_px_peer *p); /* until the peer has gone */

/* tls.c. What all connections to stores share: trust as of the engine (http/trust.h). */
struct s3p_px_tls;
int s3p_px_tls_create(struct s3p_px_tls **out, const char *ca_file, bool verify,
                      struct s3p_err *err) S3P_MUST_CHECK;
void s3p_px_tls_free(struct s3p_px_tls *t);
/* The handshake on a connected socket. */
int s3p_px_tls_begin(struct s3p_px_tls *t, struct s3p_loop *l, struct s3p_px_peer *p,
                     const char *host, int64_t deadline_ns, struct s3p_err *err) S3P_MUST_CHECK;
ssize_t s3p_px_tls_recv(struct s3p_px_peer *p, void *to, size_t len, bool peek);
ssize_t s3p_px_tls_write(struct s3p_px_peer *p, const void *data, size_t len);
void s3p_px_tls_shut(struct s3p_px_peer *p);
void s3p_px_tls_end(struct s3p_px_peer *p);

#endif
