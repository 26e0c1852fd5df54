#include "proxy/spec.h"

#define OP(name) (UINT32_C(1) << S3P_OP_##name)
/* Writes of one key that may be sent twice without leaving anything behind. */
#define TWICE                                                                                      \
    (OP(PUT) | OP(DELETE) | OP(COPY) | OP(UPLOAD_PART) | OP(COMPLETE_UPLOAD) | OP(ABORT_UPLOAD) |  \
     OP(PUT_TAGS) | OP(DELETE_TAGS))
#define SLOW_ANSWERS (OP(COMPLETE_UPLOAD) | OP(COPY) | OP(UPLOAD_PART_COPY))
#define BODIES (OP(PUT) | OP(UPLOAD_PART) | OP(GET))

static const struct s3p_px_row rows[] = {
    {.name = "drop-ack-after-commit", .does = "forwards, swallows the answer; closes or hangs",
     .expect = "a mutation is unknown", .deliveries = 1, .answer = S3P_PX_NOTHING,
     .end = S3P_PX_END_CLOSE, .has = S3P_PX_HAS_HOW},
    {.name = "drop-before-commit", .does = "forwards nothing; closes or hangs",
     .expect = "a mutation is unknown", .answer = S3P_PX_NOTHING, .end = S3P_PX_END_CLOSE,
     .has = S3P_PX_HAS_HOW},
    {.name = "status-before-commit", .does = "answers an error, forwards nothing",
     .expect = "a mutation is unknown", .answer = S3P_PX_OWN, .status = 503,
     .has = S3P_PX_HAS_STATUS},
    {.name = "status-after-commit", .does = "forwards, answers an error",
     .expect = "a mutation is unknown", .deliveries = 1, .answer = S3P_PX_OWN, .status = 503,
     .has = S3P_PX_HAS_STATUS},
    {.name = "conflict-mix", .does = "answers 409 of one or the other kind, forwards nothing",
     .expect = "failed", .ops = OP(PUT) | OP(UPLOAD_PART) | OP(COMPLETE_UPLOAD) | OP(COPY),
     .answer = S3P_PX_OWN, .status = 409, .code = "OperationAborted",
     .code2 = "ConditionalRequestConflict"},
    {.name = "error-in-200-body", .does = "forwards, answers 200 with an <Error> in the body",
     .expect = "unknown", .ops = SLOW_ANSWERS, .deliveries = 1, .answer = S3P_PX_OWN,
     .status = 200, .code = "InternalError", .code2 = "SlowDown"},
    {.name = "whitespace-then-result", .does = "blanks, slowly, before the result of a 200",
     .expect = "ok", .ops = SLOW_ANSWERS, .deliveries = 1, .answer = S3P_PX_BLANKS,
     .has = S3P_PX_HAS_DELAY, .delay_ms = 50},
    {.name = "reset-request-at", .does = "reset after some bytes of the request's body",
     .expect = "a write is unknown", .deliveries = 1, .cut = true, .side = S3P_PX_REQUEST,
     .end = S3P_PX_END_RESET, .rule = S3P_PX_IF_BODY, .has = S3P_PX_HAS_BYTES},
    {.name = "reset-response-at", .does = "reset after some bytes of the answer's body",
     .expect = "a read is unknown", .deliveries = 1, .cut = true, .side = S3P_PX_RESPONSE,
     .end = S3P_PX_END_RESET, .has = S3P_PX_HAS_BYTES},
    {.name = "truncate-clean", .does = "end of stream after some bytes of the answer's body",
     .expect = "a read is unknown", .deliveries = 1, .cut = true, .side = S3P_PX_RESPONSE,
     .end = S3P_PX_END_CLOSE, .has = S3P_PX_HAS_BYTES},
    {.name = "slow-body", .does = "so many bytes a second", .expect = "ok, or the deadline",
     .deliveries = 1, .slow = true, .side = S3P_PX_RESPONSE, .rate = 65536,
     .has = S3P_PX_HAS_RATE | S3P_PX_HAS_SIDE, .rule = S3P_PX_IF_BODY},
    {.name = "stall-then-close", .does = "silence after some bytes of the answer's body, then end",
     .expect = "a read is unknown", .deliveries = 1, .cut = true, .side = S3P_PX_RESPONSE,
     .end = S3P_PX_END_CLOSE, .has = S3P_PX_HAS_BYTES | S3P_PX_HAS_DELAY, .delay_ms = 1000},
    {.name = "half-open", .does = "forwards nothing and says nothing, for ever",
     .expect = "the deadline; a mutation is unknown", .answer = S3P_PX_NOTHING,
     .end = S3P_PX_END_HANG},
    {.name = "stall-100", .does = "never lets 100 Continue through",
     .expect = "goes on, or the deadline", .deliveries = 1, .hold_100 = true,
     .rule = S3P_PX_IF_EXPECTS},
    {.name = "duplicate-delivery", .does = "delivers twice; answers with the first or the second",
     .expect = "the key is not checked: multi-delivery", .ops = TWICE, .deliveries = 2,
     .whole = true, .has = S3P_PX_HAS_HOW | S3P_PX_HAS_DELAY},
    {.name = "late-delivery", .does = "closes or hangs, and delivers afterwards",
     .expect = "unknown", .ops = OP(PUT), .answer = S3P_PX_NOTHING, .whole = true, .late = true,
     .end = S3P_PX_END_CLOSE, .has = S3P_PX_HAS_HOW | S3P_PX_HAS_DELAY, .delay_ms = 200},
    {.name = "corrupt-byte", .does = "flips a bit of a body",
     .expect = "noticed by the store or by the client", .ops = BODIES, .deliveries = 1,
     .flip = true, .side = S3P_PX_RESPONSE, .rule = S3P_PX_IF_BODY,
     .has = S3P_PX_HAS_BYTES | S3P_PX_HAS_SIDE},
    {.name = "stale-connection", .does = "closes the idle connection, or sends surplus bytes on it",
     .expect = "ok, and the next request too", .deliveries = 1, .once_more = true,
     .has = S3P_PX_HAS_HOW | S3P_PX_HAS_DELAY},
    {.name = "redirect-307", .does = "answers with a redirect", .expect = "failed, or followed",
     .answer = S3P_PX_OWN, .status = 307, .code = "TemporaryRedirect"},
    {.name = "clock-skew", .does = "answers RequestTimeTooSkewed", .expect = "failed",
     .answer = S3P_PX_OWN, .status = 403, .code = "RequestTimeTooSkewed"},
    {.name = "dns-multi", .does = "forwards to the next endpoint instead", .expect = "ok",
     .deliveries = 1, .elsewhere = true, .endpoints = 2},
    {.name = "endpoint-partition", .does = "an endpoint (0) that cannot be reached",
     .expect = "a mutation is unknown", .answer = S3P_PX_NOTHING, .end = S3P_PX_END_RESET,
     .one_endpoint = true},
    {.name = "rolling-restart", .does = "one endpoint after the other is away for delay_ms",
     .expect = "a mutation is unknown", .answer = S3P_PX_NOTHING, .end = S3P_PX_END_RESET,
     .rule = S3P_PX_IF_TURN, .has = S3P_PX_HAS_DELAY, .delay_ms = 500},
    {.name = "throttle-prefix", .does = "503 SlowDown above a rate for each prefix",
     .expect = "a mutation is unknown", .answer = S3P_PX_OWN, .status = 503, .code = "SlowDown",
     .rule = S3P_PX_IF_THROTTLED, .has = S3P_PX_HAS_RATE, .rate = 100},
};

const struct s3p_px_row *s3p_px_rows(size_t *n)
{
    *n = sizeof rows / sizeof rows[0];
    return rows;
}
