#include <stdint.h>
#include <string.h>

#include "core/text.h"
#include "s3/xml.h"
#include "s3/xml_read.h"

/* What is read of a page, whatever the document calls it. Those from ENTRY to END_OF_ENTRY belong
 * to an entry. */
enum {
    ROOT = 1,
    ENCODING,
    TRUNCATED,
    KEY_COUNT,
    MAX_KEYS,
    NEXT_TOKEN,
    NEXT_MARKER,
    ENTRY,
    MARKER, /* an entry, too */
    KEY,
    ID,
    NUMBER,
    ETAG,
    SIZE,
    MODIFIED,
    LATEST,
    END_OF_ENTRY,
    COMMON,
    PREFIX,
};
static const struct s3p_xml_element objects[] = {
    {0, ROOT, "ListBucketResult"},
    {ROOT, ENTRY, "Contents"},
    {ENTRY, KEY, "Key"},
    {ENTRY, ETAG, "ETag"},
    {ENTRY, SIZE, "Size"},
    {ENTRY, MODIFIED, "LastModified"},
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
static const struct s3p_xml_element versions[] = {
    {0, ROOT, "ListVersionsResult"},
    {ROOT, ENTRY, "Version"},
    {ENTRY, KEY, "Key"},
    {ENTRY, ID, "VersionId"},
    {ENTRY, LATEST, "IsLatest"},
    {ENTRY, ETAG, "ETag"},
    {ENTRY, SIZE, "Size"},
    {ENTRY, MODIFIED, "LastModified"},
    {ROOT, MARKER, "DeleteMarker"},
    {MARKER, KEY, "Key"},
    {MARKER, ID, "VersionId"},
    {MARKER, LATEST, "IsLatest"},
    {MARKER, MODIFIED, "LastModified"},
    {ROOT, COMMON, "CommonPrefixes"},
    {COMMON, PREFIX, "Prefix"},
    {ROOT, ENCODING, "EncodingType"},
    {ROOT, TRUNCATED, "IsTruncated"},
    {ROOT, MAX_KEYS, "MaxKeys"},
    {ROOT, NEXT_MARKER, "NextKeyMarker"},
    {ROOT, NEXT_TOKEN, "NextVersionIdMarker"},
    {0, 0, NULL},
};
static const struct s3p_xml_element uploads[] = {
    {0, ROOT, "ListMultipartUploadsResult"},
    {ROOT, ENTRY, "Upload"},
    {ENTRY, KEY, "Key"},
    {ENTRY, ID, "UploadId"},
    {ENTRY, MODIFIED, "Initiated"},
    {ROOT, COMMON, "CommonPrefixes"},
    {COMMON, PREFIX, "Prefix"},
    {ROOT, ENCODING, "EncodingType"},
    {ROOT, TRUNCATED, "IsTruncated"},
    {ROOT, MAX_KEYS, "MaxUploads"},
    {ROOT, NEXT_MARKER, "NextKeyMarker"},
    {ROOT, NEXT_TOKEN, "NextUploadIdMarker"},
    {0, 0, NULL},
};
static const struct s3p_xml_element parts[] = {
    {0, ROOT, "ListPartsResult"},
    {ROOT, ENTRY, "Part"},
    {ENTRY, NUMBER, "PartNumber"},
    {ENTRY, ETAG, "ETag"},
    {ENTRY, SIZE, "Size"},
    {ENTRY, MODIFIED, "LastModified"},
    {ROOT, TRUNCATED, "IsTruncated"},
    {ROOT, MAX_KEYS, "MaxParts"},
    {ROOT, NEXT_MARKER, "NextPartNumberMarker"},
    {0, 0, NULL},
};
static const struct {
    const struct s3p_xml_element *elements;
    int named_by; /* what an entry must have */
    const char *missing;
} kinds[] = {
    [S3P_PAGE_OBJECTS] = {objects, KEY, "entry without Key"},
    [S3P_PAGE_VERSIONS] = {versions, ID, "version without Key and VersionId"},
    [S3P_PAGE_UPLOADS] = {uploads, ID, "upload without Key and UploadId"},
    [S3P_PAGE_PARTS] = {parts, NUMBER, "part without PartNumber"},
};

struct list_state {
    enum s3p_page_kind kind;
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
    struct s3p_list_entry e = {.is_marker = id == MARKER};
    return id == ENTRY || id == MARKER ? add_entry(arg, e, err) : S3P_OK;
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

static int take_number(uint64_t *out, const char *element, struct s3p_str text, struct s3p_err *err)
{
    return s3p_parse_u64(text.p, text.len, out) ? S3P_OK : bad(element, text, err);
}

static bool is_named(const struct list_state *s, const struct s3p_list_entry *e)
{
    switch (kinds[s->kind].named_by) {
    case NUMBER:
        return e->number != 0;
    case ID:
        return e->key.p != NULL && e->id.p != NULL;
    default:
        return e->key.p != NULL;
    }
}

static int take_of_entry(struct list_state *s, struct s3p_list_entry *e, int id,
                         struct s3p_str text, struct s3p_err *err)
{
    switch (id) {
    case KEY:
        return s3p_xml_keep(&e->key, s->arena, text, err);
    case ID:
        return s3p_xml_keep(&e->id, s->arena, text, err);
    case NUMBER:
        return take_number(&e->number, "PartNumber", text, err);
    case ETAG:
        e->etag = s3p_etag_parse(text.p, text.len);
        return s3p_xml_keep(&e->etag_text, s->arena, text, err);
    case SIZE:
        return take_number(&e->size, "Size", text, err);
    case LATEST:
        e->is_latest = s3p_str_eq(text, "true");
        return S3P_OK;
    case MODIFIED:
        if (!s3p_parse_iso_date(text.p, text.len, &e->last_modified_ns))
            e->last_modified_ns = 0;
        return S3P_OK;
    default: /* the end of the entry */
        return is_named(s, e) ? S3P_OK : bad(kinds[s->kind].missing, text, err);
    }
}

static int take_element(void *arg, int id, struct s3p_str text, struct s3p_err *err)
{
    struct list_state *s = arg;
    struct s3p_list_page *page = s->page;
    if (id >= ENTRY && id < END_OF_ENTRY)
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

int s3p_xml_page(enum s3p_page_kind kind, struct s3p_list_page *page, struct s3p_arena *arena,
                 const char *p, size_t len, struct s3p_err *err)
{
    *page = (struct s3p_list_page){.key_count = -1, .max_keys = -1};
    struct list_state s = {.kind = kind, .page = page, .arena = arena};
    struct s3p_xml_reader reader = {kinds[kind].elements, open_element, take_element, &s};
    S3P_TRY(s3p_xml_read(&reader, p, len, err));
    if (!s.url)
        return S3P_OK;
    for (int i = 0; i < page->n; i++)
        S3P_TRY(decode(&page->entries[i].key, err));
    return decode(&page->next_marker, err);
}
