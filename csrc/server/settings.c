#include "server/settings.h"

#include <string.h>

#include "server/commit.h"
#include "server/lifecycle.h"
#include "server/lock.h"
#include "server/mutants.h"
#include "server/policy.h"
#include "server/replication.h"
#include "server/routes.h"
#include "server/sums.h"

#define KEY_BYTES 9

/* compile: what the client sent, in the form that is stored, appended. judge: in the transaction;
 * may be NULL. show: the stored form as the client gets it back. */
static const struct kind {
    enum s3p_srv_setting kind;
    unsigned flag; /* of its routes */
    enum s3p_srv_error missing;
    unsigned put_status;
    const char *type;
    enum s3p_srv_error (*compile)(const struct s3p_srv_req *req, struct s3p_str body,
                                  struct s3p_buf *out);
    enum s3p_srv_error (*judge)(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                struct s3p_str stored);
    bool (*show)(struct s3p_buf *out, struct s3p_str stored);
} kinds[] = {
    {S3P_SRV_SET_LIFECYCLE, S3P_SRV_ROUTE_LIFECYCLE, S3P_SE_NO_LIFECYCLE, 200, "application/xml",
     s3p_srv_lifecycle_compile, NULL, s3p_srv_lifecycle_xml},
    {S3P_SRV_SET_REPLICATION, S3P_SRV_ROUTE_REPLICATION, S3P_SE_NO_REPLICATION, 200,
     "application/xml", s3p_srv_replication_compile, s3p_srv_replication_judge,
     s3p_srv_replication_xml},
    {S3P_SRV_SET_POLICY, S3P_SRV_ROUTE_POLICY, S3P_SE_NO_POLICY, 204, "application/json",
     s3p_srv_policy_compile, NULL, s3p_srv_policy_json},
    {S3P_SRV_SET_LOCK, S3P_SRV_ROUTE_LOCKS, S3P_SE_NO_LOCKS, 200, "application/xml",
     s3p_srv_lock_compile, s3p_srv_lock_bucket_ok, s3p_srv_lock_xml},
};

static const struct kind *kind_of(const struct s3p_srv_req *req)
{
    size_t i = 0;
    while (i + 1 < sizeof kinds / sizeof kinds[0] && (req->route->flags & kinds[i].flag) == 0)
        i++;
    return &kinds[i];
}

static MDB_val key_of(char buf[KEY_BYTES], uint64_t bucket, enum s3p_srv_setting kind)
{
    for (unsigned i = 0; i < 8; i++)
        buf[i] = (char)(unsigned char)(bucket >> (8 * (7 - i)));
    buf[8] = (char)kind;
    return (MDB_val){KEY_BYTES, buf};
}

int s3p_srv_setting_get(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket,
                        enum s3p_srv_setting kind, struct s3p_str *value)
{
    char buf[KEY_BYTES];
    MDB_val k = key_of(buf, bucket, kind), v;
    int rc = mdb_get(txn, s->settings, &k, &v);
    if (rc == 0)
        *value = (struct s3p_str){v.mv_data, v.mv_size};
    return rc;
}

int s3p_srv_setting_put(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket,
                        enum s3p_srv_setting kind, struct s3p_str value)
{
    char buf[KEY_BYTES];
    MDB_val k = key_of(buf, bucket, kind), v = {value.len, (void *)(uintptr_t)value.p};
    return mdb_put(txn, s->settings, &k, &v, 0);
}

static int del(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket,
               enum s3p_srv_setting kind)
{
    char buf[KEY_BYTES];
    MDB_val k = key_of(buf, bucket, kind);
    int rc = mdb_del(txn, s->settings, &k, NULL);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int s3p_srv_settings_drop(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof kinds / sizeof kinds[0]; i++)
        rc = del(txn, s, bucket, kinds[i].kind);
    return rc;
}

bool s3p_srv_settings_offered(const struct s3p_srv *srv, unsigned route_flags)
{
    const struct s3p_srv_options *o = &srv->options;
    unsigned off = (o->lifecycle_day_ns > 0 ? 0u : S3P_SRV_ROUTE_LIFECYCLE) |
                   (o->replication_lag_ns >= 0 ? 0u : S3P_SRV_ROUTE_REPLICATION) |
                   (o->bucket_policy ? 0u : S3P_SRV_ROUTE_POLICY);
    return (route_flags & off) == 0;
}

