/* Lifecycle rules carried out: a pass walks the buckets that have some in read views, notes what is
 * due, and lets it happen in transactions that judge anew: whatever a client did in between counts.
 */
#include <string.h>

#include "core/clock.h"
#include "server/chores.h"
#include "server/lifecycle.h"
#include "server/multipart.h"
#include "server/mutants.h"
#include "server/settings.h"
#include "server/versions.h"

#define VIEW_ENTRIES 5000 /* a view is given back after so many */
#define TXN_ACTS 500      /* clients' writes wait while a transaction runs */
#define FOUND_ACTS 8000   /* the rest of a key with so many is due in the next pass too */
#define BUCKET_MAX 64
#define LOOK_NS (5 * S3P_MS) /* how often a pass that is held looks whether it still is */
#define RULES_BYTES_MAX (8 * 1024 * 1024)

/* One thing to do; the key stands behind it in the list. */
struct act {
    enum s3p_srv_life_act act;
    bool current;
    uint64_t seq;
    uint32_t key_len;
};

/* A pass over one bucket. */
struct pass {
    struct s3p_srv_chore *c;
    uint64_t bucket;
    int64_t day_ns, now_wall_ns;
    char name[BUCKET_MAX];
    size_t name_len;
    struct s3p_buf rules; /* the stored set, copied: edits move it */
    unsigned seen, acts;
    size_t done; /* bytes of the list that have been acted on */
    bool late;   /* by a mode: what has been found is left for a while */
    /* where the next view goes on */
    char key[S3P_SRV_KEY_MAX];
    size_t key_len;
    uint64_t number;
};

static struct s3p_str rules_of(const struct pass *p)
{
    return (struct s3p_str){p->rules.data, p->rules.len};
}

/* What the rules say of an entry; `acting`: it happens now. */
static enum s3p_srv_life_act judge(const struct pass *p, const struct s3p_srv_life_entry *e,
                                   int64_t now_wall_ns, bool acting)
{
    const struct s3p_srv_life_case c = {rules_of(p), p->bucket, e, p->day_ns, now_wall_ns, acting};
    struct s3p_srv_mutants *m = p->c->srv->mutants;
    enum s3p_srv_life_act act = s3p_srv_life_judge(c.stored, e, c.day_ns, now_wall_ns);
    return S3P_SRV_UNLIKELY(m != NULL) ? s3p_srv_mutants_life(m, &c, act) : act;
}

static void note(struct pass *p, enum s3p_srv_life_act what, bool current, uint64_t seq,
                 struct s3p_str key)
{
    struct act a;
    struct s3p_srv_mutants *m = p->c->srv->mutants;
    if (what == S3P_SRV_LIFE_KEEP || p->acts == FOUND_ACTS)
        return;
    if (S3P_SRV_UNLIKELY(m != NULL))
        p->late |= s3p_srv_mutants_due(m, key, seq);
    memset(&a, 0, sizeof a);
    a.act = what;
    a.current = current;
    a.seq = seq;
    a.key_len = (uint32_t)key.len;
    s3p_buf_add(&p->c->found, &a, sizeof a);
    s3p_buf_view(&p->c->found, key);
    p->acts++;
}

static void go_on_at(struct pass *p, struct s3p_str key, uint64_t number)
{
    memcpy(p->key, key.p, key.len);
    p->key_len = key.len;
    p->number = number;
}

static bool full(const struct pass *p)
{
    return p->seen >= VIEW_ENTRIES || p->acts >= TXN_ACTS ||
           atomic_load_explicit(&p->c->stop, memory_order_relaxed) != 0;
}

static bool only_entry(const struct s3p_srv_version_pairs *w)
{
    return w->older_rc != 0 || s3p_srv_compare(w->older.base.key, w->base.key) != 0;
}

/* Entries of objects, from p->key on. 0: more to come; MDB_NOTFOUND: that was all. */
static int find_entries(struct pass *p, MDB_txn *txn)
{
    struct s3p_srv_version_pairs w;
    struct s3p_srv_record r;
    uint32_t newer = 0;
    int rc = s3p_srv_version_pairs_open(&w, txn, p->c->view.store, p->bucket);
    if (rc != 0)
        return rc;
    rc = w.base.seek(&w.base, (struct s3p_str){p->key, p->key_len}, p->number);
    for (; rc == 0; rc = w.base.next(&w.base)) {
        if (w.latest && full(p)) /* a key is judged whole: its versions are counted */
            break;
        if (!s3p_srv_record_decode(&r, w.base.record)) {
            rc = MDB_CORRUPTED;
            break;
        }
        newer = w.latest ? 0 : newer;
        struct s3p_srv_life_entry e = {
            w.base.key, &r, w.latest, w.latest && r.marker && only_entry(&w), newer};
        note(p, judge(p, &e, p->now_wall_ns, false), w.latest, r.seq, w.base.key);
        newer += !w.latest && !r.marker;
        p->seen++;
        go_on_at(p, w.base.key, UINT64_MAX);
    }
    s3p_srv_version_pairs_close(&w);
    return rc;
}

