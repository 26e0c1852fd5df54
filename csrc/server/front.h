/* The HTTP front: libmicrohttpd daemons driven by the store's own event loops.
 *
 * Each loop is one thread with one daemon for every endpoint, run by MHD_run when its epoll
 * descriptor is readable. What the daemons hand over in one round is committed together at its end.
 */
#ifndef S3P_SERVER_FRONT_H
#define S3P_SERVER_FRONT_H

#include "server/server.h"

/* Opens the ports and starts the loops; fills srv->ports. Failure leaves nothing running. */
int s3p_srv_front_start(struct s3p_srv *srv, const char *cert, const char *key,
                        struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_front_stop(struct s3p_srv *srv); /* completes what waits, then ends; idempotent */

#endif
