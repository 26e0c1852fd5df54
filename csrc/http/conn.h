/* One client's connection to one endpoint, and the one way to send a request: s3p_conn_exchange.
 *
 * libcurl (CURLOPT_CONNECT_ONLY, HTTP/1.1 pinned) resolves, connects and does TLS and proxies; over
 * the connected socket this file's code speaks HTTP/1.1 itself. Only conn*.c include curl.h.
 * Nothing is ever sent again by the transport: each call is one attempt, with its phase and its
 * times. A dead idle connection is noticed before the first byte and replaced; a fresh easy handle
 * for each connect. Connects never block the loop: they run in multi handles of at most 64
 * connections that are driven by the loop.
 *
 * Threads: a connection belongs to its loop's thread; a struct s3p_net is read-only after init and
 * shared. Caveats: no use after fork. Times: t_call may be the loop's cached clock; t_first and
 * t_return are fresh readings. */
#ifndef S3P_HTTP_CONN_H
#define S3P_HTTP_CONN_H

#include "core/buf.h"
#include "core/clock.h"
#include "http/http1.h"
#include "http/loop.h"
#include "http/url.h"

/* What all connections of a run share: TLS trust (one X509 store loaded once), proxy,
 * verification. */
struct s3p_net;
struct s3p_net_opts {
    bool verify_tls; /* true unless the user says otherwise */
    const char *ca_file; /* http/trust.h */
    const char *proxy; /* NULL: none; proxy environment variables are never read */
    int64_t connect_timeout_ns;
};
int s3p_net_create(struct s3p_net **out, const struct s3p_net_opts *o,
                   struct s3p_err *err) S3P_MUST_CHECK;
void s3p_net_free(struct s3p_net *n);

enum s3p_phase { /* how far an attempt got; values are in files, never renumbered */
    S3P_PHASE_NOT_SENT = 0,    /* no byte was handed over (over TLS: no send call made) */
    S3P_PHASE_PARTLY_SENT = 1, /* some, not all */
    S3P_PHASE_SENT = 2,        /* all, no complete answer */
    S3P_PHASE_ANSWERED = 3,    /* a complete answer */
};
enum s3p_wire_error { /* why there is no complete answer; values are in files, never renumbered */
    S3P_WIRE_NONE = 0,
    S3P_WIRE_RESOLVE = 1,
    S3P_WIRE_CONNECT = 2,
    S3P_WIRE_TLS = 3,
    S3P_WIRE_SEND = 4,      /* reset or closed while sending */
    S3P_WIRE_RECV = 5,      /* reset while receiving */
    S3P_WIRE_EOF = 6,       /* closed before a complete answer */
    S3P_WIRE_TIMEOUT = 7,   /* the attempt's deadline */
    S3P_WIRE_PROTOCOL = 8,  /* not HTTP, or contradicting framing */
    S3P_WIRE_CANCELLED = 9, /* the run was stopped */
};

struct s3p_conn;
/* Does not connect yet. The loop and the net outlive the connection. */
int s3p_conn_create(struct s3p_conn **out, struct s3p_loop *l, struct s3p_net *net,
                    const struct s3p_url *url, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_conn_free(struct s3p_conn *c);
/* Connects now if there is no live connection (warm-up before a barrier). Waits. 0 or
 * S3P_ENET/ETIMEOUT/ECANCEL. */
int s3p_conn_open(struct s3p_conn *c, int64_t deadline_ns, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_conn_close(struct s3p_conn *c); /* the socket, at once */
uint32_t s3p_conn_serial(const struct s3p_conn *c); /* counts its connects, from 1; 0: none yet */

struct s3p_exchange {
    /* in: the request. `head` is complete, with the blank line. */
    const char *head;
    size_t head_len;
    bool head_method; /* HEAD: no body in the answer */
    uint64_t body_len;
    /* writes body bytes [offset, offset+len) to dst; called with ascending offsets, 64-byte-aligned
     * offset and length except for the last call. NULL when body_len is 0. */
    void (*fill)(void *arg, uint64_t offset, uint8_t *dst, size_t len);
    void *fill_arg;
    /* takes decoded body bytes of the answer as they come, in order; may be NULL (dropped). Called
     * only between the head and the end; `parsed` below is valid then. */
    void (*sink)(void *arg, const struct s3p_exchange *x, const uint8_t *p, size_t len);
    void *sink_arg;
    int64_t deadline_ns; /* absolute; S3P_NEVER for none */

    /* out */
    enum s3p_phase phase;
    enum s3p_wire_error wire;
    /* t_call: the exchange began (a connect that it needs comes after); t_sent: the last byte was
     * handed over (0 in an answered exchange: the answer came before); t_first, t_return: the first
     * and the last byte of the answer were there. 0 when it did not happen; t_return is S3P_NEVER
     * without an answer. */
    int64_t t_call, t_sent, t_first, t_return;
    uint64_t body_received;
    /* Valid until the next exchange of this connection; NULL before a head came. */
    const struct s3p_http1 *parsed;
    const char *parsed_head; /* the bytes that `parsed` points into */
    uint32_t conn_serial;
    bool surplus;  /* of an answered exchange: more bytes came; the connection is closed */
    char why[96]; /* text for people when wire is not NONE, or the answer had surplus bytes */
};
/* One attempt; always returns with `out` filled (outcomes are data). Waits. */
void s3p_conn_exchange(struct s3p_conn *c, struct s3p_exchange *x);

/* "libcurl/7.88.1 OpenSSL/3.0.15 ..." as loaded; and whether it is fit (>= 7.84, thread-safe, with
 * the OpenSSL that this program uses). */
const char *s3p_net_version(void);
int s3p_net_check_library(struct s3p_err *err) S3P_MUST_CHECK;

#endif
