#include "server/sums.h"

#include <openssl/evp.h>
#include <string.h>

#include "core/crc.h"
#include "core/text.h"

static const struct {
    const char *header, *element;
    unsigned bytes;
    bool full, composite; /* types that a multipart upload may have */
} rows[S3P_SRV_SUM_KINDS] = {
    [S3P_SRV_SUM_NONE] = {"", "", 0, false, false},
    [S3P_SRV_SUM_CRC32] = {"x-amz-checksum-crc32", "CRC32", 4, true, true},
    [S3P_SRV_SUM_CRC32C] = {"x-amz-checksum-crc32c", "CRC32C", 4, true, true},
    [S3P_SRV_SUM_CRC64NVME] = {"x-amz-checksum-crc64nvme", "CRC64NVME", 8, true, false},
    [S3P_SRV_SUM_SHA1] = {"x-amz-checksum-sha1", "SHA1", 20, false, true},
    [S3P_SRV_SUM_SHA256] = {"x-amz-checksum-sha256", "SHA256", 32, false, true},
};

const char *s3p_srv_sum_header(enum s3p_srv_sum_kind kind)
{
    return rows[kind].header;
}

const char *s3p_srv_sum_element(enum s3p_srv_sum_kind kind)
{
    return rows[kind].element;
}

bool s3p_srv_sum_begin(struct s3p_srv_sum *s, enum s3p_srv_sum_kind kind)
{
    s->kind = kind;
    s->crc = 0;
    s->sha1 = NULL;
    if (kind == S3P_SRV_SUM_SHA256)
        s3p_sha256_init(&s->sha256);
    if (kind != S3P_SRV_SUM_SHA1)
        return true;
    s->sha1 = EVP_MD_CTX_new();
    return s->sha1 != NULL && EVP_DigestInit_ex(s->sha1, EVP_sha1(), NULL) == 1;
}

void s3p_srv_sum_add(struct s3p_srv_sum *s, const void *p, size_t len)
{
    switch (s->kind) {
    case S3P_SRV_SUM_CRC32:
        s->crc = s3p_crc32((uint32_t)s->crc, p, len);
        break;
    case S3P_SRV_SUM_CRC32C:
        s->crc = s3p_crc32c((uint32_t)s->crc, p, len);
        break;
    case S3P_SRV_SUM_CRC64NVME:
        s->crc = s3p_crc64nvme(s->crc, p, len);
        break;
    case S3P_SRV_SUM_SHA1:
        (void)EVP_DigestUpdate(s->sha1, p, len);
        break;
    case S3P_SRV_SUM_SHA256:
        s3p_sha256_add(&s->sha256, p, len);
        break;
    case S3P_SRV_SUM_NONE:
    case S3P_SRV_SUM_KINDS:
        break;
    }
}

size_t s3p_srv_sum_end(struct s3p_srv_sum *s, uint8_t out[S3P_SRV_SUM_MAX])
{
    unsigned n = rows[s->kind].bytes;
    memset(out, 0, S3P_SRV_SUM_MAX);
    if (s->kind == S3P_SRV_SUM_SHA1)
        (void)EVP_DigestFinal_ex(s->sha1, out, NULL);
    else if (s->kind == S3P_SRV_SUM_SHA256)
        s3p_sha256_end(&s->sha256, out);
    else
        for (unsigned i = 0; i < n; i++)
            out[i] = (uint8_t)(s->crc >> (8 * (n - 1 - i)));
    s3p_srv_sum_drop(s);
    return n;
}

void s3p_srv_sum_drop(struct s3p_srv_sum *s)
{
    EVP_MD_CTX_free(s->sha1);
    s->sha1 = NULL;
}

enum s3p_srv_sum_kind s3p_srv_sum_named(struct s3p_str name)
{
    unsigned k = 1;
    while (k < S3P_SRV_SUM_KINDS && !s3p_srv_same_nocase(name, rows[k].element))
        k++;
    return k < S3P_SRV_SUM_KINDS ? (enum s3p_srv_sum_kind)k : S3P_SRV_SUM_NONE;
}

