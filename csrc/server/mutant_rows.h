/* The faults of the store: one row each. The hooks of a row are called under the lock of mutants.c,
 * for requests that the row's switch has let through. */
#ifndef S3P_SERVER_MUTANT_ROWS_H
#define S3P_SERVER_MUTANT_ROWS_H

#include "server/delete_many.h"
#include "server/lifecycle.h"
#include "server/list_page.h"
#include "server/mutant_spec.h"
#include "server/reads.h"

#define S3P_SRV_MUTANT_ROWS_MAX 192

enum s3p_srv_batch_fault {
    S3P_SRV_BATCH_EARLY = 1,    /* the answers leave before the commit */
    S3P_SRV_BATCH_UNSYNCED = 2, /* nothing of it is synced */
};

struct s3p_srv_mutants;
struct s3p_srv_mutant;
struct s3p_srv_key_state;
struct s3p_srv_list_page;

/* A version that is about to be removed by its id. */
struct s3p_srv_removal {
    struct s3p_str key;
    struct s3p_srv_wanted *wanted; /* may be changed */
    const struct s3p_srv_record *record;
    bool current;
};

#define S3P_SRV_HOOK_ARGS                                                                          \
    struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req

struct s3p_srv_mutant_row {
    const char *name;
    const char *breaks;  /* what, in a sentence */
    const char *section; /* of the bug catalogue */
    const char *needs;   /* "", or concurrency, endpoints, overwrites … that make it show */
    unsigned delay_ms;   /* default of delay_ms; 0 where it has no meaning */
    bool old_versions;   /* replaced records and bodies must be remembered */
    unsigned batch;      /* what it does to the batch of a write: S3P_SRV_BATCH_* */
    bool late;           /* what lifecycle rules find due is left for its delay first */
    const char *legal;   /* of a mode: who says that it is legal; NULL: a fault */
    bool always;         /* of a mode: the store does so anyway, without a hook */
    double p;            /* default of p; 0: 1 */

    /* Nothing but the head is known, and the bucket: refuses with what it returns. */
    enum s3p_srv_error (*arrive)(S3P_SRV_HOOK_ARGS);
    /* Before the body of a request comes in. */
    void (*begin)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k);
    /* When it is in: the judgement on it. */
    enum s3p_srv_error (*taken)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                                enum s3p_srv_error e);
    /* Before a write is submitted: true when the row wants it delayed by its delay first. */
    bool (*hold)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k);
    /* In the transaction: the judgement on a write; may set write.drop and write.apply_anyway. */
    enum s3p_srv_error (*judge)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                                const struct s3p_srv_record *now, enum s3p_srv_error e);
    /* Then, of a PUT or a Complete: what it is about to store in the place of `now` (NULL: nothing
     * there). */
    void (*made)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                 const struct s3p_srv_record *now, struct s3p_srv_record *then);
    /* Of a Complete: before its list of parts, which is in req->meta, is looked up; then the
     * judgement on it, with the object that the parts make. `object` is NULL when the upload is
     * gone: req->made then says what it was completed to, n_parts 0: it never was. */
    void (*named)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k, struct s3p_srv_txn *t);
    enum s3p_srv_error (*joined)(S3P_SRV_HOOK_ARGS, struct s3p_srv_txn *t,
                                 struct s3p_srv_record *object, enum s3p_srv_error e);
    /* Of a part that is about to take the place of `before`: both may be changed. */
    void (*parted)(S3P_SRV_HOOK_ARGS, struct s3p_srv_record *before, struct s3p_srv_record *part);
    /* Of an Abort: the judgement on it; may set write.drop and t->leak. */
    enum s3p_srv_error (*aborted)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                                  struct s3p_srv_txn *t, enum s3p_srv_error e);
    /* Before a version is removed by its id, by one request or as one of a batch: true when the row
     * has done in the transaction what is done. */
    bool (*remove)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k, struct s3p_srv_txn *t,
                   const struct s3p_srv_removal *at);
    /* The answer to a write that succeeded. */
    void (*reply)(S3P_SRV_HOOK_ARGS);
    /* A read: true when it has made the answer itself. `r` is NULL for an absent key. */
    bool (*read)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                 const struct s3p_srv_record *r);
    /* What lifecycle rules say of an entry of the store: this is done instead. */
    enum s3p_srv_life_act (*life)(const struct s3p_srv_life_case *c, enum s3p_srv_life_act act);
    /* A page of keys is about to be walked, in this transaction: may change where it begins (the
     * text may stand in req->tags) and what it shows, or refuse it. */
    enum s3p_srv_error (*start)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                                struct s3p_srv_page *at, MDB_txn *txn);
    /* The page of a listing: true when it has made another one of it. */
    bool (*page)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                 struct s3p_srv_list_page *page);
    /* An answer about an object, just before it goes out. */
    void (*send)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k);
    /* One key of a batch delete: true when the row has dealt with it, and `r` says how. */
    bool (*of_batch)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k, struct s3p_srv_txn *t,
                     const struct s3p_srv_batch_key *e, struct s3p_srv_batch_result *r);
    /* Other tags are about to be stored: `then` is `now` with them. */
    void (*tagged)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                   const struct s3p_srv_record *now, struct s3p_srv_record *then);
    /* The condition on the source of a copy does not hold: true lets the copy pass. */
    bool (*source)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k);
    /* A setting of a bucket is about to be stored: true loses it. */
    bool (*setting)(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k);
};

