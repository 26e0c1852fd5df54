/* What made the objects that no PUT made: multipart uploads and copies, over the whole history.
 *
 * A multipart object is one logical write for each (upload, list of parts): however often it is
 * completed with that list, it is written once. It returns with the earliest acknowledged Complete.
 * It begins with the earliest Complete that was not refused, or where the profile's mpu_order is
 * not "completed" with the Create, since a store may order it by that; a conditional Complete
 * always begins with itself. One that was called with several conditions has none.
 * Its outcome is the best of its Completes, but a 404 is no failure while another Complete of the
 * upload may have succeeded: that one made the upload unknown. Its value is the metadata id, which
 * the Create gave it, and the composite id where an upload was completed with several lists.
 * A copy with metadata of its own is a write whose value is that metadata's id: its bytes are older
 * than it. Their origin is judged apart: a write to the source, or to what was copied there, that
 * was called before the copy returned. A copy that keeps its metadata has no identity.
 *
 * s3p_objects_amend gives such rows to the register. Bytes of an object are compared with what made
 * it; what does not fit becomes a S3P_ROW_MIXED that names the other attempt.
 *
 * Threads: read-only once it is built. Source: docs/semantics.md, sections 2 and 6. */
#ifndef S3P_CHECK_OBJECTS_H
#define S3P_CHECK_OBJECTS_H

#include "check/head.h"
#include "check/idmap.h"
#include "check/row.h"
#include "check/tally.h"

#define S3P_NO_RECORD UINT32_MAX

struct s3p_upload {
    struct s3p_id meta_id;
    uint64_t key_index;
    uint16_t place;
    bool copied_parts;       /* a part without an id of its own */
    int64_t create_inv;      /* INT64_MIN when the history does not have it */
    int64_t created;         /* its acknowledgement; INT64_MAX */
    int64_t may_end;         /* earliest call of what may have ended it; INT64_MAX */
    int64_t complete_inv;    /* earliest call of any Complete; INT64_MAX */
    int64_t abort_inv, abort_res; /* of the earliest acknowledged Abort; INT64_MAX */
    int64_t acked_res;       /* earliest return of an acknowledged Complete; INT64_MAX */
    uint32_t create, first_complete, abort; /* records */
    uint32_t acked;          /* that Complete */
    uint32_t lists, list;    /* how many, and the first one */
    uint32_t part;           /* first of its parts in s3p_objects.part, once that is sorted */
    bool may_be_done;        /* a Complete did not fail */
    bool tagged;             /* its Create brought a tag set */
};

struct s3p_part_list { /* a logical write */
    struct s3p_id body_id;
    uint32_t upload, next;   /* the upload's next list */
    uint32_t write;          /* the record that stands for it */
    int64_t inv, res;
    uint64_t size;
    uint64_t etag, got_etag; /* from the parts' ETags, from the answer; tokens, 0: not known */
    const struct s3p_entry *named; /* the parts, in the file */
    uint32_t nnamed;
    uint8_t outcome, cond;
    uint64_t asked_etag;     /* what the last Complete that may have written asked for, a token, */
    uint8_t asked;           /* and its condition */
    bool mixed;              /* not all of those had the same: nobody knows which one counted */
    bool gone;               /* of the Completes that failed one found no upload */
    bool touched;            /* by a proxy: a Complete may have named others */
};

struct s3p_sent_part {
    struct s3p_id id;
    uint64_t etag, size; /* 0: not known */
    int64_t inv, res;
    uint32_t upload, number, record;
    bool ok;      /* acknowledged */
    bool touched; /* by a proxy: it may be another */
};

struct s3p_copied {
    struct s3p_id source;  /* pair of (place, key_index) */
    struct s3p_id meta_id; /* none: it keeps its metadata, and has no identity */
    struct s3p_id took;    /* the body that it read, as reads of the copy show; none */
    uint64_t key_index;
    uint16_t place;
    int64_t inv, res;
    uint32_t record;
    uint8_t fields; /* of its metadata; 0: the id alone */
};

struct s3p_origin { /* a body that may be copied */
    struct s3p_id id;
    uint64_t key_index;
    uint16_t place;
    int64_t inv;
    uint64_t size;
};

