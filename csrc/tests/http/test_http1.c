#include "http/http1.h"

#include "core/buf.h"
#include "core/clock.h"
#include "tests/t.h"

/* One parse of `text`, handed over in pieces of `piece` bytes, like a connection does it. */
struct parse {
    struct s3p_http1 h;
    char head[128 * 1024];
    size_t head_len;
    char body[8192];
    size_t body_len;
    size_t surplus;
    bool bad, complete;
};

static void feed_body(struct parse *p, const char *text, size_t len)
{
    while (len > 0 && !p->h.done && !p->bad) {
        const char *data;
        size_t n;
        int64_t used = s3p_http1_body(&p->h, text, len, &data, &n);
        p->bad = used < 0;
        if (p->bad)
            return;
        T_TRUE(used > 0 && (size_t)used <= len && p->body_len + n <= sizeof p->body);
        memcpy(p->body + p->body_len, data, n);
        p->body_len += n;
        text += used;
        len -= (size_t)used;
    }
    p->surplus += len;
}

static void parse(struct parse *p, const char *text, size_t len, size_t piece, bool head_request)
{
    bool in_head = true;
    p->head_len = p->body_len = p->surplus = 0;
    p->bad = false;
    s3p_http1_start(&p->h, head_request);
    for (size_t at = 0; at < len && !p->bad; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        if (!in_head) {
            feed_body(p, text + at, n);
            continue;
        }
        memcpy(p->head + p->head_len, text + at, n);
        p->head_len += n;
        int64_t end = s3p_http1_head(&p->h, p->head, p->head_len);
        p->bad = end < 0;
        if (end > 0) {
            in_head = false;
            feed_body(p, p->head + end, p->head_len - (size_t)end);
        }
    }
    p->complete = !p->bad && !in_head && s3p_http1_eof(&p->h);
    if (p->bad)
        T_TRUE(p->h.why != NULL);
}

static struct parse one, split;

/* The result must not depend on how the bytes come. */
static struct parse *parse_all_ways(const char *text, size_t len, bool head_request)
{
    parse(&one, text, len, len, head_request);
    for (size_t piece = 1; piece < len && piece < 40; piece++) {
        parse(&split, text, len, piece, head_request);
        T_EQ(split.bad, one.bad);
        if (one.bad)
            continue;
        T_EQ(split.complete, one.complete);
        T_EQ(split.h.status, one.h.status);
        T_EQ(split.h.nfields, one.h.nfields);
        T_EQ(split.h.keep_alive, one.h.keep_alive);
        T_EQ(split.h.content_length, one.h.content_length);
        T_EQ(split.surplus, one.surplus);
        T_EQ(split.body_len, one.body_len);
        T_MEM(split.body, one.body, one.body_len);
    }
    for (size_t cut = 1; cut < len; cut++) { /* two pieces, cut at every byte */
        s3p_http1_start(&split.h, head_request);
        int64_t end = s3p_http1_head(&split.h, text, cut);
        if (end == S3P_HTTP1_PARTIAL)
            end = s3p_http1_head(&split.h, text, len);
        int64_t whole_end;
        s3p_http1_start(&split.h, head_request);
        whole_end = s3p_http1_head(&split.h, text, len);
        T_EQ(end < 0 ? -1 : end, whole_end < 0 ? -1 : whole_end);
    }
    return &one;
}

static struct parse *ok(const char *text)
{
    struct parse *p = parse_all_ways(text, strlen(text), false);
    if (p->bad)
        t_fail(__FILE__, __LINE__, "refused (%s): %s", p->h.why, text);
    return p;
}

