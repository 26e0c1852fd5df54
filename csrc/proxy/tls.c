#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/alloc.h"
#include "http/trust.h"
#include "proxy/peer.h"

struct s3p_px_tls {
    SSL_CTX *context;
};

int s3p_px_tls_create(struct s3p_px_tls **out, const char *ca_file, bool verify,
                      struct s3p_err *err)
{
    struct s3p_px_tls *t = s3p_calloc(1, sizeof *t);
    if (t == NULL || (t->context = SSL_CTX_new(TLS_client_method())) == NULL) {
        s3p_free(t);
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for TLS");
    }
    void *store = NULL;
    int rc = verify ? s3p_trust_load(&store, ca_file, err) : 0;
    if (rc != 0) {
        X509_STORE_free(store);
        s3p_px_tls_free(t);
        return rc;
    }
    SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION);
    SSL_CTX_set_mode(t->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* A stream that ends without a word is cut where the framing says so, as without TLS. */
    SSL_CTX_set_options(t->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (verify) {
        SSL_CTX_set_cert_store(t->context, store); /* which is its own from now on */
        SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
    }
    *out = t;
    return 0;
}

void s3p_px_tls_free(struct s3p_px_tls *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->context);
    s3p_free(t);
}

/* The name that the certificate must have; an address is none that is asked for by name. */
static bool expect(SSL *ssl, const char *host)
{
    struct in6_addr address;
    bool number = inet_pton(AF_INET, host, &address) == 1 ||
                  inet_pton(AF_INET6, host, &address) == 1;
    if (number)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static int refused(SSL *ssl, struct s3p_err *err)
{
    long why = SSL_get_verify_result(ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (why != X509_V_OK)
        reason = X509_verify_cert_error_string(why);
    return s3p_fail(err, S3P_ENET, 0, "TLS handshake: %s", reason != NULL ? reason : "no answer");
}

int s3p_px_tls_begin(struct s3p_px_tls *t, struct s3p_loop *l, struct s3p_px_peer *p,
                     const char *host, int64_t deadline_ns, struct s3p_err *err)
{
    SSL *ssl = SSL_new(t->context);
    if (ssl == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for TLS");
    p->tls = ssl;
    if (!expect(ssl, host) || SSL_set_fd(ssl, p->w.fd) != 1)
        return refused(ssl, err);
    for (;;) {
        ERR_clear_error();
        int rc = SSL_connect(ssl), why = SSL_get_error(ssl, rc);
        if (rc == 1)
            return 0;
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            return refused(ssl, err);
        if (s3p_wait_io(l, &p->w, why == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT, deadline_ns) < 0)
            return refused(ssl, err);
    }
}

static ssize_t result(SSL *ssl, int rc, size_t n)
{
    int sys = errno;
    switch (SSL_get_error(ssl, rc)) {
    case SSL_ERROR_NONE:
        return (ssize_t)n;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        SSL_set_quiet_shutdown(ssl, 1); /* there is nobody to say goodbye to */
        errno = sys != 0 && sys != EAGAIN && sys != EINTR ? sys : ECONNRESET;
        return -1;
    }
}

ssize_t s3p_px_tls_recv(struct s3p_px_peer *p, void *to, size_t len, bool peek)
{
    size_t n = 0;
    ERR_clear_error();
    errno = 0;
    int rc = peek ? SSL_peek_ex(p->tls, to, len, &n) : SSL_read_ex(p->tls, to, len, &n);
    return result(p->tls, rc, n);
}

/* A record that was begun must be offered again as it was, or longer. */
ssize_t s3p_px_tls_write(struct s3p_px_peer *p, const void *data, size_t len)
{
    size_t n = 0;
    ERR_clear_error();
    errno = 0;
    len = len < p->owed ? p->owed : len;
    int rc = SSL_write_ex(p->tls, data, len, &n);
    ssize_t sent = result(p->tls, rc, n);
    p->owed = sent < 0 ? len : 0;
    return sent;
}

void s3p_px_tls_shut(struct s3p_px_peer *p)
{
    ERR_clear_error();
    (void)SSL_shutdown(p->tls);
}

void s3p_px_tls_end(struct s3p_px_peer *p)
{
    SSL_free(p->tls);
    p->tls = NULL;
    p->owed = 0;
}
