#include "server/lifecycle.h"

#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "server/commit.h"
#include "server/lock.h"
#include "server/settings.h"
#include "server/xml_write.h"

int64_t s3p_srv_life_due_ns(int64_t from_wall_ns, uint32_t days, int64_t day_ns)
{
    int64_t due, up;
    if (__builtin_mul_overflow((int64_t)days, day_ns, &due) ||
        __builtin_add_overflow(due, from_wall_ns, &due) ||
        __builtin_add_overflow(due, day_ns - 1, &up))
        return S3P_NEVER;
    return up - up % day_ns;
}

static int64_t current_due_ns(const struct s3p_srv_life_rule *rule, const struct s3p_srv_record *r,
                              int64_t day_ns)
{
    if (rule->dated && !r->marker)
        return rule->date_wall_ns > r->mtime_wall_ns ? rule->date_wall_ns : r->mtime_wall_ns;
    return rule->days > 0 ? s3p_srv_life_due_ns(r->mtime_wall_ns, rule->days, day_ns) : S3P_NEVER;
}

/* A marker without versions goes at once when the rule says so, and with its age as any object. */
static int64_t marker_due_ns(const struct s3p_srv_life_rule *rule,
                             const struct s3p_srv_life_entry *e, int64_t day_ns)
{
    if (!e->alone)
        return S3P_NEVER;
    return rule->markers == 2 ? e->r->mtime_wall_ns : current_due_ns(rule, e->r, day_ns);
}

static int64_t noncurrent_due_ns(const struct s3p_srv_life_rule *rule,
                                 const struct s3p_srv_life_entry *e, int64_t day_ns)
{
    if (rule->noncurrent_days == 0 || e->newer < rule->newer || e->r->noncurrent_wall_ns == 0)
        return S3P_NEVER;
    return s3p_srv_life_due_ns(e->r->noncurrent_wall_ns, rule->noncurrent_days, day_ns);
}

/* The next enabled rule about the object, from *i on. */
static bool next_rule(const struct s3p_srv_rule_set *s, size_t *i, struct s3p_str key,
                      const struct s3p_srv_record *r, struct s3p_srv_life_rule *out)
{
    while (*i < s->n) {
        s3p_srv_rule_set_row(s, (*i)++, out);
        if (out->enabled && s3p_srv_filter_matches(s, &out->filter, key, r))
            return true;
    }
    return false;
}

enum s3p_srv_life_act s3p_srv_life_judge(struct s3p_str stored, const struct s3p_srv_life_entry *e,
                                         int64_t day_ns, int64_t now_wall_ns)
{
    struct s3p_srv_rule_set s;
    struct s3p_srv_life_rule rule;
    bool expire = e->current && !e->r->marker;
    if (!expire && s3p_srv_lock_holds(&e->r->lock, now_wall_ns, false))
        return S3P_SRV_LIFE_KEEP; /* it would be gone for good */
    if (!s3p_srv_rule_set_open(&s, stored, sizeof rule))
        return S3P_SRV_LIFE_KEEP;
    for (size_t i = 0; next_rule(&s, &i, e->key, e->r, &rule);) {
        int64_t due = !e->current ? noncurrent_due_ns(&rule, e, day_ns)
                      : expire    ? current_due_ns(&rule, e->r, day_ns)
                                  : marker_due_ns(&rule, e, day_ns);
        if (due <= now_wall_ns)
            return expire ? S3P_SRV_LIFE_EXPIRE : S3P_SRV_LIFE_REMOVE;
    }
    return S3P_SRV_LIFE_KEEP;
}

enum s3p_srv_life_act s3p_srv_life_judge_upload(struct s3p_str stored, struct s3p_str key,
                                                const struct s3p_srv_record *upload,
                                                int64_t day_ns, int64_t now_wall_ns)
{
    struct s3p_srv_rule_set s;
    struct s3p_srv_life_rule rule;
    if (!s3p_srv_rule_set_open(&s, stored, sizeof rule))
        return S3P_SRV_LIFE_KEEP;
    for (size_t i = 0; next_rule(&s, &i, key, upload, &rule);)
        if (rule.abort_days > 0 &&
            s3p_srv_life_due_ns(upload->mtime_wall_ns, rule.abort_days, day_ns) <= now_wall_ns)
            return S3P_SRV_LIFE_ABORT;
    return S3P_SRV_LIFE_KEEP;
}

int64_t s3p_srv_life_expiry_ns(struct s3p_str stored, struct s3p_str key,
                               const struct s3p_srv_record *r, int64_t day_ns, struct s3p_str *id)
{
    struct s3p_srv_rule_set s;
    struct s3p_srv_life_rule rule;
    int64_t first = S3P_NEVER;
    if (!s3p_srv_rule_set_open(&s, stored, sizeof rule))
        return S3P_NEVER;
    for (size_t i = 0; next_rule(&s, &i, key, r, &rule);) {
        int64_t due = current_due_ns(&rule, r, day_ns);
        if (due < first) {
            first = due;
            *id = s3p_srv_rule_text(&s, rule.id);
        }
    }
    return first;
}

uint32_t s3p_srv_life_newer_max(struct s3p_str stored)
{
    struct s3p_srv_rule_set s;
    struct s3p_srv_life_rule rule;
    uint32_t max = 0;
    if (!s3p_srv_rule_set_open(&s, stored, sizeof rule))
        return 0;
    for (size_t i = 0; i < s.n; i++) {
        s3p_srv_rule_set_row(&s, i, &rule);
        max = rule.newer > max ? rule.newer : max;
    }
    return max;
}

void s3p_srv_lifecycle_field(struct s3p_srv_req *req, struct s3p_str stored,
                             const struct s3p_srv_record *r)
{
    struct s3p_str id = S3P_STR("");
    int64_t due = s3p_srv_life_expiry_ns(stored, req->head.key, r,
                                         req->loop->srv->options.lifecycle_day_ns, &id);
    struct s3p_buf *f = &req->answer.fields;
    char date[29];
    if (due == S3P_NEVER)
        return;
    s3p_http_date(date, due / S3P_S);
    s3p_buf_str(f, "x-amz-expiration");
    s3p_buf_char(f, 0);
    s3p_buf_str(f, "expiry-date=\"");
    s3p_buf_add(f, date, sizeof date);
    s3p_buf_str(f, "\", rule-id=\"");
    s3p_srv_url_encode(f, id, false);
    s3p_buf_str(f, "\"");
    s3p_buf_char(f, 0);
}

void s3p_srv_lifecycle_made(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                            const struct s3p_srv_record *r)
{
    struct s3p_str stored;
    if (t->srv->options.lifecycle_day_ns > 0 &&
        s3p_srv_setting_get(t->txn, &t->srv->store, t->bucket.id, S3P_SRV_SET_LIFECYCLE, &stored) ==
            0)
        s3p_srv_lifecycle_field(req, stored, r);
}
