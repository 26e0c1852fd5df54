/* What a connection reports when the other side misbehaves. */
#include "tests/http/t_client.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/t.h"

#define BIG (8u << 20)

static void expect(const struct s3p_exchange *x, enum s3p_phase phase, enum s3p_wire_error wire)
{
    if (x->phase != phase || x->wire != wire)
        t_fail(__FILE__, __LINE__, "phase %d wire %d (%s), expected %d and %d", x->phase, x->wire,
               x->why, phase, wire);
    T_EQ(x->t_return == S3P_NEVER, phase != S3P_PHASE_ANSWERED);
    T_EQ(x->t_sent != 0, phase >= S3P_PHASE_SENT && x->t_sent != 0);
    T_TRUE(wire == S3P_WIRE_NONE || x->why[0] != '\0');
    T_TRUE(x->t_call != 0);
}

static void call(struct t_client *t, struct t_call *k, const char *method, uint64_t body_len)
{
    t_call_init(k, method, body_len);
    t_call_send(t, k);
}

static void wait_for(struct t_client *t, _Atomic int *count, int value)
{
    while (*count < value)
        T_EQ(s3p_sleep_until(t->loop, s3p_now_ns() + S3P_MS), 0);
    T_EQ(s3p_sleep_until(t->loop, s3p_now_ns() + 5 * S3P_MS), 0);
}

/* ---- between requests ---- */

static void answer_and_close(struct t_peer *p, void *arg)
{
    (void)arg;
    if (t_peer_request(p))
        t_peer_answer(p, 200, "once");
}

static void run_idle_close(struct t_client *t)
{
    struct t_call k;
    for (int i = 1; i <= 5; i++) {
        call(t, &k, "PUT", 100);
        expect(&k.x, S3P_PHASE_ANSWERED, S3P_WIRE_NONE);
        T_EQ(k.x.conn_serial, i);
        wait_for(t, &t->server.finished, i);
    }
}

T_TEST(conn_closed_while_idle)
{
    t_client_run(run_idle_close, answer_and_close, NULL, false);
    t_client_run(run_idle_close, answer_and_close, NULL, true);
}

static void speak_unasked(struct t_peer *p, void *arg)
{
    _Atomic int *spoken = arg;
    if (!t_peer_request(p))
        return;
    t_peer_answer(p, 200, "once");
    usleep(2000);
    t_peer_answer(p, 500, "nobody asked");
    atomic_fetch_add(spoken, 1);
    t_peer_request(p);
}

static void run_unasked(struct t_client *t)
{
    struct t_call k;
    for (uint32_t i = 1; i <= 2; i++) {
        call(t, &k, "PUT", 100);
        expect(&k.x, S3P_PHASE_ANSWERED, S3P_WIRE_NONE);
        T_EQ(t_call_status(&k), 200);
        T_EQ(k.x.conn_serial, i);
        wait_for(t, t->arg, (int)i);
    }
}

T_TEST(conn_answer_without_a_request)
{
    for (int tls = 0; tls <= 1; tls++) {
        _Atomic int spoken = 0;
        t_client_run(run_unasked, speak_unasked, &spoken, tls == 1);
    }
}

static void say_too_much(struct t_peer *p, void *arg)
{
    (void)arg;
    while (t_peer_request(p))
        t_peer_text(p, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 500 X\r\n\r\n");
}

static void run_surplus(struct t_client *t)
{
    struct t_call k;
    for (uint32_t i = 1; i <= 3; i++) {
        call(t, &k, "GET", 0);
        expect(&k.x, S3P_PHASE_ANSWERED, S3P_WIRE_NONE);
        T_EQ(t_call_status(&k), 200);
        T_EQ(k.x.body_received, 2);
        T_TRUE(strstr(k.x.why, "bytes after") != NULL);
        T_EQ(k.x.conn_serial, i);
    }
}

T_TEST(conn_surplus_bytes)
{
    t_client_run(run_surplus, say_too_much, NULL, false);
}

/* ---- within a request ---- */

static void close_after_request(struct t_peer *p, void *arg)
{
    (void)arg;
    t_peer_request(p);
}

static void run_lost_answer(struct t_client *t)
{
    struct t_call k;
    call(t, &k, "PUT", 5000);
    expect(&k.x, S3P_PHASE_SENT, S3P_WIRE_EOF);
    T_TRUE(k.x.t_sent > 0 && k.x.t_first == 0 && k.x.parsed == NULL);
}

T_TEST(conn_closed_after_the_request)
{
    t_client_run(run_lost_answer, close_after_request, NULL, false);
    t_client_run(run_lost_answer, close_after_request, NULL, true);
}

static void reset_after_request(struct t_peer *p, void *arg)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)arg;
    t_peer_request(p);
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void run_reset(struct t_client *t)
{
    struct t_call k;
    call(t, &k, "PUT", 5000);
    expect(&k.x, S3P_PHASE_SENT, S3P_WIRE_RECV);
    T_TRUE(strstr(k.x.why, "reset") != NULL);
}

