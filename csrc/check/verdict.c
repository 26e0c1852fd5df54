#include "check/verdict.h"

#include <string.h>
#include <sys/resource.h>

#include "check/mutate.h"
#include "check/witness.h"
#include "core/alloc.h"
#include "history/json.h"

struct s3p_verdict {
    enum s3p_consistency consistency;
    struct s3p_buf json;
};

/* What a plan may require, and where it is in the evidence. */
static double got_acked(const struct s3p_evidence_sum *e)
{
    return (double)e->acked_writes;
}
static double got_reads(const struct s3p_evidence_sum *e)
{
    return (double)e->reads;
}
static double got_commits(const struct s3p_evidence_sum *e)
{
    return (double)e->cas_commits;
}
static double got_in_flight(const struct s3p_evidence_sum *e)
{
    return e->max_in_flight;
}
static double got_overlap(const struct s3p_evidence_sum *e)
{
    return e->mutations != 0 ? (double)e->overlapping / (double)e->mutations : 0.0;
}
static double got_unknown(const struct s3p_evidence_sum *e)
{
    return (double)e->unknown;
}
static const struct {
    const char *what;
    double (*got)(const struct s3p_evidence_sum *e);
    bool fraction;
} measure[] = {
    {"acked_writes", got_acked, false},      {"reads", got_reads, false},
    {"cas_commits", got_commits, false},     {"unknown", got_unknown, false},
    {"max_in_flight", got_in_flight, false}, {"overlap", got_overlap, true},
};
enum { MEASURES = sizeof measure / sizeof *measure };

static void add_number(struct s3p_buf *out, double v, bool fraction)
{
    if (fraction)
        s3p_buf_fmt(out, "%.4f", v);
    else
        s3p_buf_u64(out, (uint64_t)v);
}

/* Spaces that share a name (the literal keys of several buckets) are one in plans. False: no space
 * has this name. */
static bool sum_of(const struct s3p_verdict_facts *f, const char *space,
                   struct s3p_evidence_sum *sum)
{
    bool found = false;
    memset(sum, 0, sizeof *sum);
    if (strcmp(space, "*") == 0) {
        *sum = f->tally->space[f->tally->spaces - 1];
        return true;
    }
    for (uint32_t i = 0; i < f->head->spaces; i++)
        if (strcmp(s3p_head_space_name(f->head, i), space) == 0) {
            s3p_evidence_sum_add(sum, &f->tally->space[i]);
            found = true;
        }
    return found;
}

static void add_space(struct s3p_buf *out, const struct s3p_verdict_facts *f, const char *space)
{
    struct s3p_evidence_sum sum;
    sum_of(f, space, &sum);
    s3p_json_text(out, (struct s3p_str){space, strlen(space)});
    s3p_buf_char(out, ':');
    for (int m = 0; m < MEASURES; m++) {
        s3p_buf_fmt(out, "%s\"%s\":", m == 0 ? "{" : ",", measure[m].what);
        add_number(out, measure[m].got(&sum), measure[m].fraction);
    }
    s3p_buf_char(out, '}');
}

static void add_evidence(struct s3p_buf *out, const struct s3p_verdict_facts *f)
{
    s3p_buf_str(out, ",\"evidence\":{");
    for (uint32_t i = 0; i < f->head->spaces; i++) {
        bool first = true;
        for (uint32_t k = 0; k < i && first; k++)
            first = strcmp(s3p_head_space_name(f->head, k), s3p_head_space_name(f->head, i)) != 0;
        if (!first)
            continue;
        add_space(out, f, s3p_head_space_name(f->head, i));
        s3p_buf_char(out, ',');
    }
    add_space(out, f, "*");
    s3p_buf_char(out, '}');
}

static void add_reason(struct s3p_buf *because, const char *text, size_t len)
{
    if (because->len != 0)
        s3p_buf_char(because, ',');
    s3p_json_text(because, (struct s3p_str){text, len});
}

