#include "s3/documents.h"

#include "core/digest.h"
#include "core/text.h"
#include "s3/tags.h"
#include "s3/xml.h"

#define XMLNS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"

static void add_element(struct s3p_buf *out, const char *open, struct s3p_str text,
                        const char *close)
{
    if (text.len == 0)
        return;
    s3p_buf_str(out, open);
    s3p_xml_escape(out, text.p, text.len);
    s3p_buf_str(out, close);
}

void s3p_delete_body(struct s3p_buf *out, const struct s3p_delete_name *names, int n, bool quiet)
{
    s3p_buf_str(out, "<Delete" XMLNS);
    for (int i = 0; i < n; i++) {
        s3p_buf_str(out, "<Object>");
        add_element(out, "<Key>", names[i].key, "</Key>");
        add_element(out, "<VersionId>", names[i].version_id, "</VersionId>");
        add_element(out, "<ETag>", names[i].etag, "</ETag>");
        s3p_buf_str(out, "</Object>");
    }
    s3p_buf_str(out, quiet ? "<Quiet>true</Quiet></Delete>" : "<Quiet>false</Quiet></Delete>");
}

/* <ChecksumSHA256> and so on. */
static void add_sum(struct s3p_buf *out, enum s3p_sum_kind kind, struct s3p_str text)
{
    const char *algorithm = s3p_sum_table[kind].algorithm;
    if (kind == S3P_SUM_NONE)
        return;
    s3p_buf_str(out, "<Checksum");
    s3p_buf_str(out, algorithm);
    s3p_buf_char(out, '>');
    s3p_xml_escape(out, text.p, text.len);
    s3p_buf_str(out, "</Checksum");
    s3p_buf_str(out, algorithm);
    s3p_buf_char(out, '>');
}

void s3p_complete_body(struct s3p_buf *out, const struct s3p_complete_part *parts, int n)
{
    s3p_buf_str(out, "<CompleteMultipartUpload" XMLNS);
    for (int i = 0; i < n; i++) {
        s3p_buf_str(out, "<Part><PartNumber>");
        s3p_buf_u64(out, parts[i].number);
        s3p_buf_str(out, "</PartNumber>");
        add_element(out, "<ETag>", parts[i].etag, "</ETag>");
        add_sum(out, parts[i].sum, parts[i].sum_text);
        s3p_buf_str(out, "</Part>");
    }
    s3p_buf_str(out, "</CompleteMultipartUpload>");
}

void s3p_versioning_body(struct s3p_buf *out, struct s3p_str status)
{
    s3p_buf_str(out, "<VersioningConfiguration" XMLNS);
    add_element(out, "<Status>", status, "</Status>");
    s3p_buf_str(out, "</VersioningConfiguration>");
}

static void add_number(struct s3p_buf *out, const char *open, uint64_t number, const char *close)
{
    if (number == 0)
        return;
    s3p_buf_str(out, open);
    s3p_buf_u64(out, number);
    s3p_buf_str(out, close);
}

/* An empty prefix stands for a rule about everything. */
static void add_filter(struct s3p_buf *out, const struct s3p_rule *r)
{
    int n = (r->prefix.len > 0) + (r->tags > 0) + (r->above > 0) + (r->below > 0);
    s3p_buf_str(out, n > 1 ? "<Filter><And>" : "<Filter>");
    if (n == 0)
        s3p_buf_str(out, "<Prefix></Prefix>");
    add_element(out, "<Prefix>", r->prefix, "</Prefix>");
    add_number(out, "<Tag><Key>" S3P_TAG_COUNT "</Key><Value>", r->tags, "</Value></Tag>");
    add_number(out, "<ObjectSizeGreaterThan>", r->above, "</ObjectSizeGreaterThan>");
    add_number(out, "<ObjectSizeLessThan>", r->below, "</ObjectSizeLessThan>");
    s3p_buf_str(out, n > 1 ? "</And></Filter>" : "</Filter>");
}

static void begin_rule(struct s3p_buf *out, int i)
{
    s3p_buf_str(out, "<Rule><ID>rule-");
    s3p_buf_u64(out, (uint64_t)i);
    s3p_buf_str(out, "</ID><Status>Enabled</Status>");
}

void s3p_lifecycle_body(struct s3p_buf *out, const struct s3p_rule *rules, int n)
{
    s3p_buf_str(out, "<LifecycleConfiguration" XMLNS);
    for (int i = 0; i < n; i++) {
        const struct s3p_rule *r = &rules[i];
        begin_rule(out, i);
        add_filter(out, r);
        add_number(out, "<Expiration><Days>", r->days, "</Days></Expiration>");
        if (r->markers)
            s3p_buf_str(out, "<Expiration><ExpiredObjectDeleteMarker>true"
                             "</ExpiredObjectDeleteMarker></Expiration>");
        add_number(out, "<NoncurrentVersionExpiration><NoncurrentDays>", r->noncurrent_days,
                   "</NoncurrentDays></NoncurrentVersionExpiration>");
        add_number(out, "<AbortIncompleteMultipartUpload><DaysAfterInitiation>", r->abort_days,
                   "</DaysAfterInitiation></AbortIncompleteMultipartUpload>");
        s3p_buf_str(out, "</Rule>");
    }
    s3p_buf_str(out, "</LifecycleConfiguration>");
}

void s3p_replication_body(struct s3p_buf *out, const struct s3p_rule *rules, int n)
{
    s3p_buf_str(out, "<ReplicationConfiguration" XMLNS
                     "<Role>arn:aws:iam::123456789012:role/replication</Role>");
    for (int i = 0; i < n; i++) {
        begin_rule(out, i);
        s3p_buf_str(out, "<Priority>");
        s3p_buf_u64(out, (uint64_t)i);
        s3p_buf_str(out, "</Priority>");
        add_filter(out, &rules[i]);
        s3p_buf_str(out, rules[i].markers
                             ? "<DeleteMarkerReplication><Status>Enabled</Status>"
                               "</DeleteMarkerReplication>"
                             : "<DeleteMarkerReplication><Status>Disabled</Status>"
                               "</DeleteMarkerReplication>");
        add_element(out, "<Destination><Bucket>arn:aws:s3:::", rules[i].bucket,
                    "</Bucket></Destination>");
        s3p_buf_str(out, "</Rule>");
    }
    s3p_buf_str(out, "</ReplicationConfiguration>");
}

void s3p_content_md5(char dst[24], const void *body, size_t len)
{
    uint8_t md5[S3P_MD5_BYTES];
    s3p_md5(body, len, md5);
    s3p_base64(dst, md5, sizeof md5);
}
