/* The x-amz-checksum-* algorithms: one row each. Values are base64 of the big-endian bytes. */
#ifndef S3P_SERVER_SUMS_H
#define S3P_SERVER_SUMS_H

#include "server/parse.h"
#include "server/records.h"

#define S3P_SRV_SUM_TEXT_MAX 64

enum s3p_srv_sum_kind { /* stored in records: never renumbered */
                        S3P_SRV_SUM_NONE = 0,
                        S3P_SRV_SUM_CRC32 = 1,
                        S3P_SRV_SUM_CRC32C = 2,
                        S3P_SRV_SUM_CRC64NVME = 3,
                        S3P_SRV_SUM_SHA1 = 4,
                        S3P_SRV_SUM_SHA256 = 5,
                        S3P_SRV_SUM_KINDS = 6,
};

/* A running checksum. For SHA-1 and SHA-256 it owns an OpenSSL context until ended or dropped. */
struct s3p_srv_sum {
    enum s3p_srv_sum_kind kind;
    uint64_t crc;
    struct s3p_sha256 sha256;
    void *sha1; /* EVP_MD_CTX */
};

bool s3p_srv_sum_begin(struct s3p_srv_sum *s, enum s3p_srv_sum_kind kind);
void s3p_srv_sum_add(struct s3p_srv_sum *s, const void *p, size_t len);
size_t s3p_srv_sum_end(struct s3p_srv_sum *s, uint8_t out[S3P_SRV_SUM_MAX]); /* number of bytes */
void s3p_srv_sum_drop(struct s3p_srv_sum *s);

const char *
s3p_srv_sum_header(enum s3p_srv_sum_kind kind); /* "x-amz-checksum-crc32"; "" for NONE */
const char *s3p_srv_sum_element(enum s3p_srv_sum_kind kind); /* "CRC32" */

/* Kind by name ("CRC32", any case); NONE when unknown. */
enum s3p_srv_sum_kind s3p_srv_sum_named(struct s3p_str name);
/* Base64 text of exactly this kind's length. */
bool s3p_srv_sum_value(enum s3p_srv_sum_kind kind, struct s3p_str text,
                       uint8_t out[S3P_SRV_SUM_MAX]);
/* As S3 writes the checksum of a record, "-N" behind one of parts. Returns the length, 0: none. */
size_t s3p_srv_sum_text(char text[S3P_SRV_SUM_TEXT_MAX], const struct s3p_srv_record *r);
struct s3p_str s3p_srv_sum_type(const struct s3p_srv_record *r); /* FULL_OBJECT or COMPOSITE */
/* Multipart: which kinds allow which type, and the checksum of `a` followed by `b` (CRCs only). */
bool s3p_srv_sum_allows(enum s3p_srv_sum_kind kind, bool composite);
void s3p_srv_sum_combine(enum s3p_srv_sum_kind kind, uint8_t a[S3P_SRV_SUM_MAX],
                         const uint8_t b[S3P_SRV_SUM_MAX], uint64_t b_bytes);

/* The one checksum value header of a request: kind NONE without one; an error when malformed or
 * when there are two. */
enum s3p_srv_error s3p_srv_sum_parse(const struct s3p_srv_head *h, enum s3p_srv_sum_kind *kind,
                                     uint8_t value[S3P_SRV_SUM_MAX]);

/* The checksum that x-amz-trailer announces; NONE without. */
enum s3p_srv_sum_kind s3p_srv_sum_announced(const struct s3p_srv_head *h);
/* Documents that must come with Content-MD5 or a checksum. */
enum s3p_srv_error s3p_srv_body_summed(const struct s3p_srv_head *h);

#endif
