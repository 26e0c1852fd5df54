/* Writer and reader together: what was appended is what is read. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"
#include "s3/op.h"
#include "tests/history/util.h"
#include "tests/t.h"

T_TEST(history_round_trip_all_columns)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", h_path("round"));
    enum { N = 40000 };
    h_write_file(path, N, true);
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, false, err));
    T_EQ(s3p_histfile_records(f), N);
    T_TRUE(s3p_histfile_segments(f) >= 3);
    T_TRUE(s3p_histfile_complete(f));
    T_EQ(s3p_histfile_header(f).len, strlen(h_header));
    T_MEM(s3p_histfile_header(f).p, h_header, strlen(h_header));
    struct s3p_rng rng = {1, 0, 0};
    uint64_t seen = 0;
    for (uint32_t k = 0; k < s3p_histfile_segments(f); k++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(f, k);
        T_EQ(s->first_record, seen);
        for (uint32_t i = 0; i < s->records; i++) {
            struct h_record r;
            h_random(&r, &rng);
            h_expect(s, i, &r);
        }
        seen += s->records;
    }
    T_EQ(seen, N);
    T_TRUE(s3p_histfile_segment(f, s3p_histfile_segments(f)) == NULL);
    s3p_histfile_close(f);
    unlink(path);
}

static long resident_kb(void)
{
    long kb = -1;
    char line[128];
    FILE *f = fopen("/proc/self/status", "r");
    T_TRUE(f != NULL);
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "RssFile:", 8) == 0)
            kb = strtol(line + 8, NULL, 10);
    fclose(f);
    return kb;
}

T_TEST(history_forgets_entries_and_reads_them_again)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", h_path("forget"));
    h_write_file(path, 40000, true);
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, false, err));
    size_t bytes = 0;
    uint8_t first[4] = {0};
    long before = resident_kb();
    for (uint32_t k = 0; k < s3p_histfile_segments(f) && k < 3; k++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(f, k);
        first[k] = s->entries[0].flags;
        s3p_histfile_forget(f, s->entries, s->entries + s->nentries);
        bytes += s->nentries * sizeof *s->entries;
    }
    T_TRUE(bytes > 256 << 10);
    T_TRUE(resident_kb() < before - (long)(bytes >> 10) / 2);
    for (uint32_t k = 0; k < 3; k++)
        T_EQ(s3p_histfile_segment(f, k)->entries[0].flags, first[k]);
    s3p_histfile_close(f);
    unlink(path);
}

T_TEST(history_empty_and_interrupted)
{
    const char *path = h_path("empty");
    h_write_file(path, 0, false);
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, false, err));
    T_EQ(s3p_histfile_records(f), 0);
    T_TRUE(!s3p_histfile_complete(f));
    s3p_histfile_close(f);
    unlink(path);
}

T_TEST(history_create_refuses)
{
    const char *path = h_path("refuse");
    struct s3p_history *h;
    struct s3p_err err;
    T_EQ(s3p_history_create(&h, path, "[]", 2, 1, &err), S3P_EINVAL);
    T_EQ(s3p_history_create(&h, path, "{", 1, 1, &err), S3P_EINVAL);
    T_EQ(s3p_history_create(&h, path, "{}", 2, 0, &err), S3P_EINVAL);
    T_TRUE(access(path, F_OK) != 0);
    T_EQ(s3p_history_create(&h, "/nonexistent/x", "{}", 2, 1, &err), S3P_EIO);
    h_write_file(path, 1, true);
    T_EQ(s3p_history_create(&h, path, "{}", 2, 1, &err), S3P_EIO); /* never over another run */
    T_EQ(s3p_history_close(NULL, true, &err), 0);
    unlink(path);
}

