/* What the faults of reads have in common: bodies in memory, answers from them, versions that were
 * replaced. Of the files of mutant_rows.h only; all of it under m->mu. */
#ifndef S3P_SERVER_MUTANT_BODIES_H
#define S3P_SERVER_MUTANT_BODIES_H

#include "server/mutant_state.h"

#define S3P_SRV_MUTANT_BODY_MAX (64 * 1024 * 1024)

bool s3p_srv_mutant_is(const struct s3p_srv_req *req, const char *method);

/* The body of what is current, of a version; false when it is gone, too long or of several parts.
 * `r` gets the version's record, with views into v->bytes. */
bool s3p_srv_mutant_load(const struct s3p_srv_req *req, const struct s3p_srv_record *r,
                         struct s3p_buf *out);
bool s3p_srv_mutant_load_version(const struct s3p_srv_version *v, struct s3p_srv_record *r,
                                 struct s3p_buf *out);
/* What was current at that time: the oldest version that was replaced since; NULL: what is. */
struct s3p_srv_version *s3p_srv_mutant_version_at(struct s3p_srv_key_state *k, int64_t then_ns);
/* A copy of a record, with its body as far as that is part of it; NULL: no memory. */
struct s3p_srv_version *s3p_srv_mutant_keep(const struct s3p_srv_record *r);
void s3p_srv_mutant_forget(struct s3p_srv_version **v); /* sets NULL */

/* The answer from a record whose body is in memory; */
void s3p_srv_mutant_answer(struct s3p_srv_req *req, struct s3p_srv_record r,
                           const struct s3p_buf *body);
/* from a version, or that there is none; counted as altered. False: it cannot be made. */
bool s3p_srv_mutant_answer_version(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                                   struct s3p_srv_req *req, const struct s3p_srv_version *v);
/* that there is no object; counted as altered. */
void s3p_srv_mutant_answer_absent(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                                  struct s3p_srv_req *req);

#endif
