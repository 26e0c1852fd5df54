#include <stddef.h>
#include <string.h>

#include "check/pages.h"
#include "core/text.h"

#define FIELD(name) offsetof(struct s3p_page_args, name)
static const struct {
    const char *name;
    size_t at;
} params[] = {
    {"prefix", FIELD(prefix)},
    {"delimiter", FIELD(delimiter)},
    {"start-after", FIELD(start)},
    {"marker", FIELD(start)},
    {"key-marker", FIELD(start)},
    {"part-number-marker", FIELD(start)},
    {"version-id-marker", FIELD(id)},
    {"upload-id-marker", FIELD(id)},
    {"continuation-token", FIELD(token)},
    {"max-keys", FIELD(max)},
    {"max-uploads", FIELD(max)},
    {"max-parts", FIELD(max)},
};

/* Undoes the percent-encoding into `texts`, which has room. */
static bool decode(struct s3p_buf *texts, struct s3p_str in, struct s3p_str *out)
{
    size_t from = texts->len;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.p[i];
        if (c == '%') {
            if (in.len - i < 3 || !s3p_unhex(&c, in.p + i + 1, 2))
                return false;
            i += 2;
        }
        s3p_buf_char(texts, c);
    }
    *out = (struct s3p_str){texts->data + from, texts->len - from};
    return s3p_buf_ok(texts);
}

static bool take(struct s3p_page_args *a, struct s3p_buf *texts, struct s3p_str part)
{
    const char *eq = memchr(part.p, '=', part.len);
    if (eq == NULL)
        return true;
    struct s3p_str name = {part.p, (size_t)(eq - part.p)}, value;
    if (!decode(texts, (struct s3p_str){eq + 1, part.len - name.len - 1}, &value))
        return false;
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        if (!s3p_str_eq(name, params[i].name))
            continue;
        if (params[i].at == FIELD(max))
            return s3p_parse_u64(value.p, value.len, &a->max);
        memcpy((char *)a + params[i].at, &value, sizeof value);
    }
    return true;
}

int s3p_page_args(struct s3p_page_args *a, struct s3p_buf *texts, struct s3p_str query,
                  uint64_t record, struct s3p_err *err)
{
    struct s3p_str none = S3P_STR("");
    *a = (struct s3p_page_args){none, none, none, none, none, S3P_PAGE_MAX};
    for (size_t at = 0; at < query.len;) {
        const char *amp = memchr(query.p + at, '&', query.len - at);
        size_t end = amp != NULL ? (size_t)(amp - query.p) : query.len;
        if (!take(a, texts, (struct s3p_str){query.p + at, end - at}))
            return s3p_fail(err, S3P_EFORMAT, 0, "record %llu: page arguments \"%.*s\"",
                            (unsigned long long)record, (int)(query.len < 200 ? query.len : 200),
                            query.p);
        at = end + 1;
    }
    return 0;
}
