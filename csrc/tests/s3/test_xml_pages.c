/* The pages of versions, uploads and parts; results of single operations; tag sets. */
#include "core/alloc.h"
#include "s3/tags.h"
#include "s3/xml.h"
#include "tests/t.h"

static bool is(struct s3p_str s, const char *text)
{
    return s3p_str_eq(s, text);
}

static struct s3p_list_page page_of(struct s3p_arena *arena, enum s3p_page_kind kind,
                                    const char *xml)
{
    struct s3p_list_page page;
    s3p_arena_init(arena, 1 << 20);
    T_OK(s3p_xml_page(kind, &page, arena, xml, strlen(xml), err));
    return page;
}

static const char versions_xml[] =
    "<?xml version=\"1.0\"?><ListVersionsResult xmlns=\"u\"><Name>b</Name><KeyMarker>x</KeyMarker>"
    "<EncodingType>url</EncodingType><MaxKeys>3</MaxKeys><IsTruncated>true</IsTruncated>"
    "<NextKeyMarker>a%20b</NextKeyMarker><NextVersionIdMarker>v%2F1</NextVersionIdMarker>"
    "<Version><Key>a%2Fb</Key><VersionId>v%201</VersionId><IsLatest>true</IsLatest>"
    "<ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>7</Size></Version>"
    "<DeleteMarker><Key>c</Key><VersionId>null</VersionId><IsLatest>false</IsLatest>"
    "<LastModified>2013-05-24T00:00:01.500Z</LastModified></DeleteMarker>"
    "<CommonPrefixes><Prefix>p%2F</Prefix></CommonPrefixes></ListVersionsResult>";

T_TEST(xml_versions)
{
    struct s3p_arena arena;
    struct s3p_list_page page = page_of(&arena, S3P_PAGE_VERSIONS, versions_xml);
    const struct s3p_list_entry *e = page.entries;
    T_EQ(page.n, 3);
    T_TRUE(page.truncated && is(page.next_marker, "a b") && is(page.next_token, "v%2F1"));
    T_TRUE(is(e[0].key, "a/b") && is(e[0].id, "v%201") && e[0].is_latest && !e[0].is_marker);
    T_TRUE(e[0].size == 7 && e[0].etag.form == S3P_ETAG_DIGEST);
    T_TRUE(is(e[1].key, "c") && is(e[1].id, "null") && e[1].is_marker && !e[1].is_latest);
    T_TRUE(e[1].last_modified_ns != 0 && e[1].etag.form == S3P_ETAG_NONE);
    T_TRUE(e[2].is_prefix && is(e[2].key, "p/"));
    s3p_arena_free(&arena);
}

T_TEST(xml_uploads)
{
    struct s3p_arena arena;
    struct s3p_list_page page = page_of(
        &arena, S3P_PAGE_UPLOADS,
        "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
        "<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u+1</NextUploadIdMarker>"
        "<Upload><Key>k</Key><UploadId>u+1</UploadId>"
        "<Owner><ID>o</ID></Owner></Upload></ListMultipartUploadsResult>");
    T_EQ(page.n, 1);
    T_TRUE(is(page.entries[0].key, "k") && is(page.entries[0].id, "u+1"));
    T_TRUE(is(page.next_marker, "k") && is(page.next_token, "u+1"));
    s3p_arena_free(&arena);
}

T_TEST(xml_parts)
{
    struct s3p_arena arena;
    struct s3p_list_page page =
        page_of(&arena, S3P_PAGE_PARTS,
                "<ListPartsResult><Key>k</Key><UploadId>u</UploadId><IsTruncated>false"
                "</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker><Part><PartNumber>2"
                "</PartNumber><ETag>\"x\"</ETag><Size>64</Size></Part></ListPartsResult>");
    T_EQ(page.n, 1);
    T_TRUE(page.entries[0].number == 2 && page.entries[0].size == 64);
    T_TRUE(page.entries[0].key.p == NULL);
    T_TRUE(is(page.next_marker, "2") && is(page.entries[0].etag_text, "\"x\""));
    s3p_arena_free(&arena);
}

