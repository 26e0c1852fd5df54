/* Conditions, ranges, records, documents: the rules without a store. */
#include "server/conditions.h"
#include "server/ranges.h"
#include "server/xml_read.h"
#include "server/xml_write.h"

#include "tests/t.h"

/* MD5 of nothing: d41d8cd98f00b204e9800998ecf8427e; modified at 1,000 s */
static const struct s3p_srv_record object = {
    .mtime_wall_ns = INT64_C(1000999999999),
    .md5 = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8,
            0x42, 0x7e},
};
#define ETAG "\"d41d8cd98f00b204e9800998ecf8427e\""
#define AT "Thu, 01 Jan 1970 00:16:40 GMT"
#define BEFORE "Thu, 01 Jan 1970 00:16:39 GMT"

static struct s3p_str text(const char *s)
{
    return (struct s3p_str){s, s != NULL ? strlen(s) : 0};
}

T_TEST(server_conditions_write)
{
    static const struct {
        const char *match, *none;
        enum s3p_srv_error present, absent;
    } rows[] = {
        {NULL, NULL, S3P_SE_NONE, S3P_SE_NONE},
        {NULL, "*", S3P_SE_PRECONDITION, S3P_SE_NONE},
        {ETAG, NULL, S3P_SE_NONE, S3P_SE_NO_KEY},
        {"d41d8cd98f00b204e9800998ecf8427e", NULL, S3P_SE_NONE, S3P_SE_NO_KEY},
        {"*", NULL, S3P_SE_NONE, S3P_SE_NO_KEY},
        {"W/" ETAG, NULL, S3P_SE_PRECONDITION, S3P_SE_NO_KEY},
        {"\"x\", " ETAG, NULL, S3P_SE_NONE, S3P_SE_NO_KEY},
        {"\"x\"", NULL, S3P_SE_PRECONDITION, S3P_SE_NO_KEY},
        {"", NULL, S3P_SE_PRECONDITION, S3P_SE_NO_KEY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_srv_conditions c = {.if_match = text(rows[i].match),
                                       .if_none_match = text(rows[i].none)};
        T_EQ(s3p_srv_conditions_write(&c, &object), rows[i].present);
        T_EQ(s3p_srv_conditions_write(&c, NULL), rows[i].absent);
        T_EQ(s3p_srv_conditions_writable(&c, true), S3P_SE_NONE);
    }
    struct s3p_srv_conditions etag = {.if_none_match = text(ETAG)};
    T_EQ(s3p_srv_conditions_writable(&etag, true), S3P_SE_NOT_IMPLEMENTED);
    struct s3p_srv_conditions since = {.if_unmodified_since = text(AT)};
    T_EQ(s3p_srv_conditions_writable(&since, true), S3P_SE_NOT_IMPLEMENTED);
    struct s3p_srv_conditions star = {.if_none_match = text("*")};
    T_EQ(s3p_srv_conditions_writable(&star, false), S3P_SE_NOT_IMPLEMENTED);
}

T_TEST(server_conditions_read)
{
    static const struct {
        const char *match, *none, *since, *unless;
        enum s3p_srv_error want;
    } rows[] = {
        {ETAG, NULL, NULL, BEFORE, S3P_SE_NONE},
        {NULL, NULL, NULL, BEFORE, S3P_SE_PRECONDITION},
        {NULL, NULL, NULL, AT, S3P_SE_NONE},
        {NULL, NULL, NULL, "soon", S3P_SE_NONE},
        {NULL, "W/" ETAG, NULL, NULL, S3P_SE_NOT_MODIFIED},
        {NULL, "\"x\"", AT, NULL, S3P_SE_NONE},
        {NULL, NULL, AT, NULL, S3P_SE_NOT_MODIFIED},
        {NULL, NULL, BEFORE, NULL, S3P_SE_NONE},
        {NULL, NULL, "soon", NULL, S3P_SE_NONE},
        {"\"x\"", ETAG, NULL, NULL, S3P_SE_PRECONDITION},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_srv_conditions c = {text(rows[i].match), text(rows[i].none), text(rows[i].since),
                                       text(rows[i].unless), text(NULL)};
        T_EQ(s3p_srv_conditions_get(&c, &object), rows[i].want);
    }
}

T_TEST(server_ranges)
{
    static const struct {
        const char *header;
        uint64_t size;
        enum s3p_srv_range_kind kind;
        uint64_t first, bytes;
    } rows[] = {
        {NULL, 10, S3P_SRV_RANGE_WHOLE, 0, 10},
        {"bytes=0-0", 10, S3P_SRV_RANGE_PART, 0, 1},
        {"bytes=3-", 10, S3P_SRV_RANGE_PART, 3, 7},
        {"bytes= 3-4 ", 10, S3P_SRV_RANGE_PART, 3, 2},
        {"BYTES=9-100", 10, S3P_SRV_RANGE_PART, 9, 1},
        {"bytes=-3", 10, S3P_SRV_RANGE_PART, 7, 3},
        {"bytes=-11", 10, S3P_SRV_RANGE_PART, 0, 10},
        {"bytes=0-99999999999999999999999", 10, S3P_SRV_RANGE_PART, 0, 10},
        {"bytes=10-", 10, S3P_SRV_RANGE_NONE, 0, 0},
        {"bytes=99999999999999999999999-", 10, S3P_SRV_RANGE_NONE, 0, 0},
        {"bytes=-0", 10, S3P_SRV_RANGE_NONE, 0, 0},
        {"bytes=0-", 0, S3P_SRV_RANGE_NONE, 0, 0},
        {"bytes=-1", 0, S3P_SRV_RANGE_NONE, 0, 0},
        {"bytes=4-3", 10, S3P_SRV_RANGE_WHOLE, 0, 10},
        {"bytes=-", 10, S3P_SRV_RANGE_WHOLE, 0, 10},
        {"bytes=1", 10, S3P_SRV_RANGE_WHOLE, 0, 10},
        {"bytes=+1-2", 10, S3P_SRV_RANGE_WHOLE, 0, 10},
        {"rows=1-2", 10, S3P_SRV_RANGE_WHOLE, 0, 10},
        {"bytes=1-2,4-5", 10, S3P_SRV_RANGE_SEVERAL, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_srv_range r = s3p_srv_range_parse(text(rows[i].header), rows[i].size);
        T_EQ(r.kind, rows[i].kind);
        T_EQ(r.first, rows[i].first);
        T_EQ(r.bytes, rows[i].bytes);
    }
}

T_TEST(server_records)
{
    struct s3p_buf meta, bytes;
    s3p_buf_init(&meta, 1024);
    s3p_buf_init(&bytes, 4096);
    s3p_srv_meta_add(&meta, S3P_STR("content-type"), S3P_STR("text/plain"));
    s3p_srv_meta_add(&meta, S3P_STR("x-amz-meta-a"), S3P_STR(""));
    struct s3p_srv_record r = object, back;
    r.seq = UINT64_C(0x0102030405060708);
    r.size = 5;
    r.sum_kind = 1;
    r.sum_len = 4;
    r.meta = (struct s3p_str){meta.data, meta.len};
    r.body = S3P_STR("hello");
    r.lock = (struct s3p_srv_lock){7, S3P_SRV_LOCK_COMPLIANCE, S3P_SRV_HOLD_ON};
    s3p_srv_record_encode(&bytes, &r);
    T_EQ(bytes.len, S3P_SRV_RECORD_HEAD + meta.len + 10 + 5);
    T_TRUE(s3p_srv_record_decode(&back, (struct s3p_str){bytes.data, bytes.len}));
    T_EQ(back.seq, r.seq);
    T_EQ(back.mtime_wall_ns, r.mtime_wall_ns);
    T_EQ(back.sum_kind, r.sum_kind);
    T_EQ(back.lock.until_wall_ns, 7);
    T_EQ(back.lock.mode, S3P_SRV_LOCK_COMPLIANCE);
    T_EQ(back.lock.hold, S3P_SRV_HOLD_ON);
    T_MEM(back.md5, r.md5, sizeof r.md5);
    T_TRUE(s3p_str_eq(back.body, "hello"));
    struct s3p_str name, value;
    size_t at = 0;
    T_TRUE(s3p_srv_meta_next(back.meta, &at, &name, &value) && s3p_str_eq(value, "text/plain"));
    T_TRUE(s3p_srv_meta_next(back.meta, &at, &name, &value) && s3p_str_eq(name, "x-amz-meta-a"));
    T_TRUE(!s3p_srv_meta_next(back.meta, &at, &name, &value));
    for (size_t n = 0; n < bytes.len; n++)
        T_TRUE(!s3p_srv_record_decode(&back, (struct s3p_str){bytes.data, n}));
    s3p_buf_free(&meta);
    s3p_buf_free(&bytes);
}

T_TEST(server_xml_write)
{
    struct s3p_buf b;
    s3p_buf_init(&b, 4096);
    s3p_srv_xml_text(&b, "K", S3P_STR("a&<>\"\r'ü"));
    T_STR(s3p_buf_cstr(&b), "<K>a&amp;&lt;&gt;&quot;&#13;'ü</K>");
    s3p_buf_clear(&b);
    s3p_srv_xml_url(&b, "K", S3P_STR("a b/+~\n"));
    T_STR(s3p_buf_cstr(&b), "<K>a%20b/%2B~%0A</K>");
    s3p_buf_free(&b);
}

static enum s3p_srv_error delete_doc(const char *body, struct s3p_srv_delete_doc *doc)
{
    s3p_buf_clear(doc->keys);
    return s3p_srv_xml_delete(text(body), doc);
}

T_TEST(server_xml_delete)
{
    struct s3p_buf keys;
    s3p_buf_init(&keys, 1 << 20);
    struct s3p_srv_delete_doc doc = {.keys = &keys};
    T_EQ(delete_doc("<Delete xmlns=\"" S3P_SRV_XMLNS
                    "\"><Quiet>true</Quiet><Object><Key>a&amp;b</Key>"
                    "</Object><Object><Key>c</Key><X/></Object></Delete>",
                    &doc),
         S3P_SE_NONE);
    T_EQ(doc.n_keys, 2);
    size_t head = sizeof(struct s3p_srv_delete_entry);
    T_TRUE(doc.quiet && !doc.conditions);
    T_EQ(keys.len, head + 3 + head + 1);
    T_MEM(keys.data + head, "a&b", 3);
    T_EQ(delete_doc("<Delete><Object><Key>c</Key><ETag>x</ETag><VersionId>vv</VersionId></Object>"
                    "</Delete>",
                    &doc),
         S3P_SE_NONE);
    T_TRUE(!doc.conditions);
    T_EQ(keys.len, head + 1 + 2 + 1);
    T_MEM(keys.data + head, "cvvx", 4);
    T_EQ(delete_doc("<Delete><Object><Key>c</Key><Size>1</Size></Object></Delete>", &doc),
         S3P_SE_NONE);
    T_TRUE(doc.conditions);
    static const char *const bad[] = {
        "",
        "<Delete/>",
        "<Delete><Object/></Delete>",
        "<Delete><Object><Key/></Object></Delete>",
        "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
        "<!DOCTYPE x><Delete><Object><Key>c</Key></Object></Delete>",
        "<Deleted><Object><Key>c</Key></Object></Deleted>",
        "<Delete><Object><Key>c</Key></Object></Delete>x",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        T_EQ(delete_doc(bad[i], &doc), S3P_SE_XML);
    s3p_buf_free(&keys);
}
