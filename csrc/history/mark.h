/* Marks in a history that is written already: what others say of keys, a fault proxy above all.
 * Every record of the key gets the flags; segments are sealed again. The checker then counts the
 * key as not checked, by the flag's reason. S3P_FLAG_SURPLUS is taken away instead: the bytes were
 * not the store's. Threads: nobody else may have the file open. */
#ifndef S3P_HISTORY_MARK_H
#define S3P_HISTORY_MARK_H

#include "core/buf.h"

struct s3p_mark {
    uint16_t bucket; /* index in the header's table */
    uint8_t flags;   /* enum s3p_attempt_flag */
    struct s3p_str key;
};

/* *marked: records that were changed. A key that no record has is no error. */
int s3p_history_mark(const char *path, const struct s3p_mark *marks, size_t n, uint64_t *marked,
                     struct s3p_err *err) S3P_MUST_CHECK;

#endif
