/* A brute-force judge of what no oracle covers. Correct stores carry out random programs, one
 * operation after the other, at random points inside their intervals: the checker must hold what
 * they answer. Then one answer is changed so that it is wrong whatever order is chosen, because
 * everything is at rest and was seen to be so: the checker must notice it, every time. */
#include "tests/t.h"

#include <stdio.h>

#include "core/random.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { ROUNDS = 40 };
#else
enum { ROUNDS = 120 };
#endif

enum { REST_MS = 1000 }; /* from here on nothing changes any more */

static json_t *judge(struct t_make *m, int64_t *violations)
{
    json_t *v = t_make_judge(m, NULL);
    *violations = json_integer_value(json_object_get(v, "violations"));
    return v;
}

static void complain(int line, const json_t *v, uint64_t round, const char *what)
{
    char *text = t_dump(v);
    t_fail(__FILE__, line, "round %llu, %s: %s", (unsigned long long)round, what, text);
}

/* ---- uploads, copies, tags ---- */

static struct s3p_attempt at(struct s3p_attempt r, int64_t call_ms)
{
    r.client = 900;
    r.t_call = T_START_NS + call_ms * 1000000;
    r.t_return = r.t_call + 1000000;
    return r;
}

/* Everything is at rest, and another client read `last` a moment ago. False: nothing to change. */
static bool alter_read(struct s3p_attempt *r, unsigned how)
{
    if (r->outcome != S3P_OK_OUTCOME)
        return false;
    switch (how) {
    case 0: /* gone */
        r->status = 404;
        r->outcome = S3P_FAILED;
        r->evidence = S3P_EV_ABSENT;
        r->body_verdict = S3P_BODY_NONE;
        r->body_id = r->meta_id = (struct s3p_id){{0}};
        r->etag_form = S3P_ETAG_NONE;
        return true;
    case 1: /* a value of nobody */
        r->body_id = r->meta_id = t_nth(15, 999);
        r->body_verdict = S3P_BODY_CLEAN;
        return true;
    case 2: /* bytes of two writes */
        r->body_verdict = S3P_BODY_TORN;
        return true;
    case 3: /* the ETag of something else */
        r->etag = t_etag(4711);
        return true;
    default: /* parts in another order, of another selection */
        if (r->body_verdict != S3P_BODY_PARTS)
            return false;
        r->body_id = t_nth(15, 998);
        return true;
    }
}

static void alter_reads(unsigned programs, uint64_t seed)
{
    uint32_t altered = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        for (unsigned how = 0; how < 6; how++) { /* the last one changes nothing */
            struct t_make m;
            struct s3p_attempt last[2];
            int64_t violations;
            t_make_begin(&m, "{}", "{\"etag_is_md5\":true,\"mpu_order\":\"completed\"}");
            t_store_run(&m, seed + i, 0, programs);
            t_store_last(seed + i, 0, programs, last);
            struct s3p_attempt r = last[i & 1];
            bool wrong = how < 5 && alter_read(&r, how);
            t_add(&m, at(last[i & 1], REST_MS));
            t_add(&m, at(r, REST_MS + 2));
            json_t *v = judge(&m, &violations);
            if ((violations != 0) != wrong)
                complain(__LINE__, v, i, wrong ? "not noticed" : "a false alarm");
            altered += wrong;
            json_decref(v);
        }
    }
    fprintf(stderr, "  %u altered answers\n", altered);
    T_TRUE(altered > ROUNDS);
}

T_TEST_LIMIT(objects_altered_uploads, 300)
{
    alter_reads(T_UPLOADS, 5000);
}

/* ---- versions ---- */

enum { VERSIONS = 10 };

struct made { /* a version; value 0: a marker */
    uint32_t value;
    bool gone;
    char id[8];
};

/* Writes, deletes and deletes by id of key 3, one after the other. Returns how many versions. */
static int change_versions(struct t_make *m, struct s3p_rng *g, struct made *v)
{
    int n = 0;
    for (int64_t t = 10; t < 10 * VERSIONS; t += 10) {
        int named = n > 0 ? (int)s3p_rng_below(g, (uint64_t)n) : 0;
        uint64_t luck = s3p_rng_below(g, 4);
        if (luck == 0 && n > 0 && !v[named].gone) {
            t_add_asked(m, t_deleted(t, t + 9), v[named].id);
            v[named].gone = true;
            continue;
        }
        v[n] = (struct made){.value = luck == 1 ? 0 : (uint32_t)n + 1};
        snprintf(v[n].id, sizeof v[n].id, "v%d", n);
        t_add_version(m, v[n].value == 0 ? t_deleted(t, t + 9) : t_put(v[n].value, 3, t, t + 9),
                      v[n].id);
        n++;
    }
    return n;
}

