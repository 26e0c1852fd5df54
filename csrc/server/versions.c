#include "server/versions.h"

#include <string.h>

#include "server/commit.h"
#include "server/ids.h"
#include "server/mutants.h"

bool s3p_srv_wanted_parse(struct s3p_str text, struct s3p_srv_wanted *out)
{
    *out = (struct s3p_srv_wanted){.given = text.p != NULL};
    if (text.p == NULL)
        return true;
    out->null = s3p_str_eq(text, "null");
    return out->null || s3p_srv_id_parse(text, &out->seq);
}

size_t s3p_srv_version_text(char text[S3P_SRV_ID_BYTES], const struct s3p_srv_record *r)
{
    if (r->versioned) {
        s3p_srv_id_text(text, r->seq);
        return S3P_SRV_ID_BYTES;
    }
    memcpy(text, "null", 4);
    return 4;
}

void s3p_srv_answer_version(struct s3p_srv_req *req, const char *field,
                            const struct s3p_srv_record *r)
{
    char text[S3P_SRV_ID_BYTES];
    if (r->versioned || req->bucket.versioning != S3P_SRV_NEVER_VERSIONED)
        s3p_srv_answer_field(req, field, (struct s3p_str){text, s3p_srv_version_text(text, r)});
}

void s3p_srv_answer_marker(struct s3p_srv_req *req, enum s3p_srv_error e,
                           const struct s3p_srv_record *r)
{
    s3p_srv_answer_error(req, e);
    s3p_srv_answer_field(req, "x-amz-delete-marker", S3P_STR("true"));
    s3p_srv_answer_version(req, "x-amz-version-id", r);
    if (e == S3P_SE_METHOD)
        s3p_srv_answer_field(req, "Allow", S3P_STR("DELETE"));
}

static int get(MDB_txn *txn, MDB_dbi table, uint64_t bucket, struct s3p_str key,
               struct s3p_srv_record *out)
{
    struct s3p_str bytes;
    int rc = s3p_srv_table_get(txn, table, bucket, key, &bytes);
    if (rc != 0)
        return rc;
    return s3p_srv_record_decode(out, bytes) ? 0 : MDB_CORRUPTED;
}

int s3p_srv_version_find(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket,
                         struct s3p_str key, const struct s3p_srv_wanted *wanted,
                         struct s3p_srv_record *out, bool *current)
{
    char pair[S3P_SRV_PAIR_MAX];
    int rc = get(txn, s->current, bucket, key, out);
    *current = true;
    if (rc != 0 || !wanted->given)
        return rc;
    if (wanted->null ? !out->versioned : out->versioned && out->seq == wanted->seq)
        return 0;
    uint64_t seq = wanted->null ? out->null_seq : wanted->seq;
    *current = false;
    if (seq == 0)
        return MDB_NOTFOUND;
    rc = get(txn, s->versions, bucket, s3p_srv_pair(pair, key, ~seq), out);
    return rc == 0 && out->versioned == wanted->null ? MDB_NOTFOUND : rc;
}

/* Into one of the two tables. */
static void store(struct s3p_srv_txn *t, MDB_dbi table, struct s3p_str key,
                  const struct s3p_srv_record *r)
{
    s3p_buf_clear(&t->scratch);
    s3p_srv_record_encode(&t->scratch, r);
    s3p_srv_txn_edited(t, s3p_buf_ok(&t->scratch)
                              ? s3p_srv_table_put(t->txn, table, t->bucket.id, key,
                                                  (struct s3p_str){t->scratch.data, t->scratch.len})
                              : MDB_MAP_FULL);
}

void s3p_srv_versions_rewrite(struct s3p_srv_txn *t, struct s3p_str key, bool current,
                              const struct s3p_srv_record *r)
{
    char pair[S3P_SRV_PAIR_MAX];
    const struct s3p_srv_store *s = &t->srv->store;
    if (current)
        store(t, s->current, key, r);
    else
        store(t, s->versions, s3p_srv_pair(pair, key, ~r->seq), r);
}

