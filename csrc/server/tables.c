#include "server/tables.h"

#include <string.h>

#include "core/alloc.h"
#include "server/parse.h"

#define ID 8
#define SHARED (ID + S3P_SRV_PLAIN_KEY_MAX + 1)
#define ENTRY_HEAD 6

static void put_id(char *at, uint64_t id)
{
    for (int i = 0; i < ID; i++)
        at[i] = (char)(unsigned char)(id >> (8 * (ID - 1 - i)));
}

struct s3p_str s3p_srv_pair(char buf[S3P_SRV_PAIR_MAX], struct s3p_str key, uint64_t number)
{
    memcpy(buf, key.p, key.len);
    buf[key.len] = 0;
    put_id(buf + key.len + 1, number);
    return (struct s3p_str){buf, key.len + S3P_SRV_PAIR_TAIL};
}

bool s3p_srv_pair_split(struct s3p_str pair, struct s3p_str *key, uint64_t *number)
{
    if (pair.len < S3P_SRV_PAIR_TAIL)
        return false;
    *key = (struct s3p_str){pair.p, pair.len - S3P_SRV_PAIR_TAIL};
    *number = 0;
    for (size_t i = key->len + 1; i < pair.len; i++)
        *number = *number << 8 | (unsigned char)pair.p[i];
    return true;
}

/* The table key of an S3 key; long ones get the shared entry's. */
static MDB_val table_key(char buf[SHARED], uint64_t bucket, struct s3p_str key)
{
    put_id(buf, bucket);
    size_t plain = key.len <= S3P_SRV_PLAIN_KEY_MAX ? key.len : S3P_SRV_PLAIN_KEY_MAX;
    if (plain > 0)
        memcpy(buf + ID, key.p, plain);
    if (key.len <= S3P_SRV_PLAIN_KEY_MAX)
        return (MDB_val){ID + plain, buf};
    buf[SHARED - 1] = 1;
    return (MDB_val){SHARED, buf};
}

static struct s3p_str suffix_of(struct s3p_str key)
{
    return (struct s3p_str){key.p + S3P_SRV_PLAIN_KEY_MAX, key.len - S3P_SRV_PLAIN_KEY_MAX};
}

struct entry {
    struct s3p_str suffix, record;
    size_t bytes;
};

/* The entry at the front of an array; false at its end. */
static bool entry_front(struct s3p_str array, struct entry *e)
{
    if (array.len < ENTRY_HEAD)
        return false;
    uint16_t suffix;
    uint32_t record;
    memcpy(&suffix, array.p, 2);
    memcpy(&record, array.p + 2, 4);
    if (array.len - ENTRY_HEAD < (size_t)suffix + record)
        return false;
    e->suffix = (struct s3p_str){array.p + ENTRY_HEAD, suffix};
    e->record = (struct s3p_str){e->suffix.p + suffix, record};
    e->bytes = ENTRY_HEAD + (size_t)suffix + record;
    return true;
}

/* Bytes in front of the first entry >= suffix; `found` when that one is it. */
static size_t array_find(struct s3p_str array, struct s3p_str suffix, struct entry *e, bool *found)
{
    size_t at = 0;
    *found = false;
    while (entry_front((struct s3p_str){array.p + at, array.len - at}, e)) {
        int c = s3p_srv_compare(e->suffix, suffix);
        if (c >= 0) {
            *found = c == 0;
            break;
        }
        at += e->bytes;
    }
    return at;
}

int s3p_srv_table_get(MDB_txn *txn, MDB_dbi table, uint64_t bucket, struct s3p_str key,
                      struct s3p_str *record)
{
    char buf[SHARED];
    MDB_val k = table_key(buf, bucket, key), v;
    int rc = mdb_get(txn, table, &k, &v);
    if (rc != 0)
        return rc;
    *record = (struct s3p_str){v.mv_data, v.mv_size};
    if (key.len <= S3P_SRV_PLAIN_KEY_MAX)
        return 0;
    struct entry e;
    bool found;
    array_find(*record, suffix_of(key), &e, &found);
    if (!found)
        return MDB_NOTFOUND;
    *record = e.record;
    return 0;
}

/* Replaces, inserts or (record.p == NULL) removes one entry of a shared array. */
static int shared_edit(MDB_txn *txn, MDB_dbi table, MDB_val *k, struct s3p_str suffix,
                       struct s3p_str record)
{
    MDB_val v = {0, NULL};
    int rc = mdb_get(txn, table, k, &v);
    if (rc != 0 && (rc != MDB_NOTFOUND || record.p == NULL))
        return rc;
    struct s3p_str array = {v.mv_data, v.mv_size};
    struct entry e;
    bool found = false;
    size_t at = array.len > 0 ? array_find(array, suffix, &e, &found) : 0;
    if (record.p == NULL && !found)
        return MDB_NOTFOUND;
    size_t gone = found ? e.bytes : 0;
    size_t come = record.p != NULL ? ENTRY_HEAD + suffix.len + record.len : 0;
    size_t size = array.len - gone + come;
    if (size == 0)
        return mdb_del(txn, table, k, NULL);
    char *copy = s3p_alloc(size);
    if (copy == NULL)
        return MDB_MAP_FULL;
    if (at > 0)
        memcpy(copy, array.p, at);
    if (record.p != NULL) {
        uint16_t n = (uint16_t)suffix.len;
        uint32_t m = (uint32_t)record.len;
        memcpy(copy + at, &n, 2);
        memcpy(copy + at + 2, &m, 4);
        memcpy(copy + at + ENTRY_HEAD, suffix.p, suffix.len);
        memcpy(copy + at + ENTRY_HEAD + suffix.len, record.p, record.len);
    }
    if (array.len - at - gone > 0)
        memcpy(copy + at + come, array.p + at + gone, array.len - at - gone);
    v = (MDB_val){size, copy};
    rc = mdb_put(txn, table, k, &v, 0);
    s3p_free(copy);
    return rc;
}

