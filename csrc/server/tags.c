/* GetObjectTagging, PutObjectTagging, DeleteObjectTagging. */
#include "server/tags.h"

#include <string.h>

#include "server/commit.h"
#include "server/mutants.h"
#include "server/ops.h"
#include "server/replication.h"
#include "server/versions.h"
#include "server/xml_read.h"
#include "server/xml_write.h"

#define KEY_CHARS_MAX 128
#define VALUE_CHARS_MAX 256

/* Characters of UTF-8 text, or more than any limit when it has one that tags may not have. */
static size_t chars(struct s3p_str s)
{
    static const char allowed[] = " +-=._:/@";
    size_t n = 0;
    if (!s3p_srv_utf8_ok(s))
        return SIZE_MAX;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c < 0x80 && !letter && memchr(allowed, c, sizeof allowed - 1) == NULL)
            return SIZE_MAX;
        n += (c & 0xc0) != 0x80;
    }
    return n;
}

size_t s3p_srv_tags_count(struct s3p_str tags)
{
    struct s3p_str key, value;
    size_t n = 0;
    for (size_t at = 0; s3p_srv_meta_next(tags, &at, &key, &value);)
        n++;
    return n;
}

static bool known_before(struct s3p_str tags, size_t end, struct s3p_str key)
{
    struct s3p_str other, value;
    for (size_t at = 0; s3p_srv_meta_next(tags, &at, &other, &value) && at < end;)
        if (s3p_srv_compare(other, key) == 0)
            return true;
    return false;
}

enum s3p_srv_error s3p_srv_tags_check(struct s3p_str tags)
{
    struct s3p_str key, value;
    if (s3p_srv_tags_count(tags) > S3P_SRV_TAGS_MAX)
        return S3P_SE_TAGS_MANY;
    for (size_t at = 0; s3p_srv_meta_next(tags, &at, &key, &value);) {
        if (key.len == 0 || chars(key) > KEY_CHARS_MAX || chars(value) > VALUE_CHARS_MAX ||
            s3p_srv_starts_nocase(key, "aws:") || known_before(tags, at, key))
            return S3P_SE_TAG;
    }
    return S3P_SE_NONE;
}

/* As in a form: a plus is a space, %2B a plus. */
static bool decode(struct s3p_buf *text, struct s3p_str s, struct s3p_str *out)
{
    size_t from = text->len;
    while (s.len > 0) {
        const char *plus = memchr(s.p, '+', s.len);
        size_t n = plus != NULL ? (size_t)(plus - s.p) : s.len;
        struct s3p_str ignored;
        if (!s3p_srv_url_decode(text, (struct s3p_str){s.p, n}, &ignored))
            return false;
        if (plus != NULL)
            s3p_buf_char(text, ' ');
        n += plus != NULL;
        s = (struct s3p_str){s.p + n, s.len - n};
    }
    *out = (struct s3p_str){text->data + from, text->len - from};
    return true;
}

static struct s3p_str cut(struct s3p_str *s, char sep)
{
    const char *at = s->len > 0 ? memchr(s->p, sep, s->len) : NULL;
    struct s3p_str head = {s->p, at != NULL ? (size_t)(at - s->p) : s->len};
    size_t used = at != NULL ? head.len + 1 : head.len;
    *s = (struct s3p_str){s->p + used, s->len - used};
    return head;
}

enum s3p_srv_error s3p_srv_collect_tags(struct s3p_srv_req *req)
{
    struct s3p_str rest = s3p_srv_head_get(&req->head, "x-amz-tagging");
    struct s3p_buf text;
    bool ok = true;
    if (rest.p == NULL)
        return S3P_SE_NONE;
    s3p_buf_init(&text, rest.len + 1);
    ok = s3p_buf_reserve(&text, rest.len + 1) == 0; /* the views must not move */
    while (ok && rest.len > 0) {
        struct s3p_str pair = cut(&rest, '&'), name = cut(&pair, '='), key, value;
        ok = decode(&text, name, &key) && decode(&text, pair, &value);
        if (ok)
            s3p_srv_meta_add(&req->tags, key, value);
    }
    s3p_buf_free(&text);
    if (!ok || !s3p_buf_ok(&req->tags))
        return S3P_SE_TAG_HEADER;
    return s3p_srv_tags_check((struct s3p_str){req->tags.data, req->tags.len});
}

