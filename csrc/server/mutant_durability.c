/* The faults of what must outlive the process: they concern whole batches of the committer. */
#include "server/mutant_rows.h"

const struct s3p_srv_mutant_row s3p_srv_mutants_of_durability[] = {
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
    {.name = NULL},
};
