/* A heap of deadlines, one entry a timer at most. Disarming writes one field, and moving a deadline
 * later writes one field: the entry stays where it is and is moved when it comes up. So a task that
 * sets a deadline some seconds ahead for every request touches the heap once in those seconds.
 * Threads: plain data of a loop. */
#ifndef S3P_HTTP_TIMERS_H
#define S3P_HTTP_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

struct s3p_timer {
    int64_t deadline_ns; /* S3P_NEVER: not armed */
    int64_t place;       /* 1 + index of its entry, 0 when there is none */
};

struct s3p_timers {
    struct s3p_timers_entry *entry; /* binary heap by key; key <= the timer's deadline */
    int64_t used, cap;
};

/* Room for so many timers; false: out of memory. */
bool s3p_timers_reserve(struct s3p_timers *h, int64_t count);
void s3p_timers_free(struct s3p_timers *h);
void s3p_timers_arm(struct s3p_timers *h, struct s3p_timer *t, int64_t deadline_ns);
void s3p_timers_remove(struct s3p_timers *h, struct s3p_timer *t); /* before t's memory goes */
/* Takes out a timer whose deadline is at or before now_ns; NULL when there is none. */
struct s3p_timer *s3p_timers_expired(struct s3p_timers *h, int64_t now_ns);
/* Not later than the next deadline; S3P_NEVER when empty. */
int64_t s3p_timers_next(const struct s3p_timers *h);

#endif
