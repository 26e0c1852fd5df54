#include "core/text.h"

#include <string.h>

#include "core/clock.h"

#define DAY_S INT64_C(86400)

void s3p_hex(char *dst, const void *src, size_t len)
{
    static const char digit[] = "0123456789abcdef";
    const uint8_t *p = src;
    for (size_t i = 0; i < len; i++) {
        dst[2 * i] = digit[p[i] >> 4];
        dst[2 * i + 1] = digit[p[i] & 15];
    }
}

/* Value + 1 of a hexadecimal digit, 0 for every other byte. */
static const uint8_t hex_value[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool s3p_unhex(void *dst, const char *src, size_t digits)
{
    uint8_t *out = dst;
    if (digits % 2 != 0)
        return false;
    for (size_t i = 0; i < digits; i += 2) {
        unsigned hi = hex_value[(uint8_t)src[i]], lo = hex_value[(uint8_t)src[i + 1]];
        if (hi == 0 || lo == 0)
            return false;
        out[i / 2] = (uint8_t)((hi - 1) << 4 | (lo - 1));
    }
    return true;
}

static const char base64_digit[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t s3p_base64(char *dst, const void *src, size_t len)
{
    const uint8_t *p = src;
    char *q = dst;
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)p[i] << 16;
        group |= have > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        group |= have > 2 ? (uint32_t)p[i + 2] : 0;
        *q++ = base64_digit[group >> 18];
        *q++ = base64_digit[group >> 12 & 63];
        *q++ = have > 1 ? base64_digit[group >> 6 & 63] : '=';
        *q++ = have > 2 ? base64_digit[group & 63] : '=';
    }
    return (size_t)(q - dst);
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Canonical text only: padded, and zero in the bits that padding leaves over. */
int64_t s3p_unbase64(void *dst, size_t cap, const char *src, size_t len)
{
    uint8_t *out = dst;
    if (len % 4 != 0)
        return -1;
    size_t pad = len == 0 || src[len - 1] != '=' ? 0 : src[len - 2] != '=' ? 1 : 2;
    size_t bytes = len / 4 * 3 - pad;
    if (bytes > cap)
        return -1;
    uint32_t bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < len - pad; i++) {
        int v = base64_value(src[i]);
        if (v < 0)
            return -1;
        bits = bits << 6 | (uint32_t)v;
        if (i % 4 != 0) /* the second to fourth digit of a group each complete a byte */
            out[n++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    uint32_t left_over = pad == 0 ? 0 : bits & ((1u << 2 * pad) - 1);
    return left_over == 0 ? (int64_t)bytes : -1;
}

bool s3p_parse_u64(const char *s, size_t len, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
            return false;
    }
    if (len == 0)
        return false;
    *out = v;
    return true;
}

size_t s3p_u64_text(char dst[20], uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    memcpy(dst, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

/* Proleptic Gregorian calendar, UTC, years 0 to 9999. */
struct civil {
    int64_t year;
    unsigned month, day, hour, minute, second, weekday; /* month and day from 1, Sunday is 0 */
};

#define YEAR_0_S INT64_C(-62167219200)
#define YEAR_9999_END_S INT64_C(253402300799)

/* Days since 1970-01-01. Years begin in March here, so that the leap day is the last one. */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t march_month = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + day - 1;
    int64_t leap_days = year_of_era / 4 - year_of_era / 100;
    return era * 146097 + year_of_era * 365 + leap_days + day_of_year - 719468;
}

static struct civil civil_from_seconds(int64_t wall_s)
{
    wall_s = wall_s < YEAR_0_S ? YEAR_0_S : wall_s > YEAR_9999_END_S ? YEAR_9999_END_S : wall_s;
    int64_t days = (wall_s - YEAR_0_S) / DAY_S + YEAR_0_S / DAY_S;
    int64_t second_of_day = wall_s - days * DAY_S;
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    unsigned month = (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
    return (struct civil){
        .year = year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = (unsigned)(day_of_year - (153 * march_month + 2) / 5 + 1),
        .hour = (unsigned)(second_of_day / 3600),
        .minute = (unsigned)(second_of_day / 60 % 60),
        .second = (unsigned)(second_of_day % 60),
        .weekday = (unsigned)(((days + 4) % 7 + 7) % 7),
    };
}

static int64_t civil_to_seconds(const struct civil *c)
{
    int64_t second_of_day = (int64_t)c->hour * 3600 + c->minute * 60 + c->second;
    return days_from_civil(c->year, c->month, c->day) * DAY_S + second_of_day;
}

static char *put_digits(char *dst, uint64_t v, int width)
{
    for (int i = width - 1; i >= 0; i--, v /= 10)
        dst[i] = (char)('0' + v % 10);
    return dst + width;
}

/* False, and nothing stored, unless all of the `width` bytes are digits. */
static bool get_digits(const char *s, size_t width, unsigned *out)
{
    uint64_t v;
    if (!s3p_parse_u64(s, width, &v))
        return false;
    *out = (unsigned)v;
    return true;
}

void s3p_amz_date(char dst[16], int64_t wall_s)
{
    struct civil c = civil_from_seconds(wall_s);
    put_digits(dst, (uint64_t)c.year * 10000 + c.month * 100 + c.day, 8);
    dst[8] = 'T';
    put_digits(dst + 9, c.hour * 10000 + c.minute * 100 + c.second, 6);
    dst[15] = 'Z';
}

static const char weekday_name[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char month_name[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void s3p_http_date(char dst[29], int64_t wall_s)
{
    struct civil c = civil_from_seconds(wall_s);
    memcpy(dst, "Day, 00 Mon 0000 00:00:00 GMT", 29);
    memcpy(dst, weekday_name[c.weekday], 3);
    put_digits(dst + 5, c.day, 2);
    memcpy(dst + 8, month_name[c.month - 1], 3);
    put_digits(dst + 12, (uint64_t)c.year, 4);
    put_digits(dst + 17, c.hour, 2);
    put_digits(dst + 20, c.minute, 2);
    put_digits(dst + 23, c.second, 2);
}

/* The fields are read by position; that punctuation, names and ranges were right shows when the
 * result is written again and gives the same text. */
bool s3p_parse_http_date(const char *s, size_t len, int64_t *wall_s)
{
    struct civil c = {0};
    unsigned year;
    if (len != 29 || !get_digits(s + 5, 2, &c.day) || !get_digits(s + 12, 4, &year) ||
        !get_digits(s + 17, 2, &c.hour) || !get_digits(s + 20, 2, &c.minute) ||
        !get_digits(s + 23, 2, &c.second))
        return false;
    while (c.month < 12 && memcmp(month_name[c.month], s + 8, 3) != 0)
        c.month++;
    c.month++;
    c.year = year;
    int64_t found_s = civil_to_seconds(&c);
    char again[29];
    s3p_http_date(again, found_s);
    if (memcmp(again, s, sizeof again) != 0)
        return false;
    *wall_s = found_s;
    return true;
}

static void iso_seconds(char dst[19], int64_t wall_s)
{
    struct civil c = civil_from_seconds(wall_s);
    memcpy(dst, "0000-00-00T00:00:00", 19);
    put_digits(dst, (uint64_t)c.year, 4);
    put_digits(dst + 5, c.month, 2);
    put_digits(dst + 8, c.day, 2);
    put_digits(dst + 11, c.hour, 2);
    put_digits(dst + 14, c.minute, 2);
    put_digits(dst + 17, c.second, 2);
}

void s3p_iso_date(char dst[24], int64_t wall_ns)
{
    int64_t wall_s = wall_ns / S3P_S - (wall_ns % S3P_S < 0);
    iso_seconds(dst, wall_s);
    dst[19] = '.';
    put_digits(dst + 20, (uint64_t)((wall_ns - wall_s * S3P_S) / S3P_MS), 3);
    dst[23] = 'Z';
}

/* Nanoseconds of ".ddd", one to nine digits; -1 when malformed, 0 for no text. */
static int64_t fraction_ns(const char *s, size_t len)
{
    unsigned digits;
    if (len == 0)
        return 0;
    if (s[0] != '.' || len > 10 || !get_digits(s + 1, len - 1, &digits))
        return -1;
    int64_t ns = digits;
    for (size_t i = len; i < 10; i++)
        ns *= 10;
    return ns;
}

bool s3p_parse_iso_date(const char *s, size_t len, int64_t *wall_ns)
{
    struct civil c = {0};
    unsigned year;
    if (len < 20 || s[len - 1] != 'Z' || !get_digits(s, 4, &year) ||
        !get_digits(s + 5, 2, &c.month) || !get_digits(s + 8, 2, &c.day) ||
        !get_digits(s + 11, 2, &c.hour) || !get_digits(s + 14, 2, &c.minute) ||
        !get_digits(s + 17, 2, &c.second))
        return false;
    c.year = year;
    int64_t found_s = civil_to_seconds(&c);
    char again[19];
    iso_seconds(again, found_s);
    int64_t part_ns = fraction_ns(s + 19, len - 20), found_ns;
    if (memcmp(again, s, sizeof again) != 0 || part_ns < 0 ||
        __builtin_mul_overflow(found_s, S3P_S, &found_ns) ||
        __builtin_add_overflow(found_ns, part_ns, &found_ns))
        return false;
    *wall_ns = found_ns;
    return true;
}
