/* The inside of struct s3p_hist, for hist.c and its codec only.
 *
 * Bucket k holds 2048 sub-buckets of width 2^k from value 0 on; the lower half repeats bucket k-1
 * and is not stored, except for k = 0. Slot numbers are those of HdrHistogram for lowest 1 and 3
 * digits at every highest value. */
#ifndef S3P_CORE_HIST_LAYOUT_H
#define S3P_CORE_HIST_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

#define S3P_HIST_DIGITS 3
#define S3P_HIST_LOWEST INT64_C(1)
#define S3P_HIST_HIGHEST INT64_C(3600000000000)
#define S3P_HIST_HALF_BITS 10 /* half of 2048, the power of two above 2 * 10^3 */
#define S3P_HIST_HALF (1 << S3P_HIST_HALF_BITS)
#define S3P_HIST_BUCKETS 32   /* 2048 << 31 is above the highest value, 2048 << 30 is not */
#define S3P_HIST_SLOTS ((S3P_HIST_BUCKETS + 1) * S3P_HIST_HALF)

/* One thread writes, others may read: atomics without order, which cost a plain load and store. */
struct s3p_hist {
    _Atomic int64_t total, clamped, min, max; /* min is INT64_MAX and max is 0 while empty */
    _Atomic int64_t slot[S3P_HIST_SLOTS];
};

static inline int64_t s3p_hist_load(const _Atomic int64_t *p)
{
    return atomic_load_explicit(p, memory_order_relaxed);
}

static inline int s3p_hist_slot(int64_t value)
{
    uint64_t at_least_bucket_0 = (uint64_t)value | (2 * S3P_HIST_HALF - 1);
    int bucket = 63 - S3P_HIST_HALF_BITS - __builtin_clzll(at_least_bucket_0);
    return (bucket << S3P_HIST_HALF_BITS) + (int)(value >> bucket);
}

static inline int s3p_hist_slot_bucket(int slot)
{
    int bucket = (slot >> S3P_HIST_HALF_BITS) - 1;
    return bucket < 0 ? 0 : bucket;
}

/* Lowest and highest value that the slot counts. */
static inline int64_t s3p_hist_slot_low(int slot)
{
    int bucket = s3p_hist_slot_bucket(slot);
    return (int64_t)(slot - (bucket << S3P_HIST_HALF_BITS)) << bucket;
}

static inline int64_t s3p_hist_slot_high(int slot)
{
    return s3p_hist_slot_low(slot) + (INT64_C(1) << s3p_hist_slot_bucket(slot)) - 1;
}

/* `count` values, lying between low and high, added to a slot. */
void s3p_hist_slot_add(struct s3p_hist *h, int slot, int64_t count, int64_t low, int64_t high);

#endif
