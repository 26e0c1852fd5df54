#include "s3/etag.h"

#include <string.h>

#include "core/digest.h"
#include "core/text.h"

struct s3p_etag s3p_etag_parse(const char *text, size_t len)
{
    struct s3p_etag e = {.form = S3P_ETAG_NONE};
    if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
        text++;
        len -= 2;
    }
    if (len == 0)
        return e;
    if (len == 32 && s3p_unhex(e.b, text, 32)) {
        e.form = S3P_ETAG_DIGEST;
        return e;
    }
    uint8_t hash[S3P_SHA256_BYTES];
    s3p_sha256(text, len, hash);
    memcpy(e.b, hash, sizeof e.b);
    e.form = S3P_ETAG_HASHED;
    return e;
}

bool s3p_etag_eq(const struct s3p_etag *a, const struct s3p_etag *b)
{
    return a->form != S3P_ETAG_NONE && a->form == b->form && memcmp(a->b, b->b, sizeof a->b) == 0;
}