/* One floor of the plan: appended to `out`; a missed one also to `because`. */
static bool judge_floor(const struct s3p_verdict_facts *f, const char *space, const char *what,
                        double asked, struct s3p_buf *out, struct s3p_buf *because)
{
    struct s3p_evidence_sum sum;
    sum_of(f, space, &sum);
    for (int m = 0; m < MEASURES; m++) {
        if (strcmp(measure[m].what, what) != 0)
            continue;
        double got = measure[m].got(&sum);
        bool met = S3P_LE(VERDICT_FLOOR_LT, asked, got);
        s3p_buf_str(out, out->len != 0 ? ",{\"space\":" : "{\"space\":");
        s3p_json_text(out, (struct s3p_str){space, strlen(space)});
        s3p_buf_fmt(out, ",\"what\":\"%s\",\"asked\":%.15g,\"got\":", what, asked);
        add_number(out, got, measure[m].fraction);
        s3p_buf_fmt(out, ",\"met\":%s}", met ? "true" : "false");
        if (!met) {
            struct s3p_buf text;
            s3p_buf_init(&text, 4096);
            s3p_buf_fmt(&text, "too little evidence: %s of key space \"%s\" is ", what, space);
            add_number(&text, got, measure[m].fraction);
            s3p_buf_fmt(&text, ", the plan requires %.15g", asked);
            add_reason(because, text.data, text.len);
            s3p_buf_free(&text);
        }
        return met;
    }
    return true; /* a floor of another layer's */
}

static bool judge_floors(const struct s3p_verdict_facts *f, struct s3p_buf *out,
                         struct s3p_buf *because)
{
    bool met = true;
    const char *space, *what;
    json_t *floors, *asked;
    json_object_foreach ((json_t *)(uintptr_t)f->head->require, space, floors)
        json_object_foreach (floors, what, asked)
            if (!judge_floor(f, space, what, json_number_value(asked), out, because))
                met = false;
    return met;
}

static uint64_t violations(const struct s3p_tally *t)
{
    uint64_t n = 0;
    for (int r = 0; r < S3P_RULE_COUNT; r++)
        n += t->by_rule[r];
    return n;
}

/* A store that refused or dropped every attempt has shown nothing that could be wrong. */
static bool saw_nothing(const struct s3p_tally *t)
{
    const struct s3p_evidence_sum *all = &t->space[t->spaces - 1];
    return S3P_ON(VERDICT_NO_WRITE, all->acked_writes == 0) &&
           S3P_ON(VERDICT_NO_READ, all->reads == 0);
}

/* More than one window in a hundred in which the search gave up: too much was not decided. */
static bool gave_up(const struct s3p_tally *t, struct s3p_buf *because)
{
    char text[160];
    if (S3P_LE(VERDICT_WINDOWS_LT, t->unknown_windows * 100, t->windows))
        return false;
    int n = snprintf(text, sizeof text,
                     "search-gave-up: %llu of %llu windows are not decided, more than 1 %%",
                     (unsigned long long)t->unknown_windows, (unsigned long long)t->windows);
    add_reason(because, text, (size_t)n);
    return true;
}

