/* One event loop of the store: a thread that runs its daemons, commits what a round brought, and
 * wakes what is due. */
#ifndef S3P_SERVER_LOOP_H
#define S3P_SERVER_LOOP_H

#include "server/server.h"

int s3p_srv_loop_init(struct s3p_srv_loop *loop, struct s3p_srv *srv, unsigned index,
                      struct s3p_err *err) S3P_MUST_CHECK;
int s3p_srv_loop_start(struct s3p_srv_loop *loop, struct s3p_err *err) S3P_MUST_CHECK;
/* Ends the thread once srv->stop is set: it completes the requests that wait first. */
void s3p_srv_loop_join(struct s3p_srv_loop *loop);
void s3p_srv_loop_free(struct s3p_srv_loop *loop);

void s3p_srv_loop_count(const struct s3p_srv_req *req); /* the answer, for the statistics */

/* The answer of this request is a file: from its queueing until its completion. Loop thread. */
void s3p_srv_loop_file_begin(struct s3p_srv_req *req);
void s3p_srv_loop_file_end(struct s3p_srv_req *req); /* nothing when it has none */

/* From the committer: this request's write is done. Any thread; takes `req`. */
void s3p_srv_loop_done(struct s3p_srv_loop *loop, struct s3p_srv_req *req);

#endif
