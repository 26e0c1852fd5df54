#include "server/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/bodies.h"
#include "server/inventory.h"

#define TABLE_MAX ((size_t)1 << 32)

struct counts {
    uint64_t objects, noncurrent, markers, uploads, parts;
    uint64_t current_bytes, noncurrent_bytes, upload_bytes;
};

static const struct {
    const char *name;
    size_t offset;
} rows[] = {
    {"objects", offsetof(struct counts, objects)},
    {"noncurrent", offsetof(struct counts, noncurrent)},
    {"markers", offsetof(struct counts, markers)},
    {"uploads", offsetof(struct counts, uploads)},
    {"parts", offsetof(struct counts, parts)},
    {"current_bytes", offsetof(struct counts, current_bytes)},
    {"noncurrent_bytes", offsetof(struct counts, noncurrent_bytes)},
    {"upload_bytes", offsetof(struct counts, upload_bytes)},
};

struct bucket {
    char name[64];
    struct counts counts;
};

/* An upload and the index of its bucket, in order of their numbers once sorted. */
struct upload {
    uint64_t seq;
    size_t bucket;
};

struct tally {
    struct s3p_buf buckets, uploads; /* of struct bucket, of struct upload */
    bool sorted;
};

static int upload_order(const void *a, const void *b)
{
    const struct upload *x = a, *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Where an item counts; NULL: nowhere, a part without its upload. */
static struct counts *place(struct tally *t, const struct s3p_srv_item *item)
{
    struct bucket *buckets = (struct bucket *)(void *)t->buckets.data;
    if (item->kind != S3P_SRV_ITEM_PART)
        return &buckets[t->buckets.len / sizeof *buckets - 1].counts;
    size_t n = t->uploads.len / sizeof(struct upload);
    const struct upload wanted = {.seq = item->record.seq};
    if (!t->sorted && n > 0)
        qsort(t->uploads.data, n, sizeof wanted, upload_order);
    t->sorted = true;
    const struct upload *u =
        n > 0 ? bsearch(&wanted, t->uploads.data, n, sizeof wanted, upload_order) : NULL;
    return u != NULL ? &buckets[u->bucket].counts : NULL;
}

static void add_bucket(struct tally *t, struct s3p_str name)
{
    struct bucket b = {0};
    memcpy(b.name, name.p, name.len < sizeof b.name ? name.len : sizeof b.name - 1);
    s3p_buf_add(&t->buckets, &b, sizeof b);
}

static void add_upload(struct tally *t, uint64_t seq)
{
    struct upload u = {seq, t->buckets.len / sizeof(struct bucket) - 1};
    s3p_buf_add(&t->uploads, &u, sizeof u);
}

static int count(void *cls, const struct s3p_srv_item *item)
{
    struct tally *t = cls;
    const struct s3p_srv_record *r = &item->record;
    if (item->kind == S3P_SRV_ITEM_BUCKET) {
        add_bucket(t, item->bucket);
        return s3p_buf_ok(&t->buckets) ? 0 : ENOMEM;
    }
    struct counts *c = place(t, item);
    if (c == NULL)
        return 0;
    if (item->kind == S3P_SRV_ITEM_UPLOAD) {
        c->uploads++;
        add_upload(t, r->seq);
        return s3p_buf_ok(&t->uploads) ? 0 : ENOMEM;
    }
    bool part = item->kind == S3P_SRV_ITEM_PART, older = item->kind == S3P_SRV_ITEM_OLDER;
    uint64_t *number = part        ? &c->parts
                       : r->marker ? &c->markers
                       : older     ? &c->noncurrent
                                   : &c->objects;
    uint64_t *bytes = part ? &c->upload_bytes : older ? &c->noncurrent_bytes : &c->current_bytes;
    (*number)++;
    *bytes += r->size;
    return 0;
}

static uint64_t get(const struct counts *c, size_t row)
{
    uint64_t v;
    memcpy(&v, (const char *)c + rows[row].offset, sizeof v);
    return v;
}

static json_t *counts_json(const struct counts *c)
{
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        json_object_set_new(o, rows[i].name, json_integer((json_int_t)get(c, i)));
    uint64_t stored = c->current_bytes + c->noncurrent_bytes + c->upload_bytes;
    json_object_set_new(o, "stored_bytes", json_integer((json_int_t)stored));
    return o;
}

static void add_counts(struct counts *total, const struct counts *c)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t v = get(total, i) + get(c, i);
        memcpy((char *)total + rows[i].offset, &v, sizeof v);
    }
}

