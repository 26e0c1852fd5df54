#include <string.h>

#include "engine/plan_parse.h"

#define REPEAT_MAX INT64_C(1000000000)
#define SLEEP_MS_MAX INT64_C(3600000)
#define MS_NS INT64_C(1000000)

static int compile_do(struct s3p_compile *c, const struct s3p_node *step)
{
    struct s3p_node body;
    S3P_TRY(s3p_need(&c->p->r, step, "do", "a list of steps", &body));
    return s3p_compile_steps(c, &body);
}

/* Steps of the loop that wait to know where it ends. */
static void patch_exits(struct s3p_program *prog, int enter)
{
    for (int i = enter + 1; i < prog->nsteps; i++)
        if (prog->steps[i].unknown_exit == -1 - enter)
            prog->steps[i].unknown_exit = prog->nsteps;
}

static bool has_s3_step(const struct s3p_program *prog, int from)
{
    for (int i = from; i < prog->nsteps; i++)
        if (prog->steps[i].op != S3P_OP_NONE)
            return true;
    return false;
}

static int parse_times(struct s3p_compile *c, const struct s3p_node *step, struct s3p_loop_step *l)
{
    static const char *const until[] = {"ok"};
    struct s3p_node n, child;
    int64_t times;
    int word;
    (void)s3p_node_get(step, "repeat", &n);
    if (json_is_object(n.value)) {
        S3P_TRY(s3p_node_keys(&c->p->r, &n, "until, at_most"));
        S3P_TRY(s3p_need(&c->p->r, &n, "until", "\"ok\"", &child));
        S3P_TRY(s3p_node_word(&c->p->r, &child, until, 1, &word));
        S3P_TRY(s3p_need(&c->p->r, &n, "at_most", "an integer", &child));
        S3P_TRY(s3p_node_int(&c->p->r, &child, 1, REPEAT_MAX, &times));
        l->until_ok = true;
    } else if (json_is_integer(n.value)) {
        S3P_TRY(s3p_node_int(&c->p->r, &n, 1, REPEAT_MAX, &times));
    } else {
        return s3p_node_bad(&c->p->r, &n, "an integer or {\"until\": \"ok\", \"at_most\": n}");
    }
    l->times = (uint64_t)times;
    return 0;
}

int s3p_compile_repeat(struct s3p_compile *c, const struct s3p_verb *verb,
                          const struct s3p_node *step)
{
    struct s3p_loop_step loop = {.counter = c->loops};
    struct s3p_program *prog = c->prog;
    (void)verb;
    S3P_TRY(parse_times(c, step, &loop));
    int enter = prog->nsteps, outer = c->until;
    s3p_compile_add(c, S3P_STEP_LOOP_ENTER)->u.loop = loop;
    c->until = loop.until_ok ? enter : outer;
    c->loops++;
    prog->nloops = c->loops > prog->nloops ? c->loops : prog->nloops;
    S3P_TRY(compile_do(c, step));
    c->loops--;
    c->until = outer;
    if (loop.until_ok && !has_s3_step(prog, enter + 1)) {
        struct s3p_node body;
        (void)s3p_node_get(step, "do", &body);
        return s3p_node_bad(&c->p->r, &body, "at least one S3 step in `repeat until`");
    }
    struct s3p_step *back = s3p_compile_add(c, S3P_STEP_LOOP_BACK);
    back->u.loop = loop;
    back->target = enter + 1;
    prog->steps[enter].target = prog->nsteps;
    patch_exits(prog, enter);
    return 0;
}

static int class_of(const char *text)
{
    static const char *const names[] = {"failed", "ok", "unknown"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0)
            return 1 << i;
    return 0;
}

static int parse_classes(struct s3p_compile *c, const struct s3p_node *list,
                         struct s3p_when_step *w)
{
    static const char expected[] =
        "a status from 100 to 599, an S3 error code, ok, failed or unknown";
    S3P_TRY(s3p_node_list(&c->p->r, list, 1, 64, "statuses, codes and classes"));
    size_t n = s3p_node_count(list);
    w->statuses = s3p_arena_alloc(c->p->r.arena, n * sizeof *w->statuses);
    w->codes = s3p_arena_alloc(c->p->r.arena, n * sizeof *w->codes);
    if (w->statuses == NULL || w->codes == NULL)
        return s3p_node_no_memory(&c->p->r);
    for (size_t i = 0; i < n; i++) {
        struct s3p_node item;
        s3p_node_item(list, i, &item);
        const char *text = json_string_value(item.value);
        json_int_t status = json_integer_value(item.value);
        if (text != NULL && class_of(text) != 0)
            w->classes |= (unsigned)class_of(text);
        else if (text != NULL && text[0] >= 'A' && text[0] <= 'Z')
            S3P_TRY(s3p_node_text(&c->p->r, &item, 1, 64, &w->codes[w->ncodes++]));
        else if (json_is_integer(item.value) && status >= 100 && status <= 599)
            w->statuses[w->nstatuses++] = (int)status;
        else
            return s3p_node_bad(&c->p->r, &item, "%s", expected);
    }
    return 0;
}

