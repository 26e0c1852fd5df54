#include "server/auth.h"

#include <string.h>
#include <strings.h>

#include "core/text.h"

#define CANONICAL_MAX (256 * 1024)

static const char algorithm[] = "AWS4-HMAC-SHA256";

void s3p_srv_auth_cache_init(struct s3p_srv_auth_cache *c)
{
    memset(c, 0, sizeof *c);
    s3p_buf_init(&c->scratch, CANONICAL_MAX);
}

void s3p_srv_auth_cache_free(struct s3p_srv_auth_cache *c)
{
    s3p_buf_free(&c->scratch);
}

/* Cuts `s` at the first `sep`: the part before it is returned, `s` becomes what follows. */
static struct s3p_str cut(struct s3p_str *s, char sep)
{
    const char *at = s->len > 0 ? memchr(s->p, sep, s->len) : NULL;
    struct s3p_str head = {s->p, at != NULL ? (size_t)(at - s->p) : s->len};
    size_t used = at != NULL ? head.len + 1 : head.len;
    *s = (struct s3p_str){s->p + used, s->len - used};
    return head;
}

/* <access key>/<date>/<region>/s3/aws4_request; the access key may contain slashes, so cut from the
 * end. */
static bool parse_credential(struct s3p_str c, struct s3p_srv_auth *out)
{
    struct s3p_str part[4];
    for (int i = 3; i >= 0; i--) {
        size_t n = c.len;
        while (n > 0 && c.p[n - 1] != '/')
            n--;
        if (n == 0)
            return false;
        part[i] = (struct s3p_str){c.p + n, c.len - n};
        c.len = n - 1;
    }
    out->access_key = c;
    out->date = part[0];
    out->region = part[1];
    out->service = part[2];
    return c.len > 0 && part[0].len == 8 && part[1].len > 0 && s3p_str_eq(part[2], "s3") &&
           s3p_str_eq(part[3], "aws4_request");
}

static enum s3p_srv_error parse_header(struct s3p_str text, struct s3p_srv_auth *out)
{
    if (!s3p_srv_starts(text, algorithm) || text.len == sizeof algorithm - 1)
        return S3P_SE_AUTH_HEADER;
    text.p += sizeof algorithm - 1;
    text.len -= sizeof algorithm - 1;
    bool credential = false;
    while (text.len > 0) {
        struct s3p_str value = s3p_srv_trim(cut(&text, ','));
        struct s3p_str name = cut(&value, '=');
        if (s3p_str_eq(name, "Credential"))
            credential = parse_credential(value, out);
        else if (s3p_str_eq(name, "SignedHeaders"))
            out->signed_headers = value;
        else if (s3p_str_eq(name, "Signature"))
            out->signature = value;
    }
    if (!credential || out->signed_headers.len == 0 || out->signature.len == 0)
        return S3P_SE_AUTH_HEADER;
    return S3P_SE_NONE;
}

static struct s3p_str arg_value(const struct s3p_srv_head *h, const char *name)
{
    const struct s3p_srv_arg *a = s3p_srv_head_arg(h, name);
    return a != NULL ? a->value : (struct s3p_str){NULL, 0};
}

static enum s3p_srv_error parse_query(const struct s3p_srv_head *h, struct s3p_srv_auth *out)
{
    struct s3p_str expires = arg_value(h, "X-Amz-Expires");
    out->presigned = true;
    out->amz_date = arg_value(h, "X-Amz-Date");
    out->signed_headers = arg_value(h, "X-Amz-SignedHeaders");
    out->signature = arg_value(h, "X-Amz-Signature");
    if (!s3p_str_eq(arg_value(h, "X-Amz-Algorithm"), algorithm) ||
        !parse_credential(arg_value(h, "X-Amz-Credential"), out) || out->signed_headers.len == 0 ||
        out->signature.len == 0 || !s3p_parse_u64(expires.p, expires.len, &out->expires_s) ||
        out->expires_s < 1 || out->expires_s > S3P_SRV_EXPIRES_MAX_S)
        return S3P_SE_AUTH_QUERY;
    return S3P_SE_NONE;
}

