/* From segments to rows. Two passes over the file: one counts the rows of each (segment,
 * partition), one writes them to their places, so that rows of a partition are in file order
 * whatever thread wrote them. What one attempt alone shows (its body, its ETag against its bytes)
 * is judged in the second pass.
 *
 * Threads: s3p_load_count and s3p_load_rows are called by several threads, each segment by one. */
#ifndef S3P_CHECK_LOAD_H
#define S3P_CHECK_LOAD_H

#include "check/head.h"
#include "check/keymap.h"
#include "check/objects.h"
#include "check/tally.h"
#include "check/walks.h"

#define S3P_MD5_BUDGET_BYTES (UINT64_C(8) << 30)
#define S3P_UNIQUE_BODY_BYTES 16 /* shorter ones may be equal */

struct s3p_load {
    const struct s3p_histfile *file;
    const struct s3p_head *head;
    const struct s3p_keymap *map;
    const struct s3p_objects *objects;
    const struct s3p_walks *walks;
    uint32_t segments, partitions; /* partitions a power of two */
    uint32_t *start; /* [segment][partition]: counts, then where the segment's rows of the partition
                        begin */
    uint64_t *rows;  /* per partition */
    uint64_t *md5_bytes; /* per segment: bytes to regenerate, then those allowed */
    bool judges_md5;     /* ETags of writes, against their bytes */
};

int s3p_load_init(struct s3p_load *l, const struct s3p_histfile *f, const struct s3p_head *h,
                  const struct s3p_keymap *m, const struct s3p_objects *objects,
                  const struct s3p_walks *walks, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_load_free(struct s3p_load *l);
int s3p_load_count(struct s3p_load *l, uint32_t segment, struct s3p_err *err) S3P_MUST_CHECK;
int s3p_load_settle(struct s3p_load *l,
                    struct s3p_err *err) S3P_MUST_CHECK; /* between the passes: counts to places */
/* Writes the segment's rows of partitions [from, to) to out[partition - from]. `judge`: also judge
 * the attempts alone. */
int s3p_load_rows(const struct s3p_load *l, uint32_t segment, uint32_t from, uint32_t to,
                  struct s3p_kept *const *out, bool judge, struct s3p_tally *t,
                  struct s3p_err *err) S3P_MUST_CHECK;

/* The rows of one segment in one partition: how many (after s3p_load_settle), and they alone. */
uint32_t s3p_load_part_rows(const struct s3p_load *l, uint32_t segment, uint32_t partition);
int s3p_load_part(const struct s3p_load *l, uint32_t segment, uint32_t partition,
                  struct s3p_kept *out, bool judge, struct s3p_tally *t,
                  struct s3p_err *err) S3P_MUST_CHECK;

/* Value of the argument `name` ("fields=") of record `i`; empty: it has none. How many fields its
 * metadata have: 0 when it is the id alone, or they are torn. */
struct s3p_str s3p_load_arg(const struct s3p_segment_view *s, uint32_t i, const char *name);
uint8_t s3p_load_fields(const struct s3p_segment_view *s, uint32_t i);
uint64_t s3p_etag_token(const uint8_t etag[16], uint8_t form);
/* From when on a page's entries may have been what they say (profile: `list`, `list_interval`). */
int64_t s3p_load_listed_since(const struct s3p_head *h, const struct s3p_segment_view *s,
                              uint32_t i);

/* What a packed row does not hold is read again: `expect` of its row, `client` of its record. */
uint64_t s3p_load_expect(const struct s3p_histfile *f, const struct s3p_kept *r);
uint32_t s3p_load_client(const struct s3p_histfile *f, uint32_t record);

#endif
