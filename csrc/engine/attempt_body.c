/* The bodies of an attempt: generated, hashed and framed on the way out, judged on the way in. */
#include <string.h>

#include "engine/attempt.h"

#define CONSTANT_BYTE 'c'
#define HASH_A_TURN (256u << 10)

/* ---- the request's body ---- */

static void fill_body(void *arg, uint64_t offset, uint8_t *dst, size_t len)
{
    const struct s3p_try *t = arg;
    const struct s3p_worker *w = t->c->w;
    if (t->text != NULL)
        memcpy(dst, t->text + offset, len);
    else if (t->rec.body_kind == S3P_KIND_CONSTANT)
        memset(dst, CONSTANT_BYTE, len);
    else if (t->body.len <= S3P_SCRATCH_BYTES && s3p_id_eq(w->scratch_id, t->body.id))
        memcpy(dst, w->scratch + offset, len); /* nobody hashed another body meanwhile */
    else
        s3p_body_fill(&t->body, offset, dst, len);
}

static void fill_frames(void *arg, uint64_t offset, uint8_t *dst, size_t len)
{
    struct s3p_try *t = arg;
    (void)offset; /* asked for in order */
    s3p_chunked_next(&t->c->extra->chunked, dst, len);
}

/* Cells are generated once for the digests and, unless the scratch still has them, once more to be
 * sent: that costs little beside SHA-256, and no client needs a buffer as large as its body. */
static void digest_body(struct s3p_try *t, bool sha256, enum s3p_sum_kind kind)
{
    struct s3p_worker *w = t->c->w;
    struct s3p_sha256 sha;
    struct s3p_sum sum;
    uint64_t len = t->req.body_len;
    s3p_sha256_init(&sha);
    s3p_sum_init(&sum, kind);
    w->scratch_id = (struct s3p_id){{0}};
    for (uint64_t at = 0; at < len;) {
        size_t n = len - at < S3P_SCRATCH_BYTES ? (size_t)(len - at) : S3P_SCRATCH_BYTES;
        fill_body(t, at, w->scratch, n);
        if (sha256)
            s3p_sha256_add(&sha, w->scratch, n);
        s3p_sum_add(&sum, w->scratch, n);
        at += n;
        if (at % HASH_A_TURN == 0)
            (void)!s3p_yield(w->loop); /* a cancelled run is seen by the exchange */
    }
    if (t->text == NULL && t->rec.body_kind == S3P_KIND_CELLS && len <= S3P_SCRATCH_BYTES)
        w->scratch_id = t->body.id;
    if (sha256)
        s3p_sha256_end(&sha, t->req.payload_sha256);
    if (kind != S3P_SUM_NONE)
        s3p_sum_end(&sum, t->req.sum_text);
}

void s3p_try_set_payload(struct s3p_try *t)
{
    struct s3p_request *r = &t->req;
    bool framed = s3p_payload_is_chunked(r->payload);
    bool sha256 = !framed && r->body_len != 0 && (t->hashed || t->c->w->e->plan->payload_signed);
    bool in_head = !s3p_payload_has_trailer(r->payload) && r->op != S3P_OP_CREATE_UPLOAD;
    enum s3p_sum_kind sum = in_head ? r->sum : S3P_SUM_NONE;
    if (sha256)
        r->payload = S3P_PAYLOAD_SIGNED;
    else if (!framed && r->body_len != 0)
        r->payload = S3P_PAYLOAD_UNSIGNED;
    if (sha256 || sum != S3P_SUM_NONE)
        digest_body(t, sha256, sum);
}

