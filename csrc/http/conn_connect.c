#include "http/conn_priv.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/alloc.h"

/* libcurl searches the pool of a multi on every curl_easy_recv: small ones keep that cheap. */
#define MULTI_HANDLES 64

/* One libcurl multi. All that it waits for (its sockets, its timer) is in one epoll set, which is
 * one descriptor of the loop; a coroutine serves it while connects are under way. A connected
 * handle stays in its multi for life, because removing it closes the connection. */
struct s3p_conn_multi {
    CURLM *curl;
    struct s3p_conn_hub *hub;
    struct s3p_conn_multi *next;
    struct s3p_watch watch; /* its descriptor is the epoll set */
    int timer_fd;
    int handles, connecting;
    bool driven;    /* the coroutine runs */
    bool resolving; /* a first look-up of the name is under way; the others wait for its answer */
    bool resolved;
    struct s3p_waitq resolver;
};

struct s3p_conn_hub {
    struct s3p_loop *loop;
    struct s3p_conn_multi *multis;
    int64_t users; /* connections and driving coroutines */
    char recv[S3P_CONN_RECV_BYTES];
};

/* ---- hub and multis ---- */

static void multi_free(struct s3p_conn_multi *m)
{
    if (m == NULL)
        return;
    if (m->curl != NULL)
        curl_multi_cleanup(m->curl);
    int epoll_fd = m->watch.fd;
    s3p_watch_forget(m->hub->loop, &m->watch);
    if (epoll_fd >= 0)
        close(epoll_fd);
    if (m->timer_fd >= 0)
        close(m->timer_fd);
    s3p_free(m);
}

