#include "server/loop.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "server/commit.h"
#include "server/request_log.h"
#include "server/requests.h"
#include "server/routes.h"

#define LOG_MAX (64 * 1024 * 1024)
#define FILES_NS S3P_S

int s3p_srv_loop_init(struct s3p_srv_loop *loop, struct s3p_srv *srv, unsigned index,
                      struct s3p_err *err)
{
    loop->srv = srv;
    loop->index = index;
    loop->pending_end = &loop->pending;
    s3p_buf_init(&loop->log, LOG_MAX);
    pthread_mutex_init(&loop->mu, NULL);
    s3p_srv_auth_cache_init(&loop->auth_cache);
    s3p_srv_view_init(&loop->view, &srv->store);
    for (unsigned e = 0; e < S3P_SRV_ENDPOINTS_MAX; e++)
        loop->ports[e] = (struct s3p_srv_port){.loop = loop, .endpoint = e, .epoll_fd = -1};
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return s3p_fail(err, S3P_EIO, errno, "eventfd: %s", strerror(errno));
    return s3p_srv_txn_create(&loop->txn, srv, err);
}

void s3p_srv_loop_free(struct s3p_srv_loop *loop)
{
    if (loop->srv == NULL) /* never initialised */
        return;
    for (unsigned e = 0; e < S3P_SRV_ENDPOINTS_MAX; e++)
        if (loop->ports[e].daemon != NULL)
            MHD_stop_daemon(loop->ports[e].daemon);
    s3p_srv_request_log_flush(loop, true);
    s3p_buf_free(&loop->log);
    while (loop->free != NULL) {
        struct s3p_srv_req *r = loop->free;
        loop->free = r->next;
        s3p_srv_req_free(r);
    }
    s3p_srv_view_free(&loop->view);
    s3p_srv_auth_cache_free(&loop->auth_cache);
    s3p_srv_txn_free(loop->txn);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    pthread_mutex_destroy(&loop->mu);
    loop->srv = NULL;
}

void s3p_srv_loop_count(const struct s3p_srv_req *req)
{
    struct s3p_srv_loop *loop = req->loop;
    size_t n;
    const struct s3p_srv_route *rows = s3p_srv_route_rows(&n);
    if (req->route != NULL)
        atomic_fetch_add_explicit(&loop->counts[req->route - rows], 1, memory_order_relaxed);
    if (req->answer.status >= 400)
        atomic_fetch_add_explicit(&loop->errors, 1, memory_order_relaxed);
}

static void wake(struct s3p_srv_loop *loop)
{
    uint64_t one = 1;
    ssize_t n = write(loop->wake_fd, &one, sizeof one); /* full means that it is awake already */
    (void)n;
}

void s3p_srv_loop_done(struct s3p_srv_loop *loop, struct s3p_srv_req *req)
{
    pthread_mutex_lock(&loop->mu);
    bool first = loop->done == NULL;
    req->next = loop->done;
    loop->done = req;
    pthread_mutex_unlock(&loop->mu);
    if (first)
        wake(loop);
}

static void suspend(struct s3p_srv_req *req)
{
    req->stage = S3P_SRV_STAGE_WAIT;
    if (!req->suspended) {
        MHD_suspend_connection(req->conn);
        req->loop->suspended++;
    }
    req->suspended = true;
}

/* The answer stands: libmicrohttpd calls the front again, which sends it. */
static void resume(struct s3p_srv_req *req)
{
    req->stage = S3P_SRV_STAGE_READY;
    if (req->suspended) {
        req->suspended = false;
        req->loop->suspended--;
        req->loop->resumed = true;
        MHD_resume_connection(req->conn);
    }
}

void s3p_srv_submit(struct s3p_srv_req *req,
                    enum s3p_srv_error (*apply)(struct s3p_srv_txn *, struct s3p_srv_req *),
                    void (*reply)(struct s3p_srv_req *))
{
    struct s3p_srv_loop *loop = req->loop;
    req->write.apply = apply;
    req->write.reply = reply;
    suspend(req);
    req->next = NULL;
    *loop->pending_end = req;
    loop->pending_end = &req->next;
}

void s3p_srv_delay(struct s3p_srv_req *req, int64_t delay_ns, void (*then)(struct s3p_srv_req *))
{
    suspend(req);
    req->due_ns = s3p_now_ns() + delay_ns;
    req->resume = then;
    req->next = req->loop->delayed;
    req->loop->delayed = req;
}

static void complete(struct s3p_srv_req *req)
{
    if (req->write.result == S3P_SE_NONE)
        req->write.reply(req);
    else
        s3p_srv_answer_error(req, req->write.result);
    resume(req);
}

static void complete_list(struct s3p_srv_req *list)
{
    while (list != NULL) {
        struct s3p_srv_req *r = list;
        list = r->next;
        r->next = NULL;
        complete(r);
    }
}

/* What this round submitted. */
static void commit_pending(struct s3p_srv_loop *loop)
{
    struct s3p_srv_req *list = loop->pending;
    if (list == NULL)
        return;
    loop->pending = NULL;
    loop->pending_end = &loop->pending;
    if (loop->srv->committer != NULL) {
        s3p_srv_committer_add(loop->srv->committer, list);
        return;
    }
    s3p_srv_commit_batch(loop->txn, list);
    complete_list(list);
}

static void take_done(struct s3p_srv_loop *loop)
{
    uint64_t n;
    ssize_t got = read(loop->wake_fd, &n, sizeof n);
    (void)got;
    pthread_mutex_lock(&loop->mu);
    struct s3p_srv_req *list = loop->done;
    loop->done = NULL;
    pthread_mutex_unlock(&loop->mu);
    complete_list(list);
}

