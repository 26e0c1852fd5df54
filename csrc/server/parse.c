#include "server/parse.h"

#include <string.h>
#include <strings.h>

#include "server/xml_write.h"

void s3p_srv_head_init(struct s3p_srv_head *h)
{
    memset(h, 0, offsetof(struct s3p_srv_head, args));
    h->overflow = false;
    s3p_buf_init(&h->text, 8 * S3P_SRV_TARGET_MAX);
}

void s3p_srv_head_free(struct s3p_srv_head *h)
{
    s3p_buf_free(&h->text);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool s3p_srv_url_decode(struct s3p_buf *text, struct s3p_str s, struct s3p_str *out)
{
    size_t from = text->len;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] != '%') {
            s3p_buf_char(text, s.p[i]);
            continue;
        }
        if (s.len - i < 3)
            return false;
        int hi = digit(s.p[i + 1]), lo = digit(s.p[i + 2]);
        if (hi < 0 || lo < 0)
            return false;
        s3p_buf_char(text, (char)(hi << 4 | lo));
        i += 2;
    }
    *out = (struct s3p_str){text->data + from, text->len - from};
    return true;
}

static struct s3p_str encode(struct s3p_buf *text, struct s3p_str s)
{
    size_t from = text->len;
    s3p_srv_url_encode(text, s, false);
    return (struct s3p_str){text->data + from, text->len - from};
}

static bool parse_arg(struct s3p_srv_head *h, struct s3p_str pair)
{
    const char *eq = memchr(pair.p, '=', pair.len);
    struct s3p_str name = {pair.p, eq != NULL ? (size_t)(eq - pair.p) : pair.len};
    struct s3p_str value =
        eq != NULL ? (struct s3p_str){eq + 1, pair.len - name.len - 1} : S3P_STR("");
    if (h->n_args == S3P_SRV_ARGS_MAX)
        return false;
    struct s3p_srv_arg *a = &h->args[h->n_args++];
    if (!s3p_srv_url_decode(&h->text, name, &a->name) ||
        !s3p_srv_url_decode(&h->text, value, &a->value))
        return false;
    a->enc_name = encode(&h->text, a->name);
    a->enc_value = encode(&h->text, a->value);
    return s3p_srv_utf8_ok(a->name) && s3p_srv_utf8_ok(a->value);
}

static bool parse_args(struct s3p_srv_head *h, struct s3p_str query)
{
    while (query.len > 0) {
        const char *amp = memchr(query.p, '&', query.len);
        size_t len = amp != NULL ? (size_t)(amp - query.p) : query.len;
        if (len > 0 && !parse_arg(h, (struct s3p_str){query.p, len}))
            return false;
        size_t used = amp != NULL ? len + 1 : len;
        query = (struct s3p_str){query.p + used, query.len - used};
    }
    return true;
}

static enum s3p_srv_error check_key(const struct s3p_srv_head *h)
{
    if (h->key.len > S3P_SRV_KEY_MAX)
        return S3P_SE_KEY_LONG;
    return s3p_srv_utf8_ok(h->key) ? S3P_SE_NONE : S3P_SE_URI;
}

static enum s3p_srv_error parse_path(struct s3p_srv_head *h)
{
    struct s3p_str rest = {h->path.p + 1, h->path.len - 1};
    const char *slash = memchr(rest.p, '/', rest.len);
    size_t len = slash != NULL ? (size_t)(slash - rest.p) : rest.len;
    if (!s3p_srv_url_decode(&h->text, (struct s3p_str){rest.p, len}, &h->bucket))
        return S3P_SE_URI;
    if (slash != NULL &&
        !s3p_srv_url_decode(&h->text, (struct s3p_str){slash + 1, rest.len - len - 1}, &h->key))
        return S3P_SE_URI;
    if (h->key.len > 0 && h->bucket.len == 0)
        return S3P_SE_BUCKET_NAME;
    return check_key(h);
}

enum s3p_srv_error s3p_srv_head_target(struct s3p_srv_head *h, struct s3p_str raw)
{
    s3p_buf_clear(&h->text);
    h->n_args = h->n_fields = 0;
    h->overflow = h->args_ok = false;
    h->method = h->bucket = h->key = h->path = S3P_STR("");
    if (raw.len == 0 || raw.len > S3P_SRV_TARGET_MAX || raw.p[0] != '/')
        return S3P_SE_URI;
    /* raw, decoded, encoded again (three bytes for one), and the path decoded once more when the
     * bucket is in the host, together: the views must not move */
    if (s3p_buf_reserve(&h->text, 6 * raw.len) < 0)
        return S3P_SE_INTERNAL;
    s3p_buf_view(&h->text, raw);
    h->path = (struct s3p_str){h->text.data, raw.len};
    const char *mark = memchr(h->path.p, '?', raw.len);
    struct s3p_str query = S3P_STR("");
    if (mark != NULL) {
        h->path.len = (size_t)(mark - h->path.p);
        query = (struct s3p_str){mark + 1, raw.len - h->path.len - 1};
    }
    enum s3p_srv_error e = parse_path(h);
    h->args_ok = parse_args(h, query);
    return e != S3P_SE_NONE || h->args_ok ? e : S3P_SE_URI;
}