T_TEST(xml_pages_refused)
{
    static const struct {
        enum s3p_page_kind kind;
        const char *xml;
    } bad[] = {
        {S3P_PAGE_VERSIONS, "<ListBucketResult/>"},
        {S3P_PAGE_VERSIONS,
         "<ListVersionsResult><Version><Key>k</Key></Version></ListVersionsResult>"},
        {S3P_PAGE_VERSIONS, "<ListVersionsResult><DeleteMarker><VersionId>v</VersionId>"
                            "</DeleteMarker></ListVersionsResult>"},
        {S3P_PAGE_UPLOADS, "<ListMultipartUploadsResult><Upload><Key>k</Key></Upload>"
                           "</ListMultipartUploadsResult>"},
        {S3P_PAGE_PARTS, "<ListPartsResult><Part><Size>1</Size></Part></ListPartsResult>"},
        {S3P_PAGE_PARTS,
         "<ListPartsResult><Part><PartNumber>x</PartNumber></Part></ListPartsResult>"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct s3p_list_page page;
        struct s3p_arena arena;
        s3p_arena_init(&arena, 1 << 20);
        T_EQ(s3p_xml_page(bad[i].kind, &page, &arena, bad[i].xml, strlen(bad[i].xml), NULL),
             S3P_EFORMAT);
        s3p_arena_free(&arena);
    }
}

static int result_of(struct s3p_arena *arena, enum s3p_result_kind kind, struct s3p_result *r,
                     const char *xml)
{
    s3p_arena_init(arena, 1 << 16);
    return s3p_xml_result(kind, r, arena, xml, strlen(xml), NULL);
}

T_TEST(xml_results)
{
    struct s3p_arena arena;
    struct s3p_result r;
    T_EQ(result_of(&arena, S3P_RESULT_CREATE_UPLOAD, &r,
                   "<InitiateMultipartUploadResult><UploadId>u/1</UploadId>"
                   "</InitiateMultipartUploadResult>"),
         0);
    T_TRUE(is(r.upload_id, "u/1"));
    s3p_arena_free(&arena);
    T_EQ(result_of(&arena, S3P_RESULT_COMPLETE_UPLOAD, &r,
                   "<?xml version=\"1.0\"?>\n  \r\n <?xml version=\"1.0\"?>"
                   "<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag><ChecksumCRC32C>AA=="
                   "</ChecksumCRC32C></CompleteMultipartUploadResult>"),
         0);
    T_TRUE(is(r.etag, "\"e-2\"") && is(r.sum_name, "CRC32C") && is(r.sum, "AA=="));
    s3p_arena_free(&arena);
    T_EQ(result_of(&arena, S3P_RESULT_COMPLETE_UPLOAD, &r,
                   "<CompleteMultipartUploadResponse><ETag>e</ETag>"
                   "</CompleteMultipartUploadResponse>"),
         0);
    T_TRUE(is(r.etag, "e"));
    s3p_arena_free(&arena);
    T_EQ(result_of(&arena, S3P_RESULT_VERSIONING, &r, "<VersioningConfiguration/>"), 0);
    T_EQ(r.status.len, 0);
    s3p_arena_free(&arena);
    T_EQ(result_of(&arena, S3P_RESULT_ATTRIBUTES, &r,
                   "<GetObjectAttributesResponse><ETag>e</ETag><Checksum><ChecksumSHA1>s"
                   "</ChecksumSHA1></Checksum><ObjectParts><PartsCount>3</PartsCount>"
                   "</ObjectParts><ObjectSize>9</ObjectSize></GetObjectAttributesResponse>"),
         0);
    T_TRUE(is(r.etag, "e") && is(r.sum_name, "SHA1") && r.parts == 3 && r.size == 9);
    s3p_arena_free(&arena);
}

T_TEST(xml_results_refused)
{
    static const struct {
        enum s3p_result_kind kind;
        const char *xml;
    } bad[] = {
        {S3P_RESULT_CREATE_UPLOAD, "<InitiateMultipartUploadResult/>"},
        {S3P_RESULT_COMPLETE_UPLOAD, ""},
        {S3P_RESULT_COMPLETE_UPLOAD, "<?xml version=\"1.0\"?>   "},
        {S3P_RESULT_COMPLETE_UPLOAD, "<Error><Code>InternalError</Code></Error>"},
        {S3P_RESULT_COMPLETE_UPLOAD, "<CompleteMultipartUploadResult><ETag>e</ETag>"},
        {S3P_RESULT_COMPLETE_UPLOAD, "<CompleteMultipartUpload/>"},
        {S3P_RESULT_COMPLETE_UPLOAD, "<Response><ETag>e</ETag></Response>"},
        {S3P_RESULT_COPY, "<CopyPartResult><ETag>e</ETag></CopyPartResult>"},
        {S3P_RESULT_ATTRIBUTES, "<GetObjectAttributesResponse><ObjectSize>-1</ObjectSize>"
                                "</GetObjectAttributesResponse>"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct s3p_arena arena;
        struct s3p_result r;
        T_EQ(result_of(&arena, bad[i].kind, &r, bad[i].xml), S3P_EFORMAT);
        s3p_arena_free(&arena);
    }
}

T_TEST(xml_tags)
{
    static const char two[] = "<Tagging><TagSet><Tag><Key>a&amp;</Key><Value>1</Value></Tag><Tag>"
                              "<Key>b</Key><Value></Value></Tag></TagSet></Tagging>";
    struct s3p_tag tags[2];
    struct s3p_arena arena;
    s3p_arena_init(&arena, 1 << 16);
    T_EQ(s3p_xml_tags(tags, 2, &arena, two, sizeof two - 1, NULL), 2);
    T_TRUE(is(tags[0].key, "a&") && is(tags[0].value, "1"));
    T_TRUE(is(tags[1].key, "b") && is(tags[1].value, ""));
    T_EQ(s3p_xml_tags(tags, 1, &arena, two, sizeof two - 1, NULL), S3P_EFORMAT);
    T_EQ(s3p_xml_tags(tags, 2, &arena, two, sizeof two - 2, NULL), S3P_EFORMAT);
    T_EQ(s3p_xml_tags(tags, 2, &arena, "<Tagging><TagSet/></Tagging>", 28, NULL), 0);
    s3p_arena_free(&arena);
}

T_TEST(xml_delete_of_versions)
{
    static const char xml[] =
        "<DeleteResult><Deleted><Key>a</Key><VersionId>1</VersionId></Deleted>"
        "<Deleted><Key>a</Key><DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>2"
        "</DeleteMarkerVersionId></Deleted></DeleteResult>";
    struct s3p_delete_results r;
    struct s3p_arena arena;
    s3p_arena_init(&arena, 1 << 16);
    T_OK(s3p_xml_delete(&r, &arena, xml, sizeof xml - 1, err));
    T_EQ(r.n, 2);
    T_TRUE(is(r.results[0].version_id, "1") && !r.results[0].is_marker);
    T_TRUE(r.results[1].is_marker && is(r.results[1].marker_id, "2"));
    s3p_arena_free(&arena);
}