static const struct {
    const char *text;
    enum s3p_srv_payload payload;
} chunked[] = {
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", S3P_SRV_PAYLOAD_SIGNED_CHUNKS},
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", S3P_SRV_PAYLOAD_SIGNED_TRAILER},
    {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", S3P_SRV_PAYLOAD_CHUNKED_TRAILER},
};

static enum s3p_srv_error parse_payload(struct s3p_srv_auth *out, struct s3p_str text)
{
    if (text.p == NULL) {
        out->payload_text = S3P_STR("UNSIGNED-PAYLOAD");
        return out->presigned ? S3P_SE_NONE : S3P_SE_HASH_MISSING;
    }
    out->payload_text = text;
    if (s3p_str_eq(text, "UNSIGNED-PAYLOAD"))
        return S3P_SE_NONE;
    for (size_t i = 0; i < sizeof chunked / sizeof chunked[0]; i++)
        if (s3p_str_eq(text, chunked[i].text)) {
            out->payload = chunked[i].payload;
            return S3P_SE_NONE;
        }
    if (text.len != 64 || !s3p_unhex(out->hash, text.p, 64))
        return S3P_SE_HASH_VALUE;
    out->payload = S3P_SRV_PAYLOAD_HASHED;
    return S3P_SE_NONE;
}

enum s3p_srv_error s3p_srv_auth_parse(const struct s3p_srv_head *h, struct s3p_srv_auth *out)
{
    memset(out, 0, sizeof *out);
    struct s3p_str header = s3p_srv_head_get(h, "authorization");
    bool query = s3p_srv_head_arg(h, "X-Amz-Algorithm") != NULL ||
                 s3p_srv_head_arg(h, "X-Amz-Signature") != NULL;
    if (header.p == NULL && !query)
        return S3P_SE_ACCESS_DENIED;
    if (header.p != NULL && query)
        return S3P_SE_ARGUMENT; /* one mechanism only, as S3 demands */
    enum s3p_srv_error e = query ? parse_query(h, out) : parse_header(header, out);
    if (e != S3P_SE_NONE)
        return e;
    if (!query)
        out->amz_date = s3p_srv_head_get(h, "x-amz-date");
    return parse_payload(out, s3p_srv_head_get(h, "x-amz-content-sha256"));
}

static bool digits_at(struct s3p_str s, size_t from, size_t n, unsigned *out)
{
    unsigned v = 0;
    for (size_t i = from; i < from + n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s.p[i] - '0');
    }
    *out = v;
    return true;
}

/* 20130524T000000Z as seconds since 1970. */
static bool parse_amz_date(struct s3p_str s, int64_t *wall_s)
{
    unsigned year, month, day, hour, minute, second;
    if (s.len != 16 || s.p[8] != 'T' || s.p[15] != 'Z' || !digits_at(s, 0, 4, &year) ||
        !digits_at(s, 4, 2, &month) || !digits_at(s, 6, 2, &day) || !digits_at(s, 9, 2, &hour) ||
        !digits_at(s, 11, 2, &minute) || !digits_at(s, 13, 2, &second))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 60)
        return false;
    /* days from the civil calendar (Hinnant): years begin in March, so that the leap day is the
     * last one */
    int64_t y = (int64_t)year - (month <= 2), era = y / 400, yoe = y - era * 400;
    int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
    *wall_s = days * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

static enum s3p_srv_error check_time(const struct s3p_srv_auth *a, int64_t wall_s)
{
    int64_t at;
    if (!parse_amz_date(a->amz_date, &at))
        return a->presigned ? S3P_SE_AUTH_QUERY : S3P_SE_AUTH_DATE;
    if (memcmp(a->amz_date.p, a->date.p, 8) != 0)
        return a->presigned ? S3P_SE_AUTH_QUERY : S3P_SE_AUTH_HEADER;
    if (at > wall_s + S3P_SRV_SKEW_S)
        return S3P_SE_SKEWED;
    if (a->presigned)
        return wall_s > at + (int64_t)a->expires_s ? S3P_SE_EXPIRED : S3P_SE_NONE;
    return at < wall_s - S3P_SRV_SKEW_S ? S3P_SE_SKEWED : S3P_SE_NONE;
}

