/* libFuzzer target: a stream of requests, or of answers, as a half of the proxy understands it. In
 * any pieces, with a cut or a flipped bit, it stays in bounds and ends; without them the bytes that
 * it lets through are the bytes that came. The first four bytes of the input choose. */
#include "proxy/half.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

static const uint8_t *stream;
static size_t stream_len, piece;
static char buffer[S3P_PX_BUFFER_BYTES];

/* The stream in pieces, then its end. */
static ssize_t feed(struct s3p_px_half *x)
{
    size_t room = S3P_PX_BUFFER_BYTES - x->len, n = stream_len < piece ? stream_len : piece;
    n = n < room ? n : room;
    memcpy(x->buf + x->len, stream, n);
    x->len += n;
    stream += n;
    stream_len -= n;
    return (ssize_t)n;
}

static void check_place(const struct s3p_px_half *x)
{
    CHECK(x->off <= x->parsed && x->parsed <= x->len && x->len <= S3P_PX_BUFFER_BYTES);
    CHECK(x->body >= 0 && (x->cut_at < 0 || x->body <= x->cut_at));
}

/* One message: true when it came to its end, so that another may follow. */
static bool message(struct s3p_px_half *x, bool request, int64_t cut_at, int64_t flip_at,
                    const uint8_t **sent)
{
    s3p_px_half_start(x);
    if (request)
        s3p_http1_start_request(&x->h);
    else
        s3p_http1_start(&x->h, false);
    for (;;) {
        bool headless = x->head_len == 0;
        if (s3p_px_half_parse(x) < 0)
            return false;
        if (headless && x->head_len > 0) {
            x->cut_at = cut_at;
            x->flip_at = flip_at;
            continue;
        }
        check_place(x);
        size_t n = x->parsed - x->off;
        if (cut_at < 0 && flip_at < 0)
            CHECK(memcmp(x->buf + x->off, *sent, n) == 0);
        *sent += n;
        x->off = x->parsed;
        if (x->h.done)
            return true;
        if (s3p_px_half_at_cut(x))
            return false;
        s3p_px_half_compact(x);
        if (x->len == S3P_PX_BUFFER_BYTES || feed(x) == 0)
            return false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_px_half x = {.buf = buffer};
    if (size < 4)
        return 0;
    bool request = data[0] & 1;
    int64_t cut_at = data[2] < 128 ? -1 : data[2] - 128;
    int64_t flip_at = data[3] < 128 ? -1 : data[3] - 128;
    piece = (size_t)data[1] + 1;
    stream = data + 4;
    stream_len = size - 4;
    const uint8_t *sent = stream;
    while (message(&x, request, cut_at, flip_at, &sent))
        CHECK(sent <= data + size);
    return 0;
}
