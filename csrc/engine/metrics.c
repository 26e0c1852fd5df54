#include <jansson.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "engine/run.h"

#define HIST_TEXT_MAX (1u << 20)
#define US 1000.0

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

struct s3p_hist *s3p_merged_latency(const struct s3p_engine *e, enum s3p_op op)
{
    struct s3p_hist *sum = NULL;
    for (int i = 0; i < e->plan->workers; i++) {
        const struct s3p_op_stat *s = e->workers[i].op[op];
        if (s == NULL || s->latency == NULL)
            continue;
        if (sum == NULL && s3p_hist_create(&sum, NULL) != 0)
            return NULL;
        s3p_hist_merge(sum, s->latency);
    }
    return sum;
}

struct s3p_hist *s3p_merged_lateness(const struct s3p_engine *e, int group)
{
    struct s3p_hist *sum = NULL;
    if (e->plan->group[group].arrival != S3P_OPEN || s3p_hist_create(&sum, NULL) != 0)
        return NULL;
    for (int i = 0; i < e->plan->workers; i++)
        s3p_hist_merge(sum, e->workers[i].group[group].lateness);
    return sum;
}

struct s3p_group_stat s3p_group_sum(const struct s3p_engine *e, int group)
{
    struct s3p_group_stat sum = {0};
    for (int i = 0; i < e->plan->workers; i++) {
        const struct s3p_group_stat *s = &e->workers[i].group[group];
        sum.runs += s->runs;
        sum.runs_ok += s->runs_ok;
        sum.unsent += s->unsent;
        sum.no_key += s->no_key;
        sum.exhausted += s->exhausted;
        sum.unknown += s->unknown;
        sum.retries += s->retries;
        sum.attempts += s->attempts;
        for (int o = 0; o < 3; o++)
            sum.by_outcome[o] += s->by_outcome[o];
    }
    return sum;
}

double s3p_main_seconds(const struct s3p_engine *e)
{
    int64_t stopped = atomic_load_explicit(&e->stopped_ns, memory_order_relaxed);
    int64_t end = stopped != 0 ? stopped : e->phase_end_ns[S3P_MAIN];
    return (double)(end - e->phase_start_ns[S3P_MAIN]) / (double)S3P_S;
}

static void add_hist(json_t *out, const struct s3p_hist *h, bool mean)
{
    static const struct {
        const char *name;
        double percentile;
    } rows[] = {{"p50_us", 50}, {"p99_us", 99}, {"p999_us", 99.9}};
    struct s3p_buf b;
    if (h == NULL)
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        json_object_set_new(out, rows[i].name,
                            json_real((double)s3p_hist_percentile(h, rows[i].percentile) / US));
    json_object_set_new(out, "max_us", json_real((double)s3p_hist_max(h) / US));
    if (mean)
        json_object_set_new(out, "mean_us", json_real(s3p_hist_mean(h) / US));
    s3p_buf_init(&b, HIST_TEXT_MAX);
    if (s3p_hist_encode(h, &b, NULL) == 0)
        json_object_set_new(out, "hist", json_stringn(b.data, b.len));
    s3p_buf_free(&b);
}

static json_t *op_json(const struct s3p_engine *e, enum s3p_op op)
{
    uint64_t attempts = 0, by_outcome[3] = {0};
    json_t *statuses = json_object(), *out = json_object();
    for (int status = 0; status < S3P_STATUS_MAX; status++) {
        uint64_t n = 0;
        char name[24];
        for (int i = 0; i < e->plan->workers; i++)
            n += e->workers[i].op[op]->by_status[status];
        if (n == 0)
            continue;
        name[s3p_u64_text(name, (uint64_t)status)] = 0;
        json_object_set_new(statuses, name, number(n));
    }
    for (int i = 0; i < e->plan->workers; i++) {
        const struct s3p_op_stat *s = e->workers[i].op[op];
        attempts += s->attempts;
        for (int o = 0; o < 3; o++)
            by_outcome[o] += s->by_outcome[o];
    }
    json_object_set_new(out, "attempts", number(attempts));
    for (int o = 0; o < 3; o++)
        json_object_set_new(out, s3p_outcome_name[o], number(by_outcome[o]));
    json_object_set_new(out, "by_status", statuses);
    struct s3p_hist *h = s3p_merged_latency(e, op);
    add_hist(out, h, true);
    s3p_hist_free(h);
    return out;
}

/* Of all operations together. */
static json_t *latency_json(const struct s3p_engine *e)
{
    json_t *out = json_object();
    struct s3p_hist *sum = NULL;
    for (int op = 0; op < S3P_OP_COUNT; op++) {
        struct s3p_hist *h =
            e->workers[0].op[op] != NULL ? s3p_merged_latency(e, (enum s3p_op)op) : NULL;
        if (sum == NULL) {
            sum = h;
        } else if (h != NULL) {
            s3p_hist_merge(sum, h);
            s3p_hist_free(h);
        }
    }
    add_hist(out, sum, true);
    s3p_hist_free(sum);
    return out;
}

static json_t *ops_json(const struct s3p_engine *e)
{
    json_t *out = json_object();
    for (int op = 0; op < S3P_OP_COUNT; op++)
        if (e->workers[0].op[op] != NULL)
            json_object_set_new(out, s3p_op_table[op].name, op_json(e, (enum s3p_op)op));
    return out;
}

static json_t *commits_json(const struct s3p_engine *e, const struct s3p_group *g)
{
    json_t *out = json_array();
    for (int i = 0; i < g->clients; i++)
        json_array_append_new(out, number(e->commits[g->first_client + i]));
    return out;
}

