#include "tests/engine/fake.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/text.h"
#include "s3/op.h"
#include "tests/t.h"

struct request {
    enum s3p_op op;
    char key[128], query[1024];
    char if_match[64], if_none_match[64], id[40], range[64], hash[80];
    char *body;
    size_t len;
    bool close;
};
struct answer {
    int status;
    char headers[512];
    struct s3p_buf body;
    size_t announced; /* HEAD: what a GET would have */
};

/* ---- reading a request ---- */

static void take_header(struct request *r, const char *name, const char *value)
{
    const struct {
        const char *name;
        char *to;
        size_t cap;
    } rows[] = {{"if-match", r->if_match, sizeof r->if_match},
                {"if-none-match", r->if_none_match, sizeof r->if_none_match},
                {"x-amz-meta-s3p-id", r->id, sizeof r->id},
                {"range", r->range, sizeof r->range},
                {"x-amz-content-sha256", r->hash, sizeof r->hash}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcasecmp(rows[i].name, name) == 0)
            snprintf(rows[i].to, rows[i].cap, "%s", value);
    if (strcasecmp(name, "content-length") == 0)
        r->len = strtoul(value, NULL, 10);
}

static enum s3p_op op_of(const char *method, const char *key, const char *query)
{
    bool object = key[0] != 0;
    if (strcmp(method, "PUT") == 0)
        return object ? S3P_OP_PUT : S3P_OP_CREATE_BUCKET;
    if (strcmp(method, "HEAD") == 0)
        return object ? S3P_OP_HEAD : S3P_OP_HEAD_BUCKET;
    if (strcmp(method, "DELETE") == 0)
        return object ? S3P_OP_DELETE : S3P_OP_DELETE_BUCKET;
    if (strcmp(method, "POST") == 0)
        return S3P_OP_DELETE_OBJECTS;
    if (object)
        return S3P_OP_GET;
    return strstr(query, "list-type=2") != NULL ? S3P_OP_LIST : S3P_OP_LIST_V1;
}

static void parse_head(struct request *r, char *head)
{
    char method[16], target[1200], *save, *line = strtok_r(head, "\r\n", &save);
    memset(r, 0, sizeof *r);
    if (sscanf(line, "%15s %1199s", method, target) != 2)
        t_fail(__FILE__, __LINE__, "bad request line: %s", line);
    char *query = strchr(target, '?');
    if (query != NULL) {
        *query++ = 0;
        snprintf(r->query, sizeof r->query, "%s", query);
    }
    const char *key = strchr(target + 1, '/');
    snprintf(r->key, sizeof r->key, "%s", key != NULL ? key + 1 : "");
    r->op = op_of(method, r->key, r->query);
    while ((line = strtok_r(NULL, "\r\n", &save)) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL)
            continue;
        *colon = 0;
        take_header(r, line, colon + 2);
    }
}

/* False at the end of the connection. Bytes behind the request do not occur: the engine does not
 * pipeline. */