/* Wakes what is due, everything when `all`; returns the time of the next one. */
static int64_t run_delayed(struct s3p_srv_loop *loop, bool all)
{
    if (loop->delayed == NULL)
        return S3P_NEVER;
    int64_t now = s3p_now_ns(), next = S3P_NEVER;
    struct s3p_srv_req *list = loop->delayed, *r;
    loop->delayed = NULL;
    while ((r = list) != NULL) {
        list = r->next;
        if (all || r->due_ns <= now) {
            r->next = NULL;
            r->stage = S3P_SRV_STAGE_READY;
            r->resume(r);
            if (r->stage == S3P_SRV_STAGE_READY)
                resume(r);
        } else {
            r->next = loop->delayed;
            loop->delayed = r;
            next = r->due_ns < next ? r->due_ns : next;
        }
    }
    for (r = loop->delayed; r != NULL; r = r->next) /* those that a resume function added */
        next = r->due_ns < next ? r->due_ns : next;
    return next;
}

void s3p_srv_loop_file_begin(struct s3p_srv_req *req)
{
    struct s3p_srv_loop *loop = req->loop;
    req->file_next = loop->files;
    req->file_at = &loop->files;
    if (loop->files != NULL)
        loop->files->file_at = &req->file_next;
    loop->files = req;
}

void s3p_srv_loop_file_end(struct s3p_srv_req *req)
{
    if (req->file_at == NULL)
        return;
    *req->file_at = req->file_next;
    if (req->file_next != NULL)
        req->file_next->file_at = req->file_at;
    req->file_at = NULL;
}

/* A process that is stopped and goes on leaves sendfile early. libmicrohttpd takes what is missing
 * for a full socket, and waits for room that will never be told of, as there was room throughout.
 * Such a connection has nothing left to send and no end: it is shown to the library anew. */
static void push_files(struct s3p_srv_loop *loop)
{
    int64_t now_ns = s3p_now_ns();
    if (now_ns - loop->files_ns < FILES_NS)
        return;
    loop->files_ns = now_ns;
    for (struct s3p_srv_req *r = loop->files; r != NULL; r = r->file_next) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
        int left;
        if (info == NULL || ioctl(info->connect_fd, SIOCOUTQ, &left) != 0 || left > 0)
            continue;
        MHD_suspend_connection(r->conn);
        MHD_resume_connection(r->conn);
        loop->resumed = true;
    }
}

static int wait_ms(struct s3p_srv_loop *loop, int64_t next_due_ns)
{
    int64_t ms =
        loop->resumed ? 0 : 1000; /* a resumed connection does not show in the descriptor */
    loop->resumed = false;
    if (loop->log.len > 0 && ms > S3P_SRV_LOG_FLUSH_MS)
        ms = S3P_SRV_LOG_FLUSH_MS;
    for (unsigned e = 0; e < loop->srv->options.endpoints; e++) {
        MHD_UNSIGNED_LONG_LONG t;
        if (MHD_get_timeout(loop->ports[e].daemon, &t) == MHD_YES && (int64_t)t < ms)
            ms = (int64_t)t;
    }
    if (next_due_ns != S3P_NEVER) {
        int64_t until = (next_due_ns - s3p_now_ns() + S3P_MS - 1) / S3P_MS;
        ms = until < ms ? until : ms;
    }
    return ms > 0 ? (int)ms : 0;
}

static void round_once(struct s3p_srv_loop *loop, int timeout_ms)
{
    struct pollfd fds[S3P_SRV_ENDPOINTS_MAX + 1];
    unsigned n = loop->srv->options.endpoints;
    for (unsigned e = 0; e < n; e++)
        fds[e] = (struct pollfd){.fd = loop->ports[e].epoll_fd, .events = POLLIN};
    fds[n] = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
    (void)poll(fds, n + 1, timeout_ms);
    loop->wall_ns = s3p_wall_ns();
    for (unsigned e = 0; e < n; e++)
        (void)MHD_run(loop->ports[e].daemon);
    if (fds[n].revents != 0)
        take_done(loop);
}

static void *loop_main(void *arg)
{
    struct s3p_srv_loop *loop = arg;
    int64_t next = S3P_NEVER;
    while (atomic_load_explicit(&loop->srv->stop, memory_order_acquire) == 0) {
        round_once(loop, wait_ms(loop, next));
        next = run_delayed(loop, false);
        commit_pending(loop);
        if (S3P_SRV_UNLIKELY(loop->log.len > 0))
            s3p_srv_request_log_flush(loop, false);
        if (loop->files != NULL)
            push_files(loop);
    }
    /* a suspended connection would keep its daemon from stopping */
    while (loop->suspended > 0) {
        run_delayed(loop, true);
        commit_pending(loop);
        if (loop->suspended > 0)
            round_once(loop, 10);
    }
    for (unsigned e = 0; e < loop->srv->options.endpoints; e++)
        (void)MHD_run(loop->ports[e].daemon); /* sends the answers */
    return NULL;
}

int s3p_srv_loop_start(struct s3p_srv_loop *loop, struct s3p_err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&loop->thread, NULL, loop_main, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return s3p_fail(err, S3P_EIO, rc, "cannot start an event loop: %s", strerror(rc));
    loop->running = true;
    return 0;
}

void s3p_srv_loop_join(struct s3p_srv_loop *loop)
{
    if (!loop->running)
        return;
    wake(loop);
    pthread_join(loop->thread, NULL);
    loop->running = false;
}
