/* A running store, and the command around it. */
#ifndef S3P_SERVER_SERVE_H
#define S3P_SERVER_SERVE_H

#include "server/options.h"
#include "server/server.h"

/* Opens the store and its ports; *out is usable until s3p_srv_close. Failure leaves nothing behind.
 */
int s3p_srv_open(struct s3p_srv **out, const struct s3p_srv_options *o,
                 struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_close(struct s3p_srv *srv);

/* The command `s3prod serve`: runs until SIGTERM or SIGINT. argv[0] is skipped. Returns the exit
 * status: 0, or 2 for usage and set-up. Prints the line of COMMANDS on standard output once it
 * answers. Call from the main thread. */
int s3p_serve_main(int argc, char **argv);

#endif
