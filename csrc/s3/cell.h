/* The cell generator behind body.c and verify.c; the layout is in body.h. Inline, because both run once per 64 bytes.
 * Threads: plain data of the caller. */
#ifndef S3P_S3_CELL_H
#define S3P_S3_CELL_H

#include <endian.h>
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

/* Completes a cell from its filler. The checksummed bytes after the id are laid out in one run, so that the CRC is one
 * call. */
static inline void s3p_cell_seal(const struct s3p_cell_source *s, uint64_t offset, const uint64_t w[5],
                                 uint8_t cell[S3P_CELL])
{
    uint8_t run[48];
    uint64_t le_offset = htole64(offset);
    memcpy(run, &le_offset, 8);
    memcpy(run + 8, w, 40);
    uint32_t crc = htole32(s3p_crc32c(s->id_crc, run, 44));
    memcpy(cell, s->id, 16);
    memcpy(cell + 16, &le_offset, 8);
    memcpy(cell + 24, &crc, 4);
    memcpy(cell + 28, w, 36);
}

/* The cell at `offset` of a body of `len` bytes. */
static inline void s3p_cell_make(const struct s3p_cell_source *s, uint64_t offset, uint64_t len, uint64_t key_hash,
                                 uint8_t cell[S3P_CELL])
{
    uint64_t w[5];
    s3p_cell_filler(s, offset, w);
    if (offset == 0) {
        w[0] = htole64(len);
        w[1] = htole64(key_hash);
    }
    s3p_cell_seal(s, offset, w, cell);
}

#endif
