/* AWS's documented examples: 66,560 bytes of 'a' in frames of 64 KiB, 24 May 2013. */
#include "s3/chunked.h"

#include "core/text.h"
#include "s3/request.h"
#include "tests/t.h"

#define BYTES 66560
#define DATE "20130524T000000Z"
#define WALL_S 1369353600

static const struct s3p_credentials cred = {
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL, "us-east-1"};

static void fill_a(void *arg, uint64_t offset, uint8_t *dst, size_t n)
{
    T_TRUE(offset + n <= *(uint64_t *)arg);
    memset(dst, 'a', n);
}

/* Writes the whole form in pieces; the length must be the one that was foretold. */
static void whole(struct s3p_buf *out, enum s3p_payload payload, enum s3p_sum_kind sum,
                  const char *seed, uint64_t len, size_t piece)
{
    struct s3p_signer signer;
    struct s3p_chunked c = {
        .payload = payload, .sum = sum, .len = len, .fill = fill_a, .fill_arg = &len};
    uint64_t all = s3p_chunked_len(payload, sum, len);
    T_OK(s3p_signer_init(&signer, &cred, WALL_S, err));
    s3p_chunked_start(&c, &signer, seed, DATE);
    s3p_buf_clear(out);
    for (uint64_t at = 0; at < all; at += piece) {
        size_t n = all - at < piece ? (size_t)(all - at) : piece;
        s3p_chunked_next(&c, (uint8_t *)s3p_buf_grow(out, n), n);
    }
    T_TRUE(c.ended && c.line_at == c.line_len && c.at == len);
}

static void expect_at(const struct s3p_buf *out, size_t at, const char *want)
{
    T_TRUE(at + strlen(want) <= out->len);
    T_MEM(out->data + at, want, strlen(want));
}

T_TEST(chunked_signed_example)
{
    static const char seed[] = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    struct s3p_buf out;
    s3p_buf_init(&out, 1 << 20);
    for (size_t piece = 100; piece <= 200000; piece *= 7) {
        whole(&out, S3P_PAYLOAD_CHUNKED, S3P_SUM_NONE, seed, BYTES, piece);
        T_EQ(out.len, 66824);
        expect_at(&out, 0,
                  "10000;chunk-signature="
                  "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\naaaa");
        expect_at(&out, 88 + 65536,
                  "\r\n400;chunk-signature="
                  "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\naaaa");
        expect_at(&out, 66824 - 88,
                  "\r\n0;chunk-signature="
                  "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n");
    }
    s3p_buf_free(&out);
}

T_TEST(chunked_trailer_example)
{
    static const char seed[] = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    static const char tail[] =
        "\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
        "x-amz-checksum-crc32c:sOO8/Q==\r\n"
        "x-amz-trailer-signature:"
        "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
    struct s3p_buf out;
    s3p_buf_init(&out, 1 << 20);
    whole(&out, S3P_PAYLOAD_CHUNKED_TRAILER, S3P_SUM_CRC32C, seed, BYTES, 4096);
    expect_at(&out, 0,
              "10000;chunk-signature="
              "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\na");
    expect_at(&out, 88 + 65536,
              "\r\n400;chunk-signature="
              "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\na");
    expect_at(&out, out.len - (sizeof tail - 1), tail);
    s3p_buf_free(&out);
}

T_TEST(chunked_unsigned_trailer)
{
    static const char seed[64] = {0};
    struct s3p_buf out;
    s3p_buf_init(&out, 1 << 20);
    whole(&out, S3P_PAYLOAD_UNSIGNED_TRAILER, S3P_SUM_CRC32, seed, 3, 2);
    T_STR(s3p_buf_cstr(&out), "3\r\naaa\r\n0\r\nx-amz-checksum-crc32:8AdzLQ==\r\n\r\n");
    whole(&out, S3P_PAYLOAD_UNSIGNED_TRAILER, S3P_SUM_SHA256, seed, 0, 1);
    T_STR(s3p_buf_cstr(&out),
          "0\r\nx-amz-checksum-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n\r\n");
    s3p_buf_free(&out);
}

T_TEST(chunked_all_lengths)
{
    static const uint64_t lens[] = {0,     1,     15,     16,     255,    4095,   4096,
                                    65535, 65536, 65537, 131072, 131073, 200000};
    static const char seed[] = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    struct s3p_buf out;
    s3p_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        for (int sum = S3P_SUM_NONE + 1; sum < S3P_SUM_KINDS; sum++) {
            whole(&out, S3P_PAYLOAD_CHUNKED, (enum s3p_sum_kind)sum, seed, lens[i], 1000);
            whole(&out, S3P_PAYLOAD_CHUNKED_TRAILER, (enum s3p_sum_kind)sum, seed, lens[i], 1001);
            whole(&out, S3P_PAYLOAD_UNSIGNED_TRAILER, (enum s3p_sum_kind)sum, seed, lens[i], 777);
        }
    s3p_buf_free(&out);
}

/* The head of the same example: its length, and the seed of the chain in its last header. */
T_TEST(chunked_head)
{
    struct s3p_request_ctx c;
    struct s3p_request r = {.op = S3P_OP_PUT,
                            .bucket = S3P_STR("examplebucket"),
                            .key = S3P_STR("chunkObject.txt"),
                            .payload = S3P_PAYLOAD_CHUNKED,
                            .body_len = BYTES};
    struct s3p_buf out;
    s3p_buf_init(&out, 4096);
    T_OK(s3p_request_ctx_init(&c, &cred, S3P_STR("s3.amazonaws.com"), false, err));
    T_TRUE(s3p_request_write(&c, &r, WALL_S, &out));
    const char *text = s3p_buf_cstr(&out), *signature = s3p_request_signature(&out);
    T_TRUE(strstr(text, "\r\ncontent-encoding: aws-chunked\r\ncontent-length: 66824\r\n") != NULL);
    T_TRUE(strstr(text, "\r\nx-amz-decoded-content-length: 66560\r\n") != NULL);
    T_TRUE(strstr(text, "sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n") != NULL);
    T_TRUE(memcmp(signature - 11, ", Signature=", 11) != 0 &&
           memcmp(signature - 12, ", Signature=", 12) == 0);
    s3p_buf_free(&out);
    s3p_request_ctx_free(&c);
}
