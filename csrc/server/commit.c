#include "server/commit.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "server/lock.h"
#include "server/loop.h"
#include "server/mutant_rows.h"
#include "server/mutants.h"
#include "server/pins.h"
#include "server/replication.h"
#include "server/tables.h"
#include "server/versions.h"

#define SCRATCH_MAX (1024 * 1024)
#define TARGETS_MAX (1024 * 1024)
#define REPLACED_MAX (64 * 1024 * 1024)

int s3p_srv_txn_create(struct s3p_srv_txn **out, struct s3p_srv *srv, struct s3p_err *err)
{
    struct s3p_srv_txn *t = s3p_calloc(1, sizeof *t);
    if (t == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "no memory for the commits");
    t->srv = srv;
    s3p_buf_init(&t->scratch, SCRATCH_MAX);
    s3p_buf_init(&t->targets, TARGETS_MAX);
    s3p_buf_init(&t->replaced, REPLACED_MAX);
    *out = t;
    return 0;
}

void s3p_srv_txn_free(struct s3p_srv_txn *t)
{
    if (t == NULL)
        return;
    s3p_buf_free(&t->scratch);
    s3p_buf_free(&t->targets);
    s3p_buf_free(&t->replaced);
    s3p_free(t);
}

bool s3p_srv_txn_current(struct s3p_srv_txn *t, uint64_t bucket, struct s3p_str key,
                         struct s3p_srv_record *now)
{
    struct s3p_str bytes;
    int rc = s3p_srv_table_get(t->txn, t->srv->store.current, bucket, key, &bytes);
    if (rc == 0 && s3p_srv_record_decode(now, bytes))
        return true;
    if (rc != MDB_NOTFOUND)
        t->rc = rc != 0 ? rc : MDB_CORRUPTED;
    return false;
}

void s3p_srv_txn_edited(struct s3p_srv_txn *t, int rc)
{
    t->changed = true;
    if (rc != 0 && t->rc == 0)
        t->rc = rc;
}

void s3p_srv_txn_replaced(struct s3p_srv_txn *t, const struct s3p_srv_record *r)
{
    if (S3P_SRV_UNLIKELY(t->leak))
        return;
    struct s3p_srv_gone gone = {.pinned = r->n_parts > 0 ? r->seq : 0, .n = r->in_file};
    for (uint32_t i = 0; i < r->n_parts; i++)
        gone.n += s3p_srv_part_at(r->parts, i).body_id != 0;
    s3p_buf_add(&t->replaced, &gone, sizeof gone);
    if (r->in_file)
        s3p_buf_add(&t->replaced, &r->body_id, sizeof r->body_id);
    for (uint32_t i = 0; i < r->n_parts; i++) {
        struct s3p_srv_part p = s3p_srv_part_at(r->parts, i);
        if (p.body_id != 0)
            s3p_buf_add(&t->replaced, &p.body_id, sizeof p.body_id);
    }
}

void s3p_srv_txn_stamp(struct s3p_srv_txn *t, struct s3p_srv_record *r)
{
    r->seq = s3p_srv_txn_seq(t);
    r->mtime_wall_ns = t->wall_ns;
    r->versioned = t->bucket.versioning == S3P_SRV_VERSIONED;
    s3p_srv_lock_default(t, r);
}

void s3p_srv_txn_put(struct s3p_srv_txn *t, struct s3p_str key, const struct s3p_srv_record *now,
                     struct s3p_srv_record *then)
{
    if (t->bucket.versioning != S3P_SRV_NEVER_VERSIONED) {
        bool replicate = s3p_srv_replication_plan(t, key, then);
        s3p_srv_versions_put(t, key, now, then);
        if (replicate)
            s3p_srv_replication_post(t, key, then, S3P_SRV_POST_VERSION);
        return;
    }
    if (now != NULL)
        s3p_srv_txn_replaced(t, now);
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL))
        s3p_srv_mutants_changed(t, t->bucket.id, key, now);
    s3p_srv_versions_rewrite(t, key, true, then);
}

void s3p_srv_txn_del(struct s3p_srv_txn *t, struct s3p_str key, const struct s3p_srv_record *now,
                     struct s3p_srv_record *made)
{
    *made = (struct s3p_srv_record){.marker = t->bucket.versioning != S3P_SRV_NEVER_VERSIONED};
    if (made->marker) {
        s3p_srv_txn_stamp(t, made);
        s3p_srv_txn_put(t, key, now, made);
        return;
    }
    if (now == NULL)
        return;
    s3p_srv_txn_replaced(t, now);
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL))
        s3p_srv_mutants_changed(t, t->bucket.id, key, now);
    s3p_srv_txn_edited(t, s3p_srv_table_del(t->txn, t->srv->store.current, t->bucket.id, key));
}

