/* Versions of keys: each rule on a hand-made history, and a correct store with random ones. */
#include "tests/t.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { GROUPS = 500 };
#else
enum { GROUPS = 10000 };
#endif
#define NO_MD5 "{\"etag_is_md5\":false}"
enum { KEYS = 10 }; /* of one walk */

/* ---- by hand: key 3 ---- */

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", "{\"etag_is_md5\":false}");
    t_add_version(m, t_put(1, 3, 1, 2), "v1");
    t_add_version(m, t_put(2, 3, 3, 4), "v2");
}

T_TEST(versions_held)
{
    struct t_make m;
    begin(&m);
    t_add_asked(&m, t_get(1, 3, 5, 6), "v1");
    T_PAGE(&m, 7, 8, T_V("v2", S3P_ENTRY_LATEST), T_V("v1", 0));
    t_add_asked(&m, t_deleted(9, 10), "v2");
    t_add(&m, t_get(1, 3, 11, 12)); /* shows again */
    t_add_asked(&m, t_gone(11, 12), "v2");
    t_add_version(&m, t_deleted(13, 14), "v3");
    t_add(&m, t_gone(15, 16));
    t_add_asked(&m, t_deleted(17, 18), "v3");
    t_add(&m, t_get(1, 3, 19, 20));
    T_PAGE(&m, 21, 22, T_V("v1", S3P_ENTRY_LATEST));
    t_expect_versions(&m, NULL);
}

T_TEST(versions_by_id)
{
    struct t_make m;
    begin(&m);
    t_add_version(&m, t_put(7, 3, 5, 6), "v1");
    t_expect_versions(&m, "version-id-reused");
    begin(&m);
    t_add_asked(&m, t_get(2, 3, 5, 6), "v1");
    t_expect_versions(&m, "version-wrong-body");
    begin(&m);
    t_add_asked(&m, t_gone(5, 6), "v1");
    t_expect_versions(&m, "version-lost");
    begin(&m);
    t_add_asked(&m, t_deleted(5, 6), "v1");
    t_add_asked(&m, t_get(1, 3, 7, 8), "v1");
    t_expect_versions(&m, "version-undead");
    begin(&m); /* a delete that may have happened */
    t_add_asked(&m, t_lost(t_deleted(5, 6)), "v1");
    t_add_asked(&m, t_gone(7, 8), "v1");
    t_add_asked(&m, t_get(1, 3, 9, 10), "v1");
    t_expect_versions(&m, NULL);
}

T_TEST(versions_by_plain_reads)
{
    struct t_make m;
    begin(&m); /* no promotion */
    t_add_asked(&m, t_deleted(5, 6), "v2");
    t_add(&m, t_gone(7, 8));
    t_expect_versions(&m, "absent-after-ack");
    begin(&m); /* promotion of the wrong one */
    t_add_version(&m, t_put(7, 3, 5, 6), "v3");
    t_add_asked(&m, t_deleted(7, 8), "v3");
    t_add(&m, t_get(1, 3, 9, 10));
    t_expect_versions(&m, "stale-read");
    begin(&m); /* the order of two that overlapped, by the walk */
    t_add_version(&m, t_put(7, 3, 5, 9), "v3");
    t_add_version(&m, t_put(8, 3, 5, 9), "v4");
    T_PAGE(&m, 10, 11, T_V("v4", S3P_ENTRY_LATEST), T_V("v3", 0), T_V("v2", 0), T_V("v1", 0));
    t_add(&m, t_get(7, 3, 12, 13));
    t_expect_versions(&m, "stale-read");
}

/* In a page: what real time orders, whatever stands between. */
T_TEST(versions_in_order)
{
    struct t_make m;
    for (int wrong = 0; wrong < 2; wrong++) {
        begin(&m);
        t_add_version(&m, t_put(7, 3, 1, 9), "long");
        if (wrong)
            T_PAGE(&m, 10, 11, T_V("v1", S3P_ENTRY_LATEST), T_V("long", 0), T_V("v2", 0));
        else
            T_PAGE(&m, 10, 11, T_V("v2", S3P_ENTRY_LATEST), T_V("long", 0), T_V("v1", 0));
        t_expect_rule(&m, wrong ? "list-order" : NULL);
    }
}

