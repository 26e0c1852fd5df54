#include "server/filters.h"

#include <string.h>

#include "core/random.h"
#include "core/text.h"
#include "server/parse.h"
#include "server/tags.h"
#include "server/xml_write.h"

#define COUNT_BYTES 8
#define TAGS_BYTES_MAX (64 * 1024)
#define TEXT_MAX 4096

bool s3p_srv_rule_set_open(struct s3p_srv_rule_set *s, struct s3p_str stored, size_t row_bytes)
{
    uint64_t n;
    if (stored.len < COUNT_BYTES)
        return false;
    memcpy(&n, stored.p, sizeof n);
    if (n > S3P_SRV_RULES_MAX || stored.len - COUNT_BYTES < n * row_bytes)
        return false;
    s->n = (size_t)n;
    s->row_bytes = row_bytes;
    s->rows = (struct s3p_str){stored.p + COUNT_BYTES, s->n * row_bytes};
    s->texts.p = s->rows.p + s->rows.len;
    s->texts.len = stored.len - COUNT_BYTES - s->rows.len;
    return true;
}

void s3p_srv_rule_set_row(const struct s3p_srv_rule_set *s, size_t i, void *row)
{
    memcpy(row, s->rows.p + i * s->row_bytes, s->row_bytes); /* what is stored is not aligned */
}

struct s3p_str s3p_srv_rule_text(const struct s3p_srv_rule_set *s, struct s3p_srv_span span)
{
    if (span.at > s->texts.len || span.len > s->texts.len - span.at)
        return S3P_STR("");
    return (struct s3p_str){s->texts.p + span.at, span.len};
}

void s3p_srv_rule_set_store(struct s3p_buf *out, const struct s3p_buf *rows,
                            const struct s3p_buf *texts, size_t row_bytes)
{
    uint64_t n = rows->len / row_bytes;
    s3p_buf_add(out, &n, sizeof n);
    s3p_buf_add(out, rows->data, rows->len);
    s3p_buf_add(out, texts->data, texts->len);
}

struct s3p_srv_span s3p_srv_span_add(struct s3p_buf *texts, struct s3p_str text)
{
    struct s3p_srv_span span = {(uint32_t)texts->len, (uint32_t)text.len};
    s3p_buf_view(texts, text);
    return span;
}

bool s3p_srv_span_same(const struct s3p_buf *texts, struct s3p_srv_span a, struct s3p_srv_span b)
{
    return a.len == b.len &&
           (a.len == 0 || memcmp(texts->data + a.at, texts->data + b.at, a.len) == 0);
}

static bool has_tag(struct s3p_str tags, struct s3p_str key, struct s3p_str value)
{
    struct s3p_str k, v;
    for (size_t at = 0; s3p_srv_meta_next(tags, &at, &k, &v);)
        if (s3p_srv_compare(k, key) == 0)
            return s3p_srv_compare(v, value) == 0;
    return false;
}

bool s3p_srv_filter_matches(const struct s3p_srv_rule_set *s, const struct s3p_srv_filter *f,
                            struct s3p_str key, const struct s3p_srv_record *r)
{
    struct s3p_str prefix = s3p_srv_rule_text(s, f->prefix), k, v;
    if (key.len < prefix.len || (prefix.len > 0 && memcmp(key.p, prefix.p, prefix.len) != 0))
        return false;
    if (r->marker)
        return f->n_tags == 0 && !f->has_above && !f->has_below;
    if ((f->has_above && r->size <= f->above) || (f->has_below && r->size >= f->below))
        return false;
    struct s3p_str tags = s3p_srv_rule_text(s, f->tags);
    for (size_t at = 0; s3p_srv_meta_next(tags, &at, &k, &v);)
        if (!has_tag(r->tags, k, v))
            return false;
    return true;
}

void s3p_srv_filter_reader_init(struct s3p_srv_filter_reader *f, struct s3p_buf *texts)
{
    memset(f, 0, sizeof *f);
    f->texts = texts;
    s3p_buf_init(&f->tags, TAGS_BYTES_MAX);
    s3p_buf_init(&f->key, TEXT_MAX);
    s3p_buf_init(&f->value, TEXT_MAX);
}

