/* The verifier against the examples of the S3 API reference, "Authenticating Requests". */
#include "server/auth.h"

#include "tests/t.h"

#define ACCESS "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HOST "examplebucket.s3.amazonaws.com"
#define AT 1369353600 /* 2013-05-24T00:00:00Z */
#define CREDENTIAL "AWS4-HMAC-SHA256 Credential=" ACCESS "/20130524/us-east-1/s3/aws4_request,"

struct example {
    const char *method, *target;
    const char *fields[8][2];
};

static enum s3p_srv_error check(const struct example *x, int64_t at)
{
    static const struct s3p_srv_keys keys = {ACCESS, SECRET, "us-east-1"};
    struct s3p_srv_head *h = s3p_alloc(sizeof *h);
    struct s3p_srv_auth_cache cache;
    struct s3p_srv_auth auth;
    s3p_srv_head_init(h);
    s3p_srv_auth_cache_init(&cache);
    T_EQ(s3p_srv_head_target(h, (struct s3p_str){x->target, strlen(x->target)}), S3P_SE_NONE);
    h->method = (struct s3p_str){x->method, strlen(x->method)};
    for (int i = 0; i < 8 && x->fields[i][0] != NULL; i++)
        s3p_srv_head_field(h, (struct s3p_str){x->fields[i][0], strlen(x->fields[i][0])},
                           (struct s3p_str){x->fields[i][1], strlen(x->fields[i][1])});
    enum s3p_srv_error first = s3p_srv_auth_check(h, &keys, at, &cache, &auth);
    T_EQ(s3p_srv_auth_check(h, &keys, at, &cache, &auth), first); /* with the cached key */
    s3p_srv_auth_cache_free(&cache);
    s3p_srv_head_free(h);
    s3p_free(h);
    return first;
}

static const struct example get_range = {
    "GET",
    "/test.txt",
    {{"Host", HOST},
     {"Range", "bytes=0-9"},
     {"x-amz-content-sha256", EMPTY},
     {"x-amz-date", "20130524T000000Z"},
     {"Authorization",
      CREDENTIAL "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
                 "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"}}};

static const struct example put = {
    "PUT",
    "/test%24file.text",
    {{"host", HOST},
     {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
     {"X-Amz-Date", "20130524T000000Z"},
     {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
     {"x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
     {"Authorization", CREDENTIAL
      "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature="
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"}}};

static const struct example lifecycle = {
    "GET",
    "/?lifecycle",
    {{"host", HOST},
     {"x-amz-date", "20130524T000000Z"},
     {"x-amz-content-sha256", EMPTY},
     {"Authorization",
      CREDENTIAL "SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
                 "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"}}};

static const struct example list = {
    "GET",
    "/?prefix=J&max-keys=2", /* not in canonical order */
    {{"host", HOST},
     {"x-amz-date", "20130524T000000Z"},
     {"x-amz-content-sha256", EMPTY},
     {"Authorization",
      CREDENTIAL "SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
                 "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}}};

static const struct example presigned = {
    "GET",
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" ACCESS
    "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
    "&X-Amz-SignedHeaders=host&X-Amz-Signature="
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    {{"host", HOST}}};

T_TEST(server_auth_examples)
{
    T_EQ(check(&get_range, AT), S3P_SE_NONE);
    T_EQ(check(&put, AT), S3P_SE_NONE);
    T_EQ(check(&lifecycle, AT), S3P_SE_NONE);
    T_EQ(check(&list, AT), S3P_SE_NONE);
    T_EQ(check(&presigned, AT), S3P_SE_NONE);
}

T_TEST(server_auth_time)
{
    T_EQ(check(&get_range, AT + S3P_SRV_SKEW_S), S3P_SE_NONE);
    T_EQ(check(&get_range, AT + S3P_SRV_SKEW_S + 1), S3P_SE_SKEWED);
    T_EQ(check(&get_range, AT - S3P_SRV_SKEW_S - 1), S3P_SE_SKEWED);
    T_EQ(check(&presigned, AT + 86400), S3P_SE_NONE);
    T_EQ(check(&presigned, AT + 86401), S3P_SE_EXPIRED);
    T_EQ(check(&presigned, AT - S3P_SRV_SKEW_S - 1), S3P_SE_SKEWED);
}

T_TEST(server_auth_changes_are_noticed)
{
    struct example x = get_range;
    x.method = "HEAD";
    T_EQ(check(&x, AT), S3P_SE_SIGNATURE);
    x = get_range;
    x.target = "/test.txt?x";
    T_EQ(check(&x, AT), S3P_SE_SIGNATURE);
    x = get_range;
    x.fields[1][1] = "bytes=0-8";
    T_EQ(check(&x, AT), S3P_SE_SIGNATURE);
    x = get_range;
    x.fields[2][1] = "UNSIGNED-PAYLOAD";
    T_EQ(check(&x, AT), S3P_SE_SIGNATURE);
    x = get_range;
    x.fields[5][0] = "x-amz-meta-new";
    x.fields[5][1] = "1";
    T_EQ(check(&x, AT), S3P_SE_NOT_SIGNED);
    x = list;
    x.target = "/?prefix=J&max-keys=3";
    T_EQ(check(&x, AT), S3P_SE_SIGNATURE);
}

T_TEST(server_auth_forms)
{
    struct example x = get_range;
    x.fields[4][0] = "x";
    T_EQ(check(&x, AT), S3P_SE_ACCESS_DENIED);
    x = get_range;
    x.fields[2][0] = "x";
    T_EQ(check(&x, AT), S3P_SE_HASH_MISSING);
    static const char *const bad[] = {"", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b",
                                      CREDENTIAL "Signature=x", CREDENTIAL "SignedHeaders=host"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        x = get_range;
        x.fields[4][1] = bad[i];
        T_EQ(check(&x, AT), S3P_SE_AUTH_HEADER);
    }
    x = get_range;
    x.fields[3][1] = "20130524T000000";
    T_EQ(check(&x, AT), S3P_SE_AUTH_DATE);
    x = presigned;
    x.fields[1][0] = "Authorization";
    x.fields[1][1] = get_range.fields[4][1];
    T_EQ(check(&x, AT), S3P_SE_ARGUMENT);
}
