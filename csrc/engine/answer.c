#include "engine/answer.h"

#include <string.h>

#include "core/text.h"

#define CHECKSUM "x-amz-checksum-"

static void take_etag(struct s3p_answer *a, struct s3p_str v)
{
    a->etag = v;
}

static void take_version(struct s3p_answer *a, struct s3p_str v)
{
    a->version_id = v;
}

static void take_request_id(struct s3p_answer *a, struct s3p_str v)
{
    a->request_id = v;
}

static void take_meta_id(struct s3p_answer *a, struct s3p_str v)
{
    if (!s3p_id_parse(&a->meta_id, v.p, v.len))
        memset(&a->meta_id, 0, sizeof a->meta_id);
}

static void take_last_modified(struct s3p_answer *a, struct s3p_str v)
{
    if (!s3p_parse_http_date(v.p, v.len, &a->last_modified))
        a->last_modified = 0;
}

static void take_delete_marker(struct s3p_answer *a, struct s3p_str v)
{
    a->delete_marker = s3p_str_eq(v, "true");
}

static void take_nothing(struct s3p_answer *a, struct s3p_str v)
{
    (void)a;
    (void)v;
}

static void take_sum_type(struct s3p_answer *a, struct s3p_str v)
{
    a->composite = s3p_str_eq(v, "COMPOSITE");
}

static void take_content_range(struct s3p_answer *a, struct s3p_str v) /* bytes 0-63/1024 */
{
    const char *slash = memrchr(v.p, '/', v.len);
    if (slash == NULL ||
        !s3p_parse_u64(slash + 1, (size_t)(v.p + v.len - slash - 1), &a->object_size))
        a->object_size = UINT64_MAX;
}

static const struct field {
    const char *name; /* lower case */
    size_t len;
    void (*take)(struct s3p_answer *a, struct s3p_str value);
} fields[] = {
#define FIELD(name, take)                                                                          \
    {                                                                                              \
        name, sizeof(name) - 1, take                                                               \
    }
    FIELD("etag", take_etag),
    FIELD("last-modified", take_last_modified),
    FIELD("content-range", take_content_range),
    FIELD("x-amz-request-id", take_request_id),
    FIELD("x-amz-version-id", take_version),
    FIELD("x-amz-delete-marker", take_delete_marker),
    FIELD("x-amz-checksum-type", take_sum_type),
    FIELD("x-amz-checksum-algorithm", take_nothing), /* not a checksum: what parts will have */
    FIELD(S3P_META_ID_HEADER, take_meta_id),
};

/* ASCII only; `name` is lower case. */
static bool same_name(const char *p, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = p[i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != name[i])
            return false;
    }
    return true;
}

static void read_field(struct s3p_answer *a, struct s3p_str name, struct s3p_str value)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].len == name.len && same_name(name.p, fields[i].name, name.len)) {
            fields[i].take(a, value);
            return;
        }
    }
    size_t len = sizeof CHECKSUM - 1;
    if (name.len <= len || !same_name(name.p, CHECKSUM, len))
        return;
    a->checksum_name = (struct s3p_str){name.p + len, name.len - len};
    a->checksum = value;
}

void s3p_answer_read(struct s3p_answer *a, const struct s3p_http1 *parsed, const char *head)
{
    *a = (struct s3p_answer){.object_size = UINT64_MAX};
    for (int i = 0; i < parsed->nfields; i++) {
        const struct s3p_http1_field *f = &parsed->field[i];
        read_field(a, (struct s3p_str){head + f->name, f->name_len},
                   (struct s3p_str){head + f->value, f->value_len});
    }
}
