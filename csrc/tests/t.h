/* Test utilities of the C core. A test is T_TEST(name) { … }: it registers itself by a linker
 * section, runs in a process of its own with a time limit, and fails when an assertion fails, when
 * it crashes, or when allocations are left over. Assertions print both values and work in every
 * build. */
#ifndef S3P_TESTS_T_H
#define S3P_TESTS_T_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/err.h"

struct t_case {
    const char *name;
    void (*fn)(void);
    int limit_s;
};

#define T_TEST_LIMIT(test, seconds)                                                                \
    static void t_fn_##test(void);                                                                 \
    static const struct t_case t_case_##test = {#test, t_fn_##test, (seconds)};                    \
    static const struct t_case *const t_ptr_##test                                                 \
        __attribute__((used, retain, section("t_cases"))) = &t_case_##test;                        \
    static void t_fn_##test(void)
#define T_TEST(test) T_TEST_LIMIT(test, 300)

extern const struct t_case *const __start_t_cases[];
extern const struct t_case *const __stop_t_cases[];
void t_run(const struct t_case *t); /* in this process, which an assertion that fails ends */

void t_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
/* Path of a file under csrc/tests/vectors; valid until the next call. */
const char *t_vectors(const char *name);
char *t_read(const char *path, size_t *len); /* whole file, NUL behind it; release with s3p_free */

#define T_TRUE(cond)                                                                               \
    do {                                                                                           \
        if (!(cond))                                                                               \
            t_fail(__FILE__, __LINE__, "not true: %s", #cond);                                     \
    } while (0)
#define T_EQ(a, b)                                                                                 \
    do {                                                                                           \
        int64_t t_a_ = (int64_t)(a), t_b_ = (int64_t)(b);                                          \
        if (t_a_ != t_b_)                                                                          \
            t_fail(__FILE__, __LINE__, "%s = %lld, %s = %lld", #a, (long long)t_a_, #b,            \
                   (long long)t_b_);                                                               \
    } while (0)
#define T_STR(a, b)                                                                                \
    do {                                                                                           \
        const char *t_a_ = (a), *t_b_ = (b);                                                       \
        if (strcmp(t_a_, t_b_) != 0)                                                               \
            t_fail(__FILE__, __LINE__, "%s = \"%s\", expected \"%s\"", #a, t_a_, t_b_);            \
    } while (0)
#define T_MEM(a, b, len)                                                                           \
    do {                                                                                           \
        if (memcmp((a), (b), (len)) != 0)                                                          \
            t_fail(__FILE__, __LINE__, "%s and %s differ in their first %zu bytes", #a, #b,        \
                   (size_t)(len));                                                                 \
    } while (0)
#define T_OK(expr)                                                                                 \
    do {                                                                                           \
        struct s3p_err t_e_ = {0};                                                                 \
        struct s3p_err *err = &t_e_;                                                               \
        (void)err;                                                                                 \
        int t_rc_ = (expr);                                                                        \
        if (t_rc_ != 0)                                                                            \
            t_fail(__FILE__, __LINE__, "%s = %d: %s", #expr, t_rc_, t_e_.msg);                     \
    } while (0)

#endif
