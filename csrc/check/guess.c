/* The fault class that a violation looks like: the first row whose rule and shape fit. A guess for
 * people; nothing depends on it. The names are those of the mutants. */
#include "check/witness.h"
#include "s3/op.h"
#include "s3/outcome.h"

enum shape {
    ANY = 0,
    TWO_ENDPOINTS = 1, /* the offending attempt and the next one went to different endpoints */
    OVERLAP = 2,       /* the two overlapped in time */
    LOOKED = 4,        /* the offending attempt is a HEAD or a page of keys */
    WROTE = 8,         /* the offending attempt is a write */
    REFUSED = 16,      /* the second attempt is a write that was refused by its condition */
    RANGE = 32,        /* the offending attempt read a range */
    WRITTEN_BY = 64,   /* the second attempt is an acknowledged write */
    TOGETHER = 128,    /* two writes of the witness overlapped */
    TAGS = 256,        /* it is about tags */
    VERSIONS = 512,    /* it is about versions: the key's, or a page of them */
    UPLOADS = 1024,    /* an attempt of the witness is one of an upload, or a page of them */
    COPIED = 2048,     /* an attempt of the witness is a copy */
    BATCH = 4096,      /* an attempt of the witness deleted several keys at once */
    DELETED = 8192,    /* the offending attempt is a delete */
    ABSENT = 16384,    /* the second attempt deleted the key, or found it absent */
    LOST = 32768,      /* the second attempt is a write without a clear answer */
    EMPTY = 65536,     /* the offending attempt is a page without entries */
    RECENT = 131072,   /* the second attempt returned less than a second before the offending one */
    ALONE = 262144,    /* there is no second attempt */
};

