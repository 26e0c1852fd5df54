/* The options of `s3prod serve`, as the command line gives them. */
#ifndef S3P_SERVER_OPTIONS_H
#define S3P_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "server/throttle.h"

#define S3P_SRV_ENDPOINTS_MAX 16
#define S3P_SRV_THREADS_MAX 16
#define S3P_SRV_MUTANTS_MAX 16
#define S3P_SRV_KEY_TEXT_MAX 128

struct s3p_srv_options {
    const char *host, *data, *tls_cert, *tls_key, *tls_dir, *request_log, *region;
    char access_key[S3P_SRV_KEY_TEXT_MAX + 1], secret_key[S3P_SRV_KEY_TEXT_MAX + 1];
    const char *mutants[S3P_SRV_MUTANTS_MAX]; /* specifications, as given */
    const char *modes[S3P_SRV_MUTANTS_MAX];   /* likewise, of what is legal */
    unsigned n_mutants, n_modes, port, endpoints, threads;
    bool durable, fast, with_parent, admin, usage, describe, help, null_server;
    bool bucket_policy;
    uint64_t seed, min_part_bytes, map_bytes;
    int64_t lifecycle_day_ns;   /* 0: no lifecycle */
    int64_t replication_lag_ns; /* negative: no replication */
    struct s3p_srv_throttle throttles[S3P_SRV_THROTTLES_MAX];
    unsigned n_throttles;
};

/* Views of argv are kept. Keys that are not given are drawn at random. A bad option: S3P_EINVAL
 * with field, value and what was expected. */
int s3p_srv_options_parse(struct s3p_srv_options *o, int argc, char **argv,
                          struct s3p_err *err) S3P_MUST_CHECK;
const char *s3p_srv_options_help(void);

#endif
