/* The checker with its switches (check/mutate.h) under the tests of their nouns: each switch must
 * make one of them fail. s3p-check-mutants [NAME-PREFIX…]; status 0 when all were noticed. Those of
 * the register and of windows are hunted in tests/check/test_oracle.c and test_windows.c. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check/mutate.h"
#include "check/rules.h"
#include "tests/t.h"

enum {
    JOBS = 2,
    CPU_S = 15, /* of a test: a switch may make a loop endless */
    SWITCHES = S3P_MUT_COUNT + S3P_RULE_COUNT
};

extern int s3p_check_mutant; /* register.c */

static const char *name_of(int mutant)
{
    static const char *const name[S3P_MUT_COUNT] = {
#define S3P_SWITCH(name) [S3P_MUT_##name] = #name,
        S3P_CHECK_SWITCHES(S3P_SWITCH)
#undef S3P_SWITCH
    };
    return mutant < S3P_MUT_COUNT ? name[mutant] : s3p_rule_table[mutant - S3P_MUT_COUNT].name;
}

/* Which tests hunt which switches, by the beginning of their names; those that try most come last.
 * A rule's switch has its name. */
static const struct {
    const char *noun, *tests[5];
} hunters[] = {
    {"GRADE_", {"grade_"}},
    {"PAGE_", {"pages_"}},
    {"JOIN_", {"pages_", "versions_", "nulls_"}},
    {"WALK_", {"pages_"}},
    {"WALKS_", {"versions_"}},
    {"STATE_", {"versions_", "nulls_"}},
    {"ENTRY_", {"entries_"}},
    {"FACT_", {"pages_", "nulls_", "versions_", "bucket_rules_"}},
    {"OBJECT_", {"pages_", "objects_", "bucket_rules_"}},
    {"VERSION_", {"versions_"}},
    {"NULL_", {"nulls_"}},
    {"TAGS_", {"tags_", "bucket_rules_"}},
    {"UPLOAD_", {"objects_"}},
    {"ABORTED_", {"objects_"}},
    {"COMPLETE_", {"objects_"}},
    {"COPY_", {"objects_", "metadata_"}},
    {"SOURCE_", {"sources_"}},
    {"BATCH_", {"batches_"}},
    {"ANSWER_", {"answers_"}},
    {"RULES_", {"bucket_rules_"}},
    {"REPLICA_", {"bucket_rules_"}},
    {"FLIGHT_", {"pages_", "objects_"}},
    {"ALONE_", {"check_", "metadata_", "objects_"}},
    {"LOAD_", {"check_", "blended_", "objects_", "nulls_", "metadata_"}},
    {"PART_", {"check_", "objects_", "versions_"}},
    {"STREAM_", {"stream_"}},
    {"VERDICT_", {"check_", "pages_", "versions_"}},
    {"list-", {"pages_", "versions_", "objects_"}},
    {"tags-", {"tags_"}},
    {"batch-", {"batches_"}},
    {"version-", {"versions_"}},
    {"last-", {"versions_"}},
    {"meta-", {"metadata_"}},
    {"bucket-", {"answers_"}},
    {"error-", {"answers_"}},
    {"surplus-", {"answers_"}},
    {"replica-", {"bucket_rules_"}},
    {"copy-", {"metadata_", "objects_"}},
    {"", {"check_", "objects_", "file_"}},
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool tries_most(const struct t_case *t)
{
    static const char *const slow[] = {"correct_store", "oracle", "hostile", "many", "altered"};
    bool found = false;
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
        found |= strstr(t->name, slow[i]) != NULL;
    return found;
}

/* Does the test fail with the switch on? */
static bool fails(const struct t_case *t, int mutant)
{
    static const struct rlimit hang = {CPU_S, CPU_S};
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        setrlimit(RLIMIT_CPU, &hang);
        s3p_check_mutant = mutant;
        t_run(t);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return status != 0;
}

static const struct t_case *find_hunter(int mutant, const char *prefix, bool thorough)
{
    for (const struct t_case *const *p = __start_t_cases; p < __stop_t_cases; p++)
        if (begins((*p)->name, prefix) && tries_most(*p) == thorough && fails(*p, mutant))
            return *p;
    return NULL;
}

/* The test that noticed it; NULL: none did. */
static const struct t_case *hunt(int mutant)
{
    for (size_t i = 0; i < sizeof hunters / sizeof *hunters; i++) {
        if (!begins(name_of(mutant), hunters[i].noun) ||
            (hunters[i].noun[0] == 0 && mutant < S3P_MUT_COUNT))
            continue;
        for (int thorough = 0; thorough < 2; thorough++)
            for (int k = 0; k < 5 && hunters[i].tests[k] != NULL; k++) {
                const struct t_case *t = find_hunter(mutant, hunters[i].tests[k], thorough != 0);
                if (t != NULL)
                    return t;
            }
    }
    return NULL;
}

static bool wanted(int mutant, char **names, int n)
{
    for (int i = 0; i < n; i++)
        if (begins(name_of(mutant), names[i]))
            return true;
    return n == 0 && mutant > S3P_MUT_WINDOW_LAST;
}

static int run_one(int mutant)
{
    const struct t_case *t = hunt(mutant);
    printf("%s %s%s%s\n", t != NULL ? "ok   " : "FAIL ", name_of(mutant),
           t != NULL ? ", noticed by " : " survives", t != NULL ? t->name : "");
    fflush(stdout);
    return t != NULL ? 0 : 1;
}

int main(int argc, char **argv)
{
    int live = 0, noticed = 0, survivors = 0, status;
    for (int m = S3P_MUT_NONE + 1; m < SWITCHES; m++) {
        if (!wanted(m, argv + 1, argc - 1))
            continue;
        if (live == JOBS) {
            wait(&status);
            *(status == 0 ? &noticed : &survivors) += 1;
            live--;
        }
        fflush(NULL);
        if (fork() == 0)
            _exit(run_one(m));
        live++;
    }
    for (; live > 0; live--) {
        wait(&status);
        *(status == 0 ? &noticed : &survivors) += 1;
    }
    printf("%d noticed, %d survive\n", noticed, survivors);
    return survivors != 0 || noticed == 0;
}
