#include "proxy/link.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/clock.h"

void s3p_px_did(struct s3p_px_link *x, const char *done, const char *mark)
{
    struct s3p_px_event e = {.fault = x->fault,
                             .request = &x->r,
                             .done = done,
                             .mark = mark,
                             .request_id = x->request_id,
                             .endpoint = x->endpoint,
                             .status = x->resp.h.status};
    x->fault->fired += !x->counted;
    x->counted = true;
    s3p_px_events_add(&x->proxy->events, &e);
}

/* Waits for the client, or, between two requests, for the store's end too. */
static int wait_client(struct s3p_px_link *x, bool idle)
{
    struct s3p_loop *l = x->proxy->loop;
    if (!idle || !x->store.open)
        return s3p_wait_io(l, &x->client.w, EPOLLIN, S3P_NEVER);
    int rc = s3p_wait_either(l, &x->client.w, EPOLLIN, &x->store.w, EPOLLRDHUP, S3P_NEVER);
    return rc == 0 && (x->client.w.seen & EPOLLIN) == 0 && x->store.w.seen != 0 ? S3P_ENET : rc;
}

/* More of the request; false when there will be no more. */
static bool more(struct s3p_px_link *x, bool idle)
{
    ssize_t n = s3p_px_half_fill(&x->req, &x->client);
    if (n > 0 || (n < 0 && errno == EINTR))
        return true;
    return n < 0 && errno == EAGAIN && wait_client(x, idle) == 0;
}

static bool next_request(struct s3p_px_link *x)
{
    s3p_px_half_start(&x->req);
    s3p_http1_start_request(&x->req.h);
    for (;;) {
        if (s3p_px_half_parse(&x->req) < 0) {
            s3p_px_refuse(x);
            return false;
        }
        if (x->req.head_len > 0)
            break;
        if (!more(x, x->req.len == 0))
            return false;
    }
    s3p_px_request_read(&x->r, &x->req.h, x->req.buf);
    x->proxy->requests++;
    x->request_id[0] = 0;
    x->resp.h.status = 0;
    return true;
}

/* Reads the request to its end; into `hold` when it is to be kept. */
static bool read_request(struct s3p_px_link *x, bool keep)
{
    struct s3p_px_half *q = &x->req;
    for (;;) {
        if (s3p_px_half_parse(q) < 0)
            return false;
        if (keep)
            s3p_buf_add(&x->hold, q->buf + q->off, q->parsed - q->off);
        q->off = q->parsed;
        if (q->h.done)
            return !keep || s3p_buf_ok(&x->hold);
        if (!more(x, false))
            return false;
    }
}

static bool hold_request(struct s3p_px_link *x)
{
    s3p_buf_clear(&x->hold);
    if (x->r.expects && s3p_px_send(x->proxy->loop, &x->client,
                                    "HTTP/1.1 100 Continue\r\n\r\n", 25) < 0)
        return false;
    return read_request(x, true);
}

static bool fits(const struct s3p_px_link *x)
{
    return !x->req.h.chunked &&
           x->req.h.content_length + (int64_t)x->req.head_len <= (int64_t)S3P_PX_HOLD_BYTES;
}

static enum s3p_px_end end_of(const struct s3p_px_fault *f)
{
    return f->spec.how == S3P_PX_HANG ? S3P_PX_END_HANG : (enum s3p_px_end)f->row->end;
}

static bool end_client(struct s3p_px_link *x, enum s3p_px_end end)
{
    struct s3p_loop *l = x->proxy->loop;
    if (end == S3P_PX_GO_ON)
        return true;
    if (end == S3P_PX_END_RESET)
        s3p_px_reset(l, &x->client);
    else if (end == S3P_PX_END_HANG)
        s3p_px_await_end(l, &x->client);
    else
        s3p_px_leave(l, &x->client);
    return false;
}

