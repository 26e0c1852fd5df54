#include "http/conn.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <string.h>

#include "core/alloc.h"
#include "http/conn_priv.h"
#include "http/trust.h"

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
        rc = s3p_trust_load(&n->store, o->ca_file, err);
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
