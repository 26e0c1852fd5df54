/* What programs mean: results, names, loops, conditions, bodies, as seen by a store and in the
 * history. */
#include "core/clock.h"
#include "http/conn.h"
#include "s3/body.h"
#include "s3/outcome.h"
#include "tests/engine/fake.h"
#include "tests/t.h"

#define GROUP(program) "{'group':'g','program':[" program "]}"
#define PLAN(groups) "{'name':'p','seed':3,'groups':[" groups "]}"

struct scene {
    struct fake f;
    struct trial t;
};

static void end(struct scene *s)
{
    fake_stop(&s->f);
    trial_free(&s->t);
}
#define PLAY(s, plan, ...)                                                                         \
    static struct scene s;                                                                         \
    static const struct fake_rule s##_rules[] = {__VA_ARGS__{NULL, 0, 0, FAKE_ANSWER, 0, NULL}};   \
    fake_start(&s.f, s##_rules);                                                                   \
    trial_run(&s.t, &s.f, plan, true)

T_TEST(program_put_and_get_back)
{
    PLAY(s,
         PLAN(GROUP("{'put':'a','body':{'bytes':1000},'as':'w'},{'get':'a'},"
                    "{'head':'a','if_match':'w.etag'},{'get':'a','range':[64,127]},"
                    "{'get':'a','range':[960,null]},{'get':'b'}")), );
    T_EQ(trial_records(&s.t), 6);
    struct s3p_attempt put = trial_record(&s.t, 0), get = trial_record(&s.t, 1);
    struct s3p_attempt head = trial_record(&s.t, 2), range = trial_record(&s.t, 3);
    struct s3p_attempt tail = trial_record(&s.t, 4), absent = trial_record(&s.t, 5);
    T_EQ(put.outcome, S3P_OK_OUTCOME);
    T_EQ(put.size, 1000);
    T_EQ(put.body_kind, S3P_KIND_CELLS);
    T_TRUE(!s3p_id_none(put.body_id) && s3p_id_eq(put.body_id, put.meta_id));
    T_EQ(s3p_id_counter(put.body_id), 1);
    T_EQ(put.t_return > put.t_call && put.t_first >= put.t_sent, 1);
    T_EQ(get.body_verdict, S3P_BODY_CLEAN);
    T_TRUE(s3p_id_eq(get.body_id, put.body_id) && s3p_id_eq(get.meta_id, put.meta_id));
    T_EQ(get.evidence, S3P_EV_VALUE);
    T_EQ(get.bytes_in, 1000);
    T_EQ(get.last_modified, 1369353600);
    T_MEM(get.etag.b, put.etag.b, 16);
    T_EQ(head.outcome, S3P_OK_OUTCOME);
    T_EQ(head.size, 1000);
    T_EQ(head.cond, S3P_COND_IF_MATCH);
    T_MEM(head.expect_etag.b, put.etag.b, 16);
    T_EQ(range.status, 206);
    T_EQ(range.range_first, 64);
    T_EQ(range.range_len, 64);
    T_EQ(range.size, 1000);
    T_EQ(range.body_verdict, S3P_BODY_CLEAN);
    T_EQ(tail.range_len, UINT64_MAX);
    T_EQ(tail.bytes_in, 40);
    T_EQ(tail.body_verdict, S3P_BODY_CLEAN);
    T_EQ(absent.status, 404);
    T_EQ(absent.evidence, S3P_EV_ABSENT);
    T_EQ(absent.op_seq, 6);
    T_EQ(trial_number(&s.t, "ops/get/attempts"), 4);
    T_EQ(trial_number(&s.t, "ops/get/by_status/404"), 1);
    T_EQ(trial_number(&s.t, "groups/g/runs"), 1);
    end(&s);
}

T_TEST(program_bodies_of_all_sizes)
{
    PLAY(s,
         "{'name':'p','payload':'signed','groups':[" GROUP(
             "{'repeat':40,'do':["
             "{'put':'a','body':{'bytes':[0,1,63,64,65,8191,8192,8193,65537,8388608]}},"
             "{'get':'a'},{'get':'a','range':{'random':100}}]}") "]}", );
    T_EQ(s.f.bad_hashes, 0);
    T_TRUE(s.f.signed_hashes > 20);
    int clean = 0;
    for (uint64_t i = 0; i < trial_records(&s.t); i++) {
        struct s3p_attempt r = trial_record(&s.t, i);
        if (r.op == S3P_OP_GET && r.range_len == 0) {
            T_EQ(r.body_verdict, S3P_BODY_CLEAN);
            T_TRUE(s3p_id_eq(r.body_id, trial_record(&s.t, i - 1).body_id));
            clean++;
        }
        if (r.op == S3P_OP_GET && r.range_len != 0 && r.status == 206)
            T_TRUE(r.body_verdict == S3P_BODY_CLEAN || r.body_verdict == S3P_BODY_OPAQUE);
    }
    T_EQ(clean, 40);
    end(&s);
}

/* Compare-and-swap by eight clients on two workers: no increment is lost. */
T_TEST(program_cas_loop)
{
    PLAY(s,
         "{'name':'p','workers':2,'groups':[{'group':'s','phase':'setup','program':["
         "{'put':'c','body':{'counter':0},'if_none_match':'*'}]},"
         "{'group':'g','clients':8,'program':[{'barrier':'go'},{'repeat':5,'do':["
         "{'repeat':{'until':'ok','at_most':1000},'do':[{'get':'c','as':'seen'},"
         "{'put':'c','if_match':'seen.etag','body':{'counter':'seen.counter + 1'}},"
         "{'when':[409,412],'do':[{'sleep':{'full_jitter_ms':[1,8]}}]}]}]}]},"
         "{'group':'e','phase':'teardown','program':[{'get':'c'}]}]}", );
    struct s3p_attempt last = trial_record(&s.t, trial_records(&s.t) - 1);
    /* segments of two workers: the teardown's is not always last */
    for (uint64_t i = 0; i < trial_records(&s.t); i++)
        if (trial_record(&s.t, i).run_phase == 2)
            last = trial_record(&s.t, i);
    T_EQ(last.counter, 40);
    json_t *commits = json_object_get(json_object_get(json_object_get(s.t.metrics, "groups"), "g"),
                                      "commits_by_client");
    T_EQ(json_array_size(commits), 8);
    for (size_t i = 0; i < 8; i++)
        T_EQ(json_integer_value(json_array_get(commits, i)), 5);
    T_EQ(trial_count(&s.t, "put", S3P_OK_OUTCOME), 41);
    T_EQ(trial_number(&s.t, "groups/g/exhausted"), 0);
    end(&s);
}

/* The back-off grows with the rounds of its loop, also when a read between succeeds: 32 clients
 * draw from up to 1, 2, … 128 ms, so the longest of their sums is far above eight draws of one. */
T_TEST(program_jitter_grows)
{
    PLAY(s,
         "{'name':'p','groups':[{'group':'g','clients':32,'program':["
         "{'repeat':{'until':'ok','at_most':8},'do':[{'get':'a'},{'put':'b','if_match':'*'},"
         "{'sleep':{'full_jitter_ms':[1,1000]}}]}]}]}",
         {"put", 1, 100000, FAKE_ANSWER, 412, "PreconditionFailed"}, );
    int64_t first = INT64_MAX, last = 0;
    for (uint64_t i = 0; i < trial_records(&s.t); i++) {
        int64_t t = trial_record(&s.t, i).t_call;
        first = t < first ? t : first;
        last = t > last ? t : last;
    }
    T_EQ(trial_number(&s.t, "groups/g/exhausted"), 32);
    T_TRUE(last - first > 40 * S3P_MS);
    end(&s);
}

T_TEST(program_unknown_ends_the_loop)
{
    PLAY(s,
         PLAN(GROUP("{'repeat':{'until':'ok','at_most':9},'do':[{'repeat':3,'do':[{'put':'a'}]},"
                    "{'get':'x'}]},{'head':'a'}")),
         {"put", 2, 2, FAKE_CLOSE, 0, NULL}, );
    T_EQ(fake_count(&s.f, "put"), 2);
    T_EQ(fake_count(&s.f, "get"), 0);
    T_EQ(fake_count(&s.f, "head"), 1);
    T_EQ(trial_number(&s.t, "groups/g/unknown"), 1);
    T_EQ(trial_number(&s.t, "groups/g/exhausted"), 0);
    T_EQ(trial_count(&s.t, "put", S3P_UNKNOWN), 1);
    struct s3p_attempt r = trial_record(&s.t, 1);
    T_EQ(r.t_return, INT64_MAX);
    T_EQ(r.wire, S3P_WIRE_EOF);
    T_EQ(r.phase, S3P_PHASE_SENT);
    end(&s);
}

T_TEST(program_500_is_unknown_for_writes_and_failed_for_reads)
{
    PLAY(s,
         PLAN(GROUP("{'repeat':{'until':'ok','at_most':4},'do':[{'get':'a'}]},"
                    "{'repeat':{'until':'ok','at_most':4},'do':[{'put':'a'}]}")),
         {"get", 1, 0, FAKE_ANSWER, 500, "InternalError"},
         {"put", 1, 0, FAKE_ANSWER, 500, "InternalError"}, );
    T_EQ(fake_count(&s.f, "get"), 4);
    T_EQ(fake_count(&s.f, "put"), 1);
    T_EQ(trial_number(&s.t, "groups/g/exhausted"), 1);
    T_EQ(trial_number(&s.t, "groups/g/unknown"), 1);
    T_EQ(trial_count(&s.t, "get", S3P_FAILED), 4);
    end(&s);
}

T_TEST(program_handles_unknown_by_reading_back)
{
    PLAY(s,
         PLAN(GROUP("{'repeat':{'until':'ok','at_most':9},'do':[{'put':'a'},"
                    "{'when':['unknown'],'do':[{'get':'a'}]}]}")),
         {"put", 1, 1, FAKE_DO_CLOSE, 0, NULL}, );
    T_EQ(fake_count(&s.f, "put"), 1);
    T_EQ(fake_count(&s.f, "get"), 1);
    T_EQ(trial_number(&s.t, "groups/g/unknown"), 0);
    end(&s);
}

/* A retry of a write whose fate is unknown: its refusal may come from its own earlier attempt. */
T_TEST(program_failure_after_ambiguous_attempt_is_unknown)
{
    PLAY(s,
         PLAN(GROUP("{'repeat':{'until':'ok','at_most':9},'do':[{'put':'a','if_none_match':'*'},"
                    "{'when':['unknown'],'do':[{'get':'b'}]}]}")),
         {"put", 1, 1, FAKE_DO_CLOSE, 0, NULL}, {"get", 2, 2, FAKE_SLOW, 0, NULL}, );
    /* put unknown, get b 404, put 412: unknown, get b 404, …: nine rounds, all one operation */
    T_EQ(trial_number(&s.t, "groups/g/exhausted"), 1);
    struct s3p_attempt first = trial_record(&s.t, 0), second = trial_record(&s.t, 2);
    T_EQ(second.op, S3P_OP_PUT);
    T_EQ(second.status, 412);
    T_EQ(second.outcome, S3P_UNKNOWN);
    T_EQ(second.evidence, S3P_EV_NONE);
    T_EQ(second.flags & S3P_FLAG_RETRY_AMBIGUOUS, S3P_FLAG_RETRY_AMBIGUOUS);
    T_EQ(second.op_seq, first.op_seq);
    T_EQ(first.attempt, 0);
    T_EQ(second.attempt, 1);
    T_EQ(trial_record(&s.t, 4).attempt, 2);
    T_TRUE(!s3p_id_eq(first.body_id, second.body_id));
    T_EQ(first.flags, 0);
    end(&s);
}

/* After an ordinary failure the next round is a new operation. */
T_TEST(program_loop_rounds_are_new_operations)
{
    PLAY(s, PLAN(GROUP("{'repeat':{'until':'ok','at_most':9},'do':[{'put':'a'}]}")),
         {"put", 1, 2, FAKE_ANSWER, 409, "OperationAborted"}, );
    T_EQ(trial_records(&s.t), 3);
    for (uint64_t i = 0; i < 3; i++) {
        T_EQ(trial_record(&s.t, i).op_seq, i + 1);
        T_EQ(trial_record(&s.t, i).attempt, 0);
        T_EQ(trial_record(&s.t, i).flags, 0);
    }
    end(&s);
}

/* Each `when` that holds puts, each that does not deletes. */
static void check_when(const char *classes, int puts)
{
    char plan[800];
    static struct scene s;
    static const struct fake_rule rules[] = {{"head", 1, 0, FAKE_ANSWER, 403, "AccessDenied"},
                                             {"get", 1, 0, FAKE_ANSWER, 409, "OperationAborted"},
                                             {NULL, 0, 0, FAKE_ANSWER, 0, NULL}};
    snprintf(plan, sizeof plan,
             PLAN(GROUP(
                 "{'put':'z'},{'get':'a'},{'when':%s,'do':[{'put':'b'}],'else':[{'delete':'b'}]}")),
             classes);
    fake_start(&s.f, rules);
    trial_run(&s.t, &s.f, plan, false);
    if (fake_count(&s.f, "put") != puts + 1 || fake_count(&s.f, "delete") != 1 - puts)
        t_fail(__FILE__, __LINE__, "when %s: %d puts", classes, fake_count(&s.f, "put"));
    end(&s);
}

T_TEST(program_when)
{
    check_when("[409]", 1);
    check_when("[412,409]", 1);
    check_when("[412]", 0);
    check_when("['OperationAborted']", 1);
    check_when("['NoSuchKey']", 0);
    check_when("['failed']", 1);
    check_when("['ok']", 0);
    check_when("['unknown']", 0);
    check_when("['unknown','failed']", 1);
    check_when("{'equal':[3,'2 + 1']}", 1);
    check_when("{'equal':[3,4]}", 0);
}

T_TEST(program_names)
{
    PLAY(s,
         PLAN(GROUP("{'when':['ok'],'do':[{'put':'never'}]}," /* no step yet: nothing holds */
                    "{'get':'a','as':'x'},"
                    "{'put':'a','if_match':'x.etag','body':{'counter':'x.counter + 5'}},"
                    "{'put':'a','body':{'counter':'x.counter - 7'},'as':'w'},{'get':'a','as':'x'},"
                    "{'get':'missing','as':'x'}," /* failed: x keeps what it has */
                    "{'when':{'equal':['x.etag','w.etag']},'do':["
                    "{'put':'x.key','if_match':'x.etag','body':{'counter':'x.counter'}}]},"
                    "{'when':{'equal':['x.size','w.size']},'do':["
                    "{'head':'a','if_none_match':'x.etag'}]}")), );
    struct s3p_attempt none = trial_record(&s.t, 1), kept = trial_record(&s.t, 5),
                       head = trial_record(&s.t, 6);
    struct s3p_etag expect = s3p_etag_parse("\"none\"", 6);
    T_EQ(none.op, S3P_OP_PUT);
    T_EQ(none.expect_form, S3P_ETAG_HASHED);
    T_MEM(none.expect_etag.b, expect.b, 16);
    T_EQ(none.counter, 5);
    T_EQ(trial_record(&s.t, 2).counter, -7);
    T_EQ(trial_record(&s.t, 3).counter, -7);
    T_EQ(kept.op, S3P_OP_PUT);
    T_EQ(kept.outcome, S3P_OK_OUTCOME);
    T_EQ(kept.counter, -7);
    T_EQ(head.op, S3P_OP_HEAD);
    T_EQ(fake_count(&s.f, "put"), 3);
    end(&s);
}

T_TEST(program_lists_and_batch_deletes)
{
    PLAY(s,
         "{'name':'p','spaces':{'u':{'kind':'sequence','prefix':'u/','count':5}},'groups':[" GROUP(
             "{'repeat':5,'do':[{'choose':'u','as':'k'},{'put':'k.key'}]},{'put':'stuck'},"
             "{'list':'main','max_keys':4,'as':'p'},"
             "{'list':'main','token':'p.token','as':'q'},{'delete_objects':'q.keys'},"
             "{'delete_objects':'p.keys'},{'when':['AccessDenied','failed'],'do':["
             "{'head':'stuck'}]},{'list':'main','prefix':'a b','as':'p'}") "]}", );
    struct s3p_attempt page = trial_record(&s.t, 6), rest = trial_record(&s.t, 7);
    T_EQ(page.op, S3P_OP_LIST);
    T_EQ(page.entries_count, 4);
    T_EQ(page.flags, S3P_FLAG_TRUNCATED);
    T_EQ(rest.entries_count, 2);
    T_EQ(rest.flags, 0);
    const struct s3p_segment_view *v = s3p_histfile_segment(s.t.file, 0);
    for (uint32_t i = 0; i < 4; i++) {
        const struct s3p_entry *e = &v->entries[page.entries_first + i];
        T_EQ(e->space, i == 0); /* "stuck" comes first: of the implicit space */
        T_EQ(e->key_index, i == 0 ? 0 : i - 1);
        T_EQ(e->size, 1024);
        T_EQ(e->etag_form, S3P_ETAG_DIGEST);
    }
    T_EQ(v->entries[rest.entries_first].key_index, 3);
    T_EQ(trial_count(&s.t, "delete_objects", S3P_OK_OUTCOME), 2);
    T_EQ(trial_count(&s.t, "delete_child", S3P_OK_OUTCOME), 5);
    T_EQ(trial_count(&s.t, "delete_child", S3P_FAILED), 1);
    struct s3p_attempt child = trial_record(&s.t, 9);
    T_EQ(child.op, S3P_OP_DELETE_CHILD);
    T_EQ(child.parent, 9);
    T_EQ(fake_count(&s.f, "head"), 1); /* the batch with a failed key is a failed step */
    T_EQ(trial_number(&s.t, "ops/delete_objects/attempts"), 2);
    struct s3p_attempt last = trial_record(&s.t, trial_records(&s.t) - 1);
    struct s3p_str args = s3p_segment_text(v, last.list_args);
    T_EQ(args.len, 12);
    T_MEM(args.p, "prefix=a%20b", 12);
    end(&s);
}

T_TEST(program_empty_batch_is_no_step)
{
    PLAY(s,
         PLAN(GROUP("{'list':'main','as':'p'},{'get':'nothing'},{'delete_objects':'p.keys'},"
                    "{'when':[404],'do':[{'head':'x'}]}")), );
    T_EQ(fake_count(&s.f, "delete_objects"), 0);
    T_EQ(fake_count(&s.f, "head"), 1);
    end(&s);
}

T_TEST(program_deadline_is_unknown)
{
    PLAY(s, "{'name':'p','deadline_ms':1500,'groups':[" GROUP("{'put':'a'},{'put':'b'}") "]}",
         {"put", 1, 1, FAKE_STALL, 0, NULL}, );
    struct s3p_attempt r = trial_record(&s.t, 0);
    T_EQ(r.outcome, S3P_UNKNOWN);
    T_EQ(r.wire, S3P_WIRE_TIMEOUT);
    T_EQ(trial_record(&s.t, 1).outcome, S3P_OK_OUTCOME);
    T_TRUE(trial_number(&s.t, "ops/put/max_us") >= 1500000);
    end(&s);
}

T_TEST(program_constant_bodies_are_not_judged)
{
    PLAY(s,
         PLAN(GROUP("{'put':'c','body':{'constant':500}},{'get':'c'},{'put':'d'},{'get':'d'}")), );
    T_EQ(trial_record(&s.t, 0).body_kind, S3P_KIND_CONSTANT);
    T_EQ(trial_record(&s.t, 1).body_verdict, S3P_BODY_NONE);
    T_EQ(trial_record(&s.t, 1).bytes_in, 500);
    T_EQ(trial_record(&s.t, 3).body_verdict, S3P_BODY_CLEAN);
    end(&s);
}

/* The epoch rule: a key is deleted once, after all its writes have returned, and never written
 * again. */
T_TEST(program_lifecycle_keeps_the_epoch_rule)
{
    PLAY(s,
         "{'name':'p','workers':2,'spaces':{'l':{'kind':'lifecycle','prefix':'l/',"
         "'count':60}},'groups':["
         "{'group':'w','clients':4,'arrival':{'closed':{'times':12}},'program':["
         "{'choose':'l','take':'fresh','as':'k'},{'put':'k.key'},{'put':'k.key'}]},"
         "{'group':'d','clients':3,'arrival':{'closed':{'until':'others'}},'program':["
         "{'choose':'l','take':'acked','as':'k'},{'delete':'k.key'}]},"
         "{'group':'r','clients':3,'arrival':{'closed':{'until':'others'}},'program':["
         "{'choose':'l','take':'any','as':'k'},{'get':'k.key'}]}]}",
         {"put", 7, 7, FAKE_DO_CLOSE, 0, NULL}, );
    int64_t written[60] = {0}, deleted[60];
    bool unknown[60] = {false};
    int deletes = 0;
    for (int i = 0; i < 60; i++)
        deleted[i] = INT64_MAX;
    for (uint64_t i = 0; i < trial_records(&s.t); i++) {
        struct s3p_attempt r = trial_record(&s.t, i);
        T_EQ(r.worker, 0);
        if (r.op == S3P_OP_PUT) {
            written[r.key_index] =
                r.t_return > written[r.key_index] ? r.t_return : written[r.key_index];
            unknown[r.key_index] |= r.outcome == S3P_UNKNOWN;
        }
        if (r.op == S3P_OP_DELETE) {
            T_EQ(deleted[r.key_index], INT64_MAX);
            deleted[r.key_index] = r.t_call;
            deletes++;
        }
    }
    int unknowns = 0;
    for (int i = 0; i < 60; i++) {
        unknowns += unknown[i];
        T_TRUE(deleted[i] == INT64_MAX ||
               (deleted[i] >= written[i] && !unknown[i] && written[i] != 0));
    }
    T_EQ(unknowns, 1);
    T_TRUE(deletes > 5);
    T_TRUE(trial_number(&s.t, "groups/r/no_key") >= 0);
    end(&s);
}

T_TEST(program_own_keys_and_choices_without_keys)
{
    PLAY(s,
         "{'name':'p','spaces':{'o':{'kind':'own','prefix':'o/','count':2},"
         "'s':{'kind':'sequence','prefix':'s/','count':3}},'groups':["
         "{'group':'g','clients':2,'arrival':{'closed':{'times':3}},'program':["
         "{'choose':'o','as':'k'},{'put':'k.key'},{'choose':'s','as':'k'},"
         "{'put':'k.key'}]}]}", );
    T_EQ(trial_number(&s.t, "groups/g/runs"), 6);
    T_EQ(trial_number(&s.t, "groups/g/no_key"), 3);
    T_EQ(trial_records(&s.t), 9);
    T_EQ(s.f.nobjects, 2 * 2 + 3);
    T_STR(s.f.objects[3].key, "o/00001/00000001");
    end(&s);
}
