#include <string.h>

#include "engine/plan_parse.h"

#define GROUPS_MAX 1000
#define TIMES_MAX INT64_C(1000000000000)
#define RATE_MAX 1e7
#define QUEUE_MAX 1000000

const char *const s3p_run_phase_name[S3P_PHASES] = {"setup", "main", "teardown"};

static int need_stop(const struct s3p_parse *p, const struct s3p_group *g, const struct s3p_node *n)
{
    if (g->phase != S3P_MAIN)
        return s3p_node_bad(&p->r, n, "another arrival: a stop rule bounds the main phase only");
    if (p->plan->stop_ns == 0 && p->plan->stop_attempts == 0)
        return s3p_node_bad(&p->r, n, "a plan with a `stop` rule for it");
    return 0;
}

static int parse_closed(struct s3p_parse *p, const struct s3p_node *n, struct s3p_group *g)
{
    static const char *const untils[] = {NULL, "stop", "others"};
    struct s3p_node until;
    int word;
    int64_t times = 1;
    S3P_TRY(s3p_node_keys(&p->r, n, "times, until"));
    bool has_until = s3p_node_get(n, "until", &until);
    if (has_until && json_object_get(n->value, "times") != NULL)
        return s3p_node_bad(&p->r, n, "either times or until");
    S3P_TRY(s3p_opt_int(&p->r, n, "times", 1, TIMES_MAX, &times));
    g->times = (uint64_t)times;
    if (!has_until)
        return 0;
    S3P_TRY(s3p_node_word(&p->r, &until, untils, 3, &word));
    g->arrival = (enum s3p_arrival)word;
    return g->arrival == S3P_UNTIL_STOP ? need_stop(p, g, &until) : 0;
}

static int parse_open(struct s3p_parse *p, const struct s3p_node *n, struct s3p_group *g)
{
    static const char *const processes[] = {"poisson", "uniform"};
    struct s3p_node rate;
    int process = 0;
    int64_t queue = 1000;
    g->arrival = S3P_OPEN;
    S3P_TRY(s3p_node_keys(&p->r, n, "per_s, process, queue"));
    S3P_TRY(s3p_need(&p->r, n, "per_s", "a number above 0", &rate));
    S3P_TRY(s3p_node_real(&p->r, &rate, 0, RATE_MAX, &g->per_s));
    S3P_TRY(s3p_opt_word(&p->r, n, "process", processes, 2, &process));
    S3P_TRY(s3p_opt_int(&p->r, n, "queue", 0, QUEUE_MAX, &queue));
    g->poisson = process == 0;
    g->queue = (int)queue;
    return need_stop(p, g, n);
}

static int parse_arrival(struct s3p_parse *p, const struct s3p_node *group, struct s3p_group *g)
{
    struct s3p_node arrival, n;
    g->arrival = S3P_TIMES;
    g->times = 1;
    if (!s3p_node_get(group, "arrival", &arrival))
        return 0;
    S3P_TRY(s3p_node_keys(&p->r, &arrival, "closed, open"));
    if (json_object_size(arrival.value) != 1)
        return s3p_node_bad(&p->r, &arrival, "one of closed, open");
    return s3p_node_get(&arrival, "open", &n)
               ? parse_open(p, &n, g)
               : (s3p_node_get(&arrival, "closed", &n), parse_closed(p, &n, g));
}

static int parse_group(struct s3p_parse *p, const struct s3p_node *n, struct s3p_group *g)
{
    struct s3p_plan *plan = p->plan;
    struct s3p_node child;
    int phase = S3P_MAIN;
    int64_t clients = 1;
    S3P_TRY(s3p_node_keys(&p->r, n, "group, phase, clients, arrival, program"));
    S3P_TRY(s3p_need(&p->r, n, "group", "a text of a-z, 0-9 and -", &child));
    S3P_TRY(s3p_node_name(&p->r, &child, &g->name));
    for (const struct s3p_group *other = plan->group; other < g; other++)
        if (s3p_str_same(other->name, g->name))
            return s3p_node_bad(&p->r, &child, "a name that no other group has");
    S3P_TRY(s3p_opt_word(&p->r, n, "phase", s3p_run_phase_name, S3P_PHASES, &phase));
    S3P_TRY(s3p_opt_int(&p->r, n, "clients", 1, S3P_CLIENTS_MAX, &clients));
    g->phase = (enum s3p_run_phase)phase;
    g->clients = (int)clients;
    g->first_client = plan->clients;
    plan->clients += g->clients;
    if (plan->clients > S3P_CLIENTS_MAX) {
        (void)s3p_node_get(n, "clients", &child);
        return s3p_node_bad(&p->r, &child, "at most %d clients in all groups together, not %d",
                            S3P_CLIENTS_MAX, plan->clients);
    }
    S3P_TRY(parse_arrival(p, n, g));
    S3P_TRY(s3p_need(&p->r, n, "program", "a list of steps", &child));
    return s3p_compile_program(p, g, &child);
}

