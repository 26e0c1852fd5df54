#include "history/reader.h"

#include <jansson.h>
#include <string.h>

#include "core/alloc.h"
#include "core/text.h"

#define INDEX_DIGITS 8
#define CLIENT_DIGITS 5

struct space {
    struct s3p_str prefix;
    uint64_t count; /* of generated keys; of `own` those of one client */
    uint16_t bucket;
    bool own;
    json_t *keys; /* the list of a fixed space, else NULL; borrowed from `root` */
};

struct s3p_keynames {
    json_t *root; /* owns every text */
    json_t *buckets;
    struct space *spaces;
    size_t nspaces;
};

static struct s3p_str text_of(const json_t *v)
{
    if (!json_is_string(v))
        return (struct s3p_str){"", 0};
    return (struct s3p_str){json_string_value(v), json_string_length(v)};
}

static int read_space(struct space *s, const json_t *v, size_t number, struct s3p_err *err)
{
    if (!json_is_object(v))
        return s3p_fail(err, S3P_EFORMAT, 0, "history: header: spaces[%zu] is not an object",
                        number);
    s->prefix = text_of(json_object_get(v, "prefix"));
    s->own = s3p_str_eq(text_of(json_object_get(v, "kind")), "own");
    json_int_t bucket = json_integer_value(json_object_get(v, "bucket"));
    json_int_t count = json_integer_value(json_object_get(v, "count"));
    if (bucket < 0 || bucket > UINT16_MAX || count < 0 || (s->own && count == 0))
        return s3p_fail(err, S3P_EFORMAT, 0,
                        "history: header: spaces[%zu]: bucket or count is out of range", number);
    s->bucket = (uint16_t)bucket;
    s->count = (uint64_t)count;
    s->keys = json_object_get(v, "keys");
    size_t i;
    json_t *key;
    json_array_foreach (s->keys, i, key) {
        if (!json_is_string(key))
            return s3p_fail(err, S3P_EFORMAT, 0,
                            "history: header: spaces[%zu].keys[%zu] is not a text", number, i);
    }
    return 0;
}

int s3p_keynames_create(struct s3p_keynames **out, struct s3p_str header_json, struct s3p_err *err)
{
    *out = NULL;
    struct s3p_keynames *k = s3p_calloc(1, sizeof *k);
    if (k == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "history: out of memory");
    k->root = json_loadb(header_json.p, header_json.len, JSON_ALLOW_NUL, NULL);
    k->buckets = json_object_get(k->root, "buckets");
    json_t *spaces = json_object_get(k->root, "spaces");
    k->nspaces = json_array_size(spaces);
    k->spaces = s3p_calloc(k->nspaces, sizeof *k->spaces);
    int rc = 0;
    if (!json_is_object(k->root))
        rc = s3p_fail(err, S3P_EFORMAT, 0, "history: header: not a JSON object");
    else if (k->spaces == NULL)
        rc = s3p_fail(err, S3P_ENOMEM, 0, "history: out of memory");
    for (size_t i = 0; rc == 0 && i < k->nspaces; i++)
        rc = read_space(&k->spaces[i], json_array_get(spaces, i), i, err);
    if (rc != 0) {
        s3p_keynames_free(k);
        return rc;
    }
    *out = k;
    return 0;
}

void s3p_keynames_free(struct s3p_keynames *k)
{
    if (k == NULL)
        return;
    json_decref(k->root);
    s3p_free(k->spaces);
    s3p_free(k);
}

static void add_padded(struct s3p_buf *out, uint64_t v, size_t width)
{
    char digits[20];
    size_t n = s3p_u64_text(digits, v);
    for (size_t i = n; i < width; i++)
        s3p_buf_char(out, '0');
    s3p_buf_add(out, digits, n);
}

