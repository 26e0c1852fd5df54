/* The directory of a store that keeps nothing: made at the start, removed at the end. What a killed
 * process left behind is removed by the next one: nobody holds the lock of store.c on it. */
#ifndef S3P_SERVER_TEMPORARY_H
#define S3P_SERVER_TEMPORARY_H

#include "core/err.h"

struct s3p_srv_temporary {
    char path[256]; /* empty: none */
};

/* In memory when there is room for it, else under TMPDIR or /tmp. */
int s3p_srv_temporary_make(struct s3p_srv_temporary *t, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_temporary_remove(struct s3p_srv_temporary *t); /* idempotent */

#endif
