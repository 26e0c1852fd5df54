/* The versions of one key in a bucket that keeps them.
 *
 * Every acknowledged write and every delete without a version made a version with an id of its own.
 * By id it must be readable with exactly its body until it is deleted by id. Pages of versions are
 * judged with all pages (pages.h); a walk through them while nothing changes tells the order of
 * versions whose writes overlapped.
 *
 * Plain reads are placed in that order: one that shows a version, though a newer one was there
 * before it and not deleted until after it, is stale; one that finds nothing, though a version was
 * there and no marker that may hide it, too. Where the register judges the key as well, only what
 * it cannot see is reported here: the order that real time leaves open.
 *
 * Versions with the id `null` repeat, and are not judged. Sound, not complete.
 *
 * Threads: s3p_gather's. Source: docs/semantics.md, section 6. */
#ifndef S3P_CHECK_VERSIONS_H
#define S3P_CHECK_VERSIONS_H

#include "check/gather.h"
#include "check/walks.h"

#define S3P_NO_RANK UINT32_MAX

enum s3p_version_kind { S3P_VERSION_WRITE, S3P_VERSION_MARKER };

struct s3p_version {
    struct s3p_id meta;
    const struct s3p_at *made; /* the write */
    int64_t inv, res;         /* of the write */
    int64_t del_inv, del_res; /* deletes by id: earliest call, earliest acknowledgement; a rule of
                                 the bucket may remove it from del_inv on */
    int64_t hide_inv;         /* when a marker of such a rule may hide it, and all that is older */
    uint32_t record, deleted; /* the write; a delete by id */
    uint32_t rank;            /* in the walk that tells the order: 0 the newest */
    uint8_t kind;
};

struct s3p_history_of_key {
    struct s3p_bench *b;
    const struct s3p_row *key;
    const struct s3p_at *at;
    uint32_t n;
    struct s3p_version *version;
    uint32_t nversions;
    uint32_t nranked;       /* versions that have a rank */
    struct s3p_idmap by_id, by_meta;
    bool by_version;        /* single versions were deleted while there was something else */
    int64_t vague;          /* earliest call of a delete without a clear answer */
    uint64_t steps;         /* spent on comparisons */
    uint32_t hits;
};

bool s3p_version_newer(const struct s3p_version *a, const struct s3p_version *b);
struct s3p_version *s3p_version_find(const struct s3p_history_of_key *k, struct s3p_str id);
int s3p_version_hit(struct s3p_history_of_key *k, enum s3p_rule rule, uint32_t first,
                    uint32_t second, struct s3p_err *err) S3P_MUST_CHECK;
/* Whether it is a request for the tags of a version: it found the version, or did not. */
bool s3p_version_tags(const struct s3p_at *at);
/* version_walks.c: gives the versions their ranks. */
void s3p_version_walks(struct s3p_history_of_key *k);
int s3p_version_walks_judge(struct s3p_history_of_key *k, struct s3p_err *err) S3P_MUST_CHECK;
/* version_reads.c */
int s3p_version_reads(struct s3p_history_of_key *k, struct s3p_err *err) S3P_MUST_CHECK;
/* Acknowledged writes without a version although the bucket keeps them. */
int s3p_versions_missing(const struct s3p_gather *g, struct s3p_err *err) S3P_MUST_CHECK;

#endif
