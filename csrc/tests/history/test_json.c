#include <unistd.h>

#include "history/json.h"
#include "s3/op.h"
#include "tests/history/util.h"
#include "tests/t.h"

static char *lines_of(const char *path, size_t *len)
{
    struct s3p_histfile *f;
    struct s3p_keynames *k;
    struct s3p_buf out;
    s3p_buf_init(&out, 64u << 20);
    T_OK(s3p_histfile_open(&f, path, false, err));
    T_OK(s3p_keynames_create(&k, s3p_histfile_header(f), err));
    for (uint32_t i = 0; i < s3p_histfile_segments(f); i++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(f, i);
        for (uint32_t r = 0; r < s->records; r++) {
            s3p_record_json(s, r, k, &out);
            s3p_buf_char(&out, '\n');
        }
    }
    T_TRUE(s3p_buf_ok(&out));
    s3p_keynames_free(k);
    s3p_histfile_close(f);
    *len = out.len;
    return out.data;
}

static void write_lines(const char *path, const char *lines, size_t len)
{
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, h_header, strlen(h_header), 1, err));
    for (const char *p = lines, *end; p < lines + len; p = end + 1) {
        end = memchr(p, '\n', (size_t)(lines + len - p));
        T_OK(s3p_record_from_json(s3p_history_appender(h, 0), p, (size_t)(end - p), err));
    }
    T_OK(s3p_history_close(h, true, err));
}

T_TEST(history_json_round_trip)
{
    static char first[256], second[256];
    snprintf(first, sizeof first, "%s", h_path("json1"));
    snprintf(second, sizeof second, "%s", h_path("json2"));
    h_write_file(first, 2000, true);
    size_t len, len2;
    char *lines = lines_of(first, &len);
    write_lines(second, lines, len);
    char *lines2 = lines_of(second, &len2);
    T_EQ(len, len2);
    T_MEM(lines, lines2, len);
    struct s3p_histfile *f; /* and the records themselves */
    T_OK(s3p_histfile_open(&f, second, false, err));
    struct s3p_rng rng = {1, 0, 0};
    for (uint32_t i = 0; i < 2000; i++) {
        struct h_record r;
        h_random(&r, &rng);
        h_expect(s3p_histfile_segment(f, 0), i, &r);
    }
    s3p_histfile_close(f);
    s3p_free(lines);
    s3p_free(lines2);
    unlink(first);
    unlink(second);
}

/* One line through a file and back. */
static const char *through(const char *line)
{
    static char path[256], out[2048];
    snprintf(path, sizeof path, "%s", h_path("line"));
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, h_header, strlen(h_header), 1, err));
    T_OK(s3p_record_from_json(s3p_history_appender(h, 0), line, strlen(line), err));
    T_OK(s3p_history_close(h, true, err));
    size_t len;
    char *lines = lines_of(path, &len);
    snprintf(out, sizeof out, "%.*s", (int)len - 1, lines);
    s3p_free(lines);
    unlink(path);
    return out;
}

#define REST \
    "\"t_call\":1,\"client\":0,\"run_phase\":\"main\",\"outcome\":\"ok\",\"phase\":\"answered\""

