#include "server/routes.h"

#include <string.h>

#include "server/ops.h"
#include "server/settings.h"

static const char *const get_args[] = {"response-content-type",
                                       "response-content-language",
                                       "response-expires",
                                       "response-cache-control",
                                       "response-content-disposition",
                                       "response-content-encoding",
                                       "partNumber",
                                       "versionId",
                                       NULL};
static const char *const list_v1_args[] = {"prefix",   "delimiter",     "marker",
                                           "max-keys", "encoding-type", NULL};
static const char *const list_v2_args[] = {
    "prefix",        "delimiter",          "start-after", "max-keys",
    "encoding-type", "continuation-token", "fetch-owner", NULL};

static const char *const part_args[] = {"partNumber", NULL};
static const char *const list_parts_args[] = {"max-parts", "part-number-marker", "encoding-type",
                                              NULL};
static const char *const list_uploads_args[] = {
    "prefix", "delimiter", "key-marker", "upload-id-marker", "max-uploads", "encoding-type", NULL};

static const char *const version_args[] = {"versionId", NULL};
static const char *const list_versions_args[] = {
    "prefix", "delimiter", "key-marker", "version-id-marker", "max-keys", "encoding-type", NULL};

#define REFUSED 0, NULL, NULL, NULL
#define SETTING_PUT(flag) flag, NULL, s3p_srv_put_setting_check, s3p_srv_put_setting
#define SETTING_GET(flag) flag, NULL, s3p_srv_setting_check, s3p_srv_get_setting
#define SETTING_DELETE(flag) flag, NULL, s3p_srv_setting_check, s3p_srv_delete_setting

