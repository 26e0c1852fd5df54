#include <string.h>

#include "core/text.h"
#include "s3/tags.h"
#include "s3/xml.h"
#include "s3/xml_read.h"

/* ---- batch delete ---- */

enum { DELETE_ROOT = 1, ENTRY, FAILED, KEY, VERSION, CODE, IS_MARKER, MARKER_ID };
static const struct s3p_xml_element delete_elements[] = {
    {0, DELETE_ROOT, "DeleteResult"},
    {DELETE_ROOT, ENTRY, "Deleted"},
    {ENTRY, KEY, "Key"},
    {ENTRY, VERSION, "VersionId"},
    {ENTRY, IS_MARKER, "DeleteMarker"},
    {ENTRY, MARKER_ID, "DeleteMarkerVersionId"},
    {DELETE_ROOT, FAILED, "Error"},
    {FAILED, KEY, "Key"},
    {FAILED, VERSION, "VersionId"},
    {FAILED, CODE, "Code"},
    {0, 0, NULL},
};

struct delete_state {
    struct s3p_delete_results *results;
    struct s3p_arena *arena;
};

static int open_deleted(void *arg, int id, struct s3p_err *err)
{
    struct delete_state *s = arg;
    struct s3p_delete_results *r = s->results;
    if (id != ENTRY && id != FAILED)
        return S3P_OK;
    void *results = s3p_xml_append(s->arena, r->results, r->n, sizeof *r->results, err);
    if (results == NULL)
        return S3P_ELIMIT;
    r->results = results;
    r->results[r->n++] = (struct s3p_delete_result){.code = {"", 0}};
    return S3P_OK;
}

