/* The faults of uploads: completed, aborted, both, or too early; and what is remembered of them. */
#include <string.h>
#include <unistd.h>

#include "server/multipart.h"
#include "server/mutant_bodies.h"
#include "server/pair_page.h"
#include "server/versions.h"

/* ---- what is remembered ---- */

struct s3p_srv_upload_state *s3p_srv_mutant_upload(struct s3p_srv_mutants *m, uint64_t seq)
{
    struct s3p_srv_upload_state *u = &m->upload[seq % S3P_SRV_UPLOAD_STATES];
    if (u->seq != seq)
        *u = (struct s3p_srv_upload_state){.seq = seq, .wrong = -1};
    return u;
}

void s3p_srv_mutant_spoil(struct s3p_srv_mutants *m, const struct s3p_srv_mutant *a,
                          uint64_t upload)
{
    s3p_srv_mutant_upload(m, upload)->wrong = (int)a->spec.row;
}

void s3p_srv_mutant_upload_begin(struct s3p_srv_mutants *m, const struct s3p_srv_req *req)
{
    struct s3p_srv_upload_state *u;
    if (req->upload == 0)
        return;
    u = s3p_srv_mutant_upload(m, req->upload);
    u->listed |= s3p_srv_mutant_is(req, "GET");
    if (!s3p_srv_mutant_is(req, "PUT"))
        return;
    u->sending++;
    u->part = req->part_number;
}

void s3p_srv_mutant_upload_end(struct s3p_srv_mutants *m, const struct s3p_srv_req *req)
{
    struct s3p_srv_upload_state *u = &m->upload[req->upload % S3P_SRV_UPLOAD_STATES];
    if (req->upload != 0 && u->seq == req->upload && u->sending > 0)
        u->sending -= s3p_srv_mutant_is(req, "PUT");
}

/* ---- the hooks of their operations ---- */

void s3p_srv_mutants_named(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    struct s3p_srv_key_state *k = req->key_state;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; k != NULL && i < m->n_active; i++)
        if (m->active[i].row->named != NULL)
            m->active[i].row->named(m, &m->active[i], req, k, t);
    pthread_mutex_unlock(&m->mu);
}

enum s3p_srv_error s3p_srv_mutants_joined(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                          struct s3p_srv_record *object, enum s3p_srv_error e)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; req->key_state != NULL && i < m->n_active; i++)
        if (m->active[i].row->joined != NULL)
            e = m->active[i].row->joined(m, &m->active[i], req, t, object, e);
    pthread_mutex_unlock(&m->mu);
    return e;
}

void s3p_srv_mutants_parted(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                            struct s3p_srv_record *before, struct s3p_srv_record *part)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; req->key_state != NULL && i < m->n_active; i++)
        if (m->active[i].row->parted != NULL)
            m->active[i].row->parted(m, &m->active[i], req, before, part);
    pthread_mutex_unlock(&m->mu);
}

enum s3p_srv_error s3p_srv_mutants_aborted(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                           enum s3p_srv_error e)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    struct s3p_srv_key_state *k = req->key_state;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; k != NULL && i < m->n_active; i++)
        if (m->active[i].row->aborted != NULL)
            e = m->active[i].row->aborted(m, &m->active[i], req, k, t, e);
    pthread_mutex_unlock(&m->mu);
    return e;
}

/* ---- completed ---- */

static bool completes(const struct s3p_srv_req *req)
{
    return req->upload != 0 && s3p_srv_mutant_is(req, "POST");
}

