/* The text of a page of a listing in pieces, for the faults that change it. Of the files of
 * mutant_rows.h only; all of it under m->mu.
 *
 * Pieces are views into the answer, or into page->made for what a fault has put there. */
#ifndef S3P_SERVER_MUTANT_PAGES_H
#define S3P_SERVER_MUTANT_PAGES_H

#include "server/mutant_state.h"

void s3p_srv_page_split(struct s3p_srv_list_page *page, struct s3p_str body);
/* Where the text is first; .p NULL: nowhere. */
struct s3p_str s3p_srv_page_find(struct s3p_str in, const char *text);
/* The text behind a tag, up to the next one; empty: none. */
struct s3p_str s3p_srv_page_field(struct s3p_str entry, const char *tag);
/* A whole element; .p NULL: none. */
struct s3p_str s3p_srv_page_element(struct s3p_str piece, const char *open, const char *close);
/* Is its first entry of this kind, "<Version>" and the like? */
bool s3p_srv_page_lists(const struct s3p_srv_list_page *page, const char *tag);
bool s3p_srv_page_truncated(const struct s3p_srv_list_page *page);

void s3p_srv_page_drop(struct s3p_srv_list_page *page, unsigned i);
/* Puts `with` in the place of `part`, a view into *piece. False: .p is NULL, or it is too long. */
bool s3p_srv_page_edit(struct s3p_srv_list_page *page, struct s3p_str *piece, struct s3p_str part,
                       struct s3p_str with);

/* A page hook of mutant_lists.c: uploads that are younger than delay_ms are not there yet. */
bool s3p_srv_page_settles(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                          struct s3p_srv_list_page *page);

/* Of modes.c, from mode_pages.c: hooks of where a page begins, and of the page. */
enum s3p_srv_error s3p_srv_mode_short(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                                      struct s3p_srv_page *at, MDB_txn *txn);
enum s3p_srv_error s3p_srv_mode_empty(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                                      struct s3p_srv_page *at, MDB_txn *txn);
bool s3p_srv_mode_mixed(S3P_SRV_HOOK_ARGS, struct s3p_srv_key_state *k,
                        struct s3p_srv_list_page *page);

#endif
