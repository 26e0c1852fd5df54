/* The outbox carried out. A body is not copied but linked under a new id, outside the transaction;
 * links that come to nothing are removed, after a crash by the sweep at the next start. */
#include <string.h>

#include "core/clock.h"
#include "server/bodies.h"
#include "server/chores.h"
#include "server/lock.h"
#include "server/replication.h"
#include "server/versions.h"

#define JOBS 64 /* of one transaction */
#define ENOUGH_BYTES (1024 * 1024)

/* An entry of the outbox on its way: views of c->copy. */
struct job {
    uint64_t number;
    struct s3p_srv_post post;
    size_t at, links; /* where its texts and its links begin in c->copy */
    size_t n_links;
};

struct pass {
    struct s3p_srv_chore *c;
    struct job jobs[JOBS];
    size_t n;
    struct s3p_buf record, parts; /* the source, as the transaction found it; parts of a replica */
};

static struct s3p_str text_of(const struct pass *p, size_t at, size_t len)
{
    return (struct s3p_str){p->c->copy.data + at, len};
}

static struct s3p_str key_of(const struct pass *p, const struct job *j)
{
    return text_of(p, j->at, j->post.key_len);
}

static struct s3p_str targets_of(const struct pass *p, const struct job *j)
{
    return text_of(p, j->at + j->post.key_len, j->post.targets_len);
}

static struct s3p_str tags_of(const struct pass *p, const struct job *j)
{
    return text_of(p, j->at + j->post.key_len + j->post.targets_len, j->post.tags_len);
}

static size_t count_targets(const struct pass *p, const struct job *j)
{
    struct s3p_str name, none, targets = targets_of(p, j);
    size_t n = 0;
    for (size_t at = 0; s3p_srv_meta_next(targets, &at, &name, &none);)
        n++;
    return n;
}

static int find(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket, struct s3p_str key,
                uint64_t seq, struct s3p_srv_record *out, bool *current)
{
    const struct s3p_srv_wanted wanted = {.given = true, .seq = seq};
    return s3p_srv_version_find(txn, s, bucket, key, &wanted, out, current);
}

static bool link_one(struct pass *p, struct job *j, uint64_t body)
{
    uint64_t id;
    if (body == 0)
        return true;
    if (s3p_srv_body_link(&p->c->srv->store, body, &id) != 0)
        return false;
    s3p_buf_add(&p->c->copy, &id, sizeof id);
    j->n_links++;
    return s3p_buf_ok(&p->c->copy);
}

/* Links of all bodies of the version, once for each destination. False: a body is gone, or there is
 * no room; the job waits for the next pass, which sees what has become of the version. */
static bool link_bodies(struct pass *p, struct job *j)
{
    struct s3p_srv_record r;
    bool current, ok = true;
    const struct s3p_srv_view *v = &p->c->view;
    size_t n = count_targets(p, j);
    j->links = p->c->copy.len;
    int rc = find(v->txn, v->store, j->post.bucket, key_of(p, j), j->post.seq, &r, &current);
    if (j->post.kind != S3P_SRV_POST_VERSION || rc != 0)
        return rc == 0 || rc == MDB_NOTFOUND;
    for (size_t t = 0; ok && t < n; t++) {
        ok = !r.in_file || link_one(p, j, r.body_id);
        for (uint32_t i = 0; ok && i < r.n_parts; i++)
            ok = link_one(p, j, s3p_srv_part_at(r.parts, i).body_id);
    }
    return ok;
}

static uint64_t link_at(const struct pass *p, const struct job *j, size_t i)
{
    uint64_t id;
    memcpy(&id, p->c->copy.data + j->links + i * sizeof id, sizeof id);
    return id;
}

static void unlink_job(const struct pass *p, const struct job *j)
{
    for (size_t i = 0; i < j->n_links; i++)
        s3p_srv_body_unlink(&p->c->srv->store, link_at(p, j, i));
}

