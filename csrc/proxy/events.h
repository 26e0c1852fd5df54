/* What the proxy did on purpose, as JSON Lines: in memory for the control endpoint, and in a file.
 * Threads: the proxy's loop. */
#ifndef S3P_PROXY_EVENTS_H
#define S3P_PROXY_EVENTS_H

#include "core/buf.h"
#include "proxy/faults.h"

#define S3P_PX_EVENTS_BYTES (UINT64_C(256) << 20) /* in memory; what is over is counted as lost */

struct s3p_px_events {
    struct s3p_buf lines;
    int fd; /* -1: no file */
    uint64_t lost;
};

struct s3p_px_event {
    const struct s3p_px_fault *fault;
    const struct s3p_px_request *request;
    const char *done;       /* in words */
    const char *mark;       /* "multi_delivery", "altered", "surplus" or "": of the key's history */
    const char *request_id; /* of the store's answer; "" when there was none yet */
    unsigned endpoint;
    int status;             /* of the store's answer; 0: none yet */
};

void s3p_px_events_add(struct s3p_px_events *log, const struct s3p_px_event *e);

#endif
