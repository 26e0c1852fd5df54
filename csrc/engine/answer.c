#include "engine/answer.h"

#include <string.h>

#include "core/text.h"

#define CHECKSUM "x-amz-checksum-"
#define FIELD_OF_SET "x-amz-meta-s3p-"

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

static void take_field(struct s3p_answer *a, struct s3p_str name, struct s3p_str value)
{
    int last = (int)(sizeof a->field / sizeof a->field[0]) - 1;
    a->field[a->nfields < last ? a->nfields++ : last] = (struct s3p_tag){name, value};
}

static void take_meta_id(struct s3p_answer *a, struct s3p_str v)
{
    if (!s3p_id_parse(&a->meta_id, v.p, v.len))
        memset(&a->meta_id, 0, sizeof a->meta_id);
    take_field(a, S3P_STR("s3p-id"), v);
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

/* s3p-… in lower case, as a set has it; as it stands, when no set has such a field. */
static struct s3p_str field_name(const char *p, size_t len)
{
    static const char names[] = "s3p-1s3p-2s3p-3s3p-4s3p-5s3p-6s3p-7s3p-8s3p-n";
    enum { NAME = 5 };
    for (size_t at = 0; len == 1 && at + NAME < sizeof names; at += NAME)
        if (same_name(p, names + at + NAME - 1, 1))
            return (struct s3p_str){names + at, NAME};
    return (struct s3p_str){p, len};
}

static void read_field(struct s3p_answer *a, struct s3p_str name, struct s3p_str value)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].len == name.len && same_name(name.p, fields[i].name, name.len)) {
            fields[i].take(a, value);
            return;
        }
    }
    size_t len = sizeof FIELD_OF_SET - 1;
    if (name.len > len && same_name(name.p, FIELD_OF_SET, len)) {
        take_field(a, field_name(name.p + len, name.len - len), value);
        return;
    }
    len = sizeof CHECKSUM - 1;
    if (name.len <= len || !same_name(name.p, CHECKSUM, len))
        return;
    a->checksum_name = (struct s3p_str){name.p + len, name.len - len};
    a->checksum = value;
}

void s3p_answer_read(struct s3p_answer *a, const struct s3p_http1 *parsed, const char *head)
{
    memset(a, 0, offsetof(struct s3p_answer, field));
    a->object_size = UINT64_MAX;
    for (int i = 0; i < parsed->nfields; i++) {
        const struct s3p_http1_field *f = &parsed->field[i];
        read_field(a, (struct s3p_str){head + f->name, f->name_len},
                   (struct s3p_str){head + f->value, f->value_len});
    }
}
