/* Power loss for one process: a library to preload, which keeps the image that a disk would show
 * if the power went now. A test kills the process and starts the next one on the image.
 *
 * Under S3P_LOSS_ROOT (a directory that exists) nothing is durable until it is synced: bytes and
 * length of a file by fsync or fdatasync of it, or by a write through O_DSYNC; an entry of a
 * directory (file made, renamed, removed; directory made) by fsync of that directory. What was
 * there when the process began is durable.
 *
 * S3P_LOSS_IMAGE, made anew, holds the image: f<inode> the durable bytes of a file, d<inode> a
 * directory with hard links to its files and symbolic links to its directories, `root` a link to
 * that of the root. Copy `root` with its links followed.
 *
 *   S3P_LOSS_SURVIVES=p  each page written, and each entry made or removed, reaches the disk at
 *                        once with this probability (0), drawn from S3P_LOSS_SEED: the kernel may
 *                        write back what it likes, when it likes
 *   S3P_LOSS_SKIP=what   syncs of this kind report success and do nothing: body-sync, dir-sync,
 *                        db-sync, db-meta (db: data.mdb; meta: writes through O_DSYNC)
 *   S3P_LOSS_FAIL=file   while this file holds "<kind> <errno>", calls of that kind fail: the
 *                        kinds above, body-write, db-write. A failed sync leaves the pages clean,
 *                        as Linux does: a later sync does not write them.
 *
 * A call that could change files and is not modelled ends the process with abort. Files that are
 * written through a shared mapping are not modelled, but for lock.mdb, whose content no start
 * relies on. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/tools/power_loss/loss.h"

#define EXPORT __attribute__((visibility("default")))

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char root[PATH_MAX];
static size_t root_len;

static void start(void)
{
    const char *r = getenv("S3P_LOSS_ROOT"), *i = getenv("S3P_LOSS_IMAGE");
    const char *p = getenv("S3P_LOSS_SURVIVES"), *s = getenv("S3P_LOSS_SEED");
    if (r == NULL || i == NULL || realpath(r, root) == NULL)
        loss_die("S3P_LOSS_ROOT, S3P_LOSS_IMAGE: expected a directory, and a name for a new one");
    root_len = strlen(root);
    loss_files_start(getenv("S3P_LOSS_SKIP"), getenv("S3P_LOSS_FAIL"));
    loss_image_start(root, i, p != NULL ? strtod(p, NULL) : 0,
                     s != NULL ? strtoull(s, NULL, 10) : 1);
}

static void lock_up(void)
{
    pthread_once(&once, start);
    pthread_mutex_lock(&mu);
}

static void unlock(void)
{
    int e = errno;
    pthread_mutex_unlock(&mu);
    errno = e;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_once(&once, start);
}

/* Below the root? Then `path` is absolute. */
static bool absolute(char path[PATH_MAX], int dir, const char *name)
{
    char base[PATH_MAX] = {0}, at[64];
    if (name[0] != '/') {
        (void)snprintf(at, sizeof at, "/proc/self/fd/%d", dir);
        if (readlink(dir == AT_FDCWD ? "/proc/self/cwd" : at, base, sizeof base - 1) <= 0)
            return false;
    }
    int n = snprintf(path, PATH_MAX, "%s%s%s", base, name[0] != '/' ? "/" : "", name);
    return n > 0 && n < PATH_MAX && strncmp(path, root, root_len) == 0 && path[root_len] == '/';
}

static int sync_fd(int fd, long number)
{
    lock_up();
    struct loss_node *n = loss_tracked(fd);
    int rc = 0;
    if (n == NULL) {
        unlock();
        return (int)syscall(number, fd);
    }
    const char *kind = loss_sync_kind(n);
    if (loss_fails(kind)) {
        n->n = 0;
        rc = -1;
    } else if (!loss_skipped(kind)) {
        if (n->dir)
            loss_image_dir(fd, n->ino);
        else
            loss_sync_file(fd, n);
    }
    unlock();
    return rc;
}