static bool read_request(int fd, struct request *r)
{
    enum { cap = 16384 };
    char head[cap + 1];
    size_t n = 0;
    char *end = NULL;
    while (end == NULL) {
        ssize_t got = recv(fd, head + n, cap - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        head[n] = 0;
        end = strstr(head, "\r\n\r\n");
    }
    size_t head_len = (size_t)(end + 4 - head), have = n - head_len;
    char copy[cap + 1];
    memcpy(copy, head + head_len, have);
    *end = 0;
    parse_head(r, head);
    r->body = s3p_alloc(r->len + 1);
    memcpy(r->body, copy, have);
    while (have < r->len) {
        ssize_t got = recv(fd, r->body + have, r->len - have, 0);
        if (got <= 0) {
            s3p_free(r->body);
            return false;
        }
        have += (size_t)got;
    }
    r->body[r->len] = 0;
    return true;
}

/* A signed payload hash must be that of the body. */
static bool hash_is_right(const struct request *r)
{
    uint8_t sha[S3P_SHA256_BYTES];
    char hex[2 * S3P_SHA256_BYTES + 1] = "";
    if (strcmp(r->hash, "UNSIGNED-PAYLOAD") == 0)
        return true;
    s3p_sha256(r->body, r->len, sha);
    s3p_hex(hex, sha, sizeof sha);
    return strcmp(hex, r->hash) == 0;
}

/* ---- the store; fake.mu is held ---- */

static struct fake_object *find(struct fake *f, const char *key)
{
    for (int i = 0; i < f->nobjects; i++)
        if (strcmp(f->objects[i].key, key) == 0)
            return &f->objects[i];
    return NULL;
}

static void refuse(struct answer *a, int status, const char *code)
{
    a->status = status;
    s3p_buf_clear(&a->body);
    s3p_buf_fmt(&a->body, "<?xml version=\"1.0\"?><Error><Code>%s</Code></Error>", code);
}

static void drop(struct fake *f, struct fake_object *o)
{
    s3p_free(o->body);
    int at = (int)(o - f->objects);
    memmove(o, o + 1, (size_t)(f->nobjects - at - 1) * sizeof *o);
    f->nobjects--;
}

static struct fake_object *add(struct fake *f, const char *key)
{
    int at = f->nobjects;
    if (at == FAKE_OBJECTS)
        t_fail(__FILE__, __LINE__, "too many objects");
    while (at > 0 && strcmp(f->objects[at - 1].key, key) > 0) {
        f->objects[at] = f->objects[at - 1];
        at--;
    }
    f->nobjects++;
    memset(&f->objects[at], 0, sizeof f->objects[at]);
    snprintf(f->objects[at].key, sizeof f->objects[at].key, "%s", key);
    return &f->objects[at];
}

static bool condition_fails(const struct request *r, const struct fake_object *o)
{
    if (r->if_match[0] != 0 &&
        (o == NULL || (strcmp(r->if_match, "*") != 0 && strcmp(r->if_match, o->etag) != 0)))
        return true;
    return r->if_none_match[0] != 0 && o != NULL &&
           (strcmp(r->if_none_match, "*") == 0 || strcmp(r->if_none_match, o->etag) == 0);
}

static void do_put(struct fake *f, struct request *r, struct fake_object *o, struct answer *a)
{
    if (o == NULL)
        o = add(f, r->key);
    s3p_free(o->body);
    o->body = r->body;
    o->len = r->len;
    r->body = NULL;
    memcpy(o->id, r->id, sizeof o->id);
    snprintf(o->etag, sizeof o->etag, "\"%032llx\"", (unsigned long long)++f->writes);
    snprintf(a->headers, sizeof a->headers, "ETag: %s\r\n", o->etag);
}

static void do_get(const struct request *r, const struct fake_object *o, struct answer *a)
{
    unsigned long first = 0, last = o->len == 0 ? 0 : o->len - 1;
    char range[96] = "";
    a->status = 200;
    if (sscanf(r->range, "bytes=%lu-%lu", &first, &last) >= 1) {
        if (first >= o->len) {
            refuse(a, 416, "InvalidRange");
            return;
        }
        last = last < o->len ? last : o->len - 1;
        a->status = 206;
        snprintf(range, sizeof range, "Content-Range: bytes %lu-%lu/%zu\r\n", first, last, o->len);
    }
    size_t len = o->len == 0 ? 0 : last - first + 1;
    snprintf(a->headers, sizeof a->headers,
             "ETag: %s\r\nx-amz-meta-s3p-id: %s\r\n"
             "Last-Modified: Fri, 24 May 2013 00:00:00 GMT\r\n%s",
             o->etag, o->id, range);
    a->announced = len;
    if (r->op == S3P_OP_GET)
        s3p_buf_add(&a->body, o->body + first, len);
}

static void do_list(const struct fake *f, const struct request *r, struct answer *a)
{
    const char *max = strstr(r->query, "max-keys="),
               *token = strstr(r->query, "continuation-token=");
    int first = token != NULL ? (int)strtol(token + 19, NULL, 10) : 0;
    int n = max != NULL ? (int)strtol(max + 9, NULL, 10) : 1000;
    bool cut = first + n < f->nobjects;
    s3p_buf_fmt(&a->body, "<ListBucketResult><IsTruncated>%s</IsTruncated>",
                cut ? "true" : "false");
    if (cut)
        s3p_buf_fmt(&a->body, "<NextContinuationToken>%d</NextContinuationToken>", first + n);
    for (int i = first; i < f->nobjects && i < first + n; i++)
        s3p_buf_fmt(&a->body, "<Contents><Key>%s</Key><ETag>%s</ETag><Size>%zu</Size></Contents>",
                    f->objects[i].key, f->objects[i].etag, f->objects[i].len);
    s3p_buf_str(&a->body, "</ListBucketResult>");
}

static void do_delete_objects(struct fake *f, const struct request *r, struct answer *a)
{
    s3p_buf_str(&a->body, "<DeleteResult>");
    for (const char *p = r->body; (p = strstr(p, "<Key>")) != NULL; p++) {
        char key[128];
        snprintf(key, sizeof key, "%.*s", (int)(strstr(p, "</Key>") - p - 5), p + 5);
        struct fake_object *o = find(f, key);
        if (strstr(key, "stuck") != NULL) {
            s3p_buf_fmt(&a->body, "<Error><Key>%s</Key><Code>AccessDenied</Code></Error>", key);
            continue;
        }
        if (o != NULL)
            drop(f, o);
        s3p_buf_fmt(&a->body, "<Deleted><Key>%s</Key></Deleted>", key);
    }
    s3p_buf_str(&a->body, "</DeleteResult>");
}

static void carry_out_object(struct fake *f, struct request *r, struct answer *a)
{
    struct fake_object *o = find(f, r->key);
    if (o == NULL && r->op != S3P_OP_PUT && r->op != S3P_OP_DELETE)
        refuse(a, 404, "NoSuchKey");
    else if (condition_fails(r, o))
        refuse(a, r->op == S3P_OP_PUT && o == NULL ? 404 : 412,
               r->op == S3P_OP_PUT && o == NULL ? "NoSuchKey" : "PreconditionFailed");
    else if (r->op == S3P_OP_PUT)
        do_put(f, r, o, a);
    else if (r->op != S3P_OP_DELETE)
        do_get(r, o, a);
    else if (o != NULL)
        drop(f, o);
}

static void carry_out(struct fake *f, struct request *r, struct answer *a)
{
    a->status = 200;
    if (r->op == S3P_OP_CREATE_BUCKET)
        f->bucket_there = true;
    else if (r->op == S3P_OP_LIST || r->op == S3P_OP_LIST_V1)
        do_list(f, r, a);
    else if (r->op == S3P_OP_DELETE_OBJECTS)
        do_delete_objects(f, r, a);
    else if (r->op == S3P_OP_DELETE_BUCKET && f->nobjects != 0)
        refuse(a, 409, "BucketNotEmpty");
    else if (r->op == S3P_OP_DELETE_BUCKET)
        f->bucket_there = false;
    else if (s3p_op_table[r->op].on_key)
        carry_out_object(f, r, a);
}

/* ---- answering ---- */

static const struct fake_rule *rule_for(const struct fake *f, const struct request *r)
{
    int n = f->counts[r->op];
    for (const struct fake_rule *rule = f->rules; rule != NULL && rule->op != NULL; rule++)
        if (strcmp(rule->op, s3p_op_table[r->op].name) == 0 && n >= rule->first &&
            (rule->last == 0 || n <= rule->last))
            return rule;
    return NULL;
}

static bool send_answer(int fd, const struct request *r, const struct answer *a)
{
    char head[1024];
    bool empty = r->op == S3P_OP_HEAD || r->op == S3P_OP_HEAD_BUCKET;
    size_t len = r->op == S3P_OP_HEAD && a->status / 100 == 2 ? a->announced : a->body.len;
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nx-amz-request-id: r1\r\n%s\r\n",
                     a->status, len, a->headers);
    if (send(fd, head, (size_t)n, MSG_NOSIGNAL) != n)
        return false;
    for (size_t at = 0; !empty && at < a->body.len;) {
        ssize_t sent = send(fd, a->body.data + at, a->body.len - at, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += (size_t)sent;
    }
    return true;
}

static void enter(struct fake *f, const struct request *r)
{
    f->counts[r->op]++;
    f->in_flight++;
    f->in_flight_max = f->in_flight > f->in_flight_max ? f->in_flight : f->in_flight_max;
}

/* One request; false ends the connection. */
static bool serve_one(struct fake *f, int fd)
{
    struct request r;
    struct answer a = {0};
    if (!read_request(fd, &r))
        return false;
    s3p_buf_init(&a.body, 64u << 20);
    pthread_mutex_lock(&f->mu);
    enter(f, &r);
    f->bad_hashes += !hash_is_right(&r);
    f->signed_hashes += r.len > 0 && strlen(r.hash) == 64;
    const struct fake_rule *rule = rule_for(f, &r);
    enum fake_action action = rule != NULL ? rule->action : FAKE_SLOW;
    if (action == FAKE_DO_ANSWER || action == FAKE_DO_CLOSE || action == FAKE_SLOW)
        carry_out(f, &r, &a);
    if (action == FAKE_ANSWER || action == FAKE_DO_ANSWER) {
        a.headers[0] = 0;
        refuse(&a, rule->status, rule->code);
    }
    pthread_mutex_unlock(&f->mu);
    if (rule != NULL && action == FAKE_SLOW)
        poll(NULL, 0, rule->status);
    bool open = action != FAKE_CLOSE && action != FAKE_DO_CLOSE;
    char byte;
    if (action == FAKE_STALL)
        open = recv(fd, &byte, 1, 0) > 0; /* until the client gives up */
    else if (open)
        open = send_answer(fd, &r, &a);
    pthread_mutex_lock(&f->mu);
    f->in_flight--;
    pthread_mutex_unlock(&f->mu);
    s3p_free(r.body);
    s3p_buf_free(&a.body);
    return open;
}

struct connection {
    struct fake *f;
    int fd;
};

static void *connection_main(void *arg)
{
    struct connection c = *(struct connection *)arg;
    s3p_free(arg);
    while (serve_one(c.f, c.fd))
        ;
    /* closed by fake_stop, so that the number is not used again before */
    shutdown(c.fd, SHUT_RDWR);
    return NULL;
}

static void *acceptor_main(void *arg)
{
    struct fake *f = arg;
    for (;;) {
        int fd = accept(f->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct connection *c = s3p_alloc(sizeof *c);
        *c = (struct connection){f, fd};
        pthread_mutex_lock(&f->mu);
        if (f->nfds == FAKE_CONNECTIONS)
            t_fail(__FILE__, __LINE__, "too many connections");
        f->fds[f->nfds] = fd;
        pthread_create(&f->threads[f->nfds++], NULL, connection_main, c);
        pthread_mutex_unlock(&f->mu);
    }
}

void fake_start(struct fake *f, const struct fake_rule *rules)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    memset(f, 0, sizeof *f);
    f->rules = rules;
    pthread_mutex_init(&f->mu, NULL);
    f->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(f->fd, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(f->fd, 256) != 0 ||
        getsockname(f->fd, (struct sockaddr *)&addr, &len) != 0)
        t_fail(__FILE__, __LINE__, "cannot listen");
    f->port = ntohs(addr.sin_port);
    pthread_create(&f->acceptor, NULL, acceptor_main, f);
}

void fake_stop(struct fake *f)
{
    shutdown(f->fd, SHUT_RDWR);
    pthread_join(f->acceptor, NULL);
    close(f->fd);
    for (int i = 0; i < f->nfds; i++)
        shutdown(f->fds[i], SHUT_RDWR);
    for (int i = 0; i < f->nfds; i++) {
        pthread_join(f->threads[i], NULL);
        close(f->fds[i]);
    }
    for (int i = 0; i < f->nobjects; i++)
        s3p_free(f->objects[i].body);
    pthread_mutex_destroy(&f->mu);
}

pid_t fake_fork(struct fake *f, const struct fake_rule *rules)
{
    int ends[2];
    if (pipe(ends) != 0)
        t_fail(__FILE__, __LINE__, "no pipe");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not come to fake_kill */
        fake_start(f, rules);
        if (write(ends[1], &f->port, sizeof f->port) != sizeof f->port)
            _exit(1);
        for (;;)
            pause();
    }
    memset(f, 0, sizeof *f);
    if (pid < 0 || read(ends[0], &f->port, sizeof f->port) != sizeof f->port)
        t_fail(__FILE__, __LINE__, "no store process");
    close(ends[0]);
    close(ends[1]);
    return pid;
}

void fake_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int fake_count(struct fake *f, const char *op)
{
    pthread_mutex_lock(&f->mu);
    int n = f->counts[s3p_op_find(op, strlen(op))];
    pthread_mutex_unlock(&f->mu);
    return n;
}
