#include "s3/body.h"

#include "core/text.h"
#include "s3/cell.h"

static uint64_t fnv1a(uint64_t h, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)p[i]) * UINT64_C(0x100000001b3);
    return h;
}

uint64_t s3p_key_hash(const char *bucket_role, size_t role_len, const char *key, size_t key_len)
{
    uint64_t h = fnv1a(UINT64_C(0xcbf29ce484222325), bucket_role, role_len);
    return fnv1a(fnv1a(h, "/", 1), key, key_len);
}

/* One cell that the asked range covers only in part. */
static size_t fill_part(const struct s3p_body *b, const struct s3p_cell_source *s, uint64_t offset,
                        uint8_t *dst, size_t n)
{
    uint8_t cell[S3P_CELL];
    size_t skip = (size_t)(offset % S3P_CELL);
    size_t take = S3P_CELL - skip < n ? S3P_CELL - skip : n;
    s3p_cell_make(s, offset - skip, b->len, b->key_hash, cell);
    memcpy(dst, cell + skip, take);
    return take;
}

void s3p_body_fill(const struct s3p_body *b, uint64_t offset, uint8_t *dst, size_t n)
{
    struct s3p_cell_source s;
    size_t done = 0;
    s3p_cell_source_init(&s, b->id);
    if (n > 0 && (offset % S3P_CELL != 0 || offset == 0))
        done = fill_part(b, &s, offset, dst, n);
    for (; n - done >= S3P_CELL; done += S3P_CELL) {
        uint64_t w[5];
        s3p_cell_filler(&s, offset + done, w);
        s3p_cell_put(&s, offset + done, w, dst + done);
    }
    if (done < n)
        fill_part(b, &s, offset + done, dst + done, n - done);
}

void s3p_body_md5(const struct s3p_body *b, uint8_t out[S3P_MD5_BYTES])
{
    uint8_t chunk[64 * S3P_CELL];
    struct s3p_md5 md5;
    s3p_md5_init(&md5);
    for (uint64_t at = 0; at < b->len;) {
        size_t n = b->len - at < sizeof chunk ? (size_t)(b->len - at) : sizeof chunk;
        s3p_body_fill(b, at, chunk, n);
        s3p_md5_add(&md5, chunk, n);
        at += n;
    }
    s3p_md5_end(&md5, out);
}

static char *put(char *p, const char *text, size_t len)
{
    memcpy(p, text, len);
    return p + len;
}
#define PUT(p, lit) put((p), (lit), sizeof(lit) - 1)

size_t s3p_counter_body(char dst[S3P_COUNTER_BODY_MAX], struct s3p_id id, int64_t counter)
{
    uint64_t magnitude = counter < 0 ? -(uint64_t)counter : (uint64_t)counter;
    char *p = PUT(dst, "{\"id\":\"");
    s3p_id_text(p, id);
    p = PUT(p + 32, "\",\"counter\":");
    if (counter < 0)
        *p++ = '-';
    char digits[20];
    p = put(p, digits, s3p_u64_text(digits, magnitude));
    uint32_t crc = htobe32(s3p_crc32c(0, dst, (size_t)(p - dst)));
    p = PUT(p, ",\"crc32c\":\"");
    s3p_hex(p, &crc, 4);
    p = PUT(p + 8, "\"}");
    return (size_t)(p - dst);
}
