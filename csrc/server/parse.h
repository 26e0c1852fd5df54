/* The head of a request, taken apart: raw target, path, bucket, key, arguments, header fields.
 * Knows nothing of HTTP libraries, so that tests and fuzzers fill it directly.
 *
 * Ownership: views point into `text` (target and what was decoded from it) or into memory of the
 * caller (headers); they live until the next s3p_srv_head_target or s3p_srv_head_free. Threads: one
 * owner. */
#ifndef S3P_SERVER_PARSE_H
#define S3P_SERVER_PARSE_H

#include <stdbool.h>

#include "core/buf.h"
#include "server/errors.h"

#define S3P_SRV_TARGET_MAX 16384
#define S3P_SRV_ARGS_MAX 64
#define S3P_SRV_FIELDS_MAX 128
#define S3P_SRV_KEY_MAX 1024

struct s3p_srv_field {
    struct s3p_str name, value;
};

struct s3p_srv_arg {
    struct s3p_str name, value;         /* decoded; '+' is a plus */
    struct s3p_str enc_name, enc_value; /* encoded again, canonical */
};

struct s3p_srv_head {
    struct s3p_str method;      /* set by the caller */
    struct s3p_str path;        /* as received, without the query */
    struct s3p_str bucket, key; /* decoded; empty when absent */
    size_t n_args, n_fields;
    struct s3p_srv_arg args[S3P_SRV_ARGS_MAX];
    struct s3p_srv_field fields[S3P_SRV_FIELDS_MAX];
    bool args_ok;  /* the query could be taken apart */
    bool overflow; /* more fields than fit: the request is refused, never cut */
    struct s3p_buf text;
};

void s3p_srv_head_init(struct s3p_srv_head *h);
void s3p_srv_head_free(struct s3p_srv_head *h);

/* Starts a new request: takes the raw target apart. Bounds: target 16 KiB, key 1,024 bytes, 64
 * arguments. */
enum s3p_srv_error s3p_srv_head_target(struct s3p_srv_head *h, struct s3p_str raw);
void s3p_srv_head_field(struct s3p_srv_head *h, struct s3p_str name,
                        struct s3p_str value); /* borrows */

/* With the fields: under *.localhost the bucket is what stands before it in the Host header, and
 * the path is the key. `e` is the result of s3p_srv_head_target; returns the one that holds now. */
enum s3p_srv_error s3p_srv_head_host(struct s3p_srv_head *h, enum s3p_srv_error e);

const struct s3p_srv_arg *s3p_srv_head_arg(const struct s3p_srv_head *h,
                                           const char *name); /* or NULL */
/* Whether it is clear where the body ends: FRAMING for two lengths, two codings, or one of each,
 * which every reader of the connection may understand otherwise; NOT_IMPLEMENTED for a coding other
 * than chunked. */
enum s3p_srv_error s3p_srv_head_framing(const struct s3p_srv_head *h);
/* First field of that name, compared without case; .p is NULL when there is none. */
struct s3p_str s3p_srv_head_get(const struct s3p_srv_head *h, const char *name);

/* Appends the percent-decoded text, of which `out` is a view; false on a bad escape. */
bool s3p_srv_url_decode(struct s3p_buf *text, struct s3p_str s, struct s3p_str *out);

bool s3p_srv_bucket_name_ok(struct s3p_str name);
bool s3p_srv_utf8_ok(struct s3p_str s); /* well-formed, no NUL */
struct s3p_str s3p_srv_trim(struct s3p_str s);
bool s3p_srv_starts(struct s3p_str s, const char *prefix); /* exact */
bool s3p_srv_starts_nocase(struct s3p_str s, const char *prefix);
bool s3p_srv_same_nocase(struct s3p_str a, const char *b);
int s3p_srv_compare(struct s3p_str a, struct s3p_str b); /* unsigned byte order */

#endif
