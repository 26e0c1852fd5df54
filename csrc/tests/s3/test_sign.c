#include "s3/sign.h"

#include "core/text.h"
#include "tests/s3/vec.h"

static struct s3p_credentials cred_of(const json_t *v)
{
    const json_t *c = json_object_get(v, "cred");
    struct s3p_str token = vec_str(c, "session_token");
    return (struct s3p_credentials){vec_str(c, "access_key").p, vec_str(c, "secret_key").p,
                                    token.len > 0 ? token.p : NULL, vec_str(c, "region").p};
}

T_TEST(sign_header_vectors)
{
    json_t *root = vec_load(t_vectors("sign.json")), *v, *pair;
    size_t i, j;
    json_array_foreach (vec_list(root, "headers", 12), i, v) {
        struct s3p_credentials cred = cred_of(v);
        struct s3p_signer s;
        struct s3p_header h[10];
        struct s3p_str hash = {"", 0};
        struct s3p_buf out, want;
        char date[16];
        int n = 0;
        s3p_buf_init(&out, 10000);
        s3p_buf_init(&want, 10000);
        T_OK(s3p_signer_init(&s, &cred, vec_int(v, "wall_s"), err));
        json_array_foreach (json_object_get(v, "headers"), j, pair) {
            const json_t *name = json_array_get(pair, 0), *value = json_array_get(pair, 1);
            h[n].name = (struct s3p_str){json_string_value(name), json_string_length(name)};
            h[n].value = (struct s3p_str){json_string_value(value), json_string_length(value)};
            if (s3p_str_eq(h[n].name, "x-amz-content-sha256"))
                hash = h[n].value;
            n++;
        }
        s3p_amz_date(date, vec_int(v, "wall_s"));
        s3p_sign_header(&s, &out, vec_str(v, "method").p, vec_str(v, "path"), vec_str(v, "query"),
                        h, n, hash, date);
        s3p_buf_str(&want, "authorization: ");
        s3p_buf_view(&want, vec_str(v, "authorization"));
        s3p_buf_str(&want, "\r\n");
        vec_expect(v, out.data, out.len, (struct s3p_str){want.data, want.len});
        s3p_buf_free(&out);
        s3p_buf_free(&want);
    }
    json_decref(root);
}

T_TEST(sign_presigned_vectors)
{
    json_t *root = vec_load(t_vectors("sign.json")), *v;
    size_t i;
    json_array_foreach (vec_list(root, "presigned", 6), i, v) {
        struct s3p_credentials cred = cred_of(v);
        struct s3p_signer s;
        struct s3p_buf out;
        char date[16];
        T_OK(s3p_signer_init(&s, &cred, 0, err));
        s3p_amz_date(date, vec_int(v, "wall_s"));
        s3p_signer_day(&s, date);
        s3p_buf_init(&out, 10000);
        s3p_buf_str(&out, "kept?");
        T_OK(s3p_presign(&s, &out, vec_str(v, "method").p, vec_str(v, "host"), vec_str(v, "path"),
                         vec_str(v, "query"), vec_int(v, "expires_s"), date, err));
        T_MEM(out.data, "kept?", 5);
        vec_expect(v, out.data + 5, out.len - 5, vec_str(v, "result"));
        s3p_buf_free(&out);
    }
    json_decref(root);
}

T_TEST(sign_encode_vectors)
{
    json_t *root = vec_load(t_vectors("sign.json")), *v;
    size_t i;
    json_array_foreach (vec_list(root, "encoded", 500), i, v) {
        struct s3p_str hex = vec_str(v, "hex");
        struct s3p_buf out;
        char raw[256];
        T_TRUE(s3p_unhex(raw, hex.p, hex.len));
        s3p_buf_init(&out, 1000);
        s3p_uri_encode(&out, raw, hex.len / 2, vec_bool(v, "keep_slash"));
        vec_expect(v, out.data, out.len, vec_str(v, "text"));
        s3p_buf_free(&out);
    }
    json_decref(root);
}

