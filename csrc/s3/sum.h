/* The checksums of S3, one row each: running values, and their text (base64 of the big-endian
 * bytes) as it stands in x-amz-checksum-* headers and trailers.
 * Threads: a running checksum is plain data of its owner. No allocation. */
#ifndef S3P_S3_SUM_H
#define S3P_S3_SUM_H

#include "core/buf.h"
#include "core/digest.h"

enum s3p_sum_kind {
    S3P_SUM_NONE,
    S3P_SUM_CRC32,
    S3P_SUM_CRC32C,
    S3P_SUM_CRC64NVME,
    S3P_SUM_SHA1,
    S3P_SUM_SHA256,
    S3P_SUM_KINDS,
};
#define S3P_SUM_TEXT_MAX 44 /* of SHA-256 */

struct s3p_sum_row {
    const char *name;      /* of plans and histories: "crc32c"; "" for none */
    const char *algorithm; /* S3's name: "CRC32C" */
    struct s3p_str header; /* x-amz-checksum-crc32c */
    unsigned bytes;
    bool full_object, composite; /* the types that a multipart upload may have */
};
extern const struct s3p_sum_row s3p_sum_table[S3P_SUM_KINDS];
/* By its name, in either case; S3P_SUM_NONE when unknown. */
enum s3p_sum_kind s3p_sum_find(struct s3p_str name);
size_t s3p_sum_text_len(enum s3p_sum_kind kind);

struct s3p_sum {
    enum s3p_sum_kind kind;
    union {
        uint64_t crc;
        struct s3p_sha1 sha1;
        struct s3p_sha256 sha256;
    } u;
};
void s3p_sum_init(struct s3p_sum *s, enum s3p_sum_kind kind);
void s3p_sum_add(struct s3p_sum *s, const void *p, size_t len);
/* Writes the text and returns its length; the running value is used up. */
size_t s3p_sum_end(struct s3p_sum *s, char text[S3P_SUM_TEXT_MAX]);

#endif
