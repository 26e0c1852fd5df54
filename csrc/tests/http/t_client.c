#include "tests/http/t_client.h"

#include <time.h>

#include "tests/t.h"

static void client_main(void *arg)
{
    struct t_client *t = arg;
    T_OK(s3p_conn_create(&t->conn, t->loop, t->net, &t->url, err));
    t->run(t);
    s3p_conn_free(t->conn);
}

void t_client_run(void (*run)(struct t_client *t), t_script *script, void *arg, bool tls)
{
    struct t_client t = {.run = run, .arg = arg};
    char endpoint[64];
    t_server_start(&t.server, &(struct t_server_opts){.script = script, .arg = arg, .tls = tls});
    snprintf(endpoint, sizeof endpoint, "%s://127.0.0.1:%d", tls ? "https" : "http", t.server.port);
    T_OK(s3p_url_parse(&t.url, endpoint, err));
    struct s3p_net_opts o = {.verify_tls = tls,
                             .ca_file = tls ? t.server.ca_file : NULL,
                             .connect_timeout_ns = 5 * S3P_S};
    T_OK(s3p_net_create(&t.net, &o, err));
    T_OK(s3p_loop_create(&t.loop, err));
    T_OK(s3p_loop_spawn(t.loop, client_main, &t, err));
    s3p_loop_run(t.loop, NULL, NULL);
    s3p_loop_free(t.loop);
    s3p_net_free(t.net);
    t_server_stop(&t.server);
}

void t_fill(void *arg, uint64_t offset, uint8_t *dst, size_t len)
{
    (void)arg;
    T_TRUE(offset % 64 == 0);
    for (size_t i = 0; i < len; i++)
        dst[i] = (uint8_t)((offset + i) * 31 >> 3);
}

uint64_t t_fill_sum(uint64_t len)
{
    uint8_t b[4096];
    uint64_t sum = 0;
    for (uint64_t at = 0; at < len; at += sizeof b) {
        size_t n = len - at < sizeof b ? (size_t)(len - at) : sizeof b;
        t_fill(NULL, at, b, n);
        sum = t_sum(sum, at, b, n);
    }
    return sum;
}

static void sink(void *arg, const struct s3p_exchange *x, const uint8_t *p, size_t len)
{
    struct t_call *k = arg;
    T_TRUE(x->parsed != NULL && x->parsed_head != NULL);
    k->sum = t_sum(k->sum, x->body_received - len, p, len);
}

void t_call_init(struct t_call *k, const char *method, uint64_t body_len)
{
    memset(k, 0, sizeof *k);
    int n = snprintf(k->head, sizeof k->head, "%s /b/k HTTP/1.1\r\nHost: h\r\n", method);
    if (strcmp(method, "PUT") == 0)
        n += snprintf(k->head + n, sizeof k->head - (size_t)n, "Content-Length: %llu\r\n",
                      (unsigned long long)body_len);
    n += snprintf(k->head + n, sizeof k->head - (size_t)n, "\r\n");
    k->x = (struct s3p_exchange){.head = k->head,
                                 .head_len = (size_t)n,
                                 .head_method = strcmp(method, "HEAD") == 0,
                                 .body_len = body_len,
                                 .fill = t_fill,
                                 .sink = sink,
                                 .sink_arg = k,
                                 .deadline_ns = s3p_now_ns() + 10 * S3P_S};
}

void t_call_send(struct t_client *t, struct t_call *k)
{
    k->sum = 0;
    s3p_conn_exchange(t->conn, &k->x);
}

int t_call_status(const struct t_call *k)
{
    return k->x.parsed != NULL ? k->x.parsed->status : 0;
}
