/* HDR-class histogram of int64 values, 3 significant decimal digits, 1 .. 3.6e12 (1 ns to 1 h in
 * ns). Compatible with HdrHistogram: same bucket layout, exported as a V2 compressed base64 payload
 * ("HISTFAAA…") that other tools read. Values below 1 count as 1; values above the top count as the
 * top and are also counted in `clamped`.
 *
 * Threads: one recorder; merge after it has ended, or read with the tolerance that a torn reading
 * of counters gives. Recording allocates nothing. */
#ifndef S3P_CORE_HIST_H
#define S3P_CORE_HIST_H

#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

struct s3p_hist; /* opaque: about 256 KB */

int s3p_hist_create(struct s3p_hist **out, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_hist_free(struct s3p_hist *h);
void s3p_hist_record(struct s3p_hist *h, int64_t value);
void s3p_hist_merge(struct s3p_hist *into, const struct s3p_hist *from);
void s3p_hist_reset(struct s3p_hist *h);
int64_t s3p_hist_count(const struct s3p_hist *h);
int64_t s3p_hist_clamped(const struct s3p_hist *h);
/* Exact for recorded values, the slot's border for decoded ones; 0 when empty. */
int64_t s3p_hist_min(const struct s3p_hist *h);
int64_t s3p_hist_max(const struct s3p_hist *h);
double s3p_hist_mean(const struct s3p_hist *h); /* of the slots' middles, as HdrHistogram has it */
/* Highest value of the slot that holds the smallest value with at least p % of all at or below it,
 * 0 < p <= 100; 0 when empty. */
int64_t s3p_hist_percentile(const struct s3p_hist *h, double p);
/* Appends the V2 base64 text to `out`. */
int s3p_hist_encode(const struct s3p_hist *h, struct s3p_buf *out, struct s3p_err *err)
    S3P_MUST_CHECK;
/* Merges such a text into `h`, which is unchanged on failure. Texts of other lowest values, digits
 * or of values above the range are refused (S3P_EFORMAT); zeros count as 1. */
int s3p_hist_decode(struct s3p_hist *h, const char *text, size_t len, struct s3p_err *err)
    S3P_MUST_CHECK;

#endif
