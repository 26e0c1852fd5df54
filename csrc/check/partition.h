/* One partition: rows of some keys, all rows of each. Groups them by key, turns them into
 * operations, lets the register judge each key, and adds up what was seen. Threads: a struct
 * s3p_part is a workspace of one thread. */
#ifndef S3P_CHECK_PARTITION_H
#define S3P_CHECK_PARTITION_H

#include "check/members.h"
#include "check/tally.h"

struct s3p_part;
int s3p_part_create(struct s3p_part **out, const struct s3p_histfile *file,
                    const struct s3p_keymap *map, struct s3p_err *err) S3P_MUST_CHECK;
/* From now on the keys that are checked are added to `objects`, too, as members of listings. */
void s3p_part_list(struct s3p_part *p, struct s3p_members *objects);
void s3p_part_free(struct s3p_part *p);
int s3p_part_check(struct s3p_part *p, const struct s3p_kept *rows, uint32_t n, struct s3p_tally *t,
                   struct s3p_err *err) S3P_MUST_CHECK;
uint64_t s3p_part_bytes(
    uint64_t rows); /* memory of a workspace for so many rows, at most; without the rows, and
                       without a search's configurations, which are 4 MB at most, and without
                       the grader of violated keys, which is 70 MB at most */

#endif
