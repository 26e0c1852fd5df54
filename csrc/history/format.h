/* The fixed blocks of history.s3ph as C structs (history/writer.h has the description). Private to
 * the layer. */
#ifndef S3P_HISTORY_FORMAT_H
#define S3P_HISTORY_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define S3P_FILE_ALIGN 64u
#define S3P_HEADER_MAGIC "S3PHIST1"
#define S3P_SEGMENT_MAGIC "S3PHSEG1"
#define S3P_FOOTER_MAGIC "S3PHEND1"
#define S3P_HEADER_JSON_MAX (64u << 20)

struct s3p_file_header { /* the JSON follows at once */
    char magic[8];
    uint32_t version, json_bytes, json_crc, zero;
};

struct s3p_segment_head {
    char magic[8];
    uint32_t version, records, columns, worker;
    uint64_t payload_bytes;
    uint32_t text_bytes, entries, payload_crc, head_crc;
    uint8_t zero[16];
};

struct s3p_file_footer {
    char magic[8];
    uint32_t version, complete;
    uint64_t records, segments, dropped;
    uint32_t crc;
    uint8_t zero[20];
};

_Static_assert(sizeof(struct s3p_file_header) == 24, "file layout");
_Static_assert(sizeof(struct s3p_segment_head) == 64, "file layout");
_Static_assert(offsetof(struct s3p_segment_head, head_crc) == 44, "file layout");
_Static_assert(sizeof(struct s3p_file_footer) == 64, "file layout");
_Static_assert(offsetof(struct s3p_file_footer, crc) == 40, "file layout");

/* A text of the arena is its length as u32, little endian and unaligned, and its bytes; offset 0
 * means none, so an arena begins with S3P_TEXT_FIRST zero bytes. */
#define S3P_TEXT_PREFIX 4u
#define S3P_TEXT_FIRST 4u

static inline size_t s3p_pad(size_t n)
{
    return (n + (S3P_FILE_ALIGN - 1)) & ~(size_t)(S3P_FILE_ALIGN - 1);
}

#endif
