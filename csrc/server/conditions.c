#include "server/conditions.h"

#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/text.h"

void s3p_srv_conditions_read(const struct s3p_srv_head *h, struct s3p_srv_conditions *out)
{
    out->if_match = s3p_srv_head_get(h, "if-match");
    out->if_none_match = s3p_srv_head_get(h, "if-none-match");
    out->if_modified_since = s3p_srv_head_get(h, "if-modified-since");
    out->if_unmodified_since = s3p_srv_head_get(h, "if-unmodified-since");
    out->if_range = s3p_srv_head_get(h, "if-range");
}

static bool is_star(struct s3p_str s)
{
    return s3p_str_eq(s, "*") || s3p_str_eq(s, "\"*\"");
}

bool s3p_srv_etag_listed(struct s3p_str list, const uint8_t md5[S3P_MD5_BYTES], uint32_t n_parts,
                         bool weak)
{
    char etag[S3P_SRV_ETAG_MAX];
    size_t len = s3p_srv_etag_text(etag, md5, n_parts);
    if (is_star(list))
        return true;
    while (list.len > 0) {
        const char *comma = memchr(list.p, ',', list.len);
        struct s3p_str one = {list.p, comma != NULL ? (size_t)(comma - list.p) : list.len};
        size_t used = comma != NULL ? one.len + 1 : one.len;
        list = (struct s3p_str){list.p + used, list.len - used};
        one = s3p_srv_trim(one);
        if (s3p_srv_starts(one, "W/")) {
            if (!weak)
                continue;
            one = (struct s3p_str){one.p + 2, one.len - 2};
        }
        if (one.len >= 2 && one.p[0] == '"' && one.p[one.len - 1] == '"')
            one = (struct s3p_str){one.p + 1, one.len - 2};
        if (one.len == len - 2 && strncasecmp(one.p, etag + 1, one.len) == 0)
            return true;
    }
    return false;
}

enum s3p_srv_error s3p_srv_conditions_writable(const struct s3p_srv_conditions *c, bool none_match)
{
    if (c->if_modified_since.p != NULL || c->if_unmodified_since.p != NULL)
        return S3P_SE_NOT_IMPLEMENTED;
    if (c->if_none_match.p == NULL)
        return S3P_SE_NONE;
    return none_match && is_star(c->if_none_match) && c->if_match.p == NULL
               ? S3P_SE_NONE
               : S3P_SE_NOT_IMPLEMENTED;
}

enum s3p_srv_error s3p_srv_conditions_none(const struct s3p_srv_conditions *c)
{
    return c->if_match.p == NULL ? s3p_srv_conditions_writable(c, false) : S3P_SE_NOT_IMPLEMENTED;
}

enum s3p_srv_error s3p_srv_conditions_write(const struct s3p_srv_conditions *c,
                                            const struct s3p_srv_record *current)
{
    if (c->if_none_match.p != NULL && current != NULL)
        return S3P_SE_PRECONDITION;
    if (c->if_match.p == NULL)
        return S3P_SE_NONE;
    if (current == NULL)
        return S3P_SE_NO_KEY;
    return s3p_srv_etag_listed(c->if_match, current->md5, current->n_parts, false)
               ? S3P_SE_NONE
               : S3P_SE_PRECONDITION;
}

/* Last-Modified has seconds; compare what the client could see. */
static bool modified_after(const struct s3p_srv_record *r, struct s3p_str date, bool otherwise)
{
    int64_t wall_s;
    if (!s3p_parse_http_date(date.p, date.len, &wall_s))
        return otherwise;
    return r->mtime_wall_ns / S3P_S > wall_s;
}

enum s3p_srv_error s3p_srv_conditions_get(const struct s3p_srv_conditions *c,
                                          const struct s3p_srv_record *current)
{
    if (c->if_match.p != NULL) {
        if (!s3p_srv_etag_listed(c->if_match, current->md5, current->n_parts, false))
            return S3P_SE_PRECONDITION;
    } else if (c->if_unmodified_since.p != NULL) {
        if (modified_after(current, c->if_unmodified_since, false))
            return S3P_SE_PRECONDITION;
    }
    if (c->if_none_match.p != NULL)
        return s3p_srv_etag_listed(c->if_none_match, current->md5, current->n_parts, true)
                   ? S3P_SE_NOT_MODIFIED
                   : S3P_SE_NONE;
    if (c->if_modified_since.p != NULL && !modified_after(current, c->if_modified_since, true))
        return S3P_SE_NOT_MODIFIED;
    return S3P_SE_NONE;
}

bool s3p_srv_conditions_range(const struct s3p_srv_conditions *c,
                              const struct s3p_srv_record *current)
{
    int64_t wall_s;
    if (c->if_range.p == NULL)
        return true;
    if (s3p_parse_http_date(c->if_range.p, c->if_range.len, &wall_s))
        return current->mtime_wall_ns / S3P_S == wall_s;
    return s3p_srv_etag_listed(c->if_range, current->md5, current->n_parts, false);
}
