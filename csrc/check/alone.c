#include "check/alone.h"

#include <string.h>

#include "check/mutate.h"
#include "core/digest.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])

static int hit(struct s3p_tally *t, enum s3p_rule rule, const struct s3p_row *key,
               struct s3p_err *err)
{
    struct s3p_hit h = {.key_index = key->key_index,
                        .record = {key->record},
                        .place = key->place,
                        .rule = (uint8_t)rule,
                        .n = 1};
    return s3p_tally_hit(t, &h, err);
}

uint64_t s3p_alone_md5_bytes(const struct s3p_segment_view *s, uint32_t i)
{
    uint8_t kind = COL(s, uint8_t, body_kind)[i];
    if (COL(s, uint8_t, outcome)[i] != S3P_OK_OUTCOME ||
        COL(s, uint8_t, etag_form)[i] == S3P_ETAG_NONE ||
        (kind != S3P_KIND_CELLS && kind != S3P_KIND_COUNTER))
        return 0;
    return COL(s, uint64_t, size)[i] + 1; /* an empty body costs too */
}

static bool md5_fits(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i)
{
    struct s3p_id id = COL(s, struct s3p_id, body_id)[i];
    uint8_t md5[S3P_MD5_BYTES];
    if (S3P_OFF(ALONE_FORM_OFF, COL(s, uint8_t, etag_form)[i] != S3P_ETAG_DIGEST))
        return false;
    if (COL(s, uint8_t, body_kind)[i] == S3P_KIND_COUNTER) {
        char body[S3P_COUNTER_BODY_MAX];
        s3p_md5(body, s3p_counter_body(body, id, COL(s, int64_t, counter)[i]), md5);
    } else {
        struct s3p_buf key;
        s3p_buf_init(&key, 4096);
        s3p_keynames_text(l->head->names, COL(s, uint16_t, space)[i],
                          COL(s, uint64_t, key_index)[i], &key);
        struct s3p_str role = s3p_keynames_bucket_role(l->head->names, COL(s, uint16_t, bucket)[i]);
        struct s3p_body b = {id, COL(s, uint64_t, size)[i],
                             s3p_key_hash(role.p, role.len, key.data, key.len)};
        bool known = s3p_buf_ok(&key);
        s3p_buf_free(&key);
        if (!known)
            return true;
        s3p_body_md5(&b, md5);
    }
    return memcmp(md5, COL(s, s3p_etag_bytes, etag)[i].b, sizeof md5) == 0;
}

static int judge_put(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                     const struct s3p_row *key, uint64_t *md5_bytes, struct s3p_tally *t,
                     struct s3p_err *err)
{
    uint64_t bytes = s3p_alone_md5_bytes(s, i);
    if (bytes == 0)
        return 0;
    if (S3P_OFF(ALONE_BUDGET_OFF, *md5_bytes < bytes)) {
        *md5_bytes = S3P_MUT(S3P_MUT_ALONE_BUDGET_LEFT, 0, *md5_bytes); /* the same at any order */
        s3p_tally_skip(t, S3P_WHY_ETAG_MD5, 0, 1);
        return 0;
    }
    *md5_bytes -= bytes;
    return md5_fits(l, s, i) ? 0 : hit(t, S3P_RULE_ETAG_MISMATCH, key, err);
}

/* Every write of a run has metadata, those of the object that its bytes went into. */
static bool lacks_meta(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i)
{
    const struct s3p_id *body = &COL(s, struct s3p_id, body_id)[i];
    uint8_t verdict = COL(s, uint8_t, body_verdict)[i];
    return COL(s, uint8_t, op)[i] == S3P_OP_GET &&
           S3P_ON(ALONE_RUN_ANY, s3p_id_run(*body) == l->head->run) &&
           S3P_ON(ALONE_TORN, verdict == S3P_BODY_CLEAN || verdict == S3P_BODY_FOREIGN);
}

/* Of a PUT whose bytes nobody else sent. */
static bool is_of_long_body(const struct s3p_load *l, const struct s3p_etag *etag)
{
    struct s3p_id id;
    memcpy(&id, etag->b, sizeof id);
    return s3p_idmap_find(&l->objects->by_etag, id) != NULL;
}

/* What was copied has the ETag of its bytes, and so had the source, unless it was made of parts:
 * then it has one of another form, and if its parts were copied, or short, perhaps another object's
 * bytes. */
