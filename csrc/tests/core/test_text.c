#include "tests/t.h"

#include <time.h>

#include "core/clock.h"
#include "core/text.h"

T_TEST(text_hex)
{
    uint8_t bytes[256], back[256];
    char hex[513] = {0};
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    s3p_hex(hex, bytes, sizeof bytes);
    T_MEM(hex, "000102", 6);
    T_MEM(hex + 506, "fdfeff", 6);
    T_TRUE(s3p_unhex(back, hex, 512));
    T_MEM(back, bytes, 256);
    T_TRUE(s3p_unhex(back, "AbCdEf", 6));
    T_MEM(back, "\xab\xcd\xef", 3);
    T_TRUE(s3p_unhex(back, "", 0));
    T_TRUE(!s3p_unhex(back, "abc", 3));
    for (int c = 0; c < 256; c++) {
        char digits[2] = {'0', (char)c};
        bool is_digit = c != 0 && strchr("0123456789abcdefABCDEF", c) != NULL;
        T_EQ(s3p_unhex(back, digits, 2), is_digit);
    }
}

/* RFC 4648, section 10. */
static const char *const base64_pairs[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

T_TEST(text_base64)
{
    for (size_t i = 0; i < sizeof base64_pairs / sizeof base64_pairs[0]; i++) {
        const char *plain = base64_pairs[i][0], *coded = base64_pairs[i][1];
        char text[16], back[16];
        size_t len = s3p_base64(text, plain, strlen(plain));
        T_EQ(len, strlen(coded));
        T_MEM(text, coded, len);
        T_EQ(s3p_unbase64(back, strlen(plain), text, len), strlen(plain));
        T_MEM(back, plain, strlen(plain));
        if (len != 0)
            T_EQ(s3p_unbase64(back, strlen(plain) - 1, text, len), -1);
    }
}

T_TEST(text_base64_refuses)
{
    static const char *const bad[] = {"Z",    "Zg",   "Zg=",  "Zg==Zg==", "Zh==", "Zm9=", "====",
                                      "Z===", "Zm 9", "Zm-_", "=Zg=",     "Z=g=", "Zm9v="};
    char out[16];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (s3p_unbase64(out, sizeof out, bad[i], strlen(bad[i])) != -1)
            t_fail(__FILE__, __LINE__, "accepted: %s", bad[i]);
}

T_TEST(text_u64)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } cases[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"184467440737095516150", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t v = 99;
        T_EQ(s3p_parse_u64(cases[i].text, strlen(cases[i].text), &v), cases[i].ok);
        T_EQ(v, cases[i].ok ? cases[i].value : 99);
    }
    for (uint64_t v = 1, last = 0; v > last; last = v, v *= 10) {
        char text[20], expected[24];
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)v - 1);
        size_t len = s3p_u64_text(text, v - 1);
        T_EQ(len, strlen(expected));
        T_MEM(text, expected, len);
    }
}

T_TEST(text_dates_of_known_moments)
{
    char text[30] = {0};
    s3p_amz_date(text, 1369353600);
    T_STR(text, "20130524T000000Z");
    s3p_http_date(text, 1369353600);
    T_STR(text, "Fri, 24 May 2013 00:00:00 GMT");
    s3p_http_date(text, 951782399);
    T_STR(text, "Mon, 28 Feb 2000 23:59:59 GMT");
    memset(text, 0, sizeof text);
    s3p_iso_date(text, 1369353600 * S3P_S + 12 * S3P_MS + 999999);
    T_STR(text, "2013-05-24T00:00:00.012Z");
    s3p_iso_date(text, -1);
    T_STR(text, "1969-12-31T23:59:59.999Z");
    s3p_iso_date(text, INT64_MIN);
    T_STR(text, "1677-09-21T00:12:43.145Z");
    memset(text, 0, sizeof text);
    s3p_amz_date(text, INT64_MAX);
    T_STR(text, "99991231T235959Z");
    s3p_amz_date(text, INT64_MIN);
    T_STR(text, "00000101T000000Z");
}

/* Against the C library, in steps that hit every day of 800 years and all times of day. */
T_TEST(text_dates_equal_the_c_library)
{
    for (int64_t s = INT64_C(-12622780800); s < INT64_C(12622780800); s += 86400 + 3671) {
        char expected[40], text[30] = {0};
        struct tm tm;
        time_t t = (time_t)s;
        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
        s3p_http_date(text, s);
        T_STR(text, expected);
        int64_t back = 0;
        T_TRUE(s3p_parse_http_date(text, 29, &back));
        T_EQ(back, s);
    }
}

T_TEST(text_http_date_refuses)
{
    static const char *const bad[] = {
        "Fri, 24 May 2013 00:00:00 UTC",  "Sat, 24 May 2013 00:00:00 GMT",
        "Fri, 24 may 2013 00:00:00 GMT",  "Fri, 24 May 2013 24:00:00 GMT",
        "Thu, 30 Feb 2012 00:00:00 GMT",  "Thu, 00 Feb 2012 00:00:00 GMT",
        "Fri, 24 May 2013 00:60:00 GMT",  "Fri, 24 May 2013 00:00:00 GMT ",
        "Friday, 24-May-13 00:00:00 GMT", "Fri May 24 00:00:00 2013",
        "Fri, 24 May 2013 00:00:0x GMT",  "Fri, 24 May 2013 -1:00:00 GMT",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t s = 99;
        if (s3p_parse_http_date(bad[i], strlen(bad[i]), &s) || s != 99)
            t_fail(__FILE__, __LINE__, "accepted: %s", bad[i]);
    }
}

T_TEST(text_iso_date_parses)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t ns;
    } cases[] = {
        {"2013-05-24T00:00:00Z", true, 1369353600 * S3P_S},
        {"2013-05-24T00:00:00.000Z", true, 1369353600 * S3P_S},
        {"2013-05-24T00:00:00.5Z", true, 1369353600 * S3P_S + 500 * S3P_MS},
        {"2013-05-24T00:00:00.123456789Z", true, 1369353600 * S3P_S + 123456789},
        {"1969-12-31T23:59:59.999Z", true, -S3P_MS},
        {"2013-05-24T00:00:00.1234567890Z", false, 0},
        {"2013-05-24T00:00:00.Z", false, 0},
        {"2013-05-24T00:00:00,5Z", false, 0},
        {"2013-05-24T00:00:00", false, 0},
        {"2013-05-24 00:00:00Z", false, 0},
        {"2013-02-29T00:00:00Z", false, 0},
        {"2013-13-01T00:00:00Z", false, 0},
        {"2013-00-01T00:00:00Z", false, 0},
        {"2013-05-24T00:00:60Z", false, 0},
        {"2400-01-01T00:00:00Z", false, 0}, /* beyond int64 nanoseconds */
        {"", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ns = 99;
        if (s3p_parse_iso_date(cases[i].text, strlen(cases[i].text), &ns) != cases[i].ok)
            t_fail(__FILE__, __LINE__, "wrong verdict: %s", cases[i].text);
        T_EQ(ns, cases[i].ok ? cases[i].ns : 99);
    }
}
