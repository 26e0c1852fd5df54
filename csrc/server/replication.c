#include "server/replication.h"

#include <string.h>

#include "server/commit.h"
#include "server/settings.h"

static bool same(const struct s3p_srv_rule_set *s, const struct s3p_srv_repl_rule *a,
                 const struct s3p_srv_repl_rule *b)
{
    return s3p_srv_compare(s3p_srv_rule_text(s, a->bucket), s3p_srv_rule_text(s, b->bucket)) == 0;
}

/* Whether another rule about this version has more to say about the destination. */
static bool outranked(const struct s3p_srv_rule_set *s, const struct s3p_srv_repl_rule *rule,
                      struct s3p_str key, const struct s3p_srv_record *r)
{
    struct s3p_srv_repl_rule other;
    for (size_t i = 0; i < s->n; i++) {
        s3p_srv_rule_set_row(s, i, &other);
        if (other.enabled && other.priority > rule->priority && same(s, &other, rule) &&
            s3p_srv_filter_matches(s, &other.filter, key, r))
            return true;
    }
    return false;
}

void s3p_srv_replication_targets(struct s3p_str stored, struct s3p_str key,
                                 const struct s3p_srv_record *r, struct s3p_buf *out)
{
    struct s3p_srv_rule_set s;
    struct s3p_srv_repl_rule rule;
    if (!s3p_srv_rule_set_open(&s, stored, sizeof rule))
        return;
    for (size_t i = 0; i < s.n; i++) {
        s3p_srv_rule_set_row(&s, i, &rule);
        if (rule.enabled && s3p_srv_filter_matches(&s, &rule.filter, key, r) &&
            !outranked(&s, &rule, key, r) && (!r->marker || rule.markers))
            s3p_srv_meta_add(out, s3p_srv_rule_text(&s, rule.bucket), S3P_STR(""));
    }
}

bool s3p_srv_replication_plan(struct s3p_srv_txn *t, struct s3p_str key, struct s3p_srv_record *r)
{
    struct s3p_str stored;
    s3p_buf_clear(&t->targets);
    if (t->own || t->srv->options.replication_lag_ns < 0 ||
        s3p_srv_setting_get(t->txn, &t->srv->store, t->bucket.id, S3P_SRV_SET_REPLICATION,
                            &stored) != 0)
        return false;
    s3p_srv_replication_targets(stored, key, r, &t->targets);
    if (t->targets.len == 0)
        return false;
    r->replication = S3P_SRV_PENDING;
    r->outbox = s3p_srv_txn_seq(t);
    return true;
}

static MDB_val number_key(char buf[8], uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        buf[i] = (char)(unsigned char)(number >> (8 * (7 - i)));
    return (MDB_val){8, buf};
}

void s3p_srv_replication_post(struct s3p_srv_txn *t, struct s3p_str key,
                              const struct s3p_srv_record *r, enum s3p_srv_post_kind kind)
{
    struct s3p_srv_post post;
    char buf[8];
    memset(&post, 0, sizeof post);
    post.made_wall_ns = t->wall_ns;
    post.bucket = t->bucket.id;
    post.seq = r->seq;
    post.kind = kind;
    post.key_len = (uint32_t)key.len;
    post.targets_len = (uint32_t)t->targets.len;
    post.tags_len = (uint32_t)r->tags.len;
    s3p_buf_clear(&t->scratch);
    s3p_buf_add(&t->scratch, &post, sizeof post);
    s3p_buf_view(&t->scratch, key);
    s3p_buf_add(&t->scratch, t->targets.data, t->targets.len);
    s3p_buf_view(&t->scratch, r->tags);
    MDB_val k = number_key(buf, r->outbox), v = {t->scratch.len, t->scratch.data};
    s3p_srv_txn_edited(t, s3p_buf_ok(&t->scratch) && s3p_buf_ok(&t->targets)
                              ? mdb_put(t->txn, t->srv->store.outbox, &k, &v, 0)
                              : MDB_MAP_FULL);
}

int s3p_srv_outbox_next(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t *number,
                        struct s3p_str *value)
{
    MDB_cursor *cursor;
    char buf[8];
    MDB_val k = number_key(buf, *number + 1), v;
    int rc = mdb_cursor_open(txn, s->outbox, &cursor);
    if (rc != 0)
        return rc;
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    if (rc == 0) {
        *number = 0;
        for (unsigned i = 0; i < 8; i++)
            *number = *number << 8 | ((const unsigned char *)k.mv_data)[i];
        *value = (struct s3p_str){v.mv_data, v.mv_size};
    }
    mdb_cursor_close(cursor);
    return rc;
}

int s3p_srv_outbox_del(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t number)
{
    char buf[8];
    MDB_val k = number_key(buf, number);
    return mdb_del(txn, s->outbox, &k, NULL);
}

enum s3p_srv_error s3p_srv_replication_judge(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                             struct s3p_str stored)
{
    struct s3p_srv_rule_set s;
    struct s3p_srv_repl_rule rule;
    struct s3p_srv_bucket target;
    if (t->bucket.versioning != S3P_SRV_VERSIONED)
        return S3P_SE_REPLICATION_SOURCE;
    if (!s3p_srv_rule_set_open(&s, stored, sizeof rule))
        return S3P_SE_INTERNAL;
    for (size_t i = 0; i < s.n; i++) {
        s3p_srv_rule_set_row(&s, i, &rule);
        struct s3p_str name = s3p_srv_rule_text(&s, rule.bucket);
        int rc = s3p_srv_bucket_get(t->txn, &t->srv->store, name, &target);
        if (rc != 0 && rc != MDB_NOTFOUND)
            t->rc = rc;
        if (rc != 0 || target.versioning != S3P_SRV_VERSIONED || target.id == t->bucket.id)
            return S3P_SE_REPLICATION_TARGET;
    }
    (void)req;
    return S3P_SE_NONE;
}
