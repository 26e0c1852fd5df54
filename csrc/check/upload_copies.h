/* What pages and Completes say of a part. The copies of a part replace each other, so a part is a
 * register: from the return of an acknowledged copy on it is not one that had returned before that
 * was called. A copy of unknown outcome may come at any time, one that a proxy touched may be
 * anything, and an ETag that nobody told may be any.
 *
 * Threads: pure functions. Source: S3 API Reference, UploadPart ("overwritten"), and
 * CompleteMultipartUpload, error InvalidPart. */
#ifndef S3P_CHECK_UPLOAD_COPIES_H
#define S3P_CHECK_UPLOAD_COPIES_H

#include "check/objects.h"

#define S3P_SIZE_UNTOLD UINT64_MAX

struct s3p_part_claim { /* the part is like this, at some time from `from` on */
    uint32_t upload;
    uint64_t number;
    uint64_t etag, size; /* 0, S3P_SIZE_UNTOLD: not told */
    int64_t from;
};

struct s3p_part_fit { /* NULL: there is none */
    const struct s3p_sent_part *fitting, *other; /* the last copies that it fits, and does not */
    const struct s3p_sent_part *later; /* what had replaced all that it fits */
};
struct s3p_part_fit s3p_part_fit(const struct s3p_objects *o, const struct s3p_part_claim *c);

#endif
