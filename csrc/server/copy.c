/* CopyObject and UploadPartCopy: the source is read from the descriptors that one view opened, in
 * slices between which the loop serves others, through the same intake as a body from outside. */
#include "server/copy.h"

#include <errno.h>
#include <string.h>

#include "core/alloc.h"
#include "server/lists.h"
#include "server/multipart.h"
#include "server/lock.h"
#include "server/mutants.h"
#include "server/ops.h"
#include "server/parts_body.h"
#include "server/ranges.h"
#include "server/tags.h"
#include "server/versions.h"
#include "server/writes.h"
#include "server/xml_write.h"

#define SLICE_BYTES (1024 * 1024)
#define OBJECT_MAX (UINT64_C(5) << 30)
#define SOURCE_TEXT_MAX 4096

struct s3p_srv_copy {
    struct s3p_str bucket, key; /* decoded, in `text` */
    bool replace_meta, replace_tags;
    struct s3p_srv_parts_body *body; /* NULL: it was in the record */
    bool found;
    uint64_t first, at, bytes; /* of the source from `first` on; copied, to copy */
    struct s3p_srv_wanted wanted;
    struct s3p_srv_record source; /* without its views */
    bool source_versions;         /* its bucket has or had versions */
    struct s3p_buf text;
    char slice[SLICE_BYTES / 4];
};

void s3p_srv_copy_free(struct s3p_srv_copy *c)
{
    if (c == NULL)
        return;
    s3p_srv_parts_close(c->body);
    s3p_buf_free(&c->text);
    s3p_free(c);
}

bool s3p_srv_copy_source(const struct s3p_srv_copy *c, struct s3p_srv_copy_source *out)
{
    *out = (struct s3p_srv_copy_source){c->bucket, c->key, c->first, c->bytes};
    return c->found;
}

/* /bucket/key, the slash optional, encoded once; ?versionId=… behind it. */
static enum s3p_srv_error parse_source(struct s3p_srv_copy *c, struct s3p_str text)
{
    static const char version[] = "?versionId=";
    struct s3p_str path;
    const char *mark = memmem(text.p, text.len, version, sizeof version - 1);
    if (mark != NULL) {
        struct s3p_str id = {mark + sizeof version - 1, 0};
        id.len = text.len - (size_t)(id.p - text.p);
        text.len = (size_t)(mark - text.p);
        if (!s3p_srv_wanted_parse(id, &c->wanted))
            return S3P_SE_VERSION_FORM;
    }
    if (!s3p_srv_url_decode(&c->text, text, &path) || !s3p_buf_ok(&c->text))
        return S3P_SE_COPY_SOURCE;
    if (path.len > 0 && path.p[0] == '/')
        path = (struct s3p_str){path.p + 1, path.len - 1};
    const char *slash = path.len > 0 ? memchr(path.p, '/', path.len) : NULL;
    if (slash == NULL)
        return S3P_SE_COPY_SOURCE;
    c->bucket = (struct s3p_str){path.p, (size_t)(slash - path.p)};
    c->key = (struct s3p_str){slash + 1, path.len - c->bucket.len - 1};
    return s3p_srv_bucket_name_ok(c->bucket) && c->key.len > 0 && c->key.len <= S3P_SRV_KEY_MAX &&
                   s3p_srv_utf8_ok(c->key)
               ? S3P_SE_NONE
               : S3P_SE_COPY_SOURCE;
}

/* COPY, the default, or REPLACE. */
static bool directive(const struct s3p_srv_head *h, const char *name, bool *replace)
{
    struct s3p_str value = s3p_srv_head_get(h, name);
    *replace = s3p_str_eq(value, "REPLACE");
    return value.p == NULL || *replace || s3p_str_eq(value, "COPY");
}

static enum s3p_srv_error begin(struct s3p_srv_req *req)
{
    struct s3p_str source = s3p_srv_head_get(&req->head, "x-amz-copy-source");
    struct s3p_srv_copy *c = req->copy = s3p_alloc(sizeof *c);
    if (c == NULL)
        return S3P_SE_INTERNAL;
    memset(c, 0, offsetof(struct s3p_srv_copy, slice));
    s3p_buf_init(&c->text, SOURCE_TEXT_MAX);
    return s3p_buf_reserve(&c->text, source.len + 1) == 0 ? parse_source(c, source)
                                                          : S3P_SE_COPY_SOURCE;
}

static bool same_object(const struct s3p_srv_req *req, const struct s3p_srv_copy *c)
{
    return !c->wanted.given && s3p_srv_compare(c->bucket, req->head.bucket) == 0 &&
           s3p_srv_compare(c->key, req->head.key) == 0;
}

