/* The grammar of the faults, their table, and the schedule. */
#include "proxy/faults.h"

#include "core/clock.h"
#include "tests/t.h"

static int parse(const char *text, struct s3p_px_spec *s, struct s3p_err *err)
{
    return s3p_px_spec_parse(s, text, strlen(text), err);
}

T_TEST(proxy_spec_grammar)
{
    struct s3p_px_spec s;
    size_t n;
    const struct s3p_px_row *rows = s3p_px_rows(&n);
    T_OK(parse("truncate-clean", &s, err));
    T_STR(rows[s.row].name, "truncate-clean");
    T_TRUE(s.p == 1.0 && s.every == 1 && s.nth == 0 && s.op == S3P_OP_NONE && s.key[0] == 0);
    T_TRUE(s.endpoint == -1 && s.bytes == -1 && s.side == S3P_PX_RESPONSE);
    T_OK(parse("status-after-commit:p=0.25,every=3,nth=9,op=put,key=a/*,endpoint=1,after=5,for=2,"
               "status=504,retry_after=7,code=Odd",
               &s, err));
    T_TRUE(s.p == 0.25 && s.every == 3 && s.nth == 9 && s.op == S3P_OP_PUT && s.endpoint == 1);
    T_TRUE(s.status == 504 && s.retry_after == 7);
    T_EQ(s.after_ns, 5 * S3P_S);
    T_EQ(s.for_ns, 2 * S3P_S);
    T_STR(s.key, "a/*");
    T_STR(s.code, "Odd");
    T_OK(parse("status-before-commit:status=200,body=%3Ca%3e", &s, err));
    T_TRUE(s.status == 200 && s.has_body);
    T_STR(s.body, "<a>");
    T_OK(parse("status-before-commit:body=", &s, err));
    T_TRUE(s.has_body && s.body[0] == 0);
    T_OK(parse("endpoint-partition", &s, err));
    T_EQ(s.endpoint, 0);
    T_OK(parse("late-delivery:how=hang,delay_ms=3", &s, err));
    T_TRUE(s.how == S3P_PX_HANG && s.delay_ns == 3 * S3P_MS);
}

T_TEST(proxy_spec_errors)
{
    static const struct {
        const char *spec, *field, *value;
    } rows[] = {
        {"", "name", "\"\""},
        {"nothing", "name", "\"nothing\""},
        {"clock-skew:", "clock-skew", "\"\""},
        {"clock-skew:p=0", " p:", "\"0\""},
        {"clock-skew:p=nan", " p:", "\"nan\""},
        {"clock-skew:every=0", "every", "\"0\""},
        {"clock-skew:op=fly", " op:", "\"fly\""},
        {"late-delivery:op=get", " op:", "\"get\""},
        {"clock-skew:status=500", "parameter", "\"status\""},
        {"status-before-commit:status=199", "status", "\"199\""},
        {"status-before-commit:body=a%4", "body", "\"a%4\""},
        {"status-before-commit:body=a%00", "body", "\"a%00\""},
        {"status-before-commit:code=a b", "code", "\"a b\""},
        {"late-delivery:how=surplus", "how", "\"surplus\""},
        {"slow-body:side=both", "side", "\"both\""},
        {"clock-skew:endpoint=16", "endpoint", "\"16\""},
        {"clock-skew:p=1,,nth=2", "parameter", "\"\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_px_spec s;
        struct s3p_err err = {0};
        T_EQ(parse(rows[i].spec, &s, &err), S3P_EINVAL);
        T_TRUE(strstr(err.msg, rows[i].field) != NULL && strstr(err.msg, rows[i].value) != NULL);
        T_TRUE(strstr(err.msg, "expected") != NULL);
    }
}

T_TEST(proxy_rows_are_whole)
{
    size_t n;
    const struct s3p_px_row *rows = s3p_px_rows(&n);
    for (size_t i = 0; i < n; i++) {
        T_TRUE(rows[i].name != NULL && rows[i].does != NULL && rows[i].expect != NULL);
        T_TRUE(rows[i].answer != S3P_PX_OWN || rows[i].status != 0);
        T_TRUE((rows[i].cut || rows[i].flip || rows[i].slow) == (rows[i].side != 0));
        T_TRUE(!rows[i].late || (rows[i].whole && rows[i].deliveries == 0));
        for (size_t k = 0; k < i; k++)
            T_TRUE(strcmp(rows[i].name, rows[k].name) != 0);
    }
}

/* Which of 1,000 requests each of two faults gets, as sums of their numbers. */
static void schedule(const char *const *specs, unsigned n, uint64_t seed, uint64_t sums[2])
{
    struct s3p_px_faults *set;
    struct s3p_px_request r = {.op = S3P_OP_PUT, .key = "k", .target = "/b/k"};
    struct s3p_px_moment m = {.seed = seed, .endpoints = 1};
    T_OK(s3p_px_faults_create(&set, NULL, specs, n, 1, err));
    sums[0] = sums[1] = 0;
    for (uint64_t i = 1; i <= 1000; i++) {
        uint64_t draw;
        struct s3p_px_fault *f = s3p_px_faults_draw(set, &r, &m, &draw);
        if (f != NULL)
            sums[f - set->fault] += i * i;
    }
    T_EQ(set->fault[0].matched, 1000);
    s3p_px_faults_free(set);
}

T_TEST(proxy_schedule_is_the_seeds)
{
    static const char *const both[] = {"drop-before-commit:p=0.1", "clock-skew:p=0.1"};
    static const char *const nth[] = {"drop-before-commit:nth=7", "clock-skew:every=500"};
    uint64_t a[2], b[2], c[2];
    schedule(both, 2, 7, a);
    schedule(both, 2, 7, b);
    schedule(both, 2, 8, c);
    T_TRUE(a[0] == b[0] && a[1] == b[1] && a[0] != c[0] && a[1] != c[1]);
    schedule(both, 1, 7, c); /* what others do changes nothing */
    T_TRUE(a[0] == c[0]);
    schedule(nth, 2, 1, a);
    T_EQ(a[0], 49);
    T_EQ(a[1], 500 * 500 + 1000 * 1000);
}

T_TEST(proxy_set_refuses_what_it_cannot_do)
{
    static const char *const alone[] = {"dns-multi"}, *const far[] = {"clock-skew:endpoint=1"};
    struct s3p_px_faults *set;
    struct s3p_err err = {0};
    T_EQ(s3p_px_faults_create(&set, NULL, alone, 1, 1, &err), S3P_EINVAL);
    T_EQ(s3p_px_faults_create(&set, NULL, far, 1, 1, &err), S3P_EINVAL);
    for (int64_t nth = 1; nth <= 4; nth++) {
        static const char *const two[] = {"throttle-prefix", "clock-skew"};
        s3p_alloc_fail_at(nth);
        int rc = s3p_px_faults_create(&set, NULL, two, 2, 1, &err);
        s3p_alloc_fail_at(0);
        T_EQ(rc, S3P_ENOMEM);
    }
}
