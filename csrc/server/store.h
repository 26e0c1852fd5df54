/* The store's state: one LMDB environment (buckets, objects, uploads) and a directory of body
 * files.
 *
 * Layout of the data directory: data.mdb, lock.mdb, bodies/<2 hex>/<16 hex>. One file system; one
 * process at a time, which holds a lock on the directory.
 *
 * Threads: a struct s3p_srv_view belongs to one thread at a time; everything else may be called
 * from any thread. Writes go through commit.h. */
#ifndef S3P_SERVER_STORE_H
#define S3P_SERVER_STORE_H

#include <lmdb.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"

struct s3p_srv_pins;

struct s3p_srv_store {
    /* immutable after open */
    MDB_env *env;
    MDB_dbi buckets, current, about, versions, uploads, parts, finished, settings, outbox;
    int dir_fd, bodies_fd;
    bool durable;
    struct s3p_srv_pins *pins; /* guarded inside: readers of objects in many files */
    uint64_t boot; /* number of this opening: upper half of body ids, upper bits of seq */
    /* shared: atomics */
    _Atomic uint64_t next_body, next_seq;
};

#define S3P_SRV_LOCATION_MAX 64

enum s3p_srv_versioning { /* stored: never renumbered */
                          S3P_SRV_NEVER_VERSIONED = 0,
                          S3P_SRV_VERSIONED = 1,
                          S3P_SRV_SUSPENDED = 2,
};

struct s3p_srv_bucket {
    uint64_t id; /* new with every creation: a re-created bucket never sees old entries */
    int64_t created_wall_ns;
    enum s3p_srv_versioning versioning;
    struct s3p_str location; /* view into the record */
};

/* Opens or creates. Failed open leaves nothing behind but the directory. Sweeps body files that no
 * record names. */
int s3p_srv_store_open(struct s3p_srv_store *s, const char *dir, bool durable,
                       struct s3p_err *err) S3P_MUST_CHECK;
/* Opens one that is there to look at it, whether or not a store runs on it; changes nothing. */
int s3p_srv_store_open_read(struct s3p_srv_store *s, const char *dir,
                            struct s3p_err *err) S3P_MUST_CHECK;
/* Bounds the bytes of the records; what is there already counts. With no transaction open. */
int s3p_srv_store_limit(struct s3p_srv_store *s, uint64_t map_bytes,
                        struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_store_close(struct s3p_srv_store *s);

/* A read view: a pooled transaction. Begin, copy what is needed, end: microseconds. */
struct s3p_srv_view {
    const struct s3p_srv_store *store;
    MDB_txn *txn;
    bool open;
};
void s3p_srv_view_init(struct s3p_srv_view *v, const struct s3p_srv_store *s);
void s3p_srv_view_free(struct s3p_srv_view *v);
bool s3p_srv_view_begin(struct s3p_srv_view *v); /* false: the environment refused */
void s3p_srv_view_end(struct s3p_srv_view *v);

/* Buckets. Results of these and of tables.h: 0, MDB_NOTFOUND or another LMDB code. */
int s3p_srv_bucket_get(MDB_txn *txn, const struct s3p_srv_store *s, struct s3p_str name,
                       struct s3p_srv_bucket *out);
int s3p_srv_bucket_put(MDB_txn *txn, const struct s3p_srv_store *s, struct s3p_str name,
                       const struct s3p_srv_bucket *b);
int s3p_srv_bucket_set(MDB_txn *txn, const struct s3p_srv_store *s, struct s3p_str name,
                       const struct s3p_srv_bucket *b); /* of one that exists */
int s3p_srv_bucket_decode(struct s3p_srv_bucket *b, const MDB_val *v);

/* Bodies in files. A body is written once, under its final name, before the commit that refers to
 * it. */
int s3p_srv_body_create(struct s3p_srv_store *s,
                        uint64_t *id); /* descriptor to write to, or -1 with errno */
int s3p_srv_body_open(const struct s3p_srv_store *s,
                      uint64_t id); /* descriptor to read, or -1: ENOENT = replaced */
int s3p_srv_body_look(const struct s3p_srv_store *s, uint64_t id); /* 0, or errno as of open */
void s3p_srv_body_unlink(const struct s3p_srv_store *s, uint64_t id);
int s3p_srv_body_sync(const struct s3p_srv_store *s, uint64_t id,
                      int fd); /* data and directory; 0, or -1 with errno */

#endif
