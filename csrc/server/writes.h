/* What the operations that make objects have in common. */
#ifndef S3P_SERVER_WRITES_H
#define S3P_SERVER_WRITES_H

#include "server/server.h"

/* Metadata fields of the request into req->meta, in the form of records.h. */
enum s3p_srv_error s3p_srv_collect_meta(struct s3p_srv_req *req);
/* What a PUT stores, from the intake, req->meta and req->tags, with views into them; without number
 * and time. */
void s3p_srv_put_record(const struct s3p_srv_req *req, struct s3p_srv_record *out);
/* Makes the object of what the intake took and of req->meta. */
enum s3p_srv_error s3p_srv_apply_put(struct s3p_srv_txn *t, struct s3p_srv_req *req);
/* The checksum of a record and its type, as fields; nothing when it has none. */
void s3p_srv_answer_sum(struct s3p_srv_req *req, const struct s3p_srv_record *r);

bool s3p_srv_part_number(struct s3p_str text, uint32_t *out); /* 1 to S3P_SRV_PARTS_MAX */

#endif
