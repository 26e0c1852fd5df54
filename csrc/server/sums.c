#include "server/sums.h"

#include <openssl/evp.h>
#include <string.h>

#include "core/crc.h"
#include "core/text.h"

static const struct {
    const char *header, *element;
    unsigned bytes;
} rows[S3P_SRV_SUM_KINDS] = {
    [S3P_SRV_SUM_NONE] = {"", "", 0},
    [S3P_SRV_SUM_CRC32] = {"x-amz-checksum-crc32", "CRC32", 4},
    [S3P_SRV_SUM_CRC32C] = {"x-amz-checksum-crc32c", "CRC32C", 4},
    [S3P_SRV_SUM_CRC64NVME] = {"x-amz-checksum-crc64nvme", "CRC64NVME", 8},
    [S3P_SRV_SUM_SHA1] = {"x-amz-checksum-sha1", "SHA1", 20},
    [S3P_SRV_SUM_SHA256] = {"x-amz-checksum-sha256", "SHA256", 32},
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
                s3p_unbase64(value, S3P_SRV_SUM_MAX, text.p, text.len) != (int64_t)rows[k].bytes)
                return S3P_SE_SUM_FORM;
            *kind = (enum s3p_srv_sum_kind)k;
        }
    }
    return S3P_SE_NONE;
}
