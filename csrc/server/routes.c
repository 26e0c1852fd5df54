#include "server/routes.h"

#include <string.h>

#include "server/ops.h"

static const char *const get_args[] = {"response-content-type",
                                       "response-content-language",
                                       "response-expires",
                                       "response-cache-control",
                                       "response-content-disposition",
                                       "response-content-encoding",
                                       NULL};
static const char *const list_v1_args[] = {"prefix",   "delimiter",     "marker",
                                           "max-keys", "encoding-type", NULL};
static const char *const list_v2_args[] = {
    "prefix",        "delimiter",          "start-after", "max-keys",
    "encoding-type", "continuation-token", "fetch-owner", NULL};

#define REFUSED 0, NULL, NULL, NULL

/* Rows with a selector stand before the plain row of their method and level. */
static const struct s3p_srv_route rows[] = {
    {"ListBuckets", "GET", S3P_SRV_SERVICE, NULL, 0, NULL, NULL, s3p_srv_list_buckets},

    {"GetBucketLocation", "GET", S3P_SRV_BUCKET, "location", 0, NULL, NULL,
     s3p_srv_bucket_location},
    {"ListObjectsV2", "GET", S3P_SRV_BUCKET, "list-type", 0, list_v2_args, NULL,
     s3p_srv_list_objects_v2},
    {"ListObjectVersions", "GET", S3P_SRV_BUCKET, "versions", REFUSED},
    {"ListMultipartUploads", "GET", S3P_SRV_BUCKET, "uploads", REFUSED},
    {"GetBucketVersioning", "GET", S3P_SRV_BUCKET, "versioning", REFUSED},
    {"GetBucketLifecycleConfiguration", "GET", S3P_SRV_BUCKET, "lifecycle", REFUSED},
    {"GetBucketPolicy", "GET", S3P_SRV_BUCKET, "policy", REFUSED},
    {"GetBucketAcl", "GET", S3P_SRV_BUCKET, "acl", REFUSED},
    {"GetBucketTagging", "GET", S3P_SRV_BUCKET, "tagging", REFUSED},
    {"ListObjects", "GET", S3P_SRV_BUCKET, NULL, 0, list_v1_args, NULL, s3p_srv_list_objects},
    {"HeadBucket", "HEAD", S3P_SRV_BUCKET, NULL, 0, NULL, NULL, s3p_srv_head_bucket},
    {"PutBucketVersioning", "PUT", S3P_SRV_BUCKET, "versioning", REFUSED},
    {"PutBucketLifecycleConfiguration", "PUT", S3P_SRV_BUCKET, "lifecycle", REFUSED},
    {"PutBucketPolicy", "PUT", S3P_SRV_BUCKET, "policy", REFUSED},
    {"PutBucketTagging", "PUT", S3P_SRV_BUCKET, "tagging", REFUSED},
    {"CreateBucket", "PUT", S3P_SRV_BUCKET, NULL, S3P_SRV_ROUTE_NO_BUCKET, NULL, NULL,
     s3p_srv_create_bucket},
    {"DeleteBucket", "DELETE", S3P_SRV_BUCKET, NULL, 0, NULL, NULL, s3p_srv_delete_bucket},
    {"DeleteObjects", "POST", S3P_SRV_BUCKET, "delete", 0, NULL, s3p_srv_delete_objects_check,
     s3p_srv_delete_objects},
    {"PostObject", "POST", S3P_SRV_BUCKET, NULL, REFUSED},

    {"ListParts", "GET", S3P_SRV_OBJECT, "uploadId", REFUSED},
    {"GetObjectTagging", "GET", S3P_SRV_OBJECT, "tagging", REFUSED},
    {"GetObjectAttributes", "GET", S3P_SRV_OBJECT, "attributes", REFUSED},
    {"GetObjectAcl", "GET", S3P_SRV_OBJECT, "acl", REFUSED},
    {"GetObject", "GET", S3P_SRV_OBJECT, NULL, 0, get_args, s3p_srv_get_object_check,
     s3p_srv_get_object},
    {"HeadObject", "HEAD", S3P_SRV_OBJECT, NULL, 0, get_args, s3p_srv_get_object_check,
     s3p_srv_get_object},
    {"UploadPart", "PUT", S3P_SRV_OBJECT, "uploadId", REFUSED},
    {"PutObjectTagging", "PUT", S3P_SRV_OBJECT, "tagging", REFUSED},
    {"PutObjectAcl", "PUT", S3P_SRV_OBJECT, "acl", REFUSED},
    {"CopyObject", "PUT", S3P_SRV_OBJECT, "x-amz-copy-source", REFUSED},
    {"PutObject", "PUT", S3P_SRV_OBJECT, NULL, S3P_SRV_ROUTE_BODY, NULL, s3p_srv_put_object_check,
     s3p_srv_put_object},
    {"AbortMultipartUpload", "DELETE", S3P_SRV_OBJECT, "uploadId", REFUSED},
    {"DeleteObjectTagging", "DELETE", S3P_SRV_OBJECT, "tagging", REFUSED},
    {"DeleteObject", "DELETE", S3P_SRV_OBJECT, NULL, 0, NULL, s3p_srv_delete_object_check,
     s3p_srv_delete_object},
    {"CreateMultipartUpload", "POST", S3P_SRV_OBJECT, "uploads", REFUSED},
    {"CompleteMultipartUpload", "POST", S3P_SRV_OBJECT, "uploadId", REFUSED},
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
    if (r->select == NULL)
        return true;
    if (strncmp(r->select, "x-amz-", 6) == 0)
        return s3p_srv_head_get(h, r->select).p != NULL;
    return s3p_srv_head_arg(h, r->select) != NULL;
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

/* Headers with a meaning. `only`: the value that asks for nothing new; NULL: every value is
 * refused. `any`: taken, or without effect here. A name that ends in '*' is a prefix. */
static const struct {
    const char *name, *only;
    bool any;
} fields[] = {
    {"x-amz-date", NULL, true},
    {"x-amz-content-sha256", NULL, true},
    {"x-amz-meta-*", NULL, true},
    {"x-amz-checksum-mode", NULL, true},
    {"x-amz-checksum-crc32", NULL, true},
    {"x-amz-checksum-crc32c", NULL, true},
    {"x-amz-checksum-crc64nvme", NULL, true},
    {"x-amz-checksum-sha1", NULL, true},
    {"x-amz-checksum-sha256", NULL, true},
    {"x-amz-checksum-algorithm", NULL, true},
    {"x-amz-checksum-type", "FULL_OBJECT", false},
    {"x-amz-checksum-*", NULL, false},
    {"x-amz-sdk-checksum-algorithm", NULL, true},
    {"x-amz-user-agent", NULL, true},
    {"x-amz-acl", "private", false},
    {"x-amz-storage-class", "STANDARD", false},
    {"x-amz-object-ownership", "BucketOwnerEnforced", false},
    {"x-amz-bucket-object-lock-enabled", "false", false},
    {"x-amz-copy-source*", NULL, false},
    {"x-amz-server-side-encryption*", NULL, false},
    {"x-amz-object-lock-*", NULL, false},
    {"x-amz-bypass-governance-retention", NULL, false},
    {"x-amz-grant-*", NULL, false},
    {"x-amz-website-redirect-location", NULL, false},
    {"x-amz-tagging*", NULL, false},
    {"x-amz-metadata-directive", NULL, false},
    {"x-amz-if-match-*", NULL, false},
    {"x-amz-write-offset-bytes", NULL, false},
    {"x-amz-rename-source*", NULL, false},
    {"x-amz-trailer", NULL, false},
    {"x-amz-decoded-content-length", NULL, false},
    {"x-amz-mfa", NULL, false},
    {"x-amz-mp-object-size", NULL, false},
    {"x-amz-object-attributes", NULL, false},
    {"x-amz-optional-object-attributes", NULL, false},
    {"x-amz-expected-bucket-owner", NULL, false},
    {"x-amz-security-token", NULL, false},
};

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

enum s3p_srv_error s3p_srv_route_fields(const struct s3p_srv_head *h, uint64_t *ignored)
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
        if (!fields[k].any &&
            (fields[k].only == NULL || !s3p_str_eq(h->fields[i].value, fields[k].only)))
            return S3P_SE_NOT_IMPLEMENTED;
    }
    return S3P_SE_NONE;
}