bool s3p_srv_txn_bucket(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    int rc = s3p_srv_bucket_get(t->txn, &t->srv->store, req->head.bucket, &t->bucket);
    if (rc != 0 && rc != MDB_NOTFOUND)
        t->rc = rc;
    if (rc != 0 || t->bucket.id != req->bucket.id)
        return false;
    req->bucket.versioning = t->bucket.versioning;
    return true;
}

enum s3p_srv_error s3p_srv_txn_judge(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                     struct s3p_srv_record *now, bool *present)
{
    if (!s3p_srv_txn_bucket(t, req))
        return S3P_SE_NO_BUCKET;
    *present = s3p_srv_txn_current(t, req->bucket.id, req->head.key, now);
    if (t->rc != 0)
        return S3P_SE_INTERNAL;
    const struct s3p_srv_record *live = *present && !now->marker ? now : NULL;
    enum s3p_srv_error e = s3p_srv_conditions_write(&req->conditions, live);
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL)) {
        req->write.on_marker = *present && now->marker;
        e = s3p_srv_mutants_judge(t, req, live, e);
    }
    return e;
}

uint64_t s3p_srv_txn_seq(struct s3p_srv_txn *t)
{
    return 1 + atomic_fetch_add_explicit(&t->srv->store.next_seq, 1, memory_order_relaxed);
}

/* What is full may have room again later: 503. Anything else is the store's own failure. */
static enum s3p_srv_error failure(int rc)
{
    bool full = rc == MDB_MAP_FULL || rc == MDB_TXN_FULL || rc == ENOSPC || rc == EDQUOT ||
                rc == EFBIG;
    return full ? S3P_SE_BUSY : S3P_SE_INTERNAL;
}

static void fail_all(struct s3p_srv_req *list, int rc)
{
    for (struct s3p_srv_req *r = list; r != NULL; r = r->next)
        r->write.result = failure(rc);
}

/* Durable mode: bodies reach the disk before the records that name them. */
static void sync_bodies(struct s3p_srv *srv, struct s3p_srv_req *list)
{
    for (struct s3p_srv_req *r = list; r != NULL; r = r->next)
        if (r->intake.staged &&
            s3p_srv_body_sync(&srv->store, r->intake.body_id, r->intake.fd) != 0)
            r->write.result = failure(errno);
}

static void apply_all(struct s3p_srv_txn *t, struct s3p_srv_req *list)
{
    for (struct s3p_srv_req *r = list; r != NULL && t->rc == 0; r = r->next)
        if (r->write.result == S3P_SE_NONE)
            r->write.result = r->write.apply(t, r);
}

/* The staged body of a request that was applied belongs to its record from now on. */
static void keep_bodies(struct s3p_srv_req *list)
{
    for (struct s3p_srv_req *r = list; r != NULL; r = r->next)
        if ((r->write.result == S3P_SE_NONE || r->write.apply_anyway) && !r->write.drop)
            r->intake.staged = false;
}

static void remove_bodies(const struct s3p_srv_txn *t)
{
    const struct s3p_srv_store *s = &t->srv->store;
    const char *at = t->replaced.data, *end = at + t->replaced.len;
    while (s3p_buf_ok(&t->replaced) && at < end) { /* too many: the next start sweeps them */
        struct s3p_srv_gone gone;
        memcpy(&gone, at, sizeof gone);
        const uint64_t *ids = (const void *)(at + sizeof gone);
        at += sizeof gone + gone.n * sizeof *ids;
        if (gone.pinned != 0)
            s3p_srv_pins_release(s, gone.pinned, ids, gone.n);
        else if (gone.n > 0)
            s3p_srv_body_unlink(s, ids[0]);
    }
}

static void begin(struct s3p_srv_txn *t)
{
    t->rc = 0;
    t->changed = false;
    t->wall_ns = s3p_wall_ns();
    s3p_buf_clear(&t->replaced);
}

static int commit(struct s3p_srv_txn *t)
{
    errno = 0;
    int rc = mdb_txn_commit(t->txn);
    if (rc == EIO && errno != EIO) /* LMDB's own word for a short write: the disk is full */
        rc = ENOSPC;
    if (rc == 0)
        remove_bodies(t);
    return rc;
}

int s3p_srv_commit_own(struct s3p_srv_txn *t, void (*apply)(struct s3p_srv_txn *t, void *cls),
                       void *cls)
{
    begin(t);
    t->own = true;
    int rc = mdb_txn_begin(t->srv->store.env, NULL, 0, &t->txn);
    if (rc != 0)
        return rc;
    apply(t, cls);
    if (t->rc != 0 || !t->changed) {
        mdb_txn_abort(t->txn);
        return t->rc;
    }
    return commit(t);
}