T_TEST(history_json_forms)
{
    T_STR(through("{\"op\":\"put\",\"outcome\":\"ok\",\"phase\":\"answered\",\"run_phase\":"
                  "\"main\",\"t_call\":1,"
                  "\"bucket\":\"main\",\"key\":\"objs/"
                  "00000012\",\"etag\":\"\\\"0123456789ABCDEF0123456789abcdef\\\"\"}"),
          "{\"op\":\"put\",\"bucket\":\"main\",\"space\":1,\"key_index\":12,\"key\":\"objs/"
          "00000012\"," REST ",\"etag\":\"0123456789abcdef0123456789abcdef\"}");
    T_STR(through("{\"op\":\"get\",\"outcome\":\"ok\",\"phase\":\"answered\",\"run_phase\":"
                  "\"main\",\"t_call\":1,"
                  "\"bucket\":\"other\",\"key\":\"own/00003/"
                  "00000004\",\"range_len\":-1,\"flags\":[\"truncated\",\"foreign\"],"
                  "\"etag\":\"\\\"x-2\\\"\",\"request_id\":\"a\\u0000\\\"\\\\\\u00e9\"}"),
          "{\"op\":\"get\",\"bucket\":\"other\",\"space\":2,\"key_index\":34,\"key\":\"own/00003/"
          "00000004\",\"t_call\":1,"
          "\"range_len\":-1,\"client\":0,\"request_id\":\"a\\u0000\\\"\\\\\xc3\xa9\",\"etag_text\":"
          "\"\\\"x-2\\\"\","
          "\"run_phase\":\"main\",\"outcome\":\"ok\",\"phase\":\"answered\",\"flags\":["
          "\"truncated\",\"foreign\"],"
          "\"etag\":\"e6f1a76bd1a2df6b5f3d746e52791503\",\"etag_form\":\"hashed\"}");
    T_STR(through("{\"op\":\"list\",\"outcome\":\"ok\",\"phase\":\"answered\",\"run_phase\":"
                  "\"main\",\"t_call\":1,"
                  "\"entries\":[{\"key\":\"hot/"
                  "object\",\"size\":5},{\"key\":\"alien\",\"size\":6,\"flags\":[\"latest\"]}]}"),
          "{\"op\":\"list\",\"bucket\":\"main\"," REST
          ",\"entries\":[{\"space\":0,\"key_index\":0,\"key\":\"hot/object\","
          "\"size\":5},{\"key\":\"alien\",\"size\":6,\"flags\":[\"latest\"]}]}");
}

T_TEST(history_json_parent_counts_back)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", h_path("parent"));
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, h_header, strlen(h_header), 1, err));
    struct s3p_appender *a = s3p_history_appender(h, 0);
    const char *line[] = {"{\"op\":\"put\",\"outcome\":\"ok\"}",
                          "{\"op\":\"delete_objects\",\"outcome\":\"ok\"}",
                          "{\"op\":\"delete_child\",\"outcome\":\"ok\",\"parent\":1}",
                          "{\"op\":\"delete_child\",\"outcome\":\"ok\",\"parent\":2}"};
    for (int i = 0; i < 4; i++)
        T_OK(s3p_record_from_json(a, line[i], strlen(line[i]), err));
    T_EQ(s3p_record_from_json(a, line[3], strlen(line[3]), NULL),
         S3P_EINVAL); /* now a child is there */
    T_OK(s3p_history_close(h, true, err));
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, false, err));
    T_EQ(s3p_histfile_records(f), 4);
    const uint32_t *parent = s3p_histfile_segment(f, 0)->column[S3P_COL_parent];
    T_EQ(parent[2], 2);
    T_EQ(parent[3], 2);
    struct s3p_buf out;
    s3p_buf_init(&out, 1000);
    s3p_record_json(s3p_histfile_segment(f, 0), 3, NULL, &out);
    T_TRUE(strstr(s3p_buf_cstr(&out), "\"parent\":2") != NULL);
    s3p_buf_free(&out);
    s3p_histfile_close(f);
    unlink(path);
}

T_TEST(history_json_errors_name_the_field)
{
    const char *path = h_path("bad");
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, h_header, strlen(h_header), 1, err));
    static const struct {
        const char *line, *names;
    } row[] = {
        {"", "JSON"},
        {"[]", "JSON"},
        {"{\"op\":\"put\"", "JSON"},
        {"{\"op\":\"put\"}", "outcome"},
        {"{\"op\":\"put\",\"op\":\"put\",\"outcome\":\"ok\"}", "JSON"},
        {"{\"op\":\"putt\",\"outcome\":\"ok\"}", "op"},
        {"{\"op\":1,\"outcome\":\"ok\"}", "op"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"colour\":1}", "colour"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"entries_first\":1}", "entries_first"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"status\":65536}", "status"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"status\":-1}", "status"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"status\":1.5}", "status"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"body_id\":\"12\"}", "body_id"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"flags\":[\"x\"]}", "flags"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"bucket\":\"none\"}", "bucket"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"key\":\"nowhere\"}", "key"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"key\":\"objs/00001000\"}", "key"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"key\":\"objs/1\"}", "key"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"etag_form\":\"digest\"}", "etag_form"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"etag\":\"x\",\"etag_form\":\"digest\"}", "etag"},
        {"{\"op\":\"put\",\"outcome\":\"ok\",\"parent\":1}", "parent"},
        {"{\"op\":\"list\",\"outcome\":\"ok\",\"entries\":[1]}", "entries"},
        {"{\"op\":\"list\",\"outcome\":\"ok\",\"entries\":[{\"sise\":1}]}", "entries.sise"},
        {"{\"op\":\"list\",\"outcome\":\"ok\",\"entries\":[{\"size\":\"1\"}]}", "entries.size"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct s3p_err why = {0};
        int rc = s3p_record_from_json(s3p_history_appender(h, 0), row[i].line, strlen(row[i].line),
                                      &why);
        if (rc != S3P_EINVAL || strstr(why.msg, row[i].names) == NULL)
            t_fail(__FILE__, __LINE__, "%s: %d \"%s\"", row[i].line, rc, why.msg);
    }
    T_OK(s3p_history_close(h, true, err));
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, false, err));
    T_EQ(s3p_histfile_records(f), 0);
    s3p_histfile_close(f);
    unlink(path);
}

