#include "server/serve.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/ends.h"
#include "server/describe.h"
#include "server/null_server.h"
#include "server/store.h"
#include "server/usage.h"

#define LINE_MAX_BYTES (256 * 1024 * 1024)

static void print(int fd, const char *text, size_t len)
{
    ssize_t n = write(fd, text, len); /* nobody to tell when nobody reads */
    (void)n;
}

static int add_text(const char *text, size_t len, void *cls)
{
    s3p_buf_add(cls, text, len);
    return 0;
}

static void print_line(const json_t *line)
{
    struct s3p_buf b;
    s3p_buf_init(&b, LINE_MAX_BYTES);
    (void)json_dump_callback(line, add_text, &b, JSON_COMPACT);
    s3p_buf_char(&b, '\n');
    print(STDOUT_FILENO, b.data, b.len);
    s3p_buf_free(&b);
}

static json_t *endpoint_text(const struct s3p_srv_options *o, unsigned port)
{
    bool v6 = strchr(o->host, ':') != NULL;
    bool tls = o->tls_cert != NULL || o->tls_dir != NULL;
    return json_sprintf("%s://%s%s%s:%u", tls ? "https" : "http", v6 ? "[" : "", o->host,
                        v6 ? "]" : "", port);
}

static void announce(const struct s3p_srv_options *o, const unsigned *ports, unsigned n,
                     unsigned admin, const char *ca)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(list, endpoint_text(o, ports[i]));
    json_int_t day_ms = (json_int_t)(o->lifecycle_day_ns / S3P_MS);
    json_t *lag = o->replication_lag_ns < 0
                      ? json_null()
                      : json_integer((json_int_t)(o->replication_lag_ns / S3P_MS));
    json_t *line =
        json_pack("{s:o, s:o, s:s, s:s, s:i, s:o, s:s, s:s?, s:o, s:o, s:I}", "endpoint",
                  endpoint_text(o, ports[0]), "endpoints", list, "access_key", o->access_key,
                  "secret_key", o->secret_key, "pid", (int)getpid(), "admin",
                  admin != 0 ? json_sprintf("http://127.0.0.1:%u", admin) : json_null(),
                  "durability", o->durable ? "durable" : "fast", "ca", ca,
                  "lifecycle_day_ms", day_ms > 0 ? json_integer(day_ms) : json_null(),
                  "replication_lag_ms", lag, "min_part_bytes", (json_int_t)o->min_part_bytes);
    print_line(line);
    json_decref(line);
}

static int usage_error(const struct s3p_err *err)
{
    char line[sizeof err->msg + 16];
    int n = snprintf(line, sizeof line, "s3prod: %s\n", err->msg);
    print(STDERR_FILENO, line, n > 0 ? strlen(line) : 0);
    return 2;
}

static int run_usage(const struct s3p_srv_options *o)
{
    struct s3p_err err = {0};
    struct s3p_srv_store store;
    json_t *doc = NULL;
    if (s3p_srv_store_open_read(&store, o->data, &err) < 0)
        return usage_error(&err);
    int rc = s3p_srv_usage(&store, &doc, &err);
    s3p_srv_store_close(&store);
    if (rc < 0)
        return usage_error(&err);
    print_line(doc);
    json_decref(doc);
    return 0;
}

static int run_describe(void)
{
    json_t *doc = s3p_srv_describe();
    print_line(doc);
    json_decref(doc);
    return 0;
}

static int run_null(const struct s3p_srv_options *o, const struct s3p_ends *ends)
{
    struct s3p_err err = {0};
    struct s3p_null_server *null_server;
    if (s3p_null_server_open(&null_server, o, &err) < 0)
        return usage_error(&err);
    unsigned ports[1] = {s3p_null_server_port(null_server)};
    announce(o, ports, 1, 0, NULL);
    s3p_ends_wait(ends, o->with_parent);
    s3p_null_server_close(null_server);
    return 0;
}

static int run_store(const struct s3p_srv_options *o, const struct s3p_ends *ends)
{
    struct s3p_err err = {0};
    struct s3p_srv *srv;
    if (s3p_srv_open(&srv, o, &err) < 0)
        return usage_error(&err);
    announce(o, srv->ports, o->endpoints, srv->admin_port,
             o->tls_dir != NULL ? srv->tls.ca : NULL);
    s3p_ends_wait(ends, o->with_parent);
    s3p_srv_close(srv);
    return 0;
}

int s3p_serve_main(int argc, char **argv)
{
    struct s3p_srv_options o;
    struct s3p_err err = {0};
    struct s3p_ends ends;
    s3p_ends_init(&ends);
    if (s3p_srv_options_parse(&o, argc, argv, &err) < 0)
        return usage_error(&err);
    if (o.help) {
        print(STDOUT_FILENO, s3p_srv_options_help(), strlen(s3p_srv_options_help()));
        return 0;
    }
    if (o.describe)
        return run_describe();
    if (o.usage)
        return run_usage(&o);
    s3p_ends_block(&ends);
    int status = o.null_server ? run_null(&o, &ends) : run_store(&o, &ends);
    s3p_ends_restore(&ends);
    return status;
}
