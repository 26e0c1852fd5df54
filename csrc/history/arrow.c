#include "history/arrow.h"

#include <errno.h>
#include <string.h>

#include "core/alloc.h"
#include "history/arrow_node.h"
#include "history/utf8.h"

#define TEXT_BYTES_MAX INT32_MAX /* offsets of Arrow's utf8 are int32 */

struct stream {
    struct s3p_histfile *file;
    struct s3p_keynames *keynames; /* of the text stream */
    int (*schema)(struct stream *, struct ArrowSchema *);
    int (*segment)(struct stream *, const struct s3p_segment_view *, struct ArrowArray *);
    uint32_t next;
    const char *error;
};

/* ---- the columns as they are in the file ---- */

/* The names of an enum or of flag bits, separated by commas. */
static void add_value_names(struct s3p_buf *out, const struct s3p_column_sense *sense)
{
    for (unsigned v = 0; v < sense->values; v++) {
        if (v > 0)
            s3p_buf_char(out, ',');
        s3p_buf_str(out, sense->value_name(v));
    }
}

static int plain_schema(struct stream *s, struct ArrowSchema *out)
{
    struct s3p_arrow_field self = {.name = "", .format = "+s"};
    self.pairs[0] = S3P_STR("s3p:header");
    self.pairs[1] = s3p_histfile_header(s->file);
    self.pairs[2] = S3P_STR("s3p:complete");
    self.pairs[3] = s3p_histfile_complete(s->file) ? S3P_STR("true") : S3P_STR("false");
    struct s3p_arrow_field field[S3P_COLUMN_COUNT];
    size_t begin[S3P_COLUMN_COUNT + 1];
    struct s3p_buf names;
    s3p_buf_init(&names, 64u << 10);
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        begin[c] = names.len;
        add_value_names(&names, &s3p_column_sense_table[c]);
    }
    begin[S3P_COLUMN_COUNT] = names.len;
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        const struct s3p_column_row *d = &s3p_column_table[c];
        field[c] = (struct s3p_arrow_field){.name = d->name, .format = d->format};
        field[c].pairs[0] = S3P_STR("s3p:text");
        field[c].pairs[1] = (struct s3p_str){d->text, strlen(d->text)};
        if (begin[c + 1] == begin[c])
            continue;
        field[c].pairs[2] = s3p_column_sense_table[c].as == S3P_AS_FLAGS ? S3P_STR("s3p:flags")
                                                                         : S3P_STR("s3p:names");
        field[c].pairs[3] = (struct s3p_str){names.data + begin[c], begin[c + 1] - begin[c]};
    }
    int rc =
        s3p_buf_ok(&names) ? s3p_arrow_schema(out, &self, field, S3P_COLUMN_COUNT) : S3P_ENOMEM;
    s3p_buf_free(&names);
    return rc;
}

static int plain_segment(struct stream *s, const struct s3p_segment_view *v, struct ArrowArray *out)
{
    struct s3p_arrow_column column[S3P_COLUMN_COUNT] = {{.nbuffers = 0}};
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        column[c].buffers[1] = v->column[c];
        column[c].nbuffers = 2;
    }
    return s3p_arrow_struct(out, s->file, v->records, column, S3P_COLUMN_COUNT);
}

/* ---- key and texts ---- */

/* The text columns by number; -1 stands for the key. */
static int text_columns(int out[S3P_COLUMN_COUNT + 1])
{
    int n = 0;
    out[n++] = -1;
    for (int c = 0; c < S3P_COLUMN_COUNT; c++)
        if (s3p_column_sense_table[c].as == S3P_AS_TEXT)
            out[n++] = c;
    return n;
}

static int text_schema(struct stream *s, struct ArrowSchema *out)
{
    (void)s;
    int column[S3P_COLUMN_COUNT + 1], n = text_columns(column);
    struct s3p_arrow_field self = {.name = "", .format = "+s"},
                           field[S3P_COLUMN_COUNT + 1] = {{.flags = 0}};
    for (int i = 0; i < n; i++)
        field[i] = (struct s3p_arrow_field){
            .name = column[i] < 0 ? "key" : s3p_column_table[column[i]].name,
            .format = "u",
            .flags = ARROW_FLAG_NULLABLE};
    return s3p_arrow_schema(out, &self, field, n);
}

/* Appends the text of one row; false when there is none. */
static bool add_row(struct stream *s, const struct s3p_segment_view *v, int column, uint32_t i,
                    struct s3p_buf *out)
{
    if (column >= 0) {
        struct s3p_str text = s3p_segment_text(v, ((const uint32_t *)v->column[column])[i]);
        s3p_utf8_add(out, text);
        return text.p != NULL;
    }
    uint64_t index = ((const uint64_t *)v->column[S3P_COL_key_index])[i];
    if (index == S3P_NO_INDEX)
        return false;
    s3p_keynames_text(s->keynames, ((const uint16_t *)v->column[S3P_COL_space])[i], index, out);
    return true;
}

