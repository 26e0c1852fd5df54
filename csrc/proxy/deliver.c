#include "proxy/link.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/clock.h"

#define PACE_NS (10 * S3P_MS)

/* A delivery under way. Both directions go on at the same time: an answer may come before the
 * request is all there. */
struct delivery {
    struct s3p_px_link *x;
    enum s3p_px_sink sink;
    bool held, client; /* the request comes from `hold`; the client is still part of it */
    size_t held_off;
    bool deaf;         /* the store takes no more of the request */
    bool left;         /* the client has sent its FIN */
    bool moved;        /* bytes came or went in this turn */
    bool store_ready, client_ready;    /* bytes may be there */
    bool store_full, client_full;      /* the last send was refused */
    int64_t paced_ns, paced_bytes;     /* of the slow direction: since when, how many */
    enum s3p_px_ended end;
};

static bool ended(struct delivery *d, enum s3p_px_ended end)
{
    d->end = end;
    return true;
}

static bool request_done(const struct delivery *d)
{
    return d->held ? d->held_off == d->x->hold.len : s3p_px_half_done(&d->x->req);
}

/* How many of `len` may go now; when none, the wait is until *wake_ns. */
static size_t paced(struct delivery *d, enum s3p_px_side side, size_t len, int64_t *wake_ns)
{
    const struct s3p_px_fault *f = d->x->fault;
    if (f == NULL || !f->row->slow || f->spec.side != side)
        return len;
    if (!d->x->counted)
        s3p_px_did(d->x, "slowed down", "");
    int64_t now_ns = s3p_now_ns();
    if (d->paced_ns == 0)
        d->paced_ns = now_ns;
    double due = 1 + (double)(now_ns - d->paced_ns) * (double)f->spec.rate / S3P_S;
    int64_t allowed = (int64_t)due - d->paced_bytes;
    if (allowed <= 0 || (size_t)allowed < len)
        *wake_ns = now_ns + PACE_NS;
    if (allowed <= 0)
        return 0;
    len = (size_t)allowed < len ? (size_t)allowed : len;
    d->paced_bytes += (int64_t)len;
    return len;
}

/* Sends once; false when the connection is gone. */
static bool push(struct s3p_px_peer *p, const char *data, size_t len, size_t *sent, bool *full)
{
    *sent = 0;
    if (len == 0)
        return true;
    ssize_t n = s3p_px_write(p, data, len);
    *full = n < (ssize_t)len;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    *sent = (size_t)n;
    return true;
}

/* The request, in from the client. True: the delivery has ended. */
static bool take_request(struct delivery *d)
{
    struct s3p_px_half *q = &d->x->req;
    if (d->held || q->h.done || d->left)
        return false;
    if (d->client_ready && q->len < S3P_PX_BUFFER_BYTES + q->off && !s3p_px_half_at_cut(q)) {
        ssize_t n = s3p_px_half_fill(q, &d->x->client);
        d->moved |= n > 0;
        if (n == 0)
            d->left = true;
        if (n < 0 && errno == EAGAIN)
            d->client_ready = false;
        else if (n < 0 && errno != EINTR && errno != ENOBUFS)
            return ended(d, S3P_PX_CLIENT_LEFT);
    }
    if (s3p_px_half_parse(q) < 0)
        return ended(d, S3P_PX_BROKEN);
    if (q->flipped) {
        q->flipped = false;
        s3p_px_did(d->x, "flipped a bit of the request", "altered");
    }
    return false;
}

