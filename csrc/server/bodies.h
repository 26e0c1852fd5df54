/* The directory of body files: set-up, walk, sweep; the calls of every day are in store.h. */
#ifndef S3P_SERVER_BODIES_H
#define S3P_SERVER_BODIES_H

#include "server/store.h"

int s3p_srv_bodies_open(struct s3p_srv_store *s, struct s3p_err *err) S3P_MUST_CHECK;
/* The ids that records name, sorted. */
struct s3p_srv_body_ids {
    uint64_t *v;
    size_t n, cap;
};
int s3p_srv_body_ids_collect(struct s3p_srv_body_ids *ids, MDB_txn *txn,
                             const struct s3p_srv_store *s); /* 0, ENOMEM or a code of LMDB */
bool s3p_srv_body_ids_has(const struct s3p_srv_body_ids *ids, uint64_t id);
void s3p_srv_body_ids_free(struct s3p_srv_body_ids *ids);

/* Every body file that is there. */
void s3p_srv_bodies_each(const struct s3p_srv_store *s,
                         void (*visit)(void *cls, int dir_fd, const char *name, uint64_t id),
                         void *cls);

/* Removes every body file that no record names: what a crash left between staging and commit. */
int s3p_srv_bodies_sweep(struct s3p_srv_store *s, struct s3p_err *err) S3P_MUST_CHECK;

/* The same body under a new id, synced in durable mode; 0 or -1 with errno. */
int s3p_srv_body_link(struct s3p_srv_store *s, uint64_t from, uint64_t *id);

#endif