#define TEXT_FIELDS \
    (S3P_GIVES(ETAG) | S3P_GIVES(VERSION) | S3P_GIVES(ID) | S3P_GIVES(TOKEN) | S3P_GIVES(KEY))
#define NUMBER_FIELDS \
    (S3P_GIVES(SIZE) | S3P_GIVES(COUNTER) | S3P_GIVES(NOW_MS) | S3P_GIVES(INITIATED_MS))

static bool is_text(const struct s3p_expr *e)
{
    return e->slot != S3P_NO_SLOT && e->field < S3P_FIELD_SIZE;
}

static int parse_two(struct s3p_compile *c, const struct s3p_node *list, uint32_t fields,
                     struct s3p_when_step *w)
{
    struct s3p_node a, b;
    S3P_TRY(s3p_node_list(&c->p->r, list, 2, 2, "expressions"));
    s3p_node_item(list, 0, &a);
    s3p_node_item(list, 1, &b);
    S3P_TRY(s3p_compile_expr(c, &a, fields, &w->a));
    S3P_TRY(s3p_compile_expr(c, &b, fields, &w->b));
    if (is_text(&w->a) != is_text(&w->b) || (is_text(&w->a) && w->a.field != w->b.field))
        return s3p_node_bad(&c->p->r, list, "two numbers, or the same field twice");
    return 0;
}

static int parse_compare(struct s3p_compile *c, const struct s3p_node *when,
                         struct s3p_when_step *w)
{
    struct s3p_node n;
    S3P_TRY(s3p_node_keys(&c->p->r, when, "equal, less, odd"));
    if (json_object_size(when->value) != 1)
        return s3p_node_bad(&c->p->r, when, "one of equal, less, odd");
    if (s3p_node_get(when, "odd", &n)) {
        w->compare = S3P_COMPARE_ODD;
        return s3p_compile_expr(c, &n, NUMBER_FIELDS, &w->a);
    }
    if (s3p_node_get(when, "less", &n)) {
        w->compare = S3P_COMPARE_LESS;
        return parse_two(c, &n, NUMBER_FIELDS, w);
    }
    (void)s3p_node_get(when, "equal", &n);
    w->compare = S3P_COMPARE_EQUAL;
    return parse_two(c, &n, TEXT_FIELDS | NUMBER_FIELDS, w);
}

int s3p_compile_when(struct s3p_compile *c, const struct s3p_verb *verb,
                        const struct s3p_node *step)
{
    struct s3p_node n, branch;
    struct s3p_program *prog = c->prog;
    (void)verb;
    (void)s3p_node_get(step, "when", &n);
    int at = prog->nsteps;
    struct s3p_when_step *w = &s3p_compile_add(c, S3P_STEP_WHEN)->u.when;
    if (json_is_object(n.value))
        S3P_TRY(parse_compare(c, &n, w));
    else
        S3P_TRY(parse_classes(c, &n, w));
    S3P_TRY(compile_do(c, step));
    if (!s3p_node_get(step, "else", &branch)) {
        prog->steps[at].target = prog->nsteps;
        return 0;
    }
    int jump = prog->nsteps;
    s3p_compile_add(c, S3P_STEP_JUMP);
    prog->steps[at].target = prog->nsteps;
    S3P_TRY(s3p_compile_steps(c, &branch));
    prog->steps[jump].target = prog->nsteps;
    return 0;
}

