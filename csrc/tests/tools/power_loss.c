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
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/alloc.h"

#define EXPORT __attribute__((visibility("default")))
#define FDS 65536
#define BUCKETS 4096
#define PAGE 4096
#define NAMES 6

struct range {
    off_t from, to;
};

struct node {
    struct node *next;
    ino_t ino;
    unsigned refs; /* descriptors */
    bool dir, db, lock;
    struct range *dirty;
    size_t n, cap;
};

static struct {
    struct node *node;
    bool dsync;
} fds[FDS];
static struct node *nodes[BUCKETS];
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char root[PATH_MAX], image[PATH_MAX];
static size_t root_len;
static double survives;
static uint64_t seed;
static const char *skip, *fail_path;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static int (*real_closedir)(DIR *);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_mkdirat)(int, const char *, mode_t);
static int (*real_linkat)(int, const char *, int, const char *, int);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static ssize_t (*real_sendfile)(int, int, off_t *, size_t);

__attribute__((noreturn)) static void die(const char *what)
{
    char line[256]; /* by the kernel itself: the lock is held */
    int n = snprintf(line, sizeof line, "power_loss: %s: %s\n", what, strerror(errno));
    (void)!syscall(SYS_write, 2, line, n < (int)sizeof line ? n : (int)sizeof line);
    abort();
}

static void in_image(char out[PATH_MAX], char kind, ino_t ino, const char *name)
{
    int n = snprintf(out, PATH_MAX, "%s/%c%llu%s%s", image, kind, (unsigned long long)ino,
                     name != NULL ? "/" : "", name != NULL ? name : "");
    if (n < 0 || n >= PATH_MAX)
        die("path too long");
}

static bool drawn(void)
{
    if (survives <= 0 || survives >= 1)
        return survives >= 1;
    seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53 < survives;
}

static void copy_range(int from, int to, off_t at, off_t end)
{
    static char chunk[1 << 16]; /* under mu */
    while (at < end) {
        size_t want = end - at < (off_t)sizeof chunk ? (size_t)(end - at) : sizeof chunk;
        ssize_t n = pread(from, chunk, want, at);
        if (n == 0)
            return;
        if (n < 0 || real_pwrite(to, chunk, (size_t)n, at) != n)
            die("cannot copy to the image");
        at += n;
    }
}

/* The file's durable bytes, for writing. */
static int open_image(ino_t ino)
{
    char path[PATH_MAX];
    in_image(path, 'f', ino, NULL);
    int fd = real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        die("cannot open a file of the image");
    return fd;
}

static int open_real(int fd)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = real_open(path, O_RDONLY | O_CLOEXEC);
    if (again < 0)
        die("cannot read a file that is written");
    return again;
}

static void remove_entry(const char *path)
{
    if (real_unlink(path) != 0 && errno != ENOENT)
        die("cannot remove an entry of the image");
}

/* The entry `name` of the directory becomes durable as it is now: there, another, or gone. */
static void sync_entry(int dir, ino_t dir_ino, const char *name)
{
    char entry[PATH_MAX], target[PATH_MAX], link_text[64], was[64] = {0};
    struct stat st, now, kept;
    in_image(entry, 'd', dir_ino, name);
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        remove_entry(entry);
        return;
    }
    if (S_ISDIR(st.st_mode)) {
        in_image(target, 'd', st.st_ino, NULL);
        if (real_mkdir(target, 0700) != 0 && errno != EEXIST)
            die("cannot make a directory of the image");
        (void)snprintf(link_text, sizeof link_text, "../d%llu", (unsigned long long)st.st_ino);
        ssize_t n = readlink(entry, was, sizeof was - 1);
        if (n > 0 && strcmp(was, link_text) == 0)
            return;
        remove_entry(entry);
        if (symlink(link_text, entry) != 0)
            die("cannot link a directory of the image");
        return;
    }
    real_close(open_image(st.st_ino));
    in_image(target, 'f', st.st_ino, NULL);
    if (stat(target, &kept) == 0 && stat(entry, &now) == 0 && kept.st_ino == now.st_ino)
        return;
    remove_entry(entry);
    if (real_linkat(AT_FDCWD, target, AT_FDCWD, entry, 0) != 0)
        die("cannot link a file of the image");
}

