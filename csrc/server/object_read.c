/* GetObject and HeadObject. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"
#include "server/mutants.h"
#include "server/ops.h"
#include "server/ranges.h"
#include "server/reads.h"
#include "server/tables.h"

/* Arguments of a GET that replace a field of the answer. */
static const struct {
    const char *arg, *field;
} overrides[] = {
    {"response-content-type", "Content-Type"},
    {"response-content-language", "Content-Language"},
    {"response-expires", "Expires"},
    {"response-cache-control", "Cache-Control"},
    {"response-content-disposition", "Content-Disposition"},
    {"response-content-encoding", "Content-Encoding"},
};

/* What goes into a field must not end it. */
enum s3p_srv_error s3p_srv_get_object_check(struct s3p_srv_req *req)
{
    for (size_t i = 0; i < req->head.n_args; i++)
        for (size_t k = 0; k < req->head.args[i].value.len; k++)
            if ((unsigned char)req->head.args[i].value.p[k] < ' ')
                return S3P_SE_ARGUMENT;
    return S3P_SE_NONE;
}

static bool overridden(const struct s3p_srv_req *req, struct s3p_str name)
{
    for (size_t i = 0; i < sizeof overrides / sizeof overrides[0]; i++)
        if (s3p_srv_same_nocase(name, overrides[i].field))
            return s3p_srv_head_arg(&req->head, overrides[i].arg) != NULL;
    return false;
}

static void add_metadata(struct s3p_srv_req *req, const struct s3p_srv_record *r)
{
    struct s3p_str name, value;
    bool typed = false;
    for (size_t at = 0; s3p_srv_meta_next(r->meta, &at, &name, &value);) {
        typed |= s3p_srv_same_nocase(name, "content-type");
        if (req->head.n_args > 0 && overridden(req, name))
            continue;
        struct s3p_buf *f = &req->answer.fields;
        s3p_buf_view(f, name);
        s3p_buf_char(f, 0);
        s3p_buf_view(f, value);
        s3p_buf_char(f, 0);
    }
    for (size_t i = 0; req->head.n_args > 0 && i < sizeof overrides / sizeof overrides[0]; i++) {
        const struct s3p_srv_arg *a = s3p_srv_head_arg(&req->head, overrides[i].arg);
        if (a != NULL) {
            s3p_srv_answer_field(req, overrides[i].field, a->value);
            typed |= i == 0;
        }
    }
    if (!typed)
        s3p_srv_answer_field(req, "Content-Type", S3P_STR("binary/octet-stream"));
}

static void add_last_modified(struct s3p_srv_req *req, const struct s3p_srv_record *r)
{
    char date[29];
    s3p_http_date(date, r->mtime_wall_ns / S3P_S);
    s3p_srv_answer_field(req, "Last-Modified", (struct s3p_str){date, sizeof date});
}

/* Only of a whole object: clients verify what they get. */
static void add_checksum(struct s3p_srv_req *req, const struct s3p_srv_record *r)
{
    struct s3p_str mode = s3p_srv_head_get(&req->head, "x-amz-checksum-mode");
    if (!s3p_srv_same_nocase(mode, "ENABLED") || r->sum_len == 0 ||
        r->sum_kind >= S3P_SRV_SUM_KINDS)
        return;
    char text[4 * ((S3P_SRV_SUM_MAX + 2) / 3)];
    size_t n = s3p_base64(text, r->sum, r->sum_len);
    s3p_srv_answer_field(req, s3p_srv_sum_header((enum s3p_srv_sum_kind)r->sum_kind),
                         (struct s3p_str){text, n});
    s3p_srv_answer_field(req, "x-amz-checksum-type", S3P_STR("FULL_OBJECT"));
}

static void add_content_range(struct s3p_srv_req *req, const struct s3p_srv_range *range,
                              uint64_t size)
{
    char text[72] = "bytes ";
    size_t n = 6;
    if (range->kind == S3P_SRV_RANGE_PART) {
        n += s3p_u64_text(text + n, range->first);
        text[n++] = '-';
        n += s3p_u64_text(text + n, range->first + range->bytes - 1);
    } else {
        text[n++] = '*';
    }
    text[n++] = '/';
    n += s3p_u64_text(text + n, size);
    s3p_srv_answer_field(req, "Content-Range", (struct s3p_str){text, n});
}

