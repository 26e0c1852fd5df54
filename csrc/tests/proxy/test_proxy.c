/* Bytes through the proxy without a fault: they arrive as they were sent, in both directions. */
#include "proxy/link.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/http/t_server.h"
#include "tests/t.h"

#define BIG 3000000u

struct rig {
    struct t_server store;
    struct s3p_proxy *proxy;
    pthread_t thread;
    char url[64];
};

static void *run(void *proxy)
{
    s3p_proxy_run(proxy);
    return NULL;
}

static void rig_up(struct rig *g, t_script *script, void *arg, const char *fault)
{
    struct t_server_opts o = {.script = script, .arg = arg};
    t_server_start(&g->store, &o);
    snprintf(g->url, sizeof g->url, "http://127.0.0.1:%d", g->store.port);
    struct s3p_px_options p = {.endpoints = {g->url}, .n_endpoints = 1, .seed = 1};
    if (fault != NULL)
        p.faults[p.n_faults++] = fault;
    T_OK(s3p_proxy_open(&g->proxy, &p, err));
    T_EQ(pthread_create(&g->thread, NULL, run, g->proxy), 0);
}

static void rig_down(struct rig *g)
{
    s3p_loop_cancel(g->proxy->loop);
    pthread_join(g->thread, NULL);
    s3p_proxy_close(g->proxy);
    t_server_stop(&g->store);
}

/* What is not there in ten seconds does not come. */
static int dial(unsigned port)
{
    struct timeval limit = {.tv_sec = 10};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    T_EQ(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    T_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return fd;
}

static void send_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        T_TRUE(n > 0);
        p += n;
        len -= (size_t)n;
    }
}

/* What comes until so many bytes are there, or the stream ends. */
static size_t receive(int fd, char *to, size_t len)
{
    size_t have = 0;
    while (have < len) {
        ssize_t n = recv(fd, to + have, len - have, 0);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    return have;
}

static const char *const answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Odd:  two  blanks \r\n\r\nhello",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
};
#define ANSWERS (sizeof answers / sizeof answers[0])

static void say_in_turn(struct t_peer *p, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < ANSWERS && t_peer_head(p); i++)
        if (!t_peer_text(p, answers[i]))
            return;
}

T_TEST(proxy_passes_answers_as_they_are)
{
    struct rig g;
    char got[1024];
    rig_up(&g, say_in_turn, NULL, NULL);
    int fd = dial(g.proxy->door[0].port);
    for (size_t i = 0; i < ANSWERS; i++) {
        static const char ask[] = "GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n";
        send_all(fd, ask, sizeof ask - 1);
        size_t len = strlen(answers[i]);
        T_EQ(receive(fd, got, len), len);
        T_MEM(got, answers[i], len);
    }
    T_EQ(recv(fd, got, 1, 0), 0); /* the store's "close" */
    close(fd);
    T_EQ(g.store.accepted, 1);
    rig_down(&g);
}

static void echo(struct t_peer *p, void *arg)
{
    (void)arg;
    while (t_peer_request(p)) {
        char head[128];
        int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", BIG);
        char *body = s3p_calloc(1, BIG);
        memcpy(body, &p->body_sum, sizeof p->body_sum);
        bool sent = t_peer_write(p, head, (size_t)n) && t_peer_write(p, body, BIG);
        s3p_free(body);
        if (!sent)
            return;
    }
}

