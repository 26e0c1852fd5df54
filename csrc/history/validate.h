/* Checks of one segment's contents, so that all code behind the reader can index without checks.
 * Private to the layer. */
#ifndef S3P_HISTORY_VALIDATE_H
#define S3P_HISTORY_VALIDATE_H

#include "history/reader.h"

/* `number` is the segment's place in the file, for the message. Sets s->ops and s->texts. */
int s3p_segment_validate(struct s3p_segment_view *s, uint32_t number,
                         struct s3p_err *err) S3P_MUST_CHECK;

#endif
