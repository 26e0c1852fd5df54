/* Set-up of the directory of body files; the calls of every day are in store.h. */
#ifndef S3P_SERVER_BODIES_H
#define S3P_SERVER_BODIES_H

#include "server/store.h"

int s3p_srv_bodies_open(struct s3p_srv_store *s, struct s3p_err *err) S3P_MUST_CHECK;
/* Removes every body file that no record names: what a crash left between staging and commit. */
int s3p_srv_bodies_sweep(struct s3p_srv_store *s, struct s3p_err *err) S3P_MUST_CHECK;

/* The same body under a new id, synced in durable mode; 0 or -1 with errno. */
int s3p_srv_body_link(struct s3p_srv_store *s, uint64_t from, uint64_t *id);

#endif
