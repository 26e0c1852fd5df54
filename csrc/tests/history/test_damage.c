/* Whatever happens to a file, the reader says what and where, and reads nothing out of bounds (run
 * under ASan). */
#include <unistd.h>

#include "core/crc.h"
#include "history/format.h"
#include "s3/op.h"
#include "tests/history/util.h"
#include "tests/t.h"

static uint8_t *small_file(uint32_t records, size_t *len)
{
    const char *path = h_path("small");
    h_write_file(path, records, true);
    uint8_t *p = h_read_aligned(path, len);
    unlink(path);
    return p;
}

static int open_mem(const uint8_t *p, size_t len, bool allow_open, struct s3p_err *err)
{
    struct s3p_histfile *f;
    int rc = s3p_histfile_open_mem(&f, p, len, allow_open, err);
    s3p_histfile_close(f);
    return rc;
}

T_TEST(history_flip_every_byte)
{
    size_t len;
    uint8_t *p = small_file(5, &len);
    T_EQ(open_mem(p, len, false, NULL), 0);
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit += 7) {
            struct s3p_err err = {0};
            p[i] ^= (uint8_t)(1u << bit);
            int rc = open_mem(p, len, i % 2 == 0, &err);
            p[i] ^= (uint8_t)(1u << bit);
            if (rc != S3P_EFORMAT || strncmp(err.msg, "history: ", 9) != 0)
                t_fail(__FILE__, __LINE__, "byte %zu bit %d: %d \"%s\"", i, bit, rc, err.msg);
        }
    }
    s3p_free(p);
}

T_TEST(history_truncate_at_every_length)
{
    size_t len;
    uint8_t *p = small_file(5, &len);
    size_t whole = len - sizeof(struct s3p_file_footer);
    for (size_t n = 0; n < len; n++) {
        /* a block of exactly n bytes, so that ASan sees every step beyond it */
        uint8_t *q = s3p_alloc_aligned(64, n > 0 ? n : 1);
        memcpy(q, p, n);
        struct s3p_err err = {0};
        T_EQ(open_mem(q, n, false, &err), S3P_EFORMAT);
        T_TRUE(err.msg[0] != 0);
        struct s3p_histfile *f;
        int rc = s3p_histfile_open_mem(&f, q, n, true, &err);
        T_TRUE(rc == 0 || rc == S3P_EFORMAT);
        if (rc == 0) {
            T_EQ(s3p_histfile_records(f), n >= whole ? 5 : 0);
            T_TRUE(!s3p_histfile_complete(f));
        }
        s3p_histfile_close(f);
        s3p_free(q);
    }
    T_EQ(open_mem(p, len, false, NULL), 0);
    s3p_free(p);
}

T_TEST(history_tail_is_refused)
{
    size_t len;
    uint8_t *p = small_file(1, &len);
    uint8_t *q = s3p_alloc_aligned(64, len + 1);
    memcpy(q, p, len);
    q[len] = 0;
    struct s3p_err err;
    T_EQ(open_mem(q, len + 1, false, &err), S3P_EFORMAT);
    T_TRUE(strstr(err.msg, "follow") != NULL);
    s3p_free(p);
    s3p_free(q);
}

/* The first segment of a file, to be changed and sealed again: hostile, but with right checksums.
 */
struct forged {
    uint8_t *p;
    size_t len;
    struct s3p_segment_head *head;
    uint8_t *column[S3P_COLUMN_COUNT];
    char *text;
    struct s3p_entry *entries;
};

static void forge(struct forged *g, int records)
{
    g->p = small_file(records, &g->len);
    struct s3p_file_header h;
    memcpy(&h, g->p, sizeof h);
    uint8_t *at = g->p + s3p_pad(sizeof h + h.json_bytes);
    g->head = (struct s3p_segment_head *)(void *)at;
    at += sizeof *g->head;
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        g->column[c] = at;
        at += s3p_pad((size_t)g->head->records * s3p_column_table[c].width);
    }
    g->text = (char *)at;
    g->entries = (struct s3p_entry *)(void *)(at + s3p_pad(g->head->text_bytes));
    T_TRUE(g->head->entries > 0);
}

static void seal_again(struct forged *g)
{
    g->head->payload_crc = s3p_crc32c(0, g->head + 1, g->head->payload_bytes);
    g->head->head_crc = s3p_crc32c(0, g->head, offsetof(struct s3p_segment_head, head_crc));
}

static void expect_bad(struct forged *g, const char *field)
{
    struct s3p_err err = {0};
    seal_again(g);
    T_EQ(open_mem(g->p, g->len, false, &err), S3P_EFORMAT);
    if (strstr(err.msg, field) == NULL)
        t_fail(__FILE__, __LINE__, "\"%s\" does not name %s", err.msg, field);
}

