/* From records to rows: which of them say something about the current value of their key, and which
 * are refused. */
#include "tests/t.h"

#include <unistd.h>

#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"
#include "tests/check/of_versions.h"
#include "tests/check/store.h"

#define NO_MD5 "{\"etag_is_md5\":false}"

static const struct s3p_id nobody;

static void begin(struct t_make *m)
{
    t_make_begin(m, "{}", NO_MD5);
}

static json_t *verdict_of(const struct s3p_attempt *r, size_t n)
{
    struct t_make m;
    begin(&m);
    for (size_t i = 0; i < n; i++)
        t_add(&m, r[i]);
    return t_make_judge(&m, NULL);
}

/* One violation, of this rule; NULL: none. */
static void expect(int line, const char *rule, const struct s3p_attempt *r, size_t n)
{
    json_t *v = verdict_of(r, n);
    char *text = t_dump(v);
    if (json_integer_value(json_object_get(v, "violations")) != (rule != NULL) ||
        (rule != NULL && t_rule(v, rule) != 1))
        t_fail(__FILE__, line, "expected %s: %s", rule != NULL ? rule : "nothing", text);
    s3p_free(text);
    json_decref(v);
}
#define EXPECT(rule, ...)                                                                          \
    do {                                                                                           \
        const struct s3p_attempt r_[] = {__VA_ARGS__};                                             \
        expect(__LINE__, rule, r_, sizeof r_ / sizeof *r_);                                        \
    } while (0)

/* How many keys, and attempts, are not checked for this reason. */
static void expect_skipped(int line, const char *reason, int64_t keys, int64_t attempts,
                           const struct s3p_attempt *r, size_t n)
{
    json_t *v = verdict_of(r, n);
    char *text = t_dump(v);
    if (t_skipped(v, reason, "keys") != keys || t_skipped(v, reason, "attempts") != attempts)
        t_fail(__FILE__, line, "expected %d and %d for %s: %s", (int)keys, (int)attempts, reason,
               text);
    s3p_free(text);
    json_decref(v);
}
#define SKIPPED(reason, keys, attempts, ...)                                                       \
    do {                                                                                           \
        const struct s3p_attempt r_[] = {__VA_ARGS__};                                             \
        expect_skipped(__LINE__, reason, keys, attempts, r_, sizeof r_ / sizeof *r_);              \
    } while (0)

/* ---- what is refused ---- */

static void expect_error(int line, struct s3p_attempt r, const struct s3p_entry *e, int code,
                         const char *message)
{
    struct t_make m;
    struct s3p_err err = {0};
    begin(&m);
    t_add(&m, t_put(7, 9, 1, 2));
    s3p_append_begin(m.a, 64, e != NULL);
    if (e != NULL) {
        r.entries_first = s3p_append_entry(m.a, e);
        r.entries_count = 1;
    }
    s3p_append(m.a, &r);
    int got = t_make_fail(&m, NULL, &err);
    if (got != code || strcmp(err.msg, message) != 0)
        t_fail(__FILE__, line, "%d %s, expected %d %s", got, err.msg, code, message);
}
#define REFUSED(r, message) expect_error(__LINE__, r, NULL, S3P_EFORMAT, message)

#define NOT_IN_HEADER(space, bucket)                                                               \
    "record 1: space " #space " or bucket " #bucket " is not in the header"

T_TEST(load_places)
{
    static const int ops[] = {S3P_OP_PUT,          S3P_OP_PUT_TAGS,    S3P_OP_CREATE_BUCKET,
                              S3P_OP_UPLOAD_PART,  S3P_OP_LIST,        S3P_OP_DELETE_CHILD,
                              S3P_OP_PUT_LIFECYCLE};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct s3p_attempt r = t_attempt(ops[i], 1, 3, 3, 4);
        r.space = 3; /* of three */
        REFUSED(r, NOT_IN_HEADER(3, 0));
        r.space = 0;
        r.bucket = 2; /* of two */
        REFUSED(r, NOT_IN_HEADER(0, 2));
        r.key_index = S3P_NO_INDEX;
        REFUSED(r, NOT_IN_HEADER(0, 2));
        r.bucket = 1; /* no key, no space */
        r.space = 3;
        r.outcome = S3P_FAILED;
        expect_error(__LINE__, r, NULL, 0, "");
    }
    static const int lists[] = {S3P_OP_LIST, S3P_OP_LIST_VERSIONS, S3P_OP_LIST_UPLOADS,
                                S3P_OP_DELETE_OBJECTS};
    struct s3p_entry e = {.key_index = 1, .space = 3};
    struct s3p_attempt r = t_attempt(S3P_OP_LIST_PARTS, 1, 3, 3, 4);
    r.outcome = S3P_OK_OUTCOME;
    expect_error(__LINE__, r, &e, 0, ""); /* a part's number is no key */
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        r = t_attempt(lists[i], 1, S3P_NO_INDEX, 3, 4);
        r.outcome = S3P_OK_OUTCOME;
        e.key_index = 1;
        expect_error(__LINE__, r, &e, S3P_EFORMAT, NOT_IN_HEADER(3, 0));
        e.key_index = S3P_NO_INDEX;
        expect_error(__LINE__, r, &e, 0, "");
    }
}

