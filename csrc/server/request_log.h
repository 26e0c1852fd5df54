/* The request log: one JSON line a request, when its answer has gone or its connection has ended.
 *
 *   time_ns        wall clock, when its target came
 *   id             x-amz-request-id; null: it ended before its head was whole
 *   endpoint       index of the listening port
 *   method, bucket, key, operation   null or empty: none (yet)
 *   status, error  error: the S3 code, null without
 *   bytes_in       of the body as it came, frames of aws-chunked included
 *   bytes_out      of the body as it went; null when the connection ended before all of it had gone
 *   source         of copies: {"bucket", "key", "first", "bytes"}, what is read of the source
 *   duration_ns    from the target to the end of the answer
 *
 * Buffered in each loop, written at the end of a round when half a second old or large, and at the
 * end; so lines of different loops come in no order. Threads: the request's loop. */
#ifndef S3P_SERVER_REQUEST_LOG_H
#define S3P_SERVER_REQUEST_LOG_H

#include "server/server.h"

#define S3P_SRV_LOG_FLUSH_MS 500

int s3p_srv_request_log_open(struct s3p_srv *srv, const char *path,
                             struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_request_log_close(struct s3p_srv *srv); /* idempotent; the loops have been flushed */

void s3p_srv_request_log_begin(struct s3p_srv_req *req);
void s3p_srv_request_log_end(struct s3p_srv_req *req, bool whole); /* whole: the answer went out */
void s3p_srv_request_log_flush(struct s3p_srv_loop *loop, bool now);

/* Appends a JSON string; bytes that are not UTF-8 become U+0080 … U+00FF. */
void s3p_srv_json_text(struct s3p_buf *out, struct s3p_str s);

#endif
