#include "history/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/crc.h"
#include "history/format.h"
#include "history/reader.h"

struct place { /* a marked key, or with S3P_FLAG_SURPLUS an answer */
    uint64_t index;
    uint16_t space, bucket;
    uint8_t flags;
    struct s3p_str request_id;
};

#define COL(s, type, field) ((const type *)(s)->column[S3P_COL_##field])

static bool is_of_key(const struct s3p_segment_view *s, uint32_t i, const struct place *p)
{
    return COL(s, uint64_t, key_index)[i] == p->index && COL(s, uint16_t, space)[i] == p->space &&
           COL(s, uint16_t, bucket)[i] == p->bucket;
}

static bool is_answer(const struct s3p_segment_view *s, uint32_t i, const struct place *p)
{
    struct s3p_str id = s3p_segment_text(s, COL(s, uint32_t, request_id)[i]);
    return id.len == p->request_id.len && id.len > 0 && memcmp(id.p, p->request_id.p, id.len) == 0;
}

static uint64_t mark_segment(const struct s3p_segment_view *s, const struct place *places, size_t n)
{
    uint8_t *flags = (uint8_t *)(uintptr_t)COL(s, uint8_t, flags); /* the map is writable */
    uint64_t marked = 0;
    for (uint32_t i = 0; i < s->records; i++) {
        uint8_t was = flags[i];
        for (const struct place *p = places; p < places + n; p++) {
            if (p->flags != S3P_FLAG_SURPLUS && is_of_key(s, i, p))
                flags[i] |= p->flags;
            if (p->flags == S3P_FLAG_SURPLUS && (was & p->flags) != 0 && is_answer(s, i, p))
                flags[i] &= (uint8_t)~S3P_FLAG_SURPLUS;
        }
        marked += flags[i] != was;
    }
    return marked;
}

/* The first column stands at the start of the payload, right behind the segment's head. */
static void seal(const struct s3p_segment_view *s)
{
    uint8_t *payload = (uint8_t *)(uintptr_t)s->column[0];
    struct s3p_segment_head *head = (void *)(payload - sizeof *head);
    head->payload_crc = s3p_crc32c(0, payload, head->payload_bytes);
    head->head_crc = s3p_crc32c(0, head, offsetof(struct s3p_segment_head, head_crc));
}

static int mark_file(struct s3p_histfile *f, const struct s3p_mark *marks, size_t n,
                     struct place *places, uint64_t *marked, struct s3p_err *err)
{
    struct s3p_keynames *names;
    size_t found = 0;
    S3P_TRY(s3p_keynames_create(&names, s3p_histfile_header(f), err));
    for (size_t i = 0; i < n; i++) {
        struct place *p = &places[found];
        *p = (struct place){
            .bucket = marks[i].bucket, .flags = marks[i].flags, .request_id = marks[i].name};
        found += p->flags == S3P_FLAG_SURPLUS ||
                 s3p_keynames_find(names, p->bucket, marks[i].name, &p->space, &p->index);
    }
    s3p_keynames_free(names);
    for (uint32_t i = 0; found > 0 && i < s3p_histfile_segments(f); i++) {
        uint64_t changed = mark_segment(s3p_histfile_segment(f, i), places, found);
        if (changed > 0)
            seal(s3p_histfile_segment(f, i));
        *marked += changed;
    }
    return 0;
}

static int map_and_mark(int fd, const char *path, const struct s3p_mark *marks, size_t n,
                        uint64_t *marked, struct s3p_err *err)
{
    struct stat st;
    struct s3p_histfile *f;
    if (fstat(fd, &st) != 0 || st.st_size == 0)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: %s: empty", path);
    size_t len = (size_t)st.st_size;
    void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct place *places = s3p_calloc(n + 1, sizeof *places);
    int rc = 0;
    if (map == MAP_FAILED || places == NULL)
        rc = s3p_fail(err, S3P_ENOMEM, errno, "history: %s: cannot be mapped", path);
    if (rc == 0)
        rc = s3p_histfile_open_mem(&f, map, len, true, err);
    if (rc == 0) {
        rc = mark_file(f, marks, n, places, marked, err);
        s3p_histfile_close(f);
    }
    s3p_free(places);
    if (map != MAP_FAILED)
        munmap(map, len);
    return rc;
}

int s3p_history_mark(const char *path, const struct s3p_mark *marks, size_t n, uint64_t *marked,
                     struct s3p_err *err)
{
    *marked = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return s3p_fail(err, S3P_EIO, errno, "history: %s: %s", path, strerror(errno));
    int rc = map_and_mark(fd, path, marks, n, marked, err);
    close(fd);
    return rc;
}
