/* Whose certificates are trusted. */
#ifndef S3P_HTTP_TRUST_H
#define S3P_HTTP_TRUST_H

#include "core/err.h"

/* A new X509_STORE, also on failure, which is then the caller's to free (or NULL). `ca_file` NULL:
 * SSL_CERT_FILE, CURL_CA_BUNDLE, AWS_CA_BUNDLE, then the well-known files. */
int s3p_trust_load(void **out, const char *ca_file, struct s3p_err *err) S3P_MUST_CHECK;

#endif
