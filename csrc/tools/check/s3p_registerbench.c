/* How fast is the register alone, in memory, on one thread?
 *
 *   s3p_registerbench [-c IN-FLIGHT] [-n OPERATIONS] [-k KEYS] [-s SEED] [-d] [-x FILE]
 *
 * Makes KEYS honest histories of so many operations each, 40 % writes of values of their own and
 * 60 % reads, and prints one JSON line: operations a CPU second, the share of windows that were
 * given up. -d: a sixth of the operations are deletes and refused creates, which need the search.
 * -x writes the same histories for another checker, a line an operation: key, kind (w, r, d,
 * n: refused since there is a value), call, return, value (0: absent).
 *
 * Every operation takes effect at a random point inside its interval; points in the order of the
 * calls would make any checker look fast. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check/register.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/random.h"
#include "s3/outcome.h"

enum { FLIGHT_MAX = 64 };
#define LEAST_NS 200000000 /* of CPU time that is measured */

struct options {
    uint32_t flight, ops, keys;
    uint64_t seed;
    bool deletes;
    const char *export;
};

struct made {
    struct s3p_reg_op op;
    int64_t point;
};

static int by_point(const void *a, const void *b)
{
    const struct made *x = a, *y = b;
    return (x->point > y->point) - (x->point < y->point);
}

static int by_return(const void *a, const void *b)
{
    const struct made *x = a, *y = b;
    return (x->op.res > y->op.res) - (x->op.res < y->op.res);
}

static void draw(struct made *m, const struct options *o, struct s3p_rng *g)
{
    int64_t clock[FLIGHT_MAX];
    for (uint32_t c = 0; c < o->flight; c++)
        clock[c] = (int64_t)s3p_rng_below(g, 1000) + 1;
    for (uint32_t i = 0; i < o->ops; i++) {
        int64_t *t = &clock[i % o->flight], span = 100 + (int64_t)s3p_rng_below(g, 2000);
        m[i].op = (struct s3p_reg_op){.inv = *t, .res = *t + span, .outcome = S3P_OK_OUTCOME};
        m[i].op.kind = s3p_rng_below(g, 5) < 2 ? S3P_REG_WRITE : S3P_REG_READ;
        if (o->deletes && s3p_rng_below(g, 6) == 0)
            m[i].op.kind = s3p_rng_below(g, 2) ? S3P_REG_DELETE : S3P_REG_NOT;
        m[i].point = *t + (int64_t)s3p_rng_below(g, (uint64_t)span + 1);
        *t += span + 1;
    }
}

/* The order of effects decides what is seen. */
static void play(struct made *m, uint32_t n)
{
    uint32_t state = S3P_REG_ABSENT;
    for (uint32_t i = 0; i < n; i++) {
        struct s3p_reg_op *op = &m[i].op;
        if (op->kind == S3P_REG_WRITE || op->kind == S3P_REG_DELETE)
            state = op->value;
        else if (op->kind == S3P_REG_NOT && state == S3P_REG_ABSENT)
            op->kind = S3P_REG_READ; /* a create would have succeeded */
        else if (op->kind == S3P_REG_READ)
            op->value = state;
    }
}

/* One key, by return; values are numbered as the loader does, by return. */
static uint32_t make_key(struct made *m, struct s3p_reg_op *op, const struct options *o,
                         struct s3p_rng *g)
{
    uint32_t values = 0;
    draw(m, o, g);
    qsort(m, o->ops, sizeof *m, by_return);
    for (uint32_t i = 0; i < o->ops; i++)
        if (m[i].op.kind == S3P_REG_WRITE)
            m[i].op.value = ++values;
    qsort(m, o->ops, sizeof *m, by_point);
    play(m, o->ops);
    qsort(m, o->ops, sizeof *m, by_return);
    for (uint32_t i = 0; i < o->ops; i++)
        op[i] = m[i].op;
    return values;
}

