/* How far a register that has no order was from its promise: what its users saw of it.
 *
 * Staleness. A value is *known* when its write or a read of it has returned, f is the earliest such
 * return. A mutation that was called after f comes later in every order that respects real time,
 * and was there when it was known itself. A read of v that was called at t is *stale* when some
 * mutation was called after f(v) and known before t. It is late by t minus the earliest such time:
 * the least time by which the read would have to be moved back (delta-atomicity). It is behind by
 * as many versions as there are such values (k-atomicity, a lower bound of k - 1; one when all of
 * them are deletes). Source: Golab, Li, Shah, Analyzing Consistency Properties for Fun and Profit,
 * PODC 2011. "Absent" is as young as the last delete that may have made it.
 *
 * Sessions. With "later" as above, of each client alone, and each read counted once a guarantee:
 *   read your writes      its own acknowledged mutation is later than the value that it reads
 *   monotonic reads       the newest value that it read before is later than it
 *   monotonic writes      so is that, and one client wrote both, the other way round
 *   writes follow reads   so is that, and its writer had read before it what is read now
 * "Newest" is the one that was written by the latest call. Source: Terry et al., Session Guarantees
 * for Weakly Consistent Replicated Data, PDIS 1994; on one key, as black boxes show them.
 *
 * A register that has no order even without any of its reads, or that showed a value which nobody
 * had written by then, is *broken*: that is no question of age. Else its reads alone are wrong: the
 * stale ones, and *undated* ones, which had to go for the rest to have an order, though nothing
 * shows by how much they were late.
 *
 * Sound: mutations of unknown outcome that nobody saw are later than nothing, and may explain any
 * absence. Not complete: of overlapping writes nobody can tell which one is older. O(n log n) for a
 * key, plus ROUNDS checks of its register; runs on violated registers only, since a register that
 * has an order breaks none of this.
 *
 * Threads: a struct s3p_grader is a workspace of one thread. */
#ifndef S3P_CHECK_GRADE_H
#define S3P_CHECK_GRADE_H

#include "check/register.h"

enum s3p_session {
    S3P_READ_YOUR_WRITES,
    S3P_MONOTONIC_READS,
    S3P_MONOTONIC_WRITES,
    S3P_WRITES_FOLLOW_READS,
    S3P_SESSIONS,
};
extern const char *const s3p_session_name[S3P_SESSIONS];

#define S3P_GRADE_OPS (UINT32_C(1) << 18) /* keys with more operations are not graded */

struct s3p_grade { /* sums and maxima, of one key or of many */
    uint64_t keys, broken_keys, ungraded_keys; /* keys: those that were graded */
    uint64_t reads, stale_reads, undated_reads;
    uint64_t versions; /* the most that a read was behind */
    uint64_t late_ns;  /* the longest that a read was behind */
    uint64_t session[S3P_SESSIONS];
};
void s3p_grade_add(struct s3p_grade *a, const struct s3p_grade *b);

struct s3p_grader;
int s3p_grader_create(struct s3p_grader **out, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_grader_free(struct s3p_grader *g);
/* The grade of one key whose register was found to be violated, and in *oldest the operation that
 * was behind for longest (S3P_NO_OP: none; of equals the one with the smallest ref).
 * `client`: of each operation. `r` judges what is left without stale reads. */
int s3p_grade_key(struct s3p_grader *g, struct s3p_reg *r, const struct s3p_reg_op *ops,
                  const uint32_t *client, uint32_t n, uint32_t values, struct s3p_grade *out,
                  uint32_t *oldest, struct s3p_err *err) S3P_MUST_CHECK;

#endif
