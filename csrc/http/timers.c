#include "http/timers.h"

#include "core/alloc.h"
#include "core/clock.h"
#include "core/err.h"

struct s3p_timers_entry {
    int64_t key;
    struct s3p_timer *timer;
};

bool s3p_timers_reserve(struct s3p_timers *h, int64_t count)
{
    if (count <= h->cap)
        return true;
    int64_t cap = count * 2;
    void *p = s3p_realloc(h->entry, (size_t)cap * sizeof *h->entry);
    if (p == NULL)
        return false;
    h->entry = p;
    h->cap = cap;
    return true;
}

void s3p_timers_free(struct s3p_timers *h)
{
    s3p_free(h->entry);
    *h = (struct s3p_timers){0};
}

static void put(struct s3p_timers *h, int64_t i, struct s3p_timers_entry e)
{
    h->entry[i] = e;
    e.timer->place = i + 1;
}

static void sift_up(struct s3p_timers *h, int64_t i, struct s3p_timers_entry e)
{
    while (i > 0) {
        int64_t parent = (i - 1) / 2;
        if (h->entry[parent].key <= e.key)
            break;
        put(h, i, h->entry[parent]);
        i = parent;
    }
    put(h, i, e);
}

static void sift_down(struct s3p_timers *h, int64_t i, struct s3p_timers_entry e)
{
    for (;;) {
        int64_t child = 2 * i + 1;
        if (child >= h->used)
            break;
        if (child + 1 < h->used && h->entry[child + 1].key < h->entry[child].key)
            child++;
        if (e.key <= h->entry[child].key)
            break;
        put(h, i, h->entry[child]);
        i = child;
    }
    put(h, i, e);
}

void s3p_timers_arm(struct s3p_timers *h, struct s3p_timer *t, int64_t deadline_ns)
{
    t->deadline_ns = deadline_ns;
    if (t->place == 0) {
        S3P_ASSERT(h->used < h->cap);
        sift_up(h, h->used++, (struct s3p_timers_entry){deadline_ns, t});
    } else if (deadline_ns < h->entry[t->place - 1].key) {
        sift_up(h, t->place - 1, (struct s3p_timers_entry){deadline_ns, t});
    }
}

void s3p_timers_remove(struct s3p_timers *h, struct s3p_timer *t)
{
    if (t->place == 0)
        return;
    int64_t i = t->place - 1;
    struct s3p_timers_entry last = h->entry[--h->used];
    t->place = 0;
    if (last.timer == t)
        return;
    if (i > 0 && last.key < h->entry[(i - 1) / 2].key)
        sift_up(h, i, last);
    else
        sift_down(h, i, last);
}

struct s3p_timer *s3p_timers_expired(struct s3p_timers *h, int64_t now_ns)
{
    while (h->used > 0 && h->entry[0].key <= now_ns) {
        struct s3p_timer *t = h->entry[0].timer;
        if (t->deadline_ns != S3P_NEVER && t->deadline_ns > now_ns) {
            sift_down(h, 0, (struct s3p_timers_entry){t->deadline_ns, t});
            continue;
        }
        s3p_timers_remove(h, t);
        if (t->deadline_ns != S3P_NEVER)
            return t;
    }
    return NULL;
}

int64_t s3p_timers_next(const struct s3p_timers *h)
{
    return h->used > 0 ? h->entry[0].key : S3P_NEVER;
}