static const struct {
    enum s3p_rule rule;
    unsigned shape;
    const char *name;
} table[] = {
    {S3P_RULE_BODY_TORN, UPLOADS, "mpu-blend"},
    {S3P_RULE_BODY_TORN, COPIED, "copy-torn-source"},
    {S3P_RULE_BODY_TORN, RANGE, "range-mixes-versions"},
    {S3P_RULE_BODY_TORN, ANY, "torn-blocks"},
    {S3P_RULE_BODY_FOREIGN, COPIED, "copy-drops-meta"},
    {S3P_RULE_BODY_FOREIGN, ANY, "cross-key-body"},
    {S3P_RULE_BODY_CORRUPT, UPLOADS, "mpu-tail-zeroed"},
    {S3P_RULE_BODY_CORRUPT, RANGE, "range-off-by-one"},
    {S3P_RULE_BODY_CORRUPT, ANY, "zero-filled-tail"},
    {S3P_RULE_BODY_LENGTH, RANGE, "range-off-by-one"},
    {S3P_RULE_BODY_LENGTH, UPLOADS, "mpu-head-ok-get-empty"},
    {S3P_RULE_BODY_LENGTH, COPIED, "copy-torn-source"},
    {S3P_RULE_BODY_LENGTH, LOOKED, "stale-head-fresh-get"},
    {S3P_RULE_BODY_LENGTH, LOST, "partial-body-committed"},
    {S3P_RULE_BODY_LENGTH, ANY, "torn-get"},
    {S3P_RULE_UNWRITTEN_VALUE, TAGS, "version-tags-shared"},
    {S3P_RULE_UNWRITTEN_VALUE, LOOKED, "list-stale-entry"},
    {S3P_RULE_UNWRITTEN_VALUE, ANY, "cross-key-body"},
    {S3P_RULE_FUTURE_READ, UPLOADS, "mpu-visible-early"},
    {S3P_RULE_FUTURE_READ, ANY, "read-uncommitted"},
    {S3P_RULE_FAILED_BUT_VISIBLE, UPLOADS, "mpu-complete-false-404"},
    {S3P_RULE_FAILED_BUT_VISIBLE, REFUSED, "cond-failed-but-applied"},
    {S3P_RULE_FAILED_BUT_VISIBLE, ANY, "read-uncommitted"},
    {S3P_RULE_ETAG_MISMATCH, UPLOADS, "mpu-etag-wrong"},
    {S3P_RULE_ETAG_MISMATCH, WROTE | WRITTEN_BY, "im-fingerprint-aba"},
    {S3P_RULE_ETAG_MISMATCH, WROTE, "wrong-put-etag"},
    {S3P_RULE_ETAG_MISMATCH, WRITTEN_BY, "wrong-put-etag"},
    {S3P_RULE_ETAG_MISMATCH, RANGE, "range-mixes-versions"},
    {S3P_RULE_ETAG_MISMATCH, ANY, "torn-get"},
    {S3P_RULE_CAS_SPLIT_BRAIN, TWO_ENDPOINTS, "cond-atomic-per-gateway"},
    {S3P_RULE_CAS_SPLIT_BRAIN, OVERLAP, "im-check-then-act"},
    {S3P_RULE_CAS_SPLIT_BRAIN, ANY, "cond-ignored"},
    {S3P_RULE_CREATE_TWICE, TWO_ENDPOINTS, "cond-atomic-per-gateway"},
    {S3P_RULE_CREATE_TWICE, UPLOADS, "cond-ignored-one-path"},
    {S3P_RULE_CREATE_TWICE, OVERLAP, "inm-check-then-act"},
    {S3P_RULE_CREATE_TWICE, ANY, "cond-ignored"},
    {S3P_RULE_CHAIN_INFEASIBLE, ANY, "cond-stale-eval"},
    {S3P_RULE_ZONE_OVERLAP, TWO_ENDPOINTS, "stale-read-replica"},
    {S3P_RULE_ZONE_OVERLAP, LOOKED, "stale-head-fresh-get"},
    {S3P_RULE_ZONE_OVERLAP, TOGETHER, "first-writer-wins"},
    {S3P_RULE_ZONE_OVERLAP, ANY, "nonmonotonic-reads"},
    {S3P_RULE_STALE_READ, TAGS, "tag-write-fails-silently"},
    {S3P_RULE_STALE_READ, BATCH, "bulk-quiet-hides-errors"},
    {S3P_RULE_STALE_READ, VERSIONS, "stale-latest-pointer"},
    {S3P_RULE_STALE_READ, UPLOADS, "mpu-order-flipped"},
    {S3P_RULE_STALE_READ, TWO_ENDPOINTS, "stale-read-replica"},
    {S3P_RULE_STALE_READ, COPIED, "copy-drops-meta"},
    {S3P_RULE_STALE_READ, LOOKED, "stale-head-fresh-get"},
    {S3P_RULE_STALE_READ, TOGETHER, "first-writer-wins"},
    {S3P_RULE_STALE_READ, WRITTEN_BY, "lost-ack-write"},
    {S3P_RULE_STALE_READ, ANY, "nonmonotonic-reads"},
    {S3P_RULE_LOST_UPDATE, TAGS, "tags-merge"},
    {S3P_RULE_LOST_UPDATE, TWO_ENDPOINTS, "cond-atomic-per-gateway"},
    {S3P_RULE_LOST_UPDATE, ANY, "im-check-then-act"},
    {S3P_RULE_ABSENT_AFTER_ACK, TAGS, "tag-write-fails-silently"},
    {S3P_RULE_ABSENT_AFTER_ACK, VERSIONS, "no-promotion"},
    {S3P_RULE_ABSENT_AFTER_ACK, UPLOADS, "mpu-abort-eats-object"},
    {S3P_RULE_ABSENT_AFTER_ACK, BATCH, "bulk-collateral"},
    {S3P_RULE_ABSENT_AFTER_ACK, TWO_ENDPOINTS, "cross-client-404"},
    {S3P_RULE_ABSENT_AFTER_ACK, ANY, "overwrite-404-gap"},
    {S3P_RULE_PRESENT_AFTER_DELETE, TAGS, "tags-survive-overwrite"},
    {S3P_RULE_PRESENT_AFTER_DELETE, VERSIONS, "null-version-shadow"},
    {S3P_RULE_PRESENT_AFTER_DELETE, BATCH, "bulk-silent-failure"},
    {S3P_RULE_PRESENT_AFTER_DELETE, LOOKED, "list-after-delete-lag"},
    {S3P_RULE_PRESENT_AFTER_DELETE, RECENT, "delete-acked-not-applied"},
    {S3P_RULE_PRESENT_AFTER_DELETE, ANY, "delete-resurrects"},
    {S3P_RULE_CAS_IGNORED, BATCH, "bulk-quiet-hides-errors"},
    {S3P_RULE_CAS_IGNORED, DELETED, "cond-delete-ignored"},
    {S3P_RULE_CAS_IGNORED, UPLOADS, "cond-ignored-one-path"},
    {S3P_RULE_CAS_IGNORED, ABSENT, "im-missing-creates"},
    {S3P_RULE_CAS_IGNORED, TWO_ENDPOINTS, "cond-atomic-per-gateway"},
    {S3P_RULE_CAS_IGNORED, ANY, "cond-ignored"},
    {S3P_RULE_CONDITION_FALSE_NEGATIVE, ABSENT, "inm-marker-as-present"},
    {S3P_RULE_CONDITION_FALSE_NEGATIVE, TWO_ENDPOINTS, "cond-stale-eval"},
    {S3P_RULE_LAST_MODIFIED, ANY, "last-modified-backwards"},
    {S3P_RULE_CONDITION_FALSE_NEGATIVE, ANY, "cond-always-412"},
    {S3P_RULE_MPU_BLEND, ANY, "mpu-blend"},
    {S3P_RULE_MPU_STALE_PART, OVERLAP, "mpu-part-resend-race"},
    {S3P_RULE_MPU_STALE_PART, ANY, "mpu-stale-part"},
    {S3P_RULE_MPU_COMPLETED_TWICE, ANY, "mpu-double-complete-blend"},
    {S3P_RULE_ABORTED_VISIBLE, ANY, "mpu-abort-then-complete"},
    {S3P_RULE_UPLOAD_UNDEAD, ANY, "mpu-abort-then-complete"},
    {S3P_RULE_UPLOAD_LOST, ANY, "mpu-complete-false-404"},
    {S3P_RULE_COMPLETE_AND_ABORT, ANY, "mpu-abort-then-complete"},
    {S3P_RULE_COPY_WRONG_BODY, ANY, "copy-torn-source"},
    {S3P_RULE_LIST_MISSING, VERSIONS, "put-delete-race-loses-version"},
    {S3P_RULE_LIST_MISSING, UPLOADS | RECENT, "mpu-hidden-recent"},
    {S3P_RULE_LIST_MISSING, UPLOADS, "mpu-list-drops"},
    {S3P_RULE_LIST_MISSING, EMPTY, "list-empty-under-churn"},
    {S3P_RULE_LIST_MISSING, RECENT, "list-lag"},
    {S3P_RULE_LIST_MISSING, ANY, "list-drops-fraction"},
    {S3P_RULE_LIST_TRUNCATED_END, VERSIONS, "versions-truncated"},
    {S3P_RULE_LIST_TRUNCATED_END, UPLOADS, "mpu-list-drops"},
    {S3P_RULE_LIST_TRUNCATED_END, ANY, "list-early-end"},
    {S3P_RULE_LIST_PHANTOM, UPLOADS, "restart-resurrects"},
    {S3P_RULE_LIST_PHANTOM, VERSIONS, "null-version-shadow"},
    {S3P_RULE_LIST_PHANTOM, ALONE, "list-bad-encoding"},
    {S3P_RULE_LIST_PHANTOM, ANY, "list-after-delete-lag"},
    {S3P_RULE_LIST_ORDER, VERSIONS, "versions-reversed"},
    {S3P_RULE_LIST_ORDER, UPLOADS, "mpu-list-order"},
    {S3P_RULE_LIST_ORDER, ANY, "list-order-wrong"},
    {S3P_RULE_LIST_DUPLICATE, ANY, "list-dup-at-edge"},
    {S3P_RULE_LIST_RANGE, ANY, "list-start-inclusive"},
    {S3P_RULE_LIST_NO_PROGRESS, VERSIONS, "versions-marker-missing"},
    {S3P_RULE_LIST_NO_PROGRESS, UPLOADS, "mpu-list-drops"},
    {S3P_RULE_LIST_NO_PROGRESS, ANY, "list-token-missing"},
    {S3P_RULE_LIST_LATEST, ANY, "islatest-twice"},
    {S3P_RULE_LIST_PART_ENTRY, ANY, "parts-size-zero"},
    {S3P_RULE_TAGS_TORN, ANY, "tags-merge"},
    {S3P_RULE_TAGS_CORRUPT, ANY, "tags-merge"},
    {S3P_RULE_BATCH_MISSING_KEY, ANY, "bulk-missing-from-answer"},
    {S3P_RULE_BATCH_EXTRA_KEY, ANY, "bulk-quiet-ignored"},
    {S3P_RULE_VERSION_ID_REUSED, ANY, "version-id-reused"},
    {S3P_RULE_VERSION_LOST, ANY, "delete-wrong-version"},
    {S3P_RULE_VERSION_WRONG_BODY, ANY, "version-id-reused"},
    {S3P_RULE_VERSION_UNDEAD, ANY, "delete-resurrects"},
    {S3P_RULE_VERSION_MISSING, UPLOADS, "mpu-no-version"},
    {S3P_RULE_VERSION_MISSING, ANY, "put-delete-race-loses-version"},
    {S3P_RULE_REPLICA_ORDER, ANY, "replication-reorders"},
    {S3P_RULE_BUCKET_UNREADY, ANY, "bucket-create-lag"},
    {S3P_RULE_ERROR_AS_SUCCESS, ANY, "cond-fail-in-200-body"},
    {S3P_RULE_SURPLUS_BYTES, ANY, "poisoned-keepalive"},
    {S3P_RULE_COPY_WRONG_SOURCE, ANY, "copy-source-cond-ignored"},
    {S3P_RULE_READ_CONDITION, ANY, "range-mixes-versions"},
    {S3P_RULE_META_TORN, ANY, "meta-merge"},
    {S3P_RULE_META_LOST, COPIED, "copy-drops-meta"},
    {S3P_RULE_META_LOST, ANY, "tags-wipe-metadata"},
    {S3P_RULE_BATCH_ABSENT_ERROR, ANY, "bulk-missing-key-error"},
    {S3P_RULE_BATCH_OVER_LIMIT, ANY, "bulk-over-limit-partial"},
};

