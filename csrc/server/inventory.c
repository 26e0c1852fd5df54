#include "server/inventory.h"

#include "server/tables.h"

struct tour {
    MDB_txn *txn;
    const struct s3p_srv_store *store;
    int (*visit)(void *cls, const struct s3p_srv_item *item);
    void *cls;
};

static int visit(const struct tour *t, struct s3p_srv_item *item, struct s3p_str bytes)
{
    return s3p_srv_record_decode(&item->record, bytes) ? t->visit(t->cls, item) : MDB_CORRUPTED;
}

static int visit_table(const struct tour *t, MDB_dbi table, enum s3p_srv_item_kind kind,
                       struct s3p_str name, uint64_t bucket)
{
    struct s3p_srv_item item = {.kind = kind, .bucket = name};
    struct s3p_srv_walk w;
    int rc = s3p_srv_walk_open(&w, t->txn, table, bucket);
    if (rc != 0)
        return rc;
    for (rc = s3p_srv_walk_seek(&w, S3P_STR("")); rc == 0; rc = s3p_srv_walk_next(&w))
        if ((rc = visit(t, &item, w.record)) != 0)
            break;
    s3p_srv_walk_close(&w);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int visit_bucket(const struct tour *t, struct s3p_str name, uint64_t bucket)
{
    const struct s3p_srv_store *s = t->store;
    struct s3p_srv_item item = {.kind = S3P_SRV_ITEM_BUCKET, .bucket = name};
    int rc = t->visit(t->cls, &item);
    if (rc == 0)
        rc = visit_table(t, s->current, S3P_SRV_ITEM_CURRENT, name, bucket);
    if (rc == 0)
        rc = visit_table(t, s->versions, S3P_SRV_ITEM_OLDER, name, bucket);
    if (rc == 0)
        rc = visit_table(t, s->uploads, S3P_SRV_ITEM_UPLOAD, name, bucket);
    return rc;
}

static int visit_buckets(const struct tour *t)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    struct s3p_srv_bucket b;
    int rc = mdb_cursor_open(t->txn, t->store->buckets, &cursor);
    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0)
        if ((rc = s3p_srv_bucket_decode(&b, &v)) != 0 ||
            (rc = visit_bucket(t, (struct s3p_str){k.mv_data, k.mv_size}, b.id)) != 0)
            break;
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int visit_parts(const struct tour *t)
{
    struct s3p_srv_item item = {.kind = S3P_SRV_ITEM_PART};
    MDB_cursor *cursor;
    MDB_val k, v;
    int rc = mdb_cursor_open(t->txn, t->store->parts, &cursor);
    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0)
        if ((rc = visit(t, &item, (struct s3p_str){v.mv_data, v.mv_size})) != 0)
            break;
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int s3p_srv_inventory(MDB_txn *txn, const struct s3p_srv_store *s,
                      int (*on_item)(void *cls, const struct s3p_srv_item *item), void *cls)
{
    const struct tour t = {txn, s, on_item, cls};
    int rc = visit_buckets(&t);
    return rc == 0 ? visit_parts(&t) : rc;
}
