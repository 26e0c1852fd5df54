#include "proxy/request.h"

#include <string.h>
#include <strings.h>

#include "core/text.h"

/* The first row that fits. `query`: a parameter that must be there; NULL: any query; "": none. */
static const struct {
    const char *method;
    bool on_key;
    const char *query, *header;
    enum s3p_op op;
} rows[] = {
    {"PUT", true, "partNumber", "x-amz-copy-source", S3P_OP_UPLOAD_PART_COPY},
    {"PUT", true, "partNumber", NULL, S3P_OP_UPLOAD_PART},
    {"PUT", true, "tagging", NULL, S3P_OP_PUT_TAGS},
    {"PUT", true, NULL, "x-amz-copy-source", S3P_OP_COPY},
    {"PUT", true, NULL, NULL, S3P_OP_PUT},
    {"GET", true, "uploadId", NULL, S3P_OP_LIST_PARTS},
    {"GET", true, "tagging", NULL, S3P_OP_GET_TAGS},
    {"GET", true, "attributes", NULL, S3P_OP_GET_ATTRIBUTES},
    {"GET", true, NULL, NULL, S3P_OP_GET},
    {"HEAD", true, NULL, NULL, S3P_OP_HEAD},
    {"DELETE", true, "uploadId", NULL, S3P_OP_ABORT_UPLOAD},
    {"DELETE", true, "tagging", NULL, S3P_OP_DELETE_TAGS},
    {"DELETE", true, NULL, NULL, S3P_OP_DELETE},
    {"POST", true, "uploads", NULL, S3P_OP_CREATE_UPLOAD},
    {"POST", true, "uploadId", NULL, S3P_OP_COMPLETE_UPLOAD},
    {"POST", false, "delete", NULL, S3P_OP_DELETE_OBJECTS},
    {"GET", false, "versions", NULL, S3P_OP_LIST_VERSIONS},
    {"GET", false, "uploads", NULL, S3P_OP_LIST_UPLOADS},
    {"GET", false, "versioning", NULL, S3P_OP_GET_VERSIONING},
    {"GET", false, "list-type", NULL, S3P_OP_LIST},
    {"GET", false, "", NULL, S3P_OP_LIST_V1},
    {"GET", false, "prefix", NULL, S3P_OP_LIST_V1},
    {"GET", false, "max-keys", NULL, S3P_OP_LIST_V1},
    {"PUT", false, "versioning", NULL, S3P_OP_PUT_VERSIONING},
    {"PUT", false, "", NULL, S3P_OP_CREATE_BUCKET},
    {"HEAD", false, "", NULL, S3P_OP_HEAD_BUCKET},
    {"DELETE", false, "", NULL, S3P_OP_DELETE_BUCKET},
};

static bool has_parameter(struct s3p_str query, const char *name)
{
    size_t len = strlen(name);
    if (len == 0)
        return query.len == 0;
    for (size_t at = 0; at + len <= query.len;) {
        const char *p = query.p + at, *end = memchr(p, '&', query.len - at);
        size_t part = end != NULL ? (size_t)(end - p) : query.len - at;
        if (part >= len && memcmp(p, name, len) == 0 && (part == len || p[len] == '='))
            return true;
        at += part + 1;
    }
    return false;
}

static void copy_text(char *to, size_t max, struct s3p_str from)
{
    size_t n = from.len < max ? from.len : max;
    if (n > 0)
        memcpy(to, from.p, n);
    to[n] = 0;
}

static void decode_key(char *to, struct s3p_str from)
{
    size_t n = 0;
    for (size_t i = 0; i < from.len && n < S3P_PX_KEY_MAX; i++, n++) {
        to[n] = from.p[i];
        if (from.p[i] == '%' && i + 2 < from.len && s3p_unhex(&to[n], from.p + i + 1, 2))
            i += 2;
    }
    to[n] = 0;
}

/* "/bucket/key?query": the key, encoded, and the query. */
static struct s3p_str split(struct s3p_px_request *r, struct s3p_str target, struct s3p_str *query)
{
    const char *mark = memchr(target.p, '?', target.len);
    size_t path = mark != NULL ? (size_t)(mark - target.p) : target.len;
    *query = mark != NULL ? (struct s3p_str){mark + 1, target.len - path - 1}
                          : (struct s3p_str){NULL, 0};
    const char *slash = path > 1 ? memchr(target.p + 1, '/', path - 1) : NULL;
    size_t at = slash != NULL ? (size_t)(slash - target.p) + 1 : path;
    r->prefix_len = at;
    for (size_t i = at; i < path; i++)
        if (target.p[i] == '/')
            r->prefix_len = i + 1;
    return (struct s3p_str){target.p + at, path - at};
}

void s3p_px_request_read(struct s3p_px_request *r, const struct s3p_http1 *h, const char *head)
{
    struct s3p_str target = {head + h->target, h->target_len}, query;
    struct s3p_str expect = s3p_http1_get(h, head, "expect");
    *r = (struct s3p_px_request){.op = S3P_OP_NONE};
    copy_text(r->method, sizeof r->method - 1,
              (struct s3p_str){head + h->target - 1 - h->method_len, h->method_len});
    copy_text(r->target, S3P_PX_TARGET_MAX, target);
    copy_text(r->s3p_id, S3P_PX_ID_MAX, s3p_http1_get(h, head, "x-amz-meta-s3p-id"));
    r->expects = expect.len == 12 && strncasecmp(expect.p, "100-continue", 12) == 0;
    r->head = strcmp(r->method, "HEAD") == 0;
    struct s3p_str key = split(r, target, &query);
    if (r->prefix_len > S3P_PX_TARGET_MAX)
        r->prefix_len = S3P_PX_TARGET_MAX;
    decode_key(r->key, key);
    if (target.len < 2)
        return; /* the service itself */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].method, r->method) == 0 && rows[i].on_key == (key.len > 0) &&
            (rows[i].query == NULL || has_parameter(query, rows[i].query)) &&
            (rows[i].header == NULL || s3p_http1_get(h, head, rows[i].header).p != NULL)) {
            r->op = rows[i].op;
            return;
        }
}
