/* Random records for the history tests: everything that a file may hold, by seed. */
#ifndef S3P_TESTS_HISTORY_UTIL_H
#define S3P_TESTS_HISTORY_UTIL_H

#include "core/random.h"
#include "history/reader.h"
#include "history/writer.h"

extern const char h_header[]; /* two buckets; spaces of each kind */

/* A record with its texts and entries, before it has offsets. */
struct h_record {
    struct s3p_attempt r; /* text columns are 0 */
    char text[12][40];    /* "" for none; in column order */
    struct s3p_entry entry[4];
    char entry_text[4][40]; /* key of a foreign entry */
    char entry_version[4][40];
    unsigned nentries;
};
void h_random(struct h_record *h, struct s3p_rng *rng);
void h_append(struct s3p_appender *a, const struct h_record *h);
/* Fails the test when record `i` of the segment is not `h`. */
void h_expect(const struct s3p_segment_view *s, uint32_t i, const struct h_record *h);

const char *h_path(
    const char *name); /* a fresh path in the temporary directory; valid until the next call */
/* A file of n random records of seed 1 by one worker. */
void h_write_file(const char *path, uint32_t n, bool complete);
void *h_read_aligned(const char *path, size_t *len); /* release with s3p_free */

#endif
