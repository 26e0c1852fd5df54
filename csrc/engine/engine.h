/* The native runner: a plan in, a history and metrics out.
 *
 * One worker thread owns one loop, its clients (coroutines), their connections, its histograms and
 * its history segment; workers share nothing while a phase runs and meet at barriers and at the
 * end. Main path, in reading order: engine.c (start, phases, join) → worker.c (a worker's clients)
 * → client.c, arrivals.c (when a client runs its program) → interp.c (the program) → step_*.c (one
 * S3 step) → attempt.c (request, exchange, verify, outcome, record) → http/conn.h. The plan's way
 * in: plan.h, plan_parse.h.
 *
 * Threads: s3p_engine_* are for the thread that created the engine, except s3p_engine_stop.
 * Caveats: no use after fork; all signals are blocked in workers. */
#ifndef S3P_ENGINE_ENGINE_H
#define S3P_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"

struct s3p_engine;

struct s3p_engine_opts {
    const char *plan_json; /* docs/semantics.md, section 1 */
    size_t plan_len;
    /* {"endpoints":[…],"access_key","secret_key","session_token"?,"region",
     *  "addressing":"path|virtual","verify_tls":bool,"ca_file"?,"proxy"?,"connect_timeout_ms"?,
     *  "bucket_prefix","profile":{…}} */
    const char *target_json;
    size_t target_len;
    const char *history_path; /* NULL: no history (benchmarks only; no verdict is possible then) */
    bool histograms;          /* true unless a benchmark says otherwise */
};

/* Parses and validates everything, checks the memory budget, opens the history. Connects nothing
 * yet. */
int s3p_engine_create(struct s3p_engine **out, const struct s3p_engine_opts *o,
                      struct s3p_err *err) S3P_MUST_CHECK;
int s3p_engine_start(struct s3p_engine *e, struct s3p_err *err) S3P_MUST_CHECK;
/* Waits until the run has ended or timeout_ns passed. 1: ended, 0: not yet. */
int s3p_engine_wait(struct s3p_engine *e, int64_t timeout_ns);
/* Any thread, async-signal-unsafe: sockets are closed at once, attempts in flight are recorded
 * unknown. Idempotent. */
void s3p_engine_stop(struct s3p_engine *e);

struct s3p_progress {
    uint64_t attempts, ok, failed, unknown, in_flight, bytes_out, bytes_in;
    int phase; /* 0 setup, 1 main, 2 teardown, 3 ended */
    int64_t elapsed_ns;
};
/* relaxed counters, any thread */
void s3p_engine_progress(const struct s3p_engine *e, struct s3p_progress *p);

/* After the end: joins, closes the history, and writes the run's metrics:
 * {"run":"<12 hex>","seed":n,"interrupted":bool,"seconds":x,"main_seconds":x,"start_ns":n,
 *  "phases":[{"phase","seconds"}…],
 *  "ops":{"put":{"attempts","ok","failed","unknown","by_status":{"200":n,…},
 *         "p50_us","p99_us","p999_us","max_us","mean_us","hist":"HISTFAAA…"}…},
 *  "latency":{"p50_us","p99_us","p999_us","max_us","mean_us","hist"},
 *  "groups":{"writers":{"runs":n,"unsent":n,"no_key":n,"exhausted":n,"unknown":n,"retries":n,
 *         "rate_per_s":x,"attempts":n,"ok":n,"failed":n,"commits_by_client":[…]?,
 *         "lateness":{"p50_us","p99_us","p999_us","max_us","hist"}?}…},
 *  "bytes_out":n,"bytes_in":n,"cpu_s":x,"cpu_us_per_attempt":x,"max_in_flight":n,
 *  "history_stall_s":x,"buckets":{"main":"real-name"},"left_behind":[…],
 *  "load":{"verdict":"reached|missed|generator-limited|not-asked","because":[text…],
 *          "asked":[{"what","asked","got","met"}…]}}
 * Counters are of all phases; the outer `latency` is of all operations. Latency histograms are in
 * ns and of the main phase; they count from the intended start in open groups, and hold attempts
 * without an answer up to when they were given up. Of a group, `unknown` and `exhausted` count
 * loops, `retries` rounds of `repeat until` behind the first, `runs` what was begun; its rate is
 * that of runs in its phase. `lateness` is the generator's own: up to the start of a run when a
 * client was free, else up to when the arrival was queued. max_in_flight is the sum of the workers'
 * maxima. cpu_s is of the process. `left_behind`: buckets made and not removed. */
int s3p_engine_finish(struct s3p_engine *e, struct s3p_buf *metrics_json,
                      struct s3p_err *err) S3P_MUST_CHECK;
/* stops and joins when still running; NULL is a no-op */
void s3p_engine_free(struct s3p_engine *e);

/* Parses and validates a plan alone (for `s3prod run --check`, tests on good and bad files). */
int s3p_plan_check(const char *plan_json, size_t len, struct s3p_err *err) S3P_MUST_CHECK;

#endif
