#include "server/front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core/alloc.h"
#include "core/text.h"
#include "server/commit.h"
#include "server/loop.h"
#include "server/mutants.h"
#include "server/parts_body.h"
#include "server/request_log.h"
#include "server/requests.h"
#include "server/routes.h"

/* The library clears all of it with every request; the longest head must fit into half. */
#define CONNECTION_MEMORY (64 * 1024)
#define CONNECTIONS_MAX 65536
#define BACKLOG 4096
#define IDLE_S 300
#define PARTS_BLOCK (256 * 1024)
#define DRAIN_MAX (1024 * 1024)

/* Never called: the answer to HEAD has a length and no body. */
static ssize_t no_bytes(void *cls, uint64_t at, char *buf, size_t max)
{
    (void)cls;
    (void)at;
    (void)buf;
    (void)max;
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t part_bytes(void *cls, uint64_t at, char *buf, size_t max)
{
    ssize_t n = s3p_srv_parts_read(cls, at, buf, max);
    return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void part_end(void *cls)
{
    s3p_srv_parts_close(cls);
}

/* Sends the answer that stands; libmicrohttpd keeps the buffers until the request has completed. */
static enum MHD_Result send_answer(struct s3p_srv_req *req, bool close_after)
{
    static const char *const server = "s3prod";
    struct s3p_srv_answer *a = &req->answer;
    if (S3P_SRV_UNLIKELY(a->status == S3P_SRV_NO_ANSWER))
        return MHD_NO;
    if (!s3p_buf_ok(&a->fields) || !s3p_buf_ok(&a->body))
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
    if (S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL))
        s3p_srv_mutants_send(req);
    struct MHD_Response *r;
    bool file = a->fd >= 0;
    if (file) {
        r = MHD_create_response_from_fd_at_offset64(a->length, a->fd, a->offset);
        a->fd = -1;
    } else if (a->parts != NULL) {
        r = MHD_create_response_from_callback(a->length, PARTS_BLOCK, part_bytes, a->parts,
                                              part_end);
        if (r != NULL)
            a->parts = NULL;
    } else if (a->length > 0) { /* HEAD: the length of a body that is not sent */
        r = MHD_create_response_from_callback(a->length, 1, no_bytes, NULL, NULL);
    } else {
        r = MHD_create_response_from_buffer(a->body.len - a->surplus, a->body.data,
                                            MHD_RESPMEM_PERSISTENT);
    }
    if (r == NULL)
        return MHD_NO;
    bool ok = MHD_add_response_header(r, "Server", server) == MHD_YES &&
              MHD_add_response_header(r, "x-amz-request-id", req->id) == MHD_YES;
    for (const char *p = a->fields.data; ok && p != NULL && p < a->fields.data + a->fields.len;) {
        const char *value = p + strlen(p) + 1;
        /* the library refuses an empty value; white space around one means nothing */
        ok = MHD_add_response_header(r, p, *value != 0 ? value : " ") == MHD_YES;
        p = value + strlen(value) + 1;
    }
    if (ok && close_after)
        ok = MHD_add_response_header(r, "Connection", "close") == MHD_YES;
    s3p_srv_loop_count(req);
    enum MHD_Result rc = ok ? MHD_queue_response(req->conn, a->status, r) : MHD_NO;
    MHD_destroy_response(r);
    if (file && rc == MHD_YES)
        s3p_srv_loop_file_begin(req);
    return rc;
}

static enum MHD_Result add_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    (void)kind;
    s3p_srv_head_field(cls, (struct s3p_str){name, name_len},
                       (struct s3p_str){value != NULL ? value : "", value_len});
    return MHD_YES;
}

/* A refused body: with Expect the client has not sent it, and the answer goes out at once; a small
 * one is dropped first, so that the client is not reset while it still sends; a large one, and one
 * whose end is not clear, costs the connection. */
static enum MHD_Result refuse(struct s3p_srv_req *req)
{
    /* asked of the library: a head with too many fields is refused, and ours is then not whole */
    const char *length = MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, "Content-Length");
    uint64_t declared = 0;
    bool body =
        (length != NULL && s3p_parse_u64(length, strlen(length), &declared) && declared > 0) ||
        MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, "Transfer-Encoding") != NULL;
    if (!body)
        return MHD_YES;
    if (MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, "Expect") != NULL ||
        s3p_srv_head_framing(&req->head) != S3P_SE_NONE || declared > DRAIN_MAX)
        return send_answer(req, true);
    req->stage = S3P_SRV_STAGE_DRAIN;
    req->intake.got = 0;
    return MHD_YES;
}

static enum MHD_Result on_head(struct s3p_srv_req *req, struct MHD_Connection *conn,
                               const char *method)
{
    req->conn = conn;
    req->head.method = (struct s3p_str){method, strlen(method)};
    MHD_get_connection_values_n(conn, MHD_HEADER_KIND, add_field, &req->head);
    s3p_srv_req_begin(req);
    return req->stage == S3P_SRV_STAGE_READY ? refuse(req) : MHD_YES;
}

static enum MHD_Result on_drain(struct s3p_srv_req *req, size_t *size)
{
    if (*size == 0)
        return send_answer(req, false);
    req->intake.got += *size;
    *size = 0;
    return req->intake.got > DRAIN_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context)
{
    (void)cls;
    (void)url;
    (void)version;
    struct s3p_srv_req *req = *context;
    if (req == NULL)
        return MHD_NO;
    req->bytes_in += *size;
    switch ((enum s3p_srv_stage)req->stage) {
    case S3P_SRV_STAGE_HEAD:
        return on_head(req, conn, method);
    case S3P_SRV_STAGE_DRAIN:
        return on_drain(req, size);
    case S3P_SRV_STAGE_BODY:
        if (*size > 0) {
            s3p_srv_intake_add(&req->intake, data, *size);
            *size = 0;
            return MHD_YES;
        }
        s3p_srv_req_run(req);
        return req->stage == S3P_SRV_STAGE_READY ? send_answer(req, false) : MHD_YES;
    case S3P_SRV_STAGE_WAIT:
        return MHD_YES;
    case S3P_SRV_STAGE_READY:
        return send_answer(req, false);
    }
    return MHD_NO;
}

