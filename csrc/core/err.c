#include "core/err.h"

#include <stdio.h>

int s3p_fail(struct s3p_err *err, int code, int sys, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    err->code = code;
    err->sys = sys;
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(err->msg, sizeof err->msg, fmt, ap) < 0)
        err->msg[0] = 0;
    va_end(ap);
    return code;
}
