/* Table-driven text conversions without the printf family and without allocation. */
#ifndef S3P_CORE_TEXT_H
#define S3P_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/* What these write has no NUL behind it. */
void s3p_hex(char *dst, const void *src, size_t len); /* 2*len lower-case digits */
/* False on an odd number of digits or a bad one; either case. dst may be partly written then. */
bool s3p_unhex(void *dst, const char *src, size_t digits);

size_t s3p_base64(char *dst, const void *src, size_t len); /* padded; returns 4*ceil(len/3) */
/* Bytes written, or -1 when malformed (padding included) or longer than cap. */
int64_t s3p_unbase64(void *dst, size_t cap, const char *src, size_t len);

/* Whole text, decimal digits only; overflow refused. */
bool s3p_parse_u64(const char *s, size_t len, uint64_t *out);
size_t s3p_u64_text(char dst[20], uint64_t v); /* returns the number of digits */

/* UTC; years 0 to 9999, times outside are clamped. A failing parse stores nothing. */
void s3p_amz_date(char dst[16], int64_t wall_s);  /* 20130524T000000Z */
void s3p_http_date(char dst[29], int64_t wall_s); /* Fri, 24 May 2013 00:00:00 GMT */
bool s3p_parse_http_date(const char *s, size_t len, int64_t *wall_s); /* IMF-fixdate only */
void s3p_iso_date(char dst[24], int64_t wall_ns); /* 2013-05-24T00:00:00.000Z */
/* Without a fraction, or with one to nine digits of it; years 1678 to 2261. */
bool s3p_parse_iso_date(const char *s, size_t len, int64_t *wall_ns);

#endif
