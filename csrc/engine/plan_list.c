#include "engine/plan_parse.h"

#define LIST_KEYS_MAX 1000

static int compile_token(struct s3p_compile *c, const struct s3p_node *n, struct s3p_text_arg *out)
{
    struct s3p_str text = {json_string_value(n->value), json_string_length(n->value)};
    int ref = text.p == NULL
                  ? 0
                  : s3p_compile_ref(c, n, text, S3P_GIVES(TOKEN), &out->slot, &out->field);
    if (ref <= 0)
        return ref < 0 ? ref : s3p_node_bad(&c->p->r, n, "`name.token` of an earlier list");
    return 0;
}

int s3p_compile_page(struct s3p_compile *c, const struct s3p_verb *verb,
                     const struct s3p_node *step, uint16_t bucket, int upload_slot)
{
    struct s3p_node n;
    int64_t max_keys = 0;
    struct s3p_step *s = s3p_compile_add(c, S3P_STEP_LIST);
    struct s3p_list_step *l = &s->u.list;
    s->op = verb->op;
    s->bucket = bucket;
    l->upload_slot = upload_slot;
    S3P_TRY(s3p_opt_text(&c->p->r, step, "prefix", 0, S3P_KEY_MAX, &l->prefix));
    S3P_TRY(s3p_opt_text(&c->p->r, step, "delimiter", 0, S3P_KEY_MAX, &l->delimiter));
    S3P_TRY(s3p_opt_text(&c->p->r, step, "start_after", 0, S3P_KEY_MAX, &l->start_after));
    S3P_TRY(s3p_opt_int(&c->p->r, step, "max_keys", 1, LIST_KEYS_MAX, &max_keys));
    l->max_keys = (int)max_keys;
    l->token.slot = S3P_NO_SLOT;
    if (s3p_node_get(step, "token", &n))
        S3P_TRY(compile_token(c, &n, &l->token));
    int page = max_keys == 0 ? LIST_KEYS_MAX : (int)max_keys;
    c->prog->page_keys = page > c->prog->page_keys ? page : c->prog->page_keys;
    struct s3p_binding what = {.gives = verb->gives, .bucket = bucket};
    return s3p_compile_as(c, verb, step, s, what);
}

int s3p_compile_list(struct s3p_compile *c, const struct s3p_verb *verb,
                     const struct s3p_node *step)
{
    struct s3p_node n;
    uint16_t bucket;
    (void)s3p_node_get(step, verb->name, &n);
    S3P_TRY(s3p_parse_bucket(c->p, &n, &bucket));
    return s3p_compile_page(c, verb, step, bucket, S3P_NO_SLOT);
}

static int opt_bool(struct s3p_compile *c, const struct s3p_node *step, const char *name, bool *out)
{
    struct s3p_node n;
    if (!s3p_node_get(step, name, &n))
        return 0;
    *out = json_is_true(n.value);
    return json_is_boolean(n.value) ? 0 : s3p_node_bad(&c->p->r, &n, "true or false");
}

static int compile_literal_keys(struct s3p_compile *c, const struct s3p_node *list,
                                struct s3p_step *s)
{
    struct s3p_batch_step *b = &s->u.batch;
    S3P_TRY(s3p_node_list(&c->p->r, list, 0, S3P_BATCH_KEYS_MAX, "keys"));
    b->nkeys = (int)s3p_node_count(list);
    if (b->nkeys > c->prog->page_keys) /* the answer may name them all */
        c->prog->page_keys = b->nkeys;
    b->keys = s3p_arena_alloc(c->p->r.arena, ((size_t)b->nkeys + 1) * sizeof *b->keys);
    if (b->keys == NULL)
        return s3p_node_no_memory(&c->p->r);
    for (int i = 0; i < b->nkeys; i++) {
        struct s3p_node item;
        s3p_node_item(list, (size_t)i, &item);
        S3P_TRY(s3p_parse_literal_key(c->p, &item, s->bucket, &b->keys[i]));
    }
    return 0;
}

int s3p_compile_delete_objects(struct s3p_compile *c, const struct s3p_verb *verb,
                               const struct s3p_node *step)
{
    struct s3p_node keys, option;
    enum s3p_field field;
    struct s3p_step *s = s3p_compile_add(c, S3P_STEP_DELETE_OBJECTS);
    struct s3p_batch_step *b = &s->u.batch;
    bool named = s3p_node_get(step, "bucket", &option);
    s->op = verb->op;
    b->slot = S3P_NO_SLOT;
    if (named)
        S3P_TRY(s3p_parse_bucket(c->p, &option, &s->bucket));
    S3P_TRY(opt_bool(c, step, "quiet", &b->quiet));
    S3P_TRY(opt_bool(c, step, "etags", &b->etags));
    (void)s3p_node_get(step, verb->name, &keys);
    if (json_is_array(keys.value)) {
        if (b->etags && s3p_node_get(step, "etags", &option))
            return s3p_node_bad(&c->p->r, &option, "keys of a page, which has their ETags");
        return compile_literal_keys(c, &keys, s);
    }
    struct s3p_str text = {json_string_value(keys.value), json_string_length(keys.value)};
    uint32_t pages = S3P_GIVES(KEYS) | S3P_GIVES(VERSIONS);
    int ref = text.p == NULL ? 0 : s3p_compile_ref(c, &keys, text, pages, &b->slot, &field);
    if (ref <= 0)
        return ref < 0 ? ref
                       : s3p_node_bad(&c->p->r, &keys,
                                      "`name.keys` of an earlier list, `name.versions` of a "
                                      "list_versions, or a list of keys");
    if (!named)
        s->bucket = c->binding[b->slot].bucket;
    return 0;
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

int s3p_compile_put_versioning(struct s3p_compile *c, const struct s3p_verb *verb,
                               const struct s3p_node *step)
{
    static const char *const words[] = {"Enabled", "Suspended"};
    struct s3p_node n;
    int word;
    S3P_TRY(s3p_need(&c->p->r, step, "status", "one of Enabled, Suspended", &n));
    S3P_TRY(s3p_node_word(&c->p->r, &n, words, 2, &word));
    S3P_TRY(s3p_compile_bucket(c, verb, step));
    c->prog->steps[c->prog->nsteps - 1].u.versioning = words[word];
    return 0;
}
