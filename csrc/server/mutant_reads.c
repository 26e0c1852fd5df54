/* The faults of reads. */
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "server/mutant_state.h"

#define BODY_MAX (64 * 1024 * 1024)
#define CELL                                                                                       \
    64 /* bodies are checked in cells of this size: a mix has whole ones of both writers           \
        */

static bool is_get(const struct s3p_srv_req *req)
{
    return s3p_str_eq(req->head.method, "GET");
}

static bool load_fd(int fd, uint64_t size, struct s3p_buf *out)
{
    char *p = size <= BODY_MAX ? s3p_buf_grow(out, size) : NULL;
    return p != NULL && pread(fd, p, size, 0) == (ssize_t)size;
}

static bool load_current(const struct s3p_srv_req *req, const struct s3p_srv_record *r,
                         struct s3p_buf *out)
{
    if (r->n_parts > 0) /* the faults of bodies leave multipart objects alone */
        return false;
    if (!r->in_file) {
        s3p_buf_view(out, r->body);
        return s3p_buf_ok(out);
    }
    int fd = s3p_srv_body_open(&req->loop->srv->store, r->body_id);
    bool ok = fd >= 0 && load_fd(fd, r->size, out);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool load_version(const struct s3p_srv_version *v, struct s3p_srv_record *r,
                         struct s3p_buf *out)
{
    if (!v->present || !s3p_srv_record_decode(r, (struct s3p_str){v->bytes.data, v->bytes.len}) ||
        r->n_parts > 0)
        return false;
    if (r->in_file)
        return v->fd >= 0 && load_fd(v->fd, r->size, out);
    s3p_buf_view(out, r->body);
    return s3p_buf_ok(out);
}

/* The answer from a record whose body is in memory. */
static void answer_from(struct s3p_srv_req *req, struct s3p_srv_record r,
                        const struct s3p_buf *body)
{
    r.in_file = false;
    r.body = (struct s3p_str){body->data, body->len};
    (void)s3p_srv_answer_object(req, &r);
}

/* What was current delay_ns ago: the oldest version that was replaced since. */
static struct s3p_srv_version *version_at(struct s3p_srv_key_state *k, int64_t then_ns)
{
    struct s3p_srv_version *found = NULL;
    for (struct s3p_srv_version *v = k->versions; v != NULL && v->replaced_ns > then_ns;
         v = v->next)
        found = v;
    return found;
}

S3P_SRV_READ(s3p_srv_mutant_stale_read)
{
    (void)r;
    struct s3p_srv_version *v = version_at(k, s3p_now_ns() - a->spec.delay_ns);
    if (v == NULL || (a->spec.endpoint < 0 && req->endpoint == 0) ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    if (!v->present) {
        s3p_srv_answer_error(req, S3P_SE_NO_KEY);
        s3p_srv_mutant_altered(m, a->spec.row, req);
        return true;
    }
    struct s3p_srv_record old;
    struct s3p_buf body;
    s3p_buf_init(&body, BODY_MAX);
    bool ok = load_version(v, &old, &body);
    if (ok) {
        answer_from(req, old, &body);
        s3p_srv_mutant_altered(m, a->spec.row, req);
    }
    s3p_buf_free(&body);
    return ok;
}

/* Answers with the fields of `r`, and bytes of the version before it from `from` on. */
static bool answer_mixed(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                         struct s3p_srv_req *req, struct s3p_srv_key_state *k,
                         const struct s3p_srv_record *r, uint64_t from)
{
    struct s3p_srv_record old;
    struct s3p_buf body, other;
    s3p_buf_init(&body, BODY_MAX);
    s3p_buf_init(&other, BODY_MAX);
    bool mixed = false;
    if (load_current(req, r, &body) && load_version(k->versions, &old, &other) &&
        other.len > from) {
        size_t n = (other.len < body.len ? other.len : body.len) - from;
        mixed = body.len > from && memcmp(body.data + from, other.data + from, n) != 0;
        if (mixed && s3p_srv_mutant_fires(m, a, req, k)) {
            memcpy(body.data + from, other.data + from, n);
            answer_from(req, *r, &body);
            s3p_srv_mutant_altered(m, a->spec.row, req);
        } else {
            mixed = false;
        }
    }
    s3p_buf_free(&body);
    s3p_buf_free(&other);
    return mixed;
}

S3P_SRV_READ(s3p_srv_mutant_torn_get)
{
    if (!is_get(req) || r == NULL || k->versions == NULL)
        return false;
    return answer_mixed(m, a, req, k, r, 0);
}

S3P_SRV_READ(s3p_srv_mutant_torn_blocks)
{
    if (!is_get(req) || r == NULL || k->versions == NULL)
        return false;
    return answer_mixed(m, a, req, k, r, r->size / 2 / CELL * CELL);
}
