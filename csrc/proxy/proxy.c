#include "proxy/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/text.h"
#include "proxy/link.h"

#define BACKLOG 1024
#define OUT_OF_DESCRIPTORS_NS (20 * S3P_MS)

static void link_free(struct s3p_px_link *x)
{
    if (x == NULL)
        return;
    s3p_free(x->req.buf);
    s3p_free(x->resp.buf);
    s3p_buf_free(&x->hold);
    s3p_free(x);
}

static struct s3p_px_link *link_take(struct s3p_proxy *p)
{
    struct s3p_px_link *x = p->spare;
    if (x != NULL) {
        p->spare = x->next;
        return x;
    }
    x = s3p_calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->proxy = p;
    s3p_buf_init(&x->hold, S3P_PX_HOLD_BYTES);
    x->req.buf = s3p_alloc(S3P_PX_BUFFER_BYTES);
    x->resp.buf = s3p_alloc(S3P_PX_BUFFER_BYTES);
    if (x->req.buf != NULL && x->resp.buf != NULL)
        return x;
    link_free(x);
    return NULL;
}

static void welcome(struct s3p_px_door *door, int fd)
{
    struct s3p_px_link *x = link_take(door->proxy);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (x == NULL) {
        close(fd);
        return;
    }
    x->endpoint = door->endpoint;
    x->client = (struct s3p_px_peer){.w = {.fd = fd}, .open = true};
    if (s3p_loop_spawn(door->proxy->loop, door->serve, x, NULL) < 0) {
        close(fd);
        link_free(x);
    }
}

static void door_main(void *arg)
{
    struct s3p_px_door *door = arg;
    struct s3p_loop *l = door->proxy->loop;
    for (int rc = 0; rc == 0;) {
        int fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            welcome(door, fd);
        else if (errno == EMFILE || errno == ENFILE)
            rc = s3p_sleep_until(l, s3p_now_ns() + OUT_OF_DESCRIPTORS_NS);
        else
            rc = s3p_wait_io(l, &door->w, EPOLLIN, S3P_NEVER);
    }
    s3p_watch_forget(l, &door->w);
}

static int door_open(struct s3p_proxy *p, struct s3p_px_door *door, s3p_coro_fn *serve,
                     struct s3p_err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    door->proxy = p;
    door->serve = serve;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        int sys = errno;
        if (fd >= 0)
            close(fd);
        return s3p_fail(err, S3P_EIO, sys, "cannot listen on 127.0.0.1: %s", strerror(sys));
    }
    door->fd = fd;
    door->w = (struct s3p_watch){.fd = fd};
    door->port = ntohs(at.sin_port);
    return s3p_loop_spawn(p->loop, door_main, door, err);
}

/* The address behind the endpoint. */
static int find_store(struct s3p_px_door *door, const char *text, struct s3p_err *err)
{
    char port[8];
    struct addrinfo want = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    S3P_TRY(s3p_url_parse(&door->url, text, err));
    snprintf(port, sizeof port, "%d", door->url.port);
    int rc = getaddrinfo(door->url.host, port, &want, &found);
    if (rc != 0)
        return s3p_fail(err, S3P_ENET, 0, "--endpoint: \"%s\": %s", text, gai_strerror(rc));
    memcpy(&door->store, found->ai_addr, found->ai_addrlen);
    door->store_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

void s3p_px_no_store(struct s3p_px_link *x, unsigned upstream, const char *why)
{
    struct s3p_proxy *p = x->proxy;
    char line[512];
    if (p->told)
        return;
    p->told = true;
    int n = snprintf(line, sizeof line, "s3prod: proxy: endpoint \"%s\": %s\n",
                     p->o.endpoints[upstream], why);
    ssize_t sent = write(STDERR_FILENO, line, (size_t)n); /* nobody to tell when nobody reads */
    (void)sent;
}

static int open_all(struct s3p_proxy *p, struct s3p_err *err)
{
    bool tls = false;
    for (unsigned i = 0; i < p->n; i++) {
        p->door[i].endpoint = i;
        S3P_TRY(find_store(&p->door[i], p->o.endpoints[i], err));
        tls |= p->door[i].url.tls;
    }
    if (tls)
        S3P_TRY(s3p_px_tls_create(&p->tls, p->o.ca_file, !p->o.no_verify_tls, err));
    S3P_TRY(s3p_px_faults_create(&p->faults, NULL, p->o.faults, p->o.n_faults, p->n, err));
    if (p->o.event_log != NULL) {
        p->events.fd = open(p->o.event_log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (p->events.fd < 0)
            return s3p_fail(err, S3P_EIO, errno, "--event-log: \"%s\": %s", p->o.event_log,
                            strerror(errno));
    }
    S3P_TRY(s3p_loop_create(&p->loop, err));
    for (unsigned i = 0; i < p->n; i++)
        S3P_TRY(door_open(p, &p->door[i], s3p_px_link_main, err));
    return door_open(p, &p->control, s3p_px_control_main, err);
}

int s3p_proxy_open(struct s3p_proxy **out, const struct s3p_px_options *o, struct s3p_err *err)
{
    struct s3p_proxy *p = s3p_calloc(1, sizeof *p);
    if (p == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for a proxy");
    p->o = *o;
    p->n = o->n_endpoints;
    p->events.fd = p->control.fd = -1;
    for (unsigned i = 0; i < S3P_PX_ENDPOINTS_MAX; i++)
        p->door[i].fd = -1;
    s3p_buf_init(&p->events.lines, S3P_PX_EVENTS_BYTES);
    p->start_ns = s3p_now_ns();
    int rc = open_all(p, err);
    if (rc < 0) {
        s3p_proxy_close(p);
        return rc;
    }
    *out = p;
    return 0;
}

void s3p_proxy_run(struct s3p_proxy *p)
{
    p->start_ns = s3p_now_ns();
    s3p_loop_run(p->loop, NULL, NULL);
}

static void door_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

void s3p_proxy_close(struct s3p_proxy *p)
{
    if (p == NULL)
        return;
    if (p->loop != NULL && s3p_loop_live(p->loop) > 0) { /* never run: its coroutines must end */
        s3p_loop_cancel(p->loop);
        s3p_loop_run(p->loop, NULL, NULL);
    }
    s3p_loop_free(p->loop);
    for (unsigned i = 0; i < S3P_PX_ENDPOINTS_MAX; i++)
        door_close(p->door[i].fd);
    door_close(p->control.fd);
    while (p->spare != NULL) {
        struct s3p_px_link *x = p->spare;
        p->spare = x->next;
        link_free(x);
    }
    door_close(p->events.fd);
    s3p_buf_free(&p->events.lines);
    s3p_px_faults_free(p->faults);
    s3p_px_tls_free(p->tls);
    s3p_free(p);
}
