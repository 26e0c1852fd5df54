#include "proxy/events.h"

#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"

static void add_quoted(struct s3p_buf *b, const char *text)
{
    char hex[2];
    s3p_buf_char(b, '"');
    for (; *text != 0; text++) {
        uint8_t c = (uint8_t)*text;
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            s3p_buf_char(b, *text);
            continue;
        }
        s3p_hex(hex, &c, 1);
        s3p_buf_str(b, "\\u00");
        s3p_buf_add(b, hex, 2);
    }
    s3p_buf_char(b, '"');
}

static void add_field(struct s3p_buf *b, const char *name, const char *text)
{
    s3p_buf_str(b, name);
    add_quoted(b, text);
}

void s3p_px_events_add(struct s3p_px_events *log, const struct s3p_px_event *e)
{
    struct s3p_buf *b = &log->lines;
    size_t before = b->len;
    s3p_buf_str(b, "{\"t_ns\":");
    s3p_buf_i64(b, s3p_now_ns());
    add_field(b, ",\"fault\":", e->fault->text);
    add_field(b, ",\"done\":", e->done);
    add_field(b, ",\"mark\":", e->mark);
    s3p_buf_str(b, ",\"endpoint\":");
    s3p_buf_u64(b, e->endpoint);
    add_field(b, ",\"op\":", s3p_op_table[e->request->op].name);
    add_field(b, ",\"method\":", e->request->method);
    add_field(b, ",\"target\":", e->request->target);
    add_field(b, ",\"s3p_id\":", e->request->s3p_id);
    add_field(b, ",\"request_id\":", e->request_id);
    s3p_buf_str(b, ",\"status\":");
    s3p_buf_i64(b, e->status);
    s3p_buf_str(b, "}\n");
    if (!s3p_buf_ok(b)) {
        b->failed = false;
        b->len = before;
        log->lost++;
        return;
    }
    if (log->fd >= 0) {
        ssize_t n = write(log->fd, b->data + before, b->len - before);
        log->lost += n != (ssize_t)(b->len - before);
    }
}
