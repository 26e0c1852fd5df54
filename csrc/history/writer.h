/* Writing a history while the run goes on: per worker a segment being filled, a bounded pool of
 * segments, and one writer thread that seals them (CRC32C) and appends them to history.s3ph.
 *
 * Threads: a struct s3p_appender belongs to one worker; s3p_append never locks except when a
 * segment is full. When the writer thread falls behind, the appender waits for a free segment and
 * the time is counted (stall_ns), nothing is lost. A disk error is kept and returned by
 * s3p_history_close; appends after it are dropped and counted. Caveat: no use after fork, the
 * writer thread is not there.
 *
 * File (all numbers little endian; format version 1):
 *   header   "S3PHIST1" · u32 version · u32 json bytes · u32 CRC32C of the JSON · u32 0 ·
 *            JSON, padded with blanks to 64
 *   segment  "S3PHSEG1" · u32 version · u32 records · u32 columns · u32 worker ·
 *            u64 payload bytes · u32 text bytes · u32 entries · u32 CRC32C of the payload ·
 *            u32 CRC32C of this head's first 44 bytes · zero to 64
 *            payload: each column of S3P_COLUMNS in order, each padded to 64; text arena padded
 *            to 64; entries padded to 64. A text is its u32 length (unaligned) and its bytes
 *   footer   "S3PHEND1" · u32 version · u32 complete (1: the run ended, 0: it was interrupted) ·
 *            u64 records · u64 segments · u64 dropped · u32 CRC32C of what precedes · zero to 64
 * The header's JSON: {"format":1,"run":"<12 hex>","seed":n,"plan":{…},"profile":{…},
 *   "profile_hash":"…","endpoints":[…],"buckets":[{"role":…,"name":…}],
 *   "spaces":[{"name":…,"bucket":i,"kind":…,"prefix":…,"count":n,"keys":[…]}],"groups":[…],
 *   "clock":{"mono_ns":n,"wall_ns":n},"runner":"native","versions":{…}}; no secret is in it. */
#ifndef S3P_HISTORY_WRITER_H
#define S3P_HISTORY_WRITER_H

#include "core/buf.h"
#include "history/record.h"

#define S3P_HISTORY_VERSION 1u
#define S3P_SEGMENT_RECORDS 8192u
#define S3P_SEGMENT_RECORDS_MAX 65536u /* that a reader takes; a segment may be sealed with few */
#define S3P_SEGMENT_TEXT_BYTES (1u << 20)
#define S3P_SEGMENT_ENTRIES 32768u
#define S3P_BATCH_RECORDS 1100u /* children of one DELETE_OBJECTS that surely land in its segment */
#define S3P_TEXT_MAX 65535u     /* a longer text is cut */

struct s3p_history; /* the file and its writer thread */
struct s3p_appender;

/* Creates `path` (fails when it exists), writes the header. `header_json` is checked to be a JSON
 * object, and its spaces and buckets to have the right shape. */
int s3p_history_create(struct s3p_history **out, const char *path, const char *header_json,
                       size_t len, int workers, struct s3p_err *err) S3P_MUST_CHECK;
/* One per worker, 0 <= worker < workers; owned by the history. */
struct s3p_appender *s3p_history_appender(struct s3p_history *h, int worker);
/* Seals what is open, writes the footer, joins the thread, frees. `complete`: false when the run
 * was interrupted. Idempotent through NULL. The workers must have ended. */
int s3p_history_close(struct s3p_history *h, bool complete, struct s3p_err *err) S3P_MUST_CHECK;
int64_t s3p_history_stall_ns(const struct s3p_history *h);
size_t s3p_history_bytes_per_worker(void); /* memory of the pool, for the plan's budget */

/* Makes sure that there is room for `text_bytes` and `entries` in the open segment, sealing it
 * first when there is not; a record without texts and entries needs no begin. Texts and entries of
 * a record are put after it, then the record, with nothing appended between. Before a record that
 * is no child there is also room for a whole batch: the children of a DELETE_OBJECTS, appended one
 * after the other right behind it, share its segment and may name its position. */
void s3p_append_begin(struct s3p_appender *a, size_t text_bytes, size_t entries);
/* The text's offset for the coming s3p_append; 0 for an empty one. */
uint32_t s3p_append_text(struct s3p_appender *a, const char *p, size_t len);
/* The entry's index for entries_first. */
uint32_t s3p_append_entry(struct s3p_appender *a, const struct s3p_entry *e);
/* The record's position in its segment. */
uint32_t s3p_append(struct s3p_appender *a, const struct s3p_attempt *r);

#endif
