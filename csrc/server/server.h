/* The shapes that the parts of the store share: server, event loop, request.
 *
 * A request's way: front.c takes the head apart, routes.c finds its row, auth.c checks the
 * signature, the row's `check` may refuse it before its body, intake.c takes the body in, the row's
 * `run` answers (reads) or submits a write; commit.c applies all writes that wait in one
 * transaction; then the write's `reply` makes the answer and front.c sends it.
 *
 * Threads: a request belongs to its event loop, except between submit and completion of a write,
 * when it belongs to the thread that commits. */
#ifndef S3P_SERVER_SERVER_H
#define S3P_SERVER_SERVER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/auth.h"
#include "server/conditions.h"
#include "server/intake.h"
#include "server/options.h"
#include "server/store.h"
#include "server/temporary.h"
#include "server/throttle.h"
#include "server/tls.h"

#define S3P_SRV_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define S3P_SRV_REQUEST_ID_BYTES 16
#define S3P_SRV_ROUTES_MAX 96
#define S3P_SRV_NO_ANSWER 0 /* as a status: the connection ends */

struct s3p_srv_mutants;
struct s3p_srv_key_state;
struct s3p_srv_req;
struct s3p_srv_txn;
struct s3p_srv_loop;
struct s3p_srv_parts_body;
struct s3p_srv_copy;

/* The answer, built by the request's loop, sent by front.c. */
struct s3p_srv_answer {
    unsigned status;
    enum s3p_srv_error error; /* what `status` comes from, when it is one */
    struct s3p_buf fields;    /* name NUL value NUL … */
    struct s3p_buf body;
    int fd; /* body from a file instead; owned until it is sent, -1 without */
    struct s3p_srv_parts_body *parts; /* or from several, owned likewise; NULL without */
    uint64_t offset, length; /* of the file's part; for HEAD the length that GET would have */
    size_t surplus;          /* mutants: bytes at the end of `body` beyond its announced length */
};

/* A mutation on its way through commit.c. */
struct s3p_srv_write {
    /* In the transaction; must change nothing unless it returns S3P_SE_NONE. Failures of LMDB go to
     * txn->rc. */
    enum s3p_srv_error (*apply)(struct s3p_srv_txn *txn, struct s3p_srv_req *req);
    void (*reply)(
        struct s3p_srv_req *req); /* in the loop, after the commit, when `result` is S3P_SE_NONE */
    enum s3p_srv_error result;
    bool quiet;        /* a batch: the answer says only what failed */
    bool apply_anyway; /* mutants: changes the state although the answer is an error */
    bool drop;         /* mutants: acknowledge, apply nothing */
    bool gap;          /* mutants: the key is absent while this overwrite is on its way */
    bool by_gateway;   /* mutants: judged before, for its gateway alone, */
    uint64_t judged_seq; /* when that had seen this one */
    bool on_marker;      /* mutants: a delete marker is current */
    bool gives_way;      /* mutants: 409 when it is not alone on its key */
    unsigned locks;      /* mutants: it holds off the reads of its key */
    bool cut_off;        /* mutants: the connection ends without an answer */
    bool unsure;         /* mutants: carried out, and answered 503 */
    unsigned judged;   /* mutants: 1 + row that judged the precondition before; 0: none */
};

/* The version that a request names. */
struct s3p_srv_wanted {
    bool given, null; /* null: the null version */
    uint64_t seq;
};

struct s3p_srv_route;

struct s3p_srv_req {
    struct s3p_srv_req *next; /* of the list that it is in: free, pending, done, delayed */
    struct s3p_srv_loop *loop;
    struct MHD_Connection *conn;
    unsigned endpoint;
    int stage; /* front.c */
    bool suspended;
    char id[S3P_SRV_REQUEST_ID_BYTES + 1];
    const struct s3p_srv_route *route;
    struct s3p_srv_auth auth;
    struct s3p_srv_bucket bucket; /* of bucket and object requests; its location view is not kept */
    struct s3p_srv_conditions conditions;
    struct s3p_srv_intake intake;
    struct s3p_srv_write write;
    struct s3p_srv_answer answer;
    struct s3p_buf meta; /* metadata of a PUT, as stored; or what a document said, parsed */
    struct s3p_buf tags; /* as stored */
    struct s3p_srv_wanted wanted;
    struct s3p_srv_lock lock; /* that a write asks for */
    uint64_t upload; /* seq of the multipart upload it belongs to, else 0 */
    uint32_t part_number;
    struct s3p_srv_copy *copy;  /* of copies only */
    bool hide_absence;          /* anonymous, and not allowed to list */
    struct s3p_srv_record made; /* what a write has made, for its reply; without its views */
    struct s3p_srv_key_state *key_state; /* of the mutants; NULL without */
    int64_t begin_ns, begin_wall_ns;     /* of the request log; not set without */
    uint64_t bytes_in;                   /* of the body, as it came */
    int64_t due_ns;                      /* delayed until */
    struct s3p_srv_req *file_next, **file_at; /* in the loop's list of files; file_at NULL: not */
    void (*resume)(struct s3p_srv_req *req);
    struct s3p_srv_head head;
};

