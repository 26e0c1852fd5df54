/* The grammar of the switches, and the options of the command. */
#include "server/mutant_rows.h"
#include "server/options.h"

#include "core/clock.h"
#include "tests/t.h"

#include <stddef.h>

static int parse(const char *text, struct s3p_srv_mutant_spec *s, struct s3p_err *err)
{
    return s3p_srv_mutant_parse(s, text, strlen(text), err);
}

T_TEST(server_mutant_grammar)
{
    struct s3p_srv_mutant_spec s;
    T_OK(parse("stale-read-replica", &s, err));
    T_STR(s3p_srv_mutant_row(s.row)->name, "stale-read-replica");
    T_TRUE(s.p == 1.0 && s.every == 1 && s.verb == NULL && s.key[0] == 0 && s.endpoint == -1);
    T_EQ(s.min_inflight, 1);
    T_EQ(s.delay_ns, 200 * S3P_MS);
    T_OK(parse(
        "lost-ack-write:p=0.25,every=3,op=put,key=a/*,endpoint=1,min_inflight=2,after=5,delay_ms=7",
        &s, err));
    T_TRUE(s.p == 0.25 && s.every == 3 && s.endpoint == 1 && s.min_inflight == 2);
    T_STR(s.verb, "put");
    T_STR(s.key, "a/*");
    T_EQ(s.after_ns, 5 * S3P_S);
    T_EQ(s.delay_ns, 7 * S3P_MS);
}

T_TEST(server_mutant_grammar_errors)
{
    static const struct {
        const char *spec, *field, *value;
    } rows[] = {
        {"", "name", "\"\""},
        {"nothing", "name", "\"nothing\""},
        {"lost-ack-write:", "lost-ack-write", "\"\""},
        {"lost-ack-write:p=0", " p:", "\"0\""},
        {"lost-ack-write:p=nan", " p:", "\"nan\""},
        {"lost-ack-write:p=0.5x", " p:", "\"0.5x\""},
        {"lost-ack-write:every=-1", "every", "\"-1\""},
        {"lost-ack-write:op=x", " op:", "\"x\""},
        {"lost-ack-write:key=", "key", "\"\""},
        {"lost-ack-write:endpoint=16", "endpoint", "\"16\""},
        {"lost-ack-write:p=1,,every=2", "parameter", "\"\""},
        {"lost-ack-write:blue", "parameter", "\"blue\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3p_srv_mutant_spec s;
        struct s3p_err err = {0};
        T_EQ(parse(rows[i].spec, &s, &err), S3P_EINVAL);
        T_TRUE(strstr(err.msg, rows[i].field) != NULL && strstr(err.msg, rows[i].value) != NULL);
        T_TRUE(strstr(err.msg, "expected") != NULL);
    }
}

T_TEST(server_mutant_rows_are_whole)
{
    const struct s3p_srv_mutant_row *row;
    size_t i = 0;
    for (; (row = s3p_srv_mutant_row(i)) != NULL; i++) {
        T_TRUE(row->name[0] != 0 && row->breaks[0] != 0 && row->section[0] != 0);
        T_TRUE(row->needs != NULL);
        const char *hooks = (const char *)row + offsetof(struct s3p_srv_mutant_row, arrive);
        size_t n = sizeof *row - offsetof(struct s3p_srv_mutant_row, arrive), set = 0;
        for (size_t k = 0; k < n; k++)
            set += hooks[k] != 0;
        T_TRUE(set > 0 || row->batch != 0 || row->late || row->always);
        for (size_t k = 0; k < i; k++)
            T_TRUE(strcmp(row->name, s3p_srv_mutant_row(k)->name) != 0);
    }
    T_TRUE(i <= S3P_SRV_MUTANT_ROWS_MAX);
}

T_TEST(server_options)
{
    struct s3p_srv_options o;
    char *argv[] = {"serve", "--port=9000", "--endpoints", "2",      "--mutant",
                    "a",     "--mutant",    "b",           "--admin"};
    T_OK(s3p_srv_options_parse(&o, 9, argv, err));
    T_EQ(o.port, 9000);
    T_EQ(o.endpoints, 2);
    T_EQ(o.n_mutants, 2);
    T_STR(o.mutants[1], "b");
    T_TRUE(o.admin && !o.durable && !o.null_server && o.data == NULL);
    T_EQ(strlen(o.access_key), 34);
    T_EQ(strlen(o.secret_key), 32);
    char *null_argv[] = {"serve", "null", "--port", "1"};
    T_OK(s3p_srv_options_parse(&o, 4, null_argv, err));
    T_TRUE(o.null_server);
}
