/* A key's rows as facts about its membership in listings. Threads: one owner. */
#ifndef S3P_CHECK_OBJECT_FACTS_H
#define S3P_CHECK_OBJECT_FACTS_H

#include "check/etags.h"
#include "check/members.h"

/* A row as a fact, and its windows while they are made. */
enum { S3P_FACT_BYTES = 2 * sizeof(struct s3p_fact) + 5 * sizeof(struct s3p_span) };

struct s3p_fact_list {
    struct s3p_fact *fact;
    uint32_t n, cap;
    struct s3p_windows windows;
};
void s3p_fact_list_free(struct s3p_fact_list *l);
int s3p_object_member(struct s3p_members *objects, struct s3p_fact_list *l,
                      const struct s3p_index *x, uint32_t key,
                      const struct s3p_bucket_rules *rules, struct s3p_err *err) S3P_MUST_CHECK;

#endif
