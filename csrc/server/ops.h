/* The handlers that routes.c names: `check` before the body, `run` with the whole request. */
#ifndef S3P_SERVER_OPS_H
#define S3P_SERVER_OPS_H

#include "server/server.h"

void s3p_srv_list_buckets(struct s3p_srv_req *req);
void s3p_srv_create_bucket(struct s3p_srv_req *req);
void s3p_srv_head_bucket(struct s3p_srv_req *req);
void s3p_srv_delete_bucket(struct s3p_srv_req *req);
void s3p_srv_bucket_location(struct s3p_srv_req *req);

enum s3p_srv_error s3p_srv_put_object_check(struct s3p_srv_req *req);
void s3p_srv_put_object(struct s3p_srv_req *req);
enum s3p_srv_error s3p_srv_get_object_check(struct s3p_srv_req *req);
void s3p_srv_get_object(struct s3p_srv_req *req); /* and HeadObject */
enum s3p_srv_error s3p_srv_delete_object_check(struct s3p_srv_req *req);
void s3p_srv_delete_object(struct s3p_srv_req *req);

void s3p_srv_list_objects(struct s3p_srv_req *req); /* V1 */
void s3p_srv_list_objects_v2(struct s3p_srv_req *req);
enum s3p_srv_error s3p_srv_delete_objects_check(struct s3p_srv_req *req);
void s3p_srv_delete_objects(struct s3p_srv_req *req);

/* Multipart uploads. s3p_srv_upload_check: the upload id; no conditions. */
enum s3p_srv_error s3p_srv_create_upload_check(struct s3p_srv_req *req);
void s3p_srv_create_upload(struct s3p_srv_req *req);
enum s3p_srv_error s3p_srv_upload_check(struct s3p_srv_req *req);
enum s3p_srv_error s3p_srv_upload_part_check(struct s3p_srv_req *req);
void s3p_srv_upload_part(struct s3p_srv_req *req);
void s3p_srv_abort_upload(struct s3p_srv_req *req);
enum s3p_srv_error s3p_srv_complete_check(struct s3p_srv_req *req);
void s3p_srv_complete_upload(struct s3p_srv_req *req);
void s3p_srv_list_parts(struct s3p_srv_req *req);
void s3p_srv_list_uploads(struct s3p_srv_req *req);

enum s3p_srv_error s3p_srv_copy_object_check(struct s3p_srv_req *req);
enum s3p_srv_error s3p_srv_copy_part_check(struct s3p_srv_req *req);
void s3p_srv_copy_run(struct s3p_srv_req *req); /* CopyObject and UploadPartCopy */

enum s3p_srv_error s3p_srv_tagging_check(struct s3p_srv_req *req);
void s3p_srv_get_tagging(struct s3p_srv_req *req);
enum s3p_srv_error s3p_srv_put_tagging_check(struct s3p_srv_req *req);
void s3p_srv_put_tagging(struct s3p_srv_req *req);
void s3p_srv_delete_tagging(struct s3p_srv_req *req);

/* Their checks are those of settings (settings.h). */
void s3p_srv_put_retention(struct s3p_srv_req *req);
void s3p_srv_get_retention(struct s3p_srv_req *req);
void s3p_srv_put_hold(struct s3p_srv_req *req);
void s3p_srv_get_hold(struct s3p_srv_req *req);

void s3p_srv_put_versioning(struct s3p_srv_req *req);
void s3p_srv_get_versioning(struct s3p_srv_req *req);
void s3p_srv_list_versions(struct s3p_srv_req *req);

enum s3p_srv_error s3p_srv_attributes_check(struct s3p_srv_req *req);
void s3p_srv_attributes(struct s3p_srv_req *req);

#endif
