/* Switches that break the checker on purpose. The oracle test compiles the pure core a second time
 * with S3P_CHECK_MUTANTS and must notice every one of them; the product compiles to the plain
 * expression. */
#ifndef S3P_CHECK_MUTATE_H
#define S3P_CHECK_MUTATE_H

/* Named by what they break: of register.c and what it needs, each switch is hunted by the oracle
 * (tests/check/test_oracle.c); WINDOW_ by test_windows.c; all others by the tests of their noun
 * (tests/mutants.c). _OFF: a rule is dropped; _LE, _LT: a comparison takes, or leaves, the equal
 * case. */
#define S3P_CHECK_SWITCHES(X)                                                                      \
    X(FUTURE_READ_OFF)                                                                             \
    X(FUTURE_READ_LE)                                                                              \
    X(UNWRITTEN_OFF)                                                                               \
    X(FAILED_VISIBLE_OFF)                                                                          \
    X(TWO_SUCCESSORS_OFF)                                                                          \
    X(CHAIN_WRITE_OFF)                                                                             \
    X(CHAIN_WRITE_LE)                                                                              \
    X(CHAIN_READ_OFF)                                                                              \
    X(CHAIN_READ_TAU_OFF)                                                                          \
    X(CYCLE_OFF)                                                                                   \
    X(FORWARD_OVERLAP_OFF)                                                                         \
    X(FORWARD_OVERLAP_LE)                                                                          \
    X(BACKWARD_INSIDE_OFF)                                                                         \
    X(BACKWARD_LEFT_LE)                                                                            \
    X(BACKWARD_RIGHT_LE)                                                                           \
    X(INITIAL_BLOCK_OFF)                                                                           \
    X(UNKNOWN_IS_OK)                                                                               \
    X(UNKNOWN_KEEPS_RETURN)                                                                        \
    X(UNKNOWN_NEVER_LIVE)                                                                          \
    X(UNKNOWN_PREDECESSOR_DEAD)                                                                    \
    X(NEGATIVE_OFF)                                                                                \
    X(NEGATIVE_ALWAYS_LEARNED)                                                                     \
    X(NEGATIVE_LE)                                                                                 \
    X(OPTIONAL_TAIL_OFF)                                                                           \
    X(OPTIONAL_ANYWHERE)                                                                           \
    X(DELETE_ALWAYS_TRAILING)                                                                      \
    X(PLAIN_LINK_ALWAYS)                                                                           \
    X(TRAIL_CONDITIONAL)                                                                           \
    X(EPOCH_NO_BARRIER)                                                                            \
    X(EPOCH_BARRIER_LE)                                                                            \
    X(EPOCH_BEFORE_LT)                                                                             \
    X(TWO_FOLLOWERS_OFF)                                                                           \
    X(UNSEEN_DROPPED)                                                                              \
    X(WANTED_OFF)                                                                                  \
    X(REACH_CALL_LT)                                                                               \
    X(REACH_RUNNER_UP_OFF)                                                                         \
    X(REACH_RETURN_LT)                                                                             \
    X(EVIDENCE_LE)                                                                                 \
    X(ABSENT_RULE_OFF)                                                                             \
    X(PRESENT_RULE_OFF)                                                                            \
    X(OTHER_RULE_OFF)                                                                              \
    X(OTHER_BETWEEN_OFF)                                                                           \
    X(GAP_OFF)                                                                                     \
    X(GAP_LEFT_LE)                                                                                 \
    X(GAP_RIGHT_LE)                                                                                \
    X(SEARCH_CALL_LT)                                                                              \
    X(SEARCH_NOT_OFF)                                                                              \
    X(SEARCH_CREATE_ANYWHERE)                                                                      \
    X(SEARCH_CONDITION_OFF)                                                                        \
    X(SEARCH_IDLE_ALWAYS)                                                                          \
    X(SEARCH_LEAVE_LE)                                                                             \
    X(SEARCH_GROUP_ALWAYS)                                                                         \
    X(SEARCH_DOMINATES_ANY)                                                                        \
    X(SEARCH_FOLLOWER_ANY)                                                                         \
    X(ANEW_START_OFF)                                                                              \
    X(ANEW_LAST_LE)                                                                                \
    X(ANEW_CARRIED_OFF)                                                                            \
    X(WINDOW_OPEN_LE)                                                                              \
    X(WINDOW_IGNORES_CHANGES)                                                                      \
    X(WINDOW_FRESH_OFF)                                                                            \
    X(WINDOW_FROM_CALL)                                                                            \
    X(WINDOW_LEFT_LE)                                                                              \
    X(WINDOW_RIGHT_LE)                                                                             \
    X(GRADE_LATER_LE)                                                                              \
    X(GRADE_ABSENT_LT)                                                                             \
    X(GRADE_ABSENT_OFF)                                                                            \
    X(GRADE_KNOWN_LE)                                                                              \
    X(GRADE_STALE_LE)                                                                              \
    X(GRADE_FOLLOW_ALWAYS)                                                                         \
    X(GRADE_BEFORE_LE)                                                                             \
    X(GRADE_OWN_LE)                                                                                \
    X(GRADE_SEEN_LE)                                                                               \
    X(PAGE_PART_MARKER_GE)                                                                         \
    X(PAGE_START_OFF)                                                                              \
    X(PAGE_INSIDE_OFF)                                                                             \
    X(PAGE_ROLLED_OFF)                                                                             \
    X(PAGE_BORDER_OFF)                                                                             \
    X(PAGE_PREFIX_OFF)                                                                             \
    X(PAGE_ROLL_OFF)                                                                               \
    X(PAGE_ROLL_GE)                                                                                \
    X(PAGE_NO_DELIMITER_OFF)                                                                       \
    X(PAGE_SPACE_ANY)                                                                              \
    X(PAGE_NO_NEXT_OFF)                                                                            \
    X(PAGE_SAME_NEXT_OFF)                                                                          \
    X(PAGE_ORDER_OFF)                                                                              \
    X(PAGE_DUPLICATE_OFF)                                                                          \
    X(PAGE_LIMIT_GE)                                                                               \
    X(PAGE_INTERVAL_OFF)                                                                           \
    X(PAGE_ANCHOR_ALWAYS)                                                                          \
    X(PAGE_LAST_KEY)                                                                               \
    X(PAGE_OTHER_OFF)                                                                              \
    X(PAGE_WRONG_KEPT)                                                                             \
    X(PAGE_COUNT_OFF)                                                                              \
    X(PAGE_COUNT_LE)                                                                               \
    X(PAGE_TOKEN_OFF)                                                                              \
    X(ANSWER_READY_LT)                                                                             \
    X(ANSWER_GONE_GT)                                                                              \
    X(ANSWER_GONE_REFUSED)                                                                         \
    X(ANSWER_ANY_OP)                                                                               \
    X(ANSWER_TOUCHED)                                                                              \
    X(JOIN_LAG_OFF)                                                                                \
    X(JOIN_MISSING_OFF)                                                                            \
    X(JOIN_TAIL_OFF)                                                                               \
    X(JOIN_PHANTOM_OFF)                                                                            \
    X(JOIN_NOBODYS_OFF)                                                                            \
    X(JOIN_BEHIND_GE)                                                                              \
    X(JOIN_PAST_OFF)                                                                               \
    X(JOIN_PART_MARKER_LT)                                                                         \
    X(JOIN_UNANCHORED_OFF)                                                                         \
    X(JOIN_INSIDE_OFF)                                                                             \
    X(JOIN_LOOSE_OFF)                                                                              \
    X(JOIN_NEWER_GE)                                                                               \
    X(JOIN_OLDER_LE)                                                                               \
    X(JOIN_QUIET_OFF)                                                                              \
    X(JOIN_LATEST_OFF)                                                                             \
    X(JOIN_LOWER_OFF)                                                                              \
    X(JOIN_UPPER_OFF)                                                                              \
    X(JOIN_ORDER_OFF)                                                                              \
    X(JOIN_DUPLICATE_OFF)                                                                          \
    X(JOIN_BOUND_OFF)                                                                              \
    X(JOIN_TIMES_OFF)                                                                              \
    X(JOIN_GOES_ON_OFF)                                                                            \
    X(JOIN_LATEST_INSIDE)                                                                          \
    X(JOIN_UNLISTED_OFF)                                                                           \
    X(JOIN_PREFIX_FIRST)                                                                           \
    X(JOIN_FAST_OFF)                                                                               \
    X(JOIN_ROLLED_LT)                                                                              \
    X(JOIN_TRUNCATED_OFF)                                                                          \
    X(WALK_ALTERED_OFF)                                                                            \
    X(WALK_TOKEN_OFF)                                                                              \
    X(WALK_PREFIX_OFF)                                                                             \
    X(WALK_START_OFF)                                                                              \
    X(FACT_UNKNOWN_RETURNS)                                                                        \
    X(FACT_NULL_SURE_OFF)                                                                          \
    X(FACT_REPEATS_OFF)                                                                            \
    X(FACT_MARKER_ANY)                                                                             \
    X(FACT_UNLEARNED_OFF)                                                                          \
    X(FACT_CREATE_ID)                                                                              \
    X(FACT_TOUCHED_OFF)                                                                            \
    X(FACT_UNMADE_OFF)                                                                             \
    X(FACT_WHOLE_OFF)                                                                              \
    X(OBJECT_TOUCHED_OFF)                                                                          \
    X(OBJECT_REVIVES_OFF)                                                                          \
    X(OBJECT_OPEN_OFF)                                                                             \
    X(OBJECT_FAILED_CHANGES)                                                                       \
    X(VERSION_RANK_FLIPPED)                                                                        \
    X(VERSION_NEWER_LE)                                                                            \
    X(VERSION_REUSED_OFF)                                                                          \
    X(VERSION_AGAIN_OFF)                                                                           \
    X(VERSION_BY_VERSION_OFF)                                                                      \
    X(VERSION_VAGUE_OFF)                                                                           \
    X(VERSION_UNKNOWN_DELETES)                                                                     \
    X(VERSION_MISSING_REPEATED)                                                                    \
    X(VERSION_ENABLED_LT)                                                                          \
    X(VERSION_CHANGED_GT)                                                                          \
    X(NULL_CERTAIN_ANY)                                                                            \
    X(NULL_ENTRY_OFF)                                                                              \
    X(NULL_GONE_OFF)                                                                               \
    X(NULL_WEAK_OFF)                                                                               \
    X(NULL_UNTOUCHED_ANY)                                                                          \
    X(NULL_BEFORE_LE)                                                                              \
    X(NULL_NAMED_OFF)                                                                              \
    X(NULL_DOUBT_ANY)                                                                              \
    X(NULL_ETAG_REFUSED)                                                                           \
    X(NULL_WEAK_LE)                                                                                \
    X(NULL_ETAG_LAST)                                                                              \
    X(NULL_LISTS_OFF)                                                                              \
    X(NULL_OTHER_UNKNOWN)                                                                          \
    X(NULL_OTHER_NAMELESS)                                                                         \
    X(NULL_OTHER_ANY)                                                                              \
    X(NULL_OTHER_OFF)                                                                              \
    X(NULL_COPY_OFF)                                                                               \
    X(NULL_COPY_FAILED)                                                                            \
    X(NULL_REPEATED)                                                                               \
    X(NULL_NAMELESS_OFF)                                                                           \
    X(NULL_LIST_CALL)                                                                              \
    X(NULL_LIST_RETURN)                                                                            \
    X(NULL_DELETE_PLAIN)                                                                           \
    X(NULL_MARKER_UNKNOWN)                                                                         \
    X(NULL_MARKER_NAMELESS)                                                                        \
    X(NULL_MARKER_ANY)                                                                             \
    X(NULL_DELETE_OTHER)                                                                           \
    X(NULL_MARKER_OFF)                                                                             \
    X(NULL_HIDDEN_OFF)                                                                             \
    X(NULL_IS_MARKER_OFF)                                                                          \
    X(NULL_GONE_ANY)                                                                               \
    X(NULL_GONE_HEAD_OFF)                                                                          \
    X(NULL_GONE_VERSION_OFF)                                                                       \
    X(NULL_GONE_KEY_OFF)                                                                           \
    X(NULL_READ_ASKED_ANY)                                                                         \
    X(NULL_READ_SHOWN_ANY)                                                                         \
    X(NULL_READ_NAMELESS)                                                                          \
    X(NULL_RUN_OFF)                                                                                \
    X(NULL_ENTRY_ALTERED)                                                                          \
    X(NULL_ENTRY_MARKER_OFF)                                                                       \
    X(NULL_TOUCHED_OFF)                                                                            \
    X(NULL_RULES_OFF)                                                                              \
    X(VERSION_WALK_MISSING_OFF)                                                                    \
    X(VERSION_LATEST_OFF)                                                                          \
    X(VERSION_WALK_OFF)                                                                            \
    X(VERSION_WRONG_OFF)                                                                           \
    X(VERSION_FUTURE_LE)                                                                           \
    X(VERSION_UNDEAD_LE)                                                                           \
    X(VERSION_GONE_ANY)                                                                            \
    X(VERSION_LOST_CALL_LE)                                                                        \
    X(VERSION_LOST_DELETE_GE)                                                                      \
    X(VERSION_STANDS_LE)                                                                           \
    X(VERSION_STANDS_GE)                                                                           \
    X(VERSION_STALE_OFF)                                                                           \
    X(VERSION_SEEN_TWICE)                                                                          \
    X(VERSION_HIDDEN_CALL_LT)                                                                      \
    X(VERSION_HIDDEN_GONE_GT)                                                                      \
    X(VERSION_HIDDEN_ANY)                                                                          \
    X(VERSION_HIDDEN_OFF)                                                                          \
    X(VERSION_VAGUE_LT)                                                                            \
    X(TAGS_BYTES_OFF)                                                                              \
    X(TAGS_BOTH_OFF)                                                                               \
    X(TAGS_ABSENT_OFF)                                                                             \
    X(TAGS_KEPT_OFF)                                                                               \
    X(TAGS_KEPT_ALONE)                                                                             \
    X(TAGS_VERSION_DELETE_OFF)                                                                     \
    X(TAGS_LEADING_LE)                                                                             \
    X(TAGS_RUN_OFF)                                                                                \
    X(TAGS_FOREIGN_OFF)                                                                            \
    X(TAGS_LISTS_OFF)                                                                              \
    X(TAGS_COMPLETE_CALL)                                                                          \
    X(TAGS_BROUGHT_OFF)                                                                            \
    X(TAGS_VERSION_ANY)                                                                            \
    X(TAGS_COMPLETE_RETURN)                                                                        \
    X(UPLOAD_GONE_FAILS)                                                                           \
    X(UPLOAD_CONDITIONAL_EARLY)                                                                    \
    X(UPLOAD_ORDER_OFF)                                                                            \
    X(UPLOAD_CREATE_OFF)                                                                           \
    X(UPLOAD_LAST_CALL)                                                                            \
    X(UPLOAD_LAST_RETURN)                                                                          \
    X(UPLOAD_FIRST_OUTCOME)                                                                        \
    X(UPLOAD_LAST_ABORT)                                                                           \
    X(ABORTED_VISIBLE_OFF)                                                                         \
    X(UPLOAD_FUTURE_LE)                                                                            \
    X(UPLOAD_BYTES_OFF)                                                                            \
    X(UPLOAD_BLEND_ANY)                                                                            \
    X(UPLOAD_PART_ANY)                                                                             \
    X(UPLOAD_STALE_OFF)                                                                            \
    X(UPLOAD_READ_ETAG_OFF)                                                                        \
    X(UPLOAD_ETAG_OFF)                                                                             \
    X(COMPLETE_ABORT_OFF)                                                                          \
    X(COPY_LENGTH_OFF)                                                                             \
    X(COPY_TORN_OFF)                                                                               \
    X(OBJECT_ANYWHERE)                                                                             \
    X(OBJECT_CORRUPT_OFF)                                                                          \
    X(COPY_FOREIGN_OFF)                                                                            \
    X(COPY_REACH_ANY)                                                                              \
    X(COPY_TIME_LT)                                                                                \
    X(COPY_ONE_STEP)                                                                               \
    X(COPY_NAMELESS_OFF)                                                                           \
    X(BATCH_EXTRA_OFF)                                                                             \
    X(BATCH_PARENT_ANY)                                                                            \
    X(BATCH_ANSWERED)                                                                              \
    X(BATCH_CODE_OFF)                                                                              \
    X(ENTRY_LAG_OFF)                                                                               \
    X(ENTRY_INTERVAL_OFF)                                                                          \
    X(ENTRY_ALTERED)                                                                               \
    X(WALKS_CLIENT_ANY)                                                                            \
    X(WALKS_BUCKET_ANY)                                                                            \
    X(WALKS_KEY_OFF)                                                                               \
    X(WALKS_ID_OFF)                                                                                \
    X(WALKS_PREFIX_OFF)                                                                            \
    X(WALKS_DELIMITER_LATER)                                                                       \
    X(WALKS_REFUSED)                                                                               \
    X(WALKS_ALTERED)                                                                               \
    X(WALKS_DELIMITER_OFF)                                                                         \
    X(WALKS_OPEN)                                                                                  \
    X(WALKS_ENCODED)                                                                               \
    X(STATE_REFUSED)                                                                               \
    X(STATE_KEPT_OFF)                                                                              \
    X(STATE_TOUCHED_LAST)                                                                          \
    X(STATE_ENABLED_UNKNOWN)                                                                       \
    X(STATE_ENABLED_LAST)                                                                          \
    X(STATE_CHANGED_LAST)                                                                          \
    X(STATE_IDS_OFF)

