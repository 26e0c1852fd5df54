/* The faults of listings: the page that the correct store has made, with its entries dropped,
 * doubled, turned around or out of date. */
#include <string.h>

#include "core/clock.h"
#include "core/random.h"
#include "core/text.h"
#include "server/mutant_state.h"

#define BODY_MAX (64 * 1024 * 1024)

static const struct {
    const char *open, *close;
} tags[] = {
    {"<Contents>", "</Contents>"}, {"<Version>", "</Version>"}, {"<Upload>", "</Upload>"},
    {"<DeleteMarker>", "</DeleteMarker>"}, {"<Part>", "</Part>"},
};
enum { TAGS = sizeof tags / sizeof *tags };

static struct s3p_str slice(const char *from, const char *to)
{
    return (struct s3p_str){from, (size_t)(to - from)};
}

static const char *find(struct s3p_str in, const char *text)
{
    return in.len > 0 ? memmem(in.p, in.len, text, strlen(text)) : NULL;
}

/* The entry that the text begins with; .p NULL: none. */
static struct s3p_str entry_at(struct s3p_str text)
{
    for (int i = 0; i < TAGS; i++) {
        size_t n = strlen(tags[i].open);
        if (text.len < n || memcmp(text.p, tags[i].open, n) != 0)
            continue;
        const char *end = find(text, tags[i].close);
        return end != NULL ? slice(text.p, end + strlen(tags[i].close))
                           : (struct s3p_str){NULL, 0};
    }
    return (struct s3p_str){NULL, 0};
}

/* The entries of a page stand together. */
static void split(struct s3p_srv_list_page *page, struct s3p_str body)
{
    const char *first = NULL, *end = body.p + body.len;
    for (int i = 0; i < TAGS; i++) {
        const char *at = find(body, tags[i].open);
        first = at != NULL && (first == NULL || at < first) ? at : first;
    }
    page->n = 0;
    page->head = first != NULL ? slice(body.p, first) : body;
    const char *at = page->head.p + page->head.len;
    struct s3p_str e;
    while (page->n < S3P_SRV_PAGE_ENTRIES && (e = entry_at(slice(at, end))).p != NULL) {
        page->entry[page->n++] = e;
        at += e.len;
    }
    page->tail = slice(at, end);
}

static void replace(struct s3p_srv_req *req, const struct s3p_srv_list_page *page, bool last)
{
    struct s3p_buf out, *body = &req->answer.body;
    static const char yes[] = "<IsTruncated>true<", no[] = "<IsTruncated>false<";
    s3p_buf_init(&out, BODY_MAX);
    s3p_buf_view(&out, page->head);
    for (unsigned i = 0; i < page->n; i++)
        s3p_buf_view(&out, page->entry[i]);
    s3p_buf_view(&out, page->tail);
    s3p_buf_clear(body);
    struct s3p_str all = {out.data, out.len};
    const char *at = last ? find(all, yes) : NULL;
    if (at != NULL) {
        s3p_buf_view(body, slice(all.p, at));
        s3p_buf_str(body, no);
        all = slice(at + sizeof yes - 1, all.p + all.len);
    }
    s3p_buf_view(body, all);
    s3p_buf_free(&out);
}

static void drop(struct s3p_srv_list_page *page, unsigned i)
{
    page->n--;
    memmove(page->entry + i, page->entry + i + 1, (page->n - i) * sizeof *page->entry);
}

static struct s3p_str field(struct s3p_str entry, const char *tag)
{
    const char *at = find(entry, tag);
    if (at == NULL)
        return (struct s3p_str){"", 0};
    at += strlen(tag);
    const char *end = memchr(at, '<', (size_t)(entry.p + entry.len - at));
    return end != NULL ? slice(at, end) : (struct s3p_str){"", 0};
}

static bool same_key(struct s3p_str a, struct s3p_str b)
{
    struct s3p_str x = field(a, "<Key>"), y = field(b, "<Key>");
    return x.len == y.len && x.len > 0 && memcmp(x.p, y.p, x.len) == 0;
}

static bool lists(const struct s3p_srv_list_page *page, const char *tag)
{
    return page->n > 0 && find(page->entry[0], tag) == page->entry[0].p;
}

static bool lists_versions(const struct s3p_srv_list_page *page)
{
    return lists(page, "<Version>") || lists(page, "<DeleteMarker>");
}