/* One allocation holds validity bits, offsets and bytes. */
static int text_column(struct stream *s, const struct s3p_segment_view *v, int column,
                       struct s3p_arrow_column *out)
{
    size_t bits = ((size_t)v->records + 511) / 512 * 64;
    size_t offsets = (((size_t)v->records + 1) * sizeof(int32_t) + 63) / 64 * 64;
    struct s3p_buf bytes;
    s3p_buf_init(&bytes, TEXT_BYTES_MAX);
    uint8_t *head = s3p_calloc(1, bits + offsets);
    int32_t *offset = (int32_t *)(void *)(head + bits);
    *out = (struct s3p_arrow_column){.nbuffers = 3};
    for (uint32_t i = 0; head != NULL && i < v->records; i++) {
        if (add_row(s, v, column, i, &bytes))
            head[i / 8] |= (uint8_t)(1u << i % 8);
        else
            out->null_count++;
        offset[i + 1] = (int32_t)bytes.len;
    }
    bool ok = head != NULL && s3p_buf_ok(&bytes);
    uint8_t *block = ok ? s3p_realloc(head, bits + offsets + bytes.len) : NULL;
    if (block == NULL) {
        s3p_free(head);
        s3p_buf_free(&bytes);
        return S3P_ENOMEM;
    }
    if (bytes.len > 0)
        memcpy(block + bits + offsets, bytes.data, bytes.len);
    s3p_buf_free(&bytes);
    out->owned = block;
    out->buffers[0] = block;
    out->buffers[1] = block + bits;
    out->buffers[2] = block + bits + offsets;
    return 0;
}

static int text_segment(struct stream *s, const struct s3p_segment_view *v, struct ArrowArray *out)
{
    struct s3p_arrow_column built[S3P_COLUMN_COUNT + 1] = {{.nbuffers = 0}};
    int column[S3P_COLUMN_COUNT + 1], n = text_columns(column), rc = 0;
    for (int i = 0; rc == 0 && i < n; i++)
        rc = text_column(s, v, column[i], &built[i]);
    if (rc == 0)
        return s3p_arrow_struct(out, s->file, v->records, built, n);
    for (int i = 0; i < n; i++)
        s3p_free(built[i].owned);
    return rc;
}

/* ---- the stream ---- */

static int failed(struct stream *s, int rc)
{
    s->error = rc == 0 ? NULL : "history: out of memory, or a segment with 2 GiB of text";
    return rc == 0 ? 0 : ENOMEM;
}

static int get_schema(struct ArrowArrayStream *st, struct ArrowSchema *out)
{
    struct stream *s = st->private_data;
    return failed(s, s->schema(s, out));
}

static int get_next(struct ArrowArrayStream *st, struct ArrowArray *out)
{
    struct stream *s = st->private_data;
    memset(out, 0, sizeof *out); /* a released array says: the end */
    const struct s3p_segment_view *v = s3p_histfile_segment(s->file, s->next);
    if (v == NULL)
        return 0;
    s->next++;
    return failed(s, s->segment(s, v, out));
}

static const char *get_last_error(struct ArrowArrayStream *st)
{
    return ((struct stream *)st->private_data)->error;
}

static void release_stream(struct ArrowArrayStream *st)
{
    struct stream *s = st->private_data;
    s3p_keynames_free(s->keynames);
    s3p_histfile_close(s->file);
    s3p_free(s);
    st->release = NULL;
}

static int open_stream(struct ArrowArrayStream *out, struct s3p_histfile *f,
                       const struct stream *kind, struct s3p_err *err)
{
    memset(out, 0, sizeof *out);
    struct stream *s = s3p_calloc(1, sizeof *s);
    if (s == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "history: out of memory");
    *s = *kind;
    s->file = s3p_histfile_hold(f);
    *out = (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release_stream,
                                     .private_data = s};
    return 0;
}

int s3p_histfile_stream(struct ArrowArrayStream *out, struct s3p_histfile *f, struct s3p_err *err)
{
    return open_stream(out, f, &(struct stream){.schema = plain_schema, .segment = plain_segment},
                       err);
}

int s3p_histfile_text_stream(struct ArrowArrayStream *out, struct s3p_histfile *f,
                             struct s3p_err *err)
{
    struct stream kind = {.schema = text_schema, .segment = text_segment};
    memset(out, 0, sizeof *out);
    S3P_TRY(s3p_keynames_create(&kind.keynames, s3p_histfile_header(f), err));
    int rc = open_stream(out, f, &kind, err);
    if (rc != 0)
        s3p_keynames_free(kind.keynames);
    return rc;
}

int s3p_history_stream(struct ArrowArrayStream *out, const char *path, struct s3p_err *err)
{
    struct s3p_histfile *f;
    memset(out, 0, sizeof *out);
    S3P_TRY(s3p_histfile_open(&f, path, true, err));
    int rc = s3p_histfile_stream(out, f, err);
    s3p_histfile_close(f);
    return rc;
}
