#include "http/trust.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <unistd.h>

/* A wheel's libcurl has the CA path of its build image compiled in, so the trust is found at run
 * time. */
static const char *const ca_env[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"};
static const char *const ca_known[] = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/usr/share/ssl/certs/ca-bundle.crt", "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/ssl/cert.pem",
};

static const char *find_ca_file(const char *given)
{
    if (given != NULL)
        return given;
    for (size_t i = 0; i < sizeof ca_env / sizeof ca_env[0]; i++) {
        const char *v = getenv(ca_env[i]);
        if (v != NULL && v[0] != '\0')
            return v;
    }
    for (size_t i = 0; i < sizeof ca_known / sizeof ca_known[0]; i++)
        if (access(ca_known[i], R_OK) == 0)
            return ca_known[i];
    return NULL;
}

/* Without any file the store stays empty: plain HTTP works, and every TLS connect fails. */
int s3p_trust_load(void **out, const char *given, struct s3p_err *err)
{
    X509_STORE *store = X509_STORE_new();
    *out = store;
    if (store == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the trust store");
    const char *file = find_ca_file(given);
    if (file == NULL)
        return 0;
    ERR_clear_error();
    if (X509_STORE_load_locations(store, file, NULL) != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        ERR_clear_error();
        return s3p_fail(err, S3P_EINVAL, 0,
                        "ca_file \"%s\": not a readable PEM file of certificates (%s)", file,
                        reason != NULL ? reason : "unknown");
    }
    return 0;
}
