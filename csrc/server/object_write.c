/* PutObject and DeleteObject. */
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "server/commit.h"
#include "server/lifecycle.h"
#include "server/lock.h"
#include "server/mutants.h"
#include "server/ops.h"
#include "server/tags.h"
#include "server/versions.h"
#include "server/writes.h"

#define USER_METADATA_MAX 2048 /* names without their prefix, and values */

/* System metadata that is kept and given back. */
static const char *const kept[] = {"content-type",     "cache-control",    "content-disposition",
                                   "content-encoding", "content-language", "expires"};

static bool is_kept(struct s3p_str name)
{
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (s3p_srv_same_nocase(name, kept[i]))
            return true;
    return false;
}

/* As S3 stores them: names in lower case; a tab in a value is white space like any other. */
static void add_meta(struct s3p_buf *meta, struct s3p_str name, struct s3p_str value)
{
    size_t from = meta->len;
    s3p_srv_meta_add(meta, name, value);
    if (!s3p_buf_ok(meta))
        return;
    char *stored = meta->data + from + S3P_SRV_META_HEAD;
    for (size_t i = 0; i < name.len; i++)
        if (stored[i] >= 'A' && stored[i] <= 'Z')
            stored[i] = (char)(stored[i] - 'A' + 'a');
    for (size_t i = name.len; i < name.len + value.len; i++)
        if (stored[i] == '\t')
            stored[i] = ' ';
}

/* Removes aws-chunked, which is of the transfer; other codings stay, in order. */
static void add_encoding(struct s3p_buf *meta, struct s3p_str value)
{
    char kept_text[256];
    size_t n = 0;
    bool found = false;
    struct s3p_str rest = value;
    while (rest.len > 0 && value.len <= sizeof kept_text) {
        const char *comma = memchr(rest.p, ',', rest.len);
        size_t used = comma != NULL ? (size_t)(comma - rest.p) : rest.len;
        struct s3p_str one = s3p_srv_trim((struct s3p_str){rest.p, used});
        bool chunked = s3p_srv_same_nocase(one, "aws-chunked");
        found |= chunked;
        if (one.len > 0 && !chunked) {
            if (n > 0)
                kept_text[n++] = ',';
            memcpy(kept_text + n, one.p, one.len);
            n += one.len;
        }
        used += comma != NULL;
        rest = (struct s3p_str){rest.p + used, rest.len - used};
    }
    if (found)
        value = (struct s3p_str){kept_text, n};
    if (value.len > 0)
        add_meta(meta, S3P_STR("content-encoding"), value);
}

enum s3p_srv_error s3p_srv_collect_meta(struct s3p_srv_req *req)
{
    static const char prefix[] = "x-amz-meta-";
    const struct s3p_srv_head *h = &req->head;
    size_t user = 0;
    for (size_t i = 0; i < h->n_fields; i++) {
        struct s3p_str name = h->fields[i].name, value = h->fields[i].value;
        bool meta = s3p_srv_starts_nocase(name, prefix);
        if (meta)
            user += name.len - (sizeof prefix - 1) + value.len;
        if (user > USER_METADATA_MAX)
            return S3P_SE_METADATA;
        if (value.len > UINT16_MAX || name.len > UINT16_MAX)
            return S3P_SE_HEADERS;
        if (s3p_srv_same_nocase(name, "content-encoding"))
            add_encoding(&req->meta, value);
        else if (meta || is_kept(name))
            add_meta(&req->meta, name, value);
    }
    return S3P_SE_NONE;
}

enum s3p_srv_error s3p_srv_put_object_check(struct s3p_srv_req *req)
{
    enum s3p_srv_error e = s3p_srv_collect_meta(req);
    if (e == S3P_SE_NONE)
        e = s3p_srv_collect_tags(req);
    if (e == S3P_SE_NONE)
        e = s3p_srv_lock_collect(req);
    if (e == S3P_SE_NONE && s3p_srv_lock_given(&req->lock) &&
        s3p_srv_sum_announced(&req->head) == S3P_SRV_SUM_NONE)
        e = s3p_srv_body_summed(&req->head);
    return e == S3P_SE_NONE ? s3p_srv_conditions_writable(&req->conditions, true) : e;
}

void s3p_srv_put_record(const struct s3p_srv_req *req, struct s3p_srv_record *out)
{
    const struct s3p_srv_intake *in = &req->intake;
    *out = (struct s3p_srv_record){
        .size = in->got,
        .in_file = in->staged,
        .body_id = in->staged ? in->body_id : 0,
        .sum_kind = (uint8_t)in->sum_state.kind,
        .sum_len = (uint8_t)in->sum_len,
        .meta = {req->meta.data, req->meta.len},
        .tags = {req->tags.data, req->tags.len},
        .lock = req->lock,
        .body = in->staged ? S3P_STR("") : (struct s3p_str){in->memory.data, in->memory.len},
    };
    memcpy(out->md5, in->md5, sizeof out->md5);
    memcpy(out->sum, in->sum, sizeof out->sum);
}

