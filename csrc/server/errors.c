#include "server/errors.h"

#include <string.h>

#include "server/xml_write.h"

static const struct s3p_srv_error_row rows[S3P_SE_COUNT] = {
    [S3P_SE_NONE] = {200, "", ""},
    [S3P_SE_ACCESS_DENIED] = {403, "AccessDenied", "Access Denied"},
    [S3P_SE_ACCESS_KEY_UNKNOWN] = {403, "InvalidAccessKeyId",
                                   "The access key Id you provided does not exist in our records."},
    [S3P_SE_SIGNATURE] = {403, "SignatureDoesNotMatch",
                          "The request signature we calculated does not match the signature you "
                          "provided. Check your key and signing method."},
    [S3P_SE_SKEWED] =
        {403, "RequestTimeTooSkewed",
         "The difference between the request time and the current time is too large."},
    [S3P_SE_EXPIRED] = {403, "AccessDenied", "Request has expired"},
    [S3P_SE_NOT_SIGNED] = {403, "AccessDenied",
                           "There were headers present in the request which were not signed"},
    [S3P_SE_AUTH_HEADER] = {400, "AuthorizationHeaderMalformed",
                            "The authorization header that you provided is not valid."},
    [S3P_SE_AUTH_QUERY] = {400, "AuthorizationQueryParametersError",
                           "The query parameters of the presigned request are not valid."},
    [S3P_SE_AUTH_DATE] = {403, "AccessDenied",
                          "AWS authentication requires a valid Date or x-amz-date header"},
    [S3P_SE_HEADER_REGION] =
        {400, "AuthorizationHeaderMalformed",
         "The authorization header is malformed; the region is wrong; expecting the one named."},
    [S3P_SE_QUERY_REGION] =
        {400, "AuthorizationQueryParametersError",
         "Error parsing the X-Amz-Credential parameter; the region is wrong; expecting the one "
         "named."},
    [S3P_SE_HASH_MISSING] = {400, "InvalidRequest",
                             "Missing required header for this request: x-amz-content-sha256"},
    [S3P_SE_HASH_VALUE] =
        {400, "InvalidArgument",
         "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value."},
    [S3P_SE_HASH_MISMATCH] = {400, "XAmzContentSHA256Mismatch",
                              "The provided 'x-amz-content-sha256' header does not match what was "
                              "computed."},
    [S3P_SE_NOT_IMPLEMENTED] =
        {501, "NotImplemented",
         "A header, parameter or operation you provided implies functionality "
         "that is not implemented."},
    [S3P_SE_METHOD] = {405, "MethodNotAllowed",
                       "The specified method is not allowed against this resource."},
    [S3P_SE_URI] = {400, "InvalidURI", "Couldn't parse the specified URI."},
    [S3P_SE_HEADERS] = {400, "RequestHeaderSectionTooLarge",
                        "Your request header section exceeds the maximum allowed."},
    [S3P_SE_FRAMING] = {400, "InvalidRequest",
                        "More than one header says where the body ends."},
    [S3P_SE_BUCKET_NAME] = {400, "InvalidBucketName", "The specified bucket is not valid."},
    [S3P_SE_NO_BUCKET] = {404, "NoSuchBucket", "The specified bucket does not exist"},
    [S3P_SE_BUCKET_EXISTS] = {409, "BucketAlreadyOwnedByYou",
                              "Your previous request to create the named bucket succeeded and you "
                              "already own it."},
    [S3P_SE_BUCKET_NOT_EMPTY] = {409, "BucketNotEmpty",
                                 "The bucket you tried to delete is not empty"},
    [S3P_SE_NO_KEY] = {404, "NoSuchKey", "The specified key does not exist."},
    [S3P_SE_KEY_LONG] = {400, "KeyTooLongError", "Your key is too long"},
    [S3P_SE_ARGUMENT] = {400, "InvalidArgument", "Invalid Argument"},
    [S3P_SE_RANGE] = {416, "InvalidRange", "The requested range is not satisfiable"},
    [S3P_SE_PRECONDITION] = {412, "PreconditionFailed",
                             "At least one of the pre-conditions you specified did not hold"},
    [S3P_SE_CONFLICT] = {409, "ConditionalRequestConflict",
                         "The conditional request cannot succeed because of a conflicting "
                         "operation."},
    [S3P_SE_NOT_MODIFIED] = {304, "NotModified", "Not Modified"},
    [S3P_SE_DIGEST_FORM] = {400, "InvalidDigest", "The Content-MD5 you specified was invalid."},
    [S3P_SE_DIGEST] = {400, "BadDigest",
                       "The Content-MD5 you specified did not match what we received."},
    [S3P_SE_SUM_FORM] = {400, "InvalidRequest", "Value for x-amz-checksum header is invalid."},
    [S3P_SE_SUM] = {400, "BadDigest",
                    "The checksum you specified did not match the calculated checksum."},
    [S3P_SE_SUM_MISSING] = {400, "InvalidRequest",
                            "Missing required header for this request: Content-MD5 OR "
                            "x-amz-checksum-*"},
    [S3P_SE_LENGTH_MISSING] = {411, "MissingContentLength",
                               "You must provide the Content-Length HTTP header."},
    [S3P_SE_LENGTH_SHORT] = {400, "IncompleteBody",
                             "You did not provide the number of bytes specified by the "
                             "Content-Length HTTP header"},
    [S3P_SE_TOO_LARGE] = {400, "EntityTooLarge",
                          "Your proposed upload exceeds the maximum allowed size"},
    [S3P_SE_METADATA] = {400, "MetadataTooLarge",
                         "Your metadata headers exceed the maximum allowed metadata size"},
    [S3P_SE_XML] = {400, "MalformedXML",
                    "The XML you provided was not well-formed or did not validate against our "
                    "published schema"},
    [S3P_SE_XML_LARGE] = {400, "MaxMessageLengthExceeded", "Your request was too big."},
    [S3P_SE_NO_UPLOAD] = {404, "NoSuchUpload",
                          "The specified upload does not exist. The upload ID may be invalid, or "
                          "the upload may have been aborted or completed."},
    [S3P_SE_PART] = {400, "InvalidPart",
                     "One or more of the specified parts could not be found. The part may not have "
                     "been uploaded, or the specified entity tag may not match the part's entity "
                     "tag."},
    [S3P_SE_PART_ORDER] = {400, "InvalidPartOrder",
                           "The list of parts was not in ascending order. Parts must be ordered by "
                           "part number."},
    [S3P_SE_PART_SMALL] = {400, "EntityTooSmall",
                           "Your proposed upload is smaller than the minimum allowed size"},
    [S3P_SE_PART_NUMBER] = {400, "InvalidArgument",
                            "Part number must be an integer between 1 and 10000, inclusive"},
    [S3P_SE_PART_RANGE] = {416, "InvalidPartNumber", "The requested partnumber is not satisfiable"},
    [S3P_SE_PART_AND_RANGE] = {400, "InvalidRequest",
                               "Cannot specify both Range header and partNumber query parameter"},
    [S3P_SE_SUM_TYPE] = {400, "InvalidRequest",
                         "The checksum algorithm or type does not fit the upload."},
    [S3P_SE_PART_SUM_MISSING] = {400, "InvalidRequest",
                                 "The checksum of the upload is made of its parts' checksums: the "
                                 "request must include that of each part."},
    [S3P_SE_OBJECT_SIZE] = {400, "InvalidRequest",
                            "The provided 'x-amz-mp-object-size' does not match what was uploaded"},
    [S3P_SE_COPY_SOURCE] = {400, "InvalidArgument",
                            "Copy Source must mention the source bucket and key: "
                            "sourcebucket/sourcekey"},
    [S3P_SE_COPY_SELF] = {400, "InvalidRequest",
                          "This copy request is illegal because it is trying to copy an object to "
                          "itself without changing the object's metadata."},
    [S3P_SE_COPY_LARGE] =
        {400, "InvalidRequest",
         "The specified copy source is larger than the maximum allowable size for "
         "a copy source: 5368709120"},
    [S3P_SE_TAG] = {400, "InvalidTag", "The tag provided was not a valid tag."},
    [S3P_SE_TAGS_MANY] = {400, "BadRequest", "Object tags cannot be greater than 10"},
    [S3P_SE_TAG_HEADER] =
        {400, "InvalidArgument",
         "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL "
         "query parameters without tag name duplicates."},
    [S3P_SE_NO_VERSION] = {404, "NoSuchVersion", "The specified version does not exist."},
    [S3P_SE_VERSION_FORM] = {400, "InvalidArgument", "Invalid version id specified"},
    [S3P_SE_COPY_MARKER] = {400, "InvalidRequest",
                            "The source of a copy request may not specifically refer to a delete "
                            "marker by version id."},
    [S3P_SE_RULE] = {400, "InvalidRequest",
                     "A rule has no action, or a filter that its actions do not allow, or one that "
                     "no object fits."},
    [S3P_SE_RULE_ARGUMENT] = {400, "InvalidArgument",
                              "A rule has an id or a number that is not allowed: ids are unique "
                              "and up to 255 characters, days are positive, dates are at "
                              "midnight."},
    [S3P_SE_NO_LIFECYCLE] = {404, "NoSuchLifecycleConfiguration",
                             "The lifecycle configuration does not exist"},
    [S3P_SE_NO_REPLICATION] = {404, "ReplicationConfigurationNotFoundError",
                               "The replication configuration was not found"},
    [S3P_SE_REPLICATION_SOURCE] = {400, "InvalidRequest",
                                   "Versioning must be 'Enabled' on the bucket to apply a "
                                   "replication configuration"},
    [S3P_SE_REPLICATION_TARGET] = {400, "InvalidRequest",
                                   "The destination must be another bucket of this store, with "
                                   "versioning enabled."},
    [S3P_SE_BUCKET_STATE] = {409, "InvalidBucketState",
                             "A replication configuration is present on this bucket, so you cannot "
                             "change the versioning state."},
    [S3P_SE_LOCKED] = {403, "AccessDenied",
                       "Access Denied because object protected by object lock."},
    [S3P_SE_LOCK_PAIR] = {400, "InvalidArgument",
                          "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must "
                          "both be supplied"},
    [S3P_SE_LOCK_MODE] = {400, "InvalidArgument", "Unknown wormMode directive."},
    [S3P_SE_LOCK_DATE] = {400, "InvalidArgument",
                          "The retain until date must be provided in ISO 8601 format"},
    [S3P_SE_LOCK_PAST] = {400, "InvalidArgument", "The retain until date must be in the future!"},
    [S3P_SE_LOCK_HOLD] = {400, "InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'"},
    [S3P_SE_LOCK_PERIOD] = {400, "InvalidArgument",
                            "Default retention period must be a positive integer value, of up to "
                            "36500 days or 100 years."},
    [S3P_SE_LOCK_BUCKET] = {400, "InvalidRequest", "Bucket is missing Object Lock Configuration"},
    [S3P_SE_LOCK_UNVERSIONED] = {409, "InvalidBucketState",
                                 "Versioning must be 'Enabled' on the bucket to apply a Object "
                                 "Lock configuration"},
    [S3P_SE_LOCK_STATE] = {409, "InvalidBucketState",
                           "An Object Lock configuration is present on this bucket, so the "
                           "versioning state cannot be changed."},
    [S3P_SE_NO_LOCK] = {404, "NoSuchObjectLockConfiguration",
                        "The specified object does not have a ObjectLock configuration"},
    [S3P_SE_NO_LOCKS] = {404, "ObjectLockConfigurationNotFoundError",
                         "Object Lock configuration does not exist for this bucket"},
    [S3P_SE_NO_POLICY] = {404, "NoSuchBucketPolicy", "The bucket policy does not exist"},
    [S3P_SE_POLICY] = {400, "MalformedPolicy", "The policy is not valid for this bucket."},
    [S3P_SE_ANONYMOUS_FIELDS] = {400, "InvalidRequest",
                                 "Request specific response headers cannot be used for anonymous "
                                 "GET requests."},
    [S3P_SE_SLOW] = {503, "SlowDown", "Please reduce your request rate."},
    [S3P_SE_BUSY] = {503, "SlowDown",
                     "The store has no room left. Please reduce your request rate."},
    [S3P_SE_INTERNAL] = {500, "InternalError",
                         "We encountered an internal error. Please try again."},
};

const struct s3p_srv_error_row *s3p_srv_error_row(enum s3p_srv_error e)
{
    return (unsigned)e < S3P_SE_COUNT ? &rows[e] : &rows[S3P_SE_INTERNAL];
}

void s3p_srv_error_xml(struct s3p_buf *out, enum s3p_srv_error e, struct s3p_str resource,
                       struct s3p_str id, const char *region)
{
    const struct s3p_srv_error_row *row = s3p_srv_error_row(e);
    s3p_srv_xml_begin(out, NULL, "Error");
    s3p_srv_xml_text(out, "Code", (struct s3p_str){row->code, strlen(row->code)});
    s3p_srv_xml_text(out, "Message", (struct s3p_str){row->message, strlen(row->message)});
    if (e == S3P_SE_HEADER_REGION || e == S3P_SE_QUERY_REGION)
        s3p_srv_xml_text(out, "Region", (struct s3p_str){region, strlen(region)});
    s3p_srv_xml_text(out, "Resource", resource);
    s3p_srv_xml_text(out, "RequestId", id);
    s3p_srv_xml_close(out, "Error");
}
