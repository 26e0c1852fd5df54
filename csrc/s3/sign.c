#include "s3/sign.h"

#include <string.h>

#include "core/text.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define REGION_MAX 64
#define SECRET_MAX 256
#define ACCESS_KEY_MAX 256
#define EXPIRES_MAX_S 604800
#define HEX_SHA256 64

/* The canonical request never exists as a whole: it is hashed through a small window, so its size
 * has no bound and nothing is allocated, while OpenSSL still sees few and long pieces. */
struct hasher {
    struct s3p_sha256 sha;
    size_t n;
    char window[1024];
};

static void hash_flush(struct hasher *h)
{
    s3p_sha256_add(&h->sha, h->window, h->n);
    h->n = 0;
}

static inline void hash(struct hasher *h, const char *p, size_t len)
{
    if (len > sizeof h->window - h->n) {
        hash_flush(h);
        if (len > sizeof h->window) {
            s3p_sha256_add(&h->sha, p, len);
            return;
        }
    }
    if (len > 0)
        memcpy(h->window + h->n, p, len);
    h->n += len;
}
#define HASH(h, lit) hash((h), (lit), sizeof(lit) - 1)

static inline void hash_char(struct hasher *h, char c)
{
    if (h->n == sizeof h->window)
        hash_flush(h);
    h->window[h->n++] = c;
}

/* A header value as SigV4 sees it: no blanks around it, one blank where there are several. */
static void hash_value(struct hasher *h, struct s3p_str value)
{
    if (value.len == 0 || memchr(value.p, ' ', value.len) == NULL) {
        hash(h, value.p, value.len);
        return;
    }
    bool wrote = false, blank = false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] == ' ') {
            blank = wrote;
            continue;
        }
        if (blank)
            hash_char(h, ' ');
        hash_char(h, value.p[i]);
        wrote = true;
        blank = false;
    }
}

static char *put(char *p, const void *src, size_t len)
{
    memcpy(p, src, len);
    return p + len;
}
#define PUT(p, lit) put((p), (lit), sizeof(lit) - 1)

static bool plain_text(const char *s, size_t max)
{
    size_t len = s == NULL ? 0 : strnlen(s, max + 1);
    if (len == 0 || len > max)
        return false;
    for (size_t i = 0; i < len; i++)
        if (s[i] <= ' ' || s[i] > '~' || s[i] == '/' || s[i] == ',')
            return false;
    return true;
}

static void derive(const void *key, size_t key_len, const char *text, size_t len,
                   uint8_t out[S3P_SHA256_BYTES])
{
    struct s3p_hmac h;
    s3p_hmac_init(&h, key, key_len);
    s3p_hmac(&h, text, len, out);
}

static void set_day(struct s3p_signer *s, const char day[8])
{
    uint8_t key[S3P_SHA256_BYTES];
    char secret[4 + SECRET_MAX];
    size_t region_len = strlen(s->cred.region), secret_len = strlen(s->cred.secret_key);
    put(PUT(secret, "AWS4"), s->cred.secret_key, secret_len);
    derive(secret, 4 + secret_len, day, 8, key);
    derive(key, sizeof key, s->cred.region, region_len, key);
    derive(key, sizeof key, "s3", 2, key);
    derive(key, sizeof key, "aws4_request", 12, key);
    s3p_hmac_init(&s->key, key, sizeof key);
    explicit_bzero(key, sizeof key);
    explicit_bzero(secret, sizeof secret);

    memcpy(s->day, day, sizeof s->day);
    char *p = put(s->scope, day, 8);
    *p++ = '/';
    p = put(p, s->cred.region, region_len);
    p = PUT(p, "/s3/aws4_request");
    s->scope_len = (size_t)(p - s->scope);
}

int s3p_signer_init(struct s3p_signer *s, const struct s3p_credentials *cred, int64_t wall_s,
                    struct s3p_err *err)
{
    *s = (struct s3p_signer){.cred = *cred};
    if (!plain_text(cred->access_key, ACCESS_KEY_MAX))
        return s3p_fail(err, S3P_EINVAL, 0,
                        "access_key: expected 1 to %d characters, no blank, '/' or ','",
                        ACCESS_KEY_MAX);
    if (cred->secret_key == NULL || cred->secret_key[0] == 0 ||
        strlen(cred->secret_key) > SECRET_MAX)
        return s3p_fail(err, S3P_EINVAL, 0, "secret_key: expected 1 to %d characters", SECRET_MAX);
    if (!plain_text(cred->region, REGION_MAX))
        return s3p_fail(err, S3P_EINVAL, 0,
                        "region: expected 1 to %d characters, no blank, '/' or ','", REGION_MAX);
    if (cred->session_token != NULL && strpbrk(cred->session_token, " \r\n") != NULL)
        return s3p_fail(err, S3P_EINVAL, 0, "session_token: expected no blank and no line break");
    char date[16];
    s3p_amz_date(date, wall_s);
    set_day(s, date);
    return S3P_OK;
}

