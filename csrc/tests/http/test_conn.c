/* What a connection does when all goes well, over plain HTTP and over TLS. */
#include "tests/http/t_client.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/t.h"

#define BIG (8u << 20)

#define T_BOTH(test, run, script)                                                                  \
    T_TEST(test)                                                                                   \
    {                                                                                              \
        t_client_run(run, script, NULL, false);                                                    \
    }                                                                                              \
    T_TEST(test##_tls)                                                                             \
    {                                                                                              \
        t_client_run(run, script, NULL, true);                                                     \
    }

static void check_answered(const struct s3p_exchange *x)
{
    if (x->phase != S3P_PHASE_ANSWERED || x->wire != S3P_WIRE_NONE)
        t_fail(__FILE__, __LINE__, "phase %d, wire %d: %s", x->phase, x->wire, x->why);
    T_TRUE(x->t_call > 0 && x->t_call <= x->t_sent && x->t_sent <= x->t_first &&
           x->t_first <= x->t_return && x->t_return <= s3p_now_ns());
}

static void answer_each(struct t_peer *p, void *arg)
{
    (void)arg;
    while (t_peer_request(p))
        t_peer_answer(p, 200, "hello");
}

static void run_keep_alive(struct t_client *t)
{
    struct t_call k;
    for (int i = 0; i < 50; i++) {
        t_call_init(&k, i % 2 == 0 ? "PUT" : "GET", i % 2 == 0 ? 1024 : 0);
        t_call_send(t, &k);
        check_answered(&k.x);
        T_EQ(t_call_status(&k), 200);
        T_EQ(k.x.body_received, 5);
        T_EQ(k.sum, t_sum(0, 0, "hello", 5));
        T_EQ(k.x.conn_serial, 1);
        struct s3p_str etag = s3p_http1_get(k.x.parsed, k.x.parsed_head, "etag");
        T_TRUE(s3p_str_eq(etag, "\"e\""));
    }
    T_EQ(t->server.accepted, 1);
}
T_BOTH(conn_keep_alive, run_keep_alive, answer_each)

static void answer_sum(struct t_peer *p, void *arg)
{
    char text[64];
    (void)arg;
    while (t_peer_request(p)) {
        snprintf(text, sizeof text, "%llu %llu", (unsigned long long)p->body_len,
                 (unsigned long long)p->body_sum);
        t_peer_answer(p, 200, text);
    }
}

static void keep_text(void *arg, const struct s3p_exchange *x, const uint8_t *p, size_t len)
{
    memcpy((char *)arg + x->body_received - len, p, len);
}

/* Every size around the edges of the buffers, and a large one. */
static void run_upload(struct t_client *t)
{
    static const uint64_t sizes[] = {1,     63,     64,      65,      16383,   16384,
                                     16385, 65407,  65408,   65535,   65536,   65600,
                                     65601, 131072, 1000003, 1048512, 1048000, BIG};
    struct t_call k;
    char expected[64];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char got[64] = "";
        t_call_init(&k, "PUT", sizes[i]);
        k.x.sink = keep_text;
        k.x.sink_arg = got;
        t_call_send(t, &k);
        check_answered(&k.x);
        snprintf(expected, sizeof expected, "%llu %llu", (unsigned long long)sizes[i],
                 (unsigned long long)t_fill_sum(sizes[i]));
        T_STR(got, expected);
        T_EQ(k.x.conn_serial, 1);
    }
}
T_BOTH(conn_upload, run_upload, answer_sum)

/* A reader that begins late fills the socket: over TLS the same bytes are then offered again. */
static void read_late(struct t_peer *p, void *arg)
{
    (void)arg;
    T_TRUE(t_peer_head(p));
    usleep(100000);
    t_peer_body(p, BIG);
    T_EQ(p->body_len, BIG);
    T_TRUE(p->body_sum == t_fill_sum(BIG));
    t_peer_answer(p, 200, "");
}

static void run_late(struct t_client *t)
{
    struct t_call k;
    t_call_init(&k, "PUT", BIG);
    t_call_send(t, &k);
    check_answered(&k.x);
}
T_BOTH(conn_upload_to_a_late_reader, run_late, read_late)

