/* The source of a copy, while the bytes are on their way. */
#ifndef S3P_SERVER_COPY_H
#define S3P_SERVER_COPY_H

#include <stdbool.h>

#include "core/buf.h"

struct s3p_srv_copy;
void s3p_srv_copy_free(struct s3p_srv_copy *c);

/* What is read of the source; views of the copy. False: it was not found. */
struct s3p_srv_copy_source {
    struct s3p_str bucket, key;
    uint64_t first, bytes;
};
bool s3p_srv_copy_source(const struct s3p_srv_copy *c, struct s3p_srv_copy_source *out);

#endif
