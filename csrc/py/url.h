/* What a URL that is to be signed is made of. Nothing is normalised: the path is signed as it is
 * sent. */
#ifndef S3P_PY_URL_H
#define S3P_PY_URL_H

#include <stdbool.h>

#include "core/buf.h"

struct s3p_url_parts {
    struct s3p_str scheme;    /* "http" or "https" */
    struct s3p_str authority; /* host[:port] without a default port: the Host header */
    struct s3p_str path;      /* encoded; "/" when empty */
    struct s3p_str query;     /* as it came, without the '?' */
};
/* Borrows `text`. */
int s3p_url_split(struct s3p_url_parts *u, struct s3p_str text, struct s3p_err *err) S3P_MUST_CHECK;

/* Appends the canonical query: each name and value decoded and encoded again by S3's rule, sorted.
 */
int s3p_url_canonical_query(struct s3p_buf *out, struct s3p_str query,
                            struct s3p_err *err) S3P_MUST_CHECK;

#endif
