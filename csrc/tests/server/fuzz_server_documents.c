/* libFuzzer target: each document that clients send but those of fuzz_server_rules. */
#include "server/parse.h"
#include "server/xml_read.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

static void check_delete(struct s3p_str body)
{
    struct s3p_buf keys;
    s3p_buf_init(&keys, 1 << 20);
    struct s3p_srv_delete_doc doc = {.keys = &keys};
    if (s3p_srv_xml_delete(body, &doc) == S3P_SE_NONE) {
        size_t at = 0, n = 0;
        for (; at < keys.len; n++) {
            struct s3p_srv_delete_entry e;
            CHECK(keys.len - at >= sizeof e);
            memcpy(&e, keys.data + at, sizeof e);
            at += sizeof e;
            size_t bytes = (size_t)e.key_len + e.version_len + e.etag_len;
            CHECK(e.key_len >= 1 && e.key_len <= S3P_SRV_KEY_MAX && keys.len - at >= bytes);
            CHECK(s3p_srv_utf8_ok((struct s3p_str){keys.data + at, e.key_len}));
            at += bytes;
        }
        CHECK(n == doc.n_keys && n >= 1 && n <= S3P_SRV_DELETE_KEYS_MAX);
    }
    s3p_buf_free(&keys);
}

static void check_complete(struct s3p_str body)
{
    struct s3p_buf parts;
    s3p_buf_init(&parts, S3P_SRV_PARTS_MAX * sizeof(struct s3p_srv_named_part));
    if (s3p_srv_xml_complete(body, &parts) == S3P_SE_NONE) {
        size_t n = parts.len / sizeof(struct s3p_srv_named_part);
        CHECK(s3p_buf_ok(&parts) && parts.len % sizeof(struct s3p_srv_named_part) == 0);
        CHECK(n <= S3P_SRV_PARTS_MAX);
        for (size_t i = 0; i < n; i++) {
            struct s3p_srv_named_part part;
            memcpy(&part, parts.data + i * sizeof part, sizeof part);
            CHECK(part.sum_kind < S3P_SRV_SUM_KINDS);
        }
    }
    s3p_buf_free(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_buf text;
    struct s3p_str body = {(const char *)data, size};
    enum s3p_srv_versioning state;
    s3p_buf_init(&text, 1 << 20);
    check_delete(body);
    check_complete(body);
    if (s3p_srv_xml_create_bucket(body, &text) == S3P_SE_NONE)
        CHECK(text.len <= 64);
    s3p_buf_clear(&text);
    if (s3p_srv_xml_tagging(body, &text) == S3P_SE_NONE)
        CHECK(s3p_buf_ok(&text) && text.len <= 8 * size);
    if (s3p_srv_xml_versioning(body, &state) == S3P_SE_NONE)
        CHECK(state == S3P_SRV_VERSIONED || state == S3P_SRV_SUSPENDED);
    s3p_buf_free(&text);
    return 0;
}