/* A column of flags in which every bit means something cannot be wrong. */
static bool any_value(const struct s3p_column_sense *sense)
{
    return sense->as == S3P_AS_FLAGS && sense->values == 8;
}

T_TEST(history_hostile_columns)
{
    struct forged g;
    forge(&g, 9);
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        const struct s3p_column_sense *sense = &s3p_column_sense_table[c];
        uint8_t saved[8];
        uint8_t *at = g.column[c] + 3 * s3p_column_table[c].width; /* record 3 */
        memcpy(saved, at, 1);
        if (!any_value(sense) && (sense->as == S3P_AS_ENUM || sense->as == S3P_AS_FLAGS)) {
            *at = (uint8_t)(sense->as == S3P_AS_ENUM ? sense->values : 1u << sense->values);
            expect_bad(&g, s3p_column_table[c].name);
            expect_bad(&g, "record 3");
            *at = 255;
            expect_bad(&g, s3p_column_table[c].name);
        }
        memcpy(at, saved, 1);
        const uint32_t evil[] = {
            1, 3, g.head->text_bytes - 3, g.head->text_bytes, g.head->text_bytes + 1, UINT32_MAX};
        for (size_t k = 0; sense->as == S3P_AS_TEXT && k < sizeof evil / sizeof evil[0]; k++) {
            memcpy(saved, at, 4);
            memcpy(at, &evil[k], 4);
            expect_bad(&g, s3p_column_table[c].name);
            memcpy(at, saved, 4);
        }
    }
    seal_again(&g);
    T_EQ(open_mem(g.p, g.len, false, NULL), 0);
    s3p_free(g.p);
}

/* Columns are looked at in blocks first: one bad value is found wherever it stands, as the only
 * one that is not zero, and among its like. */
T_TEST(history_one_bad_value)
{
    struct forged g;
    forge(&g, 67);
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        enum s3p_column_as as = s3p_column_sense_table[c].as;
        uint32_t width = s3p_column_table[c].width;
        bool checked = as == S3P_AS_ENUM || as == S3P_AS_FLAGS || as == S3P_AS_TEXT ||
                       c == S3P_COL_entries_first || c == S3P_COL_entries_count ||
                       c == S3P_COL_parent;
        if (!checked || any_value(&s3p_column_sense_table[c]))
            continue;
        memset(g.column[c], 0xff, (size_t)g.head->records * width);
        expect_bad(&g, "record 0: ");
        memset(g.column[c], 0, (size_t)g.head->records * width);
        for (uint32_t i = 0; i < g.head->records; i++) {
            char record[32];
            snprintf(record, sizeof record, "record %u: ", i);
            memset(g.column[c] + (size_t)i * width, 0xff, width);
            expect_bad(&g, record);
            expect_bad(&g, s3p_column_table[c].name);
            memset(g.column[c] + (size_t)i * width, 0, width);
        }
    }
    seal_again(&g);
    T_EQ(open_mem(g.p, g.len, false, NULL), 0);
    s3p_free(g.p);
}

T_TEST(history_hostile_references)
{
    struct forged g;
    forge(&g, 9);
    uint32_t *first = (uint32_t *)(void *)g.column[S3P_COL_entries_first];
    uint32_t *count = (uint32_t *)(void *)g.column[S3P_COL_entries_count];
    uint32_t *parent = (uint32_t *)(void *)g.column[S3P_COL_parent];
    struct s3p_entry keep = g.entries[0];
    uint32_t first0 = first[0], count0 = count[0];
    first[0] = UINT32_MAX;
    expect_bad(&g, "entries_first");
    first[0] = 1;
    count[0] = UINT32_MAX;
    expect_bad(&g, "entries_count");
    first[0] = first0;
    count[0] = count0;
    parent[4] = 5; /* itself */
    expect_bad(&g, "parent");
    parent[4] = UINT32_MAX;
    expect_bad(&g, "parent");
    g.column[S3P_COL_op][2] = 1; /* a put has no children */
    parent[4] = 3;
    expect_bad(&g, "parent");
    g.column[S3P_COL_op][6] = S3P_OP_DELETE_OBJECTS; /* and a request comes before them */
    parent[4] = 7;
    expect_bad(&g, "parent");
    parent[4] = 0;
    g.entries[0].key_text = UINT32_MAX;
    expect_bad(&g, "key_text");
    g.entries[0] = keep;
    g.entries[0].etag_form = 3;
    expect_bad(&g, "etag_form");
    g.entries[0] = keep;
    g.entries[0].flags = 32;
    expect_bad(&g, "flags");
    g.entries[0] = keep;
    g.entries[0].reserved = 1;
    expect_bad(&g, "reserved");
    g.entries[0] = keep;
    uint32_t evil = UINT32_MAX; /* the length of a text */
    memcpy(g.text + S3P_TEXT_FIRST, &evil, sizeof evil);
    expect_bad(&g, "segment 0");
    s3p_free(g.p);
}