enum s3p_srv_error s3p_srv_setting_check(struct s3p_srv_req *req)
{
    return s3p_srv_conditions_none(&req->conditions);
}

enum s3p_srv_error s3p_srv_put_setting_check(struct s3p_srv_req *req)
{
    enum s3p_srv_error e = s3p_srv_conditions_none(&req->conditions);
    return e == S3P_SE_NONE ? s3p_srv_body_summed(&req->head) : e;
}

static enum s3p_srv_error apply_put(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    const struct kind *k = kind_of(req);
    struct s3p_str stored = {req->meta.data, req->meta.len};
    if (!s3p_srv_txn_bucket(t, req))
        return S3P_SE_NO_BUCKET;
    enum s3p_srv_error e = k->judge != NULL ? k->judge(t, req, stored) : S3P_SE_NONE;
    if (e != S3P_SE_NONE)
        return e;
    if (S3P_SRV_UNLIKELY(t->srv->mutants != NULL) && s3p_srv_mutants_setting(t, req))
        return S3P_SE_NONE;
    s3p_srv_txn_edited(
        t, s3p_srv_setting_put(t->txn, &t->srv->store, req->bucket.id, k->kind, stored));
    return S3P_SE_NONE;
}

static void reply_put(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, kind_of(req)->put_status);
}

void s3p_srv_put_setting(struct s3p_srv_req *req)
{
    struct s3p_str body = {req->intake.memory.data, req->intake.memory.len};
    enum s3p_srv_error e = kind_of(req)->compile(req, body, &req->meta);
    if (e == S3P_SE_NONE && !s3p_buf_ok(&req->meta))
        e = S3P_SE_INTERNAL;
    if (e != S3P_SE_NONE)
        s3p_srv_answer_error(req, e);
    else
        s3p_srv_submit(req, apply_put, reply_put);
}

void s3p_srv_get_setting(struct s3p_srv_req *req)
{
    const struct kind *k = kind_of(req);
    struct s3p_srv_view *v = &req->loop->view;
    struct s3p_str stored;
    if (!s3p_srv_view_begin(v)) {
        s3p_srv_answer_error(req, S3P_SE_INTERNAL);
        return;
    }
    int rc = s3p_srv_setting_get(v->txn, v->store, req->bucket.id, k->kind, &stored);
    if (rc == 0 && (!k->show(&req->answer.body, stored) || !s3p_buf_ok(&req->answer.body)))
        rc = MDB_CORRUPTED;
    s3p_srv_view_end(v);
    if (rc != 0) {
        s3p_srv_answer_error(req, rc == MDB_NOTFOUND ? k->missing : S3P_SE_INTERNAL);
        return;
    }
    s3p_srv_answer_status(req, 200);
    s3p_srv_answer_field(req, "Content-Type", (struct s3p_str){k->type, strlen(k->type)});
}

static enum s3p_srv_error apply_delete(struct s3p_srv_txn *t, struct s3p_srv_req *req)
{
    if (!s3p_srv_txn_bucket(t, req))
        return S3P_SE_NO_BUCKET;
    s3p_srv_txn_edited(t, del(t->txn, &t->srv->store, req->bucket.id, kind_of(req)->kind));
    return S3P_SE_NONE;
}

static void reply_delete(struct s3p_srv_req *req)
{
    s3p_srv_answer_status(req, 204);
}

void s3p_srv_delete_setting(struct s3p_srv_req *req)
{
    s3p_srv_submit(req, apply_delete, reply_delete);
}

void s3p_srv_settings_fields(struct s3p_srv_req *req, MDB_txn *txn, const struct s3p_srv_record *r)
{
    static const char *const words[] = {NULL, "PENDING", "COMPLETED", "FAILED", "REPLICA"};
    const struct s3p_srv *srv = req->loop->srv;
    const char *word = words[r->replication];
    struct s3p_str rules;
    if (word != NULL)
        s3p_srv_answer_field(req, "x-amz-replication-status",
                             (struct s3p_str){word, strlen(word)});
    if (srv->options.lifecycle_day_ns > 0 && r->noncurrent_wall_ns == 0 &&
        s3p_srv_setting_get(txn, &srv->store, req->bucket.id, S3P_SRV_SET_LIFECYCLE, &rules) == 0)
        s3p_srv_lifecycle_field(req, rules, r);
}
