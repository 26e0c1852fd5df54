/* Endpoints, trust, the library, and memory. */
#include "tests/http/t_client.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/t.h"

T_TEST(url_good)
{
    static const struct {
        const char *text, *host, *authority;
        bool tls;
        int port;
    } cases[] = {
        {"http://example.com", "example.com", "example.com", false, 80},
        {"https://example.com/", "example.com", "example.com", true, 443},
        {"HTTP://127.0.0.1:9000", "127.0.0.1", "127.0.0.1:9000", false, 9000},
        {"http://a-b_c:80/", "a-b_c", "a-b_c", false, 80},
        {"https://a:80", "a", "a:80", true, 80},
        {"https://[::1]:443", "::1", "[::1]", true, 443},
        {"http://[fe80::1:2]:65535", "fe80::1:2", "[fe80::1:2]:65535", false, 65535},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct s3p_url u;
        T_OK(s3p_url_parse(&u, cases[i].text, err));
        T_STR(u.host, cases[i].host);
        T_STR(u.authority, cases[i].authority);
        T_EQ(u.tls, cases[i].tls);
        T_EQ(u.port, cases[i].port);
    }
}

T_TEST(url_bad)
{
    static const char *const cases[] = {
        "", "example.com", "ftp://a", "http://", "http://:80", "http://a:", "http://a:0",
        "http://a:65536", "http://a:8x", "http://a:+8", "http://a/b", "http://a?x", "http://a#x",
        "http://u@a", "http://u:p@a", "http://a b", "http://[::1", "http://[]", "http://[::g]",
        "http://a//", "http://a\r\nb", "http://99999999999999999999:1:2",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct s3p_url u;
        struct s3p_err err = {0};
        if (s3p_url_parse(&u, cases[i], &err) != S3P_EINVAL)
            t_fail(__FILE__, __LINE__, "accepted: %s", cases[i]);
        T_TRUE(strstr(err.msg, "endpoint") != NULL);
    }
    char text[600] = "http://";
    struct s3p_url u;
    memset(text + 7, 'a', 255);
    T_OK(s3p_url_parse(&u, text, err));
    text[7 + 255] = 'a';
    T_EQ(s3p_url_parse(&u, text, NULL), S3P_EINVAL);
}

T_TEST(net_library)
{
    T_OK(s3p_net_check_library(err));
    T_TRUE(strncmp(s3p_net_version(), "libcurl/", 8) == 0);
    T_TRUE(strstr(s3p_net_version(), "OpenSSL/") != NULL);
}

T_TEST(net_ca_file)
{
    struct s3p_net *n;
    struct s3p_err e = {0};
    struct s3p_net_opts o = {.verify_tls = true, .ca_file = "/nonexistent/ca.pem"};
    T_EQ(s3p_net_create(&n, &o, &e), S3P_EINVAL);
    T_TRUE(strstr(e.msg, "ca_file") != NULL && strstr(e.msg, "/nonexistent/ca.pem") != NULL);
    o.ca_file = "/proc/self/status"; /* readable, no certificates */
    T_EQ(s3p_net_create(&n, &o, &e), S3P_EINVAL);
    o.ca_file = NULL;
    setenv("AWS_CA_BUNDLE", "/nonexistent/env.pem", 1);
    unsetenv("SSL_CERT_FILE");
    unsetenv("CURL_CA_BUNDLE");
    T_EQ(s3p_net_create(&n, &o, &e), S3P_EINVAL);
    T_TRUE(strstr(e.msg, "env.pem") != NULL);
    o.verify_tls = false;
    T_OK(s3p_net_create(&n, &o, err));
    s3p_net_free(n);
    s3p_net_free(NULL);
}

/* ---- trust ---- */

static void answer(struct t_peer *p, void *arg)
{
    (void)arg;
    while (t_peer_request(p))
        t_peer_answer(p, 200, "");
}

/* One request to the test server, by a name and with a net of its own. */
static void call_with(struct t_client *t, const struct s3p_net_opts *o, const char *host,
                      struct t_call *k)
{
    char url[64];
    struct s3p_net *net;
    struct s3p_conn *kept = t->conn;
    struct s3p_url u;
    snprintf(url, sizeof url, "https://%s:%d", host, t->server.port);
    T_OK(s3p_url_parse(&u, url, err));
    T_OK(s3p_net_create(&net, o, err));
    T_OK(s3p_conn_create(&t->conn, t->loop, net, &u, err));
    t_call_init(k, "PUT", 10);
    t_call_send(t, k);
    s3p_conn_free(t->conn);
    s3p_net_free(net);
    t->conn = kept;
}

