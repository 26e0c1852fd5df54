#include "core/hist.h"

#include <math.h>

#include "core/alloc.h"
#include "core/hist_layout.h"

static void store(_Atomic int64_t *p, int64_t v)
{
    atomic_store_explicit(p, v, memory_order_relaxed);
}

/* Not a fetch-and-add: there is one writer, and a locked instruction costs ten times as much. */
static void add(_Atomic int64_t *p, int64_t v)
{
    store(p, s3p_hist_load(p) + v);
}

int s3p_hist_create(struct s3p_hist **out, struct s3p_err *err)
{
    *out = s3p_calloc(1, sizeof **out);
    if (*out == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "histogram: no %zu bytes of memory", sizeof **out);
    store(&(*out)->min, INT64_MAX);
    return S3P_OK;
}

void s3p_hist_free(struct s3p_hist *h)
{
    s3p_free(h);
}

void s3p_hist_reset(struct s3p_hist *h)
{
    for (int i = 0; i < S3P_HIST_SLOTS; i++)
        store(&h->slot[i], 0);
    store(&h->total, 0);
    store(&h->clamped, 0);
    store(&h->min, INT64_MAX);
    store(&h->max, 0);
}

void s3p_hist_slot_add(struct s3p_hist *h, int slot, int64_t count, int64_t low, int64_t high)
{
    add(&h->slot[slot], count);
    add(&h->total, count);
    if (low < s3p_hist_load(&h->min))
        store(&h->min, low);
    if (high > s3p_hist_load(&h->max))
        store(&h->max, high);
}

void s3p_hist_record(struct s3p_hist *h, int64_t value)
{
    if (value < S3P_HIST_LOWEST)
        value = S3P_HIST_LOWEST;
    if (value > S3P_HIST_HIGHEST) {
        value = S3P_HIST_HIGHEST;
        add(&h->clamped, 1);
    }
    s3p_hist_slot_add(h, s3p_hist_slot(value), 1, value, value);
}

void s3p_hist_merge(struct s3p_hist *into, const struct s3p_hist *from)
{
    int64_t low = s3p_hist_load(&from->min), high = s3p_hist_load(&from->max);
    for (int i = 0; i < S3P_HIST_SLOTS; i++) {
        int64_t count = s3p_hist_load(&from->slot[i]);
        if (count != 0)
            s3p_hist_slot_add(into, i, count, low, high);
    }
    add(&into->clamped, s3p_hist_load(&from->clamped));
}

int64_t s3p_hist_count(const struct s3p_hist *h)
{
    return s3p_hist_load(&h->total);
}

int64_t s3p_hist_clamped(const struct s3p_hist *h)
{
    return s3p_hist_load(&h->clamped);
}

int64_t s3p_hist_min(const struct s3p_hist *h)
{
    int64_t min = s3p_hist_load(&h->min);
    return min == INT64_MAX ? 0 : min;
}

int64_t s3p_hist_max(const struct s3p_hist *h)
{
    return s3p_hist_load(&h->max);
}

double s3p_hist_mean(const struct s3p_hist *h)
{
    double sum = 0, total = 0;
    for (int i = 0; i < S3P_HIST_SLOTS; i++) {
        double count = (double)s3p_hist_load(&h->slot[i]);
        int64_t width = INT64_C(1) << s3p_hist_slot_bucket(i);
        sum += count * (double)(s3p_hist_slot_low(i) + width / 2);
        total += count;
    }
    return total > 0 ? sum / total : 0;
}

int64_t s3p_hist_percentile(const struct s3p_hist *h, double p)
{
    int64_t total = s3p_hist_count(h), seen = 0, value = 0;
    /* One step down before rounding up, or 99.9 % of 1000 values would be the 1000th by a bit of
     * rounding. */
    double rank = ceil(nextafter(p, 0) / 100.0 * (double)total);
    for (int i = 0; i < S3P_HIST_SLOTS && (double)seen < fmax(rank, 1); i++) {
        int64_t count = s3p_hist_load(&h->slot[i]);
        seen += count;
        if (count != 0)
            value = s3p_hist_slot_high(i);
    }
    return value;
}
