/* The one error shape of the project: a code, the system's own number, and a message that the
 * caller owns.
 *
 * Every fallible function returns 0 or a negative S3P_E… code, carries S3P_MUST_CHECK and fills
 * `err` once, at the place that knows most. `err` may be NULL where the caller does not care for
 * the text. The library never prints, exits or aborts. An outcome of a request (a 412, a reset
 * connection) is data for the history, not an error: `err` is for what stops the run.
 *
 * Threads: a struct s3p_err belongs to its caller. */
#ifndef S3P_CORE_ERR_H
#define S3P_CORE_ERR_H

#include <stdarg.h>

#define S3P_MUST_CHECK __attribute__((warn_unused_result))
#define S3P_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

enum s3p_code {
    S3P_OK = 0,
    S3P_EINVAL = -1,   /* bad argument or plan: the message names field, value, expectation */
    S3P_ENOMEM = -2,   /* allocation failed */
    S3P_EIO = -3,      /* file or socket call failed; `sys` has errno */
    S3P_ELIMIT = -4,   /* a stated bound was reached */
    S3P_EFORMAT = -5,  /* damaged or foreign input: the message names record and field */
    S3P_ESTATE = -6,   /* called in the wrong state */
    S3P_ENET = -7,     /* resolve, connect, TLS; `sys` has the CURLcode */
    S3P_ETIMEOUT = -8, /* a deadline passed */
    S3P_ECANCEL = -9,  /* the loop was cancelled */
    S3P_EUNSUP = -10,  /* known, but not offered here */
};

struct s3p_err {
    int code; /* enum s3p_code */
    int sys;  /* errno or library code, 0 when there is none */
    char msg[256];
};

/* Fills `err` (when not NULL) and returns `code`: a failing function ends with `return
 * s3p_fail(…)`. A message that is too long is cut. */
int s3p_fail(struct s3p_err *err, int code, int sys, const char *fmt, ...) S3P_PRINTF(4, 5);

/* Returns from the calling function when `expr` is negative. */
#define S3P_TRY(expr)                                                                              \
    do {                                                                                           \
        int s3p_try_rc_ = (expr);                                                                  \
        if (s3p_try_rc_ < 0)                                                                       \
            return s3p_try_rc_;                                                                    \
    } while (0)

/* Impossible states. In debug and sanitizer builds (-DS3P_DEBUG) a failing assertion traps; in
 * release builds it costs nothing, and the code that follows must still be safe. */
#ifdef S3P_DEBUG
#define S3P_ASSERT(cond) ((cond) ? (void)0 : __builtin_trap())
#else
#define S3P_ASSERT(cond) ((void)sizeof(!(cond)))
#endif

#endif
