/* The version `null`: each rule on a hand-made history, and a correct store of a bucket whose
 * versions come and go with random ones. */
#include "tests/t.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { FILES = 20 };
#else
enum { FILES = 400 };
#endif

/* Values 1 and 2 were written before the bucket kept versions. */
static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
    t_add(m, t_put(1, 3, 1, 2));
    t_add(m, t_put(2, 3, 3, 4));
    t_add_versioning(m, "status=Enabled", 5, 6);
}

/* A key that nobody removes by version, so that nothing is judged twice. */
T_TEST(nulls_from_before)
{
    struct t_make m;
    begin(&m);
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    t_add_asked(&m, t_get(2, 3, 9, 10), "null");
    T_PAGE(&m, 11, 12, T_VALUE("v1", S3P_ENTRY_LATEST, 7), T_VALUE("null", 0, 2));
    t_add_version(&m, t_deleted(13, 14), "v2");
    t_add_asked(&m, t_get(2, 3, 15, 16), "null");
    t_add_asked(&m, t_deleted(17, 18), "null");
    t_add_asked(&m, t_gone(19, 20), "null");
    t_expect_versions(&m, NULL);
    begin(&m); /* the one that was replaced */
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    t_add_asked(&m, t_get(1, 3, 9, 10), "null");
    t_expect_versions(&m, "stale-read");
    begin(&m); /* as an entry */
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    t_add_asked(&m, t_get(2, 3, 9, 10), "null");
    T_PAGE(&m, 11, 12, T_VALUE("v1", S3P_ENTRY_LATEST, 7), T_VALUE("null", 0, 1));
    t_expect_versions(&m, "stale-read");
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}"); /* lost by a write beside it */
    t_add(&m, t_put(2, 3, 3, 4));
    t_add_versioning(&m, "status=Enabled", 5, 6);
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    t_add_asked(&m, t_gone(9, 10), "null");
    t_expect_versions(&m, "absent-after-ack");
    begin(&m); /* another version's value */
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    t_add_asked(&m, t_get(7, 3, 9, 10), "null");
    t_expect_versions(&m, "unwritten-value");
    begin(&m);
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    t_add_asked(&m, t_deleted(9, 10), "null");
    t_add_asked(&m, t_get(2, 3, 11, 12), "null");
    t_expect_versions(&m, "present-after-delete");
}

/* Bodies too short to hold their whole ids may be equal: an ETag names none of them. */
T_TEST(nulls_of_short_bodies)
{
    struct t_make m;
    struct s3p_attempt one = t_put(1, 3, 1, 2), two = t_put(2, 3, 3, 4);
    one.size = two.size = 8;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
    t_add(&m, one);
    t_add(&m, two);
    t_add_versioning(&m, "status=Enabled", 5, 6);
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    t_add_asked(&m, t_get(2, 3, 9, 10), "null");
    T_PAGE(&m, 11, 12, T_VALUE("v1", S3P_ENTRY_LATEST, 7), T_VALUE("null", 0, 1));
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "stale-read"), 0);
    json_decref(v);
}

T_TEST(nulls_of_unknown_fate)
{
    struct t_make m;
    begin(&m); /* a write without an answer may have been of either */
    t_add(&m, t_lost(t_put(7, 3, 7, 8)));
    t_add_asked(&m, t_get(2, 3, 9, 10), "null");
    t_add_asked(&m, t_get(7, 3, 11, 12), "null");
    t_expect_versions(&m, NULL);
    begin(&m); /* a delete that tells no id, too */
    struct s3p_attempt child = t_deleted(7, 8);
    child.op = S3P_OP_DELETE_CHILD;
    t_add(&m, child);
    t_add_asked(&m, t_get(2, 3, 9, 10), "null");
    t_add_asked(&m, t_gone(11, 12), "null");
    t_expect_versions(&m, NULL);
}

