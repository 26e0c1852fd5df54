#include "s3/chunked.h"

#include <string.h>

#include "core/text.h"

#define WINDOW_BYTES 4096
#define HEX_SHA256 64
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGNATURE_MARK ";chunk-signature="
#define TRAILER_SIGNATURE "x-amz-trailer-signature:"

static bool is_signed(enum s3p_payload p)
{
    return p != S3P_PAYLOAD_UNSIGNED_TRAILER;
}

static char *put(char *p, const void *src, size_t len)
{
    memcpy(p, src, len);
    return p + len;
}
#define PUT(p, lit) put((p), (lit), sizeof(lit) - 1)

static size_t hex_digits(uint64_t n)
{
    size_t digits = 1;
    while ((n >>= 4) != 0)
        digits++;
    return digits;
}

/* A frame without its data: size, signature, and the two line ends of one that has data. */
static uint64_t frame_len(enum s3p_payload payload, uint64_t size)
{
    uint64_t mark = is_signed(payload) ? sizeof SIGNATURE_MARK - 1 + HEX_SHA256 : 0;
    return hex_digits(size) + mark + 2 + (size != 0 ? 2 : 0);
}

static uint64_t trailer_len(enum s3p_payload payload, enum s3p_sum_kind sum)
{
    if (!s3p_payload_has_trailer(payload))
        return 0;
    uint64_t line = s3p_sum_table[sum].header.len + 1 + s3p_sum_text_len(sum) + 2;
    return line + (is_signed(payload) ? sizeof TRAILER_SIGNATURE - 1 + HEX_SHA256 + 2 : 0);
}

uint64_t s3p_chunked_len(enum s3p_payload payload, enum s3p_sum_kind sum, uint64_t len)
{
    uint64_t full = len / S3P_CHUNK_BYTES, rest = len % S3P_CHUNK_BYTES;
    return len + full * frame_len(payload, S3P_CHUNK_BYTES) +
           (rest != 0 ? frame_len(payload, rest) : 0) + frame_len(payload, 0) +
           trailer_len(payload, sum) + 2;
}

void s3p_chunked_start(struct s3p_chunked *c, const struct s3p_signer *signer, const char *seed,
                       const char date[16])
{
    c->signer = *signer;
    memcpy(c->previous, seed, sizeof c->previous);
    memcpy(c->date, date, sizeof c->date);
    c->at = c->data_left = 0;
    c->ended = false;
    c->line_len = c->line_at = 0;
    s3p_sum_init(&c->running, s3p_payload_has_trailer(c->payload) ? c->sum : S3P_SUM_NONE);
}

/* The next signature of the chain, over a digest; `chunk`: of a frame, else of the trailer. */
static void sign_next(struct s3p_chunked *c, bool chunk, struct s3p_sha256 *sha)
{
    uint8_t digest[S3P_SHA256_BYTES];
    char text[40 + 17 + sizeof c->signer.scope + 3 * (HEX_SHA256 + 1)];
    char *p = PUT(text, "AWS4-HMAC-SHA256-");
    p = chunk ? PUT(p, "PAYLOAD\n") : PUT(p, "TRAILER\n");
    p = put(p, c->date, sizeof c->date);
    *p++ = '\n';
    p = put(p, c->signer.scope, c->signer.scope_len);
    *p++ = '\n';
    p = put(p, c->previous, sizeof c->previous);
    *p++ = '\n';
    if (chunk)
        p = PUT(p, EMPTY_SHA256 "\n");
    s3p_sha256_end(sha, digest);
    s3p_hex(p, digest, sizeof digest);
    p += HEX_SHA256;
    s3p_hmac(&c->signer.key, text, (size_t)(p - text), digest);
    s3p_hex(c->previous, digest, sizeof digest);
}

static void sign_frame(struct s3p_chunked *c, uint64_t size)
{
    uint8_t window[WINDOW_BYTES];
    struct s3p_sha256 sha;
    s3p_sha256_init(&sha);
    for (uint64_t at = 0; at < size;) {
        size_t n = size - at < sizeof window ? (size_t)(size - at) : sizeof window;
        c->fill(c->fill_arg, c->at + at, window, n);
        s3p_sha256_add(&sha, window, n);
        at += n;
    }
    sign_next(c, true, &sha);
}

static char *put_trailer(struct s3p_chunked *c, char *p)
{
    struct s3p_str name = s3p_sum_table[c->sum].header;
    struct s3p_sha256 sha;
    char *line = p;
    p = put(p, name.p, name.len);
    *p++ = ':';
    p += s3p_sum_end(&c->running, p);
    if (is_signed(c->payload)) {
        s3p_sha256_init(&sha);
        s3p_sha256_add(&sha, line, (size_t)(p - line));
        s3p_sha256_add(&sha, "\n", 1);
        sign_next(c, false, &sha);
        p = PUT(p, "\r\n" TRAILER_SIGNATURE);
        p = put(p, c->previous, sizeof c->previous);
    }
    return PUT(p, "\r\n");
}

/* What stands before the next run of data, or behind the last one. */
static void next_line(struct s3p_chunked *c)
{
    uint64_t left = c->len - c->at, size = left < S3P_CHUNK_BYTES ? left : S3P_CHUNK_BYTES;
    char *p = c->at != 0 ? PUT(c->line, "\r\n") : c->line;
    for (size_t i = hex_digits(size); i-- > 0;)
        *p++ = "0123456789abcdef"[size >> (4 * i) & 15];
    if (is_signed(c->payload)) {
        sign_frame(c, size);
        p = PUT(p, SIGNATURE_MARK);
        p = put(p, c->previous, sizeof c->previous);
    }
    p = PUT(p, "\r\n");
    if (size == 0) {
        p = s3p_payload_has_trailer(c->payload) ? put_trailer(c, p) : p;
        p = PUT(p, "\r\n");
        c->ended = true;
    }
    c->data_left = size;
    c->line_at = 0;
    c->line_len = (size_t)(p - c->line);
}

void s3p_chunked_next(struct s3p_chunked *c, uint8_t *dst, size_t n)
{
    while (n > 0) {
        size_t take;
        if (c->line_at < c->line_len) {
            take = c->line_len - c->line_at < n ? c->line_len - c->line_at : n;
            memcpy(dst, c->line + c->line_at, take);
            c->line_at += take;
        } else if (c->data_left > 0) {
            take = c->data_left < n ? (size_t)c->data_left : n;
            c->fill(c->fill_arg, c->at, dst, take);
            s3p_sum_add(&c->running, dst, take);
            c->at += take;
            c->data_left -= take;
        } else if (!c->ended) {
            next_line(c);
            continue;
        } else {
            return; /* nobody asks for more than the length */
        }
        dst += take;
        n -= take;
    }
}
