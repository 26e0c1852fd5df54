#include "s3/outcome.h"

#include "tests/s3/vec.h"

static int index_of(struct s3p_str name, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (s3p_str_eq(name, names[i]))
            return i;
    t_fail(__FILE__, __LINE__, "unknown word %.*s", (int)name.len, name.p);
}

static json_t *load_outcomes(void)
{
    return vec_load(t_vectors("../../s3/outcomes.json"));
}

T_TEST(outcome_vectors)
{
    static const char *const phases[] = {"not_sent", "partly_sent", "sent", "answered"};
    json_t *root = load_outcomes(), *v;
    size_t i;
    json_array_foreach (vec_list(root, "vectors", 80), i, v) {
        struct s3p_str op = vec_str(v, "op");
        struct s3p_end end = {
            .op = s3p_op_find(op.p, op.len),
            .cond = (enum s3p_cond)index_of(vec_str(v, "cond"), s3p_cond_name, S3P_COND_COUNT),
            .phase = index_of(vec_str(v, "phase"), phases, 4),
            .status = (int)vec_int(v, "status"),
            .code = vec_str(v, "code").p,
            .error_document = vec_bool(v, "error_document"),
            .has_etag = vec_bool(v, "has_etag"),
            .body_complete = vec_bool(v, "body_complete"),
        };
        enum s3p_evidence evidence;
        enum s3p_outcome outcome = s3p_outcome_of(&end, &evidence);
        T_TRUE(end.op != S3P_OP_NONE);
        vec_expect(v, s3p_outcome_name[outcome], strlen(s3p_outcome_name[outcome]),
                   vec_str(v, "outcome"));
        vec_expect(v, s3p_evidence_name[evidence], strlen(s3p_evidence_name[evidence]),
                   vec_str(v, "evidence"));
    }
    json_decref(root);
}

/* The file repeats the classes for readers in other languages. */
T_TEST(outcome_classes)
{
    static const char *const classes[] = {"read", "mutation", "list", "bucket"};
    json_t *root = load_outcomes(), *v;
    int n = 0;
    for (int cls = 0; cls < 4; cls++) {
        size_t i;
        json_array_foreach (vec_list(json_object_get(root, "classes"), classes[cls], 1), i, v) {
            enum s3p_op op = s3p_op_find(json_string_value(v), json_string_length(v));
            T_TRUE(op != S3P_OP_NONE);
            T_EQ(s3p_op_table[op].cls, cls);
            n++;
        }
    }
    T_EQ(n, S3P_OP_COUNT - 1);
    json_decref(root);
}

/* Whatever comes, a mutation that left is never reported failed without a definite answer. */
T_TEST(outcome_errs_towards_unknown)
{
    static const int definite[] = {400, 401, 403, 404, 405, 409, 411, 412, 413, 416, 501};
    for (int op = 1; op < S3P_OP_COUNT; op++) {
        if (s3p_op_table[op].cls != S3P_CLASS_MUTATION)
            continue;
        for (int status = 0; status < 700; status++) {
            struct s3p_end e = {.op = (enum s3p_op)op,
                                .phase = 3,
                                .status = status,
                                .code = "Strange",
                                .has_etag = true,
                                .body_complete = true};
            enum s3p_evidence evidence;
            bool expected = status >= 300 && status < 400;
            for (size_t i = 0; i < sizeof definite / sizeof definite[0]; i++)
                expected |= status == definite[i] && status != 404;
            T_EQ(s3p_outcome_of(&e, &evidence) == S3P_FAILED, expected);
            e.phase = 2;
            T_EQ(s3p_outcome_of(&e, &evidence), S3P_UNKNOWN);
            T_EQ(evidence, S3P_EV_NONE);
        }
    }
}
