/* Value ids and sizes in the few bits that a row has for them. Threads: pure. */
#ifndef S3P_CHECK_TOKEN_H
#define S3P_CHECK_TOKEN_H

#include <stdint.h>
#include <string.h>

#include "core/random.h"
#include "s3/id.h"

static inline uint64_t s3p_token_be(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}

/* A value id of this run in 64 bits. Ids beyond client 2^23 or counter 2^40, which no plan reaches,
 * and those of objects made of parts are hashed. */
static inline uint64_t s3p_value_token(const struct s3p_id *id)
{
    uint64_t counter = s3p_token_be(id->b + 8) & ((UINT64_C(1) << 48) - 1);
    uint64_t client = s3p_token_be(id->b + 2) & UINT32_MAX;
    if (client < UINT64_C(1) << 23 && counter < UINT64_C(1) << 40 && counter != 0)
        return client << 40 | counter;
    return UINT64_C(1) << 63 | s3p_mix64(client ^ s3p_mix64(counter));
}

/* The fingerprint of an object's size; never 0. */
static inline uint32_t s3p_size_print(uint64_t size)
{
    return (uint32_t)(((size + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 32) | 1;
}

#endif
