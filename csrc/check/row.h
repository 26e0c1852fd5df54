/* What the register needs of one attempt on one key, in one cache line: the columns of the file are
 * read once, in order, and scattered into partitions of such rows. Also the reasons why something
 * is not checked. */
#ifndef S3P_CHECK_ROW_H
#define S3P_CHECK_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "history/record.h"
#include "s3/outcome.h"

enum s3p_row_kind {
    S3P_ROW_NONE,   /* says nothing about the key */
    S3P_ROW_READ,   /* GET, HEAD, an entry of a page */
    S3P_ROW_WRITE,  /* plain */
    S3P_ROW_CREATE, /* If-None-Match: * */
    S3P_ROW_CAS,    /* If-Match: an ETag */
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
    S3P_ROW_ENTRY = 64, /* of a page */
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

/* Of a read of the key alone: it says something. */
static inline bool s3p_row_answers(const struct s3p_row *r)
{
    return (r->bits & S3P_ROW_ENTRY) == 0 && (r->bits & S3P_ROW_EVIDENCE) != S3P_EV_NONE;
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
