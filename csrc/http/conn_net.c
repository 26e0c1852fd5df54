#include "http/conn.h"

#include <ctype.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/text.h"
#include "http/conn_priv.h"

/* A wheel's libcurl has the CA path of its build image compiled in, so the trust is found at run
 * time. */
static const char *const ca_env[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"};
static const char *const ca_known[] = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/usr/share/ssl/certs/ca-bundle.crt", "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/ssl/cert.pem",
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static CURLcode library_init;
static char library_version[256];

static void library_start(void)
{
    library_init = curl_global_init(CURL_GLOBAL_DEFAULT);
    strncpy(library_version, curl_version(), sizeof library_version - 1);
}

const char *s3p_net_version(void)
{
    pthread_once(&library_once, library_start);
    return library_version;
}

int s3p_net_check_library(struct s3p_err *err)
{
    pthread_once(&library_once, library_start);
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    if (library_init != CURLE_OK)
        return s3p_fail(err, S3P_ENET, (int)library_init, "libcurl does not start: %s",
                        curl_easy_strerror(library_init));
    if (v->version_num < 0x075400 || (v->features & CURL_VERSION_THREADSAFE) == 0)
        return s3p_fail(err, S3P_EUNSUP, 0,
                        "libcurl %s: at least 7.84.0, built thread-safe, is needed", v->version);
    const char *ours = OpenSSL_version(OPENSSL_VERSION_STRING);
    const char *theirs = v->ssl_version != NULL ? v->ssl_version : "none";
    if (strncmp(theirs, "OpenSSL/", 8) != 0 || strcmp(theirs + 8, ours) != 0)
        return s3p_fail(err, S3P_EUNSUP, 0, "libcurl uses TLS backend %s, OpenSSL/%s is needed",
                        theirs, ours);
    return 0;
}

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
static int load_trust(struct s3p_net *n, const char *given, struct s3p_err *err)
{
    n->store = X509_STORE_new();
    if (n->store == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the trust store");
    const char *file = find_ca_file(given);
    if (file == NULL)
        return 0;
    ERR_clear_error();
    if (X509_STORE_load_locations(n->store, file, NULL) != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        ERR_clear_error();
        return s3p_fail(err, S3P_EINVAL, 0,
                        "ca_file \"%s\": not a readable PEM file of certificates (%s)", file,
                        reason != NULL ? reason : "unknown");
    }
    return 0;
}

int s3p_net_create(struct s3p_net **out, const struct s3p_net_opts *o, struct s3p_err *err)
{
    S3P_TRY(s3p_net_check_library(err));
    struct s3p_net *n = s3p_calloc(1, sizeof *n);
    if (n == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the network options");
    const char *proxy = o->proxy != NULL ? o->proxy : "";
    n->verify_tls = o->verify_tls;
    n->connect_timeout_ns = o->connect_timeout_ns;
    n->proxy = s3p_strndup(proxy, strlen(proxy));
    int rc = n->proxy != NULL ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "out of memory for the proxy");
    if (rc == 0 && n->verify_tls)
        rc = load_trust(n, o->ca_file, err);
    if (rc != 0) {
        s3p_net_free(n);
        return rc;
    }
    *out = n;
    return 0;
}

void s3p_net_free(struct s3p_net *n)
{
    if (n == NULL)
        return;
    X509_STORE_free(n->store);
    s3p_free(n->proxy);
    s3p_free(n);
}

/* Parsing 140 roots for each connection costs 20 ms and 870 KB; a reference costs nothing. */
static CURLcode share_trust(CURL *easy, void *ssl_ctx, void *net)
{
    (void)easy;
    SSL_CTX_set1_cert_store(ssl_ctx, ((const struct s3p_net *)net)->store);
    return CURLE_OK;
}

bool s3p_net_apply(const struct s3p_net *n, void *easy)
{
    long verify = n->verify_tls ? 1 : 0;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify * 2);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Its cache of stores would put the first net's store in place of every other. */
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
    if (n->store != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, share_trust);
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, (void *)n);
    }
    /* A resumed session is not verified again, and libcurl cannot tell two nets with different
     * trust apart. */
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    if (n->connect_timeout_ns > 0 && n->connect_timeout_ns != S3P_NEVER)
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                         (long)((n->connect_timeout_ns + S3P_MS - 1) / S3P_MS));
    /* Without a tunnel an http:// target would count as connected when just the proxy is. */
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, n->proxy[0] != '\0' ? 1L : 0L);
    return curl_easy_setopt(easy, CURLOPT_PROXY, n->proxy) == CURLE_OK;
}

static int bad_endpoint(struct s3p_err *err, const char *text, const char *what)
{
    return s3p_fail(err, S3P_EINVAL, 0,
                    "endpoint \"%.100s\": %s; expected http[s]://host[:port]", text, what);
}

static bool host_ok(const char *p, size_t len, bool v6)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        if (v6 ? !isxdigit(c) && c != ':' && c != '.' : !isalnum(c) && strchr("-._", c) == NULL)
            return false;
    }
    return len > 0 && len < sizeof((struct s3p_url *)0)->host;
}

int s3p_url_parse(struct s3p_url *u, const char *text, struct s3p_err *err)
{
    *u = (struct s3p_url){0};
    const char *p = text;
    if (strncasecmp(p, "https://", 8) == 0)
        u->tls = true;
    else if (strncasecmp(p, "http://", 7) != 0)
        return bad_endpoint(err, text, "unknown scheme");
    p += u->tls ? 8 : 7;
    bool v6 = *p == '[';
    p += v6;
    size_t len = strcspn(p, v6 ? "]" : ":/?#@");
    if (!host_ok(p, len, v6) || (v6 && p[len] != ']'))
        return bad_endpoint(err, text, "bad host");
    memcpy(u->host, p, len);
    p += len + v6;
    int standard = u->tls ? 443 : 80;
    uint64_t port = (uint64_t)standard;
    if (*p == ':') {
        len = strspn(++p, "0123456789");
        if (!s3p_parse_u64(p, len, &port) || port < 1 || port > 65535)
            return bad_endpoint(err, text, "bad port");
        p += len;
    }
    if (strcmp(p, "") != 0 && strcmp(p, "/") != 0)
        return bad_endpoint(err, text, "more than a host and a port");
    u->port = (int)port;
    int n = snprintf(u->authority, sizeof u->authority, v6 ? "[%s]" : "%s", u->host);
    if (u->port != standard)
        snprintf(u->authority + n, sizeof u->authority - (size_t)n, ":%d", u->port);
    return 0;
}
