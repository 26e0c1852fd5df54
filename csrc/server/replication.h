/* Replication from one bucket to others of the same store: the rules, and the outbox, in which
 * every version, marker and change of tags waits for its lag. What is due is carried out in
 * replication_pass.c.
 *
 * A replica has the version id, time, metadata, tags and ETag of its source. Of rules that name the
 * same destination the one with the highest priority counts. Removals of a version and replicas are
 * not replicated. Source: S3 user guide, "Replicating objects within and across Regions" and
 * "Replication configuration file elements".
 *
 * Table `outbox`: number (8 bytes, big-endian), in order of time; the value is a struct
 * s3p_srv_post with its texts behind it. */
#ifndef S3P_SERVER_REPLICATION_H
#define S3P_SERVER_REPLICATION_H

#include "server/filters.h"
#include "server/server.h"

struct s3p_srv_repl_rule {
    struct s3p_srv_filter filter;
    struct s3p_srv_span id, role, bucket;
    uint32_t priority;
    uint8_t enabled, markers; /* markers: they are replicated too */
};

enum s3p_srv_post_kind { /* stored: never renumbered */
                         S3P_SRV_POST_VERSION = 1,
                         S3P_SRV_POST_TAGS = 2,
};

/* Stored as it stands in memory; key, destinations and tags follow. */
struct s3p_srv_post {
    int64_t made_wall_ns; /* its lag counts from here */
    uint64_t bucket, seq; /* of the source */
    uint32_t kind, key_len, targets_len, tags_len;
};

/* Names of the buckets that a version goes to, appended as pairs of the form of metadata with empty
 * values. */
void s3p_srv_replication_targets(struct s3p_str stored, struct s3p_str key,
                                 const struct s3p_srv_record *r, struct s3p_buf *out);

/* In the transaction, of a version of t->bucket: whether it is to be replicated; then marks it and
 * leaves the destinations in t->targets. Only reads. */
bool s3p_srv_replication_plan(struct s3p_srv_txn *t, struct s3p_str key, struct s3p_srv_record *r);
/* Puts what has been planned into the outbox. */
void s3p_srv_replication_post(struct s3p_srv_txn *t, struct s3p_str key,
                              const struct s3p_srv_record *r, enum s3p_srv_post_kind kind);
/* The first entry with a number greater than *number, which becomes its own. 0, MDB_NOTFOUND or
 * another code. */
int s3p_srv_outbox_next(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t *number,
                        struct s3p_str *value);
int s3p_srv_outbox_del(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t number);

/* Document to stored set and back; what the transaction says about it. */
enum s3p_srv_error s3p_srv_replication_parse(struct s3p_str body, struct s3p_buf *out);
enum s3p_srv_error s3p_srv_replication_compile(const struct s3p_srv_req *req, struct s3p_str body,
                                               struct s3p_buf *out);
enum s3p_srv_error s3p_srv_replication_judge(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                             struct s3p_str stored);
bool s3p_srv_replication_xml(struct s3p_buf *out, struct s3p_str stored);

#endif
