/* Texts of answers are bytes; JSON and Arrow want UTF-8. Private to the layer. */
#ifndef S3P_HISTORY_UTF8_H
#define S3P_HISTORY_UTF8_H

#include "core/buf.h"

/* Length of the valid UTF-8 sequence at p, 1 <= len; 0 when there is none. */
size_t s3p_utf8_length(const unsigned char *p, size_t len);

/* Appends `s`; a byte that is not UTF-8 becomes U+0080 … U+00FF. */
void s3p_utf8_add(struct s3p_buf *out, struct s3p_str s);

#endif
