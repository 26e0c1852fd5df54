#include "engine/step.h"

/* put, get, head, delete. */
int s3p_step_object(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_object_step *o = &step->u.object;
    struct s3p_keyref key;
    struct s3p_try t;
    if (!s3p_step_key(c, &o->key, &key))
        return S3P_END_NO_KEY;
    if (!s3p_attempt_begin(&t, c, step))
        return S3P_END_STOPPED;
    s3p_attempt_key(&t, key);
    s3p_step_set_condition(&t, o);
    s3p_step_set_version(&t, o);
    s3p_step_set_range(&t, o, key);
    t.req.sum_mode = o->sum_mode;
    if (step->op == S3P_OP_PUT) {
        s3p_step_set_body(&t, o, true);
        s3p_step_set_tags(&t, o, t.req.id);
        s3p_step_bind_id(&t);
    }
    if (step->op == S3P_OP_GET)
        t.sink = s3p_space_constant(&c->w->e->plan->spaces.space[key.space], key.index)
                     ? S3P_SINK_DROP
                     : S3P_SINK_VERIFY;
    s3p_attempt_send(&t);
    s3p_attempt_record(&t, NULL, NULL);
    if (t.outcome == S3P_OK_OUTCOME && step->op != S3P_OP_DELETE)
        s3p_size_learn(c->w, key, t.rec.size);
    if (c->g->program.lifecycle && s3p_op_table[step->op].cls == S3P_CLASS_MUTATION)
        s3p_slots_note(c->slots, c->g->program.nslots, key, step->op, t.outcome);
    s3p_step_bind(&t, key);
    if (step->op == S3P_OP_GET && t.outcome == S3P_OK_OUTCOME)
        s3p_step_bind_id(&t);
    return s3p_attempt_next(&t, pc);
}
