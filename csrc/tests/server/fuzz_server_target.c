/* libFuzzer target: request targets with their query, and the row that they find. */
#include "server/routes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

static bool inside(const struct s3p_srv_head *h, struct s3p_str s)
{
    return s.len == 0 || (s.p >= h->text.data && s.p + s.len <= h->text.data + h->text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct s3p_srv_head h;
    static bool ready;
    static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"};
    if (!ready)
        s3p_srv_head_init(&h);
    ready = true;
    if (size < 1)
        return 0;
    struct s3p_str raw = {(const char *)data + 1, size - 1};
    enum s3p_srv_error e = s3p_srv_head_target(&h, raw);
    CHECK(s3p_buf_ok(&h.text));
    if (e != S3P_SE_NONE)
        return 0;
    const char *method = methods[data[0] % 6];
    h.method = (struct s3p_str){method, strlen(method)};
    CHECK(inside(&h, h.path) && inside(&h, h.bucket) && inside(&h, h.key));
    CHECK(h.key.len <= S3P_SRV_KEY_MAX && s3p_srv_utf8_ok(h.key) && h.n_args <= S3P_SRV_ARGS_MAX);
    for (size_t i = 0; i < h.n_args; i++) {
        const struct s3p_srv_arg *a = &h.args[i];
        CHECK(inside(&h, a->name) && inside(&h, a->value) && inside(&h, a->enc_value));
        CHECK(a->enc_value.len >= a->value.len && a->enc_value.len <= 3 * a->value.len);
    }
    const struct s3p_srv_route *r = s3p_srv_route_find(&h, &e);
    CHECK((r == NULL) == (e == S3P_SE_METHOD));
    CHECK(r == NULL || r->run != NULL || e == S3P_SE_NOT_IMPLEMENTED);
    return 0;
}
