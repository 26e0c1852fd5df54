#include "history/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/crc.h"
#include "history/format.h"
#include "history/validate.h"
#include "history/writer.h"

struct s3p_histfile {
    const uint8_t *p;
    size_t len;
    bool mapped; /* ours to unmap */
    bool ended, complete;
    struct s3p_str header;
    struct s3p_segment_view *segments;
    uint32_t nsegments, cap;
    uint64_t records;
    _Atomic uint32_t holds;
};

static bool all_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* On success `*at` is behind the header. */
static int read_header(struct s3p_histfile *f, size_t *at, struct s3p_err *err)
{
    struct s3p_file_header head;
    if (f->len < sizeof head)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: header: the file has %zu bytes", f->len);
    memcpy(&head, f->p, sizeof head);
    if (memcmp(head.magic, S3P_HEADER_MAGIC, sizeof head.magic) != 0)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: header: not a history file");
    if (head.version != S3P_HISTORY_VERSION)
        return s3p_fail(err, S3P_EFORMAT, 0,
                        "history: header: format version %u, this build reads %u", head.version,
                        S3P_HISTORY_VERSION);
    if (head.zero != 0)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: header: reserved bytes are not zero");
    if (head.json_bytes > S3P_HEADER_JSON_MAX || s3p_pad(sizeof head + head.json_bytes) > f->len)
        return s3p_fail(err, S3P_EFORMAT, 0,
                        "history: header: %u bytes of JSON do not fit the file", head.json_bytes);
    const char *json = (const char *)f->p + sizeof head;
    if (s3p_crc32c(0, json, head.json_bytes) != head.json_crc)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: header: wrong checksum");
    size_t used = sizeof head + head.json_bytes;
    for (; used % S3P_FILE_ALIGN != 0; used++)
        if (f->p[used] != ' ')
            return s3p_fail(err, S3P_EFORMAT, 0, "history: header: padding is not blank");
    json_t *object = json_loadb(json, head.json_bytes, JSON_REJECT_DUPLICATES, NULL);
    bool ok = json_is_object(object);
    json_decref(object);
    if (!ok)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: header: not a JSON object");
    f->header = (struct s3p_str){json, head.json_bytes};
    *at = used;
    return 0;
}

static int check_head(const struct s3p_segment_head *h, uint32_t number, struct s3p_err *err)
{
    if (s3p_crc32c(0, h, offsetof(struct s3p_segment_head, head_crc)) != h->head_crc)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: segment %u: wrong checksum of its head",
                        number);
    if (h->version != S3P_HISTORY_VERSION)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: segment %u: version %u, this build reads %u",
                        number, h->version, S3P_HISTORY_VERSION);
    if (h->columns != S3P_COLUMN_COUNT)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: segment %u: %u columns, this build reads %u",
                        number, h->columns, (unsigned)S3P_COLUMN_COUNT);
    if (h->records == 0 || h->records > S3P_SEGMENT_RECORDS_MAX)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: segment %u: %u records, expected 1 to %u",
                        number, h->records, S3P_SEGMENT_RECORDS_MAX);
    if (h->worker > UINT16_MAX)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: segment %u: worker %u", number, h->worker);
    if (!all_zero(h->zero, sizeof h->zero))
        return s3p_fail(err, S3P_EFORMAT, 0, "history: segment %u: reserved bytes are not zero",
                        number);
    size_t bytes = s3p_pad(h->text_bytes) + s3p_pad((size_t)h->entries * sizeof(struct s3p_entry));
    for (int c = 0; c < S3P_COLUMN_COUNT; c++)
        bytes += s3p_pad((size_t)h->records * s3p_column_table[c].width);
    if (h->payload_bytes != bytes)
        return s3p_fail(err, S3P_EFORMAT, 0,
                        "history: segment %u: %llu payload bytes, its counts make %zu", number,
                        (unsigned long long)h->payload_bytes, bytes);
    return 0;
}

