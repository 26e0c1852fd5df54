/* The answer to a read of one object, apart from where its record comes from. */
#ifndef S3P_SERVER_READS_H
#define S3P_SERVER_READS_H

#include "server/records.h"
#include "server/server.h"

enum s3p_srv_read {
    S3P_SRV_READ_DONE,  /* the answer stands */
    S3P_SRV_READ_AGAIN, /* the body's file is gone: take a new view */
};

/* Conditions, range, fields and body, from `r`, whose views need to live for the call only. */
enum s3p_srv_read s3p_srv_answer_object(struct s3p_srv_req *req, const struct s3p_srv_record *r);

#endif
