/* The record of one attempt, and the columns that a history file holds of it.
 *
 * struct s3p_attempt is what a client fills and what a reader gives back; S3P_COLUMNS is the one
 * list of its fields: name, C type, file type, unit and meaning. Segments, the file, Arrow, JSON
 * Lines and the checkers are all driven by that list. Texts (version id, request id, …) live in the
 * segment's text arena; a record holds offsets, 0 meaning none.
 * The numbers of enums are those of s3/op.h, s3/outcome.h, s3/body.h and http/conn.h.
 *
 * Threads: plain data. Source: docs/semantics.md. */
#ifndef S3P_HISTORY_RECORD_H
#define S3P_HISTORY_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "s3/etag.h"
#include "s3/id.h"

#define S3P_NO_INDEX UINT64_MAX

/* X(field, C type, Arrow format, description). Widest first, so that no padding is needed. */
#define S3P_COLUMNS(X)                                                                             \
    X(t_sched, int64_t, "l", "intended start of an open arrival, else 0; ns; never for ordering")  \
    X(t_call, int64_t, "l", "before the first byte was offered; ns")                               \
    X(t_sent, int64_t, "l", "after the last request byte was handed over; 0: it was not")          \
    X(t_first, int64_t, "l", "after the first answer byte; 0: none came")                          \
    X(t_return, int64_t, "l", "after the answer was read and verified; INT64_MAX: no answer")      \
    X(key_index, uint64_t, "L", "index in the key space; UINT64_MAX: no key")                      \
    X(op_seq, uint64_t, "L", "logical operation number of this client, from 1")                    \
    X(size, uint64_t, "L", "bytes of the object or body sent, or received as announced")           \
    X(range_first, uint64_t, "L", "first byte asked; 0 without a range")                           \
    X(range_len, uint64_t, "L", "bytes asked; 0: no range, UINT64_MAX: to the end")                \
    X(bytes_in, uint64_t, "L", "body bytes received")                                              \
    X(bad_offset, uint64_t, "L", "of a corrupt or torn body: object offset of the first bad cell") \
    X(counter, int64_t, "l", "number in a JSON body, KeyCount of a page; INT64_MIN: none")         \
    X(last_modified, int64_t, "l", "Last-Modified, wall clock s; 0: none")                         \
    X(body_id, struct s3p_id, "w:16", "value id written, or seen in the bytes")                    \
    X(meta_id, struct s3p_id, "w:16", "value id written, or seen in the metadata")                 \
    X(body_id2, struct s3p_id, "w:16", "second value id of a torn body")                           \
    X(etag, s3p_etag_bytes, "w:16", "ETag of the answer")                                          \
    X(expect_etag, s3p_etag_bytes, "w:16", "ETag of the condition")                                \
    X(client, uint32_t, "I", "client index over all groups")                                       \
    X(conn, uint32_t, "I", "serial of the client's connection")                                    \
    X(parent, uint32_t, "I", "batch child: position of its request record in this segment + 1")    \
    X(entries_first, uint32_t, "I", "page: first of its entries in the segment's entry table")     \
    X(entries_count, uint32_t, "I", "page: number of its entries")                                 \
    X(request_id, uint32_t, "I", "text: x-amz-request-id")                                         \
    X(version_id, uint32_t, "I", "text: x-amz-version-id of the answer")                           \
    X(version_asked, uint32_t, "I", "text: version id asked for")                                  \
    X(upload_id, uint32_t, "I", "text: multipart upload id")                                       \
    X(etag_text, uint32_t, "I", "text: ETag as received, when its form is hashed")                 \
    X(expect_text, uint32_t, "I", "text: expected ETag as sent, when its form is hashed")          \
    X(code_text, uint32_t, "I", "text: S3 error code, or wire error for people")                   \
    X(checksum, uint32_t, "I", "text: checksum header of the answer, name=value")                  \
    X(list_args, uint32_t, "I", "text: arguments of a page, rules, status, fields, condition")    \
    X(list_next, uint32_t, "I", "text: the arguments of the page after it")                        \
    X(source_key, uint32_t, "I", "text: copy source")                                              \
    X(part_number, uint32_t, "I", "multipart part; 0: none")                                       \
    X(space, uint16_t, "S", "index of the key space in the header's table")                        \
    X(bucket, uint16_t, "S", "index of the bucket role in the header's table")                     \
    X(group, uint16_t, "S", "index of the client's group")                                         \
    X(endpoint, uint16_t, "S", "index of the endpoint")                                            \
    X(worker, uint16_t, "S", "index of the worker (clock domain 0 for all of one process)")        \
    X(status, uint16_t, "S", "HTTP status; 0: none")                                               \
    X(attempt, uint16_t, "S", "attempt of the logical operation, from 0")                          \
    X(op, uint8_t, "C", "enum s3p_op")                                                             \
    X(run_phase, uint8_t, "C", "0 setup, 1 main, 2 teardown")                                      \
    X(cond, uint8_t, "C", "enum s3p_cond")                                                         \
    X(outcome, uint8_t, "C", "enum s3p_outcome")                                                   \
    X(evidence, uint8_t, "C", "enum s3p_evidence")                                                 \
    X(phase, uint8_t, "C", "enum s3p_phase: how far the attempt got")                              \
    X(wire, uint8_t, "C", "enum s3p_wire_error")                                                   \
    X(body_verdict, uint8_t, "C", "enum s3p_body_verdict")                                         \
    X(etag_form, uint8_t, "C", "enum s3p_etag_form of etag")                                       \
    X(expect_form, uint8_t, "C", "enum s3p_etag_form of expect_etag")                              \
    X(body_kind, uint8_t, "C", "enum s3p_body_kind: how the body can be regenerated")              \
    X(flags, uint8_t, "C", "enum s3p_attempt_flag, or'ed")