bool s3p_srv_sum_value(enum s3p_srv_sum_kind kind, struct s3p_str text,
                       uint8_t out[S3P_SRV_SUM_MAX])
{
    return s3p_unbase64(out, S3P_SRV_SUM_MAX, text.p, text.len) == (int64_t)rows[kind].bytes;
}

size_t s3p_srv_sum_text(char text[S3P_SRV_SUM_TEXT_MAX], const struct s3p_srv_record *r)
{
    if (r->sum_len == 0 || r->sum_kind >= S3P_SRV_SUM_KINDS)
        return 0;
    size_t n = s3p_base64(text, r->sum, r->sum_len);
    if (r->composite && r->n_parts > 0) {
        char digits[20];
        size_t k = s3p_u64_text(digits, r->n_parts);
        text[n++] = '-';
        memcpy(text + n, digits, k <= 10 ? k : 10);
        n += k;
    }
    return n;
}

struct s3p_str s3p_srv_sum_type(const struct s3p_srv_record *r)
{
    return r->composite ? S3P_STR("COMPOSITE") : S3P_STR("FULL_OBJECT");
}

bool s3p_srv_sum_allows(enum s3p_srv_sum_kind kind, bool composite)
{
    return composite ? rows[kind].composite : rows[kind].full;
}

static uint64_t number_of(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

void s3p_srv_sum_combine(enum s3p_srv_sum_kind kind, uint8_t a[S3P_SRV_SUM_MAX],
                         const uint8_t b[S3P_SRV_SUM_MAX], uint64_t b_bytes)
{
    unsigned n = rows[kind].bytes;
    uint64_t x = number_of(a, n), y = number_of(b, n);
    if (kind == S3P_SRV_SUM_CRC32)
        x = s3p_crc32_combine((uint32_t)x, (uint32_t)y, b_bytes);
    else if (kind == S3P_SRV_SUM_CRC32C)
        x = s3p_crc32c_combine((uint32_t)x, (uint32_t)y, b_bytes);
    else if (kind == S3P_SRV_SUM_CRC64NVME)
        x = s3p_crc64nvme_combine(x, y, b_bytes);
    for (unsigned i = 0; i < n; i++)
        a[i] = (uint8_t)(x >> (8 * (n - 1 - i)));
}

enum s3p_srv_error s3p_srv_sum_parse(const struct s3p_srv_head *h, enum s3p_srv_sum_kind *kind,
                                     uint8_t value[S3P_SRV_SUM_MAX])
{
    *kind = S3P_SRV_SUM_NONE;
    for (size_t i = 0; i < h->n_fields; i++) {
        if (!s3p_srv_starts_nocase(h->fields[i].name, "x-amz-checksum-"))
            continue;
        for (unsigned k = 1; k < S3P_SRV_SUM_KINDS; k++) {
            if (!s3p_srv_same_nocase(h->fields[i].name, rows[k].header))
                continue;
            struct s3p_str text = h->fields[i].value;
            if (*kind != S3P_SRV_SUM_NONE ||
                !s3p_srv_sum_value((enum s3p_srv_sum_kind)k, text, value))
                return S3P_SE_SUM_FORM;
            *kind = (enum s3p_srv_sum_kind)k;
        }
    }
    return S3P_SE_NONE;
}

enum s3p_srv_error s3p_srv_body_summed(const struct s3p_srv_head *h)
{
    enum s3p_srv_sum_kind kind;
    uint8_t value[S3P_SRV_SUM_MAX];
    enum s3p_srv_error e = s3p_srv_sum_parse(h, &kind, value);
    if (e == S3P_SE_NONE && kind == S3P_SRV_SUM_NONE &&
        s3p_srv_head_get(h, "content-md5").p == NULL)
        e = S3P_SE_SUM_MISSING;
    return e;
}

enum s3p_srv_sum_kind s3p_srv_sum_announced(const struct s3p_srv_head *h)
{
    struct s3p_str name = s3p_srv_head_get(h, "x-amz-trailer");
    for (unsigned k = 1; name.p != NULL && k < S3P_SRV_SUM_KINDS; k++)
        if (s3p_srv_same_nocase(name, rows[k].header))
            return (enum s3p_srv_sum_kind)k;
    return S3P_SRV_SUM_NONE;
}
