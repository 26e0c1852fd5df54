/* Sets of configurations of a search: which of the pending operations have been taken, and the
 * state they left. A set grows up to a bound and is reused. Threads: one owner. */
#ifndef S3P_CHECK_CONFIGS_H
#define S3P_CHECK_CONFIGS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct s3p_config {
    uint64_t taken; /* bits of pending operations */
    uint32_t state; /* a value, 0: absent */
};

struct s3p_configs {
    struct s3p_config *at;
    uint64_t *slot; /* open addressing: stamp << 32 | index */
    uint32_t n, cap, mask, stamp;
};

void s3p_configs_free(struct s3p_configs *s);
void s3p_configs_clear(struct s3p_configs *s);
bool s3p_configs_has(const struct s3p_configs *s, uint64_t taken, uint32_t state);
/* Adds one unless it is there; S3P_ENOMEM. The caller watches its bound on n. */
int s3p_configs_add(struct s3p_configs *s, uint64_t taken, uint32_t state,
                    struct s3p_err *err) S3P_MUST_CHECK;

#endif
