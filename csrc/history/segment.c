#include "history/segment.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/crc.h"
#include "history/format.h"
#include "history/writer.h"

/* Rows that are turned at a time: 18 KB of rows stay in the first-level cache while 54 columns are
 * picked out. */
#define BLOCK 64u

#define HEAD_BYTES s3p_pad(sizeof(struct s3p_segment))
#define ROWS_BYTES s3p_pad(S3P_SEGMENT_RECORDS * sizeof(struct s3p_attempt))
#define ENTRIES_BYTES s3p_pad(S3P_SEGMENT_ENTRIES * sizeof(struct s3p_entry))

_Static_assert(S3P_SEGMENT_TEXT_BYTES % S3P_FILE_ALIGN == 0, "padding is written in place");
_Static_assert(S3P_SEGMENT_ENTRIES * sizeof(struct s3p_entry) % S3P_FILE_ALIGN == 0, "the same");

size_t s3p_segment_memory(void)
{
    return HEAD_BYTES + ROWS_BYTES + S3P_SEGMENT_TEXT_BYTES + ENTRIES_BYTES;
}

struct s3p_segment *s3p_segment_create(struct s3p_appender *owner, uint32_t worker)
{
    char *block = s3p_alloc_aligned(S3P_FILE_ALIGN, s3p_segment_memory());
    if (block == NULL)
        return NULL;
    struct s3p_segment *s = (struct s3p_segment *)(void *)block;
    s->next = NULL;
    s->owner = owner;
    s->worker = worker;
    s->rows = (struct s3p_attempt *)(void *)(block + HEAD_BYTES);
    s->text = block + HEAD_BYTES + ROWS_BYTES;
    s->entries = (struct s3p_entry *)(void *)(s->text + S3P_SEGMENT_TEXT_BYTES);
    s3p_segment_reset(s);
    return s;
}

void s3p_segment_free(struct s3p_segment *s)
{
    s3p_free(s);
}

void s3p_segment_reset(struct s3p_segment *s)
{
    s->records = 0;
    s->nentries = 0;
    memset(s->text, 0, S3P_TEXT_FIRST);
    s->text_bytes = S3P_TEXT_FIRST;
}

size_t s3p_segment_columns_max(void)
{
    size_t bytes = 0;
    for (int c = 0; c < S3P_COLUMN_COUNT; c++)
        bytes += s3p_pad((size_t)s3p_column_table[c].width * S3P_SEGMENT_RECORDS);
    return bytes;
}

#define PICK(bits)                                                                            \
    do {                                                                                      \
        for (uint32_t i = 0; i < n; i++)                                                      \
            memcpy(dst + i * ((bits) / 8), src + i * sizeof(struct s3p_attempt), (bits) / 8); \
    } while (0)

/* One constant width a branch, so that each copy is one load and one store. */
static void pick(uint8_t *dst, const uint8_t *src, uint32_t n, uint16_t width)
{
    switch (width) {
    case 16:
        PICK(128);
        break;
    case 8:
        PICK(64);
        break;
    case 4:
        PICK(32);
        break;
    case 2:
        PICK(16);
        break;
    default:
        PICK(8);
    }
}

/* Returns the bytes used in `columns`. */
static size_t turn(const struct s3p_segment *s, uint8_t *columns)
{
    uint8_t *column[S3P_COLUMN_COUNT];
    size_t used = 0;
    for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
        size_t bytes = (size_t)s3p_column_table[c].width * s->records;
        column[c] = columns + used;
        memset(column[c] + bytes, 0, s3p_pad(bytes) - bytes);
        used += s3p_pad(bytes);
    }
    for (uint32_t first = 0; first < s->records; first += BLOCK) {
        uint32_t n = s->records - first < BLOCK ? s->records - first : BLOCK;
        const uint8_t *row = (const uint8_t *)&s->rows[first];
        for (int c = 0; c < S3P_COLUMN_COUNT; c++) {
            const struct s3p_column_row *d = &s3p_column_table[c];
            pick(column[c] + (size_t)first * d->width, row + d->offset, n, d->width);
        }
    }
    return used;
}

int s3p_write_all(int fd, const void *p, size_t len, const char *what, struct s3p_err *err)
{
    const char *at = p;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int sys = n < 0 ? errno : EIO;
            return s3p_fail(err, S3P_EIO, sys, "history: writing the %s: %s", what, strerror(sys));
        }
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int s3p_segment_write(const struct s3p_segment *s, int fd, uint8_t *columns, struct s3p_err *err)
{
    size_t column_bytes = turn(s, columns);
    size_t text_bytes = s3p_pad(s->text_bytes);
    size_t entry_bytes = sizeof(struct s3p_entry) * s->nentries;
    memset(s->text + s->text_bytes, 0, text_bytes - s->text_bytes);
    memset((char *)s->entries + entry_bytes, 0, s3p_pad(entry_bytes) - entry_bytes);
    entry_bytes = s3p_pad(entry_bytes);

    uint32_t crc = s3p_crc32c(0, columns, column_bytes);
    crc = s3p_crc32c(crc, s->text, text_bytes);
    crc = s3p_crc32c(crc, s->entries, entry_bytes);
    struct s3p_segment_head head = {.magic = S3P_SEGMENT_MAGIC,
                                    .version = S3P_HISTORY_VERSION,
                                    .records = s->records,
                                    .columns = S3P_COLUMN_COUNT,
                                    .worker = s->worker,
                                    .payload_bytes = column_bytes + text_bytes + entry_bytes,
                                    .text_bytes = s->text_bytes,
                                    .entries = s->nentries,
                                    .payload_crc = crc};
    head.head_crc = s3p_crc32c(0, &head, offsetof(struct s3p_segment_head, head_crc));
    S3P_TRY(s3p_write_all(fd, &head, sizeof head, "segment head", err));
    S3P_TRY(s3p_write_all(fd, columns, column_bytes, "columns", err));
    S3P_TRY(s3p_write_all(fd, s->text, text_bytes, "texts", err));
    return s3p_write_all(fd, s->entries, entry_bytes, "entries", err);
}
