#include "http/conn.h"

#include <string.h>
#include <sys/epoll.h>

#include "core/alloc.h"
#include "http/conn_priv.h"

#define SENDS_A_TURN 16   /* pieces sent in a row before others, and an early answer, get a look */
#define RECORDS_A_TURN 64 /* the same for reads over TLS */
#define HEAD_START_BYTES 2048

_Static_assert(sizeof(((struct s3p_exchange *)0)->why) == S3P_CONN_WHY_BYTES, "one size of why");

enum step { FAILED = -1, MORE = 0, DONE = 1 };

int s3p_conn_create(struct s3p_conn **out, struct s3p_loop *l, struct s3p_net *net,
                    const struct s3p_url *url, struct s3p_err *err)
{
    struct s3p_conn *c = s3p_calloc(1, sizeof *c);
    if (c == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for a connection");
    c->loop = l;
    c->net = net;
    c->url = *url;
    c->watch.fd = -1;
    c->out_cap = url->tls ? S3P_CONN_RECORD_BYTES : S3P_CONN_OUT_BYTES;
    c->out = s3p_alloc_aligned(64, c->out_cap);
    s3p_buf_init(&c->head, S3P_HTTP1_HEAD_BYTES);
    int rc = s3p_buf_reserve(&c->head, HEAD_START_BYTES);
    if (rc != 0 || c->out == NULL)
        rc = s3p_fail(err, S3P_ENOMEM, 0, "out of memory for a connection's buffers");
    else
        rc = s3p_conn_join(c, err);
    if (rc != 0) {
        s3p_conn_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void s3p_conn_free(struct s3p_conn *c)
{
    if (c == NULL)
        return;
    s3p_conn_close(c);
    s3p_conn_leave(c);
    s3p_buf_free(&c->head);
    s3p_free(c->out);
    s3p_free(c);
}

uint32_t s3p_conn_serial(const struct s3p_conn *c)
{
    return c->serial;
}

/* Bytes on an idle connection answer no request, and the end of the stream would swallow the next
 * one. */
static bool live(struct s3p_conn *c)
{
    if (c->easy != NULL && s3p_conn_quiet(c))
        return true;
    s3p_conn_close(c);
    return false;
}

int s3p_conn_open(struct s3p_conn *c, int64_t deadline_ns, struct s3p_err *err)
{
    if (live(c))
        return 0;
    int rc = s3p_conn_connect(c, deadline_ns);
    if (rc != 0)
        return s3p_fail(err, rc, c->connect_result, "%s: %s", c->url.authority, c->why);
    return 0;
}

static enum step fail(struct s3p_exchange *x, enum s3p_wire_error wire, const char *why)
{
    x->wire = wire;
    s3p_conn_explain(x->why, why);
    return FAILED;
}

static enum step fail_wait(struct s3p_exchange *x, int rc)
{
    if (rc == S3P_ECANCEL)
        return fail(x, S3P_WIRE_CANCELLED, "cancelled");
    return fail(x, S3P_WIRE_TIMEOUT, "deadline passed");
}

/* ---- sending ---- */

/* Sets the next bytes to send: the head with the start of the body, then pieces of the body. */
static void stage(struct s3p_conn *c, const struct s3p_exchange *x)
{
    size_t head_len = 0, lead = 0;
    if (!c->started) {
        c->started = true;
        head_len = x->head_len;
        if (x->body_len == 0 || head_len > c->out_cap / 2) {
            c->next = (const uint8_t *)x->head;
            c->next_len = head_len;
            return;
        }
        lead = (64 - head_len % 64) % 64; /* so that fill writes to a 64-byte boundary */
        memcpy(c->out + lead, x->head, head_len);
    }
    size_t len = c->out_cap - lead - head_len;
    if (len > x->body_len - c->filled)
        len = (size_t)(x->body_len - c->filled);
    x->fill(x->fill_arg, c->filled, c->out + lead + head_len, len);
    c->filled += len;
    c->next = c->out + lead;
    c->next_len = head_len + len;
}

/* DONE: the whole request was handed over. */
static enum step send_some(struct s3p_conn *c, struct s3p_exchange *x)
{
    for (int i = 0; i < SENDS_A_TURN; i++) {
        if (c->next_len == 0)
            stage(c, x);
        size_t len = c->next_len;
        if (c->url.tls) {
            /* A call that would block may have sent something all the same, and must be repeated as
             * it was. */
            x->phase = S3P_PHASE_PARTLY_SENT;
            len = len < S3P_CONN_RECORD_BYTES ? len : S3P_CONN_RECORD_BYTES;
        }
        int64_t n = s3p_conn_send(c, c->next, len);
        if (n == S3P_CONN_AGAIN)
            return MORE;
        if (n == S3P_CONN_BROKEN)
            return fail(x, S3P_WIRE_SEND, c->why);
        x->phase = S3P_PHASE_PARTLY_SENT;
        c->next += n;
        c->next_len -= (size_t)n;
        if (c->next_len == 0 && c->filled == x->body_len) {
            x->phase = S3P_PHASE_SENT;
            x->t_sent = s3p_now_ns();
            return DONE;
        }
    }
    return MORE;
}

/* ---- receiving ---- */

/* Takes bytes of the head; returns how many, or S3P_HTTP1_BAD. They are copied only when the head
 * is known to end in them or to go on: the body behind it never is. */
static int64_t take_head(struct s3p_conn *c, struct s3p_exchange *x, const char *p, size_t n)
{
    size_t before = c->head.len;
    size_t room = S3P_HTTP1_HEAD_BYTES - before;
    n = n < room ? n : room;
    if (before > 0)
        s3p_buf_add(&c->head, p, n);
    int64_t end = before > 0 ? s3p_http1_head(&c->parsed, c->head.data, c->head.len)
                             : s3p_http1_head(&c->parsed, p, n);
    if (end < 0)
        return end;
    size_t used = end > 0 ? (size_t)end - before : n;
    if (before == 0)
        s3p_buf_add(&c->head, p, used);
    if (!s3p_buf_ok(&c->head)) {
        c->parsed.why = "out of memory for the head";
        return S3P_HTTP1_BAD;
    }
    if (end > 0) {
        x->parsed = &c->parsed;
        x->parsed_head = c->head.data;
    }
    return (int64_t)used;
}

/* Takes received bytes. DONE: the answer is complete. */
static enum step take(struct s3p_conn *c, struct s3p_exchange *x, const char *p, size_t n)
{
    while (n > 0 && !(x->parsed != NULL && c->parsed.done)) {
        const char *data = NULL;
        size_t len = 0;
        int64_t used = x->parsed == NULL ? take_head(c, x, p, n)
                                         : s3p_http1_body(&c->parsed, p, n, &data, &len);
        if (used < 0)
            return fail(x, S3P_WIRE_PROTOCOL, c->parsed.why);
        x->body_received += len;
        if (len > 0 && x->sink != NULL)
            x->sink(x->sink_arg, x, (const uint8_t *)data, len);
        p += used;
        n -= (size_t)used;
    }
    c->surplus = n > 0;
    return x->parsed != NULL && c->parsed.done ? DONE : MORE;
}

static enum step receive_end(struct s3p_conn *c, struct s3p_exchange *x, int64_t now)
{
    c->wary = c->wary || x->t_first == 0;
    if (x->parsed == NULL || !s3p_http1_eof(&c->parsed))
        return fail(x, S3P_WIRE_EOF, x->t_first == 0 ? "closed before an answer"
                                                     : "closed in the middle of the answer");
    x->t_return = now;
    return DONE;
}

/* Reads what is there. Over TLS until there is nothing, since the descriptor does not show
 * decrypted bytes. */
static enum step receive(struct s3p_conn *c, struct s3p_exchange *x)
{
    char *p = s3p_conn_recv_buffer(c);
    c->unread = false;
    for (int i = c->url.tls ? RECORDS_A_TURN : 1; i > 0; i--) {
        int64_t n = s3p_conn_recv(c, p, S3P_CONN_RECV_BYTES);
        if (n == S3P_CONN_AGAIN)
            return MORE;
        if (n == S3P_CONN_BROKEN)
            return fail(x, S3P_WIRE_RECV, c->why);
        int64_t now = s3p_now_ns();
        if (n == 0)
            return receive_end(c, x, now);
        if (x->t_first == 0)
            x->t_first = now;
        enum step step = take(c, x, p, (size_t)n);
        if (step == DONE)
            x->t_return = now;
        if (step != MORE)
            return step;
    }
    c->unread = c->url.tls;
    return MORE;
}

static int wait_answer(struct s3p_conn *c, const struct s3p_exchange *x)
{
    if (!c->unread)
        return s3p_wait_io(c->loop, &c->watch, EPOLLIN, x->deadline_ns);
    return s3p_loop_now(c->loop) < x->deadline_ns ? s3p_yield(c->loop) : S3P_ETIMEOUT;
}

/* ---- an attempt ---- */

static void begin(struct s3p_conn *c, struct s3p_exchange *x)
{
    x->phase = S3P_PHASE_NOT_SENT;
    x->wire = S3P_WIRE_NONE;
    x->t_call = s3p_loop_now(c->loop);
    x->t_sent = x->t_first = 0;
    x->t_return = S3P_NEVER;
    x->body_received = 0;
    x->parsed = NULL;
    x->parsed_head = NULL;
    x->why[0] = '\0';
    x->surplus = false;
    c->next_len = 0;
    c->filled = 0;
    c->started = c->surplus = c->unread = false;
    s3p_http1_start(&c->parsed, x->head_method);
    s3p_buf_clear(&c->head);
}

/* The connection broke while the request was going out. An answer that came before may explain it
 * (a 403, a 412). */
static enum step last_words(struct s3p_conn *c, struct s3p_exchange *x)
{
    char why[sizeof x->why];
    memcpy(why, x->why, sizeof why);
    enum step step = MORE;
    for (size_t before = SIZE_MAX; step == MORE && before != x->body_received + c->head.len;) {
        before = x->body_received + c->head.len;
        step = receive(c, x);
    }
    if (step == DONE) {
        x->wire = S3P_WIRE_NONE;
        x->why[0] = '\0';
        return DONE;
    }
    return fail(x, S3P_WIRE_SEND, why);
}

/* Sends, and reads meanwhile. DONE: sent, or answered already (then the answer is complete:
 * c->parsed.done). */
static enum step send_request(struct s3p_conn *c, struct s3p_exchange *x)
{
    enum step sent;
    while ((sent = send_some(c, x)) == MORE) {
        int rc = s3p_wait_io(c->loop, &c->watch, EPOLLIN | EPOLLOUT, x->deadline_ns);
        if (rc != 0)
            return fail_wait(x, rc);
        if ((c->watch.seen & ~(uint32_t)EPOLLOUT) == 0)
            continue;
        enum step got = receive(c, x);
        if (got == DONE)
            return DONE;
        if (got == FAILED) {
            if (x->wire == S3P_WIRE_EOF || x->wire == S3P_WIRE_RECV)
                x->wire = S3P_WIRE_SEND;
            return FAILED;
        }
    }
    return sent == FAILED ? last_words(c, x) : DONE;
}

static enum step attempt(struct s3p_conn *c, struct s3p_exchange *x)
{
    if (s3p_loop_cancelled(c->loop))
        return fail_wait(x, S3P_ECANCEL);
    if (!live(c) && s3p_conn_connect(c, x->deadline_ns) != 0)
        return fail(x, c->wire, c->why);
    enum step step = send_request(c, x);
    if (step == FAILED || x->t_return != S3P_NEVER)
        return step;
    do {
        int rc = wait_answer(c, x);
        if (rc != 0)
            return fail_wait(x, rc);
        step = receive(c, x);
    } while (step == MORE);
    return step;
}

void s3p_conn_exchange(struct s3p_conn *c, struct s3p_exchange *x)
{
    begin(c, x);
    enum step step = attempt(c, x);
    x->conn_serial = c->serial;
    if (step == FAILED) {
        s3p_conn_close(c);
        return;
    }
    bool early = x->phase != S3P_PHASE_SENT;
    x->phase = S3P_PHASE_ANSWERED;
    x->surplus = c->surplus;
    if (c->surplus)
        fail(x, S3P_WIRE_NONE, "bytes after a complete answer; connection closed");
    if (early || c->surplus || !c->parsed.keep_alive)
        s3p_conn_close(c);
}