static void unlink_all(const struct pass *p)
{
    for (size_t k = 0; k < p->n; k++)
        unlink_job(p, &p->jobs[k]);
}

/* What is due, copied; links are made. MDB_NOTFOUND: nothing more is due. */
static int collect(struct pass *p, uint64_t *number)
{
    struct s3p_str value;
    const struct s3p_srv_view *v = &p->c->view;
    int64_t now = s3p_wall_ns();
    int rc = 0;
    for (p->n = 0; rc == 0 && p->n < JOBS && p->c->copy.len < ENOUGH_BYTES; p->n++) {
        struct job *j = &p->jobs[p->n];
        memset(j, 0, sizeof *j);
        rc = s3p_srv_outbox_next(v->txn, v->store, number, &value);
        if (rc == 0 && value.len < sizeof j->post)
            rc = MDB_CORRUPTED;
        if (rc != 0)
            break;
        memcpy(&j->post, value.p, sizeof j->post);
        if (now - j->post.made_wall_ns < p->c->srv->options.replication_lag_ns)
            return MDB_NOTFOUND;
        j->number = *number;
        j->at = p->c->copy.len;
        s3p_buf_add(&p->c->copy, value.p + sizeof j->post, value.len - sizeof j->post);
        if (!s3p_buf_ok(&p->c->copy))
            return MDB_MAP_FULL;
        if (!link_bodies(p, j)) {
            unlink_job(p, j);
            return MDB_NOTFOUND;
        }
    }
    return rc;
}

/* The replica's bodies are its own links. */
static void use_links(struct pass *p, const struct job *j, size_t target,
                      struct s3p_srv_record *r)
{
    size_t per_target = j->n_links / count_targets(p, j), at = target * per_target;
    if (r->in_file)
        r->body_id = link_at(p, j, at++);
    s3p_buf_clear(&p->parts);
    for (uint32_t i = 0; i < r->n_parts; i++) {
        struct s3p_srv_part part = s3p_srv_part_at(r->parts, i);
        if (part.body_id != 0)
            part.body_id = link_at(p, j, at++);
        s3p_srv_part_add(&p->parts, &part);
    }
    if (r->n_parts > 0)
        r->parts = (struct s3p_str){p->parts.data, p->parts.len};
}

static void drop_links(struct s3p_srv_txn *t, const struct pass *p, const struct job *j,
                       size_t target, size_t n)
{
    size_t per_target = j->n_links / n;
    for (size_t i = target * per_target; i < (target + 1) * per_target; i++) {
        struct s3p_srv_record none = {.in_file = true, .body_id = link_at(p, j, i)};
        s3p_srv_txn_replaced(t, &none);
    }
}

/* In t->bucket, the destination. */
static void deliver(struct pass *p, struct s3p_srv_txn *t, const struct job *j, size_t target,
                    const struct s3p_srv_record *source)
{
    struct s3p_srv_record there, replica = *source;
    bool current;
    int rc = find(t->txn, &t->srv->store, t->bucket.id, key_of(p, j), j->post.seq, &there,
                  &current);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        t->rc = rc;
    } else if (rc == 0) {
        there.tags = tags_of(p, j);
        s3p_srv_versions_rewrite(t, key_of(p, j), current, &there);
        drop_links(t, p, j, target, count_targets(p, j));
    } else if (j->post.kind == S3P_SRV_POST_VERSION) {
        replica.tags = tags_of(p, j);
        replica.replication = S3P_SRV_REPLICA;
        replica.outbox = replica.null_seq = 0;
        replica.noncurrent_wall_ns = 0;
        s3p_srv_lock_replica(t, &replica);
        use_links(p, j, target, &replica);
        s3p_srv_versions_insert(t, key_of(p, j), &replica);
    }
}

