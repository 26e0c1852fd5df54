/* What the faults remember; of mutants.c and the files of its rows only. Everything is guarded by
 * m->mu. */
#ifndef S3P_SERVER_MUTANT_STATE_H
#define S3P_SERVER_MUTANT_STATE_H

#include "server/mutant_rows.h"
#include "server/mutants.h"

#define S3P_SRV_KEY_STATES 4096
#define S3P_SRV_VERSIONS_MAX 256

#define S3P_SRV_PAGE_ENTRIES 1024

/* The text of a page in pieces; of a listing of another kind `entry` is empty. */
struct s3p_srv_list_page {
    struct s3p_str head, tail, entry[S3P_SRV_PAGE_ENTRIES];
    unsigned n;
    bool ended; /* by the fault: the page says that it is the last */
    struct s3p_buf made; /* text that the fault has put in */
};

/* One switch that is on. */
struct s3p_srv_mutant {
    struct s3p_srv_mutant_spec spec;
    const struct s3p_srv_mutant_row *row;
    uint64_t seen; /* requests that it has looked at */
    struct s3p_buf page; /* that it remembers, when that was made, and through which endpoint */
    int64_t page_ns;
    unsigned page_endpoint;
};

/* A record that was replaced, newest first. */
struct s3p_srv_version {
    struct s3p_srv_version *next;
    int64_t replaced_ns;
    bool present; /* false: there was none */
    int fd;       /* its body's file, kept open beyond its name; -1 without */
    struct s3p_buf bytes;
};

/* An upload on its way, or not long gone; they share few places, the newest has it. */
struct s3p_srv_upload_state {
    uint64_t seq;
    int wrong;           /* row that spoils what it is completed to, or -1 */
    unsigned sending;    /* requests that send a part of it, */
    uint32_t part;       /* and the number of the last one */
    bool listed;         /* its parts were */
    bool aborted;        /* although its parts are still there */
};
#define S3P_SRV_UPLOAD_STATES 4096

struct s3p_srv_key_state {
    struct s3p_srv_key_state *next;
    uint64_t bucket;
    unsigned inflight;      /* requests on the key */
    unsigned deletes;       /* of them, DELETEs without a version */
    unsigned gaps, gap_row; /* overwrites that have taken the key away, and the row of that fault */
    unsigned locks;         /* writes that hold off its reads */
    int wrong, wrong_next;  /* row that made the present (next) state wrong, or -1 */
    struct s3p_srv_version *versions;
    bool keep;          /* what follows is remembered while nobody uses the key */
    int gone; /* row that made the store remove something of it, or -1 */
    unsigned writer;    /* 1 + endpoint of the last PUT; 0: none that is remembered */
    uint64_t shown_seq; /* the newest that a read has shown */
    uint64_t order_seq; /* of what stands there, an upload by its beginning */
    int64_t absent_ns[S3P_SRV_ENDPOINTS_MAX];    /* when a read through it last saw nothing */
    uint64_t gateway_seq[S3P_SRV_ENDPOINTS_MAX]; /* the newest that was written through it */
    struct s3p_srv_version *uncommitted; /* of a write that is refused */
    const struct s3p_srv_req *uncommitted_by;
    /* of the faults of nodes: the last write; one that is gone, that was deleted until the next
     * start, that one endpoint alone shows */
    int64_t written_ns;
    unsigned written_endpoint, apart_endpoint;
    uint64_t written_seq, lost_seq, hidden_seq, apart_seq;
    uint64_t joined_seq, joined_upload; /* the newest object that an upload made, and that one */
    size_t len;
    char key[];
};

struct s3p_srv_mutants {
    /* immutable after start */
    struct s3p_srv *srv;
    uint64_t seed;
    int64_t start_ns;
    /* guarded by mu */
    pthread_mutex_t mu;
    struct s3p_srv_mutant active[S3P_SRV_MUTANTS_MAX];
    unsigned n_active;
    bool old_versions;
    struct {
        uint64_t fired, altered;
        bool used, legal;
    } counts[S3P_SRV_MUTANT_ROWS_MAX];
    struct s3p_srv_list_page page, earlier; /* scratch */
    struct s3p_srv_txn *txn;       /* of the write that is about to be applied: for `made` */
    struct s3p_buf ids; /* request ids, one behind the other */
    struct s3p_srv_version *shown; /* the object that a GET has shown last, and its key */
    size_t shown_len;
    char shown_key[S3P_SRV_KEY_MAX];
    struct s3p_srv_key_state *keys[S3P_SRV_KEY_STATES];
    struct s3p_srv_upload_state upload[S3P_SRV_UPLOAD_STATES];
};

/* What is remembered of a key; NULL: nothing, or no memory to `make` it. */
struct s3p_srv_key_state *s3p_srv_mutant_key(struct s3p_srv_mutants *m, uint64_t bucket,
                                             struct s3p_str key, bool make);
/* Whether the switch fires for this request now; counts it when it does. */
bool s3p_srv_mutant_fires(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                          const struct s3p_srv_req *req, const struct s3p_srv_key_state *k);
/* Whether it is on for something of the store that is no request's; the same always for one number
 * (of a version). */
bool s3p_srv_mutant_draws(const struct s3p_srv_mutants *m, const struct s3p_srv_mutant *a,
                          struct s3p_str key, uint64_t number);
void s3p_srv_mutant_altered(struct s3p_srv_mutants *m, unsigned row, const struct s3p_srv_req *req);
/* Of a write that is about to be applied: what stands there then is wrong, and so is every answer
 * that shows it. */
void s3p_srv_mutant_made_wrong(struct s3p_srv_mutants *m, const struct s3p_srv_mutant *a,
                               const struct s3p_srv_req *req, struct s3p_srv_key_state *k);
/* An upload's state; that of the request's upload becomes wrong, and so does its object. */
struct s3p_srv_upload_state *s3p_srv_mutant_upload(struct s3p_srv_mutants *m, uint64_t seq);
void s3p_srv_mutant_spoil(struct s3p_srv_mutants *m, const struct s3p_srv_mutant *a,
                          uint64_t upload);
/* mutant_uploads.c: a request on an upload begins, and ends. */
void s3p_srv_mutant_upload_begin(struct s3p_srv_mutants *m, const struct s3p_srv_req *req);
void s3p_srv_mutant_upload_end(struct s3p_srv_mutants *m, const struct s3p_srv_req *req);
/* It is forgotten unless there is something to remember. */
void s3p_srv_mutant_state_done(struct s3p_srv_mutants *m, struct s3p_srv_key_state *k);
bool s3p_srv_conditional(const struct s3p_srv_req *req);
bool s3p_srv_refused(enum s3p_srv_error e); /* by a precondition */
/* What a check without a lock answers; *seq of the object that it saw, 0: none. */
enum s3p_srv_error s3p_srv_mutant_look(struct s3p_srv_req *req, uint64_t *seq);

#endif