static void run_trust(struct t_client *t)
{
    struct t_call k;
    struct t_server other;
    t_server_start(&other, &(struct t_server_opts){.script = answer, .tls = true});
    struct s3p_net_opts o = {.verify_tls = true, .ca_file = t->server.ca_file};
    call_with(t, &o, "127.0.0.1", &k);
    T_EQ(k.x.phase, S3P_PHASE_ANSWERED);
    call_with(t, &o, "localhost", &k);
    T_EQ(k.x.phase, S3P_PHASE_ANSWERED);
    o.ca_file = other.ca_file; /* the same names, another key */
    call_with(t, &o, "127.0.0.1", &k);
    T_EQ(k.x.phase, S3P_PHASE_NOT_SENT);
    T_EQ(k.x.wire, S3P_WIRE_TLS);
    T_TRUE(strstr(k.x.why, "certificate") != NULL);
    o.ca_file = t->server.ca_file;
    call_with(t, &o, "127.0.0.2", &k); /* trusted, but not this name; nobody listens there */
    T_EQ(k.x.phase, S3P_PHASE_NOT_SENT);
    setenv("SSL_CERT_FILE", other.ca_file, 1);
    o.ca_file = NULL;
    call_with(t, &o, "127.0.0.1", &k);
    T_EQ(k.x.wire, S3P_WIRE_TLS);
    setenv("SSL_CERT_FILE", t->server.ca_file, 1);
    call_with(t, &o, "127.0.0.1", &k);
    T_EQ(k.x.phase, S3P_PHASE_ANSWERED);
    o = (struct s3p_net_opts){.verify_tls = false};
    call_with(t, &o, "127.0.0.1", &k);
    T_EQ(k.x.phase, S3P_PHASE_ANSWERED);
    t_server_stop(&other);
}

T_TEST(conn_trust)
{
    t_client_run(run_trust, answer, NULL, true);
}

/* ---- memory ---- */

#ifdef S3P_ALLOC_TEST
struct attempt {
    struct t_client *t;
    int rc;
    struct t_call k;
};

static void create_and_call(struct attempt *a)
{
    struct s3p_net *net = NULL;
    struct s3p_net_opts o = {.connect_timeout_ns = S3P_S};
    struct s3p_conn *kept = a->t->conn;
    a->rc = s3p_net_create(&net, &o, NULL);
    if (a->rc == 0)
        a->rc = s3p_conn_create(&a->t->conn, a->t->loop, net, &a->t->url, NULL);
    if (a->rc == 0) {
        t_call_init(&a->k, "PUT", 10);
        t_call_send(a->t, &a->k);
        s3p_conn_free(a->t->conn);
        if (a->k.x.phase != S3P_PHASE_ANSWERED) {
            T_EQ(a->k.x.wire, S3P_WIRE_CONNECT);
            T_TRUE(strstr(a->k.x.why, "memory") != NULL);
            a->rc = S3P_ENOMEM;
        }
    }
    s3p_net_free(net);
    a->t->conn = kept;
}

static void run_alloc(struct t_client *t)
{
    struct attempt a = {.t = t, .rc = S3P_ENOMEM};
    s3p_conn_free(t->conn); /* so that the loop's shared part is made anew each time */
    t->conn = NULL;
    int tries = 0;
    while (a.rc != 0 && tries < 100) {
        s3p_alloc_fail_at(++tries);
        create_and_call(&a);
        s3p_alloc_fail_at(0);
        T_TRUE(a.rc == 0 || a.rc == S3P_ENOMEM);
        T_EQ(s3p_sleep_until(t->loop, s3p_now_ns() + S3P_MS), 0);
    }
    T_TRUE(tries > 6 && tries < 100);
}

T_TEST(conn_every_allocation_fails_once)
{
    t_client_run(run_alloc, answer, NULL, false);
}

/* After the first exchange, none of them allocates. */
static void run_no_alloc(struct t_client *t)
{
    struct t_call k;
    t_call_init(&k, "PUT", 100000);
    t_call_send(t, &k);
    s3p_alloc_fail_at(1);
    for (int i = 0; i < 20; i++) {
        t_call_init(&k, "PUT", 100000);
        t_call_send(t, &k);
        T_EQ(k.x.phase, S3P_PHASE_ANSWERED);
        T_EQ(k.x.conn_serial, 1);
    }
    s3p_alloc_fail_at(0);
}

T_TEST(conn_exchange_allocates_nothing)
{
    t_client_run(run_no_alloc, answer, NULL, false);
    t_client_run(run_no_alloc, answer, NULL, true);
}
#endif
