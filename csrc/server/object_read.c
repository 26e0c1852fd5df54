/* GetObject and HeadObject. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"
#include "server/lock.h"
#include "server/mutants.h"
#include "server/ops.h"
#include "server/parts_body.h"
#include "server/ranges.h"
#include "server/reads.h"
#include "server/settings.h"
#include "server/tags.h"
#include "server/versions.h"
#include "server/writes.h"

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
    const struct s3p_srv_arg *part = s3p_srv_head_arg(&req->head, "partNumber");
    req->part_number = 0;
    if (part == NULL)
        return S3P_SE_NONE;
    if (s3p_srv_head_get(&req->head, "range").p != NULL)
        return S3P_SE_PART_AND_RANGE;
    return s3p_srv_part_number(part->value, &req->part_number) ? S3P_SE_NONE : S3P_SE_PART_NUMBER;
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
    if (s3p_srv_same_nocase(mode, "ENABLED"))
        s3p_srv_answer_sum(req, r);
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

/* What of the object was asked for: a part by its position, a range, all of it. */
static enum s3p_srv_error asked_range(const struct s3p_srv_req *req, const struct s3p_srv_record *r,
                                      struct s3p_srv_range *out)
{
    uint32_t number = req->part_number;
    if (number == 0) {
        struct s3p_str range = {NULL, 0};
        if (s3p_srv_conditions_range(&req->conditions, r))
            range = s3p_srv_head_get(&req->head, "range");
        *out = s3p_srv_range_parse(range, r->size);
        return out->kind == S3P_SRV_RANGE_NONE      ? S3P_SE_RANGE
               : out->kind == S3P_SRV_RANGE_SEVERAL ? S3P_SE_NOT_IMPLEMENTED
                                                    : S3P_SE_NONE;
    }
    if (number > (r->n_parts > 0 ? r->n_parts : 1))
        return S3P_SE_PART_RANGE;
    *out = (struct s3p_srv_range){S3P_SRV_RANGE_PART, 0, r->size};
    for (uint32_t i = 0; r->n_parts > 0 && i < number; i++) {
        out->first += i > 0 ? out->bytes : 0;
        out->bytes = s3p_srv_part_at(r->parts, i).size;
    }
    if (out->bytes == 0) /* no range can say it */
        out->kind = S3P_SRV_RANGE_WHOLE;
    return S3P_SE_NONE;
}

/* Opens what is sent from files; 0 or errno. */
static int open_body(struct s3p_srv_req *req, const struct s3p_srv_record *r,
                     const struct s3p_srv_range *range)
{
    struct s3p_srv_answer *a = &req->answer;
    const struct s3p_srv_store *s = &req->loop->srv->store;
    if (range->bytes == 0)
        return 0;
    if (r->n_parts > 0)
        return s3p_srv_parts_open(&a->parts, s, r, range->first, range->bytes);
    if (r->in_file)
        a->fd = s3p_srv_body_open(s, r->body_id);
    else
        s3p_buf_add(&a->body, r->body.p + range->first, range->bytes);
    return r->in_file && a->fd < 0 ? errno : 0;
}

static void add_number(struct s3p_srv_req *req, const char *name, uint64_t v)
{
    char digits[20];
    s3p_srv_answer_field(req, name, (struct s3p_str){digits, s3p_u64_text(digits, v)});
}

static void add_fields(struct s3p_srv_req *req, const struct s3p_srv_record *r,
                       const struct s3p_srv_range *range)
{
    s3p_srv_answer_etag(req, r->md5, r->n_parts);
    add_last_modified(req, r);
    s3p_srv_answer_field(req, "Accept-Ranges", S3P_STR("bytes"));
    s3p_srv_answer_version(req, "x-amz-version-id", r);
    add_metadata(req, r);
    s3p_srv_settings_fields(req, req->loop->view.txn, r);
    s3p_srv_lock_fields(req, r);
    if (r->tags.len > 0)
        add_number(req, "x-amz-tagging-count", s3p_srv_tags_count(r->tags));
    if (req->part_number != 0 && r->n_parts > 0)
        add_number(req, "x-amz-mp-parts-count", r->n_parts);
    if (range->kind == S3P_SRV_RANGE_PART)
        add_content_range(req, range, r->size);
    else if (req->part_number == 0)
        add_checksum(req, r);
}

enum s3p_srv_read s3p_srv_answer_object(struct s3p_srv_req *req, const struct s3p_srv_record *r)
{
    struct s3p_srv_answer *a = &req->answer;
    struct s3p_srv_range range;
    enum s3p_srv_error e = s3p_srv_conditions_get(&req->conditions, r);
    if (e != S3P_SE_NONE) {
        s3p_srv_answer_error(req, e);
        if (e == S3P_SE_NOT_MODIFIED) {
            s3p_srv_answer_etag(req, r->md5, r->n_parts);
            add_last_modified(req, r);
        }
        return S3P_SRV_READ_DONE;
    }
    if ((e = asked_range(req, r, &range)) != S3P_SE_NONE) {
        s3p_srv_answer_error(req, e);
        if (e == S3P_SE_RANGE)
            add_content_range(req, &range, r->size);
        return S3P_SRV_READ_DONE;
    }
    bool head = s3p_str_eq(req->head.method, "HEAD");
    int rc = head ? 0 : open_body(req, r, &range);
    if (rc == ENOENT)
        return S3P_SRV_READ_AGAIN;
    if (rc != 0) {
        s3p_srv_answer_error(req, rc == EMFILE || rc == ENFILE ? S3P_SE_BUSY : S3P_SE_INTERNAL);
        return S3P_SRV_READ_DONE;
    }
    a->offset = range.first;
    a->length = head || a->fd >= 0 || a->parts != NULL ? range.bytes : 0;
    a->status = range.kind == S3P_SRV_RANGE_PART ? 206 : 200;
    add_fields(req, r, &range);
    return S3P_SRV_READ_DONE;
}

/* One view: record, answer. AGAIN when an overwrite removed the body's file between the two. */
static enum s3p_srv_read read_once(struct s3p_srv_req *req)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_srv_record r;
    enum s3p_srv_read result = S3P_SRV_READ_DONE;
    bool current;
    int rc = s3p_srv_version_find(v->txn, v->store, req->bucket.id, req->head.key, &req->wanted, &r,
                                  &current);
    bool marker = rc == 0 && r.marker, found = rc == 0 && !marker;
    bool mutants = S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL) && !req->wanted.given;
    if (mutants && (rc == 0 || rc == MDB_NOTFOUND))
        result = s3p_srv_mutants_read(req, found ? &r : NULL);
    else if (found)
        result = s3p_srv_answer_object(req, &r);
    else if (!marker)
        s3p_srv_answer_error(req, rc != MDB_NOTFOUND  ? S3P_SE_INTERNAL
                                  : req->wanted.given ? S3P_SE_NO_VERSION
                                                      : S3P_SE_NO_KEY);
    if (marker && (!mutants || req->answer.error == S3P_SE_NO_KEY))
        s3p_srv_answer_marker(req, req->wanted.given ? S3P_SE_METHOD : S3P_SE_NO_KEY, &r);
    if (S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL) && req->wanted.given && !found)
        s3p_srv_mutants_missing(req);
    return result;
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
