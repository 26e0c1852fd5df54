#include "proxy/link.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"

#define CONNECT_NS (5 * S3P_S)
#define LEAVE_NS (1 * S3P_S)

void s3p_px_close(struct s3p_loop *l, struct s3p_px_peer *p)
{
    if (!p->open)
        return;
    int fd = p->w.fd;
    s3p_watch_forget(l, &p->w);
    close(fd);
    p->open = false;
}

void s3p_px_reset(struct s3p_loop *l, struct s3p_px_peer *p)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (p->open)
        setsockopt(p->w.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    s3p_px_close(l, p);
}

/* Drops what comes, until the peer has gone or the time is over. */
static void drop_until(struct s3p_loop *l, struct s3p_px_peer *p, int64_t deadline_ns)
{
    char waste[4096];
    for (;;) {
        ssize_t n = recv(p->w.fd, waste, sizeof waste, MSG_DONTWAIT);
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
    shutdown(p->w.fd, SHUT_WR);
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
        ssize_t n = send(p->w.fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
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
static bool is_fresh(const struct s3p_px_peer *p)
{
    char one;
    return recv(p->w.fd, &one, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

int s3p_px_connect(struct s3p_px_link *x, unsigned upstream)
{
    struct s3p_px_peer *p = &x->store;
    struct s3p_loop *l = x->proxy->loop;
    const struct s3p_px_door *to = &x->proxy->door[upstream];
    if (p->open && p->upstream == upstream && is_fresh(p))
        return 0;
    s3p_px_close(l, p);
    int fd = socket(to->store.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return S3P_EIO;
    *p = (struct s3p_px_peer){.w = {.fd = fd}, .open = true, .upstream = upstream};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, (const struct sockaddr *)&to->store, to->store_len) == 0)
        return 0;
    int failed = errno != EINPROGRESS;
    socklen_t size = sizeof failed;
    if (!failed && s3p_wait_io(l, &p->w, EPOLLOUT, s3p_now_ns() + CONNECT_NS) == 0)
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    else
        failed = 1;
    if (failed)
        s3p_px_close(l, p);
    return failed ? S3P_ENET : 0;
}
