/* Incremental HTTP/1.1 parser of responses and of requests: allocates nothing, does not rescan,
 * keeps pointers out (header fields are offsets into the caller's head buffer). Strict where
 * leniency would hide a fault: bare LF, contradicting Content-Length, Content-Length together with
 * Transfer-Encoding, a transfer coding other than chunked, folded lines, control characters, more
 * than 100 fields or 64 KiB of head are errors. 1xx are skipped, but 101 is an error.
 *
 * Use: s3p_http1_start or s3p_http1_start_request; append received bytes to the head buffer and
 * call s3p_http1_head until it answers > 0; then feed what follows to s3p_http1_body, which yields
 * runs of decoded body bytes, until it says done. Threads: plain data of its owner. Source: RFC
 * 9112. */
#ifndef S3P_HTTP_HTTP1_H
#define S3P_HTTP_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

#define S3P_HTTP1_HEAD_BYTES (64u * 1024u)
#define S3P_HTTP1_FIELDS 100
#define S3P_HTTP1_LINE_BYTES (8u * 1024u) /* of a chunk header, and of all trailers together */

enum s3p_http1_result { S3P_HTTP1_PARTIAL = 0, S3P_HTTP1_BAD = -1 };

struct s3p_http1_field {
    uint32_t name, value;         /* offsets into the head */
    uint16_t name_len, value_len; /* value trimmed of blanks */
};

struct s3p_http1 {
    /* result of the head */
    int status;                /* of a response */
    uint32_t target, target_len; /* of a request: offset in the head; the method is before it */
    uint32_t method_len;
    int minor; /* HTTP/1.x */
    int nfields;
    bool keep_alive;
    bool chunked;
    bool no_body;           /* HEAD request, 204, 304 */
    size_t interim;         /* so many bytes at the front of the head are whole 1xx answers */
    int64_t content_length; /* -1: none (chunked, or until the end of the stream) */
    struct s3p_http1_field field[S3P_HTTP1_FIELDS];
    const char *why; /* static text that says what was wrong, after S3P_HTTP1_BAD */
    bool too_long;   /* it was the length of the head */
    /* position */
    size_t line;    /* where the line being read starts */
    size_t scanned; /* no line end between `line` and here */
    int state;
    uint64_t left; /* body or chunk bytes still to come */
    bool head_request;
    bool request;
    bool done;
    uint32_t line_bytes; /* of the chunk header or the trailers being read */
};

void s3p_http1_start(struct s3p_http1 *h, bool head_request);
/* A request: without Content-Length and Transfer-Encoding it has no body. */
void s3p_http1_start_request(struct s3p_http1 *h);
/* `p`,`len`: all head bytes so far. > 0: the head's length (body bytes may follow it); PARTIAL;
 * BAD. */
int64_t s3p_http1_head(struct s3p_http1 *h, const char *p, size_t len);
/* Takes bytes of the body. Sets *data,*data_len to the decoded run found (may be 0) and returns the
 * bytes consumed, or S3P_HTTP1_BAD. Call again with the rest. h->done tells the end; bytes left
 * after it are surplus. */
int64_t s3p_http1_body(struct s3p_http1 *h, const char *p, size_t len, const char **data,
                       size_t *data_len);
/* The stream ended: true when that is a complete answer (no length given), false when it was
 * cut. */
bool s3p_http1_eof(struct s3p_http1 *h);
/* Finds a field, name in lower case; {NULL, 0} when absent. `head` is the buffer that was
 * parsed. */
struct s3p_str s3p_http1_get(const struct s3p_http1 *h, const char *head, const char *name);

#endif
