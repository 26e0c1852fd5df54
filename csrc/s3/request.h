/* Writes the complete head of a signed S3 request into a reused buffer. No allocation after the
 * buffers have grown. Wire headers and canonical form come from the same sorted array, so what is
 * signed is sent. Threads: a context belongs to its worker. */
#ifndef S3P_S3_REQUEST_H
#define S3P_S3_REQUEST_H

#include "s3/etag.h"
#include "s3/id.h"
#include "s3/op.h"
#include "s3/sign.h"

struct s3p_request {
    enum s3p_op op;
    struct s3p_str bucket, key; /* raw bytes; key empty for bucket operations */
    /* conditions and range */
    enum s3p_cond cond;
    struct s3p_str cond_value; /* ETag as received (quoted), or HTTP date; unused for *_ANY */
    bool ranged;
    uint64_t range_first, range_last; /* inclusive; range_last UINT64_MAX: to the end */
    /* body */
    uint64_t body_len;
    struct s3p_id id; /* goes out as x-amz-meta-s3p-id on writes; none: not sent */
    struct s3p_str content_md5; /* base64, delete_objects needs it; empty: not sent */
    enum s3p_payload payload;
    uint8_t payload_sha256[S3P_SHA256_BYTES]; /* for S3P_PAYLOAD_SIGNED */
    /* list */
    struct s3p_str prefix, delimiter, start, token; /* start: start-after (V2) or marker (V1) */
    int max_keys; /* 0: not sent */
};

struct s3p_request_ctx { /* per worker */
    struct s3p_signer signer;
    struct s3p_str authority;   /* Host header */
    bool virtual_host;          /* bucket in the host name instead of the path */
    struct s3p_buf scratch;     /* canonical forms */
    char date[16];              /* cached, for the second `date_s` */
    int64_t date_s;
};
/* Borrows the texts of `cred` and `authority`. A context that failed to init may be freed. */
int s3p_request_ctx_init(struct s3p_request_ctx *c, const struct s3p_credentials *cred,
                         struct s3p_str authority, bool virtual_host,
                         struct s3p_err *err) S3P_MUST_CHECK;
void s3p_request_ctx_free(struct s3p_request_ctx *c);

/* Appends the head (request line, headers, Authorization, blank line). False when `out` or the
 * scratch (64 KiB) ran over its bound, or the condition's value holds a control byte. */
bool s3p_request_write(struct s3p_request_ctx *c, const struct s3p_request *r, int64_t wall_s,
                       struct s3p_buf *out);

/* The body of DeleteObjects (quiet false) for n keys; XML-escaped. */
void s3p_delete_body(struct s3p_buf *out, const struct s3p_str *keys, int n);
void s3p_content_md5(char dst[24], const void *body, size_t len); /* base64 of MD5 */

#endif
