/* A certificate on demand: for localhost, *.localhost, 127.0.0.1 and ::1, signed by a CA that is
 * made for it and whose key is then forgotten. Files: ca.pem, server.pem, server-key.pem (0600).
 * OpenSSL clients take no wildcard with one dot, so with them buckets stand in the path. */
#ifndef S3P_SERVER_TLS_H
#define S3P_SERVER_TLS_H

#include <limits.h>

#include "core/err.h"

#define S3P_SRV_PEM_PATH (PATH_MAX + 32)

struct s3p_srv_tls {
    char ca[S3P_SRV_PEM_PATH], cert[S3P_SRV_PEM_PATH], key[S3P_SRV_PEM_PATH]; /* absolute */
};

/* Fills the paths. Makes the directory and the three files if one of them is not there: whole or
 * not at all, also when several processes do it at once. */
int s3p_srv_tls_prepare(struct s3p_srv_tls *t, const char *dir, struct s3p_err *err) S3P_MUST_CHECK;

#endif
