#include "s3/request.h"

#include <string.h>

#include "core/text.h"
#include "s3/chunked.h"
#include "s3/tags.h"

/* a key of 1,024 bytes is 3,072 encoded; list parameters are no longer */
#define SCRATCH_MAX (64 * 1024)
#define NUMBER_MAX 20 /* decimal digits of a uint64 */
#define RANGE_MAX (8 + 2 * NUMBER_MAX)
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define META_PREFIX "x-amz-meta-"
#define ATTRIBUTES "ETag,Checksum,ObjectParts,StorageClass,ObjectSize"

/* ---- the query ---- */

enum param_as { PARAM_NAME, PARAM_TEXT, PARAM_NUMBER }; /* a name, or a name and its value */
struct param {
    struct s3p_str text; /* with the '&' before it and the '=' behind it */
    enum param_as as;
    size_t at; /* of the value in struct s3p_request */
};
#define NAMED(text) {{"&" text, sizeof("&" text) - 1}, PARAM_NAME, 0}
#define TEXT(name, field)                                                                          \
    {{"&" name "=", sizeof("&" name "=") - 1}, PARAM_TEXT, offsetof(struct s3p_request, field)}
#define NUMBER(name, field)                                                                        \
    {{"&" name "=", sizeof("&" name "=") - 1}, PARAM_NUMBER, offsetof(struct s3p_request, field)}

/* In the order of their names, which is the canonical one. */
enum {
    ATTRIBUTES_Q,
    CONTINUATION_TOKEN,
    DELETE_Q,
    DELIMITER,
    ENCODING_TYPE,
    KEY_MARKER,
    LIFECYCLE,
    LIST_TYPE,
    MARKER,
    MAX_KEYS,
    MAX_PARTS,
    MAX_UPLOADS,
    PART_NUMBER_MARKER,
    PART_NUMBER,
    PREFIX,
    REPLICATION,
    START_AFTER,
    TAGGING,
    UPLOAD_ID_MARKER,
    UPLOAD_ID,
    UPLOADS,
    VERSION_ID_MARKER,
    VERSION_ID,
    VERSIONING,
    VERSIONS,
    PARAMS,
};
static const struct param params[PARAMS] = {
    [ATTRIBUTES_Q] = NAMED("attributes="),
    [CONTINUATION_TOKEN] = TEXT("continuation-token", token),
    [DELETE_Q] = NAMED("delete="),
    [DELIMITER] = TEXT("delimiter", delimiter),
    [ENCODING_TYPE] = NAMED("encoding-type=url"),
    [KEY_MARKER] = TEXT("key-marker", start),
    [LIFECYCLE] = NAMED("lifecycle="),
    [LIST_TYPE] = NAMED("list-type=2"),
    [MARKER] = TEXT("marker", start),
    [MAX_KEYS] = NUMBER("max-keys", max_keys),
    [MAX_PARTS] = NUMBER("max-parts", max_keys),
    [MAX_UPLOADS] = NUMBER("max-uploads", max_keys),
    [PART_NUMBER_MARKER] = TEXT("part-number-marker", start),
    [PART_NUMBER] = NUMBER("partNumber", part_number),
    [PREFIX] = TEXT("prefix", prefix),
    [REPLICATION] = NAMED("replication="),
    [START_AFTER] = TEXT("start-after", start),
    [TAGGING] = NAMED("tagging="),
    [UPLOAD_ID_MARKER] = TEXT("upload-id-marker", token),
    [UPLOAD_ID] = TEXT("uploadId", upload_id),
    [UPLOADS] = NAMED("uploads="),
    [VERSION_ID_MARKER] = TEXT("version-id-marker", token),
    [VERSION_ID] = TEXT("versionId", version_id),
    [VERSIONING] = NAMED("versioning="),
    [VERSIONS] = NAMED("versions="),
};