enum { RECENT_NS = 1000000000 };

static bool overlap(const struct s3p_attempt *a, const struct s3p_attempt *b)
{
    return a->t_call <= b->t_return && b->t_call <= a->t_return;
}

static bool is_put(const struct s3p_attempt *a)
{
    return a->op == S3P_OP_PUT;
}

static bool is_delete(const struct s3p_attempt *a)
{
    return a->op == S3P_OP_DELETE || a->op == S3P_OP_DELETE_CHILD;
}

static bool is_page(const struct s3p_attempt *a)
{
    return a->op == S3P_OP_LIST || a->op == S3P_OP_LIST_V1 || a->op == S3P_OP_LIST_VERSIONS ||
           a->op == S3P_OP_LIST_UPLOADS || a->op == S3P_OP_LIST_PARTS;
}

/* What an attempt of the witness, whichever, is about. */
static unsigned kind_of(const struct s3p_attempt *a)
{
    switch (a->op) {
    case S3P_OP_COPY:
        return COPIED;
    case S3P_OP_CREATE_UPLOAD:
    case S3P_OP_UPLOAD_PART:
    case S3P_OP_UPLOAD_PART_COPY:
    case S3P_OP_COMPLETE_UPLOAD:
    case S3P_OP_ABORT_UPLOAD:
    case S3P_OP_LIST_UPLOADS:
    case S3P_OP_LIST_PARTS:
        return UPLOADS;
    case S3P_OP_LIST_VERSIONS:
        return VERSIONS;
    case S3P_OP_DELETE_CHILD:
    case S3P_OP_DELETE_OBJECTS:
        return BATCH;
    default:
        return 0;
    }
}

