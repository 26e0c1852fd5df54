/* A growable byte buffer with a mandatory maximum. A failed append empties nothing but marks the
 * buffer failed; further appends are no-ops, so that a writer checks once, at the end, with
 * s3p_buf_ok().
 *
 * Ownership: the struct is plain data of its owner; s3p_buf_free releases the bytes, keeps the
 * maximum and is idempotent. */
#ifndef S3P_CORE_BUF_H
#define S3P_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct s3p_buf {
    char *data;  /* not NUL-terminated unless s3p_buf_cstr was called */
    size_t len;
    size_t cap;
    size_t max;  /* len never exceeds it */
    bool failed;
};

/* A borrowed run of bytes. */
struct s3p_str {
    const char *p;
    size_t len;
};
#define S3P_STR(lit) ((struct s3p_str){(lit), sizeof(lit) - 1})

void s3p_buf_init(struct s3p_buf *b, size_t max); /* allocates nothing */
/* Capacity up front, so that appends do not allocate; S3P_ELIMIT above max, S3P_ENOMEM. */
int s3p_buf_reserve(struct s3p_buf *b, size_t cap) S3P_MUST_CHECK;
void s3p_buf_free(struct s3p_buf *b);
void s3p_buf_clear(struct s3p_buf *b); /* len = 0, failed = false, keeps the capacity */
void s3p_buf_add(struct s3p_buf *b, const void *p, size_t len);
void s3p_buf_str(struct s3p_buf *b, const char *cstr);
void s3p_buf_view(struct s3p_buf *b, struct s3p_str s);
void s3p_buf_char(struct s3p_buf *b, char c);
void s3p_buf_u64(struct s3p_buf *b, uint64_t v); /* decimal */
void s3p_buf_i64(struct s3p_buf *b, int64_t v);
void s3p_buf_fmt(struct s3p_buf *b, const char *fmt, ...) S3P_PRINTF(2, 3); /* not for hot paths */
/* Room for len bytes, counted as used; NULL on failure. Valid until the next append. */
char *s3p_buf_grow(struct s3p_buf *b, size_t len);
const char *s3p_buf_cstr(struct s3p_buf *b); /* NUL behind the bytes; "" when failed */
bool s3p_buf_ok(const struct s3p_buf *b);
bool s3p_str_eq(struct s3p_str a, const char *cstr);
bool s3p_str_same(struct s3p_str a, struct s3p_str b);

#endif