/* The i-th of all, faults first, then modes; NULL behind the last. */
const struct s3p_srv_mutant_row *s3p_srv_mutant_row(size_t i);

/* By file, each ended by a row without a name. */
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_answers[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_batches[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_chores[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_deletes[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_durability[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_entries[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_gateways[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_intake[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_lists[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_nodes[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_objects[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_paging[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_parts[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_ranges[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_reads[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_records[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_replicas[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_tags[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_upload_pages[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_uploads[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_versions[];
extern const struct s3p_srv_mutant_row s3p_srv_mutants_of_writes[];

extern const struct s3p_srv_mutant_row s3p_srv_modes[];

/* The head of a hook. */
#define S3P_SRV_ARRIVE(name) static enum s3p_srv_error name(S3P_SRV_HOOK_ARGS)
#define S3P_SRV_BEGIN(name) static void name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k)
#define S3P_SRV_TAKEN(name)                                                                        \
    static enum s3p_srv_error name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,                 \
                                   enum s3p_srv_error e)
#define S3P_SRV_HOLD(name) static bool name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k)
#define S3P_SRV_JUDGE(name)                                                                        \
    static enum s3p_srv_error name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,                 \
                                   const struct s3p_srv_record *now, enum s3p_srv_error e)
#define S3P_SRV_MADE(name)                                                                         \
    static void name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,                               \
                     const struct s3p_srv_record *now, struct s3p_srv_record *then)
#define S3P_SRV_NAMED(name)                                                                        \
    static void name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k, struct s3p_srv_txn *t)
#define S3P_SRV_JOINED(name)                                                                       \
    static enum s3p_srv_error name(S3P_SRV_HOOK_ARGS, struct s3p_srv_txn *t,                       \
                                   struct s3p_srv_record *object, enum s3p_srv_error e)
#define S3P_SRV_PARTED(name)                                                                       \
    static void name(S3P_SRV_HOOK_ARGS, struct s3p_srv_record *before, struct s3p_srv_record *part)
#define S3P_SRV_ABORTED(name)                                                                      \
    static enum s3p_srv_error name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,                 \
                                   struct s3p_srv_txn *t, enum s3p_srv_error e)
#define S3P_SRV_REMOVE(name)                                                                       \
    static bool name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k, struct s3p_srv_txn *t,        \
                     const struct s3p_srv_removal *at)
#define S3P_SRV_REPLY(name) static void name(S3P_SRV_HOOK_ARGS)
#define S3P_SRV_READ(name)                                                                         \
    static bool name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,                               \
                     const struct s3p_srv_record *r)
#define S3P_SRV_LIFE(name)                                                                         \
    static enum s3p_srv_life_act name(const struct s3p_srv_life_case *c, enum s3p_srv_life_act act)
#define S3P_SRV_START(name)                                                                        \
    static enum s3p_srv_error name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,                 \
                                   struct s3p_srv_page *at, MDB_txn *txn)
#define S3P_SRV_SEND(name) static void name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k)
#define S3P_SRV_PAGE(name)                                                                         \
    static bool name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k, struct s3p_srv_list_page *page)
#define S3P_SRV_OF_BATCH(name)                                                                     \
    static bool name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k, struct s3p_srv_txn *t,        \
                     const struct s3p_srv_batch_key *e, struct s3p_srv_batch_result *r)
#define S3P_SRV_TAGGED(name)                                                                       \
    static void name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,                               \
                     const struct s3p_srv_record *now, struct s3p_srv_record *then)
#define S3P_SRV_SOURCE(name) static bool name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k)
#define S3P_SRV_SETTING(name) static bool name(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k)

#endif