T_TEST(history_json_bytes_that_are_not_utf8)
{
    static char path[256];
    snprintf(path, sizeof path, "%s", h_path("utf8"));
    struct s3p_history *h;
    T_OK(s3p_history_create(&h, path, h_header, strlen(h_header), 1, err));
    struct s3p_attempt r;
    s3p_attempt_clear(&r);
    s3p_append_begin(s3p_history_appender(h, 0), 8, 0);
    r.code_text = s3p_append_text(s3p_history_appender(h, 0), "a\xff\xed\xa0\x80\xc3\xa9z",
                                  8); /* a surrogate too */
    s3p_append(s3p_history_appender(h, 0), &r);
    T_OK(s3p_history_close(h, true, err));
    size_t len;
    char *lines = lines_of(path, &len);
    lines[len - 1] = 0;
    T_TRUE(strstr(lines, "\"code_text\":\"a\\u00ff\\u00ed\\u00a0\\u0080\xc3\xa9z\"") != NULL);
    s3p_free(lines);
    unlink(path);
}

T_TEST(history_keynames)
{
    struct s3p_keynames *k;
    struct s3p_buf out;
    s3p_buf_init(&out, 1000);
    T_OK(s3p_keynames_create(&k, (struct s3p_str){h_header, strlen(h_header)}, err));
    static const struct {
        uint16_t bucket, space;
        uint64_t index;
        const char *text;
        bool back;
    } row[] = {
        {0, 0, 0, "hot/object", true},
        {0, 0, 1, "config.json", true},
        {0, 0, 2, "?0/2", false},
        {0, 1, 7, "objs/00000007", true},
        {0, 1, 123456789, "objs/123456789", false},
        {1, 2, 0, "own/00000/00000000", true},
        {1, 2, 1000009, "own/100000/00000009", true},
        {0, 3, 5, "?3/5", false},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint16_t space;
        uint64_t index;
        s3p_buf_clear(&out);
        s3p_keynames_text(k, row[i].space, row[i].index, &out);
        T_STR(s3p_buf_cstr(&out), row[i].text);
        bool found = s3p_keynames_find(k, row[i].bucket, (struct s3p_str){out.data, out.len},
                                       &space, &index);
        T_EQ(found, row[i].back);
        if (found) {
            T_EQ(space, row[i].space);
            T_EQ(index, row[i].index);
        }
    }
    uint16_t bucket;
    T_TRUE(s3p_str_eq(s3p_keynames_bucket_role(k, 1), "other") &&
           s3p_str_eq(s3p_keynames_bucket_role(k, 2), "?"));
    T_TRUE(s3p_keynames_bucket(k, S3P_STR("other"), &bucket) && bucket == 1);
    T_TRUE(!s3p_keynames_bucket(k, S3P_STR("?"), &bucket));
    s3p_buf_free(&out);
    s3p_keynames_free(k);
    s3p_keynames_free(NULL);
    static const char *const bad[] = {"[]", "{\"spaces\":[1]}", "{\"spaces\":[{\"kind\":\"own\"}]}",
                                      "{\"spaces\":[{\"bucket\":-1}]}",
                                      "{\"spaces\":[{\"keys\":[1]}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        T_EQ(s3p_keynames_create(&k, (struct s3p_str){bad[i], strlen(bad[i])}, NULL), S3P_EFORMAT);
}
