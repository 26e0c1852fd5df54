#include <string.h>

#include "core/clock.h"
#include "engine/attempt.h"
#include "engine/slots.h"

static bool resolve_key(const struct s3p_client *c, const struct s3p_key_arg *arg,
                        struct s3p_keyref *out)
{
    if (arg->slot == S3P_NO_SLOT) {
        *out = arg->ref;
        return true;
    }
    const struct s3p_slot *s = &c->slots[arg->slot];
    *out = s->key;
    return s->bound;
}

static void set_condition(struct s3p_try *t, const struct s3p_object_step *o)
{
    t->req.cond = o->cond;
    if (o->cond != S3P_COND_IF_MATCH && o->cond != S3P_COND_IF_NONE_MATCH)
        return;
    t->req.cond_value = o->cond_value.text;
    if (o->cond_value.slot != S3P_NO_SLOT)
        t->req.cond_value = s3p_slot_text(&t->c->slots[o->cond_value.slot], S3P_FIELD_ETAG);
    if (t->req.cond_value.len == 0)
        t->req.cond_value = S3P_STR("\"none\"");
}

static void set_body(struct s3p_try *t, const struct s3p_object_step *o)
{
    struct s3p_client *c = t->c;
    struct s3p_attempt *r = &t->rec;
    uint64_t n = o->body == S3P_KIND_COUNTER ? 0
                 : o->nsizes == 1            ? o->sizes[0]
                                  : o->sizes[s3p_rng_below(&c->rng, (uint64_t)o->nsizes)];
    struct s3p_id id = s3p_id_make(c->w->e->run, c->index, ++c->value_counter);
    r->body_kind = (uint8_t)o->body;
    r->body_id = r->meta_id = t->req.id = id;
    if (o->body == S3P_KIND_COUNTER) {
        r->counter = s3p_expr_value(&o->counter, c->slots);
        n = s3p_counter_body(t->counter_text, id, r->counter);
        t->text = t->counter_text;
    }
    t->body = (struct s3p_body){.id = id, .len = n, .key_hash = t->key_hash};
    r->size = t->req.body_len = n;
}

static void set_range(struct s3p_try *t, const struct s3p_object_step *o, struct s3p_keyref key)
{
    struct s3p_client *c = t->c;
    uint64_t first = o->range_first, last = o->range_last;
    if (o->range == S3P_RANGE_NONE)
        return;
    if (o->range == S3P_RANGE_RANDOM) {
        uint64_t size = s3p_size_known(c->w, key), n = o->range_first;
        uint64_t places = size > n ? size - n + 1 : 1;
        first = s3p_rng_below(&c->rng, places);
        last = first + n - 1;
    }
    t->req.ranged = true;
    t->req.range_first = t->rec.range_first = first;
    t->req.range_last = last;
    t->rec.range_len = last == UINT64_MAX ? UINT64_MAX : last - first + 1;
}

static void bind(struct s3p_try *t, struct s3p_keyref key)
{
    struct s3p_slot *s = &t->c->slots[t->step->slot];
    if (t->outcome != S3P_OK_OUTCOME)
        return;
    if (s->hold.held && (s->key.space != key.space || s->key.index != key.index))
        s3p_hold_release(t->c->w->chooser, &s->hold);
    s->bound = true;
    s->key = key;
    s->size = (int64_t)t->rec.size;
    s->counter = t->rec.counter == INT64_MIN ? 0 : t->rec.counter;
    s->now_ms = s3p_wall_ns() / S3P_MS;
    s3p_slot_set_text(s, S3P_FIELD_ETAG, t->answer.etag);
    s3p_slot_set_text(s, S3P_FIELD_VERSION, t->answer.version_id);
}

int s3p_step_object(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_object_step *o = &step->u.object;
    struct s3p_keyref key;
    struct s3p_try t;
    if (!resolve_key(c, &o->key, &key))
        return S3P_END_NO_KEY;
    if (!s3p_attempt_begin(&t, c, step))
        return S3P_END_STOPPED;
    s3p_attempt_key(&t, key);
    set_condition(&t, o);
    set_range(&t, o, key);
    if (step->op == S3P_OP_PUT)
        set_body(&t, o);
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
    if (step->slot != S3P_NO_SLOT)
        bind(&t, key);
    return s3p_attempt_next(&t, pc);
}
