/* Multipart uploads on their way, their parts, and what is remembered of completed ones.
 *
 * Tables: `uploads`: bucket, key, 0x00, seq of the initiation; `parts`: that seq (8 bytes,
 * big-endian), part number (4); `finished`: that seq. An upload and a part stand as struct
 * s3p_srv_record: of an upload count seq, mtime (its beginning), sum_kind, composite, meta, tags,
 * and sum_len is not 0 when its checksum algorithm was declared; of a part size, body, md5, mtime,
 * the checksum of the upload's kind, and in meta the one that the client gave, if of another kind.
 *
 * Results: 0, MDB_NOTFOUND or another LMDB code. Views live as those of tables.h. */
#ifndef S3P_SERVER_UPLOADS_H
#define S3P_SERVER_UPLOADS_H

#include "server/records.h"
#include "server/sums.h"
#include "server/tables.h"

int s3p_srv_upload_get(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket,
                       struct s3p_str key, uint64_t seq, struct s3p_srv_record *out);
int s3p_srv_part_get(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t seq, uint32_t number,
                     struct s3p_srv_record *out);
int s3p_srv_part_put(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t seq, uint32_t number,
                     struct s3p_str record);

/* The parts of one upload in order of their numbers. */
struct s3p_srv_parts_walk {
    MDB_cursor *cursor;
    uint64_t seq;
    uint32_t number;
    struct s3p_srv_record part;
};
int s3p_srv_parts_walk_open(struct s3p_srv_parts_walk *w, MDB_txn *txn,
                            const struct s3p_srv_store *s, uint64_t seq);
int s3p_srv_parts_walk_seek(struct s3p_srv_parts_walk *w, uint32_t from);
int s3p_srv_parts_walk_next(struct s3p_srv_parts_walk *w);
void s3p_srv_parts_walk_close(struct s3p_srv_parts_walk *w);

/* The checksum of a part of this kind; its length is 0 when there is none. */
size_t s3p_srv_part_sum(const struct s3p_srv_record *part, enum s3p_srv_sum_kind kind,
                        uint8_t out[S3P_SRV_SUM_MAX]);

/* What a repeated CompleteMultipartUpload is answered from. Stored as it stands in memory. */
struct s3p_srv_finished {
    uint8_t digest[S3P_SHA256_BYTES]; /* of bucket, key and the parts that were named */
    uint64_t seq;                     /* of the object */
    uint32_t n_parts;
    uint8_t md5[S3P_MD5_BYTES], sum[S3P_SRV_SUM_MAX];
    uint8_t sum_kind, sum_len, composite, versioned;
};
int s3p_srv_finished_get(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t seq,
                         struct s3p_srv_finished *out);
int s3p_srv_finished_put(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t seq,
                         const struct s3p_srv_finished *f);

#endif
