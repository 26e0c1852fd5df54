/* <LifecycleConfiguration>, read and written. Elements with a meaning that the store does not
 * honour, transitions above all, are refused as not implemented. */
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "server/lifecycle.h"
#include "server/rule_doc.h"
#include "server/xml_write.h"

#define NEWER_MAX 100
#define MIDNIGHT_NS (24 * 3600 * S3P_S)

struct doc {
    struct s3p_srv_rule_doc base;
    struct s3p_srv_life_rule rule; /* the open one */
    int64_t day_ns;
};

static enum s3p_srv_error take_id(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    return s3p_srv_rule_id(&base->texts, text, &d->rule.id);
}

static enum s3p_srv_error take_status(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
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

static enum s3p_srv_error take_days(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    return take_number(text, INT32_MAX, &d->rule.days);
}

static enum s3p_srv_error take_date(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    int64_t at;
    d->rule.dated = 1;
    if (!s3p_parse_iso_date(text.p, text.len, &at))
        return S3P_SE_XML;
    d->rule.date_wall_ns = at;
    return at % MIDNIGHT_NS == 0 || at % d->day_ns == 0 ? S3P_SE_NONE : S3P_SE_RULE_ARGUMENT;
}

static enum s3p_srv_error take_markers(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    bool yes = s3p_str_eq(text, "true");
    d->rule.markers = yes ? 2 : 1;
    return yes || s3p_str_eq(text, "false") ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error take_noncurrent(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    return take_number(text, INT32_MAX, &d->rule.noncurrent_days);
}

static enum s3p_srv_error take_newer(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    return take_number(text, NEWER_MAX, &d->rule.newer);
}

static enum s3p_srv_error take_abort(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    return take_number(text, INT32_MAX, &d->rule.abort_days);
}

enum { ID, STATUS, DAYS, DATE, MARKERS, NONCURRENT, NEWER, ABORT, EXPIRES, ENDS_OLD, ENDS_UPLOADS };

static const struct s3p_srv_rule_element elements[] = {
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

static enum s3p_srv_error check(struct s3p_srv_rule_doc *base, const struct s3p_srv_filter *f)
{
    struct s3p_srv_life_rule *r = &((struct doc *)base)->rule;
    bool parts = f->n_tags > 0 || f->has_above || f->has_below;
    r->filter = *f;
    if (!s3p_srv_seen(base, STATUS) ||
        s3p_srv_seen(base, EXPIRES) != s3p_srv_seen(base, DAYS) + s3p_srv_seen(base, DATE) +
                                           s3p_srv_seen(base, MARKERS) ||
        s3p_srv_seen(base, ENDS_OLD) != s3p_srv_seen(base, NONCURRENT) ||
        s3p_srv_seen(base, ENDS_UPLOADS) != s3p_srv_seen(base, ABORT))
        return S3P_SE_XML;
    if (!s3p_srv_seen(base, EXPIRES) && !s3p_srv_seen(base, ENDS_OLD) &&
        !s3p_srv_seen(base, ENDS_UPLOADS))
        return S3P_SE_RULE;
    if ((r->markers != 0 && f->n_tags > 0) || (r->abort_days > 0 && parts))
        return S3P_SE_RULE;
    return s3p_srv_seen(base, ID) ? S3P_SE_NONE
                                  : s3p_srv_rule_id(&base->texts, S3P_STR(""), &r->id);
}

static enum s3p_srv_error against(const struct s3p_srv_rule_doc *base, const void *before)
{
    struct s3p_srv_life_rule other;
    memcpy(&other, before, sizeof other);
    return s3p_srv_span_same(&base->texts, other.id, ((const struct doc *)base)->rule.id)
               ? S3P_SE_RULE_ARGUMENT
               : S3P_SE_NONE;
}

static const struct s3p_srv_rule_kind kind = {
    .root = "LifecycleConfiguration",
    .elements = elements,
    .n = sizeof elements / sizeof elements[0],
    .rule_bytes = sizeof(struct s3p_srv_life_rule),
    .check = check,
    .against = against,
};

enum s3p_srv_error s3p_srv_lifecycle_parse(struct s3p_str body, int64_t day_ns,
                                           struct s3p_buf *out)
{
    struct doc d = {.base = {.kind = &kind, .rule = &d.rule}, .day_ns = day_ns};
    return s3p_srv_rule_doc_read(&d.base, body, out);
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
