/* Building blocks of the two Arrow streams. Private to the layer. */
#ifndef S3P_HISTORY_ARROW_NODE_H
#define S3P_HISTORY_ARROW_NODE_H

#include "history/arrow.h"

/* One column's buffers. Of each array the file is held, and `owned` freed by its release. */
struct s3p_arrow_column {
    const void *buffers[3];
    int nbuffers;
    int64_t null_count;
    void *owned; /* NULL: the buffers are in the file */
};

/* A struct array of `n` columns; takes every `owned`, on failure too. */
int s3p_arrow_struct(struct ArrowArray *out, struct s3p_histfile *f, int64_t length,
                     const struct s3p_arrow_column *columns, int n) S3P_MUST_CHECK;

struct s3p_arrow_field {
    const char *name, *format;
    int64_t flags;
    struct s3p_str pairs[4]; /* metadata: key, value, key, value; unused ones have p NULL */
};
int s3p_arrow_schema(struct ArrowSchema *out, const struct s3p_arrow_field *self,
                     const struct s3p_arrow_field *fields, int n) S3P_MUST_CHECK;

#endif
