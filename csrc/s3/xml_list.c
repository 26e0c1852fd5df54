#include <stdint.h>
#include <string.h>

#include "core/text.h"
#include "s3/xml.h"
#include "s3/xml_read.h"

enum {
    ROOT = 1,
    ENCODING,
    TRUNCATED,
    KEY_COUNT,
    MAX_KEYS,
    NEXT_TOKEN,
    NEXT_MARKER,
    CONTENTS,
    KEY,
    ETAG,
    SIZE,
    MODIFIED,
    COMMON,
    PREFIX,
};
static const struct s3p_xml_element list_elements[] = {
    {0, ROOT, "ListBucketResult"},
    {ROOT, CONTENTS, "Contents"},
    {CONTENTS, KEY, "Key"},
    {CONTENTS, ETAG, "ETag"},
    {CONTENTS, SIZE, "Size"},
    {CONTENTS, MODIFIED, "LastModified"},
    {ROOT, COMMON, "CommonPrefixes"},
    {COMMON, PREFIX, "Prefix"},
    {ROOT, ENCODING, "EncodingType"},
    {ROOT, TRUNCATED, "IsTruncated"},
    {ROOT, KEY_COUNT, "KeyCount"},
    {ROOT, MAX_KEYS, "MaxKeys"},
    {ROOT, NEXT_TOKEN, "NextContinuationToken"},
    {ROOT, NEXT_MARKER, "NextMarker"},
    {0, 0, NULL},
};

struct list_state {
    struct s3p_list_page *page;
    struct s3p_arena *arena;
    bool url; /* encoding-type=url was said, maybe after the keys */
};

static int add_entry(struct list_state *s, struct s3p_list_entry e, struct s3p_err *err)
{
    struct s3p_list_page *page = s->page;
    void *entries = s3p_xml_append(s->arena, page->entries, page->n, sizeof e, err);
    if (entries == NULL)
        return S3P_ELIMIT;
    page->entries = entries;
    page->entries[page->n++] = e;
    return S3P_OK;
}

static int open_element(void *arg, int id, struct s3p_err *err)
{
    return id == CONTENTS ? add_entry(arg, (struct s3p_list_entry){0}, err) : S3P_OK;
}

static int bad(const char *element, struct s3p_str text, struct s3p_err *err)
{
    int shown = text.len < 64 ? (int)text.len : 64;
    return s3p_fail(err, S3P_EFORMAT, 0, "listing: %s \"%.*s\"", element, shown,
                    shown == 0 ? "" : text.p);
}

static int take_count(int *out, const char *element, struct s3p_str text, struct s3p_err *err)
{
    uint64_t v;
    if (!s3p_parse_u64(text.p, text.len, &v) || v > INT32_MAX)
        return bad(element, text, err);
    *out = (int)v;
    return S3P_OK;
}

static int take_of_entry(struct list_state *s, struct s3p_list_entry *e, int id,
                         struct s3p_str text, struct s3p_err *err)
{
    switch (id) {
    case KEY:
        return s3p_xml_keep(&e->key, s->arena, text, err);
    case ETAG:
        e->etag = s3p_etag_parse(text.p, text.len);
        return s3p_xml_keep(&e->etag_text, s->arena, text, err);
    case SIZE:
        return s3p_parse_u64(text.p, text.len, &e->size) ? S3P_OK : bad("Size", text, err);
    case MODIFIED:
        if (!s3p_parse_iso_date(text.p, text.len, &e->last_modified_ns))
            e->last_modified_ns = 0;
        return S3P_OK;
    default: /* CONTENTS: its end */
        return e->key.p != NULL ? S3P_OK : bad("Contents without Key", text, err);
    }
}

static int take_element(void *arg, int id, struct s3p_str text, struct s3p_err *err)
{
    struct list_state *s = arg;
    struct s3p_list_page *page = s->page;
    if (id >= CONTENTS && id <= MODIFIED)
        return take_of_entry(s, &page->entries[page->n - 1], id, text, err);
    switch (id) {
    case PREFIX: {
        struct s3p_list_entry e = {.is_prefix = true};
        S3P_TRY(s3p_xml_keep(&e.key, s->arena, text, err));
        return add_entry(s, e, err);
    }
    case ENCODING:
        s->url = s3p_str_eq(text, "url");
        return S3P_OK;
    case TRUNCATED:
        page->truncated = s3p_str_eq(text, "true");
        if (!page->truncated && !s3p_str_eq(text, "false"))
            return bad("IsTruncated", text, err);
        return S3P_OK;
    case KEY_COUNT:
        return take_count(&page->key_count, "KeyCount", text, err);
    case MAX_KEYS:
        return take_count(&page->max_keys, "MaxKeys", text, err);
    case NEXT_TOKEN:
        return s3p_xml_keep(&page->next_token, s->arena, text, err);
    case NEXT_MARKER:
        return s3p_xml_keep(&page->next_marker, s->arena, text, err);
    default:
        return S3P_OK;
    }
}