/* Removes an older version and its body. */
static void drop_older(struct s3p_srv_txn *t, struct s3p_str key, uint64_t seq)
{
    char pair[S3P_SRV_PAIR_MAX];
    struct s3p_srv_record r;
    const struct s3p_srv_store *s = &t->srv->store;
    struct s3p_str at = s3p_srv_pair(pair, key, ~seq);
    int rc = get(t->txn, s->versions, t->bucket.id, at, &r);
    if (rc == 0) {
        s3p_srv_txn_replaced(t, &r);
        rc = s3p_srv_table_del(t->txn, s->versions, t->bucket.id, at);
    }
    s3p_srv_txn_edited(t, rc);
}

void s3p_srv_versions_put(struct s3p_srv_txn *t, struct s3p_str key,
                          const struct s3p_srv_record *now, struct s3p_srv_record *then)
{
    uint64_t null_seq = now == NULL ? 0 : now->versioned ? now->null_seq : now->seq;
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL))
        s3p_srv_mutants_changed(t, t->bucket.id, key, now);
    if (now != NULL && !now->versioned && !then->versioned) {
        s3p_srv_txn_replaced(t, now); /* the null version, by a new one */
        null_seq = 0;
    } else if (now != NULL) {
        struct s3p_srv_record older = *now;
        older.null_seq = 0;
        older.noncurrent_wall_ns = t->wall_ns;
        s3p_srv_versions_rewrite(t, key, false, &older);
    }
    if (!then->versioned && null_seq != 0) {
        drop_older(t, key, null_seq);
        null_seq = 0;
    }
    then->null_seq = null_seq;
    store(t, t->srv->store.current, key, then);
}

void s3p_srv_versions_insert(struct s3p_srv_txn *t, struct s3p_str key, struct s3p_srv_record *r)
{
    struct s3p_srv_record now;
    bool present = s3p_srv_txn_current(t, t->bucket.id, key, &now);
    if (!present || now.seq < r->seq) {
        s3p_srv_versions_put(t, key, present ? &now : NULL, r);
        return;
    }
    r->noncurrent_wall_ns = t->wall_ns;
    s3p_srv_versions_rewrite(t, key, false, r);
}

/* The newest of the older versions takes the place of the current entry, if there is one. */
static void promote(struct s3p_srv_txn *t, struct s3p_str key, uint64_t null_seq)
{
    const struct s3p_srv_store *s = &t->srv->store;
    struct s3p_srv_table_pairs p;
    struct s3p_srv_record r;
    char pair[S3P_SRV_PAIR_MAX];
    int rc = s3p_srv_table_pairs_open(&p, t->txn, s->versions, t->bucket.id);
    if (rc == 0) {
        rc = p.base.seek(&p.base, key, 0);
        if (rc == 0 && s3p_srv_compare(p.base.key, key) != 0)
            rc = MDB_NOTFOUND;
        if (rc == 0 && !s3p_srv_record_decode(&r, p.base.record))
            rc = MDB_CORRUPTED;
        if (rc == 0) {
            r.null_seq = r.versioned ? null_seq : 0;
            r.noncurrent_wall_ns = 0;
            s3p_buf_clear(&t->scratch);
            s3p_srv_record_encode(&t->scratch, &r);
        }
        s3p_srv_table_pairs_close(&p);
    }
    if (rc == MDB_NOTFOUND) {
        s3p_srv_txn_edited(t, s3p_srv_table_del(t->txn, s->current, t->bucket.id, key));
        return;
    }
    if (rc == 0)
        rc = s3p_srv_table_del(t->txn, s->versions, t->bucket.id, s3p_srv_pair(pair, key, ~r.seq));
    if (rc == 0)
        rc = s3p_buf_ok(&t->scratch)
                 ? s3p_srv_table_put(t->txn, s->current, t->bucket.id, key,
                                     (struct s3p_str){t->scratch.data, t->scratch.len})
                 : MDB_MAP_FULL;
    s3p_srv_txn_edited(t, rc);
}

