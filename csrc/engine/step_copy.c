#include "engine/step.h"

#define DIRECTIVE(replace) ((replace) ? S3P_STR("REPLACE") : S3P_STR("COPY"))

/* A copy that keeps its metadata has the source's id, which nobody here knows. */
static void set_request(struct s3p_try *t, const struct s3p_object_step *o)
{
    struct s3p_id id = s3p_step_id(t->c);
    if (o->replace_metadata) {
        t->req.id = t->rec.meta_id = id;
        s3p_step_set_fields(t, o);
    }
    t->req.metadata_directive = DIRECTIVE(o->replace_metadata);
    t->req.tagging_directive = DIRECTIVE(o->tags != S3P_NO_TAGS);
    if (o->tags != S3P_NO_TAGS) {
        t->rec.body_kind = S3P_KIND_TAGS;
        t->rec.size = (uint64_t)o->tags;
    }
    if (o->tags > 0)
        t->rec.body_id = id;
    s3p_step_set_tags(t, o, id);
    s3p_step_set_condition(t, o);
}

int s3p_step_copy(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_object_step *o = &step->u.object;
    struct s3p_keyref key, source;
    struct s3p_result result;
    struct s3p_arena arena;
    struct s3p_try t;
    if (!s3p_step_key(c, &o->key, &key) || !s3p_step_key(c, &o->source->key, &source))
        return S3P_END_NO_KEY;
    if (!s3p_attempt_begin(&t, c, step))
        return S3P_END_STOPPED;
    s3p_attempt_key(&t, key);
    s3p_step_set_source(&t, o, source);
    set_request(&t, o);
    s3p_attempt_send(&t);
    s3p_arena_init(&arena, S3P_RESULT_ARENA_BYTES);
    (void)s3p_step_read_result(&t, S3P_RESULT_COPY, &arena, &result);
    s3p_attempt_record(&t, NULL, NULL);
    if (c->g->program.lifecycle)
        s3p_slots_note(c->slots, c->g->program.nslots, key, step->op, t.outcome);
    s3p_step_bind(&t, key);
    int next = s3p_attempt_next(&t, pc);
    s3p_arena_free(&arena);
    return next;
}
