/* What pages claim of names against a judge that tries all orders: is there an order of the writes,
 * deletes, reads and the claim, respecting real time, in which every answer is right? An alarm must
 * mean that there is none; how many of the wrong claims are noticed is counted; and each switch
 * that breaks windows.c must be noticed by the same comparison. */
#include "tests/t.h"

#include "check/mutate.h"
#include "core/random.h"
#include "tests/check/mutated.h"

enum { OPS = 6, KEYS = 3, PAGES = 2 };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HISTORIES = 10000, HUNT = 20000 };
#else
enum { HISTORIES = 200000, HUNT = 200000 };
#endif

/* ---- the judge ---- */

struct op {
    int64_t inv, res;
    bool changes, there; /* makes or finds: there or gone */
    bool optional;       /* of unknown outcome: it may never have happened */
};

struct search {
    const struct op *op;
    uint32_t n;
    bool seen[1 << (OPS + 1)][2];
};

static bool precedes(const struct op *a, const struct op *b)
{
    return a->res < b->inv;
}

static bool place(struct search *s, uint32_t done, bool there)
{
    bool all = true;
    if (s->seen[done][there])
        return false;
    s->seen[done][there] = true;
    for (uint32_t i = 0; i < s->n; i++)
        all &= (done >> i & 1) || s->op[i].optional;
    if (all)
        return true;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct op *o = &s->op[i];
        bool ready = !(done >> i & 1) && (o->changes || o->there == there);
        for (uint32_t k = 0; k < s->n && ready; k++)
            ready = (done >> k & 1) || s->op[k].optional || !precedes(&s->op[k], o);
        if (ready && place(s, done | 1u << i, o->changes ? o->there : there))
            return true;
    }
    return false;
}

static bool legal(const struct op *op, uint32_t n)
{
    static struct search s;
    memset(&s, 0, sizeof s);
    s.op = op;
    s.n = n;
    return place(&s, 0, false);
}

/* ---- histories ---- */

struct key {
    struct op op[OPS + 1]; /* the last one: room for the claim */
    uint32_t n;
};
struct claims { /* two pages over three keys */
    struct key key[KEYS];
    struct op page[PAGES][KEYS];
};

static void draw_interval(struct op *o, struct s3p_rng *g)
{
    o->inv = (int64_t)s3p_rng_below(g, 16);
    o->res = o->inv + (int64_t)s3p_rng_below(g, 6);
}

/* Effects at random points; every answer is right. */
static void draw_key(struct key *k, struct op *page[PAGES], struct s3p_rng *g)
{
    struct {
        struct op *o;
        int64_t point;
    } at[OPS + PAGES], t;
    uint32_t n = k->n = (uint32_t)s3p_rng_below(g, OPS + 1);
    bool there = false;
    for (uint32_t i = 0; i < n; i++) {
        struct op *o = &k->op[i];
        *o = (struct op){.changes = s3p_rng_below(g, 3) != 0, .there = s3p_rng_below(g, 2)};
        draw_interval(o, g);
        o->optional = o->changes && s3p_rng_below(g, 5) == 0;
        at[i].o = o;
    }
    for (uint32_t i = 0; i < PAGES; i++)
        at[n + i].o = page[i];
    n += PAGES;
    for (uint32_t i = 0; i < n; i++)
        at[i].point = 8 * at[i].o->inv +
                      (int64_t)s3p_rng_below(g, (uint64_t)(8 * (at[i].o->res - at[i].o->inv) + 1));
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t j = i; j > 0 && at[j].point < at[j - 1].point; j--) {
            t = at[j];
            at[j] = at[j - 1];
            at[j - 1] = t;
        }
    for (uint32_t i = 0; i < n; i++) {
        struct op *o = at[i].o;
        if (!o->changes)
            o->there = there;
        else if (!o->optional || s3p_rng_below(g, 2))
            there = o->there;
        if (o->optional)
            o->res = INT64_MAX;
    }
}

static void draw(struct claims *c, uint64_t seed, uint64_t i)
{
    struct s3p_rng g = {seed, i, 0};
    struct op interval[PAGES];
    for (int p = 0; p < PAGES; p++)
        draw_interval(&interval[p], &g);
    for (int k = 0; k < KEYS; k++) {
        struct op *page[PAGES];
        for (int p = 0; p < PAGES; p++) {
            c->page[p][k] = (struct op){.inv = interval[p].inv, .res = interval[p].res};
            page[p] = &c->page[p][k];
        }
        draw_key(&c->key[k], page, &g);
    }
    if (i & 1) { /* a page with an entry too many or one that is missing */
        struct op *o = &c->page[s3p_rng_below(&g, PAGES)][s3p_rng_below(&g, KEYS)];
        o->there = !o->there;
    }
}

