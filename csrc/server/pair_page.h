/* One page of a listing of pairs: uploads (key, initiation) or versions (key, newest first). Keys
 * and common prefixes come in byte order, the entries of one key in the order of their numbers.
 *
 * The position is a place, not an entry: what stood there may be gone. */
#ifndef S3P_SERVER_PAIR_PAGE_H
#define S3P_SERVER_PAIR_PAGE_H

#include "server/list_page.h"

/* Where the entries come from. seek: the first entry at or behind (key, number). 0, MDB_NOTFOUND at
 * the end, or another LMDB code. Both set key, number and record, which live until the next call.
 */
struct s3p_srv_pairs {
    int (*seek)(struct s3p_srv_pairs *p, struct s3p_str key, uint64_t number);
    int (*next)(struct s3p_srv_pairs *p);
    struct s3p_str key, record;
    uint64_t number;
};

struct s3p_srv_pair_page {
    struct s3p_str prefix, delimiter, after; /* after: key marker, empty: from the start */
    bool inside;                             /* go on behind (after, number), else behind `after` */
    uint64_t number;
    unsigned max;
    bool url;               /* encode the names */
    struct s3p_buf *common; /* gets the common prefixes, as elements */
    /* results */
    unsigned count;
    bool truncated, at_prefix; /* at_prefix: the last thing listed is a common prefix */
    uint64_t last_number;
    size_t last_len;
    char last[S3P_SRV_KEY_MAX];
};

int s3p_srv_pair_page_walk(struct s3p_srv_pair_page *page, struct s3p_srv_pairs *pairs,
                           void (*entry)(void *cls, const struct s3p_srv_pairs *p,
                                         const struct s3p_srv_record *r),
                           void *cls);

/* The entries of one table of pairs. */
struct s3p_srv_table_pairs {
    struct s3p_srv_pairs base;
    struct s3p_srv_walk walk;
};
int s3p_srv_table_pairs_open(struct s3p_srv_table_pairs *p, MDB_txn *txn, MDB_dbi table,
                             uint64_t bucket);
void s3p_srv_table_pairs_close(struct s3p_srv_table_pairs *p);

#endif
