#include "proxy/link.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/clock.h"

#define BODY_MAX (64 * 1024)

static void answer(struct s3p_px_link *x, int status, const char *type, const char *data,
                   size_t len)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n",
                     status, status == 200 ? "OK" : "Refused", type, len);
    if (s3p_px_send(x->proxy->loop, &x->client, head, (size_t)n) < 0)
        return;
    for (size_t at = 0; at < len;) { /* data NULL: the events, which may move while they are sent */
        size_t part = len - at < 65536 ? len - at : 65536;
        if (data == NULL)
            memcpy(x->resp.buf, x->proxy->events.lines.data + at, part);
        if (s3p_px_send(x->proxy->loop, &x->client, data == NULL ? x->resp.buf : data + at, part))
            return;
        at += part;
    }
}

static int add_text(const char *text, size_t len, void *buf)
{
    s3p_buf_add(buf, text, len);
    return 0;
}

static void answer_json(struct s3p_px_link *x, int status, json_t *document)
{
    s3p_buf_clear(&x->hold);
    (void)json_dump_callback(document, add_text, &x->hold, JSON_COMPACT);
    json_decref(document);
    answer(x, status, "application/json", s3p_buf_cstr(&x->hold), x->hold.len);
}

static json_t *counters(const struct s3p_proxy *p)
{
    json_t *list = json_array();
    for (const struct s3p_px_faults *set = p->faults; set != NULL; set = set->older)
        for (unsigned i = 0; i < set->n; i++) {
            const struct s3p_px_fault *f = &set->fault[i];
            json_array_append_new(
                list, json_pack("{s:s, s:b, s:I, s:I, s:I}", "fault", f->text, "on",
                                set == p->faults, "matched", (json_int_t)f->matched, "drawn",
                                (json_int_t)f->drawn, "fired", (json_int_t)f->fired));
        }
    return json_pack("{s:I, s:I, s:o}", "requests", (json_int_t)p->requests, "events_lost",
                     (json_int_t)p->events.lost, "faults", list);
}

static bool read_all(struct s3p_px_link *x)
{
    struct s3p_px_half *q = &x->req;
    s3p_px_half_start(q);
    s3p_http1_start_request(&q->h);
    for (;;) {
        if (s3p_px_half_parse(q) < 0)
            return false;
        if (q->head_len > 0 && q->h.content_length > BODY_MAX)
            return false;
        if (q->h.done)
            return true;
        if (q->head_len > 0 && q->parsed < q->len)
            continue;
        ssize_t n = s3p_px_half_fill(q, &x->client);
        if (n == 0 || (n < 0 && errno != EAGAIN) ||
            (n < 0 && s3p_wait_io(x->proxy->loop, &x->client.w, EPOLLIN,
                                  s3p_now_ns() + 5 * S3P_S) < 0))
            return false;
    }
}

static void serve(struct s3p_px_link *x)
{
    struct s3p_err err = {0};
    const char *body = x->req.buf + x->req.head_len;
    s3p_px_request_read(&x->r, &x->req.h, x->req.buf);
    bool get = strcmp(x->r.method, "GET") == 0;
    if (get && strcmp(x->r.target, "/events") == 0)
        answer(x, 200, "application/x-ndjson", NULL, x->proxy->events.lines.len);
    else if (get && strcmp(x->r.target, "/counters") == 0)
        answer_json(x, 200, counters(x->proxy));
    else if (strcmp(x->r.method, "POST") != 0 || strcmp(x->r.target, "/faults") != 0)
        answer_json(x, 404, json_pack("{s:s}", "error",
                                      "expected GET /events, GET /counters or POST /faults"));
    else if (s3p_px_faults_read(&x->proxy->faults, x->proxy->faults, body,
                                x->req.parsed - x->req.head_len, x->proxy->n, &err) < 0)
        answer_json(x, 400, json_pack("{s:s}", "error", err.msg));
    else
        answer_json(x, 200, counters(x->proxy));
}

void s3p_px_control_main(void *link)
{
    struct s3p_px_link *x = link;
    if (read_all(x))
        serve(x);
    s3p_px_leave(x->proxy->loop, &x->client);
    x->req.len = x->req.parsed = x->resp.len = x->resp.parsed = 0;
    x->next = x->proxy->spare;
    x->proxy->spare = x;
}