/* Body files; listed before the view is taken, so that none that a commit has just made counts as
 * an orphan. */
struct file {
    uint64_t id, bytes, disk_bytes;
};

static void list_file(void *cls, int dir_fd, const char *name, uint64_t id)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    struct file f = {id, (uint64_t)st.st_size, (uint64_t)st.st_blocks * 512};
    s3p_buf_add(cls, &f, sizeof f);
}

static json_t *files_json(const struct s3p_buf *files, const struct s3p_srv_body_ids *named)
{
    const struct file *f = (const void *)files->data;
    size_t n = files->len / sizeof *f;
    uint64_t bytes = 0, disk = 0, orphans = 0, orphan_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        bool orphan = !s3p_srv_body_ids_has(named, f[i].id);
        bytes += f[i].bytes;
        disk += f[i].disk_bytes;
        orphans += orphan;
        orphan_bytes += orphan ? f[i].bytes : 0;
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "bodies", (json_int_t)n, "bytes",
                     (json_int_t)bytes, "disk_bytes", (json_int_t)disk, "orphans",
                     (json_int_t)orphans, "orphan_bytes", (json_int_t)orphan_bytes);
}

static json_t *document(const struct s3p_srv_store *s, const struct tally *t,
                        const struct s3p_buf *files, const struct s3p_srv_body_ids *named)
{
    const struct bucket *b = (const void *)t->buckets.data;
    struct counts total = {0};
    struct stat st = {0};
    json_t *buckets = json_object();
    for (size_t i = 0; i < t->buckets.len / sizeof *b; i++) {
        json_object_set_new(buckets, b[i].name, counts_json(&b[i].counts));
        add_counts(&total, &b[i].counts);
    }
    (void)fstatat(s->dir_fd, "data.mdb", &st, 0);
    return json_pack("{s:o, s:o, s:o, s:I}", "buckets", buckets, "total", counts_json(&total),
                     "files", files_json(files, named), "records_bytes",
                     (json_int_t)st.st_blocks * 512);
}

int s3p_srv_usage(const struct s3p_srv_store *s, json_t **out, struct s3p_err *err)
{
    struct tally t = {0};
    struct s3p_buf files;
    struct s3p_srv_body_ids named = {0};
    MDB_txn *txn;
    s3p_buf_init(&t.buckets, TABLE_MAX);
    s3p_buf_init(&t.uploads, TABLE_MAX);
    s3p_buf_init(&files, TABLE_MAX);
    s3p_srv_bodies_each(s, list_file, &files);
    int rc = s3p_buf_ok(&files) ? mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) : ENOMEM;
    if (rc == 0) {
        rc = s3p_srv_inventory(txn, s, count, &t);
        if (rc == 0)
            rc = s3p_srv_body_ids_collect(&named, txn, s);
        mdb_txn_abort(txn);
    }
    *out = rc == 0 ? document(s, &t, &files, &named) : NULL;
    s3p_srv_body_ids_free(&named);
    s3p_buf_free(&t.buckets);
    s3p_buf_free(&t.uploads);
    s3p_buf_free(&files);
    if (rc == 0 && *out == NULL)
        rc = ENOMEM;
    return rc == 0 ? 0 : s3p_fail(err, S3P_EIO, rc, "usage: %s", mdb_strerror(rc));
}