static void send_big(struct t_peer *p, void *arg)
{
    static uint8_t b[BIG];
    (void)arg;
    t_fill(NULL, 0, b, sizeof b);
    while (t_peer_request(p)) {
        if (p->requests % 2 == 1) {
            t_peer_text(p, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
            t_peer_write(p, b, sizeof b);
            continue;
        }
        t_peer_text(p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0, n; at < sizeof b; at += n) {
            char line[32];
            n = sizeof b - at < 100003 ? sizeof b - at : 100003;
            snprintf(line, sizeof line, "%zx;x\r\n", n);
            t_peer_text(p, line);
            t_peer_write(p, b + at, n);
            t_peer_text(p, "\r\n");
        }
        t_peer_text(p, "0\r\nx-trailer: y\r\n\r\n");
    }
}

static void run_download(struct t_client *t)
{
    struct t_call k;
    for (int i = 0; i < 2; i++) {
        t_call_init(&k, "GET", 0);
        t_call_send(t, &k);
        check_answered(&k.x);
        T_EQ(k.x.body_received, BIG);
        T_TRUE(k.sum == t_fill_sum(BIG));
        T_EQ(k.x.parsed->chunked, i == 1);
    }
    T_EQ(k.x.conn_serial, 1);
}
T_BOTH(conn_download, run_download, send_big)

/* Byte by byte, and over TLS one record a byte. */
static void drip(struct t_peer *p, void *arg)
{
    (void)arg;
    const char *text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n";
    while (t_peer_request(p))
        for (const char *c = text; *c != '\0'; c++)
            if (!t_peer_write(p, c, 1))
                return;
}

static void run_drip(struct t_client *t)
{
    struct t_call k;
    for (int i = 0; i < 3; i++) {
        t_call_init(&k, "GET", 0);
        t_call_send(t, &k);
        check_answered(&k.x);
        T_EQ(t_call_status(&k), 200);
        T_EQ(k.x.body_received, 5);
        T_EQ(k.sum, t_sum(0, 0, "abcde", 5));
        T_EQ(k.x.parsed->nfields, 2);
    }
    T_EQ(k.x.conn_serial, 1);
}
T_BOTH(conn_drip, run_drip, drip)

/* Answers by the number of the request; the connection is closed where the framing says so. */
static void many_shapes(struct t_peer *p, void *arg)
{
    static char big_head[70000];
    (void)arg;
    while (t_peer_request(p)) {
        if (strncmp(p->head, "HEAD", 4) == 0) {
            t_peer_text(p, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        } else if (strncmp(p->head, "DELETE", 6) == 0) {
            t_peer_text(p, "HTTP/1.1 204 No Content\r\n\r\n");
        } else if (strncmp(p->head, "LONG", 4) == 0) {
            int n = snprintf(big_head, sizeof big_head,
                             "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nA: ");
            memset(big_head + n, 'x', 60000);
            snprintf(big_head + n + 60000, 20, "\r\n\r\nxyz");
            t_peer_text(p, big_head);
        } else if (strncmp(p->head, "CLOSE", 5) == 0) {
            t_peer_text(p, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
        } else {
            t_peer_text(p, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
            return;
        }
    }
}

static void run_shapes(struct t_client *t)
{
    static const struct {
        const char *method;
        int status;
        uint64_t body;
        uint32_t serial;
    } cases[] = {
        {"HEAD", 200, 0, 1},  {"DELETE", 204, 0, 1}, {"LONG", 200, 3, 1}, {"HEAD", 200, 0, 1},
        {"CLOSE", 200, 2, 1}, {"OLD", 200, 13, 2},   {"LONG", 200, 3, 3},
    };
    struct t_call k;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        t_call_init(&k, cases[i].method, 0);
        t_call_send(t, &k);
        check_answered(&k.x);
        T_EQ(t_call_status(&k), cases[i].status);
        T_EQ(k.x.body_received, cases[i].body);
        T_EQ(k.x.conn_serial, cases[i].serial);
        T_EQ(s3p_conn_serial(t->conn), cases[i].serial);
    }
}
T_BOTH(conn_answer_shapes, run_shapes, many_shapes)

static void run_open(struct t_client *t)
{
    struct t_call k;
    T_EQ(s3p_conn_serial(t->conn), 0);
    for (int i = 0; i < 3; i++)
        T_OK(s3p_conn_open(t->conn, s3p_now_ns() + 5 * S3P_S, err));
    T_EQ(s3p_conn_serial(t->conn), 1);
    t_call_init(&k, "GET", 0);
    t_call_send(t, &k);
    T_EQ(k.x.conn_serial, 1);
    s3p_conn_close(t->conn);
    s3p_conn_close(t->conn);
    t_call_send(t, &k);
    check_answered(&k.x);
    T_EQ(k.x.conn_serial, 2);
}
T_BOTH(conn_open_ahead, run_open, answer_each)

static void run_reconnects(struct t_client *t)
{
    struct t_call k;
    t_call_init(&k, "GET", 0);
    t_call_send(t, &k);
    int before = 0;
    for (int i = 0; i < 200; i++) {
        s3p_conn_close(t->conn);
        t_call_init(&k, "GET", 0);
        t_call_send(t, &k);
        check_answered(&k.x);
        while (t->server.finished != t->server.accepted - 1) /* the server's ends are closed too */
            T_EQ(s3p_sleep_until(t->loop, s3p_now_ns() + S3P_MS), 0);
        if (i == 0)
            before = t_descriptors();
    }
    T_EQ(t_descriptors(), before);
    T_EQ(k.x.conn_serial, 201);
}
T_BOTH(conn_reconnects_leak_nothing, run_reconnects, answer_each)

/* ---- a proxy ---- */

static void proxy(struct t_peer *p, void *arg)
{
    (void)arg;
    T_TRUE(t_peer_request(p));
    T_TRUE(strncmp(p->head, "CONNECT 127.0.0.1:9 ", 20) == 0);
    t_peer_text(p, "HTTP/1.1 200 Connected\r\n\r\n");
    answer_each(p, NULL);
}

static void run_proxy(struct t_client *t)
{
    char url[64];
    struct t_call k;
    struct s3p_conn *direct = t->conn;
    struct s3p_net *net;
    struct s3p_url target;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", t->server.port);
    struct s3p_net_opts o = {.proxy = url, .connect_timeout_ns = 5 * S3P_S};
    T_OK(s3p_net_create(&net, &o, err));
    T_OK(s3p_url_parse(&target, "http://127.0.0.1:9", err));
    T_OK(s3p_conn_create(&t->conn, t->loop, net, &target, err));
    for (int i = 0; i < 3; i++) {
        t_call_init(&k, "PUT", 1000);
        t_call_send(t, &k);
        check_answered(&k.x);
    }
    T_EQ(k.x.conn_serial, 1);
    s3p_conn_free(t->conn);
    s3p_net_free(net);
    t->conn = direct;
}

T_TEST(conn_proxy)
{
    t_client_run(run_proxy, proxy, NULL, false);
}

T_TEST(conn_proxy_environment_is_not_read)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    t_client_run(run_keep_alive, answer_each, NULL, false);
}

/* ---- a thousand ---- */

#if defined(__SANITIZE_THREAD__)
#define MANY 200
#else
#define MANY 1000
#endif

static struct s3p_waitq barrier;
static int arrived;

static void one_of_many(void *arg)
{
    struct t_client *shared = arg, t = *shared;
    struct t_call k;
    T_OK(s3p_conn_create(&t.conn, t.loop, t.net, &t.url, err));
    for (int i = 0; i < 3; i++) {
        t_call_init(&k, "PUT", 100);
        k.x.deadline_ns = s3p_now_ns() + 50 * S3P_S;
        t_call_send(&t, &k);
        check_answered(&k.x);
        if (i == 0 && ++arrived == MANY)
            s3p_waitq_wake(t.loop, &barrier, -1);
        else if (i == 0)
            T_EQ(s3p_waitq_wait(t.loop, &barrier, S3P_NEVER), 0);
        T_EQ(k.x.conn_serial, 1);
    }
    s3p_conn_free(t.conn);
}

static void run_many(struct t_client *t)
{
    for (int i = 0; i < MANY; i++)
        T_OK(s3p_loop_spawn(t->loop, one_of_many, t, err));
    while (s3p_loop_live(t->loop) > 1)
        T_EQ(s3p_sleep_until(t->loop, s3p_now_ns() + 10 * S3P_MS), 0);
    T_EQ(t->server.accepted, MANY);
    T_EQ(arrived, MANY);
}

T_TEST(conn_a_thousand)
{
    struct rlimit r;
    T_EQ(getrlimit(RLIMIT_NOFILE, &r), 0);
    r.rlim_cur = r.rlim_max < 4096 ? r.rlim_max : 4096;
    T_EQ(setrlimit(RLIMIT_NOFILE, &r), 0);
    t_client_run(run_many, answer_each, NULL, false);
}
