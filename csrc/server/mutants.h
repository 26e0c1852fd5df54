/* Faults on purpose, and modes: what is legal and surprises. The store's own code calls these
 * hooks, in a handful of places and only when srv->mutants is set; which one does what is in
 * mutant_rows.c.
 *
 * Deterministic: the n-th request that a switch looks at fires or not by (seed, name, n). An answer
 * counts as altered when a client could notice that it is wrong: its request id is noted.
 *
 * Threads: all functions may be called from any thread; one lock inside, which a thread that has it
 * may take again. */
#ifndef S3P_SERVER_MUTANTS_H
#define S3P_SERVER_MUTANTS_H

#include <jansson.h>

#include "server/delete_many.h"
#include "server/lifecycle.h"
#include "server/list_page.h"
#include "server/reads.h"

/* With the mutants of srv->options. */
int s3p_srv_mutants_create(struct s3p_srv_mutants **out, struct s3p_srv *srv,
                           struct s3p_err *err) S3P_MUST_CHECK;
void s3p_srv_mutants_free(struct s3p_srv_mutants *m);

/* Replaces the switches by those of `text`, one a line; none: all off. A bad line changes nothing.
 */
int s3p_srv_mutants_switch(struct s3p_srv_mutants *m, const char *text, size_t len,
                           struct s3p_err *err) S3P_MUST_CHECK;
/* {"mutants": {name: {"fired": n, "altered": n}}, "modes": {name: {"fired": n, "always": b}},
 * "request_ids": […]}: all that have been on. */
json_t *s3p_srv_mutants_altered(struct s3p_srv_mutants *m);

/* Hooks: the head of a request is known, and its bucket: refused, or not; */
enum s3p_srv_error s3p_srv_mutants_arrive(struct s3p_srv_req *req);
/* a request with a bucket begins, its body still to come, and ends; */
void s3p_srv_mutants_begin(struct s3p_srv_req *req);
void s3p_srv_mutants_end(struct s3p_srv_req *req);
/* its body has been taken in, and judged; */
enum s3p_srv_error s3p_srv_mutants_taken(struct s3p_srv_req *req, enum s3p_srv_error e);
/* a write is about to be submitted: true when it is delayed, and submitted with these two later; */
bool s3p_srv_mutants_hold(struct s3p_srv_req *req,
                          enum s3p_srv_error (*apply)(struct s3p_srv_txn *, struct s3p_srv_req *),
                          void (*reply)(struct s3p_srv_req *));
/* a write has been judged, in its transaction; */
enum s3p_srv_error s3p_srv_mutants_judge(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                         const struct s3p_srv_record *now, enum s3p_srv_error e);
/* it is about to be applied, as `then` (`now` NULL: there is nothing): faults may change that; */
void s3p_srv_mutants_made(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                          const struct s3p_srv_record *now, struct s3p_srv_record *then);
/* of multipart uploads, in their transactions: see the hooks of the same names (mutant_rows.h); */
void s3p_srv_mutants_named(struct s3p_srv_txn *t, struct s3p_srv_req *req);
enum s3p_srv_error s3p_srv_mutants_joined(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                          struct s3p_srv_record *object, enum s3p_srv_error e);
void s3p_srv_mutants_parted(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                            struct s3p_srv_record *before, struct s3p_srv_record *part);
enum s3p_srv_error s3p_srv_mutants_aborted(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                           enum s3p_srv_error e);
/* a version is about to be removed by its id: true when a fault has done it in its own way, which
 * may be with another version (`wanted`); */
bool s3p_srv_mutants_remove(struct s3p_srv_txn *t, struct s3p_srv_req *req, struct s3p_str key,
                            struct s3p_srv_wanted *wanted);
/* a batch of the committer is about to begin: S3P_SRV_BATCH_* faults of all of it, and how long
 * the commit is held back once the answers have left; */
unsigned s3p_srv_mutants_batch(struct s3p_srv_mutants *m, struct s3p_srv_req *list,
                               int64_t *delay_ns);
/* a record is about to be replaced (`now` NULL: there was none); */
void s3p_srv_mutants_changed(struct s3p_srv_txn *t, uint64_t bucket, struct s3p_str key,
                             const struct s3p_srv_record *now);
/* the answer to a successful PUT stands; a read has found its record (or NULL) and makes its answer
 * here. */
void s3p_srv_mutants_reply(struct s3p_srv_req *req);
/* a read has not found the version that it names; */
void s3p_srv_mutants_missing(struct s3p_srv_req *req);
/* lifecycle rules have judged an entry; */
enum s3p_srv_life_act s3p_srv_mutants_life(struct s3p_srv_mutants *m,
                                           const struct s3p_srv_life_case *c,
                                           enum s3p_srv_life_act act);
/* an entry is due by them: true when it is left first, for as long as the second one says, which
 * is asked again and again: a mode that is switched off lets go; */
bool s3p_srv_mutants_due(struct s3p_srv_mutants *m, struct s3p_str key, uint64_t seq);
int64_t s3p_srv_mutants_late_ns(struct s3p_srv_mutants *m);
/* mutant_calls.c: a key of a batch delete is about to go: true when `r` says what became of it; */
bool s3p_srv_mutants_of_batch(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                              const struct s3p_srv_batch_key *e, struct s3p_srv_batch_result *r);
/* `then`, with other tags than `now`, is about to be stored: faults may change it; */
void s3p_srv_mutants_tagged(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                            const struct s3p_srv_record *now, struct s3p_srv_record *then);
/* the condition on the source of a copy does not hold: true when it is copied; */
bool s3p_srv_mutants_source(struct s3p_srv_req *req);
/* a setting of a bucket is about to be stored: true when it is lost; */
bool s3p_srv_mutants_setting(struct s3p_srv_txn *t, struct s3p_srv_req *req);
/* a page of keys is about to be walked: where it begins and what it shows may change, and it may be
 * refused; the answer to a listing stands; any answer about an object is about to go out. */
enum s3p_srv_error s3p_srv_mutants_start(struct s3p_srv_req *req, struct s3p_srv_page *page,
                                         MDB_txn *txn);
void s3p_srv_mutants_page(struct s3p_srv_req *req);
void s3p_srv_mutants_send(struct s3p_srv_req *req);
enum s3p_srv_read s3p_srv_mutants_read(struct s3p_srv_req *req, const struct s3p_srv_record *r);

#endif
