/* The faults of listings: the page that the correct store has made, with its entries left out,
 * turned around or out of date. */
#include <string.h>

#include "core/clock.h"
#include "core/random.h"
#include "core/text.h"
#include "server/mutant_pages.h"

#define BODY_MAX (64 * 1024 * 1024)

static bool same_key(struct s3p_str a, struct s3p_str b)
{
    struct s3p_str x = s3p_srv_page_field(a, "<Key>"), y = s3p_srv_page_field(b, "<Key>");
    return x.len == y.len && x.len > 0 && memcmp(x.p, y.p, x.len) == 0;
}

static bool lists_versions(const struct s3p_srv_list_page *page)
{
    return s3p_srv_page_lists(page, "<Version>") || s3p_srv_page_lists(page, "<DeleteMarker>");
}

S3P_SRV_PAGE(page_drops)
{
    struct s3p_rng draw = {m->seed, page->n, a->seen};
    if (page->n == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    s3p_srv_page_drop(page, (unsigned)s3p_rng_below(&draw, page->n));
    return true;
}

S3P_SRV_PAGE(page_drops_uploads)
{
    return (s3p_srv_page_lists(page, "<Upload>") || s3p_srv_page_lists(page, "<Part>")) &&
           page_drops(m, a, req, k, page);
}

/* Entries that are younger than the delay are not there yet. */
S3P_SRV_PAGE(page_lag)
{
    int64_t old = s3p_wall_ns() - a->spec.delay_ns, at;
    const char *tag = s3p_srv_page_lists(page, "<Upload>") ? "<Initiated>" : "<LastModified>";
    unsigned young = 0;
    for (unsigned i = 0; i < page->n; i++) {
        struct s3p_str t = s3p_srv_page_field(page->entry[i], tag);
        young += s3p_parse_iso_date(t.p, t.len, &at) && at > old;
    }
    if (young == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    for (unsigned i = page->n; i-- > 0;) {
        struct s3p_str t = s3p_srv_page_field(page->entry[i], tag);
        if (s3p_parse_iso_date(t.p, t.len, &at) && at > old)
            s3p_srv_page_drop(page, i);
    }
    return true;
}

bool s3p_srv_page_settles(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                          struct s3p_srv_list_page *page)
{
    return s3p_srv_page_lists(page, "<Upload>") && page_lag(m, a, req, k, page);
}

/* The last whole answer to this question stands for a while, whatever was deleted since. */
S3P_SRV_PAGE(page_replays)
{
    struct s3p_str body = {req->answer.body.data, req->answer.body.len}, asked = page->head;
    struct s3p_buf *kept = &a->page;
    int64_t now = s3p_now_ns();
    if (page->n == 0)
        return false;
    bool fresh = kept->len > asked.len && now - a->page_ns < a->spec.delay_ns;
    bool changed = kept->len != body.len || memcmp(kept->data, body.p, body.len) != 0;
    if (fresh && changed && memcmp(kept->data, asked.p, asked.len) == 0 &&
        s3p_srv_mutant_fires(m, a, req, k)) {
        s3p_srv_page_split(page, (struct s3p_str){kept->data, kept->len});
        return true;
    }
    if (!fresh) {
        kept->max = BODY_MAX;
        s3p_buf_clear(kept);
        s3p_buf_view(kept, body);
        a->page_ns = now;
    }
    return false;
}

S3P_SRV_PAGE(page_empty)
{
    if (page->n == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    page->n = 0;
    page->ended = true;
    return true;
}

/* Two entries of a page that are not of one key: both keys, or both common prefixes. */
static bool are_ordered(struct s3p_str x, struct s3p_str y)
{
    const char *end = memchr(x.p, '>', x.len);
    return !same_key(x, y) && end != NULL && memcmp(x.p, y.p, (size_t)(end - x.p)) == 0;
}

S3P_SRV_PAGE(page_swaps)
{
    if (page->n < 2 || !are_ordered(page->entry[page->n - 2], page->entry[page->n - 1]) ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    struct s3p_str last = page->entry[page->n - 1];
    page->entry[page->n - 1] = page->entry[page->n - 2];
    page->entry[page->n - 2] = last;
    return true;
}

/* The first two versions of one key; the page has some. */
static bool find_pair(const struct s3p_srv_list_page *page, unsigned *i)
{
    for (*i = 0; lists_versions(page) && *i + 1 < page->n; ++*i)
        if (same_key(page->entry[*i], page->entry[*i + 1]))
            return true;
    return false;
}

S3P_SRV_PAGE(versions_reversed)
{
    unsigned i;
    if (!find_pair(page, &i) || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    struct s3p_str newer = page->entry[i];
    page->entry[i] = page->entry[i + 1];
    page->entry[i + 1] = newer;
    return true;
}

S3P_SRV_PAGE(latest_twice)
{
    unsigned i;
    if (!find_pair(page, &i))
        return false;
    struct s3p_str *e = &page->entry[i + 1], no = s3p_srv_page_find(*e, "<IsLatest>false<");
    return no.p != NULL && s3p_srv_mutant_fires(m, a, req, k) &&
           s3p_srv_page_edit(page, e, no, S3P_STR("<IsLatest>true<"));
}

/* Of a key with several versions the oldest is forgotten. */
S3P_SRV_PAGE(versions_truncated)
{
    unsigned i;
    if (!find_pair(page, &i) || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    while (i + 2 < page->n && same_key(page->entry[i + 1], page->entry[i + 2]))
        i++;
    s3p_srv_page_drop(page, i + 1);
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_lists[] = {
    {
        .name = "list-drops-fraction",
        .breaks = "a listing forgets one of its entries",
        .section = "4",
        .needs = "",
        .page = page_drops,
    },
    {
        .name = "list-lag",
        .breaks = "what was written within delay_ms is not listed yet",
        .section = "4",
        .needs = "overwrites",
        .delay_ms = 200,
        .page = page_lag,
    },
    {
        .name = "list-after-delete-lag",
        .breaks = "a listing is answered again for delay_ms: what was deleted is still there",
        .section = "4",
        .needs = "",
        .delay_ms = 200,
        .page = page_replays,
    },
    {
        .name = "list-empty-under-churn",
        .breaks = "a listing is empty, and says that it is complete",
        .section = "4",
        .needs = "",
        .page = page_empty,
    },
    {
        .name = "list-order-wrong",
        .breaks = "the last two keys of a page are out of order",
        .section = "4",
        .needs = "",
        .page = page_swaps,
    },
    {
        .name = "versions-reversed",
        .breaks = "of a key with several versions the newest is not listed first",
        .section = "3",
        .needs = "versions",
        .page = versions_reversed,
    },
    {
        .name = "islatest-twice",
        .breaks = "two versions of a key are called the latest",
        .section = "3",
        .needs = "versions",
        .page = latest_twice,
    },
    {
        .name = "versions-truncated",
        .breaks = "the oldest version of a key is not listed",
        .section = "3",
        .needs = "versions",
        .page = versions_truncated,
    },
    {
        .name = "mpu-hidden-recent",
        .breaks = "an upload that was begun within delay_ms is not listed yet",
        .section = "5",
        .needs = "uploads",
        .delay_ms = 200,
        .page = s3p_srv_page_settles,
    },
    {
        .name = "mpu-list-drops",
        .breaks = "a listing of uploads or parts forgets one of them",
        .section = "5",
        .needs = "uploads",
        .page = page_drops_uploads,
    },
    {.name = NULL},
};
