#include "s3/xml.h"

#include <string.h>

#include "s3/xml_read.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *s3p_xml_skip_prolog(const char *p, const char *end)
{
    if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    for (;;) {
        while (p < end && is_blank(*p))
            p++;
        if (end - p < 2 || p[0] != '<' || p[1] != '?')
            return p;
        const char *close = memmem(p, (size_t)(end - p), "?>", 2);
        if (close == NULL)
            return end;
        p = close + 2;
    }
}

/* The text between <name> and </name>, the first time it occurs. */
static struct s3p_str element(const char *p, const char *end, const char *open, const char *close)
{
    struct s3p_str text = {"", 0};
    size_t open_len = strlen(open);
    const char *from = memmem(p, (size_t)(end - p), open, open_len);
    if (from == NULL)
        return text;
    from += open_len;
    const char *to = memmem(from, (size_t)(end - from), close, strlen(close));
    if (to != NULL)
        text = (struct s3p_str){from, (size_t)(to - from)};
    return text;
}

bool s3p_xml_error(const char *p, size_t len, struct s3p_str *code, struct s3p_str *message)
{
    static const char open[] = "<Error";
    const char *end = p + len;
    *code = *message = (struct s3p_str){"", 0};
    if (len == 0)
        return false;
    p = s3p_xml_skip_prolog(p, end);
    if ((size_t)(end - p) < sizeof open || memcmp(p, open, sizeof open - 1) != 0)
        return false;
    p += sizeof open - 1;
    if (*p != '>' && *p != '/' && !is_blank(*p))
        return false;
    *code = element(p, end, "<Code>", "</Code>");
    *message = element(p, end, "<Message>", "</Message>");
    return true;
}

static struct s3p_str escape_of(char c)
{
    switch (c) {
    case '&':
        return S3P_STR("&amp;");
    case '<':
        return S3P_STR("&lt;");
    case '>':
        return S3P_STR("&gt;");
    case '"':
        return S3P_STR("&quot;");
    case '\r':
        return S3P_STR("&#13;");
    default:
        return (struct s3p_str){NULL, 0};
    }
}

void s3p_xml_escape(struct s3p_buf *out, const char *p, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        struct s3p_str escape = escape_of(p[i]);
        if (escape.p == NULL)
            continue;
        s3p_buf_add(out, p + from, i - from);
        s3p_buf_view(out, escape);
        from = i + 1;
    }
    s3p_buf_add(out, p + from, len - from);
}
