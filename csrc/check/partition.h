/* One partition: rows of some keys, all rows of each. Groups them by key, turns them into
 * operations, lets the register judge each key, and adds up what was seen. Threads: a struct
 * s3p_part is a workspace of one thread. */
#ifndef S3P_CHECK_PARTITION_H
#define S3P_CHECK_PARTITION_H

#include "check/members.h"
#include "check/tally.h"

struct s3p_load;
struct s3p_part;
int s3p_part_create(struct s3p_part **out, const struct s3p_histfile *file,
                    const struct s3p_keymap *map, struct s3p_err *err) S3P_MUST_CHECK;
/* From now on the keys that are checked are added to `objects`, too, as members of listings. */
void s3p_part_list(struct s3p_part *p, struct s3p_members *objects);
void s3p_part_free(struct s3p_part *p);
/* S3P_ELIMIT when a key and the rows need more than bound_bytes: found before it is taken. */
int s3p_part_check(struct s3p_part *p, const struct s3p_kept *rows, uint32_t n,
                   uint64_t bound_bytes, struct s3p_tally *t, struct s3p_err *err) S3P_MUST_CHECK;
/* The same of rows that are not all in memory at any time. Not where keys are listed, or buckets
 * have rules: these look at all rows of a key. */
int s3p_part_stream(struct s3p_part *p, const struct s3p_load *load, uint32_t partition, bool judge,
                    uint64_t bound_bytes, struct s3p_tally *t, struct s3p_err *err) S3P_MUST_CHECK;
/* Memory of a workspace for so many rows, at most; without the rows, without a search's
 * configurations, which are 4 MB at most, and without the grader of violated keys, which is 70 MB
 * at most. */
uint64_t s3p_part_bytes(uint64_t rows);
/* The same where every key is settled without its operations: no deletes, refusals, violations. */
uint64_t s3p_part_settled_bytes(uint64_t rows, uint64_t writes, bool listed);

#endif
