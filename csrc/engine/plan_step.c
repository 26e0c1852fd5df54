#include <string.h>

#include "engine/plan_parse.h"

#define BODY_MAX INT64_C(5368709120) /* 5 GiB, the largest single PUT of S3 */
#define BODY_SIZES_MAX 64
#define LIST_KEYS_MAX 1000
#define OFFSET_MAX INT64_C(5497558138880) /* 5 TiB, the largest object of S3 */

static int compile_key(struct s3p_compile *c, const struct s3p_node *step, const struct s3p_node *n,
                       struct s3p_step *s, struct s3p_binding *about)
{
    struct s3p_key_arg *key = &s->u.object.key;
    struct s3p_str text = {json_string_value(n->value), json_string_length(n->value)};
    enum s3p_field field;
    struct s3p_node option;
    bool named = s3p_node_get(step, "bucket", &option);
    if (named)
        S3P_TRY(s3p_parse_bucket(c->p, &option, &s->bucket));
    key->slot = S3P_NO_SLOT;
    int ref = text.p == NULL ? 0 : s3p_compile_ref(c, n, text, S3P_GIVES(KEY), &key->slot, &field);
    if (ref < 0)
        return ref;
    if (ref == 0) {
        S3P_TRY(s3p_parse_literal_key(c->p, n, s->bucket, &key->ref));
        *about = (struct s3p_binding){.space = key->ref.space, .bucket = s->bucket};
        return 0;
    }
    *about = c->binding[key->slot];
    if (named && s->bucket != about->bucket)
        return s3p_node_bad(&c->p->r, &option, "%s, the bucket of the key",
                            c->p->plan->bucket[about->bucket].p);
    s->bucket = about->bucket;
    if (about->looked_at && s3p_op_table[s->op].cls == S3P_CLASS_MUTATION)
        return s3p_node_bad(&c->p->r, n, "a key taken as `fresh` or `acked`: `any` is for reading");
    return 0;
}

/* One of the two conditions: "*", a quoted ETag, or a reference. */
static int compile_condition(struct s3p_compile *c, const struct s3p_node *n, enum s3p_cond etag,
                             enum s3p_cond any, struct s3p_object_step *o)
{
    static const char expected[] = "`name.etag` of an earlier step, a quoted ETag, or \"*\"";
    struct s3p_str text = {json_string_value(n->value), json_string_length(n->value)};
    if (text.p == NULL)
        return s3p_node_bad(&c->p->r, n, "%s", expected);
    o->cond = s3p_str_eq(text, "*") ? any : etag;
    o->cond_value.slot = S3P_NO_SLOT;
    if (o->cond == any)
        return 0;
    int ref =
        s3p_compile_ref(c, n, text, S3P_GIVES(ETAG), &o->cond_value.slot, &o->cond_value.field);
    if (ref != 0)
        return ref < 0 ? ref : 0;
    if (text.len < 2 || text.p[0] != '"' || text.p[text.len - 1] != '"' ||
        strpbrk(text.p, "\r\n") != NULL)
        return s3p_node_bad(&c->p->r, n, "%s", expected);
    return s3p_node_text(&c->p->r, n, 2, 200, &o->cond_value.text);
}

static int compile_conditions(struct s3p_compile *c, const struct s3p_node *step,
                              struct s3p_object_step *o)
{
    struct s3p_node match, none_match;
    bool a = s3p_node_get(step, "if_match", &match);
    bool b = s3p_node_get(step, "if_none_match", &none_match);
    if (a && b)
        return s3p_node_bad(&c->p->r, &none_match, "one condition a step, and there is if_match");
    if (a)
        return compile_condition(c, &match, S3P_COND_IF_MATCH, S3P_COND_IF_MATCH_ANY, o);
    if (b)
        return compile_condition(c, &none_match, S3P_COND_IF_NONE_MATCH, S3P_COND_IF_NONE_MATCH_ANY,
                                 o);
    return 0;
}