/* Undoes encoding-type=url in place; a blank may come as '+'. The bytes are the arena's, that is
 * ours. */
static int decode(struct s3p_str *s, struct s3p_err *err)
{
    char *base = (char *)(uintptr_t)s->p, *to = base;
    for (size_t i = 0; i < s->len; i++) {
        if (base[i] == '%') {
            if (s->len - i < 3 || !s3p_unhex(to, base + i + 1, 2))
                return bad("percent-encoding", *s, err);
            to++;
            i += 2;
        } else {
            *to++ = base[i] == '+' ? ' ' : base[i];
        }
    }
    s->len = (size_t)(to - base);
    return S3P_OK;
}

int s3p_xml_list(struct s3p_list_page *page, struct s3p_arena *arena, const char *p, size_t len,
                 struct s3p_err *err)
{
    *page = (struct s3p_list_page){.key_count = -1, .max_keys = -1};
    struct list_state s = {.page = page, .arena = arena};
    struct s3p_xml_reader reader = {list_elements, open_element, take_element, &s};
    S3P_TRY(s3p_xml_read(&reader, p, len, err));
    if (!s.url)
        return S3P_OK;
    for (int i = 0; i < page->n; i++)
        S3P_TRY(decode(&page->entries[i].key, err));
    return decode(&page->next_marker, err);
}

enum { DELETE_ROOT = 1, DELETED, DELETED_KEY, FAILED, FAILED_KEY, FAILED_CODE };
static const struct s3p_xml_element delete_elements[] = {
    {0, DELETE_ROOT, "DeleteResult"},
    {DELETE_ROOT, DELETED, "Deleted"},
    {DELETED, DELETED_KEY, "Key"},
    {DELETE_ROOT, FAILED, "Error"},
    {FAILED, FAILED_KEY, "Key"},
    {FAILED, FAILED_CODE, "Code"},
    {0, 0, NULL},
};

struct delete_state {
    struct s3p_delete_results *results;
    struct s3p_arena *arena;
};

static int open_result(void *arg, int id, struct s3p_err *err)
{
    struct delete_state *s = arg;
    struct s3p_delete_results *r = s->results;
    if (id != DELETED && id != FAILED)
        return S3P_OK;
    void *results = s3p_xml_append(s->arena, r->results, r->n, sizeof *r->results, err);
    if (results == NULL)
        return S3P_ELIMIT;
    r->results = results;
    r->results[r->n++] = (struct s3p_delete_result){.code = {"", 0}};
    return S3P_OK;
}

static int take_result(void *arg, int id, struct s3p_str text, struct s3p_err *err)
{
    struct delete_state *s = arg;
    if (id == DELETE_ROOT)
        return S3P_OK;
    struct s3p_delete_result *e = &s->results->results[s->results->n - 1];
    switch (id) {
    case DELETED_KEY:
    case FAILED_KEY:
        return s3p_xml_keep(&e->key, s->arena, text, err);
    case FAILED_CODE:
        return s3p_xml_keep(&e->code, s->arena, text, err);
    default: /* the end of a result: an error without a code would read as a deletion */
        if (e->key.p == NULL || (id == FAILED && e->code.len == 0))
            return s3p_fail(err, S3P_EFORMAT, 0, "batch delete: result without %s",
                            e->key.p == NULL ? "Key" : "Code");
        return S3P_OK;
    }
}

int s3p_xml_delete(struct s3p_delete_results *r, struct s3p_arena *arena, const char *p, size_t len,
                   struct s3p_err *err)
{
    *r = (struct s3p_delete_results){0};
    struct delete_state s = {r, arena};
    struct s3p_xml_reader reader = {delete_elements, open_result, take_result, &s};
    return s3p_xml_read(&reader, p, len, err);
}