/* A page's latest is a read of the key, whatever else goes on. */
T_TEST(versions_latest)
{
    struct t_make m;
    begin(&m);
    t_add_version(&m, t_put(7, 3, 1, 20), "long"); /* still under way */
    T_PAGE(&m, 5, 6, T_V("v2", S3P_ENTRY_LATEST), T_V("v1", 0));
    t_expect_rule(&m, NULL);
    begin(&m);
    t_add_version(&m, t_put(7, 3, 1, 20), "long");
    T_PAGE(&m, 5, 6, T_V("v2", 0), T_V("v1", S3P_ENTRY_LATEST));
    t_expect_versions(&m, "stale-read");
}

/* What a page says of a version is what was written: 1001 bytes with the ETag of value 1. */
T_TEST(versions_entries)
{
    static const struct {
        struct t_listed listed;
        bool hashed; /* the write had an ETag of another form */
        bool untold; /* the size of the write is not known */
        bool copied; /* with tags of its own */
        const char *rule;
    } of[] = {
        {{"v1", S3P_ENTRY_LATEST, 3, 0, 1, 1001}, false, false, false, NULL},
        {{"v1", S3P_ENTRY_LATEST, 3, 0, 2, 1001}, false, false, false, "version-wrong-body"},
        {{"v1", S3P_ENTRY_LATEST, 3, 0, 2, 1001}, true, false, false, NULL},
        {{"v1", S3P_ENTRY_LATEST, 3, 0, 1, 1002}, false, false, false, "version-wrong-body"},
        {{"v1", S3P_ENTRY_LATEST, 3, 0, 1, 0}, false, false, false, NULL},
        {{"v1", S3P_ENTRY_LATEST, 3, 0, 1, 1002}, false, true, false, NULL},
        {{"v1", S3P_ENTRY_LATEST, 3, 0, 1, 1002}, false, false, true, NULL},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct t_make m;
        struct s3p_attempt put = t_put(1, 3, 1, 2);
        t_make_begin(&m, "{}", NO_MD5);
        put.etag_form = of[i].hashed ? S3P_ETAG_HASHED : put.etag_form;
        put.size = of[i].untold ? 0 : put.size;
        put.op = of[i].copied ? S3P_OP_COPY : put.op;
        t_add_version(&m, put, "v1");
        t_add_versions(&m, 5, 6, &of[i].listed, 1);
        t_expect_versions(&m, of[i].rule);
    }
}

static void add_walk_page(struct t_make *m, const char *args, const char *next, int64_t call_ms,
                          const char *version)
{
    struct s3p_attempt r =
        t_attempt(S3P_OP_LIST_VERSIONS, 50, S3P_NO_INDEX, call_ms, call_ms + 1);
    struct s3p_entry e = {.key_index = 3};
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    s3p_append_begin(m->a, 1024, 1);
    e.version_id = s3p_append_text(m->a, version, strlen(version));
    r.list_args = s3p_append_text(m->a, args, strlen(args));
    if (next != NULL) {
        r.flags = S3P_FLAG_TRUNCATED;
        r.list_next = s3p_append_text(m->a, next, strlen(next));
    }
    r.entries_first = s3p_append_entry(m->a, &e);
    r.entries_count = 1;
    s3p_append(m->a, &r);
}