static json_t *group_json(const struct s3p_engine *e, int group)
{
    const struct s3p_group *g = &e->plan->group[group];
    struct s3p_group_stat s = s3p_group_sum(e, group);
    const struct {
        const char *name;
        uint64_t n;
    } rows[] = {
        {"runs", s.runs},
        {"unsent", s.unsent},
        {"no_key", s.no_key},
        {"exhausted", s.exhausted},
        {"unknown", s.unknown},
        {"retries", s.retries},
        {"attempts", s.attempts},
        {"ok", s.by_outcome[S3P_OK_OUTCOME]},
        {"failed", s.by_outcome[S3P_FAILED]},
    };
    int64_t ns = e->phase_end_ns[g->phase] - e->phase_start_ns[g->phase];
    double seconds = g->phase == S3P_MAIN ? s3p_main_seconds(e) : (double)ns / (double)S3P_S;
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        json_object_set_new(out, rows[i].name, number(rows[i].n));
    json_object_set_new(out, "rate_per_s", json_real(seconds > 0 ? (double)s.runs / seconds : 0));
    if (g->program.conditional_write)
        json_object_set_new(out, "commits_by_client", commits_json(e, g));
    struct s3p_hist *h = s3p_merged_lateness(e, group);
    if (h != NULL) {
        json_t *lateness = json_object();
        add_hist(lateness, h, false);
        json_object_set_new(out, "lateness", lateness);
    }
    s3p_hist_free(h);
    return out;
}

static json_t *groups_json(const struct s3p_engine *e)
{
    json_t *out = json_object();
    for (int i = 0; i < e->plan->ngroups; i++)
        json_object_set_new(out, e->plan->group[i].name.p, group_json(e, i));
    return out;
}

static json_t *phases_json(const struct s3p_engine *e)
{
    json_t *out = json_array();
    for (int i = 0; i < S3P_PHASES; i++) {
        double seconds = (double)(e->phase_end_ns[i] - e->phase_start_ns[i]) / (double)S3P_S;
        json_array_append_new(
            out, json_pack("{s:s, s:f}", "phase", s3p_run_phase_name[i], "seconds", seconds));
    }
    return out;
}

static void add_buckets(const struct s3p_engine *e, json_t *out)
{
    json_t *names = json_object(), *left = json_array();
    for (int i = 0; i < e->plan->nbuckets; i++) {
        json_object_set_new(names, e->plan->bucket[i].p, json_string(e->bucket_name[i]));
        if (atomic_load_explicit(&e->bucket_state[i], memory_order_relaxed) == S3P_BUCKET_MADE)
            json_array_append_new(left, json_string(e->bucket_name[i]));
    }
    json_object_set_new(out, "buckets", names);
    json_object_set_new(out, "left_behind", left);
}

static void add_totals(const struct s3p_engine *e, json_t *out)
{
    struct s3p_progress p;
    uint64_t in_flight = 0;
    s3p_engine_progress(e, &p);
    for (int i = 0; i < e->plan->workers; i++)
        in_flight += e->workers[i].in_flight_max;
    double cpu_s = (double)(e->cpu_end_ns - e->cpu_start_ns) / (double)S3P_S;
    json_object_set_new(out, "bytes_out", number(p.bytes_out));
    json_object_set_new(out, "bytes_in", number(p.bytes_in));
    json_object_set_new(out, "cpu_s", json_real(cpu_s));
    json_object_set_new(out, "cpu_us_per_attempt",
                        json_real(p.attempts != 0 ? cpu_s * 1e6 / (double)p.attempts : 0));
    json_object_set_new(out, "max_in_flight", number(in_flight));
    json_object_set_new(out, "history_stall_s", json_real((double)e->stall_ns / (double)S3P_S));
}

static int add(const char *p, size_t len, void *arg)
{
    s3p_buf_add(arg, p, len);
    return 0;
}

int s3p_metrics_json(const struct s3p_engine *e, struct s3p_buf *out, struct s3p_err *err)
{
    char run[S3P_RUN_DIGITS + 1];
    struct s3p_progress p;
    s3p_engine_progress(e, &p);
    json_t *m = json_object();
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < S3P_RUN_DIGITS; i++)
        run[i] = digits[e->run >> (4 * (S3P_RUN_DIGITS - 1 - i)) & 15];
    run[S3P_RUN_DIGITS] = 0;
    double main_s =
        (double)(e->phase_end_ns[S3P_MAIN] - e->phase_start_ns[S3P_MAIN]) / (double)S3P_S;
    json_object_set_new(m, "run", json_string(run));
    json_object_set_new(m, "seed", number(e->plan->seed));
    json_object_set_new(m, "interrupted",
                        json_boolean(atomic_load_explicit(&e->interrupted, memory_order_relaxed)));
    json_object_set_new(m, "seconds", json_real((double)p.elapsed_ns / (double)S3P_S));
    json_object_set_new(m, "main_seconds", json_real(main_s));
    json_object_set_new(m, "start_ns", json_integer(e->phase_start_ns[S3P_MAIN]));
    json_object_set_new(m, "phases", phases_json(e));
    json_object_set_new(m, "ops", ops_json(e));
    json_object_set_new(m, "latency", latency_json(e));
    json_object_set_new(m, "groups", groups_json(e));
    add_totals(e, m);
    add_buckets(e, m);
    json_object_set_new(m, "load", s3p_load_json(e));
    bool ok = m != NULL && json_dump_callback(m, add, out, JSON_COMPACT) == 0 && s3p_buf_ok(out);
    json_decref(m);
    return ok ? 0
              : s3p_fail(err, S3P_ENOMEM, 0, "metrics: out of memory, or over the buffer's bound");
}
