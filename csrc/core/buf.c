#include "core/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/text.h"

#define FIRST_CAP 64

void s3p_buf_init(struct s3p_buf *b, size_t max)
{
    *b = (struct s3p_buf){.max = max};
}

/* One byte more than the capacity is allocated, so that s3p_buf_cstr never has to. */
static int set_capacity(struct s3p_buf *b, size_t cap)
{
    if (cap == SIZE_MAX)
        return S3P_ELIMIT;
    char *data = s3p_realloc(b->data, cap + 1);
    if (data == NULL)
        return S3P_ENOMEM;
    b->data = data;
    b->cap = cap;
    return S3P_OK;
}

int s3p_buf_reserve(struct s3p_buf *b, size_t cap)
{
    if (cap > b->max)
        return S3P_ELIMIT;
    if (b->data != NULL && cap <= b->cap)
        return S3P_OK;
    return set_capacity(b, cap);
}

void s3p_buf_free(struct s3p_buf *b)
{
    s3p_free(b->data);
    s3p_buf_init(b, b->max);
}

void s3p_buf_clear(struct s3p_buf *b)
{
    b->len = 0;
    b->failed = false;
}

/* Doubling keeps a long series of appends linear. */
static bool make_room_anew(struct s3p_buf *b, size_t extra)
{
    if (b->failed)
        return false;
    if (extra > b->max - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + extra;
    size_t cap = b->cap > FIRST_CAP / 2 ? b->cap : FIRST_CAP / 2;
    cap = cap <= b->max / 2 ? cap * 2 : b->max;
    b->failed = set_capacity(b, cap > need ? cap : need) != S3P_OK;
    return !b->failed;
}

/* Room for `extra` more bytes, or the failure mark. */
static inline bool make_room(struct s3p_buf *b, size_t extra)
{
    bool there = b->data != NULL && !b->failed && extra <= b->cap - b->len;
    return there || make_room_anew(b, extra);
}

char *s3p_buf_grow(struct s3p_buf *b, size_t len)
{
    if (!make_room(b, len))
        return NULL;
    char *room = b->data + b->len;
    b->len += len;
    return room;
}

void s3p_buf_add(struct s3p_buf *b, const void *p, size_t len)
{
    if (len == 0)
        return;
    char *room = s3p_buf_grow(b, len);
    if (room != NULL)
        memcpy(room, p, len);
}

void s3p_buf_str(struct s3p_buf *b, const char *cstr)
{
    s3p_buf_add(b, cstr, strlen(cstr));
}

void s3p_buf_view(struct s3p_buf *b, struct s3p_str s)
{
    s3p_buf_add(b, s.p, s.len);
}

void s3p_buf_char(struct s3p_buf *b, char c)
{
    s3p_buf_add(b, &c, 1);
}

void s3p_buf_u64(struct s3p_buf *b, uint64_t v)
{
    char digits[20];
    s3p_buf_add(b, digits, s3p_u64_text(digits, v));
}

void s3p_buf_i64(struct s3p_buf *b, int64_t v)
{
    char text[21] = "-";
    size_t sign = v < 0;
    size_t len = s3p_u64_text(text + sign, sign ? 0 - (uint64_t)v : (uint64_t)v);
    s3p_buf_add(b, text, sign + len);
}

void s3p_buf_fmt(struct s3p_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0 || !make_room(b, (size_t)len)) {
        b->failed = true;
        return;
    }
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)len + 1, fmt, ap); /* the NUL has its place */
    va_end(ap);
    b->len += (size_t)len;
}

const char *s3p_buf_cstr(struct s3p_buf *b)
{
    if (b->failed || b->data == NULL)
        return "";
    b->data[b->len] = 0;
    return b->data;
}

bool s3p_buf_ok(const struct s3p_buf *b)
{
    return !b->failed;
}

bool s3p_str_eq(struct s3p_str a, const char *cstr)
{
    return strlen(cstr) == a.len && (a.len == 0 || memcmp(a.p, cstr, a.len) == 0);
}

bool s3p_str_same(struct s3p_str a, struct s3p_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}
