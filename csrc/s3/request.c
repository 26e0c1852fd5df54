#include "s3/request.h"

#include <string.h>

#include "core/text.h"
#include "s3/xml.h"

#define SCRATCH_MAX                                                                                \
    (64 * 1024) /* a key of 1,024 bytes is 3,072 encoded; list parameters are no longer */
#define HEADERS_MAX 10
#define LENGTH_MAX 20 /* decimal digits of a uint64 */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct s3p_str cond_header[S3P_COND_COUNT] = {
    [S3P_COND_IF_MATCH] = {"if-match", 8},
    [S3P_COND_IF_NONE_MATCH] = {"if-none-match", 13},
    [S3P_COND_IF_NONE_MATCH_ANY] = {"if-none-match", 13},
    [S3P_COND_IF_MATCH_ANY] = {"if-match", 8},
    [S3P_COND_IF_MODIFIED_SINCE] = {"if-modified-since", 17},
    [S3P_COND_IF_UNMODIFIED_SINCE] = {"if-unmodified-since", 19},
};

/* One request while it is written: what is sent and what is signed come from `h`, sorted by name.
 */
struct head {
    struct s3p_header h[HEADERS_MAX];
    int n;
    char length[LENGTH_MAX], range[8 + 2 * LENGTH_MAX], id[32], hash[64];
    struct s3p_str path, query, wire_query, payload_hash;
};

int s3p_request_ctx_init(struct s3p_request_ctx *c, const struct s3p_credentials *cred,
                         struct s3p_str authority, bool virtual_host, struct s3p_err *err)
{
    *c = (struct s3p_request_ctx){
        .authority = authority, .virtual_host = virtual_host, .date_s = -1};
    s3p_buf_init(&c->scratch, SCRATCH_MAX);
    S3P_TRY(s3p_signer_init(&c->signer, cred, 0, err));
    if (s3p_buf_reserve(&c->scratch, 4096) < 0)
        return s3p_fail(err, S3P_ENOMEM, 0, "request buffer of 4096 bytes");
    return S3P_OK;
}

void s3p_request_ctx_free(struct s3p_request_ctx *c)
{
    s3p_buf_free(&c->scratch);
    explicit_bzero(&c->signer, sizeof c->signer);
}

static void add_param(struct s3p_buf *q, const char *name, struct s3p_str value)
{
    if (value.len == 0)
        return;
    s3p_buf_str(q, name); /* "&prefix=" */
    s3p_uri_encode(q, value.p, value.len, false);
}

/* The canonical query: names in byte order. Each parameter is written with the '&' before it; the
 * caller drops the first one. */
static void add_query(struct s3p_buf *q, const struct s3p_request *r)
{
    char digits[20];
    struct s3p_str max_keys = {digits, 0};
    if (r->max_keys > 0)
        max_keys.len = s3p_u64_text(digits, (uint64_t)r->max_keys);
    if (r->op == S3P_OP_DELETE_OBJECTS)
        s3p_buf_str(q, "&delete=");
    if (r->op != S3P_OP_LIST && r->op != S3P_OP_LIST_V1)
        return;
    bool v2 = r->op == S3P_OP_LIST;
    if (v2)
        add_param(q, "&continuation-token=", r->token);
    add_param(q, "&delimiter=", r->delimiter);
    s3p_buf_str(q, "&encoding-type=url");
    if (v2)
        s3p_buf_str(q, "&list-type=2");
    else
        add_param(q, "&marker=", r->start);
    add_param(q, "&max-keys=", max_keys);
    add_param(q, "&prefix=", r->prefix);
    if (v2)
        add_param(q, "&start-after=", r->start);
}

/* Path, query and (virtual host) the Host value go to the scratch, which holds still from then on.
 */
static bool set_target(struct s3p_request_ctx *c, const struct s3p_request *r, struct head *h,
                       struct s3p_str *host)
{
    struct s3p_buf *b = &c->scratch;
    s3p_buf_clear(b);
    s3p_buf_char(b, '/');
    if (!c->virtual_host) {
        s3p_uri_encode(b, r->bucket.p, r->bucket.len, false);
        if (s3p_op_table[r->op].on_key)
            s3p_buf_char(b, '/');
    }
    if (s3p_op_table[r->op].on_key)
        s3p_uri_encode(b, r->key.p, r->key.len, true);
    size_t path_end = b->len;
    add_query(b, r);
    size_t query_end = b->len;
    if (c->virtual_host) {
        s3p_buf_view(b, r->bucket);
        s3p_buf_char(b, '.');
        s3p_buf_view(b, c->authority);
    }
    if (!s3p_buf_ok(b))
        return false;
    size_t query_at = query_end > path_end ? path_end + 1 : path_end; /* behind the first '&' */
    h->path = (struct s3p_str){b->data, path_end};
    h->query = (struct s3p_str){b->data + query_at, query_end - query_at};
    h->wire_query = h->query;
    h->wire_query.len -= r->op == S3P_OP_DELETE_OBJECTS; /* a bare name is sent without its '=' */
    *host = c->virtual_host ? (struct s3p_str){b->data + query_end, b->len - query_end}
                            : c->authority;
    return true;
}

static void add_header(struct head *h, struct s3p_str name, struct s3p_str value)
{
    h->h[h->n++] = (struct s3p_header){name, value};
}

