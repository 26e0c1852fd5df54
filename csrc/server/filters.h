/* What rules about objects share, be they of lifecycle or of replication: the set of them as it is
 * stored, and the filter that says which objects a rule is about.
 *
 * A stored set: number of rules (8 bytes), the rules as they stand in memory, then all texts, which
 * the rules name as spans. Views live as long as the stored bytes. */
#ifndef S3P_SERVER_FILTERS_H
#define S3P_SERVER_FILTERS_H

#include "server/errors.h"
#include "server/records.h"

#define S3P_SRV_RULES_MAX 1000
#define S3P_SRV_RULE_ID_MAX 255

struct s3p_srv_span {
    uint32_t at, len;
};

struct s3p_srv_filter {
    struct s3p_srv_span prefix, tags; /* tags: all of these pairs */
    uint64_t above, below;            /* sizes, exclusive */
    uint8_t has_prefix, has_above, has_below, n_tags;
    uint8_t old_form; /* a prefix beside the other elements, without <Filter> */
};

struct s3p_srv_rule_set {
    size_t n, row_bytes;
    struct s3p_str rows, texts;
};

/* False: not a set of such rules. */
bool s3p_srv_rule_set_open(struct s3p_srv_rule_set *s, struct s3p_str stored, size_t row_bytes);
void s3p_srv_rule_set_row(const struct s3p_srv_rule_set *s, size_t i, void *row); /* i < n */
struct s3p_str s3p_srv_rule_text(const struct s3p_srv_rule_set *s, struct s3p_srv_span span);
void s3p_srv_rule_set_store(struct s3p_buf *out, const struct s3p_buf *rows,
                            const struct s3p_buf *texts, size_t row_bytes); /* appends */

struct s3p_srv_span s3p_srv_span_add(struct s3p_buf *texts, struct s3p_str text);
bool s3p_srv_span_same(const struct s3p_buf *texts, struct s3p_srv_span a, struct s3p_srv_span b);

/* Whether the object is one that the rule is about. A delete marker has neither tags nor a size: a
 * filter by either is not about it. */
bool s3p_srv_filter_matches(const struct s3p_srv_rule_set *s, const struct s3p_srv_filter *f,
                            struct s3p_str key, const struct s3p_srv_record *r);

/* The elements of a filter as a document brings them; `path` is below the rule. */
struct s3p_srv_filter_reader {
    struct s3p_srv_filter filter;
    struct s3p_buf *texts, tags, key, value;
    bool given, and, has_key, has_value;
    unsigned direct, inside; /* predicates of <Filter> and of <And> */
};
void s3p_srv_filter_reader_init(struct s3p_srv_filter_reader *f, struct s3p_buf *texts);
void s3p_srv_filter_reader_free(struct s3p_srv_filter_reader *f);
void s3p_srv_filter_begin(struct s3p_srv_filter_reader *f);                   /* of the next rule */
void s3p_srv_filter_open(struct s3p_srv_filter_reader *f, const char *path); /* an element opens */
/* An element has ended. False: it is none of a filter. *e: what is wrong with it. */
bool s3p_srv_filter_field(struct s3p_srv_filter_reader *f, const char *path, struct s3p_str text,
                          enum s3p_srv_error *e);
enum s3p_srv_error s3p_srv_filter_end(struct s3p_srv_filter_reader *f); /* then `filter` stands */

void s3p_srv_filter_xml(struct s3p_buf *out, const struct s3p_srv_rule_set *s,
                        const struct s3p_srv_filter *f);
/* The id of a rule: at most 255 bytes; drawn when there is none. */
enum s3p_srv_error s3p_srv_rule_id(struct s3p_buf *texts, struct s3p_str text,
                                   struct s3p_srv_span *out);

#endif
