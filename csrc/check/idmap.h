/* A map from 16 bytes (a value id, the digest of a text, a key of the plan) to a small number.
 * Threads: read-only once it is filled. */
#ifndef S3P_CHECK_IDMAP_H
#define S3P_CHECK_IDMAP_H

#include <stddef.h>

#include "core/buf.h"
#include "s3/id.h"

struct s3p_idmap_slot {
    struct s3p_id key;
    uint32_t value, used;
};
struct s3p_idmap { /* all zeros: empty */
    struct s3p_idmap_slot *slot;
    size_t cap, n; /* cap a power of two, or 0 */
};

/* Where the value of `key` is; NULL when it has none. */
uint32_t *s3p_idmap_find(const struct s3p_idmap *m, struct s3p_id key);
/* The same, with `fresh` for a key that has none yet. The pointer is good until the next call. */
int s3p_idmap_put(struct s3p_idmap *m, struct s3p_id key, uint32_t fresh, uint32_t **out,
                  struct s3p_err *err) S3P_MUST_CHECK;
void s3p_idmap_free(struct s3p_idmap *m);

struct s3p_id s3p_idmap_text(struct s3p_str text, uint64_t salt);
struct s3p_id s3p_idmap_pair(uint64_t a, uint64_t b);

#endif