T_TEST(nulls_while_suspended)
{
    struct t_make m;
    begin(&m);
    t_add_versioning(&m, "status=Suspended", 7, 8);
    t_add_version(&m, t_put(7, 3, 9, 10), "null");
    t_add_asked(&m, t_get(7, 3, 11, 12), "null");
    t_add_version(&m, t_deleted(13, 14), "null"); /* a marker in its place */
    t_add_asked(&m, t_gone(15, 16), "null");
    t_expect_versions(&m, NULL);
    begin(&m); /* written again while it is listed, it moves */
    t_add_version(&m, t_put(9, 3, 7, 8), "v1");
    t_add_versioning(&m, "status=Suspended", 9, 10);
    t_add_version(&m, t_put(7, 3, 11, 20), "null");
    T_PAGE(&m, 12, 13, T_V("v1", 0), T_V("null", S3P_ENTRY_LATEST));
    t_expect_rule(&m, NULL);
    begin(&m);
    t_add_versioning(&m, "status=Suspended", 7, 8);
    t_add_version(&m, t_put(7, 3, 9, 10), "null");
    t_add_version(&m, t_put(8, 3, 11, 12), "null");
    t_add_asked(&m, t_get(7, 3, 13, 14), "null");
    t_expect_versions(&m, "stale-read");
}

T_TEST(nulls_in_pages)
{
    struct t_make m;
    begin(&m);
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    T_PAGE(&m, 9, 10, T_V("v1", S3P_ENTRY_LATEST));
    t_expect_rule(&m, "list-missing");
    begin(&m);
    t_add_version(&m, t_put(7, 3, 7, 8), "v1");
    t_add_asked(&m, t_deleted(9, 10), "null");
    T_PAGE(&m, 11, 12, T_V("v1", S3P_ENTRY_LATEST), T_V("null", 0));
    t_expect_rule(&m, "list-phantom");
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}"); /* the bucket never kept versions */
    t_add(&m, t_put(1, 3, 1, 2));
    T_PAGE(&m, 3, 4, T_V("null", S3P_ENTRY_LATEST));
    t_add_asked(&m, t_deleted(5, 6), "null");
    T_PAGE(&m, 7, 8, T_V("null", S3P_ENTRY_LATEST));
    t_expect_rule(&m, "list-phantom");
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}"); /* a store that does not name it */
    t_add(&m, t_put(1, 3, 1, 2));
    T_PAGE(&m, 3, 4, T_V("", S3P_ENTRY_LATEST));
    t_expect_rule(&m, NULL);
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}"); /* one write: it has its place */
    t_add(&m, t_put(1, 3, 1, 2));
    t_add_versioning(&m, "status=Enabled", 3, 4);
    t_add_version(&m, t_put(7, 3, 5, 6), "v1");
    T_PAGE(&m, 7, 8, T_V("v1", 0), T_V("null", S3P_ENTRY_LATEST));
    t_expect_rule(&m, "list-latest");
}

/* A bucket without versions: `null` is the object, and keys with lost answers are still judged. */
T_TEST(nulls_of_plain_buckets)
{
    for (int wrong = 0; wrong < 2; wrong++) {
        struct t_make m;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add(&m, t_put(1, 3, 1, 2));
        t_add(&m, t_lost(t_put(2, 3, 3, 4)));
        t_add(&m, t_put(7, 3, 5, 6));
        t_add(&m, t_get(wrong ? 1 : 7, 3, 7, 8));
        t_add_asked(&m, t_deleted(9, 10), "null");
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_skipped(v, "versions", "keys"), 0);
        T_EQ(t_rule(v, "stale-read"), wrong);
        json_decref(v);
    }
}

/* ---- a correct store: one key, three clients ---- */

struct state {
    bool enabled;       /* else suspended */
    uint32_t null;      /* value + 1 of the version null; 0: none; 1: a marker */
    uint32_t value[64]; /* of versions with ids; 0: a marker */
    uint32_t n, values;
};

struct step {
    int op;
    bool by_null, lost, dropped;
    int64_t inv, at, res;
    struct s3p_attempt r;
    char version[16];
};

static void read_null(struct step *s, const struct state *x)
{
    uint32_t value = x->null > 1 ? x->null - 1 : 0;
    s->r = t_get(value, 3, s->inv, s->res);
    if (value != 0)
        s->r.body_id = s->r.meta_id = t_nth(100, value);
    s->r.size = 0;
    if (x->null == 1)
        s->r.status = 405;
}

