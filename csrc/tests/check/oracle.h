/* The checker's judge: is there an order of at most ORACLE_MAX operations, respecting real time, in
 * which every answer is right? Written apart from check/: it tries all orders and knows no
 * clusters, chains or zones. */
#ifndef S3P_TESTS_ORACLE_H
#define S3P_TESTS_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "check/register.h"
#include "core/random.h"

#define ORACLE_MAX 14
bool t_oracle_legal(const struct s3p_reg_op *ops, uint32_t n);

/* A random history of one key: clients run programs, every operation takes effect at a random point
 * inside its interval. */
enum t_shape {
    SHAPE_MIXED,    /* plain writes and compare-and-sets */
    SHAPE_REGISTER, /* plain writes and reads only */
    SHAPE_CAS,      /* creates and compare-and-sets only */
    SHAPE_SEEDED,   /* one plain write at the start, then compare-and-sets */
    SHAPE_DELETES,  /* deletes anywhere, half of the time at the end */
    SHAPE_EPOCH,    /* one delete behind all writes, or across the last of them */
    SHAPE_ALL,      /* everything at once: conditional deletes, refusals, lost answers */
    SHAPE_REPLACE,  /* what must replace something, beside writes of all kinds */
    SHAPE_COUNT,
};
#define HISTORY_MAX 130
struct t_history {
    struct s3p_reg_op op[HISTORY_MAX];
    uint32_t n, values;
};
/* At most ORACLE_MAX operations. */
void t_history_make(struct t_history *h, struct s3p_rng *rng, enum t_shape shape);
/* 10 to 60 attempts of up to 8 clients: too many for the oracle. */
void t_history_long(struct t_history *h, struct s3p_rng *rng, enum t_shape shape);
void t_history_corrupt(struct t_history *h,
                       struct s3p_rng *rng); /* changes something; it may stay legal */
void t_history_print(const struct t_history *h);

#endif
