/* What the attempts of one partition say about its keys, its values and their ETags: the index from
 * key, value id and ETag to small numbers. It is built from all rows before anything is judged,
 * since an ETag is often used before, in file order, the answer that explains it.
 *
 * An ETag names a value when exactly one value of the key showed it. Threads: one owner. */
#ifndef S3P_CHECK_ETAGS_H
#define S3P_CHECK_ETAGS_H

#include "check/row.h"
#include "check/tally.h"

#define S3P_NO_SLOT UINT32_MAX
#define S3P_AMBIGUOUS (UINT32_MAX - 1)

struct s3p_key {
    uint64_t key_index;
    uint32_t rows, values; /* values are numbered from 1 */
    uint32_t reads;        /* of its rows */
    uint32_t answers;      /* of its reads, s3p_row_answers */
    uint32_t first;        /* of its rows in s3p_index.order */
    uint32_t next[2];      /* scratch: where the next one goes; [1]: of its reads */
    uint32_t hits;         /* ETag rules broken: only the first few are reported */
    uint16_t place;
    uint8_t spoiled; /* enum s3p_reason + 1; 0: no */
    bool blended;    /* a copy or a multipart upload may have made its object */
    bool by_version; /* single versions of it were deleted */
    bool weak;       /* bodies too short to have ETags of their own */
    bool hides_etag; /* a write that may have happened, and whose ETag nobody showed */
};

struct s3p_slot { /* a value */
    uint64_t token, etag;
    uint32_t key, number;
    uint32_t write, etag_row; /* rows; S3P_NO_SLOT */
    uint32_t size;
    bool written; /* perhaps: its write did not fail */
};

struct s3p_etag_slot {
    uint64_t token;
    uint32_t key, slot; /* S3P_AMBIGUOUS: two values showed it */
};

struct s3p_index {
    const struct s3p_row *row;
    uint32_t n, cap;
    /* Per row. order: rows grouped by key, those that are no reads first, else in file order: who
     * walks along it does the same thing many times. */
    uint32_t *key_of, *slot_of, *order;
    struct s3p_key *key;
    struct s3p_slot *slot;
    struct s3p_etag_slot *etag;
    uint32_t nkeys, nslots, netags;
    uint32_t nmixed; /* rows that are S3P_ROW_MIXED: in key_of alone, in no key's order */
    uint32_t last; /* key found last */
    uint32_t *key_table, *slot_table, *etag_table; /* open addressing, mask below */
    uint32_t mask;
};

/* Indexes rows[0 … n), which are borrowed until the next call, and reports broken ETag rules to
 * `t`. S3P_EFORMAT when two attempts wrote one value id. */
int s3p_index_build(struct s3p_index *x, const struct s3p_row *rows, uint32_t n,
                    struct s3p_tally *t, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_index_free(struct s3p_index *x);
/* The value that this ETag names on this key: slot, S3P_NO_SLOT or S3P_AMBIGUOUS. */
uint32_t s3p_index_etag(const struct s3p_index *x, uint32_t key, uint64_t etag);

#endif
