/* When a named thing must have been there, and when it must not have been.
 *
 * A page of a listing is, for each name in the range that it covers, one read of {there, gone}
 * somewhere in the page's interval. Facts about a name come from its attempts:
 *   MAKES    may make it (a write; one of unknown outcome has res = INT64_MAX)
 *   REMOVES  may remove it (a delete, an abort …, of known or unknown outcome)
 *   THERE    it was there at some instant of [inv, res] (an acknowledged write, a read, an entry)
 *   GONE     it was gone at some instant of [inv, res] (an acknowledged delete, a 404)
 * Each THERE gives a window (its res, the earliest inv of a REMOVES that did not return before it
 * was called): at every instant of it the name is there, whatever order is chosen. GONE and MAKES
 * likewise, and a fresh bucket is GONE since ever. A claim over [a, b] is wrong when the opposite
 * window holds all of it: from < a, b < to; equal times are concurrent. (The definite-interval test
 * of P-compositional registers; sound for any number of clients, complete but for facts that only
 * exclude each other together.)
 *
 * Pure. Threads: a workspace of one thread. */
#ifndef S3P_CHECK_WINDOWS_H
#define S3P_CHECK_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum s3p_fact_bit {
    S3P_FACT_MAKES = 1,
    S3P_FACT_REMOVES = 2,
    S3P_FACT_THERE = 4,
    S3P_FACT_GONE = 8,
};
struct s3p_fact {
    int64_t inv, res;
    uint32_t record;
    uint8_t what;  /* enum s3p_fact_bit, or'ed */
    uint8_t loose; /* S3P_MEMBER_LOOSE */
};

#define S3P_NO_RECORD UINT32_MAX
struct s3p_span {
    int64_t from, to;
    uint32_t record; /* the evidence; S3P_NO_RECORD: the bucket was fresh */
};

struct s3p_windows {
    struct s3p_span *window; /* disjoint, ascending: `there` of them, then `gone` */
    uint32_t there, gone;
    /* workspace */
    struct s3p_change *change;
    struct s3p_span *best;
    uint32_t cap;
};

/* The windows of one name. S3P_ENOMEM. */
int s3p_windows_make(struct s3p_windows *w, const struct s3p_fact *f, uint32_t n,
                     struct s3p_err *err) S3P_MUST_CHECK;
void s3p_windows_free(struct s3p_windows *w);

/* Windows as they are kept: begin, end, begin, … Left out are the begin of a window that was there
 * before all time and the end of one that never ends, so that most names take two borders. */
struct s3p_borders {
    const int64_t *at;
    const uint32_t *record; /* the evidence, beside a begin */
    uint32_t n;
    bool since; /* the first window began before all time */
};

/* Puts the borders of w[0 … n) into at[0 … 2n) and record[0 … 2n); how many they are. */
uint32_t s3p_borders_pack(const struct s3p_span *w, uint32_t n, bool since, int64_t *at,
                          uint32_t *record);
/* All windows have ended before `at`. */
static inline bool s3p_borders_over(const struct s3p_borders *b, int64_t at)
{
    bool open = ((b->n + b->since) & 1) != 0;
    return !open && (b->n == 0 || b->at[b->n - 1] < at);
}
/* Window `i`, which must be there. */
struct s3p_span s3p_borders_window(const struct s3p_borders *b, uint32_t i);
/* Whether a window holds all of [from, to]: then `*held` is it. */
bool s3p_borders_find(const struct s3p_borders *b, int64_t from, int64_t to,
                      struct s3p_span *held);

#endif
