/* libFuzzer target: Authorization headers and presigned queries. Nothing made up is signed. */
#include "server/auth.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct s3p_srv_keys keys = {"AK", "secret", NULL};
    static struct s3p_srv_head h;
    static struct s3p_srv_auth_cache cache;
    static bool ready;
    struct s3p_srv_auth auth;
    if (!ready) {
        s3p_srv_head_init(&h);
        s3p_srv_auth_cache_init(&cache);
    }
    ready = true;
    const uint8_t *cut = size > 0 ? memchr(data, '\n', size) : NULL;
    if (cut == NULL)
        return 0;
    struct s3p_str target = {(const char *)data, (size_t)(cut - data)};
    struct s3p_str header = {(const char *)cut + 1, size - target.len - 1};
    if (s3p_srv_head_target(&h, target) != S3P_SE_NONE)
        return 0;
    h.method = S3P_STR("GET");
    s3p_srv_head_field(&h, S3P_STR("Host"), S3P_STR("h"));
    s3p_srv_head_field(&h, S3P_STR("x-amz-date"), S3P_STR("20130524T000000Z"));
    s3p_srv_head_field(&h, S3P_STR("x-amz-content-sha256"), S3P_STR("UNSIGNED-PAYLOAD"));
    if (header.len > 0)
        s3p_srv_head_field(&h, S3P_STR("Authorization"), header);
    enum s3p_srv_error e = s3p_srv_auth_check(&h, &keys, 1369353600, &cache, &auth);
    CHECK(e != S3P_SE_NONE && (unsigned)e < S3P_SE_COUNT);
    return 0;
}
