/* An ETag as 16 bytes: the digest itself when the text is 32 hex digits (quoted or not), else the
 * first 16 bytes of the SHA-256 of the text without its quotes. `form` tells which; equality of
 * (form, bytes) is equality of ETags. */
#ifndef S3P_S3_ETAG_H
#define S3P_S3_ETAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum s3p_etag_form { S3P_ETAG_NONE = 0, S3P_ETAG_DIGEST = 1, S3P_ETAG_HASHED = 2 }; /* in files */

struct s3p_etag {
    uint8_t b[16];
    uint8_t form;
};

struct s3p_etag s3p_etag_parse(const char *text, size_t len); /* empty text: NONE */
bool s3p_etag_eq(const struct s3p_etag *a, const struct s3p_etag *b); /* NONE equals nothing */

#endif
