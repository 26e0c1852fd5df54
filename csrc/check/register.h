/* One key as a register with compare-and-set: is there one total order of its operations that
 * respects real time and in which every answer is right? Pure: no files, no records, no threads.
 *
 * Values are numbers: 0 is "absent" (the state before the first write), 1 … values are writes'
 * values. Every value is written at most once, so a read names the write it saw and the question is
 * decidable in O(n log n) at any concurrency:
 *   - per value, a cluster: its write and the reads that saw it (Gibbons and Korach, Testing Shared
 * Memories, 1997);
 *   - a successful compare-and-set is the immediate successor of the value it expected: clusters
 * joined so are a chain (chain.c); every block, chain or single cluster, has a zone, and zones
 * decide (zone.c);
 *   - a refused condition (412) is judged where the order of all mutations is known, i.e. when all
 * of them are compare-and-sets, bar one plain write at most (chain.c, s3p_chain_negatives). The
 * chain extension is an argument of this project, held to by an exhaustive oracle in the tests.
 * "Absent" after a delete is no such value. Deletes that are the end of a key's history constrain
 * nothing; one delete behind all writes is one more value (epoch.c); what is left is judged by
 * rules that are certain (negatives.c) and by a bounded search (search.c), as are refusals where
 * the order of mutations is not known.
 *
 * Real time: a precedes b when res(a) < inv(b); equal times are concurrent. inv > INT64_MIN, inv <=
 * res; res is INT64_MAX for what never returned.
 *
 * Exact when `negatives`, `unresolved` and `unknown_windows` come back 0: no violation means that
 * an order exists. Otherwise sound: a violation is one, whatever was not judged.
 *
 * Threads: a struct s3p_reg is a workspace of one thread. */
#ifndef S3P_CHECK_REGISTER_H
#define S3P_CHECK_REGISTER_H

#include <stdbool.h>
#include <stdint.h>

#include "check/rules.h"
#include "core/err.h"

#define S3P_NO_VALUE UINT32_MAX
#define S3P_NO_OP UINT32_MAX
#define S3P_REG_ABSENT 0u

enum s3p_reg_kind {
    S3P_REG_READ,   /* saw `value` (0: absent) */
    S3P_REG_WRITE,  /* plain write of `value` */
    S3P_REG_CREATE, /* write of `value` if absent */
    S3P_REG_CAS,    /* write of `value` if the state is `pred`; S3P_NO_VALUE: an ETag that nothing
                       explains */
    S3P_REG_REPLACE, /* write of `value` if present */
    S3P_REG_NOT,    /* saw a state other than `value` (0: saw the key present) */
    S3P_REG_DELETE, /* value 0 */
    S3P_REG_REMOVE, /* delete if the state is `pred`; as S3P_REG_CAS, value 0 */
};

/* A write that names no predecessor. */
static inline bool s3p_reg_plain(uint8_t kind)
{
    return kind == S3P_REG_WRITE || kind == S3P_REG_REPLACE;
}

struct s3p_reg_op {
    int64_t inv, res;
    uint32_t value;
    uint32_t pred;
    uint32_t ref;    /* the caller's */
    uint8_t kind;    /* enum s3p_reg_kind */
    uint8_t outcome; /* of mutations: enum s3p_outcome (0 failed, 1 ok, 2 unknown); of
                        S3P_REG_NOT: failed, a condition was refused; ok, a key was needed */
};

#define S3P_REG_WITNESS 4
struct s3p_reg_violation {
    uint8_t rule, n;
    uint32_t op[S3P_REG_WITNESS]; /* indices of operations; the offending one first */
};

#define S3P_REG_VIOLATIONS 16 /* of one key; more are not counted */
struct s3p_reg_result {
    uint32_t nviolations;
    struct s3p_reg_violation violation[S3P_REG_VIOLATIONS];
    uint32_t negatives;  /* refused conditions that were not judged */
    uint32_t unresolved; /* successes of a compare-and-set or conditional delete whose expected
                            value is S3P_NO_VALUE: judged as if they had had no condition */
    /* Stretches between instants with nothing in flight that were searched, and those of them that
     * met a bound, so that nothing is known of them; what needs no search is one window. */
    uint32_t windows, unknown_windows;
    uint32_t unknown_ops;             /* operations in unknown windows */
    int64_t unknown_from, unknown_to; /* the first unknown window */
};

struct s3p_reg;
int s3p_reg_create(struct s3p_reg **out, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_reg_free(struct s3p_reg *r);
/* S3P_EFORMAT when a value is written twice or out of range, or a time breaks the rule above. */
int s3p_reg_check(struct s3p_reg *r, const struct s3p_reg_op *ops, uint32_t n, uint32_t values,
                  struct s3p_reg_result *out, struct s3p_err *err) S3P_MUST_CHECK;

/* The same of operations that nobody keeps, told some at a time: most keys are settled by what
 * clusters keep of them. `*settled`: an order exists, and `out` is what s3p_reg_check would have
 * said. Else nothing is known: a violation, a refusal or a delete takes all operations, in
 * s3p_reg_check. */
int s3p_reg_open(struct s3p_reg *r, uint32_t values, struct s3p_reg_result *out,
                 struct s3p_err *err) S3P_MUST_CHECK;
int s3p_reg_tell(struct s3p_reg *r, const struct s3p_reg_op *ops, uint32_t n,
                 struct s3p_err *err) S3P_MUST_CHECK;
int s3p_reg_settle(struct s3p_reg *r, bool *settled, struct s3p_err *err) S3P_MUST_CHECK;

#endif
