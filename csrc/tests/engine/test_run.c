/* How a run goes: phases, barriers, arrivals, stop rules, Ctrl-C, what is left behind. */
#include <poll.h>
#include <stdlib.h>

#include "core/clock.h"
#include "http/conn.h"
#include "s3/outcome.h"
#include "tests/engine/fake.h"
#include "tests/t.h"

#define SETUP "{'group':'make','phase':'setup','program':[{'create_bucket':'main'}]}"
#define TEARDOWN                                                                                   \
    "{'group':'rm','phase':'teardown','program':[{'repeat':{'until':'ok','at_most':9},'do':["      \
    "{'list':'main','as':'p'},{'delete_objects':'p.keys'},{'delete_bucket':'main'}]}]}"

#define PLAY(s, plan, ...)                                                                         \
    static struct scene s;                                                                         \
    static const struct fake_rule s##_rules[] = {__VA_ARGS__{NULL, 0, 0, FAKE_ANSWER, 0, NULL}};   \
    fake_start(&s.f, s##_rules);                                                                   \
    trial_run(&s.t, &s.f, plan, true)

struct scene {
    struct fake f;
    struct trial t;
};

static void end(struct scene *s)
{
    fake_stop(&s->f);
    trial_free(&s->t);
}

T_TEST(run_three_phases)
{
    PLAY(s,
         "{'name':'p','groups':[" SETUP "," TEARDOWN
         ",{'group':'w','clients':3,'program':[{'repeat':4,'do':[{'put':'a'}]}]}]}", );
    int64_t setup_end = 0, main_start = INT64_MAX, main_end = 0, teardown_start = INT64_MAX;
    for (uint64_t i = 0; i < trial_records(&s.t); i++) {
        struct s3p_attempt r = trial_record(&s.t, i);
        if (r.run_phase == 0)
            setup_end = r.t_return;
        if (r.run_phase == 1 && r.t_call < main_start)
            main_start = r.t_call;
        if (r.run_phase == 1 && r.t_return > main_end)
            main_end = r.t_return;
        if (r.run_phase == 2 && r.t_call < teardown_start)
            teardown_start = r.t_call;
    }
    T_TRUE(setup_end != 0 && setup_end <= main_start && main_end <= teardown_start);
    T_EQ(trial_count(&s.t, "put", S3P_OK_OUTCOME), 12);
    T_EQ(trial_count(&s.t, "delete_bucket", S3P_OK_OUTCOME), 1);
    T_EQ(json_array_size(json_object_get(s.t.metrics, "left_behind")), 0);
    T_TRUE(!s.f.bucket_there);
    T_STR(trial_text(&s.t, "load/verdict"), "not-asked");
    T_EQ(trial_number(&s.t, "ops/put/attempts"), 12);
    T_EQ(trial_number(&s.t, "max_in_flight") >= 1, 1);
    T_TRUE(strncmp(trial_text(&s.t, "ops/put/hist"), "HISTFAAA", 8) == 0);
    T_TRUE(s3p_histfile_complete(s.t.file));
    end(&s);
}

T_TEST(run_header_tells_all_but_secrets)
{
    PLAY(s,
         "{'name':'p','seed':9,'spaces':{'o':{'kind':'own','prefix':'o/','count':2}},"
         "'groups':["
         "{'group':'g','program':[{'put':'lit'}]}]}", );
    struct s3p_str h = s3p_histfile_header(s.t.file);
    T_TRUE(memmem(h.p, h.len, "SECRET", 6) == NULL);
    T_TRUE(memmem(h.p, h.len, "AKTEST", 6) == NULL);
    json_t *j = json_loadb(h.p, h.len, 0, NULL);
    T_EQ(json_integer_value(json_object_get(j, "seed")), 9);
    T_EQ(json_array_size(json_object_get(j, "spaces")), 2);
    json_t *lit = json_array_get(json_object_get(j, "spaces"), 1);
    T_STR(json_string_value(json_object_get(lit, "name")), "");
    T_STR(json_string_value(json_array_get(json_object_get(lit, "keys"), 0)), "lit");
    T_STR(json_string_value(json_object_get(j, "run")), trial_text(&s.t, "run"));
    json_t *bucket = json_array_get(json_object_get(j, "buckets"), 0);
    T_STR(json_string_value(json_object_get(bucket, "name")), trial_text(&s.t, "buckets/main"));
    T_TRUE(json_is_object(json_object_get(j, "plan")));
    T_EQ(json_string_length(json_object_get(j, "profile_hash")), 64);
    json_decref(j);
    end(&s);
}

/* Five waves of six clients on two workers: no client begins a wave before all have ended the one
 * before. */
T_TEST(run_barrier_across_workers)
{
    PLAY(s,
         "{'name':'p','workers':2,'groups':[{'group':'g','clients':6,'program':["
         "{'repeat':5,'do':[{'barrier':'wave'},{'put':'a'}]}]}]}", );
    int64_t first[6], last[6];
    int n[6] = {0};
    for (int w = 1; w <= 5; w++) {
        first[w] = INT64_MAX;
        last[w] = 0;
    }
    for (uint64_t i = 0; i < trial_records(&s.t); i++) {
        struct s3p_attempt r = trial_record(&s.t, i);
        n[r.op_seq]++;
        first[r.op_seq] = r.t_call < first[r.op_seq] ? r.t_call : first[r.op_seq];
        last[r.op_seq] = r.t_return > last[r.op_seq] ? r.t_return : last[r.op_seq];
    }
    for (int w = 1; w <= 5; w++) {
        T_EQ(n[w], 6);
        T_TRUE(w == 1 || first[w] >= last[w - 1]);
    }
    end(&s);
}

/* A client draws the same keys and sizes whatever worker it is on. */
T_TEST(run_draws_do_not_depend_on_workers)
{
    static uint64_t drawn[2][5][20][2];
    for (int k = 0; k < 2; k++) {
        char plan[400];
        snprintf(plan, sizeof plan,
                 "{'name':'p','seed':5,'workers':%d,"
                 "'spaces':{'u':{'kind':'uniform','prefix':'u/','count':100}},'groups':["
                 "{'group':'g','clients':5,'arrival':{'closed':{'times':20}},'program':["
                 "{'choose':'u','as':'k'},{'put':'k.key','body':{'bytes':[1,2,3,4,5,6,7,8]}}]}]}",
                 1 + 2 * k);
        PLAY(s, plan, );
        T_EQ(trial_records(&s.t), 100);
        for (uint64_t i = 0; i < 100; i++) {
            struct s3p_attempt r = trial_record(&s.t, i);
            drawn[k][r.client][r.op_seq - 1][0] = r.key_index;
            drawn[k][r.client][r.op_seq - 1][1] = r.size;
        }
        end(&s);
    }
    T_MEM(drawn[0], drawn[1], sizeof drawn[0]);
    T_TRUE(memcmp(drawn[0][0], drawn[0][1], sizeof drawn[0][0]) != 0);
}

/* Clients that have ended do not hold the others: shorter programs leave the barrier. */
T_TEST(run_barrier_is_left_at_the_end)
{
    PLAY(s,
         "{'name':'p','workers':2,'groups':[{'group':'short','clients':3,'program':["
         "{'repeat':2,'do':[{'barrier':'b'},{'get':'x'}]}]},"
         "{'group':'never','clients':2,'program':[{'get':'x'},{'when':['ok'],'do':["
         "{'barrier':'b'}]}]},{'group':'long','clients':3,'program':[{'repeat':7,'do':["
         "{'barrier':'b'},{'put':'a'}]}]}]}", );
    T_EQ(fake_count(&s.f, "put"), 21);
    end(&s);
}

T_TEST(run_until_others)
{
    PLAY(s,
         "{'name':'p','workers':2,'groups':[{'group':'w','clients':2,'program':["
         "{'repeat':10,'do':[{'put':'a'}]}]},"
         "{'group':'r','clients':3,'arrival':{'closed':{'until':'others'}},'program':["
         "{'get':'a'}]}]}",
         {"put", 1, 0, FAKE_SLOW, 5, NULL}, );
    int64_t last_put = 0, last_get = 0;
    for (uint64_t i = 0; i < trial_records(&s.t); i++) {
        struct s3p_attempt r = trial_record(&s.t, i);
        int64_t *last = r.op == S3P_OP_PUT ? &last_put : &last_get;
        *last = r.t_call > *last ? r.t_call : *last;
    }
    T_TRUE(trial_number(&s.t, "groups/r/runs") > 20);
    T_TRUE(last_get > last_put); /* they read on while the last write was in flight */
    end(&s);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Sorted intended starts of the open arrivals of a run, relative to the first. */
static int schedule(const struct trial *t, int64_t *out, int max)
{
    int n = 0;
    for (uint64_t i = 0; i < trial_records(t) && n < max; i++)
        if (trial_record(t, i).t_sched != 0)
            out[n++] = trial_record(t, i).t_sched;
    qsort(out, (size_t)n, sizeof *out, by_value);
    for (int i = n - 1; i >= 0; i--)
        out[i] -= out[0];
    return n;
}

/* The verdict of a group g of a run of so many seconds, unless this machine was too slow to ask the
 * store, or to end in time. */
static void check_verdict(const struct trial *t, double seconds, const char *verdict)
{
    bool late = trial_number(t, "groups/g/lateness/p99_us") > 10000;
    bool long_ = trial_number(t, "main_seconds") > 1.03 * seconds;
    const char *got = trial_text(t, "load/verdict");
    if (strcmp(got, verdict) != 0 && !(late && strcmp(got, "generator-limited") == 0) &&
        !(long_ && strcmp(got, "missed") == 0))
        t_fail(__FILE__, __LINE__, "the load verdict is %s, expected %s", got, verdict);
}

T_TEST(run_open_loop_keeps_its_schedule)
{
    PLAY(s,
         "{'name':'p','stop':{'seconds':0.5},'groups':["
         "{'group':'g','clients':20,'arrival':{'open':{'per_s':200,"
         "'process':'uniform'}},'program':["
         "{'put':'a'},"
         "{'get':'a'}]}],'load':{'rate':{'group':'g','per_s':200,'within':0.5}}}", );
    int64_t at[400];
    int n = schedule(&s.t, at, 400);
    double runs = trial_number(&s.t, "groups/g/runs");
    T_EQ(n, runs);
    T_EQ(runs + trial_number(&s.t, "groups/g/unsent"), 100);
    for (int i = 1; i < n; i++)
        T_EQ(at[i], i * 5 * S3P_MS);
    /* only the first step of a run counts from the schedule */
    for (uint64_t i = 0; i < trial_records(&s.t); i++) {
        struct s3p_attempt r = trial_record(&s.t, i);
        T_EQ(r.t_sched != 0, r.op == S3P_OP_PUT);
        T_TRUE(r.t_sched <= r.t_call);
    }
    T_TRUE(trial_number(&s.t, "groups/g/lateness/p50_us") >= 0);
    check_verdict(&s.t, 0.5, "reached");
    end(&s);
}

/* A Poisson schedule is a function of the seed alone, whatever the number of workers. */
T_TEST(run_open_loop_schedule_does_not_depend_on_workers)
{
    static int64_t at[2][400];
    int n[2];
    for (int k = 0; k < 2; k++) {
        char plan[400];
        snprintf(plan, sizeof plan,
                 "{'name':'p','seed':5,'workers':%d,'stop':{'seconds':1.5},'groups':["
                 "{'group':'g','clients':32,'arrival':{'open':{'per_s':150}},'program':["
                 "{'put':'a'}]}]}",
                 k + 1);
        PLAY(s, plan, );
        n[k] = schedule(&s.t, at[k], 400);
        end(&s);
    }
    for (int k = 0; k < 2; k++) { /* a slow machine may leave the last ones unsent */
        int common = 0, other = 1 - k;
        for (int i = 0; i < n[k]; i++) {
            bool there = bsearch(&at[k][i], at[other], (size_t)n[other], sizeof at[0][0], by_value);
            T_TRUE(there || at[k][i] > at[other][n[other] / 2]);
            common += there;
        }
        T_TRUE(common > 20);
        T_TRUE(at[k][2] - at[k][1] != at[k][1] || at[k][3] - at[k][2] != at[k][1]);
    }
}

/* Few Poisson draws are no missed rate: some of these seeds draw fewer than 95 in 100 of what is
 * asked, and every arrival is served. */
T_TEST(run_poisson_draws_are_not_missed)
{
    for (int seed = 1; seed <= 6; seed++) {
        char plan[400];
        snprintf(plan, sizeof plan,
                 "{'name':'p','seed':%d,'stop':{'seconds':0.4},'groups':["
                 "{'group':'g','clients':32,'arrival':{'open':{'per_s':100}},'program':["
                 "{'head':'/'}]}],'load':{'rate':{'group':'g','per_s':100,'within':0.95}}}",
                 seed);
        PLAY(s, plan, {"head", 1, 1000, FAKE_ANSWER, 200, ""}, );
        check_verdict(&s.t, 0.4, "reached");
        end(&s);
    }
}

/* One client, 50 ms an answer, 100 arrivals a second: what the queue cannot hold is not sent, and
 * is counted. */
T_TEST(run_open_loop_counts_unsent)
{
    PLAY(s,
         "{'name':'p','stop':{'seconds':1.5},'groups':["
         "{'group':'g','clients':1,'arrival':{'open':{'per_s':100,'process':'uniform',"
         "'queue':2}},'program':["
         "{'put':'a'}]}],'load':{'rate':{'group':'g','per_s':100},'p50_ms':{'op':'put',"
         "'at_most':1000}}}",
         {"put", 1, 0, FAKE_SLOW, 50, NULL}, );
    double runs = trial_number(&s.t, "groups/g/runs"),
           unsent = trial_number(&s.t, "groups/g/unsent");
    T_TRUE(runs >= 4 && runs <= 31);
    T_EQ(runs + unsent, 150);
    /* when the generator was in time, it is the store that missed the rate */
    check_verdict(&s.t, 1.5, "missed");
    json_t *asked = json_object_get(json_object_get(s.t.metrics, "load"), "asked");
    T_EQ(json_array_size(asked), 2);
    T_TRUE(json_is_false(json_object_get(json_array_get(asked, 0), "met")));
    T_TRUE(json_is_true(json_object_get(json_array_get(asked, 1), "met")));
    end(&s);
}

/* A queue of two holds two: while the first answer is awaited for 150 ms the arrivals of 10 and 20
 * ms wait, and the next that finds room comes when they have begun. */
T_TEST(run_open_loop_bounds_its_queue)
{
    PLAY(s,
         "{'name':'p','stop':{'seconds':2},'deadline_ms':150,'groups':["
         "{'group':'g','clients':1,'arrival':{'open':{'per_s':100,'process':'uniform','queue':2}},"
         "'program':[{'put':'a'}]}]}",
         {"put", 1, 0, FAKE_STALL, 0, NULL}, );
    int64_t at[16];
    int n = schedule(&s.t, at, 16);
    T_TRUE(n >= 4);
    T_EQ(at[1], 10 * S3P_MS);
    T_EQ(at[2], 20 * S3P_MS);
    T_TRUE(at[3] >= 140 * S3P_MS);
    /* latency counts from the intended start: the second was meant for 10 ms and given up at 300 */
    T_TRUE(trial_number(&s.t, "ops/put/max_us") >= 280000);
    end(&s);
}

T_TEST(run_stops_after_attempts)
{
    PLAY(s,
         "{'name':'p','workers':2,'stop':{'attempts':57},'groups':[" SETUP "," TEARDOWN
         ",{'group':'w','clients':7,'arrival':{'closed':{'until':'stop'}},'program':["
         "{'put':'a'}]},{'group':'s','clients':2,'program':[{'sleep':3600000}]},"
         "{'group':'b','clients':2,'program':[{'barrier':'x'},{'barrier':'x'}]},"
         "{'group':'c','clients':1,'program':[{'sleep':3600000},{'barrier':'x'}]}]}", );
    T_EQ(trial_count(&s.t, "put", -1), 57);
    /* teardown runs after the stop rule */
    T_EQ(trial_count(&s.t, "delete_bucket", S3P_OK_OUTCOME), 1);
    T_EQ(json_array_size(json_object_get(s.t.metrics, "left_behind")), 0);
    T_TRUE(json_is_false(json_object_get(s.t.metrics, "interrupted")));
    T_TRUE(s3p_histfile_complete(s.t.file));
    end(&s);
}

T_TEST(run_stops_after_seconds)
{
    PLAY(s,
         "{'name':'p','workers':2,'stop':{'seconds':0.3},'groups':[" SETUP "," TEARDOWN
         ",{'group':'w','clients':3,'arrival':{'closed':{'until':'stop'}},'program':["
         "{'put':'a'}]},{'group':'s','clients':1,'program':[{'sleep':3600000},"
         "{'put':'z'}]}]}", );
    double seconds = trial_number(&s.t, "main_seconds");
    T_TRUE(seconds >= 0.3 && seconds < 3);
    T_TRUE(trial_number(&s.t, "groups/w/runs") > 5);
    T_EQ(trial_count(&s.t, "delete_bucket", S3P_OK_OUTCOME), 1);
    /* what was in flight was let come to its end */
    for (uint64_t i = 0; i < trial_records(&s.t); i++)
        T_EQ(trial_record(&s.t, i).outcome, S3P_OK_OUTCOME);
    end(&s);
}

static void wait_for(struct fake *f, const char *op, int n)
{
    for (int i = 0; fake_count(f, op) < n; i++) {
        if (i == 5000)
            t_fail(__FILE__, __LINE__, "%s: only %d requests came", op, fake_count(f, op));
        poll(NULL, 0, 2);
    }
}

/* Stops a run by hand when all its clients wait for an answer or for each other; how long that
 * took. */
static int64_t stop_by_hand(struct scene *s)
{
    static const struct fake_rule rules[] = {{"put", 4, 0, FAKE_STALL, 0, NULL},
                                             {"get", 1, 0, FAKE_STALL, 0, NULL},
                                             {NULL, 0, 0, FAKE_ANSWER, 0, NULL}};
    fake_start(&s->f, rules);
    trial_create(&s->t, &s->f,
                 "{'name':'p','workers':2,'groups':[" SETUP "," TEARDOWN
                 ",{'group':'w','clients':5,'program':[{'repeat':100,'do':[{'put':'a'}]}]},"
                 "{'group':'r','clients':2,'program':[{'get':'a'}]},"
                 "{'group':'b','clients':2,'program':[{'barrier':'x'}]},"
                 "{'group':'c','clients':1,'program':[{'sleep':3600000},{'barrier':'x'}]}]}",
                 true);
    trial_start(&s->t);
    wait_for(&s->f, "put", 8);
    wait_for(&s->f, "get", 2);
    T_EQ(s3p_engine_wait(s->t.engine, 1), 0);
    int64_t start = s3p_now_ns();
    s3p_engine_stop(s->t.engine);
    s3p_engine_stop(s->t.engine);
    T_EQ(s3p_engine_wait(s->t.engine, 20 * S3P_S), 1);
    return s3p_now_ns() - start;
}

/* Ctrl-C: what is in flight is unknown with no return, nothing follows, also no teardown, and it is
 * quick: within 100 ms, on a busy machine at least once in ten. */
T_TEST(run_stop_by_hand)
{
    static struct scene s;
    for (int i = 0; stop_by_hand(&s) > 100 * S3P_MS; i++) {
        T_TRUE(i < 9);
        trial_finish(&s.t, 0);
        end(&s);
    }
    trial_finish(&s.t, 0);
    T_TRUE(json_is_true(json_object_get(s.t.metrics, "interrupted")));
    T_EQ(trial_count(&s.t, "put", S3P_UNKNOWN), 5);
    T_EQ(trial_count(&s.t, "get", S3P_UNKNOWN), 2);
    T_EQ(trial_count(&s.t, "list", -1), 0);
    for (uint64_t i = 0; i < trial_records(&s.t); i++) {
        struct s3p_attempt r = trial_record(&s.t, i);
        T_EQ(r.outcome == S3P_UNKNOWN, r.t_return == INT64_MAX);
        T_TRUE(r.outcome != S3P_UNKNOWN || r.wire == S3P_WIRE_CANCELLED);
    }
    T_EQ(json_array_size(json_object_get(s.t.metrics, "left_behind")), 1);
    T_STR(json_string_value(json_array_get(json_object_get(s.t.metrics, "left_behind"), 0)),
          trial_text(&s.t, "buckets/main"));
    T_TRUE(!s3p_histfile_complete(s.t.file));
    struct s3p_progress p;
    s3p_engine_progress(s.t.engine, &p);
    T_EQ(p.phase, 3);
    T_EQ(p.in_flight, 0);
    T_EQ(p.unknown, 7);
    end(&s);
}

T_TEST(run_left_behind_after_a_failed_teardown)
{
    PLAY(s, "{'name':'p','groups':[" SETUP "," TEARDOWN "]}",
         {"delete_bucket", 1, 0, FAKE_ANSWER, 403, "AccessDenied"}, );
    T_EQ(json_array_size(json_object_get(s.t.metrics, "left_behind")), 1);
    T_EQ(trial_number(&s.t, "groups/rm/exhausted"), 1);
    end(&s);
}

T_TEST(run_without_a_store)
{
    static struct scene s;
    fake_start(&s.f, NULL);
    fake_stop(&s.f);
    trial_run(&s.t, &s.f,
              "{'name':'p','groups':[{'group':'g','clients':3,'program':[{'put':'a'}]}]}", true);
    T_EQ(trial_count(&s.t, "put", S3P_FAILED), 3);
    struct s3p_attempt r = trial_record(&s.t, 0);
    T_EQ(r.phase, S3P_PHASE_NOT_SENT);
    T_EQ(r.wire, S3P_WIRE_CONNECT);
    T_TRUE(s3p_segment_text(s3p_histfile_segment(s.t.file, 0), r.code_text).len > 0);
    trial_free(&s.t);
}

/* A wrong key shows in the setup: the run ends there, and says why. */
T_TEST(run_setup_that_fails)
{
    static struct scene s;
    static const struct fake_rule rules[] = {
        {"create_bucket", 1, 0, FAKE_ANSWER, 403, "SignatureDoesNotMatch"},
        {NULL, 0, 0, FAKE_ANSWER, 0, NULL}};
    struct s3p_buf metrics;
    struct s3p_err error;
    fake_start(&s.f, rules);
    trial_create(&s.t, &s.f,
                 "{'name':'p','groups':[" SETUP "," TEARDOWN
                 ",{'group':'g','program':[{'put':'a'}]}]}",
                 true);
    trial_start(&s.t);
    T_EQ(s3p_engine_wait(s.t.engine, 5 * S3P_S), 1);
    s3p_buf_init(&metrics, 1 << 20);
    T_EQ(s3p_engine_finish(s.t.engine, &metrics, &error), S3P_EINVAL);
    T_TRUE(strstr(error.msg, "setup: create_bucket: 403 SignatureDoesNotMatch, expected") != NULL);
    s3p_buf_free(&metrics);
    T_EQ(fake_count(&s.f, "put") + fake_count(&s.f, "list"), 0);
    end(&s);
}

/* A program that ends by itself does not go on for ever when the store has gone. */
T_TEST(run_ends_without_answers)
{
    PLAY(s,
         "{'name':'p','deadline_ms':200,'groups':[{'group':'g','clients':3,'program':["
         "{'repeat':100000000,'do':[{'get':'a'}]}]}]}",
         {"get", 9, 0, FAKE_STALL, 0, NULL}, );
    T_TRUE(trial_count(&s.t, "get", S3P_UNKNOWN) > 3);
    T_TRUE(s3p_histfile_complete(s.t.file));
    end(&s);
    static struct scene none;
    fake_start(&none.f, NULL);
    fake_stop(&none.f);
    trial_run(&none.t, &none.f,
              "{'name':'p','deadline_ms':200,'groups':[{'group':'g','clients':3,'program':["
              "{'repeat':100000000,'do':[{'get':'a'}]}]}]}",
              true);
    T_TRUE(trial_records(&none.t) >= 6 && trial_records(&none.t) <= 60);
    trial_free(&none.t);
}

static int create(const char *target, const char *history, struct s3p_err *err)
{
    char *plan = trial_json("{'name':'p','groups':[{'group':'g','program':[{'put':'a'}]}]}");
    char *json = trial_json(target);
    struct s3p_engine_opts o = {.plan_json = plan,
                                .plan_len = strlen(plan),
                                .target_json = json,
                                .target_len = strlen(json),
                                .history_path = history,
                                .histograms = true};
    struct s3p_engine *e;
    int rc = s3p_engine_create(&e, &o, err);
    if (rc == 0)
        s3p_engine_free(e);
    s3p_free(plan);
    s3p_free(json);
    return rc;
}

T_TEST(run_refuses_bad_targets)
{
    static const struct {
        const char *target, *says;
    } rows[] = {
        {"{", "target: line 1"},
        {"{}", "target.endpoints: missing"},
        {"{'endpoints':[]}", "target.endpoints: [], expected a list of 1 to 64 URLs"},
        {"{'endpoints':['ftp://x']}", "endpoint"},
        {"{'endpoints':['http://h']}", "target.access_key: missing, expected a text"},
        {"{'endpoints':['http://h'],'access_key':'a','secret_key':4242}",
         "target.secret_key: (not shown), expected a text"},
        {"{'endpoints':['http://h'],'access_key':'a','secret_key':'s','addressing':'dns'}",
         "target.addressing: \"dns\", expected one of path, virtual"},
        {"{'endpoints':['http://h'],'access_key':'a','secret_key':'s',"
         "'bucket_prefix':'0123456789012345678901234567890123456789012345678901234567'}",
         "target.bucket_prefix: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_err err = {0};
        if (create(rows[i].target, NULL, &err) != S3P_EINVAL ||
            strstr(err.msg, rows[i].says) == NULL)
            t_fail(__FILE__, __LINE__, "%s: \"%s\" does not say \"%s\"", rows[i].target, err.msg,
                   rows[i].says);
        T_TRUE(strstr(err.msg, "4242") == NULL);
    }
}

#define TARGET                                                                                     \
    "{'endpoints':['http://127.0.0.1:1'],'access_key':'a','secret_key':'s','verify_tls':false}"

T_TEST(run_wrong_order_of_calls)
{
    struct scene s;
    struct s3p_buf out;
    struct s3p_err err;
    fake_start(&s.f, NULL);
    trial_create(&s.t, &s.f, "{'name':'p','groups':[{'group':'g','program':[{'put':'a'}]}]}",
                 false);
    s3p_buf_init(&out, 1 << 20);
    T_EQ(s3p_engine_finish(s.t.engine, &out, &err), S3P_ESTATE);
    trial_start(&s.t);
    T_EQ(s3p_engine_start(s.t.engine, &err), S3P_ESTATE);
    trial_finish(&s.t, 20 * S3P_S);
    s3p_engine_stop(s.t.engine); /* after the end: nothing */
    T_TRUE(json_is_false(json_object_get(s.t.metrics, "interrupted")));
    end(&s);
    s3p_engine_free(NULL);
    T_EQ(create(TARGET, "/nonexistent/x.s3ph", &err), S3P_EIO);
}

T_TEST(run_stopped_before_it_starts)
{
    static struct scene s;
    fake_start(&s.f, NULL);
    trial_create(&s.t, &s.f, "{'name':'p','groups':[{'group':'g','program':[{'put':'a'}]}]}",
                 false);
    s3p_engine_stop(s.t.engine);
    trial_start(&s.t);
    trial_finish(&s.t, 20 * S3P_S);
    T_TRUE(json_is_true(json_object_get(s.t.metrics, "interrupted")));
    T_EQ(fake_count(&s.f, "put"), 0);
    end(&s);
}

T_TEST(run_freed_while_it_runs)
{
    static struct scene s;
    static const struct fake_rule rules[] = {{"put", 1, 0, FAKE_STALL, 0, NULL},
                                             {NULL, 0, 0, FAKE_ANSWER, 0, NULL}};
    fake_start(&s.f, rules);
    trial_create(&s.t, &s.f,
                 "{'name':'p','groups':[{'group':'g','clients':3,'program':[{'put':'a'}]}]}", true);
    trial_start(&s.t);
    wait_for(&s.f, "put", 3);
    end(&s);
}

/* Each allocation of the making fails once. */
T_TEST(run_create_out_of_memory)
{
    int rc = -1, n = 1;
    T_EQ(create(TARGET, NULL, NULL), 0); /* what libraries keep for good is there now */
    for (; rc != 0; n++) {
        struct s3p_err err = {0};
        s3p_alloc_fail_at(n + 2); /* the two texts of the helper come first */
        rc = create(TARGET, NULL, &err);
        s3p_alloc_fail_at(0);
        T_TRUE(rc == 0 || rc == S3P_ENOMEM);
        T_TRUE(n < 1000);
    }
    T_TRUE(n > 10);
}
