/* How much a store keeps, as one document:
 *   {"buckets": {name: COUNTS}, "total": COUNTS,
 *    "files": {"bodies", "bytes", "disk_bytes", "orphans", "orphan_bytes"}, "records_bytes"}
 *   COUNTS: objects (current, no markers), noncurrent (older versions), markers, uploads, parts (of
 *   uploads on their way), current_bytes, noncurrent_bytes, upload_bytes, stored_bytes (their sum)
 *
 * bytes are of bodies as clients see them, small ones in records included; files are those of
 * bodies that have one. Orphans are files that no record names: what a crash left; of a store that
 * runs also bodies on their way in, and those that still have a reader. One view for all counts. */
#ifndef S3P_SERVER_USAGE_H
#define S3P_SERVER_USAGE_H

#include <jansson.h>

#include "server/store.h"

/* Any thread. Sets *out (a new reference). */
int s3p_srv_usage(const struct s3p_srv_store *s, json_t **out, struct s3p_err *err) S3P_MUST_CHECK;

#endif