/* Two versions whose order nobody knows, and a walk that shows one of them, by ones. */
T_TEST(versions_between_pages)
{
    static const char behind_c[] = "key-marker=keys%2F00000003&version-id-marker=c",
                      behind_b[] = "key-marker=keys%2F00000003&version-id-marker=b",
                      behind_x[] = "key-marker=keys%2F00000003&version-id-marker=x";
    for (int gap = 0; gap < 4; gap++) {
        struct t_make m;
        t_make_begin(&m, "{}", NO_MD5);
        t_add_version(&m, t_put(1, 3, 1, 2), "a");
        t_add_version(&m, t_put(2, 3, 3, 9), "b");
        t_add_version(&m, t_put(7, 3, 3, 9), "c");
        add_walk_page(&m, "max-keys=1", behind_c, 10, "c");
        if (gap == 0 || gap == 3)
            add_walk_page(&m, behind_c, behind_b, 12, "b");
        if (gap < 3) /* else it ends in the middle */
            add_walk_page(&m, gap == 0 ? behind_b : gap == 1 ? behind_c : behind_x, NULL, 14,
                          "a");
        json_t *v = t_make_judge(&m, NULL); /* one that begins elsewhere is another walk */
        T_EQ(t_rule(v, "list-missing"), gap == 1);
        json_decref(v);
    }
}

/* In whole seconds, and a second's doubt. */
T_TEST(versions_times)
{
    static const struct {
        int64_t newer_s, older_s;
        const char *profile, *rule;
    } of[] = {
        {100, 100, NO_MD5, NULL},
        {99, 100, NO_MD5, NULL},
        {98, 100, NO_MD5, "last-modified-backwards"},
        {98, 100, "{\"etag_is_md5\":false,\"max_clock_skew_ms\":1000}", NULL},
        {0, 100, NO_MD5, NULL}, /* it does not say */
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct t_make m;
        t_make_begin(&m, "{}", of[i].profile);
        t_add_version(&m, t_put(1, 3, 1, 2), "v1");
        t_add_version(&m, t_put(2, 3, 3, 4), "v2");
        T_PAGE(&m, 5, 6, T_TIMED("v2", S3P_ENTRY_LATEST, of[i].newer_s),
               T_TIMED("v1", 0, of[i].older_s));
        t_expect_rule(&m, of[i].rule);
    }
    struct t_make m; /* nobody knows which is newer */
    begin(&m);
    t_add_version(&m, t_put(7, 3, 1, 9), "long");
    T_PAGE(&m, 10, 11, T_TIMED("v2", S3P_ENTRY_LATEST, 100), T_TIMED("long", 0, 200),
           T_TIMED("v1", 0, 50));
    t_expect_rule(&m, NULL);
}

T_TEST(versions_missing)
{
    for (int late = 0; late < 2; late++) {
        struct t_make m;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        struct s3p_attempt r = t_attempt(S3P_OP_PUT_VERSIONING, 1, S3P_NO_INDEX, 1, late ? 5 : 2);
        r.outcome = S3P_OK_OUTCOME;
        t_add_texts(&m, r, (struct t_texts){.args = "status=Enabled"});
        t_add_version(&m, t_put(1, 3, 3, 4), "null");
        t_expect_versions(&m, late ? NULL : "version-missing");
    }
}

static struct s3p_attempt failing(struct s3p_attempt r)
{
    r.outcome = S3P_UNKNOWN;
    r.status = 503;
    return r;
}

T_TEST(versions_borders)
{
    struct t_make m;
    begin(&m); /* a delete that failed so may not have happened */
    t_add_asked(&m, failing(t_deleted(5, 6)), "v1");
    t_add_asked(&m, t_get(1, 3, 7, 8), "v1");
    t_expect_versions(&m, NULL);
    begin(&m); /* equal times are concurrent */
    t_add_asked(&m, t_gone(4, 4), "v2");
    t_expect_versions(&m, NULL);
    begin(&m); /* the bucket is gone, not the version */
    t_add_texts(&m, t_gone(5, 6), (struct t_texts){.asked = "v1", .code = "NoSuchBucket"});
    t_expect_versions(&m, NULL);
    begin(&m); /* a marker hides what is older */
    t_add_version(&m, t_deleted(5, 6), "v3");
    t_add_version(&m, t_put(7, 3, 7, 8), "v4");
    t_add_asked(&m, t_deleted(9, 10), "v1");
    t_add(&m, t_gone(11, 12));
    t_expect_versions(&m, "absent-after-ack");
    begin(&m); /* what the register sees is its own */
    t_add(&m, t_get(1, 3, 5, 6));
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(json_integer_value(json_object_get(v, "violations")), 1);
    T_STR(t_text(t_witness(v, 0), "aspect"), "object");
    json_decref(v);
}

