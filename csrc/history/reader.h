/* Reading history.s3ph: the file is mapped, each segment's CRC is checked once, columns are
 * pointers into the map. Every damaged, truncated, hostile or version-skewed input ends in
 * S3P_EFORMAT with a message that names segment or record and field; nothing is read out of bounds
 * (the reader is fuzzed). A file without a footer (the process was killed) is readable up to its
 * last whole segment when `allow_open` is true, and says so.
 *
 * Columns that index the header's tables (space, bucket, group, endpoint) are not checked against
 * them; the names below cope with any. Caveat: a file that is cut while it is mapped raises SIGBUS.
 *
 * Threads: a struct s3p_histfile is read-only after open; any number of threads may read. */
#ifndef S3P_HISTORY_READER_H
#define S3P_HISTORY_READER_H

#include "core/buf.h"
#include "history/record.h"

struct s3p_segment_view {
    uint32_t records, worker;
    const void *column[S3P_COLUMN_COUNT]; /* aligned to 64; `records` values each */
    const char *text;
    uint32_t text_bytes;
    const struct s3p_entry *entries;
    uint32_t nentries;
    uint64_t first_record; /* number of the segment's first record in the file */
    /* What it is worth looking for, a bit each: operations that occur (enum s3p_op); columns of
     * texts in which one occurs (enum s3p_column). */
    uint64_t ops, texts;
};
#define S3P_BIT(n) (UINT64_C(1) << (n))

struct s3p_histfile;
int s3p_histfile_open(struct s3p_histfile **out, const char *path, bool allow_open,
                      struct s3p_err *err) S3P_MUST_CHECK;
/* The same on bytes in memory (64-byte aligned, borrowed): for the fuzzer and tests. */
int s3p_histfile_open_mem(struct s3p_histfile **out, const void *p, size_t len, bool allow_open,
                          struct s3p_err *err) S3P_MUST_CHECK;
/* The same in two steps, for who reads many segments by several threads: opens without a look into
 * the segments; looks into segment `i`, once, by any thread, before anything is read of it. */
int s3p_histfile_map(struct s3p_histfile **out, const char *path, bool allow_open,
                     struct s3p_err *err) S3P_MUST_CHECK;
int s3p_histfile_verify(struct s3p_histfile *f, uint32_t i, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_histfile_close(struct s3p_histfile *f); /* drops one hold; NULL is a no-op */
/* One more hold on an open file; each takes a s3p_histfile_close, on any thread. */
struct s3p_histfile *s3p_histfile_hold(struct s3p_histfile *f);

struct s3p_str s3p_histfile_header(const struct s3p_histfile *f); /* the JSON */
uint64_t s3p_histfile_records(const struct s3p_histfile *f);
uint32_t s3p_histfile_segments(const struct s3p_histfile *f);
bool s3p_histfile_complete(
    const struct s3p_histfile *f); /* footer there, and the run was not interrupted */
const struct s3p_segment_view *s3p_histfile_segment(const struct s3p_histfile *f, uint32_t i);
/* Lets go of the memory of [from, to) of an open file, and of what lies next to it or just before:
 * reading it again maps it again. Nothing when `to` is not behind `from` (a file may order entries
 * as it likes). Any thread, also while others read there. */
void s3p_histfile_forget(const struct s3p_histfile *f, const void *from, const void *to);
/* The segment of a record of the file, and its place there. O(log n). */
const struct s3p_segment_view *s3p_histfile_find(const struct s3p_histfile *f, uint64_t record,
                                                 uint32_t *i);
void s3p_segment_get(const struct s3p_segment_view *s, uint32_t i, struct s3p_attempt *out);
/* {NULL, 0} for offset 0; offsets were validated when the file was opened. */
struct s3p_str s3p_segment_text(const struct s3p_segment_view *s, uint32_t offset);

/* What the header says about key spaces: turns (space, index) into text. */
struct s3p_keynames;
int s3p_keynames_create(struct s3p_keynames **out, struct s3p_str header_json,
                        struct s3p_err *err) S3P_MUST_CHECK;
void s3p_keynames_free(struct s3p_keynames *k);
/* Of an `own` space the index is client * count + number. An index outside the tables gives
 * "?space/index". */
void s3p_keynames_text(const struct s3p_keynames *k, uint16_t space, uint64_t index,
                       struct s3p_buf *out);
struct s3p_str s3p_keynames_bucket_role(const struct s3p_keynames *k,
                                        uint16_t bucket); /* "?" outside the table */
/* The way back; false when it is none of the plan's. */
bool s3p_keynames_find(const struct s3p_keynames *k, uint16_t bucket, struct s3p_str key,
                       uint16_t *space, uint64_t *index);
/* The same among generated spaces, or among fixed ones: one of the bucket, else one of another
 * bucket, whose keys a request may have put there. */
bool s3p_keynames_anywhere(const struct s3p_keynames *k, uint16_t bucket, struct s3p_str key,
                           bool generated, uint16_t *space, uint64_t *index);
bool s3p_keynames_bucket(const struct s3p_keynames *k, struct s3p_str role, uint16_t *bucket);

#endif
