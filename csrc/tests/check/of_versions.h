/* Hand-made histories of the versions of key 3, for tests of the checker. */
#ifndef S3P_TESTS_OF_VERSIONS_H
#define S3P_TESTS_OF_VERSIONS_H

#include "tests/check/make.h"

/* A write that was given a version; a request that names one. */
void t_add_version(struct t_make *m, struct s3p_attempt r, const char *version);
void t_add_asked(struct t_make *m, struct s3p_attempt r, const char *asked);
struct s3p_attempt t_deleted(int64_t call_ms, int64_t return_ms); /* 204 */
struct s3p_attempt t_gone(int64_t call_ms, int64_t return_ms);    /* 404 */

void t_add_versioning(struct t_make *m, const char *args, int64_t call_ms, int64_t return_ms);
struct s3p_attempt t_denied(struct s3p_attempt r); /* 403 */

/* A page of versions, whole. */
struct t_listed {
    const char *version;
    uint8_t flags;
    uint64_t key;
    int64_t last_modified_s;
    uint32_t value; /* whose ETag it has; 0: none */
    uint64_t size;
};
void t_add_versions(struct t_make *m, int64_t call_ms, int64_t return_ms,
                    const struct t_listed *e, int n);
/* The same with an attempt of one's own. */
void t_add_listed(struct t_make *m, struct s3p_attempt r, const struct t_listed *e, int n);

#define T_V(id, flags) {id, flags, 3, 0, 0, 0}
#define T_VALUE(id, flags, value) {id, flags, 3, 0, value, 0}
#define T_TIMED(id, flags, last_modified_s) {id, flags, 3, last_modified_s, 0, 0}
#define T_PAGE(m, call, ret, ...)                                                                  \
    do {                                                                                           \
        const struct t_listed e_[] = {__VA_ARGS__};                                                \
        t_add_versions(m, call, ret, e_, (int)(sizeof e_ / sizeof *e_));                           \
    } while (0)

/* Judges: one violation, of this rule (and of the aspect versions); NULL: none. */
void t_expect_rule(struct t_make *m, const char *rule);
void t_expect_versions(struct t_make *m, const char *rule);

#endif
