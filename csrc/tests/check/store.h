/* A correct store in memory for tests of the checker: random programs of uploads, copies, plain
 * writes, deletes, tags and versions on a few keys, with random points of effect inside random
 * intervals, as the records that a client would have made. One struct t_store is one bucket's worth
 * of keys that nothing else touches. */
#ifndef S3P_TESTS_STORE_H
#define S3P_TESTS_STORE_H

#include "core/random.h"
#include "tests/check/make.h"

/* Adds a record with its texts; NULL: none. */
struct t_texts {
    const char *upload, *source, *version, *asked, *code, *args;
};
void t_add_texts(struct t_make *m, struct s3p_attempt r, struct t_texts texts);

/* The ETag of an object of these parts. */
s3p_etag_bytes t_etag_of(const s3p_etag_bytes *part, int n);
struct s3p_id t_composite(const struct s3p_id *part, int n);
/* Client c's nth id. */
struct s3p_id t_nth(uint32_t client, uint64_t n);

enum t_program {
    T_UPLOADS = 1,
    T_COPIES = 2,
    T_TAGS = 4,
    T_VERSIONS = 8,
    T_UNKNOWN = 16, /* some answers are lost */
    T_CONDITIONS = 32, /* of writes, deletes and reads */
    T_DELETES = 64,
};
/* The records of one random history on keys 2 * group and 2 * group + 1. */
void t_store_run(struct t_make *m, uint64_t seed, uint64_t group, unsigned programs);
/* What reads of its two keys answer when that history is over; T_UNKNOWN leaves it open. */
void t_store_last(uint64_t seed, uint64_t group, unsigned programs, struct s3p_attempt last[2]);

#endif
