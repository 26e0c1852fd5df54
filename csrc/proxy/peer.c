#include "proxy/link.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"

#define CONNECT_NS (5 * S3P_S)
#define LEAVE_NS (1 * S3P_S)

ssize_t s3p_px_recv(struct s3p_px_peer *p, void *to, size_t len)
{
    return p->tls != NULL ? s3p_px_tls_recv(p, to, len, false)
                          : recv(p->w.fd, to, len, MSG_DONTWAIT);
}

ssize_t s3p_px_write(struct s3p_px_peer *p, const void *data, size_t len)
{
    return p->tls != NULL ? s3p_px_tls_write(p, data, len)
                          : send(p->w.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void s3p_px_shut(struct s3p_px_peer *p)
{
    if (p->tls != NULL)
        s3p_px_tls_shut(p);
    shutdown(p->w.fd, SHUT_WR);
}

void s3p_px_close(struct s3p_loop *l, struct s3p_px_peer *p)
{
    if (!p->open)
        return;
    int fd = p->w.fd;
    if (p->tls != NULL) {
        s3p_px_tls_shut(p);
        s3p_px_tls_end(p);
    }
    s3p_watch_forget(l, &p->w);
    close(fd);
    p->open = false;
}

void s3p_px_reset(struct s3p_loop *l, struct s3p_px_peer *p)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (p->open)
        setsockopt(p->w.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (p->tls != NULL)
        s3p_px_tls_end(p); /* without a goodbye */
    s3p_px_close(l, p);
}

/* Drops what comes, until the peer has gone or the time is over. */
static void drop_until(struct s3p_loop *l, struct s3p_px_peer *p, int64_t deadline_ns)
{
    char waste[4096];
    for (;;) {
        ssize_t n = s3p_px_recv(p, waste, sizeof waste);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return;
        if (n < 0 && s3p_wait_io(l, &p->w, EPOLLIN, deadline_ns) < 0)
            return;
        if (n > 0 && s3p_now_ns() > deadline_ns)
            return;
    }
}

void s3p_px_leave(struct s3p_loop *l, struct s3p_px_peer *p)
{
    if (!p->open)
        return;
    s3p_px_shut(p);
    drop_until(l, p, s3p_now_ns() + LEAVE_NS);
    s3p_px_close(l, p);
}

void s3p_px_await_end(struct s3p_loop *l, struct s3p_px_peer *p)
{
    if (p->open)
        drop_until(l, p, S3P_NEVER);
    s3p_px_close(l, p);
}

int s3p_px_send(struct s3p_loop *l, struct s3p_px_peer *p, const void *data, size_t len)
{
    for (const char *at = data; len > 0;) {
        ssize_t n = s3p_px_write(p, at, len);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return S3P_EIO;
        if (n < 0)
            S3P_TRY(s3p_wait_io(l, &p->w, EPOLLOUT, S3P_NEVER));
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* An idle connection is no good any more when it is closed or has something to say. */
static bool is_fresh(struct s3p_px_peer *p)
{
    char one;
    ssize_t n = p->tls != NULL ? s3p_px_tls_recv(p, &one, 1, true)
                               : recv(p->w.fd, &one, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && errno == EAGAIN;
}

static int dial(struct s3p_loop *l, struct s3p_px_peer *p, const struct s3p_px_door *to,
                int64_t deadline_ns, struct s3p_err *err)
{
    int fd = p->w.fd, failed = 0;
    socklen_t size = sizeof failed;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, (const struct sockaddr *)&to->store, to->store_len) == 0)
        return 0;
    if (errno != EINPROGRESS)
        failed = errno;
    else if (s3p_wait_io(l, &p->w, EPOLLOUT, deadline_ns) < 0)
        failed = ETIMEDOUT;
    else
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    return failed == 0 ? 0 : s3p_fail(err, S3P_ENET, failed, "%s", strerror(failed));
}

int s3p_px_connect(struct s3p_px_link *x, unsigned upstream)
{
    struct s3p_err err = {0};
    struct s3p_px_peer *p = &x->store;
    struct s3p_loop *l = x->proxy->loop;
    const struct s3p_px_door *to = &x->proxy->door[upstream];
    int64_t deadline_ns = s3p_now_ns() + CONNECT_NS;
    if (p->open && p->upstream == upstream && is_fresh(p))
        return 0;
    s3p_px_close(l, p);
    int fd = socket(to->store.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return S3P_EIO;
    *p = (struct s3p_px_peer){.w = {.fd = fd}, .open = true, .upstream = upstream};
    int rc = dial(l, p, to, deadline_ns, &err);
    if (rc == 0 && to->url.tls)
        rc = s3p_px_tls_begin(x->proxy->tls, l, p, to->url.host, deadline_ns, &err);
    if (rc == 0)
        return 0;
    s3p_px_no_store(x, upstream, err.msg);
    s3p_px_reset(l, p);
    return rc;
}