static enum s3p_consistency decide(const struct s3p_verdict_facts *f, struct s3p_buf *require,
                                   struct s3p_buf *because)
{
    const struct s3p_tally *t = f->tally;
    bool violated = violations(t) != 0, enough = judge_floors(f, require, because);
    for (int r = 0; r < S3P_RULE_COUNT; r++) {
        char text[96];
        if (t->by_rule[r] == 0)
            continue;
        int n = snprintf(text, sizeof text, "%s: %llu violation%s", s3p_rule_table[r].name,
                         (unsigned long long)t->by_rule[r], t->by_rule[r] == 1 ? "" : "s");
        add_reason(because, text, (size_t)n);
    }
    if (S3P_OFF(VERDICT_INTERRUPTED, !s3p_histfile_complete(f->file))) {
        static const char text[] = "the run was interrupted: the history is not complete";
        add_reason(because, text, sizeof text - 1);
        enough = false;
    }
    if (t->keys != 0 && S3P_OFF(VERDICT_NO_KEY, t->keys_checked == 0) &&
        S3P_ON(VERDICT_NO_VERSION, t->versions_checked == 0)) {
        static const char text[] = "no key could be checked";
        add_reason(because, text, sizeof text - 1);
        enough = false;
    }
    if (S3P_OFF(VERDICT_NOTHING, t->keys == 0 && S3P_ON(VERDICT_NO_PAGE, t->pages == 0))) {
        static const char text[] = "nothing was judged: no object was written, read or listed";
        add_reason(because, text, sizeof text - 1);
        enough = false;
    }
    enough &= S3P_ON(VERDICT_GAVE_UP, !gave_up(t, because));
    if (S3P_OFF(VERDICT_SAW_NOTHING, t->keys != 0 && saw_nothing(t))) {
        static const char text[] = "nothing was seen: no write was acknowledged, no read answered";
        add_reason(because, text, sizeof text - 1);
        enough = false;
    }
    return violated ? S3P_VIOLATED : enough ? S3P_HELD : S3P_INCONCLUSIVE;
}

static void add_counts(struct s3p_buf *out, const struct s3p_tally *t)
{
    const char *comma = "";
    s3p_buf_fmt(out,
                ",\"keys\":%llu,\"keys_checked\":%llu,\"versions_checked\":%llu"
                ",\"not_checked\":[",
                (unsigned long long)t->keys, (unsigned long long)t->keys_checked,
                (unsigned long long)t->versions_checked);
    for (int w = 0; w < S3P_WHY_COUNT; w++) {
        if (t->keys_of[w] == 0 && t->attempts_of[w] == 0)
            continue;
        s3p_buf_fmt(out, "%s{\"reason\":\"%s\",\"keys\":%llu,\"attempts\":%llu}", comma,
                    s3p_reason_name[w], (unsigned long long)t->keys_of[w],
                    (unsigned long long)t->attempts_of[w]);
        comma = ",";
    }
    s3p_buf_fmt(out, "],\"violations\":%llu,\"by_rule\":{", (unsigned long long)violations(t));
    comma = "";
    for (int r = 0; r < S3P_RULE_COUNT; r++) {
        if (t->by_rule[r] == 0)
            continue;
        s3p_buf_fmt(out, "%s\"%s\":%llu", comma, s3p_rule_table[r].name,
                    (unsigned long long)t->by_rule[r]);
        comma = ",";
    }
    s3p_buf_str(out, "},\"explained\":{");
    comma = "";
    for (int r = 0; r < S3P_RULE_COUNT; r++) {
        const char *about = s3p_rule_about((enum s3p_rule)r);
        if (t->by_rule[r] == 0)
            continue;
        s3p_buf_fmt(out, "%s\"%s\":", comma, s3p_rule_table[r].name);
        s3p_json_text(out, (struct s3p_str){about, strlen(about)});
        comma = ",";
    }
    s3p_buf_fmt(out, "},\"lists\":{\"pages\":%llu,\"entries\":%llu,\"lag_ms\":%.3f}",
                (unsigned long long)t->pages, (unsigned long long)t->page_entries,
                (double)t->list_lag_ns / 1e6);
}

/* Stretches of keys that were judged, and of those that were not the first of each key. */
static void add_windows(struct s3p_buf *out, const struct s3p_verdict_facts *f)
{
    const struct s3p_tally *t = f->tally;
    const struct s3p_head *h = f->head;
    s3p_buf_fmt(out, ",\"windows\":%llu,\"unknown_windows\":{\"count\":%llu,\"first\":[",
                (unsigned long long)t->windows, (unsigned long long)t->unknown_windows);
    for (uint32_t i = 0; i < t->nunknown; i++) {
        const struct s3p_window *w = &t->unknown[i];
        s3p_buf_str(out, i == 0 ? "{" : ",{");
        s3p_json_place(out, h, w->place, w->key_index);
        s3p_buf_fmt(out, "\"count\":%u,\"from_ns\":%lld,\"to_ns\":%lld}", w->count,
                    (long long)((uint64_t)w->from - (uint64_t)h->start_ns),
                    (long long)((uint64_t)w->to - (uint64_t)h->start_ns));
    }
    s3p_buf_str(out, "]}");
}

