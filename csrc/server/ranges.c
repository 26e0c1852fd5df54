#include "server/ranges.h"

#include <string.h>

#include "core/text.h"
#include "server/parse.h"

/* Digits beyond 64 bits are a valid, very large number. */
static bool position(struct s3p_str s, uint64_t *out)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    if (s.len == 0)
        return false;
    if (!s3p_parse_u64(s.p, s.len, out))
        *out = UINT64_MAX;
    return true;
}

struct s3p_srv_range s3p_srv_range_parse(struct s3p_str header, uint64_t size)
{
    struct s3p_srv_range whole = {S3P_SRV_RANGE_WHOLE, 0, size};
    struct s3p_srv_range none = {S3P_SRV_RANGE_NONE, 0, 0};
    if (header.p == NULL || !s3p_srv_starts_nocase(header, "bytes="))
        return whole;
    struct s3p_str spec = s3p_srv_trim((struct s3p_str){header.p + 6, header.len - 6});
    if (memchr(spec.p, ',', spec.len) != NULL)
        return (struct s3p_srv_range){S3P_SRV_RANGE_SEVERAL, 0, 0};
    const char *dash = memchr(spec.p, '-', spec.len);
    if (dash == NULL)
        return whole;
    struct s3p_str a = {spec.p, (size_t)(dash - spec.p)}, b = {dash + 1, spec.len - a.len - 1};
    uint64_t first, last = UINT64_MAX;
    if (a.len == 0) {
        if (!position(b, &last))
            return whole;
        if (last == 0 || size == 0)
            return none;
        uint64_t bytes = last < size ? last : size;
        return (struct s3p_srv_range){S3P_SRV_RANGE_PART, size - bytes, bytes};
    }
    if (!position(a, &first) || (b.len > 0 && !position(b, &last)) || last < first)
        return whole;
    if (first >= size)
        return none;
    uint64_t end = last < size - 1 ? last : size - 1;
    return (struct s3p_srv_range){S3P_SRV_RANGE_PART, first, end - first + 1};
}
