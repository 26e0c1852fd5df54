/* Marks in a history that is written already: what a fault proxy says of keys and answers.
 * Every record of a key gets the flags; the checker then counts the key as not checked, by the
 * flag's reason. S3P_FLAG_SURPLUS is of one answer, and is taken away: the bytes behind it were not
 * the store's. Segments are sealed again. Threads: nobody else may have the file open. */
#ifndef S3P_HISTORY_MARK_H
#define S3P_HISTORY_MARK_H

#include "core/buf.h"

struct s3p_mark {
    uint16_t bucket;     /* index in the header's table; of a key */
    uint8_t flags;       /* enum s3p_attempt_flag */
    struct s3p_str name; /* the key; of S3P_FLAG_SURPLUS: the request id of the answer */
};

/* *marked: records that were changed. A name that no record has is no error. */
int s3p_history_mark(const char *path, const struct s3p_mark *marks, size_t n, uint64_t *marked,
                     struct s3p_err *err) S3P_MUST_CHECK;

#endif
