/* A scripted HTTP server for tests: a thread accepts on 127.0.0.1, every connection gets a thread
 * that runs the script. Plain, or TLS with a self-signed certificate made on the spot. */
#ifndef S3P_TESTS_HTTP_T_SERVER_H
#define S3P_TESTS_HTTP_T_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct t_server;

struct t_peer { /* one accepted connection, for its script */
    struct t_server *server;
    int fd;
    void *ssl;      /* NULL: plain */
    int index;      /* counts connections from 0 */
    int requests;   /* read so far on this connection */
    char head[8192]; /* of the last request, NUL-terminated */
    size_t head_len;
    uint64_t body_len, body_sum; /* of the last request: bytes, and t_sum of them */
    size_t kept; /* bytes in `extra` that follow what was read */
    char extra[65536];
};

typedef void t_script(struct t_peer *p, void *arg);

struct t_server_opts {
    t_script *script;
    void *arg;
    bool tls;
};

struct t_server {
    int port, listen_fd;
    struct t_server_opts o;
    void *ctx;          /* SSL_CTX */
    char ca_file[64];   /* PEM of the certificate; "" when plain */
    _Atomic int accepted, finished;
    _Atomic bool stop;
    void *threads;
    unsigned long thread;
};

void t_server_start(struct t_server *s, const struct t_server_opts *o);
void t_server_stop(struct t_server *s); /* closes the door, waits for all scripts */

bool t_peer_request(struct t_peer *p); /* reads head and body; false at the end of the stream */
bool t_peer_head(struct t_peer *p);    /* reads the head only */
void t_peer_body(struct t_peer *p, uint64_t len);               /* reads so many body bytes */
bool t_peer_write(struct t_peer *p, const void *b, size_t len); /* false: the peer is gone */
bool t_peer_text(struct t_peer *p, const char *text);
bool t_peer_answer(struct t_peer *p, int status, const char *body); /* with Content-Length */
uint64_t t_sum(uint64_t sum, uint64_t offset, const void *b, size_t len); /* position-dependent */

/* Sockets and other descriptors of the process. */
int t_descriptors(void);

#endif
