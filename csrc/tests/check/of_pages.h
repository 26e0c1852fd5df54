/* Hand-made pages of listings, for tests of the checker. */
#ifndef S3P_TESTS_OF_PAGES_H
#define S3P_TESTS_OF_PAGES_H

#include "s3/op.h"
#include "tests/check/make.h"

#define NO_MD5 "{\"etag_is_md5\":false}"

/* One entry: "#7" key 7 of the plan, "-name" a common prefix, else a text; of parts a number.
 * Behind '@' a version or upload id, behind that '*' for the latest. */
struct t_page {
    int op;
    const char *args, *next, *upload; /* next NULL: the last page */
    int64_t call, ret;
    const char *entries; /* blank between them */
    const char *profile;
};

/* What pages say of themselves beside that. */
struct t_page_says {
    int64_t count;    /* KeyCount; 0: none */
    const char *last; /* how to go on behind the last page; NULL */
};
extern struct t_page_says t_says;

void t_add_page(struct t_make *m, const struct t_page *g);
struct s3p_attempt t_removed(uint64_t key, int64_t call_ms, int64_t return_ms); /* 204 */
/* Keys 1, 2, 3 and 5 since 2 ms; 2 goes in [10, 12], 4 comes in [10, 12]; 6 is perhaps there. */
void t_add_keys(struct t_make *m);
int64_t t_violations(const json_t *v);

/* The pages break exactly `rule`, once; NULL: none. */
void t_expect_pages(int line, const char *rule, const struct t_page *g, size_t n);
#define T_EXPECT_PAGES(rule, ...)                                                                  \
    do {                                                                                           \
        const struct t_page g_[] = {__VA_ARGS__};                                                  \
        t_expect_pages(__LINE__, rule, g_, sizeof g_ / sizeof *g_);                                \
    } while (0)

enum { LIST = S3P_OP_LIST, LIST_V1 = S3P_OP_LIST_V1 };

#endif
