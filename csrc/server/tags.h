/* Object tags: their two notations, as x-amz-tagging and as a document, and their rules. Kept as
 * pairs in the form of metadata. */
#ifndef S3P_SERVER_TAGS_H
#define S3P_SERVER_TAGS_H

#include "server/server.h"

#define S3P_SRV_TAGS_MAX 10

/* At most ten; keys of 1 to 128, values of up to 256 characters of those that S3 allows; no key
 * twice, none that begins with "aws:". */
enum s3p_srv_error s3p_srv_tags_check(struct s3p_str tags);
size_t s3p_srv_tags_count(struct s3p_str tags);
/* x-amz-tagging of the request into req->tags; nothing without the header. */
enum s3p_srv_error s3p_srv_collect_tags(struct s3p_srv_req *req);

#endif
