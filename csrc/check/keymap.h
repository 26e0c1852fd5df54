/* One key, one name. The same key text can be reached through several key spaces (a fixed space and
 * a literal in a program): the register must see it as one key. Canonical is what s3p_keynames_find
 * answers for the text.
 *
 * Generated spaces are compared by their first and last key; two of them that share some keys but
 * not these would be taken for different keys. Threads: read-only after creation. */
#ifndef S3P_CHECK_KEYMAP_H
#define S3P_CHECK_KEYMAP_H

#include "check/head.h"

struct s3p_alias {
    uint64_t key_index, to_index;
    uint16_t place, to_place;
};

struct s3p_keymap {
    const struct s3p_head *head;
    uint32_t buckets, places;
    bool *aliased; /* per place: look the key up in `alias` */
    /* By place and key_index; a key_index of S3P_NO_INDEX stands for every key, with the same index
     * (and to_index S3P_NO_INDEX). `back` holds the same by to_place and to_index. */
    struct s3p_alias *alias, *back;
    uint32_t naliases;
};

int s3p_keymap_create(struct s3p_keymap *m, const struct s3p_head *h,
                      struct s3p_err *err) S3P_MUST_CHECK;
void s3p_keymap_free(struct s3p_keymap *m);
void s3p_keymap_canon(const struct s3p_keymap *m, uint16_t *place,
                      uint64_t *key_index); /* of an aliased place */

/* The canonical key of this text in the bucket; false: it is none of the plan's. */
bool s3p_keymap_find(const struct s3p_keymap *m, uint16_t bucket, struct s3p_str key,
                     uint16_t *place, uint64_t *key_index);

/* The other places of a canonical key: calls `visit` for each. */
void s3p_keymap_others(const struct s3p_keymap *m, uint16_t place, uint64_t key_index,
                       void (*visit)(void *ctx, uint16_t place), void *ctx);

#endif
