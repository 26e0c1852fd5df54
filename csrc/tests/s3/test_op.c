#include "s3/op.h"

#include "tests/t.h"

T_TEST(op_table)
{
    for (int op = 1; op < S3P_OP_COUNT; op++) {
        const struct s3p_op_row *row = &s3p_op_table[op];
        T_TRUE(row->name != NULL && row->method != NULL);
        T_EQ(s3p_op_find(row->name, strlen(row->name)), op);
        T_TRUE(row->cls != S3P_CLASS_BUCKET || !row->on_key);
    }
    T_EQ(s3p_op_find("none", 4), S3P_OP_NONE);
    T_EQ(s3p_op_find("pu", 2), S3P_OP_NONE);
    T_EQ(s3p_op_find("putt", 4), S3P_OP_NONE);
    T_EQ(s3p_op_find("", 0), S3P_OP_NONE);
}

/* All but the record that a batch delete makes. */
T_TEST(op_offered)
{
    for (int op = 1; op < S3P_OP_COUNT; op++)
        T_EQ(s3p_op_table[op].offered, op != S3P_OP_DELETE_CHILD);
}

T_TEST(op_conditions)
{
    for (int cond = 0; cond < S3P_COND_COUNT; cond++)
        T_TRUE(s3p_cond_name[cond] != NULL);
    T_STR(s3p_cond_name[S3P_COND_NONE], "");
    T_STR(s3p_cond_name[S3P_COND_IF_NONE_MATCH_ANY], "if_none_match_any");
    T_STR(s3p_cond_name[S3P_COND_IF_UNMODIFIED_SINCE], "if_unmodified_since");
}
