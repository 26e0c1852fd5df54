#include "server/uploads.h"

#include <string.h>

#define PART_KEY 12
#define FINISHED_MAX 100000 /* the oldest are forgotten */

static void put_be(char *at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (char)(unsigned char)(v >> (8 * (bytes - 1 - i)));
}

static MDB_val part_key(char buf[PART_KEY], uint64_t seq, uint32_t number)
{
    put_be(buf, seq, 8);
    put_be(buf + 8, number, 4);
    return (MDB_val){PART_KEY, buf};
}

static int decode(int rc, const MDB_val *v, struct s3p_srv_record *out)
{
    if (rc != 0)
        return rc;
    return s3p_srv_record_decode(out, (struct s3p_str){v->mv_data, v->mv_size}) ? 0 : MDB_CORRUPTED;
}

int s3p_srv_upload_get(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t bucket,
                       struct s3p_str key, uint64_t seq, struct s3p_srv_record *out)
{
    char pair[S3P_SRV_PAIR_MAX];
    struct s3p_str bytes = S3P_STR("");
    int rc = s3p_srv_table_get(txn, s->uploads, bucket, s3p_srv_pair(pair, key, seq), &bytes);
    MDB_val v = {bytes.len, (void *)(uintptr_t)bytes.p};
    return decode(rc, &v, out);
}

int s3p_srv_part_get(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t seq, uint32_t number,
                     struct s3p_srv_record *out)
{
    char buf[PART_KEY];
    MDB_val k = part_key(buf, seq, number), v;
    return decode(mdb_get(txn, s->parts, &k, &v), &v, out);
}

int s3p_srv_part_put(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t seq, uint32_t number,
                     struct s3p_str record)
{
    char buf[PART_KEY];
    MDB_val k = part_key(buf, seq, number), v = {record.len, (void *)(uintptr_t)record.p};
    return mdb_put(txn, s->parts, &k, &v, 0);
}

int s3p_srv_parts_walk_open(struct s3p_srv_parts_walk *w, MDB_txn *txn,
                            const struct s3p_srv_store *s, uint64_t seq)
{
    w->seq = seq;
    w->cursor = NULL;
    return mdb_cursor_open(txn, s->parts, &w->cursor);
}

static int take(struct s3p_srv_parts_walk *w, int rc, const MDB_val *k, const MDB_val *v)
{
    char seq[8];
    put_be(seq, w->seq, sizeof seq);
    if (rc == 0 && (k->mv_size != PART_KEY || memcmp(k->mv_data, seq, sizeof seq) != 0))
        rc = MDB_NOTFOUND;
    if (rc != 0)
        return rc;
    const unsigned char *n = (const unsigned char *)k->mv_data + 8;
    w->number = (uint32_t)n[0] << 24 | (uint32_t)n[1] << 16 | (uint32_t)n[2] << 8 | n[3];
    return decode(0, v, &w->part);
}

int s3p_srv_parts_walk_seek(struct s3p_srv_parts_walk *w, uint32_t from)
{
    char buf[PART_KEY];
    MDB_val k = part_key(buf, w->seq, from), v;
    int rc = mdb_cursor_get(w->cursor, &k, &v, MDB_SET_RANGE);
    return take(w, rc, &k, &v);
}

int s3p_srv_parts_walk_next(struct s3p_srv_parts_walk *w)
{
    MDB_val k, v;
    int rc = mdb_cursor_get(w->cursor, &k, &v, MDB_NEXT);
    return take(w, rc, &k, &v);
}

void s3p_srv_parts_walk_close(struct s3p_srv_parts_walk *w)
{
    mdb_cursor_close(w->cursor);
}

size_t s3p_srv_part_sum(const struct s3p_srv_record *part, enum s3p_srv_sum_kind kind,
                        uint8_t out[S3P_SRV_SUM_MAX])
{
    struct s3p_str name, value;
    size_t at = 0;
    if (part->sum_kind == kind) {
        memcpy(out, part->sum, S3P_SRV_SUM_MAX);
        return part->sum_len;
    }
    if (!s3p_srv_meta_next(part->meta, &at, &name, &value) || name.len != 1 ||
        (enum s3p_srv_sum_kind)name.p[0] != kind || value.len > S3P_SRV_SUM_MAX)
        return 0;
    memcpy(out, value.p, value.len);
    return value.len;
}

int s3p_srv_finished_get(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t seq,
                         struct s3p_srv_finished *out)
{
    char buf[8];
    put_be(buf, seq, sizeof buf);
    MDB_val k = {sizeof buf, buf}, v;
    int rc = mdb_get(txn, s->finished, &k, &v);
    if (rc == 0 && v.mv_size != sizeof *out)
        return MDB_CORRUPTED;
    if (rc == 0)
        memcpy(out, v.mv_data, sizeof *out);
    return rc;
}

static int forget_oldest(MDB_txn *txn, const struct s3p_srv_store *s)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    int rc = mdb_cursor_open(txn, s->finished, &cursor);
    if (rc != 0)
        return rc;
    rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
    if (rc == 0)
        rc = mdb_cursor_del(cursor, 0);
    mdb_cursor_close(cursor);
    return rc;
}

int s3p_srv_finished_put(MDB_txn *txn, const struct s3p_srv_store *s, uint64_t seq,
                         const struct s3p_srv_finished *f)
{
    char buf[8];
    MDB_stat stat;
    put_be(buf, seq, sizeof buf);
    MDB_val k = {sizeof buf, buf}, v = {sizeof *f, (void *)(uintptr_t)f};
    int rc = mdb_stat(txn, s->finished, &stat);
    if (rc == 0 && stat.ms_entries >= FINISHED_MAX)
        rc = forget_oldest(txn, s);
    return rc == 0 ? mdb_put(txn, s->finished, &k, &v, 0) : rc;
}