T_TEST(history_hostile_heads)
{
    struct forged g;
    forge(&g, 9);
    struct s3p_segment_head keep = *g.head;
    const struct {
        uint32_t records, columns, text, entries;
        uint64_t payload;
        const char *field;
    } row[] = {
        {0, 0, 0, 0, 0, "0 records"},
        {65537, 0, 0, 0, 0, "65537 records"},
        {keep.records, S3P_COLUMN_COUNT + 1, 0, 0, 0, "columns"},
        {keep.records, 0, UINT32_MAX, 0, 0, "payload"},
        {keep.records, 0, 0, UINT32_MAX, 0, "payload"},
        {keep.records, 0, 0, 0, UINT64_MAX, "payload"},
        {keep.records + 1000, 0, 0, 0, 0, "payload"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        g.head->records = row[i].records;
        g.head->columns = row[i].columns != 0 ? row[i].columns : keep.columns;
        g.head->text_bytes = row[i].text != 0 ? row[i].text : keep.text_bytes;
        g.head->entries = row[i].entries != 0 ? row[i].entries : keep.entries;
        g.head->payload_bytes = row[i].payload != 0 ? row[i].payload : keep.payload_bytes;
        g.head->head_crc = s3p_crc32c(0, g.head, offsetof(struct s3p_segment_head, head_crc));
        struct s3p_err err = {0};
        T_EQ(open_mem(g.p, g.len, true, &err), S3P_EFORMAT);
        if (strstr(err.msg, row[i].field) == NULL)
            t_fail(__FILE__, __LINE__, "row %zu: %s", i, err.msg);
    }
    s3p_free(g.p);
}

T_TEST(history_hostile_footer)
{
    struct forged g;
    forge(&g, 9);
    struct s3p_file_footer foot, keep;
    uint8_t *at = g.p + g.len - sizeof foot;
    memcpy(&keep, at, sizeof keep);
    for (int i = 0; i < 4; i++) {
        foot = keep;
        foot.records += i == 0;
        foot.segments += i == 1;
        foot.complete += i == 2;
        foot.version += i == 3;
        foot.crc = s3p_crc32c(0, &foot, offsetof(struct s3p_file_footer, crc));
        memcpy(at, &foot, sizeof foot);
        struct s3p_err err = {0};
        T_EQ(open_mem(g.p, g.len, true, &err), S3P_EFORMAT);
        T_TRUE(strstr(err.msg, "footer") != NULL);
    }
    foot = keep;
    foot.dropped = 1; /* whatever the rest says, something is missing */
    foot.crc = s3p_crc32c(0, &foot, offsetof(struct s3p_file_footer, crc));
    memcpy(at, &foot, sizeof foot);
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open_mem(&f, g.p, g.len, false, err));
    T_TRUE(!s3p_histfile_complete(f));
    s3p_histfile_close(f);
    s3p_free(g.p);
}

/* What is not data is zero, though the memory behind it held another segment before. */
T_TEST(history_padding_is_zero)
{
    const char *path = h_path("padding");
    h_write_file(path, 8000, true);
    struct s3p_histfile *f;
    T_OK(s3p_histfile_open(&f, path, false, err));
    T_EQ(s3p_histfile_segments(f), 2);
    const struct s3p_segment_view *s = s3p_histfile_segment(f, 1);
    T_TRUE(s->records % 64 != 0);
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        size_t bytes = (size_t)s->records * s3p_column_table[c].width;
        for (size_t i = bytes; i < s3p_pad(bytes); i++)
            T_EQ(((const uint8_t *)s->column[c])[i], 0);
    }
    for (size_t i = s->text_bytes; i < s3p_pad(s->text_bytes); i++)
        T_EQ(s->text[i], 0);
    s3p_histfile_close(f);
    unlink(path);
}

T_TEST(history_open_refuses)
{
    struct s3p_histfile *f;
    struct s3p_err err;
    T_EQ(s3p_histfile_open(&f, "/nonexistent", true, &err), S3P_EIO);
    T_EQ(s3p_histfile_open(&f, "/tmp", true, &err), S3P_EFORMAT);
    T_EQ(s3p_histfile_open(&f, "/dev/null", true, &err), S3P_EFORMAT);
    T_EQ(s3p_histfile_open(&f, "/proc/self/exe", true, &err), S3P_EFORMAT);
    s3p_histfile_close(NULL);
}
