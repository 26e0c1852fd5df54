/* Writes the complete head of a signed S3 request into a reused buffer. No allocation after the
 * buffers have grown. Two tables say what goes out: the query parameters by operation, and the
 * headers by the fields that are set. Wire headers and canonical form come from the same sorted
 * array, so what is signed is sent. Threads: a context belongs to its worker. */
#ifndef S3P_S3_REQUEST_H
#define S3P_S3_REQUEST_H

#include "s3/etag.h"
#include "s3/id.h"
#include "s3/op.h"
#include "s3/sign.h"
#include "s3/sum.h"

/* The source of a copy, or of a part that is copied. */
struct s3p_request_source {
    struct s3p_str bucket, key, version_id; /* version_id empty: the current one */
    enum s3p_cond cond;                     /* NONE, IF_MATCH or IF_NONE_MATCH */
    struct s3p_str cond_value;
    bool ranged;
    uint64_t range_first, range_last; /* inclusive */
};

/* Texts that are empty and numbers that are 0 are not sent. What an operation does not have is not
 * looked at where it stands in the query. */
struct s3p_request {
    enum s3p_op op;
    struct s3p_str bucket, key; /* raw bytes; key empty for bucket operations */
    struct s3p_str version_id, upload_id;
    uint64_t part_number;
    /* conditions and range */
    enum s3p_cond cond;
    struct s3p_str cond_value; /* ETag as received (quoted), or HTTP date; unused for *_ANY */
    bool ranged;
    uint64_t range_first, range_last; /* inclusive; range_last UINT64_MAX: to the end */
    /* body */
    uint64_t body_len;   /* of the body itself, also when it goes out in frames */
    struct s3p_id id;    /* goes out as x-amz-meta-s3p-id on writes */
    int fields;          /* the metadata are a set of so many (s3/tags.h); 0: the id alone */
    struct s3p_str content_md5; /* base64 */
    struct s3p_str tagging;     /* "a=b&c=d", encoded */
    enum s3p_payload payload;
    uint8_t payload_sha256[S3P_SHA256_BYTES]; /* for S3P_PAYLOAD_SIGNED */
    enum s3p_sum_kind sum; /* of the body: its value, or its trailer when the payload has one; of a
                              create_upload: the algorithm */
    char sum_text[S3P_SUM_TEXT_MAX];
    struct s3p_str sum_type; /* create_upload: COMPOSITE, FULL_OBJECT */
    bool sum_mode;           /* asks for the checksums of the object */
    /* copy, upload_part_copy */
    struct s3p_request_source source;
    struct s3p_str metadata_directive, tagging_directive; /* COPY, REPLACE */
    /* list; start: start-after (V2), marker (V1), key-marker, part-number-marker; token: the
     * continuation token, the version-id-marker, the upload-id-marker */
    struct s3p_str prefix, delimiter, start, token;
    uint64_t max_keys;
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
 * scratch (64 KiB) ran over its bound, or a condition's value holds a control byte. */
bool s3p_request_write(struct s3p_request_ctx *c, const struct s3p_request *r, int64_t wall_s,
                       struct s3p_buf *out);
/* The signature of a head that was just written: 64 hex digits in `out`. */
const char *s3p_request_signature(const struct s3p_buf *out);
/* Bytes that follow the head: the body, or its frames. */
uint64_t s3p_request_body_len(const struct s3p_request *r);
/* Appends the parameters that have values, as a query string: what a page was asked for. */
void s3p_request_args(struct s3p_buf *out, const struct s3p_request *r);

#endif
