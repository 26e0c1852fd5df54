/* Life of struct s3p_srv_req: pool, begin, body, end. */
#ifndef S3P_SERVER_REQUESTS_H
#define S3P_SERVER_REQUESTS_H

#include "server/server.h"

enum s3p_srv_stage {
    S3P_SRV_STAGE_HEAD,  /* the target is known */
    S3P_SRV_STAGE_BODY,  /* taking the body in */
    S3P_SRV_STAGE_DRAIN, /* refused; the rest of a small body is dropped first */
    S3P_SRV_STAGE_WAIT,  /* suspended */
    S3P_SRV_STAGE_READY, /* the answer stands */
};

struct s3p_srv_req *
s3p_srv_req_get(struct s3p_srv_loop *loop);    /* from the pool; NULL without memory */
void s3p_srv_req_put(struct s3p_srv_req *req); /* back to it; releases what it holds */
void s3p_srv_req_free(struct s3p_srv_req *req);

/* Head complete: signature, route, checks. Sets the stage to BODY or, refused, builds the answer
 * and sets READY. */
void s3p_srv_req_begin(struct s3p_srv_req *req);
void s3p_srv_req_run(
    struct s3p_srv_req *req); /* body complete: digests, then the route's handler */

#endif
