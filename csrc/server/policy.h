/* Bucket policies of one form: everybody may read the objects of the bucket, and perhaps list it.
 * Stored as one byte (enum s3p_srv_public) and the document as it was sent. */
#ifndef S3P_SERVER_POLICY_H
#define S3P_SERVER_POLICY_H

#include "server/server.h"

enum s3p_srv_public { S3P_SRV_PUBLIC_READ = 1, S3P_SRV_PUBLIC_LIST = 2 };

/* POLICY: not JSON, not a policy, or of another bucket. NOT_IMPLEMENTED: another form. */
enum s3p_srv_error s3p_srv_policy_parse(struct s3p_str document, struct s3p_str bucket,
                                        unsigned *out);
enum s3p_srv_error s3p_srv_policy_compile(const struct s3p_srv_req *req, struct s3p_str body,
                                          struct s3p_buf *out);
bool s3p_srv_policy_json(struct s3p_buf *out, struct s3p_str stored);

/* A request without any signature: NONE when the bucket's policy allows it, ACCESS_DENIED without
 * one. */
enum s3p_srv_error s3p_srv_policy_anonymous(struct s3p_srv_req *req);
/* After the read: who may not list does not learn whether a key exists. */
void s3p_srv_policy_hide(struct s3p_srv_req *req);

#endif
