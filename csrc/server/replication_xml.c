/* <ReplicationConfiguration>, read and written. Rules stand in the form with <Filter>; the older
 * one and what the store does not honour are refused as not implemented. */
#include <string.h>

#include "core/text.h"
#include "server/replication.h"
#include "server/xml_read.h"
#include "server/xml_write.h"

#define SET_MAX (4 * 1024 * 1024)
#define ARN "arn:aws:s3:::"

struct doc {
    struct s3p_srv_repl_rule rule; /* the open one */
    struct s3p_srv_filter_reader filter;
    struct s3p_buf rows, texts;
    struct s3p_srv_span role;
    unsigned seen, role_seen; /* seen: elements of the open rule, bits by row of `elements` */
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

/* Enabled or Disabled. */
static enum s3p_srv_error take_state(struct s3p_str text, uint8_t *out)
{
    *out = s3p_str_eq(text, "Enabled");
    return *out || s3p_str_eq(text, "Disabled") ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error take_status(struct doc *d, struct s3p_str text)
{
    return take_state(text, &d->rule.enabled);
}

static enum s3p_srv_error take_markers(struct doc *d, struct s3p_str text)
{
    return take_state(text, &d->rule.markers);
}

static enum s3p_srv_error take_priority(struct doc *d, struct s3p_str text)
{
    uint64_t v;
    if (!s3p_parse_u64(text.p, text.len, &v) || v > INT32_MAX)
        return S3P_SE_XML;
    d->rule.priority = (uint32_t)v;
    return S3P_SE_NONE;
}

static enum s3p_srv_error take_bucket(struct doc *d, struct s3p_str text)
{
    size_t n = sizeof ARN - 1;
    if (!s3p_srv_starts(text, ARN))
        return S3P_SE_RULE_ARGUMENT;
    struct s3p_str name = {text.p + n, text.len - n};
    if (!s3p_srv_bucket_name_ok(name))
        return S3P_SE_RULE_ARGUMENT;
    d->rule.bucket = s3p_srv_span_add(&d->texts, name);
    return S3P_SE_NONE;
}

static enum s3p_srv_error take_class(struct doc *d, struct s3p_str text)
{
    (void)d;
    return s3p_str_eq(text, "STANDARD") ? S3P_SE_NONE : S3P_SE_NOT_IMPLEMENTED;
}

/* What would be replicated beyond what the store does: only its refusal is honoured. */
static enum s3p_srv_error take_off(struct doc *d, struct s3p_str text)
{
    uint8_t on = 0;
    enum s3p_srv_error e = take_state(text, &on);
    (void)d;
    return e == S3P_SE_NONE && on ? S3P_SE_NOT_IMPLEMENTED : e;
}

enum { ID, STATUS, PRIORITY, BUCKET, MARKERS, CLASS, EXISTING, IN_TARGET, IN_MARKERS, IN_EXISTING };

/* Each at most once in a rule. Without a function: it only holds others. */
static const struct {
    const char *path;
    enum s3p_srv_error (*take)(struct doc *d, struct s3p_str text);
    bool plain; /* white space counts */
} elements[] = {
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

static unsigned seen(const struct doc *d, unsigned which)
{
    return d->seen >> which & 1;
}

/* The rule as a whole. */
static enum s3p_srv_error check(struct doc *d)
{
    struct s3p_srv_repl_rule *r = &d->rule;
    enum s3p_srv_error e = s3p_srv_filter_end(&d->filter);
    r->filter = d->filter.filter;
    if (r->filter.old_form || r->filter.has_above || r->filter.has_below)
        return S3P_SE_NOT_IMPLEMENTED;
    if (e != S3P_SE_NONE)
        return e;
    if (!seen(d, STATUS) || !seen(d, BUCKET) || seen(d, IN_MARKERS) != seen(d, MARKERS))
        return S3P_SE_XML;
    if (!seen(d, PRIORITY) || !seen(d, MARKERS) || (r->markers && r->filter.n_tags > 0))
        return S3P_SE_RULE;
    return seen(d, ID) ? S3P_SE_NONE : s3p_srv_rule_id(&d->texts, S3P_STR(""), &r->id);
}

/* Against the rules before: ids and priorities are unique. */
static enum s3p_srv_error check_unique(const struct doc *d)
{
    struct s3p_srv_repl_rule other;
    for (size_t at = 0; at < d->rows.len; at += sizeof other) {
        memcpy(&other, d->rows.data + at, sizeof other);
        if (s3p_srv_span_same(&d->texts, other.id, d->rule.id))
            return S3P_SE_RULE_ARGUMENT;
        if (other.priority == d->rule.priority)
            return S3P_SE_RULE;
    }
    return d->rows.len / sizeof other < S3P_SRV_RULES_MAX ? S3P_SE_NONE : S3P_SE_XML;
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
    if (e == S3P_SE_NONE)
        e = check_unique(d);
    s3p_buf_add(&d->rows, &d->rule, sizeof d->rule);
    fail(d, e);
}

static enum s3p_srv_error end_role(struct doc *d, struct s3p_str text)
{
    d->role = s3p_srv_span_add(&d->texts, text);
    return d->role_seen++ == 0 ? S3P_SE_NONE : S3P_SE_XML;
}

static enum s3p_srv_error end_element(struct doc *d, const char *path, struct s3p_str text)
{
    enum s3p_srv_error e = S3P_SE_NONE;
    size_t i = 0, n = sizeof elements / sizeof elements[0];
    if (s3p_srv_filter_field(&d->filter, path, text, &e))
        return e;
    while (i < n && strcmp(path, elements[i].path) != 0)
        i++;
    if (i == n)
        return S3P_SE_NOT_IMPLEMENTED;
    if (seen(d, (unsigned)i))
        return S3P_SE_XML;
    d->seen |= 1u << i;
    return elements[i].take == NULL
               ? S3P_SE_NONE
               : elements[i].take(d, elements[i].plain ? text : s3p_srv_trim(text));
}

static void on_end(void *cls, const char *path, struct s3p_str text)
{
    struct doc *d = cls;
    if (strcmp(path, "Rule") == 0)
        end_rule(d);
    else if (strcmp(path, "Role") == 0)
        fail(d, end_role(d, s3p_srv_trim(text)));
    else if (strncmp(path, "Rule/", 5) == 0)
        fail(d, end_element(d, path + 5, text));
    else
        fail(d, S3P_SE_NOT_IMPLEMENTED);
}

/* The role stands in every rule, wherever the document had it. */
static void set_role(struct doc *d)
{
    struct s3p_srv_repl_rule rule;
    for (size_t at = 0; at < d->rows.len; at += sizeof rule) {
        memcpy(&rule, d->rows.data + at, sizeof rule);
        rule.role = d->role;
        memcpy(d->rows.data + at, &rule, sizeof rule);
    }
}

enum s3p_srv_error s3p_srv_replication_parse(struct s3p_str body, struct s3p_buf *out)
{
    struct doc d = {.error = S3P_SE_NONE};
    const struct s3p_srv_xml_paths to = {on_open, on_end, &d};
    s3p_buf_init(&d.rows, SET_MAX);
    s3p_buf_init(&d.texts, SET_MAX);
    s3p_srv_filter_reader_init(&d.filter, &d.texts);
    enum s3p_srv_error e = s3p_srv_xml_paths(body, "ReplicationConfiguration", &to);
    if (e == S3P_SE_NONE)
        e = d.error;
    if (e == S3P_SE_NONE && (d.rows.len == 0 || d.role_seen == 0 || !s3p_buf_ok(&d.rows) ||
                             !s3p_buf_ok(&d.texts)))
        e = S3P_SE_XML;
    if (e == S3P_SE_NONE) {
        set_role(&d);
        s3p_srv_rule_set_store(out, &d.rows, &d.texts, sizeof d.rule);
    }
    s3p_srv_filter_reader_free(&d.filter);
    s3p_buf_free(&d.rows);
    s3p_buf_free(&d.texts);
    return e;
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
