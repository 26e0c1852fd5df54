/* SHA-256 with saved states, SHA-1, MD5, HMAC-SHA-256 with precomputed key states. The OpenSSL
 * low-level calls, deprecated but present in all of 3.x and several times cheaper a short message
 * than the one-shot ones, are in digest.c alone. After *_end a context must be initialised again.
 *
 * Threads: a context belongs to its caller; a struct s3p_hmac is read-only after init and may be
 * shared. */
#ifndef S3P_CORE_DIGEST_H
#define S3P_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define S3P_SHA256_BYTES 32
#define S3P_MD5_BYTES 16
#define S3P_SHA1_BYTES 20

struct s3p_sha256 {
    _Alignas(8) unsigned char state[120]; /* a SHA256_CTX. Copy the struct to save a state */
};
struct s3p_md5 {
    _Alignas(8) unsigned char state[96]; /* an MD5_CTX */
};
struct s3p_sha1 {
    _Alignas(8) unsigned char state[96]; /* a SHA_CTX */
};
struct s3p_hmac {
    struct s3p_sha256 inner, outer; /* states after the padded key */
};

void s3p_sha256_init(struct s3p_sha256 *c);
void s3p_sha256_add(struct s3p_sha256 *c, const void *p, size_t len);
void s3p_sha256_end(struct s3p_sha256 *c, uint8_t out[S3P_SHA256_BYTES]);
void s3p_sha256(const void *p, size_t len, uint8_t out[S3P_SHA256_BYTES]);

void s3p_sha1_init(struct s3p_sha1 *c);
void s3p_sha1_add(struct s3p_sha1 *c, const void *p, size_t len);
void s3p_sha1_end(struct s3p_sha1 *c, uint8_t out[S3P_SHA1_BYTES]);

void s3p_md5_init(struct s3p_md5 *c);
void s3p_md5_add(struct s3p_md5 *c, const void *p, size_t len);
void s3p_md5_end(struct s3p_md5 *c, uint8_t out[S3P_MD5_BYTES]);
void s3p_md5(const void *p, size_t len, uint8_t out[S3P_MD5_BYTES]);

void s3p_hmac_init(struct s3p_hmac *h, const void *key, size_t key_len);
void s3p_hmac(const struct s3p_hmac *h, const void *p, size_t len, uint8_t out[S3P_SHA256_BYTES]);

#endif
