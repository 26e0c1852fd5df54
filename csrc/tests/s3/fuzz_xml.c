/* Pages and results: whatever comes, the result is an error, or texts that lie in the arena and fit
 * the input. First byte: which document is read. */
#include "core/alloc.h"
#include "s3/tags.h"
#include "s3/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

static void check_text(struct s3p_str s, size_t size)
{
    volatile char sum = 0;
    CHECK(s.len <= size);
    for (size_t i = 0; i < s.len; i++)
        sum = (char)(sum + s.p[i]);
}

static bool is_ok(int rc, const struct s3p_err *err)
{
    CHECK(rc >= 0 || (rc == err->code && err->msg[0] != 0));
    return rc >= 0;
}

static void page(int kind, struct s3p_arena *arena, const char *p, size_t size)
{
    struct s3p_list_page page;
    struct s3p_err err = {0};
    if (!is_ok(s3p_xml_page((enum s3p_page_kind)kind, &page, arena, p, size, &err), &err))
        return;
    CHECK(page.n >= 0 && page.key_count >= -1 && page.max_keys >= -1);
    check_text(page.next_token, size);
    check_text(page.next_marker, size);
    for (int i = 0; i < page.n; i++) {
        const struct s3p_list_entry *e = &page.entries[i];
        CHECK(e->key.p != NULL || (kind == S3P_PAGE_PARTS && e->number != 0));
        CHECK(!e->is_prefix || (e->size == 0 && e->etag.form == S3P_ETAG_NONE));
        check_text(e->key, size);
        check_text(e->id, size);
        check_text(e->etag_text, size);
    }
}

static void deleted(int unused, struct s3p_arena *arena, const char *p, size_t size)
{
    struct s3p_delete_results r;
    struct s3p_err err = {0};
    (void)unused;
    if (!is_ok(s3p_xml_delete(&r, arena, p, size, &err), &err))
        return;
    for (int i = 0; i < r.n; i++) {
        CHECK(r.results[i].key.p != NULL);
        check_text(r.results[i].key, size);
        check_text(r.results[i].version_id, size);
        check_text(r.results[i].marker_id, size);
        check_text(r.results[i].code, size);
    }
}

static void result(int kind, struct s3p_arena *arena, const char *p, size_t size)
{
    struct s3p_result r;
    struct s3p_err err = {0};
    if (!is_ok(s3p_xml_result((enum s3p_result_kind)kind, &r, arena, p, size, &err), &err))
        return;
    CHECK(kind != S3P_RESULT_CREATE_UPLOAD || r.upload_id.len > 0);
    check_text(r.upload_id, size);
    check_text(r.etag, size);
    check_text(r.status, size);
    check_text(r.sum, size);
}

static void tags(int unused, struct s3p_arena *arena, const char *p, size_t size)
{
    struct s3p_tag found[S3P_TAGS_MAX];
    struct s3p_err err = {0};
    struct s3p_id id;
    (void)unused;
    int n = s3p_xml_tags(found, S3P_TAGS_MAX, arena, p, size, &err);
    if (!is_ok(n, &err))
        return;
    CHECK(n <= S3P_TAGS_MAX);
    enum s3p_body_verdict v = s3p_tags_judge(found, n, &id);
    CHECK(v == S3P_BODY_CLEAN || v == S3P_BODY_TORN || v == S3P_BODY_CORRUPT);
}

static const struct {
    void (*read)(int kind, struct s3p_arena *arena, const char *p, size_t size);
    int kind;
} documents[] = {
    {deleted, 0},
    {page, S3P_PAGE_OBJECTS},
    {page, S3P_PAGE_VERSIONS},
    {page, S3P_PAGE_UPLOADS},
    {page, S3P_PAGE_PARTS},
    {result, S3P_RESULT_CREATE_UPLOAD},
    {result, S3P_RESULT_COMPLETE_UPLOAD},
    {result, S3P_RESULT_COPY},
    {result, S3P_RESULT_COPY_PART},
    {result, S3P_RESULT_VERSIONING},
    {result, S3P_RESULT_ATTRIBUTES},
    {tags, 0},
};
#define DOCUMENTS (sizeof documents / sizeof documents[0])

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_arena arena;
    if (size == 0)
        return 0;
    s3p_arena_init(&arena, 1 << 20);
    size_t at = data[0] % DOCUMENTS;
    documents[at].read(documents[at].kind, &arena, (const char *)data + 1, size - 1);
    s3p_arena_free(&arena);
    CHECK(s3p_alloc_live() == 0);
    return 0;
}
