#include "s3/outcome.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

/* An end is a set of four bits, one a field: operation (bits 0…), phase (32…), condition (36…), and
 * which of the eight body states it is (48…). A row is the set of all values it accepts; it fits
 * when it holds the end's four. */
#define PHASE_AT 32
#define COND_AT 36
#define BODY_AT 48
#define BIT(n) (UINT64_C(1) << (n))
#define FIELD(from, to) (BIT(to) - BIT(from))

_Static_assert(S3P_OP_COUNT <= PHASE_AT && COND_AT + S3P_COND_COUNT <= BODY_AT,
               "the fields do not overlap");

/* The words of the generated table. The phases are those of http/conn.h. */
#define OP(name) BIT(S3P_OP_##name)
#define OP_ANY FIELD(0, PHASE_AT)
#define PHASE_NOT_SENT 0
#define PHASE_PARTLY_SENT 1
#define PHASE_SENT 2
#define PHASE_ANSWERED 3
#define PHASE(name) BIT(PHASE_AT + PHASE_##name)
#define PHASE_ANY FIELD(PHASE_AT, COND_AT)
#define COND(name) BIT(COND_AT + S3P_COND_##name)
#define COND_ANY FIELD(COND_AT, BODY_AT)
/* body state = error_document + 2 * no_etag + 4 * incomplete: each word is the set of states where
 * it is true */
#define BODY_ERROR_DOCUMENT (UINT64_C(0xaa) << BODY_AT)
#define BODY_NO_ETAG (UINT64_C(0xcc) << BODY_AT)
#define BODY_INCOMPLETE (UINT64_C(0xf0) << BODY_AT)
#define BODY_ANY (UINT64_C(0xff) << BODY_AT)

struct row {
    uint64_t fit;
    int status_low, status_high;
    const char *code; /* NULL: any */
    enum s3p_outcome outcome;
    enum s3p_evidence evidence;
};

static const struct row rows[] = {
#include "s3/outcomes.inc"
};
#define ROWS (sizeof rows / sizeof rows[0])

const char *const s3p_outcome_name[3] = {"failed", "ok", "unknown"};
const char *const s3p_evidence_name[6] = {"none",    "value",     "absent",
                                          "present", "not_match", "match"};

enum s3p_outcome s3p_outcome_of(const struct s3p_end *e, enum s3p_evidence *evidence)
{
    unsigned body = (unsigned)e->error_document + 2 * !e->has_etag + 4 * !e->body_complete;
    uint64_t bits = BIT(e->op) | BIT(PHASE_AT + e->phase) | BIT(COND_AT + e->cond) |
                    BIT(BODY_AT + body);
    const struct row *last = &rows[ROWS - 1], *r = rows;
    for (; r < last; r++) {
        if ((bits & ~r->fit) == 0 && e->status >= r->status_low && e->status <= r->status_high &&
            (r->code == NULL || strcmp(r->code, e->code) == 0))
            break;
    }
    *evidence = r->evidence;
    return r->outcome;
}
