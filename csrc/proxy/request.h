/* What a request is, from its head: the operation, bucket and key, and the id of its value.
 * Path-style addressing. */
#ifndef S3P_PROXY_REQUEST_H
#define S3P_PROXY_REQUEST_H

#include "http/http1.h"
#include "s3/op.h"

#define S3P_PX_KEY_MAX 1024
#define S3P_PX_TARGET_MAX 4096 /* longer ones are cut in the log */
#define S3P_PX_ID_MAX 64

struct s3p_px_request {
    enum s3p_op op; /* S3P_OP_NONE: something else */
    bool expects, head; /* Expect: 100-continue; the method is HEAD */
    char method[16];
    char target[S3P_PX_TARGET_MAX + 1];
    char key[S3P_PX_KEY_MAX + 1]; /* decoded; "" for a bucket */
    char s3p_id[S3P_PX_ID_MAX + 1]; /* x-amz-meta-s3p-id */
    size_t prefix_len; /* of the target: up to the last '/' of the key, for throttling */
};

/* `head` is what `h` was parsed from. */
void s3p_px_request_read(struct s3p_px_request *r, const struct s3p_http1 *h, const char *head);

#endif