static uint32_t current(const struct made *v, int n)
{
    while (n > 0 && v[n - 1].gone)
        n--;
    return n > 0 ? v[n - 1].value : 0;
}

/* What read number `k` answers at rest: of version k, or (k == n) of the key. */
static uint32_t answer(const struct made *v, int n, int k)
{
    return k == n ? current(v, n) : v[k].gone ? 0 : v[k].value;
}

/* Another answer: nothing where something is, else a value that was written once; 0: there is
 * none. */
static uint32_t wrong_answer(const struct made *v, int n, int k)
{
    uint32_t value = 0;
    for (int i = 0; i < n && value == 0; i++)
        value = k == n || i == k ? v[i].value : 0;
    return value;
}

static void read_version(struct t_make *m, const struct made *v, int n, int k, uint32_t value)
{
    struct s3p_attempt r = t_get(value, 3, REST_MS, REST_MS + 1);
    if (k == n)
        t_add(m, r);
    else
        t_add_asked(m, r, v[k].id);
}

T_TEST_LIMIT(versions_altered, 300)
{
    uint32_t altered = 0;
    for (uint64_t i = 0; i < 2 * ROUNDS; i++) {
        for (int wrong = 0; wrong < 2; wrong++) {
            struct s3p_rng g = {99, i, 0};
            struct made v[VERSIONS];
            struct t_make m;
            int64_t violations;
            t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
            int n = change_versions(&m, &g, v), one = (int)s3p_rng_below(&g, (uint64_t)n + 1);
            bool there = answer(v, n, one) != 0;
            bool changed = wrong && (there || wrong_answer(v, n, one) != 0);
            for (int k = 0; k <= n; k++) {
                uint32_t value = answer(v, n, k);
                if (k == one && changed)
                    value = there ? 0 : wrong_answer(v, n, k);
                if (k == n || v[k].value != 0) /* a marker cannot be read */
                    read_version(&m, v, n, k, value);
            }
            json_t *verdict = judge(&m, &violations);
            if ((violations != 0) != changed)
                complain(__LINE__, verdict, i, changed ? "not noticed" : "a false alarm");
            altered += changed;
            json_decref(verdict);
        }
    }
    fprintf(stderr, "  %u altered answers\n", altered);
    T_TRUE(altered > ROUNDS / 2);
}

/* ---- pages ---- */

enum { KEYS = 7, NAME = 13, STEPS = 30 };

struct bucket {
    bool there[KEYS];
    bool open[KEYS]; /* an answer was lost: what was asked for may still come */
};

struct listing { /* how a walk asks */
    const char *prefix, *delimiter;
    uint32_t max; /* 0: no bound */
    bool v1;
};

struct shown { /* an entry of a page */
    char text[NAME + 1];
    int key; /* -1: a common prefix */
};

struct sheet {
    struct shown e[KEYS + 2];
    int n;
    bool truncated;
    char start[NAME + 1]; /* what it was asked with; empty: from the beginning */
};

static void name_of(int key, char *out)
{
    snprintf(out, NAME + 1, "keys/%08d", key);
}

/* What a store shows behind `start`, straight from what S3 says of pages. */
static void list(const bool *there, const struct listing *l, const char *start, struct sheet *s)
{
    s->n = 0;
    s->truncated = false;
    snprintf(s->start, sizeof s->start, "%s", start);
    for (int k = 0; k < KEYS; k++) {
        struct shown e = {.key = k};
        name_of(k, e.text);
        size_t len = strlen(l->prefix);
        if (!there[k] || strncmp(e.text, l->prefix, len) != 0)
            continue;
        const char *cut = l->delimiter[0] != 0 ? strstr(e.text + len, l->delimiter) : NULL;
        if (cut != NULL) {
            e.text[cut - e.text + 1] = 0;
            e.key = -1;
        }
        bool again = s->n > 0 && strcmp(s->e[s->n - 1].text, e.text) == 0;
        if (again || strcmp(e.text, start) <= 0)
            continue;
        if (l->max != 0 && s->n == (int)l->max) {
            s->truncated = true;
            return;
        }
        s->e[s->n++] = e;
    }
}

