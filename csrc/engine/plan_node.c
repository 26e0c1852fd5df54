#include "engine/plan_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VALUE_MAX 60 /* of a value's text in an error */

/* Errors are one line, whatever a name holds. */
void s3p_one_line(char *text)
{
    for (; *text != 0; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

/* A text of bounded length that is cut silently. */
struct text {
    char *p;
    size_t len, cap;
};

static int text_add(const char *p, size_t len, void *arg)
{
    struct text *t = arg;
    size_t room = t->cap - t->len;
    size_t n = len < room ? len : room;
    memcpy(t->p + t->len, p, n);
    t->len += n;
    return 0;
}

static void path_add(struct text *t, const struct s3p_node *n)
{
    if (n->up == NULL)
        return;
    path_add(t, n->up);
    char index[24];
    if (n->key == NULL) {
        int len = snprintf(index, sizeof index, "[%zu]", n->index);
        text_add(index, (size_t)len, t);
        return;
    }
    if (t->len != 0)
        text_add(".", 1, t);
    text_add(n->key, strlen(n->key), t);
}

static void path_text(const struct s3p_node *n, char out[160])
{
    struct text t = {out, 0, 159};
    path_add(&t, n);
    if (t.len == 0)
        text_add("plan", 4, &t);
    out[t.len] = 0;
    s3p_one_line(out);
}

static void value_text(json_t *value, char out[VALUE_MAX + 4])
{
    struct text t = {out, 0, VALUE_MAX};
    json_dump_callback(value, text_add, &t, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    if (t.len == VALUE_MAX) {
        memcpy(out + VALUE_MAX, "...", 3);
        t.len += 3;
    }
    out[t.len] = 0;
}

int s3p_node_bad(const struct s3p_reader *r, const struct s3p_node *n, const char *expected, ...)
{
    char path[160], value[VALUE_MAX + 4], text[160];
    path_text(n, path);
    value_text(n->value, value);
    va_list ap;
    va_start(ap, expected);
    if (vsnprintf(text, sizeof text, expected, ap) < 0)
        text[0] = 0;
    va_end(ap);
    s3p_one_line(text);
    return s3p_fail(r->err, S3P_EINVAL, 0, "%s: %s, expected %s", path, value, text);
}

int s3p_node_missing(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
                     const char *expected)
{
    char path[160];
    struct s3p_node child = {.up = object, .key = key};
    path_text(&child, path);
    return s3p_fail(r->err, S3P_EINVAL, 0, "%s: missing, expected %s", path, expected);
}

int s3p_node_no_memory(const struct s3p_reader *r)
{
    return s3p_fail(r->err, S3P_ENOMEM, 0, "plan: out of memory, or larger than any plan may be");
}

bool s3p_node_get(const struct s3p_node *object, const char *key, struct s3p_node *child)
{
    *child =
        (struct s3p_node){.up = object, .key = key, .value = json_object_get(object->value, key)};
    return child->value != NULL;
}

void s3p_node_item(const struct s3p_node *list, size_t index, struct s3p_node *child)
{
    *child =
        (struct s3p_node){.up = list, .index = index, .value = json_array_get(list->value, index)};
}

size_t s3p_node_count(const struct s3p_node *list)
{
    return json_array_size(list->value);
}

int s3p_node_object(const struct s3p_reader *r, const struct s3p_node *n)
{
    return json_is_object(n->value) ? 0 : s3p_node_bad(r, n, "an object");
}

static bool listed(const char *keys, const char *key)
{
    size_t len = strlen(key);
    for (const char *p = keys; *p != 0;) {
        size_t n = strcspn(p, ",");
        if (n == len && memcmp(p, key, len) == 0)
            return true;
        p += n;
        p += strspn(p, ", ");
    }
    return false;
}

int s3p_node_keys(const struct s3p_reader *r, const struct s3p_node *object, const char *keys)
{
    S3P_TRY(s3p_node_object(r, object));
    const char *key;
    json_t *value;
    json_object_foreach(object->value, key, value) {
        struct s3p_node child = {.up = object, .key = key, .value = value};
        if (!listed(keys, key))
            return s3p_node_bad(r, &child, "no such field but: %s", keys);
    }
    return 0;
}

int s3p_node_list(const struct s3p_reader *r, const struct s3p_node *n, size_t min, size_t max,
                  const char *of_what)
{
    size_t count = json_array_size(n->value);
    if (json_is_array(n->value) && count >= min && count <= max)
        return 0;
    return s3p_node_bad(r, n, "a list of %zu to %zu %s", min, max, of_what);
}

int s3p_node_int(const struct s3p_reader *r, const struct s3p_node *n, int64_t min, int64_t max,
                 int64_t *out)
{
    *out = json_integer_value(n->value);
    if (json_is_integer(n->value) && *out >= min && *out <= max)
        return 0;
    return s3p_node_bad(r, n, "an integer from %lld to %lld", (long long)min, (long long)max);
}

int s3p_node_real(const struct s3p_reader *r, const struct s3p_node *n, double above, double max,
                  double *out)
{
    *out = json_number_value(n->value);
    if (json_is_number(n->value) && *out > above && *out <= max)
        return 0;
    if (above < 0)
        return s3p_node_bad(r, n, "a number from 0 to %.15g", max);
    return s3p_node_bad(r, n, "a number above %.15g and up to %.15g", above, max);
}

int s3p_node_text(const struct s3p_reader *r, const struct s3p_node *n, size_t min, size_t max,
                  struct s3p_str *out)
{
    size_t len = json_string_length(n->value);
    if (!json_is_string(n->value) || len < min || len > max)
        return s3p_node_bad(r, n, "a text of %zu to %zu bytes", min, max);
    out->p = s3p_arena_strndup(r->arena, json_string_value(n->value), len);
    out->len = len;
    return out->p != NULL ? 0 : s3p_node_no_memory(r);
}

int s3p_node_name(const struct s3p_reader *r, const struct s3p_node *n, struct s3p_str *out)
{
    const char *p = json_string_value(n->value);
    size_t len = json_string_length(n->value);
    if (p == NULL || len == 0 || len > 63 ||
        strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
        return s3p_node_bad(r, n, "a text of 1 to 63 of a-z, 0-9 and -");
    return s3p_node_text(r, n, 1, 63, out);
}

int s3p_node_word(const struct s3p_reader *r, const struct s3p_node *n, const char *const *words,
                  int nwords, int *out)
{
    const char *p = json_string_value(n->value);
    char all[120];
    size_t len = 0;
    for (int i = 0; i < nwords; i++) {
        if (words[i] == NULL)
            continue;
        if (p != NULL && strcmp(p, words[i]) == 0) {
            *out = i;
            return 0;
        }
        len +=
            (size_t)snprintf(all + len, sizeof all - len, "%s%s", len == 0 ? "" : ", ", words[i]);
    }
    return s3p_node_bad(r, n, "one of %s", all);
}

int s3p_opt_int(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
                int64_t min, int64_t max, int64_t *out)
{
    struct s3p_node n;
    return s3p_node_get(object, key, &n) ? s3p_node_int(r, &n, min, max, out) : 0;
}

int s3p_opt_real(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
                 double above, double max, double *out)
{
    struct s3p_node n;
    return s3p_node_get(object, key, &n) ? s3p_node_real(r, &n, above, max, out) : 0;
}

int s3p_opt_text(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
                 size_t min, size_t max, struct s3p_str *out)
{
    struct s3p_node n;
    return s3p_node_get(object, key, &n) ? s3p_node_text(r, &n, min, max, out) : 0;
}

int s3p_opt_word(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
                 const char *const *words, int nwords, int *out)
{
    struct s3p_node n;
    return s3p_node_get(object, key, &n) ? s3p_node_word(r, &n, words, nwords, out) : 0;
}

int s3p_need(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
             const char *expected, struct s3p_node *child)
{
    return s3p_node_get(object, key, child) ? 0 : s3p_node_missing(r, object, key, expected);
}
