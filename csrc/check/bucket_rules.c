#include "check/bucket_rules.h"

#include <string.h>

#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])
#define RULES "rules="

static uint64_t number_of(const json_t *rule, const char *name)
{
    json_int_t v = json_integer_value(json_object_get(rule, name));
    return v > 0 ? (uint64_t)v : 0;
}

static int64_t days_of(const struct s3p_bucket_rules *r, const json_t *rule, const char *name)
{
    int64_t ns;
    return __builtin_mul_overflow((int64_t)number_of(rule, name), r->head->lifecycle_day_ns, &ns)
               ? INT64_MAX
               : ns;
}

static int add_rule(struct s3p_bucket_rules *r, const json_t *rule, uint16_t bucket, int64_t since,
                    bool replicates, struct s3p_err *err)
{
    const json_t *prefix = json_object_get(rule, "prefix"), *to = json_object_get(rule, "to");
    struct s3p_bucket_rule made = {
        .prefix = {json_is_string(prefix) ? json_string_value(prefix) : "",
                   json_string_length(prefix)},
        .above = number_of(rule, "above"),
        .below = number_of(rule, "below"),
        .tags = number_of(rule, "tags") != 0,
        .days_ns = days_of(r, rule, "days"),
        .noncurrent_ns = days_of(r, rule, "noncurrent_days"),
        .abort_ns = days_of(r, rule, "abort_days"),
        .markers = json_is_true(json_object_get(rule, "markers")),
        .since = since,
        .bucket = bucket,
        .replicates = replicates,
    };
    struct s3p_str role = {json_is_string(to) ? json_string_value(to) : "", json_string_length(to)};
    if (replicates) {
        if (!s3p_keynames_bucket(r->head->names, role, &made.to))
            return s3p_fail(err, S3P_EFORMAT, 0, "history: rules: bucket \"%.*s\" is not known",
                            (int)role.len, role.p);
        r->replicated[made.to] = true;
    }
    if (r->n == r->cap) {
        uint32_t cap = r->cap == 0 ? 16 : r->cap * 2;
        void *p = s3p_realloc(r->rule, cap * sizeof *r->rule);
        if (p == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "%u rules of buckets", cap);
        r->rule = p;
        r->cap = cap;
    }
    r->rule[r->n++] = made;
    return 0;
}

static int add_rules(struct s3p_bucket_rules *r, const struct s3p_segment_view *s, uint32_t i,
                     bool replicates, struct s3p_err *err)
{
    struct s3p_str text = s3p_segment_text(s, COL(s, uint32_t, list_args)[i]);
    const size_t skip = sizeof RULES - 1;
    json_t *rules = text.len > skip && memcmp(text.p, RULES, skip) == 0
                        ? json_loadb(text.p + skip, text.len - skip, 0, NULL)
                        : NULL;
    if (!json_is_array(rules)) {
        json_decref(rules);
        return s3p_fail(err, S3P_EFORMAT, 0, "record %llu: rules are not a JSON list",
                        (unsigned long long)s->first_record + i);
    }
    json_array_append_new(r->texts, rules);
    for (size_t k = 0; k < json_array_size(rules); k++)
        S3P_TRY(add_rule(r, json_array_get(rules, k), COL(s, uint16_t, bucket)[i],
                         COL(s, int64_t, t_call)[i], replicates, err));
    return 0;
}

static int read_segment(struct s3p_bucket_rules *r, const struct s3p_segment_view *s,
                        struct s3p_err *err)
{
    for (uint32_t i = 0; i < s->records; i++) {
        uint8_t op = COL(s, uint8_t, op)[i];
        uint16_t bucket = COL(s, uint16_t, bucket)[i];
        bool replicates = op == S3P_OP_PUT_REPLICATION;
        bool once = (COL(s, uint8_t, flags)[i] & S3P_FLAG_MULTI_DELIVERY) == 0;
        if (S3P_OFF(RULES_REFUSED, COL(s, uint8_t, outcome)[i] == S3P_FAILED) &&
            S3P_ON(RULES_REFUSED_ONCE, once))
            continue;
        if (op == S3P_OP_PUT_TAGS)
            r->retagged[bucket] = S3P_OFF(RULES_RETAGGED_OFF, true);
        if (op == S3P_OP_PUT_LIFECYCLE || replicates)
            S3P_TRY(add_rules(r, s, i, replicates, err));
    }
    return 0;
}

