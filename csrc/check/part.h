/* What partition.c, operations.c and stream.c share: the workspace of a partition. */
#ifndef S3P_CHECK_PART_H
#define S3P_CHECK_PART_H

#include "check/effort.h"
#include "check/load.h"
#include "check/object_facts.h"
#include "check/partition.h"
#include "check/register.h"

enum { S3P_PART_TOLD = 256 }; /* operations at a time */

/* Where the rows come from when there is no room for all of them (stream.c). */
struct s3p_stream {
    const struct s3p_load *load; /* NULL: they are all in memory */
    uint32_t partition;
    uint64_t reads;         /* of a key, from which on they are not kept */
    struct s3p_kept *chunk; /* of one segment */
    uint32_t chunk_cap;
    struct s3p_kept *row; /* what is kept; room for the row at hand behind it */
    uint32_t cap;
};

struct s3p_part {
    const struct s3p_histfile *file;
    const struct s3p_keymap *map;
    struct s3p_index index;
    struct s3p_effort effort;
    struct s3p_reg *reg;
    struct s3p_reg_op *op;
    uint32_t cap; /* operations: S3P_PART_TOLD or more */
    struct s3p_grader *grader;
    uint32_t *client; /* of each operation, for the grader; NULL until a register is violated */
    struct s3p_members *objects; /* NULL: nobody lists keys */
    struct s3p_fact_list facts;
    struct s3p_stream stream;
    uint64_t bound_bytes; /* of all this and the rows */
    /* of the key at hand */
    struct s3p_tally *tally;
    uint32_t key, nops;
    bool keeps; /* all operations go into `op`; else some at a time to the register */
    bool quiet; /* what they show was said when they went there */
    bool shown; /* that the key is there, whenever something says so */
    bool all_known; /* every write that may have happened has an ETag: an ETag that none of them
                       showed is nobody's */
    uint32_t negatives, unresolved;
    uint32_t ignored; /* conditions on what nobody had, that were acknowledged: violations */
    int64_t first_removal, last_said; /* deletes of versions: the first call; what others say */
    int64_t first_ack, first_claim;   /* earliest return of a success; call of a claim */
};

/* operations.c: the rows of the key at hand. `op.ref` is the record. */
int s3p_part_hit(struct s3p_part *p, enum s3p_rule rule, const uint32_t *records, uint32_t n,
                 struct s3p_err *err) S3P_MUST_CHECK;
int s3p_part_add_rows(struct s3p_part *p, const uint32_t *rows, uint32_t n,
                      struct s3p_err *err) S3P_MUST_CHECK;
int s3p_part_tell(struct s3p_part *p, struct s3p_err *err) S3P_MUST_CHECK;

/* stream.c: the reads of the key at hand that are not kept, one by one: `fn` is told a row of the
 * index that lasts until the next one. */
typedef int s3p_read_fn(struct s3p_part *p, uint32_t row, struct s3p_err *err);
int s3p_stream_reads(struct s3p_part *p, s3p_read_fn *fn, struct s3p_err *err) S3P_MUST_CHECK;
/* The rows that are kept, into the index. */
int s3p_stream_gather(struct s3p_part *p, bool judge, struct s3p_err *err) S3P_MUST_CHECK;
/* Numbers the values and ETags that the reads of the key at hand show. */
int s3p_stream_index(struct s3p_part *p, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_stream_free(struct s3p_stream *s);

#endif