#define P(name) (1u << (name))
#define PAGE (P(DELIMITER) | P(ENCODING_TYPE) | P(PREFIX))
static const uint32_t params_of[S3P_OP_COUNT] = {
    [S3P_OP_GET] = P(PART_NUMBER) | P(VERSION_ID),
    [S3P_OP_HEAD] = P(PART_NUMBER) | P(VERSION_ID),
    [S3P_OP_DELETE] = P(VERSION_ID),
    [S3P_OP_DELETE_OBJECTS] = P(DELETE_Q),
    [S3P_OP_LIST] = PAGE | P(LIST_TYPE) | P(CONTINUATION_TOKEN) | P(MAX_KEYS) | P(START_AFTER),
    [S3P_OP_LIST_V1] = PAGE | P(MARKER) | P(MAX_KEYS),
    [S3P_OP_LIST_VERSIONS] =
        PAGE | P(VERSIONS) | P(KEY_MARKER) | P(VERSION_ID_MARKER) | P(MAX_KEYS),
    [S3P_OP_LIST_UPLOADS] =
        PAGE | P(UPLOADS) | P(KEY_MARKER) | P(UPLOAD_ID_MARKER) | P(MAX_UPLOADS),
    [S3P_OP_LIST_PARTS] = P(UPLOAD_ID) | P(PART_NUMBER_MARKER) | P(MAX_PARTS),
    [S3P_OP_CREATE_UPLOAD] = P(UPLOADS),
    [S3P_OP_UPLOAD_PART] = P(PART_NUMBER) | P(UPLOAD_ID),
    [S3P_OP_UPLOAD_PART_COPY] = P(PART_NUMBER) | P(UPLOAD_ID),
    [S3P_OP_COMPLETE_UPLOAD] = P(UPLOAD_ID),
    [S3P_OP_ABORT_UPLOAD] = P(UPLOAD_ID),
    [S3P_OP_PUT_TAGS] = P(TAGGING) | P(VERSION_ID),
    [S3P_OP_GET_TAGS] = P(TAGGING) | P(VERSION_ID),
    [S3P_OP_DELETE_TAGS] = P(TAGGING) | P(VERSION_ID),
    [S3P_OP_PUT_VERSIONING] = P(VERSIONING),
    [S3P_OP_GET_VERSIONING] = P(VERSIONING),
    [S3P_OP_PUT_LIFECYCLE] = P(LIFECYCLE),
    [S3P_OP_PUT_REPLICATION] = P(REPLICATION),
    [S3P_OP_GET_ATTRIBUTES] = P(ATTRIBUTES_Q) | P(VERSION_ID),
};

static void add_param(struct s3p_buf *q, const struct s3p_request *r, const struct param *p)
{
    const void *field = (const char *)r + p->at;
    struct s3p_str text;
    uint64_t number;
    if (p->as == PARAM_NAME) {
        s3p_buf_view(q, p->text);
    } else if (p->as == PARAM_TEXT) {
        memcpy(&text, field, sizeof text);
        if (text.len == 0)
            return;
        s3p_buf_view(q, p->text);
        s3p_uri_encode(q, text.p, text.len, false);
    } else {
        memcpy(&number, field, sizeof number);
        if (number == 0)
            return;
        s3p_buf_view(q, p->text);
        s3p_buf_u64(q, number);
    }
}

/* Each parameter is written with the '&' before it; the caller drops the first one. */
static void add_query(struct s3p_buf *q, const struct s3p_request *r, uint32_t wanted)
{
    for (; wanted != 0; wanted &= wanted - 1)
        add_param(q, r, &params[__builtin_ctz(wanted)]);
}

void s3p_request_args(struct s3p_buf *out, const struct s3p_request *r)
{
    uint32_t valued = 0;
    for (int i = 0; i < PARAMS; i++)
        valued |= params[i].as != PARAM_NAME ? P(i) : 0;
    size_t from = out->len;
    add_query(out, r, params_of[r->op] & valued & ~P(UPLOAD_ID));
    if (!s3p_buf_ok(out) || out->len == from)
        return;
    memmove(out->data + from, out->data + from + 1, out->len - from - 1);
    out->len--;
}

/* ---- the headers ---- */

