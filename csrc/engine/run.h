/* What a run is made of: the engine, its workers, their clients. engine.h has the threads and the
 * reading order. Private to the engine. */
#ifndef S3P_ENGINE_RUN_H
#define S3P_ENGINE_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/arena.h"
#include "core/hist.h"
#include "engine/barrier.h"
#include "engine/engine.h"
#include "engine/plan.h"
#include "engine/target.h"
#include "history/writer.h"
#include "http/conn.h"
#include "s3/chunked.h"
#include "s3/outcome.h"
#include "s3/request.h"
#include "s3/tags.h"

#define S3P_STATUS_MAX 600
#define S3P_RUN_DIGITS 12 /* of the run's hex number: S3P_RUN_BITS */
#define S3P_BUCKET_NAME_MAX 64
/* objects whose last known size a worker remembers, for random ranges */
#define S3P_SIZES_KNOWN 4096
#define S3P_SCRATCH_BYTES 8192 /* bodies up to this are generated once to be hashed and sent */

struct s3p_op_stat { /* of one operation in one worker */
    uint64_t attempts, by_outcome[3];
    uint32_t by_status[S3P_STATUS_MAX];
    struct s3p_hist *latency; /* main phase, ns */
};
struct s3p_group_stat {                                         /* of one group in one worker */
    uint64_t runs, runs_ok, unsent, no_key, exhausted, unknown; /* unknown: loops that ended so */
    uint64_t retries; /* rounds of `repeat until` behind the first */
    uint64_t attempts, by_outcome[3];
    struct s3p_hist *lateness; /* open groups: what the generator itself was late, ns */
};

/* of one open group in one worker; the clients that wait for one, and the ones that wait for a
 * client */
struct s3p_arrivals {
    const struct s3p_group *g;
    struct s3p_worker *w;
    int group_index;
    struct s3p_rng rng;
    int share, shares; /* this worker takes every `shares`-th arrival of the group's schedule */
    struct s3p_waitq free;
    int nfree;
    struct s3p_arrival_due {
        int64_t t_sched, t_late; /* t_late: when it was seen while no client was free, else 0 */
    } * queue;                   /* ring */
    int cap, first, len;
    int max_waiting; /* bound on arrivals that no free client is meant for */
};

struct s3p_size_known {
    struct s3p_keyref key;
    uint64_t size; /* 0: free entry */
};

struct s3p_worker {
    /* immutable after creation */
    struct s3p_engine *e;
    int index;
    pthread_t thread;
    bool thread_started;

    /* loop thread only; read by the others after the join */
    struct s3p_loop *loop;
    struct s3p_chooser *chooser;
    struct s3p_appender *appender; /* NULL: no history */
    struct s3p_request_ctx ctx[S3P_ENDPOINTS_MAX];
    int nctx;
    struct s3p_op_stat *op[S3P_OP_COUNT]; /* NULL: the plan has none */
    struct s3p_group_stat *group;
    struct s3p_arrivals *arrivals; /* one a group; used by open ones of this worker */
    struct s3p_client *clients;
    int nclients, live_clients;
    struct s3p_waitq sleepers, stopper;
    struct s3p_waitq barrier_q[S3P_BARRIERS_MAX];
    uint64_t barrier_seen[S3P_BARRIERS_MAX];
    struct s3p_size_known *sizes; /* NULL: no program asks for random ranges */
    uint8_t scratch[S3P_SCRATCH_BYTES];
    struct s3p_id scratch_id; /* whose body is in `scratch` */
    uint64_t in_flight_max;
    char setup_why[160]; /* the first attempt of the setup that failed; "": none */
    int64_t cpu_main_ns, cpu_ns; /* of this thread, in the main phase and in all */

    /* shared: atomics, one writer, relaxed: counters that are only shown */
    _Atomic uint64_t attempts, by_outcome[3], in_flight, bytes_out, bytes_in;
};