enum s3p_srv_error s3p_srv_tagging_check(struct s3p_srv_req *req)
{
    return s3p_srv_conditions_none(&req->conditions);
}

enum s3p_srv_error s3p_srv_put_tagging_check(struct s3p_srv_req *req)
{
    enum s3p_srv_error e = s3p_srv_conditions_none(&req->conditions);
    return e == S3P_SE_NONE ? s3p_srv_body_summed(&req->head) : e;
}

static enum s3p_srv_error not_found(const struct s3p_srv_req *req)
{
    return req->wanted.given ? S3P_SE_NO_VERSION : S3P_SE_NO_KEY;
}

/* Only the tags change: neither seq nor time, and the body stays where it is. */
static enum s3p_srv_error apply(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_record r, now;
    bool current;
    if (!s3p_srv_txn_bucket(t, req))
        return S3P_SE_NO_BUCKET;
    int rc = s3p_srv_version_find(t->txn, &t->srv->store, t->bucket.id, req->head.key, &req->wanted,
                                  &r, &current);
    if (rc != 0 && rc != MDB_NOTFOUND)
        t->rc = rc;
    if (rc != 0)
        return not_found(req);
    if (r.marker)
        return S3P_SE_METHOD;
    bool replicate = r.replication != S3P_SRV_NOT_REPLICATED &&
                     r.replication != S3P_SRV_REPLICA &&
                     s3p_srv_replication_plan(t, req->head.key, &r);
    now = r;
    r.tags = (struct s3p_str){req->tags.data, req->tags.len};
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL))
        s3p_srv_mutants_tagged(t, req, &now, &r);
    s3p_srv_versions_rewrite(t, req->head.key, current, &r);
    if (replicate)
        s3p_srv_replication_post(t, req->head.key, &r, S3P_SRV_POST_TAGS);
    req->made = r;
    return S3P_SE_NONE;
}

static void reply_put(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 200);
    s3p_srv_answer_version(req, "x-amz-version-id", &req->made);
}

static void reply_delete(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 204);
    s3p_srv_answer_version(req, "x-amz-version-id", &req->made);
}

void s3p_srv_put_tagging(struct s3p_srv_req *req)
{
    struct s3p_str body = {req->intake.memory.data, req->intake.memory.len};
    enum s3p_srv_error e = s3p_srv_xml_tagging(body, &req->tags);
    if (e == S3P_SE_NONE)
        e = s3p_srv_tags_check((struct s3p_str){req->tags.data, req->tags.len});
    if (e != S3P_SE_NONE)
        s3p_srv_answer_error(req, e);
    else
        s3p_srv_submit(req, apply, reply_put);
}

void s3p_srv_delete_tagging(struct s3p_srv_req *req)
{
    s3p_srv_submit(req, apply, reply_delete);
}

static void answer(struct s3p_srv_req *req, struct s3p_str tags)
{
    struct s3p_buf *b = &req->answer.body;
    struct s3p_str key, value;
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "Tagging");
    s3p_srv_xml_open(b, "TagSet");
    for (size_t at = 0; s3p_srv_meta_next(tags, &at, &key, &value);) {
        s3p_srv_xml_open(b, "Tag");
        s3p_srv_xml_text(b, "Key", key);
        s3p_srv_xml_text(b, "Value", value);
        s3p_srv_xml_close(b, "Tag");
    }
    s3p_srv_xml_close(b, "TagSet");
    s3p_srv_xml_close(b, "Tagging");
    s3p_srv_answer_xml(req);
}

void s3p_srv_get_tagging(struct s3p_srv_req *req)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_srv_record r;
    bool current;
    if (!s3p_srv_view_begin(v)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    int rc = s3p_srv_version_find(v->txn, v->store, req->bucket.id, req->head.key, &req->wanted, &r,
                                  &current);
    if (rc != 0) {
        s3p_srv_answer_error(req, rc == MDB_NOTFOUND ? not_found(req) : S3P_SE_INTERNAL);
    } else if (r.marker) {
        s3p_srv_answer_marker(req, S3P_SE_METHOD, &r);
    } else {
        answer(req, r.tags);
        s3p_srv_answer_version(req, "x-amz-version-id", &r);
    }
    s3p_srv_view_end(v);
}
