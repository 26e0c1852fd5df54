/* How fast are pages judged? s3p_listbench FOLDER prints one JSON line: entries a second on one
 * thread, structure and membership, of pages of 1,000 entries over a million keys. The history is
 * written to a file in FOLDER and removed; only the judging is timed, the best of the rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/pages.h"
#include "check/walks.h"
#include "core/clock.h"
#include "history/writer.h"
#include "s3/op.h"
#include "s3/outcome.h"

enum { KEYS = 1000000, PAGES = 1000, ENTRIES = 1000, ROUNDS = 10 };

static const char header[] =
    "{\"format\":1,\"run\":\"0102030405ff\",\"seed\":1,\"plan\":{},\"profile\":{},"
    "\"endpoints\":[\"a\"],\"buckets\":[{\"role\":\"main\",\"name\":\"m\"}],"
    "\"spaces\":[{\"name\":\"keys\",\"bucket\":0,\"kind\":\"uniform\",\"prefix\":\"objs/\","
    "\"count\":1000000}],\"groups\":[\"g\"],\"clock\":{\"mono_ns\":1,\"wall_ns\":1}}";

static void die(const struct s3p_err *err)
{
    fprintf(stderr, "s3p_listbench: %s\n", err->msg);
    exit(2);
}

/* A walk over all keys, a thousand at a time. */
static void write_pages(const char *path, struct s3p_err *err)
{
    struct s3p_history *h;
    if (s3p_history_create(&h, path, header, sizeof header - 1, 1, err) != 0)
        die(err);
    struct s3p_appender *a = s3p_history_appender(h, 0);
    for (uint32_t p = 0; p < PAGES; p++) {
        char args[64], next[64];
        struct s3p_attempt r;
        s3p_attempt_clear(&r);
        r.op = S3P_OP_LIST;
        r.outcome = S3P_OK_OUTCOME;
        r.t_call = 1000 + p;
        r.t_return = 1001 + p;
        int nargs = snprintf(args, sizeof args, p == 0 ? "" : "continuation-token=t%u", p - 1);
        int nnext = snprintf(next, sizeof next, "continuation-token=t%u", p);
        s3p_append_begin(a, sizeof args + sizeof next, ENTRIES);
        r.list_args = s3p_append_text(a, args, (size_t)nargs);
        if (p + 1 < PAGES) {
            r.flags = S3P_FLAG_TRUNCATED;
            r.list_next = s3p_append_text(a, next, (size_t)nnext);
        }
        for (uint32_t i = 0; i < ENTRIES; i++) {
            struct s3p_entry e = {.key_index = (uint64_t)p * ENTRIES + i, .size = 64};
            uint32_t at = s3p_append_entry(a, &e);
            r.entries_first = i == 0 ? at : r.entries_first;
        }
        r.entries_count = ENTRIES;
        s3p_append(a, &r);
    }
    if (s3p_history_close(h, true, err) != 0)
        die(err);
}

/* Every key was written once, before all pages. */
static void add_keys(struct s3p_lists *l, struct s3p_err *err)
{
    struct s3p_windows w = {0};
    for (uint64_t k = 0; k < KEYS; k++) {
        struct s3p_fact f = {1, 2, (uint32_t)k, S3P_FACT_MAKES | S3P_FACT_THERE, 0};
        struct s3p_member m = {.index = k};
        if (s3p_members_add(&l->set[S3P_LIST_OBJECTS], &w, &m, &f, 1, err) != 0)
            die(err);
    }
    s3p_windows_free(&w);
}

static double judge(const struct s3p_lists *l, struct s3p_tally *t, struct s3p_err *err)
{
    struct s3p_lister *w;
    double best = 0;
    if (s3p_lister_create(&w, l, err) != 0)
        die(err);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t begun = s3p_thread_cpu_ns();
        for (uint32_t unit = 0; unit < s3p_lists_units(l); unit++)
            if (s3p_lists_judge(w, unit, t, err) != 0)
                die(err);
        double per_s = (double)PAGES * ENTRIES / ((double)(s3p_thread_cpu_ns() - begun) / 1e9);
        best = per_s > best ? per_s : best;
    }
    s3p_lister_free(w);
    return best;
}

int main(int argc, char **argv)
{
    struct s3p_err err = {0};
    struct s3p_histfile *f;
    struct s3p_head head;
    struct s3p_keymap map;
    struct s3p_walks walks;
    struct s3p_lists lists;
    struct s3p_tally tally;
    char path[4096];
    if (argc != 2) {
        fprintf(stderr, "usage: s3p_listbench FOLDER\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/s3p-listbench-%d.s3ph", argv[1], (int)getpid());
    write_pages(path, &err);
    if (s3p_histfile_open(&f, path, false, &err) != 0 || s3p_head_read(&head, f, NULL, &err) != 0 ||
        s3p_keymap_create(&map, &head, &err) != 0 ||
        s3p_walks_build(&walks, f, &head, &err) != 0 ||
        s3p_lists_init(&lists, f, &head, &map, &walks, &err) != 0 ||
        s3p_tally_init(&tally, head.spaces, 1, &err) != 0)
        die(&err);
    unlink(path);
    add_keys(&lists, &err);
    if (s3p_lists_settle(&lists, &tally, &err) != 0)
        die(&err);
    double per_s = judge(&lists, &tally, &err);
    bool right = tally.page_entries == (uint64_t)ROUNDS * PAGES * ENTRIES;
    for (int rule = 0; rule < S3P_RULE_COUNT; rule++)
        right = right && tally.by_rule[rule] == 0;
    printf("{\"keys\":%d,\"pages\":%d,\"entries_per_s\":%.0f}\n", KEYS, PAGES, per_s);
    s3p_tally_free(&tally);
    s3p_lists_free(&lists);
    s3p_walks_free(&walks);
    s3p_keymap_free(&map);
    s3p_head_free(&head);
    s3p_histfile_close(f);
    return right ? 0 : 2;
}
