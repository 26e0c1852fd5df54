#include "history/record.h"

#include <stddef.h>
#include <string.h>

#include "http/conn.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "files are little endian and read in place");
_Static_assert(sizeof(struct s3p_attempt) == 288, "widest first: no padding but at the end");

const struct s3p_column_row s3p_column_table[S3P_COLUMN_COUNT] = {
#define S3P_X(field, type, format, text) \
    [S3P_COL_##field] = {#field, format, text, sizeof(type), offsetof(struct s3p_attempt, field)},
    S3P_COLUMNS(S3P_X)
#undef S3P_X
};

/* The names of enums that have no table in their own layer. */
static const char *run_phase_name(unsigned v)
{
    static const char *const name[] = {"setup", "main", "teardown"};
    return name[v];
}

static const char *phase_name(unsigned v)
{
    static const char *const name[] = {"not_sent", "partly_sent", "sent", "answered"};
    return name[v];
}

static const char *wire_name(unsigned v)
{
    static const char *const name[] = {"none", "resolve", "connect", "tls",      "send",
                                       "recv", "eof",     "timeout", "protocol", "cancelled"};
    return name[v];
}

static const char *body_verdict_name(unsigned v)
{
    static const char *const name[] = {"none",    "clean", "torn", "foreign",
                                       "corrupt", "short", "long", "opaque", "parts"};
    return name[v];
}

static const char *etag_form_name(unsigned v)
{
    static const char *const name[] = {"none", "digest", "hashed"};
    return name[v];
}

static const char *body_kind_name(unsigned v)
{
    static const char *const name[] = {"none", "cells", "counter", "constant", "tags"};
    return name[v];
}

static const char *flag_name(unsigned bit)
{
    static const char *const name[] = {"delete_marker", "truncated", "retry_ambiguous",
                                       "multi_delivery", "foreign", "tagged", "altered",
                                       "surplus"};
    return name[bit];
}

static const char *op_name(unsigned v)
{
    return v == S3P_OP_NONE ? "none" : s3p_op_table[v].name;
}

static const char *cond_name(unsigned v)
{
    return v == S3P_COND_NONE ? "none" : s3p_cond_name[v];
}

static const char *outcome_name(unsigned v)
{
    return s3p_outcome_name[v];
}

static const char *evidence_name(unsigned v)
{
    return s3p_evidence_name[v];
}

#define ENUM(field, count, shown, names) \
    [S3P_COL_##                          \
        field] = {.as = S3P_AS_ENUM, .values = (count), .always = (shown), .value_name = (names)}
#define TEXT(field) [S3P_COL_##field] = {.as = S3P_AS_TEXT}
#define ID(field) [S3P_COL_##field] = {.as = S3P_AS_ID}
#define NONE(field, value) [S3P_COL_##field] = {.none = (value)}
#define SHOWN(field) [S3P_COL_##field] = {.always = true}

const struct s3p_column_sense s3p_column_sense_table[S3P_COLUMN_COUNT] = {
    SHOWN(t_call),
    NONE(t_return, INT64_MAX),
    NONE(key_index, -1),
    NONE(counter, INT64_MIN),
    ID(body_id),
    ID(meta_id),
    ID(body_id2),
    ID(etag),
    ID(expect_etag),
    SHOWN(client),
    TEXT(request_id),
    TEXT(version_id),
    TEXT(version_asked),
    TEXT(upload_id),
    TEXT(etag_text),
    TEXT(expect_text),
    TEXT(code_text),
    TEXT(checksum),
    TEXT(list_args),
    TEXT(list_next),
    TEXT(source_key),
    ENUM(op, S3P_OP_COUNT, true, op_name),
    ENUM(run_phase, 3, true, run_phase_name),
    ENUM(cond, S3P_COND_COUNT, false, cond_name),
    ENUM(outcome, S3P_UNKNOWN + 1, true, outcome_name),
    ENUM(evidence, S3P_EV_MATCH + 1, false, evidence_name),
    ENUM(phase, S3P_PHASE_ANSWERED + 1, true, phase_name),
    ENUM(wire, S3P_WIRE_CANCELLED + 1, false, wire_name),
    ENUM(body_verdict, S3P_BODY_PARTS + 1, false, body_verdict_name),
    ENUM(etag_form, S3P_ETAG_HASHED + 1, false, etag_form_name),
    ENUM(expect_form, S3P_ETAG_HASHED + 1, false, etag_form_name),
    ENUM(body_kind, S3P_KIND_TAGS + 1, false, body_kind_name),
    [S3P_COL_flags] = {.as = S3P_AS_FLAGS, .values = 8, .value_name = flag_name},
};

void s3p_attempt_clear(struct s3p_attempt *r)
{
    memset(r, 0, sizeof *r);
    r->t_return = INT64_MAX;
    r->key_index = S3P_NO_INDEX;
    r->counter = INT64_MIN;
}
