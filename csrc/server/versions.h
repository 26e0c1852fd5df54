/* Versions of a key. `current` holds the newest entry of each key, version or delete marker;
 * `versions` the older ones, under pairs of the key and 2^64-1 - seq, so newest first. Each record,
 * and so each body, stands in one place. A key with older versions always has a current entry; that
 * one knows where the null version is, if it is not itself. */
#ifndef S3P_SERVER_VERSIONS_H
#define S3P_SERVER_VERSIONS_H

#include "server/pair_page.h"
#include "server/server.h"

/* "null" or an id of the store; empty: not given. False: neither. */
bool s3p_srv_wanted_parse(struct s3p_str text, struct s3p_srv_wanted *out);
/* "null" or the id, as text. Returns the length. */
size_t s3p_srv_version_text(char text[32], const struct s3p_srv_record *r);
/* x-amz-version-id, of buckets that have or had versions. */
void s3p_srv_answer_version(struct s3p_srv_req *req, const char *field,
                            const struct s3p_srv_record *r);
/* 404 or 405 for a delete marker, with its fields. */
void s3p_srv_answer_marker(struct s3p_srv_req *req, enum s3p_srv_error e,
                           const struct s3p_srv_record *r);

/* The entry that is wanted; the current one without a wish. `current`: it stands there. 0,
 * MDB_NOTFOUND or another LMDB code. */
int s3p_srv_version_find(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket,
                         struct s3p_str key, const struct s3p_srv_wanted *wanted,
                         struct s3p_srv_record *out, bool *current);

/* In the transaction, for t->bucket. Makes `then` current; what was stays or goes as the bucket's
 * state demands. */
void s3p_srv_versions_put(struct s3p_srv_txn *t, struct s3p_str key,
                          const struct s3p_srv_record *now, struct s3p_srv_record *then);
/* Puts a version of another bucket into the place that its number has in t->bucket, where it is not
 * yet. */
void s3p_srv_versions_insert(struct s3p_srv_txn *t, struct s3p_str key, struct s3p_srv_record *r);
/* Removes exactly one entry; the next one becomes current. False: there is none. `gone` without its
 * views. */
bool s3p_srv_versions_remove(struct s3p_srv_txn *t, struct s3p_str key,
                             const struct s3p_srv_wanted *wanted, struct s3p_srv_record *gone);
void s3p_srv_versions_rewrite(struct s3p_srv_txn *t, struct s3p_str key, bool current,
                              const struct s3p_srv_record *r);

/* All entries of a bucket, keys in order, newest first. */
struct s3p_srv_version_pairs {
    struct s3p_srv_pairs base;
    struct s3p_srv_walk newest;
    struct s3p_srv_table_pairs older;
    int newest_rc, older_rc;
    bool latest; /* the entry is its key's newest */
};
int s3p_srv_version_pairs_open(struct s3p_srv_version_pairs *p, MDB_txn *txn,
                               const struct s3p_srv_store *s, uint64_t bucket);
void s3p_srv_version_pairs_close(struct s3p_srv_version_pairs *p);

#endif
