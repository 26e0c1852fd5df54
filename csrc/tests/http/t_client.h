/* The client side of connection tests: a server, a net, a loop and one connection, and the body
 * pattern. */
#ifndef S3P_TESTS_HTTP_T_CLIENT_H
#define S3P_TESTS_HTTP_T_CLIENT_H

#include "http/conn.h"
#include "tests/http/t_server.h"

struct t_client {
    struct t_server server;
    struct s3p_net *net;
    struct s3p_url url;
    struct s3p_loop *loop;
    struct s3p_conn *conn;
    void (*run)(struct t_client *t); /* the test, as a coroutine */
    void *arg;
};

/* Starts a server with `script`, runs `run` in a loop with a connection to it, takes all down. */
void t_client_run(void (*run)(struct t_client *t), t_script *script, void *arg, bool tls);

struct t_call { /* an exchange with its request text and what came back */
    struct s3p_exchange x;
    char head[512];
    uint64_t sum; /* t_sum of the answer's body */
};
void t_call_init(struct t_call *k, const char *method, uint64_t body_len); /* deadline in 10 s */
void t_call_send(struct t_client *t, struct t_call *k);
int t_call_status(const struct t_call *k);
/* Byte `offset` of every generated body; fill and sum of a whole one. */
void t_fill(void *arg, uint64_t offset, uint8_t *dst, size_t len);
uint64_t t_fill_sum(uint64_t len);

#endif
