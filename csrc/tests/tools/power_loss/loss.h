/* The parts of the library that keeps the image of a loss of power (calls.c says what it is for):
 * calls.c stands in for the calls of libc, files.c knows which descriptor is which file and what of
 * it is not synced, image.c is the disk. All functions are called with the lock of calls.c. */
#ifndef S3P_POWER_LOSS_H
#define S3P_POWER_LOSS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's calls: those of libc lead back to calls.c. */
static inline int raw_openat(int dir, const char *name, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, dir, name, flags, mode);
}
static inline int raw_close(int fd)
{
    return (int)syscall(SYS_close, fd);
}
static inline ssize_t raw_pwrite(int fd, const void *p, size_t len, off_t at)
{
    return (ssize_t)syscall(SYS_pwrite64, fd, p, len, at);
}
static inline int raw_ftruncate(int fd, off_t len)
{
    return (int)syscall(SYS_ftruncate, fd, len);
}
static inline int raw_mkdirat(int dir, const char *name, mode_t mode)
{
    return (int)syscall(SYS_mkdirat, dir, name, mode);
}
static inline int raw_linkat(int from, const char *old, int dir, const char *name, int flags)
{
    return (int)syscall(SYS_linkat, from, old, dir, name, flags);
}
static inline int raw_unlinkat(int dir, const char *name, int flags)
{
    return (int)syscall(SYS_unlinkat, dir, name, flags);
}

__attribute__((noreturn)) void loss_die(const char *what);

/* image.c */
void loss_image_start(const char *root, const char *path, double survives, uint64_t seed);
int loss_image_open(ino_t ino); /* the durable bytes of a file, for writing */
void loss_image_forget(ino_t ino); /* the number is that of a new file now */
void loss_image_dir(int dir, ino_t ino); /* its entries are durable as they are now */
void loss_image_copy(int from, int to, off_t at, off_t end);
bool loss_survives(void); /* draws */
bool loss_writes_back(void); /* whether anything survives at all */
void loss_maybe_entry(const char *path); /* the kernel happens to write the entry back at once */

/* files.c */
struct loss_range {
    off_t from, to;
};

struct loss_node {
    struct loss_node *next;
    dev_t dev;
    ino_t ino;
    unsigned refs; /* descriptors */
    bool dir, db, lock;
    struct loss_range *dirty;
    size_t n, cap;
};

void loss_files_start(const char *skip, const char *fail_path);
void loss_track(int fd, const char *path, int flags, bool made);
void loss_untrack(int fd);
struct loss_node *loss_tracked(int fd); /* NULL: none of ours */
const char *loss_sync_kind(const struct loss_node *n);
const char *loss_write_kind(int fd, const struct loss_node *n);
bool loss_fails(const char *kind); /* sets errno */
bool loss_skipped(const char *kind);
void loss_dirty(struct loss_node *n, off_t from, off_t to);
void loss_wrote(int fd, struct loss_node *n, off_t from, off_t to);
void loss_sync_file(int fd, struct loss_node *n);

#endif
