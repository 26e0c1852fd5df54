#include "server/mutant_spec.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/text.h"
#include "server/mutant_rows.h"

static const struct {
    const char *operation, *verb;
} verbs[] = {
    {"PutObject", "put"},
    {"GetObject", "get"},
    {"HeadObject", "head"},
    {"DeleteObject", "delete"},
    {"DeleteObjects", "delete_objects"},
    {"ListObjectsV2", "list"},
    {"ListObjects", "list_v1"},
    {"CreateBucket", "create_bucket"},
    {"HeadBucket", "head_bucket"},
    {"DeleteBucket", "delete_bucket"},
};

const char *s3p_srv_verb(const char *operation)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].operation, operation) == 0)
            return verbs[i].verb;
    return NULL;
}

static int bad(struct s3p_err *err, struct s3p_str field, struct s3p_str value,
               const char *expected)
{
    return s3p_fail(err, S3P_EINVAL, 0, "mutant %.*s: \"%.*s\": expected %s",
                    (int)(field.len & 0xff), field.p, (int)(value.len & 0xff), value.p, expected);
}

static int take_count(struct s3p_str name, struct s3p_str value, uint64_t min, uint64_t max,
                      const char *expected, uint64_t *out, struct s3p_err *err)
{
    if (!s3p_parse_u64(value.p, value.len, out) || *out < min || *out > max)
        return bad(err, name, value, expected);
    return 0;
}

static int take_p(struct s3p_str name, struct s3p_str value, double *out, struct s3p_err *err)
{
    char text[32] = {0}, *end;
    if (value.len < sizeof text)
        memcpy(text, value.p, value.len);
    *out = strtod(text, &end);
    if (value.len == 0 || value.len >= sizeof text || *end != 0 || !(*out > 0.0 && *out <= 1.0))
        return bad(err, name, value, "a probability above 0, up to 1");
    return 0;
}

static int take_verb(struct s3p_str name, struct s3p_str value, const char **out,
                     struct s3p_err *err)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (s3p_str_eq(value, verbs[i].verb)) {
            *out = verbs[i].verb;
            return 0;
        }
    return bad(err, name, value, "a verb of a plan such as put, get, head, delete, list");
}

static int take_key(struct s3p_str name, struct s3p_str value, char *out, struct s3p_err *err)
{
    if (value.len < 1 || value.len > S3P_SRV_GLOB_MAX)
        return bad(err, name, value, "a pattern of 1 to 255 bytes");
    memcpy(out, value.p, value.len);
    out[value.len] = 0;
    return 0;
}

static int take(struct s3p_srv_mutant_spec *s, struct s3p_str name, struct s3p_str value,
                struct s3p_err *err)
{
    uint64_t n = 0;
    if (s3p_str_eq(name, "p"))
        return take_p(name, value, &s->p, err);
    if (s3p_str_eq(name, "every"))
        return take_count(name, value, 1, INT64_MAX, "a count from 1", &s->every, err);
    if (s3p_str_eq(name, "op"))
        return take_verb(name, value, &s->verb, err);
    if (s3p_str_eq(name, "key"))
        return take_key(name, value, s->key, err);
    if (s3p_str_eq(name, "endpoint")) {
        S3P_TRY(take_count(name, value, 0, 15, "an endpoint from 0 to 15", &n, err));
        s->endpoint = (int)n;
        return 0;
    }
    if (s3p_str_eq(name, "min_inflight")) {
        S3P_TRY(take_count(name, value, 1, 100000, "a count from 1 to 100000", &n, err));
        s->min_inflight = (unsigned)n;
        return 0;
    }
    if (s3p_str_eq(name, "after")) {
        S3P_TRY(take_count(name, value, 0, 86400, "seconds from 0 to 86400", &n, err));
        s->after_ns = (int64_t)n * S3P_S;
        return 0;
    }
    if (s3p_str_eq(name, "delay_ms")) {
        S3P_TRY(take_count(name, value, 0, 600000, "milliseconds from 0 to 600000", &n, err));
        s->delay_ns = (int64_t)n * S3P_MS;
        return 0;
    }
    return bad(err, S3P_STR("parameter"), name,
               "p, every, op, key, endpoint, min_inflight, after or delay_ms");
}

static struct s3p_str cut(struct s3p_str *s, char sep)
{
    const char *at = s->len > 0 ? memchr(s->p, sep, s->len) : NULL;
    struct s3p_str head = {s->p, at != NULL ? (size_t)(at - s->p) : s->len};
    size_t used = at != NULL ? head.len + 1 : head.len;
    *s = (struct s3p_str){s->p + used, s->len - used};
    return head;
}

int s3p_srv_mutant_parse(struct s3p_srv_mutant_spec *out, const char *text, size_t len,
                         struct s3p_err *err)
{
    struct s3p_str rest = {text, len}, name = cut(&rest, ':');
    const struct s3p_srv_mutant_row *row;
    size_t i = 0;
    while ((row = s3p_srv_mutant_row(i)) != NULL && !s3p_str_eq(name, row->name))
        i++;
    if (row == NULL)
        return bad(err, S3P_STR("name"), name, "one that `s3prod mutants` lists");
    *out = (struct s3p_srv_mutant_spec){.row = (unsigned)i,
                                        .p = row->p > 0 ? row->p : 1.0,
                                        .every = 1,
                                        .endpoint = -1,
                                        .min_inflight = 1,
                                        .delay_ns = (int64_t)row->delay_ms * S3P_MS};
    if (name.len < len && rest.len == 0)
        return bad(err, name, rest, "parameters behind the colon");
    while (rest.len > 0) {
        struct s3p_str value = cut(&rest, ',');
        struct s3p_str field = cut(&value, '=');
        S3P_TRY(take(out, field, value, err));
    }
    return 0;
}
