/* The faults of the store: one row each. The hooks of a row are called under the lock of mutants.c,
 * for requests that the row's switch has let through. */
#ifndef S3P_SERVER_MUTANT_ROWS_H
#define S3P_SERVER_MUTANT_ROWS_H

#include "server/commit.h"
#include "server/mutant_spec.h"
#include "server/reads.h"

#define S3P_SRV_MUTANT_ROWS_MAX 128

enum s3p_srv_batch_fault {
    S3P_SRV_BATCH_EARLY = 1,    /* the answers leave before the commit */
    S3P_SRV_BATCH_UNSYNCED = 2, /* nothing of it is synced */
};

struct s3p_srv_mutants;
struct s3p_srv_mutant;
struct s3p_srv_key_state;
struct s3p_srv_list_page;

struct s3p_srv_mutant_row {
    const char *name;
    const char *breaks;  /* what, in a sentence */
    const char *section; /* of the bug catalogue */
    const char *needs;   /* "", or concurrency, endpoints, overwrites … that make it show */
    unsigned delay_ms;   /* default of delay_ms; 0 where it has no meaning */
    bool old_versions;   /* replaced records and bodies must be remembered */
    unsigned batch;      /* what it does to the batch of a write: S3P_SRV_BATCH_* */

    /* Before the body of a request comes in. */
    void (*begin)(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req,
                  struct s3p_srv_key_state *k);
    /* When it is in: the judgement on it. */
    enum s3p_srv_error (*taken)(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                                struct s3p_srv_req *req, struct s3p_srv_key_state *k,
                                enum s3p_srv_error e);
    /* Before a write is submitted: true when the row wants it delayed by its delay first. */
    bool (*hold)(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req,
                 struct s3p_srv_key_state *k);
    /* In the transaction: the judgement on a write; may set write.drop and write.apply_anyway. */
    enum s3p_srv_error (*judge)(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                                struct s3p_srv_req *req, struct s3p_srv_key_state *k,
                                const struct s3p_srv_record *now, enum s3p_srv_error e);
    /* Then, of a PUT: what it is about to store in the place of `now` (NULL: nothing there). */
    void (*made)(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req,
                 struct s3p_srv_key_state *k, const struct s3p_srv_record *now,
                 struct s3p_srv_record *then);
    /* The answer to a write that succeeded. */
    void (*reply)(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req);
    /* A read: true when it has made the answer itself. `r` is NULL for an absent key. */
    bool (*read)(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req,
                 struct s3p_srv_key_state *k, const struct s3p_srv_record *r);
    /* The page of a listing: true when it has made another one of it. */
    bool (*page)(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req,
                 struct s3p_srv_key_state *k, struct s3p_srv_list_page *page);
};

const struct s3p_srv_mutant_row *s3p_srv_mutant_rows(size_t *n);

/* Hooks, by file. */
#define S3P_SRV_BEGIN(name)                                                                        \
    void name(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req,        \
              struct s3p_srv_key_state *k)
#define S3P_SRV_TAKEN(name)                                                                        \
    enum s3p_srv_error name(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,                   \
                            struct s3p_srv_req *req, struct s3p_srv_key_state *k,                  \
                            enum s3p_srv_error e)
#define S3P_SRV_HOLD(name)                                                                         \
    bool name(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req,        \
              struct s3p_srv_key_state *k)
#define S3P_SRV_JUDGE(name)                                                                        \
    enum s3p_srv_error name(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,                   \
                            struct s3p_srv_req *req, struct s3p_srv_key_state *k,                  \
                            const struct s3p_srv_record *now, enum s3p_srv_error e)
#define S3P_SRV_MADE(name)                                                                         \
    void name(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req,        \
              struct s3p_srv_key_state *k, const struct s3p_srv_record *now,                       \
              struct s3p_srv_record *then)
#define S3P_SRV_REPLY(name)                                                                        \
    void name(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req)
#define S3P_SRV_READ(name)                                                                         \
    bool name(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req,        \
              struct s3p_srv_key_state *k, const struct s3p_srv_record *r)
#define S3P_SRV_PAGE(name)                                                                         \
    bool name(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a, struct s3p_srv_req *req,        \
              struct s3p_srv_key_state *k, struct s3p_srv_list_page *page)