/* To every destination that stands and has versions. False: to one of them it could not go. */
static bool deliver_all(struct pass *p, struct s3p_srv_txn *t, const struct job *j,
                        const struct s3p_srv_record *source)
{
    struct s3p_str name, none, targets = targets_of(p, j);
    bool all = true;
    size_t n = count_targets(p, j);
    for (size_t at = 0, k = 0; t->rc == 0 && s3p_srv_meta_next(targets, &at, &name, &none); k++) {
        int rc = s3p_srv_bucket_get(t->txn, &t->srv->store, name, &t->bucket);
        if (rc != 0 && rc != MDB_NOTFOUND)
            t->rc = rc;
        if (rc == 0 && t->bucket.versioning == S3P_SRV_VERSIONED) {
            deliver(p, t, j, k, source);
        } else {
            drop_links(t, p, j, k, n);
            all = false;
        }
    }
    return all;
}

/* The source knows its last entry only: an older one says nothing about what came after it. */
static void settle(struct pass *p, struct s3p_srv_txn *t, const struct job *j, bool all)
{
    struct s3p_srv_record r;
    bool current;
    t->bucket.id = j->post.bucket;
    int rc = find(t->txn, &t->srv->store, j->post.bucket, key_of(p, j), j->post.seq, &r, &current);
    if (rc == 0 && r.outbox == j->number) {
        r.replication = all ? S3P_SRV_REPLICATED : S3P_SRV_FAILED;
        s3p_srv_versions_rewrite(t, key_of(p, j), current, &r);
    } else if (rc != 0 && rc != MDB_NOTFOUND) {
        t->rc = rc;
    }
}

static void carry_out(struct pass *p, struct s3p_srv_txn *t, const struct job *j)
{
    struct s3p_srv_record r;
    bool current;
    size_t n = count_targets(p, j);
    int rc = find(t->txn, &t->srv->store, j->post.bucket, key_of(p, j), j->post.seq, &r, &current);
    if (rc == 0) {
        s3p_buf_clear(&p->record); /* edits move what stands in the table */
        s3p_srv_record_encode(&p->record, &r);
        if (s3p_buf_ok(&p->record) &&
            s3p_srv_record_decode(&r, (struct s3p_str){p->record.data, p->record.len}))
            settle(p, t, j, deliver_all(p, t, j, &r));
        else
            t->rc = MDB_MAP_FULL;
    } else if (rc == MDB_NOTFOUND) {
        for (size_t k = 0; k < n; k++) /* removed in the meantime */
            drop_links(t, p, j, k, n);
    } else {
        t->rc = rc;
    }
    if (t->rc == 0)
        s3p_srv_txn_edited(t, s3p_srv_outbox_del(t->txn, &t->srv->store, j->number));
}

static void carry_out_all(struct s3p_srv_txn *t, void *cls)
{
    struct pass *p = cls;
    for (size_t i = 0; t->rc == 0 && i < p->n; i++)
        carry_out(p, t, &p->jobs[i]);
}

bool s3p_srv_replication_pass(struct s3p_srv_chore *c)
{
    struct pass p = {.c = c};
    uint64_t number = 0;
    int rc = 0;
    s3p_buf_init(&p.record, c->copy.max);
    s3p_buf_init(&p.parts, c->copy.max);
    while (rc == 0 && atomic_load_explicit(&c->stop, memory_order_relaxed) == 0) {
        s3p_buf_clear(&c->copy);
        if (!s3p_srv_view_begin(&c->view))
            break;
        rc = collect(&p, &number);
        s3p_srv_view_end(&c->view);
        if (rc != 0 && rc != MDB_NOTFOUND) {
            unlink_all(&p);
        } else if (p.n > 0) {
            int done = s3p_srv_commit_own(c->txn, carry_out_all, &p);
            if (done != 0)
                unlink_all(&p);
            rc = done != 0 ? done : rc;
        }
    }
    s3p_buf_free(&p.record);
    s3p_buf_free(&p.parts);
    return rc == MDB_NOTFOUND;
}
