#include <string.h>

#include "core/alloc.h"
#include "engine/step.h"

/* The upload of a name; false when its create_upload never ended ok. */
static bool find_upload(const struct s3p_client *c, const struct s3p_object_step *o,
                        struct s3p_str *upload)
{
    const struct s3p_slot *s = &c->slots[o->key.slot];
    *upload = s3p_slot_text(s, S3P_FIELD_UPLOAD);
    return s->bound && upload->len != 0;
}

static void set_upload(struct s3p_try *t, struct s3p_keyref key, struct s3p_str upload)
{
    s3p_attempt_key(t, key);
    t->req.upload_id = t->upload_id = upload;
}

/* ---- create ---- */

static void bind_upload(struct s3p_try *t, struct s3p_keyref key, struct s3p_str upload)
{
    if (t->outcome != S3P_OK_OUTCOME || t->step->slot == S3P_NO_SLOT)
        return;
    struct s3p_slot *s = &t->c->slots[t->step->slot];
    s3p_step_bind(t, key);
    s3p_slot_set_text(s, S3P_FIELD_UPLOAD, upload);
    s->meta_id = t->rec.meta_id;
    s->nparts = 0;
}

int s3p_step_create_upload(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_object_step *o = &step->u.object;
    struct s3p_result result;
    struct s3p_keyref key;
    struct s3p_arena arena;
    struct s3p_try t;
    if (!s3p_step_key(c, &o->key, &key))
        return S3P_END_NO_KEY;
    if (!s3p_attempt_begin(&t, c, step))
        return S3P_END_STOPPED;
    s3p_attempt_key(&t, key);
    t.req.id = t.rec.meta_id = s3p_step_id(c);
    t.req.sum = o->sum;
    if (o->sum_type != NULL)
        t.req.sum_type = (struct s3p_str){o->sum_type, strlen(o->sum_type)};
    s3p_step_set_tags(&t, o, t.req.id);
    s3p_attempt_send(&t);
    s3p_arena_init(&arena, S3P_RESULT_ARENA_BYTES);
    (void)s3p_step_read_result(&t, S3P_RESULT_CREATE_UPLOAD, &arena, &result);
    t.upload_id = result.upload_id;
    s3p_attempt_record(&t, NULL, NULL);
    bind_upload(&t, key, result.upload_id);
    int next = s3p_attempt_next(&t, pc);
    s3p_arena_free(&arena);
    return next;
}

/* ---- parts ---- */

/* upload_part, upload_part_copy. */
int s3p_step_upload_part(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_object_step *o = &step->u.object;
    struct s3p_slot *up = &c->slots[o->key.slot];
    struct s3p_keyref key = up->key, source = {0, 0};
    struct s3p_str upload;
    struct s3p_result result;
    struct s3p_arena arena;
    struct s3p_try t;
    bool copied = step->op == S3P_OP_UPLOAD_PART_COPY;
    if (!find_upload(c, o, &upload) || (copied && !s3p_step_key(c, &o->source->key, &source)))
        return S3P_END_NO_KEY;
    if (!s3p_attempt_begin(&t, c, step))
        return S3P_END_STOPPED;
    set_upload(&t, key, upload);
    t.req.part_number = t.rec.part_number = o->part;
    if (copied)
        s3p_step_set_source(&t, o, source);
    else
        s3p_step_set_body(&t, o, false);
    s3p_attempt_send(&t);
    s3p_arena_init(&arena, S3P_RESULT_ARENA_BYTES);
    if (copied)
        (void)s3p_step_read_result(&t, S3P_RESULT_COPY_PART, &arena, &result);
    s3p_attempt_record(&t, NULL, NULL);
    if (t.outcome == S3P_OK_OUTCOME)
        s3p_slot_add_part(up,
                          &(struct s3p_complete_part){.number = o->part,
                                                      .etag = t.answer.etag,
                                                      .sum = s3p_sum_find(t.answer.checksum_name),
                                                      .sum_text = t.answer.checksum},
                          t.rec.body_id, t.rec.size);
    s3p_step_bind(&t, key);
    int next = s3p_attempt_next(&t, pc);
    s3p_arena_free(&arena);
    return next;
}

/* ---- complete ---- */

struct naming { /* the parts of a complete_upload, in the order of the request */
    struct s3p_complete_part *parts;
    const struct s3p_slot *up;
    int n;
};

static struct s3p_complete_part named_part(const struct s3p_slot_part *p)
{
    return (struct s3p_complete_part){.number = p->number,
                                      .etag = {p->etag, p->etag_len},
                                      .sum = (enum s3p_sum_kind)p->sum,
                                      .sum_text = {p->sum_text, p->sum_len}};
}

/* A number that no acknowledged part has is named with an ETag that none can have. */
static void name_parts(struct naming *names, const struct s3p_object_step *o, struct s3p_try *t)
{
    const struct s3p_slot *up = names->up;
    struct s3p_composite id = {.n = 0};
    for (int i = 0; i < names->n; i++) {
        const struct s3p_slot_part *p =
            o->parts == NULL ? &up->parts[i] : s3p_slot_find_part(up, o->parts[i]);
        names->parts[i] = (struct s3p_complete_part){
            .number = o->parts == NULL ? up->parts[i].number : o->parts[i],
            .etag = S3P_STR("\"none\""),
        };
        if (p != NULL)
            names->parts[i] = named_part(p);
        s3p_composite_add(&id, p != NULL ? p->id : (struct s3p_id){{0}});
        t->rec.size += p != NULL ? p->size : 0;
    }
    t->rec.body_id = s3p_composite_id(&id);
    t->rec.meta_id = up->meta_id;
}

