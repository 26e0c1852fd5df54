/* Rules that the run gave its buckets: what a store may do by itself because of them.
 *
 * A lifecycle rule lets the store remove what it matches, once its days have passed: an optional
 * delete, from then on for ever; it never has to. A rule counts from its own call on, and is never
 * taken back: what comes later replaces it, but who knows when. What decides whether a rule matches
 * and cannot be told from one record (a copied size, tags that others may have changed) counts as
 * matching. A day is as long as the profile says (`lifecycle_day_ms`); days that the store rounds
 * up only end later.
 *
 * A replication rule makes its destination a bucket whose keys show what was written elsewhere
 * (replicas.h); nothing else is judged there.
 *
 * Threads: read-only once it is read. Source: docs/semantics.md, sections 1 and 6; S3 user guide,
 * "Expiring objects". */
#ifndef S3P_CHECK_BUCKET_RULES_H
#define S3P_CHECK_BUCKET_RULES_H

#include "check/head.h"

struct s3p_bucket_rule {
    struct s3p_str prefix;
    uint64_t above, below; /* sizes, exclusive; 0: not said */
    int64_t since;
    int64_t days_ns, noncurrent_ns, abort_ns; /* 0: not said */
    uint16_t bucket, to;                      /* to: of replication */
    bool tags, markers, replicates;
};

struct s3p_bucket_rules {
    const struct s3p_histfile *file;
    const struct s3p_head *head;
    struct s3p_bucket_rule *rule;
    uint32_t n, cap;
    json_t *texts;    /* keeps the prefixes */
    bool *retagged;   /* per bucket: tags were changed */
    bool *replicated; /* per bucket: a destination */
};

/* NULL when the history has none. */
int s3p_bucket_rules_read(struct s3p_bucket_rules **out, const struct s3p_histfile *f,
                          const struct s3p_head *h, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_bucket_rules_free(struct s3p_bucket_rules *r); /* NULL is a no-op */

/* The earliest time at which the store may remove, by itself, what record `i` made; INT64_MAX:
 * never. `r` may be NULL.
 * As the current object of its key (which leaves a delete marker where versions are kept), or, of a
 * delete marker, because it hides nothing; */
int64_t s3p_expires_current(const struct s3p_bucket_rules *r, const struct s3p_segment_view *s,
                            uint32_t i);
/* (the same; `r` is not NULL) */
int64_t s3p_expires_record(const struct s3p_bucket_rules *r, uint32_t record);
/* as a version that is not current since `since` at the earliest; */
int64_t s3p_expires_noncurrent(const struct s3p_bucket_rules *r, const struct s3p_segment_view *s,
                               uint32_t i, int64_t since);
/* as an upload that was begun and not completed. */
int64_t s3p_expires_upload(const struct s3p_bucket_rules *r, const struct s3p_segment_view *s,
                           uint32_t i);

static inline bool s3p_is_replicated(const struct s3p_bucket_rules *r, uint16_t bucket)
{
    return r != NULL && r->replicated[bucket];
}

#endif
