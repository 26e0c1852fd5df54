#include "engine/step.h"

#include <string.h>

#include "core/clock.h"

bool s3p_step_key(const struct s3p_client *c, const struct s3p_key_arg *arg, struct s3p_keyref *out)
{
    if (arg->slot == S3P_NO_SLOT) {
        *out = arg->ref;
        return true;
    }
    const struct s3p_slot *s = &c->slots[arg->slot];
    *out = s->key;
    return s->bound;
}

struct s3p_id s3p_step_id(struct s3p_client *c)
{
    return s3p_id_make(c->w->e->run, c->index, ++c->value_counter);
}

/* ---- arguments ---- */

/* What a text argument says; `none` when its name was never bound. */
static struct s3p_str text_of(const struct s3p_client *c, const struct s3p_text_arg *arg,
                              struct s3p_str none)
{
    if (arg->slot == S3P_NO_SLOT)
        return arg->text;
    struct s3p_str text = s3p_slot_text(&c->slots[arg->slot], arg->field);
    return text.len != 0 ? text : none;
}

void s3p_step_set_condition(struct s3p_try *t, const struct s3p_object_step *o)
{
    t->req.cond = o->cond;
    if (o->cond == S3P_COND_IF_MATCH || o->cond == S3P_COND_IF_NONE_MATCH)
        t->req.cond_value = text_of(t->c, &o->cond_value, S3P_STR("\"none\""));
}

void s3p_step_set_version(struct s3p_try *t, const struct s3p_object_step *o)
{
    if (o->version.slot != S3P_NO_SLOT || o->version.text.len != 0)
        t->req.version_id = text_of(t->c, &o->version, S3P_STR("null"));
    t->req.part_number = t->rec.part_number = o->part;
}

void s3p_step_set_range(struct s3p_try *t, const struct s3p_object_step *o, struct s3p_keyref key)
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

void s3p_step_set_fields(struct s3p_try *t, const struct s3p_object_step *o)
{
    t->req.fields = o->fields;
    if (o->fields != 0 && t->list_args.len == 0)
        t->list_args = s3p_fields_args(o->fields);
}

void s3p_step_set_body(struct s3p_try *t, const struct s3p_object_step *o, bool in_meta)
{
    struct s3p_client *c = t->c;
    struct s3p_attempt *r = &t->rec;
    uint64_t n = o->body == S3P_KIND_COUNTER ? 0
                 : o->nsizes == 1            ? o->sizes[0]
                                  : o->sizes[s3p_rng_below(&c->rng, (uint64_t)o->nsizes)];
    struct s3p_id id = s3p_step_id(c);
    r->body_kind = (uint8_t)o->body;
    r->body_id = id;
    if (in_meta) {
        r->meta_id = t->req.id = id;
        s3p_step_set_fields(t, o);
    }
    if (o->body == S3P_KIND_COUNTER) {
        r->counter = s3p_expr_value(&o->counter, c->slots);
        n = s3p_counter_body(t->counter_text, id, r->counter);
        t->text = t->counter_text;
    }
    t->body = (struct s3p_body){.id = id, .len = n, .key_hash = t->key_hash};
    r->size = t->req.body_len = n;
    t->req.sum = o->sum;
    t->req.payload = o->chunked != S3P_PAYLOAD_UNSIGNED ? o->chunked : S3P_PAYLOAD_EMPTY;
}

void s3p_step_set_tags(struct s3p_try *t, const struct s3p_object_step *o, struct s3p_id id)
{
    if (o->tags <= 0)
        return;
    char *text = t->c->extra->tagging;
    t->rec.flags |= S3P_FLAG_TAGGED;
    t->req.tagging = (struct s3p_str){text, s3p_tags_header(text, id, o->tags)};
}

/* As the record has it: bucket-role/key, and the version that was asked for; with a condition, that
 * and the fields.
 */
static void record_source(struct s3p_try *t, uint16_t bucket, int fields)
{
    const struct s3p_request_source *s = &t->req.source;
    struct s3p_str role = t->c->w->e->plan->bucket[bucket];
    struct s3p_buf *b = &t->c->request;
    s3p_buf_clear(b);
    s3p_buf_view(b, role);
    s3p_buf_char(b, '/');
    s3p_buf_view(b, s->key);
    if (s->version_id.len != 0) {
        s3p_buf_str(b, "?versionId=");
        s3p_buf_view(b, s->version_id);
    }
    size_t named = b->len;
    if (s->cond != S3P_COND_NONE) {
        s3p_buf_view(b, s3p_fields_args(fields));
        s3p_buf_str(b, fields != 0 ? "&" : "");
        s3p_buf_str(b, s->cond == S3P_COND_IF_MATCH ? "if-match=" : "if-none-match=");
        s3p_buf_view(b, s->cond_value);
    }
    if (!s3p_buf_ok(b))
        return;
    t->source_text = (struct s3p_str){b->data, named};
    t->list_args = (struct s3p_str){b->data + named, b->len - named};
}