int s3p_conn_join(struct s3p_conn *c, struct s3p_err *err)
{
    void **shared = s3p_loop_shared(c->loop);
    struct s3p_conn_hub *hub = *shared;
    if (hub == NULL) {
        hub = s3p_alloc(sizeof *hub);
        if (hub == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the connections of a loop");
        hub->loop = c->loop;
        hub->multis = NULL;
        hub->users = 0;
        *shared = hub;
    }
    hub->users++;
    c->hub = hub;
    return 0;
}

static void hub_release(struct s3p_conn_hub *hub)
{
    if (--hub->users > 0)
        return;
    *s3p_loop_shared(hub->loop) = NULL;
    while (hub->multis != NULL) {
        struct s3p_conn_multi *m = hub->multis;
        hub->multis = m->next;
        multi_free(m);
    }
    s3p_free(hub);
}

void s3p_conn_leave(struct s3p_conn *c)
{
    if (c->hub != NULL)
        hub_release(c->hub);
    c->hub = NULL;
}

char *s3p_conn_recv_buffer(struct s3p_conn *c)
{
    return c->hub->recv;
}

static void timer_set(struct s3p_conn_multi *m, int64_t ns)
{
    struct itimerspec t = {.it_value = {(time_t)(ns / S3P_S), (long)(ns % S3P_S)}};
    timerfd_settime(m->timer_fd, 0, &t, NULL); /* 0 disarms */
}

static int on_timer(CURLM *curl, long timeout_ms, void *arg)
{
    (void)curl;
    timer_set(arg, timeout_ms < 0 ? 0 : timeout_ms == 0 ? 1 : timeout_ms * S3P_MS);
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    static const uint32_t events[] = {
        [CURL_POLL_IN] = EPOLLIN,
        [CURL_POLL_OUT] = EPOLLOUT,
        [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT,
    };
    (void)easy;
    (void)socket_arg;
    struct s3p_conn_multi *m = arg;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(m->watch.fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    struct epoll_event ev = {.events = events[what & 3], .data.fd = fd};
    if (epoll_ctl(m->watch.fd, EPOLL_CTL_MOD, fd, &ev) != 0)
        epoll_ctl(m->watch.fd, EPOLL_CTL_ADD, fd, &ev);
    return 0;
}

static struct s3p_conn_multi *multi_create(struct s3p_conn_hub *hub)
{
    struct s3p_conn_multi *m = s3p_calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->hub = hub;
    m->watch.fd = epoll_create1(EPOLL_CLOEXEC);
    m->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    m->curl = curl_multi_init();
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = m->timer_fd};
    if (m->watch.fd < 0 || m->timer_fd < 0 || m->curl == NULL ||
        epoll_ctl(m->watch.fd, EPOLL_CTL_ADD, m->timer_fd, &ev) != 0) {
        multi_free(m);
        return NULL;
    }
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
    m->next = hub->multis;
    hub->multis = m;
    return m;
}

static struct s3p_conn_multi *multi_with_room(struct s3p_conn_hub *hub)
{
    for (struct s3p_conn_multi *m = hub->multis; m != NULL; m = m->next)
        if (m->handles < MULTI_HANDLES)
            return m;
    return multi_create(hub);
}

/* ---- the coroutine that serves a multi ---- */

static void pump(struct s3p_conn_multi *m)
{
    struct epoll_event ev[MULTI_HANDLES];
    int running;
    int n = epoll_wait(m->watch.fd, ev, MULTI_HANDLES, 0);
    for (int i = 0; i < n; i++) {
        uint64_t ticks;
        if (ev[i].data.fd != m->timer_fd) {
            int what = (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                       (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                       (ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
            curl_multi_socket_action(m->curl, ev[i].data.fd, what, &running);
        } else if (read(m->timer_fd, &ticks, sizeof ticks) > 0) {
            curl_multi_socket_action(m->curl, CURL_SOCKET_TIMEOUT, 0, &running);
        }
    }
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(m->curl, &running)) != NULL) {
        struct s3p_conn *c = NULL;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        if (msg->msg != CURLMSG_DONE || c->connect_over)
            continue;
        c->connect_over = true;
        c->connect_result = (int)msg->data.result;
        m->connecting--;
        s3p_waitq_wake(m->hub->loop, &c->connected, -1);
    }
}

static void drive(void *arg)
{
    struct s3p_conn_multi *m = arg;
    while (m->connecting > 0) {
        if (s3p_wait_io(m->hub->loop, &m->watch, EPOLLIN, S3P_NEVER) != 0)
            break; /* cancelled, and so is everyone who waits for a connect */
        pump(m);
    }
    m->driven = false;
    hub_release(m->hub);
}

static bool drive_start(struct s3p_conn_multi *m)
{
    if (m->driven)
        return true;
    if (s3p_loop_spawn(m->hub->loop, drive, m, NULL) != 0)
        return false;
    m->driven = true;
    m->hub->users++;
    return true;
}

/* ---- one connect ---- */

void s3p_conn_close(struct s3p_conn *c)
{
    struct s3p_conn_multi *m = c->multi;
    if (m == NULL)
        return;
    c->multi = NULL;
    s3p_watch_forget(c->loop, &c->watch);
    if (c->easy != NULL) {
        curl_multi_remove_handle(m->curl, c->easy); /* closes the socket */
        curl_easy_cleanup(c->easy);
        c->easy = NULL;
    }
    m->handles--;
    if (m->driven && m->connecting == 0)
        timer_set(m, 1); /* wakes the coroutine so that it ends */
}

static int fail(struct s3p_conn *c, int code, enum s3p_wire_error wire, const char *why)
{
    c->wire = wire;
    s3p_conn_explain(c->why, why);
    return code;
}

static int fail_wait(struct s3p_conn *c, int rc)
{
    if (rc == S3P_ECANCEL)
        return fail(c, rc, S3P_WIRE_CANCELLED, "cancelled while connecting");
    return fail(c, rc, S3P_WIRE_TIMEOUT, "deadline passed while connecting");
}

static enum s3p_wire_error wire_of(int code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return S3P_WIRE_RESOLVE;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return S3P_WIRE_TLS;
    default:
        return S3P_WIRE_CONNECT;
    }
}

/* A fresh handle for each connect: performing again on an old one leaks its socket in 7.88. */
static bool easy_create(struct s3p_conn *c)
{
    char url[sizeof c->url.authority + 16];
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return false;
    c->easy = easy;
    snprintf(url, sizeof url, "%s://%s/", c->url.tls ? "https" : "http", c->url.authority);
    c->error_text[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->error_text);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    /* Otherwise a TLS server that offers h2 gets h2, and frames go around what is written. */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    return s3p_net_apply(c->net, easy) && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
}

/* Names that libcurl looks up without a thread. */
static bool host_is_plain(const char *host)
{
    struct in6_addr addr;
    return inet_pton(AF_INET, host, &addr) == 1 || inet_pton(AF_INET6, host, &addr) == 1 ||
           strcasecmp(host, "localhost") == 0;
}

/* libcurl starts a thread for each look-up of a name that is not in the multi's cache yet: one goes
 * first. */
static int resolver_turn(struct s3p_conn *c, bool *first, int64_t deadline_ns)
{
    struct s3p_conn_multi *m = c->multi;
    *first = false;
    if (host_is_plain(c->url.host) || c->net->proxy[0] != '\0')
        return 0;
    int rc = 0;
    while (rc == 0 && m->resolving)
        rc = s3p_waitq_wait(c->loop, &m->resolver, deadline_ns);
    if (rc != 0)
        return fail_wait(c, rc);
    if (!m->resolved)
        *first = m->resolving = true;
    return 0;
}

static void resolver_done(struct s3p_conn *c, bool known)
{
    struct s3p_conn_multi *m = c->multi;
    m->resolving = false;
    m->resolved = known;
    s3p_waitq_wake(c->loop, &m->resolver, known ? -1 : 1);
}

static int connect_now(struct s3p_conn *c, int64_t deadline_ns)
{
    struct s3p_conn_multi *m = c->multi;
    if (!easy_create(c) || !drive_start(m) || curl_multi_add_handle(m->curl, c->easy) != CURLM_OK)
        return fail(c, S3P_ENET, S3P_WIRE_CONNECT, "out of memory for a connection");
    m->connecting++;
    c->connect_over = false;
    int rc = 0;
    while (rc == 0 && !c->connect_over)
        rc = s3p_waitq_wait(c->loop, &c->connected, deadline_ns);
    if (!c->connect_over) {
        c->connect_over = true;
        m->connecting--;
        return fail_wait(c, rc);
    }
    if (c->connect_result != CURLE_OK) {
        const char *why = curl_easy_strerror((CURLcode)c->connect_result);
        if (c->error_text[0] != '\0')
            why = c->error_text;
        return fail(c, S3P_ENET, wire_of(c->connect_result), why);
    }
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD)
        return fail(c, S3P_ENET, S3P_WIRE_CONNECT, "connected, but without a socket");
    c->watch = (struct s3p_watch){.fd = fd};
    c->serial++;
    return 0;
}

int s3p_conn_connect(struct s3p_conn *c, int64_t deadline_ns)
{
    c->wire = S3P_WIRE_NONE;
    c->connect_result = 0;
    c->multi = multi_with_room(c->hub);
    if (c->multi == NULL)
        return fail(c, S3P_ENET, S3P_WIRE_CONNECT, "out of memory or descriptors for a connection");
    c->multi->handles++;
    bool first;
    int rc = resolver_turn(c, &first, deadline_ns);
    if (rc == 0)
        rc = connect_now(c, deadline_ns);
    if (first)
        resolver_done(c, rc == 0 || c->wire == S3P_WIRE_CONNECT || c->wire == S3P_WIRE_TLS);
    if (rc != 0)
        s3p_conn_close(c);
    return rc;
}