static void each_entry(const char *path, void (*act)(int, ino_t, const char *), int dir, ino_t ino)
{
    DIR *list = opendir(path);
    if (list == NULL)
        die("cannot list a directory");
    for (struct dirent *e; (e = readdir(list)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            act(dir, ino, e->d_name);
    real_closedir(list);
}

static void sync_dir(int dir, ino_t ino)
{
    char real[64], kept[PATH_MAX];
    (void)snprintf(real, sizeof real, "/proc/self/fd/%d", dir);
    in_image(kept, 'd', ino, NULL);
    if (real_mkdir(kept, 0700) != 0 && errno != EEXIST)
        die("cannot make a directory of the image");
    each_entry(kept, sync_entry, dir, ino); /* those that have gone */
    each_entry(real, sync_entry, dir, ino);
}

/* At the start: everything below is durable. */
static void keep_tree(int parent, ino_t ignored, const char *name)
{
    (void)ignored;
    struct stat st;
    int fd = real_openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        die("cannot read the root");
    if (S_ISDIR(st.st_mode)) {
        char path[64];
        sync_dir(fd, st.st_ino);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        each_entry(path, keep_tree, fd, st.st_ino);
    } else {
        int to = open_image(st.st_ino);
        copy_range(fd, to, 0, st.st_size);
        if (real_ftruncate(to, st.st_size) != 0)
            die("cannot copy to the image");
        real_close(to);
    }
    real_close(fd);
}

static void *find(const char *name)
{
    void *p = dlsym(RTLD_NEXT, name);
    if (p == NULL)
        die(name);
    return p;
}

static void find_real(void)
{
    real_open = find("open");
    real_openat = find("openat");
    real_close = find("close");
    real_closedir = find("closedir");
    real_write = find("write");
    real_writev = find("writev");
    real_pwrite = find("pwrite");
    real_ftruncate = find("ftruncate");
    real_fsync = find("fsync");
    real_fdatasync = find("fdatasync");
    real_mkdir = find("mkdir");
    real_mkdirat = find("mkdirat");
    real_linkat = find("linkat");
    real_unlink = find("unlink");
    real_unlinkat = find("unlinkat");
    real_mmap = find("mmap");
    real_sendfile = find("sendfile");
}

static void start(void)
{
    find_real();
    const char *r = getenv("S3P_LOSS_ROOT"), *i = getenv("S3P_LOSS_IMAGE");
    const char *p = getenv("S3P_LOSS_SURVIVES"), *s = getenv("S3P_LOSS_SEED");
    if (r == NULL || i == NULL)
        die("S3P_LOSS_ROOT and S3P_LOSS_IMAGE: expected two directories");
    skip = getenv("S3P_LOSS_SKIP");
    fail_path = getenv("S3P_LOSS_FAIL");
    survives = p != NULL ? strtod(p, NULL) : 0;
    seed = s != NULL ? strtoull(s, NULL, 10) : 1;
    if (real_mkdir(i, 0700) != 0 || realpath(i, image) == NULL || realpath(r, root) == NULL)
        die("S3P_LOSS_ROOT, S3P_LOSS_IMAGE: expected a directory, and a name for a new one");
    root_len = strlen(root);
    char link_path[PATH_MAX], text[64];
    struct stat st;
    if (stat(root, &st) != 0 || snprintf(link_path, PATH_MAX, "%s/root", image) >= PATH_MAX)
        die("cannot read the root");
    (void)snprintf(text, sizeof text, "d%llu", (unsigned long long)st.st_ino);
    if (symlink(text, link_path) != 0)
        die("cannot make the image");
    keep_tree(AT_FDCWD, 0, root);
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

/* The kernel happens to write the entry back at once. */
static void maybe_sync_entry(const char *path)
{
    char dir[PATH_MAX];
    struct stat st;
    if (!drawn())
        return;
    const char *name = strrchr(path, '/') + 1;
    memcpy(dir, path, (size_t)(name - path));
    dir[name - path] = 0;
    int fd = real_open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        die("cannot open a directory");
    char kept[PATH_MAX];
    in_image(kept, 'd', st.st_ino, NULL);
    if (real_mkdir(kept, 0700) != 0 && errno != EEXIST)
        die("cannot make a directory of the image");
    sync_entry(fd, st.st_ino, name);
    real_close(fd);
}

static struct node **place(ino_t ino)
{
    struct node **at = &nodes[ino % BUCKETS];
    while (*at != NULL && (*at)->ino != ino)
        at = &(*at)->next;
    return at;
}

/* What is known of a file: forgotten when nothing is. */
static void release(struct node *n)
{
    if (n->refs > 0 || n->n > 0)
        return;
    struct node **at = place(n->ino);
    *at = n->next;
    s3p_free(n->dirty);
    s3p_free(n);
}

static void untrack(int fd)
{
    if (fd < 0 || fd >= FDS || fds[fd].node == NULL)
        return;
    struct node *n = fds[fd].node;
    fds[fd].node = NULL;
    n->refs--;
    release(n);
}

static void track(int fd, const char *path, int flags, bool made)
{
    struct stat st;
    char kept[PATH_MAX];
    if (fd >= FDS || fstat(fd, &st) != 0)
        die("too many descriptors");
    untrack(fd);
    struct node **at = place(st.st_ino);
    if (*at == NULL && (*at = s3p_calloc(1, sizeof **at)) == NULL)
        die("no memory");
    struct node *n = *at;
    const char *name = strrchr(path, '/') + 1;
    n->ino = st.st_ino;
    n->dir = S_ISDIR(st.st_mode);
    n->db = strcmp(name, "data.mdb") == 0;
    n->lock = strcmp(name, "lock.mdb") == 0;
    n->refs++;
    fds[fd].node = n;
    fds[fd].dsync = (flags & O_DSYNC) != 0;
    if (made) { /* the number may have been another file's */
        in_image(kept, 'f', n->ino, NULL);
        remove_entry(kept);
        n->n = 0;
        maybe_sync_entry(path);
    }
}

static struct node *tracked(int fd)
{
    struct stat st;
    struct node *n = fd >= 0 && fd < FDS ? fds[fd].node : NULL;
    return n != NULL && fstat(fd, &st) == 0 && st.st_ino == n->ino ? n : NULL;
}

static void add_dirty(struct node *n, off_t from, off_t to)
{
    if (from >= to)
        return;
    if (n->n > 0 && n->dirty[n->n - 1].to == from) {
        n->dirty[n->n - 1].to = to;
        return;
    }
    if (n->n == n->cap) {
        n->cap = n->cap > 0 ? 2 * n->cap : 16;
        n->dirty = s3p_realloc(n->dirty, n->cap * sizeof *n->dirty);
        if (n->dirty == NULL)
            die("no memory");
    }
    n->dirty[n->n++] = (struct range){from, to};
}

/* Errno of the failure that is asked for, or 0. */
static int failure(const char *kind)
{
    char text[64] = {0};
    size_t len = strlen(kind);
    int fd = fail_path != NULL ? real_open(fail_path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    real_close(fd);
    return n > (ssize_t)len && memcmp(text, kind, len) == 0 && text[len] == ' '
               ? (int)strtol(text + len, NULL, 10)
               : 0;
}

static const char *kind_of(const struct node *n, bool sync)
{
    if (n->dir)
        return "dir-sync";
    return sync ? (n->db ? "db-sync" : "body-sync") : (n->db ? "db-write" : "body-write");
}

static bool fails(const char *kind)
{
    int e = failure(kind);
    if (e != 0)
        errno = e;
    return e != 0;
}

static bool skipped(const char *kind)
{
    return skip != NULL && strcmp(skip, kind) == 0;
}

/* After a write of [from, to): what the disk has of it already. */
static void wrote(int fd, struct node *n, off_t from, off_t to)
{
    bool through = fds[fd].dsync && !skipped("db-meta");
    add_dirty(n, from, to);
    if (!through && survives <= 0)
        return;
    int real = open_real(fd), kept = open_image(n->ino);
    if (through)
        copy_range(real, kept, from, to);
    else
        for (off_t page = from / PAGE * PAGE; page < to; page += PAGE)
            if (drawn())
                copy_range(real, kept, page, page + PAGE);
    real_close(kept);
    real_close(real);
}

static int sync_file(int fd, struct node *n)
{
    struct stat st;
    int real = open_real(fd), kept = open_image(n->ino);
    for (size_t i = 0; i < n->n; i++)
        copy_range(real, kept, n->dirty[i].from, n->dirty[i].to);
    if (fstat(real, &st) != 0 || real_ftruncate(kept, st.st_size) != 0)
        die("cannot set a length in the image");
    real_close(kept);
    real_close(real);
    n->n = 0;
    return 0;
}

static int sync_fd(int fd, int (*real)(int))
{
    lock_up();
    struct node *n = tracked(fd);
    int rc = -1;
    if (n == NULL) {
        unlock();
        return real(fd);
    }
    const char *kind = kind_of(n, true);
    if (fails(kind))
        n->n = 0;
    else if (skipped(kind))
        rc = 0;
    else if (n->dir)
        sync_dir(fd, n->ino), rc = 0;
    else
        rc = sync_file(fd, n);
    unlock();
    return rc;
}

EXPORT int fsync(int fd)
{
    return sync_fd(fd, real_fsync);
}

EXPORT int fdatasync(int fd)
{
    return sync_fd(fd, real_fdatasync);
}

static int open_at(int dir, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    struct stat st;
    lock_up();
    bool ours = absolute(path, dir, name);
    bool made = ours && (flags & O_CREAT) != 0 && fstatat(dir, name, &st, 0) != 0;
    if (ours && !made && (flags & O_TRUNC) != 0)
        die("open with O_TRUNC is not modelled");
    int fd = real_openat(dir, name, flags, mode);
    if (fd >= 0 && fd < FDS)
        untrack(fd);
    if (fd >= 0 && (ours || strcmp(name, root) == 0))
        track(fd, ours ? path : root, flags, made);
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
    untrack(fd);
    unlock();
    return real_close(fd);
}

EXPORT int closedir(DIR *d)
{
    lock_up();
    untrack(dirfd(d));
    unlock();
    return real_closedir(d);
}

/* A write at `at`, or at the file's position when that is negative. */
static ssize_t put(int fd, const struct iovec *v, int n_v, off_t at)
{
    struct node *n = tracked(fd);
    off_t from = at >= 0 ? at : lseek(fd, 0, SEEK_CUR);
    if (fails(fds[fd].dsync ? "db-meta" : kind_of(n, false)))
        return -1;
    ssize_t done = at >= 0 ? real_pwrite(fd, v->iov_base, v->iov_len, at)
                           : real_writev(fd, v, n_v);
    if (done > 0)
        wrote(fd, n, from, from + done);
    return done;
}

#define PUT(call, v, n_v, at)                                                                      \
    lock_up();                                                                                     \
    if (tracked(fd) == NULL) {                                                                     \
        unlock();                                                                                  \
        return call;                                                                               \
    }                                                                                              \
    ssize_t done = put(fd, v, n_v, at);                                                            \
    unlock();                                                                                      \
    return done;

EXPORT ssize_t write(int fd, const void *p, size_t len)
{
    struct iovec v = {(void *)(uintptr_t)p, len};
    PUT(real_write(fd, p, len), &v, 1, -1)
}

EXPORT ssize_t writev(int fd, const struct iovec *v, int n)
{
    PUT(real_writev(fd, v, n), v, n, -1)
}

EXPORT ssize_t pwrite(int fd, const void *p, size_t len, off_t at)
{
    struct iovec v = {(void *)(uintptr_t)p, len};
    PUT(real_pwrite(fd, p, len, at), &v, 1, at)
}

EXPORT ssize_t pwrite64(int fd, const void *p, size_t len, off_t at)
{
    return pwrite(fd, p, len, at);
}

EXPORT int ftruncate(int fd, off_t len)
{
    struct stat st;
    lock_up();
    struct node *n = tracked(fd);
    int rc = n != NULL && fstat(fd, &st) != 0 ? -1 : real_ftruncate(fd, len);
    if (n != NULL && rc == 0) {
        add_dirty(n, len < st.st_size ? len : st.st_size, len < st.st_size ? st.st_size : len);
        if (drawn())
            (void)sync_file(fd, n);
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
    int rc = real_mkdirat(dir, name, mode);
    if (rc == 0 && absolute(path, dir, name))
        maybe_sync_entry(path);
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
    int rc = real_linkat(from, old, dir, name, flags);
    if (rc == 0 && absolute(path, dir, name))
        maybe_sync_entry(path);
    unlock();
    return rc;
}

static int remove_at(int dir, const char *name, int flags)
{
    char path[PATH_MAX];
    lock_up();
    int rc = real_unlinkat(dir, name, flags);
    if (rc == 0 && absolute(path, dir, name))
        maybe_sync_entry(path);
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
    struct node *n = (flags & MAP_SHARED) != 0 && (prot & PROT_WRITE) != 0 ? tracked(fd) : NULL;
    if (n != NULL && !n->lock)
        die("a writable shared mapping is not modelled");
    return real_mmap(addr, len, prot, flags, fd, at);
}

EXPORT void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
    return mmap(addr, len, prot, flags, fd, at);
}

EXPORT ssize_t sendfile(int out, int in, off_t *at, size_t len)
{
    pthread_once(&once, start);
    if (tracked(out) != NULL)
        die("sendfile to a file is not modelled");
    return real_sendfile(out, in, at, len);
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
        die(#name " is not modelled");                                                             \
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
