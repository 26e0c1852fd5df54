/* Some keys, with all that the history says of each: for the aspects of a key that are no plain
 * register of its object (tags, versions). Few keys have them, so these checkers read the file's
 * columns again, as they need, instead of widening every row.
 *
 * Two passes choose and count keys, then ranges of keys that fit into memory are gathered and
 * judged, 64 keys a unit of work, by several threads.
 *
 * Threads: `holds`, `wants` and `takes` run on one thread, `judge` on several. */
#ifndef S3P_CHECK_GATHER_H
#define S3P_CHECK_GATHER_H

#include "check/objects.h"
#include "check/register.h"

#define S3P_NO_ENTRY UINT32_MAX
#define S3P_COLUMN(at, type, name) (((const type *)(at)->s->column[S3P_COL_##name])[(at)->i])

struct s3p_at { /* a record, or an entry of its page */
    const struct s3p_segment_view *s;
    uint32_t i, entry;
};
static inline uint32_t s3p_at_record(const struct s3p_at *a)
{
    return (uint32_t)(a->s->first_record + a->i);
}

struct s3p_walks;
struct s3p_bench { /* what a thread judges with */
    const struct s3p_objects *objects;
    const struct s3p_walks *walks;
    struct s3p_tally *tally;
    struct s3p_reg *reg;
    struct s3p_reg_op *op;
    uint32_t nops, cap;
    struct s3p_idmap values;
    uint32_t nvalues;
};

struct s3p_gather {
    const struct s3p_histfile *file;
    const struct s3p_head *head;
    const struct s3p_keymap *keys;
    const struct s3p_objects *objects;
    const struct s3p_walks *walks;
    struct s3p_tally *tally; /* one a thread */
    int threads;
    uint64_t memory_bytes;
};

struct s3p_subject {
    /* Whether a segment may have a record that makes its key one to judge; whether a record does;
     * whether it matters on such a key. */
    bool (*holds)(const struct s3p_segment_view *s);
    bool (*wants)(const struct s3p_at *at);
    bool (*takes)(const struct s3p_at *at);
    /* The key, and its records in file order. */
    int (*judge)(struct s3p_bench *b, const struct s3p_row *key, const struct s3p_at *at,
                 uint32_t n, struct s3p_err *err);
};

int s3p_gather(const struct s3p_gather *g, const struct s3p_subject *what,
               struct s3p_err *err) S3P_MUST_CHECK;

/* For judges: the number of a value, from 1; room for operations, none so far; the attempt as one
 * more of them; a violation. */
int s3p_bench_value(struct s3p_bench *b, struct s3p_id id, uint32_t *out,
                    struct s3p_err *err) S3P_MUST_CHECK;
int s3p_bench_reserve(struct s3p_bench *b, uint32_t ops, struct s3p_err *err) S3P_MUST_CHECK;
struct s3p_reg_op *s3p_bench_add(struct s3p_bench *b, const struct s3p_at *at,
                                 enum s3p_reg_kind kind, uint32_t value);
int s3p_bench_hit(struct s3p_bench *b, enum s3p_rule rule, enum s3p_aspect aspect,
                  const struct s3p_row *key, uint32_t first, uint32_t second,
                  struct s3p_err *err) S3P_MUST_CHECK;

/* What a register of the key was found to break; op.ref is a record. */
int s3p_bench_report(struct s3p_bench *b, enum s3p_aspect aspect, const struct s3p_row *key,
                     const struct s3p_reg_result *res, struct s3p_err *err) S3P_MUST_CHECK;

extern const struct s3p_subject s3p_tags_subject, s3p_versions_subject, s3p_nulls_subject;

#endif