static bool is_signed(struct s3p_str list, struct s3p_str name)
{
    while (list.len > 0) {
        struct s3p_str one = cut(&list, ';');
        if (one.len == name.len && strncasecmp(one.p, name.p, one.len) == 0)
            return true;
    }
    return false;
}

/* Host and every x-amz-* header must be under the signature, or a middleman could change what the
 * request means. */
static bool covers(const struct s3p_srv_head *h, const struct s3p_srv_auth *a)
{
    if (!is_signed(a->signed_headers, S3P_STR("host")))
        return false;
    for (size_t i = 0; i < h->n_fields; i++)
        if (s3p_srv_starts_nocase(h->fields[i].name, "x-amz-") &&
            !is_signed(a->signed_headers, h->fields[i].name))
            return false;
    return true;
}

/* Runs of spaces inside a value count as one. */
static void add_collapsed(struct s3p_buf *out, struct s3p_str v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.p[i] != ' ' || v.p[i - 1] != ' ')
            s3p_buf_char(out, v.p[i]);
}

static void add_headers(const struct s3p_srv_head *h, struct s3p_str list, struct s3p_buf *out)
{
    while (list.len > 0) {
        struct s3p_str name = cut(&list, ';');
        s3p_buf_view(out, name);
        s3p_buf_char(out, ':');
        bool first = true;
        for (size_t i = 0; i < h->n_fields; i++) {
            const struct s3p_srv_field *f = &h->fields[i];
            if (f->name.len != name.len || strncasecmp(f->name.p, name.p, name.len) != 0)
                continue;
            if (!first)
                s3p_buf_char(out, ',');
            add_collapsed(out, f->value);
            first = false;
        }
        s3p_buf_char(out, '\n');
    }
}

static int arg_order(const struct s3p_srv_arg *a, const struct s3p_srv_arg *b)
{
    int c = s3p_srv_compare(a->enc_name, b->enc_name);
    return c != 0 ? c : s3p_srv_compare(a->enc_value, b->enc_value);
}

static void add_query(const struct s3p_srv_head *h, bool presigned, struct s3p_buf *out)
{
    const struct s3p_srv_arg *sorted[S3P_SRV_ARGS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < h->n_args; i++) {
        if (presigned && s3p_str_eq(h->args[i].name, "X-Amz-Signature"))
            continue;
        size_t at = n++;
        while (at > 0 && arg_order(sorted[at - 1], &h->args[i]) > 0) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = &h->args[i];
    }
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            s3p_buf_char(out, '&');
        s3p_buf_view(out, sorted[i]->enc_name);
        s3p_buf_char(out, '=');
        s3p_buf_view(out, sorted[i]->enc_value);
    }
}

void s3p_srv_auth_canonical(const struct s3p_srv_head *h, const struct s3p_srv_auth *a,
                            struct s3p_buf *out)
{
    s3p_buf_view(out, h->method);
    s3p_buf_char(out, '\n');
    s3p_buf_view(out, h->path);
    s3p_buf_char(out, '\n');
    add_query(h, a->presigned, out);
    s3p_buf_char(out, '\n');
    add_headers(h, a->signed_headers, out);
    s3p_buf_char(out, '\n');
    s3p_buf_view(out, a->signed_headers);
    s3p_buf_char(out, '\n');
    s3p_buf_view(out, a->payload_text);
}

static void derive(const struct s3p_srv_auth *a, const char *secret, struct s3p_hmac *key)
{
    struct s3p_str steps[] = {a->date, a->region, S3P_STR("s3"), S3P_STR("aws4_request")};
    char seed[4 + 256] = "AWS4";
    uint8_t out[S3P_SHA256_BYTES];
    size_t n = strlen(secret);
    memcpy(seed + 4, secret, n <= 256 ? n : 256);
    s3p_hmac_init(key, seed, 4 + (n <= 256 ? n : 256));
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        s3p_hmac(key, steps[i].p, steps[i].len, out);
        s3p_hmac_init(key, out, sizeof out);
    }
}

