#include "py/url.h"

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/text.h"
#include "s3/sign.h"

#define PARAMS_MAX 256

static bool cut_prefix(struct s3p_str *s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (s->len < n || memcmp(s->p, prefix, n) != 0)
        return false;
    s->p += n;
    s->len -= n;
    return true;
}

/* The length up to the first of `stops`, or all. */
static size_t length_to(struct s3p_str s, const char *stops)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr(stops, s.p[i]) != NULL)
            return i;
    return s.len;
}

static struct s3p_str without_port(struct s3p_str authority, const char *port)
{
    size_t n = strlen(port);
    if (authority.len > n && memcmp(authority.p + authority.len - n, port, n) == 0)
        authority.len -= n;
    return authority;
}

int s3p_url_split(struct s3p_url_parts *u, struct s3p_str text, struct s3p_err *err)
{
    struct s3p_str rest = text;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f || text.p[i] == '#')
            return s3p_fail(
                err, S3P_EINVAL, 0,
                "url: a blank, control byte or '#' is in it; encode it as %%20, %%23 …");
    bool tls = cut_prefix(&rest, "https://");
    if (!tls && !cut_prefix(&rest, "http://"))
        return s3p_fail(err, S3P_EINVAL, 0, "url: it begins with neither http:// nor https://");
    u->scheme = tls ? S3P_STR("https") : S3P_STR("http");
    size_t n = length_to(rest, "/?");
    u->authority = without_port((struct s3p_str){rest.p, n}, tls ? ":443" : ":80");
    if (n == 0 || memchr(rest.p, '@', n) != NULL)
        return s3p_fail(err, S3P_EINVAL, 0, "url: host[:port] is expected behind the scheme");
    rest = (struct s3p_str){rest.p + n, rest.len - n};
    n = length_to(rest, "?");
    u->path = n == 0 ? S3P_STR("/") : (struct s3p_str){rest.p, n};
    u->query =
        n < rest.len ? (struct s3p_str){rest.p + n + 1, rest.len - n - 1} : (struct s3p_str){"", 0};
    return 0;
}

/* Decodes %XX in place; the result is never longer. A '+' is a plus sign, as S3 has it. */
static bool decode(char *p, size_t *len)
{
    size_t to = 0;
    for (size_t i = 0; i < *len; i++, to++) {
        if (p[i] != '%') {
            p[to] = p[i];
            continue;
        }
        if (*len - i < 3 || !s3p_unhex(&p[to], p + i + 1, 2))
            return false;
        i += 2;
    }
    *len = to;
    return true;
}

static int add_part(struct s3p_buf *out, struct s3p_str part, struct s3p_err *err)
{
    char *copy = s3p_strndup(part.p, part.len);
    size_t len = part.len;
    if (copy == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "url: out of memory");
    bool ok = decode(copy, &len);
    if (ok)
        s3p_uri_encode(out, copy, len, false);
    s3p_free(copy);
    return ok ? 0 : s3p_fail(err, S3P_EINVAL, 0, "url: '%%' without two hex digits in the query");
}

struct param {
    size_t at, name_len, len; /* in the buffer of encoded parameters */
    const struct s3p_buf *in;
};

/* By name, then by value: '=' must not take part, it sorts behind digits. */
static int compare(const void *a, const void *b)
{
    const struct param *x = a, *y = b;
    const char *p = x->in->data + x->at, *q = y->in->data + y->at;
    int order = memcmp(p, q, x->name_len < y->name_len ? x->name_len : y->name_len);
    if (order != 0 || x->name_len != y->name_len)
        return order != 0 ? order : x->name_len < y->name_len ? -1 : 1;
    order = memcmp(p, q, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : x->len < y->len ? -1 : x->len > y->len;
}

/* "name=value" of one parameter, encoded; "name=" when it is bare. */
static int add_param(struct s3p_buf *encoded, struct s3p_str text, struct param *p,
                     struct s3p_err *err)
{
    size_t name = length_to(text, "=");
    *p = (struct param){.at = encoded->len, .in = encoded};
    S3P_TRY(add_part(encoded, (struct s3p_str){text.p, name}, err));
    p->name_len = encoded->len - p->at;
    s3p_buf_char(encoded, '=');
    if (name < text.len)
        S3P_TRY(add_part(encoded, (struct s3p_str){text.p + name + 1, text.len - name - 1}, err));
    p->len = encoded->len - p->at;
    return 0;
}

int s3p_url_canonical_query(struct s3p_buf *out, struct s3p_str query, struct s3p_err *err)
{
    struct param param[PARAMS_MAX];
    struct s3p_buf encoded;
    int n = 0, rc = 0;
    s3p_buf_init(&encoded, out->max);
    while (rc == 0 && query.len > 0) {
        size_t len = length_to(query, "&");
        if (len > 0 && n == PARAMS_MAX)
            rc = s3p_fail(err, S3P_EINVAL, 0, "url: more than %d query parameters", PARAMS_MAX);
        else if (len > 0)
            rc = add_param(&encoded, (struct s3p_str){query.p, len}, &param[n++], err);
        len += len < query.len;
        query = (struct s3p_str){query.p + len, query.len - len};
    }
    if (rc == 0 && !s3p_buf_ok(&encoded))
        rc = s3p_fail(err, S3P_EINVAL, 0, "url: the query is too long");
    if (rc == 0)
        qsort(param, (size_t)n, sizeof param[0], compare);
    for (int i = 0; rc == 0 && i < n; i++) {
        if (i > 0)
            s3p_buf_char(out, '&');
        s3p_buf_add(out, encoded.data + param[i].at, param[i].len);
    }
    s3p_buf_free(&encoded);
    return rc;
}
