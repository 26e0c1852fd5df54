#include "server/describe.h"

#include <string.h>

#include "server/routes.h"

static const struct {
    const char *operation, *about;
} abouts[] = {
    {"ListBuckets", "all buckets, in one page"},
    {"GetBucketLocation", "the LocationConstraint that the bucket was made with"},
    {"ListObjectsV2", "current objects, in byte order of their keys"},
    {"ListObjectVersions", "versions and delete markers: keys in order, newest first"},
    {"ListMultipartUploads", "uploads on their way, by key, then by their beginning"},
    {"GetBucketVersioning", "Enabled, Suspended, or nothing"},
    {"ListObjects", "as ListObjectsV2, in pages by marker"},
    {"HeadBucket", "whether it exists"},
    {"PutBucketVersioning", "Enabled or Suspended; MfaDelete is refused"},
    {"CreateBucket", "BucketAlreadyOwnedByYou when it exists"},
    {"DeleteBucket", "when no object, version or marker is left; takes uploads along"},
    {"DeleteObjects", "up to 1,000 keys or versions; each by itself, with its own ETag condition"},
    {"ListParts", "parts of an upload, by their numbers"},
    {"GetObjectTagging", "tags of the current or of one version"},
    {"GetObjectAttributes", "ETag, Checksum, ObjectParts, ObjectSize, StorageClass"},
    {"GetObject", "a whole object, one range of bytes, or one part"},
    {"HeadObject", "as GetObject, without the body"},
    {"UploadPartCopy", "a part from a range of another object"},
    {"UploadPart", "a part; one of the same number is replaced"},
    {"PutObjectTagging", "up to ten tags, in place of all that were there"},
    {"CopyObject", "a new object from another one, with its metadata and tags or new ones"},
    {"PutObject", "a new object; with conditions, checked when it is committed"},
    {"AbortMultipartUpload", "the upload and its parts go"},
    {"DeleteObjectTagging", "all tags go"},
    {"DeleteObject", "the object goes, or a delete marker comes; with a version id that one goes"},
    {"CreateMultipartUpload", "begins an upload"},
    {"CompleteMultipartUpload", "publishes the object; a repetition gets the same answer"},
    {"PutBucketLifecycleConfiguration", "rules that expire objects, versions and uploads"},
    {"GetBucketLifecycleConfiguration", "the rules"},
    {"DeleteBucketLifecycle", "the rules go"},
    {"PutBucketReplication", "rules that copy new versions to another bucket of the store"},
    {"GetBucketReplication", "the rules"},
    {"DeleteBucketReplication", "the rules go"},
    {"PutBucketPolicy", "lets everybody read"},
    {"GetBucketPolicy", "the policy"},
    {"DeleteBucketPolicy", "the policy goes"},
    {"GetObjectLockConfiguration", "whether versions can be locked, and the default retention"},
    {"PutObjectLockConfiguration", "turns object lock on, for good; with a default retention"},
    {"PutObjectRetention", "how long a version stays; shorter only with a bypass of GOVERNANCE"},
    {"GetObjectRetention", "the same"},
    {"PutObjectLegalHold", "ON: a version must stay; OFF"},
    {"GetObjectLegalHold", "the same"},
    {"GetBucketAcl", "access control lists"},
    {"GetBucketTagging", "tags of buckets"},
    {"PutBucketTagging", "tags of buckets"},
    {"PostObject", "uploads by HTML forms"},
    {"GetObjectAcl", "access control lists"},
    {"PutObjectAcl", "access control lists"},
    {"RestoreObject", "archives"},
    {"SelectObjectContent", "queries over objects"},
};

/* Flags of rows that an option turns on. */
static const struct {
    unsigned flag;
    const char *option;
} optional[] = {
    {S3P_SRV_ROUTE_LIFECYCLE, "--lifecycle-day"},
    {S3P_SRV_ROUTE_REPLICATION, "--replication-lag"},
    {S3P_SRV_ROUTE_POLICY, "--bucket-policy"},
};

const char *s3p_srv_describe_about(const char *operation)
{
    for (size_t i = 0; i < sizeof abouts / sizeof abouts[0]; i++)
        if (strcmp(abouts[i].operation, operation) == 0)
            return abouts[i].about;
    return "";
}

static const char *option_of(const struct s3p_srv_route *r)
{
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++)
        if ((r->flags & optional[i].flag) != 0)
            return optional[i].option;
    return NULL;
}

static json_t *arguments(const struct s3p_srv_route *r)
{
    json_t *list = json_array();
    for (const char *const *a = r->args; a != NULL && *a != NULL; a++)
        json_array_append_new(list, json_string(*a));
    return list;
}

/* Headers that not every operation honours, and this one does. */
static json_t *own_headers(const struct s3p_srv_route *r)
{
    size_t n;
    const struct s3p_srv_field_row *rows = s3p_srv_field_rows(&n);
    json_t *list = json_array();
    for (size_t i = 0; i < n && r->run != NULL; i++)
        if (rows[i].taken != S3P_SRV_FIELD_EVERYWHERE && (rows[i].taken & r->flags) != 0)
            json_array_append_new(list, json_string(rows[i].name));
    return list;
}

static json_t *operations(void)
{
    static const char *const levels[] = {"service", "bucket", "object"};
    size_t n;
    const struct s3p_srv_route *rows = s3p_srv_route_rows(&n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct s3p_srv_route *r = &rows[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:b, s:o, s:o, s:s}", "name", r->name,
                            "method", r->method, "level", levels[r->level], "select", r->select,
                            "option", option_of(r), "implemented", r->run != NULL, "arguments",
                            arguments(r), "headers", own_headers(r), "about",
                            s3p_srv_describe_about(r->name)));
    }
    return list;
}

static json_t *headers(void)
{
    size_t n, n_routes;
    const struct s3p_srv_field_row *rows = s3p_srv_field_rows(&n);
    const struct s3p_srv_route *routes = s3p_srv_route_rows(&n_routes);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        bool everywhere = rows[i].taken == S3P_SRV_FIELD_EVERYWHERE;
        json_t *where = json_array();
        for (size_t k = 0; k < n_routes && !everywhere; k++)
            if (routes[k].run != NULL && (rows[i].taken & routes[k].flags) != 0)
                json_array_append_new(where, json_string(routes[k].name));
        json_array_append_new(list, json_pack("{s:s, s:b, s:o, s:s?}", "name", rows[i].name,
                                              "everywhere", everywhere, "operations", where,
                                              "only", rows[i].only));
    }
    return list;
}

static json_t *errors(void)
{
    json_t *list = json_array();
    for (int e = S3P_SE_NONE + 1; e < S3P_SE_COUNT; e++) {
        const struct s3p_srv_error_row *row = s3p_srv_error_row((enum s3p_srv_error)e);
        json_array_append_new(list, json_pack("{s:s, s:i, s:s}", "code", row->code, "status",
                                              (int)row->status, "message", row->message));
    }
    return list;
}

json_t *s3p_srv_describe(void)
{
    return json_pack("{s:o, s:o, s:o}", "operations", operations(), "headers", headers(), "errors",
                     errors());
}