/* Asks for the lines of p[from, to). A line of a page that is not mapped yet is not fetched, so one
 * byte is read of every 64 KiB, which is what a page fault maps. */
static void fetch_ahead(const uint8_t *p, size_t from, size_t to)
{
    enum { LINE = 64, FAULT_SHIFT = 16 };
    for (size_t i = from; i < to; i += LINE)
        __builtin_prefetch(p + i, 0, 2);
    uintptr_t first = (uintptr_t)(p + from), last = (uintptr_t)(p + to - 1);
    if (from < to && first >> FAULT_SHIFT != last >> FAULT_SHIFT)
        (void)*(const volatile uint8_t *)(p + to - 1);
}

/* CRC32C of a payload that is in memory, but not in a cache: it is asked for some pages ahead,
 * since the processor's own prefetching begins anew on every page. */
static uint32_t payload_crc(const uint8_t *p, size_t len)
{
    enum { STEP = 1536, AHEAD = 16 * STEP };
    uint32_t crc = 0;
    for (size_t at = 0; at < len; at += STEP) {
        size_t left = len - at, step = left < STEP ? left : STEP;
        if (left > AHEAD)
            fetch_ahead(p, at + AHEAD, at + (left < AHEAD + STEP ? left : AHEAD + STEP));
        crc = s3p_crc32c(crc, p + at, step);
    }
    return crc;
}

static int add_segment(struct s3p_histfile *f, const struct s3p_segment_head *h,
                       const uint8_t *payload, struct s3p_err *err)
{
    if (f->nsegments == f->cap) {
        uint32_t cap = f->cap < 8 ? 8 : 2 * f->cap;
        void *p = s3p_realloc(f->segments, (size_t)cap * sizeof *f->segments);
        if (p == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "history: out of memory for %u segments", cap);
        f->segments = p;
        f->cap = cap;
    }
    struct s3p_segment_view *s = &f->segments[f->nsegments];
    s->records = h->records;
    s->worker = h->worker;
    s->first_record = f->records;
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        s->column[c] = payload;
        payload += s3p_pad((size_t)h->records * s3p_column_table[c].width);
    }
    s->text = (const char *)payload;
    s->text_bytes = h->text_bytes;
    s->entries = (const struct s3p_entry *)(const void *)(payload + s3p_pad(h->text_bytes));
    s->nentries = h->entries;
    f->nsegments++;
    f->records += h->records;
    return 0;
}

int s3p_histfile_verify(struct s3p_histfile *f, uint32_t i, struct s3p_err *err)
{
    const uint8_t *payload = f->segments[i].column[0];
    struct s3p_segment_head h; /* it stands before its payload */
    memcpy(&h, payload - sizeof h, sizeof h);
    if (payload_crc(payload, h.payload_bytes) != h.payload_crc)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: segment %u: wrong checksum", i);
    return s3p_segment_validate(&f->segments[i], i, err);
}

static int verify_all(struct s3p_histfile *f, struct s3p_err *err)
{
    for (uint32_t i = 0; i < f->nsegments; i++)
        S3P_TRY(s3p_histfile_verify(f, i, err));
    return 0;
}

static int read_footer(struct s3p_histfile *f, size_t at, struct s3p_err *err)
{
    struct s3p_file_footer foot;
    memcpy(&foot, f->p + at, sizeof foot);
    if (s3p_crc32c(0, &foot, offsetof(struct s3p_file_footer, crc)) != foot.crc)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: footer: wrong checksum");
    if (foot.version != S3P_HISTORY_VERSION || foot.complete > 1 ||
        !all_zero(foot.zero, sizeof foot.zero))
        return s3p_fail(err, S3P_EFORMAT, 0,
                        "history: footer: version, state or reserved bytes are unknown");
    if (foot.records != f->records || foot.segments != f->nsegments)
        return s3p_fail(
            err, S3P_EFORMAT, 0,
            "history: footer: says %llu records in %llu segments, the file has %llu in %u",
            (unsigned long long)foot.records, (unsigned long long)foot.segments,
            (unsigned long long)f->records, f->nsegments);
    if (at + sizeof foot != f->len)
        return s3p_fail(err, S3P_EFORMAT, 0, "history: footer: %zu bytes follow it",
                        f->len - at - sizeof foot);
    f->ended = true;
    f->complete = foot.complete == 1 && foot.dropped == 0;
    return 0;
}

