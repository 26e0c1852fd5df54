/* The rules of put_lifecycle and put_replication. */
#include <string.h>

#include "engine/plan_parse.h"
#include "s3/tags.h"

#define DAYS_MAX 36500
#define SIZE_MAX_BYTES INT64_C(5497558138880) /* 5 TiB, the largest object of S3 */
#define PREFIX_MAX 1024

#define RULES "rules="
#define FILTER "prefix, tags, above, below"
static const char lifecycle_fields[] = FILTER ", days, noncurrent_days, abort_days, markers",
                  replication_fields[] = FILTER ", markers, to";

static int read_number(const struct s3p_reader *r, const struct s3p_node *rule, const char *name,
                       int64_t min, int64_t max, uint64_t *out)
{
    int64_t value = 0;
    S3P_TRY(s3p_opt_int(r, rule, name, min, max, &value));
    *out = (uint64_t)value;
    return 0;
}

static int read_markers(const struct s3p_reader *r, const struct s3p_node *rule, bool *out)
{
    struct s3p_node n;
    *out = false;
    if (!s3p_node_get(rule, "markers", &n))
        return 0;
    *out = json_is_true(n.value);
    return json_is_boolean(n.value) ? 0 : s3p_node_bad(r, &n, "true or false");
}

static int read_filter(const struct s3p_reader *r, const struct s3p_node *rule,
                       struct s3p_rule *out)
{
    S3P_TRY(s3p_opt_text(r, rule, "prefix", 1, PREFIX_MAX, &out->prefix));
    S3P_TRY(read_number(r, rule, "tags", 2, S3P_TAGS_MAX, &out->tags));
    S3P_TRY(read_number(r, rule, "above", 1, SIZE_MAX_BYTES, &out->above));
    return read_number(r, rule, "below", 1, SIZE_MAX_BYTES, &out->below);
}

static int read_lifecycle(const struct s3p_reader *r, const struct s3p_node *rule,
                          struct s3p_rule *out)
{
    S3P_TRY(s3p_node_keys(r, rule, lifecycle_fields));
    S3P_TRY(read_number(r, rule, "days", 1, DAYS_MAX, &out->days));
    S3P_TRY(read_number(r, rule, "noncurrent_days", 1, DAYS_MAX, &out->noncurrent_days));
    S3P_TRY(read_number(r, rule, "abort_days", 1, DAYS_MAX, &out->abort_days));
    bool sized = out->tags + out->above + out->below != 0;
    if (out->days + out->noncurrent_days + out->abort_days == 0 && !out->markers)
        return s3p_node_bad(r, rule, "one of days, noncurrent_days, abort_days, markers");
    if (out->days != 0 && out->markers)
        return s3p_node_bad(r, rule, "days or markers");
    if (sized && (out->abort_days != 0 || out->markers))
        return s3p_node_bad(r, rule, "no tags or sizes beside abort_days and markers");
    return 0;
}

static int read_rule(struct s3p_compile *c, enum s3p_op op, const struct s3p_node *rule,
                     struct s3p_rule *out, uint16_t *to)
{
    const struct s3p_reader *r = &c->p->r;
    struct s3p_node n;
    *out = (struct s3p_rule){.prefix = S3P_STR("")};
    S3P_TRY(s3p_node_object(r, rule));
    S3P_TRY(read_markers(r, rule, &out->markers));
    S3P_TRY(read_filter(r, rule, out));
    if (op == S3P_OP_PUT_LIFECYCLE)
        return read_lifecycle(r, rule, out);
    S3P_TRY(s3p_node_keys(r, rule, replication_fields));
    S3P_TRY(s3p_need(r, rule, "to", "a bucket role of the plan", &n));
    return s3p_parse_bucket(c->p, &n, to);
}

/* In one line, for the record. */
static int write_text(const struct s3p_reader *r, const struct s3p_node *rules,
                      struct s3p_str *out)
{
    size_t size = json_dumpb(rules->value, NULL, 0, JSON_COMPACT | JSON_SORT_KEYS);
    char *text = s3p_arena_alloc(r->arena, sizeof RULES - 1 + size);
    if (text == NULL || size == 0)
        return s3p_node_no_memory(r);
    memcpy(text, RULES, sizeof RULES - 1);
    (void)json_dumpb(rules->value, text + sizeof RULES - 1, size, JSON_COMPACT | JSON_SORT_KEYS);
    *out = (struct s3p_str){text, sizeof RULES - 1 + size};
    return 0;
}

int s3p_compile_put_rules(struct s3p_compile *c, const struct s3p_verb *verb,
                          const struct s3p_node *step)
{
    const struct s3p_reader *r = &c->p->r;
    struct s3p_node rules, item;
    S3P_TRY(s3p_need(r, step, "rules", "1 to 16 rules", &rules));
    S3P_TRY(s3p_node_list(r, &rules, 1, S3P_RULES_MAX, "rules"));
    int n = (int)s3p_node_count(&rules);
    struct s3p_rule *rule = s3p_arena_alloc(r->arena, (size_t)n * sizeof *rule);
    uint16_t *bucket = s3p_arena_alloc(r->arena, (size_t)n * sizeof *bucket);
    if (rule == NULL || bucket == NULL)
        return s3p_node_no_memory(r);
    S3P_TRY(s3p_compile_bucket(c, verb, step));
    struct s3p_step *s = &c->prog->steps[c->prog->nsteps - 1];
    for (int i = 0; i < n; i++) {
        bucket[i] = s->bucket;
        s3p_node_item(&rules, (size_t)i, &item);
        S3P_TRY(read_rule(c, verb->op, &item, &rule[i], &bucket[i]));
    }
    s->u.rules = (struct s3p_rules_step){.rule = rule, .bucket = bucket, .n = n};
    return write_text(r, &rules, &s->u.rules.text);
}
