/* The compiled plan: names resolved to numbers, programs as arrays of steps with jump targets.
 * Immutable after parsing, in one arena, shared by all workers. docs/semantics.md section 1 is the
 * language. */
#ifndef S3P_ENGINE_PLAN_H
#define S3P_ENGINE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "engine/keyspace.h"
#include "history/record.h"
#include "s3/documents.h"
#include "s3/op.h"
#include "s3/sign.h"
#include "s3/sum.h"

#define S3P_BUCKETS_MAX 16
#define S3P_WORKERS_MAX 64
#define S3P_CLIENTS_MAX 100000
#define S3P_BARRIERS_MAX 64 /* a phase */
#define S3P_LOOPS_MAX 16    /* nested */

enum s3p_field { /* of a name that a step bound */
                 S3P_FIELD_ETAG,
                 S3P_FIELD_VERSION,
                 S3P_FIELD_UPLOAD,
                 S3P_FIELD_PARTS,
                 S3P_FIELD_UPLOADS,
                 S3P_FIELD_ID, /* of a value, 16 bytes */
                 S3P_FIELD_TOKEN,
                 S3P_FIELD_KEY,
                 S3P_FIELD_KEYS,
                 S3P_FIELD_VERSIONS,
                 S3P_FIELD_SIZE, /* from here on: numbers */
                 S3P_FIELD_COUNTER,
                 S3P_FIELD_NOW_MS,
                 S3P_FIELD_INITIATED_MS,
                 S3P_FIELDS,
};
extern const char *const s3p_field_name[S3P_FIELDS];

#define S3P_NO_SLOT (-1)

/* slot.field + add, or `add` alone. A text field (etag, version, id, token, key) stands in `equal`
 * only. */
struct s3p_expr {
    int slot;
    enum s3p_field field;
    int64_t add;
};
struct s3p_text_arg { /* slot.field, or a literal */
    int slot;
    enum s3p_field field;
    struct s3p_str text;
};
struct s3p_key_arg { /* slot.key, or a key of a space */
    int slot;
    struct s3p_keyref ref;
};

enum s3p_range_kind { S3P_RANGE_NONE, S3P_RANGE_FIXED, S3P_RANGE_RANDOM };

struct s3p_source_arg { /* of a copy */
    struct s3p_key_arg key;
    uint16_t bucket;
    struct s3p_text_arg version;
    enum s3p_cond cond;
    struct s3p_text_arg cond_value;
};

#define S3P_NO_TAGS (-1)
#define S3P_BATCH_KEYS_MAX 1100 /* of a request: more than S3 takes, which must refuse it */

/* All that addresses an object or an upload. A version without slot and text is not said. */
struct s3p_object_step {
    struct s3p_key_arg key; /* of_upload: the slot of the upload, which knows its key */
    bool of_upload;
    struct s3p_text_arg version;
    enum s3p_cond cond;
    struct s3p_text_arg cond_value;
    enum s3p_range_kind range;
    uint64_t range_first, range_last; /* last UINT64_MAX: to the end; random: first is the length */
    enum s3p_body_kind body;
    uint64_t *sizes; /* cells and constant: one is drawn */
    int nsizes;
    struct s3p_expr counter;
    int tags; /* how many; S3P_NO_TAGS: none are said */
    int fields; /* of the metadata; 0: the id alone */
    enum s3p_sum_kind sum;
    enum s3p_payload chunked; /* S3P_PAYLOAD_UNSIGNED: it is not */
    const char *sum_type;     /* NULL: not said */
    bool sum_mode;
    unsigned part;                 /* 0: not said */
    struct s3p_source_arg *source; /* NULL: none */
    bool replace_metadata;
    uint16_t *parts; /* complete_upload: the numbers to name; NULL: all */
    int nparts;
};
struct s3p_list_step {
    int upload_slot; /* list_parts; else S3P_NO_SLOT */
    struct s3p_str prefix, delimiter, start_after;
    struct s3p_text_arg token;
    int max_keys; /* 0: not sent */
};
struct s3p_batch_step { /* delete_objects; a page of abort_upload */
    int slot;           /* of the page; S3P_NO_SLOT: `keys` */
    struct s3p_keyref *keys;
    int nkeys;
    bool quiet, etags;
};
#define S3P_RULES_MAX 16
struct s3p_rules_step { /* put_lifecycle, put_replication */
    const struct s3p_rule *rule;
    const uint16_t *bucket; /* where each rule leads */
    int n;
    struct s3p_str text; /* as the plan has them, in one line, for the record */
};
struct s3p_loop_step { /* loop enter and loop back */
    int counter;       /* number of the loop among the client's counters */
    bool until_ok;
    uint64_t times;
};
/* 1 << enum s3p_outcome */
enum { S3P_WHEN_FAILED = 1 << 0, S3P_WHEN_OK = 1 << 1, S3P_WHEN_UNKNOWN = 1 << 2 };
enum s3p_compare { S3P_COMPARE_NONE, S3P_COMPARE_EQUAL, S3P_COMPARE_LESS, S3P_COMPARE_ODD };
struct s3p_when_step {
    enum s3p_compare compare; /* NONE: the end of the last S3 step is asked for */
    struct s3p_expr a, b;     /* ODD: of a alone */
    unsigned classes;
    int *statuses;
    int nstatuses;
    struct s3p_str *codes;
    int ncodes;
};
/* a uniform draw below min(cap, base << rounds), or `base` exactly when cap is 0 */
struct s3p_sleep_step {
    int64_t base_ns, cap_ns;
    int loop; /* counter of the innermost loop around it, whose rounds count; -1: none */
};
struct s3p_choose_step {
    uint16_t space;
    enum s3p_take take;
};