/* The request, out to the store. */
static bool give_request(struct delivery *d, int64_t *wake_ns)
{
    struct s3p_px_half *q = &d->x->req;
    size_t *off = d->held ? &d->held_off : &q->off, sent;
    const char *data = d->held ? d->x->hold.data : q->buf;
    size_t to = d->held ? d->x->hold.len : q->parsed;
    if (d->deaf)
        *off = to;
    size_t len = *off < to ? paced(d, S3P_PX_REQUEST, to - *off, wake_ns) : 0;
    if (!push(&d->x->store, data + *off, len, &sent, &d->store_full))
        d->deaf = true; /* it may have answered before it went */
    *off += sent;
    d->moved |= sent > 0;
    if (d->left && !d->held && !q->h.done && *off == to)
        return ended(d, S3P_PX_CLIENT_LEFT);
    bool cut = d->x->fault != NULL && d->x->fault->row->cut &&
               d->x->fault->spec.side == S3P_PX_REQUEST;
    if (cut && !s3p_px_half_pending(q) && (q->h.done || s3p_px_half_at_cut(q)))
        return ended(d, S3P_PX_CUT);
    return false;
}

static void copy_id(struct s3p_px_link *x)
{
    struct s3p_str id = s3p_http1_get(&x->resp.h, x->resp.buf, "x-amz-request-id");
    size_t n = id.len < sizeof x->request_id - 1 ? id.len : sizeof x->request_id - 1;
    if (n > 0)
        memcpy(x->request_id, id.p, n);
    x->request_id[n] = 0;
}

/* Where the fault touches the body of the answer. */
static void on_answer_head(struct s3p_px_link *x)
{
    copy_id(x);
    const struct s3p_px_fault *f = x->fault;
    if (f == NULL || f->spec.side != S3P_PX_RESPONSE || x->resp.h.done)
        return;
    int64_t size = x->resp.h.content_length > 0 ? x->resp.h.content_length : 1;
    int64_t at = f->spec.bytes >= 0 ? f->spec.bytes : (int64_t)(x->draw % (uint64_t)size);
    if (f->row->cut)
        x->resp.cut_at = at;
    if (f->row->flip)
        x->resp.flip_at = at;
}

/* The answer, in from the store. */
static bool take_answer(struct delivery *d)
{
    struct s3p_px_half *a = &d->x->resp;
    if (a->h.done || s3p_px_half_at_cut(a))
        return false;
    if (d->store_ready) {
        ssize_t n = s3p_px_half_fill(a, &d->x->store);
        d->moved |= n > 0;
        if (n < 0 && errno == EAGAIN)
            d->store_ready = false;
        else if (n < 0 && errno != EINTR && errno != ENOBUFS)
            return ended(d, S3P_PX_STORE_RESET);
        if (n == 0 && !(a->head_len > 0 && s3p_http1_eof(&a->h)) && !s3p_px_half_pending(a))
            return ended(d, S3P_PX_STORE_LEFT);
    }
    bool headless = a->head_len == 0;
    if (s3p_px_half_parse(a) < 0)
        return ended(d, S3P_PX_BROKEN);
    if (headless && a->head_len > 0) {
        if (d->held)
            a->off = a->h.interim; /* the 100 of `sink_now` may have come together with the head */
        on_answer_head(d->x);
        if (s3p_px_half_parse(a) < 0)
            return ended(d, S3P_PX_BROKEN);
    } else if (headless && d->x->fault != NULL && d->x->fault->row->hold_100 &&
               s3p_px_half_pending(a)) {
        a->off = a->parsed;
        s3p_px_did(d->x, "kept 100 Continue back", "");
    }
    if (a->flipped) {
        a->flipped = false;
        s3p_px_did(d->x, "flipped a bit of the answer", "altered");
    }
    return false;
}

/* Where what is there of the answer goes. 100 Continue is for the client whatever becomes of the
 * answer: it holds its body back until then. To a request that was held the proxy has said it. */
static enum s3p_px_sink sink_now(const struct delivery *d)
{
    if (d->x->resp.head_len > 0)
        return d->sink;
    return d->held ? S3P_PX_AWAY : S3P_PX_TO_CLIENT;
}