enum s3p_srv_error s3p_srv_apply_put(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_record now, then;
    bool present;
    enum s3p_srv_error e = s3p_srv_txn_judge(t, req, &now, &present);
    if (e != S3P_SE_NONE && !req->write.apply_anyway)
        return e;
    enum s3p_srv_error locked = s3p_srv_lock_asked(t, req);
    if (locked != S3P_SE_NONE)
        return locked;
    s3p_srv_put_record(req, &then);
    s3p_srv_txn_stamp(t, &then);
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL) && !req->write.drop)
        s3p_srv_mutants_made(t, req, present && !now.marker ? &now : NULL, &then);
    s3p_srv_lifecycle_made(t, req, &then);
    req->made = then;
    if (!req->write.drop)
        s3p_srv_txn_put(t, req->head.key, present ? &now : NULL, &then);
    return e;
}

void s3p_srv_answer_sum(struct s3p_srv_req *req, const struct s3p_srv_record *r)
{
    char text[S3P_SRV_SUM_TEXT_MAX];
    size_t n = s3p_srv_sum_text(text, r);
    if (n == 0)
        return;
    s3p_srv_answer_field(req, s3p_srv_sum_header((enum s3p_srv_sum_kind)r->sum_kind),
                         (struct s3p_str){text, n});
    s3p_srv_answer_field(req, "x-amz-checksum-type", s3p_srv_sum_type(r));
}

static void reply_put(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 200);
    s3p_srv_answer_etag(req, req->made.md5, 0);
    s3p_srv_answer_sum(req, &req->made);
    s3p_srv_answer_version(req, "x-amz-version-id", &req->made);
    if (S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL))
        s3p_srv_mutants_reply(req);
}

void s3p_srv_put_object(struct s3p_srv_req *req)
{
    if (S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL) &&
        s3p_srv_mutants_hold(req, s3p_srv_apply_put, reply_put))
        return;
    s3p_srv_submit(req, s3p_srv_apply_put, reply_put);
}

enum s3p_srv_error s3p_srv_delete_object_check(struct s3p_srv_req *req)
{
    return req->wanted.given ? s3p_srv_conditions_none(&req->conditions)
                             : s3p_srv_conditions_writable(&req->conditions, false);
}

static enum s3p_srv_error apply_delete(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_record now;
    bool present;
    req->made.marker = false;
    enum s3p_srv_error e = s3p_srv_txn_judge(t, req, &now, &present);
    if ((e == S3P_SE_NONE || req->write.apply_anyway) && !req->write.drop)
        s3p_srv_txn_del(t, req->head.key, present ? &now : NULL, &req->made);
    return e;
}

static void reply_delete(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 204);
    if (req->made.marker) {
        s3p_srv_answer_field(req, "x-amz-delete-marker", S3P_STR("true"));
        s3p_srv_answer_version(req, "x-amz-version-id", &req->made);
    }
}

static enum s3p_srv_error apply_delete_version(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_wanted wanted = req->wanted;
    req->made = (struct s3p_srv_record){.seq = req->wanted.seq, .versioned = !req->wanted.null};
    if (!s3p_srv_txn_bucket(t, req))
        return S3P_SE_NO_BUCKET;
    enum s3p_srv_error e = s3p_srv_lock_judge(t, req, req->head.key, &wanted);
    if (e != S3P_SE_NONE)
        return e;
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL) &&
        s3p_srv_mutants_remove(t, req, req->head.key, &wanted))
        return S3P_SE_NONE;
    (void)s3p_srv_versions_remove(t, req->head.key, &wanted, &req->made);
    if (wanted.seq != req->wanted.seq) /* the answer is about what was asked */
        req->made.seq = req->wanted.seq;
    return S3P_SE_NONE;
}

static void reply_delete_version(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 204);
    s3p_srv_answer_version(req, "x-amz-version-id", &req->made);
    if (req->made.marker)
        s3p_srv_answer_field(req, "x-amz-delete-marker", S3P_STR("true"));
}

void s3p_srv_delete_object(struct s3p_srv_req *req)
{
    if (req->wanted.given) {
        s3p_srv_submit(req, apply_delete_version, reply_delete_version);
        return;
    }
    if (S3P_SRV_UNLIKELY(req->loop->srv->mutants != NULL) &&
        s3p_srv_mutants_hold(req, apply_delete, reply_delete))
        return;
    s3p_srv_submit(req, apply_delete, reply_delete);
}
