#include "s3/op.h"

#include <string.h>

/* delete_child is no request of its own: it is a record that a delete_objects makes, so no plan can
 * ask for it. */
const struct s3p_op_row s3p_op_table[S3P_OP_COUNT] = {
    [S3P_OP_NONE] = {"none", "", S3P_CLASS_READ, false, false},
    [S3P_OP_PUT] = {"put", "PUT", S3P_CLASS_MUTATION, true, true},
    [S3P_OP_GET] = {"get", "GET", S3P_CLASS_READ, true, true},
    [S3P_OP_HEAD] = {"head", "HEAD", S3P_CLASS_READ, true, true},
    [S3P_OP_DELETE] = {"delete", "DELETE", S3P_CLASS_MUTATION, true, true},
    [S3P_OP_DELETE_OBJECTS] = {"delete_objects", "POST", S3P_CLASS_MUTATION, false, true},
    [S3P_OP_DELETE_CHILD] = {"delete_child", "POST", S3P_CLASS_MUTATION, true, false},
    [S3P_OP_LIST] = {"list", "GET", S3P_CLASS_LIST, false, true},
    [S3P_OP_LIST_V1] = {"list_v1", "GET", S3P_CLASS_LIST, false, true},
    [S3P_OP_LIST_VERSIONS] = {"list_versions", "GET", S3P_CLASS_LIST, false, true},
    [S3P_OP_LIST_UPLOADS] = {"list_uploads", "GET", S3P_CLASS_LIST, false, true},
    [S3P_OP_LIST_PARTS] = {"list_parts", "GET", S3P_CLASS_LIST, true, true},
    [S3P_OP_COPY] = {"copy", "PUT", S3P_CLASS_MUTATION, true, true},
    [S3P_OP_CREATE_UPLOAD] = {"create_upload", "POST", S3P_CLASS_MUTATION, true, true},
    [S3P_OP_UPLOAD_PART] = {"upload_part", "PUT", S3P_CLASS_MUTATION, true, true},
    [S3P_OP_COMPLETE_UPLOAD] = {"complete_upload", "POST", S3P_CLASS_MUTATION, true, true},
    [S3P_OP_ABORT_UPLOAD] = {"abort_upload", "DELETE", S3P_CLASS_MUTATION, true, true},
    [S3P_OP_PUT_TAGS] = {"put_tags", "PUT", S3P_CLASS_MUTATION, true, true},
    [S3P_OP_GET_TAGS] = {"get_tags", "GET", S3P_CLASS_READ, true, true},
    [S3P_OP_CREATE_BUCKET] = {"create_bucket", "PUT", S3P_CLASS_BUCKET, false, true},
    [S3P_OP_HEAD_BUCKET] = {"head_bucket", "HEAD", S3P_CLASS_BUCKET, false, true},
    [S3P_OP_DELETE_BUCKET] = {"delete_bucket", "DELETE", S3P_CLASS_BUCKET, false, true},
    [S3P_OP_UPLOAD_PART_COPY] = {"upload_part_copy", "PUT", S3P_CLASS_MUTATION, true, true},
    [S3P_OP_DELETE_TAGS] = {"delete_tags", "DELETE", S3P_CLASS_MUTATION, true, true},
    [S3P_OP_PUT_VERSIONING] = {"put_versioning", "PUT", S3P_CLASS_BUCKET, false, true},
    [S3P_OP_GET_VERSIONING] = {"get_versioning", "GET", S3P_CLASS_BUCKET, false, true},
    [S3P_OP_GET_ATTRIBUTES] = {"get_attributes", "GET", S3P_CLASS_READ, true, true},
    [S3P_OP_PUT_LIFECYCLE] = {"put_lifecycle", "PUT", S3P_CLASS_BUCKET, false, true},
    [S3P_OP_PUT_REPLICATION] = {"put_replication", "PUT", S3P_CLASS_BUCKET, false, true},
};

const char *const s3p_cond_name[S3P_COND_COUNT] = {
    [S3P_COND_NONE] = "",
    [S3P_COND_IF_MATCH] = "if_match",
    [S3P_COND_IF_NONE_MATCH] = "if_none_match",
    [S3P_COND_IF_NONE_MATCH_ANY] = "if_none_match_any",
    [S3P_COND_IF_MATCH_ANY] = "if_match_any",
    [S3P_COND_IF_MODIFIED_SINCE] = "if_modified_since",
    [S3P_COND_IF_UNMODIFIED_SINCE] = "if_unmodified_since",
};

enum s3p_op s3p_op_find(const char *name, size_t len)
{
    for (int op = S3P_OP_NONE + 1; op < S3P_OP_COUNT; op++) {
        const char *known = s3p_op_table[op].name;
        if (strlen(known) == len && memcmp(known, name, len) == 0)
            return (enum s3p_op)op;
    }
    return S3P_OP_NONE;
}
