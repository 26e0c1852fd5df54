#include "server/server.h"

#include <string.h>

#include "core/text.h"
#include "server/mutants.h"

void s3p_srv_answer_field(struct s3p_srv_req *req, const char *name, struct s3p_str value)
{
    struct s3p_buf *f = &req->answer.fields;
    s3p_buf_add(f, name, strlen(name) + 1);
    s3p_buf_view(f, value);
    s3p_buf_char(f, 0);
}

void s3p_srv_answer_status(struct s3p_srv_req *req, unsigned status)
{
    req->answer.status = status;
}

void s3p_srv_answer_error(struct s3p_srv_req *req, enum s3p_srv_error e)
{
    struct s3p_srv_answer *a = &req->answer;
    s3p_buf_clear(&a->fields);
    s3p_buf_clear(&a->body);
    a->error = e;
    a->status = s3p_srv_error_row(e)->status;
    if (e == S3P_SE_NOT_MODIFIED || s3p_str_eq(req->head.method, "HEAD"))
        return;
    s3p_srv_error_xml(&a->body, e, req->head.path,
                      (struct s3p_str){req->id, S3P_SRV_REQUEST_ID_BYTES},
                      req->loop->srv->options.region);
    s3p_srv_answer_field(req, "Content-Type", S3P_STR("application/xml"));
}

void s3p_srv_answer_etag(struct s3p_srv_req *req, const uint8_t md5[S3P_MD5_BYTES],
                         uint32_t n_parts)
{
    char etag[S3P_SRV_ETAG_MAX];
    size_t n = s3p_srv_etag_text(etag, md5, n_parts);
    s3p_srv_answer_field(req, "ETag", (struct s3p_str){etag, n});
}

void s3p_srv_answer_xml(struct s3p_srv_req *req)
{
    if (!s3p_buf_ok(&req->answer.body)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    if (S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL))
        s3p_srv_mutants_page(req);
    req->answer.status = 200;
    s3p_srv_answer_field(req, "Content-Type", S3P_STR("application/xml"));
}
