#include "tests/http/t_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/t.h"

struct peer_thread {
    pthread_t thread;
    struct peer_thread *next;
    struct t_peer peer;
};

static void add_ext(X509 *x, int nid, const char *value)
{
    X509V3_CTX v;
    X509V3_set_ctx(&v, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &v, nid, value);
    T_TRUE(e != NULL);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static void make_tls(struct t_server *s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(x, name);
    add_ext(x, NID_basic_constraints, "critical,CA:TRUE");
    add_ext(x, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    T_TRUE(X509_sign(x, key, EVP_sha256()) > 0);
    snprintf(s->ca_file, sizeof s->ca_file, "/tmp/s3p-test-ca-XXXXXX");
    int fd = mkstemp(s->ca_file);
    FILE *f = fdopen(fd, "w");
    PEM_write_X509(f, x);
    fclose(f);
    s->ctx = SSL_CTX_new(TLS_server_method());
    T_EQ(SSL_CTX_use_certificate(s->ctx, x), 1);
    T_EQ(SSL_CTX_use_PrivateKey(s->ctx, key), 1);
    X509_free(x);
    EVP_PKEY_free(key);
}

static ssize_t peer_read(struct t_peer *p, void *b, size_t len)
{
    if (p->kept > 0) {
        size_t n = len < p->kept ? len : p->kept;
        memcpy(b, p->extra, n);
        memmove(p->extra, p->extra + n, p->kept - n);
        p->kept -= n;
        return (ssize_t)n;
    }
    return p->ssl != NULL ? SSL_read(p->ssl, b, (int)len) : recv(p->fd, b, len, 0);
}

bool t_peer_head(struct t_peer *p)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = peer_read(p, p->head + len, sizeof p->head - 1 - len);
        if (n <= 0)
            return false;
        len += (size_t)n;
        p->head[len] = '\0';
        char *end = memmem(p->head, len, "\r\n\r\n", 4);
        if (end == NULL)
            continue;
        p->head_len = (size_t)(end + 4 - p->head);
        size_t rest = len - p->head_len;
        memmove(p->extra + rest, p->extra, p->kept);
        memcpy(p->extra, end + 4, rest);
        p->kept += rest;
        p->head[p->head_len] = '\0';
        p->requests++;
        p->body_len = p->body_sum = 0;
        return true;
    }
}

void t_peer_body(struct t_peer *p, uint64_t len)
{
    char b[16384];
    while (len > 0) {
        ssize_t n = peer_read(p, b, len < sizeof b ? (size_t)len : sizeof b);
        if (n <= 0)
            return;
        p->body_sum = t_sum(p->body_sum, p->body_len, b, (size_t)n);
        p->body_len += (uint64_t)n;
        len -= (uint64_t)n;
    }
}

bool t_peer_request(struct t_peer *p)
{
    if (!t_peer_head(p))
        return false;
    const char *cl = strstr(p->head, "Content-Length: ");
    uint64_t want = cl != NULL ? strtoull(cl + 16, NULL, 10) : 0;
    t_peer_body(p, want);
    return p->body_len == want;
}

bool t_peer_write(struct t_peer *p, const void *b, size_t len)
{
    const char *c = b;
    while (len > 0) {
        int piece = len > 65536 ? 65536 : (int)len;
        ssize_t n = p->ssl != NULL ? SSL_write(p->ssl, c, piece)
                                   : send(p->fd, c, (size_t)piece, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        c += n;
        len -= (size_t)n;
    }
    return true;
}

bool t_peer_text(struct t_peer *p, const char *text)
{
    return t_peer_write(p, text, strlen(text));
}

bool t_peer_answer(struct t_peer *p, int status, const char *body)
{
    char b[4096];
    snprintf(b, sizeof b, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nETag: \"e\"\r\n\r\n%s", status,
             strlen(body), body);
    return t_peer_text(p, b);
}

uint64_t t_sum(uint64_t sum, uint64_t offset, const void *b, size_t len)
{
    const uint8_t *c = b;
    for (size_t i = 0; i < len; i++)
        sum += (offset + i + 1) * (c[i] + UINT64_C(0x9e3779b97f4a7c15));
    return sum;
}

static void *peer_main(void *arg)
{
    struct t_peer *p = arg;
    bool ok = true;
    if (p->server->ctx != NULL) {
        p->ssl = SSL_new(p->server->ctx);
        SSL_set_fd(p->ssl, p->fd);
        ok = SSL_accept(p->ssl) == 1;
    }
    if (ok)
        p->server->o.script(p, p->server->o.arg);
    if (p->ssl != NULL)
        SSL_free(p->ssl);
    if (p->fd >= 0)
        close(p->fd);
    atomic_fetch_add(&p->server->finished, 1);
    return NULL;
}

static void *accept_main(void *arg)
{
    struct t_server *s = arg;
    /* OpenSSL writes without MSG_NOSIGNAL. For the server's threads only: the client must not need
     * it. */
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 512 * 1024);
    while (!atomic_load(&s->stop)) {
        struct pollfd door = {.fd = s->listen_fd, .events = POLLIN};
        if (poll(&door, 1, 10) <= 0)
            continue;
        int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct peer_thread *t;
        while ((t = s3p_calloc(1, sizeof *t)) == NULL)
            continue; /* a failure that was meant for the client */
        t->peer.server = s;
        t->peer.fd = fd;
        t->peer.index = atomic_fetch_add(&s->accepted, 1);
        t->next = s->threads;
        s->threads = t;
        T_EQ(pthread_create(&t->thread, &attr, peer_main, &t->peer), 0);
    }
    pthread_attr_destroy(&attr);
    return NULL;
}

void t_server_start(struct t_server *s, const struct t_server_opts *o)
{
    memset(s, 0, sizeof *s);
    s->o = *o;
    if (o->tls)
        make_tls(s);
    s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    T_EQ(bind(s->listen_fd, (struct sockaddr *)&a, sizeof a), 0);
    T_EQ(listen(s->listen_fd, 1024), 0);
    T_EQ(getsockname(s->listen_fd, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
    pthread_t thread;
    T_EQ(pthread_create(&thread, NULL, accept_main, s), 0);
    s->thread = thread;
}

void t_server_stop(struct t_server *s)
{
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    close(s->listen_fd);
    while (s->threads != NULL) {
        struct peer_thread *t = s->threads;
        s->threads = t->next;
        pthread_join(t->thread, NULL);
        s3p_free(t);
    }
    SSL_CTX_free(s->ctx);
    if (s->ca_file[0] != '\0')
        unlink(s->ca_file);
}

int t_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 3; /* ".", ".." and the directory itself */
}
