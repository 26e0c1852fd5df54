#include "s3/documents.h"

#include "tests/t.h"

#define XMLNS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"

T_TEST(documents_delete)
{
    struct s3p_delete_name names[] = {
        {.key = S3P_STR("a")},
        {S3P_STR("<&>\"\ré'"), S3P_STR("v<1"), S3P_STR("\"e\"")},
    };
    struct s3p_buf out;
    s3p_buf_init(&out, 1000);
    s3p_delete_body(&out, names, 2, false);
    T_STR(s3p_buf_cstr(&out),
          "<Delete" XMLNS "<Object><Key>a</Key></Object><Object><Key>&lt;&amp;&gt;&quot;&#13;é'"
          "</Key><VersionId>v&lt;1</VersionId><ETag>&quot;e&quot;</ETag></Object>"
          "<Quiet>false</Quiet></Delete>");
    s3p_buf_clear(&out);
    s3p_delete_body(&out, names, 1, true);
    T_STR(s3p_buf_cstr(&out), "<Delete" XMLNS "<Object><Key>a</Key></Object>"
                              "<Quiet>true</Quiet></Delete>");
    s3p_buf_free(&out);
}

T_TEST(documents_complete)
{
    struct s3p_complete_part parts[] = {
        {.number = 2, .etag = S3P_STR("\"e\"")},
        {10000, S3P_STR("x"), S3P_SUM_CRC64NVME, S3P_STR("a+/=<")},
    };
    struct s3p_buf out;
    s3p_buf_init(&out, 1000);
    s3p_complete_body(&out, parts, 2);
    T_STR(s3p_buf_cstr(&out),
          "<CompleteMultipartUpload" XMLNS "<Part><PartNumber>2</PartNumber><ETag>&quot;e&quot;"
          "</ETag></Part><Part><PartNumber>10000</PartNumber><ETag>x</ETag>"
          "<ChecksumCRC64NVME>a+/=&lt;</ChecksumCRC64NVME></Part>"
          "</CompleteMultipartUpload>");
    s3p_buf_free(&out);
}

T_TEST(documents_versioning)
{
    struct s3p_buf out;
    s3p_buf_init(&out, 1000);
    s3p_versioning_body(&out, S3P_STR("Enabled"));
    T_STR(s3p_buf_cstr(&out), "<VersioningConfiguration" XMLNS
                              "<Status>Enabled</Status></VersioningConfiguration>");
    s3p_buf_free(&out);
}

T_TEST(documents_rules)
{
    const struct s3p_rule rules[] = {
        {.days = 1},
        {.prefix = S3P_STR("p&/"), .tags = 3, .above = 5, .noncurrent_days = 2, .markers = true},
        {.below = 7, .bucket = S3P_STR("b")},
    };
    struct s3p_buf out;
    s3p_buf_init(&out, 4000);
    s3p_lifecycle_body(&out, rules, 2);
    T_STR(s3p_buf_cstr(&out),
          "<LifecycleConfiguration" XMLNS
          "<Rule><ID>rule-0</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>"
          "<Expiration><Days>1</Days></Expiration></Rule>"
          "<Rule><ID>rule-1</ID><Status>Enabled</Status><Filter><And><Prefix>p&amp;/</Prefix>"
          "<Tag><Key>s3p-n</Key><Value>3</Value></Tag>"
          "<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></Filter>"
          "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"
          "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays>"
          "</NoncurrentVersionExpiration></Rule></LifecycleConfiguration>");
    s3p_buf_clear(&out);
    s3p_replication_body(&out, rules + 2, 1);
    T_STR(s3p_buf_cstr(&out),
          "<ReplicationConfiguration" XMLNS
          "<Role>arn:aws:iam::123456789012:role/replication</Role>"
          "<Rule><ID>rule-0</ID><Status>Enabled</Status><Priority>0</Priority>"
          "<Filter><ObjectSizeLessThan>7</ObjectSizeLessThan></Filter>"
          "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>"
          "<Destination><Bucket>arn:aws:s3:::b</Bucket></Destination></Rule>"
          "</ReplicationConfiguration>");
    s3p_buf_free(&out);
}

T_TEST(documents_content_md5)
{
    char md5[24];
    s3p_content_md5(md5, "", 0);
    T_MEM(md5, "1B2M2Y8AsgTpgAmY7PhCfg==", 24);
}
