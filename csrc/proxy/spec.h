/* The behaviours of the proxy, one row each, and the switch of one:
 * `name[:p=<probability>][,every=<n>][,nth=<n>][,op=<verb>][,key=<glob>][,endpoint=<i>][,after=<s>]
 * [,for=<s>]` and the parameters that the row has. */
#ifndef S3P_PROXY_SPEC_H
#define S3P_PROXY_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "s3/op.h"

#define S3P_PX_GLOB_MAX 255
#define S3P_PX_CODE_MAX 63
#define S3P_PX_BODY_MAX 511
#define S3P_PX_ENDPOINTS_MAX 16

enum s3p_px_side { S3P_PX_NO_SIDE = 0, S3P_PX_REQUEST, S3P_PX_RESPONSE };
enum s3p_px_how { S3P_PX_DEFAULT = 0, S3P_PX_CLOSE, S3P_PX_HANG, S3P_PX_SURPLUS, S3P_PX_FIRST,
                  S3P_PX_SECOND };

/* What the client gets to see. */
enum s3p_px_answer {
    S3P_PX_PASS,    /* the store's answer */
    S3P_PX_OWN,     /* one made by the proxy */
    S3P_PX_NOTHING,
    S3P_PX_BLANKS,  /* the store's, with blanks inside its document, slowly */
};
/* What becomes of the client's connection afterwards. */
enum s3p_px_end { S3P_PX_GO_ON, S3P_PX_END_CLOSE, S3P_PX_END_HANG, S3P_PX_END_RESET };

/* Parameters that only some rows have. */
enum {
    S3P_PX_HAS_STATUS = 1, /* status, code, body, retry_after */
    S3P_PX_HAS_DELAY = 2,
    S3P_PX_HAS_BYTES = 4,
    S3P_PX_HAS_RATE = 8,
    S3P_PX_HAS_SIDE = 16,
    S3P_PX_HAS_HOW = 32,
};

/* The rules of requests that hang on the time, or on what came before. */
enum s3p_px_rule {
    S3P_PX_ALWAYS,
    S3P_PX_IF_EXPECTS,
    S3P_PX_IF_BODY,     /* of the side that is meant */
    S3P_PX_IF_TURN,     /* it is the endpoint's turn to be away */
    S3P_PX_IF_THROTTLED,
};

struct s3p_px_row {
    const char *name, *does, *expect; /* what the client must make of it */
    uint32_t ops;                     /* bits of enum s3p_op that it can meet; 0: every request */
    uint8_t has, deliveries, answer, end, side, rule;
    bool cut, flip, slow, whole, late, hold_100, elsewhere, once_more; /* see link.c */
    bool one_endpoint; /* without `endpoint` it is the first */
    uint16_t status;       /* of an own answer */
    const char *code, *code2; /* code2: each with probability 1/2 */
    uint32_t delay_ms, rate;
    uint8_t endpoints;     /* it takes so many */
};
const struct s3p_px_row *s3p_px_rows(size_t *n);

struct s3p_px_spec {
    unsigned row;
    double p;
    uint64_t every, nth; /* nth 0: all */
    enum s3p_op op;      /* S3P_OP_NONE: all */
    char key[S3P_PX_GLOB_MAX + 1], code[S3P_PX_CODE_MAX + 1];
    char body[S3P_PX_BODY_MAX + 1]; /* of an own answer, in place of the document of an error */
    bool has_body;
    int endpoint, status, retry_after; /* -1, the row's, -1 */
    int64_t after_ns, for_ns, delay_ns;
    int64_t bytes; /* -1: drawn */
    uint64_t rate; /* bytes or requests a second */
    enum s3p_px_side side;
    enum s3p_px_how how;
};

/* Parses one specification. S3P_EINVAL with field, value and what was expected. */
int s3p_px_spec_parse(struct s3p_px_spec *out, const char *text, size_t len,
                      struct s3p_err *err) S3P_MUST_CHECK;

#endif
