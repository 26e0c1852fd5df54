/* Request targets, names, and the row that answers them. */
#include "server/parse.h"
#include "server/ids.h"
#include "server/routes.h"

#include "tests/t.h"

static struct s3p_srv_head *parsed(const char *method, const char *target, enum s3p_srv_error want)
{
    struct s3p_srv_head *h = s3p_alloc(sizeof *h);
    s3p_srv_head_init(h);
    T_EQ(s3p_srv_head_target(h, (struct s3p_str){target, strlen(target)}), want);
    h->method = (struct s3p_str){method, strlen(method)};
    return h;
}

static void done(struct s3p_srv_head *h)
{
    s3p_srv_head_free(h);
    s3p_free(h);
}

T_TEST(server_parse_target)
{
    struct s3p_srv_head *h =
        parsed("GET", "/b/a%2Fb%20c+d//e/../f?uploads&x=a%2Bb+c&y=%3d", S3P_SE_NONE);
    T_TRUE(s3p_str_eq(h->path, "/b/a%2Fb%20c+d//e/../f"));
    T_TRUE(s3p_str_eq(h->bucket, "b"));
    T_TRUE(s3p_str_eq(h->key, "a/b c+d//e/../f"));
    T_EQ(h->n_args, 3);
    T_TRUE(s3p_str_eq(s3p_srv_head_arg(h, "x")->value, "a+b+c"));
    T_TRUE(s3p_str_eq(s3p_srv_head_arg(h, "x")->enc_value, "a%2Bb%2Bc"));
    T_TRUE(s3p_str_eq(s3p_srv_head_arg(h, "y")->enc_value, "%3D"));
    T_EQ(s3p_srv_head_arg(h, "uploads")->value.len, 0);
    T_TRUE(s3p_srv_head_arg(h, "z") == NULL);
    done(h);
}

T_TEST(server_parse_host)
{
    static const struct {
        const char *target, *host, *bucket, *key;
        enum s3p_srv_error before, after;
    } rows[] = {
        {"/b/k", "a.b-c.localhost:9000", "a.b-c", "b/k", S3P_SE_NONE, S3P_SE_NONE},
        {"/b/k", "Abc.LOCALHOST", "Abc", "b/k", S3P_SE_NONE, S3P_SE_NONE},
        {"/?uploads", "abc.localhost", "abc", "", S3P_SE_NONE, S3P_SE_NONE},
        {"//k", "abc.localhost:1", "abc", "/k", S3P_SE_BUCKET_NAME, S3P_SE_NONE},
        {"/b/k", "localhost:9000", "b", "k", S3P_SE_NONE, S3P_SE_NONE},
        {"/b/k", ".localhost:9000", "b", "k", S3P_SE_NONE, S3P_SE_NONE},
        {"/b/k", "notlocalhost", "b", "k", S3P_SE_NONE, S3P_SE_NONE},
        {"/b/k", "a.localhost.org", "b", "k", S3P_SE_NONE, S3P_SE_NONE},
        {"/b/k", "[::1]:9000", "b", "k", S3P_SE_NONE, S3P_SE_NONE},
        {"/b/k", "", "b", "k", S3P_SE_NONE, S3P_SE_NONE},
        {"/b/%ff", "abc.localhost", "abc", "b/\xff", S3P_SE_URI, S3P_SE_URI},
        {"/b?%zz", "abc.localhost", "b", "", S3P_SE_URI, S3P_SE_URI},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_srv_head *h = parsed("GET", rows[i].target, rows[i].before);
        s3p_srv_head_field(h, S3P_STR("Host"),
                           (struct s3p_str){rows[i].host, strlen(rows[i].host)});
        T_EQ(s3p_srv_head_host(h, rows[i].before), rows[i].after);
        T_TRUE(s3p_str_eq(h->bucket, rows[i].bucket));
        T_TRUE(s3p_str_eq(h->key, rows[i].key));
        done(h);
    }
}