/* Uploads, likewise. */
static int find_uploads(struct pass *p, MDB_txn *txn)
{
    struct s3p_srv_table_pairs w;
    struct s3p_srv_record r;
    int rc = s3p_srv_table_pairs_open(&w, txn, p->c->view.store->uploads, p->bucket);
    if (rc != 0)
        return rc;
    rc = w.base.seek(&w.base, (struct s3p_str){p->key, p->key_len}, p->number);
    for (; rc == 0 && !full(p); rc = w.base.next(&w.base)) {
        if (!s3p_srv_record_decode(&r, w.base.record)) {
            rc = MDB_CORRUPTED;
            break;
        }
        note(p,
             s3p_srv_life_judge_upload(rules_of(p), w.base.key, &r, p->day_ns, p->now_wall_ns),
             false, r.seq, w.base.key);
        p->seen++;
        go_on_at(p, w.base.key, w.base.number + 1);
    }
    s3p_srv_table_pairs_close(&w);
    return rc;
}

/* Noncurrent versions of a key, without markers, before the one with this number; at most `max`. */
static uint32_t count_newer(struct s3p_srv_txn *t, struct s3p_str key, uint64_t seq, uint32_t max)
{
    struct s3p_srv_table_pairs w;
    uint32_t n = 0;
    if (max == 0)
        return 0;
    int rc = s3p_srv_table_pairs_open(&w, t->txn, t->srv->store.versions, t->bucket.id);
    if (rc == 0) {
        rc = w.base.seek(&w.base, key, 0);
        for (; rc == 0 && n < max && s3p_srv_compare(w.base.key, key) == 0 && w.base.number != ~seq;
             rc = w.base.next(&w.base))
            n += !s3p_srv_record_marker(w.base.record);
        s3p_srv_table_pairs_close(&w);
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        t->rc = rc;
    return n;
}

static bool has_older(struct s3p_srv_txn *t, struct s3p_str key)
{
    struct s3p_srv_table_pairs w;
    int rc = s3p_srv_table_pairs_open(&w, t->txn, t->srv->store.versions, t->bucket.id);
    if (rc == 0) {
        rc = w.base.seek(&w.base, key, 0);
        if (rc == 0 && s3p_srv_compare(w.base.key, key) != 0)
            rc = MDB_NOTFOUND;
        s3p_srv_table_pairs_close(&w);
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        t->rc = rc;
    return rc == 0;
}

/* Still the entry that was noted, still where it was, and due by the rules of now. */
static void act_on_entry(struct pass *p, struct s3p_srv_txn *t, const struct act *a,
                         struct s3p_str key)
{
    struct s3p_srv_record now, r, made;
    const struct s3p_srv_store *s = &t->srv->store;
    char pair[S3P_SRV_PAIR_MAX];
    struct s3p_str bytes;
    int rc = a->current ? s3p_srv_table_get(t->txn, s->current, t->bucket.id, key, &bytes)
                        : s3p_srv_table_get(t->txn, s->versions, t->bucket.id,
                                            s3p_srv_pair(pair, key, ~a->seq), &bytes);
    if (rc == 0 && !s3p_srv_record_decode(&r, bytes))
        rc = MDB_CORRUPTED;
    if (rc != 0 || r.seq != a->seq) {
        t->rc = rc == MDB_NOTFOUND ? 0 : rc;
        return;
    }
    struct s3p_srv_life_entry e = {key, &r, a->current, false, 0};
    if (!a->current)
        e.newer = count_newer(t, key, a->seq, s3p_srv_life_newer_max(rules_of(p)));
    else
        e.alone = r.marker && !has_older(t, key);
    if (t->rc != 0)
        return;
    enum s3p_srv_life_act act = judge(p, &e, t->wall_ns, true);
    now = r;
    if (act == S3P_SRV_LIFE_EXPIRE) {
        s3p_srv_txn_del(t, key, &now, &made);
    } else if (act == S3P_SRV_LIFE_REMOVE) {
        struct s3p_srv_wanted wanted = {.given = true, .null = !r.versioned, .seq = r.seq};
        (void)s3p_srv_versions_remove(t, key, &wanted, &made);
    }
}

static void act_on_upload(struct pass *p, struct s3p_srv_txn *t, const struct act *a,
                          struct s3p_str key)
{
    struct s3p_srv_record r;
    int rc = s3p_srv_upload_get(t->txn, &t->srv->store, t->bucket.id, key, a->seq, &r);
    if (rc != 0) {
        t->rc = rc == MDB_NOTFOUND ? 0 : rc;
        return;
    }
    if (s3p_srv_life_judge_upload(rules_of(p), key, &r, p->day_ns, t->wall_ns) ==
        S3P_SRV_LIFE_ABORT)
        s3p_srv_upload_remove(t, t->bucket.id, key, a->seq, NULL);
}

static int copy_rules(struct pass *p, MDB_txn *txn)
{
    struct s3p_str stored;
    int rc = s3p_srv_setting_get(txn, &p->c->srv->store, p->bucket, S3P_SRV_SET_LIFECYCLE, &stored);
    s3p_buf_clear(&p->rules);
    if (rc == 0)
        s3p_buf_view(&p->rules, stored);
    return rc == 0 && !s3p_buf_ok(&p->rules) ? MDB_CORRUPTED : rc;
}

/* In the transaction. */
static void act_on_all(struct s3p_srv_txn *t, void *cls)
{
    struct pass *p = cls;
    const struct s3p_buf *found = &p->c->found;
    struct s3p_str name = {p->name, p->name_len};
    int rc = s3p_srv_bucket_get(t->txn, &t->srv->store, name, &t->bucket);
    if (rc == 0 && t->bucket.id != p->bucket)
        rc = MDB_NOTFOUND;
    if (rc == 0)
        rc = copy_rules(p, t->txn);
    if (rc != 0) {
        t->rc = rc == MDB_NOTFOUND ? 0 : rc;
        return;
    }
    for (unsigned n = 0; t->rc == 0 && n < TXN_ACTS && p->done < found->len; n++) {
        struct act a;
        memcpy(&a, found->data + p->done, sizeof a);
        struct s3p_str key = {found->data + p->done + sizeof a, a.key_len};
        p->done += sizeof a + a.key_len;
        if (a.act == S3P_SRV_LIFE_ABORT)
            act_on_upload(p, t, &a, key);
        else
            act_on_entry(p, t, &a, key);
    }
}

static int act_on_found(struct pass *p)
{
    int rc = s3p_buf_ok(&p->c->found) ? 0 : MDB_MAP_FULL;
    for (p->done = 0; rc == 0 && p->done < p->c->found.len;) {
        size_t before = p->done;
        rc = s3p_srv_commit_own(p->c->txn, act_on_all, p);
        if (p->done == before) /* the bucket or its rules are gone */
            break;
    }
    return rc;
}

static void leave(const struct pass *p)
{
    int64_t found_ns = s3p_now_ns(), now_ns = found_ns;
    while (now_ns - found_ns < s3p_srv_mutants_late_ns(p->c->srv->mutants) &&
           s3p_srv_chore_wait(p->c, now_ns + LOOK_NS))
        now_ns = s3p_now_ns();
}

/* One table of a bucket, view by view. */
static int pass_table(struct pass *p, int (*find)(struct pass *p, MDB_txn *txn))
{
    int rc = 0;
    p->key_len = 0;
    p->number = 0;
    while (rc == 0 && atomic_load_explicit(&p->c->stop, memory_order_relaxed) == 0) {
        p->seen = p->acts = 0;
        p->late = false;
        s3p_buf_clear(&p->c->found);
        if (!s3p_srv_view_begin(&p->c->view))
            return MDB_READERS_FULL;
        p->now_wall_ns = s3p_wall_ns();
        rc = copy_rules(p, p->c->view.txn);
        if (rc == 0)
            rc = find(p, p->c->view.txn);
        s3p_srv_view_end(&p->c->view);
        if (S3P_SRV_UNLIKELY(p->late))
            leave(p);
        int acted = rc == 0 || rc == MDB_NOTFOUND ? act_on_found(p) : 0;
        rc = acted != 0 ? acted : rc;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* The bucket behind p->name. */
static int next_bucket(struct pass *p)
{
    MDB_cursor *cursor;
    MDB_val k = {p->name_len, p->name}, v;
    struct s3p_srv_bucket b;
    if (!s3p_srv_view_begin(&p->c->view))
        return MDB_READERS_FULL;
    int rc = mdb_cursor_open(p->c->view.txn, p->c->srv->store.buckets, &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &k, &v, p->name_len > 0 ? MDB_SET_RANGE : MDB_FIRST);
        if (rc == 0 && k.mv_size == p->name_len && memcmp(k.mv_data, p->name, k.mv_size) == 0)
            rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
        if (rc == 0)
            rc = k.mv_size <= BUCKET_MAX ? s3p_srv_bucket_decode(&b, &v) : MDB_CORRUPTED;
        if (rc == 0) {
            memcpy(p->name, k.mv_data, k.mv_size);
            p->name_len = k.mv_size;
            p->bucket = b.id;
        }
        mdb_cursor_close(cursor);
    }
    s3p_srv_view_end(&p->c->view);
    return rc;
}

bool s3p_srv_lifecycle_pass(struct s3p_srv_chore *c)
{
    struct pass p = {.c = c, .day_ns = c->srv->options.lifecycle_day_ns};
    int rc;
    s3p_buf_init(&p.rules, RULES_BYTES_MAX);
    while ((rc = next_bucket(&p)) == 0 &&
           atomic_load_explicit(&c->stop, memory_order_relaxed) == 0) {
        rc = pass_table(&p, find_entries);
        if (rc == 0)
            rc = pass_table(&p, find_uploads);
        if (rc != 0)
            break;
    }
    s3p_buf_free(&p.rules);
    return rc == 0 || rc == MDB_NOTFOUND;
}
