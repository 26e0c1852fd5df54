/* What the head of an answer says, in one pass over its fields. Texts point into the connection's
 * head buffer and are good until its next exchange. */
#ifndef S3P_ENGINE_ANSWER_H
#define S3P_ENGINE_ANSWER_H

#include "http/conn.h"
#include "s3/id.h"
#include "s3/tags.h"

struct s3p_answer {
    struct s3p_str etag, version_id, request_id;
    struct s3p_str checksum_name, checksum; /* name without x-amz-checksum- */
    bool composite; /* the checksum is of a multipart object's parts */
    struct s3p_id meta_id;
    int64_t last_modified; /* wall clock s; 0: none */
    bool delete_marker;
    uint64_t object_size; /* from Content-Range; UINT64_MAX: not told */
    int nfields; /* metadata s3p-…, the id among them; more than a set has: one too many */
    struct s3p_tag field[S3P_TAGS_MAX + 1]; /* not set behind nfields */
};
void s3p_answer_read(struct s3p_answer *a, const struct s3p_http1 *parsed, const char *head);

#endif
