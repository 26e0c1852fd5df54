#include "server/chunks.h"

#include <string.h>
#include <strings.h>

#include "core/text.h"

#define SIZE_DIGITS_MAX 16

void s3p_srv_chunks_begin(struct s3p_srv_chunks *c, const struct s3p_srv_auth *auth,
                          const struct s3p_hmac *key, struct s3p_str wanted)
{
    c->on = true;
    c->has_signatures = auth->payload != S3P_SRV_PAYLOAD_CHUNKED_TRAILER;
    c->has_trailer = auth->payload != S3P_SRV_PAYLOAD_SIGNED_CHUNKS;
    c->state = S3P_SRV_CHUNK_HEAD;
    c->error = S3P_SE_NONE;
    c->unchecked = c->forged = false;
    c->auth = auth;
    c->key = *key;
    c->wanted = wanted;
    c->got_value = c->got_signature = false;
    c->value_len = c->line_len = 0;
    memcpy(c->previous, auth->signature.p, auth->signature.len <= 64 ? auth->signature.len : 64);
}

/* Compares the claimed signature with that of what `sha` took, and goes on along the chain. */
static void check_signature(struct s3p_srv_chunks *c, const char *kind, bool chunk)
{
    uint8_t digest[S3P_SHA256_BYTES], empty[S3P_SHA256_BYTES];
    char hex[64], empty_hex[64], text[512];
    s3p_sha256_end(&c->sha, digest);
    s3p_hex(hex, digest, sizeof digest);
    s3p_sha256("", 0, empty);
    s3p_hex(empty_hex, empty, sizeof empty);
    const struct s3p_str parts[] = {
        {kind, strlen(kind)},
        S3P_STR("\n"),
        c->auth->amz_date,
        S3P_STR("\n"),
        c->auth->date,
        S3P_STR("/"),
        c->auth->region,
        S3P_STR("/s3/aws4_request\n"),
        {c->previous, 64},
        S3P_STR("\n"),
        {empty_hex, chunk ? 64 : 0},
        {"\n", chunk ? 1 : 0},
        {hex, 64},
    };
    size_t len = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t n = parts[i].len < sizeof text - len ? parts[i].len : sizeof text - len;
        memcpy(text + len, parts[i].p, n);
        len += n;
    }
    s3p_hmac(&c->key, text, len, digest);
    s3p_hex(hex, digest, sizeof digest);
    unsigned char diff = 0;
    for (size_t i = 0; i < sizeof hex; i++)
        diff |= (unsigned char)(hex[i] ^ c->claimed[i]);
    if (diff != 0 && !c->unchecked)
        c->error = S3P_SE_SIGNATURE;
    c->forged |= diff != 0;
    memcpy(c->previous, hex, sizeof hex);
}

static void end_chunk(struct s3p_srv_chunks *c)
{
    if (c->has_signatures)
        check_signature(c, "AWS4-HMAC-SHA256-PAYLOAD", true);
}

static bool size_of(struct s3p_str text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.p[i];
        unsigned digit = ch >= '0' && ch <= '9'   ? (unsigned)(ch - '0')
                         : ch >= 'a' && ch <= 'f' ? (unsigned)(ch - 'a') + 10
                         : ch >= 'A' && ch <= 'F' ? (unsigned)(ch - 'A') + 10
                                                  : 16;
        if (digit == 16)
            return false;
        *out = *out << 4 | digit;
    }
    return text.len > 0 && text.len <= SIZE_DIGITS_MAX;
}

/* hex, and in the signed modes ;chunk-signature= and 64 digits. */
static void take_head(struct s3p_srv_chunks *c, struct s3p_str line)
{
    static const char mark[] = ";chunk-signature=";
    size_t sign = sizeof mark - 1 + 64;
    struct s3p_str size = line;
    if (c->has_signatures) {
        if (line.len <= sign || memcmp(line.p + line.len - sign, mark, sizeof mark - 1) != 0) {
            c->error = S3P_SE_LENGTH_SHORT;
            return;
        }
        memcpy(c->claimed, line.p + line.len - 64, 64);
        size.len = line.len - sign;
    }
    if (!size_of(size, &c->left)) {
        c->error = S3P_SE_LENGTH_SHORT;
        return;
    }
    s3p_sha256_init(&c->sha);
    c->state = S3P_SRV_CHUNK_DATA;
    if (c->left > 0)
        return;
    end_chunk(c);
    c->state = S3P_SRV_CHUNK_TRAILER;
    s3p_sha256_init(&c->sha);
}