static struct s3p_str range_text(char dst[8 + 2 * LENGTH_MAX], uint64_t first, uint64_t last)
{
    char *p = dst;
    memcpy(p, "bytes=", 6);
    p += 6;
    p += s3p_u64_text(p, first);
    *p++ = '-';
    if (last != UINT64_MAX)
        p += s3p_u64_text(p, last);
    return (struct s3p_str){dst, (size_t)(p - dst)};
}

static bool sends_body(enum s3p_op op)
{
    const char *method = s3p_op_table[op].method;
    return method[0] == 'P'; /* PUT, POST */
}

/* In the order of their names: the array is the canonical form. */
static void set_headers(struct s3p_request_ctx *c, const struct s3p_request *r, struct s3p_str host,
                        struct head *h)
{
    if (sends_body(r->op))
        add_header(h, S3P_STR("content-length"),
                   (struct s3p_str){h->length, s3p_u64_text(h->length, r->body_len)});
    if (r->content_md5.len > 0)
        add_header(h, S3P_STR("content-md5"), r->content_md5);
    add_header(h, S3P_STR("host"), host);
    if (r->cond == S3P_COND_IF_MATCH_ANY || r->cond == S3P_COND_IF_NONE_MATCH_ANY)
        add_header(h, cond_header[r->cond], S3P_STR("*"));
    else if (r->cond != S3P_COND_NONE)
        add_header(h, cond_header[r->cond], r->cond_value);
    if (r->ranged)
        add_header(h, S3P_STR("range"), range_text(h->range, r->range_first, r->range_last));
    add_header(h, S3P_STR("x-amz-content-sha256"), h->payload_hash);
    add_header(h, S3P_STR("x-amz-date"), (struct s3p_str){c->date, sizeof c->date});
    if (!s3p_id_none(r->id)) {
        s3p_id_text(h->id, r->id);
        add_header(h, S3P_STR(S3P_META_ID_HEADER), (struct s3p_str){h->id, sizeof h->id});
    }
    const char *token = c->signer.cred.session_token;
    if (token != NULL)
        add_header(h, S3P_STR("x-amz-security-token"), (struct s3p_str){token, strlen(token)});
}

static struct s3p_str payload_hash(const struct s3p_request *r, char hex[64])
{
    if (r->payload == S3P_PAYLOAD_UNSIGNED)
        return S3P_STR("UNSIGNED-PAYLOAD");
    if (r->payload == S3P_PAYLOAD_EMPTY)
        return S3P_STR(EMPTY_SHA256);
    s3p_hex(hex, r->payload_sha256, S3P_SHA256_BYTES);
    return (struct s3p_str){hex, 64};
}

static char *put(char *p, struct s3p_str s)
{
    if (s.len > 0)
        memcpy(p, s.p, s.len);
    return p + s.len;
}

static void write_wire(struct s3p_buf *out, struct s3p_str method, const struct head *h)
{
    bool asks = h->wire_query.len > 0;
    size_t len = method.len + 1 + h->path.len + asks + h->wire_query.len + 11;
    for (int i = 0; i < h->n; i++)
        len += h->h[i].name.len + h->h[i].value.len + 4;
    char *p = s3p_buf_grow(out, len);
    if (p == NULL)
        return;
    p = put(p, method);
    *p++ = ' ';
    p = put(p, h->path);
    if (asks) {
        *p++ = '?';
        p = put(p, h->wire_query);
    }
    p = put(p, S3P_STR(" HTTP/1.1\r\n"));
    for (int i = 0; i < h->n; i++) {
        p = put(p, h->h[i].name);
        p = put(p, S3P_STR(": "));
        p = put(p, h->h[i].value);
        p = put(p, S3P_STR("\r\n"));
    }
}

static bool holds_control(struct s3p_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

bool s3p_request_write(struct s3p_request_ctx *c, const struct s3p_request *r, int64_t wall_s,
                       struct s3p_buf *out)
{
    struct head h;
    struct s3p_str host;
    h.n = 0;
    if (wall_s != c->date_s) {
        s3p_amz_date(c->date, wall_s);
        s3p_signer_day(&c->signer, c->date);
        c->date_s = wall_s;
    }
    if (holds_control(r->cond_value) || !set_target(c, r, &h, &host))
        return false;
    h.payload_hash = payload_hash(r, h.hash);
    set_headers(c, r, host, &h);
    const char *method = s3p_op_table[r->op].method;
    write_wire(out, (struct s3p_str){method, strlen(method)}, &h);
    s3p_sign_header(&c->signer, out, method, h.path, h.query, h.h, h.n, h.payload_hash, c->date);
    s3p_buf_add(out, "\r\n", 2);
    return s3p_buf_ok(out);
}

void s3p_content_md5(char dst[24], const void *body, size_t len)
{
    uint8_t md5[S3P_MD5_BYTES];
    s3p_md5(body, len, md5);
    s3p_base64(dst, md5, sizeof md5);
}

void s3p_delete_body(struct s3p_buf *out, const struct s3p_str *keys, int n)
{
    s3p_buf_str(out, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (int i = 0; i < n; i++) {
        s3p_buf_str(out, "<Object><Key>");
        s3p_xml_escape(out, keys[i].p, keys[i].len);
        s3p_buf_str(out, "</Key></Object>");
    }
    s3p_buf_str(out, "<Quiet>false</Quiet></Delete>");
}