EXPORT int fsync(int fd)
{
    return sync_fd(fd, SYS_fsync);
}

EXPORT int fdatasync(int fd)
{
    return sync_fd(fd, SYS_fdatasync);
}

static int open_at(int dir, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    struct stat st;
    lock_up();
    bool ours = absolute(path, dir, name);
    bool made = ours && (flags & O_CREAT) != 0 && fstatat(dir, name, &st, 0) != 0;
    if (ours && !made && (flags & O_TRUNC) != 0)
        loss_die("open with O_TRUNC is not modelled");
    int fd = raw_openat(dir, name, flags, mode);
    loss_untrack(fd);
    if (fd >= 0 && (ours || strcmp(name, root) == 0))
        loss_track(fd, ours ? path : root, flags, made);
    unlock();
    return fd;
}

#define MODE_OF(flags)                                                                             \
    mode_t mode = 0;                                                                               \
    if (((flags) & O_CREAT) != 0) {                                                                \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode = va_arg(args, mode_t);                                                               \
        va_end(args);                                                                              \
    }

EXPORT int open(const char *name, int flags, ...)
{
    MODE_OF(flags)
    return open_at(AT_FDCWD, name, flags, mode);
}

EXPORT int open64(const char *name, int flags, ...)
{
    MODE_OF(flags)
    return open_at(AT_FDCWD, name, flags, mode);
}

EXPORT int openat(int dir, const char *name, int flags, ...)
{
    MODE_OF(flags)
    return open_at(dir, name, flags, mode);
}

EXPORT int openat64(int dir, const char *name, int flags, ...)
{
    MODE_OF(flags)
    return open_at(dir, name, flags, mode);
}

EXPORT int close(int fd)
{
    lock_up();
    loss_untrack(fd);
    unlock();
    return raw_close(fd);
}

/* A write at `at`, or at the file's position when that is negative. */
static ssize_t put(int fd, const struct iovec *v, int n_v, off_t at)
{
    struct loss_node *n = loss_tracked(fd);
    off_t from = at >= 0 ? at : lseek(fd, 0, SEEK_CUR);
    if (loss_fails(loss_write_kind(fd, n)))
        return -1;
    ssize_t done = at >= 0 ? raw_pwrite(fd, v->iov_base, v->iov_len, at)
                           : (ssize_t)syscall(SYS_writev, fd, v, n_v);
    if (done > 0)
        loss_wrote(fd, n, from, from + done);
    return done;
}

#define PUT(call, v, n_v, at)                                                                      \
    lock_up();                                                                                     \
    if (loss_tracked(fd) == NULL) {                                                                \
        unlock();                                                                                  \
        return call;                                                                               \
    }                                                                                              \
    ssize_t done = put(fd, v, n_v, at);                                                            \
    unlock();                                                                                      \
    return done;

EXPORT ssize_t write(int fd, const void *p, size_t len)
{
    struct iovec v = {(void *)(uintptr_t)p, len};
    PUT((ssize_t)syscall(SYS_write, fd, p, len), &v, 1, -1)
}

EXPORT ssize_t writev(int fd, const struct iovec *v, int n)
{
    PUT((ssize_t)syscall(SYS_writev, fd, v, n), v, n, -1)
}

EXPORT ssize_t pwrite(int fd, const void *p, size_t len, off_t at)
{
    struct iovec v = {(void *)(uintptr_t)p, len};
    PUT(raw_pwrite(fd, p, len, at), &v, 1, at)
}

EXPORT ssize_t pwrite64(int fd, const void *p, size_t len, off_t at)
{
    return pwrite(fd, p, len, at);
}

EXPORT int ftruncate(int fd, off_t len)
{
    struct stat st;
    lock_up();
    struct loss_node *n = loss_tracked(fd);
    int rc = n != NULL && fstat(fd, &st) != 0 ? -1 : raw_ftruncate(fd, len);
    if (n != NULL && rc == 0) {
        loss_dirty(n, len < st.st_size ? len : st.st_size, len < st.st_size ? st.st_size : len);
        if (loss_survives())
            (void)loss_sync_file(fd, n);
    }
    unlock();
    return rc;
}