T_TEST(history_create_out_of_memory)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", h_path("oom"));
    for (int64_t n = 1;; n++) {
        struct s3p_history *h;
        s3p_alloc_fail_at(n);
        int rc = s3p_history_create(&h, path, h_header, strlen(h_header), 2, NULL);
        s3p_alloc_fail_at(0);
        if (rc == 0) {
#ifdef S3P_ALLOC_TEST
            T_TRUE(n > 5);
#endif
            T_OK(s3p_history_close(h, true, err));
            break;
        }
        T_EQ(rc, S3P_ENOMEM);
        T_TRUE(access(path, F_OK) != 0);
    }
    unlink(path);
}

struct job {
    struct s3p_appender *a;
    unsigned worker, count;
};

static void *job_main(void *arg)
{
    struct job *j = arg;
    struct s3p_rng rng = {9, j->worker, 0};
    struct h_record r;
    for (unsigned i = 0; i < j->count; i++) {
        if (i % 64 == 0) /* the generator is slow beside the writer */
            h_random(&r, &rng);
        r.r.worker = (uint16_t)j->worker;
        r.r.op_seq = i;
        h_append(j->a, &r);
    }
    return NULL;
}

/* Enough records that every worker goes through its pool several times. */
T_TEST(history_three_workers)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", h_path("three"));
    enum { W = 3, N = 100000 };
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, h_header, strlen(h_header), W, err));
    T_TRUE(s3p_history_appender(h, W) == NULL && s3p_history_appender(h, -1) == NULL);
    pthread_t thread[W];
    struct job job[W];
    for (unsigned w = 0; w < W; w++) {
        job[w] = (struct job){s3p_history_appender(h, (int)w), w, N};
        T_EQ(pthread_create(&thread[w], NULL, job_main, &job[w]), 0);
    }
    for (unsigned w = 0; w < W; w++)
        pthread_join(thread[w], NULL);
    T_TRUE(s3p_history_stall_ns(h) >= 0);
    T_OK(s3p_history_close(h, true, err));
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, false, err));
    T_EQ(s3p_histfile_records(f), W * N);
    uint64_t next[W] = {0};
    for (uint32_t k = 0; k < s3p_histfile_segments(f); k++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(f, k);
        const uint64_t *seq = s->column[S3P_COL_op_seq];
        const uint16_t *worker = s->column[S3P_COL_worker];
        T_TRUE(s->worker < W);
        for (uint32_t i = 0; i < s->records; i++) {
            T_EQ(worker[i], s->worker);
            T_EQ(seq[i], next[s->worker]++); /* the order of each worker is kept */
        }
    }
    s3p_histfile_close(f);
    unlink(path);
}

/* A batch is never cut, wherever in a segment it begins. */
T_TEST(history_batches_stay_together)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", h_path("batch"));
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, h_header, strlen(h_header), 1, err));
    struct s3p_appender *a = s3p_history_appender(h, 0);
    struct s3p_attempt r;
    uint32_t total = 0;
    for (uint32_t n = 1; total < 150000; n = n % S3P_BATCH_RECORDS + 1, total++) {
        s3p_attempt_clear(&r);
        r.op = S3P_OP_DELETE_OBJECTS;
        s3p_append_begin(a, 8, 0);
        char id[9];
        snprintf(id, sizeof id, "%08u", n);
        r.request_id = s3p_append_text(a, id, 8);
        uint32_t request = s3p_append(a, &r);
        for (uint32_t i = 0; i < n; i++, total++) {
            s3p_append_begin(a, 20, 0);
            r.op = S3P_OP_DELETE_CHILD;
            r.request_id = 0;
            r.code_text = s3p_append_text(a, "InternalError 123456", 20);
            r.parent = request + 1;
            T_EQ(s3p_append(a, &r), request + 1 + i);
        }
    }
    T_OK(s3p_history_close(h, true, err));
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, false, err));
    T_EQ(s3p_histfile_records(f), total);
    T_TRUE(s3p_histfile_segments(f) > 3);
    for (uint32_t k = 0, n = 1; k < s3p_histfile_segments(f); k++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(f, k);
        for (uint32_t i = 0; i < s->records; i += 1 + n, n = n % S3P_BATCH_RECORDS + 1) {
            struct s3p_str id =
                s3p_segment_text(s, ((const uint32_t *)s->column[S3P_COL_request_id])[i]);
            T_EQ(id.len, 8);
            T_EQ(strtoul(id.p, NULL, 10), n); /* not moved into another text */
            T_EQ(((const uint32_t *)s->column[S3P_COL_parent])[i + n], i + 1);
        }
    }
    s3p_histfile_close(f);
    unlink(path);
}

