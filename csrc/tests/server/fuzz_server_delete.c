/* libFuzzer target: documents of DeleteObjects and CreateBucket. */
#include "server/parse.h"
#include "server/xml_read.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_buf keys, location;
    s3p_buf_init(&keys, 1 << 20);
    s3p_buf_init(&location, 4096);
    struct s3p_srv_delete_doc doc = {.keys = &keys};
    struct s3p_str body = {(const char *)data, size};
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
    if (s3p_srv_xml_create_bucket(body, &location) == S3P_SE_NONE)
        CHECK(location.len <= 64);
    s3p_buf_free(&keys);
    s3p_buf_free(&location);
    return 0;
}
