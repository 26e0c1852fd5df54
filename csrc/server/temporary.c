#include "server/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/clock.h"

#define NAME "s3prod-store-" /* nobody else makes directories of this name */
#define MEMORY_DIR "/dev/shm"
#define MEMORY_FREE_MIN (UINT64_C(2) << 30)
#define YOUNG_S 60 /* made, but perhaps not locked yet */

static bool memory_dir_fits(void)
{
    struct statvfs v;
    return access(MEMORY_DIR, W_OK) == 0 && statvfs(MEMORY_DIR, &v) == 0 &&
           (uint64_t)v.f_bavail * v.f_frsize >= MEMORY_FREE_MIN;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Ours, old enough, and nobody holds its lock. */
static bool is_left_behind(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool left = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
                s3p_wall_ns() / S3P_S - st.st_mtime > YOUNG_S && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    return left;
}

static void sweep(const char *base)
{
    DIR *dir = opendir(base);
    if (dir == NULL)
        return;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[512];
        int n = snprintf(path, sizeof path, "%s/%s", base, e->d_name);
        if (strncmp(e->d_name, NAME, sizeof NAME - 1) == 0 && n > 0 && (size_t)n < sizeof path &&
            is_left_behind(path))
            remove_tree(path);
    }
    closedir(dir);
}

int s3p_srv_temporary_make(struct s3p_srv_temporary *t, struct s3p_err *err)
{
    const char *tmp = getenv("TMPDIR");
    const char *base = memory_dir_fits() ? MEMORY_DIR : tmp != NULL && tmp[0] != 0 ? tmp : "/tmp";
    sweep(base);
    int n = snprintf(t->path, sizeof t->path, "%s/" NAME "XXXXXX", base);
    if (n < 0 || (size_t)n >= sizeof t->path || mkdtemp(t->path) == NULL) {
        t->path[0] = 0;
        return s3p_fail(err, S3P_EIO, errno, "cannot make a directory in %s: %s", base,
                        strerror(errno));
    }
    return 0;
}

void s3p_srv_temporary_remove(struct s3p_srv_temporary *t)
{
    if (t->path[0] == 0)
        return;
    remove_tree(t->path);
    t->path[0] = 0;
}