static struct s3p_attempt upload(int op, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(op, 1, 3, call_ms, return_ms);
    r.outcome = S3P_OK_OUTCOME;
    r.status = 200;
    r.meta_id = t_nth(1, 1);
    r.body_id = op == S3P_OP_COMPLETE_UPLOAD ? t_nth(1, 2) : r.body_id;
    r.evidence = op == S3P_OP_COMPLETE_UPLOAD ? S3P_EV_VALUE : S3P_EV_NONE;
    return r;
}

T_TEST(versions_of_an_upload)
{
    for (int named = 0; named < 2; named++) { /* a repeated Complete makes no version */
        struct t_make m;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add_versioning(&m, "status=Enabled", 1, 2);
        t_add_texts(&m, upload(S3P_OP_CREATE_UPLOAD, 3, 4), (struct t_texts){.upload = "u"});
        t_add_texts(&m, upload(S3P_OP_COMPLETE_UPLOAD, 5, 6),
                    (struct t_texts){.upload = "u", .version = "v9"});
        t_add_texts(&m, upload(S3P_OP_COMPLETE_UPLOAD, 7, 8),
                    (struct t_texts){.upload = "u", .version = named ? "v9" : NULL});
        t_expect_versions(&m, NULL);
    }
}

/* Nor does it bring back one that was deleted. */
T_TEST(versions_listed_of_an_upload)
{
    for (int again = 0; again < 2; again++) {
        struct t_make m;
        const struct t_texts v9 = {.upload = "u", .version = "v9"};
        t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
        t_add_versioning(&m, "status=Enabled", 1, 2);
        t_add_texts(&m, upload(S3P_OP_CREATE_UPLOAD, 3, 4), (struct t_texts){.upload = "u"});
        t_add_texts(&m, upload(S3P_OP_COMPLETE_UPLOAD, 5, 6), v9);
        t_add_asked(&m, t_deleted(7, 8), "v9");
        if (again)
            t_add_texts(&m, upload(S3P_OP_COMPLETE_UPLOAD, 9, 10), v9);
        t_add_versions(&m, 11, 12, NULL, 0);
        t_expect_versions(&m, NULL);
    }
}

T_TEST(versions_missing_borders)
{
    struct t_make m;
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}"); /* called as it was acknowledged */
    t_add_versioning(&m, "status=Enabled", 1, 2);
    t_add(&m, t_put(1, 3, 2, 4));
    t_expect_versions(&m, NULL);
    t_make_begin(&m, "{}", "{\"etag_is_md5\":false}"); /* answered as it is suspended */
    t_add_versioning(&m, "status=Enabled", 1, 2);
    t_add(&m, t_put(1, 3, 3, 4));
    t_add_versioning(&m, "status=Suspended", 4, 5);
    t_expect_versions(&m, NULL);
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
    static struct t_listed e[KEYS * 40];
    static char text[KEYS * 40][24];
    int n = 0;
    for (int k = 0; k < KEYS; k++) {
        bool newest = true;
        for (int i = s[k].n - 1; i >= 0; i--) {
            const struct version *v = &s[k].version[i];
            if (v->gone)
                continue;
            snprintf(text[n], sizeof text[n], "v%llu.%u", (unsigned long long)s[k].key, v->id);
            e[n] = (struct t_listed){text[n],
                                   (uint8_t)((newest ? S3P_ENTRY_LATEST : 0) |
                                             (v->value == 0 ? S3P_ENTRY_MARKER : 0)),
                                   s[k].key, 0, 0, 0};
            newest = false;
            n++;
        }
    }
    t_add_versions(m, 1000, 1001, e, n);
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
