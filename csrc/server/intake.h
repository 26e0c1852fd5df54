/* The body of a request on its way in: small ones stay in memory, larger ones go to a staged body
 * file; digests are taken on the way and compared at the end. Threads: the owner of the request. */
#ifndef S3P_SERVER_INTAKE_H
#define S3P_SERVER_INTAKE_H

#include "core/digest.h"
#include "server/auth.h"
#include "server/store.h"
#include "server/sums.h"

struct s3p_srv_intake {
    uint64_t declared, got; /* bytes: Content-Length, received */
    uint64_t memory_max;    /* longer bodies go to a file */
    struct s3p_buf memory;
    int fd;      /* staged file, else -1 */
    bool staged; /* the file is this request's: removed when it is not committed */
    uint64_t body_id;
    bool failed;     /* a write to the file failed */
    bool hash;       /* SHA-256 of the payload wanted */
    bool md5_wanted; /* of objects, or because of Content-MD5 */
    bool md5_given;
    uint8_t md5_header[S3P_MD5_BYTES], md5[S3P_MD5_BYTES];
    uint8_t sum_header[S3P_SRV_SUM_MAX], sum[S3P_SRV_SUM_MAX];
    size_t sum_len;
    enum s3p_srv_sum_kind sum_given;
    struct s3p_md5 md5_state;
    struct s3p_sha256 sha_state;
    struct s3p_srv_sum sum_state;
};

void s3p_srv_intake_init(struct s3p_srv_intake *in);
void s3p_srv_intake_free(struct s3p_srv_intake *in, const struct s3p_srv_store *s);
void s3p_srv_intake_reset(struct s3p_srv_intake *in,
                          const struct s3p_srv_store *s); /* unlinks what is staged */

/* Reads Content-MD5 and checksum headers, and opens the file for a body longer than memory_max.
 * `object`: the digests that an object's record needs are taken even when not asked for. */
enum s3p_srv_error s3p_srv_intake_begin(struct s3p_srv_intake *in, struct s3p_srv_store *s,
                                        const struct s3p_srv_head *h,
                                        const struct s3p_srv_auth *auth, uint64_t declared,
                                        bool object);
void s3p_srv_intake_add(struct s3p_srv_intake *in, const void *p, size_t len);
enum s3p_srv_error s3p_srv_intake_end(struct s3p_srv_intake *in, const struct s3p_srv_auth *auth);

#endif
