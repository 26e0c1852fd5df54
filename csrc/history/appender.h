/* What the appender's two users inside the layer share. Private to the layer. */
#ifndef S3P_HISTORY_APPENDER_H
#define S3P_HISTORY_APPENDER_H

#include <stdalign.h>

#include "history/reader.h"
#include "history/segment.h"
#include "history/writer.h"

#define S3P_RECORD_TEXTS 12u              /* bound on the text columns of a record */
#define S3P_BATCH_TEXT_BYTES (128u << 10) /* version ids and codes of a batch's children */

struct s3p_appender {
    /* immutable after create */
    alignas(64) struct s3p_history *history;

    /* worker thread only */
    struct s3p_segment *open;
    uint32_t text_begin, entry_begin; /* where texts and entries of the coming record begin */
    bool in_batch;                    /* the last record was a DELETE_OBJECTS or a child of one */

    /* shared: atomics */
    _Atomic int64_t stall_ns;

    /* guarded by the history's mu */
    struct s3p_segment *empty;
};

struct s3p_keynames *s3p_appender_keynames(const struct s3p_appender *a);

#endif
