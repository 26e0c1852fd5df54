#include "tests/tools/power_loss/loss.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char image[PATH_MAX];
static double survives;
static uint64_t seed;

void loss_die(const char *what)
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
        loss_die("path too long");
}

bool loss_survives(void)
{
    if (survives <= 0 || survives >= 1)
        return survives >= 1;
    seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53 < survives;
}

void loss_image_copy(int from, int to, off_t at, off_t end)
{
    static char chunk[1 << 16]; /* under mu */
    while (at < end) {
        size_t want = end - at < (off_t)sizeof chunk ? (size_t)(end - at) : sizeof chunk;
        ssize_t n = pread(from, chunk, want, at);
        if (n == 0)
            return;
        if (n < 0 || raw_pwrite(to, chunk, (size_t)n, at) != n)
            loss_die("cannot copy to the image");
        at += n;
    }
}

int loss_image_open(ino_t ino)
{
    char path[PATH_MAX];
    in_image(path, 'f', ino, NULL);
    int fd = raw_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        loss_die("cannot open a file of the image");
    return fd;
}

static void remove_entry(const char *path)
{
    if (raw_unlinkat(AT_FDCWD, path, 0) != 0 && errno != ENOENT)
        loss_die("cannot remove an entry of the image");
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
        if (raw_mkdirat(AT_FDCWD, target, 0700) != 0 && errno != EEXIST)
            loss_die("cannot make a directory of the image");
        (void)snprintf(link_text, sizeof link_text, "../d%llu", (unsigned long long)st.st_ino);
        ssize_t n = readlink(entry, was, sizeof was - 1);
        if (n > 0 && strcmp(was, link_text) == 0)
            return;
        remove_entry(entry);
        if (symlink(link_text, entry) != 0)
            loss_die("cannot link a directory of the image");
        return;
    }
    raw_close(loss_image_open(st.st_ino));
    in_image(target, 'f', st.st_ino, NULL);
    if (stat(target, &kept) == 0 && stat(entry, &now) == 0 && kept.st_ino == now.st_ino)
        return;
    remove_entry(entry);
    if (raw_linkat(AT_FDCWD, target, AT_FDCWD, entry, 0) != 0)
        loss_die("cannot link a file of the image");
}

static void each_entry(const char *path, void (*act)(int, ino_t, const char *), int dir, ino_t ino)
{
    DIR *list = opendir(path);
    if (list == NULL)
        loss_die("cannot list a directory");
    for (struct dirent *e; (e = readdir(list)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            act(dir, ino, e->d_name);
    (void)closedir(list);
}

void loss_image_dir(int dir, ino_t ino)
{
    char real[64], kept[PATH_MAX];
    (void)snprintf(real, sizeof real, "/proc/self/fd/%d", dir);
    in_image(kept, 'd', ino, NULL);
    if (raw_mkdirat(AT_FDCWD, kept, 0700) != 0 && errno != EEXIST)
        loss_die("cannot make a directory of the image");
    each_entry(kept, sync_entry, dir, ino); /* those that have gone */
    each_entry(real, sync_entry, dir, ino);
}

/* At the start: everything below is durable. */
static void keep_tree(int parent, ino_t ignored, const char *name)
{
    (void)ignored;
    struct stat st;
    int fd = raw_openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &st) != 0)
        loss_die("cannot read the root");
    if (S_ISDIR(st.st_mode)) {
        char path[64];
        loss_image_dir(fd, st.st_ino);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        each_entry(path, keep_tree, fd, st.st_ino);
    } else {
        int to = loss_image_open(st.st_ino);
        loss_image_copy(fd, to, 0, st.st_size);
        if (raw_ftruncate(to, st.st_size) != 0)
            loss_die("cannot copy to the image");
        raw_close(to);
    }
    raw_close(fd);
}

void loss_maybe_entry(const char *path)
{
    char dir[PATH_MAX];
    struct stat st;
    if (!loss_survives())
        return;
    const char *name = strrchr(path, '/') + 1;
    memcpy(dir, path, (size_t)(name - path));
    dir[name - path] = 0;
    int fd = raw_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &st) != 0)
        loss_die("cannot open a directory");
    char kept[PATH_MAX];
    in_image(kept, 'd', st.st_ino, NULL);
    if (raw_mkdirat(AT_FDCWD, kept, 0700) != 0 && errno != EEXIST)
        loss_die("cannot make a directory of the image");
    sync_entry(fd, st.st_ino, name);
    raw_close(fd);
}

bool loss_writes_back(void)
{
    return survives > 0;
}

void loss_image_forget(ino_t ino)
{
    char path[PATH_MAX];
    in_image(path, 'f', ino, NULL);
    remove_entry(path);
}

void loss_image_start(const char *root, const char *path, double p, uint64_t with_seed)
{
    char link_path[PATH_MAX], text[64];
    struct stat st;
    survives = p;
    seed = with_seed;
    if (raw_mkdirat(AT_FDCWD, path, 0700) != 0 || realpath(path, image) == NULL)
        loss_die("S3P_LOSS_IMAGE: expected a name for a new directory");
    if (stat(root, &st) != 0 || snprintf(link_path, PATH_MAX, "%s/root", image) >= PATH_MAX)
        loss_die("cannot read the root");
    (void)snprintf(text, sizeof text, "d%llu", (unsigned long long)st.st_ino);
    if (symlink(text, link_path) != 0)
        loss_die("cannot make the image");
    keep_tree(AT_FDCWD, 0, root);
}
