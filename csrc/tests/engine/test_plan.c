#include <dirent.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "engine/plan.h"
#include "tests/engine/fake.h"
#include "tests/t.h"

#define GOOD "tests/plans/good"
#define BAD "tests/plans/bad"

static int check_file(const char *dir, const char *name, struct s3p_err *err)
{
    char path[512];
    size_t len;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    char *json = t_read(path, &len);
    int rc = s3p_plan_check(json, len, err);
    s3p_free(json);
    return rc;
}

static bool is_json(const char *name)
{
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".json") == 0;
}

/* The files are found from the root of the repository, where the runner stands. */
static int for_each(const char *dir, void (*fn)(const char *name))
{
    DIR *d = opendir(dir);
    int n = 0;
    if (d == NULL)
        t_fail(__FILE__, __LINE__, "%s: no such directory", dir);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (!is_json(e->d_name))
            continue;
        fn(e->d_name);
        n++;
    }
    closedir(d);
    return n;
}

static void check_good(const char *name)
{
    struct s3p_err err = {0};
    if (check_file(GOOD, name, &err) != 0)
        t_fail(__FILE__, __LINE__, "%s: %s", name, err.msg);
}

T_TEST(plan_good_files)
{
    T_TRUE(for_each(GOOD, check_good) >= 5);
}

static void check_bad(const char *name)
{
    struct s3p_err err = {0};
    char path[512];
    size_t len;
    snprintf(path, sizeof path, "%s/%.*s.expect", BAD, (int)strlen(name) - 5, name);
    char *expect = t_read(path, &len);
    expect[strcspn(expect, "\n")] = 0;
    int rc = check_file(BAD, name, &err);
    if (rc != S3P_EINVAL || strstr(err.msg, expect) == NULL || strchr(err.msg, '\n') != NULL)
        t_fail(__FILE__, __LINE__, "%s: %d, \"%s\" does not say \"%s\"", name, rc, err.msg, expect);
    s3p_free(expect);
}

T_TEST(plan_bad_files)
{
    T_TRUE(for_each(BAD, check_bad) >= 80);
}

static struct s3p_plan *parse(const char *json)
{
    struct s3p_plan *plan = NULL;
    char *text = trial_json(json);
    T_OK(s3p_plan_parse(&plan, text, strlen(text), err));
    s3p_free(text);
    return plan;
}

T_TEST(plan_compiles_jumps)
{
    struct s3p_plan *plan =
        parse("{'name':'p','groups':[{'group':'g','program':["
              "{'repeat':{'until':'ok','at_most':5},'do':[{'put':'a'},{'when':[412],'do':["
              "{'sleep':1}],'else':[{'put':'b'},{'when':['unknown'],'do':[{'get':'b'}]}]}]},"
              "{'get':'a'}]}]}");
    const struct s3p_step *s = plan->group[0].program.steps;
    /* 0 enter, 1 put a, 2 when, 3 sleep, 4 jump, 5 put b, 6 when, 7 get b, 8 back, 9 get a, 10 end
     */
    T_EQ(plan->group[0].program.nsteps, 11);
    T_EQ(s[0].kind, S3P_STEP_LOOP_ENTER);
    T_EQ(s[0].target, 9);
    T_EQ(s[1].unknown_exit, 9);
    T_EQ(s[2].target, 5);
    T_EQ(s[4].target, 8);
    T_EQ(s[5].unknown_exit, 0); /* handled by the `when` behind it */
    T_EQ(s[6].target, 8);
    T_EQ(s[8].target, 1);
    T_EQ(s[9].unknown_exit, 0);
    T_EQ(s[10].kind, S3P_STEP_END);
    s3p_plan_free(plan);
}

T_TEST(plan_resolves_literal_keys)
{
    struct s3p_plan *plan =
        parse("{'name':'p','buckets':['main','b'],'spaces':{'hot':{'kind':'fixed',"
              "'keys':['x','hot/object']},'u':{'kind':'uniform','prefix':'u/','count':7}},"
              "'groups':["
              "{'group':'g','program':[{'put':'hot/object'},{'put':'u/00000006'},"
              "{'put':'u/00000007'},{'put':'z'},{'put':'u/00000007'},"
              "{'put':'z','bucket':'b'}]}]}");
    const struct s3p_step *s = plan->group[0].program.steps;
    T_EQ(plan->spaces.n, 4);
    static const struct s3p_keyref want[] = {{1, 0}, {6, 1}, {0, 2}, {1, 2}, {0, 2}, {0, 3}};
    for (int i = 0; i < 6; i++) {
        T_EQ(s[i].u.object.key.ref.space, want[i].space);
        T_EQ(s[i].u.object.key.ref.index, want[i].index);
    }
    T_EQ(plan->spaces.space[2].bucket, 0);
    T_EQ(plan->spaces.space[3].bucket, 1);
    s3p_plan_free(plan);
}

/* Every allocation of the parser fails once: no leak (the runner counts), no crash, and a plain
 * error. */
T_TEST(plan_out_of_memory)
{
    size_t len;
    char *json = t_read(GOOD "/spaces.json", &len);
    int rc = -1;
    for (int64_t n = 1; rc != 0; n++) {
        struct s3p_err err = {0};
        s3p_alloc_fail_at(n);
        rc = s3p_plan_check(json, len, &err);
        s3p_alloc_fail_at(0);
        T_TRUE(rc == 0 || rc == S3P_ENOMEM);
        T_TRUE(n < 10000);
    }
    s3p_free(json);
}

T_TEST(plan_memory_grows_with_clients)
{
    struct s3p_plan *a =
        parse("{'name':'p','groups':[{'group':'g','clients':10,'program':[{'get':'a'}]}]}");
    struct s3p_plan *b =
        parse("{'name':'p','groups':[{'group':'g','clients':1010,'program':[{'get':'a'}]}]}");
    T_EQ(s3p_plan_memory(b) - s3p_plan_memory(a), 1000 * S3P_CLIENT_BYTES);
    s3p_plan_free(a);
    s3p_plan_free(b);
}
