/* The faults of entries: keys that are listed are named wrongly, have the values of what was
 * before, or cannot be read. */
#include <string.h>

#include "core/clock.h"
#include "server/lists.h"
#include "server/mutant_bodies.h"
#include "server/mutant_pages.h"
#include "server/xml_write.h"

#define BODY_MAX (64 * 1024 * 1024)
#define SURE_NS (5 * S3P_MS) /* its writer has had its answer */

/* The name in an entry, of a key that needs no encoding. */
static struct s3p_str plain_key(struct s3p_str entry)
{
    struct s3p_str key = s3p_srv_page_field(entry, "<Key>");
    bool coded = s3p_srv_page_find(key, "%").p != NULL || s3p_srv_page_find(key, "&").p != NULL;
    return coded ? S3P_STR("") : key;
}

/* What stood there before the present object; NULL: nothing, or not long enough ago. */
static const struct s3p_srv_version *before(struct s3p_srv_mutants *m,
                                            const struct s3p_srv_req *req, struct s3p_str entry)
{
    struct s3p_str key = plain_key(entry);
    struct s3p_srv_key_state *k =
        key.len > 0 ? s3p_srv_mutant_key(m, req->bucket.id, key, false) : NULL;
    struct s3p_srv_version *v = k != NULL ? k->versions : NULL;
    return v != NULL && v->present && v->replaced_ns < s3p_now_ns() - SURE_NS ? v : NULL;
}

static bool show_old(struct s3p_srv_list_page *page, struct s3p_str *entry,
                     const struct s3p_srv_record *old)
{
    struct s3p_buf etag, size;
    s3p_buf_init(&etag, 256);
    s3p_buf_init(&size, 64);
    s3p_srv_xml_etag(&etag, old);
    s3p_srv_xml_u64(&size, "Size", old->size);
    struct s3p_str part = s3p_srv_page_element(*entry, "<ETag>", "</ETag>");
    bool done = s3p_srv_page_edit(page, entry, part, (struct s3p_str){etag.data, etag.len});
    part = s3p_srv_page_element(*entry, "<Size>", "</Size>");
    done = done && s3p_srv_page_edit(page, entry, part, (struct s3p_str){size.data, size.len});
    s3p_buf_free(&etag);
    s3p_buf_free(&size);
    return done;
}

S3P_SRV_PAGE(stale_entry)
{
    struct s3p_srv_record old;
    for (unsigned i = 0; i < page->n && s3p_srv_page_lists(page, "<Contents>"); i++) {
        const struct s3p_srv_version *v = before(m, req, page->entry[i]);
        if (v != NULL &&
            s3p_srv_record_decode(&old, (struct s3p_str){v->bytes.data, v->bytes.len}))
            return s3p_srv_mutant_fires(m, a, req, k) && show_old(page, &page->entry[i], &old);
    }
    return false;
}

/* The first name that needs it is encoded badly. */
S3P_SRV_PAGE(bad_encoding)
{
    static const struct {
        const char *right;
        struct s3p_str wrong;
    } texts[] = {
        {"%2B", {"+", 1}},        /* a client reads a blank */
        {"%20", {"", 0}},         /* lost */
        {"%25", {"%2525", 5}},    /* encoded twice */
        {"%C3%A9", {"%E9", 3}},   /* another alphabet */
    };
    for (unsigned i = 0; i < page->n && s3p_srv_page_lists(page, "<Contents>"); i++) {
        struct s3p_str key = s3p_srv_page_field(page->entry[i], "<Key>");
        for (size_t n = 0; n < sizeof texts / sizeof *texts; n++) {
            struct s3p_str at = s3p_srv_page_find(key, texts[(n + a->seen) % 4].right);
            if (at.p != NULL)
                return s3p_srv_mutant_fires(m, a, req, k) &&
                       s3p_srv_page_edit(page, &page->entry[i], at, texts[(n + a->seen) % 4].wrong);
        }
    }
    return false;
}

/* ---- listed-unreadable ---- */

S3P_SRV_PAGE(note_page)
{
    (void)m;
    (void)k;
    struct s3p_str body = {req->answer.body.data, req->answer.body.len};
    if (!s3p_srv_page_lists(page, "<Contents>"))
        return false;
    a->page.max = BODY_MAX;
    s3p_buf_clear(&a->page);
    s3p_buf_view(&a->page, body);
    a->page_endpoint = req->endpoint;
    return false;
}

/* What one endpoint has listed last is not found through another one. */
S3P_SRV_READ(unreadable)
{
    if (r == NULL || req->endpoint == a->page_endpoint || a->page.len == 0)
        return false;
    struct s3p_buf name;
    s3p_buf_init(&name, 4 * S3P_SRV_KEY_MAX);
    s3p_srv_xml_name(&name, "Key", req->head.key, true);
    s3p_buf_char(&name, 0);
    bool listed = s3p_buf_ok(&name) &&
                  s3p_srv_page_find((struct s3p_str){a->page.data, a->page.len}, name.data).p;
    s3p_buf_free(&name);
    if (!listed || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    s3p_srv_mutant_answer_absent(m, a, req);
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_entries[] = {
    {
        .name = "list-stale-entry",
        .breaks = "an entry has the ETag and the size of the object before the present one",
        .section = "4",
        .needs = "overwrites",
        .old_versions = true,
        .page = stale_entry,
    },
    {
        .name = "list-bad-encoding",
        .breaks = "a name with a plus, a blank, a percent sign or an accent is mangled",
        .section = "4",
        .needs = "odd keys",
        .page = bad_encoding,
    },
    {
        .name = "listed-unreadable",
        .breaks = "what one endpoint lists is not found through another one",
        .section = "4",
        .needs = "endpoints",
        .page = note_page,
        .read = unreadable,
    },
    {.name = NULL},
};