enum s3p_body_kind {
    S3P_KIND_NONE = 0,
    S3P_KIND_CELLS = 1,
    S3P_KIND_COUNTER = 2,
    S3P_KIND_CONSTANT = 3,
    S3P_KIND_TAGS = 4, /* a tag set, s3/tags.h; size counts tags; of a copy, that it brings one */
};
enum s3p_attempt_flag {
    S3P_FLAG_DELETE_MARKER = 1, /* x-amz-delete-marker: true */
    S3P_FLAG_TRUNCATED = 2,     /* page: IsTruncated */
    S3P_FLAG_RETRY_AMBIGUOUS = 4, /* an earlier attempt of the same operation was unknown */
    S3P_FLAG_MULTI_DELIVERY = 8,  /* perhaps delivered twice: a proxy, an SDK that hides it */
    S3P_FLAG_FOREIGN = 16,        /* seeded by someone outside the plan */
    S3P_FLAG_TAGGED = 32,         /* a tag set made of its id went with it */
    S3P_FLAG_ALTERED = 64,        /* a proxy changed bytes of this key on the way */
    S3P_FLAG_SURPLUS = 128,       /* more bytes came behind the complete answer */
};

struct s3p_etag_bytes {
    uint8_t b[16];
};
#define s3p_etag_bytes struct s3p_etag_bytes /* for the list above */

struct s3p_attempt {
#define S3P_X(field, type, format, text) type field;
    S3P_COLUMNS(S3P_X)
#undef S3P_X
};

enum s3p_column {
#define S3P_X(field, type, format, text) S3P_COL_##field,
    S3P_COLUMNS(S3P_X)
#undef S3P_X
        S3P_COLUMN_COUNT
};

struct s3p_column_row {
    const char *name, *format, *text; /* Arrow format string */
    uint16_t width;                   /* bytes a record */
    uint16_t offset;                  /* in struct s3p_attempt */
};
extern const struct s3p_column_row s3p_column_table[S3P_COLUMN_COUNT];

/* What the values of a column mean: drives JSON, Arrow's field metadata and the reader's checks. */
enum s3p_column_as {
    S3P_AS_NUMBER = 0,
    S3P_AS_ENUM = 1,  /* 0 <= value < values, named by value_name */
    S3P_AS_FLAGS = 2, /* bits 0 <= bit < values, named by value_name */
    S3P_AS_TEXT = 3,  /* offset in the text arena */
    S3P_AS_ID = 4,    /* 16 bytes, as 32 hex digits */
};
struct s3p_column_sense {
    enum s3p_column_as as;
    uint8_t values;
    bool always;  /* written as JSON even when it equals `none` */
    int64_t none; /* the value that says "absent" (of a u64 as two's complement) */
    const char *(*value_name)(unsigned value);
};
extern const struct s3p_column_sense s3p_column_sense_table[S3P_COLUMN_COUNT];

/* A record with every field absent. */
void s3p_attempt_clear(struct s3p_attempt *r);

/* One entry of a LIST page, or one named part of a complete_upload (side table of the segment). */
struct s3p_entry {
    uint64_t key_index;   /* in `space`, when the key is one of the plan's; else S3P_NO_INDEX; of a
                             part: its number */
    uint64_t size;
    int64_t last_modified_ns;
    uint8_t etag[16];
    uint32_t key_text;    /* text offset; 0 when key_index tells */
    uint32_t version_id;  /* text: version or upload id */
    uint16_t space;
    uint8_t etag_form;
    uint8_t flags;        /* enum s3p_entry_flag */
    uint32_t reserved;
};
enum s3p_entry_flag {
    S3P_ENTRY_PREFIX = 1,
    S3P_ENTRY_LATEST = 2,
    S3P_ENTRY_MARKER = 4,
    S3P_ENTRY_DELETED = 8,
    S3P_ENTRY_ERROR = 16,
};

#endif
