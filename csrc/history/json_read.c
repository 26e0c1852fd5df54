#include <jansson.h>
#include <string.h>

#include "core/alloc.h"
#include "core/text.h"
#include "history/appender.h"
#include "history/format.h"
#include "history/json.h"
#include "s3/op.h"

/* A record while it is read: everything is checked before the first byte goes into the segment. */
struct draft {
    struct s3p_attempt r;
    struct s3p_str text[S3P_COLUMN_COUNT]; /* of text columns */
    struct s3p_entry *entries;
    struct s3p_str (*entry_text)[2]; /* key and version id of each */
    size_t nentries;
    size_t text_bytes;
    const struct s3p_keynames *names;
};

static int bad(struct s3p_err *err, const char *field, const char *expected)
{
    return s3p_fail(err, S3P_EINVAL, 0, "record: %s: expected %s", field, expected);
}

static struct s3p_str text_of(const json_t *v)
{
    return (struct s3p_str){json_string_value(v), json_string_length(v)};
}

static int read_text(struct draft *d, const char *field, const json_t *v, struct s3p_str *out,
                     struct s3p_err *err)
{
    if (!json_is_string(v))
        return bad(err, field, "a text");
    *out = text_of(v);
    if (out->len > S3P_TEXT_MAX)
        return bad(err, field, "at most 65535 bytes");
    d->text_bytes += out->len;
    return 0;
}

/* An integer that fits a column of this width; u64 columns take negative ones as two's complement.
 */
static int read_number(const char *field, const json_t *v, uint16_t width, void *dst,
                       struct s3p_err *err)
{
    if (!json_is_integer(v))
        return bad(err, field, "a whole number of 64 bits");
    int64_t n = json_integer_value(v);
    if (width < 8 && (n < 0 || n >> (8 * width) != 0))
        return s3p_fail(err, S3P_EINVAL, 0, "record: %s: %lld does not fit %d bits", field,
                        (long long)n, 8 * width);
    memcpy(dst, &n, width); /* little endian, see record.c */
    return 0;
}

static int find_name(const char *name, unsigned count, const char *(*name_of)(unsigned))
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(name_of(i), name) == 0)
            return (int)i;
    return -1;
}

static int read_enum(const char *field, const json_t *v, const struct s3p_column_sense *sense,
                     uint8_t *dst, struct s3p_err *err)
{
    if (!json_is_string(v))
        return bad(err, field, "a name");
    int n = find_name(json_string_value(v), sense->values, sense->value_name);
    if (n < 0)
        return s3p_fail(err, S3P_EINVAL, 0, "record: %s: \"%.60s\" is not known", field,
                        json_string_value(v));
    *dst = (uint8_t)n;
    return 0;
}

static int read_flags(const json_t *v, unsigned count, const char *(*name_of)(unsigned),
                      uint8_t *dst, struct s3p_err *err)
{
    if (!json_is_array(v))
        return bad(err, "flags", "a list of names");
    size_t i;
    json_t *name;
    json_array_foreach (v, i, name) {
        int bit = json_is_string(name) ? find_name(json_string_value(name), count, name_of) : -1;
        if (bit < 0)
            return bad(err, "flags", "known names");
        *dst |= (uint8_t)(1u << bit);
    }
    return 0;
}

static int read_hex(const char *field, const json_t *v, uint8_t dst[16], struct s3p_err *err)
{
    if (!json_is_string(v) || json_string_length(v) != 32 ||
        !s3p_unhex(dst, json_string_value(v), 32))
        return bad(err, field, "32 hex digits");
    return 0;
}

/* `form` absent: any ETag text, whose own text the caller keeps in `raw` when it is no digest. */
static int read_etag(const char *field, const json_t *object, const char *form_field,
                     uint8_t dst[16], uint8_t *form, struct s3p_str *raw, struct s3p_err *err)
{
    const json_t *v = json_object_get(object, field), *f = json_object_get(object, form_field);
    if (v == NULL)
        return f == NULL ? 0 : bad(err, form_field, "no form without an ETag");
    if (f != NULL) {
        S3P_TRY(read_enum(form_field, f, &s3p_column_sense_table[S3P_COL_etag_form], form, err));
        return read_hex(field, v, dst, err);
    }
    if (!json_is_string(v) || json_string_length(v) > S3P_TEXT_MAX)
        return bad(err, field, "a text");
    struct s3p_etag e = s3p_etag_parse(json_string_value(v), json_string_length(v));
    memcpy(dst, e.b, sizeof e.b);
    *form = e.form;
    if (e.form == S3P_ETAG_HASHED && raw != NULL)
        *raw = text_of(v);
    return 0;
}

