/* Switches that break the checker on purpose. The oracle test compiles the pure core a second time
 * with S3P_CHECK_MUTANTS and must notice every one of them; the product compiles to the plain
 * expression. */
#ifndef S3P_CHECK_MUTATE_H
#define S3P_CHECK_MUTATE_H

enum s3p_check_mutant {
    S3P_MUT_NONE,
    S3P_MUT_FUTURE_READ_OFF,
    S3P_MUT_FUTURE_READ_LE,
    S3P_MUT_UNWRITTEN_OFF,
    S3P_MUT_FAILED_VISIBLE_OFF,
    S3P_MUT_TWO_SUCCESSORS_OFF,
    S3P_MUT_CHAIN_WRITE_OFF,
    S3P_MUT_CHAIN_WRITE_LE,
    S3P_MUT_CHAIN_READ_OFF,
    S3P_MUT_CHAIN_READ_TAU_OFF,
    S3P_MUT_CYCLE_OFF,
    S3P_MUT_FORWARD_OVERLAP_OFF,
    S3P_MUT_FORWARD_OVERLAP_LE,
    S3P_MUT_BACKWARD_INSIDE_OFF,
    S3P_MUT_BACKWARD_LEFT_LE,
    S3P_MUT_BACKWARD_RIGHT_LE,
    S3P_MUT_INITIAL_BLOCK_OFF,
    S3P_MUT_UNKNOWN_IS_OK,
    S3P_MUT_UNKNOWN_KEEPS_RETURN,
    S3P_MUT_UNKNOWN_NEVER_LIVE,
    S3P_MUT_UNKNOWN_PREDECESSOR_DEAD,
    S3P_MUT_NEGATIVE_OFF,
    S3P_MUT_NEGATIVE_ALWAYS_LEARNED,
    S3P_MUT_NEGATIVE_LE,
    S3P_MUT_OPTIONAL_TAIL_OFF,
    S3P_MUT_OPTIONAL_ANYWHERE,
    S3P_MUT_DELETE_ALWAYS_TRAILING,
    S3P_MUT_PLAIN_LINK_ALWAYS,
    S3P_MUT_COUNT,
};

#ifdef S3P_CHECK_MUTANTS
extern int s3p_check_mutant;
#define S3P_MUT(id, expr, altered) (s3p_check_mutant == (id) ? (altered) : (expr))
#else
#define S3P_MUT(id, expr, altered) (expr)
#endif

#endif
