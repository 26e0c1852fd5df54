/* What the attempts of one partition say about its keys, their values and ETags: the index from
 * key, value id and ETag to small numbers. Keys are found for the whole partition, values and ETags
 * for one key at a time, from all its rows before any is judged, since an ETag is often used
 * before, in file order, the answer that explains it.
 *
 * An ETag names a value when exactly one value of the key showed it. Threads: one owner. */
#ifndef S3P_CHECK_ETAGS_H
#define S3P_CHECK_ETAGS_H

#include "check/register.h"
#include "check/row.h"
#include "check/tally.h"

#define S3P_AMBIGUOUS (S3P_NO_VALUE - 1)
#define S3P_NO_ROW UINT32_MAX

struct s3p_key {
    uint64_t key_index;
    uint32_t rows;
    uint32_t reads;   /* of its rows */
    uint32_t answers; /* of its reads, s3p_kept_answers */
    uint32_t first;   /* of its rows in s3p_index.order */
    uint32_t next[2]; /* scratch: where the next one goes; [1]: of its reads */
    uint32_t hits;    /* ETag rules broken: only the first few are reported */
    uint16_t place;
    uint8_t spoiled; /* enum s3p_reason + 1; 0: no */
    bool blended;    /* a copy or a multipart upload may have made its object */
    bool by_version; /* single versions of it were deleted */
    bool weak;       /* bodies too short to have ETags of their own */
    bool refuses;    /* a condition on an ETag was refused, or the key deleted */
    bool claimed;    /* something says that the key is there, and not what it is */
    bool hides_etag; /* a write that may have happened, and whose ETag nobody showed */
    bool streamed;   /* its reads are counted, but not among the rows */
};

static inline uint32_t s3p_key_kept(const struct s3p_key *k)
{
    return k->streamed ? k->rows - k->reads : k->rows;
}

struct s3p_value {
    uint64_t token, etag;
    uint32_t write, etag_row; /* rows; S3P_NO_ROW */
};

struct s3p_table { /* open addressing; S3P_NO_ROW: empty */
    uint32_t *at;
    uint32_t size, cap, used;
};

struct s3p_index {
    const struct s3p_kept *row;
    uint32_t n, cap;
    /* Rows grouped by key, those that are no reads first, else in file order: who walks along it
     * does the same thing many times. */
    uint32_t *order;
    /* Per row: of the key at hand and those before the value, S3P_NO_VALUE without; else, and of a
     * S3P_ROW_MIXED always, the key. */
    uint32_t *number_of;
    struct s3p_key *key;
    uint32_t nkeys, key_cap;
    uint32_t nmixed; /* rows that are S3P_ROW_MIXED: in no key's order */
    uint32_t last;   /* key found last */
    /* of the key at hand */
    uint32_t current;
    struct s3p_value *value; /* from 1 */
    uint32_t values, value_cap;
    bool shared; /* an ETag of two values */
    struct s3p_table keys, tokens, etags; /* to keys; to values; to the row that showed it first */
};

/* Finds the keys of rows[0 … n), which are borrowed until the next call. */
int s3p_index_build(struct s3p_index *x, const struct s3p_kept *rows, uint32_t n,
                    struct s3p_err *err) S3P_MUST_CHECK;
/* The same step by step, where some reads are not kept (stream.c): open; see every row; then the
 * rows that are kept are x->row[0 … x->n), and group finds their keys. */
int s3p_index_open(struct s3p_index *x, struct s3p_err *err) S3P_MUST_CHECK;
int s3p_index_see(struct s3p_index *x, const struct s3p_kept *r, uint32_t *key,
                  struct s3p_err *err) S3P_MUST_CHECK;
int s3p_index_find(struct s3p_index *x, const struct s3p_kept *r, uint32_t *key,
                   struct s3p_err *err) S3P_MUST_CHECK;
int s3p_index_group(struct s3p_index *x, struct s3p_err *err) S3P_MUST_CHECK;

/* Then for each key, in order: numbers its values and reports broken ETag rules to `t`. S3P_EFORMAT
 * when two attempts wrote one value id. Between the two come the reads that are not kept: each is
 * put behind the rows as row `i`; `*first`: it showed an ETag first, and must stay. */
int s3p_index_key(struct s3p_index *x, uint32_t key, struct s3p_tally *t,
                  struct s3p_err *err) S3P_MUST_CHECK;
int s3p_index_read(struct s3p_index *x, uint32_t i, bool *first, struct s3p_tally *t,
                   struct s3p_err *err) S3P_MUST_CHECK;
int s3p_index_settle(struct s3p_index *x, struct s3p_tally *t, struct s3p_err *err) S3P_MUST_CHECK;
/* Numbers row `i` of the key at hand again. */
int s3p_index_number(struct s3p_index *x, uint32_t i, struct s3p_err *err) S3P_MUST_CHECK;
/* Gives back what is known of the values of the key at hand. It may be numbered again, from
 * s3p_index_key on: nothing is reported twice. */
void s3p_index_forget(struct s3p_index *x);
void s3p_index_free(struct s3p_index *x);
/* The value that this ETag names on the key at hand; S3P_NO_VALUE or S3P_AMBIGUOUS. */
uint32_t s3p_index_etag(const struct s3p_index *x, uint64_t etag);
/* The size that the value was written with, as a fingerprint; 0: not known. */
uint32_t s3p_index_size(const struct s3p_index *x, uint32_t value);
/* Memory of an index of so many rows of one key, with so many values. */
uint64_t s3p_index_bytes(uint64_t rows, uint64_t values);

#endif
