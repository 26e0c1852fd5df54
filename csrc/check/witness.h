/* A violation as people and machines read it: its attempts, one sentence with times relative to the
 * run's start, a guess of the fault class. Threads: read-only on the file. */
#ifndef S3P_CHECK_WITNESS_H
#define S3P_CHECK_WITNESS_H

#include "check/head.h"
#include "check/tally.h"

struct s3p_witness {
    const struct s3p_hit *hit;
    struct s3p_attempt attempt[S3P_HIT_RECORDS];
    const struct s3p_segment_view *segment[S3P_HIT_RECORDS];
    uint32_t position[S3P_HIT_RECORDS]; /* in the segment */
};

void s3p_witness_fill(struct s3p_witness *w, const struct s3p_histfile *f, const struct s3p_hit *h);
void s3p_witness_sentence(const struct s3p_witness *w, int64_t start_ns,
                          struct s3p_buf *out);             /* explain.c */
const char *s3p_witness_guess(const struct s3p_witness *w); /* guess.c: a catalogue name, or "" */
/* The object of the machine form. */
void s3p_witness_json(const struct s3p_witness *w, const struct s3p_head *h, struct s3p_buf *out);
/* Members "bucket" and "key", each with a comma behind it. */
void s3p_json_place(struct s3p_buf *out, const struct s3p_head *h, uint16_t place,
                    uint64_t key_index);

#endif
