#include "server/bodies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/text.h"
#include "server/inventory.h"

#define DIRS 256
#define COUNTER_BITS 32
#define PATH_BYTES 20 /* "xx/" and 16 digits and NUL */

/* bodies/<low byte>/<id>: the low byte spreads consecutive ids evenly */
static void body_path(char path[PATH_BYTES], uint64_t id)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(id >> (8 * (7 - i)));
    s3p_hex(path, bytes + 7, 1);
    path[2] = '/';
    s3p_hex(path + 3, bytes, 8);
    path[19] = 0;
}

/* The directories of the bodies, those of the data directory, and its own name in its parent. */
static int sync_dirs(const struct s3p_srv_store *s, struct s3p_err *err)
{
    int parent = openat(s->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;
    if (parent < 0 || fsync(s->bodies_fd) != 0 || fsync(s->dir_fd) != 0 || fsync(parent) != 0)
        rc = s3p_fail(err, S3P_EIO, errno, "cannot sync the data: %s", strerror(errno));
    if (parent >= 0)
        close(parent);
    return rc;
}

int s3p_srv_bodies_open(struct s3p_srv_store *s, struct s3p_err *err)
{
    if (mkdirat(s->dir_fd, "bodies", 0700) != 0 && errno != EEXIST)
        return s3p_fail(err, S3P_EIO, errno, "bodies: %s", strerror(errno));
    s->bodies_fd = openat(s->dir_fd, "bodies", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->bodies_fd < 0)
        return s3p_fail(err, S3P_EIO, errno, "bodies: %s", strerror(errno));
    for (unsigned i = 0; i < DIRS; i++) {
        unsigned char byte = (unsigned char)i;
        char name[3] = {0};
        s3p_hex(name, &byte, 1);
        if (mkdirat(s->bodies_fd, name, 0700) != 0 && errno != EEXIST)
            return s3p_fail(err, S3P_EIO, errno, "bodies/%s: %s", name, strerror(errno));
    }
    return s->durable ? sync_dirs(s, err) : 0;
}

static uint64_t draw_id(struct s3p_srv_store *s)
{
    return s->boot << COUNTER_BITS |
           atomic_fetch_add_explicit(&s->next_body, 1, memory_order_relaxed);
}

int s3p_srv_body_create(struct s3p_srv_store *s, uint64_t *id)
{
    char path[PATH_BYTES];
    *id = draw_id(s);
    body_path(path, *id);
    return openat(s->bodies_fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

int s3p_srv_body_open(const struct s3p_srv_store *s, uint64_t id)
{
    char path[PATH_BYTES];
    body_path(path, id);
    return openat(s->bodies_fd, path, O_RDONLY | O_CLOEXEC);
}

int s3p_srv_body_look(const struct s3p_srv_store *s, uint64_t id)
{
    char path[PATH_BYTES];
    body_path(path, id);
    return faccessat(s->bodies_fd, path, F_OK, 0) == 0 ? 0 : errno;
}

void s3p_srv_body_unlink(const struct s3p_srv_store *s, uint64_t id)
{
    char path[PATH_BYTES];
    body_path(path, id);
    (void)unlinkat(s->bodies_fd, path, 0); /* what stays behind is swept at the next start */
}

static int sync_dir(const struct s3p_srv_store *s, uint64_t id)
{
    char path[PATH_BYTES];
    body_path(path, id);
    path[2] = 0;
    int dir = openat(s->bodies_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -1;
    int rc = fsync(dir), error = errno;
    close(dir);
    errno = error;
    return rc;
}

int s3p_srv_body_sync(const struct s3p_srv_store *s, uint64_t id, int fd)
{
    return fdatasync(fd) == 0 ? sync_dir(s, id) : -1;
}

int s3p_srv_body_link(struct s3p_srv_store *s, uint64_t from, uint64_t *id)
{
    char old_path[PATH_BYTES], path[PATH_BYTES];
    *id = draw_id(s);
    body_path(old_path, from);
    body_path(path, *id);
    if (linkat(s->bodies_fd, old_path, s->bodies_fd, path, 0) != 0)
        return -1;
    return s->durable ? sync_dir(s, *id) : 0;
}

static bool ids_add(struct s3p_srv_body_ids *ids, uint64_t id)
{
    if (ids->n == ids->cap) {
        size_t cap = ids->cap > 0 ? 2 * ids->cap : 1024;
        uint64_t *v = s3p_realloc(ids->v, cap * sizeof *v);
        if (v == NULL)
            return false;
        ids->v = v;
        ids->cap = cap;
    }
    ids->v[ids->n++] = id;
    return true;
}

static int id_order(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int collect(void *cls, const struct s3p_srv_item *item)
{
    const struct s3p_srv_record *r = &item->record;
    struct s3p_srv_body_ids *ids = cls;
    bool ok = !r->in_file || ids_add(ids, r->body_id);
    for (uint32_t i = 0; ok && i < r->n_parts; i++)
        ok = ids_add(ids, s3p_srv_part_at(r->parts, i).body_id);
    return ok ? 0 : ENOMEM;
}

int s3p_srv_body_ids_collect(struct s3p_srv_body_ids *ids, MDB_txn *txn,
                             const struct s3p_srv_store *s)
{
    int rc = s3p_srv_inventory(txn, s, collect, ids);
    if (rc == 0 && ids->n > 0)
        qsort(ids->v, ids->n, sizeof *ids->v, id_order);
    return rc;
}

bool s3p_srv_body_ids_has(const struct s3p_srv_body_ids *ids, uint64_t id)
{
    return ids->n > 0 && bsearch(&id, ids->v, ids->n, sizeof id, id_order) != NULL;
}

void s3p_srv_body_ids_free(struct s3p_srv_body_ids *ids)
{
    s3p_free(ids->v);
    *ids = (struct s3p_srv_body_ids){0};
}

static void each_in_dir(const struct s3p_srv_store *s, unsigned char byte,
                        void (*visit)(void *cls, int dir_fd, const char *name, uint64_t id),
                        void *cls)
{
    char name[3] = {0};
    s3p_hex(name, &byte, 1);
    int fd = openat(s->bodies_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        unsigned char bytes[8];
        uint64_t id = 0;
        if (strlen(e->d_name) != 16 || !s3p_unhex(bytes, e->d_name, 16))
            continue;
        for (int i = 0; i < 8; i++)
            id = id << 8 | bytes[i];
        visit(cls, fd, e->d_name, id);
    }
    closedir(dir);
}

void s3p_srv_bodies_each(const struct s3p_srv_store *s,
                         void (*visit)(void *cls, int dir_fd, const char *name, uint64_t id),
                         void *cls)
{
    for (unsigned i = 0; i < DIRS; i++)
        each_in_dir(s, (unsigned char)i, visit, cls);
}

static void sweep_one(void *cls, int dir_fd, const char *name, uint64_t id)
{
    if (!s3p_srv_body_ids_has(cls, id))
        (void)unlinkat(dir_fd, name, 0);
}

int s3p_srv_bodies_sweep(struct s3p_srv_store *s, struct s3p_err *err)
{
    struct s3p_srv_body_ids ids = {0};
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0) {
        rc = s3p_srv_body_ids_collect(&ids, txn, s);
        mdb_txn_abort(txn);
    }
    if (rc == 0)
        s3p_srv_bodies_each(s, sweep_one, &ids);
    s3p_srv_body_ids_free(&ids);
    return rc == 0 ? 0
                   : s3p_fail(err, S3P_EIO, rc, "cannot sweep the bodies: %s", mdb_strerror(rc));
}
