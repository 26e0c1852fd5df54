#include "server/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/bodies.h"
#include "server/pins.h"
#include "server/tables.h"

/* Address space only: the file grows as it is used. */
#define MAP_BYTES (UINT64_C(1) << 36)
#define READERS 1024
#define TABLES_MAX 16
#define SEQ_BITS 40 /* writes of one boot; the boot number stands above them */
/* Of the records, tables and file names: a folder of another format is refused. Raised with every
 * change that an older program would misread. */
#define FORMAT 1

static int fail_db(struct s3p_err *err, int rc, const char *what)
{
    return s3p_fail(err, S3P_EIO, rc, "%s: %s", what, mdb_strerror(rc));
}

static int fail_data(struct s3p_err *err, int rc, const char *dir)
{
    if (rc == MDB_VERSION_MISMATCH)
        return s3p_fail(err, S3P_EIO, rc,
                        "--data: \"%s\": of another version of the store; expected format %d", dir,
                        FORMAT);
    return s3p_fail(err, S3P_EIO, rc, "--data: \"%s\": %s; expected a folder of one's own", dir,
                    mdb_strerror(rc));
}

static int open_each(struct s3p_srv_store *s, MDB_txn *txn, unsigned flags)
{
    const struct {
        const char *name;
        MDB_dbi *handle;
    } tables[] = {
        {"buckets", &s->buckets},   {"current", &s->current}, {"about", &s->about},
        {"uploads", &s->uploads},   {"parts", &s->parts},     {"finished", &s->finished},
        {"versions", &s->versions}, {"settings", &s->settings}, {"outbox", &s->outbox},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof tables / sizeof tables[0]; i++)
        rc = mdb_dbi_open(txn, tables[i].name, flags, tables[i].handle);
    return rc;
}

/* A number of the table `about`; 0: it is not there. */
static int get_about(const struct s3p_srv_store *s, MDB_txn *txn, const char *name, uint64_t *n)
{
    MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value;
    int rc = mdb_get(txn, s->about, &key, &value);
    *n = 0;
    if (rc == 0 && value.mv_size == sizeof *n)
        memcpy(n, value.mv_data, sizeof *n);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int put_about(const struct s3p_srv_store *s, MDB_txn *txn, const char *name, uint64_t n)
{
    MDB_val key = {strlen(name), (void *)(uintptr_t)name}, value = {sizeof n, &n};
    return mdb_put(txn, s->about, &key, &value, 0);
}

/* MDB_VERSION_MISMATCH: the folder has been started before, and its format is another one. */
static int check_format(struct s3p_srv_store *s, MDB_txn *txn)
{
    uint64_t format;
    int rc = get_about(s, txn, "format", &format);
    if (rc == 0)
        rc = get_about(s, txn, "boot", &s->boot);
    return rc == 0 && s->boot > 0 && format != FORMAT ? MDB_VERSION_MISMATCH : rc;
}

static int open_tables(struct s3p_srv_store *s, const char *dir, struct s3p_err *err)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (rc != 0)
        return fail_data(err, rc, dir);
    if ((rc = open_each(s, txn, MDB_CREATE)) == 0 && (rc = check_format(s, txn)) == 0 &&
        (rc = put_about(s, txn, "format", FORMAT)) == 0)
        rc = put_about(s, txn, "boot", ++s->boot);
    if (rc != 0)
        mdb_txn_abort(txn);
    else
        rc = mdb_txn_commit(txn);
    return rc == 0 ? 0 : fail_data(err, rc, dir);
}