static int compile_sizes(struct s3p_compile *c, const struct s3p_node *n, struct s3p_object_step *o)
{
    bool list = json_is_array(n->value);
    if (list)
        S3P_TRY(s3p_node_list(&c->p->r, n, 1, BODY_SIZES_MAX, "sizes"));
    o->nsizes = list ? (int)s3p_node_count(n) : 1;
    o->sizes = s3p_arena_alloc(c->p->r.arena, (size_t)o->nsizes * sizeof *o->sizes);
    if (o->sizes == NULL)
        return s3p_node_no_memory(&c->p->r);
    for (int i = 0; i < o->nsizes; i++) {
        struct s3p_node item = *n;
        int64_t size;
        if (list)
            s3p_node_item(n, (size_t)i, &item);
        S3P_TRY(s3p_node_int(&c->p->r, &item, 0, BODY_MAX, &size));
        o->sizes[i] = (uint64_t)size;
    }
    return 0;
}

static int compile_body(struct s3p_compile *c, const struct s3p_node *step,
                        struct s3p_object_step *o)
{
    static uint64_t kib[] = {1024};
    struct s3p_node body, n;
    o->body = S3P_KIND_CELLS;
    o->sizes = kib;
    o->nsizes = 1;
    if (!s3p_node_get(step, "body", &body))
        return 0;
    S3P_TRY(s3p_node_keys(&c->p->r, &body, "bytes, counter, constant"));
    if (json_object_size(body.value) != 1)
        return s3p_node_bad(&c->p->r, &body, "one of bytes, counter, constant");
    if (s3p_node_get(&body, "bytes", &n))
        return compile_sizes(c, &n, o);
    if (s3p_node_get(&body, "constant", &n)) {
        o->body = S3P_KIND_CONSTANT;
        if (json_is_array(n.value))
            return s3p_node_bad(&c->p->r, &n, "a number of bytes");
        return compile_sizes(c, &n, o);
    }
    o->body = S3P_KIND_COUNTER;
    (void)s3p_node_get(&body, "counter", &n);
    return s3p_compile_expr(c, &n, S3P_GIVES(COUNTER) | S3P_GIVES(SIZE) | S3P_GIVES(NOW_MS),
                            &o->counter);
}

static void mark_constant(struct s3p_compile *c, const struct s3p_object_step *o, uint16_t space)
{
    struct s3p_space *s = &c->p->plan->spaces.space[space];
    if (o->key.slot != S3P_NO_SLOT || s->constant_key == NULL)
        s->constant = true;
    else
        s->constant_key[o->key.ref.index] = true;
}

static int compile_range(struct s3p_compile *c, const struct s3p_node *step,
                         struct s3p_object_step *o)
{
    struct s3p_node range, n;
    int64_t first, last;
    if (!s3p_node_get(step, "range", &range))
        return 0;
    if (json_is_object(range.value)) {
        S3P_TRY(s3p_node_keys(&c->p->r, &range, "random"));
        S3P_TRY(s3p_need(&c->p->r, &range, "random", "a number of bytes", &n));
        S3P_TRY(s3p_node_int(&c->p->r, &n, 1, OFFSET_MAX, &first));
        o->range = S3P_RANGE_RANDOM;
        o->range_first = (uint64_t)first;
        c->prog->random_range = true;
        return 0;
    }
    if (!json_is_array(range.value) || s3p_node_count(&range) != 2)
        return s3p_node_bad(&c->p->r, &range,
                            "[first, last], [first, null] or {\"random\": bytes}");
    s3p_node_item(&range, 0, &n);
    S3P_TRY(s3p_node_int(&c->p->r, &n, 0, OFFSET_MAX, &first));
    s3p_node_item(&range, 1, &n);
    o->range = S3P_RANGE_FIXED;
    o->range_first = (uint64_t)first;
    o->range_last = UINT64_MAX;
    if (json_is_null(n.value))
        return 0;
    S3P_TRY(s3p_node_int(&c->p->r, &n, first, OFFSET_MAX, &last));
    o->range_last = (uint64_t)last;
    return 0;
}

