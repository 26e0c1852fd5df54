/* The faults of batch deletes. */
#include <string.h>

#include "server/lock.h"
#include "server/mutant_bodies.h"
#include "server/routes.h"
#include "server/tables.h"
#include "server/versions.h"

#define ID_BYTES 32 /* of a version, as text */
#define IDS_MAX (1024 * 1024)

/* Whether the key has an object now, as the batch deletes it: its current one, or the version. */
static bool is_there(struct s3p_srv_txn *t, const struct s3p_srv_batch_key *e)
{
    struct s3p_srv_wanted wanted = {.given = false};
    struct s3p_srv_record r;
    bool current;
    return (e->version.p == NULL || s3p_srv_wanted_parse(e->version, &wanted)) &&
           s3p_srv_version_find(t->txn, &t->srv->store, t->bucket.id, e->key, &wanted, &r,
                                &current) == 0 &&
           (e->version.p != NULL || !r.marker);
}

/* What the correct store says of the key. */
static bool would_fail(struct s3p_srv_txn *t, const struct s3p_srv_batch_key *e)
{
    struct s3p_srv_conditions c = {.if_match = e->etag};
    struct s3p_srv_wanted wanted;
    struct s3p_srv_record now;
    if (e->version.p != NULL)
        return e->etag.p != NULL || !s3p_srv_wanted_parse(e->version, &wanted);
    bool present = s3p_srv_txn_current(t, t->bucket.id, e->key, &now) && !now.marker;
    return s3p_srv_conditions_write(&c, present ? &now : NULL) != S3P_SE_NONE;
}