enum s3p_srv_error s3p_srv_copy_object_check(struct s3p_srv_req *req)
{
    struct s3p_str algorithm = s3p_srv_head_get(&req->head, "x-amz-checksum-algorithm");
    enum s3p_srv_error e = s3p_srv_conditions_writable(&req->conditions, true);
    if (e == S3P_SE_NONE)
        e = begin(req);
    if (e != S3P_SE_NONE)
        return e;
    struct s3p_srv_copy *c = req->copy;
    if (!directive(&req->head, "x-amz-metadata-directive", &c->replace_meta) ||
        !directive(&req->head, "x-amz-tagging-directive", &c->replace_tags))
        return S3P_SE_ARGUMENT;
    if (algorithm.p != NULL &&
        (req->intake.sum_wanted = s3p_srv_sum_named(algorithm)) == S3P_SRV_SUM_NONE)
        return S3P_SE_SUM_TYPE;
    if (!c->replace_meta && !c->replace_tags && same_object(req, c))
        return S3P_SE_COPY_SELF;
    if (c->replace_meta)
        e = s3p_srv_collect_meta(req);
    if (e == S3P_SE_NONE && c->replace_tags)
        e = s3p_srv_collect_tags(req);
    return e == S3P_SE_NONE ? s3p_srv_lock_collect(req) : e;
}

enum s3p_srv_error s3p_srv_copy_part_check(struct s3p_srv_req *req)
{
    enum s3p_srv_error e = s3p_srv_upload_part_check(req);
    return e == S3P_SE_NONE ? begin(req) : e;
}

/* Those that guard the reading of the source; whatever fails is 412. */
static bool source_allowed(const struct s3p_srv_head *h, const struct s3p_srv_record *r)
{
    struct s3p_srv_conditions c = {
        .if_match = s3p_srv_head_get(h, "x-amz-copy-source-if-match"),
        .if_none_match = s3p_srv_head_get(h, "x-amz-copy-source-if-none-match"),
        .if_modified_since = s3p_srv_head_get(h, "x-amz-copy-source-if-modified-since"),
        .if_unmodified_since = s3p_srv_head_get(h, "x-amz-copy-source-if-unmodified-since"),
    };
    return s3p_srv_conditions_get(&c, r) == S3P_SE_NONE;
}

/* bytes=first-last, both given and inside the source; everything without. */
static enum s3p_srv_error source_range(const struct s3p_srv_head *h, const struct s3p_srv_record *r,
                                       struct s3p_srv_range *out)
{
    struct s3p_str text = s3p_srv_head_get(h, "x-amz-copy-source-range");
    *out = (struct s3p_srv_range){S3P_SRV_RANGE_WHOLE, 0, r->size};
    if (text.p == NULL)
        return S3P_SE_NONE;
    struct s3p_srv_range any = s3p_srv_range_parse(text, UINT64_MAX);
    bool open =
        text.len == 0 || text.p[text.len - 1] == '-' || s3p_srv_starts_nocase(text, "bytes=-");
    if (any.kind != S3P_SRV_RANGE_PART || open)
        return S3P_SE_ARGUMENT;
    *out = any;
    return any.first < r->size && any.bytes <= r->size - any.first ? S3P_SE_NONE : S3P_SE_RANGE;
}

/* Takes from the record what outlives the view. AGAIN: an overwrite removed a file. */
static enum s3p_srv_error open_source(struct s3p_srv_req *req, const struct s3p_srv_record *r,
                                      bool *again)
{
    struct s3p_srv_copy *c = req->copy;
    struct s3p_srv_store *s = &req->loop->srv->store;
    struct s3p_srv_range range;
    bool mutants = S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL);
    if (!source_allowed(&req->head, r) && !(mutants && s3p_srv_mutants_source(req)))
        return S3P_SE_PRECONDITION;
    enum s3p_srv_error e = source_range(&req->head, r, &range);
    if (e != S3P_SE_NONE)
        return e;
    if (range.bytes > OBJECT_MAX)
        return S3P_SE_COPY_LARGE;
    bool files = (r->in_file || r->n_parts > 0) && range.bytes > 0;
    int rc = files ? s3p_srv_parts_open(&c->body, s, r, range.first, range.bytes) : 0;
    *again = rc == ENOENT;
    if (rc != 0)
        return rc == EMFILE || rc == ENFILE ? S3P_SE_BUSY : S3P_SE_INTERNAL;
    c->found = true;
    c->first = range.first;
    c->bytes = range.bytes;
    if (req->upload == 0 && !c->replace_meta)
        s3p_buf_view(&req->meta, r->meta);
    if (req->upload == 0 && !c->replace_tags)
        s3p_buf_view(&req->tags, r->tags);
    if (req->intake.sum_wanted == S3P_SRV_SUM_NONE)
        req->intake.sum_wanted = (enum s3p_srv_sum_kind)r->sum_kind;
    e = s3p_srv_intake_begin_copy(&req->intake, s, range.bytes);
    if (e == S3P_SE_NONE && !files)
        s3p_srv_intake_add(&req->intake, r->body.p + range.first, range.bytes);
    return e;
}