void s3p_try_start_body(struct s3p_try *t)
{
    struct s3p_exchange *x = &t->x;
    const struct s3p_request_ctx *ctx = t->c->ctx;
    x->body_len = s3p_request_body_len(&t->req);
    x->fill = fill_body;
    x->fill_arg = t;
    if (!s3p_payload_is_chunked(t->req.payload))
        return;
    struct s3p_chunked *f = &t->c->extra->chunked;
    f->payload = t->req.payload;
    f->sum = t->req.sum;
    f->len = t->req.body_len;
    f->fill = fill_body;
    f->fill_arg = t;
    s3p_chunked_start(f, &ctx->signer, s3p_request_signature(&t->c->head), ctx->date);
    x->fill = fill_frames;
}

/* ---- the answer's body ---- */

static void start_verify(struct s3p_try *t, const struct s3p_exchange *x)
{
    const struct s3p_http1 *h = x->parsed;
    bool whole = h->status != 206 || t->req.part_number != 0; /* a part is a body of its own */
    uint64_t len = h->content_length < 0 ? UINT64_MAX : (uint64_t)h->content_length;
    uint64_t total = whole ? len : t->answer.object_size;
    s3p_verify_start(&t->verify, t->key_hash, whole, whole ? 0 : t->rec.range_first, len, total,
                     t->answer.meta_id);
}

/* The checksum of a whole read is that of its bytes; a composite one is that of its parts' values.
 */
static void start_sum(struct s3p_try *t, const struct s3p_exchange *x)
{
    const struct s3p_answer *a = &t->answer;
    enum s3p_sum_kind kind = s3p_sum_find(a->checksum_name);
    bool of_bytes = x->parsed->status == 200 && !a->composite && kind != S3P_SUM_NONE &&
                    memchr(a->checksum.p, '-', a->checksum.len) == NULL;
    s3p_sum_init(&t->sum, of_bytes ? kind : S3P_SUM_NONE);
}

void s3p_try_start_sink(struct s3p_try *t, const struct s3p_exchange *x)
{
    t->sink_started = true;
    s3p_answer_read(&t->answer, x->parsed, x->parsed_head);
    if (x->parsed->status / 100 != 2)
        t->sink = S3P_SINK_KEEP;
    if (t->sink != S3P_SINK_VERIFY)
        return;
    start_verify(t, x);
    start_sum(t, x);
}

void s3p_try_take_body(void *arg, const struct s3p_exchange *x, const uint8_t *p, size_t len)
{
    struct s3p_try *t = arg;
    struct s3p_buf *kept = &t->c->answer;
    if (!t->sink_started)
        s3p_try_start_sink(t, x);
    if (t->sink == S3P_SINK_VERIFY) {
        s3p_verify_add(&t->verify, p, len);
        s3p_sum_add(&t->sum, p, len);
        return;
    }
    if (t->sink == S3P_SINK_DROP)
        return;
    size_t max = x->parsed->status / 100 == 2 ? kept->max : S3P_ERROR_BYTES;
    size_t room = kept->len < max ? max - kept->len : 0;
    t->kept_cut |= len > room;
    s3p_buf_add(kept, p, len < room ? len : room);
}

static bool sum_differs(struct s3p_try *t)
{
    char text[S3P_SUM_TEXT_MAX];
    if (t->sum.kind == S3P_SUM_NONE)
        return false;
    size_t n = s3p_sum_end(&t->sum, text);
    return n != t->answer.checksum.len || memcmp(text, t->answer.checksum.p, n) != 0;
}

void s3p_try_end_verify(struct s3p_try *t)
{
    struct s3p_attempt *r = &t->rec;
    if (t->sink != S3P_SINK_VERIFY || t->x.phase != S3P_PHASE_ANSWERED)
        return;
    r->body_verdict = (uint8_t)s3p_verify_end(&t->verify);
    r->body_id = t->verify.id;
    r->body_id2 = t->verify.id2;
    r->bad_offset = t->verify.bad_offset;
    r->counter = t->verify.counter;
    if (r->body_verdict != S3P_BODY_CORRUPT && sum_differs(t)) {
        r->body_verdict = S3P_BODY_CORRUPT;
        r->bad_offset = 0;
    }
}
