#include "server/mutant_rows.h"

static const struct s3p_srv_mutant_row rows[] = {
    {"inm-check-then-act", "If-None-Match: * is judged, then written without a lock: several creators get 200",
     "1", "concurrency", 2, false, s3p_srv_mutant_inm_hold, NULL, NULL, NULL},
    {"im-check-then-act", "If-Match is judged, then written without a lock: two writers succeed on one ETag",
     "1", "concurrency", 2, false, s3p_srv_mutant_im_hold, NULL, NULL, NULL},
    {"cond-ignored", "the precondition of a write is accepted and ignored", "1", "", 0, false, NULL,
     s3p_srv_mutant_ignored_judge, NULL, NULL},
    {"cond-always-412", "a conditional write never succeeds", "1", "", 0, false, NULL, s3p_srv_mutant_412_judge,
     NULL, NULL},
    {"cond-failed-but-applied", "412 is answered, and the write is applied all the same", "1", "concurrency", 0,
     false, NULL, s3p_srv_mutant_applied_judge, NULL, NULL},
    {"first-writer-wins", "a PUT over an existing key is acknowledged, then dropped", "2", "concurrency", 0, false,
     NULL, s3p_srv_mutant_first_judge, NULL, NULL},
    {"lost-ack-write", "an acknowledged PUT vanishes", "2", "", 0, false, NULL, s3p_srv_mutant_lost_judge, NULL,
     NULL},
    {"stale-read-replica", "reads on an endpoint other than the first lag behind by delay_ms", "2", "endpoints",
     200, true, NULL, NULL, NULL, s3p_srv_mutant_stale_read},
    {"overwrite-404-gap", "during an overwrite the key is absent for a moment", "2", "concurrency", 5, false,
     s3p_srv_mutant_gap_hold, NULL, NULL, NULL},
    {"torn-get", "length and ETag of one version, bytes of another", "2", "overwrites", 0, true, NULL, NULL, NULL,
     s3p_srv_mutant_torn_get},
    {"torn-blocks", "a body mixes blocks of two writers", "2", "overwrites", 0, true, NULL, NULL, NULL,
     s3p_srv_mutant_torn_blocks},
    {"wrong-put-etag", "PUT answers an ETag that is not this body's", "2", "", 0, false, NULL, NULL,
     s3p_srv_mutant_etag_reply, NULL},
};
_Static_assert(sizeof rows / sizeof rows[0] <= S3P_SRV_MUTANT_ROWS_MAX, "counters for every row");

const struct s3p_srv_mutant_row *s3p_srv_mutant_rows(size_t *n)
{
    *n = sizeof rows / sizeof rows[0];
    return rows;
}
