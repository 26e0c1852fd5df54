#include "server/mutant_bodies.h"

#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"

bool s3p_srv_mutant_is(const struct s3p_srv_req *req, const char *method)
{
    return s3p_str_eq(req->head.method, method);
}

static bool load_fd(int fd, uint64_t size, struct s3p_buf *out)
{
    char *p = size <= S3P_SRV_MUTANT_BODY_MAX ? s3p_buf_grow(out, size) : NULL;
    return p != NULL && pread(fd, p, size, 0) == (ssize_t)size;
}

bool s3p_srv_mutant_load(const struct s3p_srv_req *req, const struct s3p_srv_record *r,
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

bool s3p_srv_mutant_load_version(const struct s3p_srv_version *v, struct s3p_srv_record *r,
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

struct s3p_srv_version *s3p_srv_mutant_version_at(struct s3p_srv_key_state *k, int64_t then_ns)
{
    struct s3p_srv_version *found = NULL;
    for (struct s3p_srv_version *v = k->versions; v != NULL && v->replaced_ns > then_ns;
         v = v->next)
        found = v;
    return found;
}

struct s3p_srv_version *s3p_srv_mutant_keep(const struct s3p_srv_record *r)
{
    struct s3p_srv_version *v = s3p_calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    s3p_buf_init(&v->bytes, S3P_SRV_MUTANT_BODY_MAX);
    v->replaced_ns = s3p_now_ns();
    v->present = r != NULL && !r->marker;
    v->fd = -1;
    if (v->present)
        s3p_srv_record_encode(&v->bytes, r);
    return v;
}

void s3p_srv_mutant_forget(struct s3p_srv_version **v)
{
    if (*v == NULL)
        return;
    if ((*v)->fd >= 0)
        close((*v)->fd);
    s3p_buf_free(&(*v)->bytes);
    s3p_free(*v);
    *v = NULL;
}

void s3p_srv_mutant_answer(struct s3p_srv_req *req, struct s3p_srv_record r,
                           const struct s3p_buf *body)
{
    r.in_file = false;
    r.body = (struct s3p_str){body->data, body->len};
    (void)s3p_srv_answer_object(req, &r);
}

void s3p_srv_mutant_answer_absent(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                                  struct s3p_srv_req *req)
{
    s3p_srv_answer_error(req, S3P_SE_NO_KEY);
    s3p_srv_mutant_altered(m, a->spec.row, req);
}

bool s3p_srv_mutant_answer_version(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                                   struct s3p_srv_req *req, const struct s3p_srv_version *v)
{
    if (!v->present) {
        s3p_srv_mutant_answer_absent(m, a, req);
        return true;
    }
    struct s3p_srv_record old;
    struct s3p_buf body;
    s3p_buf_init(&body, S3P_SRV_MUTANT_BODY_MAX);
    bool ok = s3p_srv_mutant_load_version(v, &old, &body);
    if (ok) {
        s3p_srv_mutant_answer(req, old, &body);
        s3p_srv_mutant_altered(m, a->spec.row, req);
    }
    s3p_buf_free(&body);
    return ok;
}
