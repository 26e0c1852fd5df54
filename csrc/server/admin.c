#include "server/admin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "core/alloc.h"
#include "server/mutants.h"
#include "server/routes.h"
#include "server/usage.h"

#define BODY_MAX (64 * 1024)
#define ANSWER_MAX (256 * 1024 * 1024)

struct s3p_srv_admin {
    struct MHD_Daemon *daemon;
};

static int add_text(const char *text, size_t len, void *cls)
{
    s3p_buf_add(cls, text, len);
    return 0;
}

static enum MHD_Result send_json(struct MHD_Connection *conn, unsigned status, json_t *doc)
{
    struct s3p_buf text;
    s3p_buf_init(&text, ANSWER_MAX);
    (void)json_dump_callback(doc, add_text, &text, JSON_COMPACT);
    json_decref(doc);
    struct MHD_Response *r =
        s3p_buf_ok(&text)
            ? MHD_create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_COPY)
            : NULL;
    s3p_buf_free(&text);
    if (r == NULL)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type", "application/json");
    enum MHD_Result rc = MHD_queue_response(conn, status, r);
    MHD_destroy_response(r);
    return rc;
}

static json_t *stats(struct s3p_srv *srv, const struct s3p_buf *body, unsigned *status)
{
    (void)body;
    (void)status;
    size_t n;
    uint64_t errors = 0;
    const struct s3p_srv_route *rows = s3p_srv_route_rows(&n);
    json_t *answers = json_object();
    for (size_t i = 0; i < n; i++) {
        uint64_t count = 0;
        for (unsigned l = 0; l < srv->n_loops; l++)
            count += atomic_load_explicit(&srv->loops[l].counts[i], memory_order_relaxed);
        if (count > 0)
            json_object_set_new(answers, rows[i].name, json_integer((json_int_t)count));
    }
    for (unsigned l = 0; l < srv->n_loops; l++)
        errors += atomic_load_explicit(&srv->loops[l].errors, memory_order_relaxed);
    uint64_t ignored = atomic_load_explicit(&srv->ignored_fields, memory_order_relaxed);
    return json_pack("{s:o, s:I, s:I}", "answers", answers, "errors", (json_int_t)errors,
                     "ignored_headers", (json_int_t)ignored);
}

static json_t *altered(struct s3p_srv *srv, const struct s3p_buf *body, unsigned *status)
{
    (void)body;
    (void)status;
    return s3p_srv_mutants_altered(srv->mutants);
}

static json_t *switch_mutants(struct s3p_srv *srv, const struct s3p_buf *body, unsigned *status)
{
    struct s3p_err err = {0};
    if (s3p_srv_mutants_switch(srv->mutants, body->data, body->len, &err) < 0) {
        *status = 400;
        return json_pack("{s:s}", "error", err.msg);
    }
    return json_pack("{s:b}", "ok", 1);
}

static json_t *usage(struct s3p_srv *srv, const struct s3p_buf *body, unsigned *status)
{
    (void)body;
    struct s3p_err err = {0};
    json_t *doc;
    if (s3p_srv_usage(&srv->store, &doc, &err) == 0)
        return doc;
    *status = 500;
    return json_pack("{s:s}", "error", err.msg);
}

static const struct {
    const char *method, *path;
    json_t *(*run)(struct s3p_srv *srv, const struct s3p_buf *body, unsigned *status);
} pages[] = {
    {"GET", "/altered", altered},
    {"POST", "/mutants", switch_mutants},
    {"GET", "/stats", stats},
    {"GET", "/usage", usage},
};

static enum MHD_Result answer(struct s3p_srv *srv, struct MHD_Connection *conn, const char *url,
                              const char *method, const struct s3p_buf *body)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (strcmp(url, pages[i].path) == 0 && strcmp(method, pages[i].method) == 0) {
            unsigned status = 200;
            json_t *doc = pages[i].run(srv, body, &status);
            return send_json(conn, status, doc);
        }
    return send_json(conn, 404, json_pack("{s:s}", "error", "no such page"));
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context)
{
    (void)version;
    struct s3p_buf *body = *context;
    if (body == NULL) {
        body = s3p_alloc(sizeof *body);
        if (body == NULL)
            return MHD_NO;
        s3p_buf_init(body, BODY_MAX);
        *context = body;
        return MHD_YES;
    }
    if (*size > 0) {
        s3p_buf_add(body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    return s3p_buf_ok(body) ? answer(cls, conn, url, method, body) : MHD_NO;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)conn;
    (void)code;
    struct s3p_buf *body = *context;
    if (body != NULL)
        s3p_buf_free(body);
    s3p_free(body);
    *context = NULL;
}

int s3p_srv_admin_start(struct s3p_srv *srv, struct s3p_err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    srv->admin = s3p_calloc(1, sizeof *srv->admin);
    if (srv->admin == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "no memory for the admin port");
    srv->admin->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC, 0, NULL,
                         NULL, on_request, srv, MHD_OPTION_SOCK_ADDR, &at,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    if (srv->admin->daemon == NULL)
        return s3p_fail(err, S3P_EIO, errno, "cannot open the admin port: %s", strerror(errno));
    srv->admin_port = MHD_get_daemon_info(srv->admin->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return 0;
}

void s3p_srv_admin_stop(struct s3p_srv *srv)
{
    if (srv->admin == NULL)
        return;
    if (srv->admin->daemon != NULL)
        MHD_stop_daemon(srv->admin->daemon);
    s3p_free(srv->admin);
    srv->admin = NULL;
}
