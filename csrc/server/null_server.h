/* A server that answers every request at once with a fixed 200 and an ETag, as cheaply as it can:
 * what is left of a measurement against it is the client. Reads HTTP/1.1 with Content-Length bodies
 * and keep-alive; HEAD gets no body because no answer has one. */
#ifndef S3P_SERVER_NULL_SERVER_H
#define S3P_SERVER_NULL_SERVER_H

#include "server/options.h"

struct s3p_null_server;
int s3p_null_server_open(struct s3p_null_server **out, const struct s3p_srv_options *o,
                         struct s3p_err *err) S3P_MUST_CHECK; /* starts its thread */
unsigned s3p_null_server_port(const struct s3p_null_server *n);
void s3p_null_server_close(struct s3p_null_server *n);

#endif
