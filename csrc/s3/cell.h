/* The cell generator behind body.c and verify.c; the layout is in body.h. Inline, because both run
 * once per 64 bytes.
 * Threads: plain data of the caller. */
#ifndef S3P_S3_CELL_H
#define S3P_S3_CELL_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/crc.h"
#include "core/random.h"
#include "s3/body.h"

/* Everything about an id that does not change from cell to cell. */
struct s3p_cell_source {
    uint8_t id[16];
    uint64_t hi, lo;
    uint32_t id_crc; /* CRC32C of the id: each cell continues from it */
};

static inline void s3p_cell_source_init(struct s3p_cell_source *s, struct s3p_id id)
{
    uint64_t hi, lo;
    memcpy(s->id, id.b, 16);
    memcpy(&hi, id.b, 8);
    memcpy(&lo, id.b + 8, 8);
    s->hi = be64toh(hi);
    s->lo = be64toh(lo);
    s->id_crc = s3p_crc32c(0, id.b, 16);
}

/* The five filler words of the cell at `offset`, as they lie in memory. */
static inline void s3p_cell_filler(const struct s3p_cell_source *s, uint64_t offset, uint64_t w[5])
{
    uint64_t seed = s3p_mix64(s->hi ^ s3p_mix64(s->lo ^ offset));
    for (uint64_t j = 0; j < 5; j++)
        w[j] = htole64(s3p_mix64(seed + (j + 1) * UINT64_C(0x9e3779b97f4a7c15)));
}

/* The checksum of a cell: the bytes after the id are laid out in one run, for one call. */
static inline uint32_t s3p_cell_crc(const struct s3p_cell_source *s, uint64_t offset,
                                    const uint64_t w[5])
{
    uint8_t run[48];
    uint64_t le_offset = htole64(offset);
    memcpy(run, &le_offset, 8);
    memcpy(run + 8, w, 40);
    return htole32(s3p_crc32c(s->id_crc, run, 44));
}

/* Writes a cell from its filler. */
static inline void s3p_cell_put(const struct s3p_cell_source *s, uint64_t offset,
                                const uint64_t w[5], uint8_t cell[S3P_CELL])
{
    uint64_t le_offset = htole64(offset);
    uint32_t crc = s3p_cell_crc(s, offset, w);
    memcpy(cell, s->id, 16);
    memcpy(cell + 16, &le_offset, 8);
    memcpy(cell + 24, &crc, 4);
    memcpy(cell + 28, w, 36);
}

static inline uint64_t s3p_cell_load(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* Whether `p` is the cell at `offset` > 0: compared word by word, without writing it first. */
static inline bool s3p_cell_is(const struct s3p_cell_source *s, uint64_t offset, const uint8_t *p)
{
    uint64_t w[5], diff = 0;
    uint32_t crc, last;
    s3p_cell_filler(s, offset, w);
    memcpy(&crc, p + 24, 4);
    memcpy(&last, p + 60, 4);
    for (int i = 0; i < 4; i++)
        diff |= s3p_cell_load(p + 28 + 8 * i) ^ w[i];
    diff |= le32toh(last) ^ (uint32_t)le64toh(w[4]);
    diff |= s3p_cell_load(p) ^ s3p_cell_load(s->id);
    diff |= s3p_cell_load(p + 8) ^ s3p_cell_load(s->id + 8);
    diff |= s3p_cell_load(p + 16) ^ htole64(offset);
    return (diff | (crc ^ s3p_cell_crc(s, offset, w))) == 0;
}

/* The cell at `offset` of a body of `len` bytes. */
static inline void s3p_cell_make(const struct s3p_cell_source *s, uint64_t offset, uint64_t len,
                                 uint64_t key_hash, uint8_t cell[S3P_CELL])
{
    uint64_t w[5];
    s3p_cell_filler(s, offset, w);
    if (offset == 0) {
        w[0] = htole64(len);
        w[1] = htole64(key_hash);
    }
    s3p_cell_put(s, offset, w, cell);
}

#endif
