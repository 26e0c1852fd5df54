#include "server/null_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/text.h"

#define EVENTS 256
#define READ_BYTES 65536
#define HEAD_MAX 32768
#define PIPELINE_MAX 64

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Content-Length: 0\r\n"
                             "ETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\n"
                             "x-amz-request-id: 0000000000000000\r\n"
                             "Server: s3prod-null\r\n"
                             "\r\n";
static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

struct conn {
    struct conn *prev, *next;
    int fd;
    bool in_body;
    uint64_t body_left;
    size_t head_len; /* bytes of an unfinished head kept in `head` */
    char head[HEAD_MAX];
};

struct s3p_null_server {
    /* immutable after start */
    int listen_fd, epoll_fd, wake_fd;
    unsigned port;
    pthread_t thread;
    bool running;
    /* its thread only */
    struct conn *conns;
    char in[READ_BYTES + HEAD_MAX];
    /* shared: atomics */
    _Atomic int stop;
};

static void drop(struct s3p_null_server *n, struct conn *c)
{
    close(c->fd);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        n->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    s3p_free(c);
}

static void take_connections(struct s3p_null_server *n)
{
    for (;;) {
        int fd = accept4(n->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct conn *c = s3p_alloc(sizeof *c);
        if (c == NULL) {
            close(fd);
            return;
        }
        int one = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->fd = fd;
        c->body_left = c->head_len = 0;
        c->in_body = false;
        c->prev = NULL;
        c->next = n->conns;
        if (n->conns != NULL)
            n->conns->prev = c;
        n->conns = c;
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
            drop(n, c);
    }
}

/* Value of a header field in a head that ends with an empty line; .p NULL without. */
static struct s3p_str field(struct s3p_str head, const char *name)
{
    size_t n = strlen(name);
    const char *end = head.p + head.len, *line = memchr(head.p, '\n', head.len);
    while (line != NULL && (size_t)(end - line) > n + 1) {
        line++;
        const char *next = memchr(line, '\n', (size_t)(end - line));
        if (strncasecmp(line, name, n) == 0 && line[n] == ':' && next != NULL) {
            const char *from = line + n + 1;
            while (from < next && *from == ' ')
                from++;
            size_t len = (size_t)(next - from);
            while (len > 0 && (from[len - 1] == '\r' || from[len - 1] == ' '))
                len--;
            return (struct s3p_str){from, len};
        }
        line = next;
    }
    return (struct s3p_str){NULL, 0};
}

static bool send_all(int fd, const char *p, size_t len)
{
    /* a few hundred bytes: a socket that cannot take them belongs to a client that does not read */
    return send(fd, p, len, MSG_NOSIGNAL) == (ssize_t)len;
}

enum progress { NEED_MORE, ANSWERED, BROKEN };

/* Takes one request off the bytes, or what is there of it. */
static enum progress advance(struct conn *c, struct s3p_str *in)
{
    if (!c->in_body) {
        const char *end = in->len > 0 ? memmem(in->p, in->len, "\r\n\r\n", 4) : NULL;
        if (end == NULL)
            return NEED_MORE;
        struct s3p_str head = {in->p, (size_t)(end - in->p) + 4};
        struct s3p_str length = field(head, "content-length");
        c->body_left = 0;
        if (length.p != NULL && !s3p_parse_u64(length.p, length.len, &c->body_left))
            return BROKEN;
        *in = (struct s3p_str){in->p + head.len, in->len - head.len};
        c->in_body = true;
        if (c->body_left > 0 && in->len == 0 && field(head, "expect").p != NULL &&
            !send_all(c->fd, go_on, sizeof go_on - 1))
            return BROKEN;
    }
    size_t n = c->body_left < in->len ? (size_t)c->body_left : in->len;
    c->body_left -= n;
    *in = (struct s3p_str){in->p + n, in->len - n};
    if (c->body_left > 0)
        return NEED_MORE;
    c->in_body = false;
    return ANSWERED;
}

/* Answers what is whole and keeps the rest; false: drop the connection. */
static bool consume(struct conn *c, struct s3p_str in)
{
    char out[PIPELINE_MAX * (sizeof answer - 1)];
    unsigned answers = 0;
    enum progress got;
    while ((got = advance(c, &in)) == ANSWERED) {
        memcpy(out + answers++ * (sizeof answer - 1), answer, sizeof answer - 1);
        if (answers == PIPELINE_MAX && !send_all(c->fd, out, sizeof out))
            return false;
        answers %= PIPELINE_MAX;
    }
    if (got == BROKEN || in.len > HEAD_MAX)
        return false;
    memcpy(c->head, in.p, in.len);
    c->head_len = in.len;
    return answers == 0 || send_all(c->fd, out, answers * (sizeof answer - 1));
}

static bool serve(struct s3p_null_server *n, struct conn *c)
{
    size_t kept = c->head_len;
    memcpy(n->in, c->head, kept);
    ssize_t got = read(c->fd, n->in + kept, READ_BYTES);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false;
    c->head_len = 0;
    return consume(c, (struct s3p_str){n->in, kept + (size_t)got});
}

static void *null_main(void *arg)
{
    struct s3p_null_server *n = arg;
    struct epoll_event events[EVENTS];
    while (atomic_load_explicit(&n->stop, memory_order_acquire) == 0) {
        int got = epoll_wait(n->epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < got; i++) {
            struct conn *c = events[i].data.ptr;
            if (events[i].data.ptr == n)
                take_connections(n);
            else if (c != NULL && !serve(n, c))
                drop(n, c);
        }
    }
    return NULL;
}

static int open_listener(struct s3p_null_server *n, const struct s3p_srv_options *o,
                         struct s3p_err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
    socklen_t len = sizeof at;
    int one = 1;
    if (inet_pton(AF_INET, o->host, &at.sin_addr) != 1)
        return s3p_fail(err, S3P_EINVAL, 0, "--host: \"%s\": expected an IPv4 address", o->host);
    n->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (n->listen_fd < 0 ||
        setsockopt(n->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(n->listen_fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(n->listen_fd, 4096) != 0 ||
        getsockname(n->listen_fd, (struct sockaddr *)&at, &len) != 0)
        return s3p_fail(err, S3P_EIO, errno, "cannot listen on %s port %u: %s", o->host, o->port,
                        strerror(errno));
    n->port = ntohs(at.sin_port);
    return 0;
}

static int start(struct s3p_null_server *n, const struct s3p_srv_options *o, struct s3p_err *err)
{
    S3P_TRY(open_listener(n, o, err));
    n->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    n->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event listener = {.events = EPOLLIN, .data.ptr = n};
    struct epoll_event waker = {.events = EPOLLIN, .data.ptr = NULL};
    if (n->epoll_fd < 0 || n->wake_fd < 0 ||
        epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, n->listen_fd, &listener) != 0 ||
        epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, n->wake_fd, &waker) != 0)
        return s3p_fail(err, S3P_EIO, errno, "epoll: %s", strerror(errno));
    int rc = pthread_create(&n->thread, NULL, null_main, n);
    if (rc != 0)
        return s3p_fail(err, S3P_EIO, rc, "cannot start a thread: %s", strerror(rc));
    n->running = true;
    return 0;
}

int s3p_null_server_open(struct s3p_null_server **out, const struct s3p_srv_options *o,
                         struct s3p_err *err)
{
    struct s3p_null_server *n = s3p_calloc(1, sizeof *n);
    if (n == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "no memory for the server");
    n->listen_fd = n->epoll_fd = n->wake_fd = -1;
    int rc = start(n, o, err);
    if (rc < 0) {
        s3p_null_server_close(n);
        return rc;
    }
    *out = n;
    return 0;
}

unsigned s3p_null_server_port(const struct s3p_null_server *n)
{
    return n->port;
}

void s3p_null_server_close(struct s3p_null_server *n)
{
    if (n == NULL)
        return;
    if (n->running) {
        uint64_t one = 1;
        atomic_store_explicit(&n->stop, 1, memory_order_release);
        ssize_t w = write(n->wake_fd, &one, sizeof one);
        (void)w;
        pthread_join(n->thread, NULL);
    }
    while (n->conns != NULL)
        drop(n, n->conns);
    int fds[] = {n->listen_fd, n->epoll_fd, n->wake_fd};
    for (unsigned i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    s3p_free(n);
}