/* A process that was killed leaves a prefix of what it would have written: a cut block ends an open
 * file, a damaged one is an error all the same. */
static int read_blocks(struct s3p_histfile *f, size_t at, struct s3p_err *err)
{
    while (f->len - at >= sizeof(struct s3p_segment_head)) {
        struct s3p_segment_head head;
        memcpy(&head, f->p + at, sizeof head);
        if (memcmp(head.magic, S3P_FOOTER_MAGIC, sizeof head.magic) == 0)
            return read_footer(f, at, err);
        if (memcmp(head.magic, S3P_SEGMENT_MAGIC, sizeof head.magic) != 0)
            return s3p_fail(err, S3P_EFORMAT, 0, "history: segment %u: unknown block at byte %zu",
                            f->nsegments, at);
        S3P_TRY(check_head(&head, f->nsegments, err));
        at += sizeof head;
        if (head.payload_bytes > f->len - at)
            return 0;
        S3P_TRY(add_segment(f, &head, f->p + at, err));
        at += head.payload_bytes;
    }
    return 0;
}

static int read_all(struct s3p_histfile *f, bool allow_open, struct s3p_err *err)
{
    size_t at = 0;
    S3P_TRY(read_header(f, &at, err));
    S3P_TRY(read_blocks(f, at, err));
    if (!f->ended && !allow_open)
        return s3p_fail(
            err, S3P_EFORMAT, 0,
            "history: footer: none, the run was killed or goes on (%llu records are readable)",
            (unsigned long long)f->records);
    return 0;
}

/* Takes `p`: unmapped on failure when it was mapped. */
static int open_bytes(struct s3p_histfile **out, const void *p, size_t len, bool mapped,
                      bool allow_open, struct s3p_err *err)
{
    *out = NULL;
    struct s3p_histfile *f = s3p_calloc(1, sizeof *f);
    if (f == NULL) {
        if (mapped)
            munmap((void *)(uintptr_t)p, len);
        return s3p_fail(err, S3P_ENOMEM, 0, "history: out of memory");
    }
    f->p = p;
    f->len = len;
    f->mapped = mapped;
    atomic_init(&f->holds, 1);
    int rc = read_all(f, allow_open, err);
    if (rc != 0) {
        s3p_histfile_close(f);
        return rc;
    }
    *out = f;
    return 0;
}

/* Closes what is not all right. */
static int verified(struct s3p_histfile **out, int rc, struct s3p_err *err)
{
    if (rc == 0)
        rc = verify_all(*out, err);
    if (rc != 0) {
        s3p_histfile_close(*out);
        *out = NULL;
    }
    return rc;
}

int s3p_histfile_open_mem(struct s3p_histfile **out, const void *p, size_t len, bool allow_open,
                          struct s3p_err *err)
{
    *out = NULL;
    if ((uintptr_t)p % S3P_FILE_ALIGN != 0)
        return s3p_fail(err, S3P_EINVAL, 0, "history: memory must be aligned to %u",
                        S3P_FILE_ALIGN);
    return verified(out, open_bytes(out, p, len, false, allow_open, err), err);
}

static int fail_path(struct s3p_err *err, const char *path)
{
    return s3p_fail(err, S3P_EIO, errno, "history: %s: %s", path, strerror(errno));
}

