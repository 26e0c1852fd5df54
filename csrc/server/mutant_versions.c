/* The faults of buckets that keep versions. */
#include <string.h>

#include "core/clock.h"
#include "server/ids.h"
#include "server/mutant_bodies.h"
#include "server/parse.h"
#include "server/versions.h"

static bool keeps_versions(const struct s3p_srv_req *req)
{
    return req->bucket.versioning == S3P_SRV_VERSIONED;
}

/* A version that a DELETE races is acknowledged, and in nobody's list. */
S3P_SRV_JUDGE(race_judge)
{
    (void)now;
    if (e != S3P_SE_NONE || k->deletes == 0 || !keeps_versions(req) ||
        !s3p_srv_mutant_is(req, "PUT") || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    req->write.drop = true;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

/* The gateway of the write before has not heard of this one: what is current stays what it was. */
S3P_SRV_MADE(pointer_made)
{
    unsigned before = k->writer;
    k->writer = req->endpoint + 1;
    if (now == NULL || now->n_parts > 0 || !then->versioned || before == 0 ||
        before == k->writer || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    k->wrong_next = (int)a->spec.row;
}

S3P_SRV_READ(pointer_read)
{
    return r != NULL && k->wrong == (int)a->spec.row && k->versions != NULL &&
           s3p_srv_mutant_answer_version(m, a, req, k->versions);
}

S3P_SRV_REMOVE(wrong_remove)
{
    const struct s3p_srv_wanted newest = {.given = false};
    struct s3p_srv_record now;
    bool current;
    if (at->current || at->wanted->null ||
        s3p_srv_version_find(t->txn, &t->srv->store, t->bucket.id, at->key, &newest, &now,
                             &current) != 0 ||
        !now.versioned || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    at->wanted->seq = now.seq;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return false;
}

/* The object goes, its entry in the list of versions stays, as a marker. */
S3P_SRV_REMOVE(debris_remove)
{
    const struct s3p_srv_record *r = at->record;
    if (at->current || r->marker || !r->versioned || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    const struct s3p_srv_record left = {.seq = r->seq,
                                        .mtime_wall_ns = r->mtime_wall_ns,
                                        .noncurrent_wall_ns = r->noncurrent_wall_ns,
                                        .versioned = true,
                                        .marker = true};
    s3p_srv_txn_replaced(t, r);
    s3p_srv_versions_rewrite(t, at->key, false, &left);
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

/* What was current goes; nothing takes its place until the next write. */
S3P_SRV_REMOVE(hidden_remove)
{
    (void)t;
    if (at->current && s3p_srv_mutant_fires(m, a, req, k))
        k->wrong_next = (int)a->spec.row;
    return false;
}

S3P_SRV_READ(hidden_read)
{
    if (r == NULL || k->wrong != (int)a->spec.row)
        return false;
    s3p_srv_mutant_answer_absent(m, a, req);
    return true;
}

/* The marker on an object from before versions were kept: reads know it, listings do not. */
S3P_SRV_JUDGE(shadow_judge)
{
    if (e != S3P_SE_NONE || now == NULL || now->versioned || !keeps_versions(req) ||
        req->wanted.given || !s3p_srv_mutant_is(req, "DELETE") ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    struct s3p_srv_store *store = &m->srv->store;
    req->made = (struct s3p_srv_record){
        .marker = true,
        .versioned = true,
        .seq = 1 + atomic_fetch_add_explicit(&store->next_seq, 1, memory_order_relaxed)};
    req->write.drop = true;
    k->wrong = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

S3P_SRV_READ(shadow_read)
{
    (void)m;
    if (r == NULL || k->wrong != (int)a->spec.row)
        return false;
    s3p_srv_answer_error(req, S3P_SE_NO_KEY); /* as it should be */
    return true;
}

S3P_SRV_MADE(reused_made)
{
    if (now == NULL || !now->versioned || now->n_parts > 0 || !then->versioned ||
        then->n_parts > 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    then->seq = now->seq;
    s3p_srv_mutant_made_wrong(m, a, req, k);
}

S3P_SRV_MADE(time_made)
{
    if (now == NULL || !now->versioned || !then->versioned || then->n_parts > 0 ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return;
    then->mtime_wall_ns = now->mtime_wall_ns - a->spec.delay_ns;
    s3p_srv_mutant_made_wrong(m, a, req, k);
}

/* ---- NextVersionIdMarker ---- */

static struct s3p_str element(struct s3p_str text, const char *open)
{
    const char *at = memmem(text.p, text.len, open, strlen(open));
    if (at == NULL)
        return (struct s3p_str){NULL, 0};
    at += strlen(open);
    const char *end = memchr(at, '<', (size_t)(text.p + text.len - at));
    return end != NULL ? (struct s3p_str){at, (size_t)(end - at)} : (struct s3p_str){NULL, 0};
}

/* Whether the key that the page ends in goes on behind it. */
static bool goes_on(struct s3p_srv_req *req, struct s3p_str head)
{
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_srv_table_pairs p;
    struct s3p_buf text;
    struct s3p_str key;
    uint64_t seq;
    bool more = false;
    s3p_buf_init(&text, S3P_SRV_KEY_MAX * 3);
    if (s3p_srv_id_parse(element(head, "<NextVersionIdMarker>"), &seq) &&
        s3p_srv_url_decode(&text, element(head, "<NextKeyMarker>"), &key) &&
        s3p_srv_view_begin(v)) {
        if (s3p_srv_table_pairs_open(&p, v->txn, v->store->versions, req->bucket.id) == 0) {
            more = p.base.seek(&p.base, key, ~seq + 1) == 0 &&
                   s3p_srv_compare(p.base.key, key) == 0;
            s3p_srv_table_pairs_close(&p);
        }
        s3p_srv_view_end(v);
    }
    s3p_buf_free(&text);
    return more;
}

S3P_SRV_PAGE(marker_missing)
{
    static const char open[] = "<NextVersionIdMarker>", close[] = "</NextVersionIdMarker>";
    struct s3p_str head = page->head;
    const char *at = memmem(head.p, head.len, open, sizeof open - 1);
    const char *end = memmem(head.p, head.len, close, sizeof close - 1);
    if (at == NULL || end == NULL || page->n == S3P_SRV_PAGE_ENTRIES || !goes_on(req, head) ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    end += sizeof close - 1;
    memmove(page->entry + 1, page->entry, page->n * sizeof *page->entry);
    page->entry[0] = (struct s3p_str){end, (size_t)(head.p + head.len - end)};
    page->head.len = (size_t)(at - head.p);
    page->n++;
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_versions[] = {
    {
        .name = "put-delete-race-loses-version",
        .breaks = "a PUT that a DELETE races is acknowledged with a version that is not there",
        .section = "3",
        .needs = "concurrency versions",
        .judge = race_judge,
    },
    {
        .name = "stale-latest-pointer",
        .breaks = "after writes through two gateways reads show the older version as the current",
        .section = "3",
        .needs = "concurrency endpoints versions",
        .old_versions = true,
        .made = pointer_made,
        .read = pointer_read,
    },
    {
        .name = "delete-wrong-version",
        .breaks = "a DELETE of an older version removes the current one",
        .section = "3",
        .needs = "concurrency versions",
        .remove = wrong_remove,
    },
    {
        .name = "leftover-version-entries",
        .breaks = "a version that was deleted by its id stays in the list of versions",
        .section = "3",
        .needs = "concurrency versions",
        .remove = debris_remove,
    },
    {
        .name = "no-promotion",
        .breaks = "when the current version is deleted, no older one takes its place",
        .section = "3",
        .needs = "versions",
        .remove = hidden_remove,
        .read = hidden_read,
    },
    {
        .name = "null-version-shadow",
        .breaks = "a key from before versions were kept stays listed when it is deleted",
        .section = "3",
        .needs = "versions",
        .judge = shadow_judge,
        .read = shadow_read,
    },
    {
        .name = "version-id-reused",
        .breaks = "a write gets the version id of the one that it replaces",
        .section = "3",
        .needs = "concurrency versions",
        .made = reused_made,
    },
    {
        .name = "last-modified-backwards",
        .breaks = "a version is older, by delay_ms, than the one that it replaces",
        .section = "2",
        .needs = "versions",
        .delay_ms = 5000,
        .made = time_made,
    },
    {
        .name = "versions-marker-missing",
        .breaks = "a page that ends inside a key does not say at which version",
        .section = "3",
        .needs = "versions",
        .page = marker_missing,
    },
    {.name = NULL},
};