static void refused(const char *text, const char *why)
{
    struct parse *p = parse_all_ways(text, strlen(text), false);
    if (!p->bad || strstr(p->h.why, why) == NULL)
        t_fail(__FILE__, __LINE__, "not refused for \"%s\" but %s: %s", why,
               p->bad ? p->h.why : "accepted", text);
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"

T_TEST(http1_simple)
{
    struct parse *p = ok(OK_LINE "Content-Length: 5\r\nETag:\t \"x y\" \t\r\nEmpty:\r\n\r\nhello");
    T_TRUE(p->complete && p->h.keep_alive && !p->h.chunked && !p->h.no_body);
    T_EQ(p->h.status, 200);
    T_EQ(p->h.minor, 1);
    T_EQ(p->h.content_length, 5);
    T_EQ(p->h.nfields, 3);
    T_EQ(p->body_len, 5);
    T_MEM(p->body, "hello", 5);
    T_TRUE(s3p_str_eq(s3p_http1_get(&p->h, p->head, "etag"), "\"x y\""));
    T_TRUE(s3p_http1_get(&p->h, p->head, "empty").p != NULL);
    T_EQ(s3p_http1_get(&p->h, p->head, "empty").len, 0);
    T_TRUE(s3p_http1_get(&p->h, p->head, "absent").p == NULL);
}

T_TEST(http1_status_lines)
{
    T_EQ(ok("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n")->h.status, 200);
    T_EQ(ok("HTTP/1.1 599\r\nContent-Length: 0\r\n\r\n")->h.status, 599);
    T_EQ(ok("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")->h.minor, 0);
    refused("HTTP/2 200 OK\r\n\r\n", "status line");
    refused("HTTP/1.1  200 OK\r\n\r\n", "status line");
    refused("HTTP/1.1 20 OK\r\n\r\n", "status line");
    refused("HTTP/1.1 2000 OK\r\n\r\n", "status code");
    refused("HTTP/1.1 099 OK\r\n\r\n", "status code");
    refused("http/1.1 200 OK\r\n\r\n", "status line");
    refused("\r\nHTTP/1.1 200 OK\r\n\r\n", "status line");
    refused("HTTP/1.1 200 O\x01K\r\n\r\n", "control");
    refused("SSH-2.0-OpenSSH", "status line"); /* without waiting for a line end */
    refused("\x15\x03\x01", "status line");
}

T_TEST(http1_line_ends_and_fields)
{
    refused("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "CR");
    refused(OK_LINE "Content-Length: 0\n\r\n", "CR");
    refused(OK_LINE "Content-Length: 0\r\n\n", "CR");
    refused(OK_LINE "A: b\rc\r\n\r\n", "control");
    refused(OK_LINE "A: b\r\r\n\r\n", "control");
    refused(OK_LINE "A: b\x7f\r\n\r\n", "control");
    refused(OK_LINE "A b: c\r\n\r\n", "name");
    refused(OK_LINE "A : c\r\n\r\n", "name");
    refused(OK_LINE ": c\r\n\r\n", "name");
    refused(OK_LINE "no colon\r\n\r\n", "name");
    refused(OK_LINE "A: b\r\n folded\r\n\r\n", "name");
    const char nul[] = OK_LINE "A: b\0c\r\n\r\n";
    T_TRUE(parse_all_ways(nul, sizeof nul - 1, false)->bad);
    T_EQ(ok(OK_LINE "A: \xc3\xa4\r\nContent-Length: 0\r\n\r\n")->h.nfields, 2);
}

T_TEST(http1_framing)
{
    refused(OK_LINE "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "contradicting");
    T_EQ(ok(OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello")->body_len, 5);
    refused(OK_LINE "Content-Length: 5, 5\r\n\r\nhello", "Content-Length");
    refused(OK_LINE "Content-Length: +5\r\n\r\nhello", "Content-Length");
    refused(OK_LINE "Content-Length: -1\r\n\r\n", "Content-Length");
    refused(OK_LINE "Content-Length:\r\n\r\n", "Content-Length");
    refused(OK_LINE "Content-Length: 9999999999999999999\r\n\r\n", "Content-Length");
    refused(OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "together");
    refused(OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n", "just chunked");
    refused(OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "just");
    refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1.0");
    struct parse *p = ok(OK_LINE "Content-Length: 5\r\n\r\nhel");
    T_TRUE(!p->complete);
    p = ok(OK_LINE "content-length: 2\r\n\r\nhiEXTRA");
    T_TRUE(p->complete);
    T_EQ(p->surplus, 5);
}

T_TEST(http1_no_body)
{
    static const char *const cases[] = {"204 No Content", "304 Not Modified"};
    char text[256];
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: 10\r\n\r\n", cases[i]);
        struct parse *p = ok(text);
        T_TRUE(p->complete && p->h.no_body && p->h.keep_alive);
        T_EQ(p->h.content_length, 10);
    }
    const char *head = OK_LINE "Content-Length: 10\r\n\r\n";
    T_TRUE(parse_all_ways(head, strlen(head), true)->complete);
    head = OK_LINE "Transfer-Encoding: chunked\r\n\r\n";
    T_TRUE(parse_all_ways(head, strlen(head), true)->complete);
}

T_TEST(http1_until_the_end)
{
    struct parse *p = ok(OK_LINE "\r\nall of it");
    T_TRUE(p->complete && !p->h.keep_alive);
    T_EQ(p->h.content_length, -1);
    T_EQ(p->body_len, 9);
    T_TRUE(!ok(OK_LINE "A: b\r\n")->complete);
}

T_TEST(http1_interim)
{
    struct parse *p = ok("HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"
                         "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" OK_LINE
                         "B: c\r\nContent-Length: 2\r\n\r\nhi");
    T_TRUE(p->complete && p->h.keep_alive);
    T_EQ(p->h.nfields, 2);
    T_TRUE(s3p_str_eq(s3p_http1_get(&p->h, p->head, "b"), "c"));
    T_TRUE(s3p_http1_get(&p->h, p->head, "a").p == NULL);
    T_TRUE(!ok("HTTP/1.1 100 Continue\r\n\r\n")->complete);
    refused("HTTP/1.1 101 Switching\r\n\r\n", "101");
    refused("HTTP/1.1 100 Continue\r\n\r\nxyz", "status line");
}

T_TEST(http1_connection)
{
    static const struct {
        const char *text;
        bool keep;
    } cases[] = {
        {OK_LINE "Connection: close\r\nContent-Length: 0\r\n\r\n", false},
        {OK_LINE "Connection: CLOSE\r\nContent-Length: 0\r\n\r\n", false},
        {OK_LINE "Connection: keep-alive, close\r\nContent-Length: 0\r\n\r\n", false},
        {OK_LINE "Connection: close\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", false},
        {OK_LINE "Connection: x-closed,\tUpgrade\r\nContent-Length: 0\r\n\r\n", true},
        {OK_LINE "Connection:\r\nContent-Length: 0\r\n\r\n", true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", true},
        {"HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (ok(cases[i].text)->h.keep_alive != cases[i].keep)
            t_fail(__FILE__, __LINE__, "keep_alive is not %d: %s", cases[i].keep, cases[i].text);
}

#define CHUNKED OK_LINE "Transfer-Encoding: Chunked\r\n\r\n"

T_TEST(http1_chunked)
{
    struct parse *p =
        ok(CHUNKED "5\r\nhello\r\n006;name=\"v\"\r\n world\r\n1 \r\n!\r\n0\r\n\r\nrest");
    T_TRUE(p->complete && p->h.chunked && p->h.keep_alive);
    T_EQ(p->body_len, 12);
    T_MEM(p->body, "hello world!", 12);
    T_EQ(p->surplus, 4);
    p = ok(CHUNKED "A\r\n0123456789\r\n0\r\nx-crc: abc\r\nOther: d\r\n\r\n");
    T_TRUE(p->complete);
    T_EQ(p->body_len, 10);
    T_TRUE(!ok(CHUNKED "5\r\nhello\r\n0\r\n")->complete);
    T_TRUE(!ok(CHUNKED "5\r\nhel")->complete);
    refused(CHUNKED "\r\n", "chunk size");
    refused(CHUNKED "g\r\n", "chunk size");
    refused(CHUNKED "5\nhello", "chunk size");
    refused(CHUNKED "5\r\nhelloX\n", "line end");
    refused(CHUNKED "5\r\nhello\rX", "line end");
    refused(CHUNKED "5\rhello", "line end");
    refused(CHUNKED "5;a\nb\r\n", "control");
    refused(CHUNKED "-5\r\nhello", "chunk size");
    refused(CHUNKED "1ffffffffffffffff\r\n", "too large");
    refused(CHUNKED "0\r\n: x\r\n\r\n", "trailer");
    refused(CHUNKED "0\r\nA: b\n\r\n", "control");
    refused(CHUNKED "0\r\nA: b\r\n\rX", "line end");
}

/* Line bounds: of a chunk header and of all trailers, neither of which counts the data. */
T_TEST(http1_chunk_bounds)
{
    static char text[40000];
    struct parse *p = &one;
    for (int over = 0; over <= 1; over++) {
        size_t n = (size_t)snprintf(text, sizeof text, CHUNKED "1;");
        size_t fill = S3P_HTTP1_LINE_BYTES - 4 + (size_t)over;
        memset(text + n, 'x', fill);
        n += fill;
        n += (size_t)snprintf(text + n, sizeof text - n, "\r\na\r\n0\r\n\r\n");
        parse(p, text, n, 1000, false);
        T_EQ(p->bad, over == 1);
        n = (size_t)snprintf(text, sizeof text, CHUNKED "0\r\n");
        for (int i = 0; i < 8; i++) {
            text[n] = 'a';
            memset(text + n + 1, 'b', 1021);
            memcpy(text + n + 1022, "\r\n", 2);
            n += 1024;
        }
        memcpy(text + n, "\r\n", 3);
        n = over ? n + 2 : n - 1024;
        memcpy(text + n, "\r\n", 3);
        parse(p, text, n + 2, 1000, false);
        T_EQ(p->bad, over == 1);
    }
}

T_TEST(http1_head_bounds)
{
    static char text[S3P_HTTP1_HEAD_BYTES + 1000];
    for (int extra = 0; extra <= 1; extra++) { /* fields: 100 and 101 */
        size_t n = (size_t)snprintf(text, sizeof text, OK_LINE);
        for (int i = 0; i < S3P_HTTP1_FIELDS - 1 + extra; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "a%d: b\r\n", i);
        n += (size_t)snprintf(text + n, sizeof text - n, "Content-Length: 0\r\n\r\n");
        parse(&one, text, n, n, false);
        T_EQ(one.bad, extra == 1);
        T_TRUE(!one.bad || strstr(one.h.why, "too many") != NULL);
    }
    for (int extra = 0; extra <= 1; extra++) { /* bytes: 64 KiB and one more */
        size_t n = (size_t)snprintf(text, sizeof text, OK_LINE "Content-Length: 0\r\nA: ");
        size_t want = S3P_HTTP1_HEAD_BYTES - 4 + (size_t)extra;
        memset(text + n, 'x', want - n);
        memcpy(text + want, "\r\n\r\n", 4);
        for (size_t piece = 777; piece <= want + 4; piece += want + 4 - 777) {
            parse(&one, text, want + 4, piece, false);
            T_EQ(one.bad, extra == 1);
        }
        if (extra == 1)
            T_TRUE(strstr(one.h.why, "64 KiB") != NULL);
        else
            T_EQ(one.h.field[1].value_len, want - n);
    }
}

/* No rescanning: a line end that is written over bytes which were seen already is not noticed. */
T_TEST(http1_looks_at_bytes_once)
{
    char text[] = OK_LINE "A: some value that is long enough";
    struct s3p_http1 h;
    size_t len = sizeof text - 1;
    s3p_http1_start(&h, false);
    T_EQ(s3p_http1_head(&h, text, len - 1), S3P_HTTP1_PARTIAL);
    T_EQ(h.scanned, len - 1);
    text[3] = text[len - 5] = '\n';
    T_EQ(s3p_http1_head(&h, text, len), S3P_HTTP1_PARTIAL);
}

#if !defined(S3P_DEBUG)
T_TEST(http1_speed)
{
    const char *text = OK_LINE
        "Server: Store/1.0\r\nDate: Fri, 24 May 2013 00:00:00 GMT\r\n"
        "x-amz-request-id: 17B2C3D4E5F60718\r\n"
        "x-amz-id-2: dd9025bab4ad464b049177c95eb6ebf374d3b3\r\n"
        "ETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\nAccept-Ranges: bytes\r\n"
        "Content-Type: application/octet-stream\r\nContent-Length: 1024\r\n\r\n";
    size_t len = strlen(text);
    struct s3p_http1 h;
    int64_t best = S3P_NEVER;
    for (int round = 0; round < 20; round++) {
        int64_t start = s3p_now_ns();
        for (int i = 0; i < 10000; i++) {
            s3p_http1_start(&h, false);
            T_EQ(s3p_http1_head(&h, text, len), len);
        }
        int64_t ns = (s3p_now_ns() - start) / 10000;
        best = ns < best ? ns : best;
    }
    printf("http1: %zu bytes, 8 fields: %lld ns\n", len, (long long)best);
    T_TRUE(best < 1000);
}
#endif
