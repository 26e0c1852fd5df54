/* One attempt as one JSON object: what `s3prod export --to jsonl` prints, what a driver of another
 * SDK sends, what a witness shows. Fields are the columns by name; enums by their names; ids and
 * ETags as text; absent values left out; "key" and "bucket" in text. Entries of a page as
 * "entries": [{"key","etag","size",…}].
 *
 *   u64 columns    as signed numbers: UINT64_MAX, "to the end" of range_len, is -1
 *   flags          list of names; the same for an entry's
 *   etag           32 hex digits, with "etag_form" when it is not "digest". Without "etag_form" a
 * reader takes any ETag text, quoted or not, and keeps one of another form in etag_text as well.
 * The same for expect_etag parent         records back to the request's, 1 for the one before; so a
 * line means the same in every segment bucket         the role; as a number when there is no name
 * for it key            beside space and key_index; a reader takes these, or looks the text up when
 * they are left out. The keys of entries the same; one that is not the plan's is a text alone
 *   entries_first, entries_count   not there: "entries" says it
 * Bytes of texts that are not UTF-8 become U+0080 … U+00FF. */
#ifndef S3P_HISTORY_JSON_H
#define S3P_HISTORY_JSON_H

#include "history/reader.h"
#include "history/writer.h"

/* Appends a JSON string. */
void s3p_json_text(struct s3p_buf *out, struct s3p_str s);

/* Appends the object of record `i`, without a line end. `k` may be NULL: then "key" is left out. */
void s3p_record_json(const struct s3p_segment_view *s, uint32_t i, const struct s3p_keynames *k,
                     struct s3p_buf *out);

/* The way back: appends the record of one JSON line. Errors name the field; nothing is appended
 * then. */
int s3p_record_from_json(struct s3p_appender *a, const char *p, size_t len,
                         struct s3p_err *err) S3P_MUST_CHECK;

/* The names of enum s3p_entry_flag, in bit order. */
#define S3P_ENTRY_FLAGS 5
extern const char *const s3p_entry_flag_name[S3P_ENTRY_FLAGS];

#endif
