/* <ReplicationConfiguration>, read and written. Rules stand in the form with <Filter>; the older
 * one and what the store does not honour are refused as not implemented. */
#include <string.h>

#include "core/text.h"
#include "server/replication.h"
#include "server/rule_doc.h"
#include "server/xml_write.h"

#define ARN "arn:aws:s3:::"

struct doc {
    struct s3p_srv_rule_doc base;
    struct s3p_srv_repl_rule rule; /* the open one */
    struct s3p_srv_span role;
    unsigned roles;
};

static enum s3p_srv_error take_id(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    return s3p_srv_rule_id(&base->texts, text, &d->rule.id);
}

/* Enabled or Disabled. */
static enum s3p_srv_error take_state(struct s3p_str text, uint8_t *out)
{
    *out = s3p_str_eq(text, "Enabled");
    return *out || s3p_str_eq(text, "Disabled") ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error take_status(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    return take_state(text, &d->rule.enabled);
}

static enum s3p_srv_error take_markers(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    return take_state(text, &d->rule.markers);
}

static enum s3p_srv_error take_priority(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    uint64_t v;
    if (!s3p_parse_u64(text.p, text.len, &v) || v > INT32_MAX)
        return S3P_SE_XML;
    d->rule.priority = (uint32_t)v;
    return S3P_SE_NONE;
}

static enum s3p_srv_error take_bucket(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    size_t n = sizeof ARN - 1;
    if (!s3p_srv_starts(text, ARN))
        return S3P_SE_RULE_ARGUMENT;
    struct s3p_str name = {text.p + n, text.len - n};
    if (!s3p_srv_bucket_name_ok(name))
        return S3P_SE_RULE_ARGUMENT;
    d->rule.bucket = s3p_srv_span_add(&base->texts, name);
    return S3P_SE_NONE;
}

static enum s3p_srv_error take_class(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    (void)base;
    return s3p_str_eq(text, "STANDARD") ? S3P_SE_NONE : S3P_SE_NOT_IMPLEMENTED;
}

/* What would be replicated beyond what the store does: only its refusal is honoured. */
static enum s3p_srv_error take_off(struct s3p_srv_rule_doc *base, struct s3p_str text)
{
    uint8_t on = 0;
    enum s3p_srv_error e = take_state(text, &on);
    (void)base;
    return e == S3P_SE_NONE && on ? S3P_SE_NOT_IMPLEMENTED : e;
}

enum { ID, STATUS, PRIORITY, BUCKET, MARKERS, CLASS, EXISTING, IN_TARGET, IN_MARKERS, IN_EXISTING };

static const struct s3p_srv_rule_element elements[] = {
    [ID] = {"ID", take_id, true},
    [STATUS] = {"Status", take_status, false},
    [PRIORITY] = {"Priority", take_priority, false},
    [BUCKET] = {"Destination/Bucket", take_bucket, false},
    [MARKERS] = {"DeleteMarkerReplication/Status", take_markers, false},
    [CLASS] = {"Destination/StorageClass", take_class, false},
    [EXISTING] = {"ExistingObjectReplication/Status", take_off, false},
    [IN_TARGET] = {"Destination", NULL, false},
    [IN_MARKERS] = {"DeleteMarkerReplication", NULL, false},
    [IN_EXISTING] = {"ExistingObjectReplication", NULL, false},
};

static enum s3p_srv_error check(struct s3p_srv_rule_doc *base, const struct s3p_srv_filter *f)
{
    struct s3p_srv_repl_rule *r = &((struct doc *)base)->rule;
    r->filter = *f;
    if (f->old_form || f->has_above || f->has_below)
        return S3P_SE_NOT_IMPLEMENTED;
    if (!s3p_srv_seen(base, STATUS) || !s3p_srv_seen(base, BUCKET) ||
        s3p_srv_seen(base, IN_MARKERS) != s3p_srv_seen(base, MARKERS))
        return S3P_SE_XML;
    if (!s3p_srv_seen(base, PRIORITY) || !s3p_srv_seen(base, MARKERS) ||
        (r->markers && f->n_tags > 0))
        return S3P_SE_RULE;
    return s3p_srv_seen(base, ID) ? S3P_SE_NONE
                                  : s3p_srv_rule_id(&base->texts, S3P_STR(""), &r->id);
}

/* Ids and priorities are unique. */
static enum s3p_srv_error against(const struct s3p_srv_rule_doc *base, const void *before)
{
    const struct s3p_srv_repl_rule *r = &((const struct doc *)base)->rule;
    struct s3p_srv_repl_rule other;
    memcpy(&other, before, sizeof other);
    if (s3p_srv_span_same(&base->texts, other.id, r->id))
        return S3P_SE_RULE_ARGUMENT;
    return other.priority == r->priority ? S3P_SE_RULE : S3P_SE_NONE;
}

static enum s3p_srv_error beside(struct s3p_srv_rule_doc *base, const char *path,
                                 struct s3p_str text)
{
    struct doc *d = (struct doc *)base;
    if (strcmp(path, "Role") != 0)
        return S3P_SE_NOT_IMPLEMENTED;
    d->role = s3p_srv_span_add(&base->texts, s3p_srv_trim(text));
    return d->roles++ == 0 ? S3P_SE_NONE : S3P_SE_XML;
}

/* The role stands in every rule, wherever the document had it. */
static enum s3p_srv_error end(struct s3p_srv_rule_doc *base)
{
    const struct doc *d = (const struct doc *)base;
    struct s3p_srv_repl_rule rule;
    for (size_t at = 0; at < base->rows.len; at += sizeof rule) {
        memcpy(&rule, base->rows.data + at, sizeof rule);
        rule.role = d->role;
        memcpy(base->rows.data + at, &rule, sizeof rule);
    }
    return d->roles == 1 ? S3P_SE_NONE : S3P_SE_XML;
}

static const struct s3p_srv_rule_kind kind = {
    .root = "ReplicationConfiguration",
    .elements = elements,
    .n = sizeof elements / sizeof elements[0],
    .rule_bytes = sizeof(struct s3p_srv_repl_rule),
    .check = check,
    .against = against,
    .beside = beside,
    .end = end,
};

enum s3p_srv_error s3p_srv_replication_parse(struct s3p_str body, struct s3p_buf *out)
{
    struct doc d = {.base = {.kind = &kind, .rule = &d.rule}};
    return s3p_srv_rule_doc_read(&d.base, body, out);
}

enum s3p_srv_error s3p_srv_replication_compile(const struct s3p_srv_req *req, struct s3p_str body,
                                               struct s3p_buf *out)
{
    (void)req;
    return s3p_srv_replication_parse(body, out);
}

static void state_xml(struct s3p_buf *out, const char *holder, bool on)
{
    if (holder != NULL)
        s3p_srv_xml_open(out, holder);
    s3p_srv_xml_text(out, "Status", on ? S3P_STR("Enabled") : S3P_STR("Disabled"));
    if (holder != NULL)
        s3p_srv_xml_close(out, holder);
}

bool s3p_srv_replication_xml(struct s3p_buf *out, struct s3p_str stored)
{
    struct s3p_srv_rule_set s;
    struct s3p_srv_repl_rule r;
    if (!s3p_srv_rule_set_open(&s, stored, sizeof r) || s.n == 0)
        return false;
    s3p_srv_xml_begin(out, S3P_SRV_XMLNS, "ReplicationConfiguration");
    s3p_srv_rule_set_row(&s, 0, &r);
    s3p_srv_xml_text(out, "Role", s3p_srv_rule_text(&s, r.role));
    for (size_t i = 0; i < s.n; i++) {
        s3p_srv_rule_set_row(&s, i, &r);
        s3p_srv_xml_open(out, "Rule");
        s3p_srv_xml_text(out, "ID", s3p_srv_rule_text(&s, r.id));
        s3p_srv_xml_u64(out, "Priority", r.priority);
        state_xml(out, NULL, r.enabled);
        s3p_srv_filter_xml(out, &s, &r.filter);
        s3p_srv_xml_open(out, "Destination");
        s3p_buf_str(out, "<Bucket>" ARN);
        s3p_buf_view(out, s3p_srv_rule_text(&s, r.bucket));
        s3p_buf_str(out, "</Bucket>");
        s3p_srv_xml_close(out, "Destination");
        state_xml(out, "DeleteMarkerReplication", r.markers);
        s3p_srv_xml_close(out, "Rule");
    }
    s3p_srv_xml_close(out, "ReplicationConfiguration");
    return true;
}
