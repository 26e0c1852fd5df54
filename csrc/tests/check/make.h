/* Small histories for tests of the checker: a file of hand-made records, and its verdict. Times are
 * milliseconds after the run's start. Value n is a value id of client n with counter 1; its ETag is
 * a digest made from n. */
#ifndef S3P_TESTS_MAKE_H
#define S3P_TESTS_MAKE_H

#include <jansson.h>

#include "check/check.h"
#include "history/writer.h"

#define T_RUN UINT64_C(0x0102030405ff)
#define T_START_NS INT64_C(5000000000)
#define T_NEVER INT64_MAX

struct t_make {
    struct s3p_history *h;
    struct s3p_appender *a;
    char path[64];
    uint64_t seq;
};

/* `plan` and `profile` are JSON objects. Spaces: 0 "keys" (keys/00000000 …, a million), 1 ""
 * (fixed: "hot", "keys/00000007",
 * "per%63ent"), 2 "hot" (fixed: "hot"). Buckets: main, side. */
void t_make_begin(struct t_make *m, const char *plan, const char *profile);
/* The same with spaces of one's own (JSON objects); a whole header of one's own. */
void t_make_spaces(struct t_make *m, const char *plan, const char *profile, const char *spaces);
void t_make_header(struct t_make *m, const char *header);
struct s3p_attempt t_attempt(int op, uint32_t client, uint64_t key, int64_t call_ms,
                             int64_t return_ms);
struct s3p_id t_value(uint32_t n);
s3p_etag_bytes t_etag(uint32_t n);
void t_add(struct t_make *m, struct s3p_attempt r);

/* Shorthands; n: value written or seen. */
struct s3p_attempt t_put(uint32_t n, uint64_t key, int64_t call_ms, int64_t return_ms); /* 200 */
struct s3p_attempt t_cas(uint32_t n, uint32_t expect, uint64_t key, int64_t call_ms,
                         int64_t return_ms);          /* 0: create */
struct s3p_attempt t_refused(struct s3p_attempt put); /* 412 */
struct s3p_attempt t_lost(struct s3p_attempt put);    /* no answer */
struct s3p_attempt t_get(uint32_t n, uint64_t key, int64_t call_ms, int64_t return_ms); /* 0: 404 */

/* Closes the file, judges it, removes it. */
json_t *t_make_judge(struct t_make *m, const struct s3p_check_opts *o);
int t_make_fail(struct t_make *m, const struct s3p_check_opts *o,
                struct s3p_err *err); /* the error code */
void t_make_close(struct t_make *m);
json_t *t_judge(const char *path, const struct s3p_check_opts *o);

int64_t t_rule(const json_t *verdict, const char *rule); /* violations of it */
int64_t t_skipped(const json_t *verdict, const char *reason, const char *what);
const char *t_text(const json_t *verdict, const char *name);
/* Judges: one violation, and of this rule; NULL: none. */
void t_expect_one(const char *file, int line, struct t_make *m, const char *rule);
char *t_dump(const json_t *v); /* its text; release with s3p_free */
const json_t *t_witness(const json_t *verdict, size_t i);

#endif