void s3p_srv_filter_reader_free(struct s3p_srv_filter_reader *f)
{
    s3p_buf_free(&f->tags);
    s3p_buf_free(&f->key);
    s3p_buf_free(&f->value);
}

void s3p_srv_filter_begin(struct s3p_srv_filter_reader *f)
{
    memset(&f->filter, 0, sizeof f->filter);
    s3p_buf_clear(&f->tags);
    f->given = f->and = f->has_key = f->has_value = false;
    f->direct = f->inside = 0;
}

/* What an element of a filter is; PART: of the tag that is open. */
static const struct {
    const char *path;
    enum { FILTER, AND, OLD_PREFIX, PREFIX, ABOVE, BELOW, TAG, KEY, VALUE } what;
} elements[] = {
    {"Prefix", OLD_PREFIX},
    {"Filter", FILTER},
    {"Filter/And", AND},
    {"Filter/Prefix", PREFIX},
    {"Filter/And/Prefix", PREFIX},
    {"Filter/ObjectSizeGreaterThan", ABOVE},
    {"Filter/And/ObjectSizeGreaterThan", ABOVE},
    {"Filter/ObjectSizeLessThan", BELOW},
    {"Filter/And/ObjectSizeLessThan", BELOW},
    {"Filter/Tag", TAG},
    {"Filter/And/Tag", TAG},
    {"Filter/Tag/Key", KEY},
    {"Filter/And/Tag/Key", KEY},
    {"Filter/Tag/Value", VALUE},
    {"Filter/And/Tag/Value", VALUE},
};

void s3p_srv_filter_open(struct s3p_srv_filter_reader *f, const char *path)
{
    if (strcmp(path, "Filter/Tag") == 0 || strcmp(path, "Filter/And/Tag") == 0)
        f->has_key = f->has_value = false;
}

static enum s3p_srv_error take_prefix(struct s3p_srv_filter_reader *f, struct s3p_str text)
{
    if (f->filter.has_prefix)
        return S3P_SE_XML;
    f->filter.has_prefix = 1;
    f->filter.prefix = s3p_srv_span_add(f->texts, text);
    return text.len <= S3P_SRV_KEY_MAX ? S3P_SE_NONE : S3P_SE_RULE_ARGUMENT;
}

static enum s3p_srv_error take_size(struct s3p_str text, uint8_t *has, uint64_t *out)
{
    if (*has)
        return S3P_SE_XML;
    *has = 1;
    text = s3p_srv_trim(text);
    return s3p_parse_u64(text.p, text.len, out) ? S3P_SE_NONE : S3P_SE_XML;
}

static bool keep(struct s3p_buf *to, struct s3p_str text, bool *has)
{
    bool first = !*has;
    *has = true;
    s3p_buf_clear(to);
    s3p_buf_view(to, text);
    return first;
}

static enum s3p_srv_error take_tag(struct s3p_srv_filter_reader *f)
{
    if (!f->has_key || !f->has_value)
        return S3P_SE_XML;
    f->filter.n_tags++;
    if (f->filter.n_tags > S3P_SRV_TAGS_MAX)
        return S3P_SE_RULE;
    s3p_srv_meta_add(&f->tags, (struct s3p_str){f->key.data, f->key.len},
                     (struct s3p_str){f->value.data, f->value.len});
    return S3P_SE_NONE;
}