static unsigned second(const struct s3p_attempt *a, const struct s3p_attempt *b)
{
    unsigned s = 0;
    bool absent = (is_delete(b) && b->outcome == S3P_OK_OUTCOME) || b->evidence == S3P_EV_ABSENT;
    s |= a->endpoint != b->endpoint ? TWO_ENDPOINTS : 0;
    s |= overlap(a, b) ? OVERLAP : 0;
    s |= is_put(b) && b->outcome == S3P_FAILED && b->cond != S3P_COND_NONE ? REFUSED : 0;
    s |= is_put(b) && b->outcome == S3P_OK_OUTCOME ? WRITTEN_BY : 0;
    s |= is_put(b) && b->outcome == S3P_UNKNOWN ? LOST : 0;
    s |= absent ? ABSENT : 0;
    s |= b->t_return < a->t_call && a->t_call - b->t_return < RECENT_NS ? RECENT : 0;
    return s;
}

static unsigned shape_of(const struct s3p_witness *w)
{
    const struct s3p_attempt *a = &w->attempt[0], *b = &w->attempt[1];
    unsigned s = w->hit->n > 1 ? second(a, b) : ALONE;
    s |= a->op == S3P_OP_HEAD || a->op == S3P_OP_LIST || a->op == S3P_OP_LIST_V1 ? LOOKED : 0;
    s |= is_put(a) ? WROTE : 0;
    s |= is_delete(a) ? DELETED : 0;
    s |= a->range_len != 0 ? RANGE : 0;
    s |= is_page(a) && a->entries_count == 0 ? EMPTY : 0;
    s |= w->hit->aspect == S3P_ASPECT_TAGS ? TAGS : 0;
    s |= w->hit->aspect == S3P_ASPECT_VERSIONS ? VERSIONS : 0;
    for (uint32_t i = 0; i < w->hit->n; i++)
        s |= kind_of(&w->attempt[i]);
    for (uint32_t i = 2; i < w->hit->n; i++)
        s |= is_put(b) && is_put(&w->attempt[i]) && overlap(b, &w->attempt[i]) ? TOGETHER : 0;
    return s;
}

const char *s3p_witness_guess(const struct s3p_witness *w)
{
    unsigned shape = shape_of(w);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].rule == w->hit->rule && (table[i].shape & shape) == table[i].shape)
            return table[i].name;
    return "";
}
