#include "tests/t.h"

#include <errno.h>

static int three_steps(int fails_at, int *done, struct s3p_err *err)
{
    for (int i = 0; i < 3; i++) {
        S3P_TRY(i == fails_at ? s3p_fail(err, S3P_EIO, ENOSPC, "step %d of %s", i, "three") : 7);
        (*done)++;
    }
    return S3P_OK;
}

T_TEST(err_try_returns_the_first_failure)
{
    struct s3p_err err = {0};
    int done = 0;
    T_EQ(three_steps(1, &done, &err), S3P_EIO);
    T_EQ(done, 1);
    T_EQ(err.code, S3P_EIO);
    T_EQ(err.sys, ENOSPC);
    T_STR(err.msg, "step 1 of three");
    T_EQ(three_steps(-1, &done, &err), S3P_OK);
    T_EQ(done, 4);
}

T_TEST(err_may_be_null_and_long_messages_are_cut)
{
    T_EQ(s3p_fail(NULL, S3P_ELIMIT, 0, "%s", "unheard"), S3P_ELIMIT);
    struct s3p_err err = {0};
    T_EQ(s3p_fail(&err, S3P_EINVAL, 0, "%0500d", 7), S3P_EINVAL);
    T_EQ(strlen(err.msg), sizeof err.msg - 1);
}