T_TEST(load_numbers_and_times)
{
    REFUSED(t_put(1, UINT64_C(1) << 32, 3, 4),
            "record 1: key_index 4294967296, key spaces have fewer than 2^32 keys");
    expect_error(__LINE__, t_put(1, UINT32_MAX, 3, 4), NULL, 0, "");
    REFUSED(t_put(1, 3, 4, 3), "record 1: t_return is before t_call");
    expect_error(__LINE__, t_put(1, 3, 4, 4), NULL, 0, "");
    struct s3p_attempt r = t_put(1, 3, 3, 4);
    r.t_call = INT64_MIN;
    REFUSED(r, "record 1: t_return is before t_call");
}

/* ---- writes ---- */

T_TEST(load_identities_of_writes)
{
    struct s3p_attempt put = t_put(1, 3, 1, 2);
    put.body_id = nobody; /* the metadata have one */
    EXPECT("absent-after-ack", put, t_get(0, 3, 3, 4));
    EXPECT(NULL, put, t_get(1, 3, 3, 4));
    put.meta_id = nobody;
    SKIPPED("no-identity", 1, 2, put, t_get(0, 3, 3, 4));
}

/* An answer without an ETag names no wrong one. */
T_TEST(load_etagless_writes)
{
    for (int told = 0; told < 2; told++) {
        struct t_make m;
        struct s3p_attempt put = t_put(1, 3, 1, 2); /* its ETag is no MD5 */
        put.etag_form = told ? S3P_ETAG_DIGEST : S3P_ETAG_NONE;
        t_make_begin(&m, "{}", "{\"etag_is_md5\":true}");
        t_add(&m, put);
        t_add_texts(&m, t_get(0, 4, 1, 2), (struct t_texts){.code = "NoSuchKey"});
        t_expect_rule(&m, told ? "etag-mismatch" : NULL);
    }
}

/* A digest, and other text that would hash to the same. */
T_TEST(load_forms_of_etags)
{
    struct s3p_attempt other = t_put(2, 3, 3, 4);
    other.etag = t_etag(1);
    EXPECT("etag-mismatch", t_put(1, 3, 1, 2), other);
    struct s3p_attempt third = t_put(3, 3, 5, 6);
    third.etag = t_etag(1);
    const struct s3p_attempt all[] = {t_put(1, 3, 1, 2), other, third};
    json_t *v = verdict_of(all, 3);
    T_EQ(t_rule(v, "etag-mismatch"), 2);
    json_decref(v);
    other.etag_form = S3P_ETAG_HASHED;
    EXPECT(NULL, t_put(1, 3, 1, 2), other);
}

/* Of two reasons the first in the list of them, whatever came first; evidence is what they were. */
T_TEST(load_reasons)
{
    struct s3p_attempt constant = t_put(1, 3, 1, 2), foreign = t_put(2, 3, 3, 4), lost, twice;
    constant.body_kind = S3P_KIND_CONSTANT;
    foreign.flags = S3P_FLAG_FOREIGN;
    SKIPPED("foreign-writer", 1, 1, foreign);
    SKIPPED("constant-body", 1, 2, constant, foreign);
    SKIPPED("constant-body", 1, 2, foreign, constant);
    twice = t_put(2, 3, 3, 4);
    twice.flags = S3P_FLAG_MULTI_DELIVERY;
    SKIPPED("multi-delivery", 1, 1, twice);
    twice.flags = S3P_FLAG_ALTERED;
    SKIPPED("altered-on-the-way", 1, 1, twice);
    twice.flags = S3P_FLAG_ALTERED | S3P_FLAG_FOREIGN; /* the first that is found */
    SKIPPED("foreign-writer", 1, 1, twice);
    lost = t_lost(foreign);
    const struct s3p_attempt r[] = {twice, lost};
    json_t *v = verdict_of(r, 2);
    const json_t *all = json_object_get(json_object_get(v, "evidence"), "*");
    T_EQ(json_integer_value(json_object_get(all, "acked_writes")), 1);
    T_EQ(json_integer_value(json_object_get(all, "unknown")), 1);
    json_decref(v);
}