/* One listening port of one loop. */
struct s3p_srv_port {
    struct s3p_srv_loop *loop;
    unsigned endpoint;
    struct MHD_Daemon *daemon;
    int epoll_fd;
};

struct s3p_srv_loop {
    /* immutable after start */
    struct s3p_srv *srv;
    unsigned index;
    pthread_t thread;
    bool running;
    int wake_fd;
    /* loop thread only */
    struct s3p_srv_port ports[S3P_SRV_ENDPOINTS_MAX];
    struct s3p_srv_view view;
    struct s3p_srv_auth_cache auth_cache;
    struct s3p_srv_req *free, *delayed, *pending, **pending_end;
    struct s3p_srv_req *files; /* whose answers are files on their way */
    int64_t files_ns;          /* when these were last looked at */
    struct s3p_srv_txn *txn;   /* commits of this thread */
    unsigned suspended;      /* requests that wait */
    bool resumed;            /* some have been resumed since the daemons last ran */
    int64_t wall_ns;         /* read once a round */
    struct s3p_buf log;      /* lines of the request log that are not written yet */
    int64_t log_since_ns;    /* the oldest of them */
    /* shared: atomics */
    _Atomic uint64_t counts[S3P_SRV_ROUTES_MAX], errors; /* answers by route row, answers >= 400 */
    /* guarded by mu */
    pthread_mutex_t mu;
    struct s3p_srv_req *done; /* from the committer */
};

struct s3p_srv_committer;
struct s3p_srv_admin;
struct s3p_srv_chores;

struct s3p_srv {
    /* immutable after start */
    struct s3p_srv_options options;
    struct s3p_srv_keys keys;
    uint64_t id_seed;
    unsigned n_loops;
    struct s3p_srv_loop *loops;
    unsigned ports[S3P_SRV_ENDPOINTS_MAX];
    struct s3p_srv_committer *committer; /* durable mode only */
    struct s3p_srv_admin *admin;         /* NULL without */
    struct s3p_srv_chores *chores;       /* NULL without lifecycle and replication */
    unsigned admin_port;                 /* 0 without */
    int request_log;                     /* descriptor, -1 without */
    bool store_open;
    struct s3p_srv_temporary temporary;
    struct s3p_srv_tls tls;
    struct s3p_srv_mutants *mutants; /* NULL without any and without the admin port */
    /* guarded inside */
    struct s3p_srv_store store;
    /* shared: atomics */
    _Atomic uint64_t next_id;
    _Atomic uint64_t ignored_fields; /* unknown x-amz-* headers that were let through */
    _Atomic int stop;
    _Atomic int64_t throttle_full_ns[S3P_SRV_THROTTLES_MAX];
};

/* Answers, for handlers; all of them may be called once a request. */
void s3p_srv_answer_error(struct s3p_srv_req *req, enum s3p_srv_error e);
void s3p_srv_answer_status(struct s3p_srv_req *req, unsigned status);
void s3p_srv_answer_field(struct s3p_srv_req *req, const char *name, struct s3p_str value);
void s3p_srv_answer_etag(struct s3p_srv_req *req, const uint8_t md5[S3P_MD5_BYTES],
                         uint32_t n_parts);
void s3p_srv_answer_xml(struct s3p_srv_req *req); /* 200 with the document in answer.body */

/* Hands the request to the committer; `apply` and `reply` as in struct s3p_srv_write. The caller
 * returns at once. */
void s3p_srv_submit(struct s3p_srv_req *req,
                    enum s3p_srv_error (*apply)(struct s3p_srv_txn *, struct s3p_srv_req *),
                    void (*reply)(struct s3p_srv_req *));
/* Suspends the request and calls `resume` in its loop after `delay_ns`. */
void s3p_srv_delay(struct s3p_srv_req *req, int64_t delay_ns, void (*resume)(struct s3p_srv_req *));

#endif
