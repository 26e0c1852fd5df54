#include "s3/request.h"

#include "core/text.h"
#include "tests/s3/vec.h"

static struct s3p_credentials cred_of(const json_t *v)
{
    const json_t *c = json_object_get(v, "cred");
    struct s3p_str token = vec_str(c, "session_token");
    return (struct s3p_credentials){vec_str(c, "access_key").p, vec_str(c, "secret_key").p,
                                    token.len > 0 ? token.p : NULL, vec_str(c, "region").p};
}

static enum s3p_cond cond_of(struct s3p_str name)
{
    for (int i = 0; i < S3P_COND_COUNT; i++)
        if (s3p_str_eq(name, s3p_cond_name[i]))
            return (enum s3p_cond)i;
    t_fail(__FILE__, __LINE__, "condition %.*s", (int)name.len, name.p);
}

static uint64_t range_end(const json_t *n)
{
    return json_is_null(n) ? UINT64_MAX : (uint64_t)json_integer_value(n);
}

static struct s3p_request request_of(const json_t *v)
{
    struct s3p_str op = vec_str(v, "op"), payload = vec_str(v, "payload");
    struct s3p_request r = {
        .op = s3p_op_find(op.p, op.len),
        .bucket = vec_str(v, "bucket"),
        .key = vec_str(v, "key"),
        .cond = cond_of(vec_str(v, "cond")),
        .cond_value = vec_str(v, "cond_value"),
        .body_len = (uint64_t)vec_int(v, "body_len"),
        .id = vec_id(v, "id"),
        .content_md5 = vec_str(v, "content_md5"),
        .prefix = vec_str(v, "prefix"),
        .delimiter = vec_str(v, "delimiter"),
        .start = vec_str(v, "start"),
        .token = vec_str(v, "token"),
        .max_keys = (int)vec_int(v, "max_keys"),
    };
    const json_t *range = json_object_get(v, "range");
    if (range != NULL) {
        r.ranged = true;
        r.range_first = range_end(json_array_get(range, 0));
        r.range_last = range_end(json_array_get(range, 1));
    }
    if (json_object_get(v, "payload") != NULL)
        r.payload = payload.len > 0 ? S3P_PAYLOAD_SIGNED : S3P_PAYLOAD_EMPTY;
    s3p_sha256(payload.p, payload.len, r.payload_sha256);
    return r;
}

T_TEST(request_heads)
{
    json_t *root = vec_load(t_vectors("sign.json")), *v;
    size_t i;
    json_array_foreach (vec_list(root, "requests", 40), i, v) {
        struct s3p_credentials cred = cred_of(v);
        struct s3p_request r = request_of(v);
        struct s3p_request_ctx c;
        struct s3p_buf out;
        s3p_buf_init(&out, 100000);
        T_OK(s3p_request_ctx_init(&c, &cred, vec_str(v, "authority"), vec_bool(v, "virtual_host"),
                                  err));
        for (int again = 0; again < 2; again++) { /* the second one comes from the caches */
            s3p_buf_clear(&out);
            T_TRUE(s3p_request_write(&c, &r, vec_int(v, "wall_s"), &out));
            vec_expect(v, out.data, out.len, vec_str(v, "head"));
        }
        s3p_buf_free(&out);
        s3p_request_ctx_free(&c);
    }
    json_decref(root);
}

static struct s3p_request_ctx plain_ctx(void)
{
    static const struct s3p_credentials cred = {"AK", "SK", NULL, "us-east-1"};
    struct s3p_request_ctx c;
    T_OK(s3p_request_ctx_init(&c, &cred, S3P_STR("h:1"), false, err));
    return c;
}

