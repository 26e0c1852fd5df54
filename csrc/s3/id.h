/* Value ids: 128 bits = run 48 · client 32 · counter 48, big-endian, drawn by whoever sends. A
 * retry is a new attempt with a new id. As text: 32 lower-case hex digits (the metadata header
 * x-amz-meta-s3p-id). All zero means "none". */
#ifndef S3P_S3_ID_H
#define S3P_S3_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct s3p_id {
    uint8_t b[16];
};

#define S3P_RUN_BITS 48
#define S3P_META_ID_HEADER "x-amz-meta-s3p-id"

struct s3p_id s3p_id_make(uint64_t run, uint32_t client, uint64_t counter);
uint64_t s3p_id_run(struct s3p_id id);
uint32_t s3p_id_client(struct s3p_id id);
uint64_t s3p_id_counter(struct s3p_id id);
void s3p_id_text(char dst[32], struct s3p_id id);
bool s3p_id_parse(struct s3p_id *out, const char *text, size_t len); /* exactly 32 hex digits */

/* The id of an object made of parts, from theirs in order: that of one part is the part's own; run
 * of the first, then mixed bits of all. None when a part's id is none, or without parts. Source:
 * docs/semantics.md, "Multipart objects". */
struct s3p_composite {
    struct s3p_id first;
    uint64_t a, b;
    uint32_t n;
    bool unknown; /* a part's id was none */
};
void s3p_composite_add(struct s3p_composite *c, struct s3p_id part); /* from all zeros */
struct s3p_id s3p_composite_id(const struct s3p_composite *c);

static inline bool s3p_id_none(struct s3p_id id)
{
    uint64_t half[2];
    memcpy(half, id.b, sizeof half);
    return (half[0] | half[1]) == 0;
}
static inline bool s3p_id_eq(struct s3p_id a, struct s3p_id b)
{
    return memcmp(a.b, b.b, 16) == 0;
}

#endif
