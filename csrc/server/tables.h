/* Tables by key: bucket id (8 bytes, big-endian) and key, in unsigned byte order of the key. The
 * handle says which table. Where several entries belong to one S3 key, the key of the table is a
 * pair: the S3 key, 0x00 (which no S3 key has) and a number, big-endian.
 *
 * LMDB keys end at 511 bytes, S3 keys at 1,024. Keys up to 480 bytes stand as they are; all longer
 * ones with the same first 480 bytes share one entry under these bytes and 0x01, whose value is an
 * array of (suffix length(2), record length(4), suffix, record), sorted. No plain key has 481
 * bytes, so that entry is recognised by its length, and byte order stays S3's order. */
#ifndef S3P_SERVER_TABLES_H
#define S3P_SERVER_TABLES_H

#include "server/store.h"

#define S3P_SRV_PLAIN_KEY_MAX 480
#define S3P_SRV_PAIR_TAIL 9
#define S3P_SRV_PAIR_MAX (1024 + S3P_SRV_PAIR_TAIL)

/* Makes a pair, a view of `buf`; takes one apart, false when it is none. */
struct s3p_str s3p_srv_pair(char buf[S3P_SRV_PAIR_MAX], struct s3p_str key, uint64_t number);
bool s3p_srv_pair_split(struct s3p_str pair, struct s3p_str *key, uint64_t *number);

/* The record of a key; a view that lives as long as the transaction, in a write transaction until
 * the next write. */
int s3p_srv_table_get(MDB_txn *txn, MDB_dbi table, uint64_t bucket, struct s3p_str key,
                      struct s3p_str *record);
int s3p_srv_table_put(MDB_txn *txn, MDB_dbi table, uint64_t bucket, struct s3p_str key,
                      struct s3p_str record);
int s3p_srv_table_del(MDB_txn *txn, MDB_dbi table, uint64_t bucket, struct s3p_str key);
int s3p_srv_table_empty(MDB_txn *txn, MDB_dbi table, uint64_t bucket, bool *empty);

/* A walk over the keys of a bucket in order. `key` and `record` are valid until the next call. */
struct s3p_srv_walk {
    MDB_cursor *cursor;
    uint64_t bucket;
    struct s3p_str key, record;
    struct s3p_str array; /* rest of the shared entry that the walk is in */
    size_t key_len;
    char key_bytes[S3P_SRV_PAIR_MAX];
};
int s3p_srv_walk_open(struct s3p_srv_walk *w, MDB_txn *txn, MDB_dbi table, uint64_t bucket);
void s3p_srv_walk_close(struct s3p_srv_walk *w);
int s3p_srv_walk_seek(struct s3p_srv_walk *w,
                      struct s3p_str from); /* first key >= from; MDB_NOTFOUND at the end */
int s3p_srv_walk_next(struct s3p_srv_walk *w);

#endif
