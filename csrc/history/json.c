#include "history/json.h"

#include <string.h>

#include "core/text.h"
#include "history/utf8.h"
#include "s3/op.h"

const char *const s3p_entry_flag_name[S3P_ENTRY_FLAGS] = {"prefix", "latest", "marker", "deleted",
                                                          "error"};

static void add_escape(struct s3p_buf *out, unsigned char c)
{
    char text[6] = {'\\', 'u', '0', '0'};
    s3p_hex(text + 4, &c, 1);
    s3p_buf_add(out, text, sizeof text);
}

void s3p_json_text(struct s3p_buf *out, struct s3p_str s)
{
    s3p_buf_char(out, '"');
    for (size_t i = 0; i < s.len;) {
        const unsigned char *p = (const unsigned char *)s.p + i;
        size_t n = s3p_utf8_length(p, s.len - i);
        if (n == 0 || *p < 0x20 || *p == 0x7f) {
            add_escape(out, *p);
            n = 1;
        } else {
            if (*p == '"' || *p == '\\')
                s3p_buf_char(out, '\\');
            s3p_buf_add(out, p, n);
        }
        i += n;
    }
    s3p_buf_char(out, '"');
}

/* `,"name":`, or without the comma at the begin of an object. */
static void add_name(struct s3p_buf *out, const char *name)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        s3p_buf_char(out, ',');
    s3p_buf_char(out, '"');
    s3p_buf_str(out, name);
    s3p_buf_str(out, "\":");
}

static void add_hex(struct s3p_buf *out, const char *name, const uint8_t b[16])
{
    char hex[32];
    s3p_hex(hex, b, 16);
    add_name(out, name);
    s3p_json_text(out, (struct s3p_str){hex, sizeof hex});
}

static void add_names(struct s3p_buf *out, unsigned bits, unsigned count,
                      const char *(*name)(unsigned))
{
    const char *comma = "";
    add_name(out, "flags");
    s3p_buf_char(out, '[');
    for (unsigned b = 0; b < count; b++) {
        if ((bits >> b & 1) == 0)
            continue;
        s3p_buf_str(out, comma);
        s3p_json_text(out, (struct s3p_str){name(b), strlen(name(b))});
        comma = ",";
    }
    s3p_buf_char(out, ']');
}

static const char *entry_flag_name(unsigned bit)
{
    return s3p_entry_flag_name[bit];
}

static void add_key(struct s3p_buf *out, uint16_t space, uint64_t index,
                    const struct s3p_keynames *k)
{
    add_name(out, "space");
    s3p_buf_u64(out, space);
    add_name(out, "key_index");
    s3p_buf_i64(out, (int64_t)index);
    if (k == NULL)
        return;
    struct s3p_buf key;
    s3p_buf_init(&key, 64u << 10);
    s3p_keynames_text(k, space, index, &key);
    add_name(out, "key");
    s3p_json_text(out, (struct s3p_str){key.data, s3p_buf_ok(&key) ? key.len : 0});
    s3p_buf_free(&key);
}

/* An ETag and its form, which is left out when it is the usual one. */
static void add_etag(struct s3p_buf *out, const char *name, const char *form_name,
                     const uint8_t b[16], uint8_t form)
{
    static const uint8_t zero[16];
    if (form == S3P_ETAG_NONE && memcmp(b, zero, sizeof zero) == 0)
        return;
    add_hex(out, name, b);
    if (form == S3P_ETAG_DIGEST)
        return;
    const char *text = s3p_column_sense_table[S3P_COL_etag_form].value_name(form);
    add_name(out, form_name);
    s3p_json_text(out, (struct s3p_str){text, strlen(text)});
}

static void add_entry(struct s3p_buf *out, const struct s3p_segment_view *s,
                      const struct s3p_entry *e, const struct s3p_keynames *k)
{
    s3p_buf_char(out, '{');
    if (e->key_text != 0) {
        add_name(out, "key");
        s3p_json_text(out, s3p_segment_text(s, e->key_text));
    } else {
        add_key(out, e->space, e->key_index, e->key_index != S3P_NO_INDEX ? k : NULL);
    }
    add_etag(out, "etag", "etag_form", e->etag, e->etag_form);
    add_name(out, "size");
    s3p_buf_i64(out, (int64_t)e->size);
    if (e->last_modified_ns != 0) {
        add_name(out, "last_modified_ns");
        s3p_buf_i64(out, e->last_modified_ns);
    }
    if (e->version_id != 0) {
        add_name(out, "version_id");
        s3p_json_text(out, s3p_segment_text(s, e->version_id));
    }
    if (e->flags != 0)
        add_names(out, e->flags, S3P_ENTRY_FLAGS, entry_flag_name);
    s3p_buf_char(out, '}');
}

