/* The modes of listings: pages that are short, empty, or of two instants. */
#include <string.h>

#include "core/random.h"
#include "core/text.h"
#include "server/list_page.h"
#include "server/mutant_pages.h"
#include "server/routes.h"

enum s3p_srv_error s3p_srv_mode_short(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                                      struct s3p_srv_page *at, MDB_txn *txn)
{
    (void)txn;
    struct s3p_rng draw = {m->seed, at->max_keys, a->seen};
    if (at->max_keys < 2 || !s3p_srv_mutant_fires(m, a, req, k))
        return S3P_SE_NONE;
    at->max_keys = 1 + (unsigned)s3p_rng_below(&draw, at->max_keys < 10 ? at->max_keys - 1 : 9);
    return S3P_SE_NONE;
}

/* Not where the last page was empty: a walk comes to its end. V1 has no token of its own. */
enum s3p_srv_error s3p_srv_mode_empty(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                                      struct s3p_srv_page *at, MDB_txn *txn)
{
    (void)txn;
    bool before = at->after.len > 0 && at->after.p[at->after.len - 1] == 0;
    bool v2 = strcmp(req->route->name, "ListObjectsV2") == 0;
    if (v2 && !before && at->max_keys > 0 && at->after.len < S3P_SRV_KEY_MAX &&
        s3p_srv_mutant_fires(m, a, req, k))
        at->max_keys = 0;
    return S3P_SE_NONE;
}

static void made_again(struct s3p_srv_req *req)
{
    s3p_buf_clear(&req->answer.fields);
    s3p_buf_clear(&req->answer.body);
    s3p_buf_clear(&req->meta);
    s3p_buf_clear(&req->intake.memory);
    req->route->run(req);
}

static struct s3p_str key_of(struct s3p_str entry)
{
    return s3p_srv_page_field(entry, "<Key>");
}

/* Of names as they are, without escapes: then their order is that of the text. */
static bool plain(const struct s3p_srv_list_page *page)
{
    for (unsigned i = 0; i < page->n; i++) {
        struct s3p_str key = key_of(page->entry[i]);
        if (memchr(key.p, '&', key.len) != NULL || memchr(key.p, '%', key.len) != NULL)
            return false;
    }
    return true;
}

/* The entries up to the middle as the earlier page had them, the rest as it is now. False: that is
 * no page. */
static bool mix(struct s3p_srv_mutant *a, const struct s3p_srv_list_page *earlier,
                struct s3p_srv_list_page *page)
{
    static const char counted[] = "<KeyCount>";
    char digits[20];
    uint64_t max;
    struct s3p_str asked = s3p_srv_page_field(page->head, "<MaxKeys>");
    unsigned kept = earlier->n / 2, from = 0;
    struct s3p_str middle = key_of(earlier->entry[kept - 1]);
    while (from < page->n && s3p_srv_compare(key_of(page->entry[from]), middle) <= 0)
        from++;
    unsigned rest = page->n - from;
    if (rest == 0 || !s3p_parse_u64(asked.p, asked.len, &max) || kept + rest > max ||
        kept + rest + 3 > S3P_SRV_PAGE_ENTRIES || !plain(earlier) || !plain(page))
        return false;
    memmove(page->entry + kept, page->entry + from, rest * sizeof *page->entry);
    memcpy(page->entry, earlier->entry, kept * sizeof *page->entry);
    page->n = kept + rest;
    const char *count = memmem(page->tail.p, page->tail.len, counted, sizeof counted - 1);
    if (count == NULL)
        return true;
    const char *end = page->tail.p + page->tail.len;
    count += sizeof counted - 1;
    a->page.max = sizeof digits;
    s3p_buf_clear(&a->page);
    s3p_buf_add(&a->page, digits, s3p_u64_text(digits, page->n));
    page->entry[page->n++] = (struct s3p_str){page->tail.p, (size_t)(count - page->tail.p)};
    page->entry[page->n++] = (struct s3p_str){a->page.data, a->page.len};
    while (count < end && *count >= '0' && *count <= '9')
        count++;
    page->tail = (struct s3p_str){count, (size_t)(end - count)};
    return s3p_buf_ok(&a->page);
}

/* Only these have no tags of their own, where the earlier page is kept. */
static bool lists_objects(const struct s3p_srv_req *req)
{
    static const char begin[] = "ListObjects";
    return strncmp(req->route->name, begin, sizeof begin - 1) == 0;
}

/* The page is made, kept, and made once more a little later; the answer is one half of each. */
bool s3p_srv_mode_mixed(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                        struct s3p_srv_list_page *page)
{
    struct s3p_buf *kept = &req->tags, *body = &req->answer.body;
    if (!lists_objects(req))
        return false;
    if (kept->len == 0) {
        if (page->n < 2 || !s3p_srv_page_lists(page, "<Contents>") ||
            memmem(page->tail.p, page->tail.len, "<CommonPrefixes>", 16) != NULL ||
            !s3p_srv_mutant_fires(m, a, req, k))
            return false;
        s3p_buf_add(kept, body->data, body->len);
        if (s3p_buf_ok(kept))
            s3p_srv_delay(req, a->spec.delay_ns, made_again);
        return false;
    }
    s3p_srv_page_split(&m->earlier, (struct s3p_str){kept->data, kept->len});
    bool same = kept->len == body->len && memcmp(kept->data, body->data, body->len) == 0;
    if (same || memmem(page->tail.p, page->tail.len, "<CommonPrefixes>", 16) != NULL ||
        !mix(a, &m->earlier, page)) {
        m->counts[a->spec.row].fired--; /* nothing came of it */
        return false;
    }
    return true;
}
