#include <string.h>

#include "engine/plan_parse.h"

bool s3p_part_may_be_cut(const struct s3p_compile *c, const struct s3p_object_step *o)
{
    return o->part == c->prog->slots[o->key.slot].highest_part;
}

int s3p_compile_upload_slot(struct s3p_compile *c, const struct s3p_verb *verb,
                            const struct s3p_node *step, uint32_t field, int *slot)
{
    struct s3p_node n;
    enum s3p_field found;
    (void)s3p_node_get(step, verb->name, &n);
    struct s3p_str text = {json_string_value(n.value), json_string_length(n.value)};
    int ref = text.p == NULL ? 0 : s3p_compile_ref(c, &n, text, field, slot, &found);
    if (ref < 0)
        return ref;
    if (ref == 0)
        return s3p_node_bad(&c->p->r, &n, field == S3P_GIVES(PARTS)
                                              ? "`name.parts` of an earlier create_upload"
                                              : "`name.upload` of an earlier create_upload");
    c->prog->slots[*slot].fields |= S3P_GIVES(UPLOAD); /* the parts are those of an upload */
    return 0;
}

/* A step on an upload: its slot, the options that are there, what its `as` gives. */
static int compile(struct s3p_compile *c, const struct s3p_verb *verb, const struct s3p_node *step,
                   enum s3p_step_kind kind, uint32_t field)
{
    struct s3p_step *s = s3p_compile_add(c, kind);
    struct s3p_object_step *o = &s->u.object;
    s->op = verb->op;
    o->of_upload = true;
    S3P_TRY(s3p_compile_upload_slot(c, verb, step, field, &o->key.slot));
    struct s3p_binding about = c->binding[o->key.slot];
    s->bucket = about.bucket;
    S3P_TRY(s3p_compile_options(c, step, s));
    if (o->body == S3P_KIND_CONSTANT)
        c->p->plan->spaces.space[about.space].constant = true;
    about.gives = verb->gives;
    return s3p_compile_as(c, verb, step, s, about);
}

int s3p_compile_upload_part(struct s3p_compile *c, const struct s3p_verb *verb,
                            const struct s3p_node *step)
{
    S3P_TRY(s3p_compile_needed(c, step, "part"));
    if (verb->op == S3P_OP_UPLOAD_PART_COPY)
        S3P_TRY(s3p_compile_needed(c, step, "source"));
    return compile(c, verb, step, S3P_STEP_UPLOAD_PART, S3P_GIVES(UPLOAD));
}

int s3p_compile_complete_upload(struct s3p_compile *c, const struct s3p_verb *verb,
                                const struct s3p_node *step)
{
    return compile(c, verb, step, S3P_STEP_COMPLETE_UPLOAD, S3P_GIVES(PARTS));
}

int s3p_compile_abort_upload(struct s3p_compile *c, const struct s3p_verb *verb,
                             const struct s3p_node *step)
{
    struct s3p_node n;
    enum s3p_field field;
    int slot;
    (void)s3p_node_get(step, verb->name, &n);
    struct s3p_str text = {json_string_value(n.value), json_string_length(n.value)};
    int ref = text.p == NULL ? 0
                             : s3p_compile_ref(c, &n, text, S3P_GIVES(UPLOAD) | S3P_GIVES(UPLOADS),
                                               &slot, &field);
    if (ref <= 0)
        return ref < 0 ? ref
                       : s3p_node_bad(&c->p->r, &n,
                                      "`name.upload` of an earlier create_upload, or "
                                      "`name.uploads` of a list_uploads");
    if (field == S3P_FIELD_UPLOAD)
        return compile(c, verb, step, S3P_STEP_ABORT_UPLOAD, S3P_GIVES(UPLOAD));
    struct s3p_step *s = s3p_compile_add(c, S3P_STEP_ABORT_UPLOADS);
    s->op = verb->op;
    s->bucket = c->binding[slot].bucket;
    s->u.batch.slot = slot;
    return 0;
}

