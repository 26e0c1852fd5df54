#include "http/url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/text.h"

static int bad_endpoint(struct s3p_err *err, const char *text, const char *what)
{
    return s3p_fail(err, S3P_EINVAL, 0,
                    "endpoint \"%.100s\": %s; expected http[s]://host[:port]", text, what);
}

static bool host_ok(const char *p, size_t len, bool v6)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        if (v6 ? !isxdigit(c) && c != ':' && c != '.' : !isalnum(c) && strchr("-._", c) == NULL)
            return false;
    }
    return len > 0 && len < sizeof((struct s3p_url *)0)->host;
}

int s3p_url_parse(struct s3p_url *u, const char *text, struct s3p_err *err)
{
    *u = (struct s3p_url){0};
    const char *p = text;
    if (strncasecmp(p, "https://", 8) == 0)
        u->tls = true;
    else if (strncasecmp(p, "http://", 7) != 0)
        return bad_endpoint(err, text, "unknown scheme");
    p += u->tls ? 8 : 7;
    bool v6 = *p == '[';
    p += v6;
    size_t len = strcspn(p, v6 ? "]" : ":/?#@");
    if (!host_ok(p, len, v6) || (v6 && p[len] != ']'))
        return bad_endpoint(err, text, "bad host");
    memcpy(u->host, p, len);
    p += len + v6;
    int standard = u->tls ? 443 : 80;
    uint64_t port = (uint64_t)standard;
    if (*p == ':') {
        len = strspn(++p, "0123456789");
        if (!s3p_parse_u64(p, len, &port) || port < 1 || port > 65535)
            return bad_endpoint(err, text, "bad port");
        p += len;
    }
    if (strcmp(p, "") != 0 && strcmp(p, "/") != 0)
        return bad_endpoint(err, text, "more than a host and a port");
    u->port = (int)port;
    int n = snprintf(u->authority, sizeof u->authority, v6 ? "[%s]" : "%s", u->host);
    if (u->port != standard)
        snprintf(u->authority + n, sizeof u->authority - (size_t)n, ":%d", u->port);
    return 0;
}
