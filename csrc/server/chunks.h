/* aws-chunked, taken apart as it comes: chunk headers, signatures along their chain, trailers.
 * Boundaries may fall anywhere; header and trailer lines are bounded. Source: S3 API reference,
 * "Signature calculations for the Authorization header: transferring payload in multiple chunks",
 * and the page after it, "including trailing headers". Threads: the owner of the request. */
#ifndef S3P_SERVER_CHUNKS_H
#define S3P_SERVER_CHUNKS_H

#include "server/auth.h"

#define S3P_SRV_CHUNK_LINE_MAX 1024

enum s3p_srv_chunk_state {
    S3P_SRV_CHUNK_HEAD,
    S3P_SRV_CHUNK_DATA,
    S3P_SRV_CHUNK_DATA_END, /* the line end behind the data */
    S3P_SRV_CHUNK_TRAILER,
    S3P_SRV_CHUNK_DONE,
};

struct s3p_srv_chunks {
    bool on, has_signatures, has_trailer;
    bool unchecked, forged; /* mutants: signatures do not count; one was wrong */
    enum s3p_srv_chunk_state state;
    enum s3p_srv_error error;
    uint64_t left; /* of the chunk */
    const struct s3p_srv_auth *auth;
    struct s3p_hmac key;
    struct s3p_sha256 sha; /* of the chunk; then of the trailer's lines */
    char previous[64], claimed[64];
    struct s3p_str wanted; /* the announced trailer; .p NULL without */
    bool got_value, got_signature;
    size_t value_len, line_len;
    char value[S3P_SRV_CHUNK_LINE_MAX]; /* of the announced trailer */
    char line[S3P_SRV_CHUNK_LINE_MAX];
};

/* `auth` is borrowed until the end. `wanted`: name of the announced trailer, .p NULL without. */
void s3p_srv_chunks_begin(struct s3p_srv_chunks *c, const struct s3p_srv_auth *auth,
                          const struct s3p_hmac *key, struct s3p_str wanted);
/* Calls `data` for what is decoded. After an error the rest is dropped. */
void s3p_srv_chunks_add(struct s3p_srv_chunks *c, const char *p, size_t len,
                        void (*data)(void *cls, const char *p, size_t len), void *cls);
enum s3p_srv_error s3p_srv_chunks_end(const struct s3p_srv_chunks *c);

#endif
