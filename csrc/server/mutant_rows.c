#include "server/mutant_rows.h"

static const struct s3p_srv_mutant_row rows[] = {
    {
        .name = "inm-check-then-act",
        .breaks = "If-None-Match: * is judged, then written without a lock: several creators win",
        .section = "1",
        .needs = "concurrency",
        .delay_ms = 2,
        .hold = s3p_srv_mutant_inm_hold,
    },
    {
        .name = "im-check-then-act",
        .breaks = "If-Match is judged, then written without a lock: two writers win on one ETag",
        .section = "1",
        .needs = "concurrency",
        .delay_ms = 2,
        .hold = s3p_srv_mutant_im_hold,
    },
    {
        .name = "cond-ignored",
        .breaks = "the precondition of a write is accepted and ignored",
        .section = "1",
        .needs = "",
        .judge = s3p_srv_mutant_ignored_judge,
    },
    {
        .name = "cond-always-412",
        .breaks = "a conditional write never succeeds",
        .section = "1",
        .needs = "",
        .judge = s3p_srv_mutant_412_judge,
    },
    {
        .name = "cond-failed-but-applied",
        .breaks = "412 is answered, and the write is applied all the same",
        .section = "1",
        .needs = "concurrency",
        .judge = s3p_srv_mutant_applied_judge,
    },
    {
        .name = "first-writer-wins",
        .breaks = "a PUT over an existing key is acknowledged, then dropped",
        .section = "2",
        .needs = "concurrency",
        .judge = s3p_srv_mutant_first_judge,
    },
    {
        .name = "lost-ack-write",
        .breaks = "an acknowledged PUT vanishes",
        .section = "2",
        .needs = "",
        .judge = s3p_srv_mutant_lost_judge,
    },
    {
        .name = "stale-read-replica",
        .breaks = "reads on an endpoint other than the first lag behind by delay_ms",
        .section = "2",
        .needs = "endpoints",
        .delay_ms = 200,
        .old_versions = true,
        .read = s3p_srv_mutant_stale_read,
    },
    {
        .name = "overwrite-404-gap",
        .breaks = "during an overwrite the key is absent for a moment",
        .section = "2",
        .needs = "concurrency",
        .delay_ms = 5,
        .hold = s3p_srv_mutant_gap_hold,
    },
    {
        .name = "torn-get",
        .breaks = "length and ETag of one version, bytes of another",
        .section = "2",
        .needs = "overwrites",
        .old_versions = true,
        .read = s3p_srv_mutant_torn_get,
    },
    {
        .name = "torn-blocks",
        .breaks = "a body mixes blocks of two writers",
        .section = "2",
        .needs = "overwrites",
        .old_versions = true,
        .read = s3p_srv_mutant_torn_blocks,
    },
    {
        .name = "wrong-put-etag",
        .breaks = "PUT answers an ETag that is not this body's",
        .section = "2",
        .needs = "",
        .reply = s3p_srv_mutant_etag_reply,
    },
    {
        .name = "ack-before-commit",
        .breaks = "in durable mode, writes are answered before they are committed",
        .section = "2",
        .needs = "crash",
        .delay_ms = 2,
        .batch = S3P_SRV_BATCH_EARLY,
    },
    {
        .name = "commit-without-fsync",
        .breaks = "in durable mode, writes are answered before they are synced",
        .section = "2",
        .needs = "power loss",
        .batch = S3P_SRV_BATCH_UNSYNCED,
    },
};
_Static_assert(sizeof rows / sizeof rows[0] <= S3P_SRV_MUTANT_ROWS_MAX, "counters for every row");

const struct s3p_srv_mutant_row *s3p_srv_mutant_rows(size_t *n)
{
    *n = sizeof rows / sizeof rows[0];
    return rows;
}