static const char *entry_flag_name(unsigned bit)
{
    return s3p_entry_flag_name[bit];
}

static int read_entry(struct draft *d, const json_t *v, size_t i, struct s3p_err *err)
{
    struct s3p_entry *e = &d->entries[i];
    const char *name;
    json_t *field;
    if (!json_is_object(v))
        return bad(err, "entries", "a list of objects");
    e->key_index = S3P_NO_INDEX;
    json_object_foreach ((json_t *)(uintptr_t)v, name, field) {
        int rc = 0;
        if (strcmp(name, "key") == 0)
            rc = read_text(d, "entries.key", field, &d->entry_text[i][0], err);
        else if (strcmp(name, "version_id") == 0)
            rc = read_text(d, "entries.version_id", field, &d->entry_text[i][1], err);
        else if (strcmp(name, "space") == 0)
            rc = read_number("entries.space", field, sizeof e->space, &e->space, err);
        else if (strcmp(name, "key_index") == 0)
            rc = read_number("entries.key_index", field, sizeof e->key_index, &e->key_index, err);
        else if (strcmp(name, "size") == 0)
            rc = read_number("entries.size", field, sizeof e->size, &e->size, err);
        else if (strcmp(name, "last_modified_ns") == 0)
            rc = read_number("entries.last_modified_ns", field, 8, &e->last_modified_ns, err);
        else if (strcmp(name, "flags") == 0)
            rc = read_flags(field, S3P_ENTRY_FLAGS, entry_flag_name, &e->flags, err);
        else if (strcmp(name, "etag") != 0 && strcmp(name, "etag_form") != 0)
            rc = s3p_fail(err, S3P_EINVAL, 0, "record: entries.%.40s is not a field", name);
        S3P_TRY(rc);
    }
    S3P_TRY(read_etag("etag", v, "etag_form", e->etag, &e->etag_form, NULL, err));
    struct s3p_str *key = &d->entry_text[i][0];
    bool prefix = (e->flags & S3P_ENTRY_PREFIX) != 0; /* is no key, though it may be named so */
    if (key->p == NULL ||
        (e->key_index == S3P_NO_INDEX &&
         (prefix || !s3p_keynames_find(d->names, d->r.bucket, *key, &e->space, &e->key_index))))
        return 0;
    *key = (struct s3p_str){NULL, 0}; /* the index tells */
    return 0;
}

static int read_entries(struct draft *d, const json_t *v, struct s3p_err *err)
{
    if (!json_is_array(v) || json_array_size(v) > S3P_SEGMENT_ENTRIES)
        return bad(err, "entries", "a list of at most 32768 objects");
    d->nentries = json_array_size(v);
    d->entries = s3p_calloc(d->nentries, sizeof *d->entries);
    d->entry_text = s3p_calloc(d->nentries, sizeof *d->entry_text);
    if (d->entries == NULL || d->entry_text == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "record: out of memory for %zu entries", d->nentries);
    for (size_t i = 0; i < d->nentries; i++)
        S3P_TRY(read_entry(d, json_array_get(v, i), i, err));
    return 0;
}

static int read_bucket(struct draft *d, const json_t *v, struct s3p_err *err)
{
    if (v == NULL || json_is_integer(v))
        return v == NULL ? 0 : read_number("bucket", v, sizeof d->r.bucket, &d->r.bucket, err);
    if (!json_is_string(v) || !s3p_keynames_bucket(d->names, text_of(v), &d->r.bucket))
        return bad(err, "bucket", "a bucket role of the header");
    return 0;
}

static int read_key(struct draft *d, const json_t *key, struct s3p_err *err)
{
    if (key == NULL || d->r.key_index != S3P_NO_INDEX)
        return 0;
    if (!json_is_string(key) ||
        !s3p_keynames_find(d->names, d->r.bucket, text_of(key), &d->r.space, &d->r.key_index))
        return bad(err, "key", "a key of the header's spaces, or space and key_index");
    return 0;
}

static int column_of(const char *name)
{
    for (int c = 0; c < S3P_COLUMN_COUNT; c++)
        if (strcmp(s3p_column_table[c].name, name) == 0)
            return c;
    return -1;
}

static int read_column(struct draft *d, int c, const json_t *v, struct s3p_err *err)
{
    const struct s3p_column_row *row = &s3p_column_table[c];
    const struct s3p_column_sense *sense = &s3p_column_sense_table[c];
    uint8_t *dst = (uint8_t *)&d->r + row->offset;
    switch (sense->as) {
    case S3P_AS_ENUM:
        return read_enum(row->name, v, sense, dst, err);
    case S3P_AS_FLAGS:
        return read_flags(v, sense->values, sense->value_name, dst, err);
    case S3P_AS_TEXT:
        return read_text(d, row->name, v, &d->text[c], err);
    case S3P_AS_ID:
        return read_hex(row->name, v, dst, err);
    case S3P_AS_NUMBER:
        break;
    }
    return read_number(row->name, v, row->width, dst, err);
}

