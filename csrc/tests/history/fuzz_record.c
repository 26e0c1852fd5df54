/* libFuzzer target: any line as a record of another runner. It is refused with a message, or taken;
 * and of what was taken the file must open, and each record's JSON must be taken again. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "history/json.h"

#define LINES_A_FILE 500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char header[] =
    "{\"buckets\":[{\"role\":\"main\"}],\"spaces\":["
    "{\"bucket\":0,\"kind\":\"fixed\",\"keys\":[\"a\"]},"
    "{\"bucket\":0,\"kind\":\"own\",\"prefix\":\"o/\",\"count\":3}]}";

static void must(bool ok)
{
    if (!ok)
        __builtin_trap();
}

static struct s3p_history *create(const char *path)
{
    struct s3p_history *h;
    unlink(path);
    must(s3p_history_create(&h, path, header, sizeof header - 1, 1, NULL) == 0);
    return h;
}

/* All records of one file through JSON into another one. */
static void read_back(const char *path, uint64_t records)
{
    char copy[80];
    struct s3p_histfile *f;
    struct s3p_keynames *k;
    struct s3p_buf line;
    snprintf(copy, sizeof copy, "%s-copy", path);
    struct s3p_history *h = create(copy);
    s3p_buf_init(&line, 16u << 20);
    must(s3p_histfile_open(&f, path, false, NULL) == 0);
    must(s3p_histfile_records(f) == records);
    must(s3p_keynames_create(&k, s3p_histfile_header(f), NULL) == 0);
    for (uint32_t i = 0; i < s3p_histfile_segments(f); i++) {
        for (uint32_t r = 0; r < s3p_histfile_segment(f, i)->records; r++) {
            s3p_buf_clear(&line);
            s3p_record_json(s3p_histfile_segment(f, i), r, k, &line);
            must(s3p_record_from_json(s3p_history_appender(h, 0), line.data, line.len, NULL) == 0);
        }
    }
    s3p_keynames_free(k);
    s3p_histfile_close(f);
    s3p_buf_free(&line);
    must(s3p_history_close(h, true, NULL) == 0);
    unlink(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static struct s3p_history *h;
    static uint64_t lines, taken;
    struct s3p_err err = {0};
    if (h == NULL) {
        snprintf(path, sizeof path, "/dev/shm/s3p-fuzz-record-%d", (int)getpid());
        h = create(path);
    }
    int rc = s3p_record_from_json(s3p_history_appender(h, 0), (const char *)data, size, &err);
    must(rc == 0 || err.msg[0] != 0);
    taken += rc == 0;
    if (++lines < LINES_A_FILE)
        return 0;
    must(s3p_history_close(h, true, NULL) == 0);
    h = NULL;
    read_back(path, taken);
    unlink(path);
    lines = taken = 0;
    return 0;
}
