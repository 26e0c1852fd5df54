#include "server/list_page.h"

#include <string.h>

#include "core/digest.h"
#include "core/text.h"

#define TOKEN_VERSION '1'
#define TOKEN_CHECK 12

bool s3p_srv_past_prefix(struct s3p_str prefix, char out[S3P_SRV_KEY_MAX], size_t *len)
{
    size_t n = prefix.len;
    memcpy(out, prefix.p, n);
    while (n > 0 && (unsigned char)out[n - 1] == 0xff)
        n--;
    if (n == 0)
        return false;
    out[n - 1] = (char)((unsigned char)out[n - 1] + 1);
    *len = n;
    return true;
}

struct s3p_str s3p_srv_roll_up(struct s3p_str prefix, struct s3p_str delimiter, struct s3p_str key)
{
    if (delimiter.len == 0)
        return (struct s3p_str){NULL, 0};
    const char *at = memmem(key.p + prefix.len, key.len - prefix.len, delimiter.p, delimiter.len);
    if (at == NULL)
        return (struct s3p_str){NULL, 0};
    return (struct s3p_str){key.p, (size_t)(at - key.p) + delimiter.len};
}

bool s3p_srv_has_prefix(struct s3p_str key, struct s3p_str prefix)
{
    return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.p, prefix.p, prefix.len) == 0);
}

static void remember(struct s3p_srv_page *page, struct s3p_str last)
{
    memcpy(page->last, last.p, last.len);
    page->last_len = last.len;
}

/* Steps over all members of a common prefix. */
static int skip(struct s3p_srv_walk *w, struct s3p_str prefix)
{
    char past[S3P_SRV_KEY_MAX];
    size_t len;
    if (!s3p_srv_past_prefix(prefix, past, &len))
        return MDB_NOTFOUND;
    return s3p_srv_walk_seek(w, (struct s3p_str){past, len});
}

int s3p_srv_page_walk(struct s3p_srv_page *page, MDB_txn *txn, const struct s3p_srv_store *s,
                      uint64_t bucket,
                      void (*key)(void *cls, struct s3p_str key, const struct s3p_srv_record *r),
                      void (*common)(void *cls, struct s3p_str prefix), void *cls)
{
    struct s3p_srv_walk w;
    page->count = 0;
    page->truncated = false;
    page->last_len = 0;
    if (page->max_keys == 0)
        return 0;
    int rc = s3p_srv_walk_open(&w, txn, s->current, bucket);
    if (rc != 0)
        return rc;
    bool behind = s3p_srv_compare(page->after, page->prefix) >= 0;
    rc = s3p_srv_walk_seek(&w, behind ? page->after : page->prefix);
    while (rc == 0 && s3p_srv_has_prefix(w.key, page->prefix)) {
        /* also for common prefixes */
        bool hidden = s3p_srv_record_marker(w.record) && !page->markers;
        if (hidden || (page->after.len > 0 && s3p_srv_compare(w.key, page->after) <= 0)) {
            rc = s3p_srv_walk_next(&w);
            continue;
        }
        struct s3p_str rolled = s3p_srv_roll_up(page->prefix, page->delimiter, w.key);
        bool known = rolled.p != NULL && s3p_srv_compare(rolled, page->after) <= 0;
        if (!known && page->count == page->max_keys) {
            page->truncated = !page->ends;
            break;
        }
        if (rolled.p != NULL) {
            remember(page, rolled); /* the walk overwrites what `rolled` points to */
            rolled.p = page->last;
            if (!known)
                common(cls, rolled);
            page->count += !known;
            rc = skip(&w, rolled);
            continue;
        }
        struct s3p_srv_record r;
        if (!s3p_srv_record_decode(&r, w.record)) {
            rc = MDB_CORRUPTED;
            break;
        }
        remember(page, w.key);
        key(cls, w.key, &r);
        page->count++;
        rc = s3p_srv_walk_next(&w);
    }
    s3p_srv_walk_close(&w);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static void token_check(const char *secret, struct s3p_str bytes, uint8_t out[S3P_SHA256_BYTES])
{
    struct s3p_hmac h;
    s3p_hmac_init(&h, secret, strlen(secret));
    s3p_hmac(&h, bytes.p, bytes.len, out);
}

void s3p_srv_token_make(struct s3p_buf *out, struct s3p_str position, const char *secret)
{
    uint8_t check[S3P_SHA256_BYTES];
    char bytes[1 + S3P_SRV_KEY_MAX + TOKEN_CHECK];
    if (position.len > S3P_SRV_KEY_MAX)
        return;
    bytes[0] = TOKEN_VERSION;
    memcpy(bytes + 1, position.p, position.len);
    token_check(secret, (struct s3p_str){bytes, 1 + position.len}, check);
    memcpy(bytes + 1 + position.len, check, TOKEN_CHECK);
    size_t n = 1 + position.len + TOKEN_CHECK;
    char *at = s3p_buf_grow(out, 4 * ((n + 2) / 3));
    if (at != NULL)
        s3p_base64(at, bytes, n);
}

bool s3p_srv_token_read(struct s3p_str token, const char *secret, struct s3p_buf *position)
{
    uint8_t check[S3P_SHA256_BYTES];
    char bytes[1 + S3P_SRV_KEY_MAX + TOKEN_CHECK];
    int64_t n = s3p_unbase64(bytes, sizeof bytes, token.p, token.len);
    if (n < 1 + TOKEN_CHECK || bytes[0] != TOKEN_VERSION)
        return false;
    size_t len = (size_t)n - TOKEN_CHECK;
    token_check(secret, (struct s3p_str){bytes, len}, check);
    if (memcmp(check, bytes + len, TOKEN_CHECK) != 0)
        return false;
    s3p_buf_add(position, bytes + 1, len - 1);
    return true;
}
