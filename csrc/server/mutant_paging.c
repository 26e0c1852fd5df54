/* The faults of paging: where a page of keys begins and ends, and how it says to go on. */
#include <string.h>

#include "core/clock.h"
#include "core/random.h"
#include "server/lists.h"
#include "server/mutant_pages.h"

#define CAP 100               /* keys of a folder that are listed */
#define OFFSETS_MAX (1 << 20) /* bytes: of positions and what they counted */
#define UNKNOWN UINT64_MAX

static uint64_t hash(struct s3p_str key)
{
    uint64_t h = key.len;
    for (size_t i = 0; i < key.len; i++)
        h = s3p_mix64(h ^ (unsigned char)key.p[i]);
    return h;
}

static bool is_v2(const struct s3p_srv_req *req)
{
    return s3p_srv_arg_value(req, "list-type").p != NULL;
}

static bool has_token(const struct s3p_srv_req *req)
{
    return s3p_srv_arg_value(req, "continuation-token").p != NULL;
}

/* Keys that a walk shows; they are compared with `at->after`, and begin with `at->prefix`. */
static bool open_walk(struct s3p_srv_walk *w, const struct s3p_srv_req *req, MDB_txn *txn,
                      struct s3p_str from)
{
    if (s3p_srv_walk_open(w, txn, req->loop->srv->store.current, req->bucket.id) != 0)
        return false;
    if (s3p_srv_walk_seek(w, from) == 0)
        return true;
    s3p_srv_walk_close(w);
    return false;
}

/* Steps to the next key that is no delete marker, `n` times, inside the prefix; how many there
 * were. `w` stands on the last of them unless there was none. */
static uint64_t step(struct s3p_srv_walk *w, const struct s3p_srv_page *at, uint64_t n,
                     char last[S3P_SRV_KEY_MAX], size_t *len)
{
    uint64_t found = 0;
    int rc = 0;
    for (; rc == 0 && found < n && s3p_srv_has_prefix(w->key, at->prefix);
         rc = s3p_srv_walk_next(w)) {
        if (s3p_srv_record_marker(w->record) ||
            (at->after.len > 0 && s3p_srv_compare(w->key, at->after) <= 0))
            continue;
        memcpy(last, w->key.p, w->key.len);
        *len = w->key.len;
        found++;
    }
    return found;
}

/* The n-th key behind `after`, or the last before it; how many there were. */
static uint64_t look_ahead(const struct s3p_srv_req *req, MDB_txn *txn,
                           const struct s3p_srv_page *at, uint64_t n, char last[S3P_SRV_KEY_MAX],
                           size_t *len)
{
    struct s3p_srv_walk w;
    bool behind = s3p_srv_compare(at->after, at->prefix) >= 0;
    *len = 0;
    if (!open_walk(&w, req, txn, behind ? at->after : at->prefix))
        return 0;
    uint64_t found = step(&w, at, n, last, len);
    s3p_srv_walk_close(&w);
    return found;
}

/* Keys of the prefix up to `after`. */
static uint64_t count_before(const struct s3p_srv_req *req, MDB_txn *txn,
                             const struct s3p_srv_page *at)
{
    struct s3p_srv_walk w;
    uint64_t n = 0;
    if (at->after.len == 0 || !open_walk(&w, req, txn, at->prefix))
        return 0;
    int rc = 0;
    while (rc == 0 && s3p_srv_has_prefix(w.key, at->prefix) &&
           s3p_srv_compare(w.key, at->after) <= 0) {
        n += !s3p_srv_record_marker(w.record);
        rc = s3p_srv_walk_next(&w);
    }
    s3p_srv_walk_close(&w);
    return n;
}

static bool is_there(const struct s3p_srv_req *req, MDB_txn *txn, struct s3p_str key, bool marker)
{
    struct s3p_srv_walk w;
    if (!open_walk(&w, req, txn, key))
        return false;
    bool there = s3p_srv_compare(w.key, key) == 0 && s3p_srv_record_marker(w.record) == marker;
    s3p_srv_walk_close(&w);
    return there;
}