T_TEST(server_parse_bad_targets)
{
    static const char *const bad[] = {
        "",       "x",        "*",          "/b/%",           "/b/%2",
        "/b/%zz", "/b/a%00",  "/b/%c0%80",  "/b/%ed%a0%80",   "/b/%ff",
        "/b?%zz", "/b?a=%f5", "http://x/b", "/b/%f4%90%80%80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        done(parsed("GET", bad[i], S3P_SE_URI));
    done(parsed("GET", "//k", S3P_SE_BUCKET_NAME));
    done(parsed("GET", "/b/%f0%9f%98%80", S3P_SE_NONE));
}

T_TEST(server_parse_bounds)
{
    char target[S3P_SRV_TARGET_MAX + 2];
    memset(target, 'k', sizeof target);
    memcpy(target, "/b/", 3);
    struct s3p_srv_head *h = parsed("GET", "/", S3P_SE_NONE);
    T_EQ(s3p_srv_head_target(h, (struct s3p_str){target, 3 + S3P_SRV_KEY_MAX}), S3P_SE_NONE);
    T_EQ(h->key.len, S3P_SRV_KEY_MAX);
    T_EQ(s3p_srv_head_target(h, (struct s3p_str){target, 4 + S3P_SRV_KEY_MAX}), S3P_SE_KEY_LONG);
    T_EQ(s3p_srv_head_target(h, (struct s3p_str){target, S3P_SRV_TARGET_MAX + 1}), S3P_SE_URI);
    for (size_t i = 0; i <= S3P_SRV_FIELDS_MAX; i++) {
        T_TRUE(!h->overflow);
        s3p_srv_head_field(h, S3P_STR("a"), S3P_STR(" b "));
    }
    T_TRUE(h->overflow);
    T_TRUE(s3p_str_eq(s3p_srv_head_get(h, "A"), "b"));
    memset(target, '&', sizeof target);
    memcpy(target, "/b?", 3);
    for (size_t i = 3; i < 3 + 4 * S3P_SRV_ARGS_MAX; i += 2)
        target[i] = 'a';
    T_EQ(s3p_srv_head_target(h, (struct s3p_str){target, 3 + 2 * S3P_SRV_ARGS_MAX}), S3P_SE_NONE);
    T_EQ(s3p_srv_head_target(h, (struct s3p_str){target, 4 + 2 * S3P_SRV_ARGS_MAX}), S3P_SE_URI);
    done(h);
}

static void route(const char *method, const char *target, const char *name, enum s3p_srv_error want)
{
    struct s3p_srv_head *h = parsed(method, target, S3P_SE_NONE);
    enum s3p_srv_error e;
    const struct s3p_srv_route *r = s3p_srv_route_find(h, &e);
    T_STR(r != NULL ? r->name : "", name);
    T_EQ(e, want);
    done(h);
}

T_TEST(server_routes)
{
    route("GET", "/", "ListBuckets", S3P_SE_NONE);
    route("GET", "/b", "ListObjects", S3P_SE_NONE);
    route("GET", "/b/", "ListObjects", S3P_SE_NONE);
    route("GET", "/b?list-type=2&prefix=x", "ListObjectsV2", S3P_SE_NONE);
    route("GET", "/b?prefix=x&start-after=y", "ListObjects", S3P_SE_NOT_IMPLEMENTED);
    route("PUT", "/b/k?x-id=PutObject", "PutObject", S3P_SE_NONE);
    route("PUT", "/b/k?tagging", "PutObjectTagging", S3P_SE_NONE);
    route("PUT", "/b/k?acl", "PutObjectAcl", S3P_SE_NOT_IMPLEMENTED);
    route("PUT", "/b/k?uploadId=x&partNumber=1", "UploadPart", S3P_SE_NONE);
    route("PUT", "/b/k?partNumber=1", "PutObject", S3P_SE_NOT_IMPLEMENTED);
    route("POST", "/b/k?uploadId=x", "CompleteMultipartUpload", S3P_SE_NONE);
    route("PUT", "/b/k?unheard-of", "PutObject", S3P_SE_NOT_IMPLEMENTED);
    route("POST", "/b?delete", "DeleteObjects", S3P_SE_NONE);
    route("POST", "/", "", S3P_SE_METHOD);
    route("PATCH", "/b/k", "", S3P_SE_METHOD);
}

T_TEST(server_route_rows_are_whole)
{
    size_t n;
    const struct s3p_srv_route *rows = s3p_srv_route_rows(&n);
    for (size_t i = 0; i < n; i++) /* no row stands behind a plain row of its kind */
        for (size_t k = 0; k < i; k++)
            T_TRUE(rows[k].level != rows[i].level || strcmp(rows[k].method, rows[i].method) != 0 ||
                   rows[k].select != NULL || (rows[k].flags & S3P_SRV_ROUTE_COPY) != 0);
}

T_TEST(server_ids)
{
    char text[S3P_SRV_ID_BYTES];
    uint64_t seq = 0;
    static const uint64_t numbers[] = {1, 2, UINT64_C(1) << 40, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct s3p_str id = {text, sizeof text};
        s3p_srv_id_text(text, numbers[i]);
        T_TRUE(s3p_srv_id_parse(id, &seq));
        T_EQ(seq, numbers[i]);
        T_TRUE(!s3p_srv_id_parse((struct s3p_str){text, sizeof text - 1}, &seq));
        for (size_t k = 0; k < sizeof text; k++) {
            char was = text[k];
            text[k] = was == '0' ? '1' : '0';
            T_TRUE(!s3p_srv_id_parse(id, &seq));
            text[k] = was;
        }
    }
    T_TRUE(!s3p_srv_id_parse(S3P_STR("00000000000000000000000000000000"), &seq));
    T_TRUE(!s3p_srv_id_parse(S3P_STR("null"), &seq));
}

T_TEST(server_bucket_names)
{
    static const char *const good[] = {"abc", "a-b", "a.b", "1ab", "0x0-1", "123", "a1.2.3"};
    static const char *const bad[] = {"ab",  "aBc",     "-ab", "ab-", "a..b",
                                      ".ab", "1.2.3.4", "a_b", "a/b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        T_TRUE(s3p_srv_bucket_name_ok((struct s3p_str){good[i], strlen(good[i])}));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        T_TRUE(!s3p_srv_bucket_name_ok((struct s3p_str){bad[i], strlen(bad[i])}));
}
