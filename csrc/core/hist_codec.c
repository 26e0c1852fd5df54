/* HdrHistogram's V2 compressed form. Outside base64 and zlib: a cookie and the compressed length.
 * Inside: a header of seven fields, then the slots from 0 on as ZigZag LEB128 numbers, where a
 * negative one stands for a run of empty slots. All header fields are big endian. Source:
 * AbstractHistogram.encodeIntoByteBuffer of HdrHistogram 2.1. */
#include "core/hist.h"

#include <string.h>
#include <zlib.h>

#include "core/alloc.h"
#include "core/hist_layout.h"
#include "core/text.h"

#define COOKIE_PLAIN UINT32_C(0x1c849313)
#define COOKIE_COMPRESSED UINT32_C(0x1c849314)
#define LENGTH_AT 4 /* in both headers: bytes that follow the header */
#define FRAME_BYTES 8
#define HEADER_BYTES 40
#define NUMBER_BYTES_MAX 9
#define PLAIN_BYTES_MAX (HEADER_BYTES + NUMBER_BYTES_MAX * S3P_HIST_SLOTS)
#define PACKED_BYTES_MAX (2 * PLAIN_BYTES_MAX) /* above the frame and deflateBound */

static void set_be(char *p, uint64_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, v >>= 8)
        p[i] = (char)(v & 255);
}

static uint64_t get_be(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* ZigZag puts the sign into bit 0. The ninth byte carries eight bits, so that 64 fit. */
static void put_number(struct s3p_buf *b, int64_t n)
{
    uint64_t v = ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0);
    for (int i = 1; i < NUMBER_BYTES_MAX && v > 127; i++, v >>= 7)
        s3p_buf_char(b, (char)(v | 128));
    s3p_buf_char(b, (char)v);
}

/* The bytes read, 0 when they end too early. */
static size_t get_number(const uint8_t *p, size_t len, int64_t *n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < len; i++) {
        bool last = i == NUMBER_BYTES_MAX - 1;
        v |= (uint64_t)(last ? p[i] : p[i] & 127) << (7 * i);
        if (last || p[i] < 128) {
            *n = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
            return i + 1;
        }
    }
    return 0;
}

static void put_empty(struct s3p_buf *b, int64_t run)
{
    if (run != 0)
        put_number(b, run == 1 ? 0 : -run);
}

static void put_slots(struct s3p_buf *b, const struct s3p_hist *h)
{
    int end = s3p_hist_slot(s3p_hist_max(h)) + 1;
    int64_t empty = 0;
    for (int i = 0; i < end; i++) {
        int64_t count = s3p_hist_load(&h->slot[i]);
        if (count == 0) {
            empty++;
            continue;
        }
        put_empty(b, empty);
        put_number(b, count);
        empty = 0;
    }
    put_empty(b, empty);
}

static void put_plain(struct s3p_buf *b, const struct s3p_hist *h)
{
    const double ratio = 1.0; /* of integer to double values; without use here */
    uint64_t ratio_bits;
    memcpy(&ratio_bits, &ratio, sizeof ratio_bits);
    char header[HEADER_BYTES] = {0};
    set_be(header, COOKIE_PLAIN, 4);
    set_be(header + 12, S3P_HIST_DIGITS, 4);
    set_be(header + 16, (uint64_t)S3P_HIST_LOWEST, 8);
    set_be(header + 24, (uint64_t)S3P_HIST_HIGHEST, 8);
    set_be(header + 32, ratio_bits, 8);
    s3p_buf_add(b, header, sizeof header);
    put_slots(b, h);
    if (s3p_buf_ok(b))
        set_be(b->data + LENGTH_AT, b->len - HEADER_BYTES, 4);
}

static void *zlib_alloc(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return s3p_calloc(count, size);
}

static void zlib_free(void *opaque, void *p)
{
    (void)opaque;
    s3p_free(p);
}

static void put_packed(struct s3p_buf *b, const struct s3p_buf *plain)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    char frame[FRAME_BYTES] = {0};
    set_be(frame, COOKIE_COMPRESSED, 4);
    s3p_buf_add(b, frame, sizeof frame);
    if (!s3p_buf_ok(plain) || deflateInit(&z, Z_DEFAULT_COMPRESSION) != Z_OK) {
        b->failed = true;
        return;
    }
    size_t bound = deflateBound(&z, plain->len);
    char *room = s3p_buf_grow(b, bound);
    if (room != NULL) {
        z.next_in = (Bytef *)plain->data;
        z.avail_in = (uInt)plain->len;
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)bound;
        b->failed = deflate(&z, Z_FINISH) != Z_STREAM_END;
        b->len -= z.avail_out;
        set_be(b->data + LENGTH_AT, b->len - FRAME_BYTES, 4);
    }
    deflateEnd(&z);
}

int s3p_hist_encode(const struct s3p_hist *h, struct s3p_buf *out, struct s3p_err *err)
{
    struct s3p_buf plain, packed;
    s3p_buf_init(&plain, PLAIN_BYTES_MAX);
    s3p_buf_init(&packed, PACKED_BYTES_MAX);
    put_plain(&plain, h);
    put_packed(&packed, &plain);
    s3p_buf_free(&plain);
    size_t text_bytes = (packed.len + 2) / 3 * 4;
    int rc = s3p_buf_ok(&packed) ? s3p_buf_reserve(out, out->len + text_bytes) : S3P_ENOMEM;
    char *text = rc == S3P_OK ? s3p_buf_grow(out, text_bytes) : NULL;
    if (text != NULL)
        s3p_base64(text, packed.data, packed.len);
    s3p_buf_free(&packed);
    if (text != NULL)
        return S3P_OK;
    return s3p_fail(err, rc != S3P_OK ? rc : S3P_ESTATE, 0, "histogram text: no room for %zu bytes",
                    text_bytes);
}