static int export(const struct options *o, const struct s3p_reg_op *op)
{
    static const char letter[] = {[S3P_REG_READ] = 'r',
                                  [S3P_REG_WRITE] = 'w',
                                  [S3P_REG_NOT] = 'n',
                                  [S3P_REG_DELETE] = 'd'};
    FILE *f = fopen(o->export, "w");
    if (f == NULL)
        return 2;
    for (size_t i = 0; i < (size_t)o->keys * o->ops; i++)
        fprintf(f, "%zu %c %" PRId64 " %" PRId64 " %u\n", i / o->ops, letter[op[i].kind], op[i].inv,
                op[i].res, op[i].value);
    return fclose(f) == 0 ? 0 : 2;
}

static int measure(const struct options *o, const struct s3p_reg_op *op, const uint32_t *values)
{
    struct s3p_reg *reg = NULL;
    struct s3p_reg_result res;
    uint64_t windows = 0, given_up = 0, ops = 0;
    int64_t begun = s3p_thread_cpu_ns(), spent = 0;
    int rc = s3p_reg_create(&reg, NULL);
    while (rc == 0 && spent < LEAST_NS) {
        for (uint32_t k = 0; k < o->keys && rc == 0; k++) {
            rc = s3p_reg_check(reg, op + (size_t)k * o->ops, o->ops, values[k], &res, NULL);
            rc = rc == 0 && res.nviolations != 0 ? 2 : rc;
            windows += res.windows;
            given_up += res.unknown_windows;
        }
        ops += (uint64_t)o->keys * o->ops;
        spent = s3p_thread_cpu_ns() - begun;
    }
    s3p_reg_free(reg);
    if (rc == 0)
        printf("{\"ops_per_s\":%.0f,\"unknown_windows\":%.4f}\n",
               (double)ops / ((double)spent / 1e9), (double)given_up / (double)windows);
    return rc != 0 ? 2 : 0;
}

static bool parse(struct options *o, int argc, char **argv)
{
    int opt;
    *o = (struct options){.flight = 16, .ops = 10000, .keys = 100, .seed = 7};
    while ((opt = getopt(argc, argv, "c:n:k:s:dx:")) != -1) {
        if (opt == 'c')
            o->flight = (uint32_t)strtoul(optarg, NULL, 10);
        else if (opt == 'n')
            o->ops = (uint32_t)strtoul(optarg, NULL, 10);
        else if (opt == 'k')
            o->keys = (uint32_t)strtoul(optarg, NULL, 10);
        else if (opt == 's')
            o->seed = strtoull(optarg, NULL, 10);
        else if (opt == 'd')
            o->deletes = true;
        else if (opt == 'x')
            o->export = optarg;
        else
            return false;
    }
    return optind == argc && o->flight > 0 && o->flight <= FLIGHT_MAX && o->ops > 0 && o->keys > 0;
}

int main(int argc, char **argv)
{
    struct options o;
    if (!parse(&o, argc, argv)) {
        fprintf(stderr, "usage: s3p_registerbench [-c IN-FLIGHT] [-n OPERATIONS] [-k KEYS] "
                        "[-s SEED] [-d] [-x FILE]\n");
        return 2;
    }
    struct s3p_rng g = {o.seed, o.flight, 0};
    struct made *m = s3p_alloc(o.ops * sizeof *m);
    struct s3p_reg_op *op = s3p_alloc((size_t)o.keys * o.ops * sizeof *op);
    uint32_t *values = s3p_alloc(o.keys * sizeof *values);
    int rc = m != NULL && op != NULL && values != NULL ? 0 : 2;
    for (uint32_t k = 0; k < o.keys && rc == 0; k++)
        values[k] = make_key(m, op + (size_t)k * o.ops, &o, &g);
    if (rc == 0 && o.export != NULL)
        rc = export(&o, op);
    if (rc == 0)
        rc = measure(&o, op, values);
    s3p_free(m);
    s3p_free(op);
    s3p_free(values);
    return rc;
}