int s3p_bucket_rules_read(struct s3p_bucket_rules **out, const struct s3p_histfile *f,
                          const struct s3p_head *h, struct s3p_err *err)
{
    const uint64_t makes_rules = S3P_BIT(S3P_OP_PUT_TAGS) | S3P_BIT(S3P_OP_PUT_LIFECYCLE) |
                                 S3P_BIT(S3P_OP_PUT_REPLICATION);
    struct s3p_bucket_rules *r = s3p_calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "rules of buckets");
    r->file = f;
    r->head = h;
    r->texts = json_array();
    r->retagged = s3p_calloc(h->buckets + 1, sizeof *r->retagged);
    r->replicated = s3p_calloc(h->buckets + 1, sizeof *r->replicated);
    int rc = r->texts != NULL && r->retagged != NULL && r->replicated != NULL
                 ? 0
                 : s3p_fail(err, S3P_ENOMEM, 0, "rules of %u buckets", h->buckets);
    for (uint32_t k = 0; rc == 0 && k < s3p_histfile_segments(f); k++)
        if ((s3p_histfile_segment(f, k)->ops & makes_rules) != 0)
            rc = read_segment(r, s3p_histfile_segment(f, k), err);
    if (rc == 0 && r->n != 0)
        *out = r;
    else
        s3p_bucket_rules_free(r);
    return rc;
}

void s3p_bucket_rules_free(struct s3p_bucket_rules *r)
{
    if (r == NULL)
        return;
    s3p_free(r->rule);
    s3p_free(r->retagged);
    s3p_free(r->replicated);
    json_decref(r->texts);
    s3p_free(r);
}

/* ---- what a rule is about ---- */

static bool has_prefix(const struct s3p_bucket_rules *r, const struct s3p_bucket_rule *rule,
                       const struct s3p_segment_view *s, uint32_t i)
{
    struct s3p_buf key;
    if (rule->prefix.len == 0)
        return true;
    s3p_buf_init(&key, 8192);
    s3p_keynames_text(r->head->names, COL(s, uint16_t, space)[i], COL(s, uint64_t, key_index)[i],
                      &key);
    bool has = !s3p_buf_ok(&key) || (key.len >= rule->prefix.len &&
                                     memcmp(key.data, rule->prefix.p, rule->prefix.len) == 0);
    s3p_buf_free(&key);
    return has;
}

static bool is_delete(uint8_t op)
{
    return op == S3P_OP_DELETE || S3P_OFF(RULES_MARKER_CHILD, op == S3P_OP_DELETE_CHILD);
}

static bool may_match(const struct s3p_bucket_rules *r, const struct s3p_bucket_rule *rule,
                      const struct s3p_segment_view *s, uint32_t i)
{
    uint8_t op = COL(s, uint8_t, op)[i];
    if (S3P_OFF(RULES_BUCKET_ANY, rule->bucket != COL(s, uint16_t, bucket)[i]))
        return false;
    if (is_delete(op)) { /* a marker has neither tags nor a size */
        if (S3P_OFF(RULES_MARKER_TAGS, rule->tags) ||
            S3P_OFF(RULES_MARKER_ABOVE, rule->above != 0) ||
            S3P_OFF(RULES_MARKER_BELOW, rule->below != 0))
            return false;
    } else if (op == S3P_OP_PUT) { /* of others the record does not say */
        uint64_t size = COL(s, uint64_t, size)[i];
        bool tagged = (COL(s, uint8_t, flags)[i] & S3P_FLAG_TAGGED) != 0 ||
                      r->retagged[rule->bucket];
        if ((rule->above != 0 && S3P_LE(RULES_ABOVE_LT, size, rule->above)) ||
            (rule->below != 0 && S3P_LE(RULES_BELOW_LT, rule->below, size)) ||
            S3P_OFF(RULES_TAGS_OFF, rule->tags && !tagged))
            return false;
    }
    return S3P_ON(RULES_PREFIX_ANY, has_prefix(r, rule, s, i));
}

