#include "proxy/spec.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/text.h"

static int bad(struct s3p_err *err, struct s3p_str field, struct s3p_str value,
               const char *expected)
{
    return s3p_fail(err, S3P_EINVAL, 0, "fault %.*s: \"%.*s\": expected %s",
                    (int)(field.len < 40 ? field.len : 40), field.p,
                    (int)(value.len < 40 ? value.len : 40), value.p, expected);
}

enum kind { COUNT, SECONDS, MILLIS, INTEGER, PROBABILITY, VERB, PATTERN, CODE, BODY, SIDE, HOW };

static const struct parameter {
    const char *name;
    enum kind kind;
    uint8_t has; /* the row must; 0: every row */
    size_t offset;
    uint64_t min, max;
    const char *expected;
} parameters[] = {
#define AT(field) offsetof(struct s3p_px_spec, field)
    {"p", PROBABILITY, 0, AT(p), 0, 0, "a probability above 0, up to 1"},
    {"every", COUNT, 0, AT(every), 1, INT64_MAX, "a count from 1"},
    {"nth", COUNT, 0, AT(nth), 1, INT64_MAX, "a count from 1"},
    {"op", VERB, 0, AT(op), 0, 0, "a step such as put, get, list that the fault can meet"},
    {"key", PATTERN, 0, AT(key), 1, S3P_PX_GLOB_MAX, "a pattern of 1 to 255 bytes"},
    {"endpoint", INTEGER, 0, AT(endpoint), 0, S3P_PX_ENDPOINTS_MAX - 1, "an endpoint from 0 to 15"},
    {"after", SECONDS, 0, AT(after_ns), 0, 86400, "seconds from 0 to 86400"},
    {"for", SECONDS, 0, AT(for_ns), 1, 86400, "seconds from 1 to 86400"},
    {"status", INTEGER, S3P_PX_HAS_STATUS, AT(status), 200, 599, "a status from 200 to 599"},
    {"retry_after", INTEGER, S3P_PX_HAS_STATUS, AT(retry_after), 0, 3600, "seconds, 0 to 3600"},
    {"code", CODE, S3P_PX_HAS_STATUS, AT(code), 1, S3P_PX_CODE_MAX, "a code of 1 to 63 letters"},
    {"body", BODY, S3P_PX_HAS_STATUS, AT(body), 0, S3P_PX_BODY_MAX,
     "a text of up to 511 bytes, percent-encoded"},
    {"delay_ms", MILLIS, S3P_PX_HAS_DELAY, AT(delay_ns), 0, 600000, "milliseconds, 0 to 600000"},
    {"bytes", COUNT, S3P_PX_HAS_BYTES, AT(bytes), 0, INT64_MAX, "a count of bytes"},
    {"rate", COUNT, S3P_PX_HAS_RATE, AT(rate), 1, UINT64_C(1) << 40, "a count a second from 1"},
    {"side", SIDE, S3P_PX_HAS_SIDE, AT(side), 0, 0, "request or response"},
    {"how", HOW, S3P_PX_HAS_HOW, AT(how), 0, 0,
     "close or hang; of stale-connection close or surplus; of duplicate-delivery first or second"},
#undef AT
};

static bool take_probability(struct s3p_str value, double *out)
{
    char text[32] = {0}, *end;
    if (value.len == 0 || value.len >= sizeof text)
        return false;
    memcpy(text, value.p, value.len);
    *out = strtod(text, &end);
    return *end == 0 && *out > 0.0 && *out <= 1.0;
}

static bool take_verb(const struct s3p_px_row *row, struct s3p_str value, enum s3p_op *out)
{
    *out = s3p_op_find(value.p, value.len);
    return *out != S3P_OP_NONE && *out != S3P_OP_DELETE_CHILD &&
           (row->ops == 0 || (row->ops >> *out & 1) != 0);
}

static bool take_text(const struct parameter *q, struct s3p_str value, char *out)
{
    if (value.len < q->min || value.len > q->max || memchr(value.p, 0, value.len) != NULL)
        return false;
    for (size_t i = 0; q->kind == CODE && i < value.len; i++)
        if ((value.p[i] | 0x20) < 'a' || (value.p[i] | 0x20) > 'z')
            return false;
    memcpy(out, value.p, value.len);
    out[value.len] = 0;
    return true;
}

