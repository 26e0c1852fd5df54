#include "check/rules.h"

const struct s3p_rule_row s3p_rule_table[S3P_RULE_COUNT] = {
    [S3P_RULE_BODY_TORN] = {"body-torn", "body", "$0, and its body mixes the bytes of two writes"},
    [S3P_RULE_BODY_FOREIGN] = {"body-foreign", "body", "$0, and its body belongs to another key"},
    [S3P_RULE_BODY_CORRUPT] = {"body-corrupt", "body",
                               "$0, and its body holds bytes that nobody wrote"},
    [S3P_RULE_BODY_LENGTH] = {"body-length", "body", "$0, and its length is not that of the write"},
    [S3P_RULE_UNWRITTEN_VALUE] = {"unwritten-value", "K1",
                                  "$0 although nobody wrote that value to this key"},
    [S3P_RULE_FUTURE_READ] = {"future-read", "K1", "$0 before that value was sent: $1"},
    [S3P_RULE_FAILED_BUT_VISIBLE] = {"failed-but-visible", "K1",
                                     "$0 although its write had failed: $1"},
    [S3P_RULE_ETAG_MISMATCH] = {"etag-mismatch", "etag", "$0, and its ETag does not fit the value"},
    [S3P_RULE_CAS_SPLIT_BRAIN] =
        {"cas-split-brain", "K2",
         "two conditional writes succeeded on one predecessor: $0, and $1"},
    [S3P_RULE_CREATE_TWICE] = {"create-twice", "K2", "the key was created twice: $0, and $1"},
    [S3P_RULE_CHAIN_INFEASIBLE] =
        {"chain-infeasible", "K2",
         "conditional writes succeeded in an order that time forbids: $0, but $1"},
    [S3P_RULE_ZONE_OVERLAP] = {"zone-overlap", "K1",
                               "no order of writes explains these answers: $0, and $1"},
    [S3P_RULE_STALE_READ] = {"stale-read", "K1",
                             "$0 although $1 and no later write could restore the old value"},
    [S3P_RULE_LOST_UPDATE] = {"lost-update", "K2",
                              "$0 although $1, and nothing followed on that write: it was lost"},
    [S3P_RULE_ABSENT_AFTER_ACK] = {"absent-after-ack", "K1",
                                   "$0 although $1 and nothing deleted the key"},
    [S3P_RULE_CAS_IGNORED] = {"cas-ignored", "K2", "$0 although its condition did not hold: $1"},
    [S3P_RULE_CONDITION_FALSE_NEGATIVE] = {"condition-false-negative", "K2",
                                           "$0 although its condition held throughout: $1"},
};