T_TEST(conn_reset_after_the_request)
{
    t_client_run(run_reset, reset_after_request, NULL, false);
}

static void close_in_body(struct t_peer *p, void *arg)
{
    t_peer_request(p);
    t_peer_text(p, arg);
}

static void run_cut(struct t_client *t)
{
    struct t_call k;
    call(t, &k, "GET", 0);
    expect(&k.x, S3P_PHASE_SENT, S3P_WIRE_EOF);
    T_EQ(t_call_status(&k), 200);
    T_EQ(k.x.body_received, 3);
    T_TRUE(k.x.t_first >= k.x.t_sent);
}

T_TEST(conn_closed_in_the_body)
{
    t_client_run(run_cut, close_in_body, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", false);
    t_client_run(run_cut, close_in_body, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", true);
    t_client_run(run_cut, close_in_body,
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", false);
}

static void run_protocol(struct t_client *t)
{
    struct t_call k;
    call(t, &k, "PUT", 10);
    expect(&k.x, S3P_PHASE_SENT, S3P_WIRE_PROTOCOL);
    T_TRUE(strstr(k.x.why, t->arg != NULL && strstr(t->arg, "chunked") ? "chunk" : "status"));
}

T_TEST(conn_not_http)
{
    t_client_run(run_protocol, close_in_body, "220 mail.example ESMTP\r\n", false);
    t_client_run(run_protocol, close_in_body,
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", true);
}

/* ---- while sending ---- */

struct early {
    int status;
    bool close, reset;
};

/* Answers when it has the head; then reads nothing, or closes with the body unread, which
 * resets. */
static void answer_early(struct t_peer *p, void *arg)
{
    const struct early *e = arg;
    t_peer_head(p);
    t_peer_answer(p, e->status, "early");
    for (int i = 0; !e->close && i < 100 && p->server->finished == 0 && !p->server->stop; i++) {
        char byte;
        ssize_t n = recv(p->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n == 0)
            return;
        usleep(5000);
    }
}

static void run_early(struct t_client *t)
{
    const struct early *e = t->arg;
    struct t_call k;
    call(t, &k, "PUT", BIG);
    expect(&k.x, S3P_PHASE_ANSWERED, S3P_WIRE_NONE);
    T_EQ(t_call_status(&k), e->status);
    T_EQ(k.x.body_received, 5);
    T_EQ(k.x.t_sent, 0);
    T_TRUE(k.x.t_return >= k.x.t_first && k.x.t_first >= k.x.t_call);
    call(t, &k, "PUT", BIG);
    T_EQ(k.x.conn_serial, 2); /* the first connection has half a body on it */
}

T_TEST(conn_early_answer)
{
    struct early e = {.status = 403};
    t_client_run(run_early, answer_early, &e, false);
    t_client_run(run_early, answer_early, &e, true);
    e.status = 200; /* stands, although the body was not all sent */
    t_client_run(run_early, answer_early, &e, false);
}

T_TEST(conn_early_answer_and_reset)
{
    struct early e = {.status = 412, .close = true};
    t_client_run(run_early, answer_early, &e, false);
}

static void close_early(struct t_peer *p, void *arg)
{
    (void)arg;
    t_peer_head(p);
    t_peer_body(p, 100000);
}

static void run_close_early(struct t_client *t)
{
    struct t_call k;
    call(t, &k, "PUT", BIG);
    expect(&k.x, S3P_PHASE_PARTLY_SENT, S3P_WIRE_SEND);
    T_EQ(k.x.t_sent, 0);
}

T_TEST(conn_closed_while_sending)
{
    t_client_run(run_close_early, close_early, NULL, false);
    t_client_run(run_close_early, close_early, NULL, true);
}

/* ---- time ---- */

static _Atomic int stalled; /* requests */

static void stall(struct t_peer *p, void *arg)
{
    char byte;
    (void)arg;
    t_peer_request(p);
    stalled++;
    while (recv(p->fd, &byte, 1, 0) > 0)
        continue;
}

static void stall_after_head(struct t_peer *p, void *arg)
{
    t_peer_head(p);
    if (arg != NULL)
        t_peer_text(p, arg);
    while (!p->server->stop)
        usleep(1000);
}

/* None ends before its deadline; one of twenty soon after it, and as far as it could come (the
 * machine may be busy). */
static void check_deadline(struct t_client *t, uint64_t body_len, enum s3p_phase phase,
                           int64_t soon_ns)
{
    int64_t best = S3P_NEVER;
    struct t_call k;
    for (int i = 0; i < 20 && best > soon_ns; i++) {
        t_call_init(&k, "PUT", body_len);
        k.x.sink = NULL;
        k.x.deadline_ns = s3p_now_ns() + 100 * S3P_MS;
        t_call_send(t, &k);
        int64_t late = s3p_now_ns() - k.x.deadline_ns;
        T_TRUE(late >= 0 && k.x.phase <= phase);
        expect(&k.x, k.x.phase, S3P_WIRE_TIMEOUT);
        if (k.x.phase == phase)
            best = late < best ? late : best;
    }
    T_TRUE(best <= soon_ns);
}

static void run_stall(struct t_client *t)
{
    check_deadline(t, 10, S3P_PHASE_SENT, 50 * S3P_MS);
}

static void run_stall_sending(struct t_client *t)
{
    check_deadline(t, 4 * BIG, S3P_PHASE_PARTLY_SENT, 50 * S3P_MS);
}

T_TEST(conn_deadline)
{
    t_client_run(run_stall, stall, NULL, false);
    t_client_run(run_stall, stall, NULL, true);
    t_client_run(run_stall_sending, stall_after_head, NULL, false);
    t_client_run(run_stall_sending, stall_after_head, NULL, true);
    t_client_run(run_stall, stall_after_head,
                 "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", false);
}

/* Bytes that keep coming do not keep an attempt alive. */
static void endless(struct t_peer *p, void *arg)
{
    static char b[65536];
    (void)arg;
    t_peer_request(p);
    t_peer_text(p, "HTTP/1.1 200 OK\r\n\r\n");
    while (t_peer_write(p, b, sizeof b))
        continue;
}

static void run_endless(struct t_client *t)
{
    check_deadline(t, 10, S3P_PHASE_SENT, 500 * S3P_MS);
}

T_TEST(conn_deadline_in_an_endless_body)
{
    t_client_run(run_endless, endless, NULL, false);
    t_client_run(run_endless, endless, NULL, true);
}

/* ---- connecting ---- */

static int silent_port(int *fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    T_EQ(bind(*fd, (struct sockaddr *)&a, sizeof a), 0);
    T_EQ(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

/* Connects to another endpoint with the client's loop and net. */
static void call_other(struct t_client *t, struct t_call *k, const char *scheme, const char *host,
                       int port)
{
    char url[300];
    struct s3p_err e = {0};
    struct s3p_conn *kept = t->conn;
    struct s3p_url u;
    snprintf(url, sizeof url, "%s://%s:%d", scheme, host, port);
    T_OK(s3p_url_parse(&u, url, err));
    T_OK(s3p_conn_create(&t->conn, t->loop, t->net, &u, err));
    int rc = s3p_conn_open(t->conn, k->x.deadline_ns, &e);
    T_TRUE(rc == S3P_ENET || rc == S3P_ETIMEOUT || rc == S3P_ECANCEL);
    T_EQ(e.code, rc);
    T_TRUE(strstr(e.msg, u.authority) != NULL);
    if (rc == S3P_ENET)
        T_TRUE(e.sys != 0);
    t_call_send(t, k);
    s3p_conn_free(t->conn);
    t->conn = kept;
}

static void run_connect_faults(struct t_client *t)
{
    struct t_call k;
    int fd, port = silent_port(&fd); /* bound, not listening */
    t_call_init(&k, "PUT", 10);
    call_other(t, &k, "http", "127.0.0.1", port);
    expect(&k.x, S3P_PHASE_NOT_SENT, S3P_WIRE_CONNECT);
    T_EQ(k.x.t_sent, 0);
    T_EQ(k.x.conn_serial, 0);
    call_other(t, &k, "http", "localhost", port);
    expect(&k.x, S3P_PHASE_NOT_SENT, S3P_WIRE_CONNECT);
    /* A label of more than 63 bytes is refused without asking any server. */
    char name[120];
    memset(name, 'a', 100);
    strncpy(name + 100, ".invalid", 20);
    call_other(t, &k, "http", name, port);
    expect(&k.x, S3P_PHASE_NOT_SENT, S3P_WIRE_RESOLVE);
    call_other(t, &k, "https", "127.0.0.1", t->server.port); /* TLS to a plain server */
    expect(&k.x, S3P_PHASE_NOT_SENT, S3P_WIRE_TLS);
    T_EQ(listen(fd, 5), 0); /* accepts, never speaks TLS */
    t_call_init(&k, "PUT", 10);
    k.x.deadline_ns = s3p_now_ns() + 100 * S3P_MS;
    call_other(t, &k, "https", "127.0.0.1", port);
    expect(&k.x, S3P_PHASE_NOT_SENT, S3P_WIRE_TIMEOUT);
    close(fd);
    call(t, &k, "GET", 0); /* the loop's other connections are none the worse */
    expect(&k.x, S3P_PHASE_ANSWERED, S3P_WIRE_NONE);
}

static void answer_plain(struct t_peer *p, void *arg)
{
    (void)arg;
    if (!t_peer_head(p)) /* a TLS hello has no head */
        return;
    t_peer_answer(p, 200, "");
}

static void close_on_hello(struct t_peer *p, void *arg)
{
    char b[5];
    if (recv(p->fd, b, 5, MSG_PEEK) == 5 && b[0] == 0x16)
        t_peer_text(p, "HTTP/1.1 400 This is HTTP\r\n\r\n");
    else
        answer_plain(p, arg);
}

T_TEST(conn_cannot_connect)
{
    t_client_run(run_connect_faults, close_on_hello, NULL, false);
}

/* Nothing but a connect that was given up: the loop ends all the same. */
static void run_gives_up(struct t_client *t)
{
    struct t_call k;
    int fd, port = silent_port(&fd);
    T_EQ(listen(fd, 5), 0);
    t_call_init(&k, "PUT", 10);
    k.x.deadline_ns = s3p_now_ns() + 50 * S3P_MS;
    call_other(t, &k, "https", "127.0.0.1", port);
    expect(&k.x, S3P_PHASE_NOT_SENT, S3P_WIRE_TIMEOUT);
    close(fd);
}

T_TEST_LIMIT(conn_gives_up_connecting, 10)
{
    t_client_run(run_gives_up, answer_plain, NULL, false);
}

/* A connect time-out is not the attempt's deadline. */
static void run_connect_timeout(struct t_client *t)
{
    struct t_call k;
    struct s3p_net *kept = t->net;
    int fd, port = silent_port(&fd);
    T_EQ(listen(fd, 5), 0);
    struct s3p_net_opts o = {.connect_timeout_ns = 50 * S3P_MS};
    T_OK(s3p_net_create(&t->net, &o, err));
    t_call_init(&k, "PUT", 10);
    int64_t start = s3p_now_ns();
    call_other(t, &k, "https", "127.0.0.1", port);
    expect(&k.x, S3P_PHASE_NOT_SENT, S3P_WIRE_CONNECT);
    T_TRUE(s3p_now_ns() - start >= 90 * S3P_MS && s3p_now_ns() - start < 5 * S3P_S);
    s3p_net_free(t->net);
    t->net = kept;
    close(fd);
}

T_TEST(conn_connect_timeout)
{
    t_client_run(run_connect_timeout, answer_plain, NULL, false);
}

/* A name that is looked up: one at a time, and all who wait get its result. "127.1" is no address
 * to inet_pton, so it takes that way without a name server. */
struct lookup {
    struct t_client *t;
    const char *host;
    enum s3p_phase phase;
    enum s3p_wire_error wire;
    int over;
};

static void look_up(void *arg)
{
    struct lookup *l = arg;
    struct t_client t = *l->t;
    struct t_call k;
    snprintf(t.url.host, sizeof t.url.host, "%s", l->host);
    snprintf(t.url.authority, sizeof t.url.authority, "%s:%d", l->host, t.url.port);
    T_OK(s3p_conn_create(&t.conn, t.loop, t.net, &t.url, err));
    t_call_init(&k, "GET", 0);
    t_call_send(&t, &k);
    expect(&k.x, l->phase, l->wire);
    s3p_conn_free(t.conn);
    l->over++;
}

static void run_lookups(struct t_client *t)
{
    char name[120];
    memset(name, 'a', 100);
    snprintf(name + 100, 20, ".invalid");
    struct lookup l[] = {
        {t, name, S3P_PHASE_NOT_SENT, S3P_WIRE_RESOLVE, 0},
        {t, "127.1", S3P_PHASE_ANSWERED, S3P_WIRE_NONE, 0},
    };
    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < 20; n++)
            T_OK(s3p_loop_spawn(t->loop, look_up, &l[i], err));
        while (l[i].over < 20)
            T_EQ(s3p_sleep_until(t->loop, s3p_now_ns() + S3P_MS), 0);
    }
}

T_TEST(conn_lookups)
{
    t_client_run(run_lookups, answer_plain, NULL, false);
}

/* ---- cancel ---- */

struct canceller {
    struct s3p_loop *loop;
    bool sent; /* not before the server has a request whole */
    int64_t at_ns;
};

static int64_t cancel_took_ns;

static void *cancel_main(void *arg)
{
    struct canceller *c = arg;
    while (c->sent && stalled == 0)
        usleep(1000);
    usleep(50000);
    c->at_ns = s3p_now_ns();
    s3p_loop_cancel(c->loop);
    return NULL;
}

static void run_cancel(struct t_client *t)
{
    struct canceller c = {.loop = t->loop, .sent = t->arg == NULL};
    struct t_call k;
    pthread_t thread;
    stalled = 0;
    T_EQ(pthread_create(&thread, NULL, cancel_main, &c), 0);
    if (t->arg == NULL) {
        call(t, &k, "PUT", 10);
        expect(&k.x, S3P_PHASE_SENT, S3P_WIRE_CANCELLED);
    } else {
        int fd, port = silent_port(&fd);
        T_EQ(listen(fd, 5), 0);
        t_call_init(&k, "PUT", 10);
        call_other(t, &k, "https", "127.0.0.1", port);
        expect(&k.x, S3P_PHASE_NOT_SENT, S3P_WIRE_CANCELLED);
        close(fd);
    }
    int64_t now = s3p_now_ns();
    pthread_join(thread, NULL);
    cancel_took_ns = now - c.at_ns;
    call(t, &k, "PUT", 10);
    expect(&k.x, S3P_PHASE_NOT_SENT, S3P_WIRE_CANCELLED);
}

/* At once is within 100 ms, on a busy machine at least once in ten. */
static void check_cancel(void *arg, bool tls)
{
    cancel_took_ns = S3P_NEVER;
    for (int i = 0; i < 10 && cancel_took_ns > 100 * S3P_MS; i++)
        t_client_run(run_cancel, stall, arg, tls);
    T_TRUE(cancel_took_ns <= 100 * S3P_MS);
}

T_TEST(conn_cancel)
{
    check_cancel(NULL, false);
    check_cancel(NULL, true);
}

T_TEST(conn_cancel_while_connecting)
{
    check_cancel("connecting", false);
}
