/* Preconditions. One function evaluates those of writes, wherever they stand; one those of reads
 * (RFC 9110, 13.2.2). Quotes are stripped on both sides before ETags are compared; a weak tag never
 * matches If-Match. */
#ifndef S3P_SERVER_CONDITIONS_H
#define S3P_SERVER_CONDITIONS_H

#include "server/parse.h"
#include "server/records.h"

struct s3p_srv_conditions {
    struct s3p_str if_match, if_none_match; /* .p NULL when absent; views into the head */
    struct s3p_str if_modified_since, if_unmodified_since, if_range;
};

void s3p_srv_conditions_read(const struct s3p_srv_head *h, struct s3p_srv_conditions *out);

/* What a write may carry: If-Match, and If-None-Match with `*` alone; the rest is refused with 501.
 */
enum s3p_srv_error s3p_srv_conditions_writable(const struct s3p_srv_conditions *c, bool none_match);

/* What requests may carry for which none is defined: nothing. */
enum s3p_srv_error s3p_srv_conditions_none(const struct s3p_srv_conditions *c);

/* `current` is NULL for an absent key. NONE: go on; PRECONDITION; NO_KEY (If-Match on an absent
 * key). */
enum s3p_srv_error s3p_srv_conditions_write(const struct s3p_srv_conditions *c,
                                            const struct s3p_srv_record *current);
/* NONE: go on; PRECONDITION; NOT_MODIFIED. Malformed dates are ignored, as RFC 9110 demands. */
enum s3p_srv_error s3p_srv_conditions_get(const struct s3p_srv_conditions *c,
                                          const struct s3p_srv_record *current);

/* Whether the Range header counts: not when If-Range names another ETag or Last-Modified. */
bool s3p_srv_conditions_range(const struct s3p_srv_conditions *c,
                              const struct s3p_srv_record *current);

/* Whether a list of entity tags, or `*`, names this ETag. `weak`: weak tags may match. */
bool s3p_srv_etag_listed(struct s3p_str list, const uint8_t md5[S3P_MD5_BYTES], uint32_t n_parts,
                         bool weak);

#endif