static void carry_out(struct step *s, struct state *x)
{
    if (s->op == S3P_OP_GET) {
        read_null(s, x);
        return;
    }
    uint32_t value = s->op == S3P_OP_PUT ? ++x->values : 0;
    s->r = t_attempt(s->op, 100, 3, s->inv, s->res);
    s->r.outcome = S3P_OK_OUTCOME;
    s->r.status = 200;
    if (value != 0)
        s->r.body_id = s->r.meta_id = t_nth(100, value);
    if (s->dropped)
        return;
    if (s->by_null) {
        x->null = 0;
    } else if (x->enabled) {
        snprintf(s->version, sizeof s->version, "v%u", x->n);
        x->value[x->n++] = value;
    } else {
        snprintf(s->version, sizeof s->version, "null");
        x->null = value + 1;
    }
    s->r.flags |= s->op == S3P_OP_DELETE && !s->by_null ? S3P_FLAG_DELETE_MARKER : 0;
}

static void write_down(struct t_make *m, struct step *s)
{
    bool names = s->op == S3P_OP_GET || s->by_null;
    if (s->lost && s->op != S3P_OP_GET) {
        s->r.outcome = S3P_UNKNOWN;
        s->r.status = 0;
        s->r.t_return = INT64_MAX;
        s->version[0] = 0;
    }
    t_add_texts(m, s->r,
                (struct t_texts){.asked = names ? "null" : NULL,
                                 .version = s->version[0] != 0 ? s->version : NULL,
                                 .code = s->r.status == 404 ? "NoSuchVersion" : NULL});
}

static int by_time(const void *a, const void *b)
{
    const struct step *x = *(struct step *const *)a, *y = *(struct step *const *)b;
    return (x->at > y->at) - (x->at < y->at);
}

static int draw(struct step *step, struct step **order, struct s3p_rng *g)
{
    static const int ops[] = {S3P_OP_PUT, S3P_OP_PUT, S3P_OP_GET, S3P_OP_GET, S3P_OP_DELETE};
    int n = 0;
    for (int client = 0; client < 3; client++) {
        int64_t t = 10 + (int64_t)(s3p_rng_u64(g) % 10);
        for (int k = 0; k < 6; k++) {
            int64_t took = 1 + (int64_t)(s3p_rng_u64(g) % 9);
            struct step *s = &step[n];
            *s = (struct step){.op = ops[s3p_rng_u64(g) % 5], .inv = t, .res = t + took};
            s->at = t + (int64_t)(s3p_rng_u64(g) % (uint64_t)(took + 1));
            s->by_null = s->op == S3P_OP_DELETE && s3p_rng_u64(g) % 2 == 0;
            s->lost = s3p_rng_u64(g) % 10 == 0;
            s->dropped = s->lost && s3p_rng_u64(g) % 2 == 0;
            order[n++] = s;
            t += took + (int64_t)(s3p_rng_u64(g) % 5);
        }
    }
    qsort(order, (size_t)n, sizeof *order, by_time);
    return n;
}

/* The whole key, at rest: `null` stands anywhere, as far as anybody can tell. */
static void list_all(struct t_make *m, const struct state *x)
{
    struct t_listed e[80];
    char text[64][16];
    int n = 0;
    if (x->null != 0)
        e[n++] = (struct t_listed){"null", x->null == 1 ? S3P_ENTRY_MARKER : 0, 3, 0, 0, 0};
    for (uint32_t i = x->n; i-- > 0; n++) {
        snprintf(text[i], sizeof text[i], "v%u", i);
        e[n] = (struct t_listed){text[i], x->value[i] == 0 ? S3P_ENTRY_MARKER : 0, 3, 0, 0, 0};
    }
    if (n != 0)
        e[0].flags |= S3P_ENTRY_LATEST;
    t_add_versions(m, 9000, 9001, e, n);
}

T_TEST_LIMIT(nulls_correct_store, 300)
{
    for (uint64_t file = 0; file < FILES; file++) {
        struct s3p_rng g = {1, file, 0};
        struct state x = {.enabled = file % 2 == 0};
        struct step step[32], *order[32];
        struct t_make m;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        if (file % 3 == 0) {
            t_add(&m, t_put(60, 3, 1, 2));
            x.null = 0;
            t_add_asked(&m, t_deleted(3, 4), "null");
        }
        t_add_versioning(&m, "status=Enabled", 5, 6);
        if (!x.enabled)
            t_add_versioning(&m, "status=Suspended", 7, 8);
        int n = draw(step, order, &g);
        for (int k = 0; k < n; k++)
            carry_out(order[k], &x);
        for (int k = 0; k < n; k++)
            write_down(&m, &step[k]);
        list_all(&m, &x);
        t_expect_rule(&m, NULL);
    }
}