/* Records without texts need no begin. */
T_TEST(history_append_without_begin)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", h_path("plain"));
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, "{}", 2, 1, err));
    struct s3p_attempt r;
    s3p_attempt_clear(&r);
    for (uint32_t i = 0; i < 3 * S3P_SEGMENT_RECORDS; i++) {
        r.op_seq = i;
        T_EQ(s3p_append(s3p_history_appender(h, 0), &r), i % S3P_SEGMENT_RECORDS);
    }
    T_OK(s3p_history_close(h, true, err));
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, false, err));
    T_EQ(s3p_histfile_records(f), 3 * S3P_SEGMENT_RECORDS);
    T_EQ(s3p_histfile_segments(f), 3);
    s3p_histfile_close(f);
    unlink(path);
}

T_TEST(history_long_text_is_cut)
{
    static char path[256], text[70000];
    snprintf(path, sizeof path, "%s", h_path("long"));
    memset(text, 'x', sizeof text);
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, "{}", 2, 1, err));
    struct s3p_appender *a = s3p_history_appender(h, 0);
    struct s3p_attempt r;
    s3p_attempt_clear(&r);
    for (int i = 0; i < 100; i++) { /* 6.5 MB: four arenas */
        s3p_append_begin(a, sizeof text, 0);
        r.code_text = s3p_append_text(a, text, sizeof text);
        T_TRUE(r.code_text != 0);
        s3p_append(a, &r);
    }
    T_OK(s3p_history_close(h, true, err));
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, false, err));
    T_TRUE(s3p_histfile_segments(f) >= 4);
    const struct s3p_segment_view *s = s3p_histfile_segment(f, 0);
    T_EQ(s3p_segment_text(s, ((const uint32_t *)s->column[S3P_COL_code_text])[0]).len,
         S3P_TEXT_MAX);
    s3p_histfile_close(f);
    unlink(path);
}

/* Nothing is written behind an error, even when the disk has room again: a hole would be worse than
 * an end. */
T_TEST(history_error_is_final)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", h_path("final"));
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, h_header, strlen(h_header), 1, err));
    struct rlimit limit = {3 << 20, RLIM_INFINITY};
    T_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct job job = {s3p_history_appender(h, 0), 0,
                      100000}; /* goes through the pool several times */
    job_main(&job);
    limit.rlim_cur = RLIM_INFINITY;
    T_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    job_main(&job);
    T_EQ(s3p_history_close(h, true, NULL), S3P_EIO);
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, true, err));
    T_TRUE(s3p_histfile_records(f) > 0 && s3p_histfile_segments(f) < 3);
    s3p_histfile_close(f);
    unlink(path);
}

/* The disk is full after 7 MB: the error is kept, the workers never hang, the file stays readable
 * up to the cut. */
T_TEST(history_disk_full)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", h_path("full"));
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, h_header, strlen(h_header), 1, err));
    struct rlimit limit = {7 << 20, 7 << 20};
    T_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct job job = {s3p_history_appender(h, 0), 0, 200000};
    job_main(&job);
    struct s3p_err why = {0};
    T_EQ(s3p_history_close(h, true, &why), S3P_EIO);
    T_TRUE(why.sys != 0 && strstr(why.msg, "records lost") != NULL);
    struct s3p_histfile *f;
    T_EQ(s3p_histfile_open(&f, path, false, &why), S3P_EFORMAT);
    T_OK(s3p_histfile_open(&f, path, true, err));
    T_TRUE(s3p_histfile_records(f) > 0 && !s3p_histfile_complete(f));
    s3p_histfile_close(f);
    unlink(path);
}