enum s3p_srv_read s3p_srv_answer_object(struct s3p_srv_req *req, const struct s3p_srv_record *r)
{
    struct s3p_srv_answer *a = &req->answer;
    enum s3p_srv_error e = s3p_srv_conditions_get(&req->conditions, r);
    if (e != S3P_SE_NONE) {
        s3p_srv_answer_error(req, e);
        if (e == S3P_SE_NOT_MODIFIED) {
            s3p_srv_answer_etag(req, r->md5);
            add_last_modified(req, r);
        }
        return S3P_SRV_READ_DONE;
    }
    struct s3p_srv_range range =
        s3p_srv_range_parse(s3p_srv_head_get(&req->head, "range"), r->size);
    if (range.kind == S3P_SRV_RANGE_NONE || range.kind == S3P_SRV_RANGE_SEVERAL) {
        bool none = range.kind == S3P_SRV_RANGE_NONE;
        s3p_srv_answer_error(req, none ? S3P_SE_RANGE : S3P_SE_NOT_IMPLEMENTED);
        if (none)
            add_content_range(req, &range, r->size);
        return S3P_SRV_READ_DONE;
    }
    bool head = s3p_str_eq(req->head.method, "HEAD");
    if (!head && r->in_file && range.bytes > 0) {
        a->fd = s3p_srv_body_open(&req->loop->srv->store, r->body_id);
        if (a->fd < 0 && errno == ENOENT)
            return S3P_SRV_READ_AGAIN;
        if (a->fd < 0) {
            s3p_srv_answer_error(req, errno == EMFILE || errno == ENFILE ? S3P_SE_BUSY
                                                                         : S3P_SE_INTERNAL);
            return S3P_SRV_READ_DONE;
        }
    } else if (!head && !r->in_file) {
        s3p_buf_add(&a->body, r->body.p + range.first, range.bytes);
    }
    a->offset = range.first;
    a->length = head || a->fd >= 0 ? range.bytes : 0;
    a->status = range.kind == S3P_SRV_RANGE_PART ? 206 : 200;
    s3p_srv_answer_etag(req, r->md5);
    add_last_modified(req, r);
    s3p_srv_answer_field(req, "Accept-Ranges", S3P_STR("bytes"));
    add_metadata(req, r);
    if (range.kind == S3P_SRV_RANGE_PART)
        add_content_range(req, &range, r->size);
    else
        add_checksum(req, r);
    return S3P_SRV_READ_DONE;
}

/* One view: record, answer. AGAIN when an overwrite removed the body's file between the two. */
static enum s3p_srv_read read_once(struct s3p_srv_req *req)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_str bytes;
    struct s3p_srv_record r;
    int rc = s3p_srv_table_get(v->txn, v->store, req->bucket.id, req->head.key, &bytes);
    bool found = rc == 0 && s3p_srv_record_decode(&r, bytes);
    if (S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL) && (found || rc == MDB_NOTFOUND))
        return s3p_srv_mutants_read(req, found ? &r : NULL);
    if (found)
        return s3p_srv_answer_object(req, &r);
    s3p_srv_answer_error(req, rc == MDB_NOTFOUND ? S3P_SE_NO_KEY : S3P_SE_INTERNAL);
    return S3P_SRV_READ_DONE;
}

void s3p_srv_get_object(struct s3p_srv_req *req)
{
    enum s3p_srv_read again = S3P_SRV_READ_AGAIN;
    for (int i = 0; again == S3P_SRV_READ_AGAIN && i < 100; i++) {
        if (!s3p_srv_view_begin(&req->loop->view))
            break;
        again = read_once(req);
        s3p_srv_view_end(&req->loop->view);
    }
    if (again == S3P_SRV_READ_AGAIN)
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
}
