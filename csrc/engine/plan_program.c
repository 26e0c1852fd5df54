#include <string.h>

#include "engine/plan_parse.h"

#define DEPTH_MAX S3P_LOOPS_MAX /* nested repeat and when */
#define STEPS_MAX 4096

/* The array of steps has room for all: it was sized by count_steps. */
struct s3p_step *s3p_compile_add(struct s3p_compile *c, enum s3p_step_kind kind)
{
    struct s3p_step *s = &c->prog->steps[c->prog->nsteps++];
    s->kind = kind;
    s->slot = S3P_NO_SLOT;
    return s;
}

int s3p_compile_as(struct s3p_compile *c, const struct s3p_verb *verb, const struct s3p_node *step,
                   struct s3p_step *s, struct s3p_binding what)
{
    struct s3p_node as;
    if (!s3p_node_get(step, "as", &as))
        return 0;
    s->slot = s3p_find_slot(
        c->prog, (struct s3p_str){json_string_value(as.value), json_string_length(as.value)});
    what.by = verb;
    c->binding[s->slot] = what;
    return 0;
}

/* A `when` on "unknown" right behind a mutation takes its unknown end over from the enclosing
 * `repeat until`. */
static bool handles_unknown(const struct s3p_node *list, size_t next)
{
    const json_t *classes = json_object_get(json_array_get(list->value, next), "when");
    for (size_t i = 0; i < json_array_size(classes); i++) {
        const char *text = json_string_value(json_array_get(classes, i));
        if (text != NULL && strcmp(text, "unknown") == 0)
            return true;
    }
    return false;
}

int s3p_compile_steps(struct s3p_compile *c, const struct s3p_node *list)
{
    S3P_TRY(s3p_node_list(&c->p->r, list, 1, STEPS_MAX, "steps"));
    if (++c->depth > DEPTH_MAX)
        return s3p_node_bad(&c->p->r, list, "at most %d lists of steps in one another", DEPTH_MAX);
    for (size_t i = 0; i < s3p_node_count(list); i++) {
        struct s3p_node step;
        const struct s3p_verb *verb;
        int first = c->prog->nsteps;
        s3p_node_item(list, i, &step);
        S3P_TRY(s3p_find_verb(c, &step, &verb));
        S3P_TRY(verb->compile(c, verb, &step));
        if (verb->op == S3P_OP_NONE)
            continue;
        c->prog->ops |= 1u << verb->op;
        if (s3p_op_table[verb->op].cls != S3P_CLASS_MUTATION || c->until < 0)
            continue;
        c->prog->steps[first].retried = handles_unknown(list, i + 1);
        if (!c->prog->steps[first].retried)
            c->prog->steps[first].unknown_exit = -1 - c->until;
    }
    c->depth--;
    return 0;
}

static bool is_binding_name(const char *p)
{
    return p != NULL && strlen(p) <= 63 && p[0] >= 'a' && p[0] <= 'z' &&
           strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(p);
}

/* Counts what the program compiles to and collects the names that `as` binds, in order of first
 * appearance. */
static int scan(struct s3p_compile *c, const struct s3p_node *list, int depth, int *steps)
{
    if (!json_is_array(list->value) || depth > DEPTH_MAX)
        return 0; /* s3p_compile_steps says what is wrong */
    struct s3p_program *prog = c->prog;
    for (size_t i = 0; i < s3p_node_count(list) && *steps <= STEPS_MAX; i++) {
        struct s3p_node step, n;
        s3p_node_item(list, i, &step);
        *steps += 2; /* a repeat and a when with an else make two */
        if (s3p_node_get(&step, "as", &n)) {
            struct s3p_str name = {json_string_value(n.value), json_string_length(n.value)};
            if (!is_binding_name(name.p))
                return s3p_node_bad(&c->p->r, &n, "a name: a-z, then a-z, 0-9 and _, at most 63");
            if (s3p_find_slot(prog, name) == S3P_NO_SLOT)
                S3P_TRY(s3p_node_text(&c->p->r, &n, 1, 63, &prog->slots[prog->nslots++].name));
        }
        if (s3p_node_get(&step, "do", &n))
            S3P_TRY(scan(c, &n, depth + 1, steps));
        if (s3p_node_get(&step, "else", &n))
            S3P_TRY(scan(c, &n, depth + 1, steps));
    }
    return 0;
}

/* Which parts the program gives its uploads: the highest one may be cut, and all are kept. */
static void scan_parts(struct s3p_program *prog, const struct s3p_node *list, int depth)
{
    static const char *const verbs[] = {"upload_part", "upload_part_copy"};
    for (size_t i = 0; depth <= DEPTH_MAX && i < s3p_node_count(list); i++) {
        struct s3p_node step, n, part;
        s3p_node_item(list, i, &step);
        for (int k = 0; k < 2; k++) {
            const char *text =
                s3p_node_get(&step, verbs[k], &n) ? json_string_value(n.value) : NULL;
            if (text == NULL || !s3p_node_get(&step, "part", &part))
                continue;
            int slot = s3p_find_slot(prog, (struct s3p_str){text, strcspn(text, ".")});
            json_int_t number = json_integer_value(part.value);
            if (slot == S3P_NO_SLOT || number <= 0)
                continue;
            struct s3p_slot_info *info = &prog->slots[slot];
            info->nparts++;
            info->highest_part =
                number > info->highest_part ? (unsigned)number : info->highest_part;
        }
        if (s3p_node_get(&step, "do", &n))
            scan_parts(prog, &n, depth + 1);
        if (s3p_node_get(&step, "else", &n))
            scan_parts(prog, &n, depth + 1);
    }
}

int s3p_compile_program(struct s3p_parse *p, struct s3p_group *g, const struct s3p_node *list)
{
    struct s3p_program *prog = &g->program;
    struct s3p_compile c = {.p = p, .group = g, .prog = prog, .until = -1};
    struct s3p_slot_info names[STEPS_MAX / 2 + 2];
    int steps = 1;
    prog->slots = names;
    memset(names, 0, sizeof names);
    S3P_TRY(scan(&c, list, 1, &steps));
    if (steps > STEPS_MAX)
        return s3p_node_bad(&p->r, list, "at most %d steps", STEPS_MAX / 2);
    prog->slots = s3p_arena_alloc(p->r.arena, (size_t)prog->nslots * sizeof *prog->slots);
    prog->steps = s3p_arena_alloc(p->r.arena, (size_t)steps * sizeof *prog->steps);
    c.binding = s3p_arena_alloc(p->r.arena, (size_t)prog->nslots * sizeof *c.binding);
    if (prog->slots == NULL || prog->steps == NULL || c.binding == NULL)
        return s3p_node_no_memory(&p->r);
    memcpy(prog->slots, names, (size_t)prog->nslots * sizeof *prog->slots);
    scan_parts(prog, list, 1);
    S3P_TRY(s3p_compile_steps(&c, list));
    s3p_compile_add(&c, S3P_STEP_END);
    return 0;
}
