/* What the files of the connection share: conn.c (an exchange), conn_connect.c (connecting),
 * conn_net.c (trust, library). Nothing else includes this. libcurl's handles are `void *` here
 * (CURL is void), so that curl.h stays in conn*.c. */
#ifndef S3P_HTTP_CONN_PRIV_H
#define S3P_HTTP_CONN_PRIV_H

#include <string.h>

#include "http/conn.h"

#define S3P_CONN_RECV_BYTES (256u * 1024u)  /* one buffer a loop */
#define S3P_CONN_OUT_BYTES (64u * 1024u)    /* one buffer a connection; a multiple of 64 */
#define S3P_CONN_RECORD_BYTES (16u * 1024u) /* the same over TLS: one record */
#define S3P_CONN_WHY_BYTES 96u              /* of s3p_exchange.why */

struct s3p_net {
    bool verify_tls;
    char *proxy; /* "" for none */
    int64_t connect_timeout_ns;
    void *store; /* X509_STORE, shared by all contexts; NULL when nothing is verified */
};

struct s3p_conn_hub; /* what the connections of one loop share */
struct s3p_conn_multi;

struct s3p_conn {
    struct s3p_loop *loop;
    const struct s3p_net *net;
    struct s3p_conn_hub *hub;
    struct s3p_url url;
    /* the connection */
    void *easy; /* NULL: none */
    struct s3p_conn_multi *multi;
    struct s3p_watch watch;
    uint32_t serial;
    /* connecting */
    struct s3p_waitq connected;
    bool connect_over;
    int connect_result; /* CURLcode */
    enum s3p_wire_error wire;
    char why[S3P_CONN_WHY_BYTES];
    char error_text[256]; /* CURL_ERROR_SIZE */
    /* the request: what is to be sent now, and how far the body was generated */
    uint8_t *out;
    size_t out_cap;
    const uint8_t *next;
    size_t next_len;
    uint64_t filled;
    bool started;
    /* the answer */
    struct s3p_http1 parsed;
    struct s3p_buf head;
    bool surplus;
    bool drained; /* the last receive took all there was */
    bool wary;    /* the peer has closed without a word before: look before each request */
    bool unread; /* TLS: decrypted bytes may be waiting that the descriptor does not show */
};

/* Copies a text for people to a `why`, cut to fit. */
static inline void s3p_conn_explain(char why[S3P_CONN_WHY_BYTES], const char *text)
{
    size_t n = strlen(text);
    n = n < S3P_CONN_WHY_BYTES ? n : S3P_CONN_WHY_BYTES - 1;
    memmove(why, text, n);
    why[n] = '\0';
}

/* Takes part in the loop's hub, which is made for the first connection and goes with the last. */
int s3p_conn_join(struct s3p_conn *c, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_conn_leave(struct s3p_conn *c);
char *s3p_conn_recv_buffer(struct s3p_conn *c); /* the hub's; contents last until the next wait */
/* Connects; the connection is closed before. Waits. 0, or S3P_ENET, ETIMEOUT, ECANCEL with c->wire
 * and c->why. */
int s3p_conn_connect(struct s3p_conn *c, int64_t deadline_ns) S3P_MUST_CHECK;

/* Options of a fresh easy handle that come from the net: verification, trust, proxy. False: out of
 * memory. */
bool s3p_net_apply(const struct s3p_net *n, void *easy);

/* > 0: bytes moved; 0: end of stream (recv only); AGAIN: would block; BROKEN: c->why says how. */
enum { S3P_CONN_AGAIN = -1, S3P_CONN_BROKEN = -2 };
int64_t s3p_conn_send(struct s3p_conn *c, const void *p, size_t len);
int64_t s3p_conn_recv(struct s3p_conn *c, void *p, size_t len);
bool s3p_conn_quiet(struct s3p_conn *c); /* an idle connection: open, and nothing to read */

#endif
