/* What a bucket is set to do beyond its state of versioning: rules of lifecycle, of replication, a
 * policy, object lock. One row a kind in settings.c; put, get and delete are the same for all. Each
 * kind but object lock is off, and refused as not implemented, until an option of the store turns
 * it on.
 *
 * Table `settings`: bucket id (8 bytes, big-endian) and kind (1); the value is in the kind's own
 * form. */
#ifndef S3P_SERVER_SETTINGS_H
#define S3P_SERVER_SETTINGS_H

#include "server/server.h"

enum s3p_srv_setting { /* stored: never renumbered */
                       S3P_SRV_SET_LIFECYCLE = 1,
                       S3P_SRV_SET_REPLICATION = 2,
                       S3P_SRV_SET_POLICY = 3,
                       S3P_SRV_SET_LOCK = 4,
};

/* 0, MDB_NOTFOUND or another LMDB code. The value lives as that of s3p_srv_table_get. */
int s3p_srv_setting_get(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket,
                        enum s3p_srv_setting kind, struct s3p_str *value);
int s3p_srv_setting_put(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket,
                        enum s3p_srv_setting kind, struct s3p_str value);
int s3p_srv_settings_drop(MDB_txn *txn, const struct s3p_srv_store *s,
                          uint64_t bucket); /* of a bucket that goes */

/* False: the row is of a kind that is off. */
bool s3p_srv_settings_offered(const struct s3p_srv *srv, unsigned route_flags);

enum s3p_srv_error s3p_srv_setting_check(struct s3p_srv_req *req);     /* of get and delete */
enum s3p_srv_error s3p_srv_put_setting_check(struct s3p_srv_req *req); /* the body is summed too */
void s3p_srv_put_setting(struct s3p_srv_req *req);
void s3p_srv_get_setting(struct s3p_srv_req *req);
void s3p_srv_delete_setting(struct s3p_srv_req *req);

/* Fields of an answer about a current or older version: x-amz-expiration and
 * x-amz-replication-status. `txn` sees the bucket's rules. Nothing when both features are off. */
void s3p_srv_settings_fields(struct s3p_srv_req *req, MDB_txn *txn, const struct s3p_srv_record *r);

#endif