int s3p_srv_table_put(MDB_txn *txn, MDB_dbi table, uint64_t bucket, struct s3p_str key,
                      struct s3p_str record)
{
    char buf[SHARED];
    MDB_val k = table_key(buf, bucket, key);
    if (key.len > S3P_SRV_PLAIN_KEY_MAX)
        return shared_edit(txn, table, &k, suffix_of(key), record);
    MDB_val v = {record.len, (void *)(uintptr_t)record.p};
    return mdb_put(txn, table, &k, &v, 0);
}

int s3p_srv_table_del(MDB_txn *txn, MDB_dbi table, uint64_t bucket, struct s3p_str key)
{
    char buf[SHARED];
    MDB_val k = table_key(buf, bucket, key);
    if (key.len > S3P_SRV_PLAIN_KEY_MAX)
        return shared_edit(txn, table, &k, suffix_of(key), (struct s3p_str){NULL, 0});
    return mdb_del(txn, table, &k, NULL);
}

int s3p_srv_walk_open(struct s3p_srv_walk *w, MDB_txn *txn, MDB_dbi table, uint64_t bucket)
{
    w->bucket = bucket;
    w->array = S3P_STR("");
    return mdb_cursor_open(txn, table, &w->cursor);
}

void s3p_srv_walk_close(struct s3p_srv_walk *w)
{
    mdb_cursor_close(w->cursor);
}

/* Makes the front entry of the shared array the current key. */
static bool take_front(struct s3p_srv_walk *w)
{
    struct entry e;
    if (!entry_front(w->array, &e))
        return false;
    size_t n = e.suffix.len < sizeof w->key_bytes - S3P_SRV_PLAIN_KEY_MAX
                   ? e.suffix.len
                   : sizeof w->key_bytes - S3P_SRV_PLAIN_KEY_MAX;
    memcpy(w->key_bytes + S3P_SRV_PLAIN_KEY_MAX, e.suffix.p, n);
    w->key = (struct s3p_str){w->key_bytes, S3P_SRV_PLAIN_KEY_MAX + n};
    w->record = e.record;
    w->array.p += e.bytes;
    w->array.len -= e.bytes;
    return true;
}

/* Takes what the cursor stands on, leaving the bucket at its end. */
static int take_cursor(struct s3p_srv_walk *w, int rc, const MDB_val *k, const MDB_val *v)
{
    char id[ID];
    put_id(id, w->bucket);
    w->array = S3P_STR("");
    if (rc != 0)
        return rc;
    if (k->mv_size < ID || memcmp(k->mv_data, id, ID) != 0)
        return MDB_NOTFOUND;
    struct s3p_str key = {(const char *)k->mv_data + ID, k->mv_size - ID};
    if (k->mv_size != SHARED) {
        w->key = key;
        w->record = (struct s3p_str){v->mv_data, v->mv_size};
        return 0;
    }
    memcpy(w->key_bytes, key.p, S3P_SRV_PLAIN_KEY_MAX);
    w->array = (struct s3p_str){v->mv_data, v->mv_size};
    return take_front(w) ? 0 : MDB_CORRUPTED;
}

int s3p_srv_walk_seek(struct s3p_srv_walk *w, struct s3p_str from)
{
    char buf[SHARED];
    MDB_val k = table_key(buf, w->bucket, from), v;
    int rc = mdb_cursor_get(w->cursor, &k, &v, MDB_SET_RANGE);
    rc = take_cursor(w, rc, &k, &v);
    while (rc == 0 && s3p_srv_compare(w->key, from) < 0)
        rc = s3p_srv_walk_next(w);
    return rc;
}

int s3p_srv_walk_next(struct s3p_srv_walk *w)
{
    if (w->array.len > 0 && take_front(w))
        return 0;
    MDB_val k, v;
    int rc = mdb_cursor_get(w->cursor, &k, &v, MDB_NEXT);
    return take_cursor(w, rc, &k, &v);
}

int s3p_srv_table_empty(MDB_txn *txn, MDB_dbi table, uint64_t bucket, bool *empty)
{
    struct s3p_srv_walk w;
    int rc = s3p_srv_walk_open(&w, txn, table, bucket);
    if (rc != 0)
        return rc;
    rc = s3p_srv_walk_seek(&w, S3P_STR(""));
    s3p_srv_walk_close(&w);
    *empty = rc == MDB_NOTFOUND;
    return rc == MDB_NOTFOUND ? 0 : rc;
}