static void add_witnesses(struct s3p_buf *out, const struct s3p_verdict_facts *f)
{
    s3p_buf_str(out, ",\"witnesses\":[");
    for (size_t i = 0; i < f->tally->nhit && i < (size_t)f->max_witnesses; i++) {
        struct s3p_witness w;
        s3p_witness_fill(&w, f->file, &f->tally->hit[i]);
        if (i > 0)
            s3p_buf_char(out, ',');
        s3p_witness_json(&w, f->head, out);
    }
    s3p_buf_char(out, ']');
}

static void add_checker(struct s3p_buf *out, const struct s3p_verdict_facts *f)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double attempts = (double)s3p_histfile_records(f->file);
    s3p_buf_fmt(
        out,
        ",\"checker\":{\"seconds\":%.6f,\"attempts_per_s\":%.0f,\"threads\":%d,\"rss_mb\":%.1f}}",
        f->seconds, f->seconds > 0 ? attempts / f->seconds : 0.0, f->threads,
        (double)u.ru_maxrss / 1024.0);
}

int s3p_verdict_create(struct s3p_verdict **out, const struct s3p_verdict_facts *f,
                       struct s3p_err *err)
{
    static const char *const word[] = {
        [S3P_HELD] = "held", [S3P_VIOLATED] = "violated", [S3P_INCONCLUSIVE] = "inconclusive"};
    enum { JSON_MAX = 256 << 20 };
    struct s3p_buf require, because;
    struct s3p_verdict *v = s3p_calloc(1, sizeof *v);
    *out = NULL;
    if (v == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "verdict");
    s3p_buf_init(&v->json, JSON_MAX);
    s3p_buf_init(&require, 1 << 20);
    s3p_buf_init(&because, 1 << 20);
    v->consistency = decide(f, &require, &because);
    s3p_buf_fmt(&v->json, "{\"consistency\":\"%s\",\"because\":[", word[v->consistency]);
    s3p_buf_add(&v->json, because.data, because.len);
    s3p_buf_fmt(&v->json, "],\"attempts\":%llu", (unsigned long long)s3p_histfile_records(f->file));
    add_counts(&v->json, f->tally);
    add_windows(&v->json, f);
    s3p_grade_json(f->tally, f->head, v->consistency, &v->json);
    add_witnesses(&v->json, f);
    add_evidence(&v->json, f);
    s3p_buf_str(&v->json, ",\"require\":[");
    s3p_buf_add(&v->json, require.data, require.len);
    s3p_buf_char(&v->json, ']');
    add_checker(&v->json, f);
    bool ok = s3p_buf_ok(&v->json) && s3p_buf_ok(&require) && s3p_buf_ok(&because);
    s3p_buf_free(&require);
    s3p_buf_free(&because);
    if (!ok) {
        s3p_verdict_free(v);
        return s3p_fail(err, S3P_ENOMEM, 0, "verdict text");
    }
    *out = v;
    return 0;
}

void s3p_verdict_free(struct s3p_verdict *v)
{
    if (v == NULL)
        return;
    s3p_buf_free(&v->json);
    s3p_free(v);
}

enum s3p_consistency s3p_verdict_consistency(const struct s3p_verdict *v)
{
    return v->consistency;
}

void s3p_verdict_json(const struct s3p_verdict *v, struct s3p_buf *out)
{
    s3p_buf_add(out, v->json.data, v->json.len);
}
