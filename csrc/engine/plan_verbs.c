#include "engine/plan_parse.h"

/* Everything a step can be, one row each: its fields, what its `as` gives, who compiles it. */

#define OBJECT_GIVES (S3P_GIVES(VERSION) | S3P_GIVES(KEY) | S3P_GIVES(NOW_MS))
#define WRITE_GIVES (OBJECT_GIVES | S3P_GIVES(ETAG))
#define VALUE_GIVES (WRITE_GIVES | S3P_GIVES(SIZE))
#define BODY_GIVES (VALUE_GIVES | S3P_GIVES(COUNTER) | S3P_GIVES(ID))
#define UPLOAD_GIVES (S3P_GIVES(UPLOAD) | S3P_GIVES(PARTS) | S3P_GIVES(KEY) | S3P_GIVES(NOW_MS))
#define PART_GIVES (S3P_GIVES(ETAG) | S3P_GIVES(KEY) | S3P_GIVES(NOW_MS))
#define PAGE_GIVES (S3P_GIVES(TOKEN) | S3P_GIVES(NOW_MS))
#define COND "if_match, if_none_match"
#define SOURCE "source, source_bucket, source_version"
#define SOURCE_COND "if_source_match, if_source_none_match"
#define LIST_FIELDS "prefix, delimiter, max_keys, start_after, token, as"

static const struct s3p_verb verbs[] = {
    {"put", "put, body, fields, tags, checksum, chunked, " COND ", as, bucket", S3P_OP_PUT,
     BODY_GIVES, s3p_compile_object},
    {"get", "get, range, version, part, checksum_mode, " COND ", as, bucket", S3P_OP_GET,
     BODY_GIVES, s3p_compile_object},
    {"head", "head, version, part, checksum_mode, " COND ", as, bucket", S3P_OP_HEAD, VALUE_GIVES,
     s3p_compile_object},
    {"delete", "delete, version, if_match, as, bucket", S3P_OP_DELETE, OBJECT_GIVES,
     s3p_compile_object},
    {"delete_objects", "delete_objects, quiet, etags, bucket", S3P_OP_DELETE_OBJECTS, 0,
     s3p_compile_delete_objects},
    {"copy", "copy, " SOURCE ", metadata, fields, tags, " COND ", " SOURCE_COND ", as, bucket",
     S3P_OP_COPY, WRITE_GIVES, s3p_compile_copy},
    {"create_upload", "create_upload, tags, checksum, checksum_type, as, bucket",
     S3P_OP_CREATE_UPLOAD, UPLOAD_GIVES, s3p_compile_create_upload},
    {"upload_part", "upload_part, part, body, checksum, chunked, as", S3P_OP_UPLOAD_PART,
     PART_GIVES | S3P_GIVES(SIZE), s3p_compile_upload_part},
    {"upload_part_copy", "upload_part_copy, part, " SOURCE ", range, " SOURCE_COND ", as",
     S3P_OP_UPLOAD_PART_COPY, PART_GIVES, s3p_compile_upload_part},
    {"complete_upload", "complete_upload, parts, " COND ", as", S3P_OP_COMPLETE_UPLOAD, VALUE_GIVES,
     s3p_compile_complete_upload},
    {"abort_upload", "abort_upload", S3P_OP_ABORT_UPLOAD, 0, s3p_compile_abort_upload},
    {"put_tags", "put_tags, tags, version, bucket", S3P_OP_PUT_TAGS, 0, s3p_compile_tags},
    {"get_tags", "get_tags, version, as, bucket", S3P_OP_GET_TAGS, OBJECT_GIVES, s3p_compile_tags},
    {"delete_tags", "delete_tags, version, bucket", S3P_OP_DELETE_TAGS, 0, s3p_compile_tags},
    {"get_attributes", "get_attributes, version, as, bucket", S3P_OP_GET_ATTRIBUTES, VALUE_GIVES,
     s3p_compile_attributes},
    {"list", "list, " LIST_FIELDS, S3P_OP_LIST, PAGE_GIVES | S3P_GIVES(KEYS), s3p_compile_list},
    {"list_v1", "list_v1, " LIST_FIELDS, S3P_OP_LIST_V1, PAGE_GIVES | S3P_GIVES(KEYS),
     s3p_compile_list},
    {"list_versions", "list_versions, " LIST_FIELDS, S3P_OP_LIST_VERSIONS,
     PAGE_GIVES | S3P_GIVES(VERSIONS), s3p_compile_list},
    {"list_uploads", "list_uploads, " LIST_FIELDS, S3P_OP_LIST_UPLOADS,
     PAGE_GIVES | S3P_GIVES(UPLOADS) | S3P_GIVES(INITIATED_MS), s3p_compile_list},
    {"list_parts", "list_parts, max_keys, token, as", S3P_OP_LIST_PARTS, PAGE_GIVES,
     s3p_compile_list_parts},
    {"create_bucket", "create_bucket", S3P_OP_CREATE_BUCKET, 0, s3p_compile_bucket},
    {"head_bucket", "head_bucket", S3P_OP_HEAD_BUCKET, 0, s3p_compile_bucket},
    {"delete_bucket", "delete_bucket", S3P_OP_DELETE_BUCKET, 0, s3p_compile_bucket},
    {"put_versioning", "put_versioning, status", S3P_OP_PUT_VERSIONING, 0,
     s3p_compile_put_versioning},
    {"get_versioning", "get_versioning", S3P_OP_GET_VERSIONING, 0, s3p_compile_bucket},
    {"put_lifecycle", "put_lifecycle, rules", S3P_OP_PUT_LIFECYCLE, 0, s3p_compile_put_rules},
    {"put_replication", "put_replication, rules", S3P_OP_PUT_REPLICATION, 0,
     s3p_compile_put_rules},
    {"repeat", "repeat, do", S3P_OP_NONE, 0, s3p_compile_repeat},
    {"when", "when, do, else", S3P_OP_NONE, 0, s3p_compile_when},
    {"barrier", "barrier", S3P_OP_NONE, 0, s3p_compile_barrier},
    {"sleep", "sleep", S3P_OP_NONE, 0, s3p_compile_sleep},
    {"choose", "choose, as, take", S3P_OP_NONE, S3P_GIVES(KEY), s3p_compile_choose},
    {"borrow", "borrow, as", S3P_OP_NONE, UPLOAD_GIVES, s3p_compile_borrow},
    {"behaviour", NULL, S3P_OP_NONE, 0, s3p_compile_behaviour},
};
#define NVERBS (sizeof verbs / sizeof verbs[0])

int s3p_find_verb(struct s3p_compile *c, const struct s3p_node *step, const struct s3p_verb **out)
{
    S3P_TRY(s3p_node_object(&c->p->r, step));
    *out = NULL;
    for (size_t i = 0; i < NVERBS; i++) {
        if (json_object_get(step->value, verbs[i].name) == NULL)
            continue;
        if (*out != NULL)
            return s3p_node_bad(&c->p->r, step, "one verb a step: %s or %s", (*out)->name,
                                verbs[i].name);
        *out = &verbs[i];
    }
    if (*out != NULL)
        return (*out)->fields == NULL ? 0 : s3p_node_keys(&c->p->r, step, (*out)->fields);
    return s3p_node_bad(&c->p->r, step,
                        "a verb: put, get, head, delete, delete_objects, copy, ..._upload, "
                        "..._tags, get_attributes, list..., ..._bucket, ..._versioning, "
                        "put_lifecycle, put_replication, repeat, "
                        "when, barrier, sleep, choose, borrow");
}
