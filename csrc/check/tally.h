/* What one worker of the checker has found: violations with their records, counts, evidence.
 * Tallies of workers are added up; every field is a sum, a maximum or a list that is sorted in the
 * end, so the result does not depend on who did what.
 *
 * Threads: a tally belongs to one thread until it is merged. */
#ifndef S3P_CHECK_TALLY_H
#define S3P_CHECK_TALLY_H

#include "check/grade.h"
#include "check/row.h"
#include "check/rules.h"
#include "core/err.h"

#define S3P_HIT_RECORDS 8
struct s3p_hit {
    uint64_t key_index;
    uint32_t record[S3P_HIT_RECORDS]; /* the offending one first */
    uint16_t place;
    uint8_t rule, n;
    uint8_t aspect; /* enum s3p_aspect */
    uint32_t rank; /* among the hits of its rule */
};

struct s3p_evidence_sum {
    uint64_t acked_writes, reads, cas_commits, unknown;
    uint64_t mutations, overlapping; /* of the main phase */
    uint32_t max_in_flight;
};

void s3p_evidence_sum_add(struct s3p_evidence_sum *a, const struct s3p_evidence_sum *b);

/* Windows of one key of which a search learned nothing; from, to: the first of them. */
struct s3p_window {
    uint64_t key_index;
    int64_t from, to;
    uint32_t count;
    uint16_t place;
};
#define S3P_WINDOWS_KEPT 8

/* The read of the history that was behind for longest. */
struct s3p_oldest_read {
    uint64_t late_ns, key_index;
    uint32_t record, client;
    uint16_t place;
    bool any;
};

struct s3p_tally {
    uint64_t by_rule[S3P_RULE_COUNT];
    uint64_t keys_of[S3P_WHY_COUNT], attempts_of[S3P_WHY_COUNT];
    uint64_t keys, keys_checked, versions_checked; /* as registers; by their versions */
    uint64_t windows, unknown_windows; /* of all checked keys */
    struct s3p_window unknown[S3P_WINDOWS_KEPT]; /* the earliest keys with some */
    uint32_t nunknown;
    uint64_t pages, page_entries; /* judged against what must be there */
    int64_t list_lag_ns;          /* how old a listing's news were, at most */
    struct s3p_grade grade;       /* of the violated registers */
    struct s3p_oldest_read oldest;
    uint64_t graded_hits;         /* violations of those registers */
    uint64_t object_hits;         /* violations by objects: of registers, bytes, ETags */
    struct s3p_evidence_sum *space; /* per key space, the last one for all */
    uint32_t spaces;
    struct s3p_hit *hit;
    size_t nhit, cap;
    uint32_t keep;                 /* hits kept a rule and unit of work; all are counted */
    uint32_t kept[S3P_RULE_COUNT]; /* in this unit of work */
};

int s3p_tally_init(struct s3p_tally *t, uint32_t spaces, uint32_t keep,
                   struct s3p_err *err) S3P_MUST_CHECK;
void s3p_tally_free(struct s3p_tally *t);
void s3p_tally_unit(struct s3p_tally *t); /* a unit of work (a segment, a partition) begins */
/* Counts a violation; keeps it while the unit has room. S3P_ENOMEM. */
int s3p_tally_hit(struct s3p_tally *t, const struct s3p_hit *h, struct s3p_err *err) S3P_MUST_CHECK;
int s3p_tally_merge(struct s3p_tally *into, const struct s3p_tally *from,
                    struct s3p_err *err) S3P_MUST_CHECK;
void s3p_tally_skip(struct s3p_tally *t, enum s3p_reason why, uint64_t keys, uint64_t attempts);
void s3p_tally_unknown(struct s3p_tally *t, const struct s3p_window *w);
/* The grade of a key with `hits` violations; oldest->any: one of its reads was stale. */
void s3p_tally_grade(struct s3p_tally *t, const struct s3p_grade *g, uint32_t hits,
                     const struct s3p_oldest_read *oldest);
/* A key with `hits` violations that is too large for a grade. */
void s3p_tally_ungraded(struct s3p_tally *t, uint32_t hits);
/* Sorts the hits: every rule's first one, every rule's second one, …; inside that by record. */
void s3p_tally_sort(struct s3p_tally *t);

#endif
