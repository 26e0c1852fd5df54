#ifndef S3P_SERVER_MUTANTS_H
#define S3P_SERVER_MUTANTS_H
#include "server/reads.h"
#include "server/server.h"
int s3p_srv_mutants_create(struct s3p_srv_mutants **out, struct s3p_srv *srv, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_mutants_free(struct s3p_srv_mutants *m);
void s3p_srv_mutants_begin(struct s3p_srv_req *req);
void s3p_srv_mutants_end(struct s3p_srv_req *req);
enum s3p_srv_error s3p_srv_mutants_judge(struct s3p_srv_txn *t, struct s3p_srv_req *req, const struct s3p_srv_record *now, enum s3p_srv_error e);
void s3p_srv_mutants_reply(struct s3p_srv_req *req);
bool s3p_srv_mutants_hold(struct s3p_srv_req *req, enum s3p_srv_error (*apply)(struct s3p_srv_txn *, struct s3p_srv_req *), void (*reply)(struct s3p_srv_req *));
enum s3p_srv_read s3p_srv_mutants_read(struct s3p_srv_req *req, const struct s3p_srv_record *r);
#endif
