/* A cyclic barrier among coroutines of several loops. Clients that end leave it, so that the others
 * are not held.
 *
 * Threads: any worker. A worker whose client opens the barrier wakes the loops of the others, which
 * look at `turn` (release at the opening, acquire in s3p_barrier_turn). */
#ifndef S3P_ENGINE_BARRIER_H
#define S3P_ENGINE_BARRIER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct s3p_barrier {
    /* shared: atomics */
    _Atomic uint64_t turn; /* how often it has opened */
    /* guarded by mu */
    pthread_mutex_t mu;
    int parties, waiting;
};

void s3p_barrier_init(struct s3p_barrier *b);
void s3p_barrier_destroy(struct s3p_barrier *b);
void s3p_barrier_start(struct s3p_barrier *b, int parties); /* while nobody uses it */
/* *turn is what the caller waits to see the end of. True: the caller was the last one and the
 * barrier has opened. */
bool s3p_barrier_arrive(struct s3p_barrier *b, uint64_t *turn);
/* stops waiting without having passed */
void s3p_barrier_withdraw(struct s3p_barrier *b, uint64_t turn);
bool s3p_barrier_leave(struct s3p_barrier *b); /* for good; true when that opened the barrier */
uint64_t s3p_barrier_turn(const struct s3p_barrier *b);

#endif