static void put_names(struct s3p_try *t, void *arg)
{
    const struct naming *names = arg;
    for (int i = 0; i < names->n; i++) {
        const struct s3p_complete_part *part = &names->parts[i];
        const struct s3p_slot_part *p = s3p_slot_find_part(names->up, part->number);
        struct s3p_etag etag = s3p_etag_parse(part->etag.p, part->etag.len);
        struct s3p_entry e = {
            .key_index = part->number, .size = p != NULL ? p->size : 0, .etag_form = etag.form};
        memcpy(e.etag, etag.b, sizeof e.etag);
        uint32_t at = s3p_append_entry(t->c->w->appender, &e);
        t->rec.entries_first = i == 0 ? at : t->rec.entries_first;
    }
    t->rec.entries_count = (uint32_t)names->n;
}

static int complete(struct s3p_client *c, int pc, struct s3p_str upload, struct naming *names)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_object_step *o = &step->u.object;
    struct s3p_keyref key = names->up->key;
    struct s3p_result result;
    struct s3p_arena arena;
    struct s3p_try t;
    if (!s3p_attempt_begin(&t, c, step))
        return S3P_END_STOPPED;
    set_upload(&t, key, upload);
    name_parts(names, o, &t);
    s3p_buf_clear(&c->request);
    s3p_complete_body(&c->request, names->parts, names->n);
    if (!s3p_buf_ok(&c->request))
        return s3p_step_no_memory(c, "the body of complete_upload");
    s3p_attempt_document(&t, NULL);
    s3p_step_set_condition(&t, o);
    s3p_attempt_send(&t);
    s3p_arena_init(&arena, S3P_RESULT_ARENA_BYTES);
    (void)s3p_step_read_result(&t, S3P_RESULT_COMPLETE_UPLOAD, &arena, &result);
    t.nentries = (size_t)names->n;
    s3p_attempt_record(&t, put_names, names);
    if (t.outcome == S3P_OK_OUTCOME)
        s3p_size_learn(c->w, key, t.rec.size);
    if (c->g->program.lifecycle)
        s3p_slots_note(c->slots, c->g->program.nslots, key, step->op, t.outcome);
    s3p_step_bind(&t, key);
    int next = s3p_attempt_next(&t, pc);
    s3p_arena_free(&arena);
    return next;
}

int s3p_step_complete_upload(struct s3p_client *c, int pc)
{
    const struct s3p_object_step *o = &c->g->program.steps[pc].u.object;
    struct naming names = {.up = &c->slots[o->key.slot]};
    struct s3p_str upload;
    if (!find_upload(c, o, &upload))
        return S3P_END_NO_KEY;
    names.n = o->parts == NULL ? names.up->nparts : o->nparts;
    names.parts = s3p_calloc((size_t)names.n + 1, sizeof *names.parts);
    if (names.parts == NULL)
        return s3p_step_no_memory(c, "the parts of complete_upload");
    int next = complete(c, pc, upload, &names);
    s3p_free(names.parts);
    return next;
}

/* ---- abort ---- */

int s3p_step_abort_upload(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_object_step *o = &step->u.object;
    struct s3p_str upload;
    struct s3p_try t;
    if (!find_upload(c, o, &upload))
        return S3P_END_NO_KEY;
    if (!s3p_attempt_begin(&t, c, step))
        return S3P_END_STOPPED;
    set_upload(&t, c->slots[o->key.slot].key, upload);
    s3p_attempt_send(&t);
    s3p_attempt_record(&t, NULL, NULL);
    return s3p_attempt_next(&t, pc);
}

/* Those of a page, an attempt each; the step is as good as the worst. */
int s3p_step_abort_uploads(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_slot *page = &c->slots[step->u.batch.slot];
    enum s3p_outcome worst = S3P_OK_OUTCOME;
    uint16_t status = 0;
    char code[64];
    size_t code_len = 0;
    struct s3p_delete_name name;
    struct s3p_try t;
    bool sent = true;
    if (page->nnames == 0)
        return pc + 1;
    for (size_t at = 0; sent && s3p_slot_next_name(page, &at, &name);) {
        if (!s3p_attempt_begin(&t, c, step))
            return S3P_END_STOPPED;
        s3p_attempt_key_text(&t, name.key);
        t.req.upload_id = t.upload_id = name.version_id;
        s3p_attempt_send(&t);
        s3p_attempt_record(&t, NULL, NULL);
        sent = t.x.phase != S3P_PHASE_NOT_SENT;
        if (status != 0 && s3p_step_worse(worst, t.outcome) == worst)
            continue;
        worst = s3p_step_worse(worst, t.outcome);
        status = t.rec.status;
        code_len = t.code.len < sizeof code ? t.code.len : sizeof code;
        memcpy(code, code_len == 0 ? "" : t.code.p, code_len);
    }
    t.outcome = worst;
    t.rec.status = status;
    t.code = (struct s3p_str){code, code_len};
    return s3p_attempt_next(&t, pc);
}