bool s3p_srv_filter_field(struct s3p_srv_filter_reader *f, const char *path, struct s3p_str text,
                          enum s3p_srv_error *e)
{
    size_t i = 0, n = sizeof elements / sizeof elements[0];
    while (i < n && strcmp(elements[i].path, path) != 0)
        i++;
    if (i == n)
        return false;
    struct s3p_srv_filter *out = &f->filter;
    *e = S3P_SE_NONE;
    switch (elements[i].what) {
    case FILTER:
        *e = f->given ? S3P_SE_XML : S3P_SE_NONE;
        f->given = true;
        break;
    case AND:
        *e = f->and ? S3P_SE_XML : S3P_SE_NONE;
        f->and = true;
        break;
    case OLD_PREFIX:
        out->old_form = 1;
        *e = take_prefix(f, text);
        return true;
    case PREFIX:
        *e = take_prefix(f, text);
        break;
    case ABOVE:
        *e = take_size(text, &out->has_above, &out->above);
        break;
    case BELOW:
        *e = take_size(text, &out->has_below, &out->below);
        break;
    case TAG:
        *e = take_tag(f);
        break;
    case KEY:
        *e = keep(&f->key, text, &f->has_key) ? S3P_SE_NONE : S3P_SE_XML;
        return true;
    case VALUE:
        *e = keep(&f->value, text, &f->has_value) ? S3P_SE_NONE : S3P_SE_XML;
        return true;
    }
    if (elements[i].what > AND && strncmp(path, "Filter/And/", 11) == 0)
        f->inside++;
    else if (elements[i].what != FILTER)
        f->direct++;
    return true;
}

enum s3p_srv_error s3p_srv_filter_end(struct s3p_srv_filter_reader *f)
{
    struct s3p_srv_filter *out = &f->filter;
    /* one form, one predicate; several of them stand in <And> */
    if (f->given == (out->old_form != 0) || f->direct > 1 || (f->and && f->inside < 2))
        return S3P_SE_XML;
    if (s3p_srv_tags_check((struct s3p_str){f->tags.data, f->tags.len}) != S3P_SE_NONE)
        return S3P_SE_RULE;
    if (out->has_above && out->has_below && out->above >= out->below)
        return S3P_SE_RULE;
    out->tags = s3p_srv_span_add(f->texts, (struct s3p_str){f->tags.data, f->tags.len});
    return S3P_SE_NONE;
}

static void predicates_xml(struct s3p_buf *out, const struct s3p_srv_rule_set *s,
                           const struct s3p_srv_filter *f)
{
    struct s3p_str tags = s3p_srv_rule_text(s, f->tags), key, value;
    if (f->has_prefix)
        s3p_srv_xml_text(out, "Prefix", s3p_srv_rule_text(s, f->prefix));
    for (size_t at = 0; s3p_srv_meta_next(tags, &at, &key, &value);) {
        s3p_srv_xml_open(out, "Tag");
        s3p_srv_xml_text(out, "Key", key);
        s3p_srv_xml_text(out, "Value", value);
        s3p_srv_xml_close(out, "Tag");
    }
    if (f->has_above)
        s3p_srv_xml_u64(out, "ObjectSizeGreaterThan", f->above);
    if (f->has_below)
        s3p_srv_xml_u64(out, "ObjectSizeLessThan", f->below);
}

void s3p_srv_filter_xml(struct s3p_buf *out, const struct s3p_srv_rule_set *s,
                        const struct s3p_srv_filter *f)
{
    bool several = f->has_prefix + f->n_tags + f->has_above + f->has_below > 1;
    if (f->old_form) {
        predicates_xml(out, s, f);
        return;
    }
    s3p_srv_xml_open(out, "Filter");
    if (several)
        s3p_srv_xml_open(out, "And");
    predicates_xml(out, s, f);
    if (several)
        s3p_srv_xml_close(out, "And");
    s3p_srv_xml_close(out, "Filter");
}

enum s3p_srv_error s3p_srv_rule_id(struct s3p_buf *texts, struct s3p_str text,
                                   struct s3p_srv_span *out)
{
    char drawn[32];
    uint64_t bits[2];
    if (text.len == 0) {
        bits[0] = s3p_entropy_u64();
        bits[1] = s3p_entropy_u64();
        s3p_hex(drawn, bits, sizeof bits);
        text = (struct s3p_str){drawn, sizeof drawn};
    }
    *out = s3p_srv_span_add(texts, text);
    return text.len <= S3P_SRV_RULE_ID_MAX ? S3P_SE_NONE : S3P_SE_RULE_ARGUMENT;
}
