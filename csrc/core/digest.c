#include "core/digest.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <string.h>

#define HMAC_BLOCK_BYTES 64

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct s3p_sha256), "s3p_sha256 holds a SHA256_CTX");
_Static_assert(sizeof(MD5_CTX) <= sizeof(struct s3p_md5), "s3p_md5 holds an MD5_CTX");
_Static_assert(sizeof(SHA_CTX) <= sizeof(struct s3p_sha1), "s3p_sha1 holds a SHA_CTX");
_Static_assert(_Alignof(SHA256_CTX) <= 8 && _Alignof(MD5_CTX) <= 8 && _Alignof(SHA_CTX) <= 8,
               "states are aligned to 8");

static SHA256_CTX *sha(struct s3p_sha256 *c)
{
    return (SHA256_CTX *)c->state;
}

static MD5_CTX *md5(struct s3p_md5 *c)
{
    return (MD5_CTX *)c->state;
}

void s3p_sha256_init(struct s3p_sha256 *c)
{
    SHA256_Init(sha(c));
}

void s3p_sha256_add(struct s3p_sha256 *c, const void *p, size_t len)
{
    SHA256_Update(sha(c), p, len);
}

void s3p_sha256_end(struct s3p_sha256 *c, uint8_t out[S3P_SHA256_BYTES])
{
    SHA256_Final(out, sha(c));
}

void s3p_sha256(const void *p, size_t len, uint8_t out[S3P_SHA256_BYTES])
{
    struct s3p_sha256 c;
    s3p_sha256_init(&c);
    s3p_sha256_add(&c, p, len);
    s3p_sha256_end(&c, out);
}

static SHA_CTX *sha1(struct s3p_sha1 *c)
{
    return (SHA_CTX *)c->state;
}

void s3p_sha1_init(struct s3p_sha1 *c)
{
    SHA1_Init(sha1(c));
}

void s3p_sha1_add(struct s3p_sha1 *c, const void *p, size_t len)
{
    SHA1_Update(sha1(c), p, len);
}

void s3p_sha1_end(struct s3p_sha1 *c, uint8_t out[S3P_SHA1_BYTES])
{
    SHA1_Final(out, sha1(c));
}

void s3p_md5_init(struct s3p_md5 *c)
{
    MD5_Init(md5(c));
}

void s3p_md5_add(struct s3p_md5 *c, const void *p, size_t len)
{
    MD5_Update(md5(c), p, len);
}

void s3p_md5_end(struct s3p_md5 *c, uint8_t out[S3P_MD5_BYTES])
{
    MD5_Final(out, md5(c));
}

void s3p_md5(const void *p, size_t len, uint8_t out[S3P_MD5_BYTES])
{
    struct s3p_md5 c;
    s3p_md5_init(&c);
    s3p_md5_add(&c, p, len);
    s3p_md5_end(&c, out);
}

static void absorb_padded(struct s3p_sha256 *c, const uint8_t key[HMAC_BLOCK_BYTES], uint8_t pad)
{
    uint8_t block[HMAC_BLOCK_BYTES];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    s3p_sha256_init(c);
    s3p_sha256_add(c, block, sizeof block);
}

void s3p_hmac_init(struct s3p_hmac *h, const void *key, size_t key_len)
{
    uint8_t block[HMAC_BLOCK_BYTES] = {0};
    if (key_len > sizeof block)
        s3p_sha256(key, key_len, block);
    else if (key_len != 0)
        memcpy(block, key, key_len);
    absorb_padded(&h->inner, block, 0x36);
    absorb_padded(&h->outer, block, 0x5c);
}

void s3p_hmac(const struct s3p_hmac *h, const void *p, size_t len, uint8_t out[S3P_SHA256_BYTES])
{
    uint8_t inner[S3P_SHA256_BYTES];
    struct s3p_sha256 c = h->inner;
    s3p_sha256_add(&c, p, len);
    s3p_sha256_end(&c, inner);
    c = h->outer;
    s3p_sha256_add(&c, inner, sizeof inner);
    s3p_sha256_end(&c, out);
}