#define S3P_PART_ETAG_MAX 128
struct s3p_slot_part { /* of an upload, acknowledged */
    struct s3p_id id;  /* none: copied from an object whose id nobody told */
    uint64_t size;
    uint16_t number, etag_len;
    uint8_t sum, sum_len; /* enum s3p_sum_kind; what the answer told of it */
    char sum_text[S3P_SUM_TEXT_MAX];
    char etag[S3P_PART_ETAG_MAX];
};

struct s3p_slot { /* what a name holds */
    bool bound;
    struct s3p_keyref key;
    struct s3p_hold hold;
    int64_t size, counter, now_ms;
    int64_t initiated_ms; /* of a page of uploads: its newest one, by the store's clock; 0: empty */
    /* etag, version, upload, id, token: reserved when the program refers to them */
    struct s3p_buf text[S3P_FIELD_TOKEN + 1];
    /* keys, versions, uploads of a page: lengths and bytes of key, id and ETag, again and again */
    struct s3p_buf names;
    int nnames;
    /* of an upload */
    struct s3p_id meta_id;
    struct s3p_slot_part *parts; /* by number, ascending */
    int nparts, parts_cap;
};

/* What few programs need of a client: texts and the state of one request. */
struct s3p_extra {
    char tagging[S3P_TAGS_HEADER_MAX];
    char source_key[S3P_KEY_MAX];
    struct s3p_chunked chunked;
};

struct s3p_client {
    struct s3p_worker *w;
    const struct s3p_group *g;
    struct s3p_group_stat *stat;
    struct s3p_conn *conn;
    struct s3p_request_ctx *ctx;
    struct s3p_rng rng;
    uint32_t index;
    uint16_t group_index, endpoint;
    uint64_t value_counter, op_seq; /* of the last value id and logical operation */
    /* the program */
    uint64_t loop_count[S3P_LOOPS_MAX];
    struct s3p_slot *slots;
    uint64_t *own_next;
    int64_t t_sched; /* intended start, for the first S3 step of an open run; else 0 */
    bool paused;     /* the client has waited since the flag was cleared: others had their turn */
    uint32_t spins;
    int64_t silent_ns; /* since when no attempt was answered, 0: the last one was */
    bool gone;         /* it gave up on a silent store and leaves the phase */
    /* the last S3 step */
    bool has_last;
    enum s3p_op last_op;
    enum s3p_outcome last;
    int last_status;
    char last_code[64];
    /* the mutation of a `repeat until` whose last attempt was unknown: its next one is the same
     * operation */
    int ambiguous_step; /* -1: none */
    uint64_t ambiguous_seq;
    uint16_t ambiguous_attempt;
    /* buffers */
    struct s3p_extra *extra; /* NULL: the program has no need of it */
    struct s3p_buf head, request, answer;
    char key[S3P_KEY_MAX];
};

enum s3p_bucket_state { S3P_BUCKET_UNTOUCHED, S3P_BUCKET_MADE, S3P_BUCKET_REMOVED };

struct s3p_engine {
    /* immutable after creation */
    struct s3p_plan *plan;
    struct s3p_target target;
    struct s3p_net *net;
    struct s3p_history *history;
    bool histograms;
    uint64_t run; /* S3P_RUN_BITS */
    char bucket_name[S3P_BUCKETS_MAX][S3P_BUCKET_NAME_MAX];
    struct s3p_worker *workers;
    uint32_t *commits; /* by client: conditional writes that ended ok; each has one writer */

    /* set by the last worker that comes to a rendezvous, before the others go on */
    enum s3p_run_phase phase;
    int64_t phase_start_ns[S3P_PHASES], phase_end_ns[S3P_PHASES];
    bool phase_runs;    /* it has groups, and the run was not cancelled */
    int64_t stop_at_ns; /* S3P_NEVER without a rule */
    struct s3p_barrier barrier[S3P_BARRIERS_MAX];

    /* shared: atomics */
    _Atomic bool phase_stop;        /* release by who stops the phase, acquire in s3p_phase_ended */
    _Atomic bool cancelled;         /* no further phase begins */
    _Atomic bool interrupted;       /* by s3p_engine_stop, before the end */
    _Atomic int64_t stopped_ns;     /* when the stop rule ended the main phase; 0: it did not */
    _Atomic uint64_t main_attempts; /* counted only under a rule on attempts */
    _Atomic int leaders;            /* clients that `until others` waits for */
    _Atomic int bucket_state[S3P_BUCKETS_MAX];
    _Atomic int shown_phase;
    _Atomic int64_t start_ns, end_ns; /* 0: not yet */

