#include "tests/t.h"

#include "core/buf.h"

T_TEST(buf_appends)
{
    struct s3p_buf b;
    s3p_buf_init(&b, 1000);
    T_STR(s3p_buf_cstr(&b), "");
    s3p_buf_str(&b, "a");
    s3p_buf_char(&b, '/');
    s3p_buf_view(&b, S3P_STR("view"));
    s3p_buf_view(&b, (struct s3p_str){NULL, 0});
    s3p_buf_add(&b, "\0x", 2);
    T_EQ(b.len, 8);
    T_MEM(b.data, "a/view\0x", 8);
    s3p_buf_clear(&b);
    s3p_buf_u64(&b, UINT64_MAX);
    s3p_buf_char(&b, ' ');
    s3p_buf_i64(&b, INT64_MIN);
    s3p_buf_char(&b, ' ');
    s3p_buf_i64(&b, 0);
    s3p_buf_fmt(&b, " %s=%05.1f", "x", 2.25);
    T_STR(s3p_buf_cstr(&b), "18446744073709551615 -9223372036854775808 0 x=002.2");
    s3p_buf_free(&b);
    s3p_buf_free(&b);
    T_EQ(b.max, 1000);
}

T_TEST(buf_maximum_is_exact_and_failure_sticks)
{
    struct s3p_buf b;
    s3p_buf_init(&b, 100);
    for (int i = 0; i < 100; i++)
        s3p_buf_char(&b, (char)('0' + i % 10));
    T_TRUE(s3p_buf_ok(&b));
    T_EQ(b.len, 100);
    T_EQ(strlen(s3p_buf_cstr(&b)), 100);
    s3p_buf_str(&b, "");
    s3p_buf_fmt(&b, "%s", "");
    T_TRUE(s3p_buf_ok(&b));
    s3p_buf_char(&b, 'x');
    T_TRUE(!s3p_buf_ok(&b));
    T_EQ(b.len, 100);
    T_STR(s3p_buf_cstr(&b), "");
    s3p_buf_clear(&b);
    s3p_buf_fmt(&b, "%0101d", 1);
    T_TRUE(!s3p_buf_ok(&b));
    s3p_buf_char(&b, 'x'); /* it would fit, but the text has a hole by now */
    T_EQ(b.len, 0);
    s3p_buf_clear(&b);
    T_TRUE(s3p_buf_grow(&b, SIZE_MAX) == NULL);
    T_EQ(s3p_buf_reserve(&b, 101), S3P_ELIMIT);
    s3p_buf_free(&b);
}

T_TEST(buf_reserve_prevents_moves)
{
    struct s3p_buf b;
    s3p_buf_init(&b, SIZE_MAX);
    T_EQ(s3p_buf_reserve(&b, 0), S3P_OK);
    T_EQ(s3p_buf_reserve(&b, 5000), S3P_OK);
    const char *data = b.data;
    s3p_alloc_fail_at(1);
    char *room = s3p_buf_grow(&b, 5000);
    T_TRUE(room == data);
    memset(room, 'r', 5000);
    T_EQ(strlen(s3p_buf_cstr(&b)), 5000);
    s3p_alloc_fail_at(0);
    T_EQ(s3p_buf_reserve(&b, SIZE_MAX), S3P_ELIMIT); /* no room for the NUL */
    s3p_buf_free(&b);
}

#ifdef S3P_ALLOC_TEST
T_TEST(buf_survives_each_failing_allocation)
{
    bool ok = false;
    for (int nth = 1; !ok; nth++) {
        struct s3p_buf b;
        s3p_buf_init(&b, 1 << 16);
        s3p_alloc_fail_at(nth);
        size_t len = 0;
        for (int i = 0; i < 2000; i++) {
            s3p_buf_fmt(&b, "%d,", i);
            len = b.failed ? len : b.len;
        }
        s3p_alloc_fail_at(0);
        ok = s3p_buf_ok(&b);
        T_EQ(b.len, len);
        T_TRUE(nth < 20);
        T_TRUE(ok || nth < 15);
        s3p_buf_free(&b);
        T_TRUE(!ok || nth > 5);
    }
}
#endif

T_TEST(buf_str_eq)
{
    T_TRUE(s3p_str_eq(S3P_STR("abc"), "abc"));
    T_TRUE(!s3p_str_eq(S3P_STR("abc"), "abcd"));
    T_TRUE(!s3p_str_eq(S3P_STR("abd"), "abc"));
    T_TRUE(s3p_str_eq((struct s3p_str){NULL, 0}, ""));
}
