#include "server/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEFORE_S (-24 * 3600L) /* clocks differ */
#define AFTER_S (3650L * 24 * 3600)

struct extension {
    int nid;
    const char *value;
};

static bool add_extensions(X509 *cert, X509 *issuer, const struct extension *e, size_t n)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    for (size_t i = 0; i < n; i++) {
        X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, &ctx, e[i].nid, e[i].value);
        bool ok = one != NULL && X509_add_ext(cert, one, -1) == 1;
        X509_EXTENSION_free(one);
        if (!ok)
            return false;
    }
    return true;
}

static bool set_serial(X509 *cert)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] &= 0x7f; /* positive */
    BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
    BN_free(n);
    return ok;
}

/* A certificate of `key`; NULL issuer: signed by itself. NULL on failure. */
static X509 *make_cert(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key,
                       const struct extension *e, size_t n)
{
    X509 *cert = X509_new();
    X509_NAME *subject = cert != NULL ? X509_get_subject_name(cert) : NULL;
    bool ok = cert != NULL && X509_set_version(cert, 2) == 1 && set_serial(cert) &&
              X509_gmtime_adj(X509_getm_notBefore(cert), BEFORE_S) != NULL &&
              X509_gmtime_adj(X509_getm_notAfter(cert), AFTER_S) != NULL &&
              X509_set_pubkey(cert, key) == 1 &&
              X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
                                         -1, -1, 0) == 1 &&
              X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer)
                                                        : subject) == 1 &&
              add_extensions(cert, issuer != NULL ? issuer : cert, e, n) &&
              X509_sign(cert, issuer_key, EVP_sha256()) > 0;
    if (ok)
        return cert;
    X509_free(cert);
    return NULL;
}

static X509 *make_ca(EVP_PKEY *key)
{
    static const struct extension e[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
    };
    return make_cert(key, "s3prod test CA", NULL, key, e, sizeof e / sizeof e[0]);
}

static X509 *make_server(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    static const struct extension e[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {NID_subject_alt_name, "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1"},
    };
    return make_cert(key, "localhost", ca, ca_key, e, sizeof e / sizeof e[0]);
}

/* Under another name first, so that nobody finds half a file. */
static bool write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
    char part[S3P_SRV_PEM_PATH + 8];
    (void)snprintf(part, sizeof part, "%s.part", path);
    (void)unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, key != NULL ? 0600 : 0644);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool ok = key != NULL ? PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1
                          : PEM_write_X509(f, cert) == 1;
    ok = fclose(f) == 0 && ok;
    return ok && rename(part, path) == 0;
}

static bool make_all(const struct s3p_srv_tls *t)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = ca_key != NULL ? make_ca(ca_key) : NULL;
    X509 *cert = ca != NULL && key != NULL ? make_server(key, ca, ca_key) : NULL;
    bool ok = cert != NULL && write_pem(t->key, NULL, key) && write_pem(t->cert, cert, NULL) &&
              write_pem(t->ca, ca, NULL);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return ok;
}

static bool there(const struct s3p_srv_tls *t)
{
    return access(t->ca, R_OK) == 0 && access(t->cert, R_OK) == 0 && access(t->key, R_OK) == 0;
}

int s3p_srv_tls_prepare(struct s3p_srv_tls *t, const char *dir, struct s3p_err *err)
{
    char whole[PATH_MAX], lock[S3P_SRV_PEM_PATH];
    if ((mkdir(dir, 0700) != 0 && errno != EEXIST) || realpath(dir, whole) == NULL)
        return s3p_fail(err, S3P_EINVAL, errno, "--tls-self-signed: \"%s\": %s; expected a folder",
                        dir, strerror(errno));
    (void)snprintf(t->ca, sizeof t->ca, "%s/ca.pem", whole);
    (void)snprintf(t->cert, sizeof t->cert, "%s/server.pem", whole);
    (void)snprintf(t->key, sizeof t->key, "%s/server-key.pem", whole);
    (void)snprintf(lock, sizeof lock, "%s/server-key.pem.lock", whole);
    int fd = there(t) ? -1 : open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = there(t) || (fd >= 0 && flock(fd, LOCK_EX) == 0 && (there(t) || make_all(t)));
    int code = errno;
    if (fd >= 0)
        close(fd);
    return ok ? 0
              : s3p_fail(err, S3P_EINVAL, code,
                         "--tls-self-signed: \"%s\": cannot make the certificate; expected a "
                         "folder to write to",
                         dir);
}
