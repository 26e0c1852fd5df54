/* Typed reading of a JSON document with errors that name the field by its path:
 * `groups[1].program[0].put: 7, expected …`. A node is a value and where it stands; nodes live on
 * the stack of the function that reads them.
 *
 * Every function returns 0 or a negative code and leaves the one-line error in the reader. Private
 * to the plan parser. */
#ifndef S3P_ENGINE_PLAN_NODE_H
#define S3P_ENGINE_PLAN_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"

struct s3p_node {
    const struct s3p_node *up;
    const char *key; /* NULL: an item of a list */
    size_t index;
    json_t *value;
};
struct s3p_reader {
    struct s3p_arena *arena;
    struct s3p_err *err;
};

/* The errors. `expected` completes "PATH: VALUE, expected …". */
int s3p_node_bad(const struct s3p_reader *r, const struct s3p_node *n, const char *expected, ...)
    S3P_PRINTF(3, 4);
int s3p_node_missing(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
                     const char *expected);
int s3p_node_no_memory(const struct s3p_reader *r);

bool s3p_node_get(const struct s3p_node *object, const char *key, struct s3p_node *child);
void s3p_node_item(const struct s3p_node *list, size_t index, struct s3p_node *child);
size_t s3p_node_count(const struct s3p_node *list);

int s3p_node_object(const struct s3p_reader *r, const struct s3p_node *n) S3P_MUST_CHECK;
/* `keys`: the known ones, parted by ", ". */
int s3p_node_keys(const struct s3p_reader *r, const struct s3p_node *object,
                  const char *keys) S3P_MUST_CHECK;
int s3p_node_list(const struct s3p_reader *r, const struct s3p_node *n, size_t min, size_t max,
                  const char *of_what) S3P_MUST_CHECK;
int s3p_node_int(const struct s3p_reader *r, const struct s3p_node *n, int64_t min, int64_t max,
                 int64_t *out) S3P_MUST_CHECK;
int s3p_node_real(const struct s3p_reader *r, const struct s3p_node *n, double above, double max,
                  double *out) S3P_MUST_CHECK; /* above < *out <= max */
/* Copies the text into the arena. */
int s3p_node_text(const struct s3p_reader *r, const struct s3p_node *n, size_t min, size_t max,
                  struct s3p_str *out) S3P_MUST_CHECK;
int s3p_node_name(const struct s3p_reader *r, const struct s3p_node *n,
                  struct s3p_str *out) S3P_MUST_CHECK; /* [a-z0-9-]+, at most 63 */
/* One of n words; *out is its number. `words` may have holes (NULL). */
int s3p_node_word(const struct s3p_reader *r, const struct s3p_node *n, const char *const *words,
                  int nwords, int *out) S3P_MUST_CHECK;

/* The same for a member of an object that may be absent: *out keeps its value then. */
int s3p_opt_int(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
                int64_t min, int64_t max, int64_t *out) S3P_MUST_CHECK;
int s3p_opt_real(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
                 double above, double max, double *out) S3P_MUST_CHECK;
int s3p_opt_text(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
                 size_t min, size_t max, struct s3p_str *out) S3P_MUST_CHECK;
int s3p_opt_word(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
                 const char *const *words, int nwords, int *out) S3P_MUST_CHECK;
/* A member that must be there. */
int s3p_need(const struct s3p_reader *r, const struct s3p_node *object, const char *key,
             const char *expected, struct s3p_node *child) S3P_MUST_CHECK;

void s3p_one_line(char *text); /* control characters become '?' */

#endif
