/* Object lock: a version that is retained, or under a legal hold, cannot be removed by its id, and
 * lifecycle rules leave it alone. A delete marker over it, and a newer version, are always allowed:
 * it stays readable by its id.
 *
 * A bucket has object lock from its creation or from PutObjectLockConfiguration on; nothing takes
 * it away, nor can its versioning be suspended. Its default retention is a setting (settings.h),
 * kept as struct s3p_srv_lock_rule. */
#ifndef S3P_SERVER_LOCK_H
#define S3P_SERVER_LOCK_H

#include "server/server.h"

struct s3p_srv_lock_rule {
    uint8_t mode; /* enum s3p_srv_lock_mode; NONE: no default */
    uint8_t years; /* `n` counts years instead of days */
    uint16_t zero;
    uint32_t n;
};

/* Whether the version must stay. `bypass`: GOVERNANCE does not count. */
bool s3p_srv_lock_holds(const struct s3p_srv_lock *l, int64_t now_wall_ns, bool bypass);

bool s3p_srv_lock_given(const struct s3p_srv_lock *l); /* anything at all */

/* The x-amz-object-lock-* fields of a write, into req->lock; nothing without them. */
enum s3p_srv_error s3p_srv_lock_collect(struct s3p_srv_req *req);
/* In the transaction, when t->bucket is known: may the write have the lock that it asks for? */
enum s3p_srv_error s3p_srv_lock_asked(struct s3p_srv_txn *t, const struct s3p_srv_req *req);
/* A version in the making without a retention of its own gets the default of t->bucket. */
void s3p_srv_lock_default(struct s3p_srv_txn *t, struct s3p_srv_record *r);
/* May the request remove this version of t->bucket? */
enum s3p_srv_error s3p_srv_lock_judge(struct s3p_srv_txn *t, const struct s3p_srv_req *req,
                                      struct s3p_str key, const struct s3p_srv_wanted *wanted);
/* A replica keeps its lock where the bucket, t->bucket, has object lock. */
void s3p_srv_lock_replica(struct s3p_srv_txn *t, struct s3p_srv_record *replica);
/* Whether t->bucket has it, and then its rule. */
bool s3p_srv_lock_of_bucket(struct s3p_srv_txn *t, struct s3p_srv_lock_rule *out);
/* The fields of an answer about a version. */
void s3p_srv_lock_fields(struct s3p_srv_req *req, const struct s3p_srv_record *r);
/* "x-amz-bypass-governance-retention: true" */
bool s3p_srv_lock_bypass(const struct s3p_srv_req *req);
/* GOVERNANCE or COMPLIANCE, ON or OFF; NONE and UNSET: neither. */
enum s3p_srv_lock_mode s3p_srv_lock_mode(struct s3p_str text);
enum s3p_srv_hold s3p_srv_lock_hold(struct s3p_str text);
const char *s3p_srv_lock_mode_text(unsigned mode); /* not of NONE */

/* Of CreateBucket: the field, and the setting that it makes, for the bucket of this id. */
enum s3p_srv_error s3p_srv_lock_wanted(const struct s3p_srv_head *h, bool *wanted);
void s3p_srv_lock_begin(struct s3p_srv_txn *t, uint64_t bucket);

/* The kind of setting (settings.c). */
enum s3p_srv_error s3p_srv_lock_compile(const struct s3p_srv_req *req, struct s3p_str body,
                                        struct s3p_buf *out);
enum s3p_srv_error s3p_srv_lock_bucket_ok(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                          struct s3p_str stored);
bool s3p_srv_lock_xml(struct s3p_buf *out, struct s3p_str stored);

#endif
