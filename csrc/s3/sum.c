#include "s3/sum.h"

#include <string.h>
#include <strings.h>

#include "core/crc.h"
#include "core/text.h"

#define HEADER(name) {"x-amz-checksum-" name, sizeof("x-amz-checksum-" name) - 1}

const struct s3p_sum_row s3p_sum_table[S3P_SUM_KINDS] = {
    [S3P_SUM_NONE] = {"", "", {"", 0}, 0, false, false},
    [S3P_SUM_CRC32] = {"crc32", "CRC32", HEADER("crc32"), 4, true, true},
    [S3P_SUM_CRC32C] = {"crc32c", "CRC32C", HEADER("crc32c"), 4, true, true},
    [S3P_SUM_CRC64NVME] = {"crc64nvme", "CRC64NVME", HEADER("crc64nvme"), 8, true, false},
    [S3P_SUM_SHA1] = {"sha1", "SHA1", HEADER("sha1"), S3P_SHA1_BYTES, false, true},
    [S3P_SUM_SHA256] = {"sha256", "SHA256", HEADER("sha256"), S3P_SHA256_BYTES, false, true},
};

enum s3p_sum_kind s3p_sum_find(struct s3p_str name)
{
    int k = S3P_SUM_KINDS - 1;
    while (k > S3P_SUM_NONE && (strlen(s3p_sum_table[k].name) != name.len ||
                                strncasecmp(s3p_sum_table[k].name, name.p, name.len) != 0))
        k--;
    return (enum s3p_sum_kind)k;
}

size_t s3p_sum_text_len(enum s3p_sum_kind kind)
{
    return (s3p_sum_table[kind].bytes + 2) / 3 * 4;
}

void s3p_sum_init(struct s3p_sum *s, enum s3p_sum_kind kind)
{
    s->kind = kind;
    s->u.crc = 0;
    if (kind == S3P_SUM_SHA1)
        s3p_sha1_init(&s->u.sha1);
    else if (kind == S3P_SUM_SHA256)
        s3p_sha256_init(&s->u.sha256);
}

void s3p_sum_add(struct s3p_sum *s, const void *p, size_t len)
{
    switch (s->kind) {
    case S3P_SUM_CRC32:
        s->u.crc = s3p_crc32((uint32_t)s->u.crc, p, len);
        break;
    case S3P_SUM_CRC32C:
        s->u.crc = s3p_crc32c((uint32_t)s->u.crc, p, len);
        break;
    case S3P_SUM_CRC64NVME:
        s->u.crc = s3p_crc64nvme(s->u.crc, p, len);
        break;
    case S3P_SUM_SHA1:
        s3p_sha1_add(&s->u.sha1, p, len);
        break;
    case S3P_SUM_SHA256:
        s3p_sha256_add(&s->u.sha256, p, len);
        break;
    default:
        break;
    }
}

size_t s3p_sum_end(struct s3p_sum *s, char text[S3P_SUM_TEXT_MAX])
{
    uint8_t value[S3P_SHA256_BYTES] = {0};
    unsigned n = s3p_sum_table[s->kind].bytes;
    if (s->kind == S3P_SUM_SHA1)
        s3p_sha1_end(&s->u.sha1, value);
    else if (s->kind == S3P_SUM_SHA256)
        s3p_sha256_end(&s->u.sha256, value);
    else
        for (unsigned i = 0; i < n; i++)
            value[i] = (uint8_t)(s->u.crc >> (8 * (n - 1 - i)));
    return s3p_base64(text, value, n);
}
