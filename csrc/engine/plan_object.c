#include "engine/plan_parse.h"

int s3p_compile_key(struct s3p_compile *c, const struct s3p_node *step, const struct s3p_node *n,
                    const char *bucket_option, struct s3p_key_arg *key, uint16_t *bucket,
                    struct s3p_binding *about)
{
    struct s3p_str text = {json_string_value(n->value), json_string_length(n->value)};
    enum s3p_field field;
    struct s3p_node option;
    bool named = s3p_node_get(step, bucket_option, &option);
    if (named)
        S3P_TRY(s3p_parse_bucket(c->p, &option, bucket));
    key->slot = S3P_NO_SLOT;
    int ref = text.p == NULL ? 0 : s3p_compile_ref(c, n, text, S3P_GIVES(KEY), &key->slot, &field);
    if (ref < 0)
        return ref;
    if (ref == 0) {
        S3P_TRY(s3p_parse_literal_key(c->p, n, *bucket, &key->ref));
        *about = (struct s3p_binding){.space = key->ref.space, .bucket = *bucket};
        return 0;
    }
    *about = c->binding[key->slot];
    if (named && *bucket != about->bucket)
        return s3p_node_bad(&c->p->r, &option, "%s, the bucket of the key",
                            c->p->plan->bucket[about->bucket].p);
    *bucket = about->bucket;
    return 0;
}

static void mark_constant(struct s3p_compile *c, const struct s3p_object_step *o, uint16_t space)
{
    struct s3p_space *s = &c->p->plan->spaces.space[space];
    if (o->key.slot != S3P_NO_SLOT || s->constant_key == NULL)
        s->constant = true;
    else
        s->constant_key[o->key.ref.index] = true;
}

/* A step on a key: the key, then the options that are there, then what its `as` gives. */
static int compile(struct s3p_compile *c, const struct s3p_verb *verb, const struct s3p_node *step,
                   enum s3p_step_kind kind)
{
    struct s3p_node key;
    struct s3p_binding about;
    struct s3p_step *s = s3p_compile_add(c, kind);
    struct s3p_object_step *o = &s->u.object;
    s->op = verb->op;
    (void)s3p_node_get(step, verb->name, &key);
    S3P_TRY(s3p_compile_key(c, step, &key, "bucket", &o->key, &s->bucket, &about));
    if (about.looked_at && s3p_op_table[s->op].cls == S3P_CLASS_MUTATION)
        return s3p_node_bad(&c->p->r, &key,
                            "a key taken as `fresh` or `acked`: `any` is for reading");
    S3P_TRY(s3p_compile_options(c, step, s));
    about.gives = verb->gives;
    if (o->body == S3P_KIND_CONSTANT)
        mark_constant(c, o, about.space);
    if (verb->op == S3P_OP_PUT && o->body != S3P_KIND_COUNTER)
        about.gives &= ~S3P_GIVES(COUNTER);
    c->prog->conditional_write |= verb->op == S3P_OP_PUT && o->cond != S3P_COND_NONE;
    return s3p_compile_as(c, verb, step, s, about);
}

int s3p_compile_object(struct s3p_compile *c, const struct s3p_verb *verb,
                       const struct s3p_node *step)
{
    return compile(c, verb, step, S3P_STEP_OBJECT);
}

int s3p_compile_copy(struct s3p_compile *c, const struct s3p_verb *verb,
                     const struct s3p_node *step)
{
    S3P_TRY(s3p_compile_needed(c, step, "source"));
    return compile(c, verb, step, S3P_STEP_COPY);
}

int s3p_compile_tags(struct s3p_compile *c, const struct s3p_verb *verb,
                     const struct s3p_node *step)
{
    if (verb->op == S3P_OP_PUT_TAGS)
        S3P_TRY(s3p_compile_needed(c, step, "tags"));
    return compile(c, verb, step, S3P_STEP_TAGS);
}

int s3p_compile_attributes(struct s3p_compile *c, const struct s3p_verb *verb,
                           const struct s3p_node *step)
{
    return compile(c, verb, step, S3P_STEP_ATTRIBUTES);
}

int s3p_compile_create_upload(struct s3p_compile *c, const struct s3p_verb *verb,
                              const struct s3p_node *step)
{
    return compile(c, verb, step, S3P_STEP_CREATE_UPLOAD);
}
