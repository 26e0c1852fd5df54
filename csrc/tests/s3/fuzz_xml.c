/* Listings and batch-delete results: whatever comes, the result is an error, or an array whose
 * texts lie in the arena and fit the input. First byte: which of the two. */
#include "core/alloc.h"
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

static void list(struct s3p_arena *arena, const char *p, size_t size)
{
    struct s3p_list_page page;
    struct s3p_err err = {0};
    int rc = s3p_xml_list(&page, arena, p, size, &err);
    CHECK(rc == S3P_OK || (rc < 0 && rc == err.code && err.msg[0] != 0));
    if (rc < 0)
        return;
    CHECK(page.n >= 0 && page.key_count >= -1 && page.max_keys >= -1);
    check_text(page.next_token, size);
    check_text(page.next_marker, size);
    for (int i = 0; i < page.n; i++) {
        const struct s3p_list_entry *e = &page.entries[i];
        CHECK(e->key.p != NULL);
        CHECK(!e->is_prefix || (e->size == 0 && e->etag.form == S3P_ETAG_NONE));
        check_text(e->key, size);
        check_text(e->etag_text, size);
    }
}

static void deleted(struct s3p_arena *arena, const char *p, size_t size)
{
    struct s3p_delete_results r;
    struct s3p_err err = {0};
    int rc = s3p_xml_delete(&r, arena, p, size, &err);
    CHECK(rc == S3P_OK || (rc < 0 && rc == err.code && err.msg[0] != 0));
    for (int i = 0; rc == S3P_OK && i < r.n; i++) {
        CHECK(r.results[i].key.p != NULL);
        check_text(r.results[i].key, size);
        check_text(r.results[i].code, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_arena arena;
    if (size == 0)
        return 0;
    s3p_arena_init(&arena, 1 << 20);
    (data[0] & 1 ? list : deleted)(&arena, (const char *)data + 1, size - 1);
    s3p_arena_free(&arena);
    CHECK(s3p_alloc_live() == 0);
    return 0;
}
