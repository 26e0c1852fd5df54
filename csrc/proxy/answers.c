#include "proxy/link.h"

#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/text.h"

#define DOCUMENT_BYTES 1024
#define HEAD_BYTES (8u * 1024u)
#define BLANKS 8

/* What S3 says with a status when nothing else is asked for. */
static const struct {
    int status;
    const char *reason, *code;
} statuses[] = {
    {200, "OK", "InternalError"},
    {307, "Temporary Redirect", "TemporaryRedirect"},
    {403, "Forbidden", "AccessDenied"},
    {409, "Conflict", "OperationAborted"},
    {429, "Too Many Requests", "SlowDown"},
    {499, "Client Closed Request", "ClientClosedRequest"},
    {500, "Internal Server Error", "InternalError"},
    {502, "Bad Gateway", "BadGateway"},
    {503, "Service Unavailable", "SlowDown"},
    {504, "Gateway Timeout", "GatewayTimeout"},
    {0, "Answered On Purpose", "InternalError"},
};

void s3p_px_refuse(struct s3p_px_link *x)
{
    static const char bad[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
                              "Connection: close\r\n\r\n";
    static const char long_head[] = "HTTP/1.1 431 Request Header Fields Too Large\r\n"
                                    "Content-Length: 0\r\nConnection: close\r\n\r\n";
    bool too_long = x->req.h.too_long;
    (void)!s3p_px_send(x->proxy->loop, &x->client, too_long ? long_head : bad,
                       too_long ? sizeof long_head - 1 : sizeof bad - 1);
}

int s3p_px_answer(struct s3p_px_link *x, bool close)
{
    const struct s3p_px_spec *s = &x->fault->spec;
    const struct s3p_px_row *row = x->fault->row;
    char head[HEAD_BYTES], body[DOCUMENT_BYTES], id[17] = {0};
    size_t i = 0;
    while (statuses[i].status != 0 && statuses[i].status != s->status)
        i++;
    uint64_t bits = s3p_mix64(x->proxy->o.seed + ++x->proxy->answers);
    s3p_hex(id, &bits, sizeof bits);
    const char *code = s->code[0] != 0 ? s->code : row->code != NULL ? row->code : statuses[i].code;
    if (s->code[0] == 0 && row->code2 != NULL && (x->draw & 1) != 0)
        code = row->code2;
    int n = s->has_body
                ? snprintf(body, sizeof body, "%s", s->body)
                : snprintf(body, sizeof body,
                           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code>"
                           "<Message>Made by the fault proxy.</Message><RequestId>%s</RequestId>"
                           "</Error>",
                           code, id);
    int m = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nx-amz-request-id: %s\r\nContent-Type: application/xml\r\n"
                     "Content-Length: %d\r\n",
                     s->status, statuses[i].reason, id, n);
    if (s->retry_after >= 0)
        m += snprintf(head + m, sizeof head - (size_t)m, "Retry-After: %d\r\n", s->retry_after);
    if (s->status == 307)
        m += snprintf(head + m, sizeof head - (size_t)m, "Location: http://127.0.0.1:%u%s\r\n",
                      x->proxy->door[x->endpoint].port, x->r.target);
    m += snprintf(head + m, sizeof head - (size_t)m, close ? "Connection: close\r\n\r\n" : "\r\n");
    S3P_TRY(s3p_px_send(x->proxy->loop, &x->client, head, (size_t)m));
    return x->r.head ? 0 : s3p_px_send(x->proxy->loop, &x->client, body, (size_t)n);
}

/* Behind the declaration, which is where S3 puts its blanks: before it they would be no XML. */
static size_t document_start(const char *body, size_t len)
{
    const char *end = len > 5 && memcmp(body, "<?xml", 5) == 0 ? memchr(body, '>', len) : NULL;
    return end != NULL ? (size_t)(end - body) + 1 : 0;
}

/* The head again, with room for the blanks in its Content-Length. */
static void add_head(struct s3p_buf *b, const struct s3p_px_half *a)
{
    const char *line_end = memchr(a->buf + a->h.interim, '\n', a->head_len - a->h.interim);
    s3p_buf_add(b, a->buf + a->off, (size_t)(line_end - a->buf) + 1 - a->off);
    for (int i = 0; i < a->h.nfields; i++) {
        const struct s3p_http1_field *f = &a->h.field[i];
        struct s3p_str value = {a->buf + f->value, f->value_len};
        s3p_buf_add(b, a->buf + f->name, f->name_len);
        s3p_buf_str(b, ": ");
        if (s3p_http1_get(&a->h, a->buf, "content-length").p == value.p)
            s3p_buf_i64(b, a->h.content_length + BLANKS);
        else
            s3p_buf_view(b, value);
        s3p_buf_str(b, "\r\n");
    }
    s3p_buf_str(b, "\r\n");
}

int s3p_px_answer_blanks(struct s3p_px_link *x)
{
    struct s3p_px_half *a = &x->resp;
    struct s3p_loop *l = x->proxy->loop;
    const char *body = a->buf + a->head_len;
    size_t len = a->parsed - a->head_len;
    bool suits = a->off <= a->h.interim && a->h.status == 200 && a->h.content_length > 0 &&
                 len > 0 && body[0] == '<';
    if (!suits)
        return s3p_px_send(l, &x->client, a->buf + a->off, a->parsed - a->off);
    size_t start = document_start(body, len);
    s3p_buf_clear(&x->hold);
    add_head(&x->hold, a);
    s3p_buf_add(&x->hold, body, start);
    if (!s3p_buf_ok(&x->hold))
        return S3P_ENOMEM;
    s3p_px_did(x, "put blanks before the result", "");
    S3P_TRY(s3p_px_send(l, &x->client, x->hold.data, x->hold.len));
    for (int i = 0; i < BLANKS; i++) {
        S3P_TRY(s3p_sleep_until(l, s3p_now_ns() + x->fault->spec.delay_ns));
        S3P_TRY(s3p_px_send(l, &x->client, "\n", 1));
    }
    return s3p_px_send(l, &x->client, body + start, len - start);
}
