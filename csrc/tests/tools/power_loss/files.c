#include "tests/tools/power_loss/loss.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"

#define FDS 65536
#define BUCKETS 4096
#define PAGE 4096

static struct {
    struct loss_node *node;
    bool dsync;
} fds[FDS];
static struct loss_node *nodes[BUCKETS];
static const char *skip, *fail_path;

void loss_files_start(const char *skipped, const char *failing)
{
    skip = skipped;
    fail_path = failing;
}

static int open_real(int fd)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = raw_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (again < 0)
        loss_die("cannot read a file that is written");
    return again;
}

static struct loss_node **place(ino_t ino)
{
    struct loss_node **at = &nodes[ino % BUCKETS];
    while (*at != NULL && (*at)->ino != ino)
        at = &(*at)->next;
    return at;
}

/* What is known of a file: forgotten when nothing is. */
static void release(struct loss_node *n)
{
    if (n->refs > 0 || n->n > 0)
        return;
    struct loss_node **at = place(n->ino);
    *at = n->next;
    s3p_free(n->dirty);
    s3p_free(n);
}

void loss_untrack(int fd)
{
    if (fd < 0 || fd >= FDS || fds[fd].node == NULL)
        return;
    struct loss_node *n = fds[fd].node;
    fds[fd].node = NULL;
    n->refs--;
    release(n);
}

void loss_track(int fd, const char *path, int flags, bool made)
{
    struct stat st;
    if (fd >= FDS || fstat(fd, &st) != 0)
        loss_die("too many descriptors");
    loss_untrack(fd);
    struct loss_node **at = place(st.st_ino);
    if (*at == NULL && (*at = s3p_calloc(1, sizeof **at)) == NULL)
        loss_die("no memory");
    struct loss_node *n = *at;
    const char *name = strrchr(path, '/') + 1;
    n->dev = st.st_dev;
    n->ino = st.st_ino;
    n->dir = S_ISDIR(st.st_mode);
    n->db = strcmp(name, "data.mdb") == 0;
    n->lock = strcmp(name, "lock.mdb") == 0;
    n->refs++;
    fds[fd].node = n;
    fds[fd].dsync = (flags & O_DSYNC) != 0;
    if (made) { /* the number may have been another file's */
        loss_image_forget(n->ino);
        n->n = 0;
        loss_maybe_entry(path);
    }
}

struct loss_node *loss_tracked(int fd)
{
    struct stat st;
    struct loss_node *n = fd >= 0 && fd < FDS ? fds[fd].node : NULL;
    return n != NULL && fstat(fd, &st) == 0 && st.st_ino == n->ino && st.st_dev == n->dev
               ? n
               : NULL;
}

void loss_dirty(struct loss_node *n, off_t from, off_t to)
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
            loss_die("no memory");
    }
    n->dirty[n->n++] = (struct loss_range){from, to};
}

/* Errno of the failure that is asked for, or 0. */
static int failure(const char *kind)
{
    char text[64] = {0};
    size_t len = strlen(kind);
    int fd = fail_path != NULL ? raw_openat(AT_FDCWD, fail_path, O_RDONLY | O_CLOEXEC, 0) : -1;
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    raw_close(fd);
    return n > (ssize_t)len && memcmp(text, kind, len) == 0 && text[len] == ' '
               ? (int)strtol(text + len, NULL, 10)
               : 0;
}

const char *loss_sync_kind(const struct loss_node *n)
{
    return n->dir ? "dir-sync" : n->db ? "db-sync" : "body-sync";
}

const char *loss_write_kind(int fd, const struct loss_node *n)
{
    return fds[fd].dsync ? "db-meta" : n->db ? "db-write" : "body-write";
}

bool loss_fails(const char *kind)
{
    int e = failure(kind);
    if (e != 0)
        errno = e;
    return e != 0;
}

bool loss_skipped(const char *kind)
{
    return skip != NULL && strcmp(skip, kind) == 0;
}

/* After a write of [from, to): what the disk has of it already. */
void loss_wrote(int fd, struct loss_node *n, off_t from, off_t to)
{
    bool through = fds[fd].dsync && !loss_skipped("db-meta");
    loss_dirty(n, from, to);
    if (!through && !loss_writes_back())
        return;
    int real = open_real(fd), kept = loss_image_open(n->ino);
    if (through)
        loss_image_copy(real, kept, from, to);
    else
        for (off_t page = from / PAGE * PAGE; page < to; page += PAGE)
            if (loss_survives())
                loss_image_copy(real, kept, page, page + PAGE);
    raw_close(kept);
    raw_close(real);
}

void loss_sync_file(int fd, struct loss_node *n)
{
    struct stat st;
    int real = open_real(fd), kept = loss_image_open(n->ino);
    for (size_t i = 0; i < n->n; i++)
        loss_image_copy(real, kept, n->dirty[i].from, n->dirty[i].to);
    if (fstat(real, &st) != 0 || raw_ftruncate(kept, st.st_size) != 0)
        loss_die("cannot set a length in the image");
    raw_close(kept);
    raw_close(real);
    n->n = 0;
}