static int judge_copy(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                      const struct s3p_row *key, struct s3p_tally *t, struct s3p_err *err)
{
    struct s3p_str want_same = s3p_load_arg(s, i, "if-match=");
    struct s3p_str want_other = s3p_load_arg(s, i, "if-none-match=");
    bool same = want_same.len != 0, other = want_other.len != 0;
    if (S3P_OFF(COPY_SOURCE_REFUSED, COL(s, uint8_t, outcome)[i] != S3P_OK_OUTCOME) ||
        (!same && !other) || S3P_OFF(COPY_SOURCE_PARTS, other && l->objects->copied_parts) ||
        S3P_OFF(COPY_SOURCE_ANY, l->head->etag_is_md5 != S3P_ETAG_MD5_REQUIRED) ||
        S3P_OFF(COPY_SOURCE_FORM, COL(s, uint8_t, etag_form)[i] != S3P_ETAG_DIGEST))
        return 0;
    struct s3p_str text = same ? want_same : want_other;
    struct s3p_etag want = s3p_etag_parse(text.p, text.len);
    bool equal = memcmp(want.b, COL(s, s3p_etag_bytes, etag)[i].b, sizeof want.b) == 0;
    if (S3P_OFF(COPY_SOURCE_WANT, want.form != S3P_ETAG_DIGEST) ||
        S3P_OFF(COPY_SOURCE_SHORT, other && !is_of_long_body(l, &want)) ||
        S3P_MUT(S3P_MUT_COPY_SOURCE_SAME, equal == same, equal))
        return 0;
    return hit(t, S3P_RULE_COPY_WRONG_SOURCE, key, err);
}

/* Whether the ETag of the answer is one that the condition of the read excludes. */
static bool excludes(const struct s3p_segment_view *s, uint32_t i)
{
    uint8_t cond = COL(s, uint8_t, cond)[i], form = COL(s, uint8_t, etag_form)[i];
    bool match = cond == S3P_COND_IF_MATCH, other = cond == S3P_COND_IF_NONE_MATCH;
    if ((!match && !other) || S3P_OFF(ALONE_COND_NO_ETAG, form == S3P_ETAG_NONE) ||
        S3P_OFF(ALONE_COND_FORM, form != COL(s, uint8_t, expect_form)[i]))
        return false;
    bool equal = memcmp(COL(s, s3p_etag_bytes, etag)[i].b, COL(s, s3p_etag_bytes, expect_etag)[i].b,
                        sizeof(s3p_etag_bytes)) == 0;
    return S3P_MUT(S3P_MUT_ALONE_COND_SAME, equal != match, equal);
}

/* An object always has one. Runners take it from the head of the answer, whatever it is. */
static bool lacks_etag(const struct s3p_segment_view *s, uint32_t i)
{
    return COL(s, uint8_t, outcome)[i] == S3P_OK_OUTCOME &&
           S3P_OFF(ALONE_NO_ETAG, COL(s, uint8_t, etag_form)[i] == S3P_ETAG_NONE);
}

int s3p_alone_meta(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                   const struct s3p_row *key, struct s3p_tally *t, struct s3p_err *err)
{
    uint8_t flags = COL(s, uint8_t, flags)[i];
    if (COL(s, uint8_t, op)[i] == S3P_OP_COPY)
        return judge_copy(l, s, i, key, t, err);
    if (lacks_etag(s, i))
        S3P_TRY(hit(t, S3P_RULE_ETAG_MISMATCH, key, err));
    if (COL(s, uint8_t, outcome)[i] == S3P_OK_OUTCOME && excludes(s, i))
        S3P_TRY(hit(t, S3P_RULE_READ_CONDITION, key, err));
    if (COL(s, uint8_t, outcome)[i] != S3P_OK_OUTCOME ||
        S3P_OFF(ALONE_FOREIGN, (flags & S3P_FLAG_FOREIGN) != 0) ||
        !s3p_id_none(COL(s, struct s3p_id, meta_id)[i]))
        return 0;
    if (s3p_load_arg(s, i, "fields=").len != 0)
        return hit(t, S3P_RULE_META_TORN, key, err);
    return lacks_meta(l, s, i) ? hit(t, S3P_RULE_META_LOST, key, err) : 0;
}

/* Bytes of another key are known by whole cells: behind one that is cut they look corrupt. */
static bool is_cut_copy(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i)
{
    return l->objects->ncopy != 0 &&
           S3P_ON(ALONE_CUT_ANY, COL(s, uint64_t, range_first)[i] % S3P_CELL != 0);
}

int s3p_alone(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
              const struct s3p_row *key, uint64_t *md5_bytes, struct s3p_tally *t,
              struct s3p_err *err)
{
    switch (COL(s, uint8_t, op)[i]) {
    case S3P_OP_PUT:
        return judge_put(l, s, i, key, md5_bytes, t, err);
    case S3P_OP_GET: /* a part that begins beside the cells looks corrupt */
        return COL(s, uint8_t, outcome)[i] == S3P_OK_OUTCOME &&
                       COL(s, uint8_t, body_verdict)[i] == S3P_BODY_CORRUPT &&
                       S3P_ON(ALONE_ODD_PARTS, !l->objects->odd_parts) &&
                       S3P_ON(ALONE_CUT_COPY, !is_cut_copy(l, s, i))
                   ? hit(t, S3P_RULE_BODY_CORRUPT, key, err)
                   : 0; /* of one that was cut short on the way the wire is to blame */
    default:
        return 0;
    }
}