/* Rows with a selector stand before the plain row of their method and level. */
static const struct s3p_srv_route rows[] = {
    {"ListBuckets", "GET", S3P_SRV_SERVICE, NULL, 0, NULL, NULL, s3p_srv_list_buckets},

    {"GetBucketLocation", "GET", S3P_SRV_BUCKET, "location", 0, NULL, NULL,
     s3p_srv_bucket_location},
    {"ListObjectsV2", "GET", S3P_SRV_BUCKET, "list-type", S3P_SRV_ROUTE_PUBLIC, list_v2_args,
     NULL,
     s3p_srv_list_objects_v2},
    {"ListObjectVersions", "GET", S3P_SRV_BUCKET, "versions", 0, list_versions_args, NULL,
     s3p_srv_list_versions},
    {"ListMultipartUploads", "GET", S3P_SRV_BUCKET, "uploads", 0, list_uploads_args, NULL,
     s3p_srv_list_uploads},
    {"GetBucketVersioning", "GET", S3P_SRV_BUCKET, "versioning", 0, NULL, NULL,
     s3p_srv_get_versioning},
    {"GetBucketLifecycleConfiguration", "GET", S3P_SRV_BUCKET, "lifecycle",
     SETTING_GET(S3P_SRV_ROUTE_LIFECYCLE)},
    {"GetBucketReplication", "GET", S3P_SRV_BUCKET, "replication",
     SETTING_GET(S3P_SRV_ROUTE_REPLICATION)},
    {"GetBucketPolicy", "GET", S3P_SRV_BUCKET, "policy", SETTING_GET(S3P_SRV_ROUTE_POLICY)},
    {"GetObjectLockConfiguration", "GET", S3P_SRV_BUCKET, "object-lock",
     SETTING_GET(S3P_SRV_ROUTE_LOCKS)},
    {"GetBucketAcl", "GET", S3P_SRV_BUCKET, "acl", REFUSED},
    {"GetBucketTagging", "GET", S3P_SRV_BUCKET, "tagging", REFUSED},
    {"ListObjects", "GET", S3P_SRV_BUCKET, NULL, S3P_SRV_ROUTE_PUBLIC, list_v1_args, NULL,
     s3p_srv_list_objects},
    {"HeadBucket", "HEAD", S3P_SRV_BUCKET, NULL, 0, NULL, NULL, s3p_srv_head_bucket},
    {"PutBucketVersioning", "PUT", S3P_SRV_BUCKET, "versioning", 0, NULL, NULL,
     s3p_srv_put_versioning},
    {"PutBucketLifecycleConfiguration", "PUT", S3P_SRV_BUCKET, "lifecycle",
     SETTING_PUT(S3P_SRV_ROUTE_LIFECYCLE)},
    {"PutBucketReplication", "PUT", S3P_SRV_BUCKET, "replication",
     SETTING_PUT(S3P_SRV_ROUTE_REPLICATION)},
    {"PutBucketPolicy", "PUT", S3P_SRV_BUCKET, "policy", SETTING_PUT(S3P_SRV_ROUTE_POLICY)},
    {"PutObjectLockConfiguration", "PUT", S3P_SRV_BUCKET, "object-lock",
     SETTING_PUT(S3P_SRV_ROUTE_LOCKS)},
    {"PutBucketTagging", "PUT", S3P_SRV_BUCKET, "tagging", REFUSED},
    {"CreateBucket", "PUT", S3P_SRV_BUCKET, NULL, S3P_SRV_ROUTE_NO_BUCKET, NULL, NULL,
     s3p_srv_create_bucket},
    {"DeleteBucketLifecycle", "DELETE", S3P_SRV_BUCKET, "lifecycle",
     SETTING_DELETE(S3P_SRV_ROUTE_LIFECYCLE)},
    {"DeleteBucketReplication", "DELETE", S3P_SRV_BUCKET, "replication",
     SETTING_DELETE(S3P_SRV_ROUTE_REPLICATION)},
    {"DeleteBucketPolicy", "DELETE", S3P_SRV_BUCKET, "policy",
     SETTING_DELETE(S3P_SRV_ROUTE_POLICY)},
    {"DeleteBucket", "DELETE", S3P_SRV_BUCKET, NULL, 0, NULL, NULL, s3p_srv_delete_bucket},
    {"DeleteObjects", "POST", S3P_SRV_BUCKET, "delete", S3P_SRV_ROUTE_BYPASS, NULL,
     s3p_srv_delete_objects_check, s3p_srv_delete_objects},
    {"PostObject", "POST", S3P_SRV_BUCKET, NULL, REFUSED},

    {"ListParts", "GET", S3P_SRV_OBJECT, "uploadId", 0, list_parts_args, s3p_srv_upload_check,
     s3p_srv_list_parts},
    {"GetObjectTagging", "GET", S3P_SRV_OBJECT, "tagging", 0, version_args, s3p_srv_tagging_check,
     s3p_srv_get_tagging},
    {"GetObjectAttributes", "GET", S3P_SRV_OBJECT, "attributes", S3P_SRV_ROUTE_ATTRIBUTES,
     version_args, s3p_srv_attributes_check, s3p_srv_attributes},
    {"GetObjectRetention", "GET", S3P_SRV_OBJECT, "retention", 0, version_args,
     s3p_srv_setting_check, s3p_srv_get_retention},
    {"GetObjectLegalHold", "GET", S3P_SRV_OBJECT, "legal-hold", 0, version_args,
     s3p_srv_setting_check, s3p_srv_get_hold},
    {"GetObjectAcl", "GET", S3P_SRV_OBJECT, "acl", REFUSED},
    {"GetObject", "GET", S3P_SRV_OBJECT, NULL, S3P_SRV_ROUTE_PUBLIC, get_args,
     s3p_srv_get_object_check, s3p_srv_get_object},
    {"HeadObject", "HEAD", S3P_SRV_OBJECT, NULL, S3P_SRV_ROUTE_PUBLIC, get_args,
     s3p_srv_get_object_check, s3p_srv_get_object},
    {"UploadPartCopy", "PUT", S3P_SRV_OBJECT, "uploadId", S3P_SRV_ROUTE_COPY | S3P_SRV_ROUTE_RANGE,
     part_args, s3p_srv_copy_part_check, s3p_srv_copy_run},
    {"UploadPart", "PUT", S3P_SRV_OBJECT, "uploadId", S3P_SRV_ROUTE_BODY, part_args,
     s3p_srv_upload_part_check, s3p_srv_upload_part},
    {"PutObjectTagging", "PUT", S3P_SRV_OBJECT, "tagging", 0, version_args,
     s3p_srv_put_tagging_check, s3p_srv_put_tagging},
    {"PutObjectRetention", "PUT", S3P_SRV_OBJECT, "retention", S3P_SRV_ROUTE_BYPASS, version_args,
     s3p_srv_put_setting_check, s3p_srv_put_retention},
    {"PutObjectLegalHold", "PUT", S3P_SRV_OBJECT, "legal-hold", 0, version_args,
     s3p_srv_put_setting_check, s3p_srv_put_hold},
    {"PutObjectAcl", "PUT", S3P_SRV_OBJECT, "acl", REFUSED},
    {"CopyObject", "PUT", S3P_SRV_OBJECT, NULL,
     S3P_SRV_ROUTE_COPY | S3P_SRV_ROUTE_META | S3P_SRV_ROUTE_TAGS | S3P_SRV_ROUTE_LOCK, NULL,
     s3p_srv_copy_object_check, s3p_srv_copy_run},
    {"PutObject", "PUT", S3P_SRV_OBJECT, NULL,
     S3P_SRV_ROUTE_BODY | S3P_SRV_ROUTE_TAGS | S3P_SRV_ROUTE_LOCK, NULL, s3p_srv_put_object_check,
     s3p_srv_put_object},
    {"AbortMultipartUpload", "DELETE", S3P_SRV_OBJECT, "uploadId", 0, NULL, s3p_srv_upload_check,
     s3p_srv_abort_upload},
    {"DeleteObjectTagging", "DELETE", S3P_SRV_OBJECT, "tagging", 0, version_args,
     s3p_srv_tagging_check, s3p_srv_delete_tagging},
    {"DeleteObject", "DELETE", S3P_SRV_OBJECT, NULL, S3P_SRV_ROUTE_BYPASS, version_args,
     s3p_srv_delete_object_check, s3p_srv_delete_object},
    {"CreateMultipartUpload", "POST", S3P_SRV_OBJECT, "uploads",
     S3P_SRV_ROUTE_UPLOAD | S3P_SRV_ROUTE_TAGS | S3P_SRV_ROUTE_LOCK, NULL,
     s3p_srv_create_upload_check,
     s3p_srv_create_upload},
    {"CompleteMultipartUpload", "POST", S3P_SRV_OBJECT, "uploadId", S3P_SRV_ROUTE_OF_OBJECT, NULL,
     s3p_srv_complete_check, s3p_srv_complete_upload},
    {"RestoreObject", "POST", S3P_SRV_OBJECT, "restore", REFUSED},
    {"SelectObjectContent", "POST", S3P_SRV_OBJECT, "select", REFUSED},
};
_Static_assert(sizeof rows / sizeof rows[0] <= S3P_SRV_ROUTES_MAX, "counters for every row");

