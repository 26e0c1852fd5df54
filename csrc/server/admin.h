#ifndef S3P_SERVER_ADMIN_H
#define S3P_SERVER_ADMIN_H
#include "server/server.h"
int s3p_srv_admin_start(struct s3p_srv *srv, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_admin_stop(struct s3p_srv *srv);
#endif