static bool take_body(struct s3p_str value, struct s3p_px_spec *s)
{
    size_t n = 0;
    for (size_t i = 0; i < value.len; i++, n++) {
        if (n == S3P_PX_BODY_MAX)
            return false;
        s->body[n] = value.p[i];
        if (value.p[i] != '%')
            continue;
        if (i + 2 >= value.len || !s3p_unhex(&s->body[n], value.p + i + 1, 2))
            return false;
        i += 2;
    }
    s->body[n] = 0;
    s->has_body = memchr(s->body, 0, n) == NULL;
    return s->has_body;
}

static bool take_how(const struct s3p_px_row *row, struct s3p_str value, enum s3p_px_how *out)
{
    static const struct {
        const char *name;
        enum s3p_px_how how;
    } names[] = {{"close", S3P_PX_CLOSE}, {"hang", S3P_PX_HANG},     {"surplus", S3P_PX_SURPLUS},
                 {"first", S3P_PX_FIRST}, {"second", S3P_PX_SECOND}};
    *out = S3P_PX_DEFAULT;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (s3p_str_eq(value, names[i].name))
            *out = names[i].how;
    if (row->deliveries == 2)
        return *out >= S3P_PX_FIRST;
    return *out == S3P_PX_CLOSE || *out == (row->once_more ? S3P_PX_SURPLUS : S3P_PX_HANG);
}

static bool take(const struct parameter *q, const struct s3p_px_row *row, struct s3p_str value,
                 struct s3p_px_spec *s)
{
    void *at = (char *)s + q->offset;
    uint64_t n = 0;
    switch (q->kind) {
    case PROBABILITY:
        return take_probability(value, at);
    case VERB:
        return take_verb(row, value, at);
    case PATTERN:
    case CODE:
        return take_text(q, value, at);
    case BODY:
        return take_body(value, s);
    case SIDE:
        s->side = s3p_str_eq(value, "request") ? S3P_PX_REQUEST : S3P_PX_RESPONSE;
        return s3p_str_eq(value, "request") || s3p_str_eq(value, "response");
    case HOW:
        return take_how(row, value, at);
    default:
        break;
    }
    if (!s3p_parse_u64(value.p, value.len, &n) || n < q->min || n > q->max)
        return false;
    if (q->kind == INTEGER)
        memcpy(at, &(int){(int)n}, sizeof(int));
    else
        memcpy(at, &(uint64_t){n * (q->kind == SECONDS ? S3P_S : q->kind == MILLIS ? S3P_MS : 1)},
               sizeof n);
    return true;
}

static struct s3p_str cut(struct s3p_str *s, char sep)
{
    const char *at = s->len > 0 ? memchr(s->p, sep, s->len) : NULL;
    struct s3p_str head = {s->p, at != NULL ? (size_t)(at - s->p) : s->len};
    size_t used = at != NULL ? head.len + 1 : head.len;
    *s = (struct s3p_str){s->p + used, s->len - used};
    return head;
}

int s3p_px_spec_parse(struct s3p_px_spec *out, const char *text, size_t len, struct s3p_err *err)
{
    struct s3p_str rest = {text, len}, name = cut(&rest, ':');
    size_t n, i = 0, nq = sizeof parameters / sizeof parameters[0];
    const struct s3p_px_row *rows = s3p_px_rows(&n), *row;
    while (i < n && !s3p_str_eq(name, rows[i].name))
        i++;
    if (i == n)
        return bad(err, S3P_STR("name"), name, "a fault that `s3prod proxy --help` lists");
    row = &rows[i];
    *out = (struct s3p_px_spec){.row = (unsigned)i,
                                .p = 1.0,
                                .every = 1,
                                .endpoint = -1,
                                .status = row->status,
                                .retry_after = -1,
                                .delay_ns = row->delay_ms * S3P_MS,
                                .for_ns = S3P_NEVER,
                                .bytes = -1,
                                .rate = row->rate,
                                .side = row->side};
    if (name.len < len && rest.len == 0)
        return bad(err, name, rest, "parameters behind the colon");
    while (rest.len > 0) {
        struct s3p_str value = cut(&rest, ','), field = cut(&value, '=');
        size_t k = 0;
        while (k < nq && !(s3p_str_eq(field, parameters[k].name) &&
                           (parameters[k].has == 0 || (row->has & parameters[k].has) != 0)))
            k++;
        if (k == nq)
            return bad(err, S3P_STR("parameter"), field, "one that this fault has");
        if (!take(&parameters[k], row, value, out))
            return bad(err, field, value, parameters[k].expected);
    }
    if (row->one_endpoint && out->endpoint < 0)
        out->endpoint = 0;
    return 0;
}