const struct s3p_srv_route *s3p_srv_route_rows(size_t *n)
{
    *n = sizeof rows / sizeof rows[0];
    return rows;
}

static bool selected(const struct s3p_srv_route *r, const struct s3p_srv_head *h)
{
    if ((r->flags & S3P_SRV_ROUTE_COPY) != 0 && s3p_srv_head_get(h, "x-amz-copy-source").p == NULL)
        return false;
    return r->select == NULL || s3p_srv_head_arg(h, r->select) != NULL;
}

/* Arguments of the signature, and the name of the operation that some SDKs send for their logs. */
static bool common_arg(struct s3p_str name)
{
    return s3p_srv_starts(name, "X-Amz-") || s3p_str_eq(name, "x-id");
}

static bool understood(const struct s3p_srv_route *r, struct s3p_str name)
{
    if (common_arg(name) || (r->select != NULL && s3p_str_eq(name, r->select)))
        return true;
    for (const char *const *a = r->args; a != NULL && *a != NULL; a++)
        if (s3p_str_eq(name, *a))
            return true;
    return false;
}

const struct s3p_srv_route *s3p_srv_route_find(const struct s3p_srv_head *h, enum s3p_srv_error *e)
{
    enum s3p_srv_level level = h->bucket.len == 0 ? S3P_SRV_SERVICE
                               : h->key.len == 0  ? S3P_SRV_BUCKET
                                                  : S3P_SRV_OBJECT;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct s3p_srv_route *r = &rows[i];
        if (r->level != level || !s3p_str_eq(h->method, r->method) || !selected(r, h))
            continue;
        *e = r->run != NULL ? S3P_SE_NONE : S3P_SE_NOT_IMPLEMENTED;
        /* an argument that the row does not know would change what is meant */
        for (size_t k = 0; k < h->n_args && *e == S3P_SE_NONE; k++)
            if (!understood(r, h->args[k].name))
                *e = S3P_SE_NOT_IMPLEMENTED;
        return r;
    }
    *e = S3P_SE_METHOD;
    return NULL;
}