T_TEST(request_bounds)
{
    struct s3p_request_ctx c = plain_ctx();
    struct s3p_request r = {.op = S3P_OP_PUT,
                            .bucket = S3P_STR("b"),
                            .key = S3P_STR("a b"),
                            .id = s3p_id_make(1, 2, 3)};
    struct s3p_buf out;
    s3p_buf_init(&out, 10000);
    T_TRUE(s3p_request_write(&c, &r, 0, &out));
    size_t len = out.len;
    s3p_buf_free(&out);
    for (size_t max = 0; max <= len; max++) {
        s3p_buf_init(&out, max);
        T_EQ(s3p_request_write(&c, &r, 0, &out), max == len);
        s3p_buf_free(&out);
    }
    static char
        huge[40000]; /* all NUL: three times as long when encoded, over the scratch's bound */
    s3p_buf_init(&out, 1 << 20);
    r.key = (struct s3p_str){huge, sizeof huge};
    T_TRUE(!s3p_request_write(&c, &r, 0, &out));
    T_EQ(out.len, 0);
    r.key = S3P_STR("k");
    T_TRUE(s3p_request_write(&c, &r, 0, &out)); /* and it recovers */
    s3p_buf_free(&out);
    s3p_request_ctx_free(&c);
}

T_TEST(request_no_header_injection)
{
    static const char bad[][8] = {"\"a\r\nx:y", "a\nb", "a\rb", "\"\x01\"", "\x7f"};
    struct s3p_request_ctx c = plain_ctx();
    struct s3p_buf out;
    s3p_buf_init(&out, 10000);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct s3p_request r = {.op = S3P_OP_GET,
                                .bucket = S3P_STR("b"),
                                .key = S3P_STR("k"),
                                .cond = S3P_COND_IF_MATCH};
        r.cond_value = (struct s3p_str){bad[i], strlen(bad[i])};
        T_TRUE(!s3p_request_write(&c, &r, 0, &out));
    }
    T_EQ(out.len, 0);
    s3p_buf_free(&out);
    s3p_request_ctx_free(&c);
}

/* After warm-up nothing is allocated: every allocation would fail. */
T_TEST(request_allocates_nothing_when_warm)
{
    struct s3p_request_ctx c = plain_ctx();
    struct s3p_request r = {
        .op = S3P_OP_PUT, .bucket = S3P_STR("b"), .key = S3P_STR("k"), .id = s3p_id_make(1, 2, 3)};
    struct s3p_buf out;
    s3p_buf_init(&out, 4096);
    T_EQ(s3p_buf_reserve(&out, 4096), 0);
    int64_t before = s3p_alloc_live();
    for (int i = 0; i < 100; i++) {
        s3p_alloc_fail_at(1);
        s3p_buf_clear(&out);
        T_TRUE(s3p_request_write(&c, &r, 86400 * (int64_t)i, &out));
    }
    s3p_alloc_fail_at(0);
    T_EQ(s3p_alloc_live(), before);
    s3p_buf_free(&out);
    s3p_request_ctx_free(&c);
}

T_TEST(request_ctx_failing_allocations)
{
    static const struct s3p_credentials cred = {"AK", "SK", NULL, "r"};
    for (int64_t nth = 1;; nth++) {
        struct s3p_request_ctx c;
        s3p_alloc_fail_at(nth);
        int rc = s3p_request_ctx_init(&c, &cred, S3P_STR("h"), false, NULL);
        s3p_alloc_fail_at(0);
        s3p_request_ctx_free(&c); /* releasable either way */
        if (rc == S3P_OK) {
            T_TRUE(nth > 1);
            break;
        }
        T_EQ(rc, S3P_ENOMEM);
    }
    struct s3p_request_ctx c;
    static const struct s3p_credentials none = {"", "", NULL, ""};
    T_EQ(s3p_request_ctx_init(&c, &none, S3P_STR("h"), false, NULL), S3P_EINVAL);
    s3p_request_ctx_free(&c);
}

/* The first line and the headers that are asked for, of requests on more than an object. */
static void expect_head(const struct s3p_request *r, const char *line, const char *const *headers)
{
    struct s3p_request_ctx c = plain_ctx();
    struct s3p_buf out;
    s3p_buf_init(&out, 10000);
    T_TRUE(s3p_request_write(&c, r, 0, &out));
    const char *head = s3p_buf_cstr(&out), *at = head;
    if (strncmp(head, line, strlen(line)) != 0)
        t_fail(__FILE__, __LINE__, "expected %s, got %s", line, head);
    for (; *headers != NULL; headers++) { /* in this order */
        at = strstr(at, *headers);
        if (at == NULL)
            t_fail(__FILE__, __LINE__, "no %s, or not in order: %s", *headers, head);
    }
    s3p_buf_free(&out);
    s3p_request_ctx_free(&c);
}
#define HEADERS_ARE(...) ((const char *const[]){__VA_ARGS__, NULL})

