/* The XML documents that requests carry, and the Content-MD5 that S3 wants with some of them.
 * Everything is escaped. Threads: plain data of the caller. */
#ifndef S3P_S3_DOCUMENTS_H
#define S3P_S3_DOCUMENTS_H

#include "core/buf.h"
#include "s3/sum.h"

struct s3p_delete_name { /* one object of a batch delete */
    struct s3p_str key, version_id, etag; /* the last two may be empty: not sent */
};
void s3p_delete_body(struct s3p_buf *out, const struct s3p_delete_name *names, int n, bool quiet);

struct s3p_complete_part {
    unsigned number;
    struct s3p_str etag;
    enum s3p_sum_kind sum; /* S3P_SUM_NONE: none is sent */
    struct s3p_str sum_text;
};
void s3p_complete_body(struct s3p_buf *out, const struct s3p_complete_part *parts, int n);

void s3p_versioning_body(struct s3p_buf *out, struct s3p_str status); /* Enabled, Suspended */

/* A rule of a bucket about some of its objects; what is 0, empty or false is not said. */
struct s3p_rule {
    struct s3p_str prefix, bucket;            /* bucket: where a rule of replication leads */
    uint64_t above, below;                    /* sizes, exclusive */
    uint64_t tags;                            /* of sets of so many (s3/tags.h) */
    uint64_t days, noncurrent_days, abort_days;
    bool markers; /* lifecycle: lone markers go; replication: markers are replicated */
};
void s3p_lifecycle_body(struct s3p_buf *out, const struct s3p_rule *rules, int n);
void s3p_replication_body(struct s3p_buf *out, const struct s3p_rule *rules, int n);

void s3p_content_md5(char dst[24], const void *body, size_t len); /* base64 of MD5 */

#endif