T_TEST(proxy_streams_what_its_buffers_cannot_hold)
{
    struct rig g;
    char head[128], *body = s3p_alloc(BIG), *got = s3p_alloc(BIG + 128);
    rig_up(&g, echo, NULL, NULL);
    int fd = dial(g.proxy->door[0].port);
    for (unsigned i = 0; i < BIG; i++)
        body[i] = (char)(i * 7 + i / 251);
    int n = snprintf(head, sizeof head, "PUT /b/k HTTP/1.1\r\nContent-Length: %u\r\n\r\n", BIG);
    for (int round = 0; round < 3; round++) {
        int64_t live = s3p_alloc_live();
        send_all(fd, head, (size_t)n);
        send_all(fd, body, BIG);
        n = snprintf(got, 128, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", BIG);
        T_EQ(receive(fd, got, (size_t)n + BIG), (size_t)n + BIG);
        uint64_t sum, expected = t_sum(0, 0, body, BIG);
        memcpy(&sum, got + n, sizeof sum);
        T_EQ(sum, expected);
        n = (int)strlen(head);
        if (round > 0)
            T_TRUE(s3p_alloc_live() <= live + 1); /* the store's own answer may be under way */
    }
    close(fd);
    rig_down(&g);
    s3p_free(body);
    s3p_free(got);
}

T_TEST(proxy_cuts_where_it_is_told)
{
    struct rig g;
    char got[256];
    rig_up(&g, say_in_turn, NULL, "truncate-clean:bytes=2");
    int fd = dial(g.proxy->door[0].port);
    static const char ask[] = "GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n";
    send_all(fd, ask, sizeof ask - 1);
    size_t len = strlen(answers[0]) - 3;
    T_EQ(receive(fd, got, sizeof got), len);
    T_MEM(got, answers[0], len);
    close(fd);
    rig_down(&g);
}

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

#define RESULT "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<a/>"

/* A store that says 100 and takes the body. Where it pauses the 100 comes before the answer; else,
 * if the body was there already, together with it. */
static void say_continue(struct t_peer *p, void *pause_us)
{
    const useconds_t pause = *(const useconds_t *)pause_us;
    while (t_peer_head(p)) {
        bool together = pause == 0 && p->kept > 0;
        if (!together && !t_peer_text(p, CONTINUE))
            return;
        t_peer_body(p, 5);
        usleep(pause);
        if (!t_peer_text(p, together ? CONTINUE RESULT : RESULT))
            return;
    }
}

/* Whoever waits for it before the body goes out would be late, and what the fault is for would not
 * happen. */
T_TEST(proxy_passes_100_continue_whatever_becomes_of_the_answer)
{
    static const struct {
        const char *fault, *ask, *end; /* of what comes after the 100 */
    } rows[] = {
        {"drop-ack-after-commit", "PUT /b/k", ""},
        {"status-after-commit", "PUT /b/k", "</Error>"},
        {"duplicate-delivery:how=second", "PUT /b/k", "<a/>"},
        {"stale-connection:how=surplus", "PUT /b/k", "Content-Length: 0\r\n\r\n"},
        {"whitespace-then-result:delay_ms=1", "POST /b/k?uploadId=u", "\n\n<a/>"},
        {"error-in-200-body", "POST /b/k?uploadId=u", "</Error>"},
    };
    for (size_t turn = 0; turn < 2 * sizeof rows / sizeof rows[0]; turn++) {
        size_t i = turn / 2;
        useconds_t pause_us = turn % 2 * 20000;
        struct rig g;
        char ask[256], got[2048] = {0};
        rig_up(&g, say_continue, &pause_us, rows[i].fault);
        int fd = dial(g.proxy->door[0].port);
        snprintf(ask, sizeof ask,
                 "%s HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", rows[i].ask);
        send_all(fd, ask, strlen(ask));
        T_EQ(receive(fd, got, strlen(CONTINUE)), strlen(CONTINUE));
        T_STR(got, CONTINUE);
        send_all(fd, "hello", 5);
        shutdown(fd, SHUT_WR);
        size_t len = receive(fd, got, sizeof got - 1), end = strlen(rows[i].end);
        got[len] = 0;
        T_TRUE(strstr(got, "100 Continue") == NULL);
        T_TRUE(len >= end);
        T_STR(got + len - end, rows[i].end);
        T_EQ(len == 0, end == 0);
        close(fd);
        rig_down(&g);
    }
}

/* It is answered, and the connection ends. */
static void expect_refusal(const struct rig *g, const char *said, size_t len, const char *answer)
{
    char got[1024] = {0};
    int fd = dial(g->proxy->door[0].port);
    send_all(fd, said, len);
    shutdown(fd, SHUT_WR);
    size_t n = receive(fd, got, sizeof got - 1);
    T_TRUE(n > strlen(answer));
    got[strlen(answer)] = 0;
    T_STR(got, answer);
    close(fd);
}

T_TEST(proxy_refuses_what_is_no_http)
{
    static const char *const bad[] = {"\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
                                      "GET / HTTP/1.1\nHost: h\n\n",
                                      "PUT /b/k HTTP/1.1\r\nContent-Length: 1\r\n"
                                      "Transfer-Encoding: chunked\r\n\r\n"};
    struct rig g;
    rig_up(&g, say_in_turn, NULL, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_refusal(&g, bad[i], strlen(bad[i]), "HTTP/1.1 400 ");
    static char head[S3P_HTTP1_HEAD_BYTES + 1000];
    memset(head, 'a', sizeof head);
    memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
    expect_refusal(&g, head, sizeof head, "HTTP/1.1 431 ");
    T_EQ(g.store.accepted, 0);
    rig_down(&g);
}

T_TEST(proxy_options_name_what_is_wrong)
{
    static const struct {
        const char *argv[4], *value;
    } rows[] = {
        {{"proxy", NULL}, "--endpoint"},
        {{"proxy", "--seed", "x", NULL}, "\"x\""},
        {{"proxy", "--fly", "x", NULL}, "\"--fly\""},
        {{"proxy", "--endpoint", NULL}, "\"--endpoint\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_px_options o;
        struct s3p_err err = {0};
        char *argv[4];
        int argc = 0;
        for (; rows[i].argv[argc] != NULL; argc++)
            argv[argc] = (char *)(uintptr_t)rows[i].argv[argc];
        T_EQ(s3p_px_options_parse(&o, argc, argv, &err), S3P_EINVAL);
        T_TRUE(strstr(err.msg, rows[i].value) != NULL);
    }
    static const char *const urls[] = {"gopher://h", "http://", "http://h:", "http://h:x",
                                       "http://h:1/b", "http://[::1", "ftp://h"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct s3p_px_options o = {.endpoints = {urls[i]}, .n_endpoints = 1};
        struct s3p_proxy *p;
        struct s3p_err err = {0};
        T_TRUE(s3p_proxy_open(&p, &o, &err) < 0);
        T_TRUE(strstr(err.msg, urls[i]) != NULL);
    }
}
