/* Key spaces: named sets of keys, the choice of one, and the way back from a key's text to (space,
 * index).
 *
 * A key is (space, index) everywhere in the engine and in histories; its text is made when a
 * request needs it. Draws come from the client's own random stream, so that they do not depend on
 * the number of workers; `sequence` and `lifecycle` have state, which belongs to a worker.
 *
 * Threads: a struct s3p_space is read-only after the plan was parsed; a chooser belongs to its
 * worker. */
#ifndef S3P_ENGINE_KEYSPACE_H
#define S3P_ENGINE_KEYSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/random.h"

#define S3P_KEY_MAX 1024
#define S3P_SPACE_COUNT_MAX 100000000u /* indices have eight digits */
#define S3P_OWN_CLIENT_DIGITS 5
#define S3P_INDEX_DIGITS 8

enum s3p_space_kind {
    S3P_SPACE_FIXED,
    S3P_SPACE_SEQUENCE,
    S3P_SPACE_UNIFORM,
    S3P_SPACE_ZIPF,
    S3P_SPACE_OWN,
    S3P_SPACE_LIFECYCLE,
    S3P_SPACE_KINDS,
};
extern const char *const s3p_space_kind_name[S3P_SPACE_KINDS];

struct s3p_keyref {
    uint64_t index;
    uint16_t space;
};

struct s3p_space {
    struct s3p_str name; /* "" for the literal keys of a bucket */
    enum s3p_space_kind kind;
    uint16_t bucket;
    struct s3p_str prefix;
    uint64_t count; /* keys, of `own`: a client */
    double theta;
    struct s3p_zipf zipf;
    struct s3p_str *keys; /* fixed */
    bool *constant_key;   /* fixed: some put writes a constant body to this key */
    bool constant;        /* the same, to any key of the space */
    bool chosen;          /* some program chooses from it */
};

struct s3p_spaces {
    struct s3p_space *space;
    int n;
    /* hash of all fixed keys: position + 1 in `fixed`, 0 for free */
    struct s3p_fixed_key *fixed;
    uint32_t *table;
    uint32_t table_mask, nfixed;
};

/* What a choice from a lifecycle space wants. */
enum s3p_take { S3P_TAKE_NONE, S3P_TAKE_FRESH, S3P_TAKE_ACKED, S3P_TAKE_ANY };

/* Builds the hash of fixed keys; call when all spaces are complete. 0, S3P_ENOMEM, or S3P_EINVAL
 * when a fixed key occurs twice in a bucket. `clash` then names it. */
int s3p_spaces_index(struct s3p_spaces *s, struct s3p_arena *arena, struct s3p_str *clash);
/* The key of this text in a bucket; false when it is not one of the plan's. */
bool s3p_spaces_find(const struct s3p_spaces *s, uint16_t bucket, struct s3p_str key,
                     struct s3p_keyref *out);
/* The same among the generated spaces alone. */
bool s3p_spaces_find_generated(const struct s3p_spaces *s, uint16_t bucket, struct s3p_str key,
                               struct s3p_keyref *out);
/* Text of a key, at most S3P_KEY_MAX bytes, no NUL. `scratch` holds it when it is generated. */
struct s3p_str s3p_space_text(const struct s3p_space *s, uint64_t index, char scratch[S3P_KEY_MAX]);
bool s3p_space_constant(const struct s3p_space *s, uint64_t index);

/* A worker's state of the spaces. */
struct s3p_chooser;
int s3p_chooser_create(struct s3p_chooser **out, const struct s3p_spaces *spaces, int worker,
                       int workers, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_chooser_free(struct s3p_chooser *c);
size_t s3p_chooser_bytes(const struct s3p_spaces *spaces, int worker);

struct s3p_draw { /* who chooses */
    struct s3p_rng *rng;
    uint32_t client; /* index over all groups */
    /* the client's walk, one number for each space of the plan; may be NULL without `own` */
    uint64_t *own_next;
};
/* False when there is nothing to choose. */
bool s3p_choose(struct s3p_chooser *c, uint16_t space, enum s3p_take take,
                const struct s3p_draw *who, uint64_t *index);

/* A lifecycle key that a client has taken, until it lets go of it. Plain data of the client. */
struct s3p_hold {
    struct s3p_keyref key;
    bool held;
    bool was_acked;                 /* taken from the acked ones, else from the fresh ones */
    bool written, deleted, unknown; /* mutations of the holder */
};
/* Decides where the key goes: retired after a delete or an unknown mutation, acked after an acked
 * write, else back. */
void s3p_hold_release(struct s3p_chooser *c, struct s3p_hold *h);

#endif
