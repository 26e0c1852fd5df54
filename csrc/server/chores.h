/* What the store does of its own accord: lifecycle rules that are due, replicas that are due. One
 * thread, which judges and writes in transactions of its own through commit.h, as clients' writes
 * do.
 *
 * How late: a replica comes not before its lag, and at most an eighth of it (10 to 100 ms) and the
 * time of the work later. An expiry comes not before it is due, and at most a tenth of a day (10 ms
 * to 1 s) and eleven times the time of one pass later: a pass takes about a microsecond an entry,
 * and no more than a tenth of the time goes to passes. The mode ok-lifecycle-late adds to both. */
#ifndef S3P_SERVER_CHORES_H
#define S3P_SERVER_CHORES_H

#include <pthread.h>

#include "server/commit.h"

int s3p_srv_chores_start(struct s3p_srv *srv, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_chores_stop(struct s3p_srv *srv); /* idempotent; before the loops end */

/* One pass of each; on the thread of the chores, which has these two for itself. False: the store
 * failed, and the pass goes on the next time. */
struct s3p_srv_chore {
    struct s3p_srv *srv;
    struct s3p_srv_txn *txn;
    struct s3p_srv_view view;
    struct s3p_buf found, copy; /* scratch of a pass */
    _Atomic int stop; /* written under mu */
    pthread_mutex_t mu;
    pthread_cond_t end;
};
/* On that thread too. False: the chores end, and so does the wait. */
bool s3p_srv_chore_wait(struct s3p_srv_chore *c, int64_t until_ns);
bool s3p_srv_lifecycle_pass(struct s3p_srv_chore *c);
bool s3p_srv_replication_pass(struct s3p_srv_chore *c);

#endif