static enum s3p_srv_error find_source(struct s3p_srv_req *req, bool *again)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_srv_bucket b;
    struct s3p_srv_copy *c = req->copy;
    struct s3p_srv_record r;
    bool current;
    int rc = s3p_srv_bucket_get(v->txn, v->store, c->bucket, &b);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? S3P_SE_NO_BUCKET : S3P_SE_INTERNAL;
    rc = s3p_srv_version_find(v->txn, v->store, b.id, c->key, &c->wanted, &r, &current);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return S3P_SE_INTERNAL;
    if (rc != 0)
        return c->wanted.given ? S3P_SE_NO_VERSION : S3P_SE_NO_KEY;
    if (r.marker)
        return c->wanted.given ? S3P_SE_COPY_MARKER : S3P_SE_NO_KEY;
    c->source = r;
    c->source_versions = b.versioning != S3P_SRV_NEVER_VERSIONED;
    return open_source(req, &r, again);
}

static void reply(struct s3p_srv_req *req)
{
    struct s3p_buf *b = &req->answer.body;
    const char *root = req->upload != 0 ? "CopyPartResult" : "CopyObjectResult";
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, root);
    s3p_srv_xml_time(b, "LastModified", req->made.mtime_wall_ns);
    s3p_srv_xml_etag(b, &req->made);
    s3p_srv_xml_sum(b, &req->made);
    if (req->upload == 0)
        s3p_srv_xml_text(b, "ChecksumType", s3p_srv_sum_type(&req->made));
    s3p_srv_xml_close(b, root);
    char id[32];
    if (req->copy->source_versions)
        s3p_srv_answer_field(req, "x-amz-copy-source-version-id",
                             (struct s3p_str){id, s3p_srv_version_text(id, &req->copy->source)});
    if (req->upload == 0)
        s3p_srv_answer_version(req, "x-amz-version-id", &req->made);
    s3p_srv_answer_xml(req);
}

static void finish(struct s3p_srv_req *req)
{
    enum s3p_srv_error e = s3p_srv_intake_end(&req->intake, &req->auth);
    if (e != S3P_SE_NONE) {
        s3p_srv_answer_error(req, e);
        return;
    }
    if (req->upload != 0) {
        s3p_srv_submit(req, s3p_srv_apply_part, reply);
        return;
    }
    if (S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL) &&
        s3p_srv_mutants_hold(req, s3p_srv_apply_put, reply))
        return;
    s3p_srv_submit(req, s3p_srv_apply_put, reply);
}

/* One slice, then the others' turn. */
static void copy_on(struct s3p_srv_req *req)
{
    struct s3p_srv_copy *c = req->copy;
    uint64_t stop = c->at + SLICE_BYTES;
    while (c->body != NULL && c->at < c->bytes && c->at < stop) {
        ssize_t n = s3p_srv_parts_read(c->body, c->at, c->slice, sizeof c->slice);
        if (n <= 0) {
            s3p_srv_answer_error(req, S3P_SE_INTERNAL);
            return;
        }
        s3p_srv_intake_add(&req->intake, c->slice, (size_t)n);
        c->at += (uint64_t)n;
    }
    if (c->body == NULL || c->at == c->bytes)
        finish(req);
    else
        s3p_srv_delay(req, 0, copy_on);
}

void s3p_srv_copy_run(struct s3p_srv_req *req)
{
    enum s3p_srv_error e = S3P_SE_INTERNAL;
    bool again = true;
    for (int i = 0; again && i < 100; i++) {
        again = false;
        if (!s3p_srv_view_begin(&req->loop->view))
            break;
        e = find_source(req, &again);
        s3p_srv_view_end(&req->loop->view);
    }
    if (e != S3P_SE_NONE)
        s3p_srv_answer_error(req, e);
    else
        copy_on(req);
}