enum s3p_check_mutant {
    S3P_MUT_NONE,
#define S3P_SWITCH(name) S3P_MUT_##name,
    S3P_CHECK_SWITCHES(S3P_SWITCH)
#undef S3P_SWITCH
        S3P_MUT_COUNT,
    S3P_MUT_WINDOW_FIRST = S3P_MUT_WINDOW_OPEN_LE,
    S3P_MUT_WINDOW_LAST = S3P_MUT_WINDOW_RIGHT_LE,
};

#ifdef S3P_CHECK_MUTANTS
extern int s3p_check_mutant;
#define S3P_MUT(id, expr, altered) (s3p_check_mutant == (id) ? (altered) : (expr))
#else
#define S3P_MUT(id, expr, altered) (expr)
#endif
/* A condition that is dropped: it never holds, it always does. */
#define S3P_OFF(name, expr) S3P_MUT(S3P_MUT_##name, expr, false)
#define S3P_ON(name, expr) S3P_MUT(S3P_MUT_##name, expr, true)
/* A comparison of times or counts, and the same with the other answer for equal ones. */
#define S3P_LT(name, a, b) S3P_MUT(S3P_MUT_##name, (a) < (b), (a) <= (b))
#define S3P_LE(name, a, b) S3P_MUT(S3P_MUT_##name, (a) <= (b), (a) < (b))

#endif