static void encode(char *out, size_t size, const char *name, const char *text)
{
    size_t at = strlen(out);
    at += (size_t)snprintf(out + at, size - at, "%s%s=", at > 0 ? "&" : "", name);
    for (; *text != 0; text++)
        at += (size_t)snprintf(out + at, size - at, *text == '/' ? "%%2F" : "%c", *text);
}

static void add_sheet(struct t_make *m, const struct listing *l, const struct sheet *s,
                      int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt r = t_attempt(l->v1 ? S3P_OP_LIST_V1 : S3P_OP_LIST, 90, S3P_NO_INDEX,
                                     call_ms, return_ms);
    char args[160] = "", next[80] = "", max[16];
    const char *way = l->v1 ? "marker" : "continuation-token";
    r.status = 200;
    r.outcome = S3P_OK_OUTCOME;
    r.evidence = S3P_EV_VALUE;
    s3p_append_begin(m->a, 1024, KEYS + 2);
    for (int k = 0; k < s->n; k++) {
        struct s3p_entry e = {.key_index = S3P_NO_INDEX, .flags = S3P_ENTRY_PREFIX};
        if (s->e[k].key >= 0)
            e = (struct s3p_entry){.key_index = (uint64_t)s->e[k].key};
        else
            e.key_text = s3p_append_text(m->a, s->e[k].text, strlen(s->e[k].text));
        uint32_t at_entry = s3p_append_entry(m->a, &e);
        r.entries_first = k == 0 ? at_entry : r.entries_first;
    }
    r.entries_count = (uint32_t)s->n;
    if (l->prefix[0] != 0)
        encode(args, sizeof args, "prefix", l->prefix);
    if (l->delimiter[0] != 0)
        encode(args, sizeof args, "delimiter", l->delimiter);
    snprintf(max, sizeof max, "%u", l->max);
    if (l->max != 0)
        encode(args, sizeof args, "max-keys", max);
    if (s->start[0] != 0)
        encode(args, sizeof args, way, s->start);
    if (s->truncated)
        encode(next, sizeof next, way, s->e[s->n - 1].text);
    r.flags = s->truncated ? S3P_FLAG_TRUNCATED : 0;
    if (args[0] != 0)
        r.list_args = s3p_append_text(m->a, args, strlen(args));
    if (next[0] != 0)
        r.list_next = s3p_append_text(m->a, next, strlen(next));
    s3p_append(m->a, &r);
}

/* Writes and deletes, some without an answer; pages in between, each at one moment. */
static void churn(struct t_make *m, struct s3p_rng *g, struct bucket *b)
{
    static const struct listing plain = {"", "", 0, false};
    uint32_t values = 0;
    memset(b, 0, sizeof *b);
    for (int64_t i = 0; i < STEPS; i++) {
        int64_t t = 10 * i, wide = 9 + (int64_t)s3p_rng_below(g, 2); /* they touch, or nearly */
        uint64_t key = s3p_rng_below(g, KEYS);
        bool put = s3p_rng_below(g, 2), lost = s3p_rng_below(g, 12) == 0;
        struct sheet before, after;
        list(b->there, &plain, "", &before);
        struct s3p_attempt r = put ? t_put(++values, key, t, t + wide)
                                   : t_attempt(S3P_OP_DELETE, 80, key, t, t + wide);
        r.status = put ? 200 : 204;
        r.outcome = S3P_OK_OUTCOME;
        if (!lost || s3p_rng_below(g, 2))
            b->there[key] = put;
        b->open[key] |= lost;
        if (lost) { /* it ended all the same */
            r.outcome = S3P_UNKNOWN;
            r.evidence = S3P_EV_NONE;
            r.etag_form = S3P_ETAG_NONE;
            r.status = 503;
        }
        t_add(m, r);
        list(b->there, &plain, "", &after);
        int64_t call = t + (int64_t)s3p_rng_below(g, 6);
        add_sheet(m, &plain, s3p_rng_below(g, 2) ? &before : &after, call, call + 4);
    }
}