int s3p_compile_list_parts(struct s3p_compile *c, const struct s3p_verb *verb,
                           const struct s3p_node *step)
{
    int slot;
    S3P_TRY(s3p_compile_upload_slot(c, verb, step, S3P_GIVES(UPLOAD), &slot));
    return s3p_compile_page(c, verb, step, c->binding[slot].bucket, slot);
}

/* ---- uploads of others ---- */

/* The group before this one, and the slot of its program, that `text` names. */
static struct s3p_group *find_lender(const struct s3p_compile *c, struct s3p_str text, int *slot)
{
    const char *dot = text.len == 0 ? NULL : memchr(text.p, '.', text.len);
    if (dot == NULL)
        return NULL;
    struct s3p_str name = {text.p, (size_t)(dot - text.p)};
    for (int i = 0; i < c->p->plan->ngroups; i++) {
        struct s3p_group *g = &c->p->plan->group[i];
        if (!s3p_str_same(g->name, name) || g->phase != c->group->phase)
            continue;
        *slot = s3p_find_slot(&g->program, (struct s3p_str){dot + 1, text.len - name.len - 1});
        return *slot != S3P_NO_SLOT ? g : NULL;
    }
    return NULL;
}

/* The space of a key: of a literal, or of what was chosen for the slot; -1: another one. */
static int space_of(const struct s3p_program *prog, const struct s3p_key_arg *key)
{
    if (key->slot == S3P_NO_SLOT)
        return key->ref.space;
    for (int i = 0; i < prog->nsteps; i++)
        if (prog->steps[i].kind == S3P_STEP_CHOOSE && prog->steps[i].slot == key->slot)
            return prog->steps[i].u.choose.space;
    return -1;
}

/* What the lender's create_upload says of it; false: it makes none that can be lent. */
static bool find_lent(const struct s3p_parse *p, const struct s3p_group *lender, int slot,
                      struct s3p_binding *out)
{
    for (int i = 0; i < lender->program.nsteps; i++) {
        const struct s3p_step *s = &lender->program.steps[i];
        if (s->kind != S3P_STEP_CREATE_UPLOAD || s->slot != slot)
            continue;
        int space = space_of(&lender->program, &s->u.object.key);
        if (space < 0 || p->plan->spaces.space[space].kind == S3P_SPACE_LIFECYCLE)
            return false;
        out->space = (uint16_t)space;
        out->bucket = s->bucket;
        return true;
    }
    return false;
}

int s3p_compile_borrow(struct s3p_compile *c, const struct s3p_verb *verb,
                       const struct s3p_node *step)
{
    struct s3p_node n, as;
    struct s3p_binding lent = {.gives = verb->gives};
    int slot;
    (void)s3p_node_get(step, verb->name, &n);
    struct s3p_str text = {json_string_value(n.value), json_string_length(n.value)};
    struct s3p_group *lender = text.p == NULL ? NULL : find_lender(c, text, &slot);
    if (lender == NULL || !find_lent(c->p, lender, slot, &lent))
        return s3p_node_bad(&c->p->r, &n,
                            "`group.name`: an upload that a group before this one, of the same "
                            "phase, creates of a literal or chosen key");
    S3P_TRY(s3p_need(&c->p->r, step, "as", "a name for the upload", &as));
    struct s3p_step *s = s3p_compile_add(c, S3P_STEP_BORROW);
    s->u.borrow = (struct s3p_borrow_step){(int)(lender - c->p->plan->group), slot};
    S3P_TRY(s3p_compile_as(c, verb, step, s, lent));
    struct s3p_slot_info *from = &lender->program.slots[slot], *to = &c->prog->slots[s->slot];
    from->fields |= S3P_GIVES(UPLOAD) | S3P_GIVES(PARTS);
    to->fields |= S3P_GIVES(UPLOAD) | S3P_GIVES(PARTS);
    to->nparts += from->nparts;
    to->highest_part = 0; /* the lender's: none of the borrower's may be cut */
    lender->program.shares = c->prog->shares = true;
    return 0;
}
