/* The store under test as the engine sees it: endpoints, credentials, addressing, trust. Parsed
 * from the target JSON of engine.h. Threads: read-only after parsing. Secrets live here and in the
 * signers alone; errors never show a value of a field that may hold one. */
#ifndef S3P_ENGINE_TARGET_H
#define S3P_ENGINE_TARGET_H

#include "core/arena.h"
#include "http/conn.h"
#include "s3/sign.h"

#define S3P_ENDPOINTS_MAX 64

struct s3p_target {
    struct s3p_arena arena;
    struct s3p_url url[S3P_ENDPOINTS_MAX];
    struct s3p_str endpoint[S3P_ENDPOINTS_MAX]; /* as given */
    int nendpoints;
    struct s3p_credentials cred;
    bool virtual_host;
    struct s3p_net_opts net;
    struct s3p_str bucket_prefix;
    struct s3p_str profile; /* JSON, keys sorted; "{}" when there is none */
};

int s3p_target_parse(struct s3p_target *t, const char *json, size_t len,
                     struct s3p_err *err) S3P_MUST_CHECK; /* on failure there is nothing to free */
void s3p_target_free(struct s3p_target *t);

#endif
