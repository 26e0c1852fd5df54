/* libFuzzer target: aws-chunked bodies, whole and in pieces: the same outcome either way. */
#include "server/chunks.h"

#include <string.h>

#include "core/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

static void keep(void *cls, const char *p, size_t len)
{
    s3p_buf_add(cls, p, len);
}

static enum s3p_srv_error decode(const char *p, size_t size, size_t step, unsigned mode,
                                 struct s3p_buf *out)
{
    static struct s3p_srv_chunks c;
    static const char signature[64] = {'0'};
    struct s3p_hmac key;
    struct s3p_srv_auth auth = {.payload = (enum s3p_srv_payload)mode,
                                .amz_date = S3P_STR("20130524T000000Z"),
                                .date = S3P_STR("20130524"),
                                .region = S3P_STR("us-east-1"),
                                .signature = {signature, sizeof signature}};
    s3p_hmac_init(&key, "key", 3);
    s3p_srv_chunks_begin(&c, &auth, &key, S3P_STR("x-amz-checksum-crc32"));
    for (size_t at = 0; at < size; at += step)
        s3p_srv_chunks_add(&c, p + at, size - at < step ? size - at : step, keep, out);
    CHECK(c.value_len <= sizeof c.value && c.line_len <= sizeof c.line);
    return s3p_srv_chunks_end(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    unsigned mode = S3P_SRV_PAYLOAD_SIGNED_CHUNKS + data[0] % 3;
    size_t step = data[1] % 16 + 1;
    struct s3p_buf whole, pieces;
    s3p_buf_init(&whole, 1 << 20);
    s3p_buf_init(&pieces, 1 << 20);
    enum s3p_srv_error a = decode((const char *)data + 2, size - 2, size, mode, &whole);
    enum s3p_srv_error b = decode((const char *)data + 2, size - 2, step, mode, &pieces);
    CHECK(a == b);
    CHECK(whole.len <= size);
    if (a == S3P_SE_NONE)
        CHECK(whole.len == pieces.len &&
              (whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0));
    s3p_buf_free(&whole);
    s3p_buf_free(&pieces);
    return 0;
}
