/* A history as an Arrow C stream, without pyarrow: one struct array a segment, its children
 * pointing into the mapped file (16-byte columns as fixed-size binary); enums stay numbers, their
 * names are in the field metadata ("s3p:names"). The stream keeps the file open by reference count;
 * release may run on any thread. Source: the Arrow C data and C stream interfaces, whose
 * declarations are meant to be copied. */
#ifndef S3P_HISTORY_ARROW_H
#define S3P_HISTORY_ARROW_H

#include "history/reader.h"

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/* Opens `path` (a file without a footer too) and fills `out`, which then owns the file. */
int s3p_history_stream(struct ArrowArrayStream *out, const char *path,
                       struct s3p_err *err) S3P_MUST_CHECK;

/* The same of an open file, of which the stream takes a hold of its own. */
int s3p_histfile_stream(struct ArrowArrayStream *out, struct s3p_histfile *f,
                        struct s3p_err *err) S3P_MUST_CHECK;

/* Beside it, segment by segment and row by row, what is not there as a plain column: "key" and the
 * texts, as nullable utf8. These are copies, made a segment at a time. */
int s3p_histfile_text_stream(struct ArrowArrayStream *out, struct s3p_histfile *f,
                             struct s3p_err *err) S3P_MUST_CHECK;

#endif