/* In the order of their names, which is the canonical one. */
enum {
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_MD5,
    HOST,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
    RANGE,
    SUM_ALGORITHM,
    SUM_CRC32,
    SUM_CRC32C,
    SUM_CRC64NVME,
    SUM_MODE,
    SUM_SHA1,
    SUM_SHA256,
    SUM_TYPE,
    CONTENT_SHA256,
    COPY_SOURCE,
    COPY_IF_MATCH,
    COPY_IF_NONE_MATCH,
    COPY_RANGE,
    DATE,
    DECODED_LENGTH,
    META_ID,
    METADATA_DIRECTIVE,
    OBJECT_ATTRIBUTES,
    SECURITY_TOKEN,
    TAGGING_H,
    TAGGING_DIRECTIVE,
    TRAILER,
    HEADERS,
};
#define NAME(text) {text, sizeof(text) - 1}
static const struct s3p_str header_name[HEADERS] = {
    [CONTENT_ENCODING] = NAME("content-encoding"),
    [CONTENT_LENGTH] = NAME("content-length"),
    [CONTENT_MD5] = NAME("content-md5"),
    [HOST] = NAME("host"),
    [IF_MATCH] = NAME("if-match"),
    [IF_MODIFIED_SINCE] = NAME("if-modified-since"),
    [IF_NONE_MATCH] = NAME("if-none-match"),
    [IF_UNMODIFIED_SINCE] = NAME("if-unmodified-since"),
    [RANGE] = NAME("range"),
    [SUM_ALGORITHM] = NAME("x-amz-checksum-algorithm"),
    [SUM_CRC32] = NAME("x-amz-checksum-crc32"),
    [SUM_CRC32C] = NAME("x-amz-checksum-crc32c"),
    [SUM_CRC64NVME] = NAME("x-amz-checksum-crc64nvme"),
    [SUM_MODE] = NAME("x-amz-checksum-mode"),
    [SUM_SHA1] = NAME("x-amz-checksum-sha1"),
    [SUM_SHA256] = NAME("x-amz-checksum-sha256"),
    [SUM_TYPE] = NAME("x-amz-checksum-type"),
    [CONTENT_SHA256] = NAME("x-amz-content-sha256"),
    [COPY_SOURCE] = NAME("x-amz-copy-source"),
    [COPY_IF_MATCH] = NAME("x-amz-copy-source-if-match"),
    [COPY_IF_NONE_MATCH] = NAME("x-amz-copy-source-if-none-match"),
    [COPY_RANGE] = NAME("x-amz-copy-source-range"),
    [DATE] = NAME("x-amz-date"),
    [DECODED_LENGTH] = NAME("x-amz-decoded-content-length"),
    [META_ID] = NAME(S3P_META_ID_HEADER),
    [METADATA_DIRECTIVE] = NAME("x-amz-metadata-directive"),
    [OBJECT_ATTRIBUTES] = NAME("x-amz-object-attributes"),
    [SECURITY_TOKEN] = NAME("x-amz-security-token"),
    [TAGGING_H] = NAME("x-amz-tagging"),
    [TAGGING_DIRECTIVE] = NAME("x-amz-tagging-directive"),
    [TRAILER] = NAME("x-amz-trailer"),
};
static const uint8_t cond_header[S3P_COND_COUNT] = {
    [S3P_COND_IF_MATCH] = IF_MATCH,
    [S3P_COND_IF_NONE_MATCH] = IF_NONE_MATCH,
    [S3P_COND_IF_NONE_MATCH_ANY] = IF_NONE_MATCH,
    [S3P_COND_IF_MATCH_ANY] = IF_MATCH,
    [S3P_COND_IF_MODIFIED_SINCE] = IF_MODIFIED_SINCE,
    [S3P_COND_IF_UNMODIFIED_SINCE] = IF_UNMODIFIED_SINCE,
};
static const uint8_t sum_header[S3P_SUM_KINDS] = {
    [S3P_SUM_CRC32] = SUM_CRC32, [S3P_SUM_CRC32C] = SUM_CRC32C, [S3P_SUM_CRC64NVME] = SUM_CRC64NVME,
    [S3P_SUM_SHA1] = SUM_SHA1,   [S3P_SUM_SHA256] = SUM_SHA256,
};
static const struct s3p_str payload_name[] = {
    [S3P_PAYLOAD_UNSIGNED] = NAME("UNSIGNED-PAYLOAD"),
    [S3P_PAYLOAD_EMPTY] = NAME(EMPTY_SHA256),
    [S3P_PAYLOAD_CHUNKED] = NAME("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
    [S3P_PAYLOAD_CHUNKED_TRAILER] = NAME("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
    [S3P_PAYLOAD_UNSIGNED_TRAILER] = NAME("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
};

/* One request while it is written: what is sent and what is signed come from `h`, sorted by name.
 */
struct head {
    struct s3p_header h[HEADERS + S3P_TAGS_MAX];
    int n;
    char length[NUMBER_MAX], decoded[NUMBER_MAX], hash[64];
    char range[RANGE_MAX], source_range[RANGE_MAX];
    struct s3p_tag_text field[S3P_TAGS_MAX];
    char field_name[S3P_TAGS_MAX][sizeof META_PREFIX + S3P_TAG_KEY_MAX];
    struct s3p_str path, query, wire_query, host, source;
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

static void add_source(struct s3p_buf *b, const struct s3p_request_source *s)
{
    s3p_buf_char(b, '/');
    s3p_uri_encode(b, s->bucket.p, s->bucket.len, false);
    s3p_buf_char(b, '/');
    s3p_uri_encode(b, s->key.p, s->key.len, true);
    if (s->version_id.len == 0)
        return;
    s3p_buf_str(b, "?versionId=");
    s3p_uri_encode(b, s->version_id.p, s->version_id.len, false);
}

/* Path, query, the source of a copy and (virtual host) the Host value go to the scratch, which
 * holds still from then on. */
static bool set_target(struct s3p_request_ctx *c, const struct s3p_request *r, struct head *h)
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
    add_query(b, r, params_of[r->op]);
    size_t query_end = b->len;
    if (c->virtual_host) {
        s3p_buf_view(b, r->bucket);
        s3p_buf_char(b, '.');
        s3p_buf_view(b, c->authority);
    }
    size_t host_end = b->len;
    if (r->source.key.len != 0)
        add_source(b, &r->source);
    if (!s3p_buf_ok(b))
        return false;
    size_t query_at = query_end > path_end ? path_end + 1 : path_end; /* behind the first '&' */
    h->path = (struct s3p_str){b->data, path_end};
    h->query = (struct s3p_str){b->data + query_at, query_end - query_at};
    h->wire_query = h->query; /* a bare name at the end is sent without its '=' */
    h->wire_query.len -= query_end > query_at && b->data[query_end - 1] == '=';
    h->host = c->virtual_host ? (struct s3p_str){b->data + query_end, host_end - query_end}
                              : c->authority;
    h->source = (struct s3p_str){b->data + host_end, b->len - host_end};
    return true;
}

static struct s3p_str number_text(char dst[NUMBER_MAX], uint64_t n)
{
    return (struct s3p_str){dst, s3p_u64_text(dst, n)};
}

static struct s3p_str range_text(char dst[RANGE_MAX], uint64_t first, uint64_t last)
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

uint64_t s3p_request_body_len(const struct s3p_request *r)
{
    return s3p_payload_is_chunked(r->payload) ? s3p_chunked_len(r->payload, r->sum, r->body_len)
                                              : r->body_len;
}

/* The values that are set, by header. */
struct values {
    uint32_t set; /* bits */
    struct s3p_str value[HEADERS];
};
_Static_assert(HEADERS <= 32, "a bit each");

static inline void say(struct values *v, int header, struct s3p_str value)
{
    v->value[header] = value;
    v->set |= (uint32_t)(value.len != 0) << header;
}

/* The headers that most requests do not have. */
static void say_rare(const struct s3p_request *r, struct head *h, struct values *v)
{
    if (s3p_payload_is_chunked(r->payload)) {
        say(v, CONTENT_ENCODING, S3P_STR("aws-chunked"));
        say(v, DECODED_LENGTH, number_text(h->decoded, r->body_len));
    }
    if (r->op == S3P_OP_CREATE_UPLOAD && r->sum != S3P_SUM_NONE) {
        const char *algorithm = s3p_sum_table[r->sum].algorithm;
        say(v, SUM_ALGORITHM, (struct s3p_str){algorithm, strlen(algorithm)});
    } else if (s3p_payload_has_trailer(r->payload)) {
        say(v, TRAILER, s3p_sum_table[r->sum].header);
    } else if (r->sum != S3P_SUM_NONE) {
        say(v, sum_header[r->sum], (struct s3p_str){r->sum_text, s3p_sum_text_len(r->sum)});
    }
    say(v, SUM_TYPE, r->sum_type);
    if (r->sum_mode)
        say(v, SUM_MODE, S3P_STR("ENABLED"));
    say(v, COPY_SOURCE, h->source);
    if (r->source.cond != S3P_COND_NONE)
        say(v, r->source.cond == S3P_COND_IF_MATCH ? COPY_IF_MATCH : COPY_IF_NONE_MATCH,
            r->source.cond_value);
    if (r->source.ranged)
        say(v, COPY_RANGE,
            range_text(h->source_range, r->source.range_first, r->source.range_last));
    say(v, METADATA_DIRECTIVE, r->metadata_directive);
    say(v, TAGGING_DIRECTIVE, r->tagging_directive);
    say(v, TAGGING_H, r->tagging);
    if (r->op == S3P_OP_GET_ATTRIBUTES)
        say(v, OBJECT_ATTRIBUTES, S3P_STR(ATTRIBUTES));
}

static bool sends_body(enum s3p_op op)
{
    const char *method = s3p_op_table[op].method;
    return method[0] == 'P'; /* PUT, POST */
}

static void put_field(const struct s3p_request *r, struct head *h, int at)
{
    struct s3p_tag_text *t = &h->field[at];
    struct s3p_str name = header_name[META_ID];
    size_t prefix = sizeof META_PREFIX - 1;
    s3p_tag_make(t, r->id, r->fields, at);
    if (at != 0) {
        memcpy(h->field_name[at], META_PREFIX, prefix);
        memcpy(h->field_name[at] + prefix, t->key, t->key_len);
        name = (struct s3p_str){h->field_name[at], prefix + t->key_len};
    }
    h->h[h->n++] = (struct s3p_header){name, {t->value, t->value_len}};
}

/* The metadata, which are in the order of their names: the fillers, the id, the count. */
static void put_fields(const struct s3p_request *r, struct head *h)
{
    for (int i = 2; i < r->fields; i++)
        put_field(r, h, i);
    put_field(r, h, 0);
    if (r->fields > 1)
        put_field(r, h, 1);
}

static void set_headers(struct s3p_request_ctx *c, const struct s3p_request *r, struct head *h)
{
    struct values all, *v = &all;
    v->set = 0;
    if (sends_body(r->op))
        say(v, CONTENT_LENGTH, number_text(h->length, s3p_request_body_len(r)));
    say(v, CONTENT_MD5, r->content_md5);
    say(v, HOST, h->host);
    if (r->cond == S3P_COND_IF_MATCH_ANY || r->cond == S3P_COND_IF_NONE_MATCH_ANY)
        say(v, cond_header[r->cond], S3P_STR("*"));
    else if (r->cond != S3P_COND_NONE)
        say(v, cond_header[r->cond], r->cond_value);
    if (r->ranged)
        say(v, RANGE, range_text(h->range, r->range_first, r->range_last));
    say(v, CONTENT_SHA256, payload_name[r->payload]);
    if (r->payload == S3P_PAYLOAD_SIGNED) {
        s3p_hex(h->hash, r->payload_sha256, S3P_SHA256_BYTES);
        say(v, CONTENT_SHA256, (struct s3p_str){h->hash, sizeof h->hash});
    }
    say(v, DATE, (struct s3p_str){c->date, sizeof c->date});
    if (!s3p_id_none(r->id))
        say(v, META_ID, S3P_STR("id"));
    const char *token = c->signer.cred.session_token;
    if (token != NULL)
        say(v, SECURITY_TOKEN, (struct s3p_str){token, strlen(token)});
    say_rare(r, h, v);
    h->n = 0;
    for (uint32_t left = v->set; left != 0; left &= left - 1) {
        int i = __builtin_ctz(left);
        if (i == META_ID)
            put_fields(r, h);
        else
            h->h[h->n++] = (struct s3p_header){header_name[i], v->value[i]};
    }
}

static struct s3p_str payload_hash(const struct s3p_request *r, const struct head *h)
{
    return r->payload == S3P_PAYLOAD_SIGNED ? (struct s3p_str){h->hash, sizeof h->hash}
                                            : payload_name[r->payload];
}

/* ---- writing ---- */

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
    if (wall_s != c->date_s) {
        s3p_amz_date(c->date, wall_s);
        s3p_signer_day(&c->signer, c->date);
        c->date_s = wall_s;
    }
    if (holds_control(r->cond_value) || holds_control(r->source.cond_value) ||
        !set_target(c, r, &h))
        return false;
    set_headers(c, r, &h);
    const char *method = s3p_op_table[r->op].method;
    write_wire(out, (struct s3p_str){method, strlen(method)}, &h);
    s3p_sign_header(&c->signer, out, method, h.path, h.query, h.h, h.n, payload_hash(r, &h),
                    c->date);
    s3p_buf_add(out, "\r\n", 2);
    return s3p_buf_ok(out);
}

const char *s3p_request_signature(const struct s3p_buf *out)
{
    return out->data + out->len - 4 - 64; /* the last header's last text, two line ends */
}
