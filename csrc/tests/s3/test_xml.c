#include "s3/xml.h"

#include "core/alloc.h"
#include "core/text.h"
#include "tests/s3/vec.h"

static void expect_error(const char *xml, const char *code, const char *message)
{
    struct s3p_str c, m;
    bool is_error = s3p_xml_error(xml, strlen(xml), &c, &m);
    T_EQ(is_error, code != NULL);
    T_TRUE(s3p_str_eq(c, code == NULL ? "" : code));
    T_TRUE(s3p_str_eq(m, message));
}

T_TEST(xml_error_documents)
{
    expect_error("<Error><Code>NoSuchKey</Code><Message>m &amp; n</Message></Error>", "NoSuchKey",
                 "m &amp; n");
    expect_error("<?xml version=\"1.0\"?>\n<Error><Message>m</Message><Code>C</Code></Error>", "C",
                 "m");
    expect_error("<?xml version=\"1.0\"?>  \r\n\t  <Error xmlns=\"x\"><Code>C</Code></Error>", "C",
                 "");
    expect_error("\xef\xbb\xbf <Error ><Code>C</Code></Error>", "C", "");
    expect_error("<Error/>", "", "");
    expect_error("<Error></Error>", "", "");
    expect_error("<Error><Code>C", "", "");
    expect_error("<Error><Code></Code></Error>", "", "");
    expect_error("", NULL, "");
    expect_error("   ", NULL, "");
    expect_error("<Error", NULL, "");
    expect_error("<Errors><Code>C</Code></Errors>", NULL, "");
    expect_error("<ErrorResponse><Code>C</Code></ErrorResponse>", NULL, "");
    expect_error("<html><Error><Code>C</Code></Error></html>", NULL, "");
    expect_error("x<Error><Code>C</Code></Error>", NULL, "");
    expect_error("<?xml version=\"1.0\"", NULL, "");
    expect_error("<?xml?><?xml?><Error><Code>C</Code>", "C", "");
    expect_error("<CompleteMultipartUploadResult/>", NULL, "");
}

/* Every prefix, and every byte replaced: views stay inside the text. */
T_TEST(xml_error_hostile)
{
    static const char xml[] =
        "\xef\xbb\xbf<?xml version=\"1.0\"?> <Error><Code>Abc</Code><Message>Def</Message></Error>";
    for (size_t len = 0; len < sizeof xml; len++)
        for (int byte = -1; byte < 256; byte += byte < 0 ? 1 : 51) {
            char *p = s3p_alloc(len); /* exact, so that a sanitizer sees one byte too far */
            struct s3p_str code, message;
            memcpy(p, xml, len);
            if (byte >= 0 && len > 0)
                p[(size_t)byte % len] = (char)byte;
            s3p_xml_error(p, len, &code, &message);
            T_TRUE(code.len == 0 || (code.p >= p && code.p + code.len <= p + len));
            T_TRUE(message.len == 0 || (message.p >= p && message.p + message.len <= p + len));
            s3p_free(p);
        }
}

