/* What the register needs of one attempt on one key: the columns of the file are read once, in
 * order, made into rows, and these are packed and scattered into partitions. Also the reasons why
 * something is not checked. */
#ifndef S3P_CHECK_ROW_H
#define S3P_CHECK_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "history/record.h"
#include "s3/outcome.h"

enum s3p_row_kind {
    S3P_ROW_NONE,   /* says nothing about the key */
    S3P_ROW_READ,   /* GET, HEAD, an entry of a page, the source of a copy; of tags that the key is
                       there, or is not */
    S3P_ROW_WRITE,  /* plain */
    S3P_ROW_CREATE, /* If-None-Match: * */
    S3P_ROW_CAS,    /* If-Match: an ETag */
    S3P_ROW_REPLACE, /* If-Match: * */
    S3P_ROW_DELETE,
    S3P_ROW_SPOIL, /* the key cannot be judged: `value` is the reason, `etag` the kind it had */
    S3P_ROW_MIXED, /* a read whose bytes break the rule `value`, unless the object of the key was
                      copied or made of parts: nothing else is known of it; `expect`: another
                      record + 1, or 0 */
};

/* row.size of a S3P_ROW_DELETE: it removed one version, so that an older one may show. */
#define S3P_ROW_BY_VERSION 1
/* row.size of a S3P_ROW_MIXED: whoever made the object. */
#define S3P_ROW_CERTAIN 1

/* row.bits: evidence in the low three, outcome in the next two. */
enum s3p_row_bit {
    S3P_ROW_EVIDENCE = 7,
    S3P_ROW_OUTCOME_SHIFT = 3,
    S3P_ROW_MAIN = 32,  /* main phase */
    S3P_ROW_ASIDE = 64, /* of a page, a copy's source, or of tags: no read of the key alone */
    S3P_ROW_WEAK = 128, /* a body too short to have an ETag of its own */
};

struct s3p_row {
    int64_t inv, res;
    uint64_t key_index;
    uint64_t value; /* value id as a token; 0: none */
    uint64_t etag;  /* ETags as tokens; 0: none */
    uint64_t expect;
    uint32_t record; /* number in the file */
    uint32_t client;
    uint32_t size;  /* fingerprint of the object's size; 0: not known */
    uint16_t place; /* space * buckets + bucket */
    uint8_t kind, bits;
};

static inline uint8_t s3p_row_outcome(const struct s3p_row *r)
{
    return (r->bits >> S3P_ROW_OUTCOME_SHIFT) & 3;
}

/* A row in 48 bytes, as it is kept until its partition is judged. It holds one ETag; where there
 * are two, a second row of kind S3P_ROW_NONE behind it has the other. Clients are told apart by
 * the lowest bits (a grade reads them from the file), and what took longer than four hours counts
 * as not returned. */
enum { S3P_KEPT_TOOK_BITS = 44, S3P_KEPT_CLIENT_BITS = 20 };
#define S3P_KEPT_NO_RETURN ((UINT64_C(1) << S3P_KEPT_TOOK_BITS) - 1)

enum s3p_kept_etag {
    S3P_KEPT_ANSWER, /* of the answer; what was asked for, if anything, is in the file */
    S3P_KEPT_EXPECT, /* what was asked for; the answer has none */
    S3P_KEPT_BOTH,   /* of the answer; what was asked for is in the row behind it */
};

struct s3p_kept {
    int64_t inv;
    uint64_t value, etag; /* 0: none */
    uint64_t took : S3P_KEPT_TOOK_BITS, client : S3P_KEPT_CLIENT_BITS;
    uint32_t record, size;
    uint32_t key_index;
    uint16_t place;
    uint8_t kind : 6, etag_is : 2;
    uint8_t bits;
};

/* Stores word `i`. A copy of the whole would wait for the fields that were just stored one by one.
 */
