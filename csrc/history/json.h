/* One attempt as one JSON object: what `s3prod export --to jsonl` prints, what a driver of another SDK sends, what a witness
 * shows. Fields are the columns by name; enums by their names; ids and ETags as text; absent values left out; "key" and
 * "bucket" in text. Entries of a page as "entries": [{"key","etag","size",…}]. */
#ifndef S3P_HISTORY_JSON_H
#define S3P_HISTORY_JSON_H

#include "history/reader.h"
#include "history/writer.h"

void s3p_record_json(const struct s3p_segment_view *s, uint32_t i, const struct s3p_keynames *k, struct s3p_buf *out);

/* The way back: appends the record of one JSON line. Errors name the field. */
int s3p_record_from_json(struct s3p_appender *a, const char *p, size_t len, struct s3p_err *err) S3P_MUST_CHECK;

#endif
