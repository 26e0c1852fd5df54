#include "server/xml_write.h"

#include "core/text.h"

void s3p_srv_xml_open(struct s3p_buf *out, const char *tag)
{
    s3p_buf_char(out, '<');
    s3p_buf_str(out, tag);
    s3p_buf_char(out, '>');
}

void s3p_srv_xml_close(struct s3p_buf *out, const char *tag)
{
    s3p_buf_str(out, "</");
    s3p_buf_str(out, tag);
    s3p_buf_char(out, '>');
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

static const char *reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

void s3p_srv_xml_text(struct s3p_buf *out, const char *tag, struct s3p_str text)
{
    s3p_srv_xml_open(out, tag);
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *ref = reference(text.p[i]);
        if (ref == NULL)
            continue;
        s3p_buf_add(out, text.p + from, i - from);
        s3p_buf_str(out, ref);
        from = i + 1;
    }
    s3p_buf_add(out, text.p + from, text.len - from);
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
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (unreserved(c) || (keep_slash && c == '/')) {
            s3p_buf_char(out, (char)c);
            continue;
        }
        char quoted[3] = {'%', digits[c >> 4], digits[c & 15]};
        s3p_buf_add(out, quoted, sizeof quoted);
    }
}

void s3p_srv_xml_url(struct s3p_buf *out, const char *tag, struct s3p_str text)
{
    s3p_srv_xml_open(out, tag);
    s3p_srv_url_encode(out, text, true);
    s3p_srv_xml_close(out, tag);
}

void s3p_srv_xml_u64(struct s3p_buf *out, const char *tag, uint64_t v)
{
    s3p_srv_xml_open(out, tag);
    s3p_buf_u64(out, v);
    s3p_srv_xml_close(out, tag);
}

void s3p_srv_xml_bool(struct s3p_buf *out, const char *tag, bool v)
{
    s3p_srv_xml_text(out, tag, v ? S3P_STR("true") : S3P_STR("false"));
}

void s3p_srv_xml_time(struct s3p_buf *out, const char *tag, int64_t wall_ns)
{
    char text[24];
    s3p_iso_date(text, wall_ns);
    s3p_srv_xml_text(out, tag, (struct s3p_str){text, sizeof text});
}
