#include <string.h>

#include "engine/plan_parse.h"

#define DEPTH_MAX S3P_LOOPS_MAX /* nested repeat and when */
#define STEPS_MAX 4096
#define REPEAT_MAX INT64_C(1000000000)
#define SLEEP_MS_MAX INT64_C(3600000)
#define MS_NS INT64_C(1000000)

static int compile_list_of_steps(struct s3p_compile *c, const struct s3p_node *list);

/* The array of steps has room for all: it was sized by count_steps. */
struct s3p_step *s3p_compile_add(struct s3p_compile *c, enum s3p_step_kind kind)
{
    struct s3p_step *s = &c->prog->steps[c->prog->nsteps++];
    s->kind = kind;
    s->slot = s->keys_slot = S3P_NO_SLOT;
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

static int compile_do(struct s3p_compile *c, const struct s3p_node *step)
{
    struct s3p_node body;
    S3P_TRY(s3p_need(&c->p->r, step, "do", "a list of steps", &body));
    return compile_list_of_steps(c, &body);
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

static int compile_repeat(struct s3p_compile *c, const struct s3p_verb *verb,
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

#define TEXT_FIELDS (S3P_GIVES(ETAG) | S3P_GIVES(VERSION) | S3P_GIVES(TOKEN) | S3P_GIVES(KEY))
#define NUMBER_FIELDS (S3P_GIVES(SIZE) | S3P_GIVES(COUNTER) | S3P_GIVES(NOW_MS))

static bool is_text(const struct s3p_expr *e)
{
    return e->slot != S3P_NO_SLOT && e->field <= S3P_FIELD_KEYS;
}

static int parse_equal(struct s3p_compile *c, const struct s3p_node *when, struct s3p_when_step *w)
{
    struct s3p_node list, a, b;
    S3P_TRY(s3p_node_keys(&c->p->r, when, "equal"));
    S3P_TRY(s3p_need(&c->p->r, when, "equal", "two expressions", &list));
    S3P_TRY(s3p_node_list(&c->p->r, &list, 2, 2, "expressions"));
    s3p_node_item(&list, 0, &a);
    s3p_node_item(&list, 1, &b);
    S3P_TRY(s3p_compile_expr(c, &a, TEXT_FIELDS | NUMBER_FIELDS, &w->a));
    S3P_TRY(s3p_compile_expr(c, &b, TEXT_FIELDS | NUMBER_FIELDS, &w->b));
    if (is_text(&w->a) != is_text(&w->b) || (is_text(&w->a) && w->a.field != w->b.field))
        return s3p_node_bad(&c->p->r, &list, "two numbers, or the same field twice");
    w->equal = true;
    return 0;
}

static int compile_when(struct s3p_compile *c, const struct s3p_verb *verb,
                        const struct s3p_node *step)
{
    struct s3p_node n, branch;
    struct s3p_program *prog = c->prog;
    (void)verb;
    (void)s3p_node_get(step, "when", &n);
    int at = prog->nsteps;
    struct s3p_when_step *w = &s3p_compile_add(c, S3P_STEP_WHEN)->u.when;
    if (json_is_object(n.value))
        S3P_TRY(parse_equal(c, &n, w));
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
    S3P_TRY(compile_list_of_steps(c, &branch));
    prog->steps[jump].target = prog->nsteps;
    return 0;
}

static int compile_barrier(struct s3p_compile *c, const struct s3p_verb *verb,
                           const struct s3p_node *step)
{
    struct s3p_node n;
    struct s3p_str name;
    (void)s3p_node_get(step, verb->name, &n);
    S3P_TRY(s3p_node_name(&c->p->r, &n, &name));
    struct s3p_str *known = c->p->plan->barrier[c->group->phase];
    int *count = &c->p->plan->nbarriers[c->group->phase], at = 0;
    while (at < *count && !s3p_same(known[at], name))
        at++;
    if (at == S3P_BARRIERS_MAX)
        return s3p_node_bad(&c->p->r, &n, "at most %d barriers a phase", S3P_BARRIERS_MAX);
    known[at] = name;
    *count += at == *count;
    c->prog->barriers |= UINT64_C(1) << at;
    s3p_compile_add(c, S3P_STEP_BARRIER)->u.barrier = at;
    return 0;
}

static int compile_sleep(struct s3p_compile *c, const struct s3p_verb *verb,
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
        if (s3p_same(p->plan->spaces.space[i].name, name)) {
            *out = (uint16_t)i;
            return 0;
        }
    }
    return s3p_node_bad(&p->r, n, "a key space of the plan");
}

static int compile_choose(struct s3p_compile *c, const struct s3p_verb *verb,
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

static int compile_behaviour(struct s3p_compile *c, const struct s3p_verb *verb,
                             const struct s3p_node *step)
{
    struct s3p_node n;
    (void)s3p_node_get(step, verb->name, &n);
    return s3p_node_bad(&c->p->r, &n, "a behaviour that this build has: none");
}

#define OBJECT_GIVES (S3P_GIVES(VERSION) | S3P_GIVES(KEY) | S3P_GIVES(NOW_MS))
#define VALUE_GIVES (OBJECT_GIVES | S3P_GIVES(ETAG) | S3P_GIVES(SIZE))
#define PAGE_GIVES (S3P_GIVES(TOKEN) | S3P_GIVES(KEYS) | S3P_GIVES(NOW_MS))
#define LIST_FIELDS "prefix, delimiter, max_keys, start_after, token, as"

static const struct s3p_verb verbs[] = {
    {"put", "put, body, if_match, if_none_match, as, bucket", S3P_OP_PUT,
     VALUE_GIVES | S3P_GIVES(COUNTER), s3p_compile_object},
    {"get", "get, range, if_match, if_none_match, as, bucket", S3P_OP_GET,
     VALUE_GIVES | S3P_GIVES(COUNTER), s3p_compile_object},
    {"head", "head, if_match, if_none_match, as, bucket", S3P_OP_HEAD, VALUE_GIVES,
     s3p_compile_object},
    {"delete", "delete, if_match, as, bucket", S3P_OP_DELETE, OBJECT_GIVES, s3p_compile_object},
    {"delete_objects", "delete_objects, bucket", S3P_OP_DELETE_OBJECTS, 0,
     s3p_compile_delete_objects},
    {"list", "list, " LIST_FIELDS, S3P_OP_LIST, PAGE_GIVES, s3p_compile_list},
    {"list_v1", "list_v1, " LIST_FIELDS, S3P_OP_LIST_V1, PAGE_GIVES, s3p_compile_list},
    {"create_bucket", "create_bucket", S3P_OP_CREATE_BUCKET, 0, s3p_compile_bucket},
    {"head_bucket", "head_bucket", S3P_OP_HEAD_BUCKET, 0, s3p_compile_bucket},
    {"delete_bucket", "delete_bucket", S3P_OP_DELETE_BUCKET, 0, s3p_compile_bucket},
    {"repeat", "repeat, do", S3P_OP_NONE, 0, compile_repeat},
    {"when", "when, do, else", S3P_OP_NONE, 0, compile_when},
    {"barrier", "barrier", S3P_OP_NONE, 0, compile_barrier},
    {"sleep", "sleep", S3P_OP_NONE, 0, compile_sleep},
    {"choose", "choose, as, take", S3P_OP_NONE, S3P_GIVES(KEY), compile_choose},
    {"behaviour", NULL, S3P_OP_NONE, 0, compile_behaviour},
};
#define NVERBS (sizeof verbs / sizeof verbs[0])

static int find_verb(struct s3p_compile *c, const struct s3p_node *step,
                     const struct s3p_verb **out)
{
    S3P_TRY(s3p_node_object(&c->p->r, step));
    *out = NULL;
    for (size_t i = 0; i < NVERBS; i++) {
        if (json_object_get(step->value, verbs[i].name) == NULL)
            continue;
        if (*out != NULL)
            return s3p_node_bad(&c->p->r, step, "one verb a step: %s or %s", (*out)->name,
                                verbs[i].name);
        *out = &verbs[i];
    }
    if (*out != NULL)
        return (*out)->fields == NULL ? 0 : s3p_node_keys(&c->p->r, step, (*out)->fields);
    const char *key;
    json_t *value;
    json_object_foreach(step->value, key, value) {
        struct s3p_node n = {.up = step, .key = key, .value = value};
        if (s3p_op_find(key, strlen(key)) != S3P_OP_NONE)
            return s3p_node_bad(&c->p->r, &n, "another operation: %s is not offered here", key);
    }
    return s3p_node_bad(&c->p->r, step,
                        "a verb: put, get, head, delete, delete_objects, list, "
                        "list_v1, ..._bucket, repeat, when, barrier, sleep, choose");
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

static int compile_list_of_steps(struct s3p_compile *c, const struct s3p_node *list)
{
    S3P_TRY(s3p_node_list(&c->p->r, list, 1, STEPS_MAX, "steps"));
    if (++c->depth > DEPTH_MAX)
        return s3p_node_bad(&c->p->r, list, "at most %d lists of steps in one another", DEPTH_MAX);
    for (size_t i = 0; i < s3p_node_count(list); i++) {
        struct s3p_node step;
        const struct s3p_verb *verb;
        int first = c->prog->nsteps;
        s3p_node_item(list, i, &step);
        S3P_TRY(find_verb(c, &step, &verb));
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
        return 0; /* compile_list_of_steps says what is wrong */
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
    S3P_TRY(compile_list_of_steps(&c, list));
    s3p_compile_add(&c, S3P_STEP_END);
    return 0;
}
