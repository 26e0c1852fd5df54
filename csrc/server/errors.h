/* The S3 error codes that the store answers, one row each: HTTP status, Code, Message.
 * Source: the error table of the S3 API reference; where it leaves a choice the store's own is
 * noted in errors.c. */
#ifndef S3P_SERVER_ERRORS_H
#define S3P_SERVER_ERRORS_H

#include "core/buf.h"

enum s3p_srv_error {
    S3P_SE_NONE,
    S3P_SE_ACCESS_DENIED,
    S3P_SE_ACCESS_KEY_UNKNOWN,
    S3P_SE_SIGNATURE,
    S3P_SE_SKEWED,
    S3P_SE_EXPIRED,
    S3P_SE_NOT_SIGNED,
    S3P_SE_AUTH_HEADER,
    S3P_SE_AUTH_QUERY,
    S3P_SE_AUTH_DATE,
    S3P_SE_HEADER_REGION,
    S3P_SE_QUERY_REGION,
    S3P_SE_HASH_MISSING,
    S3P_SE_HASH_VALUE,
    S3P_SE_HASH_MISMATCH,
    S3P_SE_NOT_IMPLEMENTED,
    S3P_SE_METHOD,
    S3P_SE_URI,
    S3P_SE_HEADERS,
    S3P_SE_FRAMING,
    S3P_SE_BUCKET_NAME,
    S3P_SE_NO_BUCKET,
    S3P_SE_BUCKET_EXISTS,
    S3P_SE_BUCKET_NOT_EMPTY,
    S3P_SE_NO_KEY,
    S3P_SE_KEY_LONG,
    S3P_SE_ARGUMENT,
    S3P_SE_RANGE,
    S3P_SE_PRECONDITION,
    S3P_SE_CONFLICT,
    S3P_SE_NOT_MODIFIED,
    S3P_SE_DIGEST_FORM,
    S3P_SE_DIGEST,
    S3P_SE_SUM_FORM,
    S3P_SE_SUM,
    S3P_SE_SUM_MISSING,
    S3P_SE_LENGTH_MISSING,
    S3P_SE_LENGTH_SHORT,
    S3P_SE_TOO_LARGE,
    S3P_SE_METADATA,
    S3P_SE_XML,
    S3P_SE_XML_LARGE,
    S3P_SE_NO_UPLOAD,
    S3P_SE_PART,
    S3P_SE_PART_ORDER,
    S3P_SE_PART_SMALL,
    S3P_SE_PART_NUMBER,
    S3P_SE_PART_RANGE,
    S3P_SE_PART_AND_RANGE,
    S3P_SE_SUM_TYPE,
    S3P_SE_PART_SUM_MISSING,
    S3P_SE_OBJECT_SIZE,
    S3P_SE_COPY_SOURCE,
    S3P_SE_COPY_SELF,
    S3P_SE_COPY_LARGE,
    S3P_SE_TAG,
    S3P_SE_NO_VERSION,
    S3P_SE_VERSION_FORM,
    S3P_SE_COPY_MARKER,
    S3P_SE_TAGS_MANY,
    S3P_SE_TAG_HEADER,
    S3P_SE_RULE,
    S3P_SE_RULE_ARGUMENT,
    S3P_SE_NO_LIFECYCLE,
    S3P_SE_NO_REPLICATION,
    S3P_SE_REPLICATION_SOURCE,
    S3P_SE_REPLICATION_TARGET,
    S3P_SE_BUCKET_STATE,
    S3P_SE_LOCKED,
    S3P_SE_LOCK_PAIR,
    S3P_SE_LOCK_MODE,
    S3P_SE_LOCK_DATE,
    S3P_SE_LOCK_PAST,
    S3P_SE_LOCK_HOLD,
    S3P_SE_LOCK_PERIOD,
    S3P_SE_LOCK_BUCKET,
    S3P_SE_LOCK_UNVERSIONED,
    S3P_SE_LOCK_STATE,
    S3P_SE_NO_LOCK,
    S3P_SE_NO_LOCKS,
    S3P_SE_NO_POLICY,
    S3P_SE_POLICY,
    S3P_SE_ANONYMOUS_FIELDS,
    S3P_SE_SLOW,
    S3P_SE_BUSY,
    S3P_SE_INTERNAL,
    S3P_SE_COUNT,
};

struct s3p_srv_error_row {
    unsigned status;
    const char *code, *message;
};

const struct s3p_srv_error_row *s3p_srv_error_row(enum s3p_srv_error e); /* never NULL; statics */

/* Appends the error document. The texts are data and get escaped; `region` is what a wrong region
 * should have been. */
void s3p_srv_error_xml(struct s3p_buf *out, enum s3p_srv_error e, struct s3p_str resource,
                       struct s3p_str id, const char *region);

#endif