/* ---- the faults: true when the page is another one ---- */

S3P_SRV_PAGE(page_drops)
{
    struct s3p_rng draw = {m->seed, page->n, a->seen};
    if (page->n == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    drop(page, (unsigned)s3p_rng_below(&draw, page->n));
    return true;
}

S3P_SRV_PAGE(page_drops_uploads)
{
    return (lists(page, "<Upload>") || lists(page, "<Part>")) &&
           page_drops(m, a, req, k, page);
}

/* Entries that are younger than the delay are not there yet. */
S3P_SRV_PAGE(page_lag)
{
    int64_t old = s3p_wall_ns() - a->spec.delay_ns, at;
    const char *tag = lists(page, "<Upload>") ? "<Initiated>" : "<LastModified>";
    unsigned young = 0;
    for (unsigned i = 0; i < page->n; i++) {
        struct s3p_str t = field(page->entry[i], tag);
        young += s3p_parse_iso_date(t.p, t.len, &at) && at > old;
    }
    if (young == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    for (unsigned i = page->n; i-- > 0;) {
        struct s3p_str t = field(page->entry[i], tag);
        if (s3p_parse_iso_date(t.p, t.len, &at) && at > old)
            drop(page, i);
    }
    return true;
}

S3P_SRV_PAGE(page_hides_uploads)
{
    return lists(page, "<Upload>") && page_lag(m, a, req, k, page);
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
        split(page, (struct s3p_str){kept->data, kept->len});
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

S3P_SRV_PAGE(page_ends)
{
    bool truncated =
        find(page->head, "<IsTruncated>true<") != NULL || find(page->tail, "<IsTruncated>true<");
    if (!truncated || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    page->ended = true;
    return true;
}

S3P_SRV_PAGE(page_doubles)
{
    if (page->n == 0 || page->n == S3P_SRV_PAGE_ENTRIES || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    page->entry[page->n] = page->entry[page->n - 1];
    page->n++;
    return true;
}

S3P_SRV_PAGE(page_swaps)
{
    if (page->n < 2 || same_key(page->entry[page->n - 2], page->entry[page->n - 1]) ||
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
    if (!find_pair(page, &i) || find(page->entry[i + 1], "<IsLatest>false<") == NULL ||
        page->n + 2 > S3P_SRV_PAGE_ENTRIES || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    static const char lie[] = "<IsLatest>true<";
    struct s3p_str e = page->entry[i + 1];
    const char *at = find(e, "<IsLatest>false<");
    memmove(page->entry + i + 4, page->entry + i + 2, (page->n - i - 2) * sizeof *page->entry);
    page->entry[i + 1] = slice(e.p, at); /* three pieces of text in place of one */
    page->entry[i + 2] = (struct s3p_str){lie, sizeof lie - 1};
    page->entry[i + 3] = slice(at + sizeof lie, e.p + e.len);
    page->n += 2;
    return true;
}

/* Of a key with several versions the oldest is forgotten. */
S3P_SRV_PAGE(versions_truncated)
{
    unsigned i;
    if (!find_pair(page, &i) || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    while (i + 2 < page->n && same_key(page->entry[i + 1], page->entry[i + 2]))
        i++;
    drop(page, i + 1);
    return true;
}

/* ---- the hook ---- */

void s3p_srv_mutants_page(struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    static struct s3p_srv_key_state none = {.inflight = 1, .len = 0};
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active; i++) {
        struct s3p_srv_mutant *a = &m->active[i];
        struct s3p_srv_list_page *page = &m->page;
        if (a->row->page == NULL)
            continue;
        split(page, (struct s3p_str){req->answer.body.data, req->answer.body.len});
        page->ended = false;
        if (!a->row->page(m, a, req, &none, page))
            continue;
        replace(req, page, page->ended);
        s3p_srv_mutant_altered(m, a->spec.row, req);
    }
    pthread_mutex_unlock(&m->mu);
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
        .name = "list-early-end",
        .breaks = "a page that is not the last one says that it is",
        .section = "4",
        .needs = "",
        .page = page_ends,
    },
    {
        .name = "list-duplicate-at-page-border",
        .breaks = "the last entry of a page stands on it twice",
        .section = "4",
        .needs = "",
        .page = page_doubles,
    },
    {
        .name = "list-order",
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
        .page = page_hides_uploads,
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