#define ALL S3P_SRV_FIELD_EVERYWHERE
static const struct s3p_srv_field_row fields[] = {
    {"x-amz-date", NULL, ALL},
    {"x-amz-content-sha256", NULL, ALL},
    {"x-amz-meta-*", NULL, ALL},
    {"x-amz-checksum-mode", NULL, ALL},
    {"x-amz-checksum-crc32", NULL, ALL},
    {"x-amz-checksum-crc32c", NULL, ALL},
    {"x-amz-checksum-crc64nvme", NULL, ALL},
    {"x-amz-checksum-sha1", NULL, ALL},
    {"x-amz-checksum-sha256", NULL, ALL},
    {"x-amz-checksum-algorithm", NULL, ALL},
    {"x-amz-checksum-type", "FULL_OBJECT", S3P_SRV_ROUTE_UPLOAD | S3P_SRV_ROUTE_OF_OBJECT},
    {"x-amz-checksum-*", NULL, 0},
    {"x-amz-sdk-checksum-algorithm", NULL, ALL},
    {"x-amz-user-agent", NULL, ALL},
    {"x-amz-acl", "private", 0},
    {"x-amz-storage-class", "STANDARD", 0},
    {"x-amz-object-ownership", "BucketOwnerEnforced", 0},
    {"x-amz-bucket-object-lock-enabled", "false", S3P_SRV_ROUTE_NO_BUCKET},
    {"x-amz-copy-source", NULL, S3P_SRV_ROUTE_COPY},
    {"x-amz-copy-source-if-*", NULL, S3P_SRV_ROUTE_COPY},
    {"x-amz-copy-source-range", NULL, S3P_SRV_ROUTE_RANGE},
    {"x-amz-copy-source*", NULL, 0},
    {"x-amz-server-side-encryption*", NULL, 0},
    {"x-amz-object-lock-mode", NULL, S3P_SRV_ROUTE_LOCK},
    {"x-amz-object-lock-retain-until-date", NULL, S3P_SRV_ROUTE_LOCK},
    {"x-amz-object-lock-legal-hold", NULL, S3P_SRV_ROUTE_LOCK},
    {"x-amz-object-lock-*", NULL, 0},
    {"x-amz-bypass-governance-retention", NULL, S3P_SRV_ROUTE_BYPASS},
    {"x-amz-grant-*", NULL, 0},
    {"x-amz-website-redirect-location", NULL, 0},
    {"x-amz-tagging", NULL, S3P_SRV_ROUTE_TAGS},
    {"x-amz-tagging-directive", NULL, S3P_SRV_ROUTE_META},
    {"x-amz-tagging*", NULL, 0},
    {"x-amz-metadata-directive", NULL, S3P_SRV_ROUTE_META},
    {"x-amz-if-match-*", NULL, 0},
    {"x-amz-write-offset-bytes", NULL, 0},
    {"x-amz-rename-source*", NULL, 0},
    {"x-amz-trailer", NULL, S3P_SRV_ROUTE_BODY},
    {"x-amz-decoded-content-length", NULL, S3P_SRV_ROUTE_BODY},
    {"x-amz-mfa", NULL, 0},
    {"x-amz-mp-object-size", NULL, S3P_SRV_ROUTE_OF_OBJECT},
    {"x-amz-object-attributes", NULL, S3P_SRV_ROUTE_ATTRIBUTES},
    {"x-amz-max-parts", NULL, S3P_SRV_ROUTE_ATTRIBUTES},
    {"x-amz-part-number-marker", NULL, S3P_SRV_ROUTE_ATTRIBUTES},
    {"x-amz-optional-object-attributes", NULL, 0},
    {"x-amz-expected-bucket-owner", NULL, 0},
    {"x-amz-security-token", NULL, 0},
};

const struct s3p_srv_field_row *s3p_srv_field_rows(size_t *n)
{
    *n = sizeof fields / sizeof fields[0];
    return fields;
}

static bool field_matches(const char *name, struct s3p_str field)
{
    size_t n = strlen(name);
    if (name[n - 1] != '*')
        return s3p_srv_same_nocase(field, name);
    char prefix[64];
    n = n - 1 < sizeof prefix - 1 ? n - 1 : sizeof prefix - 1;
    memcpy(prefix, name, n);
    prefix[n] = 0;
    return s3p_srv_starts_nocase(field, prefix);
}

enum s3p_srv_error s3p_srv_route_fields(const struct s3p_srv_route *route,
                                        const struct s3p_srv_head *h, uint64_t *ignored)
{
    *ignored = 0;
    for (size_t i = 0; i < h->n_fields; i++) {
        if (!s3p_srv_starts_nocase(h->fields[i].name, "x-amz-"))
            continue;
        size_t k = 0, n = sizeof fields / sizeof fields[0];
        while (k < n && !field_matches(fields[k].name, h->fields[i].name))
            k++;
        if (k == n) {
            (*ignored)++;
            continue;
        }
        if (fields[k].taken != ALL && (fields[k].taken & route->flags) == 0 &&
            (fields[k].only == NULL || !s3p_str_eq(h->fields[i].value, fields[k].only)))
            return S3P_SE_NOT_IMPLEMENTED;
    }
    return S3P_SE_NONE;
}