enum s3p_srv_error s3p_srv_head_host(struct s3p_srv_head *h, enum s3p_srv_error e)
{
    static const char domain[] = ".localhost";
    struct s3p_str host = s3p_srv_head_get(h, "host");
    const char *colon = host.len > 0 ? memrchr(host.p, ':', host.len) : NULL;
    if (colon != NULL)
        host.len = (size_t)(colon - host.p);
    if (!h->args_ok || host.len < sizeof domain ||
        strncasecmp(host.p + host.len - (sizeof domain - 1), domain, sizeof domain - 1) != 0)
        return e;
    h->bucket = (struct s3p_str){host.p, host.len - (sizeof domain - 1)};
    if (!s3p_srv_url_decode(&h->text, (struct s3p_str){h->path.p + 1, h->path.len - 1}, &h->key))
        return S3P_SE_URI;
    return check_key(h);
}

void s3p_srv_head_field(struct s3p_srv_head *h, struct s3p_str name, struct s3p_str value)
{
    if (h->n_fields == S3P_SRV_FIELDS_MAX) {
        h->overflow = true;
        return;
    }
    h->fields[h->n_fields++] = (struct s3p_srv_field){name, s3p_srv_trim(value)};
}

const struct s3p_srv_arg *s3p_srv_head_arg(const struct s3p_srv_head *h, const char *name)
{
    for (size_t i = 0; i < h->n_args; i++)
        if (s3p_str_eq(h->args[i].name, name))
            return &h->args[i];
    return NULL;
}

struct s3p_str s3p_srv_head_get(const struct s3p_srv_head *h, const char *name)
{
    for (size_t i = 0; i < h->n_fields; i++)
        if (s3p_srv_same_nocase(h->fields[i].name, name))
            return h->fields[i].value;
    return (struct s3p_str){NULL, 0};
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

enum s3p_srv_error s3p_srv_head_framing(const struct s3p_srv_head *h)
{
    unsigned framed = 0;
    bool known = true;
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct s3p_srv_field *f = &h->fields[i];
        bool coding = s3p_srv_same_nocase(f->name, "transfer-encoding");
        framed += coding || s3p_srv_same_nocase(f->name, "content-length");
        known &= !coding || s3p_srv_same_nocase(f->value, "chunked");
    }
    return framed > 1 ? S3P_SE_FRAMING : known ? S3P_SE_NONE : S3P_SE_NOT_IMPLEMENTED;
}

bool s3p_srv_bucket_name_ok(struct s3p_str n)
{
    if (n.len < 3 || n.len > 63 || !name_char(n.p[0]) || !name_char(n.p[n.len - 1]))
        return false;
    bool letters = false;
    for (size_t i = 0; i < n.len; i++) {
        char c = n.p[i];
        if (!name_char(c) && c != '-' && c != '.')
            return false;
        if (c == '.' && n.p[i - 1] == '.')
            return false;
        letters |= (c >= 'a' && c <= 'z') || c == '-';
    }
    /* digits and dots alone could be taken for an IPv4 address */
    return letters || memchr(n.p, '.', n.len) == NULL;
}

/* Length of the sequence that starts with c, and the smallest code point it may say. */
static unsigned sequence(unsigned char c, uint32_t *min)
{
    static const struct {
        unsigned char first, last;
        unsigned bytes;
        uint32_t min;
    } rows[] = {{0x01, 0x7f, 1, 1},
                {0xc2, 0xdf, 2, 0x80},
                {0xe0, 0xef, 3, 0x800},
                {0xf0, 0xf4, 4, 0x10000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (c >= rows[i].first && c <= rows[i].last) {
            *min = rows[i].min;
            return rows[i].bytes;
        }
    return 0;
}

bool s3p_srv_utf8_ok(struct s3p_str s)
{
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.p[i];
        uint32_t min = 0;
        unsigned n = sequence(c, &min);
        if (n == 0 || s.len - i < n)
            return false;
        uint32_t cp = n == 1 ? c : c & (0xffu >> (n + 1));
        for (unsigned k = 1; k < n; k++) {
            unsigned char t = (unsigned char)s.p[i + k];
            if ((t & 0xc0) != 0x80)
                return false;
            cp = cp << 6 | (t & 0x3f);
        }
        if (cp < min || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
            return false;
        i += n;
    }
    return true;
}

struct s3p_str s3p_srv_trim(struct s3p_str s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool s3p_srv_starts(struct s3p_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && memcmp(s.p, prefix, n) == 0;
}

bool s3p_srv_starts_nocase(struct s3p_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && strncasecmp(s.p, prefix, n) == 0;
}

bool s3p_srv_same_nocase(struct s3p_str a, const char *b)
{
    size_t n = strlen(b);
    return a.len == n && strncasecmp(a.p, b, n) == 0;
}

int s3p_srv_compare(struct s3p_str a, struct s3p_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}
