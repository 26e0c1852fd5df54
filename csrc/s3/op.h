/* The operations and condition kinds of S3, by number. The numbers are in history files: never
 * renumbered. The names are the plan's step names and the records' `op`. One table, s3p_op_table,
 * says what each one is. */
#ifndef S3P_S3_OP_H
#define S3P_S3_OP_H

#include <stdbool.h>
#include <stddef.h>

enum s3p_op {
    S3P_OP_NONE = 0,
    S3P_OP_PUT = 1,
    S3P_OP_GET = 2, /* with or without a range; the record's range_len tells */
    S3P_OP_HEAD = 3,
    S3P_OP_DELETE = 4,
    S3P_OP_DELETE_OBJECTS = 5, /* the request */
    S3P_OP_DELETE_CHILD = 6,   /* one key of it */
    S3P_OP_LIST = 7,           /* one V2 page */
    S3P_OP_LIST_V1 = 8,        /* one V1 page */
    S3P_OP_LIST_VERSIONS = 9,
    S3P_OP_LIST_UPLOADS = 10,
    S3P_OP_LIST_PARTS = 11,
    S3P_OP_COPY = 12,
    S3P_OP_CREATE_UPLOAD = 13,
    S3P_OP_UPLOAD_PART = 14,
    S3P_OP_COMPLETE_UPLOAD = 15,
    S3P_OP_ABORT_UPLOAD = 16,
    S3P_OP_PUT_TAGS = 17,
    S3P_OP_GET_TAGS = 18,
    S3P_OP_CREATE_BUCKET = 19,
    S3P_OP_HEAD_BUCKET = 20,
    S3P_OP_DELETE_BUCKET = 21,
    S3P_OP_UPLOAD_PART_COPY = 22,
    S3P_OP_DELETE_TAGS = 23,
    S3P_OP_PUT_VERSIONING = 24,
    S3P_OP_GET_VERSIONING = 25,
    S3P_OP_GET_ATTRIBUTES = 26,
    S3P_OP_PUT_LIFECYCLE = 27,
    S3P_OP_PUT_REPLICATION = 28,
    S3P_OP_COUNT = 29,
};

enum s3p_op_class {
    S3P_CLASS_READ = 0,
    S3P_CLASS_MUTATION = 1,
    S3P_CLASS_LIST = 2,
    S3P_CLASS_BUCKET = 3,
};

struct s3p_op_row {
    const char *name;   /* "put" */
    const char *method; /* "PUT" */
    enum s3p_op_class cls;
    bool on_key;  /* addresses an object, not a bucket */
    bool offered; /* the engine can send it; a plan that asks for another one is refused by name */
};
extern const struct s3p_op_row s3p_op_table[S3P_OP_COUNT];
enum s3p_op s3p_op_find(const char *name, size_t len); /* S3P_OP_NONE when unknown */

enum s3p_cond { /* one condition a request; in files, never renumbered */
    S3P_COND_NONE = 0,
    S3P_COND_IF_MATCH = 1,
    S3P_COND_IF_NONE_MATCH = 2,     /* an ETag (reads) */
    S3P_COND_IF_NONE_MATCH_ANY = 3, /* "*" */
    S3P_COND_IF_MATCH_ANY = 4,      /* "*" (reads and conditional DELETE) */
    S3P_COND_IF_MODIFIED_SINCE = 5,
    S3P_COND_IF_UNMODIFIED_SINCE = 6,
    S3P_COND_COUNT = 7,
};
extern const char *const s3p_cond_name[S3P_COND_COUNT]; /* "", "if_match", "if_none_match", … */

#endif
