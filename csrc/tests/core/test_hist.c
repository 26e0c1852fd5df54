#include "tests/t.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/hist.h"
#include "core/hist_layout.h"
#include "core/random.h"

static struct s3p_hist *new_hist(void)
{
    struct s3p_hist *h = NULL;
    T_OK(s3p_hist_create(&h, err));
    return h;
}

static void check_slot(int64_t value)
{
    int slot = s3p_hist_slot(value);
    int64_t low = s3p_hist_slot_low(slot), high = s3p_hist_slot_high(slot);
    T_TRUE(slot >= 0 && slot < S3P_HIST_SLOTS);
    T_TRUE(low <= value && value <= high);
    T_TRUE((high - low) * 1000 <= value);
}

T_TEST(hist_slots_have_three_digits_and_no_gaps)
{
    for (int64_t v = 1; v < 20000; v++)
        check_slot(v);
    for (int64_t v = 20000; v < S3P_HIST_HIGHEST; v += v / 777)
        check_slot(v);
    check_slot(S3P_HIST_HIGHEST);
    for (int slot = 0; slot + 1 < S3P_HIST_SLOTS; slot++) {
        T_EQ(s3p_hist_slot_high(slot) + 1, s3p_hist_slot_low(slot + 1));
        T_EQ(s3p_hist_slot(s3p_hist_slot_high(slot)), slot);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

T_TEST(hist_percentiles_are_those_of_sorted_data)
{
    enum { N = 10000 };
    static int64_t value[N];
    static const double percents[] = {0.001, 0.01, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 99.999, 100};
    struct s3p_hist *h = new_hist();
    struct s3p_rng r = {1, 1, 0};
    double sum = 0;
    for (int i = 0; i < N; i++) {
        value[i] = 1 + (int64_t)exp(s3p_rng_unit(&r) * 28);
        s3p_hist_record(h, value[i]);
        sum += (double)value[i];
    }
    qsort(value, N, sizeof value[0], by_value);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        int64_t rank = (int64_t)ceil(percents[i] * N / 100 - 1e-6);
        int64_t exact = value[rank < 1 ? 0 : rank - 1];
        T_EQ(s3p_hist_percentile(h, percents[i]), s3p_hist_slot_high(s3p_hist_slot(exact)));
    }
    T_EQ(s3p_hist_count(h), N);
    T_EQ(s3p_hist_min(h), value[0]);
    T_EQ(s3p_hist_max(h), value[N - 1]);
    T_TRUE(fabs(s3p_hist_mean(h) / (sum / N) - 1) < 0.001);
    s3p_hist_free(h);
}

T_TEST(hist_borders_and_reset)
{
    struct s3p_hist *h = new_hist();
    for (int again = 0; again < 2; again++) {
        T_EQ(s3p_hist_count(h) + s3p_hist_min(h) + s3p_hist_max(h) + s3p_hist_clamped(h), 0);
        T_EQ(s3p_hist_percentile(h, 50), 0);
        T_TRUE(s3p_hist_mean(h) >= 0 && s3p_hist_mean(h) <= 0);
        s3p_hist_record(h, 0);
        s3p_hist_record(h, INT64_MIN);
        T_EQ(s3p_hist_max(h), 1);
        T_EQ(s3p_hist_clamped(h), 0);
        s3p_hist_record(h, INT64_MAX);
        s3p_hist_record(h, S3P_HIST_HIGHEST);
        T_EQ(s3p_hist_clamped(h), 1);
        T_EQ(s3p_hist_min(h), 1);
        T_EQ(s3p_hist_max(h), S3P_HIST_HIGHEST);
        T_EQ(s3p_hist_count(h), 4);
        s3p_hist_reset(h);
    }
    s3p_hist_free(h);
    s3p_hist_free(NULL);
}

static void check_same(const struct s3p_hist *a, const struct s3p_hist *b)
{
    T_EQ(s3p_hist_count(a), s3p_hist_count(b));
    for (int i = 0; i < S3P_HIST_SLOTS; i++)
        T_EQ(s3p_hist_load(&a->slot[i]), s3p_hist_load(&b->slot[i]));
}

T_TEST(hist_merge_equals_recording_into_one)
{
    struct s3p_hist *all = new_hist(), *part[3] = {new_hist(), new_hist(), new_hist()};
    struct s3p_rng r = {2, 2, 0};
    for (int i = 0; i < 3000; i++) {
        int64_t v = (int64_t)s3p_rng_below(&r, UINT64_C(1) << (i % 43));
        s3p_hist_record(all, v);
        s3p_hist_record(part[i % 2], v); /* part 2 stays empty */
    }
    s3p_hist_merge(part[2], part[0]);
    s3p_hist_merge(part[2], part[1]);
    check_same(part[2], all);
    T_EQ(s3p_hist_min(part[2]), s3p_hist_min(all));
    T_EQ(s3p_hist_max(part[2]), s3p_hist_max(all));
    T_EQ(s3p_hist_clamped(part[2]), s3p_hist_clamped(all));
    T_TRUE(s3p_hist_clamped(all) > 0);
    for (int i = 0; i < 3; i++)
        s3p_hist_free(part[i]);
    s3p_hist_free(all);
}

static int round_trip(const struct s3p_hist *h, struct s3p_hist *back, struct s3p_err *err)
{
    struct s3p_buf text;
    s3p_buf_init(&text, 1 << 20);
    int rc = s3p_hist_encode(h, &text, err);
    if (rc == S3P_OK)
        rc = s3p_hist_decode(back, text.data, text.len, err);
    s3p_buf_free(&text);
    return rc;
}

T_TEST(hist_text_round_trip)
{
    struct s3p_hist *h = new_hist();
    struct s3p_rng r = {3, 3, 0};
    for (int i = 0; i < 2000; i += i < 10 ? 1 : 333) { /* from empty to well filled */
        struct s3p_hist *back = new_hist();
        T_OK(round_trip(h, back, err));
        check_same(back, h);
        T_OK(round_trip(h, back, err)); /* decoding adds */
        T_EQ(s3p_hist_count(back), 2 * s3p_hist_count(h));
        s3p_hist_free(back);
        for (int j = 0; j < i * 10 + 1; j++)
            s3p_hist_record(h, (int64_t)s3p_rng_below(&r, UINT64_C(1) << (j % 43)));
    }
    for (int i = 1; i < S3P_HIST_SLOTS; i++) /* the longest text: every number takes nine bytes */
        s3p_hist_slot_add(h, i, (INT64_C(1) << 47) + i * 7919, s3p_hist_slot_low(i),
                          s3p_hist_slot_high(i));
    struct s3p_hist *back = new_hist();
    T_OK(round_trip(h, back, err));
    check_same(back, h);
    s3p_hist_free(back);
    s3p_hist_free(h);
}

static void check_golden(const json_t *golden)
{
    struct s3p_hist *theirs = new_hist(), *ours = new_hist(), *back = new_hist();
    const char *text = json_string_value(json_object_get(golden, "text"));
    T_OK(s3p_hist_decode(theirs, text, strlen(text), err));
    size_t i;
    json_t *pair;
    json_array_foreach(json_object_get(golden, "values"), i, pair)
    {
        int64_t v = json_integer_value(json_array_get(pair, 0));
        int64_t times = json_integer_value(json_array_get(pair, 1));
        s3p_hist_slot_add(ours, s3p_hist_slot(v), times, v, v);
    }
    check_same(theirs, ours);
    T_OK(round_trip(theirs, back, err));
    check_same(back, theirs);
    T_EQ(s3p_hist_count(theirs), json_integer_value(json_object_get(golden, "count")));
    double mean = json_number_value(json_object_get(golden, "mean"));
    T_TRUE(mean <= 0 || fabs(s3p_hist_mean(theirs) / mean - 1) < 1e-9);
    json_array_foreach(json_object_get(golden, "percentiles"), i, pair)
        T_EQ(s3p_hist_percentile(theirs, json_number_value(json_array_get(pair, 0))),
             json_integer_value(json_array_get(pair, 1)));
    s3p_hist_free(theirs);
    s3p_hist_free(ours);
    s3p_hist_free(back);
}

static json_t *load_vectors(void)
{
    json_error_t error;
    json_t *file = json_load_file(t_vectors("hist.json"), 0, &error);
    if (file == NULL)
        t_fail(__FILE__, __LINE__, "hist.json:%d: %s", error.line, error.text);
    return file;
}

T_TEST(hist_refuses_wrong_texts_and_changes_nothing)
{
    struct s3p_hist *into = new_hist();
    json_t *file = load_vectors(), *refused;
    size_t i;
    json_array_foreach(json_object_get(file, "refused"), i, refused)
    {
        const char *text = json_string_value(json_object_get(refused, "text"));
        struct s3p_err err = {0};
        if (s3p_hist_decode(into, text, strlen(text), &err) != S3P_EFORMAT || err.msg[0] == 0)
            t_fail(__FILE__, __LINE__, "%s", json_string_value(json_object_get(refused, "name")));
        T_EQ(s3p_hist_count(into), 0);
    }
    T_TRUE(i >= 13);
    json_decref(file);
    s3p_hist_free(into);
}

T_TEST(hist_reads_what_hdrhistogram_wrote)
{
    json_t *file = load_vectors(), *golden;
    size_t i;
    json_array_foreach(json_object_get(file, "cases"), i, golden)
        check_golden(golden);
    T_TRUE(i >= 9);
    json_decref(file);
}

T_TEST(hist_damaged_texts_change_nothing)
{
    struct s3p_hist *h = new_hist(), *into = new_hist();
    struct s3p_rng r = {4, 4, 0};
    for (int i = 0; i < 50; i++)
        s3p_hist_record(h, (int64_t)s3p_rng_below(&r, 1000000));
    struct s3p_buf text;
    s3p_buf_init(&text, 1 << 20);
    T_OK(s3p_hist_encode(h, &text, err));
    T_MEM(text.data, "HISTFAAA", 8);
    for (size_t len = 0; len < text.len; len++)
        T_EQ(s3p_hist_decode(into, text.data, len, NULL), S3P_EFORMAT);
    for (size_t i = 0; i < 3000; i++) {
        size_t at = s3p_rng_below(&r, text.len);
        char kept = text.data[at];
        text.data[at] = (char)s3p_rng_u64(&r);
        int rc = s3p_hist_decode(into, text.data, text.len, NULL);
        text.data[at] = kept;
        if (rc == S3P_OK) { /* the same byte by chance, or another valid zlib header */
            check_same(into, h);
            s3p_hist_reset(into);
        }
        T_TRUE(rc == S3P_OK || rc == S3P_EFORMAT);
        T_EQ(s3p_hist_count(into), 0);
    }
    s3p_buf_free(&text);
    s3p_hist_free(h);
    s3p_hist_free(into);
}

T_TEST(hist_text_needs_its_room)
{
    struct s3p_hist *h = new_hist();
    struct s3p_buf text;
    s3p_buf_init(&text, 40);
    T_EQ(s3p_hist_encode(h, &text, NULL), S3P_ELIMIT);
    T_EQ(text.len, 0);
    s3p_buf_free(&text);
    s3p_hist_free(h);
}

#ifdef S3P_ALLOC_TEST
T_TEST(hist_survives_each_failing_allocation)
{
    int rc = S3P_ENOMEM;
    for (int nth = 1; rc != S3P_OK; nth++) {
        T_TRUE(nth < 40);
        struct s3p_hist *h = NULL, *back = NULL;
        struct s3p_err err = {0};
        s3p_alloc_fail_at(nth);
        rc = s3p_hist_create(&h, &err);
        if (rc == S3P_OK)
            rc = s3p_hist_create(&back, &err);
        if (rc == S3P_OK)
            rc = round_trip(h, back, &err);
        s3p_alloc_fail_at(0);
        T_TRUE(rc == S3P_OK ? nth > 8 : rc == S3P_ENOMEM);
        s3p_hist_free(h);
        s3p_hist_free(back);
    }
}
#endif

static void *record_many(void *h)
{
    for (int64_t i = 1; i <= 20000; i++)
        s3p_hist_record(h, i * 1000);
    return NULL;
}

T_TEST(hist_may_be_read_while_it_is_written)
{
    struct s3p_hist *h = new_hist(), *sum = new_hist();
    pthread_t writer;
    T_EQ(pthread_create(&writer, NULL, record_many, h), 0);
    for (int64_t last = 0; last < 20000;) {
        T_TRUE(s3p_hist_count(h) >= last);
        last = s3p_hist_count(h);
        s3p_hist_reset(sum);
        s3p_hist_merge(sum, h);
        T_TRUE(s3p_hist_count(sum) >= last && s3p_hist_percentile(h, 99) <= 20016000);
    }
    pthread_join(writer, NULL);
    T_EQ(s3p_hist_percentile(h, 50), s3p_hist_slot_high(s3p_hist_slot(10000000)));
    s3p_hist_free(h);
    s3p_hist_free(sum);
}
