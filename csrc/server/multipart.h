/* What the operations of multipart uploads share. */
#ifndef S3P_SERVER_MULTIPART_H
#define S3P_SERVER_MULTIPART_H

#include "server/commit.h"
#include "server/uploads.h"
#include "server/xml_read.h"

/* The upload of the request: from a view, without its views; in the transaction. */
enum s3p_srv_error s3p_srv_upload_look(struct s3p_srv_req *req, struct s3p_srv_record *upload);
enum s3p_srv_error s3p_srv_upload_judge(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                        struct s3p_srv_record *upload);

/* Makes a part of what the intake took. */
enum s3p_srv_error s3p_srv_apply_part(struct s3p_srv_txn *t, struct s3p_srv_req *req);
/* Removes an upload and its parts, with the bodies of all but those in `keep`, an array of struct
 * s3p_srv_named_part in ascending order, or NULL. */
void s3p_srv_upload_remove(struct s3p_srv_txn *t, uint64_t bucket, struct s3p_str key, uint64_t seq,
                           const struct s3p_buf *keep);
/* All uploads of a bucket that goes. */
void s3p_srv_uploads_drop(struct s3p_srv_txn *t, uint64_t bucket);

#endif