/* What was refused changed nothing, even if nobody could say what it would have written. */
T_TEST(load_refused_copy)
{
    for (int refused = 0; refused < 2; refused++) {
        struct s3p_attempt copy = t_attempt(S3P_OP_COPY, 5, 3, 3, 4);
        struct t_make m;
        copy.outcome = refused ? S3P_FAILED : S3P_OK_OUTCOME;
        begin(&m);
        t_add(&m, t_put(1, 3, 1, 2));
        t_add_texts(&m, copy, (struct t_texts){.source = "main/keys/00000004"});
        t_add(&m, t_get(0, 3, 5, 6));
        t_expect_rule(&m, refused ? "absent-after-ack" : NULL);
    }
}

/* ---- reads ---- */

static struct s3p_attempt named(struct s3p_attempt r, struct s3p_id body, struct s3p_id meta)
{
    r.body_id = body;
    r.meta_id = meta;
    return r;
}

T_TEST(load_identities_of_reads)
{
    const struct s3p_attempt one = t_put(1, 3, 1, 2), two = t_put(2, 3, 3, 4);
    struct s3p_attempt get = t_get(1, 3, 5, 6);
    EXPECT("stale-read", one, two, named(get, t_value(1), t_value(1)));
    EXPECT("stale-read", one, two, named(get, nobody, t_value(1))); /* an empty body */
    EXPECT(NULL, one, named(get, nobody, t_value(1)));
    get.body_verdict = S3P_BODY_OPAQUE; /* whatever its bytes seem to name */
    EXPECT(NULL, one, named(get, t_value(9), t_value(1)));
    get.op = S3P_OP_HEAD;
    get.body_verdict = S3P_BODY_NONE;
    get.etag_form = S3P_ETAG_NONE;
    SKIPPED("etag-unresolved", 0, 0, one, named(get, nobody, nobody)); /* it says nothing */
}

T_TEST(load_sizes_of_reads)
{
    struct s3p_attempt get = t_get(1, 3, 5, 6);
    get.size = 0; /* not told */
    EXPECT(NULL, t_put(1, 3, 1, 2), get);
    get.size = 7;
    EXPECT("body-length", t_put(1, 3, 1, 2), get);
}

/* An answer that was lost on the way says nothing, whatever began to come. */
T_TEST(load_unfinished_reads)
{
    struct s3p_attempt get = t_get(1, 3, 5, 6);
    get.outcome = S3P_UNKNOWN;
    SKIPPED("etag-unresolved", 0, 0, t_put(1, 3, 1, 2), get);
    EXPECT(NULL, t_put(1, 3, 1, 2), t_put(2, 3, 3, 4), get);
}

static void read_with(const char *args, struct s3p_attempt get, const char *rule)
{
    struct t_make m;
    begin(&m);
    t_add(&m, t_put(1, 3, 1, 2));
    t_add(&m, t_put(2, 3, 3, 4));
    t_add_texts(&m, get, (struct t_texts){.args = args});
    t_expect_rule(&m, rule);
}

/* Several metadata fields beside the id; torn ones are judged alone. */
T_TEST(load_fields_of_reads)
{
    struct s3p_attempt get = t_get(1, 3, 5, 6);
    read_with("fields=4", get, "stale-read");
    get.meta_id = nobody;
    read_with("fields=torn", get, "meta-torn");
    get.body_verdict = S3P_BODY_FOREIGN; /* this run's bytes, from wherever they came */
    json_t *v = verdict_of(&get, 1);
    T_EQ(t_rule(v, "meta-lost"), 1);
    json_decref(v);
}

/* One version of a key, or one part, says nothing of its current value, nor who else wrote. */
T_TEST(load_narrow_reads)
{
    struct s3p_attempt get = t_get(1, 3, 5, 6);
    get.part_number = 1;
    SKIPPED("foreign-run", 0, 0, t_put(1, 3, 1, 2),
            named(get, s3p_id_make(9, 1, 1), s3p_id_make(9, 1, 1)));
    EXPECT(NULL, t_put(1, 3, 1, 2), t_put(2, 3, 3, 4), get);
}

