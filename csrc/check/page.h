/* What page.c, page_rules.c and page_join.c share: one page at hand. */
#ifndef S3P_CHECK_PAGE_H
#define S3P_CHECK_PAGE_H

#include "check/pages.h"

struct s3p_item { /* an entry */
    uint64_t index;
    const struct s3p_entry *entry;
    uint16_t place;
    bool known;  /* (place, index) is a key of the plan, or a part */
    bool prefix; /* a common prefix */
    bool wrong;  /* it must not be on this page: nothing more is said of it */
};

struct s3p_lister {
    const struct s3p_lists *lists;
    struct s3p_names names;
    struct s3p_buf texts; /* of args and next */
    struct s3p_item *item;
    uint64_t *token; /* scratch: ids of the entries of one key */
    uint32_t cap;
    /* the page at hand */
    struct s3p_tally *tally;
    const struct s3p_page *page;
    uint32_t at; /* its number */
    const struct s3p_segment_view *s;
    uint32_t i; /* its position there */
    size_t own_texts; /* how much of `texts` is its own */
    struct s3p_page_args args, next;
    uint32_t n; /* items */
    bool truncated;
    bool anchored; /* it is known where it starts: behind `start`, from the first key if empty */
    bool inside;   /* behind (start, args.id), in the middle of a key */
    bool linked;   /* `start` is where the page before it ended */
    struct s3p_buf start_text, rolled_text;
    struct s3p_str start;
    struct s3p_str behind; /* what it covers begins there: `start`, or before it */
    uint32_t since;        /* the page that first looked there */
    int64_t from, to;      /* its interval */
    int64_t looked;        /* that of what lies before its first entry begins so early */
    uint8_t hits[S3P_RULE_COUNT];
};

enum { S3P_PAGE_HITS = 16 }; /* of one rule on one page; more are not counted */

/* An entry's key in buffer `which` of w->names, or in the file. */
struct s3p_str s3p_item_text(struct s3p_lister *w, int which, const struct s3p_item *it);
int s3p_item_compare(struct s3p_lister *w, const struct s3p_item *a, const struct s3p_item *b);
bool s3p_str_begins(struct s3p_str text, struct s3p_str prefix);
uint64_t s3p_part_marker(struct s3p_str text); /* the number it begins with */
/* The order of two markers of the page's kind: of parts they are numbers. */
int s3p_marker_compare(const struct s3p_lister *w, struct s3p_str a, struct s3p_str b);
/* The common prefix that a key of the page is rolled up to; empty: none. A view into `key`. */
struct s3p_str s3p_page_roll(const struct s3p_lister *w, struct s3p_str key);

/* A violation of the page, about the entry or the member (NULL: neither); `records`: other
 * attempts, S3P_NO_RECORD is left out. */
int s3p_page_hit(struct s3p_lister *w, enum s3p_rule rule, const struct s3p_item *it,
                 const struct s3p_member *m, const uint32_t *records, uint32_t n,
                 struct s3p_err *err) S3P_MUST_CHECK;

int s3p_page_structure(struct s3p_lister *w, bool *sorted, struct s3p_err *err) S3P_MUST_CHECK;
/* Items are sorted by name. */
int s3p_page_membership(struct s3p_lister *w, struct s3p_err *err) S3P_MUST_CHECK;

#endif