#define S3P_OBJECT_ARRAY(type, name)                                                               \
    type *name;                                                                                    \
    uint32_t n##name, cap##name

struct s3p_keymap;
enum { S3P_BROUGHT_WHOLE = 1, S3P_BROUGHT_IN_PARTS = 2, S3P_BROUGHT_NAMELESS = 4 };

struct s3p_objects {
    const struct s3p_histfile *file;
    const struct s3p_head *head;
    const struct s3p_keymap *keys;
    S3P_OBJECT_ARRAY(struct s3p_upload, upload);
    S3P_OBJECT_ARRAY(struct s3p_part_list, list);
    S3P_OBJECT_ARRAY(struct s3p_sent_part, part);
    S3P_OBJECT_ARRAY(struct s3p_copied, copy);
    S3P_OBJECT_ARRAY(struct s3p_origin, origin);
    struct s3p_idmap by_text;   /* upload id: upload */
    struct s3p_idmap by_meta;   /* metadata id: upload, or copy with COPY_BIT */
    struct s3p_idmap by_list;   /* composite id: list */
    struct s3p_idmap by_body;   /* body id: origin, where there are copies */
    struct s3p_idmap by_etag;   /* MD5 of a PUT's body: origin, where ETags are that */
    struct s3p_idmap copied_to; /* key: the first copy to it; copies of a key are neighbours */
    struct s3p_idmap brought_to; /* keys with copies, or parts that were copied: bits of how */
    bool any, copied_parts;
    bool odd_parts; /* of them some are whole objects: the next one may begin anywhere */
    bool altered; /* a proxy changed bytes on the way: a copy may have brought them */
};
#define S3P_OBJECT_COPY UINT32_C(0x80000000)

int s3p_objects_build(struct s3p_objects *o, const struct s3p_histfile *f, const struct s3p_head *h,
                      const struct s3p_keymap *keys, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_objects_free(struct s3p_objects *o);
/* What uploads show that no read does: a Complete's ETag, two lists, parts that were replaced,
 * Complete and Abort, what pages say of parts (object_uploads.c). */
int s3p_objects_judge(const struct s3p_objects *o, struct s3p_tally *t,
                      struct s3p_err *err) S3P_MUST_CHECK;
/* Uploads that a request did not find although they were there (upload_lives.c). */
int s3p_uploads_lost(const struct s3p_objects *o, struct s3p_tally *t,
                     struct s3p_err *err) S3P_MUST_CHECK;
/* The row of record `i`, which is filled and has its key. */
void s3p_objects_amend(const struct s3p_objects *o, const struct s3p_segment_view *s, uint32_t i,
                       struct s3p_row *r);

/* The list that this Complete stands for, or NULL; its upload, or NULL. */
const struct s3p_part_list *s3p_objects_list(const struct s3p_objects *o,
                                             const struct s3p_segment_view *s, uint32_t i,
                                             const struct s3p_upload **up);
/* Whether this copy's source is its destination. */
bool s3p_objects_on_itself(const struct s3p_objects *o, const struct s3p_segment_view *s,
                           uint32_t i, const struct s3p_row *key);

/* sources.c. The key that the copy, or copy of a part, names as its source; false: none of the
 * plan's. What a read shows of the copy that made its object. The row of the source, whose times
 * and outcome are filled: S3P_ROW_NONE when it is not known what was read. */
struct s3p_source {
    uint64_t key_index;
    uint16_t bucket, place;
    bool version; /* it asked for a version of it */
};
bool s3p_source_find(const struct s3p_keymap *m, const struct s3p_segment_view *s, uint32_t i,
                     struct s3p_source *out);
void s3p_source_learn(struct s3p_objects *o, const struct s3p_segment_view *s, uint32_t i);
void s3p_source_read(const struct s3p_objects *o, const struct s3p_segment_view *s, uint32_t i,
                     const struct s3p_source *source, struct s3p_row *r);

/* provenance.c: whether a copy to this key (`copy` S3P_NO_RECORD: any copy) may have brought this
 * body by time `by`. *known: what is known of the body. */
bool s3p_objects_brought(const struct s3p_objects *o, const struct s3p_row *key, uint32_t copy,
                         struct s3p_id body, int64_t by, const struct s3p_origin **known);

#endif