/* What the client sees of an end that no fault made: what the store did. True: go on. */
static bool as_it_was(struct s3p_px_link *x, enum s3p_px_ended ended)
{
    if (ended == S3P_PX_DONE)
        return true;
    s3p_px_close(x->proxy->loop, &x->store);
    if (ended == S3P_PX_STORE_RESET)
        return end_client(x, S3P_PX_END_RESET);
    return ended == S3P_PX_DONE_LAST || ended == S3P_PX_STORE_LEFT
               ? end_client(x, S3P_PX_END_CLOSE)
               : false;
}

static int pause_for(struct s3p_px_link *x)
{
    return s3p_sleep_until(x->proxy->loop, s3p_now_ns() + x->fault->spec.delay_ns);
}

/* Surplus bytes behind the answer, together with its end: bytes that came later could meet the next
 * request on its way, and then no client could tell whose they are. */
static bool add_surplus(struct s3p_px_link *x)
{
    static const char surplus[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct s3p_px_half *a = &x->resp;
    size_t len = sizeof surplus - 1;
    if (a->off <= a->h.interim && a->parsed + len <= S3P_PX_BUFFER_BYTES) {
        s3p_px_did(x, "sent surplus bytes after the answer", "surplus");
        memcpy(a->buf + a->parsed, surplus, len);
        a->len = a->parsed += len;
    }
    return s3p_px_send(x->proxy->loop, &x->client, a->buf + a->off, a->parsed - a->off) == 0;
}

/* The end of a connection that is idle now. */
static bool end_idle(struct s3p_px_link *x)
{
    s3p_px_did(x, "closed the idle connection", "");
    return pause_for(x) == 0 && end_client(x, S3P_PX_END_CLOSE);
}

/* The store's answer goes to the client, but for what the fault does on the way. */
static bool pass(struct s3p_px_link *x)
{
    const struct s3p_px_fault *f = x->fault;
    unsigned upstream = x->endpoint;
    if (f != NULL && f->spec.side == S3P_PX_REQUEST && x->req.h.content_length > 0) {
        int64_t at = f->spec.bytes >= 0 ? f->spec.bytes
                                        : (int64_t)(x->draw % (uint64_t)x->req.h.content_length);
        x->req.cut_at = f->row->cut ? at : -1;
        x->req.flip_at = f->row->flip ? at : -1;
    }
    if (f != NULL && f->row->elsewhere) {
        upstream = (x->endpoint + 1) % x->proxy->n;
        s3p_px_did(x, "forwarded to the next endpoint", "");
    }
    bool surplus = f != NULL && f->spec.how == S3P_PX_SURPLUS;
    enum s3p_px_ended ended =
        s3p_px_deliver(x, upstream, false, surplus ? S3P_PX_KEPT : S3P_PX_TO_CLIENT);
    if (surplus && ended <= S3P_PX_DONE_LAST)
        return add_surplus(x) && as_it_was(x, ended);
    if (ended == S3P_PX_CUT) {
        s3p_px_did(x, f->spec.side == S3P_PX_REQUEST ? "cut the request" : "cut the answer", "");
        s3p_px_reset(x->proxy->loop, &x->store);
        return pause_for(x) == 0 && end_client(x, end_of(f));
    }
    if (ended == S3P_PX_DONE && f != NULL && f->row->once_more)
        return end_idle(x);
    return as_it_was(x, ended);
}

/* Forwarded; the client sees something else. */
static bool swallow(struct s3p_px_link *x)
{
    const struct s3p_px_row *row = x->fault->row;
    bool blanks = row->answer == S3P_PX_BLANKS;
    enum s3p_px_ended ended =
        s3p_px_deliver(x, x->endpoint, false, blanks ? S3P_PX_KEPT : S3P_PX_AWAY);
    if (ended != S3P_PX_DONE && ended != S3P_PX_DONE_LAST)
        return as_it_was(x, ended);
    if (blanks) {
        if (s3p_px_answer_blanks(x) < 0)
            return false;
        return as_it_was(x, ended);
    }
    s3p_px_did(x, row->answer == S3P_PX_OWN ? "forwarded, answered by the proxy"
                                            : "forwarded, answer swallowed", "");
    if (row->answer == S3P_PX_OWN)
        return s3p_px_answer(x, ended != S3P_PX_DONE) == 0 && as_it_was(x, ended);
    s3p_px_close(x->proxy->loop, &x->store);
    return end_client(x, end_of(x->fault));
}

static bool deliver_late(struct s3p_px_link *x)
{
    s3p_px_did(x, "held back", "");
    end_client(x, end_of(x->fault));
    if (pause_for(x) < 0)
        return false;
    enum s3p_px_ended ended = s3p_px_deliver(x, x->endpoint, true, S3P_PX_AWAY);
    s3p_px_did(x, ended <= S3P_PX_DONE_LAST ? "delivered late" : "late delivery failed", "");
    return false;
}

static bool deliver_twice(struct s3p_px_link *x)
{
    bool second = x->fault->spec.how == S3P_PX_SECOND;
    s3p_px_did(x, "delivered twice", "multi_delivery"); /* noted before the first has an effect */
    enum s3p_px_ended first =
        s3p_px_deliver(x, x->endpoint, true, second ? S3P_PX_AWAY : S3P_PX_TO_CLIENT);
    if (pause_for(x) < 0)
        return false;
    enum s3p_px_ended again =
        s3p_px_deliver(x, x->endpoint, true, second ? S3P_PX_TO_CLIENT : S3P_PX_AWAY);
    if (!second && again > S3P_PX_DONE)
        s3p_px_close(x->proxy->loop, &x->store);
    return as_it_was(x, second ? again : first);
}

static bool withhold(struct s3p_px_link *x)
{
    const struct s3p_px_row *row = x->fault->row;
    enum s3p_px_end end = end_of(x->fault);
    if (row->late)
        return deliver_late(x);
    bool drained = false;
    if (end != S3P_PX_END_RESET && end != S3P_PX_END_HANG && !x->r.expects) {
        if (!read_request(x, false))
            return false;
        drained = true;
    }
    s3p_px_did(x, row->answer == S3P_PX_OWN ? "answered by the proxy" : "not forwarded", "");
    if (row->answer != S3P_PX_OWN)
        return end_client(x, end);
    bool last = !drained || !x->req.h.keep_alive;
    return s3p_px_answer(x, last) == 0 && (!last || end_client(x, S3P_PX_END_CLOSE));
}

/* One request and what comes of it. True: the connection takes another one. */
static bool exchange(struct s3p_px_link *x)
{
    struct s3p_proxy *p = x->proxy;
    struct s3p_px_moment m = {.seed = p->o.seed,
                              .since_ns = s3p_now_ns() - p->start_ns,
                              .endpoint = x->endpoint,
                              .endpoints = p->n,
                              .has_body = x->req.h.content_length > 0};
    x->fault = s3p_px_faults_draw(p->faults, &x->r, &m, &x->draw);
    x->counted = false;
    if (x->fault != NULL && x->fault->row->whole && !fits(x))
        x->fault = NULL; /* drawn, but it cannot be done: it has not fired */
    if (x->fault == NULL)
        return pass(x);
    const struct s3p_px_row *row = x->fault->row;
    if (row->whole && !hold_request(x))
        return false;
    if (row->deliveries == 2)
        return deliver_twice(x);
    if (row->deliveries == 0)
        return withhold(x);
    return row->answer == S3P_PX_PASS ? pass(x) : swallow(x);
}

void s3p_px_link_main(void *link)
{
    struct s3p_px_link *x = link;
    struct s3p_proxy *p = x->proxy;
    bool open = true;
    while (open && next_request(x))
        open = exchange(x);
    s3p_px_close(p->loop, &x->store);
    s3p_px_leave(p->loop, &x->client);
    x->req.len = x->req.parsed = x->resp.len = x->resp.parsed = 0;
    x->next = p->spare;
    p->spare = x;
}