S3P_SRV_OF_BATCH(kept_of_batch)
{
    (void)r;
    bool plain = t->bucket.versioning == S3P_SRV_NEVER_VERSIONED;
    if ((e->version.p == NULL && !plain) || !is_there(t, e) || would_fail(t, e) ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    k->wrong = e->version.p == NULL ? (int)a->spec.row : k->wrong; /* until the next write */
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

S3P_SRV_OF_BATCH(unsaid_of_batch)
{
    if (req->write.quiet || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    *r = s3p_srv_batch_delete(t, req, e);
    r->unsaid = true;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

S3P_SRV_OF_BATCH(said_of_batch)
{
    if (!req->write.quiet || would_fail(t, e) || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    *r = s3p_srv_batch_delete(t, req, e);
    r->said = true;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

S3P_SRV_OF_BATCH(hidden_of_batch)
{
    if (!req->write.quiet || !would_fail(t, e) || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    *r = s3p_srv_batch_delete(t, req, e);
    r->unsaid = true;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

S3P_SRV_OF_BATCH(absent_of_batch)
{
    if (t->bucket.versioning != S3P_SRV_NEVER_VERSIONED || e->version.p != NULL ||
        e->etag.p != NULL || is_there(t, e) || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    r->error = S3P_SE_NO_KEY;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

S3P_SRV_OF_BATCH(unlocked_of_batch)
{
    struct s3p_srv_wanted wanted;
    struct s3p_srv_record gone;
    if (e->version.p == NULL || e->etag.p != NULL || !s3p_srv_wanted_parse(e->version, &wanted) ||
        s3p_srv_lock_judge(t, req, e->key, &wanted) == S3P_SE_NONE ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    (void)s3p_srv_versions_remove(t, e->key, &wanted, &gone);
    *r = (struct s3p_srv_batch_result){.error = S3P_SE_NONE};
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return true;
}

/* ---- others than were named ---- */

static bool is_named(const struct s3p_srv_req *req, struct s3p_str key)
{
    struct s3p_srv_batch_key e;
    for (size_t at = 0; s3p_srv_batch_next(&req->meta, &at, &e);)
        if (s3p_srv_compare(e.key, key) == 0)
            return true;
    return false;
}

/* The next object behind the key, in `text`; empty when there is none, or the batch names it. */
static struct s3p_str neighbour(struct s3p_srv_txn *t, const struct s3p_srv_req *req,
                                struct s3p_str key, char text[S3P_SRV_KEY_MAX])
{
    struct s3p_str found = {text, 0};
    struct s3p_srv_walk w;
    if (s3p_srv_walk_open(&w, t->txn, t->srv->store.current, t->bucket.id) != 0)
        return found;
    int rc = s3p_srv_walk_seek(&w, key);
    if (rc == 0 && s3p_srv_compare(w.key, key) == 0)
        rc = s3p_srv_walk_next(&w);
    if (rc == 0 && !s3p_srv_record_marker(w.record) && !is_named(req, w.key)) {
        memcpy(text, w.key.p, w.key.len);
        found.len = w.key.len;
    }
    s3p_srv_walk_close(&w);
    return found;
}

S3P_SRV_OF_BATCH(collateral_of_batch)
{
    char text[S3P_SRV_KEY_MAX];
    struct s3p_srv_record now, made;
    struct s3p_str other = neighbour(t, req, e->key, text);
    (void)r;
    if (other.len == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    struct s3p_srv_key_state *hit = s3p_srv_mutant_key(m, t->bucket.id, other, true);
    if (hit == NULL || !s3p_srv_txn_current(t, t->bucket.id, other, &now))
        return false;
    s3p_srv_mutant_made_wrong(m, a, req, hit);
    s3p_srv_txn_del(t, other, &now, &made);
    return false;
}

/* ---- whole requests ---- */

static bool is_batch(const struct s3p_srv_req *req)
{
    return strcmp(req->route->name, "DeleteObjects") == 0;
}

static size_t keys_named(const struct s3p_srv_req *req)
{
    static const char open[] = "<Key>";
    const char *at = req->intake.memory.data, *end = at + req->intake.memory.len;
    size_t n = 0;
    while (at != NULL && (at = memmem(at, (size_t)(end - at), open, sizeof open - 1)) != NULL) {
        at += sizeof open - 1;
        n++;
    }
    return n;
}

S3P_SRV_TAKEN(partial_taken)
{
    if (e == S3P_SE_NONE && is_batch(req) && keys_named(req) > 1000 &&
        s3p_srv_mutant_fires(m, a, req, k)) {
        req->write.apply_anyway = true;
        s3p_srv_mutant_altered(m, a->spec.row, req);
    }
    return e;
}

/* Every other key goes. */
S3P_SRV_OF_BATCH(partial_of_batch)
{
    (void)m;
    (void)r;
    if (!req->write.apply_anyway)
        return false;
    if (a->seen++ % 2 != 0)
        return true;
    k->wrong_next = is_there(t, e) ? (int)a->spec.row : k->wrong_next;
    return false;
}

S3P_SRV_TAKEN(unsupported_taken)
{
    if (e != S3P_SE_NONE || !is_batch(req) || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NOT_IMPLEMENTED;
}

/* ---- markers ---- */

/* By turns: two markers, of which the answer names one; one marker, and the id of none. */
S3P_SRV_OF_BATCH(marker_of_batch)
{
    struct s3p_srv_record twin = {.versioned = true};
    char id[ID_BYTES] = {0};
    if (t->bucket.versioning != S3P_SRV_VERSIONED || e->version.p != NULL || would_fail(t, e) ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    *r = s3p_srv_batch_delete(t, req, e);
    s3p_srv_mutant_altered(m, a->spec.row, req);
    if (a->seen % 2 != 0) {
        r->seq = s3p_srv_txn_seq(t);
        return true;
    }
    twin.seq = s3p_srv_batch_delete(t, req, e).seq;
    (void)s3p_srv_version_text(id, &twin);
    a->page.max = IDS_MAX;
    s3p_buf_add(&a->page, id, sizeof id);
    return true;
}

/* Such a page shows a marker that nobody was told of. */
S3P_SRV_PAGE(marker_page)
{
    const struct s3p_buf *body = &req->answer.body;
    (void)k;
    (void)page;
    for (size_t at = 0; at < a->page.len; at += ID_BYTES) {
        const char *id = a->page.data + at;
        if (memmem(body->data, body->len, id, strnlen(id, ID_BYTES)) != NULL) {
            s3p_srv_mutant_altered(m, a->spec.row, req);
            return false;
        }
    }
    return false;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_batches[] = {
    {
        .name = "bulk-silent-failure",
        .breaks = "a key of a batch delete is answered as deleted, and stays",
        .section = "6",
        .needs = "",
        .of_batch = kept_of_batch,
    },
    {
        .name = "bulk-missing-from-answer",
        .breaks = "the answer to a batch delete leaves a key out",
        .section = "6",
        .needs = "",
        .of_batch = unsaid_of_batch,
    },
    {
        .name = "bulk-quiet-ignored",
        .breaks = "the answer to a quiet batch delete names a key that was deleted",
        .section = "6",
        .needs = "",
        .of_batch = said_of_batch,
    },
    {
        .name = "bulk-quiet-hides-errors",
        .breaks = "the answer to a quiet batch delete leaves a key out that was not deleted",
        .section = "6",
        .needs = "",
        .of_batch = hidden_of_batch,
    },
    {
        .name = "bulk-missing-key-error",
        .breaks = "a batch delete reports an absent key as an error",
        .section = "6",
        .needs = "",
        .of_batch = absent_of_batch,
    },
    {
        .name = "bulk-collateral",
        .breaks = "a batch delete removes an object beside the one that it names",
        .section = "6",
        .needs = "",
        .of_batch = collateral_of_batch,
    },
    {
        .name = "bulk-over-limit-partial",
        .breaks = "a batch delete of too many keys is refused, and half of them are gone",
        .section = "6",
        .needs = "",
        .taken = partial_taken,
        .of_batch = partial_of_batch,
    },
    {
        .name = "bulk-double-marker",
        .breaks = "a batch delete makes two delete markers of a key, or names the id of none",
        .section = "6",
        .needs = "versions",
        .of_batch = marker_of_batch,
        .page = marker_page,
    },
    {
        .name = "bulk-ignores-locks",
        .breaks = "a batch delete removes a version that is locked",
        .section = "6",
        .needs = "versions",
        .of_batch = unlocked_of_batch,
    },
    {
        .name = "bulk-unsupported",
        .breaks = "batch deletes are not implemented",
        .section = "6",
        .needs = "",
        .taken = unsupported_taken,
    },
    {.name = NULL},
};