int s3p_compile_barrier(struct s3p_compile *c, const struct s3p_verb *verb,
                           const struct s3p_node *step)
{
    struct s3p_node n;
    struct s3p_str name;
    (void)s3p_node_get(step, verb->name, &n);
    S3P_TRY(s3p_node_name(&c->p->r, &n, &name));
    struct s3p_str *known = c->p->plan->barrier[c->group->phase];
    int *count = &c->p->plan->nbarriers[c->group->phase], at = 0;
    while (at < *count && !s3p_str_same(known[at], name))
        at++;
    if (at == S3P_BARRIERS_MAX)
        return s3p_node_bad(&c->p->r, &n, "at most %d barriers a phase", S3P_BARRIERS_MAX);
    known[at] = name;
    *count += at == *count;
    c->prog->barriers |= UINT64_C(1) << at;
    s3p_compile_add(c, S3P_STEP_BARRIER)->u.barrier = at;
    return 0;
}

int s3p_compile_sleep(struct s3p_compile *c, const struct s3p_verb *verb,
                         const struct s3p_node *step)
{
    struct s3p_node n, list, item;
    int64_t base, cap = 0;
    (void)s3p_node_get(step, verb->name, &n);
    if (json_is_object(n.value)) {
        S3P_TRY(s3p_node_keys(&c->p->r, &n, "full_jitter_ms"));
        S3P_TRY(s3p_need(&c->p->r, &n, "full_jitter_ms", "[base, cap]", &list));
        S3P_TRY(s3p_node_list(&c->p->r, &list, 2, 2, "milliseconds, [base, cap]"));
        s3p_node_item(&list, 0, &item);
        S3P_TRY(s3p_node_int(&c->p->r, &item, 1, SLEEP_MS_MAX, &base));
        s3p_node_item(&list, 1, &item);
        S3P_TRY(s3p_node_int(&c->p->r, &item, base, SLEEP_MS_MAX, &cap));
    } else {
        S3P_TRY(s3p_node_int(&c->p->r, &n, 0, SLEEP_MS_MAX, &base));
    }
    s3p_compile_add(c, S3P_STEP_SLEEP)->u.sleep =
        (struct s3p_sleep_step){
        .base_ns = base * MS_NS, .cap_ns = cap * MS_NS, .loop = c->loops - 1};
    return 0;
}

static int find_space(const struct s3p_parse *p, const struct s3p_node *n, uint16_t *out)
{
    struct s3p_str name = {json_string_value(n->value), json_string_length(n->value)};
    for (int i = 0; name.p != NULL && i < p->declared_spaces; i++) {
        if (s3p_str_same(p->plan->spaces.space[i].name, name)) {
            *out = (uint16_t)i;
            return 0;
        }
    }
    return s3p_node_bad(&p->r, n, "a key space of the plan");
}

int s3p_compile_choose(struct s3p_compile *c, const struct s3p_verb *verb,
                          const struct s3p_node *step)
{
    static const char *const takes[] = {NULL, "fresh", "acked", "any"};
    struct s3p_node n, take, as;
    struct s3p_choose_step choose = {0};
    int word = S3P_TAKE_NONE;
    (void)s3p_node_get(step, verb->name, &n);
    S3P_TRY(find_space(c->p, &n, &choose.space));
    struct s3p_space *space = &c->p->plan->spaces.space[choose.space];
    bool lifecycle = space->kind == S3P_SPACE_LIFECYCLE;
    if (s3p_node_get(step, "take", &take)) {
        if (!lifecycle)
            return s3p_node_bad(&c->p->r, &take, "no `take`: %s is not a lifecycle space",
                                space->name.p);
        S3P_TRY(s3p_node_word(&c->p->r, &take, takes, 4, &word));
    } else if (lifecycle) {
        return s3p_node_missing(&c->p->r, step, "take", "one of fresh, acked, any");
    }
    S3P_TRY(s3p_need(&c->p->r, step, "as", "a name for the key", &as));
    choose.take = (enum s3p_take)word;
    space->chosen = true;
    c->prog->lifecycle |= lifecycle;
    c->prog->own |= space->kind == S3P_SPACE_OWN;
    struct s3p_step *s = s3p_compile_add(c, S3P_STEP_CHOOSE);
    s->u.choose = choose;
    return s3p_compile_as(c, verb, step, s,
                          (struct s3p_binding){.gives = verb->gives,
                                               .space = choose.space,
                                               .bucket = space->bucket,
                                               .looked_at = choose.take == S3P_TAKE_ANY});
}

int s3p_compile_behaviour(struct s3p_compile *c, const struct s3p_verb *verb,
                             const struct s3p_node *step)
{
    struct s3p_node n;
    (void)s3p_node_get(step, verb->name, &n);
    return s3p_node_bad(&c->p->r, &n, "a behaviour that this build has: none");
}
