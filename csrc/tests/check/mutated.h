/* The pure core compiled a second time, with switches that break it (check/mutate.h). */
#ifndef S3P_TESTS_MUTATED_H
#define S3P_TESTS_MUTATED_H

#include "check/register.h"
#include "check/windows.h"

extern int t_mutant; /* enum s3p_check_mutant */
int t_mutated_create(struct s3p_reg **out, struct s3p_err *err) S3P_MUST_CHECK;
void t_mutated_free(struct s3p_reg *r);
int t_mutated_check(struct s3p_reg *r, const struct s3p_reg_op *ops, uint32_t n, uint32_t values,
                    struct s3p_reg_result *out, struct s3p_err *err) S3P_MUST_CHECK;
int t_mutated_windows_make(struct s3p_windows *w, const struct s3p_fact *f, uint32_t n,
                           struct s3p_err *err) S3P_MUST_CHECK;
void t_mutated_windows_free(struct s3p_windows *w);
bool t_mutated_borders_find(const struct s3p_borders *b, int64_t from, int64_t to,
                            struct s3p_span *held);

#endif
