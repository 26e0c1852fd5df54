/* PutObjectRetention, GetObjectRetention, PutObjectLegalHold, GetObjectLegalHold, and the document
 * of object lock of a bucket. */
#include <string.h>

#include "core/text.h"
#include "server/commit.h"
#include "server/lock.h"
#include "server/ops.h"
#include "server/settings.h"
#include "server/versions.h"
#include "server/xml_read.h"
#include "server/xml_write.h"

#define DAYS_MAX 36500
#define YEARS_MAX 100

/* Any of the three documents. */
struct doc {
    const struct element *elements;
    size_t n;
    struct s3p_srv_lock lock;
    struct s3p_srv_lock_rule rule;
    unsigned seen;            /* bits by row of `elements` */
    enum s3p_srv_error error; /* the first */
};

struct element {
    const char *path;
    /* NULL: it only holds others */
    enum s3p_srv_error (*take)(struct doc *d, struct s3p_str text);
};

static enum s3p_srv_error take_mode(struct doc *d, struct s3p_str text)
{
    d->lock.mode = (uint8_t)s3p_srv_lock_mode(text);
    return d->lock.mode != S3P_SRV_LOCK_NONE ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error take_until(struct doc *d, struct s3p_str text)
{
    return s3p_parse_iso_date(text.p, text.len, &d->lock.until_wall_ns) ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error take_hold(struct doc *d, struct s3p_str text)
{
    d->lock.hold = (uint8_t)s3p_srv_lock_hold(text);
    return d->lock.hold != S3P_SRV_HOLD_UNSET ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error take_enabled(struct doc *d, struct s3p_str text)
{
    (void)d;
    return s3p_str_eq(text, "Enabled") ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error take_rule_mode(struct doc *d, struct s3p_str text)
{
    d->rule.mode = (uint8_t)s3p_srv_lock_mode(text);
    return d->rule.mode != S3P_SRV_LOCK_NONE ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error take_number(struct doc *d, struct s3p_str text, uint64_t max)
{
    uint64_t v;
    bool negative = text.len > 1 && text.p[0] == '-';
    if (!s3p_parse_u64(text.p + negative, text.len - negative, &v))
        return S3P_SE_XML;
    d->rule.n = (uint32_t)v;
    return !negative && v >= 1 && v <= max ? S3P_SE_NONE : S3P_SE_LOCK_PERIOD;
}

static enum s3p_srv_error take_days(struct doc *d, struct s3p_str text)
{
    return take_number(d, text, DAYS_MAX);
}

static enum s3p_srv_error take_years(struct doc *d, struct s3p_str text)
{
    d->rule.years = 1;
    return take_number(d, text, YEARS_MAX);
}

static const struct element of_retention[] = {{"Mode", take_mode}, {"RetainUntilDate", take_until}};
static const struct element of_hold[] = {{"Status", take_hold}};

enum { ENABLED = 1, RULE = 2, RETENTION = 4, MODE = 8, DAYS = 16, YEARS = 32 };
static const struct element of_bucket[] = {
    {"ObjectLockEnabled", take_enabled},
    {"Rule", NULL},
    {"Rule/DefaultRetention", NULL},
    {"Rule/DefaultRetention/Mode", take_rule_mode},
    {"Rule/DefaultRetention/Days", take_days},
    {"Rule/DefaultRetention/Years", take_years},
};

static void on_open(void *cls, const char *path)
{
    (void)cls;
    (void)path;
}

static enum s3p_srv_error end_element(struct doc *d, const char *path, struct s3p_str text)
{
    size_t i = 0;
    while (i < d->n && strcmp(path, d->elements[i].path) != 0)
        i++;
    if (i == d->n || (d->seen >> i & 1) != 0)
        return S3P_SE_XML;
    d->seen |= 1u << i;
    return d->elements[i].take != NULL ? d->elements[i].take(d, s3p_srv_trim(text)) : S3P_SE_NONE;
}

static void on_end(void *cls, const char *path, struct s3p_str text)
{
    struct doc *d = cls;
    enum s3p_srv_error e = end_element(d, path, text);
    if (d->error == S3P_SE_NONE)
        d->error = e;
}

static enum s3p_srv_error read_doc(struct doc *d, struct s3p_str body, const char *root)
{
    const struct s3p_srv_xml_paths to = {on_open, on_end, d};
    enum s3p_srv_error e = s3p_srv_xml_paths(body, root, &to);
    return e == S3P_SE_NONE ? d->error : e;
}

/* ---- of buckets ---- */

enum s3p_srv_error s3p_srv_lock_compile(const struct s3p_srv_req *req, struct s3p_str body,
                                        struct s3p_buf *out)
{
    struct doc d = {.elements = of_bucket, .n = sizeof of_bucket / sizeof of_bucket[0]};
    enum s3p_srv_error e = read_doc(&d, body, "ObjectLockConfiguration");
    unsigned whole = ENABLED | RULE | RETENTION | MODE;
    bool ok = d.seen == ENABLED || d.seen == (whole | DAYS) || d.seen == (whole | YEARS);
    (void)req;
    s3p_buf_add(out, &d.rule, sizeof d.rule);
    return e == S3P_SE_NONE && !ok ? S3P_SE_XML : e;
}

enum s3p_srv_error s3p_srv_lock_bucket_ok(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                          struct s3p_str stored)
{
    (void)req;
    (void)stored;
    return t->bucket.versioning == S3P_SRV_VERSIONED ? S3P_SE_NONE : S3P_SE_LOCK_UNVERSIONED;
}

bool s3p_srv_lock_xml(struct s3p_buf *out, struct s3p_str stored)
{
    struct s3p_srv_lock_rule rule;
    if (stored.len != sizeof rule)
        return false;
    memcpy(&rule, stored.p, sizeof rule);
    s3p_srv_xml_begin(out, S3P_SRV_XMLNS, "ObjectLockConfiguration");
    s3p_srv_xml_text(out, "ObjectLockEnabled", S3P_STR("Enabled"));
    if (rule.mode != S3P_SRV_LOCK_NONE) {
        const char *mode = s3p_srv_lock_mode_text(rule.mode);
        s3p_srv_xml_open(out, "Rule");
        s3p_srv_xml_open(out, "DefaultRetention");
        s3p_srv_xml_text(out, "Mode", (struct s3p_str){mode, strlen(mode)});
        s3p_srv_xml_u64(out, rule.years ? "Years" : "Days", rule.n);
        s3p_srv_xml_close(out, "DefaultRetention");
        s3p_srv_xml_close(out, "Rule");
    }
    s3p_srv_xml_close(out, "ObjectLockConfiguration");
    return true;
}

/* ---- of versions ---- */

static enum s3p_srv_error missing(const struct s3p_srv_req *req)
{
    return req->wanted.given ? S3P_SE_NO_VERSION : S3P_SE_NO_KEY;
}

static enum s3p_srv_error find(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                               struct s3p_srv_record *r, bool *current)
{
    struct s3p_srv_lock_rule rule;
    if (!s3p_srv_txn_bucket(t, req))
        return S3P_SE_NO_BUCKET;
    if (!s3p_srv_lock_of_bucket(t, &rule))
        return S3P_SE_LOCK_BUCKET;
    int rc = s3p_srv_version_find(t->txn, &t->srv->store, t->bucket.id, req->head.key, &req->wanted,
                                  r, current);
    if (rc != 0 && rc != MDB_NOTFOUND)
        t->rc = rc;
    if (rc != 0)
        return missing(req);
    return r->marker ? S3P_SE_METHOD : S3P_SE_NONE;
}

/* Longer in the same mode is always allowed; anything else ends a retention before its time. */
static enum s3p_srv_error apply_retention(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    const struct s3p_srv_lock *asked = &req->lock;
    struct s3p_srv_record r;
    bool current;
    enum s3p_srv_error e = find(t, req, &r, &current);
    if (e != S3P_SE_NONE)
        return e;
    if (asked->mode != S3P_SRV_LOCK_NONE && asked->until_wall_ns <= t->wall_ns)
        return S3P_SE_LOCK_PAST;
    struct s3p_srv_lock retention = r.lock;
    retention.hold = S3P_SRV_HOLD_UNSET;
    if ((asked->mode != retention.mode || asked->until_wall_ns < retention.until_wall_ns) &&
        s3p_srv_lock_holds(&retention, t->wall_ns, s3p_srv_lock_bypass(req)))
        return S3P_SE_LOCKED;
    r.lock.mode = asked->mode;
    r.lock.until_wall_ns = asked->until_wall_ns;
    s3p_srv_versions_rewrite(t, req->head.key, current, &r);
    return S3P_SE_NONE;
}

static enum s3p_srv_error apply_hold(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_record r;
    bool current;
    enum s3p_srv_error e = find(t, req, &r, &current);
    if (e != S3P_SE_NONE)
        return e;
    r.lock.hold = req->lock.hold;
    s3p_srv_versions_rewrite(t, req->head.key, current, &r);
    return S3P_SE_NONE;
}

static void reply(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 200);
}

/* The document into req->lock; all of its elements, or when `may_be_empty` none. */
static enum s3p_srv_error take_body(struct s3p_srv_req *req, const char *root,
                                    const struct element *elements, size_t n, bool may_be_empty)
{
    struct s3p_str body = {req->intake.memory.data, req->intake.memory.len};
    struct doc d = {.elements = elements, .n = n};
    enum s3p_srv_error e = read_doc(&d, body, root);
    bool whole = d.seen == (1u << n) - 1 || (may_be_empty && d.seen == 0);
    req->lock = d.lock;
    return e == S3P_SE_NONE && !whole ? S3P_SE_XML : e;
}

void s3p_srv_put_retention(struct s3p_srv_req *req)
{
    enum s3p_srv_error e = take_body(req, "Retention", of_retention, 2, true);
    if (e != S3P_SE_NONE)
        s3p_srv_answer_error(req, e);
    else
        s3p_srv_submit(req, apply_retention, reply);
}

void s3p_srv_put_hold(struct s3p_srv_req *req)
{
    enum s3p_srv_error e = take_body(req, "LegalHold", of_hold, 1, false);
    if (e != S3P_SE_NONE)
        s3p_srv_answer_error(req, e);
    else
        s3p_srv_submit(req, apply_hold, reply);
}

static bool show_retention(struct s3p_buf *b, const struct s3p_srv_lock *l)
{
    if (l->mode == S3P_SRV_LOCK_NONE)
        return false;
    const char *mode = s3p_srv_lock_mode_text(l->mode);
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "Retention");
    s3p_srv_xml_text(b, "Mode", (struct s3p_str){mode, strlen(mode)});
    s3p_srv_xml_time(b, "RetainUntilDate", l->until_wall_ns);
    s3p_srv_xml_close(b, "Retention");
    return true;
}

static bool show_hold(struct s3p_buf *b, const struct s3p_srv_lock *l)
{
    if (l->hold == S3P_SRV_HOLD_UNSET)
        return false;
    s3p_srv_xml_begin(b, S3P_SRV_XMLNS, "LegalHold");
    s3p_srv_xml_text(b, "Status",
                     l->hold == S3P_SRV_HOLD_ON ? S3P_STR("ON") : S3P_STR("OFF"));
    s3p_srv_xml_close(b, "LegalHold");
    return true;
}

/* In an open view. */
static enum s3p_srv_error look(struct s3p_srv_req *req, struct s3p_srv_lock *out)
{
    const struct s3p_srv_view *v = &req->loop->view;
    struct s3p_srv_record r;
    struct s3p_str rule;
    bool current;
    int rc = s3p_srv_setting_get(v->txn, v->store, req->bucket.id, S3P_SRV_SET_LOCK, &rule);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? S3P_SE_LOCK_BUCKET : S3P_SE_INTERNAL;
    rc = s3p_srv_version_find(v->txn, v->store, req->bucket.id, req->head.key, &req->wanted, &r,
                              &current);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? missing(req) : S3P_SE_INTERNAL;
    *out = r.lock;
    return r.marker ? S3P_SE_METHOD : S3P_SE_NONE;
}

static void get(struct s3p_srv_req *req,
                bool (*show)(struct s3p_buf *b, const struct s3p_srv_lock *l))
{
    struct s3p_srv_lock lock;
    enum s3p_srv_error e = S3P_SE_INTERNAL;
    if (s3p_srv_view_begin(&req->loop->view)) {
        e = look(req, &lock);
        s3p_srv_view_end(&req->loop->view);
    }
    if (e == S3P_SE_NONE && !show(&req->answer.body, &lock))
        e = S3P_SE_NO_LOCK;
    if (e != S3P_SE_NONE)
        s3p_srv_answer_error(req, e);
    else
        s3p_srv_answer_xml(req);
}

void s3p_srv_get_retention(struct s3p_srv_req *req)
{
    get(req, show_retention);
}

void s3p_srv_get_hold(struct s3p_srv_req *req)
{
    get(req, show_hold);
}
