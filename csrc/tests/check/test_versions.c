/* Versions of keys: each rule on a hand-made history, and a correct store with random ones. */
#include "tests/t.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/store.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { GROUPS = 500 };
#else
enum { GROUPS = 10000 };
#endif
enum { KEYS = 10 }; /* of one walk */

/* ---- by hand: key 3 ---- */

static void add_id(struct t_make *m, struct s3p_attempt r, const char *version)
{
    t_add_texts(m, r, (struct t_texts){.version = version});
}

static void add_asked(struct t_make *m, struct s3p_attempt r, const char *asked)
{
    t_add_texts(m, r,
                (struct t_texts){.asked = asked, .code = r.status == 404 ? "NoSuchVersion" : NULL});
}

static struct s3p_attempt deleted(int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(S3P_OP_DELETE, 40, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 204;
    return r;
}

struct listed {
    const char *version;
    uint8_t flags;
    uint64_t key;
};

static void add_page(struct t_make *m, int64_t call_ms, int64_t return_ms, const struct listed *e,
                     int n)
{
    struct s3p_attempt r =
        t_attempt(S3P_OP_LIST_VERSIONS, 50, S3P_NO_INDEX, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    s3p_append_begin(m->a, (size_t)n * 32 + 512, (size_t)n);
    for (int k = 0; k < n; k++) {
        struct s3p_entry entry = {.key_index = e[k].key, .flags = e[k].flags};
        entry.version_id = s3p_append_text(m->a, e[k].version, strlen(e[k].version));
        uint32_t at = s3p_append_entry(m->a, &entry);
        r.entries_first = k == 0 ? at : r.entries_first;
    }
    r.entries_count = (uint32_t)n;
    s3p_append(m->a, &r);
}

#define PAGE(m, call, ret, ...)                                                                    \
    do {                                                                                           \
        const struct listed e_[] = {__VA_ARGS__};                                                  \
        add_page(m, call, ret, e_, (int)(sizeof e_ / sizeof *e_));                    \
    } while (0)

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
    add_id(m, t_put(1, 3, 1, 2), "v1");
    add_id(m, t_put(2, 3, 3, 4), "v2");
}

static void expect(struct t_make *m, const char *rule)
{
    json_t *v = t_make_judge(m, NULL);
    char *text = t_dump(v);
    if (json_integer_value(json_object_get(v, "violations")) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1))
        t_fail(__FILE__, __LINE__, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    if (rule != NULL) {
        T_STR(t_text(t_witness(v, 0), "aspect"), "versions");
        fprintf(stderr, "  %s: %s\n", rule, t_text(t_witness(v, 0), "sentence"));
    }
    s3p_free(text);
    json_decref(v);
}

static struct s3p_attempt gone(int64_t call_ms, int64_t return_ms)
{
    return t_get(0, 3, call_ms, return_ms);
}

T_TEST(versions_held)
{
    struct t_make m;
    begin(&m);
    add_asked(&m, t_get(1, 3, 5, 6), "v1");
    PAGE(&m, 7, 8, {"v2", S3P_ENTRY_LATEST, 3}, {"v1", 0, 3});
    add_asked(&m, deleted(9, 10), "v2");
    t_add(&m, t_get(1, 3, 11, 12)); /* shows again */
    add_asked(&m, gone(11, 12), "v2");
    add_id(&m, deleted(13, 14), "v3");
    t_add(&m, gone(15, 16));
    add_asked(&m, deleted(17, 18), "v3");
    t_add(&m, t_get(1, 3, 19, 20));
    PAGE(&m, 21, 22, {"v1", S3P_ENTRY_LATEST, 3});
    expect(&m, NULL);
}

T_TEST(versions_by_id)
{
    struct t_make m;
    begin(&m);
    add_id(&m, t_put(7, 3, 5, 6), "v1");
    expect(&m, "version-id-reused");
    begin(&m);
    add_asked(&m, t_get(2, 3, 5, 6), "v1");
    expect(&m, "version-wrong-body");
    begin(&m);
    add_asked(&m, gone(5, 6), "v1");
    expect(&m, "version-lost");
    begin(&m);
    add_asked(&m, deleted(5, 6), "v1");
    add_asked(&m, t_get(1, 3, 7, 8), "v1");
    expect(&m, "version-undead");
    begin(&m); /* a delete that may have happened */
    add_asked(&m, t_lost(deleted(5, 6)), "v1");
    add_asked(&m, gone(7, 8), "v1");
    add_asked(&m, t_get(1, 3, 9, 10), "v1");
    expect(&m, NULL);
}

T_TEST(versions_by_plain_reads)
{
    struct t_make m;
    begin(&m); /* no promotion */
    add_asked(&m, deleted(5, 6), "v2");
    t_add(&m, gone(7, 8));
    expect(&m, "absent-after-ack");
    begin(&m); /* promotion of the wrong one */
    add_id(&m, t_put(7, 3, 5, 6), "v3");
    add_asked(&m, deleted(7, 8), "v3");
    t_add(&m, t_get(1, 3, 9, 10));
    expect(&m, "stale-read");
    begin(&m); /* the order of two that overlapped, by the walk */
    add_id(&m, t_put(7, 3, 5, 9), "v3");
    add_id(&m, t_put(8, 3, 5, 9), "v4");
    PAGE(&m, 10, 11, {"v4", S3P_ENTRY_LATEST, 3}, {"v3", 0, 3}, {"v2", 0, 3}, {"v1", 0, 3});
    t_add(&m, t_get(7, 3, 12, 13));
    expect(&m, "stale-read");
}

T_TEST(versions_missing)
{
    for (int late = 0; late < 2; late++) {
        struct t_make m;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        struct s3p_attempt r = t_attempt(S3P_OP_PUT_VERSIONING, 1, S3P_NO_INDEX, 1, late ? 5 : 2);
        r.outcome = S3P_OK_OUTCOME;
        t_add_texts(&m, r, (struct t_texts){.args = "status=Enabled"});
        add_id(&m, t_put(1, 3, 3, 4), "null");
        expect(&m, late ? NULL : "version-missing");
    }
}

/* ---- a correct store ---- */

struct version {
    uint32_t value; /* 0: a marker */
    uint32_t id;
    int64_t since;
    bool gone;
};

struct op {
    int kind;
    int64_t inv, at, res;
    uint32_t asked; /* version id; 0: none */
    bool lost, dropped, done;
    struct s3p_attempt r;
    uint32_t version;
};

struct model {
    struct version version[40];
    int n;
    uint64_t key;
    uint32_t values;
};

static int latest(const struct model *s)
{
    int i = s->n - 1;
    while (i >= 0 && s->version[i].gone)
        i--;
    return i;
}

static uint32_t value_of(const struct model *s)
{
    int i = latest(s);
    return i < 0 ? 0 : s->version[i].value;
}

static void do_read(struct model *s, struct op *o)
{
    uint32_t value = value_of(s);
    if (o->asked != 0) {
        value = 0;
        for (int i = 0; i < s->n; i++)
            if (s->version[i].id == o->asked && !s->version[i].gone)
                value = s->version[i].value;
    }
    o->r = t_get(value, s->key, o->inv, o->res);
    o->r.size = 0;
    if (value != 0)
        o->r.body_id = o->r.meta_id = t_nth((uint32_t)s->key + 100, value);
}

/* Nobody names a version that is not there yet. */
static bool is_there(const struct model *s, const struct op *o)
{
    for (int i = 0; i < s->n; i++)
        if (s->version[i].id == o->asked)
            return s->version[i].since < o->inv;
    return false;
}

static void carry_out(struct model *s, struct op *o, uint32_t *ids)
{
    if (!is_there(s, o))
        o->asked = 0;
    if (o->kind == S3P_OP_GET) {
        do_read(s, o);
        return;
    }
    uint32_t value = o->kind == S3P_OP_PUT ? ++s->values : 0;
    o->r = t_attempt(o->kind, (uint32_t)s->key + 100, s->key, o->inv, o->res);
    o->r.outcome = S3P_OK_OUTCOME;
    o->r.status = 200;
    if (value != 0) {
        o->r.body_id = o->r.meta_id = t_nth((uint32_t)s->key + 100, value);
        o->r.evidence = S3P_EV_VALUE;
    }
    if (o->dropped)
        return;
    if (o->asked != 0) {
        for (int i = 0; i < s->n; i++)
            s->version[i].gone |= s->version[i].id == o->asked;
        return;
    }
    o->r.flags |= o->kind == S3P_OP_DELETE ? S3P_FLAG_DELETE_MARKER : 0;
    o->version = ++*ids;
    s->version[s->n++] = (struct version){.value = value, .id = o->version, .since = o->at};
}

static int by_time(const void *a, const void *b)
{
    const struct op *x = *(struct op *const *)a, *y = *(struct op *const *)b;
    return (x->at > y->at) - (x->at < y->at);
}

static void write_down(struct t_make *m, const struct model *s, struct op *o)
{
    char asked[24], version[24];
    snprintf(asked, sizeof asked, "v%llu.%u", (unsigned long long)s->key, o->asked);
    snprintf(version, sizeof version, "v%llu.%u", (unsigned long long)s->key, o->version);
    bool told = o->version != 0 && !o->lost;
    if (o->lost && o->kind != S3P_OP_GET) {
        o->r.outcome = S3P_UNKNOWN;
        o->r.evidence = S3P_EV_NONE;
        o->r.status = 0;
        o->r.t_return = INT64_MAX;
    }
    t_add_texts(m, o->r,
                (struct t_texts){.asked = o->asked != 0 ? asked : NULL,
                                 .version = told ? version : NULL,
                                 .code = o->r.status == 404 ? "NoSuchKey" : NULL});
}

/* One key: three clients at once, versions named at random from those that may exist. */
static void run_key(struct t_make *m, struct model *s, struct s3p_rng *g)
{
    static const int kinds[] = {S3P_OP_PUT, S3P_OP_PUT, S3P_OP_GET, S3P_OP_GET, S3P_OP_DELETE};
    struct op op[24], *order[24];
    uint32_t ids = 0;
    int n = 0;
    for (int client = 0; client < 3; client++) {
        int64_t t = (int64_t)(s3p_rng_u64(g) % 10);
        for (int k = 0; k < 8; k++) {
            int64_t took = 1 + (int64_t)(s3p_rng_u64(g) % 9);
            struct op *o = &op[n];
            *o = (struct op){.kind = kinds[s3p_rng_u64(g) % 5], .inv = t, .res = t + took};
            o->at = t + (int64_t)(s3p_rng_u64(g) % (uint64_t)(took + 1));
            if (o->kind != S3P_OP_PUT && s3p_rng_u64(g) % 2 == 0)
                o->asked = 1 + (uint32_t)(s3p_rng_u64(g) % 8);
            o->lost = s3p_rng_u64(g) % 10 == 0;
            o->dropped = o->lost && s3p_rng_u64(g) % 2 == 0;
            order[n++] = o;
            t += took + (int64_t)(s3p_rng_u64(g) % 5);
        }
    }
    qsort(order, (size_t)n, sizeof *order, by_time);
    for (int k = 0; k < n; k++)
        carry_out(s, order[k], &ids);
    for (int k = 0; k < n; k++)
        write_down(m, s, &op[k]);
}

/* All keys at rest. */
static void walk(struct t_make *m, const struct model *s)
{
    static struct listed e[KEYS * 40];
    static char text[KEYS * 40][24];
    int n = 0;
    for (int k = 0; k < KEYS; k++) {
        bool newest = true;
        for (int i = s[k].n - 1; i >= 0; i--) {
            const struct version *v = &s[k].version[i];
            if (v->gone)
                continue;
            snprintf(text[n], sizeof text[n], "v%llu.%u", (unsigned long long)s[k].key, v->id);
            e[n] = (struct listed){text[n],
                                   (uint8_t)((newest ? S3P_ENTRY_LATEST : 0) |
                                             (v->value == 0 ? S3P_ENTRY_MARKER : 0)),
                                   s[k].key};
            newest = false;
            n++;
        }
    }
    add_page(m, 1000, 1001, e, n);
}

T_TEST_LIMIT(versions_correct_store, 300)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct t_make m;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        for (uint64_t group = 0; group < GROUPS / KEYS; group++) {
            static struct model s[KEYS];
            struct s3p_rng g = {seed, group, 0};
            memset(s, 0, sizeof s);
            for (uint64_t k = 0; k < KEYS; k++) {
                s[k].key = group * KEYS + k;
                run_key(&m, &s[k], &g);
            }
        }
        struct s3p_rng g = {seed, 0, 0};
        static struct model s[KEYS];
        t_make_close(&m);
        json_t *v = t_judge(m.path, &(struct s3p_check_opts){.threads = 2});
        unlink(m.path);
        char *text = t_dump(v);
        if (json_integer_value(json_object_get(v, "violations")) != 0)
            t_fail(__FILE__, __LINE__, "seed %llu: %.6000s", (unsigned long long)seed, text);
        s3p_free(text);
        json_decref(v);
        memset(s, 0, sizeof s); /* the walks in files of their own: a walk is of a whole bucket */
        for (uint64_t file = 0; file < 20; file++) {
            t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
            memset(s, 0, sizeof s);
            for (uint64_t k = 0; k < KEYS; k++) {
                s[k].key = k;
                run_key(&m, &s[k], &g);
            }
            walk(&m, s);
            v = t_make_judge(&m, NULL);
            text = t_dump(v);
            if (json_integer_value(json_object_get(v, "violations")) != 0)
                t_fail(__FILE__, __LINE__, "walk %llu: %.6000s", (unsigned long long)file, text);
            s3p_free(text);
            json_decref(v);
        }
    }
}