const struct s3p_hmac *s3p_srv_auth_key(const struct s3p_srv_auth *a, const char *secret,
                                        struct s3p_srv_auth_cache *c)
{
    size_t slots = sizeof c->slots / sizeof c->slots[0];
    for (size_t i = 0; i < slots; i++)
        if (c->slots[i].used && memcmp(c->slots[i].date, a->date.p, 8) == 0 &&
            c->slots[i].region_len == a->region.len &&
            memcmp(c->slots[i].region, a->region.p, a->region.len) == 0)
            return &c->slots[i].key;
    unsigned at = c->next++ % (unsigned)slots;
    derive(a, secret, &c->slots[at].key);
    c->slots[at].used = a->region.len <= sizeof c->slots[at].region;
    if (c->slots[at].used) {
        memcpy(c->slots[at].date, a->date.p, 8);
        memcpy(c->slots[at].region, a->region.p, a->region.len);
        c->slots[at].region_len = a->region.len;
    }
    return &c->slots[at].key;
}

void s3p_srv_auth_signature(const struct s3p_srv_auth *a, const char *secret_key,
                            struct s3p_srv_auth_cache *cache, struct s3p_str canonical,
                            char hex[64])
{
    uint8_t digest[S3P_SHA256_BYTES];
    char digest_hex[64], text[512];
    s3p_sha256(canonical.p, canonical.len, digest);
    s3p_hex(digest_hex, digest, sizeof digest);
    struct s3p_str parts[] = {
        S3P_STR("AWS4-HMAC-SHA256\n"),
        a->amz_date,
        S3P_STR("\n"),
        a->date,
        S3P_STR("/"),
        a->region,
        S3P_STR("/s3/aws4_request\n"),
        {digest_hex, sizeof digest_hex},
    };
    size_t len = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t n = parts[i].len < sizeof text - len ? parts[i].len : sizeof text - len;
        memcpy(text + len, parts[i].p, n);
        len += n;
    }
    s3p_hmac(s3p_srv_auth_key(a, secret_key, cache), text, len, digest);
    s3p_hex(hex, digest, sizeof digest);
}

static bool equal_secretly(struct s3p_str a, const char *b, size_t len)
{
    if (a.len != len)
        return false;
    unsigned char diff = 0;
    for (size_t i = 0; i < len; i++)
        diff |= (unsigned char)(a.p[i] ^ b[i]);
    return diff == 0;
}

enum s3p_srv_error s3p_srv_auth_check(const struct s3p_srv_head *h, const struct s3p_srv_keys *keys,
                                      int64_t wall_s, struct s3p_srv_auth_cache *cache,
                                      struct s3p_srv_auth *out)
{
    enum s3p_srv_error e = s3p_srv_auth_parse(h, out);
    if (e != S3P_SE_NONE)
        return e;
    if (!s3p_str_eq(out->access_key, keys->access_key))
        return S3P_SE_ACCESS_KEY_UNKNOWN;
    enum s3p_srv_error timely = check_time(out, wall_s);
    if (timely != S3P_SE_NONE)
        return timely;
    if (out->region.len > 128)
        return S3P_SE_AUTH_HEADER;
    if (keys->region != NULL && !s3p_str_eq(out->region, keys->region))
        return out->presigned ? S3P_SE_QUERY_REGION : S3P_SE_HEADER_REGION;
    if (!covers(h, out))
        return S3P_SE_NOT_SIGNED;
    s3p_buf_clear(&cache->scratch);
    s3p_srv_auth_canonical(h, out, &cache->scratch);
    if (!s3p_buf_ok(&cache->scratch))
        return S3P_SE_HEADERS;
    char hex[64];
    s3p_srv_auth_signature(out, keys->secret_key, cache,
                           (struct s3p_str){cache->scratch.data, cache->scratch.len}, hex);
    return equal_secretly(out->signature, hex, sizeof hex) ? S3P_SE_NONE : S3P_SE_SIGNATURE;
}