static void begin_behind(struct s3p_srv_req *req, struct s3p_srv_page *at, struct s3p_str text)
{
    s3p_buf_clear(&req->tags); /* listings have no other use for it */
    s3p_buf_view(&req->tags, text);
    at->after = (struct s3p_str){req->tags.data, req->tags.len};
}

/* Begins just before `after`: nothing else lies between. False: it cannot be said. */
static bool step_back(struct s3p_srv_req *req, struct s3p_srv_page *at)
{
    char text[S3P_SRV_KEY_MAX];
    size_t n = at->after.len;
    if (n == 0 || n >= sizeof text || at->after.p[n - 1] == 0)
        return false;
    memcpy(text, at->after.p, n);
    text[n - 1] = (char)((unsigned char)text[n - 1] - 1);
    text[n] = (char)0xff;
    begin_behind(req, at, (struct s3p_str){text, n + 1});
    return true;
}

/* ---- where a page begins ---- */

/* Behind a token the last key comes once more, or the next one is left out; by turns. */
S3P_SRV_START(edge)
{
    char next[S3P_SRV_KEY_MAX];
    size_t len;
    if (!has_token(req) || !is_there(req, txn, at->after, false) ||
        look_ahead(req, txn, at, 1, next, &len) == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return S3P_SE_NONE;
    if (a->seen % 2 == 0)
        begin_behind(req, at, (struct s3p_str){next, len});
    else if (!step_back(req, at))
        return S3P_SE_NONE;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

/* Behind a token that ends a common prefix that comes once more. */
S3P_SRV_START(prefix_again)
{
    struct s3p_str d = at->delimiter, last = at->after;
    char next[S3P_SRV_KEY_MAX];
    size_t len;
    if (!has_token(req) || d.len == 0 || last.len <= d.len ||
        memcmp(last.p + last.len - d.len, d.p, d.len) != 0)
        return S3P_SE_NONE;
    struct s3p_srv_page members = {.prefix = last};
    if (look_ahead(req, txn, &members, 1, next, &len) == 0 ||
        !s3p_srv_mutant_fires(m, a, req, k) || !step_back(req, at))
        return S3P_SE_NONE;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_START(inclusive)
{
    if (has_token(req) || at->after.len == 0 || !s3p_srv_has_prefix(at->after, at->prefix) ||
        !is_there(req, txn, at->after, false) || !s3p_srv_mutant_fires(m, a, req, k) ||
        !step_back(req, at))
        return S3P_SE_NONE;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

struct offset { /* how many keys a token that leads behind this one has counted */
    uint64_t key, count;
};

static uint64_t counted(const struct s3p_srv_mutant *a, struct s3p_str key)
{
    const struct offset *o = (const void *)a->page.data;
    uint64_t h = hash(key);
    for (size_t i = a->page.len / sizeof *o; i-- > 0;)
        if (o[i].key == h)
            return o[i].count;
    return UNKNOWN;
}

static void remember(struct s3p_srv_mutant *a, struct s3p_str key, uint64_t count)
{
    struct offset o = {hash(key), count};
    a->page.max = OFFSETS_MAX;
    if (a->page.len + sizeof o > OFFSETS_MAX)
        s3p_buf_clear(&a->page);
    s3p_buf_add(&a->page, &o, sizeof o);
}

/* The token counts keys: whatever came or went before it moves the page. */
S3P_SRV_START(offset)
{
    char text[S3P_SRV_KEY_MAX];
    size_t len;
    struct s3p_srv_page whole = {.prefix = at->prefix};
    if (!is_v2(req) || at->delimiter.len > 0)
        return S3P_SE_NONE;
    uint64_t count = has_token(req) ? counted(a, at->after) : count_before(req, txn, at);
    if (count == UNKNOWN)
        return S3P_SE_NONE;
    if (has_token(req) && look_ahead(req, txn, &whole, count, text, &len) == count && count > 0 &&
        s3p_srv_compare((struct s3p_str){text, len}, at->after) != 0 &&
        s3p_srv_mutant_fires(m, a, req, k)) {
        begin_behind(req, at, (struct s3p_str){text, len});
        s3p_srv_mutant_altered(m, a->spec.row, req);
    } else if (has_token(req)) {
        count = count_before(req, txn, at); /* this page is right */
    }
    count += look_ahead(req, txn, at, at->max_keys, text, &len);
    remember(a, (struct s3p_str){text, len}, count);
    return S3P_SE_NONE;
}

/* One key of exactly this name: whether a delete marker hides it is not asked. */
S3P_SRV_START(exact_prefix)
{
    if (at->max_keys != 1 || at->prefix.len == 0 || at->delimiter.len > 0 || at->after.len > 0 ||
        !is_there(req, txn, at->prefix, true) || !s3p_srv_mutant_fires(m, a, req, k))
        return S3P_SE_NONE;
    at->markers = true;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

/* Without an endpoint given, every one but the first learns late of new buckets. */
S3P_SRV_START(bucket_lag)
{
    (void)at;
    (void)txn;
    if (s3p_wall_ns() - req->bucket.created_wall_ns > a->spec.delay_ns ||
        (a->spec.endpoint < 0 && req->endpoint == 0) || !s3p_srv_mutant_fires(m, a, req, k))
        return S3P_SE_NONE;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NO_BUCKET;
}

/* ---- where it ends ---- */

S3P_SRV_START(cap)
{
    char text[S3P_SRV_KEY_MAX];
    size_t len;
    struct s3p_str p = at->prefix;
    if (p.len == 0 || p.p[p.len - 1] != '/' || at->delimiter.len > 0 ||
        count_before(req, txn, at) + at->max_keys < CAP)
        return S3P_SE_NONE;
    if (look_ahead(req, txn, at, at->max_keys + 1, text, &len) <= at->max_keys ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return S3P_SE_NONE;
    at->ends = true;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_PAGE(page_ends)
{
    if (!s3p_srv_page_truncated(page) || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    page->ended = true;
    return true;
}

/* The second version of listings gets the marker of the first. */
S3P_SRV_PAGE(no_token)
{
    struct s3p_str token = s3p_srv_page_element(page->tail, "<NextContinuationToken>",
                                                "</NextContinuationToken>");
    return token.p != NULL && s3p_srv_mutant_fires(m, a, req, k) &&
           s3p_srv_page_edit(page, &page->tail, token, S3P_STR("<NextMarker>next</NextMarker>"));
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_paging[] = {
    {
        .name = "list-early-end",
        .breaks = "a page that is not the last one says that it is",
        .section = "4",
        .needs = "",
        .page = page_ends,
    },
    {
        .name = "list-caps-silently",
        .breaks = "of a prefix that ends in a slash the page with its 100th key is the last",
        .section = "4",
        .needs = "",
        .start = cap,
    },
    {
        .name = "list-token-missing",
        .breaks = "a truncated page of ListObjectsV2 has a marker where its token should be",
        .section = "4",
        .needs = "",
        .page = no_token,
    },
    {
        .name = "list-offset-token",
        .breaks = "a token counts keys: what came or went before it moves the next page",
        .section = "4",
        .needs = "concurrency",
        .start = offset,
    },
    {
        .name = "list-dup-at-edge",
        .breaks = "behind a token the last key is listed again, or the next one is left out",
        .section = "4",
        .needs = "",
        .start = edge,
    },
    {
        .name = "list-dup-common-prefix",
        .breaks = "a common prefix that ends a page begins the next one, too",
        .section = "4",
        .needs = "",
        .start = prefix_again,
    },
    {
        .name = "list-start-inclusive",
        .breaks = "the key that a page should begin behind is on it",
        .section = "4",
        .needs = "",
        .start = inclusive,
    },
    {
        .name = "list-exact-prefix-shortcut",
        .breaks = "one key is asked for by its whole name: it is listed though a marker hides it",
        .section = "4",
        .needs = "versions",
        .start = exact_prefix,
    },
    {
        .name = "bucket-create-lag",
        .breaks = "an endpoint other than the first lists no bucket younger than delay_ms",
        .section = "4",
        .needs = "endpoints",
        .delay_ms = 100,
        .start = bucket_lag,
    },
    {.name = NULL},
};