void s3p_signer_day(struct s3p_signer *s, const char date[16])
{
    if (memcmp(s->day, date, sizeof s->day) != 0)
        set_day(s, date);
}

/* From the hash of the canonical request to the signature. */
static void signature(const struct s3p_signer *s, struct hasher *canonical, const char date[16],
                      char hex[HEX_SHA256])
{
    uint8_t digest[S3P_SHA256_BYTES];
    char text[sizeof(ALGORITHM) + 17 + sizeof s->scope + 1 + HEX_SHA256];
    hash_flush(canonical);
    s3p_sha256_end(&canonical->sha, digest);
    char *p = PUT(text, ALGORITHM "\n");
    p = put(p, date, 16);
    *p++ = '\n';
    p = put(p, s->scope, s->scope_len);
    *p++ = '\n';
    s3p_hex(p, digest, sizeof digest);
    p += HEX_SHA256;
    s3p_hmac(&s->key, text, (size_t)(p - text), digest);
    s3p_hex(hex, digest, sizeof digest);
}

static void hash_start(struct hasher *h, const char *method, struct s3p_str path,
                       struct s3p_str query)
{
    s3p_sha256_init(&h->sha);
    h->n = 0;
    hash(h, method, strlen(method));
    hash_char(h, '\n');
    hash(h, path.p, path.len);
    hash_char(h, '\n');
    hash(h, query.p, query.len);
    hash_char(h, '\n');
}

void s3p_sign_header(const struct s3p_signer *s, struct s3p_buf *out, const char *method,
                     struct s3p_str path, struct s3p_str query, const struct s3p_header *headers,
                     int nheaders, struct s3p_str payload_hash, const char date[16])
{
    struct hasher h;
    size_t names_len = 0;
    hash_start(&h, method, path, query);
    for (int i = 0; i < nheaders; i++) {
        hash(&h, headers[i].name.p, headers[i].name.len);
        hash_char(&h, ':');
        hash_value(&h, headers[i].value);
        hash_char(&h, '\n');
        names_len += headers[i].name.len + 1; /* and a separator */
    }
    names_len -= names_len > 0;

    static const char start[] = "authorization: " ALGORITHM " Credential=",
                      signed_headers[] = ", SignedHeaders=", signature_is[] = ", Signature=";
    size_t key_len = strlen(s->cred.access_key);
    size_t len = sizeof start + key_len + s->scope_len + sizeof signed_headers + names_len +
                 sizeof signature_is + HEX_SHA256; /* the three NULs stand for '/', CR and LF */
    char *p = s3p_buf_grow(out, len);
    if (p == NULL)
        return;
    p = PUT(p, start);
    p = put(p, s->cred.access_key, key_len);
    *p++ = '/';
    p = put(p, s->scope, s->scope_len);
    p = PUT(p, signed_headers);
    const char *names = p;
    for (int i = 0; i < nheaders; i++) {
        if (i > 0)
            *p++ = ';';
        p = put(p, headers[i].name.p, headers[i].name.len);
    }
    hash_char(&h, '\n');
    hash(&h, names, names_len);
    hash_char(&h, '\n');
    hash(&h, payload_hash.p, payload_hash.len);
    p = PUT(p, signature_is);
    signature(s, &h, date, p);
    PUT(p + HEX_SHA256, "\r\n");
}

/* Cuts the next parameter off a canonical query. */
static struct s3p_str next_param(struct s3p_str *query)
{
    const char *amp = query->len == 0 ? NULL : memchr(query->p, '&', query->len);
    size_t len = amp == NULL ? query->len : (size_t)(amp - query->p);
    struct s3p_str param = {query->p, len};
    size_t cut = amp == NULL ? len : len + 1;
    query->p += cut;
    query->len -= cut;
    return param;
}

static size_t name_len(struct s3p_str param)
{
    const char *eq = memchr(param.p, '=', param.len);
    return eq == NULL ? param.len : (size_t)(eq - param.p);
}

static bool name_before(struct s3p_str a, struct s3p_str b)
{
    size_t la = name_len(a), lb = name_len(b);
    int order = memcmp(a.p, b.p, la < lb ? la : lb);
    return order != 0 ? order < 0 : la < lb;
}