/* Up to the commit; false: there is nothing to commit. */
static bool prepare(struct s3p_srv_txn *t, struct s3p_srv_req *list, bool sync)
{
    begin(t);
    for (struct s3p_srv_req *r = list; r != NULL; r = r->next)
        r->write.result = S3P_SE_NONE;
    if (sync)
        sync_bodies(t->srv, list);
    int rc = mdb_txn_begin(t->srv->store.env, NULL, 0, &t->txn);
    if (rc != 0) {
        fail_all(list, rc);
        return false;
    }
    apply_all(t, list);
    if (t->rc == 0 && t->changed)
        return true;
    mdb_txn_abort(t->txn);
    if (t->rc != 0)
        fail_all(list, t->rc);
    return false;
}

void s3p_srv_commit_batch(struct s3p_srv_txn *t, struct s3p_srv_req *list)
{
    if (!prepare(t, list, t->srv->store.durable))
        return;
    int rc = commit(t);
    if (rc != 0)
        fail_all(list, rc);
    else
        keep_bodies(list);
}

struct s3p_srv_committer {
    /* immutable after start */
    struct s3p_srv_txn *txn;
    pthread_t thread;
    /* guarded by mu */
    pthread_mutex_t mu;
    pthread_cond_t more;
    struct s3p_srv_req *queue, **queue_end;
    bool stop;
};

/* Gives each request back to its own loop, in order. */
static void give_back(struct s3p_srv_req *list)
{
    while (list != NULL) {
        struct s3p_srv_req *r = list;
        list = r->next;
        s3p_srv_loop_done(r->loop, r);
    }
}

/* A batch as the faults of durability have it. */
static void commit_badly(struct s3p_srv_txn *t, struct s3p_srv_req *list, unsigned faults,
                         int64_t delay_ns)
{
    bool sync = (faults & S3P_SRV_BATCH_UNSYNCED) == 0;
    MDB_env *env = t->srv->store.env;
    (void)mdb_env_set_flags(env, MDB_NOSYNC, !sync);
    bool changed = prepare(t, list, sync);
    if (changed)
        keep_bodies(list);
    if ((faults & S3P_SRV_BATCH_EARLY) != 0) {
        give_back(list);
        (void)nanosleep(&(struct timespec){delay_ns / S3P_S, delay_ns % S3P_S}, NULL);
        list = NULL;
    }
    int rc = changed ? commit(t) : 0;
    if (rc != 0)
        fail_all(list, rc);
    (void)mdb_env_set_flags(env, MDB_NOSYNC, 0);
    give_back(list);
}

static void *committer_main(void *arg)
{
    struct s3p_srv_committer *c = arg;
    for (;;) {
        pthread_mutex_lock(&c->mu);
        while (c->queue == NULL && !c->stop)
            pthread_cond_wait(&c->more, &c->mu);
        struct s3p_srv_req *list = c->queue;
        c->queue = NULL;
        c->queue_end = &c->queue;
        pthread_mutex_unlock(&c->mu);
        if (list == NULL)
            return NULL;
        struct s3p_srv_mutants *m = c->txn->srv->mutants;
        int64_t delay_ns = 0;
        unsigned faults =
            S3P_SRV_UNLIKELY(m != NULL) ? s3p_srv_mutants_batch(m, list, &delay_ns) : 0;
        if (S3P_SRV_UNLIKELY(faults != 0)) {
            commit_badly(c->txn, list, faults, delay_ns);
            continue;
        }
        s3p_srv_commit_batch(c->txn, list);
        give_back(list);
    }
}

int s3p_srv_committer_create(struct s3p_srv_committer **out, struct s3p_srv *srv,
                             struct s3p_err *err)
{
    struct s3p_srv_committer *c = s3p_calloc(1, sizeof *c);
    if (c == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "no memory for the committer");
    int rc = s3p_srv_txn_create(&c->txn, srv, err);
    if (rc < 0) {
        s3p_free(c);
        return rc;
    }
    c->queue_end = &c->queue;
    pthread_mutex_init(&c->mu, NULL);
    pthread_cond_init(&c->more, NULL);
    rc = pthread_create(&c->thread, NULL, committer_main, c);
    if (rc != 0) {
        s3p_srv_txn_free(c->txn);
        s3p_free(c);
        return s3p_fail(err, S3P_EIO, rc, "cannot start the committer: %s", strerror(rc));
    }
    *out = c;
    return 0;
}

void s3p_srv_committer_add(struct s3p_srv_committer *c, struct s3p_srv_req *list)
{
    pthread_mutex_lock(&c->mu);
    *c->queue_end = list;
    while (*c->queue_end != NULL)
        c->queue_end = &(*c->queue_end)->next;
    pthread_cond_signal(&c->more);
    pthread_mutex_unlock(&c->mu);
}

void s3p_srv_committer_free(struct s3p_srv_committer *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->mu);
    c->stop = true;
    pthread_cond_signal(&c->more);
    pthread_mutex_unlock(&c->mu);
    pthread_join(c->thread, NULL);
    pthread_mutex_destroy(&c->mu);
    pthread_cond_destroy(&c->more);
    s3p_srv_txn_free(c->txn);
    s3p_free(c);
}
