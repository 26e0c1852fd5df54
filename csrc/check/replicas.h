/* Reads of a bucket that a replication rule makes a copy of another one.
 *
 * A replica has its source's metadata, so a read names the write it saw: it must be one of the same
 * key in a source of the bucket, that had been called by then and had not failed. Replicas come
 * when they come, and need not come at all, but in the order of the source: of two reads of which
 * one was called when the other had returned, the later one must not show a write that had
 * returned, at the source, before the other's was called. (Sound: whatever order the source had, it
 * respects real time. Bytes must be those of the write that the metadata name. Reads that showed
 * nothing, and reads behind a change that a client made in
 * the destination itself, are not judged.)
 *
 * Threads: one. Source: docs/semantics.md, section 6. */
#ifndef S3P_CHECK_REPLICAS_H
#define S3P_CHECK_REPLICAS_H

#include "check/gather.h"

int s3p_replicas(const struct s3p_gather *g, struct s3p_err *err) S3P_MUST_CHECK;

#endif