int s3p_parse_groups(struct s3p_parse *p, const struct s3p_node *root)
{
    struct s3p_plan *plan = p->plan;
    struct s3p_node groups, n;
    struct s3p_str clash;
    S3P_TRY(s3p_need(&p->r, root, "groups", "a list of groups", &groups));
    S3P_TRY(s3p_node_list(&p->r, &groups, 1, GROUPS_MAX, "groups"));
    size_t count = s3p_node_count(&groups);
    plan->group = s3p_arena_alloc(p->r.arena, count * sizeof *plan->group);
    if (plan->group == NULL)
        return s3p_node_no_memory(&p->r);
    for (size_t i = 0; i < count; i++) {
        s3p_node_item(&groups, i, &n);
        S3P_TRY(parse_group(p, &n, &plan->group[i]));
        plan->ngroups++;
    }
    /* again, with the literal keys of the programs: no two are equal, so only memory can be short
     */
    return s3p_spaces_index(&plan->spaces, p->r.arena, &clash) == 0 ? 0 : s3p_node_no_memory(&p->r);
}

static int parse_floors(struct s3p_parse *p, const struct s3p_node *n)
{
    static const char *const counts[] = {"acked_writes", "reads", "cas_commits", "max_in_flight"};
    int64_t count;
    double share;
    S3P_TRY(s3p_node_keys(&p->r, n, "acked_writes, reads, overlap, cas_commits, max_in_flight"));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        S3P_TRY(s3p_opt_int(&p->r, n, counts[i], 0, INT64_MAX, &count));
    return s3p_opt_real(&p->r, n, "overlap", -1e-9, 1, &share);
}

/* The floors are judged by the checker; here they are only checked to make sense. */
int s3p_parse_require(struct s3p_parse *p, const struct s3p_node *root)
{
    struct s3p_node require;
    if (!s3p_node_get(root, "require", &require))
        return 0;
    S3P_TRY(s3p_node_object(&p->r, &require));
    const char *key;
    json_t *value;
    json_object_foreach(require.value, key, value) {
        struct s3p_node n = {.up = &require, .key = key, .value = value};
        bool known = strcmp(key, "*") == 0;
        for (int i = 0; i < p->declared_spaces; i++)
            known |= s3p_str_eq(p->plan->spaces.space[i].name, key);
        if (!known)
            return s3p_node_bad(&p->r, &n, "floors for a key space of the plan, or for \"*\"");
        S3P_TRY(parse_floors(p, &n));
    }
    return 0;
}

static int parse_rate(struct s3p_parse *p, const struct s3p_node *n, struct s3p_load *load)
{
    struct s3p_node child;
    S3P_TRY(s3p_node_keys(&p->r, n, "group, per_s, within"));
    S3P_TRY(s3p_need(&p->r, n, "group", "the name of an open group", &child));
    const char *name = json_string_value(child.value);
    for (int i = 0; name != NULL && i < p->plan->ngroups; i++)
        if (s3p_str_eq(p->plan->group[i].name, name) && p->plan->group[i].arrival == S3P_OPEN)
            load->rate_group = i;
    if (load->rate_group < 0)
        return s3p_node_bad(&p->r, &child, "the name of an open group");
    S3P_TRY(s3p_need(&p->r, n, "per_s", "a number above 0", &child));
    S3P_TRY(s3p_node_real(&p->r, &child, 0, RATE_MAX, &load->per_s));
    load->within = 0.9;
    return s3p_opt_real(&p->r, n, "within", 0, 1, &load->within);
}

static int parse_percentile(struct s3p_parse *p, const struct s3p_node *n,
                            struct s3p_load_percentile *out)
{
    struct s3p_node child;
    uint32_t ops = 0;
    S3P_TRY(s3p_node_keys(&p->r, n, "op, at_most"));
    S3P_TRY(s3p_need(&p->r, n, "op", "an operation", &child));
    const char *name = json_string_value(child.value);
    for (int i = 0; i < p->plan->ngroups; i++)
        if (p->plan->group[i].phase == S3P_MAIN)
            ops |= p->plan->group[i].program.ops;
    out->op = name == NULL ? S3P_OP_NONE : s3p_op_find(name, strlen(name));
    if (out->op == S3P_OP_NONE || (ops >> out->op & 1) == 0)
        return s3p_node_bad(&p->r, &child, "an operation of the main phase");
    S3P_TRY(s3p_need(&p->r, n, "at_most", "milliseconds", &child));
    return s3p_node_real(&p->r, &child, 0, 3.6e6, &out->at_most_ms);
}

int s3p_parse_load(struct s3p_parse *p, const struct s3p_node *root)
{
    static const struct s3p_load_percentile percentiles[] = {{"p50_ms", 50, 0, S3P_OP_NONE},
                                                             {"p99_ms", 99, 0, S3P_OP_NONE},
                                                             {"p999_ms", 99.9, 0, S3P_OP_NONE}};
    struct s3p_load *load = &p->plan->load;
    struct s3p_node node, n;
    load->rate_group = -1;
    if (!s3p_node_get(root, "load", &node))
        return 0;
    S3P_TRY(s3p_node_keys(&p->r, &node, "rate, p50_ms, p99_ms, p999_ms"));
    load->asked = json_object_size(node.value) != 0;
    if (s3p_node_get(&node, "rate", &n))
        S3P_TRY(parse_rate(p, &n, load));
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        if (!s3p_node_get(&node, percentiles[i].what, &n))
            continue;
        load->percentile[i] = percentiles[i];
        S3P_TRY(parse_percentile(p, &n, &load->percentile[i]));
    }
    return 0;
}
