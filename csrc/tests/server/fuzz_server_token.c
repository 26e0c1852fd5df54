/* libFuzzer target: continuation tokens. What one key makes, that key reads, and nothing else. */
#include "server/list_page.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_buf token, position;
    s3p_buf_init(&token, 8192);
    s3p_buf_init(&position, 8192);
    struct s3p_str given = {(const char *)data, size};
    CHECK(!s3p_srv_token_read(given, "secret", &position));
    if (size <= S3P_SRV_KEY_MAX) {
        s3p_srv_token_make(&token, given, "secret");
        CHECK(s3p_srv_token_read((struct s3p_str){token.data, token.len}, "secret", &position));
        CHECK(position.len == size && (size == 0 || memcmp(position.data, data, size) == 0));
        CHECK(!s3p_srv_token_read((struct s3p_str){token.data, token.len}, "secre", &position));
    }
    s3p_buf_free(&token);
    s3p_buf_free(&position);
    return 0;
}
