/* What one attempt shows without any other: corrupt bytes, its ETag against the MD5 of the body it
 * sent, or against the condition on the source of a copy, metadata that are nobody's or missing.
 * What an object of parts, or a copied one, explains is left to its key: S3P_ROW_MIXED. */
#ifndef S3P_CHECK_ALONE_H
#define S3P_CHECK_ALONE_H

#include "check/load.h"

/* Bytes that would have to be regenerated to judge the ETag of record `i`, a PUT; 0: nothing to
 * judge. */
uint64_t s3p_alone_md5_bytes(const struct s3p_segment_view *s, uint32_t i);
/* Judges record `i`, which belongs to `key`. `md5_bytes`: what is left of the segment's budget. */
int s3p_alone(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
              const struct s3p_row *key, uint64_t *md5_bytes, struct s3p_tally *t,
              struct s3p_err *err) S3P_MUST_CHECK;
/* The metadata and the condition of a read, or the condition of a copy: of these whatever else is
 * wrong with them. */
int s3p_alone_meta(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                   const struct s3p_row *key, struct s3p_tally *t,
                   struct s3p_err *err) S3P_MUST_CHECK;

#endif
