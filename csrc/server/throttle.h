/* Throttling by prefix: a token bucket for each rule. The first rule whose text begins the
 * request's "bucket/key" decides, before anything else happens to the request.
 *
 * A bucket of tokens is one number: the time at which it will be full again, were nothing taken.
 * Taking a token moves that time on by the time one token takes to come. Threads: any. */
#ifndef S3P_SERVER_THROTTLE_H
#define S3P_SERVER_THROTTLE_H

#include <stdatomic.h>

#include "core/buf.h"
#include "core/err.h"

#define S3P_SRV_THROTTLES_MAX 16

struct s3p_srv_throttle {
    struct s3p_str prefix; /* bucket, slash, first bytes of the keys; view of the option */
    uint64_t burst;        /* tokens of a full bucket */
    int64_t token_ns;      /* in which one token comes */
};

/* BUCKET/PREFIX*=RATE/s, or /m or /h; ",burst=N" behind it, the rate (at least 1) without. */
int s3p_srv_throttle_parse(struct s3p_srv_throttle *out, const char *text,
                           struct s3p_err *err) S3P_MUST_CHECK;

bool s3p_srv_throttle_matches(const struct s3p_srv_throttle *t, struct s3p_str bucket,
                              struct s3p_str key);
/* Takes a token: 0. Without one nothing changes: the time until the next one comes. `full_ns`
 * starts at 0; `now_ns` is greater than that. */
int64_t s3p_srv_throttle_take(const struct s3p_srv_throttle *t, _Atomic int64_t *full_ns,
                              int64_t now_ns);

#endif