static void add_entries(struct s3p_buf *out, const struct s3p_segment_view *s, uint32_t first,
                        uint32_t count, const struct s3p_keynames *k)
{
    add_name(out, "entries");
    s3p_buf_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            s3p_buf_char(out, ',');
        add_entry(out, s, &s->entries[first + i], k);
    }
    s3p_buf_char(out, ']');
}

/* A number column as int64, u64 as two's complement. */
static int64_t number_at(const struct s3p_segment_view *s, int column, uint32_t i)
{
    const void *p = s->column[column];
    switch (s3p_column_table[column].width) {
    case 8:
        return ((const int64_t *)p)[i];
    case 4:
        return ((const uint32_t *)p)[i];
    case 2:
        return ((const uint16_t *)p)[i];
    default:
        return ((const uint8_t *)p)[i];
    }
}

static void add_column(struct s3p_buf *out, const struct s3p_segment_view *s, int column,
                       uint32_t i)
{
    static const uint8_t zero[16];
    const char *name = s3p_column_table[column].name;
    const struct s3p_column_sense *sense = &s3p_column_sense_table[column];
    if (sense->as == S3P_AS_ID) {
        const uint8_t *id = (const uint8_t *)s->column[column] + (size_t)i * 16;
        if (memcmp(id, zero, sizeof zero) != 0)
            add_hex(out, name, id);
        return;
    }
    int64_t v = number_at(s, column, i);
    if (v == sense->none && !sense->always)
        return;
    if (sense->as == S3P_AS_FLAGS) {
        add_names(out, (unsigned)v, sense->values, sense->value_name);
        return;
    }
    add_name(out, name);
    if (sense->as == S3P_AS_TEXT) {
        s3p_json_text(out, s3p_segment_text(s, (uint32_t)v));
    } else if (sense->as == S3P_AS_ENUM) {
        const char *text = sense->value_name((unsigned)v);
        s3p_json_text(out, (struct s3p_str){text, strlen(text)});
    } else {
        s3p_buf_i64(out, v);
    }
}

static void add_bucket(struct s3p_buf *out, uint16_t bucket, const struct s3p_keynames *k)
{
    struct s3p_str role = k != NULL ? s3p_keynames_bucket_role(k, bucket) : S3P_STR("?");
    add_name(out, "bucket");
    if (s3p_str_eq(role, "?"))
        s3p_buf_u64(out, bucket);
    else
        s3p_json_text(out, role);
}

/* Columns that are written by one of the functions above, not as themselves. */
static bool is_special(int c)
{
    switch (c) {
    case S3P_COL_key_index:
    case S3P_COL_space:
    case S3P_COL_bucket:
    case S3P_COL_parent:
    case S3P_COL_entries_first:
    case S3P_COL_entries_count:
    case S3P_COL_etag:
    case S3P_COL_etag_form:
    case S3P_COL_expect_etag:
    case S3P_COL_expect_form:
        return true;
    default:
        return false;
    }
}

/* Entries that are parts of an upload: a number stands where others have their key. */
static bool holds_parts(uint8_t op)
{
    return op == S3P_OP_LIST_PARTS || op == S3P_OP_COMPLETE_UPLOAD;
}

void s3p_record_json(const struct s3p_segment_view *s, uint32_t i, const struct s3p_keynames *k,
                     struct s3p_buf *out)
{
    struct s3p_attempt r;
    s3p_segment_get(s, i, &r);
    s3p_buf_char(out, '{');
    add_column(out, s, S3P_COL_op, i);
    add_bucket(out, r.bucket, k);
    if (r.key_index != S3P_NO_INDEX || r.space != 0)
        add_key(out, r.space, r.key_index, r.key_index != S3P_NO_INDEX ? k : NULL);
    for (int c = 0; c < S3P_COLUMN_COUNT; c++)
        if (!is_special(c) && c != S3P_COL_op)
            add_column(out, s, c, i);
    add_etag(out, "etag", "etag_form", r.etag.b, r.etag_form);
    add_etag(out, "expect_etag", "expect_form", r.expect_etag.b, r.expect_form);
    if (r.parent != 0) {
        add_name(out, "parent");
        s3p_buf_u64(out, i + 1 - r.parent);
    }
    if (r.entries_count > 0)
        add_entries(out, s, r.entries_first, r.entries_count, holds_parts(r.op) ? NULL : k);
    s3p_buf_char(out, '}');
}
