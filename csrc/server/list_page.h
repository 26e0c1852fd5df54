/* One page of a listing: keys and common prefixes in unsigned byte order of the UTF-8 key.
 *
 * The position after which a page goes on is the last thing that was listed, key or common prefix;
 * a common prefix is listed only when it is itself greater than the position, so resuming behind
 * one skips all of its members. */
#ifndef S3P_SERVER_LIST_PAGE_H
#define S3P_SERVER_LIST_PAGE_H

#include "server/parse.h"
#include "server/records.h"
#include "server/tables.h"

#define S3P_SRV_LIST_MAX 1000

struct s3p_srv_page {
    struct s3p_str prefix, delimiter, after; /* after: empty, from the start */
    unsigned max_keys;                       /* at most S3P_SRV_LIST_MAX */
    bool markers, ends; /* mutants: shows keys that delete markers hide; it is the last */
    /* results */
    unsigned count;
    bool truncated;
    size_t last_len;
    char last[S3P_SRV_KEY_MAX]; /* the last thing listed */
};

/* Calls `key` and `common` in order. 0 or an LMDB code. */
int s3p_srv_page_walk(struct s3p_srv_page *page, MDB_txn *txn, const struct s3p_srv_store *s,
                      uint64_t bucket,
                      void (*key)(void *cls, struct s3p_str key, const struct s3p_srv_record *r),
                      void (*common)(void *cls, struct s3p_str prefix), void *cls);

/* Where keys that start with `prefix` end: its last byte one up, carrying over 0xFF. False: at the
 * very end. */
bool s3p_srv_past_prefix(struct s3p_str prefix, char out[S3P_SRV_KEY_MAX], size_t *len);
/* The common prefix of a key that has `prefix`, .p NULL when it stands for itself. */
struct s3p_str s3p_srv_roll_up(struct s3p_str prefix, struct s3p_str delimiter, struct s3p_str key);
bool s3p_srv_has_prefix(struct s3p_str key, struct s3p_str prefix);

/* Continuation tokens: base64 of version, position, and a check that only this store's key makes.
 */
void s3p_srv_token_make(struct s3p_buf *out, struct s3p_str position, const char *secret);
bool s3p_srv_token_read(struct s3p_str token, const char *secret,
                        struct s3p_buf *position); /* appends */

#endif
