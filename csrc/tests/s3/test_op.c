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

T_TEST(op_offered)
{
    static const enum s3p_op offered[] = {
        S3P_OP_PUT,
        S3P_OP_GET,
        S3P_OP_HEAD,
        S3P_OP_DELETE,
        S3P_OP_DELETE_OBJECTS,
        S3P_OP_LIST,
        S3P_OP_LIST_V1,
        S3P_OP_CREATE_BUCKET,
        S3P_OP_HEAD_BUCKET,
        S3P_OP_DELETE_BUCKET,
    };
    int n = 0;
    for (int op = 0; op < S3P_OP_COUNT; op++)
        n += s3p_op_table[op].offered;
    T_EQ(n, sizeof offered / sizeof offered[0]);
    for (size_t i = 0; i < sizeof offered / sizeof offered[0]; i++)
        T_TRUE(s3p_op_table[offered[i]].offered);
}

T_TEST(op_conditions)
{
    for (int cond = 0; cond < S3P_COND_COUNT; cond++)
        T_TRUE(s3p_cond_name[cond] != NULL);
    T_STR(s3p_cond_name[S3P_COND_NONE], "");
    T_STR(s3p_cond_name[S3P_COND_IF_NONE_MATCH_ANY], "if_none_match_any");
    T_STR(s3p_cond_name[S3P_COND_IF_UNMODIFIED_SINCE], "if_unmodified_since");
}
