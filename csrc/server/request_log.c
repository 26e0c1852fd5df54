#include "server/request_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "server/copy.h"
#include "server/routes.h"

#define FLUSH_BYTES (256 * 1024)

int s3p_srv_request_log_open(struct s3p_srv *srv, const char *path, struct s3p_err *err)
{
    srv->request_log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (srv->request_log < 0)
        return s3p_fail(err, S3P_EINVAL, errno, "--request-log: \"%s\": %s; expected a file", path,
                        strerror(errno));
    return 0;
}

void s3p_srv_request_log_close(struct s3p_srv *srv)
{
    if (srv->request_log >= 0)
        close(srv->request_log);
    srv->request_log = -1;
}

void s3p_srv_request_log_begin(struct s3p_srv_req *req)
{
    req->begin_wall_ns = s3p_wall_ns();
    req->begin_ns = s3p_now_ns();
}

static void add_escaped(struct s3p_buf *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    s3p_buf_str(out, "\\u00");
    s3p_buf_char(out, digits[c >> 4]);
    s3p_buf_char(out, digits[c & 15]);
}

void s3p_srv_json_text(struct s3p_buf *out, struct s3p_str s)
{
    bool utf8 = s3p_srv_utf8_ok(s);
    s3p_buf_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < ' ' || c == '"' || c == '\\' || c == 0x7f || (c >= 0x80 && !utf8))
            add_escaped(out, c);
        else
            s3p_buf_char(out, (char)c);
    }
    s3p_buf_char(out, '"');
}

static void add_text(struct s3p_buf *b, const char *name, struct s3p_str value)
{
    s3p_buf_str(b, name);
    if (value.p != NULL)
        s3p_srv_json_text(b, value);
    else
        s3p_buf_str(b, "null");
}

static struct s3p_str view(const char *text)
{
    return (struct s3p_str){text, text != NULL ? strlen(text) : 0};
}

static void add_source(struct s3p_buf *b, const struct s3p_srv_copy *copy)
{
    struct s3p_srv_copy_source s;
    s3p_buf_str(b, ",\"source\":");
    if (copy == NULL || !s3p_srv_copy_source(copy, &s)) {
        s3p_buf_str(b, "null");
        return;
    }
    add_text(b, "{\"bucket\":", s.bucket);
    add_text(b, ",\"key\":", s.key);
    s3p_buf_str(b, ",\"first\":");
    s3p_buf_u64(b, s.first);
    s3p_buf_str(b, ",\"bytes\":");
    s3p_buf_u64(b, s.bytes);
    s3p_buf_char(b, '}');
}

/* Of the body; false: nobody knows how much of it went. */
static bool sent(const struct s3p_srv_req *req, bool whole, uint64_t *bytes)
{
    const struct s3p_srv_answer *a = &req->answer;
    *bytes = s3p_str_eq(req->head.method, "HEAD") ? 0 : a->length > 0 ? a->length : a->body.len;
    return whole || *bytes == 0;
}

void s3p_srv_request_log_end(struct s3p_srv_req *req, bool whole)
{
    struct s3p_buf *b = &req->loop->log;
    const struct s3p_srv_answer *a = &req->answer;
    const char *none = NULL;
    uint64_t bytes;
    int64_t now_ns = s3p_now_ns();
    if (b->len == 0)
        req->loop->log_since_ns = now_ns;
    s3p_buf_str(b, "{\"time_ns\":");
    s3p_buf_i64(b, req->begin_wall_ns);
    add_text(b, ",\"id\":", view(req->id[0] != 0 ? req->id : none));
    s3p_buf_str(b, ",\"endpoint\":");
    s3p_buf_u64(b, req->endpoint);
    add_text(b, ",\"method\":", req->head.method);
    add_text(b, ",\"bucket\":", req->head.bucket);
    add_text(b, ",\"key\":", req->head.key);
    add_text(b, ",\"operation\":", view(req->route != NULL ? req->route->name : none));
    s3p_buf_str(b, ",\"status\":");
    s3p_buf_u64(b, a->status);
    add_text(b, ",\"error\":",
             view(a->error != S3P_SE_NONE ? s3p_srv_error_row(a->error)->code : none));
    s3p_buf_str(b, ",\"bytes_in\":");
    s3p_buf_u64(b, req->bytes_in);
    s3p_buf_str(b, ",\"bytes_out\":");
    if (sent(req, whole, &bytes))
        s3p_buf_u64(b, bytes);
    else
        s3p_buf_str(b, "null");
    add_source(b, req->copy);
    s3p_buf_str(b, ",\"duration_ns\":");
    s3p_buf_i64(b, now_ns - req->begin_ns);
    s3p_buf_str(b, "}\n");
}

void s3p_srv_request_log_flush(struct s3p_srv_loop *loop, bool now)
{
    struct s3p_buf *b = &loop->log;
    if (b->len == 0 ||
        (!now && b->len < FLUSH_BYTES &&
         s3p_now_ns() - loop->log_since_ns < S3P_SRV_LOG_FLUSH_MS * (int64_t)S3P_MS))
        return;
    size_t done = 0;
    ssize_t n = 1;
    while (n > 0 && done < b->len) {
        n = write(loop->srv->request_log, b->data + done, b->len - done);
        done += n > 0 ? (size_t)n : 0;
        if (n < 0 && errno == EINTR)
            n = 1;
    }
    if (done < b->len || !s3p_buf_ok(b)) {
        static const char text[] = "s3prod: the request log cannot be written; lines are lost\n";
        ssize_t said = write(STDERR_FILENO, text, sizeof text - 1);
        (void)said;
    }
    s3p_buf_clear(b);
}
