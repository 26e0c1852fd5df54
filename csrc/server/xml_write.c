#include "server/xml_write.h"

#include <limits.h>
#include <string.h>

#include "core/text.h"

/* Element and text in one piece: a page has thousands of them. */
static void add_element(struct s3p_buf *out, const char *tag, struct s3p_str text)
{
    size_t n = strlen(tag);
    char *p = s3p_buf_grow(out, 2 * n + text.len + 5);
    if (p == NULL)
        return;
    *p++ = '<';
    p = mempcpy(p, tag, n);
    *p++ = '>';
    if (text.len > 0) /* a view of nothing may point nowhere */
        p = mempcpy(p, text.p, text.len);
    *p++ = '<';
    *p++ = '/';
    p = mempcpy(p, tag, n);
    *p = '>';
}

void s3p_srv_xml_open(struct s3p_buf *out, const char *tag)
{
    size_t n = strlen(tag);
    char *p = s3p_buf_grow(out, n + 2);
    if (p == NULL)
        return;
    *p++ = '<';
    p = mempcpy(p, tag, n);
    *p = '>';
}

void s3p_srv_xml_close(struct s3p_buf *out, const char *tag)
{
    size_t n = strlen(tag);
    char *p = s3p_buf_grow(out, n + 3);
    if (p == NULL)
        return;
    *p++ = '<';
    *p++ = '/';
    p = mempcpy(p, tag, n);
    *p = '>';
}

void s3p_srv_xml_begin(struct s3p_buf *out, const char *xmlns, const char *root)
{
    s3p_buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
    s3p_buf_str(out, root);
    if (xmlns != NULL) {
        s3p_buf_str(out, " xmlns=\"");
        s3p_buf_str(out, xmlns);
        s3p_buf_char(out, '"');
    }
    s3p_buf_char(out, '>');
}

static const char *const references[UCHAR_MAX + 1] = {
    ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\r'] = "&#13;",
};

static const char *reference(char c)
{
    return references[(unsigned char)c];
}

/* How many bytes in front need no reference. */
static size_t plain(struct s3p_str text)
{
    size_t n = 0;
    while (n < text.len && reference(text.p[n]) == NULL)
        n++;
    return n;
}

void s3p_srv_xml_text(struct s3p_buf *out, const char *tag, struct s3p_str text)
{
    size_t n = plain(text);
    if (n == text.len) {
        add_element(out, tag, text);
        return;
    }
    s3p_srv_xml_open(out, tag);
    while (n < text.len) {
        s3p_buf_add(out, text.p, n);
        s3p_buf_str(out, reference(text.p[n]));
        text = (struct s3p_str){text.p + n + 1, text.len - n - 1};
        n = plain(text);
    }
    s3p_buf_view(out, text);
    s3p_srv_xml_close(out, tag);
}

static bool unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void s3p_srv_url_encode(struct s3p_buf *out, struct s3p_str s, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (unreserved(c) || (keep_slash && c == '/'))
            continue;
        char quoted[3] = {'%', digits[c >> 4], digits[c & 15]};
        s3p_buf_add(out, s.p + from, i - from);
        s3p_buf_add(out, quoted, sizeof quoted);
        from = i + 1;
    }
    s3p_buf_add(out, s.p + from, s.len - from);
}

void s3p_srv_xml_url(struct s3p_buf *out, const char *tag, struct s3p_str text)
{
    s3p_srv_xml_open(out, tag);
    s3p_srv_url_encode(out, text, true);
    s3p_srv_xml_close(out, tag);
}

void s3p_srv_xml_u64(struct s3p_buf *out, const char *tag, uint64_t v)
{
    char digits[20];
    add_element(out, tag, (struct s3p_str){digits, s3p_u64_text(digits, v)});
}

void s3p_srv_xml_bool(struct s3p_buf *out, const char *tag, bool v)
{
    s3p_srv_xml_text(out, tag, v ? S3P_STR("true") : S3P_STR("false"));
}

void s3p_srv_xml_time(struct s3p_buf *out, const char *tag, int64_t wall_ns)
{
    char text[24];
    s3p_iso_date(text, wall_ns);
    add_element(out, tag, (struct s3p_str){text, sizeof text});
}