int s3p_compile_object(struct s3p_compile *c, const struct s3p_verb *verb,
                       const struct s3p_node *step)
{
    struct s3p_node key;
    struct s3p_binding about;
    struct s3p_step *s = s3p_compile_add(c, S3P_STEP_OBJECT);
    struct s3p_object_step *o = &s->u.object;
    s->op = verb->op;
    (void)s3p_node_get(step, verb->name, &key);
    S3P_TRY(compile_key(c, step, &key, s, &about));
    S3P_TRY(compile_conditions(c, step, o));
    S3P_TRY(compile_range(c, step, o));
    about.gives = verb->gives;
    if (verb->op == S3P_OP_PUT) {
        S3P_TRY(compile_body(c, step, o));
        if (o->body == S3P_KIND_CONSTANT)
            mark_constant(c, o, about.space);
        if (o->body != S3P_KIND_COUNTER)
            about.gives &= ~S3P_GIVES(COUNTER);
        c->prog->conditional_write |= o->cond != S3P_COND_NONE;
    }
    return s3p_compile_as(c, verb, step, s, about);
}

int s3p_compile_delete_objects(struct s3p_compile *c, const struct s3p_verb *verb,
                               const struct s3p_node *step)
{
    struct s3p_node keys, option;
    enum s3p_field field;
    struct s3p_step *s = s3p_compile_add(c, S3P_STEP_DELETE_OBJECTS);
    s->op = verb->op;
    (void)s3p_node_get(step, verb->name, &keys);
    struct s3p_str text = {json_string_value(keys.value), json_string_length(keys.value)};
    int ref = text.p == NULL
                  ? 0
                  : s3p_compile_ref(c, &keys, text, S3P_GIVES(KEYS), &s->keys_slot, &field);
    if (ref <= 0)
        return ref < 0 ? ref : s3p_node_bad(&c->p->r, &keys, "`name.keys` of an earlier list");
    s->bucket = c->binding[s->keys_slot].bucket;
    return s3p_node_get(step, "bucket", &option) ? s3p_parse_bucket(c->p, &option, &s->bucket) : 0;
}

int s3p_compile_list(struct s3p_compile *c, const struct s3p_verb *verb,
                     const struct s3p_node *step)
{
    struct s3p_node n;
    int64_t max_keys = 0;
    struct s3p_step *s = s3p_compile_add(c, S3P_STEP_LIST);
    struct s3p_list_step *l = &s->u.list;
    s->op = verb->op;
    (void)s3p_node_get(step, verb->name, &n);
    S3P_TRY(s3p_parse_bucket(c->p, &n, &s->bucket));
    S3P_TRY(s3p_opt_text(&c->p->r, step, "prefix", 0, S3P_KEY_MAX, &l->prefix));
    S3P_TRY(s3p_opt_text(&c->p->r, step, "delimiter", 0, S3P_KEY_MAX, &l->delimiter));
    S3P_TRY(s3p_opt_text(&c->p->r, step, "start_after", 0, S3P_KEY_MAX, &l->start_after));
    S3P_TRY(s3p_opt_int(&c->p->r, step, "max_keys", 1, LIST_KEYS_MAX, &max_keys));
    l->max_keys = (int)max_keys;
    l->token.slot = S3P_NO_SLOT;
    struct s3p_binding what = {.gives = verb->gives, .bucket = s->bucket};
    int page = max_keys == 0 ? LIST_KEYS_MAX : (int)max_keys;
    c->prog->page_keys = page > c->prog->page_keys ? page : c->prog->page_keys;
    if (s3p_node_get(step, "token", &n)) {
        struct s3p_str text = {json_string_value(n.value), json_string_length(n.value)};
        int ref = text.p == NULL ? 0
                                 : s3p_compile_ref(c, &n, text, S3P_GIVES(TOKEN), &l->token.slot,
                                                   &l->token.field);
        if (ref <= 0)
            return ref < 0 ? ref : s3p_node_bad(&c->p->r, &n, "`name.token` of an earlier list");
    }
    return s3p_compile_as(c, verb, step, s, what);
}

int s3p_compile_bucket(struct s3p_compile *c, const struct s3p_verb *verb,
                       const struct s3p_node *step)
{
    struct s3p_node n;
    struct s3p_step *s = s3p_compile_add(c, S3P_STEP_BUCKET);
    s->op = verb->op;
    (void)s3p_node_get(step, verb->name, &n);
    return s3p_parse_bucket(c->p, &n, &s->bucket);
}