static const char v2_page[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<ListBucketResult "
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix>x%2F</Prefix>"
    "<KeyCount>4</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</"
    "EncodingType><IsTruncated>true</IsTruncated>"
    "<NextContinuationToken>1%2Fab+c=&amp;</NextContinuationToken>"
    "<Contents><Key>x/a+b%2B%25%C3%A9%00</Key><LastModified>2013-05-24T00:00:01.500Z</LastModified>"
    "<ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>123</"
    "Size><StorageClass>STANDARD</StorageClass>"
    "<Owner><ID>i</ID><Key>not this</Key></Owner></Contents>"
    "<CommonPrefixes><Prefix>x/p%20q/</Prefix></CommonPrefixes>"
    "<Contents><Key>x/&lt;z&gt;</Key><ETag>abc-2</ETag><Size>18446744073709551615</Size></Contents>"
    "<CommonPrefixes><Prefix>y/</Prefix></CommonPrefixes></ListBucketResult>";

static struct s3p_list_page page_of(struct s3p_arena *arena, const char *xml)
{
    struct s3p_list_page page;
    s3p_arena_init(arena, 1 << 20);
    T_OK(s3p_xml_page(S3P_PAGE_OBJECTS, &page, arena, xml, strlen(xml), err));
    return page;
}

#define LIST(inner) "<ListBucketResult>" inner "</ListBucketResult>"

static bool is(struct s3p_str s, const char *text, size_t len)
{
    return s.len == len && memcmp(s.p, text, len) == 0;
}
#define IS(s, lit) is((s), (lit), sizeof(lit) - 1)

T_TEST(xml_list_v2)
{
    struct s3p_arena arena;
    struct s3p_list_page page = page_of(&arena, v2_page);
    T_EQ(page.n, 4);
    T_TRUE(page.truncated);
    T_EQ(page.key_count, 4);
    T_EQ(page.max_keys, 1000);
    T_TRUE(IS(page.next_token, "1%2Fab+c=&")); /* tokens are never url-encoded */
    T_EQ(page.next_marker.len, 0);
    T_TRUE(IS(page.entries[0].key, "x/a b+%\xc3\xa9\0"));
    T_EQ(page.entries[0].size, 123);
    T_EQ(page.entries[0].last_modified_ns, INT64_C(1369353601500000000));
    T_EQ(page.entries[0].etag.form, S3P_ETAG_DIGEST);
    T_TRUE(IS(page.entries[0].etag_text, "\"0123456789abcdef0123456789abcdef\""));
    T_TRUE(page.entries[1].is_prefix && IS(page.entries[1].key, "x/p q/"));
    T_EQ(page.entries[1].etag.form, S3P_ETAG_NONE);
    T_TRUE(!page.entries[2].is_prefix && IS(page.entries[2].key, "x/<z>"));
    T_EQ(page.entries[2].size, (int64_t)UINT64_MAX);
    T_EQ(page.entries[2].etag.form, S3P_ETAG_HASHED);
    T_EQ(page.entries[2].last_modified_ns, 0);
    T_TRUE(page.entries[3].is_prefix && IS(page.entries[3].key, "y/"));
    s3p_arena_free(&arena);
}

/* V1, a namespace prefix, the encoding told after the keys, no encoding at all. */
T_TEST(xml_list_v1)
{
    struct s3p_arena arena;
    struct s3p_list_page page = page_of(
        &arena,
        "<s3:ListBucketResult xmlns:s3=\"u\"><s3:Contents><s3:Key>a%20b</s3:Key></s3:Contents>"
        "<s3:IsTruncated>false</s3:IsTruncated><s3:NextMarker>a%2Bb</s3:NextMarker>"
        "<s3:EncodingType>url</s3:EncodingType></s3:ListBucketResult>");
    T_EQ(page.n, 1);
    T_TRUE(!page.truncated && IS(page.entries[0].key, "a b") && IS(page.next_marker, "a+b"));
    T_EQ(page.key_count, -1);
    T_EQ(page.max_keys, -1);
    s3p_arena_free(&arena);
    page = page_of(
        &arena, "<ListBucketResult><Contents><Key>a%20b+c\n</Key></Contents></ListBucketResult>");
    T_TRUE(IS(page.entries[0].key, "a%20b+c\n"));
    s3p_arena_free(&arena);
    page = page_of(&arena, LIST("<a><b><c><d><e><f><g/></f></e></d></c></b></a>")); /* 8 deep */
    T_EQ(page.n, 0);
    s3p_arena_free(&arena);
    page = page_of(&arena, "<ListBucketResult/>");
    T_EQ(page.n, 0);
    s3p_arena_free(&arena);
    page = page_of(&arena, "<ListBucketResult><Contents><Key></Key></Contents></ListBucketResult>");
    T_EQ(page.n, 1);
    T_EQ(page.entries[0].key.len, 0);
    s3p_arena_free(&arena);
}

T_TEST(xml_list_of_1000)
{
    struct s3p_buf b;
    struct s3p_arena arena;
    s3p_buf_init(&b, 1 << 20);
    s3p_buf_str(&b, "<ListBucketResult>");
    for (int i = 0; i < 1000; i++)
        s3p_buf_fmt(&b,
                    i % 10 == 9 ? "<CommonPrefixes><Prefix>%d</Prefix></CommonPrefixes>"
                                : "<Contents><Key>%d</Key></Contents>",
                    i);
    s3p_buf_str(&b, "</ListBucketResult>");
    struct s3p_list_page page = page_of(&arena, s3p_buf_cstr(&b));
    T_EQ(page.n, 1000);
    for (int i = 0; i < 1000; i++) {
        uint64_t key;
        T_TRUE(s3p_parse_u64(page.entries[i].key.p, page.entries[i].key.len, &key));
        T_EQ(key, i);
        T_EQ(page.entries[i].is_prefix, i % 10 == 9);
    }
    s3p_arena_free(&arena);
    s3p_buf_free(&b);
}

static const char *const bad_lists[] = {
    "",
    " ",
    "<ListBucketResult>",
    "<Error><Code>C</Code></Error>",
    "<Contents><Key>k</Key></Contents>",
    "<ListBucketResult></ListBucketResult><x/>",
    "<ListBucketResult><Contents></ListBucketResult></Contents>",
    LIST("<Contents></Contents>"),
    LIST("<Contents><Key>k</Key><Size>-1</Size></Contents>"),
    LIST("<Contents><Key>k</Key><Size>1e3</Size></Contents>"),
    LIST("<Contents><Key>k</Key><Size></Size></Contents>"),
    LIST("<Contents><Key>k</Key><Size>99999999999999999999</Size></Contents>"),
    LIST("<IsTruncated>yes</IsTruncated>"),
    LIST("<IsTruncated></IsTruncated>"),
    LIST("<KeyCount>-1</KeyCount>"),
    LIST("<MaxKeys>4294967296</MaxKeys>"),
    LIST("<EncodingType>url</EncodingType><Contents><Key>%</Key></Contents>"),
    LIST("<EncodingType>url</EncodingType><Contents><Key>%4</Key></Contents>"),
    LIST("<Contents><Key>%zz</Key></Contents><EncodingType>url</EncodingType>"),
    LIST("<EncodingType>url</EncodingType><NextMarker>%zz</NextMarker>"),
    LIST("<Contents><Key>&undefined;</Key></Contents>"),
    LIST("<Contents><Key>\x01</Key></Contents>"),
    LIST("<Contents><Key>\xff</Key></Contents>"),
    LIST("<a><b><c><d><e><f><g><h/></g></f></e></d></c></b></a>"),
    "<!DOCTYPE ListBucketResult><ListBucketResult/>",
    "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>" LIST(
        "<Contents><Key>&b;</Key></Contents>"),
    "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">" LIST(""),
    "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" LIST(
        "<Contents><Key>&e;</Key></Contents>"),
};

T_TEST(xml_list_refused)
{
    for (size_t i = 0; i < sizeof bad_lists / sizeof bad_lists[0]; i++) {
        struct s3p_arena arena;
        struct s3p_list_page page;
        struct s3p_err e = {0};
        s3p_arena_init(&arena, 1 << 20);
        int rc = s3p_xml_page(S3P_PAGE_OBJECTS, &page, &arena, bad_lists[i],
                              strlen(bad_lists[i]), &e);
        if (rc != S3P_EFORMAT)
            t_fail(__FILE__, __LINE__, "%s: %d", bad_lists[i], rc);
        T_TRUE(e.msg[0] != 0);
        T_EQ(s3p_xml_page(S3P_PAGE_OBJECTS, &page, &arena, bad_lists[i], strlen(bad_lists[i]),
                          NULL),
             S3P_EFORMAT);
        s3p_arena_free(&arena);
    }
}

/* Every prefix of a page is refused, every replaced byte is survived. */
T_TEST(xml_list_damaged)
{
    for (size_t len = 0; len < sizeof v2_page - 1; len++) {
        struct s3p_arena arena;
        struct s3p_list_page page;
        char copy[sizeof v2_page];
        s3p_arena_init(&arena, 1 << 20);
        T_EQ(s3p_xml_page(S3P_PAGE_OBJECTS, &page, &arena, v2_page, len, NULL), S3P_EFORMAT);
        for (size_t byte = 0; byte < 4; byte++) {
            memcpy(copy, v2_page, sizeof v2_page);
            copy[len] = "<&%\xff"[byte];
            int rc = s3p_xml_page(S3P_PAGE_OBJECTS, &page, &arena, copy, sizeof v2_page - 1, NULL);
            T_TRUE(rc == S3P_OK || rc == S3P_EFORMAT);
        }
        s3p_arena_free(&arena);
    }
}

T_TEST(xml_delete_results)
{
    static const char xml[] =
        "<?xml version=\"1.0\"?><DeleteResult "
        "xmlns=\"u\"><Deleted><Key>a%20+</Key><VersionId>v</VersionId></Deleted>"
        "<Error><Key>b&amp;</Key><Code>AccessDenied</Code><Message>m</Message></Error>"
        "<Deleted><Key>c</Key></Deleted></DeleteResult>";
    struct s3p_arena arena;
    struct s3p_delete_results r;
    s3p_arena_init(&arena, 1 << 16);
    T_OK(s3p_xml_delete(&r, &arena, xml, sizeof xml - 1, err));
    T_EQ(r.n, 3);
    T_TRUE(IS(r.results[0].key, "a%20+") && r.results[0].code.len == 0);
    T_TRUE(IS(r.results[1].key, "b&") && IS(r.results[1].code, "AccessDenied"));
    T_TRUE(IS(r.results[2].key, "c") && r.results[2].code.len == 0);
    T_OK(s3p_xml_delete(&r, &arena, "<DeleteResult/>", 15, err));
    T_EQ(r.n, 0);
    static const char *const bad[] = {
        "",
        "<DeleteResult>",
        "<Error/>",
        "<DeleteResult><Deleted/></DeleteResult>",
        "<DeleteResult><Error><Key>k</Key></Error></DeleteResult>",
        "<DeleteResult><Error><Code>c</Code></Error></DeleteResult>",
        "<!DOCTYPE DeleteResult><DeleteResult/>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        T_EQ(s3p_xml_delete(&r, &arena, bad[i], strlen(bad[i]), NULL), S3P_EFORMAT);
    s3p_arena_free(&arena);
}

T_TEST(xml_failing_allocations)
{
    int failures = 0;
    for (int64_t nth = 1;; nth++) {
        struct s3p_arena arena;
        struct s3p_list_page page;
        s3p_arena_init(&arena, 1 << 20);
        s3p_alloc_fail_at(nth);
        int rc = s3p_xml_page(S3P_PAGE_OBJECTS, &page, &arena, v2_page, sizeof v2_page - 1, NULL);
        s3p_alloc_fail_at(0);
        s3p_arena_free(&arena);
        if (rc == S3P_OK)
            break;
        T_TRUE(rc == S3P_ENOMEM || rc == S3P_ELIMIT);
        failures++;
    }
    T_TRUE(failures > 3);
}

T_TEST(xml_small_arena)
{
    struct s3p_list_page page;
    int rc = S3P_ELIMIT;
    for (size_t max = 0; rc != S3P_OK; max += 100) {
        struct s3p_arena arena;
        s3p_arena_init(&arena, max);
        rc = s3p_xml_page(S3P_PAGE_OBJECTS, &page, &arena, v2_page, sizeof v2_page - 1, NULL);
        T_TRUE(rc == S3P_OK || rc == S3P_ELIMIT);
        T_TRUE(max < 100000);
        s3p_arena_free(&arena);
    }
}

T_TEST(xml_escape)
{
    struct s3p_buf out;
    s3p_buf_init(&out, 100);
    s3p_xml_escape(&out, "a<b>&\"c\r\nd'", 11);
    T_STR(s3p_buf_cstr(&out), "a&lt;b&gt;&amp;&quot;c&#13;\nd'");
    s3p_buf_clear(&out);
    s3p_xml_escape(&out, "", 0);
    T_STR(s3p_buf_cstr(&out), "");
    s3p_buf_free(&out);
}
