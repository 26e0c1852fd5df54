/* Reading the JSON vectors. */
#ifndef S3P_TESTS_S3_VEC_H
#define S3P_TESTS_S3_VEC_H

#include <jansson.h>

#include "core/buf.h"
#include "core/text.h"
#include "s3/id.h"
#include "tests/t.h"

static inline json_t *vec_load(const char *path)
{
    json_error_t e;
    json_t *root = json_load_file(path, 0, &e);
    if (root == NULL)
        t_fail(__FILE__, __LINE__, "%s:%d: %s", path, e.line, e.text);
    return root;
}

static inline json_t *vec_list(json_t *root, const char *name, size_t at_least)
{
    json_t *list = json_object_get(root, name);
    if (json_array_size(list) < at_least)
        t_fail(__FILE__, __LINE__, "%s: %zu vectors", name, json_array_size(list));
    return list;
}

/* A missing text is empty, a missing number 0. */
static inline struct s3p_str vec_str(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    const char *p = json_string_value(v);
    return (struct s3p_str){p == NULL ? "" : p, json_string_length(v)};
}

static inline int64_t vec_int(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static inline bool vec_bool(const json_t *o, const char *name)
{
    return json_is_true(json_object_get(o, name));
}

static inline struct s3p_id vec_id(const json_t *o, const char *name)
{
    struct s3p_id id = {{0}};
    struct s3p_str text = vec_str(o, name);
    if (text.len > 0)
        T_TRUE(s3p_id_parse(&id, text.p, text.len));
    return id;
}

static inline void vec_expect(const json_t *vector, const char *got, size_t len,
                              struct s3p_str want)
{
    if (len == want.len && (len == 0 || memcmp(got, want.p, len) == 0))
        return;
    char *text = json_dumps(vector, JSON_COMPACT);
    t_fail(__FILE__, __LINE__, "got\n%.*s\nwant\n%.*s\nfor %.300s", (int)len, got, (int)want.len,
           want.p, text);
}

#endif
