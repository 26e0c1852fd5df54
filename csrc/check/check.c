#include "check/check.h"

#include <string.h>
#include <sys/mman.h>

#include "check/answers.h"
#include "check/batches.h"
#include "check/bucket_rules.h"
#include "check/gather.h"
#include "check/load.h"
#include "check/pages.h"
#include "check/parallel.h"
#include "check/partition.h"
#include "check/replicas.h"
#include "check/verdict.h"
#include "check/versions.h"
#include "core/alloc.h"
#include "core/clock.h"

enum { THREADS_MAX = 64, KEEP_DEFAULT = 20, HUGE_PAGE = 2 << 20 };
#define MEMORY_DEFAULT (UINT64_C(1) << 30)

struct check {
    /* immutable after start */
    struct s3p_histfile *file;
    struct s3p_head head;
    struct s3p_bucket_rules *rules;
    struct s3p_keymap map;
    struct s3p_objects objects;
    struct s3p_lists lists; /* its members: one thread, between the parallel steps */
    struct s3p_walks walks;
    int threads, keep;
    uint64_t memory_bytes;
    /* one thread a segment */
    struct s3p_load load;
    /* one thread each */
    struct s3p_tally tally[THREADS_MAX];
    struct s3p_part *part[THREADS_MAX];
    struct s3p_members listed[THREADS_MAX];
    struct s3p_lister *lister[THREADS_MAX];
    /* the group of partitions in memory: between the parallel steps only */
    struct s3p_kept *rows;
    uint64_t rows_cap;
    struct s3p_kept **out; /* per partition of the group */
    uint32_t from, to;
    bool judge, alone, streams; /* one partition that is large; too large to be in memory */
};

/* All that is done with a segment while it is in the cache for the first time. */
static int open_segment(void *ctx, int thread, uint64_t segment, struct s3p_err *err)
{
    struct check *c = ctx;
    (void)thread;
    S3P_TRY(s3p_histfile_verify(c->file, (uint32_t)segment, err));
    S3P_TRY(s3p_load_count(&c->load, (uint32_t)segment, err));
    const struct s3p_segment_view *s = s3p_histfile_segment(c->file, (uint32_t)segment);
    s3p_histfile_forget(c->file, s->entries, s->entries + s->nentries); /* the columns come next */
    return 0;
}

static int load_segment(void *ctx, int thread, uint64_t segment, struct s3p_err *err)
{
    struct check *c = ctx;
    s3p_tally_unit(&c->tally[thread]);
    S3P_TRY(s3p_load_rows(&c->load, (uint32_t)segment, c->from, c->to, c->out, c->judge,
                          &c->tally[thread], err));
    const struct s3p_segment_view *s = s3p_histfile_segment(c->file, (uint32_t)segment);
    s3p_histfile_forget(c->file, s->column[0], s->entries + s->nentries);
    return 0;
}

static int check_partition(void *ctx, int thread, uint64_t unit, struct s3p_err *err)
{
    struct check *c = ctx;
    return s3p_part_check(c->part[thread], c->out[unit], (uint32_t)c->load.rows[c->from + unit],
                          c->alone ? c->memory_bytes : UINT64_MAX, &c->tally[thread], err);
}

static int judge_pages(void *ctx, int thread, uint64_t unit, struct s3p_err *err)
{
    struct check *c = ctx;
    return s3p_lists_judge(c->lister[thread], (uint32_t)unit, &c->tally[thread], err);
}

/* The next partitions that fit into memory together; a large one is alone, with one thread. */
static int choose_group(struct check *c, uint64_t *rows, int *threads, struct s3p_err *err)
{
    uint64_t half = c->memory_bytes / 2;
    *rows = c->load.rows[c->from];
    *threads = c->threads;
    c->to = c->from + 1;
    c->alone = s3p_part_bytes(*rows) > half / (uint64_t)c->threads;
    c->streams = false;
    if (c->alone) {
        bool listed = c->lists.wanted[S3P_LIST_OBJECTS];
        uint64_t need = s3p_part_settled_bytes(*rows, *rows, listed) +
                        *rows * sizeof(struct s3p_kept);
        *threads = 1;
        c->streams = need > c->memory_bytes && !listed && c->rules == NULL;
        if (need > c->memory_bytes && !c->streams)
            return s3p_fail(err, S3P_ELIMIT, 0,
                            "the checker's memory bound of %llu MiB is too small: one partition of "
                            "keys needs %llu MiB",
                            (unsigned long long)(c->memory_bytes >> 20),
                            (unsigned long long)(need >> 20) + 1);
        return 0;
    }
    for (; c->to < c->load.partitions; c->to++) {
        uint64_t next = c->load.rows[c->to];
        if ((*rows + next) * sizeof(struct s3p_kept) > half ||
            s3p_part_bytes(next) > half / (uint64_t)c->threads)
            break;
        *rows += next;
    }
    return 0;
}

