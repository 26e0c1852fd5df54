/* The members of listings: named things with the windows in which they must be there or must be
 * gone (windows.h), sorted as pages list them.
 *
 *   objects   a key
 *   versions  (key, version id); id 0: any other id, of writes whose id nobody learned. `null` is
 *             one of them; written again and again its place among its siblings is that of the last
 *             write, and not judged
 *   uploads   (key, upload id); the same
 *   parts     (upload id, part number); place S3P_PART_PLACE, index the number
 *
 * Generated keys of one space are zero-padded, so their byte order is that of their numbers: runs
 * of a space are sorted and compared as numbers, texts are only made where two spaces meet. The
 * order is that of the keys' bytes inside a bucket. Ids are 64-bit tokens of their texts.
 *
 * Ownership: a set owns its arrays. Threads: one owner while it grows; read-only once sorted. */
#ifndef S3P_CHECK_MEMBERS_H
#define S3P_CHECK_MEMBERS_H

#include "check/keymap.h"
#include "check/windows.h"

#define S3P_PART_PLACE UINT16_MAX

enum s3p_listing { /* what a page lists */
    S3P_LIST_OBJECTS,
    S3P_LIST_VERSIONS,
    S3P_LIST_UPLOADS,
    S3P_LIST_PARTS,
    S3P_LISTINGS,
};

enum s3p_member_flag {
    S3P_MEMBER_LOOSE = 1,  /* its place among its siblings is the store's choice (multipart) */
    S3P_MEMBER_ANY_ID = 2, /* of versions and uploads: id 0 */
    S3P_MEMBER_REPEATS = 4, /* the version `null`, written again and again */
    S3P_MEMBER_FRESH = 8,   /* gone before all time */
};

struct s3p_member {
    uint64_t index, id;
    uint32_t first, there, gone; /* borders of windows: `there` from `first` on, then `gone` */
    uint16_t place;
    uint8_t flags;
};

struct s3p_members {
    struct s3p_member *member;
    int64_t *border; /* of all windows, struct s3p_borders */
    uint32_t *record;
    uint32_t n, cap, nborders, border_cap;
    uint32_t *start; /* per bucket and one more, when sorted */
};

/* Names of keys. `ordered` is shared by all threads, the buffers are of one. */
struct s3p_names {
    const struct s3p_head *head;
    bool *ordered; /* per place: the bytes of its keys ascend with their numbers; borrowed */
    struct s3p_buf text[2];
};
void s3p_names_init(struct s3p_names *n, const struct s3p_head *h, bool *ordered);
void s3p_names_free(struct s3p_names *n);
/* The key's text in buffer `which` (0, 1), valid until that buffer is used again. */
struct s3p_str s3p_name_text(struct s3p_names *n, int which, uint16_t place, uint64_t index);
int s3p_str_compare(struct s3p_str a, struct s3p_str b);

/* 64 bits of a version or upload id; 0 for none. */
uint64_t s3p_id_token(struct s3p_str id);

/* Appends a member with the windows of its facts. */
int s3p_members_add(struct s3p_members *m, struct s3p_windows *w, const struct s3p_member *name,
                    const struct s3p_fact *f, uint32_t n, struct s3p_err *err) S3P_MUST_CHECK;
/* Moves the members of `from` behind those of `into`. */
int s3p_members_merge(struct s3p_members *into, struct s3p_members *from,
                      struct s3p_err *err) S3P_MUST_CHECK;
/* Sorts by bucket and name; parts by upload and number. Settles names->ordered. */
int s3p_members_sort(struct s3p_members *m, enum s3p_listing kind, struct s3p_names *names,
                     struct s3p_err *err) S3P_MUST_CHECK;
/* Members of which nobody can tell whether they are there at `until`, nor later. */
uint64_t s3p_members_undecided(const struct s3p_members *m, int64_t until);
void s3p_members_free(struct s3p_members *m);

static inline struct s3p_borders s3p_member_there(const struct s3p_members *s,
                                                  const struct s3p_member *m)
{
    return (struct s3p_borders){s->border + m->first, s->record + m->first, m->there, false};
}

static inline struct s3p_borders s3p_member_gone(const struct s3p_members *s,
                                                 const struct s3p_member *m)
{
    uint32_t first = m->first + m->there;
    return (struct s3p_borders){s->border + first, s->record + first, m->gone,
                                (m->flags & S3P_MEMBER_FRESH) != 0};
}

/* ---- member_facts.c: the members of versions, uploads and parts, from the file ---- */

/* Adds the members of `kind` that the attempts in the file name. */
struct s3p_walks;
int s3p_members_collect(struct s3p_members *m, enum s3p_listing kind, const struct s3p_histfile *f,
                        const struct s3p_keymap *map, const struct s3p_walks *walks,
                        struct s3p_err *err) S3P_MUST_CHECK;

#endif
