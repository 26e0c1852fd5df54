#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "engine/run.h"

#define BUSY_SHARE 0.9 /* of a worker's time: above it the generator is the bottleneck */
#define POISSON_DEVIATIONS 3.3 /* one run in two thousand draws fewer */
#define LATENESS_NS (10 * S3P_MS)

static void because(json_t *reasons, const char *fmt, ...) S3P_PRINTF(2, 3);

static void because(json_t *reasons, const char *fmt, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) < 0)
        text[0] = 0;
    va_end(ap);
    json_array_append_new(reasons, json_string(text));
}

static bool add_asked(json_t *asked, const char *what, double wanted, double got, bool met)
{
    json_array_append_new(asked, json_pack("{s:s, s:f, s:f, s:b}", "what", what, "asked", wanted,
                                           "got", got, "met", (int)met));
    return met;
}

/* The least rate that a schedule of this length may well offer: Poisson draws vary, and a short run
 * must not be missed because few were drawn. */
static double offered_per_s(const struct s3p_group *g, double per_s, double seconds)
{
    double spread = g->poisson && seconds > 0 ? POISSON_DEVIATIONS * sqrt(per_s / seconds) : 0;
    return per_s > spread ? per_s - spread : 0;
}

/* The rate that counts is that of runs whose last S3 step ended ok: what the store did, not what it
 * was asked. */
static bool ask_rate(const struct s3p_engine *e, json_t *asked, json_t *reasons)
{
    const struct s3p_load *l = &e->plan->load;
    struct s3p_group_stat s = s3p_group_sum(e, l->rate_group);
    double seconds = s3p_main_seconds(e), got = seconds > 0 ? (double)s.runs_ok / seconds : 0;
    const struct s3p_group *g = &e->plan->group[l->rate_group];
    bool met = got > 0 && got >= offered_per_s(g, l->per_s, seconds) * l->within;
    if (!met)
        because(reasons, "group %s ended %.6g runs a second ok, asked were %.6g x %.6g", g->name.p,
                got, l->per_s, l->within);
    if (!met && s.unsent != 0)
        because(reasons,
                "%llu arrivals were not sent: all clients were busy and the queue was full",
                (unsigned long long)s.unsent);
    return add_asked(asked, "rate_per_s", l->per_s, got, met);
}

static bool ask_percentile(const struct s3p_engine *e, const struct s3p_load_percentile *p,
                           json_t *asked, json_t *reasons)
{
    struct s3p_hist *h = s3p_merged_latency(e, p->op);
    const char *op = s3p_op_table[p->op].name;
    char what[40];
    double got_ms = h != NULL ? (double)s3p_hist_percentile(h, p->percentile) / (double)S3P_MS : 0;
    bool measured = h != NULL && s3p_hist_count(h) > 0, met = measured && got_ms <= p->at_most_ms;
    s3p_hist_free(h);
    snprintf(what, sizeof what, "%s %s", p->what, op);
    if (!measured)
        because(reasons, "%s: nothing was measured", what);
    else if (!met)
        because(reasons, "%s is %.6g, asked is at most %.6g", what, got_ms, p->at_most_ms);
    return add_asked(asked, what, p->at_most_ms, got_ms, met);
}

/* Says why the generator itself was the limit, if it was. */
static bool generator_limited(const struct s3p_engine *e, json_t *reasons)
{
    int64_t wall_ns = e->phase_end_ns[S3P_MAIN] - e->phase_start_ns[S3P_MAIN];
    bool limited = false;
    for (int i = 0; i < e->plan->workers; i++) {
        double share = wall_ns > 0 ? (double)e->workers[i].cpu_main_ns / (double)wall_ns : 0;
        if (share <= BUSY_SHARE)
            continue;
        because(reasons, "worker %d was busy for %.0f %% of the main phase", i, 100 * share);
        limited = true;
    }
    for (int i = 0; i < e->plan->ngroups; i++) {
        struct s3p_hist *h = s3p_merged_lateness(e, i);
        int64_t late_ns = h != NULL ? s3p_hist_percentile(h, 99) : 0;
        s3p_hist_free(h);
        if (late_ns <= LATENESS_NS)
            continue;
        because(reasons, "the generator was late in group %s: p99 %.3f ms",
                e->plan->group[i].name.p, (double)late_ns / (double)S3P_MS);
        limited = true;
    }
    return limited;
}

void *s3p_load_json(const struct s3p_engine *e)
{
    const struct s3p_load *l = &e->plan->load;
    json_t *asked = json_array(), *reasons = json_array();
    bool met = true;
    const char *verdict = "not-asked";
    if (l->rate_group >= 0)
        met &= ask_rate(e, asked, reasons);
    for (size_t i = 0; i < sizeof l->percentile / sizeof l->percentile[0]; i++)
        if (l->percentile[i].what != NULL)
            met &= ask_percentile(e, &l->percentile[i], asked, reasons);
    if (l->asked)
        verdict = met ? "reached" : generator_limited(e, reasons) ? "generator-limited" : "missed";
    return json_pack("{s:s, s:o, s:o}", "verdict", verdict, "because", reasons, "asked", asked);
}