static int bad(struct s3p_err *err, const char *what)
{
    return s3p_fail(err, S3P_EFORMAT, 0, "histogram text: %s", what);
}

/* Base64 into a frame, whose cookie and length are checked. */
static int unpack_text(struct s3p_buf *packed, const char *text, size_t len, struct s3p_err *err)
{
    if (len / 4 * 3 > PACKED_BYTES_MAX)
        return bad(err, "too long");
    char *room = s3p_buf_grow(packed, len / 4 * 3);
    if (room == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "histogram text: out of memory");
    int64_t bytes = s3p_unbase64(room, packed->len, text, len);
    if (bytes < FRAME_BYTES)
        return bad(err, "not base64, or too short");
    packed->len = (size_t)bytes;
    const uint8_t *frame = (const uint8_t *)packed->data;
    if (get_be(frame, 4) != COOKIE_COMPRESSED)
        return bad(err, "cookie is not that of a compressed V2 histogram");
    if (get_be(frame + LENGTH_AT, 4) != packed->len - FRAME_BYTES)
        return bad(err, "compressed length differs from the text's");
    return S3P_OK;
}

static int inflate_frame(struct s3p_buf *plain, const struct s3p_buf *packed, struct s3p_err *err)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    char *room = s3p_buf_grow(plain, PLAIN_BYTES_MAX);
    if (room == NULL || inflateInit(&z) != Z_OK)
        return s3p_fail(err, S3P_ENOMEM, 0, "histogram text: out of memory");
    z.next_in = (Bytef *)packed->data + FRAME_BYTES;
    z.avail_in = (uInt)(packed->len - FRAME_BYTES);
    z.next_out = (Bytef *)room;
    z.avail_out = PLAIN_BYTES_MAX;
    int rc = inflate(&z, Z_FINISH);
    plain->len -= z.avail_out;
    inflateEnd(&z);
    if (rc == Z_MEM_ERROR)
        return s3p_fail(err, S3P_ENOMEM, 0, "histogram text: out of memory");
    return rc == Z_STREAM_END ? S3P_OK : bad(err, "damaged or too large zlib stream");
}

static int check_header(const struct s3p_buf *plain, struct s3p_err *err)
{
    const uint8_t *header = (const uint8_t *)plain->data;
    if (plain->len < HEADER_BYTES || get_be(header, 4) != COOKIE_PLAIN)
        return bad(err, "cookie is not that of a V2 histogram");
    if (get_be(header + LENGTH_AT, 4) != plain->len - HEADER_BYTES)
        return bad(err, "payload length differs from the data's");
    if (get_be(header + 8, 4) != 0)
        return bad(err, "shifted histograms are not read");
    if (get_be(header + 12, 4) != S3P_HIST_DIGITS || get_be(header + 16, 8) != S3P_HIST_LOWEST)
        return bad(err, "not of 3 digits from 1 on");
    return S3P_OK; /* the highest value does not change the slots */
}

/* Adds the slots to `into`, or only checks them when it is NULL. `total` is what is counted
 * already. */
static int walk_slots(const struct s3p_buf *plain, int64_t total, struct s3p_hist *into,
                      struct s3p_err *err)
{
    const uint8_t *p = (const uint8_t *)plain->data;
    int64_t slot = 0, n;
    for (size_t at = HEADER_BYTES; at < plain->len;) {
        size_t step = get_number(p + at, plain->len - at, &n);
        if (step == 0)
            return bad(err, "last number is cut off");
        at += step;
        if (n < -S3P_HIST_SLOTS || slot >= S3P_HIST_SLOTS)
            return bad(err, "values above the range");
        if (n < 0) {
            slot += -n;
            continue;
        }
        if (__builtin_add_overflow(total, n, &total))
            return bad(err, "counts overflow");
        int i = slot == 0 ? (int)S3P_HIST_LOWEST : (int)slot; /* as zeros are recorded here */
        if (n > 0 && into != NULL)
            s3p_hist_slot_add(into, i, n, s3p_hist_slot_low(i), s3p_hist_slot_high(i));
        slot++;
    }
    return S3P_OK;
}

static int decode(struct s3p_hist *h, struct s3p_buf *packed, struct s3p_buf *plain,
                  const char *text, size_t len, struct s3p_err *err)
{
    S3P_TRY(unpack_text(packed, text, len, err));
    S3P_TRY(inflate_frame(plain, packed, err));
    S3P_TRY(check_header(plain, err));
    S3P_TRY(walk_slots(plain, s3p_hist_count(h), NULL, err)); /* all or nothing */
    return walk_slots(plain, s3p_hist_count(h), h, err);
}

int s3p_hist_decode(struct s3p_hist *h, const char *text, size_t len, struct s3p_err *err)
{
    struct s3p_buf packed, plain;
    s3p_buf_init(&packed, PACKED_BYTES_MAX);
    s3p_buf_init(&plain, PLAIN_BYTES_MAX);
    int rc = decode(h, &packed, &plain, text, len, err);
    s3p_buf_free(&packed);
    s3p_buf_free(&plain);
    return rc;
}