int s3p_histfile_open(struct s3p_histfile **out, const char *path, bool allow_open,
                      struct s3p_err *err)
{
    return verified(out, s3p_histfile_map(out, path, allow_open, err), err);
}

int s3p_histfile_map(struct s3p_histfile **out, const char *path, bool allow_open,
                     struct s3p_err *err)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_path(err, path);
    struct stat st;
    if (fstat(fd, &st) < 0) {
        int rc = fail_path(err, path);
        close(fd);
        return rc;
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        close(fd);
        return s3p_fail(err, S3P_EFORMAT, 0, "history: header: %s is %s", path,
                        S_ISREG(st.st_mode) ? "empty" : "not a regular file");
    }
    size_t len = (size_t)st.st_size;
    void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        int rc = fail_path(err, path);
        close(fd);
        return rc;
    }
    close(fd);
    return open_bytes(out, p, len, true, allow_open, err);
}

void s3p_histfile_close(struct s3p_histfile *f)
{
    if (f == NULL || atomic_fetch_sub_explicit(&f->holds, 1, memory_order_acq_rel) > 1)
        return;
    if (f->mapped)
        munmap((void *)(uintptr_t)f->p, f->len);
    s3p_free(f->segments);
    s3p_free(f);
}

struct s3p_histfile *s3p_histfile_hold(struct s3p_histfile *f)
{
    atomic_fetch_add_explicit(&f->holds, 1, memory_order_relaxed);
    return f;
}

struct s3p_str s3p_histfile_header(const struct s3p_histfile *f)
{
    return f->header;
}

uint64_t s3p_histfile_records(const struct s3p_histfile *f)
{
    return f->records;
}

uint32_t s3p_histfile_segments(const struct s3p_histfile *f)
{
    return f->nsegments;
}

bool s3p_histfile_complete(const struct s3p_histfile *f)
{
    return f->complete;
}

const struct s3p_segment_view *s3p_histfile_segment(const struct s3p_histfile *f, uint32_t i)
{
    return i < f->nsegments ? &f->segments[i] : NULL;
}

void s3p_histfile_forget(const struct s3p_histfile *f, const void *from, const void *to)
{
    enum { BEFORE_BYTES = 1 << 20, FAULT_BYTES = 64 << 10 }; /* a fault maps what is around it */
    size_t begin = (size_t)((const uint8_t *)from - f->p);
    size_t end = (size_t)((const uint8_t *)to - f->p) + FAULT_BYTES;
    if (!f->mapped || (const uint8_t *)from >= (const uint8_t *)to)
        return;
    begin = begin < BEFORE_BYTES ? 0 : (begin - BEFORE_BYTES) / FAULT_BYTES * FAULT_BYTES;
    end = end < f->len ? end / FAULT_BYTES * FAULT_BYTES : f->len;
    (void)madvise((void *)(uintptr_t)(f->p + begin), end - begin, MADV_DONTNEED); /* a hint */
}

const struct s3p_segment_view *s3p_histfile_find(const struct s3p_histfile *f, uint64_t record,
                                                 uint32_t *i)
{
    uint32_t lo = 0, hi = f->nsegments;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (f->segments[mid].first_record <= record)
            lo = mid;
        else
            hi = mid;
    }
    *i = (uint32_t)(record - f->segments[lo].first_record);
    return &f->segments[lo];
}

void s3p_segment_get(const struct s3p_segment_view *s, uint32_t i, struct s3p_attempt *out)
{
#define S3P_X(field, type, format, text) out->field = ((const type *)s->column[S3P_COL_##field])[i];
    S3P_COLUMNS(S3P_X)
#undef S3P_X
}

struct s3p_str s3p_segment_text(const struct s3p_segment_view *s, uint32_t offset)
{
    if (offset == 0)
        return (struct s3p_str){NULL, 0};
    uint32_t len;
    memcpy(&len, s->text + offset, sizeof len);
    return (struct s3p_str){s->text + offset + S3P_TEXT_PREFIX, len};
}
