/* Table-driven text conversions without the printf family and without allocation. */
#ifndef S3P_CORE_TEXT_H
#define S3P_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

void s3p_hex(char *dst, const void *src, size_t len);           /* 2*len lower-case digits, no NUL */
bool s3p_unhex(void *dst, const char *src, size_t digits);      /* digits even, either case; false on a bad digit */
size_t s3p_base64(char *dst, const void *src, size_t len);      /* with padding; returns the length 4*ceil(len/3) */
int64_t s3p_unbase64(void *dst, size_t cap, const char *src, size_t len); /* bytes, or -1 when malformed or too long */
bool s3p_parse_u64(const char *s, size_t len, uint64_t *out);   /* whole text, decimal, no sign, overflow refused */
size_t s3p_u64_text(char dst[20], uint64_t v);                  /* decimal digits, no NUL; returns their number */
void s3p_amz_date(char dst[16], int64_t wall_s);                /* 20130524T000000Z, no NUL */
void s3p_http_date(char dst[29], int64_t wall_s);               /* Fri, 24 May 2013 00:00:00 GMT, no NUL */
bool s3p_parse_http_date(const char *s, size_t len, int64_t *wall_s); /* IMF-fixdate only */
void s3p_iso_date(char dst[24], int64_t wall_ns);               /* 2013-05-24T00:00:00.000Z, no NUL */
bool s3p_parse_iso_date(const char *s, size_t len, int64_t *wall_ns);

#endif