/* The answer, out to where it is to go. */
static bool give_answer(struct delivery *d, int64_t *wake_ns)
{
    struct s3p_px_half *a = &d->x->resp;
    enum s3p_px_sink sink = sink_now(d);
    size_t sent = 0;
    if (sink == S3P_PX_AWAY) {
        a->off = a->parsed;
    } else if (sink == S3P_PX_TO_CLIENT && s3p_px_half_pending(a)) {
        size_t len = paced(d, S3P_PX_RESPONSE, a->parsed - a->off, wake_ns);
        if (!push(&d->x->client, a->buf + a->off, len, &sent, &d->client_full))
            return ended(d, S3P_PX_CLIENT_LEFT);
        a->off += sent;
        d->moved |= sent > 0;
    }
    if (s3p_px_half_at_cut(a) && !s3p_px_half_pending(a))
        return ended(d, S3P_PX_CUT);
    bool kept = d->sink == S3P_PX_KEPT && (a->h.done || a->len == S3P_PX_BUFFER_BYTES);
    if (kept && !a->h.done) { /* too long to be kept: it goes on as it is */
        d->sink = S3P_PX_TO_CLIENT;
        d->moved = true;
        return false;
    }
    if (!s3p_px_half_done(a) && !kept)
        return false;
    bool again = a->h.keep_alive && d->x->req.h.keep_alive && request_done(d) && !d->deaf &&
                 !d->left && a->parsed == a->len;
    return ended(d, again ? S3P_PX_DONE : S3P_PX_DONE_LAST);
}

static bool await(struct delivery *d, int64_t wake_ns)
{
    struct s3p_px_link *x = d->x;
    struct s3p_px_half *q = &x->req, *a = &x->resp;
    uint32_t store = d->store_ready ? 0 : EPOLLIN, client = 0;
    if (wake_ns == S3P_NEVER && d->store_full)
        store |= EPOLLOUT;
    if (!d->left && d->client)
        client = q->h.done || d->held || d->client_ready ? EPOLLRDHUP : EPOLLIN;
    if (wake_ns == S3P_NEVER && d->client_full)
        client |= EPOLLOUT;
    int rc = client != 0 || d->client
                 ? s3p_wait_either(x->proxy->loop, &x->store.w, store, &x->client.w, client,
                                   wake_ns)
                 : s3p_wait_io(x->proxy->loop, &x->store.w, store, wake_ns);
    if (rc == S3P_ECANCEL)
        return ended(d, S3P_PX_BROKEN);
    if (rc < 0)
        return false;
    d->store_ready |= (x->store.w.seen & ~(uint32_t)EPOLLOUT) != 0 && !a->h.done;
    if (!d->client)
        return false;
    if (x->client.w.seen & (EPOLLERR | EPOLLHUP))
        return ended(d, S3P_PX_CLIENT_LEFT);
    d->client_ready |= (x->client.w.seen & EPOLLIN) != 0;
    if ((x->client.w.seen & EPOLLRDHUP) && (client & EPOLLIN) == 0 && !d->left) {
        d->left = true; /* handed on: what the store makes of it is its own affair */
        if (request_done(d))
            s3p_px_shut(&x->store);
    }
    return false;
}

enum s3p_px_ended s3p_px_deliver(struct s3p_px_link *x, unsigned upstream, bool held,
                                 enum s3p_px_sink sink)
{
    struct delivery d = {.x = x,
                         .sink = sink,
                         .held = held,
                         .client = x->client.open && !(held && sink == S3P_PX_AWAY),
                         .client_ready = true};
    s3p_px_half_start(&x->resp);
    x->resp.len = 0; /* nothing of another answer may be taken for this one's */
    s3p_http1_start(&x->resp.h, x->r.head);
    x->request_id[0] = 0;
    if (s3p_px_connect(x, upstream) < 0)
        return S3P_PX_STORE_LEFT;
    for (;;) {
        int64_t wake_ns = S3P_NEVER;
        d.moved = false;
        if (take_request(&d) || give_request(&d, &wake_ns) || take_answer(&d) ||
            give_answer(&d, &wake_ns))
            return d.end;
        if (!d.moved && await(&d, wake_ns))
            return d.end;
    }
}