S3P_SRV_BEGIN(s3p_srv_mutant_framing_begin);
S3P_SRV_BEGIN(s3p_srv_mutant_unsigned_begin);
S3P_SRV_BEGIN(s3p_srv_mutant_length_begin);
S3P_SRV_TAKEN(s3p_srv_mutant_unsigned_taken);
S3P_SRV_TAKEN(s3p_srv_mutant_length_taken);
S3P_SRV_TAKEN(s3p_srv_mutant_trailer_taken);
S3P_SRV_TAKEN(s3p_srv_mutant_md5_taken);
S3P_SRV_HOLD(s3p_srv_mutant_im_hold);
S3P_SRV_HOLD(s3p_srv_mutant_inm_hold);
S3P_SRV_HOLD(s3p_srv_mutant_gap_hold);
S3P_SRV_HOLD(s3p_srv_mutant_gateway_hold);
S3P_SRV_HOLD(s3p_srv_mutant_storm_hold);
S3P_SRV_HOLD(s3p_srv_mutant_uncommitted_hold);
S3P_SRV_JUDGE(s3p_srv_mutant_ignored_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_412_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_applied_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_lost_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_first_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_tags_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_copy_meta_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_gateway_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_stale_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_missing_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_one_path_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_storm_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_rejected_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_quotes_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_negative_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_kept_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_delete_judge);
S3P_SRV_JUDGE(s3p_srv_mutant_marker_judge);
S3P_SRV_MADE(s3p_srv_mutant_gateway_made);
S3P_SRV_MADE(s3p_srv_mutant_framing_made);
S3P_SRV_MADE(s3p_srv_mutant_aba_made);
S3P_SRV_MADE(s3p_srv_mutant_stat_made);
S3P_SRV_MADE(s3p_srv_mutant_partial_made);
S3P_SRV_MADE(s3p_srv_mutant_ghost_made);
S3P_SRV_REPLY(s3p_srv_mutant_etag_reply);
S3P_SRV_REPLY(s3p_srv_mutant_partial_reply);
S3P_SRV_READ(s3p_srv_mutant_stale_read);
S3P_SRV_READ(s3p_srv_mutant_torn_get);
S3P_SRV_READ(s3p_srv_mutant_torn_blocks);
S3P_SRV_READ(s3p_srv_mutant_stale_head);
S3P_SRV_READ(s3p_srv_mutant_nonmonotonic_read);
S3P_SRV_READ(s3p_srv_mutant_foreign_404);
S3P_SRV_READ(s3p_srv_mutant_negative_read);
S3P_SRV_READ(s3p_srv_mutant_uncommitted_read);
S3P_SRV_READ(s3p_srv_mutant_zero_tail);
S3P_SRV_READ(s3p_srv_mutant_foreign_body);
S3P_SRV_READ(s3p_srv_mutant_bare_head);
S3P_SRV_READ(s3p_srv_mutant_off_by_one);
S3P_SRV_READ(s3p_srv_mutant_mixed_ranges);
S3P_SRV_READ(s3p_srv_mutant_first_range);
S3P_SRV_PAGE(s3p_srv_mutant_page_drops);
S3P_SRV_PAGE(s3p_srv_mutant_page_drops_uploads);
S3P_SRV_PAGE(s3p_srv_mutant_page_lag);
S3P_SRV_PAGE(s3p_srv_mutant_page_hides_uploads);
S3P_SRV_PAGE(s3p_srv_mutant_page_replays);
S3P_SRV_PAGE(s3p_srv_mutant_page_empty);
S3P_SRV_PAGE(s3p_srv_mutant_page_ends);
S3P_SRV_PAGE(s3p_srv_mutant_page_doubles);
S3P_SRV_PAGE(s3p_srv_mutant_page_swaps);
S3P_SRV_PAGE(s3p_srv_mutant_versions_reversed);
S3P_SRV_PAGE(s3p_srv_mutant_latest_twice);
S3P_SRV_PAGE(s3p_srv_mutant_versions_truncated);
S3P_SRV_READ(s3p_srv_mutant_risen_read);
S3P_SRV_READ(s3p_srv_mutant_ghost_read);

#endif