/* `after` the time `from`, and not before the rule. */
static int64_t due(const struct s3p_bucket_rules *r, const struct s3p_bucket_rule *rule,
                   int64_t from, int64_t after)
{
    int64_t at, wait = after - S3P_MUT(S3P_MUT_RULES_SLACK_OFF, r->head->clock_slack_ns, 0);
    if (__builtin_add_overflow(from, wait, &at))
        at = wait < 0 ? INT64_MIN : INT64_MAX;
    return S3P_ON(RULES_SINCE_OFF, at > rule->since) ? at : rule->since;
}

/* Of an upload the age may count from its beginning, which its Complete does not say. */
static int64_t age_from(const struct s3p_segment_view *s, uint32_t i)
{
    return S3P_OFF(RULES_UPLOAD_AGE, COL(s, uint8_t, op)[i] == S3P_OP_COMPLETE_UPLOAD)
               ? INT64_MIN
               : COL(s, int64_t, t_call)[i];
}

int64_t s3p_expires_current(const struct s3p_bucket_rules *r, const struct s3p_segment_view *s,
                            uint32_t i)
{
    int64_t first = INT64_MAX;
    bool marker = is_delete(COL(s, uint8_t, op)[i]);
    for (uint32_t k = 0; r != NULL && k < r->n; k++) {
        const struct s3p_bucket_rule *rule = &r->rule[k];
        bool ends_markers = S3P_ON(RULES_MARKERS_ANY, marker) &&
                            S3P_MUT(S3P_MUT_RULES_MARKERS_OFF, rule->markers, false);
        int64_t at = rule->days_ns != 0 ? due(r, rule, age_from(s, i), rule->days_ns)
                     : ends_markers     ? rule->since
                                        : INT64_MAX;
        if (S3P_MUT(S3P_MUT_RULES_LAST, at < first, first == INT64_MAX) &&
            may_match(r, rule, s, i))
            first = at;
    }
    return first;
}

int64_t s3p_expires_record(const struct s3p_bucket_rules *r, uint32_t record)
{
    uint32_t i;
    const struct s3p_segment_view *s = s3p_histfile_find(r->file, record, &i);
    return s3p_expires_current(r, s, i);
}

int64_t s3p_expires_noncurrent(const struct s3p_bucket_rules *r, const struct s3p_segment_view *s,
                               uint32_t i, int64_t since)
{
    int64_t first = INT64_MAX;
    for (uint32_t k = 0; r != NULL && since != INT64_MAX && k < r->n; k++) {
        const struct s3p_bucket_rule *rule = &r->rule[k];
        int64_t at = rule->noncurrent_ns != 0 ? due(r, rule, since, rule->noncurrent_ns)
                                              : INT64_MAX;
        if (S3P_MUT(S3P_MUT_RULES_LAST, at < first, first == INT64_MAX) &&
            may_match(r, rule, s, i))
            first = at;
    }
    return first;
}

int64_t s3p_expires_upload(const struct s3p_bucket_rules *r, const struct s3p_segment_view *s,
                           uint32_t i)
{
    int64_t first = INT64_MAX;
    for (uint32_t k = 0; r != NULL && k < r->n; k++) {
        const struct s3p_bucket_rule *rule = &r->rule[k];
        int64_t at = rule->abort_ns != 0
                         ? due(r, rule, COL(s, int64_t, t_call)[i], rule->abort_ns)
                         : INT64_MAX;
        if (S3P_MUT(S3P_MUT_RULES_LAST, at < first, first == INT64_MAX) &&
            may_match(r, rule, s, i))
            first = at;
    }
    return first;
}
