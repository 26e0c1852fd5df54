#include "server/pins.h"

#include <pthread.h>

#include "core/alloc.h"

#define LISTS 256
#define GONE_MAX (16 * 1024 * 1024)

struct s3p_srv_pin {
    struct s3p_srv_pin *next;
    uint64_t seq;
    unsigned readers;
    struct s3p_buf gone; /* uint64 ids of bodies that the last reader removes */
};

struct s3p_srv_pins {
    pthread_mutex_t mu;
    /* guarded by mu */
    struct s3p_srv_pin *lists[LISTS];
};

struct s3p_srv_pins *s3p_srv_pins_create(void)
{
    struct s3p_srv_pins *p = s3p_calloc(1, sizeof *p);
    if (p != NULL)
        pthread_mutex_init(&p->mu, NULL);
    return p;
}

void s3p_srv_pins_free(struct s3p_srv_pins *p)
{
    if (p == NULL)
        return;
    pthread_mutex_destroy(&p->mu);
    s3p_free(p);
}

/* Where the pin of this seq is or would be. */
static struct s3p_srv_pin **find(struct s3p_srv_pins *p, uint64_t seq)
{
    struct s3p_srv_pin **at = &p->lists[seq % LISTS];
    while (*at != NULL && (*at)->seq != seq)
        at = &(*at)->next;
    return at;
}

struct s3p_srv_pin *s3p_srv_pin_take(const struct s3p_srv_store *s, uint64_t seq)
{
    struct s3p_srv_pins *p = s->pins;
    pthread_mutex_lock(&p->mu);
    struct s3p_srv_pin **at = find(p, seq), *pin = *at;
    if (pin == NULL && (pin = s3p_calloc(1, sizeof *pin)) != NULL) {
        pin->seq = seq;
        s3p_buf_init(&pin->gone, GONE_MAX);
        *at = pin;
    }
    if (pin != NULL)
        pin->readers++;
    pthread_mutex_unlock(&p->mu);
    return pin;
}

/* Of the files in order. The first is what a reader with an old view looks for after it has taken a
 * pin, so it goes under the lock, where that reader comes either before or after; the rest, which
 * takes longer, goes without. */
static void unlink_first(const struct s3p_srv_store *s, const uint64_t *bodies, size_t n)
{
    if (n > 0)
        s3p_srv_body_unlink(s, bodies[0]);
}

static void unlink_rest(const struct s3p_srv_store *s, const uint64_t *bodies, size_t n)
{
    for (size_t i = 1; i < n; i++)
        s3p_srv_body_unlink(s, bodies[i]);
}

void s3p_srv_pin_drop(const struct s3p_srv_store *s, struct s3p_srv_pin *pin)
{
    struct s3p_srv_pins *p = s->pins;
    if (pin == NULL)
        return;
    pthread_mutex_lock(&p->mu);
    bool last = --pin->readers == 0;
    const uint64_t *gone = (const void *)pin->gone.data;
    size_t n = pin->gone.len / sizeof *gone;
    if (last) {
        *find(p, pin->seq) = pin->next;
        unlink_first(s, gone, n);
    }
    pthread_mutex_unlock(&p->mu);
    if (!last)
        return;
    unlink_rest(s, gone, n);
    s3p_buf_free(&pin->gone);
    s3p_free(pin);
}

void s3p_srv_pins_release(const struct s3p_srv_store *s, uint64_t seq, const uint64_t *bodies,
                          size_t n)
{
    struct s3p_srv_pins *p = s->pins;
    pthread_mutex_lock(&p->mu);
    struct s3p_srv_pin *pin = *find(p, seq);
    if (pin != NULL)
        s3p_buf_add(&pin->gone, bodies, n * sizeof *bodies);
    else
        unlink_first(s, bodies, n);
    pthread_mutex_unlock(&p->mu);
    if (pin == NULL)
        unlink_rest(s, bodies, n);
}
