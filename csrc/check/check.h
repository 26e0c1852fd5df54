/* The checker: a recorded history in, a verdict out. It never touches the store.
 *
 * What is decided, and by which theory, is said in the header of each file beside this one. Keys
 * are independent (P-compositionality); records are radix-partitioned by key, keys are checked in
 * parallel, and the verdict does not depend on the number of threads. What a rule cannot decide is
 * counted as not checked, with its reason.
 *
 * Threads: s3p_check_file starts its own and joins them. The verdict is the caller's. */
#ifndef S3P_CHECK_CHECK_H
#define S3P_CHECK_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"

struct s3p_check_opts {
    int threads;              /* 1 … 64; 0: one */
    uint64_t memory_bytes;    /* bound on working memory; 0: 1 GiB. Over it: S3P_ELIMIT, by name */
    const char *profile_json; /* NULL: the one in the history's header */
    int max_witnesses;        /* violations printed with a witness; 0: 20. All are counted */
};

struct s3p_verdict;
int s3p_check_file(struct s3p_verdict **out, const char *path, const struct s3p_check_opts *o,
                   struct s3p_err *err) S3P_MUST_CHECK;
void s3p_verdict_free(struct s3p_verdict *v);

enum s3p_consistency {
    S3P_HELD = 0,
    S3P_VIOLATED = 1,
    S3P_INCONCLUSIVE = 3
}; /* also the exit status */
enum s3p_consistency s3p_verdict_consistency(const struct s3p_verdict *v);

/* The machine form:
 * {"consistency":"held|violated|inconclusive","because":[text…],
 *  "attempts":n,"keys":n,"keys_checked":n,  as registers
 *  "versions_checked":n,  keys whose versions were judged
 *  "not_checked":[{"reason":"delete","keys":n,"attempts":n}…],
 *  "violations":n,"by_rule":{"future-read":n,…},
 *  "explained":{"future-read":"a paragraph",…},
 *  "grade":{"level":"linearizable|session|eventual|none|not-judged",   (check/grade.h)
 *    "keys":n,"broken_keys":n,"ungraded_keys":n,               of violated registers
 *    "reads":n,"stale_reads":n,"undated_reads":n,
 *    "versions":n,"ms":x,                         how far behind the worst stale read was
 *    "sessions":{"read_your_writes":n,"monotonic_reads":n,"monotonic_writes":n,
 *      "writes_follow_reads":n},                  reads that broke each
 *    "oldest":{"bucket","key","client":n,"record":n,"ms":x}},   if any read was stale
 *  "lists":{"pages":n,"entries":n,"lag_ms":x},  judged for membership; the oldest news of one
 *  "witnesses":[{"rule","level":"K1|K2|L1|body|etag|batch|version",
 *    "aspect":"object|tags|versions","bucket","key","sentence",
 *    "guess":"catalogue name or empty","attempts":[record JSON as history/json.h, at most 8]}…],
 *  "evidence":{"<space>":{"acked_writes":n,"reads":n,"cas_commits":n,"unknown":n,
 *    "max_in_flight":n,"overlap":x}…,"*":{…}},
 *  "require":[{"space","what","asked","got","met":bool}…],
 *  "checker":{"seconds":x,"attempts_per_s":x,"threads":n,"rss_mb":x}} */
void s3p_verdict_json(const struct s3p_verdict *v, struct s3p_buf *out);

#endif