EXPORT int ftruncate64(int fd, off_t len)
{
    return ftruncate(fd, len);
}

static int make_dir(int dir, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    lock_up();
    int rc = raw_mkdirat(dir, name, mode);
    if (rc == 0 && absolute(path, dir, name))
        loss_maybe_entry(path);
    unlock();
    return rc;
}

EXPORT int mkdir(const char *name, mode_t mode)
{
    return make_dir(AT_FDCWD, name, mode);
}

EXPORT int mkdirat(int dir, const char *name, mode_t mode)
{
    return make_dir(dir, name, mode);
}

EXPORT int linkat(int from, const char *old, int dir, const char *name, int flags)
{
    char path[PATH_MAX];
    lock_up();
    int rc = raw_linkat(from, old, dir, name, flags);
    if (rc == 0 && absolute(path, dir, name))
        loss_maybe_entry(path);
    unlock();
    return rc;
}

static int remove_at(int dir, const char *name, int flags)
{
    char path[PATH_MAX];
    lock_up();
    int rc = raw_unlinkat(dir, name, flags);
    if (rc == 0 && absolute(path, dir, name))
        loss_maybe_entry(path);
    unlock();
    return rc;
}

EXPORT int unlink(const char *name)
{
    return remove_at(AT_FDCWD, name, 0);
}

EXPORT int unlinkat(int dir, const char *name, int flags)
{
    return remove_at(dir, name, flags);
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
    pthread_once(&once, start);
    bool writable = (flags & MAP_SHARED) != 0 && (prot & PROT_WRITE) != 0;
    struct loss_node *n = writable ? loss_tracked(fd) : NULL;
    if (n != NULL && !n->lock)
        loss_die("a writable shared mapping is not modelled");
    return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, at);
}

EXPORT void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
    return mmap(addr, len, prot, flags, fd, at);
}

EXPORT ssize_t sendfile(int out, int in, off_t *at, size_t len)
{
    pthread_once(&once, start);
    if (loss_tracked(out) != NULL)
        loss_die("sendfile to a file is not modelled");
    return (ssize_t)syscall(SYS_sendfile, out, in, at, len);
}

EXPORT ssize_t sendfile64(int out, int in, off_t *at, size_t len)
{
    return sendfile(out, in, at, len);
}

/* Not modelled at all: nobody calls them on any file. */
#define REFUSED(type, name, ...)                                                                   \
    EXPORT type name(__VA_ARGS__);                                                                 \
    EXPORT __attribute__((noreturn)) type name(__VA_ARGS__)                                        \
    {                                                                                              \
        loss_die(#name " is not modelled");                                                        \
    }
_Pragma("GCC diagnostic ignored \"-Wunused-parameter\"")
REFUSED(int, msync, void *addr, size_t len, int flags)
REFUSED(int, truncate, const char *path, off_t len)
REFUSED(int, truncate64, const char *path, off_t len)
REFUSED(int, fallocate, int fd, int mode, off_t at, off_t len)
REFUSED(int, fallocate64, int fd, int mode, off_t at, off_t len)
REFUSED(int, posix_fallocate, int fd, off_t at, off_t len)
REFUSED(int, posix_fallocate64, int fd, off_t at, off_t len)
REFUSED(int, sync_file_range, int fd, off_t at, off_t len, unsigned flags)
REFUSED(ssize_t, pwritev, int fd, const struct iovec *v, int n, off_t at)
REFUSED(ssize_t, pwritev64, int fd, const struct iovec *v, int n, off_t at)
REFUSED(ssize_t, pwritev2, int fd, const struct iovec *v, int n, off_t at, int flags)
REFUSED(ssize_t, pwritev64v2, int fd, const struct iovec *v, int n, off_t at, int flags)
REFUSED(ssize_t, copy_file_range, int in, off_t *from, int out, off_t *to, size_t len,
        unsigned flags)
REFUSED(ssize_t, splice, int in, off_t *from, int out, off_t *to, size_t len, unsigned flags)