S3P_SRV_JUDGE(false_404_judge)
{
    (void)now;
    if (e != S3P_SE_NONE || !completes(req) || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    req->write.apply_anyway = true;
    k->wrong_next = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NO_UPLOAD;
}

/* A second Complete, of another list. */
S3P_SRV_JOINED(double_joined)
{
    (void)t;
    if (e != S3P_SE_NO_UPLOAD || object != NULL || req->made.n_parts == 0 ||
        !s3p_srv_mutant_fires(m, a, req, req->key_state))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NONE;
}

S3P_SRV_JOINED(repeat_joined)
{
    (void)t;
    if (e != S3P_SE_NONE || object != NULL || !s3p_srv_mutant_fires(m, a, req, req->key_state))
        return e;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return S3P_SE_NO_UPLOAD;
}

/* An object is as old as its upload: one that came between beginning and end stays. */
S3P_SRV_JUDGE(flipped_judge)
{
    if (e != S3P_SE_NONE || now == NULL || !completes(req) || now->versioned)
        return e;
    uint64_t age = now->seq == k->joined_seq ? k->joined_upload : now->seq;
    if (age < req->upload || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    req->write.drop = true;
    k->wrong = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

S3P_SRV_MADE(flipped_made)
{
    (void)m;
    (void)a;
    (void)now;
    if (!completes(req))
        return;
    k->keep = true;
    k->joined_seq = then->seq;
    k->joined_upload = req->upload;
}

S3P_SRV_MADE(unversioned_made)
{
    (void)now;
    if (!then->versioned || !completes(req) || !s3p_srv_mutant_fires(m, a, req, k))
        return;
    then->versioned = false;
    s3p_srv_mutant_made_wrong(m, a, req, k);
}

/* ---- aborted ---- */

S3P_SRV_ABORTED(kept_aborted)
{
    (void)t;
    if (e != S3P_SE_NONE || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    req->write.drop = true;
    s3p_srv_mutant_spoil(m, a, req->upload);
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

/* What is current in place of `now`, and wrong from here on. */
static void spoil_key(struct s3p_srv_mutants *m, const struct s3p_srv_mutant *a,
                      const struct s3p_srv_req *req, struct s3p_srv_key_state *k)
{
    k->wrong = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
}

/* An Abort of an upload that was completed takes the object along. */
S3P_SRV_ABORTED(eaten_aborted)
{
    struct s3p_srv_finished f;
    struct s3p_srv_record now;
    if (e != S3P_SE_NO_UPLOAD || t->rc != 0 ||
        s3p_srv_finished_get(t->txn, &t->srv->store, req->upload, &f) != 0 ||
        !s3p_srv_txn_current(t, req->bucket.id, req->head.key, &now) || now.seq != f.seq ||
        now.versioned || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    s3p_srv_txn_replaced(t, &now);
    s3p_srv_txn_edited(t, s3p_srv_table_del(t->txn, t->srv->store.current, t->bucket.id,
                                            req->head.key));
    spoil_key(m, a, req, k);
    req->write.drop = true;
    return S3P_SE_NONE;
}

/* A file of zeros in the place of a part's. */
static bool zero_file(struct s3p_srv_store *s, struct s3p_srv_part *p)
{
    int fd = p->body_id != 0 ? s3p_srv_body_create(s, &p->body_id) : -1;
    bool made = fd >= 0 && ftruncate(fd, (off_t)p->size) == 0;
    if (fd >= 0)
        close(fd);
    return made || p->body_id == 0;
}

/* The cleaner of one upload frees the data of the object that another one made. */
S3P_SRV_ABORTED(cleaned_aborted)
{
    struct s3p_srv_record now;
    struct s3p_buf parts;
    if (e != S3P_SE_NONE || !s3p_srv_txn_current(t, req->bucket.id, req->head.key, &now) ||
        now.n_parts == 0 || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    bool ok = true;
    s3p_buf_init(&parts, (size_t)now.n_parts * S3P_SRV_PART_BYTES);
    for (uint32_t i = 0; i < now.n_parts; i++) {
        struct s3p_srv_part p = s3p_srv_part_at(now.parts, i);
        ok &= zero_file(&t->srv->store, &p);
        s3p_srv_part_add(&parts, &p);
    }
    if (ok && s3p_buf_ok(&parts)) {
        s3p_srv_txn_replaced(t, &now);
        now.parts = (struct s3p_str){parts.data, parts.len};
        s3p_srv_versions_rewrite(t, req->head.key, true, &now);
        spoil_key(m, a, req, k);
    }
    s3p_buf_free(&parts);
    return e;
}

/* ---- parts that nobody needs any more ---- */

S3P_SRV_ABORTED(leak_aborted)
{
    if (e != S3P_SE_NONE || !s3p_srv_mutant_fires(m, a, req, k))
        return e;
    t->leak = true;
    s3p_srv_mutant_altered(m, a->spec.row, req);
    return e;
}

S3P_SRV_PARTED(leak_parted)
{
    (void)part;
    if (!before->in_file || !s3p_srv_mutant_fires(m, a, req, req->key_state))
        return;
    before->in_file = false;
    s3p_srv_mutant_altered(m, a->spec.row, req);
}

/* ---- an upload that is not completed yet ---- */

/* The object that its parts make so far, with views that live as long as the view, and `parts`. */
static bool half_made(const struct s3p_srv_req *req, struct s3p_buf *parts,
                      struct s3p_srv_record *out)
{
    const struct s3p_srv_store *s = &req->loop->srv->store;
    MDB_txn *txn = req->loop->view.txn;
    struct s3p_srv_table_pairs p;
    struct s3p_srv_parts_walk w;
    uint64_t upload = 0;
    if (s3p_srv_table_pairs_open(&p, txn, s->uploads, req->bucket.id) != 0)
        return false;
    if (p.base.seek(&p.base, req->head.key, 0) == 0 && p.base.key.len == req->head.key.len &&
        memcmp(p.base.key.p, req->head.key.p, p.base.key.len) == 0)
        upload = p.base.number;
    s3p_srv_table_pairs_close(&p);
    if (upload == 0 ||
        s3p_srv_upload_get(txn, s, req->bucket.id, req->head.key, upload, out) != 0 ||
        s3p_srv_parts_walk_open(&w, txn, s, upload) != 0)
        return false;
    out->sum_len = 0;
    for (int rc = s3p_srv_parts_walk_seek(&w, 0); rc == 0; rc = s3p_srv_parts_walk_next(&w)) {
        struct s3p_srv_part part = {.body_id = w.part.body_id, .size = w.part.size};
        s3p_srv_part_add(parts, &part);
        memcpy(out->md5, w.part.md5, sizeof out->md5);
        out->size += w.part.size;
        out->n_parts++;
    }
    s3p_srv_parts_walk_close(&w);
    out->parts = (struct s3p_str){parts->data, parts->len};
    return out->n_parts > 0 && s3p_buf_ok(parts);
}

S3P_SRV_READ(early_read)
{
    struct s3p_srv_record early;
    struct s3p_buf parts;
    (void)r;
    s3p_buf_init(&parts, (size_t)S3P_SRV_PARTS_MAX * S3P_SRV_PART_BYTES);
    bool shown = half_made(req, &parts, &early) && s3p_srv_mutant_fires(m, a, req, k) &&
                 s3p_srv_answer_object(req, &early) == S3P_SRV_READ_DONE;
    if (shown)
        s3p_srv_mutant_altered(m, a->spec.row, req);
    s3p_buf_free(&parts);
    return shown;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_uploads[] = {
    {
        .name = "mpu-complete-false-404",
        .breaks = "a Complete is applied, and answered with NoSuchUpload",
        .section = "5",
        .needs = "",
        .judge = false_404_judge,
    },
    {
        .name = "mpu-double-complete-blend",
        .breaks = "a second Complete with other parts is acknowledged as well",
        .section = "5",
        .needs = "concurrency",
        .joined = double_joined,
    },
    {
        .name = "mpu-complete-not-idempotent",
        .breaks = "a Complete that is repeated is answered with NoSuchUpload",
        .section = "5",
        .needs = "",
        .joined = repeat_joined,
    },
    {
        .name = "mpu-order-flipped",
        .breaks = "the upload that was begun last wins, not the one that was completed last",
        .section = "5",
        .needs = "concurrency",
        .judge = flipped_judge,
        .made = flipped_made,
    },
    {
        .name = "mpu-no-version",
        .breaks = "a Complete in a versioned bucket makes no version",
        .section = "3",
        .needs = "versions",
        .made = unversioned_made,
    },
    {
        .name = "mpu-abort-then-complete",
        .breaks = "an Abort is acknowledged, and the upload stays",
        .section = "5",
        .needs = "",
        .aborted = kept_aborted,
    },
    {
        .name = "mpu-abort-eats-object",
        .breaks = "an Abort of a completed upload removes its object",
        .section = "5",
        .needs = "",
        .aborted = eaten_aborted,
    },
    {
        .name = "mpu-clean-eats-object",
        .breaks = "an Abort frees the data of the object that another upload of the key has made",
        .section = "5",
        .needs = "",
        .aborted = cleaned_aborted,
    },
    {
        .name = "mpu-storage-leak",
        .breaks = "parts that were aborted or replaced are never freed",
        .section = "5",
        .needs = "",
        .parted = leak_parted,
        .aborted = leak_aborted,
    },
    {
        .name = "mpu-visible-early",
        .breaks = "an upload that is not completed is read as an object",
        .section = "5",
        .needs = "concurrency",
        .read = early_read,
    },
    {.name = NULL},
};
