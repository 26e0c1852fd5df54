/* libFuzzer target: any bytes, in any pieces, give the same result, stay in bounds and end. */
#include "http/http1.h"

#include <stdlib.h>
#include <string.h>

#define CHECK(cond) ((cond) ? (void)0 : abort())

struct result {
    int64_t head; /* length, or BAD */
    bool bad, done, eof;
    uint64_t body_bytes, body_hash;
    size_t used;
};

static void body(struct s3p_http1 *h, const char *p, size_t len, size_t piece, struct result *r)
{
    size_t at = 0;
    while (at < len && !h->done) {
        const char *data;
        size_t data_len;
        size_t n = len - at < piece ? len - at : piece;
        int64_t used = s3p_http1_body(h, p + at, n, &data, &data_len);
        if (used < 0) {
            CHECK(h->why != NULL);
            r->bad = true;
            return;
        }
        CHECK(used > 0 && (size_t)used <= n);
        CHECK(data_len == 0 || (data >= p + at && data + data_len <= p + at + (size_t)used));
        for (size_t i = 0; i < data_len; i++)
            r->body_hash = r->body_hash * 31 + (uint8_t)data[i];
        r->body_bytes += data_len;
        at += (size_t)used;
    }
    r->used = at;
    r->done = h->done;
    r->eof = s3p_http1_eof(h);
}

static struct result parse(const char *p, size_t len, size_t piece, bool head_request)
{
    struct s3p_http1 h;
    struct result r = {0};
    s3p_http1_start(&h, head_request);
    for (size_t n = piece < len ? piece : len; r.head == 0; n = n + piece < len ? n + piece : len) {
        r.head = s3p_http1_head(&h, p, n);
        if (n == len)
            break;
    }
    if (r.head <= 0)
        return r;
    CHECK((size_t)r.head <= len && r.head <= S3P_HTTP1_HEAD_BYTES && h.status >= 200);
    CHECK(h.nfields <= S3P_HTTP1_FIELDS && !(h.chunked && h.content_length >= 0));
    for (int i = 0; i < h.nfields; i++) {
        CHECK(h.field[i].name_len > 0 && h.field[i].name + h.field[i].name_len < (size_t)r.head);
        CHECK(h.field[i].value + h.field[i].value_len < (size_t)r.head);
    }
    body(&h, p + r.head, len - (size_t)r.head, piece, &r);
    if (r.done && !h.no_body && h.content_length >= 0)
        CHECK(r.body_bytes == (uint64_t)h.content_length);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
    if (len < 2)
        return 0;
    const char *text = (const char *)p + 2;
    bool head_request = (p[0] & 1) != 0;
    size_t piece = (size_t)p[1] + 1;
    struct result whole = parse(text, len - 2, len, head_request);
    struct result split = parse(text, len - 2, piece, head_request);
    CHECK(whole.head == split.head && whole.bad == split.bad);
    if (whole.head > 0 && !whole.bad)
        CHECK(whole.done == split.done && whole.eof == split.eof && whole.used == split.used &&
              whole.body_bytes == split.body_bytes && whole.body_hash == split.body_hash);
    return 0;
}