T_TEST(request_queries)
{
    struct s3p_request r = {
        .bucket = S3P_STR("b"),
        .key = S3P_STR("k"),
        .version_id = S3P_STR("v/1"),
        .upload_id = S3P_STR("u+1"),
        .part_number = 7,
        .prefix = S3P_STR("p"),
        .delimiter = S3P_STR("/"),
        .start = S3P_STR("s"),
        .token = S3P_STR("t"),
        .max_keys = 5,
    };
    static const struct {
        enum s3p_op op;
        const char *line;
    } want[] = {
        {S3P_OP_PUT, "PUT /b/k HTTP/1.1\r\n"},
        {S3P_OP_GET, "GET /b/k?partNumber=7&versionId=v%2F1 HTTP/1.1\r\n"},
        {S3P_OP_DELETE, "DELETE /b/k?versionId=v%2F1 HTTP/1.1\r\n"},
        {S3P_OP_COPY, "PUT /b/k HTTP/1.1\r\n"},
        {S3P_OP_CREATE_UPLOAD, "POST /b/k?uploads HTTP/1.1\r\n"},
        {S3P_OP_UPLOAD_PART, "PUT /b/k?partNumber=7&uploadId=u%2B1 HTTP/1.1\r\n"},
        {S3P_OP_UPLOAD_PART_COPY, "PUT /b/k?partNumber=7&uploadId=u%2B1 HTTP/1.1\r\n"},
        {S3P_OP_COMPLETE_UPLOAD, "POST /b/k?uploadId=u%2B1 HTTP/1.1\r\n"},
        {S3P_OP_ABORT_UPLOAD, "DELETE /b/k?uploadId=u%2B1 HTTP/1.1\r\n"},
        {S3P_OP_PUT_TAGS, "PUT /b/k?tagging=&versionId=v%2F1 HTTP/1.1\r\n"},
        {S3P_OP_DELETE_TAGS, "DELETE /b/k?tagging=&versionId=v%2F1 HTTP/1.1\r\n"},
        {S3P_OP_GET_ATTRIBUTES, "GET /b/k?attributes=&versionId=v%2F1 HTTP/1.1\r\n"},
        {S3P_OP_PUT_VERSIONING, "PUT /b?versioning HTTP/1.1\r\n"},
        {S3P_OP_PUT_LIFECYCLE, "PUT /b?lifecycle HTTP/1.1\r\n"},
        {S3P_OP_PUT_REPLICATION, "PUT /b?replication HTTP/1.1\r\n"},
        {S3P_OP_GET_VERSIONING, "GET /b?versioning HTTP/1.1\r\n"},
        {S3P_OP_LIST_VERSIONS, "GET /b?delimiter=%2F&encoding-type=url&key-marker=s&max-keys=5&"
                               "prefix=p&version-id-marker=t&versions HTTP/1.1\r\n"},
        {S3P_OP_LIST_UPLOADS, "GET /b?delimiter=%2F&encoding-type=url&key-marker=s&max-uploads=5&"
                              "prefix=p&upload-id-marker=t&uploads HTTP/1.1\r\n"},
        {S3P_OP_LIST_PARTS,
         "GET /b/k?max-parts=5&part-number-marker=s&uploadId=u%2B1 HTTP/1.1\r\n"},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        r.op = want[i].op;
        expect_head(&r, want[i].line, HEADERS_ARE("\r\nhost: h:1\r\n", "\r\nx-amz-date: "));
    }
}

