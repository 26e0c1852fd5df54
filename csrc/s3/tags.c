#include "s3/tags.h"

#include <endian.h>

#include "core/random.h"
#include "core/text.h"

#define FILLER_DIGITS 16

void s3p_tag_make(struct s3p_tag_text *t, struct s3p_id id, int n, int at)
{
    uint64_t hi, lo;
    memcpy(t->key, "s3p-", 4);
    t->key_len = 6;
    if (at == 0) {
        memcpy(t->key + 4, "id", 2);
        s3p_id_text(t->value, id);
        t->value_len = sizeof t->value;
        return;
    }
    t->key_len = 5;
    if (at == 1) {
        t->key[4] = 'n';
        t->value_len = s3p_u64_text(t->value, (uint64_t)n);
        return;
    }
    int i = at - 1;
    memcpy(&hi, id.b, 8);
    memcpy(&lo, id.b + 8, 8);
    uint64_t filler = htobe64(s3p_mix64(be64toh(hi) ^ s3p_mix64(be64toh(lo) ^ (uint64_t)i)));
    t->key[4] = (char)('0' + i);
    s3p_hex(t->value, &filler, sizeof filler);
    t->value_len = FILLER_DIGITS;
}

size_t s3p_tags_header(char dst[S3P_TAGS_HEADER_MAX], struct s3p_id id, int n)
{
    struct s3p_tag_text t;
    char *p = dst;
    for (int i = 0; i < n; i++) {
        s3p_tag_make(&t, id, n, i);
        if (i > 0)
            *p++ = '&';
        memcpy(p, t.key, t.key_len);
        p += t.key_len;
        *p++ = '=';
        memcpy(p, t.value, t.value_len);
        p += t.value_len;
    }
    return (size_t)(p - dst);
}

void s3p_tags_body(struct s3p_buf *out, struct s3p_id id, int n)
{
    struct s3p_tag_text t;
    s3p_buf_str(out, "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>");
    for (int i = 0; i < n; i++) {
        s3p_tag_make(&t, id, n, i);
        s3p_buf_str(out, "<Tag><Key>");
        s3p_buf_add(out, t.key, t.key_len);
        s3p_buf_str(out, "</Key><Value>");
        s3p_buf_add(out, t.value, t.value_len);
        s3p_buf_str(out, "</Value></Tag>");
    }
    s3p_buf_str(out, "</TagSet></Tagging>");
}

static const struct s3p_str *find(const struct s3p_tag *tags, int n, const char *key, size_t len)
{
    for (int i = 0; i < n; i++)
        if (tags[i].key.len == len && memcmp(tags[i].key.p, key, len) == 0)
            return &tags[i].value;
    return NULL;
}

static bool is_right(const struct s3p_tag *tags, int n, struct s3p_id id, int count)
{
    struct s3p_tag_text t;
    bool right = n == count;
    for (int i = 0; right && i < n; i++) {
        s3p_tag_make(&t, id, count, i);
        const struct s3p_str *value = find(tags, n, t.key, t.key_len);
        right = value != NULL && value->len == t.value_len &&
                memcmp(value->p, t.value, t.value_len) == 0;
    }
    return right;
}

static bool is_filler(const struct s3p_tag *t)
{
    bool right = t->key.len == 5 && memcmp(t->key.p, "s3p-", 4) == 0 && t->key.p[4] >= '1' &&
                 t->key.p[4] <= '8' && t->value.len == FILLER_DIGITS;
    for (size_t i = 0; right && i < t->value.len; i++)
        right = (t->value.p[i] >= '0' && t->value.p[i] <= '9') ||
                (t->value.p[i] >= 'a' && t->value.p[i] <= 'f');
    return right;
}

enum s3p_body_verdict s3p_tags_judge(const struct s3p_tag *tags, int n, struct s3p_id *id)
{
    const struct s3p_str *value_id = find(tags, n, "s3p-id", 6);
    const struct s3p_str *count = find(tags, n, S3P_TAG_COUNT, sizeof S3P_TAG_COUNT - 1);
    struct s3p_id named = {{0}};
    uint64_t want;
    *id = named;
    if (n == 0)
        return S3P_BODY_CLEAN;
    if (value_id == NULL || count == NULL || !s3p_id_parse(&named, value_id->p, value_id->len) ||
        count->len == 0 || count->p[0] == '0' || !s3p_parse_u64(count->p, count->len, &want) ||
        want < 2 || want > S3P_TAGS_MAX)
        return S3P_BODY_CORRUPT;
    for (int i = 0; i < n; i++)
        if (&tags[i].value != value_id && &tags[i].value != count && !is_filler(&tags[i]))
            return S3P_BODY_CORRUPT;
    *id = named;
    return is_right(tags, n, named, (int)want) ? S3P_BODY_CLEAN : S3P_BODY_TORN;
}
