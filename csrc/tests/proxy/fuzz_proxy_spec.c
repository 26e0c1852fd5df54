/* libFuzzer target: specifications of faults, and heads of requests as the proxy reads them. */
#include "proxy/request.h"
#include "proxy/spec.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

static void read_request(const char *text, size_t len)
{
    static struct s3p_http1 h;
    static struct s3p_px_request r;
    s3p_http1_start_request(&h);
    if (s3p_http1_head(&h, text, len) <= 0)
        return;
    s3p_px_request_read(&r, &h, text);
    CHECK(r.op < S3P_OP_COUNT && strlen(r.target) <= S3P_PX_TARGET_MAX);
    CHECK(r.prefix_len <= S3P_PX_TARGET_MAX && strlen(r.s3p_id) <= S3P_PX_ID_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_px_spec s;
    struct s3p_err err = {0};
    size_t n;
    const char *text = (const char *)data;
    if (s3p_px_spec_parse(&s, text, size, &err) < 0) {
        CHECK(err.code == S3P_EINVAL && strstr(err.msg, "expected") != NULL);
    } else {
        (void)s3p_px_rows(&n);
        CHECK(s.row < n && s.p > 0 && s.p <= 1 && s.every > 0 && s.endpoint < S3P_PX_ENDPOINTS_MAX);
    }
    read_request(text, size);
    return 0;
}
