/* What the store keeps of one object, as bytes. Integers are little-endian at fixed offsets:
 *   0 format(1) · 1 flags(1) · 2 checksum algorithm (low half), more flags(1)
 *   3 checksum length(1)
 *   4 metadata length(4) · 8 seq(8) · 16 mtime_ns(8) · 24 size(8) · 32 body id(8) · 40 MD5(16)
 *   56 checksum(32) · 88 metadata · sections that the flags announce · inline body
 * Metadata: name length(2), value length(2), name, value, again and again.
 * Sections, in this order: mode of the retention (1), legal hold (1) and end of the retention (8);
 * state of replication (1), time at which it ceased to be current (8) and number in the outbox (8);
 * seq of the null version (8); tags, length(4) and bytes in the form of
 * metadata; parts, number(4) and for each body id(8), size(8), checksum(32). */
#ifndef S3P_SERVER_RECORDS_H
#define S3P_SERVER_RECORDS_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/digest.h"

#define S3P_SRV_RECORD_HEAD 88
#define S3P_SRV_SUM_MAX 32
#define S3P_SRV_META_HEAD 4
#define S3P_SRV_ETAG_MAX 40 /* with its quotes and the number of parts */
#define S3P_SRV_PARTS_MAX 10000
#define S3P_SRV_PART_BYTES 48

/* Where a version of a replicated bucket stands. Stored: never renumbered. */
enum s3p_srv_replication {
    S3P_SRV_NOT_REPLICATED = 0,
    S3P_SRV_PENDING = 1,
    S3P_SRV_REPLICATED = 2,
    S3P_SRV_FAILED = 3,
    S3P_SRV_REPLICA = 4, /* it came from another bucket */
};

enum s3p_srv_lock_mode { /* stored: never renumbered */
                         S3P_SRV_LOCK_NONE = 0,
                         S3P_SRV_LOCK_GOVERNANCE = 1,
                         S3P_SRV_LOCK_COMPLIANCE = 2,
};

enum s3p_srv_hold { /* stored: never renumbered */
                    S3P_SRV_HOLD_UNSET = 0,
                    S3P_SRV_HOLD_OFF = 1,
                    S3P_SRV_HOLD_ON = 2,
};

/* What keeps a version (lock.h). */
struct s3p_srv_lock {
    int64_t until_wall_ns;
    uint8_t mode, hold; /* enum s3p_srv_lock_mode, enum s3p_srv_hold */
};

struct s3p_srv_record {
    uint64_t seq; /* order of the writes; never of time */
    int64_t mtime_wall_ns;
    uint64_t size;
    uint64_t body_id; /* file of the body, when in_file */
    bool in_file;
    bool composite;    /* the checksum is one of the parts' checksums */
    bool versioned;    /* seq is a version id; else this is the null version */
    bool marker;       /* a delete marker: nothing else is set */
    uint64_t null_seq; /* of a current entry: where the key's null version is, 0: nowhere else */
    int64_t noncurrent_wall_ns; /* since when it is not current; 0: it is */
    uint64_t outbox;            /* last entry of the outbox that is about it; 0: none */
    uint8_t replication;        /* enum s3p_srv_replication */
    struct s3p_srv_lock lock;
    uint32_t n_parts;  /* of a multipart upload, else 0 */
    uint8_t md5[S3P_MD5_BYTES];
    uint8_t sum_kind, sum_len; /* enum s3p_srv_sum_kind */
    uint8_t sum[S3P_SRV_SUM_MAX];
    struct s3p_str meta;  /* views into the bytes given to decode */
    struct s3p_str tags;  /* pairs as in metadata */
    struct s3p_str parts; /* n_parts entries */
    struct s3p_str body;  /* inline body, else empty */
};

void s3p_srv_record_encode(struct s3p_buf *out, const struct s3p_srv_record *r); /* appends */
bool s3p_srv_record_decode(struct s3p_srv_record *r, struct s3p_str bytes); /* false: damaged */

bool s3p_srv_record_marker(struct s3p_str bytes); /* without decoding it */

/* One part of an object: a body file of its own, none when empty. */
struct s3p_srv_part {
    uint64_t body_id, size;
    uint8_t sum[S3P_SRV_SUM_MAX];
};
void s3p_srv_part_add(struct s3p_buf *parts, const struct s3p_srv_part *p);
struct s3p_srv_part s3p_srv_part_at(struct s3p_str parts, uint32_t i); /* i < n_parts */

/* Returns the length. */
size_t s3p_srv_etag_text(char text[S3P_SRV_ETAG_MAX], const uint8_t md5[S3P_MD5_BYTES],
                         uint32_t n_parts);

void s3p_srv_meta_add(struct s3p_buf *meta, struct s3p_str name, struct s3p_str value);
/* The next pair; `at` starts at 0. False at the end. */
bool s3p_srv_meta_next(struct s3p_str meta, size_t *at, struct s3p_str *name,
                       struct s3p_str *value);

#endif
