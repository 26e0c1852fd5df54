/* A configuration of rules as a client sends it, read into a stored set (filters.h): what the
 * documents of lifecycle and replication share. A kind says what its elements are.
 *
 * A document lives on the stack of one thread; its texts are gone with s3p_srv_rule_doc_read. */
#ifndef S3P_SERVER_RULE_DOC_H
#define S3P_SERVER_RULE_DOC_H

#include "server/filters.h"

struct s3p_srv_rule_kind;

struct s3p_srv_rule_doc {
    const struct s3p_srv_rule_kind *kind;
    void *rule; /* the open one: kind->rule_bytes, zero when it opens; the caller's */
    struct s3p_srv_filter_reader filter;
    struct s3p_buf rows, texts; /* of the rules before */
    unsigned seen;              /* elements of the open rule, bits by row of kind->elements */
    enum s3p_srv_error error;   /* the first */
};

/* Below the rule, each at most once in it. */
struct s3p_srv_rule_element {
    const char *path;
    /* NULL: it only holds others */
    enum s3p_srv_error (*take)(struct s3p_srv_rule_doc *d, struct s3p_str text);
    bool plain; /* white space counts */
};

/* What a kind does not name is refused as not implemented. */
struct s3p_srv_rule_kind {
    const char *root;
    const struct s3p_srv_rule_element *elements;
    size_t n, rule_bytes;
    /* The rule as a whole, its filter ended; then against each of the rules before. */
    enum s3p_srv_error (*check)(struct s3p_srv_rule_doc *d, const struct s3p_srv_filter *f);
    enum s3p_srv_error (*against)(const struct s3p_srv_rule_doc *d, const void *before);
    /* An element beside the rules; NULL: there is none. */
    enum s3p_srv_error (*beside)(struct s3p_srv_rule_doc *d, const char *path, struct s3p_str text);
    /* When all of it is read, before the set is stored; NULL: nothing to do. */
    enum s3p_srv_error (*end)(struct s3p_srv_rule_doc *d);
};

/* Whether the open rule has had the element of this row: 0 or 1. */
unsigned s3p_srv_seen(const struct s3p_srv_rule_doc *d, unsigned which);

/* `d` has kind and rule set, all else zero; the stored set is appended to `out`. */
enum s3p_srv_error s3p_srv_rule_doc_read(struct s3p_srv_rule_doc *d, struct s3p_str body,
                                         struct s3p_buf *out);

#endif