/* Is the key, or one that the common prefix stands for, there whatever comes late? */
static bool is_certain(const struct bucket *b, const struct shown *e)
{
    bool certain = false;
    for (int k = 0; k < KEYS; k++) {
        char name[NAME + 1];
        name_of(k, name);
        bool meant = e->key >= 0 ? e->key == k : strncmp(name, e->text, strlen(e->text)) == 0;
        certain |= meant && b->there[k] && !b->open[k];
    }
    return certain;
}

/* Changes one page of a bucket at rest. False: there is nothing to change. */
static bool alter_sheet(struct sheet *s, const struct bucket *b, struct s3p_rng *g, unsigned how)
{
    int k = s->n > 0 ? (int)s3p_rng_below(g, (uint64_t)s->n) : 0;
    struct shown e = s->e[k];
    switch (how) {
    case 0: /* one is left out; the last of a truncated page may be on the next */
        if (s->n == 0 || (s->truncated && k == s->n - 1) || !is_certain(b, &e))
            return false;
        memmove(&s->e[k], &s->e[k + 1], (size_t)(s->n - k - 1) * sizeof e);
        s->n--;
        return true;
    case 1: /* one is there twice */
        if (s->n == 0)
            return false;
        memmove(&s->e[k + 1], &s->e[k], (size_t)(s->n - k) * sizeof e);
        s->n++;
        return true;
    case 2: /* two change places: a common prefix has no place among keys */
        if (k + 1 >= s->n || (s->e[k].key < 0) != (s->e[k + 1].key < 0))
            return false;
        s->e[k] = s->e[k + 1];
        s->e[k + 1] = e;
        return true;
    default: /* one that is gone */
        if (s->n == 0 || e.key < 0)
            return false;
        for (int d = 0; d < KEYS; d++)
            if (!b->there[d] && !b->open[d]) {
                s->e[k].key = d;
                name_of(d, s->e[k].text);
                return true;
            }
        return false;
    }
}

/* A walk at rest; page `wrong` of it is changed (-1: none). True when that could be done. */
static bool walk(struct t_make *m, const struct listing *l, const struct bucket *b,
                 struct s3p_rng *g, int wrong, unsigned how)
{
    char start[NAME + 1] = "";
    bool altered = false;
    for (int page = 0; page < 2 * KEYS; page++) {
        struct sheet s;
        list(b->there, l, start, &s);
        if (s.n > 0)
            snprintf(start, sizeof start, "%s", s.e[s.n - 1].text);
        bool more = s.truncated;
        if (page == wrong)
            altered = alter_sheet(&s, b, g, how);
        add_sheet(m, l, &s, REST_MS + 10 * page, REST_MS + 10 * page + 5);
        if (!more)
            break;
    }
    return altered;
}

T_TEST_LIMIT(pages_altered, 300)
{
    static const struct listing asked[] = {
        {"", "", 0, false},      {"", "", 2, false},    {"", "", 1, true},
        {"keys/", "", 3, true},  {"", "/", 0, false},   {"", "3", 2, false},
        {"", "3", 1, true},      {"keys/", "5", 0, false}, {"keys/0000000", "2", 2, true},
        {"keys/00000003", "", 0, false},
    };
    uint32_t altered = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        for (unsigned how = 0; how < 5; how++) { /* the last one changes nothing */
            struct s3p_rng g = {88, i, 0};
            struct t_make m;
            struct bucket b;
            int64_t violations;
            t_make_begin(&m, "{}", "{\"etag_is_md5\":false}");
            churn(&m, &g, &b);
            const struct listing *l = &asked[i % (sizeof asked / sizeof *asked)];
            int page = how < 4 ? (int)s3p_rng_below(&g, 3) : -1;
            bool wrong = walk(&m, l, &b, &g, page, how);
            json_t *v = judge(&m, &violations);
            if ((violations != 0) != wrong) {
                fprintf(stderr, "  prefix %s delimiter %s max %u, change %u of page %d\n",
                        l->prefix, l->delimiter, l->max, how, page);
                complain(__LINE__, v, i, wrong ? "not noticed" : "a false alarm");
            }
            altered += wrong;
            json_decref(v);
        }
    }
    fprintf(stderr, "  %u altered pages\n", altered);
    T_TRUE(altered > ROUNDS);
}
