/* The body of a request on its way in: small ones stay in memory, larger ones go to a staged body
 * file; digests are taken on the way and compared at the end. Threads: the owner of the request. */
#ifndef S3P_SERVER_INTAKE_H
#define S3P_SERVER_INTAKE_H

#include "core/digest.h"
#include "server/auth.h"
#include "server/chunks.h"
#include "server/store.h"
#include "server/sums.h"

enum s3p_srv_body_kind {
    S3P_SRV_BODY_DOCUMENT,
    S3P_SRV_BODY_OBJECT, /* the digests that a record needs are taken even when not asked for */
    S3P_SRV_BODY_ABOUT,  /* a document; checksum headers are not of it but of the object it makes */
};

struct s3p_srv_intake {
    uint64_t declared, got; /* bytes: Content-Length, received */
    uint64_t memory_max;    /* longer bodies go to a file */
    struct s3p_buf memory;
    int fd;      /* staged file, else -1 */
    bool staged; /* the file is this request's: removed when it is not committed */
    uint64_t body_id;
    bool any_length; /* mutants: `declared` is not looked at */
    bool failed;     /* a write to the file failed */
    bool hash;       /* SHA-256 of the payload wanted */
    bool md5_wanted; /* of objects, or because of Content-MD5 */
    bool md5_given;
    uint8_t md5_header[S3P_MD5_BYTES], md5[S3P_MD5_BYTES];
    uint8_t sum_header[S3P_SRV_SUM_MAX], sum[S3P_SRV_SUM_MAX];
    size_t sum_len;
    enum s3p_srv_sum_kind sum_given;  /* by the client, to be compared */
    enum s3p_srv_sum_kind sum_wanted; /* for the record, set before begin; NONE: the given one */
    bool two_sums;                    /* they differ: the given one is taken apart from it */
    uint8_t given[S3P_SRV_SUM_MAX];
    size_t given_len;
    struct s3p_md5 md5_state;
    struct s3p_sha256 sha_state;
    struct s3p_srv_sum sum_state, given_state;
    bool announced;               /* the checksum comes in a trailer */
    struct s3p_srv_chunks chunks; /* begun by the caller when the body is aws-chunked */
};

void s3p_srv_intake_init(struct s3p_srv_intake *in);
void s3p_srv_intake_free(struct s3p_srv_intake *in, const struct s3p_srv_store *s);
void s3p_srv_intake_reset(struct s3p_srv_intake *in,
                          const struct s3p_srv_store *s); /* unlinks what is staged */

/* Reads Content-MD5 and checksum headers, and opens the file for a body longer than memory_max.
 */
enum s3p_srv_error s3p_srv_intake_begin(struct s3p_srv_intake *in, struct s3p_srv_store *s,
                                        const struct s3p_srv_head *h,
                                        const struct s3p_srv_auth *auth, uint64_t declared,
                                        enum s3p_srv_body_kind kind);
/* The same for bytes that come from the store itself: nothing to compare, `sum_wanted` or
 * CRC64NVME. */
enum s3p_srv_error s3p_srv_intake_begin_copy(struct s3p_srv_intake *in, struct s3p_srv_store *s,
                                             uint64_t bytes);
void s3p_srv_intake_add(struct s3p_srv_intake *in, const void *p, size_t len);
enum s3p_srv_error s3p_srv_intake_end(struct s3p_srv_intake *in, const struct s3p_srv_auth *auth);

#endif