static int read_field(struct draft *d, const char *name, const json_t *v, struct s3p_err *err)
{
    static const char *const elsewhere[] = {"key",       "bucket",      "entries",    "etag",
                                            "etag_form", "expect_etag", "expect_form"};
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (strcmp(name, elsewhere[i]) == 0)
            return 0;
    int c = column_of(name);
    if (c < 0 || c == S3P_COL_entries_first || c == S3P_COL_entries_count)
        return s3p_fail(err, S3P_EINVAL, 0, "record: %.60s is not a field", name);
    return read_column(d, c, v, err);
}

static int read_object(struct draft *d, json_t *object, struct s3p_err *err)
{
    const char *name;
    json_t *v;
    json_object_foreach (object, name, v)
        S3P_TRY(read_field(d, name, v, err));
    if (json_object_get(object, "op") == NULL || json_object_get(object, "outcome") == NULL)
        return bad(err, "op, outcome", "both to be there");
    struct s3p_str *etag = &d->text[S3P_COL_etag_text], *expect = &d->text[S3P_COL_expect_text];
    S3P_TRY(read_etag("etag", object, "etag_form", d->r.etag.b, &d->r.etag_form, etag, err));
    S3P_TRY(read_etag("expect_etag", object, "expect_form", d->r.expect_etag.b, &d->r.expect_form,
                      expect, err));
    d->text_bytes += etag->len + expect->len;
    S3P_TRY(read_bucket(d, json_object_get(object, "bucket"), err));
    S3P_TRY(read_key(d, json_object_get(object, "key"), err));
    v = json_object_get(object, "entries");
    return v == NULL ? 0 : read_entries(d, v, err);
}

/* `parent` counts back in JSON; as a position it must still lead to the request, in this segment.
 */
static int resolve_parent(const struct s3p_appender *a, struct s3p_attempt *r, struct s3p_err *err)
{
    const struct s3p_segment *s = a->open;
    uint32_t back = r->parent;
    if (back == 0)
        return 0;
    if (back > s->records || s->rows[s->records - back].op != S3P_OP_DELETE_OBJECTS)
        return bad(err, "parent", "the number of records back to its delete_objects");
    r->parent = s->records - back + 1;
    return 0;
}

static int append_draft(struct s3p_appender *a, struct draft *d, struct s3p_err *err)
{
    s3p_append_begin(a, d->text_bytes, d->nentries);
    S3P_TRY(resolve_parent(a, &d->r, err));
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        if (s3p_column_sense_table[c].as != S3P_AS_TEXT)
            continue;
        uint32_t offset = s3p_append_text(a, d->text[c].p, d->text[c].len);
        memcpy((uint8_t *)&d->r + s3p_column_table[c].offset, &offset, sizeof offset);
    }
    d->r.entries_count = (uint32_t)d->nentries;
    for (size_t i = 0; i < d->nentries; i++) {
        d->entries[i].key_text = s3p_append_text(a, d->entry_text[i][0].p, d->entry_text[i][0].len);
        d->entries[i].version_id =
            s3p_append_text(a, d->entry_text[i][1].p, d->entry_text[i][1].len);
        uint32_t at = s3p_append_entry(a, &d->entries[i]);
        if (i == 0)
            d->r.entries_first = at;
    }
    s3p_append(a, &d->r);
    return 0;
}

int s3p_record_from_json(struct s3p_appender *a, const char *p, size_t len, struct s3p_err *err)
{
    json_error_t why;
    json_t *object = json_loadb(p, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!json_is_object(object)) {
        json_decref(object);
        return s3p_fail(err, S3P_EINVAL, 0, "record: not a JSON object: %.120s",
                        object == NULL ? why.text : "another value");
    }
    struct draft d = {.names = s3p_appender_keynames(a)};
    s3p_attempt_clear(&d.r);
    int rc = read_object(&d, object, err);
    size_t texts =
        S3P_TEXT_FIRST + d.text_bytes + S3P_TEXT_PREFIX * (S3P_RECORD_TEXTS + 2 * d.nentries);
    if (rc == 0 && texts > S3P_SEGMENT_TEXT_BYTES)
        rc = s3p_fail(err, S3P_ELIMIT, 0, "record: %zu bytes of text do not fit a segment", texts);
    if (rc == 0)
        rc = append_draft(a, &d, err);
    s3p_free(d.entries);
    s3p_free(d.entry_text);
    json_decref(object);
    return rc;
}
