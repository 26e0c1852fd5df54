#include "tests/t.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

void t_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "  %s:%d: ", file, line);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    fflush(NULL);
    _exit(1);
}

const char *t_vectors(const char *name)
{
    static char path[512];
    const char *root = getenv("S3PROD_VECTORS");
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : "csrc/tests/vectors", name);
    return path;
}

char *t_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        t_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *p = s3p_alloc((size_t)size + 1);
    if (p == NULL || fread(p, 1, (size_t)size, f) != (size_t)size)
        t_fail(__FILE__, __LINE__, "%s: cannot read", path);
    p[size] = 0;
    fclose(f);
    *len = (size_t)size;
    return p;
}

void t_run(const struct t_case *t)
{
    int64_t before = s3p_alloc_live();
    alarm((unsigned)t->limit_s);
    t->fn();
    int64_t left = s3p_alloc_live() - before;
    if (left != 0)
        t_fail(t->name, 0, "%lld allocations left over", (long long)left);
}

