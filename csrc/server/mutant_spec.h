/* The switch of one fault:
 * `name[:p=<probability>][,every=<n>][,op=<verb>][,key=<glob>][,endpoint=<i>]
 * [,min_inflight=<k>][,after=<s>][,delay_ms=<d>]`. */
#ifndef S3P_SERVER_MUTANT_SPEC_H
#define S3P_SERVER_MUTANT_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define S3P_SRV_GLOB_MAX 255

struct s3p_srv_mutant_spec {
    unsigned row; /* in the table of s3p_srv_mutant_rows */
    double p;
    uint64_t every;
    const char *verb;               /* NULL: every one that the fault is about */
    char key[S3P_SRV_GLOB_MAX + 1]; /* empty: every key */
    int endpoint;                   /* -1: every one */
    unsigned min_inflight;          /* requests on the key, this one included */
    int64_t after_ns, delay_ns;     /* delay_ns: the row's own when not given */
};

/* Parses one specification. S3P_EINVAL with field, value and what was expected. */
int s3p_srv_mutant_parse(struct s3p_srv_mutant_spec *out, const char *text, size_t len,
                         struct s3p_err *err) S3P_MUST_CHECK;

/* The verb of a plan for an operation of the S3 API ("PutObject": "put"); NULL when it has none. */
const char *s3p_srv_verb(const char *operation);

#endif
