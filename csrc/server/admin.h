/* The admin port: loopback, on when a mutant is on or when asked for.
 *   GET /altered   what the mutants did, s3p_srv_mutants_altered
 *   POST /mutants  specifications, one a line, replace the switches; a bad one: 400 and the reason
 *   GET /usage     what is kept, usage.h
 *   GET /stats     answers by operation, errors, ignored headers */
#ifndef S3P_SERVER_ADMIN_H
#define S3P_SERVER_ADMIN_H

#include "server/server.h"

int s3p_srv_admin_start(struct s3p_srv *srv,
                        struct s3p_err *err) S3P_MUST_CHECK; /* sets srv->admin_port */
void s3p_srv_admin_stop(struct s3p_srv *srv);                /* idempotent */

#endif
