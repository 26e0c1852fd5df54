/* The rules that a history can break, by stable name: one table. The names are the machine form's
 * "rule" and the columns of the kill matrix; they are never renamed. Threads: constants. */
#ifndef S3P_CHECK_RULES_H
#define S3P_CHECK_RULES_H

enum s3p_rule {
    S3P_RULE_BODY_TORN,
    S3P_RULE_BODY_FOREIGN,
    S3P_RULE_BODY_CORRUPT,
    S3P_RULE_BODY_LENGTH,
    S3P_RULE_UNWRITTEN_VALUE,
    S3P_RULE_FUTURE_READ,
    S3P_RULE_FAILED_BUT_VISIBLE,
    S3P_RULE_ETAG_MISMATCH,
    S3P_RULE_CAS_SPLIT_BRAIN,
    S3P_RULE_CREATE_TWICE,
    S3P_RULE_CHAIN_INFEASIBLE,
    S3P_RULE_ZONE_OVERLAP,
    S3P_RULE_STALE_READ,
    S3P_RULE_LOST_UPDATE,
    S3P_RULE_ABSENT_AFTER_ACK,
    S3P_RULE_PRESENT_AFTER_DELETE,
    S3P_RULE_CAS_IGNORED,
    S3P_RULE_CONDITION_FALSE_NEGATIVE,
    S3P_RULE_MPU_BLEND,
    S3P_RULE_MPU_STALE_PART,
    S3P_RULE_ABORTED_VISIBLE,
    S3P_RULE_COMPLETE_AND_ABORT,
    S3P_RULE_MPU_COMPLETED_TWICE,
    S3P_RULE_UPLOAD_UNDEAD,
    S3P_RULE_UPLOAD_LOST,
    S3P_RULE_COPY_WRONG_BODY,
    S3P_RULE_COPY_WRONG_SOURCE,
    S3P_RULE_META_TORN,
    S3P_RULE_META_LOST,
    S3P_RULE_LIST_MISSING,
    S3P_RULE_LIST_TRUNCATED_END,
    S3P_RULE_LIST_PHANTOM,
    S3P_RULE_LIST_ORDER,
    S3P_RULE_LIST_DUPLICATE,
    S3P_RULE_LIST_RANGE,
    S3P_RULE_LIST_OVER_LIMIT,
    S3P_RULE_LIST_NO_PROGRESS,
    S3P_RULE_LIST_LATEST,
    S3P_RULE_LIST_PART_ENTRY,
    S3P_RULE_LIST_INCONSISTENT,
    S3P_RULE_TAGS_TORN,
    S3P_RULE_TAGS_CORRUPT,
    S3P_RULE_BATCH_MISSING_KEY,
    S3P_RULE_BATCH_EXTRA_KEY,
    S3P_RULE_BATCH_ABSENT_ERROR,
    S3P_RULE_BATCH_OVER_LIMIT,
    S3P_RULE_VERSION_ID_REUSED,
    S3P_RULE_VERSION_LOST,
    S3P_RULE_VERSION_WRONG_BODY,
    S3P_RULE_VERSION_UNDEAD,
    S3P_RULE_VERSION_MISSING,
    S3P_RULE_REPLICA_ORDER,
    S3P_RULE_BUCKET_UNREADY,
    S3P_RULE_ERROR_AS_SUCCESS,
    S3P_RULE_SURPLUS_BYTES,
    S3P_RULE_LAST_MODIFIED,
    S3P_RULE_READ_CONDITION,
    S3P_RULE_COUNT,
};

struct s3p_rule_row {
    const char *name;
    const char *level; /* "K1" register, "K2" conditional writes, "L1" listings, "body", "etag",
                          "batch", "version", "answer" */
    const char *text;  /* the sentence of a witness; $0 … $3 are its attempts in words */
};
extern const struct s3p_rule_row s3p_rule_table[S3P_RULE_COUNT];
/* about.c: what the rule means, in a paragraph. */
const char *s3p_rule_about(enum s3p_rule rule);

#endif
