/* Signature Version 4 as the server checks it: Authorization header or presigned query. Written
 * from the specification and apart from the client's signer, so that a mistake in one is not
 * mirrored in the other. Source: AWS General Reference, "Signature Version 4 signing process"; S3
 * API reference, "Authenticating Requests". The canonical path is the target as received. */
#ifndef S3P_SERVER_AUTH_H
#define S3P_SERVER_AUTH_H

#include <stdint.h>

#include "core/digest.h"
#include "server/parse.h"

#define S3P_SRV_SKEW_S (15 * 60)
#define S3P_SRV_EXPIRES_MAX_S 604800

enum s3p_srv_payload {
    S3P_SRV_PAYLOAD_UNSIGNED,
    S3P_SRV_PAYLOAD_HASHED,        /* the body must have the SHA-256 in `hash` */
    S3P_SRV_PAYLOAD_SIGNED_CHUNKS, /* aws-chunked from here on */
    S3P_SRV_PAYLOAD_SIGNED_TRAILER,
    S3P_SRV_PAYLOAD_CHUNKED_TRAILER, /* without signatures */
};

/* What the request says about itself. Views point into the head. */
struct s3p_srv_auth {
    bool presigned;
    struct s3p_str access_key, date, region, service, signed_headers, signature;
    struct s3p_str amz_date, payload_text;
    uint64_t expires_s; /* presigned only */
    enum s3p_srv_payload payload;
    uint8_t hash[S3P_SHA256_BYTES];
};

struct s3p_srv_keys {
    const char *access_key, *secret_key;
    const char *region; /* that the scope must name; NULL: any */
};

/* Signing keys already derived, by (date, region), and the canonical request as scratch. Threads:
 * one owner. */
struct s3p_srv_auth_cache {
    struct {
        char date[8], region[32];
        size_t region_len;
        bool used;
        struct s3p_hmac key;
    } slots[4];
    unsigned next;
    struct s3p_buf scratch;
};

void s3p_srv_auth_cache_init(struct s3p_srv_auth_cache *c);
void s3p_srv_auth_cache_free(struct s3p_srv_auth_cache *c);

/* S3P_SE_NONE when the request is signed by `keys` and timely. Anonymous requests are
 * S3P_SE_ACCESS_DENIED. */
enum s3p_srv_error s3p_srv_auth_check(const struct s3p_srv_head *h, const struct s3p_srv_keys *keys,
                                      int64_t wall_s, struct s3p_srv_auth_cache *cache,
                                      struct s3p_srv_auth *out);

/* The key that signs the chunks of a checked request. */
const struct s3p_hmac *s3p_srv_auth_key(const struct s3p_srv_auth *a, const char *secret_key,
                                        struct s3p_srv_auth_cache *c);

/* The steps, for tests: take apart; canonical request; signature in hexadecimal. */
enum s3p_srv_error s3p_srv_auth_parse(const struct s3p_srv_head *h, struct s3p_srv_auth *out);
void s3p_srv_auth_canonical(const struct s3p_srv_head *h, const struct s3p_srv_auth *a,
                            struct s3p_buf *out);
void s3p_srv_auth_signature(const struct s3p_srv_auth *a, const char *secret_key,
                            struct s3p_srv_auth_cache *cache, struct s3p_str canonical,
                            char hex[64]);

#endif