/* ---- evidence ---- */

/* Equal times are concurrent, however many there are. */
T_TEST(load_in_flight)
{
    enum { WRITES = 40 };
    struct s3p_attempt r[WRITES];
    for (uint32_t n = 0; n < WRITES; n++)
        r[n] = t_put(n + 1, 3, n, n + 1);
    json_t *v = verdict_of(r, WRITES);
    const json_t *all = json_object_get(json_object_get(v, "evidence"), "*");
    T_EQ(json_integer_value(json_object_get(all, "max_in_flight")), 2);
    json_decref(v);
}

/* Only mutations of the main phase count as overlapping. */
T_TEST(load_phases)
{
    for (int setup = 0; setup < 2; setup++) {
        struct s3p_attempt r[] = {t_put(1, 3, 1, 5), t_put(2, 3, 2, 6)};
        r[0].run_phase = r[1].run_phase = setup ? 0 : 1;
        json_t *v = verdict_of(r, 2);
        const json_t *all = json_object_get(json_object_get(v, "evidence"), "*");
        T_EQ(json_integer_value(json_object_get(all, "acked_writes")), 2);
        T_EQ(json_integer_value(json_object_get(all, "max_in_flight")), setup ? 0 : 2);
        json_decref(v);
    }
}

/* ---- entries ---- */

/* A common prefix is no object, even if a key has its name, and a page that broke off no page. */
T_TEST(load_entries)
{
    static const struct {
        uint8_t flags, outcome;
        int64_t wrong;
    } of[] = {{0, S3P_OK_OUTCOME, 1},
              {S3P_ENTRY_PREFIX, S3P_OK_OUTCOME, 0},
              {0, S3P_UNKNOWN, 0},
              {0, S3P_FAILED, 0}};
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        struct t_make m;
        struct s3p_attempt r = t_attempt(S3P_OP_LIST, 90, S3P_NO_INDEX, 5, 6);
        struct s3p_entry e = {.key_index = 3, .size = 7};
        r.outcome = of[k].outcome;
        e.flags = of[k].flags;
        s3p_etag_bytes etag = t_etag(1);
        memcpy(e.etag, etag.b, sizeof e.etag);
        e.etag_form = S3P_ETAG_DIGEST;
        begin(&m);
        t_add(&m, t_put(1, 3, 1, 2));
        s3p_append_begin(m.a, 64, 1);
        r.entries_first = s3p_append_entry(m.a, &e);
        r.entries_count = 1;
        s3p_append(m.a, &r);
        json_t *v = t_make_judge(&m, NULL);
        T_EQ(t_rule(v, "body-length"), of[k].wrong);
        json_decref(v);
    }
}

/* The same numbers in two spaces are different keys. */
T_TEST(load_spaces)
{
    enum { KEYS = 12000 };
    struct t_make m;
    t_make_spaces(&m, "{}", NO_MD5,
                  "{\"prefix\":\"a/\",\"count\":20000},{\"prefix\":\"b/\",\"count\":20000}");
    for (uint32_t k = 0; k < 4 * KEYS; k++) {
        uint32_t value = k % (2 * KEYS), key = value / 2;
        struct s3p_attempt r = k < 2 * KEYS ? t_put(1 + value, key, 1, 2)
                                            : t_get(1 + value, key, 3, 4);
        r.space = k % 2;
        t_add(&m, r);
    }
    json_t *v = t_make_judge(&m, NULL);
    T_STR(t_text(v, "consistency"), "held");
    T_EQ(json_integer_value(json_object_get(v, "keys_checked")), 2 * KEYS);
    json_decref(v);
}

/* More values than were written: read, and of nobody. */
T_TEST(load_values_of_nobody)
{
    enum { READS = 400, COUNTED = 16 };
    struct t_make m;
    begin(&m);
    t_add(&m, t_put(1, 3, 1, 2));
    for (uint32_t n = 0; n < READS; n++)
        t_add(&m, t_get(1000 + n, 3, 5 + n, 6 + n));
    struct s3p_attempt get = t_get(999, 3, 3, 4);
    get.etag_form = S3P_ETAG_NONE;
    t_add(&m, get);
    json_t *v = t_make_judge(&m, NULL);
    T_EQ(t_rule(v, "unwritten-value"), COUNTED);
    T_EQ(t_rule(v, "etag-mismatch"), 1); /* the one that shows no ETag */
    json_decref(v);
}
