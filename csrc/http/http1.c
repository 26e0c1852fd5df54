#include "http/http1.h"

#include <string.h>

#include "core/err.h"

enum state {
    STATUS_LINE,
    REQUEST_LINE,
    FIELD_LINE,
    /* after the head */
    BODY_LENGTH,
    BODY_EOF,
    CHUNK_SIZE,    /* digits; line_bytes counts them and the extension */
    CHUNK_EXT,     /* what follows the digits, ignored */
    CHUNK_LF,      /* behind the CR of the chunk header */
    CHUNK_DATA,
    CHUNK_END_CR,
    CHUNK_END_LF,
    TRAILER_START, /* first byte of a trailer line; line_bytes counts all of them */
    TRAILER_LINE,
    TRAILER_LF,
    LAST_LF,       /* behind the CR of the empty line */
    END,
};

enum { NAME = 1, CLEAN = 2, DIGIT = 4 };

/* Byte classes: NAME is a token character (RFC 9110, 5.6.2), CLEAN may stand in a value (visible,
 * blank, obs-text). */
#define T (NAME | CLEAN)
#define D (NAME | CLEAN | DIGIT)
#define C CLEAN
#define C16 C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C
static const uint8_t class_of[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, C, 0, 0, 0, 0, 0, 0, /* tab */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    C, T, C, T, T, T, T, T, C, C, T, T, C, T, T, C, /*  !"#$%&'()*+,-./ */
    D, D, D, D, D, D, D, D, D, D, C, C, C, C, C, C, /* 0-9 :;<=>? */
    C, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* @ A-O */
    T, T, T, T, T, T, T, T, T, T, T, C, C, C, T, T, /* P-Z [\]^_ */
    T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* ` a-o */
    T, T, T, T, T, T, T, T, T, T, T, C, T, C, T, 0, /* p-z {|}~ DEL */
    C16, C16, C16, C16, C16, C16, C16, C16,
};
#undef T
#undef D
#undef C
#undef C16

static bool is(char c, int class)
{
    return (class_of[(uint8_t)c] & class) != 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int bad(struct s3p_http1 *h, const char *why)
{
    h->why = why;
    return S3P_HTTP1_BAD;
}

/* Compares with a lower-case text of the same length. */
static bool same_word(const char *p, const char *lower, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        if (c != lower[i])
            return false;
    }
    return true;
}

static void head_reset(struct s3p_http1 *h)
{
    h->state = STATUS_LINE;
    h->status = 0;
    h->nfields = 0;
    h->chunked = false;
    h->no_body = false;
    h->content_length = -1;
}

void s3p_http1_start(struct s3p_http1 *h, bool head_request)
{
    head_reset(h);
    h->minor = 0;
    h->keep_alive = false;
    h->why = NULL;
    h->too_long = false;
    h->line = h->scanned = 0;
    h->left = 0;
    h->head_request = head_request;
    h->request = false;
    h->interim = 0;
    h->done = false;
    h->line_bytes = 0;
}

void s3p_http1_start_request(struct s3p_http1 *h)
{
    s3p_http1_start(h, false);
    h->state = REQUEST_LINE;
    h->request = true;
}

/* "HTTP/1.1 200 reason"; the reason may be empty, and the blank before it then missing. */
static int status_line(struct s3p_http1 *h, const char *p, size_t len)
{
    if (len < 12 || memcmp(p, "HTTP/1.", 7) != 0 || !is(p[7], DIGIT) || p[8] != ' ' ||
        !is(p[9], DIGIT) || !is(p[10], DIGIT) || !is(p[11], DIGIT))
        return bad(h, "not an HTTP/1.x status line");
    h->minor = p[7] - '0';
    h->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
    if (h->status < 100 || (len > 12 && p[12] != ' '))
        return bad(h, "bad status code");
    for (size_t i = 12; i < len; i++)
        if (!is(p[i], CLEAN))
            return bad(h, "control character in the status line");
    h->keep_alive = h->minor >= 1;
    h->state = FIELD_LINE;
    return 0;
}

/* "PUT /bucket/key?query HTTP/1.1" */
static int request_line(struct s3p_http1 *h, const char *p, size_t at, size_t len)
{
    const char *line = p + at;
    size_t n = 0, to;
    while (n < len && is(line[n], NAME))
        n++;
    for (to = n + 1; to < len && line[to] > ' ' && line[to] != 0x7f;)
        to++;
    if (n == 0 || n >= len || line[n] != ' ' || to == n + 1 || len - to != 9 ||
        memcmp(line + to, " HTTP/1.", 8) != 0 || !is(line[to + 8], DIGIT))
        return bad(h, "not an HTTP/1.x request line");
    h->method_len = (uint32_t)n;
    h->target = (uint32_t)(at + n + 1);
    h->target_len = (uint32_t)(to - n - 1);
    h->minor = line[to + 8] - '0';
    h->keep_alive = h->minor >= 1;
    h->state = FIELD_LINE;
    return 0;
}

static int on_content_length(struct s3p_http1 *h, const char *p, size_t len)
{
    int64_t v = 0;
    if (len == 0 || len > 18)
        return bad(h, "bad Content-Length");
    for (size_t i = 0; i < len; i++) {
        if (!is(p[i], DIGIT))
            return bad(h, "bad Content-Length");
        v = v * 10 + (p[i] - '0');
    }
    if (h->content_length >= 0 && h->content_length != v)
        return bad(h, "contradicting Content-Length");
    h->content_length = v;
    return 0;
}

static int on_transfer_encoding(struct s3p_http1 *h, const char *p, size_t len)
{
    if (h->chunked || len != 7 || !same_word(p, "chunked", 7))
        return bad(h, "Transfer-Encoding is not just chunked");
    if (h->minor < 1)
        return bad(h, "Transfer-Encoding in an HTTP/1.0 answer");
    h->chunked = true;
    return 0;
}

/* A list of words; `close` wins over `keep-alive`. */
static int on_connection(struct s3p_http1 *h, const char *p, size_t len)
{
    bool close = h->minor >= 1 && !h->keep_alive; /* said by an earlier field */
    bool keep = h->keep_alive;
    for (size_t i = 0; i < len;) {
        size_t start = i;
        while (i < len && p[i] != ',' && !is_blank(p[i]))
            i++;
        size_t n = i - start;
        close |= n == 5 && same_word(p + start, "close", 5);
        keep |= n == 10 && same_word(p + start, "keep-alive", 10);
        while (i < len && (p[i] == ',' || is_blank(p[i])))
            i++;
    }
    h->keep_alive = keep && !close;
    return 0;
}

/* The fields that say how the answer is framed; all have different lengths. */
static const struct {
    size_t len;
    const char *name;
    int (*take)(struct s3p_http1 *h, const char *value, size_t len);
} framing[] = {
    {10, "connection", on_connection},
    {14, "content-length", on_content_length},
    {17, "transfer-encoding", on_transfer_encoding},
};

static int field_line(struct s3p_http1 *h, const char *p, size_t at, size_t len)
{
    const char *line = p + at;
    size_t n = 0;
    while (n < len && is(line[n], NAME))
        n++;
    if (n == 0 || n == len || line[n] != ':')
        return bad(h, "bad header field name");
    if (h->nfields == S3P_HTTP1_FIELDS)
        return bad(h, "too many header fields");
    size_t from = n + 1, to = len;
    while (from < to && is_blank(line[from]))
        from++;
    while (to > from && is_blank(line[to - 1]))
        to--;
    int all = CLEAN;
    for (size_t i = from; i < to; i++)
        all &= class_of[(uint8_t)line[i]];
    if (all == 0)
        return bad(h, "control character in a header field");
    h->field[h->nfields++] = (struct s3p_http1_field){(uint32_t)at, (uint32_t)(at + from),
                                                      (uint16_t)n, (uint16_t)(to - from)};
    for (size_t i = 0; i < sizeof framing / sizeof framing[0]; i++)
        if (n == framing[i].len && same_word(line, framing[i].name, n))
            return framing[i].take(h, line + from, to - from);
    return 0;
}

/* The empty line: decides the framing. Returns 1 when this was the final head, 0 after an interim
 * one, or BAD. */
static int head_end(struct s3p_http1 *h)
{
    if (!h->request && h->status == 101)
        return bad(h, "101 without an Upgrade");
    if (!h->request && h->status < 200) {
        head_reset(h);
        h->interim = h->line;
        return 0;
    }
    if (h->chunked && h->content_length >= 0)
        return bad(h, "Content-Length together with Transfer-Encoding");
    h->no_body = h->request ? !h->chunked && h->content_length < 0
                            : h->head_request || h->status == 204 || h->status == 304;
    if (h->no_body || h->content_length == 0) {
        h->state = END;
        h->done = true;
    } else if (h->chunked) {
        h->state = CHUNK_SIZE;
    } else if (h->content_length > 0) {
        h->state = BODY_LENGTH;
        h->left = (uint64_t)h->content_length;
    } else {
        h->state = BODY_EOF;
        h->keep_alive = false;
    }
    return 1;
}

int64_t s3p_http1_head(struct s3p_http1 *h, const char *p, size_t len)
{
    size_t seen = len < S3P_HTTP1_HEAD_BYTES ? len : S3P_HTTP1_HEAD_BYTES;
    while (h->scanned < seen) {
        const char *lf = memchr(p + h->scanned, '\n', seen - h->scanned);
        if (lf == NULL) {
            h->scanned = seen;
            break;
        }
        size_t at = h->line, end = (size_t)(lf - p);
        h->line = h->scanned = end + 1;
        if (end == at || p[end - 1] != '\r')
            return bad(h, "line without CR before LF");
        size_t n = end - 1 - at;
        int rc;
        if (h->state == STATUS_LINE)
            rc = status_line(h, p + at, n);
        else if (h->state == REQUEST_LINE)
            rc = request_line(h, p, at, n);
        else if (n > 0)
            rc = field_line(h, p, at, n);
        else if ((rc = head_end(h)) > 0)
            return (int64_t)h->line;
        if (rc < 0)
            return rc;
    }
    /* An answer in another protocol may never send a line end: look at what is there. */
    size_t have = seen - h->line < 7 ? seen - h->line : 7;
    if (h->state == STATUS_LINE && memcmp(p + h->line, "HTTP/1.", have) != 0)
        return bad(h, "not an HTTP/1.x status line");
    h->too_long = seen == S3P_HTTP1_HEAD_BYTES;
    return h->too_long ? bad(h, "head longer than 64 KiB") : S3P_HTTP1_PARTIAL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int chunk_digit(struct s3p_http1 *h, char c)
{
    int v = hex_value(c);
    if (v >= 0) {
        if (h->left >> 59 != 0)
            return bad(h, "chunk size too large");
        h->left = h->left * 16 + (uint64_t)v;
        return 0;
    }
    if (h->line_bytes == 1)
        return bad(h, "bad chunk size");
    if (c == '\r')
        h->state = CHUNK_LF;
    else if (c == ';' || is_blank(c))
        h->state = CHUNK_EXT;
    else
        return bad(h, "bad chunk size");
    return 0;
}

/* In these states one given byte must come. */
static const struct {
    char byte;
    uint8_t next;
} must[] = {
    [CHUNK_LF] = {'\n', CHUNK_DATA},       /* or TRAILER_START after a size of 0 */
    [CHUNK_END_CR] = {'\r', CHUNK_END_LF},
    [CHUNK_END_LF] = {'\n', CHUNK_SIZE},
    [TRAILER_LF] = {'\n', TRAILER_START},
    [LAST_LF] = {'\n', END},
};

static int must_be(struct s3p_http1 *h, char c)
{
    if (c != must[h->state].byte)
        return bad(h, "bad line end in chunked coding");
    int from = h->state;
    h->state = must[from].next;
    if (from == CHUNK_LF && h->left == 0)
        h->state = TRAILER_START;
    if (from == CHUNK_LF || from == CHUNK_END_LF)
        h->line_bytes = 0;
    h->done = h->state == END;
    return 0;
}

/* One byte of what is between the data of the chunks. */
static int chunk_line_byte(struct s3p_http1 *h, char c)
{
    if (++h->line_bytes > S3P_HTTP1_LINE_BYTES)
        return bad(h, "chunk header or trailers longer than 8 KiB");
    switch (h->state) {
    case CHUNK_SIZE:
        return chunk_digit(h, c);
    case CHUNK_EXT:
    case TRAILER_LINE:
        if (c == '\r')
            h->state = h->state == CHUNK_EXT ? CHUNK_LF : TRAILER_LF;
        else if (!is(c, CLEAN))
            return bad(h, "control character in chunked coding");
        return 0;
    case TRAILER_START:
        if (c != '\r' && !is(c, NAME))
            return bad(h, "bad trailer field name");
        h->state = c == '\r' ? LAST_LF : TRAILER_LINE;
        return 0;
    default:
        return must_be(h, c);
    }
}

int64_t s3p_http1_body(struct s3p_http1 *h, const char *p, size_t len, const char **data,
                       size_t *data_len)
{
    *data = p;
    *data_len = 0;
    size_t used = 0;
    while (used < len && !h->done) {
        if (h->state == BODY_EOF) {
            *data = p + used;
            *data_len = len - used;
            return (int64_t)len;
        }
        if (h->state == BODY_LENGTH || h->state == CHUNK_DATA) {
            size_t n = len - used < h->left ? len - used : (size_t)h->left;
            *data = p + used;
            *data_len = n;
            h->left -= n;
            if (h->left == 0 && h->state == CHUNK_DATA)
                h->state = CHUNK_END_CR;
            else if (h->left == 0)
                h->done = true;
            return (int64_t)(used + n);
        }
        if (chunk_line_byte(h, p[used++]) < 0)
            return S3P_HTTP1_BAD;
    }
    return (int64_t)used;
}

bool s3p_http1_eof(struct s3p_http1 *h)
{
    if (h->state == BODY_EOF)
        h->done = true;
    return h->done;
}

struct s3p_str s3p_http1_get(const struct s3p_http1 *h, const char *head, const char *name)
{
    size_t len = strlen(name);
    for (int i = 0; i < h->nfields; i++) {
        const struct s3p_http1_field *f = &h->field[i];
        if (f->name_len == len && same_word(head + f->name, name, len))
            return (struct s3p_str){head + f->value, f->value_len};
    }
    return (struct s3p_str){NULL, 0};
}
