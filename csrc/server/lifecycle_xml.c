/* <LifecycleConfiguration>, read and written. Elements with a meaning that the store does not
 * honour, transitions above all, are refused as not implemented. */
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "server/lifecycle.h"
#include "server/xml_read.h"
#include "server/xml_write.h"

#define SET_MAX (4 * 1024 * 1024)
#define NEWER_MAX 100
#define MIDNIGHT_NS (24 * 3600 * S3P_S)

struct doc {
    struct s3p_srv_life_rule rule; /* the open one */
    struct s3p_srv_filter_reader filter;
    struct s3p_buf rows, texts;
    int64_t day_ns;
    unsigned seen; /* elements of the open rule, bits by row of `elements` */
    enum s3p_srv_error error;
};

static void fail(struct doc *d, enum s3p_srv_error e)
{
    if (d->error == S3P_SE_NONE)
        d->error = e;
}

static enum s3p_srv_error take_id(struct doc *d, struct s3p_str text)
{
    return s3p_srv_rule_id(&d->texts, text, &d->rule.id);
}

static enum s3p_srv_error take_status(struct doc *d, struct s3p_str text)
{
    d->rule.enabled = s3p_str_eq(text, "Enabled");
    return d->rule.enabled || s3p_str_eq(text, "Disabled") ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error take_number(struct s3p_str text, uint64_t max, uint32_t *out)
{
    uint64_t v;
    bool negative = text.len > 1 && text.p[0] == '-';
    if (!s3p_parse_u64(text.p + negative, text.len - negative, &v))
        return S3P_SE_XML;
    *out = (uint32_t)v;
    return !negative && v >= 1 && v <= max ? S3P_SE_NONE : S3P_SE_RULE_ARGUMENT;
}

static enum s3p_srv_error take_days(struct doc *d, struct s3p_str text)
{
    return take_number(text, INT32_MAX, &d->rule.days);
}

static enum s3p_srv_error take_date(struct doc *d, struct s3p_str text)
{
    int64_t at;
    d->rule.dated = 1;
    if (!s3p_parse_iso_date(text.p, text.len, &at))
        return S3P_SE_XML;
    d->rule.date_wall_ns = at;
    return at % MIDNIGHT_NS == 0 || at % d->day_ns == 0 ? S3P_SE_NONE : S3P_SE_RULE_ARGUMENT;
}

static enum s3p_srv_error take_markers(struct doc *d, struct s3p_str text)
{
    bool yes = s3p_str_eq(text, "true");
    d->rule.markers = yes ? 2 : 1;
    return yes || s3p_str_eq(text, "false") ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error take_noncurrent(struct doc *d, struct s3p_str text)
{
    return take_number(text, INT32_MAX, &d->rule.noncurrent_days);
}

static enum s3p_srv_error take_newer(struct doc *d, struct s3p_str text)
{
    return take_number(text, NEWER_MAX, &d->rule.newer);
}

static enum s3p_srv_error take_abort(struct doc *d, struct s3p_str text)
{
    return take_number(text, INT32_MAX, &d->rule.abort_days);
}

enum { ID, STATUS, DAYS, DATE, MARKERS, NONCURRENT, NEWER, ABORT, EXPIRES, ENDS_OLD, ENDS_UPLOADS };

/* Each at most once in a rule. Without a function: it only holds others. */
static const struct {
    const char *path;
    enum s3p_srv_error (*take)(struct doc *d, struct s3p_str text);
    bool plain; /* white space counts */
} elements[] = {
    [ID] = {"ID", take_id, true},
    [STATUS] = {"Status", take_status, false},
    [DAYS] = {"Expiration/Days", take_days, false},
    [DATE] = {"Expiration/Date", take_date, false},
    [MARKERS] = {"Expiration/ExpiredObjectDeleteMarker", take_markers, false},
    [NONCURRENT] = {"NoncurrentVersionExpiration/NoncurrentDays", take_noncurrent, false},
    [NEWER] = {"NoncurrentVersionExpiration/NewerNoncurrentVersions", take_newer, false},
    [ABORT] = {"AbortIncompleteMultipartUpload/DaysAfterInitiation", take_abort, false},
    [EXPIRES] = {"Expiration", NULL, false},
    [ENDS_OLD] = {"NoncurrentVersionExpiration", NULL, false},
    [ENDS_UPLOADS] = {"AbortIncompleteMultipartUpload", NULL, false},
};

static unsigned seen(const struct doc *d, unsigned which)
{
    return d->seen >> which & 1;
}

/* The rule as a whole. */
static enum s3p_srv_error check(struct doc *d)
{
    struct s3p_srv_life_rule *r = &d->rule;
    enum s3p_srv_error e = s3p_srv_filter_end(&d->filter);
    r->filter = d->filter.filter;
    bool parts = r->filter.n_tags > 0 || r->filter.has_above || r->filter.has_below;
    if (e != S3P_SE_NONE)
        return e;
    if (!seen(d, STATUS) || seen(d, EXPIRES) != seen(d, DAYS) + seen(d, DATE) + seen(d, MARKERS) ||
        seen(d, ENDS_OLD) != seen(d, NONCURRENT) || seen(d, ENDS_UPLOADS) != seen(d, ABORT))
        return S3P_SE_XML;
    if (!seen(d, EXPIRES) && !seen(d, ENDS_OLD) && !seen(d, ENDS_UPLOADS))
        return S3P_SE_RULE;
    if ((r->markers != 0 && r->filter.n_tags > 0) || (r->abort_days > 0 && parts))
        return S3P_SE_RULE;
    return seen(d, ID) ? S3P_SE_NONE : s3p_srv_rule_id(&d->texts, S3P_STR(""), &r->id);
}

static bool same_id(const struct doc *d)
{
    struct s3p_srv_life_rule other;
    for (size_t at = 0; at < d->rows.len; at += sizeof other) {
        memcpy(&other, d->rows.data + at, sizeof other);
        if (s3p_srv_span_same(&d->texts, other.id, d->rule.id))
            return true;
    }
    return false;
}

static void on_open(void *cls, const char *path)
{
    struct doc *d = cls;
    if (strcmp(path, "Rule") == 0) {
        memset(&d->rule, 0, sizeof d->rule); /* padding too: it is stored as it stands */
        d->seen = 0;
        s3p_srv_filter_begin(&d->filter);
    } else if (strncmp(path, "Rule/", 5) == 0) {
        s3p_srv_filter_open(&d->filter, path + 5);
    }
}

static void end_rule(struct doc *d)
{
    enum s3p_srv_error e = d->error == S3P_SE_NONE ? check(d) : d->error;
    if (e == S3P_SE_NONE && same_id(d))
        e = S3P_SE_RULE_ARGUMENT;
    if (e == S3P_SE_NONE && d->rows.len / sizeof d->rule == S3P_SRV_RULES_MAX)
        e = S3P_SE_XML;
    s3p_buf_add(&d->rows, &d->rule, sizeof d->rule);
    fail(d, e);
}

static void on_end(void *cls, const char *path, struct s3p_str text)
{
    struct doc *d = cls;
    enum s3p_srv_error e = S3P_SE_NONE;
    size_t i = 0, n = sizeof elements / sizeof elements[0];
    if (strcmp(path, "Rule") == 0) {
        end_rule(d);
        return;
    }
    bool inside = strncmp(path, "Rule/", 5) == 0;
    if (inside && s3p_srv_filter_field(&d->filter, path + 5, text, &e)) {
        fail(d, e);
        return;
    }
    while (i < n && (!inside || strcmp(path + 5, elements[i].path) != 0))
        i++;
    if (i == n) {
        fail(d, S3P_SE_NOT_IMPLEMENTED);
        return;
    }
    if (seen(d, (unsigned)i))
        e = S3P_SE_XML;
    else if (elements[i].take != NULL)
        e = elements[i].take(d, elements[i].plain ? text : s3p_srv_trim(text));
    d->seen |= 1u << i;
    fail(d, e);
}

enum s3p_srv_error s3p_srv_lifecycle_parse(struct s3p_str body, int64_t day_ns,
                                           struct s3p_buf *out)
{
    struct doc d = {.day_ns = day_ns};
    const struct s3p_srv_xml_paths to = {on_open, on_end, &d};
    s3p_buf_init(&d.rows, SET_MAX);
    s3p_buf_init(&d.texts, SET_MAX);
    s3p_srv_filter_reader_init(&d.filter, &d.texts);
    enum s3p_srv_error e = s3p_srv_xml_paths(body, "LifecycleConfiguration", &to);
    if (e == S3P_SE_NONE)
        e = d.error;
    if (e == S3P_SE_NONE && (d.rows.len == 0 || !s3p_buf_ok(&d.rows) || !s3p_buf_ok(&d.texts)))
        e = S3P_SE_XML;
    if (e == S3P_SE_NONE)
        s3p_srv_rule_set_store(out, &d.rows, &d.texts, sizeof d.rule);
    s3p_srv_filter_reader_free(&d.filter);
    s3p_buf_free(&d.rows);
    s3p_buf_free(&d.texts);
    return e;
}

enum s3p_srv_error s3p_srv_lifecycle_compile(const struct s3p_srv_req *req, struct s3p_str body,
                                             struct s3p_buf *out)
{
    return s3p_srv_lifecycle_parse(body, req->loop->srv->options.lifecycle_day_ns, out);
}

static void expiration_xml(struct s3p_buf *out, const struct s3p_srv_life_rule *r)
{
    if (r->days == 0 && !r->dated && r->markers == 0)
        return;
    s3p_srv_xml_open(out, "Expiration");
    if (r->days > 0)
        s3p_srv_xml_u64(out, "Days", r->days);
    if (r->dated)
        s3p_srv_xml_time(out, "Date", r->date_wall_ns);
    if (r->markers != 0)
        s3p_srv_xml_bool(out, "ExpiredObjectDeleteMarker", r->markers == 2);
    s3p_srv_xml_close(out, "Expiration");
}

bool s3p_srv_lifecycle_xml(struct s3p_buf *out, struct s3p_str stored)
{
    struct s3p_srv_rule_set s;
    struct s3p_srv_life_rule r;
    if (!s3p_srv_rule_set_open(&s, stored, sizeof r))
        return false;
    s3p_srv_xml_begin(out, S3P_SRV_XMLNS, "LifecycleConfiguration");
    for (size_t i = 0; i < s.n; i++) {
        s3p_srv_rule_set_row(&s, i, &r);
        s3p_srv_xml_open(out, "Rule");
        s3p_srv_xml_text(out, "ID", s3p_srv_rule_text(&s, r.id));
        s3p_srv_filter_xml(out, &s, &r.filter);
        s3p_srv_xml_text(out, "Status", r.enabled ? S3P_STR("Enabled") : S3P_STR("Disabled"));
        expiration_xml(out, &r);
        if (r.noncurrent_days > 0) {
            s3p_srv_xml_open(out, "NoncurrentVersionExpiration");
            s3p_srv_xml_u64(out, "NoncurrentDays", r.noncurrent_days);
            if (r.newer > 0)
                s3p_srv_xml_u64(out, "NewerNoncurrentVersions", r.newer);
            s3p_srv_xml_close(out, "NoncurrentVersionExpiration");
        }
        if (r.abort_days > 0) {
            s3p_srv_xml_open(out, "AbortIncompleteMultipartUpload");
            s3p_srv_xml_u64(out, "DaysAfterInitiation", r.abort_days);
            s3p_srv_xml_close(out, "AbortIncompleteMultipartUpload");
        }
        s3p_srv_xml_close(out, "Rule");
    }
    s3p_srv_xml_close(out, "LifecycleConfiguration");
    return true;
}