/* Room for the group's rows, in huge pages: touching it the first time is a good part of the
 * checker's time. */
static int reserve_rows(struct check *c, uint64_t rows, struct s3p_err *err)
{
    if (rows <= c->rows_cap && c->rows != NULL)
        return 0;
    size_t bytes = (rows * sizeof *c->rows + HUGE_PAGE) / HUGE_PAGE * HUGE_PAGE;
    s3p_free(c->rows);
    c->rows = s3p_alloc_aligned(HUGE_PAGE, bytes);
    if (c->rows == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%llu rows", (unsigned long long)rows);
    c->rows_cap = rows;
    (void)madvise(c->rows, bytes, MADV_HUGEPAGE); /* a hint */
    return 0;
}

static int check_group(struct check *c, uint64_t rows, int threads, struct s3p_err *err)
{
    if (c->streams) {
        s3p_free(c->rows);
        c->rows = NULL;
        return s3p_part_stream(c->part[0], &c->load, c->from, c->judge, c->memory_bytes,
                               &c->tally[0], err);
    }
    S3P_TRY(reserve_rows(c, rows, err));
    struct s3p_kept *at = c->rows;
    for (uint32_t p = c->from; p < c->to; p++) {
        c->out[p - c->from] = at;
        at += c->load.rows[p];
    }
    int rc = s3p_parallel(c->threads, c->load.segments, load_segment, c, err);
    if (rc == 0)
        rc = s3p_parallel(threads, c->to - c->from, check_partition, c, err);
    return rc;
}

static int start(struct check *c, struct s3p_err *err)
{
    S3P_TRY(s3p_keymap_create(&c->map, &c->head, err));
    S3P_TRY(s3p_load_init(&c->load, c->file, &c->head, &c->map, &c->objects, &c->walks, err));
    S3P_TRY(s3p_parallel(c->threads, c->load.segments, open_segment, c, err));
    S3P_TRY(s3p_load_settle(&c->load, err));
    S3P_TRY(s3p_bucket_rules_read(&c->rules, c->file, &c->head, err));
    c->head.rules = c->rules;
    S3P_TRY(s3p_walks_build(&c->walks, c->file, &c->head, err));
    S3P_TRY(s3p_lists_init(&c->lists, c->file, &c->head, &c->map, &c->walks, err));
    S3P_TRY(s3p_objects_build(&c->objects, c->file, &c->head, &c->map, err));
    c->out = s3p_calloc(c->load.partitions, sizeof *c->out);
    if (c->out == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "partition table");
    for (int t = 0; t < c->threads; t++) {
        S3P_TRY(s3p_tally_init(&c->tally[t], c->head.spaces, (uint32_t)c->keep, err));
        S3P_TRY(s3p_part_create(&c->part[t], c->file, &c->map, err));
        if (c->lists.wanted[S3P_LIST_OBJECTS])
            s3p_part_list(c->part[t], &c->listed[t]);
    }
    return 0;
}

/* When all keys are known. */
static int check_pages(struct check *c, struct s3p_err *err)
{
    if (c->lists.n == 0 && c->lists.unjudged == 0)
        return 0;
    for (int t = 0; t < c->threads; t++)
        S3P_TRY(s3p_members_merge(&c->lists.set[S3P_LIST_OBJECTS], &c->listed[t], err));
    S3P_TRY(s3p_lists_settle(&c->lists, &c->tally[0], err));
    for (int t = 0; t < c->threads; t++)
        S3P_TRY(s3p_lister_create(&c->lister[t], &c->lists, err));
    return s3p_parallel(c->threads, s3p_lists_units(&c->lists), judge_pages, c, err);
}

static int check_aspects(struct check *c, struct s3p_err *err)
{
    const struct s3p_gather g = {.file = c->file,
                                 .head = &c->head,
                                 .keys = &c->map,
                                 .objects = &c->objects,
                                 .walks = &c->walks,
                                 .tally = c->tally,
                                 .threads = c->threads,
                                 .memory_bytes = c->memory_bytes};
    S3P_TRY(s3p_replicas(&g, err));
    S3P_TRY(s3p_batches(c->file, &c->head, &c->tally[0], err));
    S3P_TRY(s3p_answers(c->file, &c->head, &c->tally[0], err));
    S3P_TRY(s3p_gather(&g, &s3p_tags_subject, err));
    S3P_TRY(s3p_versions_missing(&g, err));
    S3P_TRY(s3p_gather(&g, &s3p_nulls_subject, err));
    return s3p_gather(&g, &s3p_versions_subject, err);
}

static int run(struct check *c, struct s3p_err *err)
{
    S3P_TRY(start(c, err));
    S3P_TRY(s3p_objects_judge(&c->objects, &c->tally[0], err));
    S3P_TRY(s3p_uploads_lost(&c->objects, &c->tally[0], err));
    c->judge = true;
    for (c->from = 0; c->from < c->load.partitions; c->from = c->to) {
        uint64_t rows;
        int threads;
        S3P_TRY(choose_group(c, &rows, &threads, err));
        S3P_TRY(check_group(c, rows, threads, err));
        c->judge = false;
    }
    s3p_free(c->rows);
    c->rows = NULL;
    S3P_TRY(check_pages(c, err));
    S3P_TRY(check_aspects(c, err));
    for (int t = 1; t < c->threads; t++)
        S3P_TRY(s3p_tally_merge(&c->tally[0], &c->tally[t], err));
    s3p_tally_sort(&c->tally[0]);
    return 0;
}

static void finish(struct check *c)
{
    for (int t = 0; t < THREADS_MAX; t++) {
        s3p_tally_free(&c->tally[t]);
        s3p_part_free(c->part[t]);
        s3p_lister_free(c->lister[t]);
        s3p_members_free(&c->listed[t]);
    }
    s3p_free(c->rows);
    s3p_free(c->out);
    s3p_lists_free(&c->lists);
    s3p_load_free(&c->load);
    s3p_objects_free(&c->objects);
    s3p_walks_free(&c->walks);
    s3p_keymap_free(&c->map);
    s3p_bucket_rules_free(c->rules);
    s3p_head_free(&c->head);
    s3p_histfile_close(c->file);
    s3p_free(c);
}

int s3p_check_file(struct s3p_verdict **out, const char *path, const struct s3p_check_opts *o,
                   struct s3p_err *err)
{
    static const struct s3p_check_opts defaults;
    o = o != NULL ? o : &defaults;
    int64_t begun = s3p_now_ns();
    *out = NULL;
    if (o->threads < 0 || o->threads > THREADS_MAX || o->max_witnesses < 0)
        return s3p_fail(err, S3P_EINVAL, 0, "checker: threads is %d, expected 0 to %d", o->threads,
                        THREADS_MAX);
    struct check *c = s3p_calloc(1, sizeof *c);
    if (c == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "checker");
    c->threads = o->threads == 0 ? 1 : o->threads;
    c->keep = o->max_witnesses == 0 ? KEEP_DEFAULT : o->max_witnesses;
    c->memory_bytes = o->memory_bytes == 0 ? MEMORY_DEFAULT : o->memory_bytes;
    int rc = s3p_histfile_map(&c->file, path, true, err);
    if (rc == 0)
        rc = s3p_head_read(&c->head, c->file, o->profile_json, err);
    if (rc == 0)
        rc = run(c, err);
    if (rc == 0) {
        struct s3p_verdict_facts facts = {c->file,      &c->head,
                                          &c->tally[0], c->keep,
                                          c->threads,   (double)(s3p_now_ns() - begun) / 1e9};
        rc = s3p_verdict_create(out, &facts, err);
    }
    finish(c);
    return rc;
}
