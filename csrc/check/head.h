/* What the checker takes from the history's header: the run, the profile, the key spaces, the
 * plan's evidence floors. */
#ifndef S3P_CHECK_HEAD_H
#define S3P_CHECK_HEAD_H

#include <jansson.h>
#include <stdbool.h>

#include "history/reader.h"

enum s3p_etag_promise { S3P_ETAG_MD5_REQUIRED, S3P_ETAG_MD5_OPTIONAL, S3P_ETAG_MD5_UNSUPPORTED };

struct s3p_head {
    json_t *root;
    uint64_t run;
    int64_t start_ns; /* the run's start, CLOCK_MONOTONIC; 0 when the header does not say */
    enum s3p_etag_promise etag_is_md5;
    bool mpu_by_complete; /* racing uploads are ordered by their Completes alone */
    bool list_interval_listing; /* profile list_interval: listing, not page */
    bool key_order_other;       /* profile key_order: not that of the keys' bytes */
    int64_t last_modified_slack_ns; /* by which it may go back: its resolution, clocks */
    int64_t list_lag_ns;        /* profile list: eventual; 0: strong */
    int64_t mpu_lag_ns;         /* of uploads and parts: no less; profile mpu_listing: settles */
    int64_t bucket_ready_ns;    /* profile bucket_ready_s: how long a new bucket may be unknown */
    int64_t lifecycle_day_ns, clock_slack_ns; /* profile lifecycle_day_ms, max_clock_skew_ms */
    uint32_t spaces, buckets;
    struct s3p_keynames *names;
    const struct s3p_bucket_rules *rules; /* NULL: none; the checker's own */
    const json_t *require; /* of the plan; NULL without */
};

int s3p_head_read(struct s3p_head *h, const struct s3p_histfile *f, const char *profile_json,
                  struct s3p_err *err) S3P_MUST_CHECK;
void s3p_head_free(struct s3p_head *h);
const char *s3p_head_space_name(const struct s3p_head *h, uint32_t space);
bool s3p_head_space_fixed(const struct s3p_head *h, uint32_t space);
struct s3p_str s3p_head_space_prefix(const struct s3p_head *h, uint32_t space);
struct s3p_str s3p_head_key(const struct s3p_head *h, uint32_t space,
                            uint64_t index); /* of a fixed space */
uint64_t s3p_head_space_count(const struct s3p_head *h,
                              uint32_t space); /* of a fixed space: of its list */

#endif
