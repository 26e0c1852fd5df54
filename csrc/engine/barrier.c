#include "engine/barrier.h"

void s3p_barrier_init(struct s3p_barrier *b)
{
    pthread_mutex_init(&b->mu, NULL);
    atomic_init(&b->turn, 0);
    b->parties = b->waiting = 0;
}

void s3p_barrier_destroy(struct s3p_barrier *b)
{
    pthread_mutex_destroy(&b->mu);
}

void s3p_barrier_start(struct s3p_barrier *b, int parties)
{
    pthread_mutex_lock(&b->mu);
    b->parties = parties;
    b->waiting = 0;
    pthread_mutex_unlock(&b->mu);
}

static bool open_when_full_locked(struct s3p_barrier *b)
{
    if (b->waiting == 0 || b->waiting < b->parties)
        return false;
    b->waiting = 0;
    atomic_fetch_add_explicit(&b->turn, 1, memory_order_release);
    return true;
}

bool s3p_barrier_arrive(struct s3p_barrier *b, uint64_t *turn)
{
    pthread_mutex_lock(&b->mu);
    *turn = atomic_load_explicit(&b->turn, memory_order_relaxed);
    b->waiting++;
    bool opened = open_when_full_locked(b);
    pthread_mutex_unlock(&b->mu);
    return opened;
}

void s3p_barrier_withdraw(struct s3p_barrier *b, uint64_t turn)
{
    pthread_mutex_lock(&b->mu);
    if (atomic_load_explicit(&b->turn, memory_order_relaxed) == turn)
        b->waiting--;
    pthread_mutex_unlock(&b->mu);
}

bool s3p_barrier_leave(struct s3p_barrier *b)
{
    pthread_mutex_lock(&b->mu);
    b->parties--;
    bool opened = open_when_full_locked(b);
    pthread_mutex_unlock(&b->mu);
    return opened;
}

uint64_t s3p_barrier_turn(const struct s3p_barrier *b)
{
    return atomic_load_explicit(&b->turn, memory_order_acquire);
}
