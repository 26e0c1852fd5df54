/* A segment while it is filled and on its way to disk. A worker stores whole rows, which touches
 * five cache lines a record; the writer thread turns them into columns, so that the file's layout
 * costs the worker nothing. (Scattering into 54 columns at append touches 48 lines and pages, in
 * the few sets that equal strides leave.)
 *
 * Threads: a segment belongs to the worker that fills it, or, after the hand-over under the
 * history's lock, to the writer thread. Private to the layer. */
#ifndef S3P_HISTORY_SEGMENT_H
#define S3P_HISTORY_SEGMENT_H

#include "core/err.h"
#include "history/record.h"

struct s3p_segment {
    struct s3p_segment *next; /* in a list of the history */
    struct s3p_appender *owner;
    uint32_t worker, records, nentries, text_bytes;
    struct s3p_attempt *rows;  /* S3P_SEGMENT_RECORDS */
    char *text;                /* S3P_SEGMENT_TEXT_BYTES */
    struct s3p_entry *entries; /* S3P_SEGMENT_ENTRIES */
};

struct s3p_segment *s3p_segment_create(struct s3p_appender *owner,
                                       uint32_t worker); /* NULL: out of memory */
void s3p_segment_free(struct s3p_segment *s);
void s3p_segment_reset(struct s3p_segment *s);
size_t s3p_segment_memory(void);

/* Writes the segment to `fd`. `columns` is scratch of s3p_segment_columns_max() bytes, aligned
 * to 64. */
int s3p_segment_write(const struct s3p_segment *s, int fd, uint8_t *columns,
                      struct s3p_err *err) S3P_MUST_CHECK;
size_t s3p_segment_columns_max(void);

/* write(2) of everything, or S3P_EIO. `what` names the part in the message. */
int s3p_write_all(int fd, const void *p, size_t len, const char *what,
                  struct s3p_err *err) S3P_MUST_CHECK;

#endif