/* ---- the comparison ---- */

static uint32_t facts_of(const struct key *k, struct s3p_fact *f)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->n; i++) {
        const struct op *o = &k->op[i];
        unsigned what = o->changes ? (o->there ? S3P_FACT_MAKES : S3P_FACT_REMOVES) : 0;
        if (!o->optional)
            what |= o->there ? S3P_FACT_THERE : S3P_FACT_GONE;
        f[n++] = (struct s3p_fact){o->inv, o->res, i, (uint8_t)what, 0};
    }
    return n;
}

struct count {
    uint32_t claims, wrong, alarms, missed;
};

/* As members keep them. */
static bool is_held(const struct s3p_span *w, uint32_t n, int64_t from, int64_t to)
{
    int64_t at[2 * (OPS + 2)];
    uint32_t record[2 * (OPS + 2)];
    bool since = n != 0 && w[0].from == INT64_MIN;
    struct s3p_borders b = {at, record, s3p_borders_pack(w, n, since, at, record), since};
    struct s3p_span held = {0};
    bool found = t_mutated_borders_find(&b, from, to, &held), same = !found;
    for (uint32_t i = 0; i < n; i++)
        same |= held.from == w[i].from && held.to == w[i].to && held.record == w[i].record;
    T_TRUE(same);
    return found;
}

/* False: an alarm about what may be right. */
static bool compare(struct s3p_windows *w, const struct key *key, const struct op *claim,
                    struct count *n)
{
    struct key k = *key;
    struct s3p_fact f[OPS];
    T_OK(t_mutated_windows_make(w, f, facts_of(&k, f), err));
    bool held = is_held(w->window + (claim->there ? w->there : 0),
                        claim->there ? w->gone : w->there, claim->inv, claim->res);
    bool right = legal(k.op, k.n);
    k.op[k.n++] = *claim;
    bool possible = right && legal(k.op, k.n);
    n->claims++;
    n->wrong += right && !possible;
    n->alarms += held;
    n->missed += right && !possible && !held;
    return !held || !possible;
}

/* The first history with a false alarm, or 0. */
static uint64_t run(uint64_t seed, uint64_t histories, struct count *n)
{
    struct s3p_windows w = {0};
    uint64_t bad = 0;
    memset(n, 0, sizeof *n);
    for (uint64_t i = 0; i < histories && bad == 0; i++) {
        struct claims c;
        draw(&c, seed, i);
        for (int k = 0; k < KEYS; k++)
            for (int p = 0; p < PAGES; p++)
                if (!compare(&w, &c.key[k], &c.page[p][k], n))
                    bad = i + 1;
    }
    t_mutated_windows_free(&w);
    return bad;
}

T_TEST_LIMIT(windows_oracle, 300)
{
    struct count n;
    t_mutant = S3P_MUT_NONE;
    T_EQ(run(1, HISTORIES, &n), 0);
    fprintf(stderr, "  %d histories, %u claims, %u wrong, %u alarms, %u missed\n", HISTORIES,
            n.claims, n.wrong, n.alarms, n.missed);
    T_TRUE(n.wrong > HISTORIES / 10 && n.missed * 20 < n.wrong);
}

T_TEST_LIMIT(windows_mutants, 300)
{
    struct count right, n;
    t_mutant = S3P_MUT_NONE;
    T_EQ(run(2, HUNT, &right), 0);
    for (t_mutant = S3P_MUT_WINDOW_FIRST; t_mutant <= S3P_MUT_WINDOW_LAST; t_mutant++) {
        uint64_t alarm = run(2, HUNT, &n);
        fprintf(stderr, "  mutant %d: false alarm in history %llu, %u missed (right: %u)\n",
                t_mutant, (unsigned long long)alarm, n.missed, right.missed);
        T_TRUE(alarm != 0 || n.missed > right.missed);
    }
    t_mutant = S3P_MUT_NONE;
}

T_TEST(windows_memory)
{
    struct s3p_windows w = {0};
    struct s3p_fact f[4] = {{1, 2, 0, S3P_FACT_MAKES | S3P_FACT_THERE, 0}};
    for (int64_t nth = 1; nth <= 3; nth++) {
        struct s3p_err err;
        s3p_alloc_fail_at(nth);
        T_EQ(s3p_windows_make(&w, f, 4, &err), S3P_ENOMEM);
    }
    s3p_alloc_fail_at(0);
    T_OK(s3p_windows_make(&w, f, 1, err));
    T_EQ(w.there, 1);
    T_EQ(w.window[0].from, 2);
    T_EQ(w.window[0].to, INT64_MAX);
    T_EQ(w.gone, 1);
    T_EQ(w.window[1].to, 1);
    s3p_windows_free(&w);
}
