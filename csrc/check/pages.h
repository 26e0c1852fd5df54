/* LIST pages: is each what a listing may look like (page_rules.c), and does it name what it must
 * and nothing that it must not (page_join.c)?
 *
 * A page covers (marker, last entry]; the last one of a walk to the end of its prefix; one that
 * ends in a common prefix all members of that; an empty truncated one, or one that was asked for no
 * entry, nothing. Where a page may have looked further than its last entry (it was short, or names
 * a marker behind it) what the next one leaves out before its first entry was left out by one of
 * the two, in the time of both. Its interval is its
 * own [t_call, t_return] (profile `list_interval: listing`: from the call of the first page of its
 * walk; `list: eventual` with `list_lag_ms`: from that much before). A key of the range is judged
 * as one read in the interval (windows.h); a common prefix must be there when a member under it
 * must be, and must not be when all of them must be gone.
 *
 * A walk is a chain of pages of one client, each asked for with the token or markers that the one
 * before gave. The start of a page behind a token that no page gave is not known: it covers what
 * lies between its entries. Names that are no key of the plan are not judged.
 *
 * Entries and members of one space are compared as numbers; a merge join, O(1) an entry.
 *
 * Threads: s3p_lists_judge by several, each with a workspace of its own, each unit once. */
#ifndef S3P_CHECK_PAGES_H
#define S3P_CHECK_PAGES_H

#include "check/members.h"
#include "check/tally.h"

#define S3P_NO_PAGE UINT32_MAX
#define S3P_PAGES_A_UNIT 16
#define S3P_PAGE_MAX 1000 /* entries of a page, whatever it was asked for */

struct s3p_page {
    uint32_t segment, position;
    uint32_t before; /* in its walk; S3P_NO_PAGE */
    uint8_t kind;    /* enum s3p_listing */
};

/* Of a page: what was asked (or, of list_next, will be). Texts live in the caller's buffer. */
struct s3p_page_args {
    struct s3p_str prefix, delimiter, start, id, token;
    uint64_t max; /* S3P_PAGE_MAX: not said */
};
int s3p_page_args(struct s3p_page_args *a, struct s3p_buf *texts, struct s3p_str query,
                  uint64_t record, struct s3p_err *err) S3P_MUST_CHECK;

struct s3p_lists {
    const struct s3p_histfile *file;
    const struct s3p_head *head;
    const struct s3p_keymap *map;
    const struct s3p_walks *walks;
    struct s3p_page *page;
    uint32_t n, cap;
    bool wanted[S3P_LISTINGS];      /* kinds that have pages */
    int64_t last_call[S3P_LISTINGS]; /* of these */
    struct s3p_members set[S3P_LISTINGS];
    uint64_t unjudged; /* pages that a proxy changed on the way, or of replicas */
    bool *ordered;    /* struct s3p_names */
};

/* Finds the pages and joins them to walks. */
int s3p_lists_init(struct s3p_lists *l, const struct s3p_histfile *f, const struct s3p_head *h,
                   const struct s3p_keymap *m, const struct s3p_walks *walks,
                   struct s3p_err *err) S3P_MUST_CHECK;
void s3p_lists_free(struct s3p_lists *l);
/* When l->set[S3P_LIST_OBJECTS] is complete: the members of the other kinds, and the order of all.
 * What cannot be decided is counted. */
int s3p_lists_settle(struct s3p_lists *l, struct s3p_tally *t, struct s3p_err *err) S3P_MUST_CHECK;
uint32_t s3p_lists_units(const struct s3p_lists *l);

struct s3p_lister; /* the workspace of a thread */
int s3p_lister_create(struct s3p_lister **out, const struct s3p_lists *l,
                      struct s3p_err *err) S3P_MUST_CHECK;
void s3p_lister_free(struct s3p_lister *w);
int s3p_lists_judge(struct s3p_lister *w, uint32_t unit, struct s3p_tally *t,
                    struct s3p_err *err) S3P_MUST_CHECK;

#endif
