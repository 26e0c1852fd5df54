#include "tests/t.h"

T_TEST(alloc_sizes_that_overflow_are_refused)
{
    volatile size_t huge = SIZE_MAX; /* volatile, or the compiler warns of what is tested here */
    T_TRUE(s3p_alloc(huge) == NULL);
    T_TRUE(s3p_calloc(huge / 2, 4) == NULL);
    T_TRUE(s3p_calloc(huge, huge) == NULL);
    T_TRUE(s3p_realloc(NULL, huge) == NULL);
    T_TRUE(s3p_alloc_aligned(64, huge) == NULL);
    T_TRUE(s3p_strndup("", huge) == NULL);
}

T_TEST(alloc_zero_bytes_give_a_pointer)
{
    void *p[] = {s3p_alloc(0), s3p_calloc(0, 8), s3p_realloc(NULL, 0), s3p_alloc_aligned(64, 0)};
    for (size_t i = 0; i < sizeof p / sizeof p[0]; i++) {
        T_TRUE(p[i] != NULL);
        s3p_free(p[i]);
    }
    s3p_free(NULL);
}

T_TEST(alloc_contents)
{
    uint8_t *zeroed = s3p_calloc(100, 3);
    for (int i = 0; i < 300; i++)
        T_EQ(zeroed[i], 0);
    char *copy = s3p_strndup("abcdef", 3), *nothing = s3p_strndup(NULL, 0);
    T_STR(copy, "abc");
    T_STR(nothing, "");
    copy = s3p_realloc(copy, 5000);
    T_STR(copy, "abc");
    char *aligned = s3p_alloc_aligned(4096, 10);
    T_EQ((uintptr_t)aligned % 4096, 0);
    s3p_free(zeroed);
    s3p_free(copy);
    s3p_free(nothing);
    s3p_free(aligned);
}

#ifdef S3P_ALLOC_TEST
T_TEST(alloc_counts_live_blocks)
{
    int64_t before = s3p_alloc_live();
    void *p = s3p_realloc(NULL, 10);
    void *q = s3p_alloc_aligned(64, 10);
    T_EQ(s3p_alloc_live(), before + 2);
    p = s3p_realloc(p, 100);
    T_EQ(s3p_alloc_live(), before + 2);
    s3p_free(p);
    s3p_free(q);
    T_EQ(s3p_alloc_live(), before);
}

T_TEST(alloc_fails_the_nth_call_only)
{
    s3p_alloc_fail_at(3);
    void *p[5];
    for (int i = 0; i < 5; i++)
        p[i] = s3p_alloc(8);
    for (int i = 0; i < 5; i++) {
        T_EQ(p[i] == NULL, i == 2);
        s3p_free(p[i]);
    }
    s3p_alloc_fail_at(1);
    s3p_alloc_fail_at(0);
    void *after = s3p_alloc(8);
    T_TRUE(after != NULL);
    s3p_free(after);
}

T_TEST(alloc_failed_realloc_keeps_the_block)
{
    char *p = s3p_strndup("kept", 4);
    s3p_alloc_fail_at(1);
    T_TRUE(s3p_realloc(p, 100) == NULL);
    T_STR(p, "kept");
    s3p_free(p);
}
#endif
