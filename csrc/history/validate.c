#include "history/validate.h"

#include <string.h>

#include "history/format.h"
#include "s3/op.h"

static int bad(struct s3p_err *err, uint32_t number, uint32_t record, int column, uint64_t value)
{
    return s3p_fail(err, S3P_EFORMAT, 0, "history: segment %u, record %u: %s: %llu is out of range",
                    number, record, s3p_column_table[column].name, (unsigned long long)value);
}

static bool text_fits(const struct s3p_segment_view *s, uint32_t offset)
{
    if (offset == 0)
        return true;
    if (offset < S3P_TEXT_FIRST || offset > s->text_bytes ||
        s->text_bytes - offset < S3P_TEXT_PREFIX)
        return false;
    uint32_t len;
    memcpy(&len, s->text + offset, sizeof len);
    return len <= s->text_bytes - offset - S3P_TEXT_PREFIX;
}

/* A column is padded to 64 bytes, so it can be looked at in blocks of that, which a compiler turns
 * into vector instructions. Too great a byte in the padding only makes the caller look closer. */
static unsigned greatest_byte(const uint8_t *v, uint32_t records)
{
    enum { BLOCK = S3P_FILE_ALIGN };
    uint8_t max[BLOCK] = {0}, all = 0;
    for (const uint8_t *end = v + records; v < end; v += BLOCK)
        for (int k = 0; k < BLOCK; k++)
            max[k] = v[k] > max[k] ? v[k] : max[k];
    for (int k = 0; k < BLOCK; k++)
        all = max[k] > all ? max[k] : all;
    return all;
}

/* The first is zero, and each equals the next: most columns of texts and references are like that,
 * and memcmp is fast. A segment has a record at least. */
static bool all_zero(const uint32_t *v, uint32_t records)
{
    return v[0] == 0 && memcmp(v, v + 1, (records - 1) * sizeof *v) == 0;
}

static int check_bytes(const struct s3p_segment_view *s, uint32_t number, int column,
                       struct s3p_err *err)
{
    const struct s3p_column_sense *sense = &s3p_column_sense_table[column];
    unsigned limit = sense->as == S3P_AS_FLAGS ? 1u << sense->values : sense->values;
    const uint8_t *v = s->column[column];
    if (greatest_byte(v, s->records) < limit)
        return 0;
    for (uint32_t i = 0; i < s->records; i++)
        if (v[i] >= limit)
            return bad(err, number, i, column, v[i]);
    return 0;
}

static int check_texts(struct s3p_segment_view *s, uint32_t number, int column,
                       struct s3p_err *err)
{
    const uint32_t *v = s->column[column];
    if (all_zero(v, s->records))
        return 0;
    s->texts |= S3P_BIT(column);
    for (uint32_t i = 0; i < s->records; i++)
        if (v[i] != 0 && !text_fits(s, v[i]))
            return bad(err, number, i, column, v[i]);
    return 0;
}

static int check_pages(const struct s3p_segment_view *s, uint32_t number, struct s3p_err *err)
{
    const uint32_t *first = s->column[S3P_COL_entries_first];
    const uint32_t *count = s->column[S3P_COL_entries_count];
    if (all_zero(first, s->records) && all_zero(count, s->records))
        return 0;
    for (uint32_t i = 0; i < s->records; i++) {
        if (first[i] > s->nentries)
            return bad(err, number, i, S3P_COL_entries_first, first[i]);
        if (count[i] > s->nentries - first[i])
            return bad(err, number, i, S3P_COL_entries_count, count[i]);
    }
    return 0;
}

static int check_parents(const struct s3p_segment_view *s, uint32_t number, struct s3p_err *err)
{
    const uint32_t *parent = s->column[S3P_COL_parent];
    const uint8_t *op = s->column[S3P_COL_op];
    if (all_zero(parent, s->records))
        return 0;
    for (uint32_t i = 0; i < s->records; i++)
        if (parent[i] != 0 && (parent[i] > i || op[parent[i] - 1] != S3P_OP_DELETE_OBJECTS))
            return bad(err, number, i, S3P_COL_parent, parent[i]);
    return 0;
}

static int check_entries(const struct s3p_segment_view *s, uint32_t number, struct s3p_err *err)
{
    for (uint32_t i = 0; i < s->nentries; i++) {
        const struct s3p_entry *e = &s->entries[i];
        const char *field = !text_fits(s, e->key_text)         ? "key_text"
                            : !text_fits(s, e->version_id)     ? "version_id"
                            : e->flags >= S3P_ENTRY_ERROR << 1 ? "flags"
                            : e->etag_form >= s3p_column_sense_table[S3P_COL_etag_form].values
                                ? "etag_form"
                            : e->reserved != 0 ? "reserved"
                                               : NULL;
        if (field != NULL)
            return s3p_fail(err, S3P_EFORMAT, 0,
                            "history: segment %u, entry %u: %s is out of range", number, i, field);
    }
    return 0;
}

static uint64_t ops_of(const struct s3p_segment_view *s)
{
    const uint8_t *op = s->column[S3P_COL_op];
    uint64_t found = 0;
    for (uint32_t i = 0; i < s->records; i++)
        found |= S3P_BIT(op[i]);
    return found;
}

int s3p_segment_validate(struct s3p_segment_view *s, uint32_t number, struct s3p_err *err)
{
    _Static_assert(S3P_OP_COUNT <= 64 && S3P_COLUMN_COUNT <= 64, "a bit each");
    s->texts = 0;
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        enum s3p_column_as as = s3p_column_sense_table[c].as;
        if (as == S3P_AS_ENUM || as == S3P_AS_FLAGS)
            S3P_TRY(check_bytes(s, number, c, err));
        else if (as == S3P_AS_TEXT)
            S3P_TRY(check_texts(s, number, c, err));
    }
    s->ops = ops_of(s);
    S3P_TRY(check_pages(s, number, err));
    S3P_TRY(check_parents(s, number, err));
    return check_entries(s, number, err);
}
