/* What copies read. The source of a copy is a read of its key in the copy's interval; what it saw
 * is told by bytes that were read from the copy later, or by the ETag of the answer: where ETags
 * are MD5s it is that of the bytes, hence that of a PUT. Where neither tells, or where the bytes of
 * the source may be another object's, nothing is known. */
#include <string.h>

#include "check/keymap.h"
#include "check/load.h"
#include "check/mutate.h"
#include "check/objects.h"
#include "check/token.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])
#define TOUCHED (S3P_FLAG_MULTI_DELIVERY | S3P_FLAG_ALTERED | S3P_FLAG_FOREIGN)

/* "role/key" or "role/key?versionId=…". */
bool s3p_source_find(const struct s3p_keymap *m, const struct s3p_segment_view *s, uint32_t i,
                     struct s3p_source *out)
{
    static const char version[] = "?versionId=";
    struct s3p_str text = s3p_segment_text(s, COL(s, uint32_t, source_key)[i]);
    const char *slash = text.len == 0 ? NULL : memchr(text.p, '/', text.len);
    if (slash == NULL)
        return false;
    struct s3p_str role = {text.p, (size_t)(slash - text.p)},
                   key = {slash + 1, text.len - role.len - 1};
    const char *asked = memmem(key.p, key.len, version, sizeof version - 1);
    if (asked != NULL)
        key.len = (size_t)(asked - key.p);
    out->version = asked != NULL;
    return s3p_keynames_bucket(m->head->names, role, &out->bucket) &&
           s3p_keymap_find(m, out->bucket, key, &out->place, &out->key_index);
}

/* A whole body that was read from a copy is what the copy read. */
void s3p_source_learn(struct s3p_objects *o, const struct s3p_segment_view *s, uint32_t i)
{
    struct s3p_id body = COL(s, struct s3p_id, body_id)[i];
    uint8_t verdict = COL(s, uint8_t, body_verdict)[i];
    const uint32_t *made = s3p_idmap_find(&o->by_meta, COL(s, struct s3p_id, meta_id)[i]);
    bool clean = verdict == S3P_BODY_CLEAN || verdict == S3P_BODY_FOREIGN ||
                 verdict == S3P_BODY_PARTS;
    bool whole = S3P_ON(SOURCE_RANGE, COL(s, uint64_t, range_len)[i] == 0) &&
                 S3P_ON(SOURCE_PART, COL(s, uint32_t, part_number)[i] == 0);
    if (made == NULL || (*made & S3P_OBJECT_COPY) == 0 || s3p_id_none(body) || !clean || !whole ||
        COL(s, uint8_t, outcome)[i] != S3P_OK_OUTCOME ||
        S3P_OFF(SOURCE_TOUCHED_READ, (COL(s, uint8_t, flags)[i] & TOUCHED) != 0))
        return;
    struct s3p_copied *copy = &o->copy[*made & ~S3P_OBJECT_COPY];
    if (s3p_id_none(copy->took))
        copy->took = body;
}

/* The body that the attempt took; NULL: nothing tells. */
static const struct s3p_origin *taken(const struct s3p_objects *o, const struct s3p_segment_view *s,
                                      uint32_t i)
{
    struct s3p_id id;
    const uint32_t *made = s3p_idmap_find(&o->by_meta, COL(s, struct s3p_id, meta_id)[i]), *at;
    if (COL(s, uint8_t, op)[i] == S3P_OP_COPY && made != NULL && (*made & S3P_OBJECT_COPY) != 0) {
        at = s3p_idmap_find(&o->by_body, o->copy[*made & ~S3P_OBJECT_COPY].took);
        if (at != NULL)
            return &o->origin[*at];
    }
    if (S3P_OFF(SOURCE_ETAG_UNKNOWN, COL(s, uint8_t, outcome)[i] != S3P_OK_OUTCOME) ||
        COL(s, uint8_t, etag_form)[i] != S3P_ETAG_DIGEST)
        return NULL;
    memcpy(&id, COL(s, s3p_etag_bytes, etag)[i].b, sizeof id);
    at = s3p_idmap_find(&o->by_etag, id);
    return at != NULL ? &o->origin[*at] : NULL;
}

/* The value that the body is to the register of its key. */
static uint64_t value_of(const struct s3p_objects *o, const struct s3p_origin *origin)
{
    const uint32_t *list = s3p_idmap_find(&o->by_list, origin->id);
    if (list == NULL)
        return s3p_value_token(&origin->id);
    const struct s3p_upload *up = &o->upload[o->list[*list].upload];
    return s3p_value_token(up->lists == 1 ? &up->meta_id : &origin->id);
}

void s3p_source_read(const struct s3p_objects *o, const struct s3p_segment_view *s, uint32_t i,
                     const struct s3p_source *source, struct s3p_row *r)
{
    struct s3p_id key = s3p_idmap_pair(source->place, source->key_index);
    uint8_t outcome = s3p_row_outcome(r);
    const struct s3p_origin *origin = taken(o, s, i);
    r->kind = S3P_ROW_NONE;
    r->etag = r->expect = 0;
    if (outcome == S3P_UNKNOWN)
        r->res = S3P_MUT(S3P_MUT_SOURCE_UNKNOWN_RETURNS, INT64_MAX, r->res);
    if (origin == NULL || S3P_OFF(SOURCE_VERSION, source->version) ||
        S3P_OFF(SOURCE_REFUSED, outcome == S3P_FAILED) || S3P_OFF(SOURCE_ALTERED, o->altered) ||
        S3P_OFF(SOURCE_TOUCHED, (COL(s, uint8_t, flags)[i] & TOUCHED) != 0) ||
        S3P_OFF(SOURCE_BLENDED, s3p_idmap_find(&o->brought_to, key) != NULL) ||
        S3P_OFF(SOURCE_KEY_ANY,
                !s3p_id_eq(s3p_idmap_pair(origin->place, origin->key_index), key)) ||
        S3P_OFF(SOURCE_FUTURE, S3P_LT(SOURCE_FUTURE_LE, r->res, origin->inv)))
        return; /* the last one is judged with what shows it */
    r->kind = S3P_ROW_READ;
    r->value = value_of(o, origin);
    r->bits = (uint8_t)((r->bits & S3P_ROW_MAIN) | S3P_EV_VALUE | S3P_ROW_ASIDE |
                        S3P_OK_OUTCOME << S3P_ROW_OUTCOME_SHIFT);
}