/* Appends a and b, both sorted by name, as one sorted query. */
static void add_merged(struct s3p_buf *out, struct s3p_str a, struct s3p_str b)
{
    while (a.len > 0 || b.len > 0) {
        struct s3p_str rest_a = a, rest_b = b;
        struct s3p_str pa = next_param(&rest_a), pb = next_param(&rest_b);
        bool take_a = a.len > 0 && (b.len == 0 || !name_before(pb, pa));
        s3p_buf_view(out, take_a ? pa : pb);
        if (take_a)
            a = rest_a;
        else
            b = rest_b;
        if (a.len > 0 || b.len > 0)
            s3p_buf_char(out, '&');
    }
}

/* The X-Amz-… parameters but the signature, sorted. */
static void add_auth_query(const struct s3p_signer *s, struct s3p_buf *q, int64_t expires_s,
                           const char date[16])
{
    s3p_buf_str(q, "X-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=");
    s3p_uri_encode(q, s->cred.access_key, strlen(s->cred.access_key), false);
    s3p_buf_str(q, "%2F");
    s3p_uri_encode(q, s->scope, s->scope_len, false);
    s3p_buf_str(q, "&X-Amz-Date=");
    s3p_buf_add(q, date, 16);
    s3p_buf_str(q, "&X-Amz-Expires=");
    s3p_buf_i64(q, expires_s);
    if (s->cred.session_token != NULL) {
        s3p_buf_str(q, "&X-Amz-Security-Token=");
        s3p_uri_encode(q, s->cred.session_token, strlen(s->cred.session_token), false);
    }
    s3p_buf_str(q, "&X-Amz-SignedHeaders=host");
}

int s3p_presign(const struct s3p_signer *s, struct s3p_buf *out, const char *method,
                struct s3p_str host, struct s3p_str path, struct s3p_str query, int64_t expires_s,
                const char date[16], struct s3p_err *err)
{
    if (expires_s < 1 || expires_s > EXPIRES_MAX_S)
        return s3p_fail(err, S3P_EINVAL, 0, "expires_s: %lld, expected 1 to %d",
                        (long long)expires_s, EXPIRES_MAX_S);
    struct s3p_buf auth;
    size_t start = out->len;
    s3p_buf_init(&auth, out->max);
    add_auth_query(s, &auth, expires_s, date);
    if (s3p_buf_ok(&auth))
        add_merged(out, query, (struct s3p_str){auth.data, auth.len});
    bool complete = s3p_buf_ok(&auth) && s3p_buf_ok(out);
    s3p_buf_free(&auth);
    if (!complete)
        return s3p_fail(err, S3P_ELIMIT, 0, "presigned query: over %zu bytes, or out of memory",
                        out->max);

    struct hasher h;
    char hex[HEX_SHA256];
    hash_start(&h, method, path, (struct s3p_str){out->data + start, out->len - start});
    HASH(&h, "host:");
    hash_value(&h, host);
    HASH(&h, "\n\nhost\nUNSIGNED-PAYLOAD");
    signature(s, &h, date, hex);
    s3p_buf_str(out, "&X-Amz-Signature=");
    s3p_buf_add(out, hex, sizeof hex);
    if (!s3p_buf_ok(out))
        return s3p_fail(err, S3P_ELIMIT, 0, "presigned query: over %zu bytes", out->max);
    return S3P_OK;
}

/* 1: stands for itself; 2: '/', which may. */
static const uint8_t plain[256] = {
    ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1, ['-'] = 1,
    ['.'] = 1,         ['_'] = 1,         ['~'] = 1,         ['/'] = 2,
};

void s3p_uri_encode(struct s3p_buf *out, const char *p, size_t len, bool keep_slash)
{
    static const char digits[16] = "0123456789ABCDEF";
    unsigned keep = keep_slash ? 3 : 1;
    size_t escapes = 0;
    for (size_t i = 0; i < len; i++)
        escapes += (plain[(uint8_t)p[i]] & keep) == 0;
    if (escapes > (SIZE_MAX - len) / 2) {
        out->failed = true;
        return;
    }
    char *dst = len == 0 ? NULL : s3p_buf_grow(out, len + 2 * escapes);
    if (dst == NULL)
        return;
    if (escapes == 0) {
        memcpy(dst, p, len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)p[i];
        if ((plain[c] & keep) != 0) {
            *dst++ = p[i];
        } else {
            *dst++ = '%';
            *dst++ = digits[c >> 4];
            *dst++ = digits[c & 15];
        }
    }
}
