/* Random histories, one a key, through a file: the verdict must be what the oracle says of each
 * key, whatever the number of threads, the order of the records and the memory bound. */
#include "tests/t.h"

#include <stdlib.h>
#include <unistd.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/make.h"
#include "tests/check/oracle.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { KEYS = 1500 };
#else
enum { KEYS = 10000 };
#endif

/* Value v of key k as a client number, so that ids and ETags are unique over the file. */
static uint32_t name(uint64_t key, uint32_t value)
{
    return (uint32_t)key * 16 + value;
}

static struct s3p_attempt write_record(const struct s3p_reg_op *o, uint64_t key)
{
    uint32_t n = name(key, o->value);
    struct s3p_attempt r = t_put(n, key, 0, 0);
    if (o->kind == S3P_REG_CREATE)
        r = t_cas(n, 0, key, 0, 0);
    if (o->kind == S3P_REG_CAS)
        r = t_cas(n, name(key, o->pred), key, 0, 0);
    if (o->kind == S3P_REG_REPLACE)
        r.cond = S3P_COND_IF_MATCH_ANY;
    if (o->outcome == S3P_FAILED) {
        r.status = 409;
        r.outcome = S3P_FAILED;
        r.evidence = S3P_EV_NONE;
        r.etag_form = S3P_ETAG_NONE;
    }
    return o->outcome == S3P_UNKNOWN ? t_lost(r) : r;
}

static struct s3p_attempt not_record(const struct s3p_reg_op *o, uint64_t key)
{
    struct s3p_attempt r = t_attempt(S3P_OP_GET, 5, key, 0, 0);
    r.outcome = S3P_FAILED;
    r.cond = o->value == 0 ? S3P_COND_IF_NONE_MATCH_ANY : S3P_COND_IF_MATCH;
    r.status = o->value == 0 ? 304 : 412;
    r.evidence = o->value == 0 ? S3P_EV_PRESENT : S3P_EV_NOT_MATCH;
    r.expect_form = o->value == 0 ? S3P_ETAG_NONE : S3P_ETAG_DIGEST;
    r.expect_etag = t_etag(name(key, o->value));
    return r;
}

static struct s3p_attempt record_of(const struct s3p_reg_op *o, uint64_t key)
{
    struct s3p_attempt r;
    if (o->kind == S3P_REG_READ) {
        r = t_get(o->value == 0 ? 0 : name(key, o->value), key, 0, 0);
    } else if (o->kind == S3P_REG_NOT) {
        r = not_record(o, key);
    } else if (o->kind == S3P_REG_DELETE || o->kind == S3P_REG_REMOVE) {
        r = t_attempt(S3P_OP_DELETE, 6, key, 0, 0);
        r.outcome = o->outcome;
        if (o->kind == S3P_REG_REMOVE) {
            r.cond = S3P_COND_IF_MATCH;
            r.expect_form = S3P_ETAG_DIGEST;
            r.expect_etag = t_etag(name(key, o->pred));
        }
    } else {
        r = write_record(o, key);
    }
    r.t_call = T_START_NS + o->inv * 1000;
    r.t_return = o->res == INT64_MAX ? INT64_MAX : T_START_NS + o->res * 1000;
    return r;
}

static void history_of(struct t_history *h, uint64_t key)
{
    struct s3p_rng g = {5, key, 0};
    t_history_make(h, &g, (enum t_shape)(key % SHAPE_COUNT));
    if (key & 1)
        t_history_corrupt(h, &g);
}

static void write_file(struct t_make *m, bool reverse)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
    for (uint64_t i = 0; i < KEYS; i++) {
        struct t_history h;
        uint64_t key = reverse ? KEYS - 1 - i : i;
        history_of(&h, key);
        for (uint32_t k = 0; k < h.n; k++)
            t_add(m, record_of(&h.op[reverse ? h.n - 1 - k : k], key));
    }
    t_make_close(m);
}

/* Which keys the verdict calls violated. */
static void collect(const json_t *v, bool *violated)
{
    size_t i;
    json_t *w;
    memset(violated, 0, KEYS * sizeof *violated);
    json_array_foreach (json_object_get(v, "witnesses"), i, w) {
        const char *key = t_text(w, "key");
        T_TRUE(strncmp(key, "keys/", 5) == 0);
        uint64_t n = strtoull(key + 5, NULL, 10);
        T_TRUE(n < KEYS);
        violated[n] = true;
    }
    T_EQ(json_array_size(json_object_get(v, "witnesses")),
         json_integer_value(json_object_get(v, "violations")));
}

static json_t *judge(const char *path, int threads, uint64_t memory)
{
    struct s3p_check_opts o = {
        .threads = threads, .memory_bytes = memory, .max_witnesses = 1 << 30};
    return t_judge(path, &o);
}

/* The verdict without its timings. */
static char *text_of(json_t *v)
{
    json_object_del(v, "checker");
    char *text = t_dump(v);
    json_decref(v);
    return text;
}

T_TEST_LIMIT(file_oracle, 120)
{
    struct t_make m;
    bool *violated = s3p_alloc(KEYS * sizeof *violated);
    uint64_t illegal = 0, missed = 0, skipped = 0;
    write_file(&m, false);
    json_t *v = judge(m.path, 1, 0);
    collect(v, violated);
    for (uint64_t key = 0; key < KEYS; key++) {
        struct t_history h;
        history_of(&h, key);
        bool legal = t_oracle_legal(h.op, h.n);
        illegal += !legal;
        missed += !legal && !violated[key];
        if (legal && violated[key]) {
            t_history_print(&h);
            t_fail(__FILE__, __LINE__, "key %llu: a false alarm", (unsigned long long)key);
        }
    }
    skipped = (uint64_t)(t_skipped(v, "search-gave-up", "keys") +
                         t_skipped(v, "negatives", "keys") +
                         t_skipped(v, "etag-unresolved", "keys"));
    fprintf(stderr, "  %d keys, %llu illegal, %llu not noticed, %llu said to be not checked\n",
            KEYS, (unsigned long long)illegal, (unsigned long long)missed,
            (unsigned long long)skipped);
    T_TRUE(illegal * 20 > KEYS && missed * 10 < illegal && missed <= skipped);
    json_decref(v);
    unlink(m.path);
    s3p_free(violated);
}

T_TEST_LIMIT(file_same_verdict, 120)
{
    struct t_make m;
    write_file(&m, false);
    char *one = text_of(judge(m.path, 1, 0));
    char *four = text_of(judge(m.path, 4, 0));
    char *small = text_of(judge(m.path, 2, KEYS * 300 + (1 << 20)));
    T_STR(four, one);
    T_STR(small, one);
    s3p_free(one);
    s3p_free(four);
    s3p_free(small);
    struct s3p_err err;
    T_EQ(t_make_fail(&m, &(struct s3p_check_opts){.memory_bytes = 4096}, &err), S3P_ELIMIT);
    T_TRUE(strstr(err.msg, "memory") != NULL);
}

T_TEST_LIMIT(file_reversed, 120)
{
    struct t_make m;
    bool *there = s3p_alloc(KEYS * sizeof *there), *back = s3p_alloc(KEYS * sizeof *back);
    write_file(&m, false);
    json_t *v = judge(m.path, 1, 0);
    collect(v, there);
    json_decref(v);
    unlink(m.path);
    write_file(&m, true);
    v = judge(m.path, 1, 0);
    collect(v, back);
    json_decref(v);
    unlink(m.path);
    T_MEM(there, back, KEYS * sizeof *there);
    s3p_free(there);
    s3p_free(back);
}