    /* guarded by mu */
    pthread_mutex_t mu;
    pthread_cond_t cond;  /* CLOCK_MONOTONIC: rendezvous and end */
    int threads, arrived; /* threads: 0 until it is known how many could be started */
    uint64_t turn;
    bool started, ended;
    struct s3p_err error; /* the first that stopped the run */
    int64_t cpu_start_ns, cpu_end_ns;
    int64_t stall_ns; /* of the history, read when it is closed */
};

/* Ends the current phase for all workers: nothing new begins. Any thread. */
void s3p_engine_stop_phase(struct s3p_engine *e);
/* Keeps the first error and cancels the run. Any thread. */
void s3p_engine_fail(struct s3p_engine *e, const struct s3p_err *err);

/* header.c: the JSON of the history's header. No secret is in it. */
int s3p_header_json(const struct s3p_engine *e, const struct s3p_engine_opts *o,
                    struct s3p_buf *out, struct s3p_err *err) S3P_MUST_CHECK;
/* metrics.c, load.c: after the end. `json_t` as void keeps jansson.h out of here. */
int s3p_metrics_json(const struct s3p_engine *e, struct s3p_buf *out,
                     struct s3p_err *err) S3P_MUST_CHECK;
void *s3p_load_json(const struct s3p_engine *e);     /* a new reference; NULL: out of memory */
double s3p_main_seconds(const struct s3p_engine *e); /* up to the stop rule's end */
/* NULL: none; free it */
struct s3p_hist *s3p_merged_latency(const struct s3p_engine *e, enum s3p_op op);
struct s3p_hist *s3p_merged_lateness(const struct s3p_engine *e, int group); /* the same */
struct s3p_group_stat s3p_group_sum(const struct s3p_engine *e, int group);

/* worker.c */
int s3p_worker_init(struct s3p_worker *w, struct s3p_engine *e, int index,
                    struct s3p_err *err) S3P_MUST_CHECK;
void s3p_worker_free(struct s3p_worker *w);
/* runs the clients of the engine's phase to their ends */
void s3p_worker_phase(struct s3p_worker *w);
/* a client of w opened it: wakes who waits */
void s3p_worker_opened(struct s3p_worker *w, int barrier);

/* arrivals.c */
int s3p_arrivals_init(struct s3p_arrivals *a, struct s3p_worker *w, int group,
                      struct s3p_err *err) S3P_MUST_CHECK;
void s3p_arrivals_main(void *arrivals); /* a coroutine: the group's schedule until the phase ends */
bool s3p_arrivals_next(struct s3p_arrivals *a, int64_t *t_sched); /* waits; false: the phase ends */

/* client.c */
int s3p_client_init(struct s3p_client *c, struct s3p_worker *w, int group, int member,
                    struct s3p_err *err) S3P_MUST_CHECK;
void s3p_client_free(struct s3p_client *c);
void s3p_client_main(void *client); /* a coroutine: runs the program as the group's arrivals say */
void s3p_client_connect(struct s3p_client *c); /* waits; a failure shows in the next attempt */
bool s3p_client_pause(struct s3p_client *c, int64_t until_ns); /* false: the phase ends */

static inline bool s3p_phase_ended(const struct s3p_worker *w)
{
    return atomic_load_explicit(&w->e->phase_stop, memory_order_acquire) ||
           s3p_loop_cancelled(w->loop);
}
static inline bool s3p_client_ended(const struct s3p_client *c)
{
    return c->gone || s3p_phase_ended(c->w);
}

/* interp.c */
enum s3p_run_end { S3P_RUN_DONE, S3P_RUN_NO_KEY, S3P_RUN_STOPPED };
enum s3p_run_end s3p_client_run(struct s3p_client *c); /* the program once */

static inline void s3p_bump(_Atomic uint64_t *counter, uint64_t n)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

#endif