void s3p_step_set_source(struct s3p_try *t, const struct s3p_object_step *o, struct s3p_keyref key)
{
    const struct s3p_client *c = t->c;
    const struct s3p_engine *e = c->w->e;
    const struct s3p_source_arg *arg = o->source;
    struct s3p_request_source *s = &t->req.source;
    const char *bucket = e->bucket_name[arg->bucket];
    s->bucket = (struct s3p_str){bucket, strlen(bucket)};
    s->key = s3p_space_text(&e->plan->spaces.space[key.space], key.index, c->extra->source_key);
    if (arg->version.slot != S3P_NO_SLOT || arg->version.text.len != 0)
        s->version_id = text_of(c, &arg->version, S3P_STR("null"));
    s->cond = arg->cond;
    if (s->cond != S3P_COND_NONE)
        s->cond_value = text_of(c, &arg->cond_value, S3P_STR("\"none\""));
    if (o->range == S3P_RANGE_FIXED) {
        s->ranged = true;
        s->range_first = t->rec.range_first = o->range_first;
        s->range_last = o->range_last;
        t->rec.range_len = o->range_last - o->range_first + 1;
    }
    record_source(t, arg->bucket, o->fields);
}

/* ---- answers ---- */

void s3p_step_bind(struct s3p_try *t, struct s3p_keyref key)
{
    if (t->outcome != S3P_OK_OUTCOME || t->step->slot == S3P_NO_SLOT)
        return;
    struct s3p_slot *s = &t->c->slots[t->step->slot];
    if (s->hold.held && (s->key.space != key.space || s->key.index != key.index))
        s3p_hold_release(t->c->w->chooser, &s->hold);
    s->bound = true;
    s->key = key;
    s->size = (int64_t)t->rec.size;
    s->counter = t->rec.counter == INT64_MIN ? 0 : t->rec.counter;
    s->now_ms = s3p_wall_ns() / S3P_MS;
    s3p_slot_set_text(s, S3P_FIELD_ETAG, t->answer.etag);
    s3p_slot_set_text(s, S3P_FIELD_VERSION, t->answer.version_id);
    if (!t->step->u.object.of_upload)
        s3p_slot_set_text(s, S3P_FIELD_UPLOAD, (struct s3p_str){NULL, 0});
}

void s3p_step_bind_id(const struct s3p_try *t)
{
    const struct s3p_id *id = &t->rec.body_id;
    if (t->step->slot != S3P_NO_SLOT)
        s3p_slot_set_text(&t->c->slots[t->step->slot], S3P_FIELD_ID,
                          (struct s3p_str){(const char *)id, sizeof *id});
}

bool s3p_step_read_result(struct s3p_try *t, enum s3p_result_kind kind, struct s3p_arena *arena,
                          struct s3p_result *out)
{
    const struct s3p_buf *xml = &t->c->answer;
    struct s3p_err why;
    *out = (struct s3p_result){.size = 0};
    if (t->x.phase != S3P_PHASE_ANSWERED || t->rec.status / 100 != 2 || t->error_document)
        return false;
    if (t->kept_cut || s3p_xml_result(kind, out, arena, xml->data, xml->len, &why) != 0) {
        *out = (struct s3p_result){.size = 0};
        s3p_attempt_unreadable(t, S3P_STR("unreadable result"));
        return false;
    }
    if (out->sum.len != 0) {
        const char *name = s3p_sum_table[s3p_sum_find(out->sum_name)].name; /* as a header has it */
        t->answer.checksum_name = (struct s3p_str){name, strlen(name)};
        t->answer.checksum = out->sum;
    }
    if (out->etag.len != 0)
        s3p_attempt_etag(t, out->etag);
    s3p_attempt_judge(t);
    return true;
}

enum s3p_outcome s3p_step_worse(enum s3p_outcome a, enum s3p_outcome b)
{
    return a == S3P_OK_OUTCOME || b == S3P_UNKNOWN ? b : a;
}

int s3p_step_no_memory(struct s3p_client *c, const char *what)
{
    struct s3p_err err;
    (void)s3p_fail(&err, S3P_ENOMEM, 0, "out of memory for %s", what);
    s3p_engine_fail(c->w->e, &err);
    return S3P_END_STOPPED;
}
