/* Everything that a store keeps, item by item, in one view. Nothing here changes it. Threads: the
 * owner of the transaction. */
#ifndef S3P_SERVER_INVENTORY_H
#define S3P_SERVER_INVENTORY_H

#include "server/records.h"
#include "server/store.h"

enum s3p_srv_item_kind {
    S3P_SRV_ITEM_BUCKET,  /* comes before what is in it; no record */
    S3P_SRV_ITEM_CURRENT, /* newest entry of a key, version or marker */
    S3P_SRV_ITEM_OLDER,
    S3P_SRV_ITEM_UPLOAD, /* record.seq is its number */
    S3P_SRV_ITEM_PART,   /* of the upload record.seq; after all buckets */
};

struct s3p_srv_item {
    enum s3p_srv_item_kind kind;
    struct s3p_str bucket; /* name; empty for parts */
    struct s3p_srv_record record;
};

/* Views of the item live for the call. `visit` returns 0, or a code that ends the walk. Returns
 * that, 0, or a code of LMDB. */
int s3p_srv_inventory(MDB_txn *txn, const struct s3p_srv_store *s,
                      int (*visit)(void *cls, const struct s3p_srv_item *item), void *cls);

#endif