static int open_env(struct s3p_srv_store *s, const char *dir, struct s3p_err *err)
{
    /* NOTLS: read views move between the threads that serve a request */
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (s->durable ? 0 : MDB_NOSYNC | MDB_NOMEMINIT);
    int dead, rc = mdb_env_create(&s->env);
    if (rc != 0)
        return fail_db(err, rc, "cannot create the environment");
    if ((rc = mdb_env_set_maxdbs(s->env, TABLES_MAX)) != 0 ||
        (rc = mdb_env_set_maxreaders(s->env, READERS)) != 0 ||
        (rc = mdb_env_set_mapsize(s->env, MAP_BYTES)) != 0 ||
        (rc = mdb_env_open(s->env, dir, flags, 0600)) != 0 ||
        (rc = mdb_reader_check(s->env, &dead)) != 0)
        return fail_data(err, rc, dir);
    return open_tables(s, dir, err);
}

int s3p_srv_store_open(struct s3p_srv_store *s, const char *dir, bool durable, struct s3p_err *err)
{
    memset(s, 0, sizeof *s);
    s->durable = durable;
    s->dir_fd = s->bodies_fd = -1;
    int rc = 0;
    if ((s->pins = s3p_srv_pins_create()) == NULL)
        rc = s3p_fail(err, S3P_ENOMEM, 0, "no memory for the store");
    if (rc == 0 && mkdir(dir, 0700) != 0 && errno != EEXIST)
        rc = fail_data(err, errno, dir);
    if (rc == 0 && (s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        rc = fail_data(err, errno, dir);
    if (rc == 0 && flock(s->dir_fd, LOCK_EX | LOCK_NB) != 0)
        rc = s3p_fail(err, S3P_EIO, errno,
                      "--data: \"%s\": in use by another store; expected a folder of one's own",
                      dir);
    if (rc == 0)
        rc = open_env(s, dir, err);
    if (rc == 0)
        rc = s3p_srv_bodies_open(s, err);
    if (rc == 0)
        rc = s3p_srv_bodies_sweep(s, err);
    if (rc != 0) {
        s3p_srv_store_close(s);
        return rc;
    }
    atomic_init(&s->next_body, 1);
    atomic_init(&s->next_seq, s->boot << SEQ_BITS);
    return 0;
}

static int open_env_read(struct s3p_srv_store *s, const char *dir, struct s3p_err *err)
{
    MDB_txn *txn;
    int rc = mdb_env_create(&s->env);
    if (rc != 0 || (rc = mdb_env_set_maxdbs(s->env, TABLES_MAX)) != 0 ||
        (rc = mdb_env_open(s->env, dir, MDB_RDONLY | MDB_NOTLS, 0600)) != 0 ||
        (rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn)) != 0)
        return fail_data(err, rc, dir);
    rc = open_each(s, txn, 0);
    if (rc == 0)
        rc = check_format(s, txn);
    if (rc == 0)
        rc = mdb_txn_commit(txn); /* keeps the handles */
    else
        mdb_txn_abort(txn);
    return rc == 0 ? 0 : fail_data(err, rc, dir);
}

int s3p_srv_store_open_read(struct s3p_srv_store *s, const char *dir, struct s3p_err *err)
{
    memset(s, 0, sizeof *s);
    s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s->bodies_fd =
        s->dir_fd >= 0 ? openat(s->dir_fd, "bodies", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int rc = 0;
    if (s->bodies_fd < 0 || faccessat(s->dir_fd, "data.mdb", R_OK, 0) != 0)
        rc = s3p_fail(err, S3P_EIO, errno, "--data: \"%s\": %s; expected the data of a store", dir,
                      strerror(errno));
    if (rc == 0)
        rc = open_env_read(s, dir, err);
    if (rc != 0)
        s3p_srv_store_close(s);
    return rc;
}

int s3p_srv_store_limit(struct s3p_srv_store *s, uint64_t map_bytes, struct s3p_err *err)
{
    int rc = mdb_env_set_mapsize(s->env, map_bytes);
    return rc == 0 ? 0 : fail_db(err, rc, "--map-bytes");
}

void s3p_srv_store_close(struct s3p_srv_store *s)
{
    if (s->env != NULL) {
        (void)mdb_env_sync(s->env, 1);
        mdb_env_close(s->env);
    }
    if (s->bodies_fd >= 0)
        close(s->bodies_fd);
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    s3p_srv_pins_free(s->pins);
    s->pins = NULL;
    s->env = NULL;
    s->bodies_fd = s->dir_fd = -1;
}

void s3p_srv_view_init(struct s3p_srv_view *v, const struct s3p_srv_store *s)
{
    *v = (struct s3p_srv_view){.store = s};
}

void s3p_srv_view_free(struct s3p_srv_view *v)
{
    if (v->txn != NULL)
        mdb_txn_abort(v->txn);
    v->txn = NULL;
}

bool s3p_srv_view_begin(struct s3p_srv_view *v)
{
    int rc = v->txn != NULL ? mdb_txn_renew(v->txn)
                            : mdb_txn_begin(v->store->env, NULL, MDB_RDONLY, &v->txn);
    v->open = rc == 0;
    return v->open;
}

void s3p_srv_view_end(struct s3p_srv_view *v)
{
    if (v->open)
        mdb_txn_reset(v->txn);
    v->open = false;
}

int s3p_srv_bucket_decode(struct s3p_srv_bucket *b, const MDB_val *v)
{
    if (v->mv_size < 16)
        return MDB_CORRUPTED;
    memcpy(&b->id, v->mv_data, 8);
    memcpy(&b->created_wall_ns, (const char *)v->mv_data + 8, 8);
    b->location = (struct s3p_str){(const char *)v->mv_data + 16, v->mv_size - 16};
    b->versioning = S3P_SRV_NEVER_VERSIONED;
    size_t n = b->location.len;
    if (n >= 2 && b->location.p[n - 2] == 0) { /* NUL and the state, once there is one */
        unsigned state = (unsigned char)b->location.p[n - 1];
        if (state > S3P_SRV_SUSPENDED)
            return MDB_CORRUPTED;
        b->versioning = (enum s3p_srv_versioning)state;
        b->location.len = n - 2;
    }
    return 0;
}

int s3p_srv_bucket_get(MDB_txn *txn, const struct s3p_srv_store *s, struct s3p_str name,
                       struct s3p_srv_bucket *out)
{
    MDB_val k = {name.len, (void *)(uintptr_t)name.p}, v;
    int rc = name.len > 0 ? mdb_get(txn, s->buckets, &k, &v) : MDB_NOTFOUND;
    return rc == 0 ? s3p_srv_bucket_decode(out, &v) : rc;
}

static int put_bucket(MDB_txn *txn, const struct s3p_srv_store *s, struct s3p_str name,
                      const struct s3p_srv_bucket *b, unsigned flags)
{
    char bytes[16 + S3P_SRV_LOCATION_MAX + 2];
    size_t n = 16 + b->location.len;
    if (b->location.len > S3P_SRV_LOCATION_MAX)
        return MDB_BAD_VALSIZE;
    memcpy(bytes, &b->id, 8);
    memcpy(bytes + 8, &b->created_wall_ns, 8);
    if (b->location.len > 0)
        memcpy(bytes + 16, b->location.p, b->location.len);
    if (b->versioning != S3P_SRV_NEVER_VERSIONED) {
        bytes[n++] = 0;
        bytes[n++] = (char)b->versioning;
    }
    MDB_val k = {name.len, (void *)(uintptr_t)name.p}, v = {n, bytes};
    return mdb_put(txn, s->buckets, &k, &v, flags);
}

int s3p_srv_bucket_put(MDB_txn *txn, const struct s3p_srv_store *s, struct s3p_str name,
                       const struct s3p_srv_bucket *b)
{
    return put_bucket(txn, s, name, b, MDB_NOOVERWRITE);
}

int s3p_srv_bucket_set(MDB_txn *txn, const struct s3p_srv_store *s, struct s3p_str name,
                       const struct s3p_srv_bucket *b)
{
    return put_bucket(txn, s, name, b, 0);
}