static inline void s3p_kept_word(struct s3p_kept *to, size_t i, uint64_t word)
{
    _Static_assert(sizeof *to == 48 && offsetof(struct s3p_kept, place) == 44, "words as below");
    memcpy((char *)to + i * sizeof word, &word, sizeof word);
}

/* Packs the row into to[0 … n): 2 has room for both ETags. */
static inline void s3p_row_pack(const struct s3p_row *r, struct s3p_kept *to, uint32_t n)
{
    static const uint64_t etag_is[2][2] = {{S3P_KEPT_EXPECT, S3P_KEPT_EXPECT},
                                           {S3P_KEPT_ANSWER, S3P_KEPT_BOTH}};
    uint64_t took = (uint64_t)r->res - (uint64_t)r->inv;
    bool own = (r->etag != 0) | (r->kind == S3P_ROW_SPOIL); /* no branches: chance decides */
    uint64_t etag = r->etag | (r->expect & -(uint64_t)!own);
    if (r->res == INT64_MAX || took > S3P_KEPT_NO_RETURN)
        took = S3P_KEPT_NO_RETURN;
    s3p_kept_word(to, 0, (uint64_t)r->inv);
    s3p_kept_word(to, 1, r->value);
    s3p_kept_word(to, 2, etag);
    s3p_kept_word(to, 3, took | (uint64_t)r->client << S3P_KEPT_TOOK_BITS);
    s3p_kept_word(to, 4, r->record | (uint64_t)r->size << 32);
    s3p_kept_word(to, 5,
                  (uint32_t)r->key_index | (uint64_t)r->place << 32 | (uint64_t)r->kind << 48 |
                      etag_is[own][n > 1] << 54 | (uint64_t)r->bits << 56);
    if (n > 1)
        to[1] = (struct s3p_kept){.etag = r->expect, .kind = S3P_ROW_NONE};
}

static inline int64_t s3p_kept_res(const struct s3p_kept *k)
{
    return k->took == S3P_KEPT_NO_RETURN ? INT64_MAX : k->inv + (int64_t)k->took;
}

static inline uint8_t s3p_kept_outcome(const struct s3p_kept *k)
{
    return (k->bits >> S3P_ROW_OUTCOME_SHIFT) & 3;
}

/* Of a read of the key alone: it says something. */
static inline bool s3p_kept_answers(const struct s3p_kept *k)
{
    return (k->bits & S3P_ROW_ASIDE) == 0 && (k->bits & S3P_ROW_EVIDENCE) != S3P_EV_NONE;
}

/* Not checked, and why. Those before S3P_WHY_NEGATIVES spoil whole keys. */
enum s3p_reason {
    S3P_WHY_CONSTANT_BODY,
    S3P_WHY_MULTI_DELIVERY,
    S3P_WHY_ALTERED, /* a proxy changed bytes on the way */
    S3P_WHY_FOREIGN_WRITER,
    S3P_WHY_FOREIGN_RUN,
    S3P_WHY_VERSIONS,
    S3P_WHY_COPY,
    S3P_WHY_MULTIPART,
    S3P_WHY_NO_IDENTITY,
    S3P_WHY_NEGATIVES,       /* refused conditions where the order of writes is not known */
    S3P_WHY_ETAG_UNRESOLVED, /* an ETag that an unknown write may explain */
    S3P_WHY_ETAG_MD5,        /* over the byte budget of regenerated bodies */
    S3P_WHY_LIST_NEGATIVES,  /* keys missing from a page */
    S3P_WHY_SEARCH_GAVE_UP,  /* windows in which the search met a bound */
    S3P_WHY_TAGS,            /* tag sets whose writers are not known */
    S3P_WHY_COUNT,
};
/* What of a key a violation is about. */
enum s3p_aspect { S3P_ASPECT_OBJECT, S3P_ASPECT_TAGS, S3P_ASPECT_VERSIONS, S3P_ASPECT_COUNT };
extern const char *const s3p_aspect_name[S3P_ASPECT_COUNT];
extern const char *const s3p_reason_name[S3P_WHY_COUNT];

#endif
