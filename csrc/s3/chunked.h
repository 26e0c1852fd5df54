/* The aws-chunked form of a body that is generated while it is sent: frames of 64 KiB, a chain of
 * signatures or a trailer with a checksum, and the length of it all known in advance.
 *
 * A signed frame begins with the signature of its bytes, so they are generated once to be hashed
 * and once more to be sent: that costs little beside SHA-256, and nothing is kept or allocated.
 * Threads: plain data of its owner; the struct holds secrets of the signer.
 * Source: S3 API reference, "Signature calculations for the Authorization header: transferring
 * payload in multiple chunks", and the page after it, "including trailing headers". */
#ifndef S3P_S3_CHUNKED_H
#define S3P_S3_CHUNKED_H

#include "s3/sign.h"
#include "s3/sum.h"

#define S3P_CHUNK_BYTES 65536u
#define S3P_CHUNK_LINE_MAX 448 /* what stands between two runs of data, trailer included */

struct s3p_chunked {
    /* set by the caller */
    enum s3p_payload payload; /* one of the three chunked ones */
    enum s3p_sum_kind sum;    /* of the trailer, if the payload has one */
    uint64_t len;             /* of the body itself */
    /* writes body bytes [offset, offset + n); any offset in ascending order, each at most twice */
    void (*fill)(void *arg, uint64_t offset, uint8_t *dst, size_t n);
    void *fill_arg;
    /* state */
    struct s3p_signer signer; /* a copy: the owner's may go on to another day meanwhile */
    char date[16], previous[64];
    uint64_t at, data_left;   /* of the body: sent; still in this frame */
    bool ended;
    struct s3p_sum running;
    char line[S3P_CHUNK_LINE_MAX];
    size_t line_len, line_at;
};

static inline bool s3p_payload_is_chunked(enum s3p_payload p)
{
    return p >= S3P_PAYLOAD_CHUNKED;
}
static inline bool s3p_payload_has_trailer(enum s3p_payload p)
{
    return p == S3P_PAYLOAD_CHUNKED_TRAILER || p == S3P_PAYLOAD_UNSIGNED_TRAILER;
}
/* Bytes of the whole form of a body of `len` bytes. */
uint64_t s3p_chunked_len(enum s3p_payload payload, enum s3p_sum_kind sum, uint64_t len);
/* `seed`: the signature of the request's head, 64 hex digits; `date`: its x-amz-date. */
void s3p_chunked_start(struct s3p_chunked *c, const struct s3p_signer *signer, const char *seed,
                       const char date[16]);
/* The next `n` bytes of the form. */
void s3p_chunked_next(struct s3p_chunked *c, uint8_t *dst, size_t n);

#endif