bool s3p_srv_versions_remove(struct s3p_srv_txn *t, struct s3p_str key,
                             const struct s3p_srv_wanted *wanted, struct s3p_srv_record *gone)
{
    const struct s3p_srv_store *s = &t->srv->store;
    const struct s3p_srv_wanted newest = {.given = false};
    struct s3p_srv_record r;
    bool current;
    int rc = s3p_srv_version_find(t->txn, s, t->bucket.id, key, wanted, &r, &current);
    if (rc != 0) {
        if (rc != MDB_NOTFOUND)
            t->rc = rc;
        return false;
    }
    *gone = r;
    if (current) {
        if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL))
            s3p_srv_mutants_changed(t, t->bucket.id, key, &r);
        s3p_srv_txn_replaced(t, &r);
        promote(t, key, r.null_seq);
        return true;
    }
    drop_older(t, key, r.seq);
    if (wanted->null) { /* nobody looks for it any more */
        rc = s3p_srv_version_find(t->txn, s, t->bucket.id, key, &newest, &r, &current);
        r.null_seq = 0;
        if (rc == 0)
            store(t, s->current, key, &r);
        else
            t->rc = rc;
    }
    return true;
}

/* The nearer of the two walks. */
static int take(struct s3p_srv_version_pairs *p)
{
    struct s3p_srv_record r;
    p->latest = p->newest_rc == 0 &&
                (p->older_rc != 0 || s3p_srv_compare(p->newest.key, p->older.base.key) <= 0);
    if (!p->latest) {
        p->base.key = p->older.base.key;
        p->base.number = p->older.base.number;
        p->base.record = p->older.base.record;
        return p->newest_rc != 0 && p->newest_rc != MDB_NOTFOUND ? p->newest_rc : p->older_rc;
    }
    if (!s3p_srv_record_decode(&r, p->newest.record))
        return MDB_CORRUPTED;
    p->base.key = p->newest.key;
    p->base.number = ~r.seq;
    p->base.record = p->newest.record;
    return p->older_rc != 0 && p->older_rc != MDB_NOTFOUND ? p->older_rc : 0;
}

static int pairs_seek(struct s3p_srv_pairs *base, struct s3p_str key, uint64_t number)
{
    struct s3p_srv_version_pairs *p = (struct s3p_srv_version_pairs *)base;
    struct s3p_srv_record r;
    p->newest_rc = s3p_srv_walk_seek(&p->newest, key);
    p->older_rc = p->older.base.seek(&p->older.base, key, number);
    if (p->newest_rc == 0 && s3p_srv_compare(p->newest.key, key) == 0) {
        if (!s3p_srv_record_decode(&r, p->newest.record))
            return MDB_CORRUPTED;
        if (~r.seq < number)
            p->newest_rc = s3p_srv_walk_next(&p->newest);
    }
    return take(p);
}

static int pairs_next(struct s3p_srv_pairs *base)
{
    struct s3p_srv_version_pairs *p = (struct s3p_srv_version_pairs *)base;
    if (p->latest)
        p->newest_rc = s3p_srv_walk_next(&p->newest);
    else
        p->older_rc = p->older.base.next(&p->older.base);
    return take(p);
}

int s3p_srv_version_pairs_open(struct s3p_srv_version_pairs *p, MDB_txn *txn,
                               const struct s3p_srv_store *s, uint64_t bucket)
{
    p->base = (struct s3p_srv_pairs){.seek = pairs_seek, .next = pairs_next};
    int rc = s3p_srv_walk_open(&p->newest, txn, s->current, bucket);
    if (rc != 0)
        return rc;
    rc = s3p_srv_table_pairs_open(&p->older, txn, s->versions, bucket);
    if (rc != 0)
        s3p_srv_walk_close(&p->newest);
    return rc;
}

void s3p_srv_version_pairs_close(struct s3p_srv_version_pairs *p)
{
    s3p_srv_walk_close(&p->newest);
    s3p_srv_table_pairs_close(&p->older);
}
