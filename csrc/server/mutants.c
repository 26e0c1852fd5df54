#include "server/mutants.h"
#include "server/admin.h"
int s3p_srv_mutants_create(struct s3p_srv_mutants **out, struct s3p_srv *srv, struct s3p_err *err) {(void)out;(void)srv; return s3p_fail(err, S3P_EUNSUP, 0, "no mutants");}
void s3p_srv_mutants_free(struct s3p_srv_mutants *m){(void)m;}
void s3p_srv_mutants_begin(struct s3p_srv_req *req){(void)req;}
void s3p_srv_mutants_end(struct s3p_srv_req *req){(void)req;}
enum s3p_srv_error s3p_srv_mutants_judge(struct s3p_srv_txn *t, struct s3p_srv_req *req, const struct s3p_srv_record *now, enum s3p_srv_error e){(void)t;(void)req;(void)now;return e;}
void s3p_srv_mutants_reply(struct s3p_srv_req *req){(void)req;}
bool s3p_srv_mutants_hold(struct s3p_srv_req *req, enum s3p_srv_error (*apply)(struct s3p_srv_txn *, struct s3p_srv_req *), void (*reply)(struct s3p_srv_req *)){(void)req;(void)apply;(void)reply;return false;}
enum s3p_srv_read s3p_srv_mutants_read(struct s3p_srv_req *req, const struct s3p_srv_record *r){(void)req;(void)r;return 0;}
int s3p_srv_admin_start(struct s3p_srv *srv, struct s3p_err *err){(void)srv;(void)err;return 0;}
void s3p_srv_admin_stop(struct s3p_srv *srv){(void)srv;}