/* Called with the request line, before anything is decoded: the raw target is what was signed. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *conn)
{
    (void)conn;
    struct s3p_srv_port *port = cls;
    struct s3p_srv_req *req = s3p_srv_req_get(port->loop);
    if (req == NULL)
        return NULL;
    req->endpoint = port->endpoint;
    req->stage = S3P_SRV_STAGE_HEAD;
    req->answer.error = s3p_srv_head_target(&req->head, (struct s3p_str){target, strlen(target)});
    if (S3P_SRV_UNLIKELY(port->loop->srv->request_log >= 0))
        s3p_srv_request_log_begin(req);
    return req;
}

/* Of a fault: bytes behind the answer, past the library, which knows nothing of them. */
static void send_surplus(struct MHD_Connection *conn, const struct s3p_srv_answer *a)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL)
        (void)send(info->connect_fd, a->body.data + a->body.len - a->surplus, a->surplus,
                   MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls;
    struct s3p_srv_req *req = *context;
    if (req != NULL && S3P_SRV_UNLIKELY(req->answer.surplus > 0) &&
        code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        send_surplus(conn, &req->answer);
    if (req != NULL && S3P_SRV_UNLIKELY(req->loop->srv->request_log >= 0))
        s3p_srv_request_log_end(req, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    if (req != NULL) {
        s3p_srv_loop_file_end(req);
        s3p_srv_req_put(req);
    }
    *context = NULL;
}

static int listen_address(const struct s3p_srv_options *o, unsigned port,
                          struct sockaddr_storage *out, struct s3p_err *err)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, o->host, &v4.sin_addr) == 1)
        memcpy(out, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, o->host, &v6.sin6_addr) == 1)
        memcpy(out, &v6, sizeof v6);
    else
        return s3p_fail(err, S3P_EINVAL, 0, "--host: \"%s\": expected an IPv4 or IPv6 address",
                        o->host);
    return 0;
}

static int open_port(struct s3p_srv_port *p, unsigned number, const char *cert, const char *key,
                     struct s3p_err *err)
{
    struct s3p_srv *srv = p->loop->srv;
    struct sockaddr_storage address = {0};
    S3P_TRY(listen_address(&srv->options, number, &address, err));
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
                     (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0) |
                     (cert != NULL ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_END, 0, NULL},
    };
    errno = 0;
    p->daemon = MHD_start_daemon(
        flags, (uint16_t)number, NULL, NULL, on_request, p, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, p, MHD_OPTION_NOTIFY_COMPLETED, on_completed, p,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)BACKLOG,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_LISTENING_ADDRESS_REUSE,
        (unsigned)(srv->n_loops > 1),
        /* the loops block it; without the word files are read and sent, not handed to sendfile */
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, cert != NULL ? tls : tls + 2,
        MHD_OPTION_END);
    if (p->daemon == NULL && errno == 0 && cert != NULL)
        return s3p_fail(err, S3P_EINVAL, 0,
                        "--tls-cert or --tls-key: expected a PEM certificate and its key");
    if (p->daemon == NULL)
        return s3p_fail(err, S3P_EIO, errno, "cannot listen on %s port %u: %s", srv->options.host,
                        number, strerror(errno));
    p->epoll_fd = MHD_get_daemon_info(p->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    srv->ports[p->endpoint] = MHD_get_daemon_info(p->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return 0;
}

static int open_ports(struct s3p_srv *srv, const char *cert, const char *key, struct s3p_err *err)
{
    for (unsigned e = 0; e < srv->options.endpoints; e++) {
        unsigned number = srv->options.port != 0 ? srv->options.port + e : 0;
        for (unsigned i = 0; i < srv->n_loops; i++) {
            S3P_TRY(open_port(&srv->loops[i].ports[e], number, cert, key, err));
            number = srv->ports[e]; /* the other loops share it (SO_REUSEPORT) */
        }
    }
    return 0;
}

int s3p_srv_front_start(struct s3p_srv *srv, const char *cert, const char *key, struct s3p_err *err)
{
    srv->n_loops = srv->options.threads;
    srv->loops = s3p_calloc(srv->n_loops, sizeof *srv->loops);
    if (srv->loops == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "no memory for the event loops");
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < srv->n_loops; i++)
        rc = s3p_srv_loop_init(&srv->loops[i], srv, i, err);
    if (rc == 0 && srv->store.durable)
        rc = s3p_srv_committer_create(&srv->committer, srv, err);
    if (rc == 0)
        rc = open_ports(srv, cert, key, err);
    for (unsigned i = 0; rc == 0 && i < srv->n_loops; i++)
        rc = s3p_srv_loop_start(&srv->loops[i], err);
    if (rc < 0)
        s3p_srv_front_stop(srv);
    return rc;
}

void s3p_srv_front_stop(struct s3p_srv *srv)
{
    atomic_store_explicit(&srv->stop, 1, memory_order_release);
    for (unsigned i = 0; srv->loops != NULL && i < srv->n_loops; i++)
        s3p_srv_loop_join(&srv->loops[i]);
    s3p_srv_committer_free(srv->committer);
    srv->committer = NULL;
    for (unsigned i = 0; srv->loops != NULL && i < srv->n_loops; i++)
        s3p_srv_loop_free(&srv->loops[i]);
    s3p_free(srv->loops);
    srv->loops = NULL;
}
