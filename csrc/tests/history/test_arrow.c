/* The Arrow streams from C; pyarrow and nanoarrow judge them in tests/native. */
#include <unistd.h>

#include "history/arrow.h"
#include "tests/history/util.h"
#include "tests/t.h"

static struct s3p_histfile *open_random(uint32_t n)
{
    const char *path = h_path("arrow");
    struct s3p_histfile *f;
    h_write_file(path, n, true);
    T_OK(s3p_histfile_open(&f, path, false, err));
    unlink(path);
    return f;
}

T_TEST(history_arrow_columns_are_the_file)
{
    struct s3p_histfile *f = open_random(20000);
    struct ArrowArrayStream st;
    struct ArrowSchema schema;
    T_OK(s3p_histfile_stream(&st, f, err));
    T_EQ(st.get_schema(&st, &schema), 0);
    T_STR(schema.format, "+s");
    T_EQ(schema.n_children, S3P_COLUMN_COUNT);
    T_STR(schema.children[S3P_COL_body_id]->format, "w:16");
    T_STR(schema.children[S3P_COL_op]->name, "op");
    schema.release(&schema);
    T_TRUE(schema.release == NULL);
    uint64_t rows = 0;
    for (uint32_t i = 0;; i++) {
        struct ArrowArray a;
        T_EQ(st.get_next(&st, &a), 0);
        if (a.release == NULL)
            break;
        const struct s3p_segment_view *s = s3p_histfile_segment(f, i);
        for (int c = 0; c < S3P_COLUMN_COUNT; c++)
            T_TRUE(a.children[c]->buffers[1] == s->column[c] &&
                   a.children[c]->length == s->records);
        rows += (uint64_t)a.length;
        a.release(&a);
    }
    T_EQ(rows, 20000);
    st.release(&st);
    s3p_histfile_close(f);
}

/* A consumer may move children away, and keep them longer than stream and file handle. */
T_TEST(history_arrow_children_may_be_moved)
{
    struct s3p_histfile *f = open_random(100);
    struct ArrowArrayStream st;
    T_OK(s3p_histfile_stream(&st, f, err));
    struct ArrowArray a, moved;
    T_EQ(st.get_next(&st, &a), 0);
    moved = *a.children[S3P_COL_t_call];
    a.children[S3P_COL_t_call]->release = NULL;
    st.release(&st);
    s3p_histfile_close(f);
    a.release(&a);
    struct s3p_rng rng = {1, 0, 0};
    for (int i = 0; i < 100; i++) {
        struct h_record r;
        h_random(&r, &rng);
        T_EQ(((const int64_t *)moved.buffers[1])[i], r.r.t_call);
    }
    moved.release(&moved);
}

T_TEST(history_arrow_texts)
{
    struct s3p_histfile *f = open_random(1000);
    struct ArrowArrayStream st;
    struct ArrowSchema schema;
    T_OK(s3p_histfile_text_stream(&st, f, err));
    T_EQ(st.get_schema(&st, &schema), 0);
    T_STR(schema.children[0]->name, "key");
    T_STR(schema.children[1]->name, "request_id");
    struct ArrowArray a, end;
    T_EQ(st.get_next(&st, &a), 0);
    const struct ArrowArray *col = a.children[1];
    const uint8_t *valid = col->buffers[0];
    const int32_t *offset = col->buffers[1];
    struct s3p_rng rng = {1, 0, 0};
    int64_t nulls = 0;
    for (int i = 0; i < 1000; i++) {
        struct h_record r;
        h_random(&r, &rng);
        T_EQ(offset[i + 1] - offset[i], strlen(r.text[0]));
        T_MEM((const char *)col->buffers[2] + offset[i], r.text[0], strlen(r.text[0]));
        T_EQ(valid[i / 8] >> i % 8 & 1, r.text[0][0] != 0);
        nulls += r.text[0][0] == 0;
    }
    T_EQ(col->null_count, nulls);
    T_EQ(st.get_next(&st, &end), 0);
    T_TRUE(end.release == NULL);
    schema.release(&schema);
    a.release(&a);
    st.release(&st);
    s3p_histfile_close(f);
}

T_TEST(history_arrow_out_of_memory)
{
    struct s3p_histfile *f = open_random(50);
    for (int64_t n = 1, failures = 1; failures > 0; n++) {
        struct ArrowArrayStream st[2] = {{0}};
        failures = 0;
        s3p_alloc_fail_at(n);
        failures += s3p_histfile_stream(&st[0], f, NULL) != 0;
        failures += s3p_histfile_text_stream(&st[1], f, NULL) != 0;
        for (int i = 0; i < 2; i++) {
            struct ArrowSchema schema;
            struct ArrowArray a;
            if (st[i].release == NULL)
                continue;
            if (st[i].get_schema(&st[i], &schema) == 0)
                schema.release(&schema);
            else
                failures += st[i].get_last_error(&st[i]) != NULL;
            if (st[i].get_next(&st[i], &a) == 0)
                a.release(&a);
            else
                failures++;
            st[i].release(&st[i]);
        }
        s3p_alloc_fail_at(0);
    }
    s3p_histfile_close(f);
}