struct s3p_borrow_step { /* of what a client of another group, on the same worker, has bound */
    int group, slot;
};

enum s3p_step_kind {
    S3P_STEP_END,
    S3P_STEP_OBJECT,
    S3P_STEP_COPY,
    S3P_STEP_TAGS,
    S3P_STEP_ATTRIBUTES,
    S3P_STEP_CREATE_UPLOAD,
    S3P_STEP_UPLOAD_PART,
    S3P_STEP_COMPLETE_UPLOAD,
    S3P_STEP_ABORT_UPLOAD,
    S3P_STEP_ABORT_UPLOADS,
    S3P_STEP_DELETE_OBJECTS,
    S3P_STEP_LIST,
    S3P_STEP_BUCKET,
    S3P_STEP_LOOP_ENTER, /* target: the step behind the loop */
    S3P_STEP_LOOP_BACK,  /* target: the first step of the loop's body */
    S3P_STEP_WHEN,       /* target: the step to go on with when it does not hold */
    S3P_STEP_JUMP,
    S3P_STEP_BARRIER,
    S3P_STEP_SLEEP,
    S3P_STEP_CHOOSE,
    S3P_STEP_BORROW,
    S3P_STEP_KINDS,
};

struct s3p_step {
    enum s3p_step_kind kind;
    enum s3p_op op;
    int target;
    /* a mutation that ends unknown goes on there and counts a loop; 0: the next step */
    int unknown_exit;
    bool retried; /* a mutation in a `repeat until` whose unknown end the program handles */
    int slot;     /* of `as`, S3P_NO_SLOT without */
    uint16_t bucket;
    union {
        struct s3p_object_step object;
        struct s3p_list_step list;
        struct s3p_batch_step batch;
        const char *versioning; /* put_versioning: the status */
        struct s3p_rules_step rules;
        struct s3p_loop_step loop;
        struct s3p_when_step when;
        struct s3p_sleep_step sleep;
        struct s3p_choose_step choose;
        struct s3p_borrow_step borrow;
        int barrier;
    } u;
};

struct s3p_slot_info {
    struct s3p_str name;
    uint32_t fields; /* bits of enum s3p_field that the program refers to */
    int nparts;      /* of an upload: steps that send a part of it */
    unsigned highest_part;
};

struct s3p_program {
    struct s3p_step *steps;
    int nsteps;
    struct s3p_slot_info *slots;
    int nslots;
    int nloops;
    uint64_t barriers;      /* bits of the phase's barriers that it names */
    uint32_t ops;           /* bits of enum s3p_op */
    bool conditional_write; /* has a put under a condition: commits are counted by client */
    bool lifecycle;         /* uses a lifecycle space */
    bool shares;            /* lends uploads to another group, or borrows them */
    bool own;               /* chooses from an `own` space */
    bool random_range;
    bool extra; /* tags, copies or framed bodies: struct s3p_extra is needed */
    int page_keys; /* largest page that it lists; 0: it does not list */
};

enum s3p_run_phase { S3P_SETUP = 0, S3P_MAIN = 1, S3P_TEARDOWN = 2, S3P_PHASES = 3, S3P_ENDED = 3 };
extern const char *const s3p_run_phase_name[S3P_PHASES];

enum s3p_arrival { S3P_TIMES, S3P_UNTIL_STOP, S3P_UNTIL_OTHERS, S3P_OPEN };

struct s3p_group {
    struct s3p_str name;
    enum s3p_run_phase phase;
    int clients, first_client;
    enum s3p_arrival arrival;
    uint64_t times; /* S3P_TIMES */
    double per_s;   /* S3P_OPEN */
    bool poisson;
    int queue;
    struct s3p_program program;
};

struct s3p_load_percentile {
    const char *what; /* "p99_ms"; NULL: not asked */
    double percentile, at_most_ms;
    enum s3p_op op;
};
struct s3p_load {
    bool asked;
    int rate_group; /* -1: not asked */
    double per_s, within;
    struct s3p_load_percentile percentile[3];
};

struct s3p_plan {
    struct s3p_arena arena;
    struct s3p_str name;
    uint64_t seed;
    struct s3p_str bucket[S3P_BUCKETS_MAX]; /* roles */
    int nbuckets;
    struct s3p_spaces spaces;
    int workers;
    int64_t deadline_ns;
    bool payload_signed;
    uint64_t memory_mb;
    int64_t stop_ns;        /* 0: no rule */
    uint64_t stop_attempts; /* 0: no rule */
    struct s3p_group *group;
    int ngroups, clients;
    struct s3p_str barrier[S3P_PHASES][S3P_BARRIERS_MAX];
    int nbarriers[S3P_PHASES];
    struct s3p_load load;
};

/* Parses and validates. The error is one line: the field's path, its value, what was expected. */
int s3p_plan_parse(struct s3p_plan **out, const char *json, size_t len,
                   struct s3p_err *err) S3P_MUST_CHECK;
void s3p_plan_free(struct s3p_plan *p); /* NULL is a no-op */

/* The worker that runs a client: round-robin, and worker 0 for programs that use a lifecycle space
 * or share uploads. */
int s3p_plan_worker(const struct s3p_plan *p, const struct s3p_group *g, int client);
/* What a client costs beside its listed pages and its names: stack, connection with its buffers,
 * state. A bound, for the budget. */
#define S3P_CLIENT_BYTES (144u * 1024u)
/* slots.c: what a name may hold at most, but listed keys. */
size_t s3p_slot_bytes(const struct s3p_slot_info *info);
/* Bytes that the largest phase of the plan needs at the same time, with history segments and
 * histograms. */
uint64_t s3p_plan_memory(const struct s3p_plan *p);
size_t s3p_page_bytes(int page_keys); /* bound on the XML of one listed page */

#endif