static int take_deleted(void *arg, int id, struct s3p_str text, struct s3p_err *err)
{
    struct delete_state *s = arg;
    if (id == DELETE_ROOT)
        return S3P_OK;
    struct s3p_delete_result *e = &s->results->results[s->results->n - 1];
    switch (id) {
    case KEY:
        return s3p_xml_keep(&e->key, s->arena, text, err);
    case VERSION:
        return s3p_xml_keep(&e->version_id, s->arena, text, err);
    case MARKER_ID:
        return s3p_xml_keep(&e->marker_id, s->arena, text, err);
    case CODE:
        return s3p_xml_keep(&e->code, s->arena, text, err);
    case IS_MARKER:
        e->is_marker = s3p_str_eq(text, "true");
        return S3P_OK;
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
    struct s3p_xml_reader reader = {delete_elements, open_deleted, take_deleted, &s};
    return s3p_xml_read(&reader, p, len, err);
}

/* ---- results of one object or bucket ---- */

/* SUM and those behind it: the kinds of s3/sum.h, from the first on. */
enum { ROOT = 1, UPLOAD_ID, ETAG, STATUS, SIZE, PARTS, PARTS_COUNT, CHECKSUM, SUM };
#define SUMS(parent)                                                                               \
    {parent, SUM, "ChecksumCRC32"}, {parent, SUM + 1, "ChecksumCRC32C"},                           \
        {parent, SUM + 2, "ChecksumCRC64NVME"}, {parent, SUM + 3, "ChecksumSHA1"},                 \
    {                                                                                              \
        parent, SUM + 4, "ChecksumSHA256"                                                          \
    }
static const char *const sum_names[] = {"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"};

static const struct s3p_xml_element create_elements[] = {
    {0, ROOT, "InitiateMultipartUploadResult"}, {ROOT, UPLOAD_ID, "UploadId"}, {0, 0, NULL}};
static const struct s3p_xml_element complete_elements[] = {
    {0, ROOT, "CompleteMultipartUploadResult"}, {ROOT, ETAG, "ETag"}, SUMS(ROOT), {0, 0, NULL}};
static const struct s3p_xml_element copy_elements[] = {
    {0, ROOT, "CopyObjectResult"}, {ROOT, ETAG, "ETag"}, SUMS(ROOT), {0, 0, NULL}};
static const struct s3p_xml_element copy_part_elements[] = {
    {0, ROOT, "CopyPartResult"}, {ROOT, ETAG, "ETag"}, SUMS(ROOT), {0, 0, NULL}};
static const struct s3p_xml_element versioning_elements[] = {
    {0, ROOT, "VersioningConfiguration"}, {ROOT, STATUS, "Status"}, {0, 0, NULL}};
static const struct s3p_xml_element attributes_elements[] = {
    {0, ROOT, "GetObjectAttributesResponse"},
    {ROOT, ETAG, "ETag"},
    {ROOT, SIZE, "ObjectSize"},
    {ROOT, CHECKSUM, "Checksum"},
    SUMS(CHECKSUM),
    {ROOT, PARTS, "ObjectParts"},
    {PARTS, PARTS_COUNT, "PartsCount"},
    {PARTS, PARTS_COUNT, "TotalPartsCount"},
    {0, 0, NULL}};
static const struct s3p_xml_element *const result_elements[] = {
    [S3P_RESULT_CREATE_UPLOAD] = create_elements,
    [S3P_RESULT_COMPLETE_UPLOAD] = complete_elements,
    [S3P_RESULT_COPY] = copy_elements,
    [S3P_RESULT_COPY_PART] = copy_part_elements,
    [S3P_RESULT_VERSIONING] = versioning_elements,
    [S3P_RESULT_ATTRIBUTES] = attributes_elements,
};

struct result_state {
    struct s3p_result *r;
    struct s3p_arena *arena;
};

static int take_number(uint64_t *out, const char *name, struct s3p_str text, struct s3p_err *err)
{
    return s3p_parse_u64(text.p, text.len, out)
               ? S3P_OK
               : s3p_fail(err, S3P_EFORMAT, 0, "answer: %s is no number", name);
}

static int take_result(void *arg, int id, struct s3p_str text, struct s3p_err *err)
{
    struct result_state *s = arg;
    struct s3p_result *r = s->r;
    switch (id) {
    case UPLOAD_ID:
        return s3p_xml_keep(&r->upload_id, s->arena, text, err);
    case ETAG:
        return s3p_xml_keep(&r->etag, s->arena, text, err);
    case STATUS:
        return s3p_xml_keep(&r->status, s->arena, text, err);
    case SIZE:
        return take_number(&r->size, "ObjectSize", text, err);
    case PARTS_COUNT:
        return take_number(&r->parts, "PartsCount", text, err);
    case ROOT:
    case PARTS:
    case CHECKSUM:
        return S3P_OK;
    default:
        r->sum_name = (struct s3p_str){sum_names[id - SUM], strlen(sum_names[id - SUM])};
        return s3p_xml_keep(&r->sum, s->arena, text, err);
    }
}

int s3p_xml_result(enum s3p_result_kind kind, struct s3p_result *r, struct s3p_arena *arena,
                   const char *p, size_t len, struct s3p_err *err)
{
    *r = (struct s3p_result){.size = 0};
    struct result_state s = {r, arena};
    struct s3p_xml_reader reader = {result_elements[kind], NULL, take_result, &s};
    const char *start = len == 0 ? p : s3p_xml_skip_prolog(p, p + len);
    S3P_TRY(s3p_xml_read(&reader, start, (size_t)(p + len - start), err));
    if (kind == S3P_RESULT_CREATE_UPLOAD && r->upload_id.len == 0)
        return s3p_fail(err, S3P_EFORMAT, 0, "answer: InitiateMultipartUploadResult, no UploadId");
    return S3P_OK;
}

/* ---- tags ---- */

enum { TAGGING = 1, TAG_SET, TAG, TAG_KEY, TAG_VALUE };
static const struct s3p_xml_element tag_elements[] = {
    {0, TAGGING, "Tagging"}, {TAGGING, TAG_SET, "TagSet"},   {TAG_SET, TAG, "Tag"},
    {TAG, TAG_KEY, "Key"},   {TAG, TAG_VALUE, "Value"}, {0, 0, NULL}};

struct tag_state {
    struct s3p_tag *tags;
    int n, max;
    struct s3p_arena *arena;
};

static int open_tag(void *arg, int id, struct s3p_err *err)
{
    struct tag_state *s = arg;
    if (id != TAG)
        return S3P_OK;
    if (s->n == s->max)
        return s3p_fail(err, S3P_EFORMAT, 0, "answer: more than %d tags", s->max);
    s->tags[s->n++] = (struct s3p_tag){{"", 0}, {"", 0}};
    return S3P_OK;
}

static int take_tag(void *arg, int id, struct s3p_str text, struct s3p_err *err)
{
    struct tag_state *s = arg;
    if (id == TAG_KEY)
        return s3p_xml_keep(&s->tags[s->n - 1].key, s->arena, text, err);
    return id == TAG_VALUE ? s3p_xml_keep(&s->tags[s->n - 1].value, s->arena, text, err) : S3P_OK;
}

int s3p_xml_tags(struct s3p_tag *tags, int max, struct s3p_arena *arena, const char *p, size_t len,
                 struct s3p_err *err)
{
    struct tag_state s = {tags, 0, max, arena};
    struct s3p_xml_reader reader = {tag_elements, open_tag, take_tag, &s};
    S3P_TRY(s3p_xml_read(&reader, p, len, err));
    return s.n;
}