/* name:value; only the announced name and the signature count. */
static void take_trailer(struct s3p_srv_chunks *c, struct s3p_str line)
{
    const char *colon = memchr(line.p, ':', line.len);
    if (!c->has_trailer || colon == NULL || c->got_signature) {
        c->error = S3P_SE_LENGTH_SHORT;
        return;
    }
    struct s3p_str name = {line.p, (size_t)(colon - line.p)};
    struct s3p_str value = s3p_srv_trim((struct s3p_str){colon + 1, line.len - name.len - 1});
    if (c->has_signatures && s3p_srv_same_nocase(name, "x-amz-trailer-signature")) {
        if (value.len == 64) {
            memcpy(c->claimed, value.p, 64);
            c->got_signature = true;
            check_signature(c, "AWS4-HMAC-SHA256-TRAILER", false);
        }
        return;
    }
    s3p_sha256_add(&c->sha, name.p, name.len);
    s3p_sha256_add(&c->sha, ":", 1);
    s3p_sha256_add(&c->sha, value.p, value.len);
    s3p_sha256_add(&c->sha, "\n", 1);
    if (c->wanted.p == NULL || name.len != c->wanted.len ||
        strncasecmp(name.p, c->wanted.p, name.len) != 0)
        return;
    if (c->got_value)
        c->error = S3P_SE_LENGTH_SHORT; /* which one counts? */
    memcpy(c->value, value.p, value.len);
    c->value_len = value.len;
    c->got_value = true;
}

static void take_line(struct s3p_srv_chunks *c, struct s3p_str line)
{
    switch (c->state) {
    case S3P_SRV_CHUNK_HEAD:
        take_head(c, line);
        break;
    case S3P_SRV_CHUNK_DATA_END:
        c->state = S3P_SRV_CHUNK_HEAD;
        if (line.len > 0)
            c->error = S3P_SE_LENGTH_SHORT;
        break;
    case S3P_SRV_CHUNK_TRAILER:
        if (line.len > 0)
            take_trailer(c, line);
        else
            c->state = S3P_SRV_CHUNK_DONE;
        break;
    case S3P_SRV_CHUNK_DATA:
    case S3P_SRV_CHUNK_DONE:
        c->error = S3P_SE_LENGTH_SHORT; /* bytes behind the end */
        break;
    }
}

/* Gathers a line up to CR LF; returns the bytes used. */
static size_t add_line(struct s3p_srv_chunks *c, const char *p, size_t len)
{
    const char *end = memchr(p, '\n', len);
    size_t n = end != NULL ? (size_t)(end - p) + 1 : len;
    if (n > sizeof c->line - c->line_len) {
        c->error = S3P_SE_LENGTH_SHORT;
        return len;
    }
    memcpy(c->line + c->line_len, p, n);
    c->line_len += n;
    if (end == NULL)
        return n;
    size_t text = c->line_len - 1;
    c->line_len = 0;
    if (text == 0 || c->line[text - 1] != '\r')
        c->error = S3P_SE_LENGTH_SHORT;
    else
        take_line(c, (struct s3p_str){c->line, text - 1});
    return n;
}

void s3p_srv_chunks_add(struct s3p_srv_chunks *c, const char *p, size_t len,
                        void (*data)(void *cls, const char *p, size_t len), void *cls)
{
    while (len > 0 && c->error == S3P_SE_NONE) {
        size_t n;
        if (c->state != S3P_SRV_CHUNK_DATA) {
            n = add_line(c, p, len);
        } else {
            n = c->left < len ? (size_t)c->left : len;
            if (c->has_signatures)
                s3p_sha256_add(&c->sha, p, n);
            data(cls, p, n);
            c->left -= n;
            if (c->left == 0) {
                c->state = S3P_SRV_CHUNK_DATA_END;
                end_chunk(c);
            }
        }
        p += n;
        len -= n;
    }
}

enum s3p_srv_error s3p_srv_chunks_end(const struct s3p_srv_chunks *c)
{
    if (c->error != S3P_SE_NONE)
        return c->error;
    if (c->state != S3P_SRV_CHUNK_DONE)
        return S3P_SE_LENGTH_SHORT;
    if (c->line_len > 0) /* bytes behind the end that are no line */
        return S3P_SE_LENGTH_SHORT;
    return c->has_signatures && c->has_trailer && !c->got_signature ? S3P_SE_SIGNATURE
                                                                    : S3P_SE_NONE;
}
