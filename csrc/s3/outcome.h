/* What an attempt's end means. One data file, outcomes.json, is compiled into this table and run as
 * vectors by every runner. Rows are tried in order, the first that fits wins; the last row fits
 * everything, so that nothing is silently "failed": it errs towards unknown.
 * Source: docs/semantics.md, section "Outcomes". */
#ifndef S3P_S3_OUTCOME_H
#define S3P_S3_OUTCOME_H

#include <stdbool.h>

#include "s3/op.h"

/* Both are in files: never renumbered. */
enum s3p_outcome { S3P_FAILED = 0, S3P_OK_OUTCOME = 1, S3P_UNKNOWN = 2 };

enum s3p_evidence { /* what the answer says about the state of the key */
    S3P_EV_NONE = 0,
    S3P_EV_VALUE = 1,     /* the value seen, or written */
    S3P_EV_ABSENT = 2,    /* the key was absent */
    S3P_EV_PRESENT = 3,   /* the key was present, whatever its value */
    S3P_EV_NOT_MATCH = 4, /* the state differed from the expected ETag */
    S3P_EV_MATCH = 5,     /* 304: the state was that ETag */
};

struct s3p_end { /* how the attempt ended */
    enum s3p_op op;
    enum s3p_cond cond;
    int phase;           /* enum s3p_phase of http/conn.h, as a number: s3 and http are siblings */
    int status;          /* 0 without an answer */
    const char *code;    /* S3 error code, "" when none */
    bool error_document; /* a 2xx whose body holds an <Error> */
    bool has_etag;       /* the answer carried an ETag */
    bool body_complete;  /* all announced body bytes came */
};
enum s3p_outcome s3p_outcome_of(const struct s3p_end *e, enum s3p_evidence *evidence);

extern const char *const s3p_outcome_name[3];  /* "failed", "ok", "unknown" */
extern const char *const s3p_evidence_name[6]; /* "none", "value", "absent", "present", … */

#endif
