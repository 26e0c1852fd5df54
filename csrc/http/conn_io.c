#include "http/conn_priv.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Over plain HTTP there is no state in libcurl to consult: the descriptor is used directly. */

static int64_t plain_result(struct s3p_conn *c, ssize_t n)
{
    if (n >= 0)
        return n;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return S3P_CONN_AGAIN;
    char text[S3P_CONN_WHY_BYTES];
    s3p_conn_explain(c->why, strerror_r(errno, text, sizeof text));
    return S3P_CONN_BROKEN;
}

static int64_t tls_result(struct s3p_conn *c, CURLcode code, size_t n)
{
    if (code == CURLE_OK)
        return (int64_t)n;
    if (code == CURLE_AGAIN)
        return S3P_CONN_AGAIN;
    s3p_conn_explain(c->why,
                     c->error_text[0] != '\0' ? c->error_text : curl_easy_strerror(code));
    return S3P_CONN_BROKEN;
}

int64_t s3p_conn_send(struct s3p_conn *c, const void *p, size_t len)
{
    if (!c->url.tls)
        return plain_result(c, send(c->watch.fd, p, len, MSG_NOSIGNAL));
    size_t n = 0;
    CURLcode code = curl_easy_send(c->easy, p, len, &n);
    return tls_result(c, code, n);
}

int64_t s3p_conn_recv(struct s3p_conn *c, void *p, size_t len)
{
    if (!c->url.tls) {
        ssize_t got = recv(c->watch.fd, p, len, 0);
        c->drained = got > 0 && (size_t)got < len;
        return plain_result(c, got);
    }
    size_t n = 0;
    CURLcode code = curl_easy_recv(c->easy, p, len, &n);
    return tls_result(c, code, n);
}

/* The loop takes a watch away when an event comes that nobody waits for. So on a descriptor that is
 * still watched, and was read empty, nothing came, but for what arrived in this turn of the loop,
 * which a look would miss as often a microsecond later. */
static bool shown_quiet(const struct s3p_conn *c)
{
    const struct s3p_watch *w = &c->watch;
    return c->drained && !c->wary && w->added && (w->asked & EPOLLIN) != 0 &&
           (w->seen & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0;
}

bool s3p_conn_quiet(struct s3p_conn *c)
{
    char byte;
    if (c->url.tls)
        return s3p_conn_recv(c, &byte, 1) == S3P_CONN_AGAIN;
    if (shown_quiet(c))
        return true;
    return plain_result(c, recv(c->watch.fd, &byte, 1, MSG_PEEK)) == S3P_CONN_AGAIN;
}