T_TEST(sign_day_changes_the_key)
{
    struct s3p_credentials cred = {"AK", "SK", NULL, "r"};
    struct s3p_signer a, b;
    T_OK(s3p_signer_init(&a, &cred, 86399, err));
    T_OK(s3p_signer_init(&b, &cred, 86400, err));
    T_TRUE(memcmp(&a.key, &b.key, sizeof a.key) != 0);
    s3p_signer_day(&a, "19700102T000000Z");
    T_MEM(&a.key, &b.key, sizeof a.key);
    T_EQ(a.scope_len, b.scope_len);
    T_MEM(a.scope, b.scope, a.scope_len);
}

static int init_rc(const char *access_key, const char *secret, const char *token,
                   const char *region)
{
    struct s3p_credentials cred = {access_key, secret, token, region};
    struct s3p_signer s;
    struct s3p_err e = {0};
    int rc = s3p_signer_init(&s, &cred, 0, &e);
    T_TRUE(rc == 0 || strchr(e.msg, ':') != NULL);
    return rc;
}

T_TEST(sign_bad_credentials)
{
    char long_text[300];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    T_EQ(init_rc("a", "s", NULL, "r"), 0);
    T_EQ(init_rc("a", "s", "t", long_text + 299 - 64), 0);
    T_EQ(init_rc("a", long_text + 299 - 256, "t", "r"), 0);
    T_EQ(init_rc("", "s", NULL, "r"), S3P_EINVAL);
    T_EQ(init_rc(NULL, "s", NULL, "r"), S3P_EINVAL);
    T_EQ(init_rc("a/b", "s", NULL, "r"), S3P_EINVAL);
    T_EQ(init_rc("a\r\nb", "s", NULL, "r"), S3P_EINVAL);
    T_EQ(init_rc("a", "", NULL, "r"), S3P_EINVAL);
    T_EQ(init_rc("a", NULL, NULL, "r"), S3P_EINVAL);
    T_EQ(init_rc("a", long_text, NULL, "r"), S3P_EINVAL);
    T_EQ(init_rc("a", "s", NULL, ""), S3P_EINVAL);
    T_EQ(init_rc("a", "s", NULL, NULL), S3P_EINVAL);
    T_EQ(init_rc("a", "s", NULL, long_text), S3P_EINVAL);
    T_EQ(init_rc("a", "s", "t\r\nx: y", "r"), S3P_EINVAL);
}

T_TEST(sign_bounds)
{
    struct s3p_credentials cred = {"AK", "SK", NULL, "r"};
    struct s3p_signer s;
    struct s3p_buf out;
    struct s3p_header host = {S3P_STR("host"), S3P_STR("h")};
    T_OK(s3p_signer_init(&s, &cred, 0, err));
    for (size_t max = 0; max < 160; max++) {
        s3p_buf_init(&out, max);
        s3p_sign_header(&s, &out, "GET", S3P_STR("/"), S3P_STR(""), &host, 1,
                        S3P_STR("UNSIGNED-PAYLOAD"), "19700101T000000Z");
        T_TRUE(!s3p_buf_ok(&out));
        s3p_buf_free(&out);
        s3p_buf_init(&out, max);
        T_EQ(s3p_presign(&s, &out, "GET", S3P_STR("h"), S3P_STR("/"), S3P_STR(""), 60,
                         "19700101T000000Z", NULL),
             S3P_ELIMIT);
        s3p_buf_free(&out);
    }
    s3p_buf_init(&out, 1000);
    T_EQ(s3p_presign(&s, &out, "GET", S3P_STR("h"), S3P_STR("/"), S3P_STR(""), 0,
                     "19700101T000000Z", NULL),
         S3P_EINVAL);
    T_EQ(s3p_presign(&s, &out, "GET", S3P_STR("h"), S3P_STR("/"), S3P_STR(""), 604801,
                     "19700101T000000Z", NULL),
         S3P_EINVAL);
    T_EQ(out.len, 0);
    s3p_buf_free(&out);
}