void s3p_keynames_text(const struct s3p_keynames *k, uint16_t space, uint64_t index,
                       struct s3p_buf *out)
{
    const struct space *s = space < k->nspaces ? &k->spaces[space] : NULL;
    if (s == NULL || (s->keys != NULL && index >= json_array_size(s->keys))) {
        s3p_buf_char(out, '?');
        s3p_buf_u64(out, space);
        s3p_buf_char(out, '/');
        s3p_buf_u64(out, index);
        return;
    }
    if (s->keys != NULL) {
        s3p_buf_view(out, text_of(json_array_get(s->keys, index)));
        return;
    }
    s3p_buf_view(out, s->prefix);
    if (s->own) {
        add_padded(out, index / s->count, CLIENT_DIGITS);
        s3p_buf_char(out, '/');
        index %= s->count;
    }
    add_padded(out, index, INDEX_DIGITS);
}

struct s3p_str s3p_keynames_bucket_role(const struct s3p_keynames *k, uint16_t bucket)
{
    const json_t *v = json_object_get(json_array_get(k->buckets, bucket), "role");
    return json_is_string(v) ? text_of(v) : S3P_STR("?");
}

bool s3p_keynames_bucket(const struct s3p_keynames *k, struct s3p_str role, uint16_t *bucket)
{
    for (size_t i = 0; i < json_array_size(k->buckets) && i <= UINT16_MAX; i++) {
        struct s3p_str name = text_of(json_object_get(json_array_get(k->buckets, i), "role"));
        if (name.len == role.len && memcmp(name.p, role.p, role.len) == 0) {
            *bucket = (uint16_t)i;
            return true;
        }
    }
    return false;
}

/* Digits as written by add_padded: exactly `width` of them, or more without a leading zero. */
static bool parse_padded(const char *p, size_t len, size_t width, uint64_t *out)
{
    return len >= width && (len == width || p[0] != '0') && s3p_parse_u64(p, len, out);
}

static bool find_generated(const struct space *s, struct s3p_str key, uint64_t *index)
{
    if (key.len < s->prefix.len || memcmp(key.p, s->prefix.p, s->prefix.len) != 0)
        return false;
    const char *p = key.p + s->prefix.len;
    size_t len = key.len - s->prefix.len;
    uint64_t client = 0;
    if (s->own) {
        const char *slash = memchr(p, '/', len);
        if (slash == NULL || !parse_padded(p, (size_t)(slash - p), CLIENT_DIGITS, &client))
            return false;
        len -= (size_t)(slash + 1 - p);
        p = slash + 1;
    }
    return parse_padded(p, len, INDEX_DIGITS, index) && *index < s->count &&
           !__builtin_mul_overflow(client, s->count, &client) &&
           !__builtin_add_overflow(client, *index, index);
}

static bool find_fixed(const struct space *s, struct s3p_str key, uint64_t *index)
{
    size_t i;
    json_t *v;
    json_array_foreach (s->keys, i, v) {
        struct s3p_str t = text_of(v);
        if (t.len == key.len && memcmp(t.p, key.p, key.len) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

bool s3p_keynames_find(const struct s3p_keynames *k, uint16_t bucket, struct s3p_str key,
                       uint16_t *space, uint64_t *index)
{
    for (size_t i = 0; i < k->nspaces && i <= UINT16_MAX; i++) {
        const struct space *s = &k->spaces[i];
        if (s->bucket != bucket ||
            !(s->keys != NULL ? find_fixed(s, key, index) : find_generated(s, key, index)))
            continue;
        *space = (uint16_t)i;
        return true;
    }
    return false;
}

bool s3p_keynames_anywhere(const struct s3p_keynames *k, uint16_t bucket, struct s3p_str key,
                           bool generated, uint16_t *space, uint64_t *index)
{
    for (int others = 0; others < 2; others++)
        for (size_t i = 0; i < k->nspaces && i <= UINT16_MAX; i++) {
            const struct space *s = &k->spaces[i];
            if ((s->bucket != bucket) != (others != 0) || (s->keys == NULL) != generated ||
                !(generated ? find_generated(s, key, index) : find_fixed(s, key, index)))
                continue;
            *space = (uint16_t)i;
            return true;
        }
    return false;
}
