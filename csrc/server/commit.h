/* Writes become state here, and nowhere else. All requests that wait go into one transaction (group
 * commit): each is judged against the state that the previous one left, inside the transaction;
 * every answer of the batch waits for the commit, and fails with it.
 *
 * Fast mode commits in the event thread, at the end of a round; durable mode in one committer
 * thread, so that a sync does not stall reads. */
#ifndef S3P_SERVER_COMMIT_H
#define S3P_SERVER_COMMIT_H

#include "server/server.h"

/* The bodies of one record that goes; behind it stand their ids, the record's first one first. */
struct s3p_srv_gone {
    uint64_t pinned; /* seq under which readers may hold them, 0: an open descriptor keeps one */
    uint64_t n;
};

struct s3p_srv_txn {
    struct s3p_srv *srv;
    MDB_txn *txn;
    int rc;       /* first failure of LMDB: the batch is lost */
    bool changed; /* something to commit */
    bool leak;    /* mutants: bodies that go are left where they are */
    bool own;     /* of the store's own accord: what it makes is not replicated */
    int64_t wall_ns;
    struct s3p_srv_bucket bucket; /* of the request that is being applied */
    struct s3p_buf scratch;
    struct s3p_buf targets;  /* of replication.h, about the write that is being applied */
    struct s3p_buf replaced; /* of struct s3p_srv_gone: what goes after the commit */
};

int s3p_srv_txn_create(struct s3p_srv_txn **out, struct s3p_srv *srv,
                       struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_txn_free(struct s3p_srv_txn *t);

/* Applies and commits the list, linked by `next`; sets write.result of each. */
void s3p_srv_commit_batch(struct s3p_srv_txn *t, struct s3p_srv_req *list);

/* The same for what the store does of its own accord: 0, or the code of LMDB, and then nothing has
 * happened. */
int s3p_srv_commit_own(struct s3p_srv_txn *t, void (*apply)(struct s3p_srv_txn *t, void *cls),
                       void *cls);

/* For apply functions: reads and edits of the state. They note failures in t->rc and replaced
 * bodies. `now` is NULL for an absent key; its views live until the next edit. */
bool s3p_srv_txn_current(struct s3p_srv_txn *t, uint64_t bucket, struct s3p_str key,
                         struct s3p_srv_record *now); /* false: absent, or t->rc is set */
/* Number, time, version and default retention of a record in the making, for t->bucket. */
void s3p_srv_txn_stamp(struct s3p_srv_txn *t, struct s3p_srv_record *r);
/* In t->bucket. Put: `then` becomes current. Del: as the bucket's state demands, the record goes or
 * a marker comes, which is left in `made` (marker false: none). */
void s3p_srv_txn_put(struct s3p_srv_txn *t, struct s3p_str key, const struct s3p_srv_record *now,
                     struct s3p_srv_record *then);
void s3p_srv_txn_del(struct s3p_srv_txn *t, struct s3p_str key, const struct s3p_srv_record *now,
                     struct s3p_srv_record *made);
/* For the other tables: notes the result of an edit; the bodies of a record that goes. */
void s3p_srv_txn_edited(struct s3p_srv_txn *t, int rc);
void s3p_srv_txn_replaced(struct s3p_srv_txn *t, const struct s3p_srv_record *r);
uint64_t s3p_srv_txn_seq(struct s3p_srv_txn *t);

/* What every write does first: does the bucket stand, as it was when the request came? Then
 * t->bucket is it. The current entry, if any (`present`), which may be a delete marker, and the
 * precondition. */
bool s3p_srv_txn_bucket(struct s3p_srv_txn *t, struct s3p_srv_req *req);
enum s3p_srv_error s3p_srv_txn_judge(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                     struct s3p_srv_record *now, bool *present);

/* The committer thread of durable mode. Free waits until the queue is empty. */
int s3p_srv_committer_create(struct s3p_srv_committer **out, struct s3p_srv *srv,
                             struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_committer_free(struct s3p_srv_committer *c);
void s3p_srv_committer_add(struct s3p_srv_committer *c, struct s3p_srv_req *list); /* any thread */

#endif