T_TEST(request_args)
{
    struct s3p_request r = {.op = S3P_OP_LIST_VERSIONS, .start = S3P_STR("a b"), .max_keys = 2};
    struct s3p_buf out;
    s3p_buf_init(&out, 1000);
    s3p_request_args(&out, &r);
    T_STR(s3p_buf_cstr(&out), "key-marker=a%20b&max-keys=2");
    s3p_buf_clear(&out);
    r = (struct s3p_request){.op = S3P_OP_LIST_PARTS, .upload_id = S3P_STR("u")};
    s3p_request_args(&out, &r);
    T_STR(s3p_buf_cstr(&out), "");
    s3p_buf_free(&out);
}

T_TEST(request_headers_of_copies)
{
    struct s3p_request r = {
        .op = S3P_OP_COPY,
        .bucket = S3P_STR("b"),
        .key = S3P_STR("k"),
        .payload = S3P_PAYLOAD_EMPTY,
        .cond = S3P_COND_IF_NONE_MATCH_ANY,
        .tagging = S3P_STR("a=1"),
        .metadata_directive = S3P_STR("REPLACE"),
        .tagging_directive = S3P_STR("REPLACE"),
        .id = s3p_id_make(1, 2, 3),
        .source = {.bucket = S3P_STR("s"),
                   .key = S3P_STR("x/y z"),
                   .version_id = S3P_STR("v+"),
                   .cond = S3P_COND_IF_MATCH,
                   .cond_value = S3P_STR("\"e\""),
                   .ranged = true,
                   .range_first = 64,
                   .range_last = 127},
    };
    expect_head(&r, "PUT /b/k HTTP/1.1\r\n",
                HEADERS_ARE("\r\ncontent-length: 0\r\n", "\r\nif-none-match: *\r\n",
                            "\r\nx-amz-copy-source: /s/x/y%20z?versionId=v%2B\r\n",
                            "\r\nx-amz-copy-source-if-match: \"e\"\r\n",
                            "\r\nx-amz-copy-source-range: bytes=64-127\r\n",
                            "\r\nx-amz-meta-s3p-id: ", "\r\nx-amz-metadata-directive: REPLACE\r\n",
                            "\r\nx-amz-tagging: a=1\r\n",
                            "\r\nx-amz-tagging-directive: REPLACE\r\n"));
    r.source.cond_value = S3P_STR("\"e\r\nx: y\"");
    struct s3p_request_ctx c = plain_ctx();
    struct s3p_buf out;
    s3p_buf_init(&out, 10000);
    T_TRUE(!s3p_request_write(&c, &r, 0, &out));
    s3p_buf_free(&out);
    s3p_request_ctx_free(&c);
}

T_TEST(request_headers_of_checksums)
{
    struct s3p_request r = {.op = S3P_OP_PUT,
                            .bucket = S3P_STR("b"),
                            .key = S3P_STR("k"),
                            .sum = S3P_SUM_CRC32,
                            .sum_text = "y/Q5Jg==",
                            .body_len = 9};
    expect_head(&r, "PUT", HEADERS_ARE("\r\nx-amz-checksum-crc32: y/Q5Jg==\r\n", "content-sha256"));
    r.payload = S3P_PAYLOAD_UNSIGNED_TRAILER;
    expect_head(&r, "PUT", HEADERS_ARE("\r\ncontent-encoding: aws-chunked\r\ncontent-length: 50",
                                       "\r\nx-amz-decoded-content-length: 9\r\n",
                                       "\r\nx-amz-trailer: x-amz-checksum-crc32\r\n"));
    r = (struct s3p_request){.op = S3P_OP_CREATE_UPLOAD,
                             .bucket = S3P_STR("b"),
                             .key = S3P_STR("k"),
                             .sum = S3P_SUM_SHA256,
                             .sum_type = S3P_STR("COMPOSITE")};
    expect_head(&r, "POST", HEADERS_ARE("\r\nx-amz-checksum-algorithm: SHA256\r\n",
                                        "\r\nx-amz-checksum-type: COMPOSITE\r\n"));
    r = (struct s3p_request){
        .op = S3P_OP_HEAD, .bucket = S3P_STR("b"), .key = S3P_STR("k"), .sum_mode = true};
    expect_head(&r, "HEAD", HEADERS_ARE("\r\nx-amz-checksum-mode: ENABLED\r\n"));
}
